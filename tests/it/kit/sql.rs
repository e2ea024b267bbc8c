//! SQL by the superuser, who stands beside the walls, and by the product's roles, who stand before them.

use sqlx::{AssertSqlSafe, Executor, PgPool};
use uuid::Uuid;

/// Runs statements and says how many rows they touched.
pub async fn run(db: &PgPool, sql: impl Into<String>) -> u64 {
    let sql = sql.into();
    match db.execute(AssertSqlSafe(sql.clone())).await {
        Ok(done) => done.rows_affected(),
        Err(error) => panic!("{error}\n{sql}"),
    }
}

/// A number.
pub async fn count(db: &PgPool, sql: impl Into<String>) -> i64 {
    let sql = sql.into();
    sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_one(db).await.unwrap_or_else(|e| panic!("{e}\n{sql}"))
}

/// Whether a transaction of this test's database waits for another one's lock.
pub async fn waits(db: &PgPool) -> bool {
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    count(db, waiting).await > 0
}

/// A text.
pub async fn text(db: &PgPool, sql: impl Into<String>) -> String {
    let sql = sql.into();
    sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_one(db).await.unwrap_or_else(|e| panic!("{e}\n{sql}"))
}

/// A column of texts.
pub async fn texts(db: &PgPool, sql: impl Into<String>) -> Vec<String> {
    let sql = sql.into();
    sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_all(db).await.unwrap_or_else(|e| panic!("{e}\n{sql}"))
}

/// Two columns of texts.
pub async fn pairs(db: &PgPool, sql: impl Into<String>) -> Vec<(String, String)> {
    let sql = sql.into();
    sqlx::query_as(AssertSqlSafe(sql.clone())).fetch_all(db).await.unwrap_or_else(|e| panic!("{e}\n{sql}"))
}

/// Runs one statement inside a business, as the pool's role, and undoes it.
pub async fn try_within(db: &PgPool, business: Uuid, sql: impl Into<String>) -> Result<u64, sqlx::Error> {
    let mut tx = db.begin().await?;
    (&mut *tx).execute(AssertSqlSafe(format!("set local app.business = '{business}'"))).await?;
    let done = (&mut *tx).execute(AssertSqlSafe(sql.into())).await?.rows_affected();
    tx.rollback().await?;
    Ok(done)
}

/// A number as it is seen from inside a business.
pub async fn count_within(db: &PgPool, business: Uuid, sql: impl Into<String>) -> i64 {
    let mut tx = db.begin().await.expect("a transaction");
    (&mut *tx).execute(AssertSqlSafe(format!("set local app.business = '{business}'"))).await.expect("a setting");
    let sql = sql.into();
    let found: i64 = sqlx::query_scalar(AssertSqlSafe(sql.clone()))
        .fetch_one(&mut *tx)
        .await
        .unwrap_or_else(|e| panic!("{e}\n{sql}"));
    tx.rollback().await.expect("rolls back");
    found
}

/// The SQLSTATE of a refusal. Panics when there was none.
pub fn code(result: Result<u64, sqlx::Error>) -> String {
    match result {
        Ok(rows) => panic!("the database let it pass: {rows} rows"),
        Err(error) => {
            let code =
                error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned);
            code.unwrap_or_else(|| panic!("not refused by the database, but failed: {error}"))
        }
    }
}

/// The tables that belong to a tenant, partitions left out.
pub async fn tenant_tables(db: &PgPool) -> Vec<String> {
    let tables = texts(
        db,
        "select c.relname::text from pg_class c
         join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'business_id' and not a.attisdropped
         where c.relkind in ('r', 'p') and not c.relispartition
         order by 1",
    )
    .await;
    assert!(tables.len() >= 18, "the catalogue query finds too few tables: {tables:?}");
    tables
}

/// Every row of a business, as one text, to see whether anything changed.
pub async fn fingerprint(db: &PgPool, business: Uuid) -> String {
    let mut all = String::new();
    for table in tenant_tables(db).await {
        let rows = text(
            db,
            format!(
                "select coalesce(string_agg(t::text, E'\\n' order by t::text), '') from {table} t
                 where business_id = '{business}'"
            ),
        )
        .await;
        all.extend(["== ", &table, "\n", &rows, "\n"]);
    }
    all
}

/// Makes every waiting job due, by the database's clock.
pub async fn due_now(db: &PgPool) {
    run(db, "update jobs set run_at = now() - interval '1 second' where state = 'queued' and kind <> 'fixture'").await;
}
