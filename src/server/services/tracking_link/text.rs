//! The text message that brings a tracking link. Sealed with its link until a job has handed it over, or has tried as often as
//! jobs do; each text, sent or not, is an entry in the business, which pays.

use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    model::{
        audit::{Action, Outcome},
        field::Bad,
        id::{JobId, TrackingLinkId, WorkOrderId},
        phone::Phone,
    },
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        providers::{TextError, TextMessage, telephony, texting},
        store::{
            self, StoreError, TenantTx,
            audit::{NewEntry, Target},
            connection::Connection,
            work_order::WorkOrder,
        },
        vault::{Purpose, Secret},
    },
};

/// The job that sends one.
pub const TEXT_JOB: &str = "tracking.text";

/// What a job is to send.
#[derive(Debug, Serialize, Deserialize)]
pub struct TextPayload {
    pub link: TrackingLinkId,
}

/// What is sealed.
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

/// What a text says.
fn body(business: &str, address: &Secret) -> String {
    format!("{business}: see where your technician is, until the job is done: {}", address.expose())
}

/// Queues the text that brings a link, and gives it sealed, to be stored with the link.
///
/// # Errors
/// Invalid when the customer has no number that may be texted, or the business no provider that can; limited to so many a day of
/// the whole business.
pub(super) async fn queue(
    app: &App,
    tx: &mut TenantTx,
    link: TrackingLinkId,
    order: &WorkOrder,
    business: &str,
    address: &Secret,
) -> Result<Vec<u8>, AppError> {
    let (most, now) = (app.config().texts_per_day, tx.now());
    let bad = || AppError::field("way", Bad::NoText);
    let phone = order.phone.as_ref().filter(|phone| app.config().text_prefixes.allow(phone)).ok_or_else(bad)?;
    if most <= 0 || !store::connection::has_sender(tx, &texting()).await? {
        return Err(bad());
    }
    if store::tracking_link::texted_since(tx, now.plus(-24 * 3600)).await? >= i64::from(most) {
        return Err(AppError::Limited { retry_after: 3600 });
    }
    let message = Message { to: phone.reveal().to_owned(), body: body(business, address) };
    let plain = Zeroizing::new(serde_json::to_vec(&message).map_err(|e| AppError::Internal(Box::new(e)))?);
    let sealed = app.vault().seal(tx, Purpose::TrackingText, link.0, &plain).await?;
    store::job::enqueue(tx, app.draw(), TEXT_JOB, &link.to_string(), json!(TextPayload { link }), now).await?;
    Ok(sealed)
}

/// Sends a text: the job's body. `again`: an earlier try may have got through. No transaction is open while the provider answers.
///
/// # Errors
/// The provider or the database cannot be reached: worth another try. What will never be sent is no error, but an entry.
pub async fn send(app: &App, caller: &Caller, payload: &TextPayload, job: JobId, again: bool) -> Result<(), AppError> {
    let mut tx = TenantTx::open(app.worker_db(), caller, app.clock().now()).await?;
    let Some(due) = store::tracking_link::text_due(&mut tx, payload.link).await? else {
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
        _ if !due.is_open => Err("late"),
        (Some(connection), Some((id, sealed))) => {
            let (vault, business) = (app.vault(), caller.business);
            let secret = vault.open_text(business, Purpose::ConnectionSecret, id.0, &sealed).await?;
            let plain = vault.open(business, Purpose::TrackingText, payload.link.0, &due.sealed).await?;
            let message: Message = serde_json::from_slice(&plain).map_err(|e| AppError::Internal(Box::new(e)))?;
            match hand_over(app, &connection, &secret, &message, again).await {
                Err(error @ (TextError::Transient | TextError::RateLimited { .. })) => {
                    return Err(AppError::ProviderAway(Box::new(error)));
                }
                other => other.map_err(TextError::code),
            }
        }
        _ => Err(TextError::CannotText.code()),
    };
    close(app, caller, (payload.link, due.order), job, outcome).await
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

/// Forgets a text that no try brought out, in the transaction that puts its job aside.
///
/// # Errors
/// The database cannot be reached.
pub async fn give_up(app: &App, tx: &mut TenantTx, link: TrackingLinkId) -> Result<(), StoreError> {
    match store::tracking_link::text_due(tx, link).await? {
        Some(due) => forget(app, tx, (link, due.order), Err(TextError::Transient.code())).await,
        None => Ok(()),
    }
}

/// The text is gone, whether it was sent or not: entry, text and job in one transaction.
async fn close(
    app: &App,
    caller: &Caller,
    whose: (TrackingLinkId, WorkOrderId),
    job: JobId,
    outcome: Result<(), &'static str>,
) -> Result<(), AppError> {
    let mut tx = TenantTx::open(app.worker_db(), caller, app.clock().now()).await?;
    forget(app, &mut tx, whose, outcome).await?;
    store::job::finish(&mut tx, job).await?;
    Ok(tx.commit().await?)
}

async fn forget(
    app: &App,
    tx: &mut TenantTx,
    (link, order): (TrackingLinkId, WorkOrderId),
    outcome: Result<(), &'static str>,
) -> Result<(), StoreError> {
    store::tracking_link::text_done(tx, link).await?;
    let entry = NewEntry {
        id: app.draw(),
        action: Action::TrackingTexted,
        target: Some(Target { kind: "work_order", id: Some(order.0) }),
        outcome: if outcome.is_ok() { Outcome::Done } else { Outcome::Failed },
        reason: outcome.err().map(str::to_owned),
        before: None,
        after: Some(json!({ "link": link })),
    };
    store::audit::append(tx, entry).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_whose_it_is_and_ends_with_its_link() {
        let address =
            Secret::new("https://ringfort.example/track/0123456789012345678901234567890123456789abc".to_owned());
        let text = body("Northwind", &address);
        assert!(text.starts_with("Northwind: ") && text.ends_with(address.expose()), "{text}");
        assert!(text.is_ascii() && text.len() <= 160, "one text of {} letters", text.len());
    }
}
