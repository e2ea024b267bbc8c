//! The keys that sign access tokens (ACC-7), sealed: `vault::jwt` makes and opens them.

use sqlx::PgPool;
use uuid::Uuid;

use crate::server::{kit::At, store::StoreError};

/// A key that signs access tokens, or has signed them.
#[derive(Debug)]
pub struct SigningKey {
    pub id: Uuid,
    pub kid: String,
    /// Only of the one that signs.
    pub sealed: Option<Vec<u8>>,
    pub public_jwk: serde_json::Value,
    pub created_at: At,
    pub retired_at: Option<At>,
}

/// The key that signs and those that were retired after `since`, the newest first.
///
/// # Errors
/// The database cannot be reached.
pub async fn signing_keys(db: &PgPool, since: At) -> Result<Vec<SigningKey>, StoreError> {
    let rows = sqlx::query_as!(
        SigningKey,
        r#"select id as "id!", kid as "kid!", sealed as "sealed?", public_jwk as "public_jwk!",
               created_at as "created_at!", retired_at as "retired_at?"
           from lobby.signing_keys_known($1)"#,
        since
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// A key that was just made.
#[derive(Debug)]
pub struct NewSigningKey {
    pub id: Uuid,
    pub kid: String,
    pub sealed: Vec<u8>,
    pub public_jwk: serde_json::Value,
}

/// Adds the first key. Of several that are added at once one stays.
///
/// # Errors
/// The database cannot be reached.
pub async fn signing_key_add(db: &PgPool, key: NewSigningKey, now: At) -> Result<(), StoreError> {
    let NewSigningKey { id, kid, sealed, public_jwk } = key;
    sqlx::query!("select lobby.signing_key_add($1, $2, $3, $4, $5)", id, kid, sealed, public_jwk, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Puts a new key in the place of `old`. False when somebody else was faster.
///
/// # Errors
/// The database cannot be reached.
pub async fn signing_key_rotate(db: &PgPool, old: Uuid, key: NewSigningKey, now: At) -> Result<bool, StoreError> {
    let NewSigningKey { id, kid, sealed, public_jwk } = key;
    let done = sqlx::query_scalar!(
        r#"select lobby.signing_key_rotate($1, $2, $3, $4, $5, $6) as "done!""#,
        old,
        id,
        kid,
        sealed,
        public_jwk,
        now
    )
    .fetch_one(db)
    .await?;
    Ok(done)
}

/// Deletes families that are over and keys that were retired before `keys_before`.
///
/// # Errors
/// The database cannot be reached.
pub async fn tokens_trim(db: &PgPool, now: At, keys_before: At) -> Result<i64, StoreError> {
    let gone = sqlx::query_scalar!("select lobby.tokens_trim($1, $2)", now, keys_before).fetch_one(db).await?;
    Ok(gone.unwrap_or(0))
}
