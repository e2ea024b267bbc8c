//! Audit entries: append and read (AUD-1, AUD-2). There is no update and no delete to write here: the database
//! refuses both.

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

/// What the viewer filters by; every part narrows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub actor: Option<Uuid>,
    pub action: Option<Action>,
    pub target: Option<Uuid>,
    pub outcome: Option<Outcome>,
    pub from: Option<At>,
    pub until: Option<At>,
    /// Entries older than this one (keyset).
    pub before: Option<AuditId>,
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

/// One page of entries, newest first. The time range is turned into an id range as well (ids are UUIDv7), so that
/// partitions outside it are not even planned for.
///
/// # Errors
/// Refused without `audit.read`.
pub async fn list(tx: &mut TenantTx, filter: &Filter, limit: i64) -> Result<Vec<Entry>, StoreError> {
    tx.may_all(Permission::AuditRead)?;
    let business = tx.business();
    let low = filter.from.map_or(Uuid::nil(), |at| id_floor(at.plus(-60)));
    let high = filter.until.map_or(Uuid::max(), |at| id_floor(at.plus(60)));
    let rows = sqlx::query_as!(
        Row,
        r#"select e.id, e.at, e.actor_kind, e.actor_id, m.name as "actor_name?", e.action, e.target_kind, e.target_id,
               e.result, e.reason, e.origin, e.trace_id, e.before, e.after
           from (
               select * from audit_entries a
               where a.business_id = $1 and a.id >= $2 and a.id <= $3
                 and ($4::uuid is null or a.actor_id = $4)
                 and ($5::text is null or a.action = $5)
                 and ($6::uuid is null or a.target_id = $6)
                 and ($7::text is null or a.result = $7)
                 and ($8::timestamptz is null or a.at >= $8)
                 and ($9::timestamptz is null or a.at < $9)
                 and ($10::uuid is null or a.id < $10)
               order by a.id desc
               limit $11
           ) e
           left join members m on m.business_id = $1 and m.id = e.actor_id
           order by e.id desc"#,
        business.0,
        low,
        high,
        filter.actor,
        filter.action.map(Action::code),
        filter.target,
        filter.outcome.map(Outcome::code),
        filter.from,
        filter.until,
        filter.before.map(|id| id.0),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
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

/// The smallest UUIDv7 of an instant.
fn id_floor(at: At) -> Uuid {
    Uuid::from_u128(u128::from(u64::try_from(at.millis()).unwrap_or(0)) << 80)
}
