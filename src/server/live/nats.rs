//! NATS between nodes (OPS-3): a doorbell, and never the truth.
//!
//! Three things are told, and none of them holds content or anything about a person: that a business has news up to a place
//! in the outbox, that somebody on another node wrote, and that rights may have ended. Whoever hears it looks into the
//! database. So a message that is lost, late, doubled or forged can change when a node looks, and not what it shows; and
//! without NATS everything goes on, by polling.
//!
//! Subjects begin with `ringfort.` and the installation's mark, so that several installations may share a server:
//! `….live.<business>` says up to where that business has news, `….nodes` is heard by every node. To add a word for all
//! nodes: a variant of [`Word`], and what a node does about it in [`super::listen`].

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, ConnectOptions, Event, Message, ServerAddr, Subscriber};
use tokio::{sync::Notify, time::timeout};

use super::Cursor;
use crate::{
    model::id::BusinessId,
    server::{kit::tls, vault::Secret},
};

/// Telling must never hold up what it tells of.
const PATIENCE: Duration = Duration::from_millis(200);
/// A server that is silent for three of these is gone.
const PING: Duration = Duration::from_secs(2);
const CONNECT: Duration = Duration::from_secs(3);
/// Messages of one subscription that wait here. Each says where to look, so more than a few are as good as one.
const WAITING: usize = 256;

/// Where NATS is, and as whom we go there.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// `nats://host:4222` or `tls://host:4222`, without anything that signs in.
    pub servers: Vec<String>,
    pub login: Login,
    /// Whether every server is spoken to by TLS alone.
    pub is_tls: bool,
    /// Who signs the servers' certificates, as PEM; none: the authorities that browsers trust.
    pub authority: Option<String>,
}

/// How we sign in there.
#[derive(Debug, Clone)]
pub enum Login {
    Nobody,
    Token(Secret),
    Password {
        user: String,
        password: Secret,
    },
    /// The content of a `.creds` file.
    Credentials(Secret),
}

/// Why NATS cannot be used. Never repeats a setting: it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    #[error("an address of a NATS server is none")]
    Address(#[source] std::io::Error),
    #[error("the credentials for NATS cannot be read")]
    Credentials(#[source] std::io::Error),
    #[error("the certificates for NATS cannot be read")]
    Authority(#[from] tls::BadCertificates),
    #[error("NATS does not answer, or does not let us in")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("NATS does not answer in time")]
    Slow,
}

/// What every node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Somebody committed a live event: who tells the others should look.
    Written,
    /// A session or a right may have ended: streams are checked at once.
    Access,
}

impl Word {
    const ALL: [Self; 2] = [Self::Written, Self::Access];

    const fn code(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Access => "access",
        }
    }
}

/// The connection. Clones share it; it comes back by itself.
#[derive(Clone)]
pub struct Nats(Arc<Inner>);

struct Inner {
    client: Client,
    prefix: String,
    link: Arc<Link>,
}

/// What is known of the connection.
#[derive(Default)]
struct Link {
    is_up: AtomicBool,
    changed: Notify,
    told: AtomicU64,
    heard: AtomicU64,
    leads: AtomicBool,
}

impl Link {
    fn note(&self, event: &Event) {
        let is_up = match event {
            Event::Connected => true,
            Event::Disconnected => false,
            _ => return,
        };
        if self.is_up.swap(is_up, Ordering::Relaxed) != is_up {
            self.changed.notify_one();
            if is_up {
                tracing::info!("NATS is connected");
            } else {
                tracing::warn!("NATS is away: other nodes' events are looked for in the database");
            }
        }
    }
}

fn options(settings: &NatsSettings) -> Result<ConnectOptions, NatsError> {
    let mut options = ConnectOptions::new().name("ringfort").connection_timeout(CONNECT).ping_interval(PING).no_echo();
    if settings.is_tls {
        let config = tls::client(settings.authority.as_deref())?;
        options = options.require_tls(true).tls_client_config((*config).clone());
    }
    Ok(match &settings.login {
        Login::Nobody => options,
        Login::Token(token) => options.token(token.expose().to_owned()),
        Login::Password { user, password } => options.user_and_password(user.clone(), password.expose().to_owned()),
        Login::Credentials(text) => options.credentials(text.expose()).map_err(NatsError::Credentials)?,
    })
}

fn addresses(settings: &NatsSettings) -> Result<Vec<ServerAddr>, NatsError> {
    settings.servers.iter().map(|server| server.parse::<ServerAddr>().map_err(NatsError::Address)).collect()
}

/// The first tries come quickly: a server that is started again is there within a second.
fn pause_before(attempt: usize) -> Duration {
    Duration::from_millis(u64::try_from(attempt).unwrap_or(u64::MAX).min(10) * 100)
}

/// Asks a server once: whether it answers and lets us in.
///
/// # Errors
/// Why not.
pub async fn check(settings: &NatsSettings) -> Result<(), NatsError> {
    let (options, addresses) = (options(settings)?, addresses(settings)?);
    let ask = async {
        let client = options.connect(addresses).await.map_err(|error| NatsError::Away(Box::new(error)))?;
        client.flush().await.map_err(|error| NatsError::Away(Box::new(error)))
    };
    timeout(CONNECT * 2, ask).await.map_err(|_| NatsError::Slow)?
}

