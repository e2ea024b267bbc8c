//! Links to the wallboard (TEL-2): who has one sees it, masked, until it expires or is revoked. Only the hash of a link's token is
//! stored.

use super::{StoreError, TenantTx};
use crate::{
    model::{
        board::MOST_LINKS,
        id::{MemberId, WallboardId},
        permission::Permission,
    },
    server::kit::At,
};

/// A link that is over is listed for so long.
const LISTED_SECONDS: i64 = 30 * 24 * 3600;

/// A link, without its token.
#[derive(Debug, Clone)]
pub struct Link {
    pub id: WallboardId,
    pub label: String,
    pub created_by: String,
    pub created_at: At,
    pub expires_at: At,
    pub revoked_at: Option<At>,
    pub seen_at: Option<At>,
}

/// The links, the newest first.
///
/// # Errors
/// Refused without `wallboard`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Link>, StoreError> {
    tx.may_all(Permission::Wallboard)?;
    let business = tx.business();
    let rows = sqlx::query!(
        "select w.id, w.label, m.name as created_by, w.created_at, w.expires_at, w.revoked_at, w.seen_at
         from wallboard_links w join members m on m.business_id = $1 and m.id = w.created_by
         where w.business_id = $1
         order by w.created_at desc, w.id desc
         limit 200",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    let links = rows.into_iter().map(|r| Link {
        id: WallboardId(r.id),
        label: r.label,
        created_by: r.created_by,
        created_at: r.created_at,
        expires_at: r.expires_at,
        revoked_at: r.revoked_at,
        seen_at: r.seen_at,
    });
    Ok(links.collect())
}

/// A new link.
pub struct NewLink<'a> {
    pub id: WallboardId,
    pub label: &'a str,
    pub token_hash: &'a [u8],
    pub expires_at: At,
}

/// Makes a link, and says whether there was room for it. What has been over for long goes.
///
/// # Errors
/// Refused without `wallboard`.
pub async fn insert(tx: &mut TenantTx, new: NewLink<'_>) -> Result<bool, StoreError> {
    tx.may_all(Permission::Wallboard)?;
    let (business, now, by) = (tx.business(), tx.now(), tx.caller().actor.uuid());
    sqlx::query!(
        "delete from wallboard_links where business_id = $1 and least(expires_at, revoked_at) < $2",
        business.0,
        now.plus(-LISTED_SECONDS)
    )
    .execute(tx.conn())
    .await?;
    let done = sqlx::query!(
        "insert into wallboard_links (business_id, id, label, token_hash, created_by, created_at, expires_at)
         select $1, $2, $3, $4, $5, $6, $7
         where (
             select count(*) from wallboard_links w
             where w.business_id = $1 and w.revoked_at is null and w.expires_at > $6
         ) < $8",
        business.0,
        new.id.0,
        new.label,
        new.token_hash,
        by,
        now,
        new.expires_at,
        i64::from(MOST_LINKS),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a link, and answers with the hash of its token, by which its streams are known.
///
/// # Errors
/// Refused without `wallboard`; missing when it is not this business's, or ended already.
pub async fn revoke(tx: &mut TenantTx, id: WallboardId) -> Result<Vec<u8>, StoreError> {
    tx.may_all(Permission::Wallboard)?;
    let (business, now) = (tx.business(), tx.now());
    let hash = sqlx::query_scalar!(
        "update wallboard_links set revoked_at = $3
         where business_id = $1 and id = $2 and revoked_at is null
         returning token_hash",
        business.0,
        id.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(hash)
}

/// Ends the links of somebody who leaves, or may share none any more, and says which. Their streams ask by themselves whether
/// they go on, on every node.
///
/// # Errors
/// Refused without `team.manage` or `roles.manage`.
pub async fn revoke_of(tx: &mut TenantTx, member: MemberId) -> Result<Vec<WallboardId>, StoreError> {
    tx.may_all(Permission::TeamManage).or_else(|_| tx.may_all(Permission::RolesManage))?;
    let (business, now) = (tx.business(), tx.now());
    let ended = sqlx::query_scalar!(
        "update wallboard_links set revoked_at = $3
         where business_id = $1 and created_by = $2 and revoked_at is null and expires_at > $3
         returning id",
        business.0,
        member.0,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ended.into_iter().map(WallboardId).collect())
}
