//! Positions, in all businesses: weeks of the history, and shifts that lasted too long.

use sqlx::PgPool;

use crate::{
    model::id::BusinessId,
    server::{kit::At, store::StoreError},
};

/// Makes the weeks of the history: the last one, this one and the next four.
///
/// # Errors
/// The database cannot be reached.
pub async fn positions_partitions(db: &PgPool) -> Result<(), StoreError> {
    sqlx::query!(
        "select lobby.positions_partition((now() + make_interval(weeks => n))::date) as part
         from generate_series(-1, 4) as n"
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// How many days the business that keeps positions longest keeps them; those that have chosen nothing keep them `default`
/// days at most.
///
/// # Errors
/// The database cannot be reached.
pub async fn positions_days(db: &PgPool, default: i32) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar!("select lobby.positions_days($1)", default).fetch_one(db).await?.unwrap_or(default))
}

/// Drops the weeks of the history that ended before a day. How many there were.
///
/// # Errors
/// The database cannot be reached.
pub async fn positions_drop(db: &PgPool, before: At) -> Result<i32, StoreError> {
    let day = before.0.strftime("%Y-%m-%d").to_string();
    Ok(sqlx::query_scalar!("select lobby.positions_drop($1::text::date)", day).fetch_one(db).await?.unwrap_or(0))
}

/// The businesses in which a shift is open that began before an instant.
///
/// # Errors
/// The database cannot be reached.
pub async fn shifts_over(db: &PgPool, before: At) -> Result<Vec<BusinessId>, StoreError> {
    let ids =
        sqlx::query_scalar!(r#"select business_id as "id!" from lobby.shifts_over($1)"#, before).fetch_all(db).await?;
    Ok(ids.into_iter().map(BusinessId).collect())
}
