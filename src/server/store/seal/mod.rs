//! Seals over audit entries (AUD-3): the queue of what is not sealed, and the seals. What verifying and proving read besides
//! stands in [`look`], what was sent outside in [`checkpoint`].
//!
//! A seal is read as it stands, however it was changed: what does not fit becomes zeroes, and does not verify.

mod checkpoint;
mod look;

use std::collections::HashMap;

pub use checkpoint::*;
pub use look::*;
use uuid::Uuid;

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        id::{AuditId, BusinessId, TraceId},
        permission::Permission,
        seal::{Bytes, Entry, Leaf, Mark, Seal, canonical},
    },
    server::kit::At,
};

/// Bytes of a leaf: id and digest.
const LEAF: usize = 48;

/// For who reads the log, and for machines.
fn may_read(tx: &TenantTx) -> Result<(), StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::AuditRead))
}

/// Begins to seal this business's entries, if nobody else does so now: until the transaction ends, others get `false`.
///
/// # Errors
/// Refused for people.
pub async fn lock(tx: &mut TenantTx) -> Result<bool, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let is_free = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('ringfort/seal/' || ($1::uuid)::text, 0)) as "free!""#,
        business.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(is_free)
}

/// The first entries of the queue that are settled: every transaction that is older than theirs has ended, so none can appear
/// before them any more. One that still writes holds back all that came after it began. (A transaction number that this
/// cluster has not reached was brought along by a restore.)
///
/// # Errors
/// Refused for people.
pub async fn settled(tx: &mut TenantTx, limit: i64) -> Result<Vec<Mark>, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select xid::text as "xid!", id from audit_pending
           where business_id = $1
               and (xid < pg_snapshot_xmin(pg_current_snapshot()) or xid >= pg_snapshot_xmax(pg_current_snapshot()))
           order by audit_pending.xid, audit_pending.id
           limit $2"#,
        business.0,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|r| mark("audit_pending.xid", &r.xid, r.id)).collect()
}

/// The entries of these ids, as far as they are there.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn entries(tx: &mut TenantTx, ids: &[AuditId]) -> Result<HashMap<AuditId, Entry>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    // The bounds choose the months: without them every month is asked for every id.
    let bounds = (ids.iter().min().copied(), ids.iter().max().copied());
    let (Some(low), Some(high)) = bounds else { return Ok(HashMap::new()) };
    let rows = sqlx::query!(
        r#"select id, at, xid::text as "xid!", actor_kind, actor_id, action, target_kind, target_id, result, reason,
               origin, trace_id, before::text as "before?", after::text as "after?"
           from audit_entries
           where business_id = $1 and id = any($2) and id >= $3 and id <= $4"#,
        business.0,
        &ids[..],
        low,
        high
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let entry = Entry {
                business,
                id: AuditId(r.id),
                at: r.at.micros(),
                xid: read("audit_entries.xid", &r.xid)?,
                actor_kind: r.actor_kind,
                actor_id: r.actor_id,
                action: r.action,
                target_kind: r.target_kind,
                target_id: r.target_id,
                result: r.result,
                reason: r.reason,
                origin: r.origin,
                trace: TraceId(r.trace_id),
                before: r.before.map(in_one_way),
                after: r.after.map(in_one_way),
            };
            Ok((entry.id, entry))
        })
        .collect()
}

/// What cannot be written in our one way (numbers beyond all measure, lists in lists in lists) is taken as the database writes
/// it: nobody stops the sealing by what they write into an entry.
fn in_one_way(text: String) -> String {
    canonical(&text).unwrap_or(text)
}

