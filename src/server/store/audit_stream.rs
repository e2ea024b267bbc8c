//! Streams of the audit log to collectors (AUD-5): where they go, and how far they have come. What the sender does with
//! them stands in [`sending`]; claiming is the lobby's.

mod sending;

pub use sending::*;
use uuid::Uuid;

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        audit_stream::{Cursor, Format, Kind, Problem, State},
        id::StreamId,
        permission::Permission,
    },
    server::kit::At,
};

/// A stream, without its secret.
#[derive(Debug, Clone)]
pub struct Stream {
    pub id: StreamId,
    pub label: String,
    pub kind: Kind,
    pub address: String,
    pub format: Format,
    /// The header that carries the secret, where there is one.
    pub header: Option<String>,
    /// Certificates (PEM) that are trusted instead of the public ones.
    pub ca: Option<String>,
    /// Syslog: whether an end without `close_notify` says that everything was read.
    pub silent_end: bool,
    pub state: State,
    pub created_by: String,
    pub created_at: At,
    pub cursor: Cursor,
    /// When something was last taken.
    pub sent_at: Option<At>,
    /// Tries in a row that failed, and what keeps it.
    pub failures: i32,
    pub problem: Option<Problem>,
    pub tested_at: Option<At>,
    /// How the last test went; without a problem it was taken.
    pub tested: Option<Problem>,
    /// Sealed entries that wait to be sent.
    pub behind: i64,
    /// When the oldest of them was sealed.
    pub behind_since: Option<At>,
}

struct Row {
    id: Uuid,
    label: String,
    kind: String,
    address: String,
    format: String,
    header: Option<String>,
    ca: Option<String>,
    silent_end: bool,
    state: String,
    created_by: String,
    created_at: At,
    sent_seq: i64,
    sent_place: i64,
    sent_total: i64,
    sent_at: Option<At>,
    failures: i32,
    problem: Option<String>,
    tested_at: Option<At>,
    test_result: Option<String>,
    head_total: Option<i64>,
    behind_since: Option<At>,
}

impl TryFrom<Row> for Stream {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let cursor = Cursor { seq: row.sent_seq, place: row.sent_place, total: row.sent_total };
        let tested = row.test_result.filter(|result| result != "ok");
        Ok(Self {
            id: StreamId(row.id),
            label: row.label,
            kind: read("audit_streams.kind", &row.kind)?,
            address: row.address,
            format: read("audit_streams.format", &row.format)?,
            header: row.header,
            ca: row.ca,
            silent_end: row.silent_end,
            state: read("audit_streams.state", &row.state)?,
            created_by: row.created_by,
            created_at: row.created_at,
            cursor,
            sent_at: row.sent_at,
            failures: row.failures,
            problem: row.problem.map(|word| read("audit_streams.problem", &word)).transpose()?,
            tested_at: row.tested_at,
            tested: tested.map(|word| read("audit_streams.test_result", &word)).transpose()?,
            behind: row.head_total.unwrap_or(0).saturating_sub(cursor.total).max(0),
            behind_since: row.behind_since,
        })
    }
}

/// The business's streams, the oldest first.
///
/// # Errors
/// Refused without `audit.stream`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Stream>, StoreError> {
    find(tx, None).await
}

/// One stream.
///
/// # Errors
/// Refused without `audit.stream`; missing when it is not this business's.
pub async fn get(tx: &mut TenantTx, id: StreamId) -> Result<Stream, StoreError> {
    find(tx, Some(id)).await?.pop().ok_or(StoreError::Missing)
}

async fn find(tx: &mut TenantTx, id: Option<StreamId>) -> Result<Vec<Stream>, StoreError> {
    tx.may_all(Permission::AuditStream)?;
    let business = tx.business();
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, s.label, s.kind, s.address, s.format, s.header, s.ca, s.silent_end, s.state, m.name as created_by, s.created_at,
               s.sent_seq, s.sent_place, s.sent_total, s.sent_at, s.failures, s.problem, s.tested_at, s.test_result,
               (select a.total from audit_seals a where a.business_id = $1 order by a.seq desc limit 1) as "head_total?",
               (
                   select a.at from audit_seals a where a.business_id = $1 and a.seq > s.sent_seq order by a.seq limit 1
               ) as "behind_since?"
           from audit_streams s join members m on m.business_id = $1 and m.id = s.created_by
           where s.business_id = $1 and ($2::uuid is null or s.id = $2)
           order by s.created_at, s.id"#,
        business.0,
        id.map(|id| id.0)
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Stream::try_from).collect()
}

