//! The audit wall (AUD-1): a use case runs inside [`audited`]. Its success commits together with its entry; its
//! refusal or failure rolls back and is written all the same. If the entry cannot be written, the act fails.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    model::{
        audit::{Action, Outcome},
        audit_query::{AuditFilter, Subject},
    },
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        store::{
            self, TenantTx,
            audit::{NewEntry, Place, Target, Total},
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
            if action.ends_access() {
                app.hub().change_access();
            }
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

/// What the viewer shows of a filter.
#[derive(Debug)]
pub struct Found {
    /// Absent where finding them takes too long.
    pub entries: Option<Vec<store::audit::Entry>>,
    pub total: Total,
}

/// A page of the log for the viewer, and how much there is. Reading it is itself an entry, with what was asked for.
///
/// # Errors
/// Limited while many others look for words in logs; refused without `audit.read`.
pub async fn list(
    app: &App,
    caller: &Caller,
    filter: &AuditFilter,
    place: Place,
    limit: i64,
) -> Result<Found, AppError> {
    let _turn = if filter.text.is_some() {
        Some(app.limits().search_turn().await.ok_or(AppError::Limited { retry_after: 5 })?)
    } else {
        None
    };
    audited(app, caller, Action::AuditListed, async |act| {
        act.after(asked(filter));
        let entries = store::audit::page(&mut act.tx, filter, place, limit).await?;
        let total = if entries.is_some() { store::audit::count(&mut act.tx, filter).await? } else { Total::Unknown };
        Ok(Found { entries, total })
    })
    .await
}

/// What an entry says of a filter: its ids and closed words. Words that somebody typed may be anything, and so may a kind.
fn asked(filter: &AuditFilter) -> Value {
    let by_id = |subject: Option<&Subject>| subject.filter(|subject| subject.id().is_some()).cloned();
    let (actor, target) = (by_id(filter.actor.as_ref()), by_id(filter.target.as_ref()));
    let closed = AuditFilter { actor, target, text: None, ..filter.clone() };
    json!({ "filter": closed.to_string(), "words": filter.text.as_ref().map_or(0, |text| text.split(' ').count()) })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_is_not_written_down() {
        let filter: AuditFilter = "actor:jane target:doe action:call.viewed at:all jane doe".parse().expect("a filter");
        assert_eq!(asked(&filter), json!({ "filter": "action:call.viewed at:all", "words": 2 }));
    }
}
