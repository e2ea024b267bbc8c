//! What the sender of streams reads and writes. The place moves on only from where the sender has read it: when somebody has
//! moved the stream meanwhile, or another node was faster, what was sent counts for nothing and is sent again.

use crate::{
    model::{
        audit_stream::{Cursor, Format, Kind, Problem},
        id::StreamId,
        permission::Permission,
    },
    server::store::{StoreError, TenantTx, types::read},
};

/// How to reach a collector, with what opens its door still sealed.
#[derive(Debug, Clone)]
pub struct Way {
    pub kind: Kind,
    pub address: String,
    pub format: Format,
    pub header: Option<String>,
    pub sealed: Option<Vec<u8>>,
    pub ca: Option<String>,
    /// Whether an end without `close_notify` says that everything was read.
    pub silent_end: bool,
}

/// A stream that is to be sent on.
#[derive(Debug, Clone)]
pub struct Work {
    pub way: Way,
    pub cursor: Cursor,
    pub failures: i32,
    pub is_active: bool,
}

/// What there is to do.
///
/// # Errors
/// Refused without `audit.stream` (people); missing when it is not this business's.
pub async fn work(tx: &mut TenantTx, id: StreamId) -> Result<Work, StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::AuditStream))?;
    let business = tx.business();
    let row = sqlx::query!(
        "select kind, address, format, header, sealed, ca, silent_end, state, sent_seq, sent_place, sent_total, failures
         from audit_streams where business_id = $1 and id = $2",
        business.0,
        id.0
    )
    .fetch_one(tx.conn())
    .await?;
    let way = Way {
        kind: read("audit_streams.kind", &row.kind)?,
        address: row.address,
        format: read("audit_streams.format", &row.format)?,
        header: row.header,
        sealed: row.sealed,
        ca: row.ca,
        silent_end: row.silent_end,
    };
    Ok(Work {
        way,
        cursor: Cursor { seq: row.sent_seq, place: row.sent_place, total: row.sent_total },
        failures: row.failures,
        is_active: row.state == "active",
    })
}

/// Moves the place on from `from` to `to`: what is before it was taken. False when it was not there any more.
///
/// # Errors
/// Refused for people.
pub async fn advance(tx: &mut TenantTx, id: StreamId, from: Cursor, to: Cursor) -> Result<bool, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update audit_streams
         set sent_seq = $5, sent_place = $6, sent_total = $7, sent_at = $8, failures = 0, problem = null
         where business_id = $1 and id = $2 and sent_seq = $3 and sent_place = $4",
        business.0,
        id.0,
        from.seq,
        from.place,
        to.seq,
        to.place,
        to.total,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives it back: whoever claims next goes on at once, behind those that have waited longer. What the lease was over for is
/// somebody else's now.
///
/// # Errors
/// Refused for people.
pub async fn release(tx: &mut TenantTx, id: StreamId) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    sqlx::query!(
        "update audit_streams set lease_until = null, next_at = now()
         where business_id = $1 and id = $2 and lease_until >= now()",
        business.0,
        id.0
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives it back until so many seconds are over, and says what keeps it. False when the lease was over.
///
/// # Errors
/// Refused for people.
pub async fn fail(tx: &mut TenantTx, id: StreamId, problem: Problem, wait: i64) -> Result<bool, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let done = sqlx::query!(
        "update audit_streams
         set failures = least(failures, 1000000) + 1, problem = $3, lease_until = null,
             next_at = now() + make_interval(secs => ($4::bigint)::double precision)
         where business_id = $1 and id = $2 and lease_until >= now()",
        business.0,
        id.0,
        problem.code(),
        wait
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
