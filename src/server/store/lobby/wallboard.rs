//! Whose wallboard a link opens (TEL-2), before a tenant is known.

use sqlx::PgPool;

use crate::{
    model::id::BusinessId,
    server::{kit::At, store::StoreError},
};

/// What a link opens.
#[derive(Debug, Clone)]
pub struct OpenWallboard {
    pub business: BusinessId,
    pub business_name: String,
}

/// The business behind a link, while it is neither over nor revoked. Notes once a minute that it was looked at.
///
/// # Errors
/// The database cannot be reached.
pub async fn wallboard_open(db: &PgPool, token_hash: &[u8], now: At) -> Result<Option<OpenWallboard>, StoreError> {
    let row = sqlx::query!(
        r#"select business_id as "business_id!", business_name as "business_name!" from lobby.wallboard_open($1, $2)"#,
        token_hash,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| OpenWallboard { business: BusinessId(r.business_id), business_name: r.business_name }))
}
