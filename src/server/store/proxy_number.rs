//! Proxy numbers (TEL-7): the pool that masked calls go through, and how much of it is in use.

use uuid::Uuid;

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        id::{ConnectionId, ProxyNumberId},
        permission::Permission,
        phone::Phone,
    },
    server::kit::At,
};

/// A number of the pool.
#[derive(Debug, Clone)]
pub struct ProxyNumber {
    pub id: ProxyNumberId,
    pub number: Phone,
    /// What its connection is called.
    pub connection: String,
    /// Whether the connection still works: a revoked one brings no calls.
    pub is_connected: bool,
    /// How many jobs it serves now.
    pub sessions: i64,
    pub last_used_at: Option<At>,
}

/// The pool, by number.
///
/// # Errors
/// Refused without `extensions`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<ProxyNumber>, StoreError> {
    tx.may_all(Permission::Extensions)?;
    let (business, now) = (tx.business(), tx.now());
    let rows = sqlx::query!(
        r#"select n.id, n.number, c.label, c.state, n.last_used_at,
               (
                   select count(*) from proxy_sessions s
                   where s.business_id = $1 and s.proxy_number_id = n.id and s.closed_at is null and s.expires_at > $2
               ) as "sessions!"
           from proxy_numbers n join connections c on c.business_id = $1 and c.id = n.connection_id
           where n.business_id = $1 and n.state = 'active'
           order by n.number"#,
        business.0,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(ProxyNumber {
                id: ProxyNumberId(r.id),
                number: read("proxy_numbers.number", &r.number)?,
                connection: r.label,
                is_connected: r.state == "active",
                sessions: r.sessions,
                last_used_at: r.last_used_at,
            })
        })
        .collect()
}

/// How many numbers of the pool are in use at once by the one person who uses the most.
///
/// # Errors
/// Refused without `extensions`.
pub async fn busiest(tx: &mut TenantTx) -> Result<i64, StoreError> {
    tx.may_all(Permission::Extensions)?;
    let (business, now) = (tx.business(), tx.now());
    let most = sqlx::query_scalar!(
        r#"select coalesce(max(numbers), 0) as "most!" from (
               select count(*) as numbers
               from proxy_parties p
               join proxy_sessions s on s.business_id = $1 and s.id = p.session_id and s.expires_at > $2
               where p.business_id = $1
               group by p.phone
           ) people"#,
        business.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(most)
}

/// The connections that a number may belong to: id, provider and label of those in use. Nothing else of them, so that who
/// manages numbers needs no right to credentials.
///
/// # Errors
/// Refused without `extensions`.
pub async fn connections(tx: &mut TenantTx) -> Result<Vec<(ConnectionId, String, String)>, StoreError> {
    tx.may_all(Permission::Extensions)?;
    let business = tx.business();
    let rows = sqlx::query!(
        "select id, provider, label from connections where business_id = $1 and state = 'active' order by label, id",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (ConnectionId(r.id), r.provider, r.label)).collect())
}

/// A new number of the pool.
pub struct NewProxyNumber<'a> {
    pub id: ProxyNumberId,
    pub connection: ConnectionId,
    pub number: &'a Phone,
    pub created_by: Uuid,
}

/// # Errors
/// Refused without `extensions`; taken when it is in the pool; missing when the connection is not of this business, or revoked.
pub async fn insert(tx: &mut TenantTx, n: NewProxyNumber<'_>) -> Result<(), StoreError> {
    tx.may_all(Permission::Extensions)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "insert into proxy_numbers (business_id, id, connection_id, number, created_by, created_at)
         select $1, $2, c.id, $4, $5, $6 from connections c
         where c.business_id = $1 and c.id = $3 and c.state = 'active'",
        business.0,
        n.id.0,
        n.connection.0,
        n.number.reveal(),
        n.created_by,
        now
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// Takes a number out of the pool. Its sessions are the caller's to close, in the same transaction.
///
/// # Errors
/// Refused without `extensions`; missing when it is not in this business's pool.
pub async fn retire(tx: &mut TenantTx, id: ProxyNumberId) -> Result<(), StoreError> {
    tx.may_all(Permission::Extensions)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update proxy_numbers set state = 'retired', retired_at = $3
         where business_id = $1 and id = $2 and state = 'active'",
        business.0,
        id.0,
        now
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}
