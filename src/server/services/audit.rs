//! The audit wall (AUD-1): a use case runs inside [`audited`]. Its success commits together with its entry; its
//! refusal or failure rolls back and is written all the same. If the entry cannot be written, the act fails.

use serde_json::Value;
use uuid::Uuid;

use crate::{
    model::audit::{Action, Outcome},
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        store::{
            self, TenantTx,
            audit::{NewEntry, Target},
        },
    },
};

/// A use case under way: its transaction, and what its entry will say.
pub struct Act {
    pub tx: TenantTx,
    action: Action,
    target: Option<Target>,
    reason: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

impl Act {
    /// Names what is acted on.
    pub fn on(&mut self, kind: &'static str, id: Uuid) {
        self.target = Some(Target { kind, id: Some(id) });
    }

    /// How it was. Ids and closed words only.
    pub fn before(&mut self, value: Value) {
        self.before = Some(value);
    }

    /// How it is now. Ids and closed words only.
    pub fn after(&mut self, value: Value) {
        self.after = Some(value);
    }

    /// Why, in the person's words where they were asked for them.
    pub fn because(&mut self, reason: String) {
        self.reason = Some(reason);
    }

    fn entry(&self, app: &App, outcome: Outcome) -> NewEntry {
        NewEntry {
            id: app.draw(),
            action: self.action,
            target: self.target,
            outcome,
            reason: self.reason.clone(),
            before: self.before.clone(),
            after: self.after.clone(),
        }
    }
}

/// Runs `work` as one audited act of `caller`.
///
/// # Errors
/// What `work` said, or that the act or its entry could not be stored.
pub async fn audited<T>(
    app: &App,
    caller: &Caller,
    action: Action,
    work: impl AsyncFnOnce(&mut Act) -> Result<T, AppError>,
) -> Result<T, AppError> {
    let tx = TenantTx::open(app.db(), caller, app.clock().now()).await?;
    audited_in(app, tx, action, work).await
}

/// As [`audited`], in a transaction that is open already (founding, joining).
///
/// # Errors
/// As [`audited`].
pub async fn audited_in<T>(
    app: &App,
    tx: TenantTx,
    action: Action,
    work: impl AsyncFnOnce(&mut Act) -> Result<T, AppError>,
) -> Result<T, AppError> {
    let mut act = Act { tx, action, target: None, reason: None, before: None, after: None };
    match work(&mut act).await {
        Ok(value) => {
            let entry = act.entry(app, Outcome::Done);
            store::audit::append(&mut act.tx, entry).await?;
            act.tx.commit().await?;
            app.hub().wake();
            app.hub().wake_worker();
            Ok(value)
        }
        Err(error) => {
            let outcome = match error {
                AppError::Internal(_) | AppError::Unavailable(_) | AppError::ProviderAway(_) => Outcome::Failed,
                _ => Outcome::Refused,
            };
            let mut entry = act.entry(app, outcome);
            // Nothing changed: what would have been is not a fact.
            entry.after = None;
            entry.reason = entry.reason.or_else(|| Some(error.kind().title().to_owned()));
            let caller = act.tx.caller().clone();
            drop(act);
            write_alone(app, &caller, entry).await?;
            Err(error)
        }
    }
}

/// Writes an entry of its own, for what left no other trace.
///
/// # Errors
/// The database cannot be reached.
pub async fn note(
    app: &App,
    caller: &Caller,
    action: Action,
    target: Option<Target>,
    outcome: Outcome,
    reason: Option<String>,
) -> Result<(), AppError> {
    let entry = NewEntry { id: app.draw(), action, target, outcome, reason, before: None, after: None };
    write_alone(app, caller, entry).await
}

/// Somebody knocked at a door that their role does not open.
///
/// # Errors
/// The database cannot be reached.
pub async fn refused_at_door(app: &App, caller: &Caller, door: &'static str) -> Result<(), AppError> {
    note(app, caller, Action::DoorRefused, None, Outcome::Refused, Some(door.to_owned())).await
}

async fn write_alone(app: &App, caller: &Caller, entry: NewEntry) -> Result<(), AppError> {
    let mut tx = TenantTx::open(app.db(), caller, app.clock().now()).await?;
    store::audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(())
}

/// A page of the log for the viewer. Reading it is itself an entry.
///
/// # Errors
/// Refused without `audit.read`.
pub async fn list(
    app: &App,
    caller: &Caller,
    filter: store::audit::Filter,
    limit: i64,
) -> Result<Vec<store::audit::Entry>, AppError> {
    audited(app, caller, Action::AuditListed, async |act| Ok(store::audit::list(&mut act.tx, &filter, limit).await?))
        .await
}

/// One entry. Looking at it is itself an entry.
///
/// # Errors
/// Refused without `audit.read`; missing when it is not this business's.
pub async fn view(app: &App, caller: &Caller, id: crate::model::id::AuditId) -> Result<store::audit::Entry, AppError> {
    audited(app, caller, Action::AuditEntryViewed, async |act| {
        act.on("audit_entry", id.0);
        Ok(store::audit::get(&mut act.tx, id).await?)
    })
    .await
}
