//! Mail: written here, queued sealed in the transaction that causes it, sent by the worker. Into a folder by default,
//! by SMTP when configured ([`smtp`]). What mails say stands in [`texts`], how they are laid out in [`layout`].

mod factor;
mod identity;
pub mod layout;
mod operator;
mod review;
mod seal;
pub mod smtp;
mod texts;

use std::path::{Path, PathBuf};

pub use layout::Letter;
use lettre::{
    AsyncFileTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart, header::ContentType},
};
use serde::{Deserialize, Serialize};
use smtp::{Problem, Smtp, SmtpSettings};
use uuid::Uuid;

use crate::{
    model::personal::Email,
    server::{
        boot::App,
        http::AppError,
        store::{self, TenantTx},
        vault::Purpose,
    },
};

/// A mail that waits to be sent.
#[derive(Serialize, Deserialize)]
pub struct Mail {
    to: Email,
    subject: String,
    text: String,
    /// The same once more. Absent in mails that were queued before there was one.
    #[serde(default)]
    html: Option<String>,
}

impl Mail {
    /// A mail with both forms of a letter.
    #[must_use]
    pub fn new(to: &Email, subject: &str, letter: &Letter) -> Self {
        Self { to: to.clone(), subject: subject.to_owned(), text: letter.text(), html: Some(letter.html(subject)) }
    }

    /// The id it is queued under, and the whole of it, sealed.
    pub(super) fn sealed(&self, app: &App) -> Result<(Uuid, Vec<u8>), AppError> {
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
    #[error("the mail cannot be written")]
    Message(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the folder for mails cannot be written")]
    Folder(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the mail server {}", .0.words())]
    Server(Problem),
}

impl MailError {
    /// The closed word for the log and the queue: causes may name addresses.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Settings(_) => "settings",
            Self::Message(_) => "message",
            Self::Folder(_) => "folder",
            Self::Server(problem) => problem.code(),
        }
    }

    /// The status that the mail server answered with, when it did.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Server(problem) => problem.status(),
            _ => None,
        }
    }

    /// Whether another mail would fare no better now.
    #[must_use]
    pub const fn is_of_all(&self) -> bool {
        match self {
            Self::Settings(_) | Self::Folder(_) => true,
            Self::Message(_) => false,
            Self::Server(problem) => problem.is_of_all(),
        }
    }
}

/// Hands mails over.
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

enum Way {
    Folder(PathBuf, AsyncFileTransport<Tokio1Executor>),
    Smtp(Smtp),
}

impl Mailer {
    /// By SMTP when there is a server, else into `folder`.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn new(from: &str, server: Option<&SmtpSettings>, folder: &Path) -> Result<Self, MailError> {
        let from = from.parse().map_err(|e| MailError::Settings(Box::new(e)))?;
        let way = if let Some(server) = server {
            Way::Smtp(Smtp::new(server)?)
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
    /// The server refused it, cannot be reached, or is not the one that it should be.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail).map_err(MailError::Message)?;
        match &self.way {
            Way::Folder(_, folder) => {
                folder.send(message).await.map_err(|e| MailError::Folder(Box::new(e)))?;
                Ok(())
            }
            Way::Smtp(smtp) => smtp.send(message).await.map_err(MailError::Server),
        }
    }

    fn message(&self, mail: &Mail) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
        let to: Mailbox = mail.to.reveal().parse()?;
        let message = Message::builder().from(self.from.clone()).to(to).subject(mail.subject.clone());
        Ok(match &mail.html {
            Some(html) => message.multipart(MultiPart::alternative_plain_html(mail.text.clone(), html.clone())),
            None => message.header(ContentType::TEXT_PLAIN).body(mail.text.clone()),
        }?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_that_were_queued_before_there_was_html_are_still_read() {
        let queued = r#"{"to":"ada@example.com","subject":"Hello","text":"Hello,\n"}"#;
        let mail: Mail = serde_json::from_str(queued).expect("a mail");
        assert!(mail.html.is_none() && mail.text == "Hello,\n");
        let new = Mail::new(&mail.to, "Hello", &Letter::hello());
        let again: Mail = serde_json::from_slice(&serde_json::to_vec(&new).expect("writes")).expect("reads");
        assert!(again.html.is_some_and(|html| html.contains("<p>Hello,</p>")));
    }
}
