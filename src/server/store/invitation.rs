//! Invitations that are still open (ACC-6). Accepting one is the lobby's.

use super::{StoreError, TenantTx, role::held, types::read};
use crate::{
    model::{
        id::{InvitationId, MemberId, RoleId},
        permission::Permission,
        personal::Email,
        role::HeldRole,
    },
    server::kit::At,
};

/// An open invitation.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: Email,
    pub role: HeldRole,
    pub created_at: At,
    pub expires_at: At,
}

/// # Errors
/// Refused without `team.invite`.
pub async fn open(tx: &mut TenantTx) -> Result<Vec<Invitation>, StoreError> {
    select(tx, None).await
}

/// Open invitations to one address: those that another one to it would withdraw.
///
/// # Errors
/// Refused without `team.invite`.
pub async fn open_to(tx: &mut TenantTx, email: &Email) -> Result<Vec<Invitation>, StoreError> {
    select(tx, Some(email)).await
}

/// Open invitations, newest first; those to one address when `only` names it.
async fn select(tx: &mut TenantTx, only: Option<&Email>) -> Result<Vec<Invitation>, StoreError> {
    tx.may_all(Permission::TeamInvite)?;
    let (business, now) = (tx.business(), tx.now());
    let rows = sqlx::query!(
        r#"select i.id, i.email, i.role, i.role_id, r.name as "role_name?", i.created_at, i.expires_at,
               array(
                   select g.permission || ' ' || g.reach from role_grants g
                   where g.business_id = $1 and g.role_id = i.role_id
               ) as "grants!"
           from invitations i left join roles r on r.business_id = $1 and r.id = i.role_id
           where i.business_id = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > $2
               and ($3::text is null or i.email = $3)
           order by i.created_at desc"#,
        business.0,
        now,
        only.map(Email::reveal)
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Invitation {
                id: InvitationId(r.id),
                email: read("invitations.email", &r.email)?,
                role: held(&r.role, r.role_id, r.role_name, Some(r.grants))?,
                created_at: r.created_at,
                expires_at: r.expires_at,
            })
        })
        .collect()
}

/// Stores an invitation; earlier ones to the same address are withdrawn.
///
/// # Errors
/// Refused without `team.invite`.
pub async fn insert(
    tx: &mut TenantTx,
    id: InvitationId,
    email: &Email,
    role: &HeldRole,
    token_hash: &[u8],
    expires_at: At,
) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamInvite)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    sqlx::query!(
        "update invitations set revoked_at = $3
         where business_id = $1 and email = $2 and accepted_at is null and revoked_at is null",
        business.0,
        email.reveal(),
        now
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into invitations
             (business_id, id, email, role, role_id, token_hash, invited_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        business.0,
        id.0,
        email.reveal(),
        role.base.code(),
        role.role.custom().map(|id| id.0),
        token_hash,
        by,
        now,
        expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// # Errors
/// Refused without `team.invite`; stale when it is not open any more.
pub async fn revoke(tx: &mut TenantTx, id: InvitationId) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamInvite)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update invitations set revoked_at = $3
         where business_id = $1 and id = $2 and accepted_at is null and revoked_at is null",
        business.0,
        id.0,
        now
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// An open invitation, locked: who withdraws it, accepts it or sends it again comes after this transaction. So does who changes
/// its role.
///
/// # Errors
/// Refused without `team.invite`; missing when it is not this business's, or not open any more.
pub async fn take(tx: &mut TenantTx, id: InvitationId) -> Result<Invitation, StoreError> {
    tx.may_all(Permission::TeamInvite)?;
    let (business, now) = (tx.business(), tx.now());
    // Before the invitation: who changes a role withdraws its invitations while they hold it.
    sqlx::query_scalar!(
        "select r.id from roles r join invitations i on i.business_id = r.business_id and i.role_id = r.id
         where i.business_id = $1 and i.id = $2
         for share of r",
        business.0,
        id.0
    )
    .fetch_optional(tx.conn())
    .await?;
    let r = sqlx::query!(
        r#"select i.email, i.role, i.role_id, r.name as "role_name?", i.created_at, i.expires_at,
               array(
                   select g.permission || ' ' || g.reach from role_grants g
                   where g.business_id = $1 and g.role_id = i.role_id
               ) as "grants!"
           from invitations i left join roles r on r.business_id = $1 and r.id = i.role_id
           where i.business_id = $1 and i.id = $2 and i.accepted_at is null and i.revoked_at is null
               and i.expires_at > $3
           for update of i"#,
        business.0,
        id.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Invitation {
        id,
        email: read("invitations.email", &r.email)?,
        role: held(&r.role, r.role_id, r.role_name, Some(r.grants))?,
        created_at: r.created_at,
        expires_at: r.expires_at,
    })
}

/// The open invitations that somebody has sent, and what they give.
///
/// # Errors
/// Refused without `team.manage` or `roles.manage`.
pub async fn sent_by(tx: &mut TenantTx, member: MemberId) -> Result<Vec<(InvitationId, HeldRole)>, StoreError> {
    tx.may_all(Permission::TeamManage).or_else(|_| tx.may_all(Permission::RolesManage))?;
    let (business, now) = (tx.business(), tx.now());
    let rows = sqlx::query!(
        r#"select i.id, i.role, i.role_id, r.name as "role_name?",
               array(
                   select g.permission || ' ' || g.reach from role_grants g
                   where g.business_id = $1 and g.role_id = i.role_id
               ) as "grants!"
           from invitations i left join roles r on r.business_id = $1 and r.id = i.role_id
           where i.business_id = $1 and i.invited_by = $2 and i.accepted_at is null and i.revoked_at is null
               and i.expires_at > $3
           order by i.id"#,
        business.0,
        member.0,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|r| Ok((InvitationId(r.id), held(&r.role, r.role_id, r.role_name, Some(r.grants))?))).collect()
}

/// Withdraws an invitation of somebody who may not give that any more; false when it is not open now.
///
/// # Errors
/// Refused without `team.manage` or `roles.manage`.
pub async fn withdraw(tx: &mut TenantTx, id: InvitationId) -> Result<bool, StoreError> {
    tx.may_all(Permission::TeamManage).or_else(|_| tx.may_all(Permission::RolesManage))?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update invitations set revoked_at = $3
         where business_id = $1 and id = $2 and accepted_at is null and revoked_at is null",
        business.0,
        id.0,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many open invitations give a role of the business.
///
/// # Errors
/// Refused without `roles.read`.
pub async fn open_of_role(tx: &mut TenantTx, role: RoleId) -> Result<i64, StoreError> {
    tx.may_all(Permission::RolesRead)?;
    let (business, now) = (tx.business(), tx.now());
    let open = sqlx::query_scalar!(
        r#"select count(*) as "open!" from invitations
           where business_id = $1 and role_id = $2 and accepted_at is null and revoked_at is null and expires_at > $3"#,
        business.0,
        role.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(open)
}

/// Withdraws every open invitation that gives a role of the business. To be called with the role locked.
///
/// # Errors
/// Refused without `roles.manage`.
pub async fn revoke_of_role(tx: &mut TenantTx, role: RoleId) -> Result<(), StoreError> {
    tx.may_all(Permission::RolesManage)?;
    let (business, now) = (tx.business(), tx.now());
    sqlx::query!(
        "update invitations set revoked_at = $3
         where business_id = $1 and role_id = $2 and accepted_at is null and revoked_at is null",
        business.0,
        role.0,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
