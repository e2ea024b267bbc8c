//! Whose a customer's tracking link is, before a tenant is known.

use sqlx::PgPool;

use crate::{
    model::id::{BusinessId, TrackingLinkId},
    server::{kit::At, store::StoreError},
};

/// The link with this token, and its business, while it is good.
///
/// # Errors
/// The database cannot be reached.
pub async fn tracking_find(
    db: &PgPool,
    token_hash: &[u8],
    now: At,
) -> Result<Option<(BusinessId, TrackingLinkId)>, StoreError> {
    let row = sqlx::query!(
        r#"select business_id as "business_id!", id as "id!" from lobby.tracking_find($1, $2)"#,
        token_hash,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| (BusinessId(r.business_id), TrackingLinkId(r.id))))
}
