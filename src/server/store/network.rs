//! The networks that a business's people may come from (ACC-9). Holding an address against them is the lobby's.

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{id::NetworkId, network::Cidr, permission::Permission},
    server::kit::At,
};

/// A network, with who allowed it.
#[derive(Debug, Clone)]
pub struct Network {
    pub id: NetworkId,
    pub range: Cidr,
    pub note: String,
    pub created_by: String,
    pub created_at: At,
}

/// # Errors
/// Refused without `settings`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Network>, StoreError> {
    tx.may_all(Permission::Settings)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select n.id, n.range::text as "range!", n.note, m.name as created_by, n.created_at
           from networks n join members m on m.business_id = $1 and m.id = n.created_by
           where n.business_id = $1
           order by n.range, n.id"#,
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Network {
                id: NetworkId(r.id),
                range: read("networks.range", &r.range)?,
                note: r.note,
                created_by: r.created_by,
                created_at: r.created_at,
            })
        })
        .collect()
}

/// The ranges, until the end of this transaction nobody else's to change: whether somebody shuts themselves out depends on
/// all of them together.
///
/// # Errors
/// Refused without `settings`.
pub async fn lock(tx: &mut TenantTx) -> Result<Vec<(NetworkId, Cidr)>, StoreError> {
    tx.may_all(Permission::Settings)?;
    let business = tx.business();
    sqlx::query_scalar!(r#"select 1 as "one!" from businesses where business_id = $1 for no key update"#, business.0)
        .fetch_one(tx.conn())
        .await?;
    let rows = sqlx::query!(r#"select id, range::text as "range!" from networks where business_id = $1"#, business.0)
        .fetch_all(tx.conn())
        .await?;
    rows.into_iter().map(|r| Ok((NetworkId(r.id), read("networks.range", &r.range)?))).collect()
}

/// # Errors
/// Refused without `settings`; taken when the range is there already.
pub async fn insert(tx: &mut TenantTx, id: NetworkId, range: Cidr, note: &str) -> Result<(), StoreError> {
    tx.may_all(Permission::Settings)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    sqlx::query!(
        "insert into networks (business_id, id, range, note, created_by, created_at)
         values ($1, $2, $3::text::cidr, $4, $5, $6)",
        business.0,
        id.0,
        range.to_string(),
        note,
        by,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// # Errors
/// Refused without `settings`; missing when it is not this business's.
pub async fn delete(tx: &mut TenantTx, id: NetworkId) -> Result<(), StoreError> {
    tx.may_all(Permission::Settings)?;
    let business = tx.business();
    let done = sqlx::query!("delete from networks where business_id = $1 and id = $2", business.0, id.0)
        .execute(tx.conn())
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// Takes all of them away: the operator's way back in.
///
/// # Errors
/// Refused for people.
pub async fn clear(tx: &mut TenantTx) -> Result<u64, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let done = sqlx::query!("delete from networks where business_id = $1", business.0).execute(tx.conn()).await?;
    Ok(done.rows_affected())
}