impl Nats {
    /// Connects in the background, now and whenever the connection is lost. `installation` keeps apart those that share a
    /// server.
    ///
    /// # Errors
    /// Settings that cannot be used. A server that is away is none.
    pub async fn connect(settings: &NatsSettings, installation: &str) -> Result<Self, NatsError> {
        let link = Arc::new(Link::default());
        let told = link.clone();
        let options = options(settings)?
            .subscription_capacity(WAITING)
            .reconnect_delay_callback(pause_before)
            .retry_on_initial_connect()
            .event_callback(move |event| {
                told.note(&event);
                ready(())
            });
        let client = options.connect(addresses(settings)?).await.map_err(|error| NatsError::Away(Box::new(error)))?;
        Ok(Self(Arc::new(Inner { client, prefix: format!("ringfort.{installation}"), link })))
    }

    /// Whether there is a connection now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.link.is_up.load(Ordering::Relaxed)
    }

    /// Resolves when the connection was lost or is back: what was told meanwhile is to be looked for.
    pub async fn changed(&self) {
        self.0.link.changed.notified().await;
    }

    /// Messages that this node has sent and received.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.0.link.told.load(Ordering::Relaxed), self.0.link.heard.load(Ordering::Relaxed))
    }

    /// Notes whether this node tells the others, for the metrics.
    pub fn set_leads(&self, leads: bool) {
        self.0.link.leads.store(leads, Ordering::Relaxed);
    }

    /// Whether this node tells the others.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.0.link.leads.load(Ordering::Relaxed)
    }

    /// Says that a business has news up to that place in the outbox.
    pub async fn tell_news(&self, business: BusinessId, at: Cursor) {
        self.send(self.subject_of(business), at.to_string()).await;
    }

    /// Says something to every other node.
    pub async fn tell(&self, word: Word) {
        self.send(self.subject_of_nodes(), word.code().to_owned()).await;
    }

    /// What is told of a business.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn news_of(&self, business: BusinessId) -> Result<Subscriber, NatsError> {
        self.subscribe(self.subject_of(business)).await
    }

    /// What is told to every node.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn words(&self) -> Result<Subscriber, NatsError> {
        self.subscribe(self.subject_of_nodes()).await
    }

    /// A message that says up to where a business has news. `None` for anything else.
    #[must_use]
    pub fn read_news(&self, message: &Message) -> Option<Cursor> {
        self.0.link.heard.fetch_add(1, Ordering::Relaxed);
        std::str::from_utf8(message.payload.as_ref()).ok()?.parse().ok()
    }

    /// A message to every node. `None` for a word that this version does not know.
    #[must_use]
    pub fn read_word(&self, message: &Message) -> Option<Word> {
        self.0.link.heard.fetch_add(1, Ordering::Relaxed);
        let payload: &[u8] = message.payload.as_ref();
        Word::ALL.into_iter().find(|word| word.code().as_bytes() == payload)
    }

    fn subject_of(&self, business: BusinessId) -> String {
        format!("{}.live.{}", self.0.prefix, business.0.simple())
    }

    fn subject_of_nodes(&self) -> String {
        format!("{}.nodes", self.0.prefix)
    }

    async fn subscribe(&self, subject: String) -> Result<Subscriber, NatsError> {
        let subscribed = timeout(CONNECT, self.0.client.subscribe(subject)).await.map_err(|_| NatsError::Slow)?;
        subscribed.map_err(|error| NatsError::Away(Box::new(error)))
    }

    async fn send(&self, subject: String, text: String) {
        // Nothing waits for a server that is away: what it would have told is in the database.
        if !self.is_connected() {
            return;
        }
        match timeout(PATIENCE, self.0.client.publish(subject, text.into())).await {
            Ok(Ok(())) => {
                self.0.link.told.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Err(error)) => tracing::warn!(error.message = %error, "other nodes could not be told"),
            Err(_) => tracing::warn!("other nodes could not be told in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(login: Login) -> NatsSettings {
        NatsSettings { servers: vec!["nats://127.0.0.1:4222".to_owned()], login, is_tls: false, authority: None }
    }

    #[test]
    fn the_connection_is_as_the_last_event_said() {
        let link = Link::default();
        for (event, is_up) in [(Event::Connected, true), (Event::Connected, true), (Event::Disconnected, false)] {
            link.note(&event);
            assert_eq!(link.is_up.load(Ordering::Relaxed), is_up);
        }
    }

    #[test]
    fn settings_become_addresses_and_never_words() {
        let secret = Login::Token(Secret::new("hunter2".to_owned()));
        assert_eq!(addresses(&settings(secret.clone())).map(|all| all.len()).ok(), Some(1));
        assert!(!format!("{:?}", settings(secret)).contains("hunter2"));
        assert!(options(&settings(Login::Credentials(Secret::new("no credentials".to_owned())))).is_err());
    }

    #[test]
    fn tries_to_come_back_stay_within_a_second() {
        assert_eq!(pause_before(1), Duration::from_millis(100));
        assert_eq!(pause_before(usize::MAX), Duration::from_secs(1));
    }

    #[test]
    fn words_are_told_apart() {
        assert_eq!(Word::ALL.map(Word::code), ["written", "access"]);
    }
}
