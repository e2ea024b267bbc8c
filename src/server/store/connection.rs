//! Connections to providers and agency systems, and their sealed secrets (KEY-1, KEY-2).

mod sender;

pub use sender::{has_sender, sender};
use uuid::Uuid;

use super::{StoreError, TenantTx};
use crate::{
    model::{
        id::{ConnectionId, SecretId},
        permission::Permission,
    },
    server::kit::At,
};

/// A connection, without any secret.
#[derive(Debug, Clone)]
pub struct Connection {
    pub id: ConnectionId,
    pub provider: String,
    pub label: String,
    pub account: String,
    pub number: Option<String>,
    pub base_url: Option<String>,
    pub state: String,
    pub created_at: At,
    pub rotated_at: Option<At>,
    pub revoked_at: Option<At>,
    pub last_event_at: Option<At>,
    pub tested_at: Option<At>,
    pub test_result: Option<String>,
}

/// All connections of the business, the active ones first.
///
/// # Errors
/// Refused without `credentials`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Connection>, StoreError> {
    tx.may_all(Permission::Credentials)?;
    let business = tx.business();
    let rows = sqlx::query_as!(
        Connection,
        "select id, provider, label, account, number, base_url, state, created_at, rotated_at, revoked_at,
             last_event_at, tested_at, test_result
         from connections where business_id = $1 order by state, created_at desc",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// # Errors
/// Refused without `credentials`; missing when it is not this business's.
pub async fn get(tx: &mut TenantTx, id: ConnectionId) -> Result<Connection, StoreError> {
    tx.may_all(Permission::Credentials)?;
    let business = tx.business();
    let row = sqlx::query_as!(
        Connection,
        "select id, provider, label, account, number, base_url, state, created_at, rotated_at, revoked_at,
             last_event_at, tested_at, test_result
         from connections where business_id = $1 and id = $2",
        business.0,
        id.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row)
}

/// A new connection.
pub struct NewConnection<'a> {
    pub id: ConnectionId,
    pub provider: &'a str,
    pub label: &'a str,
    pub account: &'a str,
    pub number: Option<&'a str>,
    pub base_url: Option<&'a str>,
    pub token_hash: &'a [u8],
    pub token_sealed: &'a [u8],
    pub created_by: Uuid,
}

