//! Where members are reached for masked calls (TEL-7). A number is its member's: they alone change it, and nobody is shown it.

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{id::MemberId, permission::Permission, phone::Phone},
    server::caller::Actor,
};

/// Who asks.
fn me(tx: &TenantTx) -> Result<MemberId, StoreError> {
    match tx.caller().actor {
        Actor::Member { member, .. } => Ok(member),
        Actor::Webhook(_) | Actor::Job(_) | Actor::Operator(_) | Actor::Link(_) => Err(StoreError::Refused),
    }
}

/// The number of who asks.
///
/// # Errors
/// Refused for machines.
pub async fn own(tx: &mut TenantTx) -> Result<Option<Phone>, StoreError> {
    let member = me(tx)?;
    let business = tx.business();
    let phone = sqlx::query_scalar!(
        "select phone from member_phones where business_id = $1 and member_id = $2",
        business.0,
        member.0
    )
    .fetch_optional(tx.conn())
    .await?;
    phone.map(|text| read("member_phones.phone", &text)).transpose()
}

/// Sets the number of who asks.
///
/// # Errors
/// Refused for machines.
pub async fn put(tx: &mut TenantTx, phone: &Phone) -> Result<(), StoreError> {
    let member = me(tx)?;
    let (business, now) = (tx.business(), tx.now());
    sqlx::query!(
        "insert into member_phones (business_id, member_id, phone, changed_at) values ($1, $2, $3, $4)
         on conflict (business_id, member_id) do update set phone = excluded.phone, changed_at = excluded.changed_at",
        business.0,
        member.0,
        phone.reveal(),
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets the number of who asks.
///
/// # Errors
/// Refused for machines; missing when there is none.
pub async fn delete(tx: &mut TenantTx) -> Result<(), StoreError> {
    let member = me(tx)?;
    if remove(tx, member).await? == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// Forgets the number of a member who works on no jobs any more, or leaves.
///
/// # Errors
/// Refused without `team.manage` or `roles.manage`.
pub async fn delete_of(tx: &mut TenantTx, member: MemberId) -> Result<u64, StoreError> {
    tx.may_all(Permission::TeamManage).or_else(|_| tx.may_all(Permission::RolesManage))?;
    remove(tx, member).await
}

async fn remove(tx: &mut TenantTx, member: MemberId) -> Result<u64, StoreError> {
    let business = tx.business();
    let done =
        sqlx::query!("delete from member_phones where business_id = $1 and member_id = $2", business.0, member.0)
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected())
}
