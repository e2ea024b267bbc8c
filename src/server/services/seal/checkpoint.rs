//! Checkpoints (AUD-3): the newest seal of each business, sent where nobody who owns the database reaches it. By file, by mail,
//! by HTTP; once per interval, and only when there is something new. Each is a job, so that one that fails is tried again.
//!
//! To add a way: a variant of [`Way`], its code in the check of `audit_checkpoints.way`, its setting in
//! `boot::config::Checkpoints`, and its arm in [`send`].

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{fs, io::AsyncWriteExt};
use url::Url;
use uuid::Uuid;

use super::sealer;
use crate::{
    model::{
        id::JobId,
        personal::Email,
        seal::{Line, Seal},
    },
    server::{
        boot::{
            App,
            config::{Checkpoints, Recipients},
        },
        caller::Caller,
        http::AppError,
        kit::outbound::{Login, OutboundError},
        mail::{self, Mail},
        store::{self, StoreError, TenantTx, seal::Sent},
    },
};

/// The job that sends one.
pub const JOB: &str = "audit.checkpoint";
/// The file in the folder that takes them.
pub const FILE: &str = "checkpoints.jsonl";

/// How a checkpoint goes outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    File,
    Mail,
    Http,
}

impl Way {
    const ALL: [Self; 3] = [Self::File, Self::Mail, Self::Http];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Mail => "mail",
            Self::Http => "http",
        }
    }

    const fn is_on(self, settings: &Checkpoints) -> bool {
        match self {
            Self::File => settings.folder.is_some(),
            Self::Mail => settings.mail.is_some(),
            Self::Http => settings.url.is_some(),
        }
    }
}

/// What a job says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Payload {
    pub way: Way,
}

/// Queues what is due. Of several processes that do so at once, one succeeds.
///
/// # Errors
/// The database cannot be reached.
pub async fn schedule(app: &App) -> Result<(), StoreError> {
    let (settings, now) = (&app.config().checkpoints, app.clock().now());
    for way in Way::ALL.into_iter().filter(|way| way.is_on(settings)) {
        let key = format!("{}/{}", way.code(), now.as_second().div_euclid(settings.seconds));
        let since = now.plus(-settings.seconds);
        for business in store::lobby::checkpoints_due(app.worker_db(), JOB, way.code(), &key, since).await? {
            let mut tx = TenantTx::open(app.worker_db(), &sealer(app, business), now).await?;
            store::job::enqueue(&mut tx, app.draw::<JobId>(), JOB, &key, json!(Payload { way }), now).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Sends the newest seal of the caller's business. The body of [`JOB`], which it finishes. What fails after it was sent is sent
/// again: the same line twice does no harm.
///
/// # Errors
/// It could not be sent, or not be written down.
pub async fn send(app: &App, caller: &Caller, way: Way, job: JobId) -> Result<(), AppError> {
    let settings = &app.config().checkpoints;
    let mut tx = TenantTx::open(app.worker_db(), caller, app.clock().now()).await?;
    let head = store::seal::head(&mut tx).await?;
    let owners = store::member::owners(&mut tx).await?;
    tx.commit().await?;
    let mut mails = Vec::new();
    let mut sent = None;
    if let Some(seal) = head {
        let line = line(&seal)?;
        let place = match way {
            Way::File => match &settings.folder {
                Some(folder) => Some(append(folder, &line).await?),
                None => None,
            },
            Way::Http => match &settings.url {
                Some(url) => Some(post(app, url, line).await?),
                None => None,
            },
            Way::Mail => {
                mails = letters(settings, &owners, &seal, &line);
                (!mails.is_empty()).then(|| "mail".to_owned())
            }
        };
        sent = place.map(|place| record(app, way, place, &seal));
    }
    let mut tx = TenantTx::open(app.worker_db(), caller, app.clock().now()).await?;
    for mail in &mails {
        mail::enqueue_in(app, &mut tx, mail).await?;
    }
    if let Some(sent) = sent {
        store::seal::sent(&mut tx, app.draw::<Uuid>(), &sent).await?;
    }
    store::job::finish(&mut tx, job).await?;
    tx.commit().await?;
    Ok(())
}

/// A seal as one line of JSON, without what it holds.
fn line(seal: &Seal) -> Result<String, AppError> {
    serde_json::to_string(&Line::Checkpoint(seal.checkpoint())).map_err(|e| AppError::Internal(Box::new(e)))
}

fn record(app: &App, way: Way, place: String, seal: &Seal) -> Sent {
    Sent { way: way.code().to_owned(), place, seq: seal.seq, hash: seal.hash, sent_at: app.clock().now() }
}

/// Appends a line, in one write, and waits until it is on disk.
async fn append(folder: &Path, line: &str) -> Result<String, AppError> {
    let path = folder.join(FILE);
    let write = async {
        fs::create_dir_all(folder).await?;
        let mut file = fs::OpenOptions::new().append(true).create(true).mode(0o640).open(&path).await?;
        file.write_all(format!("{line}\n").as_bytes()).await?;
        file.flush().await?;
        file.sync_all().await
    };
    write.await.map_err(|e| AppError::Unavailable(Box::new(e)))?;
    Ok(path.to_string_lossy().chars().take(300).collect())
}

async fn post(app: &App, url: &str, line: String) -> Result<String, AppError> {
    let token = app.config().checkpoints.token.as_ref();
    let login = token.map_or(Login::Nobody, |token| Login::Bearer(token.expose()));
    let reply = app.outbound().post_json(url, login, line).await.map_err(|e| AppError::Unavailable(Box::new(e)))?;
    if !(200..300).contains(&reply.status) {
        return Err(AppError::Unavailable(Box::new(OutboundError::Unreachable)));
    }
    // Of the address only the server: its path may be a secret.
    Ok(Url::parse(url).map_or_else(|_| "http".to_owned(), |url| url.origin().ascii_serialization()))
}

fn letters(settings: &Checkpoints, owners: &[(Email, String)], seal: &Seal, line: &str) -> Vec<Mail> {
    match &settings.mail {
        Some(Recipients::Owners) => owners
            .iter()
            .map(|(email, business)| Mail::checkpoint(email, Some(business.as_str()), seal, line))
            .collect(),
        Some(Recipients::One(email)) => vec![Mail::checkpoint(email, None, seal, line)],
        None => Vec::new(),
    }
}
