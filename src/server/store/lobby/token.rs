//! Tokens for programs (ACC-7): families, one step of a family's chain, and who stands behind one. The keys that sign
//! access tokens have their own file, [`super::signing_key`].

use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::{
    model::{
        id::{BusinessId, MemberId, SessionId, TraceId, UserId},
        personal::Email,
        session::EndCause,
    },
    server::{
        caller::{Actor, Caller, Origin, SignedIn},
        kit::At,
        store::{StoreError, TenantTx, role::held, types::read},
    },
};

/// A family that begins, with the hash of its first refresh token.
#[derive(Debug)]
pub struct NewFamily<'a> {
    pub id: SessionId,
    pub user: UserId,
    /// What its person calls the device.
    pub device: &'a str,
    /// What kind of device it says it is.
    pub agent: &'a str,
    pub means: &'a str,
    pub hash: &'a [u8],
    pub expires: At,
}

/// Begins a family in the transaction's business. False when the person is no member there, or must have a second
/// factor by now and has none.
///
/// # Errors
/// The database cannot be reached.
pub async fn token_issue(tx: &mut TenantTx, f: NewFamily<'_>) -> Result<bool, StoreError> {
    let (business, now) = (tx.business(), tx.now());
    let issued = sqlx::query_scalar!(
        r#"select lobby.token_issue($1, $2, $3, $4, $5, $6, $7, $8, $9) as "issued!""#,
        f.id.0,
        f.user.0,
        business.0,
        f.device,
        f.agent,
        f.means,
        f.hash,
        now,
        f.expires,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(issued)
}

/// Who stands behind a family now. `None` when it is over, the person was removed, or the business closed. Asked on
/// every request: an access token alone opens nothing.
///
/// # Errors
/// The database cannot be reached.
pub async fn token_caller(
    db: &PgPool,
    family: SessionId,
    now: At,
    origin: &Origin,
    trace: TraceId,
) -> Result<Option<SignedIn>, StoreError> {
    let row = sqlx::query!(
        r#"select t.user_id as "user_id!", t.member_id as "member_id!", t.member_name as "member_name!",
               t.email as "email!", coalesce(r.base, t.role) as "role!", t.business_id as "business_id!",
               t.business_name as "business_name!", t.profile as "profile!", t.zone as "zone!",
               t.created_at as "created_at!", t.last_used_at as "last_used_at!", t.open_pops as "open_pops!",
               t.means as "means!", t.factor_due as "factor_due?", t.restricted as "restricted!",
               r.role_id as "role_id?", r.role_name as "role_name?", r.grants as "grants?"
           from lobby.token_caller($1, $2) t
           left join lateral lobby.role_of(t.business_id, t.member_id) r on true"#,
        family.0,
        now
    )
    .fetch_optional(db)
    .await?;
    let Some(r) = row else { return Ok(None) };
    let (user, member) = (UserId(r.user_id), MemberId(r.member_id));
    let held = held(&r.role, r.role_id, r.role_name, r.grants)?;
    let grants = held.grants;
    Ok(Some(SignedIn {
        caller: Caller {
            actor: Actor::Member { member, user, grants },
            business: BusinessId(r.business_id),
            origin: origin.clone(),
            trace,
        },
        member,
        user,
        held,
        view: None,
        grants,
        name: read("members.name", &r.member_name)?,
        email: read("members.email", &r.email)?,
        business_name: r.business_name,
        profile: read("businesses.profile", &r.profile)?,
        zone: r.zone,
        session: Sha256::digest(family.0.as_bytes()).to_vec(),
        session_id: family,
        proved: r.created_at,
        means: r.means,
        factor_due: r.factor_due,
        restricted: r.restricted,
        last_seen: r.last_used_at,
        open_pops: r.open_pops,
    }))
}

/// Whose a presented refresh token is.
#[derive(Debug, Clone)]
pub struct Holder {
    pub family: SessionId,
    pub user: UserId,
    pub member: MemberId,
    pub business: BusinessId,
}

impl Holder {
    /// The actor that audit entries name.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        Actor::named(self.member, self.user)
    }
}

/// What became of a refresh token.
pub enum Rotation {
    /// It is nobody's, or its family is over.
    Unknown,
    /// The next one is in its place; the family ends at this instant whatever happens.
    Rotated(Holder, At),
    /// It was used before: its family has ended, in this transaction, which goes on as that person's.
    Reused(Box<TenantTx>, Holder, Email),
}

