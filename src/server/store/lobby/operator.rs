//! What the operator's access needs beyond a business's own tables (TEN-6): saying that one looks, which grants are over, and
//! cutting what goes on reading.

use sqlx::PgPool;

use crate::{
    model::id::{BusinessId, OperatorGrantId, TraceId},
    server::{kit::At, store::StoreError},
};

/// The grant under which the operator looks.
#[derive(Debug, Clone, Copy)]
pub struct OpenGrant {
    pub grant: OperatorGrantId,
    pub trace: TraceId,
    pub expires_at: At,
}

/// Writes into the business's own log that the operator looks, by `what` (`show`, `watch`), as `ringfort_operator`. Nothing
/// when no grant is open; then that is written down.
///
/// # Errors
/// The database cannot be reached.
pub async fn operator_look(db: &PgPool, business: BusinessId, what: &str) -> Result<Option<OpenGrant>, StoreError> {
    // Read to its end: the entry is committed then, also for another connection that reads under it.
    let rows = sqlx::query!(
        r#"select grant_id as "grant_id!", trace_id as "trace_id!", expires_at as "expires_at!"
           from lobby.operator_look($1, $2)"#,
        business.0,
        what
    )
    .fetch_all(db)
    .await?;
    let found = rows.into_iter().next();
    Ok(found.map(|r| OpenGrant {
        grant: OperatorGrantId(r.grant_id),
        trace: TraceId(r.trace_id),
        expires_at: r.expires_at,
    }))
}

/// The businesses whose grant has run out and is not marked as ended yet.
///
/// # Errors
/// The database cannot be reached.
pub async fn operator_grants_over(db: &PgPool) -> Result<Vec<BusinessId>, StoreError> {
    let ids =
        sqlx::query_scalar!(r#"select business_id as "id!" from lobby.operator_grants_over()"#).fetch_all(db).await?;
    Ok(ids.into_iter().map(BusinessId).collect())
}

/// Cuts the operator's transactions that began before a grant had ended, and says how many.
///
/// # Errors
/// The database cannot be reached.
pub async fn operator_cut(db: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(r#"select lobby.operator_cut() as "cut!""#).fetch_one(db).await?)
}
