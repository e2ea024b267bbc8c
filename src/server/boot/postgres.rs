//! The private `PostgreSQL`: what an installation without `DATABASE_URL` stores its data in.
//!
//! It listens on a Unix socket alone, with a drawn password per role, and runs as long as the process that owns it:
//! that process restarts it when it dies and stops it on the way out. A second process on the same data folder (a
//! demo and its simulator) uses it without owning it. Who owns is decided by a file lock, which the kernel takes back
//! from a killed process.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
    str::FromStr,
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::process::Pid;
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::{
    layout::{Layout, PORT},
    process::Server,
};
use crate::server::{kit::entropy::SystemEntropy, vault::Secret};

mod layout;
mod passwords;
mod process;

pub use passwords::Passwords;

/// How long a start may take.
const READY: Duration = Duration::from_secs(20);
/// How long it may take when `PostgreSQL` says that it is recovering from a crash: cutting that off helps nobody.
const RECOVERED: Duration = Duration::from_mins(5);
/// How long a second process waits for the owner, who may be making the cluster.
const ATTACHED: Duration = Duration::from_mins(1);
/// An owner whose server answers so often in a row, 200 ms apart, is there to stay.
const ANSWERS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A server that lived this long did not die of its start.
const CALM: Duration = Duration::from_secs(30);

/// A private `PostgreSQL` that answers.
pub struct PrivatePostgres {
    spot: Layout,
    passwords: Passwords,
    keeper: Option<Keeper>,
}

/// What an owner holds.
struct Keeper {
    /// Dropped, it tells the task to stop the server.
    stop: DropGuard,
    task: JoinHandle<()>,
    _lock: File,
}

impl PrivatePostgres {
    /// Starts the cluster in `dir/postgres`, making it first if need be, or joins the process that runs it already.
    ///
    /// # Errors
    /// The programs are missing, a folder cannot be used, or it does not answer in time; what `PostgreSQL` said last is
    /// in the error.
    pub async fn start(dir: &Path) -> anyhow::Result<Self> {
        let spot = Layout::prepare(dir).await?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&spot.lock);
        let lock = lock.with_context(|| format!("opening {}", spot.lock.display()))?;
        let deadline = Instant::now() + ATTACHED;
        let mut answers = 0;
        loop {
            match lock.try_lock() {
                Ok(()) => return Self::own(spot, lock).await,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("locking {}", spot.lock.display()));
                }
            }
            // A process that was killed holds its lock for a moment longer, and its server goes with it: only an owner
            // who stays is joined.
            let passwords = Passwords::read(&spot.passwords)?;
            match passwords {
                Some(passwords) if probe(&admin_url(&spot, &passwords)).await.is_ok() => {
                    answers += 1;
                    if answers >= ANSWERS {
                        return Ok(Self { spot, passwords, keeper: None });
                    }
                }
                _ => answers = 0,
            }
            if Instant::now() > deadline {
                bail!("another ringfort holds {}, but its database does not answer", spot.lock.display());
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    async fn own(spot: Layout, lock: File) -> anyhow::Result<Self> {
        let passwords = match Passwords::read(&spot.passwords)? {
            Some(passwords) => passwords.completed(&SystemEntropy, &spot.passwords)?,
            None if spot.data.exists() => bail!(
                "{} is missing, and without it the database in {} cannot be opened: restore both from one backup",
                spot.passwords.display(),
                spot.data.display()
            ),
            None => {
                let drawn = Passwords::draw(&SystemEntropy);
                drawn.write(&spot.passwords)?;
                drawn
            }
        };
        if let Some(orphan) = process::running(&spot.data) {
            tracing::warn!("the private PostgreSQL of a process that is gone still runs; starting it anew");
            process::end_orphan(&spot.data, orphan).await?;
        }
        if !spot.data.exists() {
            tracing::info!(data = %spot.data.display(), "making the private database");
            process::make_cluster(&spot, &passwords.admin).await?;
        }
        let server = start_server(&spot, &admin_url(&spot, &passwords)).await?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(keep(spot.clone(), server, stop.clone()));
        Ok(Self { spot, passwords, keeper: Some(Keeper { stop: stop.drop_guard(), task, _lock: lock }) })
    }

    /// Stops the server, if this process owns it. Close the pools first: open sessions are cut.
    pub async fn stop(self) {
        let Some(Keeper { stop, task, _lock }) = self.keeper else { return };
        drop(stop);
        if let Err(error) = task.await {
            tracing::error!(%error, "the keeper of the private PostgreSQL failed");
        }
    }

    /// Whether it ends with this process.
    #[must_use]
    pub fn owned(&self) -> bool {
        self.keeper.is_some()
    }

    /// The postmaster's process, as long as it lives.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        process::running(&self.spot.data)
    }

    /// The cluster's data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.spot.data
    }

    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// For what serves requests.
    #[must_use]
    pub fn app_url(&self) -> Secret {
        url(&self.spot, "ringfort_app", &self.passwords.app, "ringfort")
    }

    /// For what runs jobs.
    #[must_use]
    pub fn worker_url(&self) -> Secret {
        url(&self.spot, "ringfort_worker", &self.passwords.worker, "ringfort")
    }

    /// For roles and migrations: the cluster's superuser, whom row security does not bind.
    #[must_use]
    pub fn owner_url(&self) -> Secret {
        url(&self.spot, "ringfort_admin", &self.passwords.admin, "ringfort")
    }

    /// For support. Absent until the process that owns the cluster has drawn a password for it: an older one has none.
    #[must_use]
    pub fn operator_url(&self) -> Option<Secret> {
        let password = self.passwords.operator.as_ref()?;
        Some(url(&self.spot, "ringfort_operator", password, "ringfort"))
    }

    /// For who reads audit entries and nothing else.
    #[must_use]
    pub fn auditor_url(&self) -> Secret {
        url(&self.spot, "ringfort_auditor", &self.passwords.auditor, "ringfort")
    }
}