/// Writes a seal.
///
/// # Errors
/// Refused for people; the number is taken.
pub async fn insert(tx: &mut TenantTx, seal: &Seal) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    let mut leaves = Vec::with_capacity(seal.leaves.len() * LEAF);
    for Leaf(id, digest) in &seal.leaves {
        leaves.extend_from_slice(id.0.as_bytes());
        leaves.extend_from_slice(&digest.0);
    }
    sqlx::query!(
        "insert into audit_seals (business_id, seq, prev_hash, root, hash, count, total, first_xid, first_id, last_xid,
             last_id, at, key_id, signature, leaves)
         values ($1, $2, $3, $4, $5, $6, $7, $8::text::xid8, $9, $10::text::xid8, $11, $12, $13, $14, $15)",
        business.0,
        seal.seq,
        &seal.prev.0[..],
        &seal.root.0[..],
        &seal.hash.0[..],
        seal.count,
        seal.total,
        seal.first.xid.to_string(),
        seal.first.id.0,
        seal.last.xid.to_string(),
        seal.last.id.0,
        At::from_micros(seal.at),
        seal.key,
        &seal.signature.0[..],
        leaves
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes what was sealed out of the queue.
///
/// # Errors
/// Refused for people.
pub async fn unqueue(tx: &mut TenantTx, marks: &[Mark]) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    let xids: Vec<String> = marks.iter().map(|mark| mark.xid.to_string()).collect();
    let ids: Vec<Uuid> = marks.iter().map(|mark| mark.id.0).collect();
    sqlx::query!(
        "delete from audit_pending p using unnest($2::text[], $3::uuid[]) as w (xid, id)
         where p.business_id = $1 and p.xid = w.xid::xid8 and p.id = w.id",
        business.0,
        &xids[..],
        &ids[..]
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

struct Row {
    seq: i64,
    prev_hash: Vec<u8>,
    root: Vec<u8>,
    hash: Vec<u8>,
    count: i64,
    total: i64,
    first_xid: String,
    first_id: Uuid,
    last_xid: String,
    last_id: Uuid,
    at: At,
    key_id: String,
    signature: Vec<u8>,
    leaves: Option<Vec<u8>>,
}

impl Row {
    fn seal(self, business: BusinessId) -> Result<Seal, StoreError> {
        Ok(Seal {
            business,
            seq: self.seq,
            prev: bytes(&self.prev_hash),
            root: bytes(&self.root),
            hash: bytes(&self.hash),
            count: self.count,
            total: self.total,
            first: mark("audit_seals.first_xid", &self.first_xid, self.first_id)?,
            last: mark("audit_seals.last_xid", &self.last_xid, self.last_id)?,
            at: self.at.micros(),
            key: self.key_id,
            signature: bytes(&self.signature),
            leaves: self.leaves.unwrap_or_default().chunks(LEAF).map(leaf).collect(),
        })
    }
}

fn leaf(piece: &[u8]) -> Leaf {
    let (id, digest) = piece.split_at(piece.len().min(16));
    Leaf(AuditId(Uuid::from_slice(id).unwrap_or_default()), bytes(digest))
}

fn bytes<const N: usize>(stored: &[u8]) -> Bytes<N> {
    stored.try_into().map_or(Bytes::ZERO, Bytes)
}

fn mark(column: &'static str, xid: &str, id: Uuid) -> Result<Mark, StoreError> {
    Ok(Mark { xid: read(column, xid)?, id: AuditId(id) })
}

/// Which seals to read.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub first: i64,
    pub last: i64,
    /// Stops after the seal with which they hold so many entries. At least one seal is read.
    pub entries: i64,
    /// Whether to read what they hold, or the seals alone.
    pub leaves: bool,
}

/// Seals in their order, two thousand at most.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn seals(tx: &mut TenantTx, span: Span) -> Result<Vec<Seal>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let rows = sqlx::query_as!(
        Row,
        r#"select s.seq, s.prev_hash, s.root, s.hash, s.count, s.total, s.first_xid::text as "first_xid!", s.first_id,
               s.last_xid::text as "last_xid!", s.last_id, s.at, s.key_id, s.signature,
               case when $5 then s.leaves end as "leaves?"
           from (
               select w.*, sum(w.count) over (order by w.seq) as so_far from audit_seals w
               where w.business_id = $1 and w.seq >= $2 and w.seq <= $3
               order by w.seq limit 2000
           ) s
           where s.so_far - s.count < $4::bigint
           order by s.seq"#,
        business.0,
        span.first,
        span.last,
        span.entries,
        span.leaves
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|row| row.seal(business)).collect()
}

/// One seal.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn get(tx: &mut TenantTx, seq: i64, leaves: bool) -> Result<Option<Seal>, StoreError> {
    Ok(seals(tx, Span { first: seq, last: seq, entries: 1, leaves }).await?.pop())
}

/// The newest seal, without what it holds.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn head(tx: &mut TenantTx) -> Result<Option<Seal>, StoreError> {
    match between(tx, None, None).await? {
        Some((_, last)) => get(tx, last, false).await,
        None => Ok(None),
    }
}
