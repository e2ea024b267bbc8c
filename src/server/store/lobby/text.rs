//! Codes by text message (ACC-3), by the definer functions of migration 0021. What sends or changes runs on a
//! transaction of the business that pays; what answers a question has none, as nobody is signed in yet.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    model::id::{BusinessId, UserId},
    server::{
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// The number that codes are texted to, sealed under its id.
pub struct TextFactor {
    pub id: Uuid,
    pub sealed: Vec<u8>,
    /// Its last four digits, for its person to recognise it.
    pub last4: String,
    /// Whose provider sends.
    pub business: BusinessId,
    pub started_at: At,
    /// Absent while it is being set up: then it counts for nothing.
    pub added_at: Option<At>,
}

/// # Errors
/// The database cannot be reached.
pub async fn text_factor(db: &PgPool, user: UserId) -> Result<Option<TextFactor>, StoreError> {
    let row = sqlx::query!(
        r#"select id as "id!", sealed as "sealed!", last4 as "last4!", business_id as "business_id!",
               started_at as "started_at!", added_at as "added_at?"
           from lobby.text_factor($1)"#,
        user.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| TextFactor {
        id: r.id,
        sealed: r.sealed,
        last4: r.last4,
        business: BusinessId(r.business_id),
        started_at: r.started_at,
        added_at: r.added_at,
    }))
}

/// A number that is about to be set up.
pub struct NewTextFactor<'a> {
    pub user: UserId,
    pub id: Uuid,
    pub sealed: &'a [u8],
    pub last4: &'a str,
}

/// Stores a number that is being set up, in place of an older one that is; this transaction's business will send. False
/// when one counts already.
///
/// # Errors
/// The database cannot be reached.
pub async fn text_start(tx: &mut TenantTx, f: NewTextFactor<'_>) -> Result<bool, StoreError> {
    let (business, now) = (tx.business(), tx.now());
    let started = sqlx::query_scalar!(
        "select lobby.text_start($1, $2, $3, $4, $5, $6)",
        f.user.0,
        f.id,
        f.sealed,
        f.last4,
        business.0,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(started.unwrap_or(false))
}

/// The number counts from now on, and the code that showed it is used up. False when the code is wrong, used or over,
/// or the number is not the one that is being set up any more.
///
/// # Errors
/// The database cannot be reached.
pub async fn text_confirm(tx: &mut TenantTx, user: UserId, id: Uuid, hash: &[u8]) -> Result<bool, StoreError> {
    let now = tx.now();
    let confirmed = sqlx::query_scalar!("select lobby.text_confirm($1, $2, $3, $4)", user.0, id, hash, now)
        .fetch_one(tx.conn())
        .await?;
    Ok(confirmed.unwrap_or(false))
}

/// A code that is about to be texted, by its hash, and the text that brings it, sealed under its id.
pub struct NewTextCode<'a> {
    pub challenge: Uuid,
    pub user: UserId,
    pub hash: &'a [u8],
    pub text: Uuid,
    pub sealed: &'a [u8],
    pub expires: At,
    /// Texts that one person may get in a day.
    pub person_most: i32,
    /// Texts that the business may send in a day.
    pub business_most: i32,
}

/// What became of a code that was to be texted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextPut {
    Stored,
    /// There were too many; again in so many seconds.
    TooMany(u32),
    /// This transaction's business sends nothing to this person.
    NotHere,
}

/// Stores it in place of the older one of its challenge, when there were not too many.
///
/// # Errors
/// The database cannot be reached.
pub async fn text_code_put(tx: &mut TenantTx, c: NewTextCode<'_>) -> Result<TextPut, StoreError> {
    let (business, now) = (tx.business(), tx.now());
    let wait = sqlx::query_scalar!(
        "select lobby.text_code_put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        c.challenge,
        c.user.0,
        business.0,
        c.hash,
        c.text,
        c.sealed,
        now,
        c.expires,
        c.person_most,
        c.business_most,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(match wait {
        None => TextPut::NotHere,
        Some(0) => TextPut::Stored,
        Some(seconds) => TextPut::TooMany(seconds.unsigned_abs()),
    })
}

/// Uses a texted code up. False when it is wrong, used, or over.
///
/// # Errors
/// The database cannot be reached.
pub async fn text_code_use(
    db: &PgPool,
    challenge: Uuid,
    user: UserId,
    hash: &[u8],
    now: At,
) -> Result<bool, StoreError> {
    let counted = sqlx::query_scalar!("select lobby.text_code_use($1, $2, $3, $4)", challenge, user.0, hash, now)
        .fetch_one(db)
        .await?;
    Ok(counted.unwrap_or(false))
}

/// A text whose turn it is, sealed under its id.
pub struct DueText {
    pub sealed: Vec<u8>,
    /// From then on it is worth nothing.
    pub expires_at: At,
}

/// What a job is to send; `None` when it was sent, or taken back with its number.
///
/// # Errors
/// Refused for people.
pub async fn text_due(tx: &mut TenantTx, id: Uuid) -> Result<Option<DueText>, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let due = sqlx::query_as!(
        DueText,
        r#"select sealed as "sealed!", expires_at as "expires_at!" from lobby.text_due($1, $2)"#,
        business.0,
        id
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(due)
}

/// The text is sent, or given up.
///
/// # Errors
/// Refused for people.
pub async fn text_done(tx: &mut TenantTx, id: Uuid) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    sqlx::query!("select lobby.text_done($1, $2)", business.0, id).execute(tx.conn()).await?;
    Ok(())
}
