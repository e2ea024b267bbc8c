//! A business's data keys, wrapped.

use super::{StoreError, TenantTx};
use crate::model::id::DataKeyId;

/// A data key as it is stored.
pub struct Wrapped {
    pub id: DataKeyId,
    pub wrapped: Vec<u8>,
    pub master_key: String,
}

/// The key that new values are sealed with. Whoever may write a sealed value may ask; on their transaction, so that it
/// needs no second connection while it holds one.
///
/// # Errors
/// Missing when the business has none: then nothing can be sealed, and nothing is.
pub async fn active(tx: &mut TenantTx) -> Result<Wrapped, StoreError> {
    let business = tx.business();
    let row = sqlx::query!(
        "select id, wrapped, master_key from data_keys
         where business_id = $1 and retired_at is null order by id desc limit 1",
        business.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Wrapped { id: DataKeyId(row.id), wrapped: row.wrapped, master_key: row.master_key })
}
