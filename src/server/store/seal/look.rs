//! What verifying and proving read: which seals there are, and which entries are in none.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{LEAF, bytes, get, leaf, mark, may_read};
use crate::{
    model::{
        id::AuditId,
        seal::{Digest, Leaf, Mark},
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// Entries that are looked at in one window at most. So many that none of them is sealed are no accident.
const STRANGERS: i64 = 20_000;

/// Seals whose leaves are read at once.
const SEALS: usize = 50;

/// The first and the last seal that were made from `from` on and before `until`.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn between(tx: &mut TenantTx, from: Option<At>, until: Option<At>) -> Result<Option<(i64, i64)>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let row = sqlx::query!(
        "select min(seq) as first, max(seq) as last from audit_seals
         where business_id = $1 and ($2::timestamptz is null or at >= $2) and ($3::timestamptz is null or at < $3)",
        business.0,
        from,
        until
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(row.first.zip(row.last))
}

/// The entries whose time is after `after`, up to and with `until`, except those of these ids, in their order.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn strangers(
    tx: &mut TenantTx,
    after: Option<At>,
    until: At,
    known: &[Uuid],
) -> Result<Vec<Mark>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select e.id, e.xid::text as "xid!" from audit_entries e
           where e.business_id = $1 and ($2::timestamptz is null or e.at > $2) and e.at <= $3
               and not exists (select from unnest($4::uuid[]) as k (id) where k.id = e.id)
           order by e.xid, e.id
           limit $5"#,
        business.0,
        after,
        until,
        known,
        STRANGERS
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|r| mark("audit_entries.xid", &r.xid, r.id)).collect()
}

/// The entries whose time is after `after` that neither wait to be sealed nor are in a seal after `seq`: a few of them, in their
/// order. One statement, so that what is sealed meanwhile is not missed. With `among`, only entries of these ids.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn unsealed(tx: &mut TenantTx, after: Option<At>, seq: i64, among: &[Uuid]) -> Result<Vec<Mark>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select e.id, e.xid::text as "xid!" from audit_entries e
           where e.business_id = $1 and ($2::timestamptz is null or e.at > $2)
               and (cardinality($4::uuid[]) = 0 or e.id = any($4))
               and not exists (
                   select from audit_pending p where p.business_id = $1 and p.xid = e.xid and p.id = e.id
               )
               and not exists (
                   select from audit_seals s
                   where s.business_id = $1 and s.seq > $3 and position(uuid_send(e.id) in s.leaves) > 0
               )
           order by e.xid, e.id
           limit 100"#,
        business.0,
        after,
        seq,
        among
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|r| mark("audit_entries.xid", &r.xid, r.id)).collect()
}

/// The seals that an entry of this place would be in: one, except after a restore into another cluster, which counts
/// transactions anew.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn around(tx: &mut TenantTx, place: Mark) -> Result<Vec<i64>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let seqs = sqlx::query_scalar!(
        "select seq from audit_seals
         where business_id = $1 and (last_xid, last_id) >= ($2::text::xid8, $3)
             and (first_xid, first_id) <= ($2::text::xid8, $3)
         order by seq limit 8",
        business.0,
        place.xid.to_string(),
        place.id.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(seqs)
}

/// What was sealed of these entries. Stops at the first that is in no seal: it, and perhaps others behind it, are not there.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn digests(tx: &mut TenantTx, places: &[Mark]) -> Result<HashMap<AuditId, Digest>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let wanted: HashSet<AuditId> = places.iter().map(|place| place.id).collect();
    let mut found = HashMap::with_capacity(places.len());
    for some in nearest(tx, places).await?.chunks(SEALS) {
        let stored = sqlx::query_scalar!(
            "select leaves from audit_seals where business_id = $1 and seq = any($2)",
            business.0,
            some
        )
        .fetch_all(tx.conn())
        .await?;
        let leaves = stored.iter().flat_map(|leaves| leaves.chunks(LEAF).map(leaf));
        found.extend(leaves.filter(|leaf| wanted.contains(&leaf.0)).map(|Leaf(id, digest)| (id, digest)));
    }
    // After a restore, several seals may hold a place between them.
    let left: Vec<Mark> = places.iter().filter(|place| !found.contains_key(&place.id)).copied().collect();
    for place in left {
        for seq in around(tx, place).await? {
            let leaves = get(tx, seq, true).await?.map(|seal| seal.leaves).unwrap_or_default();
            found.extend(leaves.into_iter().filter(|leaf| leaf.0 == place.id).map(|Leaf(id, digest)| (id, digest)));
        }
        if !found.contains_key(&place.id) {
            break;
        }
    }
    Ok(found)
}

/// The numbers of the seals that hold these places between their first and their last entry, one for each.
async fn nearest(tx: &mut TenantTx, places: &[Mark]) -> Result<Vec<i64>, StoreError> {
    let business = tx.business();
    let xids: Vec<String> = places.iter().map(|place| place.xid.to_string()).collect();
    let ids: Vec<Uuid> = places.iter().map(|place| place.id.0).collect();
    let seqs = sqlx::query_scalar!(
        r#"select distinct s.seq as "seq!"
           from unnest($2::text[], $3::uuid[]) as w (xid, id)
           cross join lateral (
               select a.seq from audit_seals a
               where a.business_id = $1 and (a.last_xid, a.last_id) >= (w.xid::xid8, w.id)
                   and (a.first_xid, a.first_id) <= (w.xid::xid8, w.id)
               order by a.last_xid, a.last_id
               limit 1
           ) s
           order by 1"#,
        business.0,
        &xids[..],
        &ids[..]
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(seqs)
}

/// The hashes of the seals of these numbers, as far as they are there.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn hashes(tx: &mut TenantTx, seqs: &[i64]) -> Result<HashMap<i64, Digest>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let rows =
        sqlx::query!("select seq, hash from audit_seals where business_id = $1 and seq = any($2)", business.0, seqs)
            .fetch_all(tx.conn())
            .await?;
    Ok(rows.into_iter().map(|r| (r.seq, bytes(&r.hash))).collect())
}

/// How many entries wait to be sealed.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn waiting(tx: &mut TenantTx) -> Result<i64, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let waiting =
        sqlx::query_scalar!(r#"select count(*) as "count!" from audit_pending where business_id = $1"#, business.0)
            .fetch_one(tx.conn())
            .await?;
    Ok(waiting)
}

/// Whether an entry waits to be sealed.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn is_waiting(tx: &mut TenantTx, place: Mark) -> Result<bool, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let waits = sqlx::query_scalar!(
        r#"select exists (
               select from audit_pending where business_id = $1 and xid = $2::text::xid8 and id = $3
           ) as "waits!""#,
        business.0,
        place.xid.to_string(),
        place.id.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(waits)
}

/// Whether no entry is left of those whose ids are from `low` on and below `high`: a month that was dropped.
///
/// # Errors
/// Refused without `audit.read` (people).
pub async fn is_gone(tx: &mut TenantTx, low: Uuid, high: Uuid) -> Result<bool, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let gone = sqlx::query_scalar!(
        r#"select not exists (
               select from audit_entries where business_id = $1 and id >= $2 and id < $3
           ) as "gone!""#,
        business.0,
        low,
        high
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(gone)
}
