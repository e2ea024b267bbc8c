//! Mail: written here, queued sealed in the transaction that causes it, sent by the worker. Into a folder by default,
//! by SMTP when configured. A mail holds no text that a stranger wrote, so that nobody can use us to send theirs.

use std::path::{Path, PathBuf};

use lettre::{
    AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    model::{permission::Role, personal::Email},
    server::{
        boot::App,
        http::AppError,
        kit::entropy::Token,
        store::{self, TenantTx},
        vault::{Purpose, Secret},
    },
};

/// A mail that waits to be sent.
#[derive(Serialize, Deserialize)]
pub struct Mail {
    to: Email,
    subject: String,
    text: String,
}

impl Mail {
    /// The link that founds a business.
    #[must_use]
    pub fn sign_up(app: &App, to: &Email, token: &Token) -> Self {
        let link = format!("{}/open/sign-up/{}", app.config().public_url, token.reveal());
        Self {
            to: to.clone(),
            subject: "Your Ringfort sign-up".into(),
            text: format!(
                "Hello,\n\nplease open this link within 10 minutes to finish signing up:\n\n{link}\n\nIf it was not \
                 you, there is nothing to do: without the link nothing happens.\n"
            ),
        }
    }

    /// Somebody tried to sign up with an address that has an account.
    #[must_use]
    pub fn already_here(app: &App, to: &Email) -> Self {
        let link = format!("{}/sign-in", app.config().public_url);
        Self {
            to: to.clone(),
            subject: "Your Ringfort sign-up".into(),
            text: format!(
                "Hello,\n\nsomebody, probably you, tried to sign up with this address. It has an account already; \
                 sign in here:\n\n{link}\n\nIf it was not you, there is nothing to do.\n"
            ),
        }
    }

    /// An invitation. The business's name is the inviter's text, so it is not in the subject.
    #[must_use]
    pub fn invitation(app: &App, to: &Email, business: &str, role: Role, token: &Token) -> Self {
        let link = format!("{}/open/join/{}", app.config().public_url, token.reveal());
        let role = role.label().to_lowercase();
        Self {
            to: to.clone(),
            subject: "You are invited to Ringfort".into(),
            text: format!(
                "Hello,\n\nyou are invited to join «{business}» as {role}. Please open this link within 7 days:\n\n\
                 {link}\n\nIf you did not expect this, there is nothing to do.\n"
            ),
        }
    }

    fn sealed(&self, app: &App) -> Result<(Uuid, Vec<u8>), AppError> {
        let id: Uuid = app.draw();
        let plain = serde_json::to_vec(self).map_err(|e| AppError::Internal(Box::new(e)))?;
        Ok((id, app.vault().seal_own(Purpose::Mail, id, &plain)?))
    }
}

/// Queues a mail that no business has caused.
///
/// # Errors
/// The database cannot be reached.
pub async fn enqueue(app: &App, mail: &Mail) -> Result<(), AppError> {
    let (id, sealed) = mail.sealed(app)?;
    store::lobby::mail_enqueue(app.db(), id, &sealed).await?;
    app.hub().wake_worker();
    Ok(())
}

/// Queues a mail on the transaction that causes it.
///
/// # Errors
/// The database cannot be reached.
pub async fn enqueue_in(app: &App, tx: &mut TenantTx, mail: &Mail) -> Result<(), AppError> {
    let (id, sealed) = mail.sealed(app)?;
    Ok(store::lobby::mail_enqueue_in(tx, id, &sealed).await?)
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("the mail settings cannot be used")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the mail could not be handed over")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Hands mails over.
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

enum Way {
    Folder(PathBuf, AsyncFileTransport<Tokio1Executor>),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

impl Mailer {
    /// By SMTP when there is an address (`smtps://user:password@host:465`, or `smtp://…?tls=required`), else into
    /// `folder`.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn new(from: &str, smtp_url: Option<&Secret>, folder: &Path) -> Result<Self, MailError> {
        let from = from.parse().map_err(|e| MailError::Settings(Box::new(e)))?;
        let way = if let Some(url) = smtp_url {
            Way::Smtp(
                AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
                    .map_err(|e| MailError::Settings(Box::new(e)))?
                    .build(),
            )
        } else {
            std::fs::create_dir_all(folder).map_err(|e| MailError::Settings(Box::new(e)))?;
            Way::Folder(folder.to_owned(), AsyncFileTransport::<Tokio1Executor>::new(folder))
        };
        Ok(Self { from, way })
    }

    /// The folder that mails are written to, when they are.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match &self.way {
            Way::Folder(folder, _) => Some(folder),
            Way::Smtp(_) => None,
        }
    }

    /// Hands one mail over.
    ///
    /// # Errors
    /// The server refused it or cannot be reached.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let transport = |e: Box<dyn std::error::Error + Send + Sync>| MailError::Transport(e);
        let to: Mailbox = mail.to.reveal().parse().map_err(|e| transport(Box::new(e)))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject.clone())
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|e| transport(Box::new(e)))?;
        match &self.way {
            Way::Folder(_, folder) => folder.send(message).await.map(|_| ()).map_err(|e| transport(Box::new(e))),
            Way::Smtp(smtp) => smtp.send(message).await.map(|_| ()).map_err(|e| transport(Box::new(e))),
        }
    }
}
