//! What support sees of a business (TEN-6), read as the role `ringfort_operator`: the states of its connections, its events,
//! its jobs and its deletion. The database gives that role these columns and no others, and no row without an open grant and an
//! entry that says so.
//!
//! To add something: its columns by `operator_may_see` in a new migration, a query here, a section in `boot::operator::show`.

use uuid::Uuid;

use crate::{
    model::id::ConnectionId,
    server::{
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// What connects as `ringfort_operator`, and as nobody else.
pub type OperatorPool = sqlx::PgPool;

/// Everything at one moment.
#[derive(Debug)]
pub struct Overview {
    pub business: Business,
    pub people: Vec<People>,
    pub connections: Vec<Connection>,
    pub receipts: Vec<Receipts>,
    pub refusals: Vec<Refusals>,
    pub jobs: Vec<Jobs>,
    pub retention: Vec<Run>,
}

/// The business, without its name.
#[derive(Debug)]
pub struct Business {
    pub profile: String,
    pub zone: String,
    pub state: String,
    pub created_at: At,
}

/// How many people have a role.
#[derive(Debug)]
pub struct People {
    pub role: String,
    pub active: i64,
    pub removed: i64,
}

/// A connection's state.
#[derive(Debug)]
pub struct Connection {
    pub id: Uuid,
    pub provider: String,
    pub state: String,
    pub created_at: At,
    pub rotated_at: Option<At>,
    pub last_event_at: Option<At>,
    pub tested_at: Option<At>,
    pub test_result: Option<String>,
    /// Secrets that count.
    pub secrets: i64,
}

/// Events of the last seven days that went the same way.
#[derive(Debug)]
pub struct Receipts {
    pub connection_id: Uuid,
    pub state: String,
    pub problem: Option<String>,
    pub count: i64,
    pub newest: At,
}

/// Requests of the last day that were turned away.
#[derive(Debug)]
pub struct Refusals {
    pub connection_id: Uuid,
    pub reason: String,
    pub count: i64,
    pub last_hour: At,
}

/// Jobs that wait or were given up.
#[derive(Debug)]
pub struct Jobs {
    pub kind: String,
    pub state: String,
    pub problem: Option<String>,
    pub count: i64,
    pub attempts: i32,
    pub oldest: At,
}

/// The newest run of a kind of deletion.
#[derive(Debug)]
pub struct Run {
    pub kind: String,
    pub state: String,
    pub deleted: i64,
    pub started_at: At,
    pub finished_at: Option<At>,
}

impl Connection {
    /// The id as pages show it.
    #[must_use]
    pub fn name(&self) -> String {
        ConnectionId(self.id).to_string()
    }
}

/// Reads everything.
///
/// # Errors
/// Refused for everybody but the operator; missing when the database shows nothing, as no grant is open or nothing was written
/// down in the last half minute.
pub async fn overview(tx: &mut TenantTx) -> Result<Overview, StoreError> {
    tx.operator()?;
    let business = business(tx).await?;
    Ok(Overview {
        business,
        people: people(tx).await?,
        connections: connections(tx).await?,
        receipts: receipts(tx).await?,
        refusals: refusals(tx).await?,
        jobs: jobs(tx).await?,
        retention: retention(tx).await?,
    })
}

async fn business(tx: &mut TenantTx) -> Result<Business, StoreError> {
    let business = tx.business();
    let found = sqlx::query_as!(
        Business,
        "select profile, zone, state, created_at from businesses where business_id = $1",
        business.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

async fn people(tx: &mut TenantTx) -> Result<Vec<People>, StoreError> {
    let business = tx.business();
    let found = sqlx::query_as!(
        People,
        r#"select role, count(*) filter (where state = 'active') as "active!",
               count(*) filter (where state <> 'active') as "removed!"
           from members where business_id = $1
           group by role order by role"#,
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found)
}

async fn connections(tx: &mut TenantTx) -> Result<Vec<Connection>, StoreError> {
    let business = tx.business();
    let found = sqlx::query_as!(
        Connection,
        r#"select c.id, c.provider, c.state, c.created_at, c.rotated_at, c.last_event_at, c.tested_at, c.test_result,
               (
                   select count(*) from connection_secrets s
                   where s.business_id = $1 and s.connection_id = c.id
                       and (s.expires_at is null or s.expires_at > now())
               ) as "secrets!"
           from connections c where c.business_id = $1
           order by c.created_at, c.id"#,
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found)
}

async fn receipts(tx: &mut TenantTx) -> Result<Vec<Receipts>, StoreError> {
    let business = tx.business();
    let found = sqlx::query_as!(
        Receipts,
        r#"select connection_id, state, problem, count(*) as "count!", max(received_at) as "newest!"
           from webhook_receipts
           where business_id = $1 and received_at > now() - interval '7 days'
           group by connection_id, state, problem
           order by connection_id, state, problem"#,
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found)
}

async fn refusals(tx: &mut TenantTx) -> Result<Vec<Refusals>, StoreError> {
    let business = tx.business();
    let found = sqlx::query_as!(
        Refusals,
        r#"select connection_id, reason, sum(count)::bigint as "count!", max(hour) as "last_hour!"
           from webhook_refusals
           where business_id = $1 and hour > now() - interval '1 day'
           group by connection_id, reason
           order by connection_id, reason"#,
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found)
}

async fn jobs(tx: &mut TenantTx) -> Result<Vec<Jobs>, StoreError> {
    let business = tx.business();
    let found = sqlx::query_as!(
        Jobs,
        r#"select kind, state, problem, count(*) as "count!", max(attempts) as "attempts!", min(run_at) as "oldest!"
           from jobs where business_id = $1
           group by kind, state, problem
           order by kind, state, problem"#,
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found)
}

async fn retention(tx: &mut TenantTx) -> Result<Vec<Run>, StoreError> {
    let business = tx.business();
    let found = sqlx::query_as!(
        Run,
        "select distinct on (kind) kind, state, deleted, started_at, finished_at
         from retention_runs where business_id = $1
         order by kind, started_at desc",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found)
}
