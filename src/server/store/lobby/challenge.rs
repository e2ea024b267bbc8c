//! Sign-ins that have shown their first proof and wait for the second (ACC-3). A challenge is found by the hash of a token
//! that only the asking browser has.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    model::id::UserId,
    server::{kit::At, store::StoreError},
};

/// A challenge that begins.
#[derive(Debug)]
pub struct NewChallenge<'a> {
    pub id: Uuid,
    pub token_hash: &'a [u8],
    pub user: UserId,
    /// The code of the proof that was shown.
    pub proof: &'a str,
    /// The path to go on at.
    pub next: &'a str,
    pub now: At,
    pub expires: At,
}

/// # Errors
/// The database cannot be reached.
pub async fn challenge_begin(db: &PgPool, c: NewChallenge<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "select lobby.challenge_begin($1, $2, $3, $4, $5, $6, $7)",
        c.id,
        c.token_hash,
        c.user.0,
        c.proof,
        c.next,
        c.now,
        c.expires,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A challenge that waits.
#[derive(Debug, Clone)]
pub struct Challenge {
    pub id: Uuid,
    pub user: UserId,
    pub email: String,
    pub proof: String,
    pub next: String,
}

/// The challenge behind a token, while it is good.
///
/// # Errors
/// The database cannot be reached.
pub async fn challenge_peek(db: &PgPool, token_hash: &[u8], now: At) -> Result<Option<Challenge>, StoreError> {
    let row = sqlx::query!(
        r#"select id as "id!", user_id as "user_id!", email as "email!", proof as "proof!", next as "next!"
           from lobby.challenge_peek($1, $2)"#,
        token_hash,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| Challenge { id: r.id, user: UserId(r.user_id), email: r.email, proof: r.proof, next: r.next }))
}

/// Counts a try, before the answer is looked at. False when there have been `most`, or the challenge is over.
///
/// # Errors
/// The database cannot be reached.
pub async fn challenge_try(db: &PgPool, token_hash: &[u8], now: At, most: i32) -> Result<bool, StoreError> {
    let counted =
        sqlx::query_scalar!("select lobby.challenge_try($1, $2, $3)", token_hash, now, most).fetch_one(db).await?;
    Ok(counted.unwrap_or(false))
}

/// Ends the challenge; `None` when another request has ended it.
///
/// # Errors
/// The database cannot be reached.
pub async fn challenge_finish(db: &PgPool, token_hash: &[u8]) -> Result<Option<UserId>, StoreError> {
    let user = sqlx::query_scalar!("select lobby.challenge_finish($1)", token_hash).fetch_one(db).await?;
    Ok(user.map(UserId))
}