fn admin_url(spot: &Layout, passwords: &Passwords) -> Secret {
    url(spot, "ringfort_admin", &passwords.admin, "postgres")
}

/// The socket's folder stands in the query, where both sqlx and libpq read it; the host before it is a filler.
fn url(spot: &Layout, role: &str, password: &Secret, database: &str) -> Secret {
    let folder = escape(&spot.run.to_string_lossy());
    Secret::new(format!("postgres://{role}:{}@localhost:{PORT}/{database}?host={folder}", escape(password.expose())))
}

/// Percent-encodes everything but unreserved characters (RFC 3986, 2.3).
fn escape(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// Starts the server and waits until it answers. The first seconds after a crash may need several tries, as long as
/// old sessions hold the shared memory.
async fn start_server(spot: &Layout, admin: &Secret) -> anyhow::Result<Server> {
    let deadline = Instant::now() + READY;
    loop {
        let mut server = process::launch(spot)?;
        match wait_until_ready(&mut server, spot, admin).await {
            Ok(()) => return Ok(server),
            Err(error) if Instant::now() > deadline => {
                server.shut_down().await;
                return Err(error);
            }
            Err(_) => {
                server.shut_down().await;
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn wait_until_ready(server: &mut Server, spot: &Layout, admin: &Secret) -> anyhow::Result<()> {
    let start = Instant::now();
    loop {
        if let Some(how) = server.has_ended() {
            bail!("PostgreSQL ended at its start ({how}). It said:\n{}", last_words(&spot.log));
        }
        let problem = match probe(admin).await {
            Ok(()) => return Ok(()),
            Err(problem) => problem,
        };
        let patience = if is_recovering(&problem) { RECOVERED } else { READY };
        if start.elapsed() > patience {
            let words = last_words(&spot.log);
            return Err(problem).with_context(|| format!("PostgreSQL does not answer. It said:\n{words}"));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn probe(admin: &Secret) -> Result<(), sqlx::Error> {
    let options = PgConnectOptions::from_str(admin.expose())?;
    match timeout(Duration::from_secs(2), options.connect()).await {
        Ok(connection) => connection?.close().await,
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// 57P03: the server is there and not yet ready.
fn is_recovering(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(said) if said.code().as_deref() == Some("57P03"))
}

/// The end of the log, for an error that a person reads.
fn last_words(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().rev().take(6).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Starts the server again whenever it ends, until told to stop it.
async fn keep(spot: Layout, mut server: Server, stop: CancellationToken) {
    let mut pause = FIRST_PAUSE;
    loop {
        let born = Instant::now();
        tokio::select! {
            how = server.ended() => tracing::error!(%how, "the private PostgreSQL ended; starting it again"),
            () = stop.cancelled() => return server.shut_down().await,
        }
        if born.elapsed() > CALM {
            pause = FIRST_PAUSE;
        }
        server = loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            match process::launch(&spot) {
                Ok(server) => break server,
                Err(error) => tracing::error!(error = format!("{error:#}"), "the private PostgreSQL does not start"),
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_survives_odd_characters() {
        let url = format!("postgres://a:{}@localhost:1/b?host={}", escape("p@:/?#%"), escape("/var/a b&c=+é"));
        let options = PgConnectOptions::from_str(&url).expect("a URL");
        assert_eq!(options.get_socket().map(|path| path.to_string_lossy().into_owned()), Some("/var/a b&c=+é".into()));
        assert_eq!((options.get_username(), options.get_port(), options.get_database()), ("a", 1, Some("b")));
    }
}
