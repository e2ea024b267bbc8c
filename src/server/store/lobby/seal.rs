//! What sealing the audit log needs beyond one business (AUD-3): the keys that sign, which businesses have something to seal,
//! to send or to remove, and how far it is behind.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    model::id::BusinessId,
    server::{kit::At, store::StoreError},
};

/// A key that signs seals, or has signed them.
#[derive(Debug)]
pub struct AuditKeyRow {
    pub id: Uuid,
    pub kid: String,
    /// Only of the one that signs.
    pub sealed: Option<Vec<u8>>,
    pub public_key: Vec<u8>,
    pub mac: Vec<u8>,
    pub created_at: At,
    pub retired_at: Option<At>,
}

/// All keys, the oldest first.
///
/// # Errors
/// The database cannot be reached.
pub async fn audit_keys(db: &PgPool) -> Result<Vec<AuditKeyRow>, StoreError> {
    let rows = sqlx::query_as!(
        AuditKeyRow,
        r#"select id as "id!", kid as "kid!", sealed as "sealed?", public_key as "public_key!", mac as "mac!",
               created_at as "created_at!", retired_at as "retired_at?"
           from lobby.audit_keys_known()"#
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// A key that was just made.
#[derive(Debug)]
pub struct NewAuditKey {
    pub id: Uuid,
    pub kid: String,
    pub sealed: Vec<u8>,
    pub public_key: Vec<u8>,
    pub mac: Vec<u8>,
}

/// Adds the first key. Of several that are added at once one stays.
///
/// # Errors
/// The database cannot be reached.
pub async fn audit_key_add(db: &PgPool, key: NewAuditKey, now: At) -> Result<(), StoreError> {
    let NewAuditKey { id, kid, sealed, public_key, mac } = key;
    sqlx::query!("select lobby.audit_key_add($1, $2, $3, $4, $5, $6)", id, kid, sealed, public_key, mac, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Puts a new key in the place of `old`, whose private half is gone from then on. False when somebody else was faster.
///
/// # Errors
/// The database cannot be reached.
pub async fn audit_key_rotate(db: &PgPool, old: Uuid, key: NewAuditKey, now: At) -> Result<bool, StoreError> {
    let NewAuditKey { id, kid, sealed, public_key, mac } = key;
    let done = sqlx::query_scalar!(
        r#"select lobby.audit_key_rotate($1, $2, $3, $4, $5, $6, $7) as "done!""#,
        old,
        id,
        kid,
        sealed,
        public_key,
        mac,
        now
    )
    .fetch_one(db)
    .await?;
    Ok(done)
}

/// The businesses of which something can be sealed now.
///
/// # Errors
/// The database cannot be reached.
pub async fn audit_waiting(db: &PgPool) -> Result<Vec<BusinessId>, StoreError> {
    let ids = sqlx::query_scalar!(r#"select business_id as "id!" from lobby.audit_waiting()"#).fetch_all(db).await?;
    Ok(ids.into_iter().map(BusinessId).collect())
}

/// How far sealing is behind.
#[derive(Debug)]
pub struct SealBacklog {
    /// Entries that are not sealed; counted up to a hundred thousand.
    pub waiting: i64,
    pub oldest_seconds: f64,
}

/// # Errors
/// The database cannot be reached.
pub async fn audit_backlog(db: &PgPool) -> Result<SealBacklog, StoreError> {
    Ok(sqlx::query_as!(
        SealBacklog,
        r#"select waiting as "waiting!", oldest_seconds as "oldest_seconds!" from lobby.audit_backlog()"#
    )
    .fetch_one(db)
    .await?)
}

/// The businesses that have a checkpoint to send by `way`, have sent none since `since`, and whose job `kind` with this key
/// does not wait already.
///
/// # Errors
/// The database cannot be reached.
pub async fn checkpoints_due(
    db: &PgPool,
    kind: &str,
    way: &str,
    key: &str,
    since: At,
) -> Result<Vec<BusinessId>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"select business_id as "id!" from lobby.checkpoints_due($1, $2, $3, $4)"#,
        kind,
        way,
        key,
        since
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(BusinessId).collect())
}

/// The businesses that have an exported file to remove: its time is over, or nobody wants it any more.
///
/// # Errors
/// The database cannot be reached.
pub async fn audit_exports_over(db: &PgPool, now: At) -> Result<Vec<BusinessId>, StoreError> {
    let ids = sqlx::query_scalar!(r#"select business_id as "id!" from lobby.audit_exports_over($1)"#, now)
        .fetch_all(db)
        .await?;
    Ok(ids.into_iter().map(BusinessId).collect())
}