/// Uses up the refresh token with the hash `presented` and puts `next` in its place.
///
/// # Errors
/// The database cannot be reached.
#[expect(clippy::disallowed_methods, reason = "whose the token is, and in which business, is known only afterwards")]
pub async fn refresh_rotate(
    db: &PgPool,
    presented: &[u8],
    next: &[u8],
    agent: &str,
    caller: impl FnOnce(Actor, BusinessId) -> Caller,
    now: At,
) -> Result<Rotation, StoreError> {
    let mut tx = db.begin().await?;
    let row = sqlx::query!(
        r#"select is_reuse as "is_reuse!", family_id as "family_id!", user_id as "user_id!",
               member_id as "member_id!", email as "email!", business_id as "business_id!",
               expires_at as "expires_at!"
           from lobby.refresh_rotate($1, $2, $3, $4)"#,
        presented,
        next,
        agent,
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(r) = row else { return Ok(Rotation::Unknown) };
    let holder = Holder {
        family: SessionId(r.family_id),
        user: UserId(r.user_id),
        member: MemberId(r.member_id),
        business: BusinessId(r.business_id),
    };
    if !r.is_reuse {
        tx.commit().await?;
        return Ok(Rotation::Rotated(holder, r.expires_at));
    }
    let email = read("members.email", &r.email)?;
    let tx = TenantTx::adopt(tx, caller(holder.actor(), holder.business), now).await?;
    Ok(Rotation::Reused(Box::new(tx), holder, email))
}

/// Ends the family of a refresh token, in a transaction that goes on as its person's. `None` when it is over already,
/// or never was.
///
/// # Errors
/// The database cannot be reached.
#[expect(clippy::disallowed_methods, reason = "whose the token is, and in which business, is known only afterwards")]
pub async fn token_logout(
    db: &PgPool,
    presented: &[u8],
    caller: impl FnOnce(Actor, BusinessId) -> Caller,
    now: At,
) -> Result<Option<(TenantTx, Holder)>, StoreError> {
    let mut tx = db.begin().await?;
    let row = sqlx::query!(
        r#"select family_id as "family_id!", user_id as "user_id!", member_id as "member_id!",
               business_id as "business_id!"
           from lobby.token_logout($1, $2)"#,
        presented,
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(r) = row else { return Ok(None) };
    let holder = Holder {
        family: SessionId(r.family_id),
        user: UserId(r.user_id),
        member: MemberId(r.member_id),
        business: BusinessId(r.business_id),
    };
    let tx = TenantTx::adopt(tx, caller(holder.actor(), holder.business), now).await?;
    Ok(Some((tx, holder)))
}

/// A program that is signed in with a person's account.
#[derive(Debug, Clone)]
pub struct Family {
    pub id: SessionId,
    pub business: BusinessId,
    pub business_name: String,
    pub member: MemberId,
    /// What its person calls the device.
    pub device: String,
    /// The kind of program; coarse.
    pub agent: String,
    pub created_at: At,
    pub last_used_at: At,
    /// It ends then, however much it is used.
    pub expires_at: At,
}

/// The programs of a person, in every business, the one used last first.
///
/// # Errors
/// The database cannot be reached.
pub async fn token_families(db: &PgPool, user: UserId, now: At) -> Result<Vec<Family>, StoreError> {
    let rows = sqlx::query!(
        r#"select id as "id!", business_id as "business_id!", business_name as "business_name!",
               member_id as "member_id!", device_name as "device_name!", agent as "agent!",
               created_at as "created_at!", last_used_at as "last_used_at!", expires_at as "expires_at!"
           from lobby.token_families_of($1, $2)"#,
        user.0,
        now
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Family {
                id: SessionId(r.id),
                business: BusinessId(r.business_id),
                business_name: r.business_name,
                member: MemberId(r.member_id),
                device: r.device_name,
                agent: r.agent,
                created_at: r.created_at,
                last_used_at: r.last_used_at,
                expires_at: r.expires_at,
            })
        })
        .collect()
}

/// Ends a family, in the transaction that writes it down.
///
/// # Errors
/// Missing when it is somebody else's, over already, or never was.
pub async fn token_revoke(
    tx: &mut TenantTx,
    family: SessionId,
    user: UserId,
    cause: EndCause,
) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query_scalar!("select lobby.token_revoke($1, $2, $3, $4)", family.0, user.0, cause.code(), now)
        .fetch_one(tx.conn())
        .await?
        .map(|_| ())
        .ok_or(StoreError::Missing)
}
