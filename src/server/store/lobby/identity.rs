//! Signing in with a provider of identities (ACC-6), by the definer functions of migration 0020: who is sent there and
//! waited for, and whose identity it is. An identity is issuer and subject, never an address.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    model::id::UserId,
    server::{
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// What somebody is sent to the provider for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OidcPurpose {
    SignIn,
    Link,
    Join,
}

impl OidcPurpose {
    const ALL: [Self; 3] = [Self::SignIn, Self::Link, Self::Join];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Link => "link",
            Self::Join => "join",
        }
    }

    fn read(code: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|purpose| purpose.code() == code);
        found.ok_or(StoreError::Unreadable { column: "oidc_requests.purpose" })
    }
}

/// Somebody who is about to be sent to the provider.
#[derive(Debug)]
pub struct NewOidcRequest<'a> {
    pub token_hash: &'a [u8],
    pub id: Uuid,
    pub state_hash: &'a [u8],
    pub nonce: &'a str,
    /// The PKCE verifier, bound to the id.
    pub sealed: &'a [u8],
    pub purpose: OidcPurpose,
    /// To link: whose account.
    pub user: Option<UserId>,
    /// To join: by which invitation.
    pub invitation_hash: Option<&'a [u8]>,
    pub next: &'a str,
    pub now: At,
    pub expires: At,
}

/// # Errors
/// The database cannot be reached.
pub async fn oidc_begin(db: &PgPool, r: NewOidcRequest<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "select lobby.oidc_begin($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        r.token_hash,
        r.id,
        r.state_hash,
        r.nonce,
        r.sealed,
        r.purpose.code(),
        r.user.map(|user| user.0),
        r.invitation_hash,
        r.next,
        r.now,
        r.expires,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Somebody who is waited for.
#[derive(Debug, Clone)]
pub struct OidcWaiting {
    pub purpose: OidcPurpose,
    pub user: Option<UserId>,
    pub invitation_hash: Option<Vec<u8>>,
}

/// Who is waited for in this browser, with this state. Looking consumes nothing.
///
/// # Errors
/// The database cannot be reached.
pub async fn oidc_peek(
    db: &PgPool,
    token_hash: &[u8],
    state_hash: &[u8],
    now: At,
) -> Result<Option<OidcWaiting>, StoreError> {
    let row = sqlx::query!(
        r#"select purpose as "purpose!", user_id as "user_id?", invitation_hash as "invitation_hash?"
           from lobby.oidc_peek($1, $2, $3)"#,
        token_hash,
        state_hash,
        now,
    )
    .fetch_optional(db)
    .await?;
    row.map(|r| {
        Ok(OidcWaiting {
            purpose: OidcPurpose::read(&r.purpose)?,
            user: r.user_id.map(UserId),
            invitation_hash: r.invitation_hash,
        })
    })
    .transpose()
}

/// Somebody who has come back.
#[derive(Debug, Clone)]
pub struct OidcRequest {
    pub id: Uuid,
    pub nonce: String,
    pub sealed: Vec<u8>,
    pub user: Option<UserId>,
    pub invitation_hash: Option<Vec<u8>>,
    pub next: String,
}

/// Uses a request up. `None` when it is over, of another browser, state or purpose, or another request was faster.
///
/// # Errors
/// The database cannot be reached.
pub async fn oidc_take(
    db: &PgPool,
    token_hash: &[u8],
    state_hash: &[u8],
    purpose: OidcPurpose,
    now: At,
) -> Result<Option<OidcRequest>, StoreError> {
    let row = sqlx::query!(
        r#"select id as "id!", nonce as "nonce!", sealed as "sealed!", user_id as "user_id?",
               invitation_hash as "invitation_hash?", next as "next!"
           from lobby.oidc_take($1, $2, $3, $4)"#,
        token_hash,
        state_hash,
        purpose.code(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| OidcRequest {
        id: r.id,
        nonce: r.nonce,
        sealed: r.sealed,
        user: r.user_id.map(UserId),
        invitation_hash: r.invitation_hash,
        next: r.next,
    }))
}

/// Whose identity it is, noting that it was used.
///
/// # Errors
/// The database cannot be reached.
pub async fn identity_use(db: &PgPool, issuer: &str, subject: &str, now: At) -> Result<Option<UserId>, StoreError> {
    let user = sqlx::query_scalar!("select lobby.identity_use($1, $2, $3)", issuer, subject, now).fetch_one(db).await?;
    Ok(user.map(UserId))
}

/// An identity that somebody has linked: since when, and when it was last used.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    pub added: At,
    pub used: Option<At>,
}

/// # Errors
/// The database cannot be reached.
pub async fn identity_of(db: &PgPool, user: UserId, issuer: &str) -> Result<Option<Identity>, StoreError> {
    let row = sqlx::query!(
        r#"select added_at as "added_at!", used_at as "used_at?" from lobby.identity_of($1, $2)"#,
        user.0,
        issuer
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| Identity { added: r.added_at, used: r.used_at }))
}

/// Links an identity. False when it is somebody's already, or the person has one of this issuer.
///
/// # Errors
/// The database cannot be reached.
pub async fn identity_add(tx: &mut TenantTx, user: UserId, issuer: &str, subject: &str) -> Result<bool, StoreError> {
    let now = tx.now();
    let added = sqlx::query_scalar!("select lobby.identity_add($1, $2, $3, $4)", user.0, issuer, subject, now)
        .fetch_one(tx.conn())
        .await?;
    Ok(added.unwrap_or(false))
}

/// Takes the link away. False when there was none.
///
/// # Errors
/// The database cannot be reached.
pub async fn identity_remove(tx: &mut TenantTx, user: UserId, issuer: &str) -> Result<bool, StoreError> {
    let removed =
        sqlx::query_scalar!("select lobby.identity_remove($1, $2)", user.0, issuer).fetch_one(tx.conn()).await?;
    Ok(removed.unwrap_or(false))
}