/// # Errors
/// Refused without `credentials`.
pub async fn insert(tx: &mut TenantTx, c: NewConnection<'_>) -> Result<(), StoreError> {
    tx.may_all(Permission::Credentials)?;
    let (business, now) = (tx.business(), tx.now());
    sqlx::query!(
        "insert into connections (business_id, id, provider, label, account, number, base_url, token_hash,
             token_sealed, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        business.0,
        c.id.0,
        c.provider,
        c.label,
        c.account,
        c.number,
        c.base_url,
        c.token_hash,
        c.token_sealed,
        c.created_by,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Adds a secret; those before it stay good until `old_until`.
///
/// # Errors
/// Refused without `credentials`.
pub async fn put_secret(
    tx: &mut TenantTx,
    connection: ConnectionId,
    id: SecretId,
    sealed: &[u8],
    old_until: At,
) -> Result<(), StoreError> {
    tx.may_all(Permission::Credentials)?;
    let (business, now) = (tx.business(), tx.now());
    sqlx::query!(
        "update connection_secrets set expires_at = $3
         where business_id = $1 and connection_id = $2 and (expires_at is null or expires_at > $3)",
        business.0,
        connection.0,
        old_until
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into connection_secrets (business_id, id, connection_id, sealed, created_at) values ($1, $2, $3, $4, $5)",
        business.0,
        id.0,
        connection.0,
        sealed,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks that the secret was rotated.
///
/// # Errors
/// Refused without `credentials`; stale when it is revoked.
pub async fn rotated(tx: &mut TenantTx, id: ConnectionId) -> Result<(), StoreError> {
    tx.may_all(Permission::Credentials)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update connections set rotated_at = $3 where business_id = $1 and id = $2 and state = 'active'",
        business.0,
        id.0,
        now
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Revokes it: its webhooks are refused from the next one on, and its secrets are deleted.
///
/// # Errors
/// Refused without `credentials`; stale when it is revoked already.
pub async fn revoke(tx: &mut TenantTx, id: ConnectionId) -> Result<(), StoreError> {
    tx.may_all(Permission::Credentials)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update connections set state = 'revoked', revoked_at = $3
         where business_id = $1 and id = $2 and state = 'active'",
        business.0,
        id.0,
        now
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() != 1 {
        return Err(StoreError::Stale);
    }
    sqlx::query!("delete from connection_secrets where business_id = $1 and connection_id = $2", business.0, id.0)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The newest live secret, sealed, with the id it is bound to.
///
/// # Errors
/// Refused without `credentials` (people); missing when there is none.
pub async fn newest_secret(tx: &mut TenantTx, id: ConnectionId) -> Result<(SecretId, Vec<u8>), StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::Credentials))?;
    let (business, now) = (tx.business(), tx.now());
    let row = sqlx::query!(
        "select id, sealed from connection_secrets
         where business_id = $1 and connection_id = $2 and (expires_at is null or expires_at > $3)
         order by id desc limit 1",
        business.0,
        id.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((SecretId(row.id), row.sealed))
}

/// The sealed path token of the webhook address.
///
/// # Errors
/// Refused without `credentials`; missing when it is not this business's.
pub async fn sealed_token(tx: &mut TenantTx, id: ConnectionId) -> Result<Vec<u8>, StoreError> {
    tx.may_all(Permission::Credentials)?;
    let business = tx.business();
    let token = sqlx::query_scalar!(
        "select token_sealed from connections where business_id = $1 and id = $2",
        business.0,
        id.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(token)
}

/// Stores how a test went.
///
/// # Errors
/// Refused without `credentials`; missing when it is not this business's.
pub async fn tested(tx: &mut TenantTx, id: ConnectionId, result: &str) -> Result<(), StoreError> {
    tx.may_all(Permission::Credentials)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update connections set tested_at = $3, test_result = $4 where business_id = $1 and id = $2",
        business.0,
        id.0,
        now,
        result
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// Notes that an event came. At most one write a minute, so that a busy line is not one hot row.
///
/// # Errors
/// Refused for people.
pub async fn heard(tx: &mut TenantTx, id: ConnectionId) -> Result<(), StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    sqlx::query!(
        "update connections set last_event_at = $3
         where business_id = $1 and id = $2 and (last_event_at is null or last_event_at < $4)",
        business.0,
        id.0,
        now,
        now.plus(-60)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Counts webhooks that were turned away in this hour. The count is all that is kept of them.
///
/// # Errors
/// Refused for people.
pub async fn count_refusals(tx: &mut TenantTx, id: ConnectionId, reason: &str, count: i64) -> Result<(), StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    sqlx::query!(
        "insert into webhook_refusals (business_id, connection_id, hour, reason, count)
         values ($1, $2, date_trunc('hour', $3::timestamptz), $4, $5)
         on conflict (business_id, connection_id, hour, reason)
         do update set count = webhook_refusals.count + excluded.count",
        business.0,
        id.0,
        now,
        reason,
        count
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What was turned away since `from`, by reason.
///
/// # Errors
/// Refused without `credentials`.
pub async fn refusals(tx: &mut TenantTx, id: ConnectionId, from: At) -> Result<Vec<(String, i64)>, StoreError> {
    tx.may_all(Permission::Credentials)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select reason, sum(count)::bigint as "count!" from webhook_refusals
           where business_id = $1 and connection_id = $2 and hour >= $3 group by reason order by reason"#,
        business.0,
        id.0,
        from
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (r.reason, r.count)).collect())
}

/// The business's active agency system, for a screen pop.
///
/// # Errors
/// Refused for people.
pub async fn agency(tx: &mut TenantTx, providers: &[String]) -> Result<Option<Connection>, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let row = sqlx::query_as!(
        Connection,
        "select id, provider, label, account, number, base_url, state, created_at, rotated_at, revoked_at,
             last_event_at, tested_at, test_result
         from connections where business_id = $1 and provider = any($2) and state = 'active'
         order by created_at desc limit 1",
        business.0,
        providers
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}
