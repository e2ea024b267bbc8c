//! Audit entries: append and read (AUD-1, AUD-2). There is no update and no delete to write here: the database
//! refuses both. Which entries a filter names stands in [`find`], how many in [`count`].

mod count;
mod find;

pub use count::{MOST, MOST_NEW, Total, count, count_to, since};
pub use find::{Place, behind, id_floor, list, page};

use serde_json::Value;
use uuid::Uuid;

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        audit::{Action, Outcome},
        id::AuditId,
        permission::Permission,
    },
    server::kit::At,
};

/// What is written. Actor, origin and trace come from the transaction's caller, time and transaction id from the
/// database.
#[derive(Debug, Clone)]
pub struct NewEntry {
    pub id: AuditId,
    pub action: Action,
    pub target: Option<Target>,
    pub outcome: Outcome,
    pub reason: Option<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// What was acted on: the noun, and its id where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub kind: &'static str,
    pub id: Option<Uuid>,
}

/// Appends an entry to this transaction. Every actor may: an act that cannot be recorded must not happen.
///
/// # Errors
/// The database refused, or swallowed it (a trigger can); then the act must fail too.
pub async fn append(tx: &mut TenantTx, entry: NewEntry) -> Result<(), StoreError> {
    let caller = tx.caller().clone();
    let business = tx.business();
    let done = sqlx::query!(
        "insert into audit_entries (business_id, id, actor_kind, actor_id, action, target_kind, target_id, result,
             reason, origin, trace_id, before, after)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        business.0,
        entry.id.0,
        caller.actor.kind(),
        caller.actor.uuid(),
        entry.action.code(),
        entry.target.map(|t| t.kind),
        entry.target.and_then(|t| t.id),
        entry.outcome.code(),
        entry.reason,
        caller.origin.text(),
        caller.trace.0,
        entry.before,
        entry.after,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Unwritten) }
}

/// An entry as it stands.
#[derive(Debug)]
pub struct Entry {
    pub id: AuditId,
    pub at: At,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    /// The member's name today, for people who may read it here.
    pub actor_name: Option<String>,
    pub action: Action,
    pub target_kind: Option<String>,
    pub target_id: Option<Uuid>,
    pub outcome: Outcome,
    pub reason: Option<String>,
    pub origin: String,
    pub trace_id: Uuid,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

struct Row {
    id: Uuid,
    at: At,
    actor_kind: String,
    actor_id: Option<Uuid>,
    actor_name: Option<String>,
    action: String,
    target_kind: Option<String>,
    target_id: Option<Uuid>,
    result: String,
    reason: Option<String>,
    origin: String,
    trace_id: Uuid,
    before: Option<Value>,
    after: Option<Value>,
}

impl TryFrom<Row> for Entry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: AuditId(row.id),
            at: row.at,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            actor_name: row.actor_name,
            action: read("audit_entries.action", &row.action)?,
            target_kind: row.target_kind,
            target_id: row.target_id,
            outcome: read("audit_entries.result", &row.result)?,
            reason: row.reason,
            origin: row.origin,
            trace_id: row.trace_id,
            before: row.before,
            after: row.after,
        })
    }
}

/// One entry, with before and after.
///
/// # Errors
/// Refused without `audit.read`; missing when it is not this business's.
pub async fn get(tx: &mut TenantTx, id: AuditId) -> Result<Entry, StoreError> {
    tx.may_all(Permission::AuditRead)?;
    let business = tx.business();
    sqlx::query_as!(
        Row,
        r#"select e.id, e.at, e.actor_kind, e.actor_id, m.name as "actor_name?", e.action, e.target_kind, e.target_id,
               e.result, e.reason, e.origin, e.trace_id, e.before, e.after
           from audit_entries e
           left join members m on m.business_id = $1 and m.id = e.actor_id
           where e.business_id = $1 and e.id = $2"#,
        business.0,
        id.0,
    )
    .fetch_one(tx.conn())
    .await?
    .try_into()
}
