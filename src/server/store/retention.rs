//! Retention (RET-1, RET-2): rules, previews, and the deletion itself, in batches that a crash can interrupt.

use std::collections::HashMap;

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        id::{JobId, RunId},
        permission::Permission,
        retention::DataKind,
    },
    server::kit::At,
};

/// What the owner chose, by kind; a kind that is absent has its profile's default.
///
/// # Errors
/// Refused without `retention.read` (people).
pub async fn rules(tx: &mut TenantTx) -> Result<HashMap<DataKind, u16>, StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::RetentionRead))?;
    let business = tx.business();
    let rows = sqlx::query!("select kind, days from retention_rules where business_id = $1", business.0)
        .fetch_all(tx.conn())
        .await?;
    rows.into_iter()
        .map(|r| {
            let days = u16::try_from(r.days).map_err(|_| StoreError::Unreadable { column: "retention_rules.days" })?;
            Ok((read("retention_rules.kind", &r.kind)?, days))
        })
        .collect()
}

/// # Errors
/// Refused without `retention`.
pub async fn set_rule(tx: &mut TenantTx, kind: DataKind, days: u16) -> Result<(), StoreError> {
    tx.may_all(Permission::Retention)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    sqlx::query!(
        "insert into retention_rules (business_id, kind, days, changed_by, changed_at) values ($1, $2, $3, $4, $5)
         on conflict (business_id, kind)
         do update set days = excluded.days, changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        business.0,
        kind.code(),
        i32::from(days),
        by,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many rows of a kind are older than `cutoff`, and the oldest of all.
///
/// # Errors
/// Refused without `retention.read` (people).
pub async fn older_than(tx: &mut TenantTx, kind: DataKind, cutoff: At) -> Result<(i64, Option<At>), StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::RetentionRead))?;
    let business = tx.business();
    let found = match kind {
        DataKind::Calls => {
            let r = sqlx::query!(
                r#"select count(*) filter (where started_at < $2) as "count!", min(started_at) as oldest
                   from calls where business_id = $1"#,
                business.0,
                cutoff
            )
            .fetch_one(tx.conn())
            .await?;
            (r.count, r.oldest)
        }
        DataKind::WebhookReceipts => {
            let r = sqlx::query!(
                r#"select count(*) filter (where received_at < $2) as "count!", min(received_at) as oldest
                   from webhook_receipts where business_id = $1"#,
                business.0,
                cutoff
            )
            .fetch_one(tx.conn())
            .await?;
            (r.count, r.oldest)
        }
        DataKind::Positions => super::position::older_than(tx, cutoff).await?,
        DataKind::AgentStates => super::agent::older_than(tx, cutoff).await?,
        DataKind::WorkOrders => super::work_order::older_than(tx, cutoff).await?,
    };
    Ok(found)
}

/// Deletes up to `limit` rows of a kind that are older than `cutoff`, with everything that hangs on them.
///
/// # Errors
/// Refused for people.
pub async fn delete_batch(tx: &mut TenantTx, kind: DataKind, cutoff: At, limit: i64) -> Result<u64, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let done = match kind {
        DataKind::Calls => {
            sqlx::query!(
                "delete from calls where business_id = $1 and id in (
                     select id from calls where business_id = $1 and started_at < $2 order by started_at limit $3
                 )",
                business.0,
                cutoff,
                limit
            )
            .execute(tx.conn())
            .await?
        }
        DataKind::WebhookReceipts => {
            sqlx::query!(
                "delete from webhook_receipts where business_id = $1 and id in (
                     select id from webhook_receipts where business_id = $1 and received_at < $2
                     order by received_at limit $3
                 )",
                business.0,
                cutoff,
                limit
            )
            .execute(tx.conn())
            .await?
        }
        DataKind::Positions => return super::position::delete_older(tx, cutoff, limit).await,
        DataKind::AgentStates => return super::agent::delete_older(tx, cutoff, limit).await,
        DataKind::WorkOrders => return super::work_order::delete_older(tx, cutoff, limit).await,
    };
    Ok(done.rows_affected())
}

/// A run of the deletion.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: RunId,
    pub cutoff: At,
    pub deleted: i64,
    pub finished_at: Option<At>,
    pub started_at: At,
}

/// The run of a kind that a crash interrupted, or a new one.
///
/// # Errors
/// Refused for people.
pub async fn begin_run(tx: &mut TenantTx, new: RunId, kind: DataKind, cutoff: At) -> Result<Run, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let open = sqlx::query!(
        "select id, cutoff, deleted, started_at from retention_runs
         where business_id = $1 and kind = $2 and state = 'running' order by started_at limit 1 for update",
        business.0,
        kind.code()
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(r) = open {
        return Ok(Run {
            id: RunId(r.id),
            cutoff: r.cutoff,
            deleted: r.deleted,
            finished_at: None,
            started_at: r.started_at,
        });
    }
    sqlx::query!(
        "insert into retention_runs (business_id, id, kind, cutoff, state, started_at)
         values ($1, $2, $3, $4, 'running', $5)",
        business.0,
        new.0,
        kind.code(),
        cutoff,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(Run { id: new, cutoff, deleted: 0, finished_at: None, started_at: now })
}

/// Adds a batch to a run, in the batch's own transaction: a crash loses neither.
///
/// # Errors
/// Refused for people.
pub async fn note_batch(tx: &mut TenantTx, run: RunId, deleted: u64) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    sqlx::query!(
        "update retention_runs set deleted = deleted + $3 where business_id = $1 and id = $2",
        business.0,
        run.0,
        i64::try_from(deleted).unwrap_or(i64::MAX)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a run and returns what it deleted in all. Nothing when somebody else has ended it: then the entry is theirs.
///
/// # Errors
/// Refused for people.
pub async fn finish_run(tx: &mut TenantTx, run: RunId) -> Result<Option<i64>, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let deleted = sqlx::query_scalar!(
        "update retention_runs set state = 'finished', finished_at = $3
         where business_id = $1 and id = $2 and state = 'running'
         returning deleted",
        business.0,
        run.0,
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(deleted)
}

/// The last run of each kind.
///
/// # Errors
/// Refused without `retention.read`.
pub async fn last_runs(tx: &mut TenantTx) -> Result<HashMap<DataKind, Run>, StoreError> {
    tx.may_all(Permission::RetentionRead)?;
    let business = tx.business();
    let rows = sqlx::query!(
        "select distinct on (kind) kind, id, cutoff, deleted, finished_at, started_at from retention_runs
         where business_id = $1 order by kind, started_at desc",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let run = Run {
                id: RunId(r.id),
                cutoff: r.cutoff,
                deleted: r.deleted,
                finished_at: r.finished_at,
                started_at: r.started_at,
            };
            Ok((read("retention_runs.kind", &r.kind)?, run))
        })
        .collect()
}

/// Queues today's run, unless it has run or waits already.
///
/// # Errors
/// Refused for people.
pub async fn schedule(
    tx: &mut TenantTx,
    id: JobId,
    kind: &str,
    day: &str,
    payload: serde_json::Value,
) -> Result<(), StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let ran = sqlx::query_scalar!(
        r#"select exists (
               select from retention_runs
               where business_id = $1 and state = 'finished' and finished_at >= $2::text::date
           ) as "ran!""#,
        business.0,
        day
    )
    .fetch_one(tx.conn())
    .await?;
    if ran { Ok(()) } else { super::job::enqueue(tx, id, kind, day, payload, now).await }
}