/// How many streams there are, until the end of this transaction nobody else's to change.
///
/// # Errors
/// Refused without `audit.stream`.
pub async fn lock(tx: &mut TenantTx) -> Result<i64, StoreError> {
    tx.may_all(Permission::AuditStream)?;
    let business = tx.business();
    sqlx::query_scalar!(r#"select 1 as "one!" from businesses where business_id = $1 for no key update"#, business.0)
        .fetch_one(tx.conn())
        .await?;
    let count =
        sqlx::query_scalar!(r#"select count(*) as "count!" from audit_streams where business_id = $1"#, business.0)
            .fetch_one(tx.conn())
            .await?;
    Ok(count)
}

/// The place in the chain from which everything is sent that was sealed at `from` or later; behind everything that is sealed
/// now, without it.
///
/// # Errors
/// Refused without `audit.stream`.
pub async fn place(tx: &mut TenantTx, from: Option<At>) -> Result<Cursor, StoreError> {
    tx.may_all(Permission::AuditStream)?;
    let business = tx.business();
    let row = sqlx::query!(
        "select seq, total from audit_seals
         where business_id = $1 and ($2::timestamptz is null or at < $2)
         order by seq desc limit 1",
        business.0,
        from
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map_or(Cursor::START, |r| Cursor { seq: r.seq, place: 0, total: r.total }))
}

/// A new stream.
pub struct NewStream<'a> {
    pub id: StreamId,
    pub label: &'a str,
    pub kind: Kind,
    pub address: &'a str,
    pub format: Format,
    pub header: Option<&'a str>,
    pub sealed: Option<&'a [u8]>,
    pub ca: Option<&'a str>,
    pub silent_end: bool,
    pub cursor: Cursor,
    pub created_by: Uuid,
}

/// # Errors
/// Refused without `audit.stream`.
pub async fn insert(tx: &mut TenantTx, s: NewStream<'_>) -> Result<(), StoreError> {
    tx.may_all(Permission::AuditStream)?;
    let (business, now) = (tx.business(), tx.now());
    sqlx::query!(
        "insert into audit_streams (business_id, id, label, kind, address, format, header, sealed, ca, created_by,
             created_at, sent_seq, sent_place, sent_total, silent_end)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        business.0,
        s.id.0,
        s.label,
        s.kind.code(),
        s.address,
        s.format.code(),
        s.header,
        s.sealed,
        s.ca,
        s.created_by,
        now,
        s.cursor.seq,
        s.cursor.place,
        s.cursor.total,
        s.silent_end
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Pauses it or lets it go on, at once, whatever kept it.
///
/// # Errors
/// Refused without `audit.stream`; stale when it is so already; missing when it is not this business's.
pub async fn set_state(tx: &mut TenantTx, id: StreamId, state: State) -> Result<(), StoreError> {
    if get(tx, id).await?.state == state {
        return Err(StoreError::Stale);
    }
    let business = tx.business();
    sqlx::query!(
        "update audit_streams set state = $3, next_at = now() where business_id = $1 and id = $2",
        business.0,
        id.0,
        state.code()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Moves it to another place in the chain.
///
/// # Errors
/// Refused without `audit.stream`; missing when it is not this business's.
pub async fn move_to(tx: &mut TenantTx, id: StreamId, to: Cursor) -> Result<(), StoreError> {
    tx.may_all(Permission::AuditStream)?;
    let business = tx.business();
    let done = sqlx::query!(
        "update audit_streams set sent_seq = $3, sent_place = $4, sent_total = $5, next_at = now()
         where business_id = $1 and id = $2",
        business.0,
        id.0,
        to.seq,
        to.place,
        to.total
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// Puts another secret in the place of the one that was, or takes it away.
///
/// # Errors
/// Refused without `audit.stream`; missing when it is not this business's.
pub async fn put_secret(
    tx: &mut TenantTx,
    id: StreamId,
    header: Option<&str>,
    sealed: Option<&[u8]>,
) -> Result<(), StoreError> {
    tx.may_all(Permission::AuditStream)?;
    let business = tx.business();
    let done = sqlx::query!(
        "update audit_streams set header = $3, sealed = $4, next_at = now() where business_id = $1 and id = $2",
        business.0,
        id.0,
        header,
        sealed
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// Notes that a test begins. False when one has begun less than so many seconds ago.
///
/// # Errors
/// Refused without `audit.stream`.
pub async fn begin_test(tx: &mut TenantTx, id: StreamId, every: u32) -> Result<bool, StoreError> {
    tx.may_all(Permission::AuditStream)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update audit_streams set test_begun_at = $3
         where business_id = $1 and id = $2 and (test_begun_at is null or test_begun_at <= $4)",
        business.0,
        id.0,
        now,
        now.plus(-i64::from(every))
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that it is sent again. False when that was less than so many seconds ago.
///
/// # Errors
/// Refused without `audit.stream`.
pub async fn begin_replay(tx: &mut TenantTx, id: StreamId, every: u32) -> Result<bool, StoreError> {
    tx.may_all(Permission::AuditStream)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update audit_streams set replayed_at = $3
         where business_id = $1 and id = $2 and (replayed_at is null or replayed_at <= $4)",
        business.0,
        id.0,
        now,
        now.plus(-i64::from(every))
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores how a test went.
///
/// # Errors
/// Refused without `audit.stream`; missing when it is not this business's.
pub async fn tested(tx: &mut TenantTx, id: StreamId, problem: Option<Problem>) -> Result<(), StoreError> {
    tx.may_all(Permission::AuditStream)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update audit_streams set tested_at = $3, test_result = $4 where business_id = $1 and id = $2",
        business.0,
        id.0,
        now,
        problem.map_or("ok", Problem::code)
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// # Errors
/// Refused without `audit.stream`; missing when it is not this business's.
pub async fn delete(tx: &mut TenantTx, id: StreamId) -> Result<(), StoreError> {
    tx.may_all(Permission::AuditStream)?;
    let business = tx.business();
    let done = sqlx::query!("delete from audit_streams where business_id = $1 and id = $2", business.0, id.0)
        .execute(tx.conn())
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}
