//! One provider event, from verified to applied (TEL-1).
//!
//! One transaction: the receipt, unique per event, then inside a savepoint the state machine, live event and
//! follow-up job, then audit. If applying fails the savepoint rolls back and the receipt stays pending, with its sealed
//! payload, for a job that runs the same function. What was answered 2xx is never lost and never applied twice.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    model::{
        audit::{Action, Outcome},
        call::{CallState, Direction},
        id::{AuditId, CallEventId, CallId, ConnectionId, JobId, LegId, ReceiptId},
        phone::Phone,
    },
    server::{
        boot::App,
        caller::Caller,
        http::{AppError, error::chain},
        kit::At,
        providers::{CallEvent, LegRef, Malformed},
        store::{
            self, StoreError, TenantTx,
            audit::{NewEntry, Target},
            call::{Applied, NewIds},
            outbox::Topic,
        },
        vault::Purpose,
    },
};

/// The job that applies an event that could not be applied when it came.
pub const APPLY_JOB: &str = "webhook.apply";
/// The job that asks the agency system who is calling.
pub const POP_JOB: &str = "pop.look_up";

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Applied now.
    Applied,
    /// Noted; a job applies it.
    Waiting,
    /// It was noted before; nothing happened.
    Repeat,
}

/// Receives a verified event. `at_once` is false when the business is above its rate: then it is noted and waits.
///
/// # Errors
/// Unavailable: then nothing was noted, and the provider must send it again.
pub async fn receive(
    app: &App,
    caller: &Caller,
    connection: ConnectionId,
    event: &CallEvent,
    at_once: bool,
) -> Result<Received, AppError> {
    let mut tx = TenantTx::open(app.db(), caller, app.clock().now()).await?;
    let receipt: ReceiptId = app.draw();
    if !store::receipt::gate(&mut tx, receipt, connection, &event.key).await? {
        return Ok(Received::Repeat);
    }
    let mut problem = "rate";
    if at_once {
        tx.savepoint().await?;
        match apply(app, &mut tx, connection, event).await {
            Ok(applied) => {
                store::connection::heard(&mut tx, connection).await?;
                write_down(app, &mut tx, receipt, Some(applied.call)).await?;
                tx.commit().await?;
                app.hub().wake();
                if applied.rings.is_some() {
                    app.hub().wake_worker();
                }
                return Ok(Received::Applied);
            }
            Err(error @ StoreError::Unavailable(_)) => return Err(error.into()),
            Err(error) => {
                tracing::error!(receipt.id = %receipt, error.chain = %chain(&error), "an event could not be applied");
                tx.rollback_to_savepoint().await?;
                problem = "apply";
            }
        }
    }
    let payload = serde_json::to_vec(&Kept::from(event)).map_err(|e| AppError::Internal(Box::new(e)))?;
    let sealed = app.vault().seal(&mut tx, Purpose::WebhookPayload, receipt.0, &payload).await?;
    store::receipt::keep(&mut tx, receipt, "pending", problem, Some(&sealed)).await?;
    let wait = if at_once { 5 } else { 1 };
    let run_at = tx.now().plus(wait);
    let job: JobId = app.draw();
    store::job::enqueue(&mut tx, job, APPLY_JOB, &receipt.to_string(), json!({ "receipt": receipt }), run_at).await?;
    write_down(app, &mut tx, receipt, None).await?;
    tx.commit().await?;
    app.hub().wake_worker();
    Ok(Received::Waiting)
}

