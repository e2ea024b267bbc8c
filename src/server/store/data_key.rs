//! A business's data keys, wrapped.

use super::{StoreError, TenantTx};
use crate::model::id::DataKeyId;

/// The key that new values are sealed with. Whoever may write a sealed value may ask.
///
/// # Errors
/// Missing when the business has none: then nothing can be sealed, and nothing is.
pub async fn active(tx: &mut TenantTx) -> Result<DataKeyId, StoreError> {
    let business = tx.business();
    let id = sqlx::query_scalar!(
        "select id from data_keys where business_id = $1 and retired_at is null order by id desc limit 1",
        business.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(DataKeyId(id))
}
