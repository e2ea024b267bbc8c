//! What the worker does with an export: it writes it piece by piece, finishes it, and removes its file when its time is
//! over.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    model::{
        audit_export::State,
        id::{AuditId, ExportId},
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// Pieces that are deleted in one transaction: some tens of megabytes.
const REMOVED_AT_ONCE: i64 = 20;

/// Begins to work at an export, if nobody else does so now: until the transaction ends, others get `false`. A lock of its row would
/// give the transaction a number, and keep everybody's log from being sealed meanwhile.
///
/// # Errors
/// Refused for people.
pub async fn lock(tx: &mut TenantTx, id: ExportId) -> Result<bool, StoreError> {
    tx.machine()?;
    let is_free = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('ringfort/export/' || ($1::uuid)::text, 0)) as "free!""#,
        id.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(is_free)
}

/// Whether nothing that belongs into an export can still appear, and all of it is sealed. (A transaction number that this
/// cluster has not reached was brought along by a restore.)
///
/// # Errors
/// Refused for people; missing when it is not this business's.
pub async fn is_settled(tx: &mut TenantTx, id: ExportId) -> Result<bool, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let is_settled = sqlx::query_scalar!(
        r#"select (
               (e.xid < pg_snapshot_xmin(pg_current_snapshot()) or e.xid >= pg_snapshot_xmax(pg_current_snapshot()))
               and not exists (
                   select from audit_pending p where p.business_id = $1 and p.at < e.asked_at
               )
           ) as "settled!"
           from audit_exports e
           where e.business_id = $1 and e.id = $2"#,
        business.0,
        id.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(is_settled)
}

/// It is being written now, and will hold so many entries, where that is known.
///
/// # Errors
/// Refused for people.
pub async fn begin(tx: &mut TenantTx, id: ExportId, total: Option<i64>) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    sqlx::query!(
        "update audit_exports set state = 'running', total = $3 where business_id = $1 and id = $2 and state = 'waiting'",
        business.0,
        id.0,
        total
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// It ends without a file, as `state` says. False when it has ended already. `total` is how many entries it would have held.
///
/// # Errors
/// Refused for people.
pub async fn give_up(tx: &mut TenantTx, id: ExportId, state: State, total: Option<i64>) -> Result<bool, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update audit_exports set state = $3, total = coalesce($4, total), finished_at = $5
         where business_id = $1 and id = $2 and state in ('waiting', 'running')",
        business.0,
        id.0,
        state.code(),
        total,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A piece of an export's file.
#[derive(Debug)]
pub struct Piece {
    /// Its place, from 1.
    pub part: i32,
    /// Bound to its place ([`bound_to`]).
    pub sealed: Vec<u8>,
    /// How long it is, unsealed.
    pub bytes: i64,
    pub entries: i64,
    /// The first and the last entry that it was written for, where there are any.
    pub ends: Option<(AuditId, AuditId)>,
}

/// What the content of a piece is bound to: this place in this export, so that pieces cannot be exchanged.
#[must_use]
pub fn bound_to(id: ExportId, part: i32) -> Uuid {
    let mut hasher = Sha256::new();
    hasher.update(b"ringfort/export/part/1");
    hasher.update(id.0.as_bytes());
    hasher.update(part.to_be_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    let (head, _) = digest.split_at(16);
    Uuid::from_slice(head).unwrap_or_default()
}

/// Adds a piece, and notes how far the export is with it.
///
/// # Errors
/// Refused for people; stale when the export has ended, or has this piece already.
pub async fn add_piece(tx: &mut TenantTx, id: ExportId, piece: Piece) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    let noted = sqlx::query!(
        "update audit_exports set parts = $3, bytes = bytes + $4, done = done + $5, first_id = coalesce(first_id, $6),
             last_id = coalesce($7, last_id)
         where business_id = $1 and id = $2 and state = 'running' and parts = $3 - 1",
        business.0,
        id.0,
        piece.part,
        piece.bytes,
        piece.entries,
        piece.ends.map(|(first, _)| first.0),
        piece.ends.map(|(_, last)| last.0)
    )
    .execute(tx.conn())
    .await?;
    if noted.rows_affected() != 1 {
        return Err(StoreError::Stale);
    }
    sqlx::query!(
        "insert into audit_export_parts (business_id, export_id, part, sealed) values ($1, $2, $3, $4)",
        business.0,
        id.0,
        piece.part,
        piece.sealed
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// It is ready, until `expires_at`.
///
/// # Errors
/// Refused for people; stale when it has ended.
pub async fn finish(tx: &mut TenantTx, id: ExportId, manifest: &str, expires_at: At) -> Result<(), StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update audit_exports set state = 'ready', manifest = $3, finished_at = $4, expires_at = $5
         where business_id = $1 and id = $2 and state = 'running'",
        business.0,
        id.0,
        manifest,
        now,
        expires_at
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Removes some pieces of one file that nobody gets any more. With the last of them an export that was ready is expired,
/// and named.
///
/// # Errors
/// Refused for people.
pub async fn remove_some(tx: &mut TenantTx) -> Result<Removed, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let over = sqlx::query!(
        "select id, state from audit_exports
         where business_id = $1 and parts > 0 and (state in ('cancelled', 'refused', 'failed') or expires_at <= $2)
         order by id
         limit 1
         for update skip locked",
        business.0,
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(over) = over else { return Ok(Removed::Nothing) };
    let done = sqlx::query!(
        "delete from audit_export_parts
         where business_id = $1 and export_id = $2 and part in (
             select part from audit_export_parts where business_id = $1 and export_id = $2 order by part limit $3
         )",
        business.0,
        over.id,
        REMOVED_AT_ONCE
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() > 0 {
        return Ok(Removed::Some);
    }
    sqlx::query!(
        "update audit_exports set parts = 0, state = case when state = 'ready' then 'expired' else state end
         where business_id = $1 and id = $2",
        business.0,
        over.id
    )
    .execute(tx.conn())
    .await?;
    Ok(if over.state == State::Ready.code() { Removed::Expired(ExportId(over.id)) } else { Removed::Some })
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    Nothing,
    /// There may be more.
    Some,
    /// The last of a file whose time was over.
    Expired(ExportId),
}
