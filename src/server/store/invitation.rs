//! Invitations that are still open (ACC-6). Accepting one is the lobby's.

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        id::{InvitationId, MemberId},
        permission::{Permission, Role},
        personal::Email,
    },
    server::kit::At,
};

/// An open invitation.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: Email,
    pub role: Role,
    pub created_at: At,
    pub expires_at: At,
}

/// # Errors
/// Refused without `team.invite`.
pub async fn open(tx: &mut TenantTx) -> Result<Vec<Invitation>, StoreError> {
    tx.may_all(Permission::TeamInvite)?;
    let (business, now) = (tx.business(), tx.now());
    let rows = sqlx::query!(
        "select id, email, role, created_at, expires_at from invitations
         where business_id = $1 and accepted_at is null and revoked_at is null and expires_at > $2
         order by created_at desc",
        business.0,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Invitation {
                id: InvitationId(r.id),
                email: read("invitations.email", &r.email)?,
                role: read("invitations.role", &r.role)?,
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
    role: Role,
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
        "insert into invitations (business_id, id, email, role, token_hash, invited_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        business.0,
        id.0,
        email.reveal(),
        role.code(),
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

/// An open invitation, locked: who withdraws it, accepts it or sends it again comes after this transaction.
///
/// # Errors
/// Refused without `team.invite`; missing when it is not this business's, or not open any more.
pub async fn take(tx: &mut TenantTx, id: InvitationId) -> Result<Invitation, StoreError> {
    tx.may_all(Permission::TeamInvite)?;
    let (business, now) = (tx.business(), tx.now());
    let r = sqlx::query!(
        "select email, role, created_at, expires_at from invitations
         where business_id = $1 and id = $2 and accepted_at is null and revoked_at is null and expires_at > $3
         for update",
        business.0,
        id.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Invitation {
        id,
        email: read("invitations.email", &r.email)?,
        role: read("invitations.role", &r.role)?,
        created_at: r.created_at,
        expires_at: r.expires_at,
    })
}

/// Withdraws every open invitation that somebody has sent, and says how many there were.
///
/// # Errors
/// Refused without `team.manage`.
pub async fn revoke_sent_by(tx: &mut TenantTx, member: MemberId) -> Result<u64, StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update invitations set revoked_at = $3
         where business_id = $1 and invited_by = $2 and accepted_at is null and revoked_at is null and expires_at > $3",
        business.0,
        member.0,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
