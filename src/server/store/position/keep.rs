//! How long positions are kept, and their end (RET-1, RET-2). Day by day here; whole weeks that nobody keeps any more are dropped
//! by the lobby.

use super::super::{StoreError, TenantTx};
use super::lock;
use crate::{
    model::{permission::Permission, retention::DataKind},
    server::kit::At,
};

/// How many days the business has chosen to keep positions; nothing where it has not chosen.
///
/// # Errors
/// Refused without `map`.
pub async fn kept_days(tx: &mut TenantTx) -> Result<Option<u16>, StoreError> {
    tx.may(Permission::Map)?;
    let business = tx.business();
    let days = sqlx::query_scalar!(
        "select days from retention_rules where business_id = $1 and kind = $2",
        business.0,
        DataKind::Positions.code()
    )
    .fetch_optional(tx.conn())
    .await?;
    days.map(|days| u16::try_from(days).map_err(|_| StoreError::Unreadable { column: "retention_rules.days" }))
        .transpose()
}

/// How many rows about where people were are older than `cutoff`, and the oldest position of all: member by member, as the key
/// is, because the history of a business has millions of rows.
///
/// # Errors
/// Refused without `retention.read` (people).
pub(in crate::server::store) async fn older_than(
    tx: &mut TenantTx,
    cutoff: At,
) -> Result<(i64, Option<At>), StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::RetentionRead))?;
    let business = tx.business();
    let r = sqlx::query!(
        r#"select (select count(*) from positions where business_id = $1 and fix_at < $2::timestamptz)
               + (select count(*) from latest_positions where business_id = $1 and fix_at < $2)
               + (select count(*) from shifts where business_id = $1 and ended_at < $2)
               + (select count(*) from location_looks where business_id = $1 and looked_at < $2)
               + (select count(*) from position_refusals where business_id = $1 and day < ($2 at time zone 'utc')::date)
                   as "count!",
               (
                   select min(o.fix_at)
                   from members m
                   cross join lateral (
                       select p.fix_at from positions p
                       where p.business_id = $1 and p.member_id = m.id
                       order by p.fix_at limit 1
                   ) o
                   where m.business_id = $1
               ) as oldest"#,
        business.0,
        cutoff
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((r.count, r.oldest))
}

/// Deletes up to `limit` rows of each table that are older than `cutoff`; of the history each member's oldest first, along its
/// key, so that no batch reads again what those before it deleted. Behind the lock of who writes positions, which relies on what
/// it has read of them.
///
/// # Errors
/// Refused for people.
pub(in crate::server::store) async fn delete_older(
    tx: &mut TenantTx,
    cutoff: At,
    limit: i64,
) -> Result<u64, StoreError> {
    tx.machine()?;
    lock(tx).await?;
    let business = tx.business();
    let deleted = sqlx::query_file_scalar!("src/server/store/position/delete_older.sql", business.0, cutoff, limit)
        .fetch_one(tx.conn())
        .await?;
    Ok(u64::try_from(deleted).unwrap_or(0))
}
