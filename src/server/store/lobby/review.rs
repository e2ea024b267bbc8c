//! What access reviews need beyond a business's own tables (ACC-10): when they are due in any business, and when people were
//! last seen in this one.

use std::collections::HashMap;

use sqlx::PgPool;

use crate::{
    model::{
        id::{BusinessId, MemberId},
        permission::Permission,
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// The active businesses for which something is to be done about reviews, and whose job `kind` of this day (`2026-11-23`) does
/// not wait already.
///
/// # Errors
/// The database cannot be reached.
pub async fn reviews_due(
    db: &PgPool,
    kind: &str,
    day: &str,
    now: At,
    quarter: At,
) -> Result<Vec<BusinessId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"select business_id as "id!" from lobby.reviews_due($1, $2, $3, $4)"#,
        kind,
        day,
        now,
        quarter
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(BusinessId).collect())
}

/// What is known of somebody besides their membership.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// In this business, by a browser or a program; never, or longer ago than past sessions are kept.
    pub last: Option<At>,
    pub has_factor: bool,
}

/// The active people of this business.
///
/// # Errors
/// Refused without `team.manage` or `audit.read`.
pub async fn members_seen(tx: &mut TenantTx) -> Result<HashMap<MemberId, Seen>, StoreError> {
    tx.may_all(Permission::TeamManage).or_else(|_| tx.may_all(Permission::AuditRead))?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select member_id as "member_id!", last_seen_at as "last_seen_at?", has_factor as "has_factor!"
           from lobby.members_seen($1)"#,
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    let seen =
        rows.into_iter().map(|r| (MemberId(r.member_id), Seen { last: r.last_seen_at, has_factor: r.has_factor }));
    Ok(seen.collect())
}

/// How long the results of a list of invitations are kept.
const BATCH_SECONDS: i64 = 7 * 24 * 3600;

/// Deletes the results of lists of invitations that are older than a week.
///
/// # Errors
/// The database cannot be reached.
pub async fn invitation_batches_trim(db: &PgPool, now: At) -> Result<i64, StoreError> {
    let gone =
        sqlx::query_scalar!("select lobby.invitation_batches_trim($1)", now.plus(-BATCH_SECONDS)).fetch_one(db).await?;
    Ok(gone.unwrap_or(0))
}
