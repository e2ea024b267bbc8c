//! What a supervisor needs to take a running call over: which call that is at its provider, and what opens the door there.

use crate::{
    model::{
        call::CallState,
        extension::Target,
        id::{CallId, ConnectionId, ExtensionId, SecretId},
        permission::Permission,
    },
    server::store::{StoreError, TenantTx, types::read},
};

/// A call that runs, as its provider knows it. It holds sealed secrets, so there is no `Debug`.
pub struct Controlled {
    pub connection: ConnectionId,
    pub provider: String,
    pub account: String,
    pub provider_call: String,
    pub state: CallState,
    /// The secret, sealed, with the id that it is bound to.
    pub secret: (SecretId, Vec<u8>),
    /// The token of the webhook's address, sealed: a transfer is reported there.
    pub token_sealed: Vec<u8>,
}

/// A call by its connection, which is active and has a secret.
///
/// # Errors
/// Refused without `calls.supervise`; missing when it is not this business's, or its connection was revoked.
pub async fn controlled(tx: &mut TenantTx, id: CallId) -> Result<Controlled, StoreError> {
    tx.may_all(Permission::CallsSupervise)?;
    let (business, now) = (tx.business(), tx.now());
    let row = sqlx::query!(
        "select c.connection_id, c.provider_call_id, c.state, o.provider, o.account, o.token_sealed, s.id as secret_id, s.sealed
         from calls c
         join connections o on o.business_id = $1 and o.id = c.connection_id and o.state = 'active'
         join connection_secrets s on s.business_id = $1 and s.connection_id = o.id
             and (s.expires_at is null or s.expires_at > $3)
         where c.business_id = $1 and c.id = $2
         order by s.id desc
         limit 1",
        business.0,
        id.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Controlled {
        connection: ConnectionId(row.connection_id),
        provider: row.provider,
        account: row.account,
        provider_call: row.provider_call_id,
        state: read("calls.state", &row.state)?,
        secret: (SecretId(row.secret_id), row.sealed),
        token_sealed: row.token_sealed,
    })
}

/// The provider of a call, for what its page offers. Without it, nothing is offered.
///
/// # Errors
/// Refused without `calls.supervise`.
pub async fn provider(tx: &mut TenantTx, id: CallId) -> Result<Option<String>, StoreError> {
    tx.may_all(Permission::CallsSupervise)?;
    let business = tx.business();
    let code = sqlx::query_scalar!(
        "select o.provider from calls c
         join connections o on o.business_id = $1 and o.id = c.connection_id and o.state = 'active'
         where c.business_id = $1 and c.id = $2 and c.ended_at is null",
        business.0,
        id.0
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(code)
}

/// A desk that a call can be transferred to.
#[derive(Debug, Clone)]
pub struct Desk {
    pub id: ExtensionId,
    pub extension: String,
    pub member_name: String,
}

/// The desks of active people, by number.
///
/// # Errors
/// Refused without `calls.supervise`.
pub async fn desks(tx: &mut TenantTx) -> Result<Vec<Desk>, StoreError> {
    tx.may_all(Permission::CallsSupervise)?;
    let business = tx.business();
    let rows = sqlx::query!(
        "select x.id, x.extension, m.name from extensions x
         join members m on m.business_id = $1 and m.id = x.member_id and m.state = 'active'
         where x.business_id = $1
         order by x.extension
         limit 500",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    let desks = rows.into_iter().map(|r| Desk { id: ExtensionId(r.id), extension: r.extension, member_name: r.name });
    Ok(desks.collect())
}

/// Where a desk rings.
///
/// # Errors
/// Refused without `calls.supervise`; missing when it is not this business's, or its person has left.
pub async fn desk(tx: &mut TenantTx, id: ExtensionId) -> Result<Target, StoreError> {
    tx.may_all(Permission::CallsSupervise)?;
    let business = tx.business();
    let target = sqlx::query_scalar!(
        "select x.target from extensions x
         join members m on m.business_id = $1 and m.id = x.member_id and m.state = 'active'
         where x.business_id = $1 and x.id = $2",
        business.0,
        id.0
    )
    .fetch_one(tx.conn())
    .await?;
    Target::parse(&target).map_err(|_| StoreError::Unreadable { column: "extensions.target" })
}