/// Notes an event that the provider signed and we cannot read, so that an operator sees it.
///
/// # Errors
/// Unavailable.
pub async fn note_malformed(
    app: &App,
    caller: &Caller,
    connection: ConnectionId,
    event_key: &str,
    malformed: Malformed,
) -> Result<(), AppError> {
    let mut tx = TenantTx::open(app.db(), caller, app.clock().now()).await?;
    let receipt: ReceiptId = app.draw();
    if store::receipt::gate(&mut tx, receipt, connection, event_key).await? {
        let problem = format!("{}: {}", malformed.field, malformed.problem);
        store::receipt::keep(&mut tx, receipt, "malformed", &problem, None).await?;
        let entry = NewEntry {
            id: app.draw(),
            action: Action::WebhookMalformed,
            target: Some(Target { kind: "receipt", id: Some(receipt.0) }),
            outcome: Outcome::Refused,
            reason: Some(malformed.field.to_owned()),
            before: None,
            after: None,
        };
        store::audit::append(&mut tx, entry).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Applies a waiting event: the job's body. Nothing happens when it was applied meanwhile.
///
/// # Errors
/// Whatever applying said; the receipt stays pending.
pub async fn apply_pending(app: &App, caller: &Caller, receipt: ReceiptId, job: JobId) -> Result<(), AppError> {
    let mut tx = TenantTx::open(app.worker_db(), caller, app.clock().now()).await?;
    if let Some(pending) = store::receipt::pending(&mut tx, receipt).await? {
        let vault = app.vault();
        let plain = vault.open(caller.business, Purpose::WebhookPayload, receipt.0, &pending.payload).await?;
        let kept: Kept = serde_json::from_slice(&plain).map_err(|e| AppError::Internal(Box::new(e)))?;
        let applied = apply(app, &mut tx, pending.connection, &kept.try_into()?).await?;
        store::receipt::applied(&mut tx, receipt).await?;
        write_down(app, &mut tx, receipt, Some(applied.call)).await?;
    }
    store::job::finish(&mut tx, job).await?;
    tx.commit().await?;
    app.hub().wake();
    Ok(())
}

async fn apply(
    app: &App,
    tx: &mut TenantTx,
    connection: ConnectionId,
    event: &CallEvent,
) -> Result<Applied, StoreError> {
    let ids = NewIds { call: app.draw(), leg: app.draw(), event: app.draw::<CallEventId>() };
    let applied = store::call::apply(tx, connection, event, ids).await?;
    store::outbox::put(tx, Topic::Call(applied.call)).await?;
    if let Some((leg, _)) = applied.rings {
        let (job, now): (JobId, At) = (app.draw(), tx.now());
        store::job::enqueue(tx, job, POP_JOB, &leg.to_string(), json!({ "leg": leg }), now).await?;
    }
    if let Some(member) = applied.stops
        && let Some(pop) = store::screen_pop::withdraw(tx, applied.call, member).await?
    {
        store::outbox::put(tx, Topic::PopGone(pop, member)).await?;
    }
    Ok(applied)
}

async fn write_down(app: &App, tx: &mut TenantTx, receipt: ReceiptId, call: Option<CallId>) -> Result<(), StoreError> {
    let entry = NewEntry {
        id: app.draw::<AuditId>(),
        action: Action::WebhookReceived,
        target: Some(
            call.map_or(Target { kind: "receipt", id: Some(receipt.0) }, |c| Target { kind: "call", id: Some(c.0) }),
        ),
        outcome: Outcome::Done,
        reason: None,
        before: None,
        after: Some(json!({ "receipt": receipt, "waits": call.is_none() })),
    };
    store::audit::append(tx, entry).await
}

/// An event as it is kept, sealed, while it waits.
#[derive(Serialize, Deserialize)]
struct Kept {
    key: String,
    call: String,
    leg: Option<(String, String)>,
    direction: Direction,
    party: Option<String>,
    own: Option<String>,
    state: CallState,
    seq: i32,
    at: Option<jiff::Timestamp>,
}

impl From<&CallEvent> for Kept {
    fn from(e: &CallEvent) -> Self {
        let clear = |phone: &Option<Phone>| phone.as_ref().map(|p| p.reveal().to_owned());
        Self {
            key: e.key.clone(),
            call: e.call.clone(),
            leg: e.leg.as_ref().map(|l| (l.id.clone(), l.target.clone())),
            direction: e.direction,
            party: clear(&e.party),
            own: clear(&e.own),
            state: e.state,
            seq: e.seq,
            at: e.at.map(|at| at.0),
        }
    }
}

impl TryFrom<Kept> for CallEvent {
    type Error = AppError;

    fn try_from(k: Kept) -> Result<Self, AppError> {
        let phone = |text: Option<String>| {
            text.map(|t| t.parse::<Phone>()).transpose().map_err(|e| AppError::Internal(Box::new(e)))
        };
        Ok(Self {
            key: k.key,
            call: k.call,
            leg: k.leg.map(|(id, target)| LegRef { id, target }),
            direction: k.direction,
            party: phone(k.party)?,
            own: phone(k.own)?,
            state: k.state,
            seq: k.seq,
            at: k.at.map(At),
        })
    }
}

/// The leg behind a job's payload.
#[derive(Debug, Serialize, Deserialize)]
pub struct LegPayload {
    pub leg: LegId,
}

/// The receipt behind a job's payload.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReceiptPayload {
    pub receipt: ReceiptId,
}
