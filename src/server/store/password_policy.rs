//! What a business asks of its people's passwords (ACC-1). What counts for a person, over all their businesses, is the
//! lobby's (`lobby/link.rs`).

use super::{StoreError, TenantTx, types::read};
use crate::model::{password::Policy, permission::Permission};

/// The business's policy; the usual one when nothing was chosen.
///
/// # Errors
/// Refused without `settings`.
pub async fn get(tx: &mut TenantTx) -> Result<Policy, StoreError> {
    tx.may_all(Permission::Settings)?;
    let business = tx.business();
    let code = sqlx::query_scalar!("select policy from password_policies where business_id = $1", business.0)
        .fetch_optional(tx.conn())
        .await?;
    code.map_or_else(|| Ok(Policy::default()), |code| read("password_policies.policy", &code))
}

/// Chooses a policy. It counts for the next password that somebody chooses.
///
/// # Errors
/// Refused without `settings`.
pub async fn set(tx: &mut TenantTx, policy: Policy) -> Result<(), StoreError> {
    tx.may_all(Permission::Settings)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    sqlx::query!(
        "insert into password_policies (business_id, policy, changed_by, changed_at) values ($1, $2, $3, $4)
         on conflict (business_id)
         do update set policy = excluded.policy, changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        business.0,
        policy.code(),
        by,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
