//! Founding a business and joining one: the person is no member yet, so there is no Caller to open a `TenantTx` for.
//! Both go on as the new member's transaction, so that the act and its audit entry commit together.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    model::{
        id::{BusinessId, DataKeyId, InvitationId, MemberId, UserId},
        profile::Profile,
        role::HeldRole,
    },
    server::{
        caller::{Actor, Caller},
        kit::At,
        store::{StoreError, TenantTx, role::held, types::read},
    },
};

/// A sign-up that waits for its mailed link.
pub struct SignUpStart<'a> {
    pub id: Uuid,
    pub token_hash: &'a [u8],
    pub email: &'a str,
    pub business_name: &'a str,
    pub profile: Profile,
    pub zone: &'a str,
    pub now: At,
    pub expires: At,
}

/// False when the address already has an account: then nothing is stored.
///
/// # Errors
/// The database cannot be reached.
pub async fn sign_up_start(db: &PgPool, s: SignUpStart<'_>) -> Result<bool, StoreError> {
    let started = sqlx::query_scalar!(
        r#"select lobby.sign_up_start($1, $2, $3, $4, $5, $6, $7, $8) as "started!""#,
        s.id,
        s.token_hash,
        s.email,
        s.business_name,
        s.profile.code(),
        s.zone,
        s.now,
        s.expires,
    )
    .fetch_one(db)
    .await?;
    Ok(started)
}

/// What a mailed sign-up link stands for, while it is good.
#[derive(Debug, Clone)]
pub struct SignUp {
    pub email: String,
    pub business_name: String,
    pub profile: Profile,
}

/// # Errors
/// The database cannot be reached.
pub async fn sign_up_peek(db: &PgPool, token_hash: &[u8], now: At) -> Result<Option<SignUp>, StoreError> {
    let row = sqlx::query!(
        r#"select email as "email!", business_name as "business_name!", profile as "profile!"
           from lobby.sign_up_peek($1, $2)"#,
        token_hash,
        now
    )
    .fetch_optional(db)
    .await?;
    row.map(|r| {
        Ok(SignUp { email: r.email, business_name: r.business_name, profile: read("sign_ups.profile", &r.profile)? })
    })
    .transpose()
}

/// A new business and its owner.
pub struct Founding<'a> {
    pub token_hash: &'a [u8],
    pub user: UserId,
    pub business: BusinessId,
    pub member: MemberId,
    pub name: &'a str,
    pub password_hash: &'a str,
    pub data_key: DataKeyId,
    pub wrapped: &'a [u8],
    pub master_key: &'a str,
}

/// Uses the link up and founds the business, in a transaction that goes on as the owner's. `None` when the link is
/// not good (any more).
///
/// # Errors
/// Taken when the address got an account meanwhile; the database cannot be reached.
#[expect(clippy::disallowed_methods, reason = "a tenant is being created: there is none to open a TenantTx for")]
pub async fn sign_up_finish(
    db: &PgPool,
    f: Founding<'_>,
    caller: impl FnOnce(Actor, BusinessId) -> Caller,
    now: At,
) -> Result<Option<TenantTx>, StoreError> {
    let mut tx = db.begin().await?;
    let email = sqlx::query_scalar!(
        "select lobby.sign_up_finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        f.token_hash,
        now,
        f.user.0,
        f.business.0,
        f.member.0,
        f.name,
        f.password_hash,
        f.data_key.0,
        f.wrapped,
        f.master_key,
    )
    .fetch_one(&mut *tx)
    .await?;
    if email.is_none() {
        return Ok(None);
    }
    let actor = Actor::named(f.member, f.user);
    TenantTx::adopt(tx, caller(actor, f.business), now).await.map(Some)
}

/// What a mailed invitation stands for, while it is good.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub business: BusinessId,
    pub business_name: String,
    pub email: String,
    /// The role that it gives. Its grants are not read: they are asked of the member, when there is one.
    pub role: HeldRole,
    /// Whether the address already has an account, whose password must then be given.
    pub has_account: bool,
}

/// # Errors
/// The database cannot be reached.
pub async fn invitation_peek(db: &PgPool, token_hash: &[u8], now: At) -> Result<Option<Invitation>, StoreError> {
    let row = sqlx::query!(
        r#"select i.business_id as "business_id!", i.business_name as "business_name!", i.email as "email!",
               i.role as "role!", i.has_account as "has_account!", r.role_id as "role_id?", r.role_name as "role_name?"
           from lobby.invitation_peek($1, $2) i left join lateral lobby.invitation_role($1) r on true"#,
        token_hash,
        now
    )
    .fetch_optional(db)
    .await?;
    row.map(|r| {
        Ok(Invitation {
            business: BusinessId(r.business_id),
            business_name: r.business_name,
            email: r.email,
            role: held(&r.role, r.role_id, r.role_name, None)?,
            has_account: r.has_account,
        })
    })
    .transpose()
}

/// Who joins, and as whom.
pub struct Joining<'a> {
    pub token_hash: &'a [u8],
    pub new_user: UserId,
    pub member: MemberId,
    pub name: &'a str,
    /// For a new account only.
    pub password_hash: &'a str,
}

/// Uses the invitation up and joins, in a transaction that goes on as the new member's.
///
/// # Errors
/// Taken when the person is a member already; the database cannot be reached.
#[expect(clippy::disallowed_methods, reason = "the person is no member yet: there is no Caller to open a TenantTx for")]
pub async fn invitation_accept(
    db: &PgPool,
    j: Joining<'_>,
    caller: impl FnOnce(Actor, BusinessId) -> Caller,
    now: At,
) -> Result<Option<(TenantTx, InvitationId, UserId)>, StoreError> {
    let mut tx = db.begin().await?;
    let row = sqlx::query!(
        r#"select business_id as "business_id!", invitation_id as "invitation_id!", user_id as "user_id!"
           from lobby.invitation_accept($1, $2, $3, $4, $5, $6)"#,
        j.token_hash,
        now,
        j.new_user.0,
        j.member.0,
        j.name,
        j.password_hash,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let user = UserId(row.user_id);
    let actor = Actor::named(j.member, user);
    let tx = TenantTx::adopt(tx, caller(actor, BusinessId(row.business_id)), now).await?;
    Ok(Some((tx, InvitationId(row.invitation_id), user)))
}
