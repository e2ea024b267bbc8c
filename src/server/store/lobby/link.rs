//! Links by mail (ACC-2), and passwords that are chosen anew (ACC-1). A link is found by the hash of its token, for one
//! purpose; only the browser that asked is signed in by it.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    model::{
        id::{BusinessId, UserId},
        password::Policy,
        personal::Email,
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx, types::read},
    },
};

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    SignIn,
    Reset,
}

impl LinkPurpose {
    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Reset => "reset",
        }
    }
}

/// A link that is asked for, with the mail that carries it.
#[derive(Debug)]
pub struct NewLink<'a> {
    pub id: Uuid,
    pub email: &'a str,
    pub purpose: LinkPurpose,
    pub token_hash: &'a [u8],
    /// Of the browser that asks, to sign in.
    pub browser_hash: Option<&'a [u8]>,
    pub now: At,
    pub expires: At,
    /// How many a person gets within an hour.
    pub most: i32,
    pub mail: Uuid,
    pub sealed: &'a [u8],
}

/// Stores a link and queues its mail, in one statement; the person's older ones of the same purpose are over. `None`,
/// and nothing is stored, when the address is nobody's, its person has no business, or there were too many.
///
/// # Errors
/// The database cannot be reached.
pub async fn link_ask(db: &PgPool, l: NewLink<'_>) -> Result<Option<UserId>, StoreError> {
    let user = sqlx::query_scalar!(
        "select lobby.link_ask($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        l.id,
        l.email,
        l.purpose.code(),
        l.token_hash,
        l.browser_hash,
        l.now,
        l.expires,
        l.most,
        l.mail,
        l.sealed,
    )
    .fetch_one(db)
    .await?;
    Ok(user.map(UserId))
}

/// What a mailed link stands for, while it is good.
#[derive(Debug, Clone)]
pub struct Link {
    pub user: UserId,
    pub email: Email,
    /// Of the browser that asked to sign in.
    pub browser_hash: Option<Vec<u8>>,
    /// Whether another browser shows its code.
    pub is_shown: bool,
}

/// # Errors
/// The database cannot be reached.
pub async fn link_peek(
    db: &PgPool,
    token_hash: &[u8],
    purpose: LinkPurpose,
    now: At,
) -> Result<Option<Link>, StoreError> {
    let row = sqlx::query!(
        r#"select user_id as "user_id!", email as "email!", browser_hash as "browser_hash?", is_shown as "is_shown!"
           from lobby.link_peek($1, $2, $3)"#,
        token_hash,
        purpose.code(),
        now,
    )
    .fetch_optional(db)
    .await?;
    row.map(|r| {
        Ok(Link {
            user: UserId(r.user_id),
            email: read("users.email", &r.email)?,
            browser_hash: r.browser_hash,
            is_shown: r.is_shown,
        })
    })
    .transpose()
}

/// Uses a link up, in the browser that asked for it. `None` for any other one, and when it is not good (any more).
///
/// # Errors
/// The database cannot be reached.
pub async fn link_use(
    db: &PgPool,
    token_hash: &[u8],
    browser_hash: &[u8],
    now: At,
) -> Result<Option<UserId>, StoreError> {
    let user =
        sqlx::query_scalar!("select lobby.link_use($1, $2, $3)", token_hash, browser_hash, now).fetch_one(db).await?;
    Ok(user.map(UserId))
}

/// Lets a link's code count from now on. False when the link is not good (any more).
///
/// # Errors
/// The database cannot be reached.
pub async fn link_show(db: &PgPool, token_hash: &[u8], code_hash: &[u8], now: At) -> Result<bool, StoreError> {
    let shown =
        sqlx::query_scalar!("select lobby.link_show($1, $2, $3)", token_hash, code_hash, now).fetch_one(db).await?;
    Ok(shown.unwrap_or(false))
}

/// Tries a code in the browser that asked: whose link it is, and whether the code was right, which uses the link up as
/// the last of `most` wrong ones does. `None` when this browser has no link that is good.
///
/// # Errors
/// The database cannot be reached.
pub async fn link_code(
    db: &PgPool,
    browser_hash: &[u8],
    code_hash: &[u8],
    now: At,
    most: i32,
) -> Result<Option<(UserId, bool)>, StoreError> {
    let row = sqlx::query!(
        r#"select user_id as "user_id!", is_right as "is_right!" from lobby.link_code($1, $2, $3, $4)"#,
        browser_hash,
        code_hash,
        now,
        most,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| (UserId(r.user_id), r.is_right)))
}

/// Uses a reset link up and stores the new password's hash, in the transaction that writes it down. `None` when the
/// link is not good (any more).
///
/// # Errors
/// The database cannot be reached.
pub async fn password_reset(tx: &mut TenantTx, token_hash: &[u8], hash: &str) -> Result<Option<UserId>, StoreError> {
    let now = tx.now();
    let user = sqlx::query_scalar!("select lobby.password_reset($1, $2, $3)", token_hash, now, hash)
        .fetch_one(tx.conn())
        .await?;
    Ok(user.map(UserId))
}

/// Stores a new password's hash, in the transaction that writes it down, if `old` still is the stored one.
///
/// # Errors
/// Stale when it is not; the database cannot be reached.
pub async fn password_change(tx: &mut TenantTx, user: UserId, old: &str, new: &str) -> Result<(), StoreError> {
    let now = tx.now();
    let changed = sqlx::query_scalar!("select lobby.password_change($1, $2, $3, $4)", user.0, old, new, now)
        .fetch_one(tx.conn())
        .await?;
    if changed == Some(true) { Ok(()) } else { Err(StoreError::Stale) }
}

/// The password policies of all businesses of a person.
///
/// # Errors
/// The database cannot be reached.
pub async fn password_policies_of(db: &PgPool, user: UserId) -> Result<Vec<Policy>, StoreError> {
    let codes = sqlx::query_scalar!(
        r#"select policy as "policy!" from lobby.password_policies_of($1) as policies (policy)"#,
        user.0
    )
    .fetch_all(db)
    .await?;
    codes.iter().map(|code| read("password_policies.policy", code)).collect()
}

/// The password policy of one business, for somebody who joins it.
///
/// # Errors
/// The database cannot be reached.
pub async fn password_policy_in(db: &PgPool, business: BusinessId) -> Result<Policy, StoreError> {
    let code =
        sqlx::query_scalar!(r#"select lobby.password_policy_in($1) as "policy!""#, business.0).fetch_one(db).await?;
    read("password_policies.policy", &code)
}

/// What a stranger could guess of a person: their address, their names, and what their businesses are called.
///
/// # Errors
/// The database cannot be reached.
pub async fn password_context_of(db: &PgPool, user: UserId) -> Result<Vec<String>, StoreError> {
    let words =
        sqlx::query_scalar!(r#"select word as "word!" from lobby.password_context_of($1) as words (word)"#, user.0)
            .fetch_all(db)
            .await?;
    Ok(words)
}
