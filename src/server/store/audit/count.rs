//! Counting audit entries (AUD-4): as far as anybody counts, and as long as anybody waits.

use super::find::{Asked, Place, plan_anew, quick_ids, set_patience};
use crate::{
    model::{audit::Action, audit_query::AuditFilter, id::AuditId, permission::Permission},
    server::store::{StoreError, TenantTx},
};

/// Nobody counts further (ui.md).
pub const MOST: i64 = 10_000;

/// Nor further than this what has come since a page was loaded.
pub const MOST_NEW: i64 = 99;

/// How many entries there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    Exactly(i64),
    /// More than [`MOST`].
    More,
    /// To know it would take longer than anybody wants to wait.
    Unknown,
}

/// How many entries a filter names, as far as anybody counts and within half a second.
///
/// # Errors
/// Refused without `audit.read`.
pub async fn count(tx: &mut TenantTx, filter: &AuditFilter) -> Result<Total, StoreError> {
    tx.may_all(Permission::AuditRead)?;
    let asked = Asked::of(filter);
    tx.savepoint().await?;
    sqlx::query!("set local statement_timeout = '500ms'").execute(tx.conn()).await?;
    let counted = counted(tx, &asked, MOST + 1).await;
    // Undoes the shorter patience too.
    tx.rollback_to_savepoint().await?;
    match counted {
        Ok(count) if count > MOST => Ok(Total::More),
        Ok(count) => Ok(Total::Exactly(count)),
        Err(error) if is_impatience(&error) => Ok(Total::Unknown),
        Err(error) => Err(error),
    }
}

/// How many entries have come behind `mark`, up to [`MOST_NEW`] and one. What the reader's own reading has left is not news. Absent
/// where it takes too long.
///
/// # Errors
/// Refused without `audit.read`.
pub async fn since(tx: &mut TenantTx, filter: &AuditFilter, mark: AuditId) -> Result<Option<i64>, StoreError> {
    tx.may_all(Permission::AuditRead)?;
    // Some more, for those that do not count.
    let Some(found) = quick_ids(tx, &Asked::of(filter), Place::After(mark), 2 * MOST_NEW).await? else {
        return Ok(None);
    };
    if found.is_empty() {
        return Ok(Some(0));
    }
    let (business, reader) = (tx.business(), tx.caller().actor.uuid());
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from audit_entries e
           where e.business_id = $1 and e.id > $2 and e.id = any($3)
               and (e.actor_id is distinct from $4 or e.action not in ($5, $6))"#,
        business.0,
        mark.0,
        &found[..],
        reader,
        Action::AuditListed.code(),
        Action::AuditEntryViewed.code(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Some(count.min(MOST_NEW + 1)))
}

/// How many entries an export of a filter would hold, counted up to `most`. Absent where that takes too long.
///
/// # Errors
/// Refused without `audit.export` (people).
pub async fn count_to(tx: &mut TenantTx, filter: &AuditFilter, most: i64) -> Result<Option<i64>, StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::AuditExport))?;
    tx.savepoint().await?;
    set_patience(tx).await?;
    let counted = counted(tx, &Asked::of(filter), most).await;
    tx.rollback_to_savepoint().await?;
    match counted {
        Ok(count) => Ok(Some(count)),
        Err(error) if is_impatience(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// How many there are, up to `most`.
async fn counted(tx: &mut TenantTx, asked: &Asked<'_>, most: i64) -> Result<i64, StoreError> {
    if asked.is_by_words() {
        return counted_by_words(tx, asked, most).await;
    }
    plan_anew(tx).await?;
    let business = tx.business();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select 1 as one from audit_entries a
               where a.business_id = $1 and a.id >= $2 and a.id <= $3
                 and ($4::uuid is null or a.actor_id = $4)
                 and ($5::text is null or a.actor_kind = $5)
                 and ($6::text is null or a.action = $6)
                 and ($7::uuid is null or a.target_id = $7)
                 and ($8::text is null or a.result = $8)
                 and ($9::uuid is null or a.trace_id = $9)
                 and ($10::timestamptz is null or a.at >= $10)
                 and ($11::timestamptz is null or a.at < $11)
               limit $12
           ) c"#,
        business.0,
        asked.low,
        asked.high,
        asked.actor,
        asked.actor_kind,
        asked.action,
        asked.target,
        asked.result,
        asked.trace,
        asked.from,
        asked.to,
        most,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

async fn counted_by_words(tx: &mut TenantTx, asked: &Asked<'_>, most: i64) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from lobby.audit_search($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, null, null, $14) s"#,
        &asked.words[..],
        asked.ip.as_deref(),
        asked.actor,
        asked.actor_kind,
        asked.action,
        asked.target,
        asked.target_kind,
        asked.result,
        asked.trace,
        asked.from,
        asked.to,
        asked.low,
        asked.high,
        most,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

/// Whether the database broke the statement off because it took too long.
pub(super) fn is_impatience(error: &StoreError) -> bool {
    let StoreError::Database(sqlx::Error::Database(cause)) = error else { return false };
    cause.code().as_deref() == Some("57014")
}
