//! Whose turn it is to have its audit log sent (AUD-5), in all businesses.

use sqlx::PgPool;

use crate::{
    model::id::{BusinessId, StreamId},
    server::store::StoreError,
};

/// A stream that this process sends on, until its lease is over.
#[derive(Debug, Clone, Copy)]
pub struct DueStream {
    pub business: BusinessId,
    pub id: StreamId,
}

/// Takes up to `limit` streams that have something to send, for two minutes by the database's clock. One run of a sender
/// takes less, whatever the other side does.
///
/// # Errors
/// The database cannot be reached.
pub async fn audit_streams_claim(db: &PgPool, limit: i32) -> Result<Vec<DueStream>, StoreError> {
    let rows = sqlx::query!(
        r#"select business_id as "business_id!", id as "id!" from lobby.audit_streams_claim($1, interval '2 minutes')"#,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|r| DueStream { business: BusinessId(r.business_id), id: StreamId(r.id) }).collect())
}

/// How many streams do not get through.
///
/// # Errors
/// The database cannot be reached.
pub async fn audit_streams_failing(db: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(r#"select lobby.audit_streams_failing() as "failing!""#).fetch_one(db).await?)
}
