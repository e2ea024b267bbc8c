//! The business itself.

use super::{StoreError, TenantTx};
use crate::model::permission::Permission;

/// Changes what the business is called and which zone its days are counted in.
///
/// # Errors
/// Refused without `settings`.
pub async fn update(tx: &mut TenantTx, name: &str, zone: &str) -> Result<(), StoreError> {
    tx.may_all(Permission::Settings)?;
    let business = tx.business();
    sqlx::query!("update businesses set name = $2, zone = $3 where business_id = $1", business.0, name, zone)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The profile, for jobs, which have no session to know it from.
///
/// # Errors
/// Refused for people; an unreadable profile.
pub async fn profile(tx: &mut TenantTx) -> Result<crate::model::profile::Profile, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let profile = sqlx::query_scalar!("select profile from businesses where business_id = $1", business.0)
        .fetch_one(tx.conn())
        .await?;
    super::types::read("businesses.profile", &profile)
}
