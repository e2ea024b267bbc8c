//! How long positions are kept, and their end (RET-1, RET-2). Day by day here; whole weeks that nobody keeps any more are dropped
//! by the lobby.

use super::super::{StoreError, TenantTx};
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

/// How many rows about where people were are older than `cutoff`, and the oldest position of all.
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
               (select min(fix_at) from positions where business_id = $1) as oldest"#,
        business.0,
        cutoff
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((r.count, r.oldest))
}

/// Deletes up to `limit` rows of each table that are older than `cutoff`.
///
/// # Errors
/// Refused for people.
pub(in crate::server::store) async fn delete_older(
    tx: &mut TenantTx,
    cutoff: At,
    limit: i64,
) -> Result<u64, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let deleted = sqlx::query_scalar!(
        r#"with history as (
               delete from positions
               where business_id = $1 and fix_at < $2::timestamptz and (member_id, fix_at) in (
                   select member_id, fix_at from positions where business_id = $1 and fix_at < $2 limit $3
               )
               returning 1
           ), latest as (
               delete from latest_positions
               where business_id = $1 and member_id in (
                   select member_id from latest_positions where business_id = $1 and fix_at < $2 limit $3
               )
               returning 1
           ), ended as (
               delete from shifts
               where business_id = $1 and id in (
                   select id from shifts where business_id = $1 and ended_at < $2 limit $3
               )
               returning 1
           ), looks as (
               delete from location_looks
               where business_id = $1 and id in (
                   select id from location_looks where business_id = $1 and looked_at < $2 limit $3
               )
               returning 1
           ), refusals as (
               delete from position_refusals
               where business_id = $1 and day < ($2 at time zone 'utc')::date
               returning 1
           )
           select (select count(*) from history) + (select count(*) from latest) + (select count(*) from ended)
               + (select count(*) from looks) + (select count(*) from refusals) as "count!""#,
        business.0,
        cutoff,
        limit
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(u64::try_from(deleted).unwrap_or(0))
}
