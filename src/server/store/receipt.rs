//! Webhook receipts: the gate that lets each provider event through once (TEL-1).

use super::{StoreError, TenantTx};
use crate::{
    model::{
        id::{ConnectionId, ReceiptId},
        permission::Permission,
    },
    server::kit::At,
};

/// Takes note of an event; false when it was noted before. Gate by insert, never by look-then-insert.
///
/// # Errors
/// Refused for people.
pub async fn gate(
    tx: &mut TenantTx,
    id: ReceiptId,
    connection: ConnectionId,
    event_key: &str,
) -> Result<bool, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "insert into webhook_receipts (business_id, id, connection_id, event_key, state, received_at, applied_at)
         values ($1, $2, $3, $4, 'applied', $5, $5)
         on conflict (business_id, connection_id, event_key) do nothing",
        business.0,
        id.0,
        connection.0,
        event_key,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The event could not be applied now: its sealed payload stays until it can.
///
/// # Errors
/// Refused for people.
pub async fn keep(
    tx: &mut TenantTx,
    id: ReceiptId,
    state: &str,
    problem: &str,
    payload: Option<&[u8]>,
) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    sqlx::query!(
        "update webhook_receipts
         set state = $3, problem = $4, payload_sealed = coalesce($5, payload_sealed), applied_at = null,
             attempts = attempts + 1
         where business_id = $1 and id = $2",
        business.0,
        id.0,
        state,
        problem,
        payload
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A receipt whose event waits.
pub struct Pending {
    pub connection: ConnectionId,
    pub payload: Vec<u8>,
}

/// The waiting event, locked; `None` when somebody applied it meanwhile.
///
/// # Errors
/// Refused for people.
pub async fn pending(tx: &mut TenantTx, id: ReceiptId) -> Result<Option<Pending>, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let row = sqlx::query!(
        r#"select connection_id, payload_sealed as "payload!" from webhook_receipts
           where business_id = $1 and id = $2 and state = 'pending' and payload_sealed is not null
           for update"#,
        business.0,
        id.0
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|r| Pending { connection: ConnectionId(r.connection_id), payload: r.payload }))
}

/// The event is applied: nothing of what it said stays.
///
/// # Errors
/// Refused for people.
pub async fn applied(tx: &mut TenantTx, id: ReceiptId) -> Result<(), StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    sqlx::query!(
        "update webhook_receipts set state = 'applied', problem = null, payload_sealed = null, applied_at = $3
         where business_id = $1 and id = $2",
        business.0,
        id.0,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A receipt that an operator of the business should look at.
#[derive(Debug, Clone)]
pub struct Problem {
    pub id: uuid::Uuid,
    pub event_key: String,
    pub state: String,
    pub problem: Option<String>,
    pub attempts: i32,
    pub received_at: At,
}

/// Receipts of a connection that are not applied, newest first.
///
/// # Errors
/// Refused without `credentials`.
pub async fn problems(tx: &mut TenantTx, connection: ConnectionId, limit: i64) -> Result<Vec<Problem>, StoreError> {
    tx.may_all(Permission::Credentials)?;
    let business = tx.business();
    let rows = sqlx::query_as!(
        Problem,
        "select id, event_key, state, problem, attempts, received_at from webhook_receipts
         where business_id = $1 and connection_id = $2 and state <> 'applied'
         order by received_at desc limit $3",
        business.0,
        connection.0,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}
