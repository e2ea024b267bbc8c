//! What waits its turn, in all businesses: jobs, mail, expiry, and how much of it there is.

use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    model::id::{BusinessId, JobId},
    server::{
        caller::{Actor, Caller, Origin},
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// A claimed job.
#[derive(Debug)]
pub struct ClaimedJob {
    pub business: BusinessId,
    pub id: JobId,
    pub kind: String,
    pub payload: serde_json::Value,
    pub attempts: i32,
}

impl ClaimedJob {
    /// The actor that the job's work is done as.
    #[must_use]
    pub fn caller(&self, trace: crate::model::id::TraceId) -> Caller {
        Caller {
            actor: Actor::Job(self.id),
            business: self.business,
            origin: Origin { door: "job", network: None },
            trace,
        }
    }
}

/// Takes up to `limit` due jobs for a minute, by the database's clock.
///
/// # Errors
/// The database cannot be reached.
pub async fn jobs_claim(db: &PgPool, limit: i32) -> Result<Vec<ClaimedJob>, StoreError> {
    let rows = sqlx::query!(
        r#"select business_id as "business_id!", id as "id!", kind as "kind!", payload as "payload!",
               attempts as "attempts!"
           from lobby.jobs_claim($1, interval '1 minute')"#,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| ClaimedJob {
            business: BusinessId(r.business_id),
            id: JobId(r.id),
            kind: r.kind,
            payload: r.payload,
            attempts: r.attempts,
        })
        .collect())
}

/// Queues a sealed mail.
///
/// # Errors
/// The database cannot be reached.
pub async fn mail_enqueue(db: &PgPool, id: Uuid, sealed: &[u8]) -> Result<(), StoreError> {
    sqlx::query!("select lobby.mail_enqueue($1, $2)", id, sealed).execute(db).await?;
    Ok(())
}

/// As [`mail_enqueue`], on the transaction that causes the mail.
///
/// # Errors
/// The database cannot be reached.
pub async fn mail_enqueue_in(tx: &mut TenantTx, id: Uuid, sealed: &[u8]) -> Result<(), StoreError> {
    sqlx::query!("select lobby.mail_enqueue($1, $2)", id, sealed).execute(tx.conn()).await?;
    Ok(())
}

/// A mail whose turn it is: id, sealed content, how often it was tried.
pub struct DueMail {
    pub id: Uuid,
    pub sealed: Vec<u8>,
    pub attempts: i32,
}

/// # Errors
/// The database cannot be reached.
pub async fn mails_claim(db: &PgPool, limit: i32) -> Result<Vec<DueMail>, StoreError> {
    let rows = sqlx::query_as!(
        DueMail,
        r#"select id as "id!", sealed as "sealed!", attempts as "attempts!" from lobby.mails_claim($1)"#,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// # Errors
/// The database cannot be reached.
pub async fn mail_done(db: &PgPool, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!("select lobby.mail_done($1)", id).execute(db).await?;
    Ok(())
}

/// The mail was not handed over; `problem` is a closed word. Claiming it has said when it is tried again.
///
/// # Errors
/// The database cannot be reached.
pub async fn mail_failed(db: &PgPool, id: Uuid, problem: &str) -> Result<(), StoreError> {
    sqlx::query!("select lobby.mail_failed($1, $2)", id, problem).execute(db).await?;
    Ok(())
}

/// POP-2: deletes every screen pop whose five minutes are over, in all businesses.
///
/// # Errors
/// The database cannot be reached.
pub async fn pops_expire(db: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!("select lobby.pops_expire()").fetch_one(db).await?.unwrap_or(0))
}

/// TEL-7: closes the masked calls whose time is over, in all businesses, and forgets the numbers that they joined.
///
/// # Errors
/// The database cannot be reached.
pub async fn proxy_sessions_expire(db: &PgPool, now: At) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!("select lobby.proxy_sessions_expire($1)", now).fetch_one(db).await?.unwrap_or(0))
}

/// Deletes what nothing can be done with any more: sign-ins and sign-ups that were left half-way, codes, ceremonies, ways
/// to a provider of identities, and factors that began to be set up before `set_up_before` and were not confirmed.
///
/// # Errors
/// The database cannot be reached.
pub async fn proofs_trim(db: &PgPool, now: At, set_up_before: At) -> Result<(), StoreError> {
    sqlx::query!("select lobby.proofs_trim($1, $2)", now, set_up_before).execute(db).await?;
    Ok(())
}

/// # Errors
/// The database cannot be reached.
pub async fn businesses_active(db: &PgPool) -> Result<Vec<BusinessId>, StoreError> {
    let ids =
        sqlx::query_scalar!(r#"select business_id as "id!" from lobby.businesses_active()"#).fetch_all(db).await?;
    Ok(ids.into_iter().map(BusinessId).collect())
}

/// The active businesses whose job `kind` of this day (`2026-11-23`) has neither run nor waits.
///
/// # Errors
/// The database cannot be reached.
pub async fn retention_due(db: &PgPool, kind: &str, day: &str) -> Result<Vec<BusinessId>, StoreError> {
    let ids = sqlx::query_scalar!(r#"select business_id as "id!" from lobby.retention_due($1, $2)"#, kind, day)
        .fetch_all(db)
        .await?;
    Ok(ids.into_iter().map(BusinessId).collect())
}

/// Makes the audit partitions of this month and the next three.
///
/// # Errors
/// The database cannot be reached.
pub async fn audit_partitions(db: &PgPool) -> Result<(), StoreError> {
    sqlx::query!(
        "select lobby.audit_partition((date_trunc('month', now()) + make_interval(months => n))::date) as part
         from generate_series(0, 3) as n"
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// What waits, for metrics.
#[derive(Debug)]
pub struct Backlog {
    pub jobs: i64,
    pub oldest_job_seconds: f64,
    pub dead_jobs: i64,
    pub mails: i64,
}

/// # Errors
/// The database cannot be reached.
pub async fn backlog(db: &PgPool) -> Result<Backlog, StoreError> {
    Ok(sqlx::query_as!(
        Backlog,
        r#"select jobs as "jobs!", oldest_job_seconds as "oldest_job_seconds!", dead_jobs as "dead_jobs!",
               mails as "mails!"
           from lobby.backlog()"#
    )
    .fetch_one(db)
    .await?)
}
