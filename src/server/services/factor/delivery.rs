//! Sending codes by text message (ACC-3). Code, text and job are stored in one transaction of the business whose
//! provider sends; the job hands the text over, with retries until the code is over. What was sent is an entry in that
//! business: it pays.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    model::{
        audit::{Action, Outcome},
        id::{JobId, MemberId, UserId},
        phone::Phone,
        texting::PERSON_A_DAY,
    },
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        providers::{TextError, TextMessage, telephony, texting},
        store::{
            self, TenantTx,
            audit::{NewEntry, Target},
            connection::Connection,
            lobby::{NewTextCode, TextPut},
        },
        vault::{Purpose, Secret, codes},
    },
};

/// The job that sends a text.
pub const TEXT_JOB: &str = "text.send";
/// How long a texted code is good, and worth sending.
pub const TEXT_SECONDS: i64 = 600;

/// What a job is to send, and to whom, by ids.
#[derive(Debug, Serialize, Deserialize)]
pub struct TextPayload {
    pub text: Uuid,
    pub member: MemberId,
}

/// Who gets a text, and where.
pub(super) struct Recipient {
    pub(super) user: UserId,
    pub(super) member: MemberId,
    pub(super) phone: Phone,
}

/// What is sealed in a text.
#[derive(Serialize, Deserialize)]
struct Message {
    to: String,
    body: String,
}

impl Drop for Message {
    fn drop(&mut self) {
        self.to.zeroize();
        self.body.zeroize();
    }
}

/// What a text says. The code first, so that a phone's short preview has it.
fn body(code: &Secret) -> String {
    let minutes = TEXT_SECONDS / 60;
    format!(
        "{} is your Ringfort code, good for {minutes} minutes, once. Give it to nobody: nobody of ours asks for it.",
        code.expose()
    )
}

/// Whether this transaction's business could text at all.
///
/// # Errors
/// The database cannot be reached.
pub(super) async fn can_send(app: &App, tx: &mut TenantTx) -> Result<bool, AppError> {
    Ok(app.config().texts_per_day > 0 && store::connection::has_sender(tx, &texting()).await?)
}

/// Stores a code that answers `challenge`, in place of an older one, and queues the text that brings it. False: this
/// transaction's business has no provider that can text, sends nothing to this person, or nothing to such numbers.
///
/// # Errors
/// Limited to one a minute, to so many a day, and to so many a day of the whole business.
pub(super) async fn queue(app: &App, tx: &mut TenantTx, to: &Recipient, challenge: Uuid) -> Result<bool, AppError> {
    if !app.config().text_prefixes.allow(&to.phone) || !can_send(app, tx).await? {
        return Ok(false);
    }
    let code = codes::draw_email(app.entropy());
    let (text, now): (Uuid, _) = (app.draw(), tx.now());
    let message = Message { to: to.phone.reveal().to_owned(), body: body(&code) };
    let plain = Zeroizing::new(serde_json::to_vec(&message).map_err(|e| AppError::Internal(Box::new(e)))?);
    let new = NewTextCode {
        challenge,
        user: to.user,
        hash: &codes::email_hash(challenge, code.expose()),
        text,
        sealed: &app.vault().seal_own(Purpose::Text, text, &plain)?,
        expires: now.plus(TEXT_SECONDS),
        person_most: PERSON_A_DAY,
        business_most: app.config().texts_per_day,
    };
    match store::lobby::text_code_put(tx, new).await? {
        TextPut::NotHere => Ok(false),
        TextPut::TooMany(retry_after) => Err(AppError::Limited { retry_after }),
        TextPut::Stored => {
            let payload = json!(TextPayload { text, member: to.member });
            store::job::enqueue(tx, app.draw(), TEXT_JOB, &text.to_string(), payload, now).await?;
            Ok(true)
        }
    }
}

/// Sends a text: the job's body. `again`: an earlier try may have got through. No transaction is open while the
/// provider answers.
///
/// # Errors
/// The provider or the database cannot be reached: worth another try. What will never be sent is no error, but an
/// entry.
pub async fn send_text(
    app: &App,
    caller: &Caller,
    payload: &TextPayload,
    job: JobId,
    again: bool,
) -> Result<(), AppError> {
    let now = app.clock().now();
    let mut tx = TenantTx::open(app.worker_db(), caller, now).await?;
    let Some(due) = store::lobby::text_due(&mut tx, payload.text).await? else {
        store::lobby::text_done(&mut tx, payload.text).await?;
        store::job::finish(&mut tx, job).await?;
        return Ok(tx.commit().await?);
    };
    let sender = store::connection::sender(&mut tx, &texting()).await?;
    let secret = match &sender {
        Some(connection) => Some(store::connection::newest_secret(&mut tx, connection.id).await?),
        None => None,
    };
    tx.commit().await?;
    let outcome = match (sender, secret) {
        _ if due.expires_at <= now => Err("late"),
        (Some(connection), Some((id, sealed))) => {
            let vault = app.vault();
            let secret = vault.open_text(caller.business, Purpose::ConnectionSecret, id.0, &sealed).await?;
            let plain = vault.open_own(Purpose::Text, payload.text, &due.sealed)?;
            let message = serde_json::from_slice(&plain).map_err(|e| AppError::Internal(Box::new(e)))?;
            match hand_over(app, &connection, &secret, &message, again).await {
                Err(error @ (TextError::Transient | TextError::RateLimited { .. })) => {
                    return Err(AppError::ProviderAway(Box::new(error)));
                }
                other => other.map_err(TextError::code),
            }
        }
        _ => Err(TextError::CannotText.code()),
    };
    close(app, caller, payload, job, outcome).await
}

async fn hand_over(
    app: &App,
    connection: &Connection,
    secret: &Secret,
    message: &Message,
    again: bool,
) -> Result<(), TextError> {
    let provider = telephony(&connection.provider).ok_or(TextError::CannotText)?;
    let from = connection.number.as_deref().and_then(|number| number.parse::<Phone>().ok());
    let from = from.ok_or(TextError::CannotText)?;
    let to: Phone = message.to.parse().map_err(|_| TextError::Number)?;
    let body = Secret::new(message.body.clone());
    let text = TextMessage { from: &from, to: &to, body: &body, again };
    provider.send_text(app.outbound(), &connection.account, secret, &text).await
}

/// The text is gone, whether it was sent or not: entry, text and job in one transaction.
async fn close(
    app: &App,
    caller: &Caller,
    payload: &TextPayload,
    job: JobId,
    outcome: Result<(), &'static str>,
) -> Result<(), AppError> {
    let mut tx = TenantTx::open(app.worker_db(), caller, app.clock().now()).await?;
    store::lobby::text_done(&mut tx, payload.text).await?;
    let entry = NewEntry {
        id: app.draw(),
        action: Action::FactorTextSent,
        target: Some(Target { kind: "member", id: Some(payload.member.0) }),
        outcome: if outcome.is_ok() { Outcome::Done } else { Outcome::Failed },
        reason: outcome.err().map(str::to_owned),
        before: None,
        after: None,
    };
    store::audit::append(&mut tx, entry).await?;
    store::job::finish(&mut tx, job).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_text_and_begins_with_its_code() {
        let text = body(&Secret::new("12345678".to_owned()));
        assert!(text.starts_with("12345678 ") && text.contains("10 minutes"), "{text}");
        // Letters that every network has, and few enough for one text (GSM 03.38).
        assert!(text.is_ascii() && text.len() <= 160, "{} letters", text.len());
    }
}
