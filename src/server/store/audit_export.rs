//! Exports of the audit log (AUD-5): asked for and cancelled by people. What the worker does with them stands in [`work`],
//! which entries a filter names in [`matching`].

mod matching;
mod work;

pub use matching::*;
pub use work::*;

use uuid::Uuid;

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        audit_export::{Format, MOST_KEPT, MOST_OF_ALL, MOST_UNDER_WAY, State},
        id::{AuditId, ExportId, MemberId},
        permission::Permission,
    },
    server::kit::At,
};

/// Exports that are listed.
const LISTED: i64 = 50;

/// An export, with how far it is.
#[derive(Debug, Clone)]
pub struct Export {
    pub id: ExportId,
    pub asked_by: MemberId,
    pub asked_by_name: String,
    pub asked_at: At,
    pub format: Format,
    /// As the query bar writes it, with instants.
    pub filter: String,
    pub zone: String,
    pub state: State,
    /// How many entries it will hold. Absent until that is known.
    pub total: Option<i64>,
    /// How many it holds.
    pub done: i64,
    pub first: Option<AuditId>,
    pub last: Option<AuditId>,
    /// How many pieces of its file are there.
    pub parts: i32,
    /// The length of its file.
    pub bytes: i64,
    /// One line of JSON.
    pub manifest: Option<String>,
    pub finished_at: Option<At>,
    pub expires_at: Option<At>,
}

/// One that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct NewExport<'a> {
    pub id: ExportId,
    pub format: Format,
    pub filter: &'a str,
    pub zone: &'a str,
}

/// For who exports, and for jobs.
fn may_export(tx: &TenantTx) -> Result<(), StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::AuditExport))
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Stored,
    /// So many of this person's, or of the business's, are under way.
    UnderWay(u32),
    /// The files that are kept take up what a business may keep.
    Full,
}

/// Stores what was asked for, unless too much is under way or kept. The database notes when that was.
///
/// # Errors
/// Refused without `audit.export`, and for machines.
pub async fn insert(tx: &mut TenantTx, new: NewExport<'_>) -> Result<Asked, StoreError> {
    tx.may_all(Permission::AuditExport)?;
    let (business, by) = (tx.business(), tx.caller().actor.uuid());
    // Whoever asks at the same time waits, and counts this one too.
    sqlx::query_scalar!(r#"select 1 as "one!" from businesses where business_id = $1 for no key update"#, business.0)
        .fetch_one(tx.conn())
        .await?;
    let now = sqlx::query!(
        r#"select count(*) filter (where asked_by = $2 and state in ('waiting', 'running')) as "own!",
               count(*) filter (where state in ('waiting', 'running')) as "all!",
               coalesce(sum(bytes) filter (where parts > 0), 0)::bigint as "kept!"
           from audit_exports
           where business_id = $1 and (parts > 0 or state in ('waiting', 'running'))"#,
        business.0,
        by
    )
    .fetch_one(tx.conn())
    .await?;
    for (count, most) in [(now.own, MOST_UNDER_WAY), (now.all, MOST_OF_ALL)] {
        if count >= i64::from(most) {
            return Ok(Asked::UnderWay(most));
        }
    }
    if now.kept >= MOST_KEPT {
        return Ok(Asked::Full);
    }
    sqlx::query!(
        "insert into audit_exports (business_id, id, asked_by, format, filter, zone) values ($1, $2, $3, $4, $5, $6)",
        business.0,
        new.id.0,
        by,
        new.format.code(),
        new.filter,
        new.zone
    )
    .execute(tx.conn())
    .await?;
    Ok(Asked::Stored)
}

/// The newest exports first; one of them when `only` names it.
async fn select(tx: &mut TenantTx, only: Option<ExportId>) -> Result<Vec<Export>, StoreError> {
    may_export(tx)?;
    let business = tx.business();
    let rows = sqlx::query!(
        "select e.id, e.asked_by, m.name, e.asked_at, e.format, e.filter, e.zone, e.state, e.total, e.done, e.first_id,
             e.last_id, e.parts, e.bytes, e.manifest, e.finished_at, e.expires_at
         from audit_exports e join members m on m.business_id = $1 and m.id = e.asked_by
         where e.business_id = $1 and ($2::uuid is null or e.id = $2)
         order by e.id desc
         limit $3",
        business.0,
        only.map(|id| id.0),
        LISTED
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Export {
                id: ExportId(r.id),
                asked_by: MemberId(r.asked_by),
                asked_by_name: r.name,
                asked_at: r.asked_at,
                format: read("audit_exports.format", &r.format)?,
                filter: r.filter,
                zone: r.zone,
                state: read("audit_exports.state", &r.state)?,
                total: r.total,
                done: r.done,
                first: r.first_id.map(AuditId),
                last: r.last_id.map(AuditId),
                parts: r.parts,
                bytes: r.bytes,
                manifest: r.manifest,
                finished_at: r.finished_at,
                expires_at: r.expires_at,
            })
        })
        .collect()
}

/// The newest exports, the newest first.
///
/// # Errors
/// Refused without `audit.export`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Export>, StoreError> {
    select(tx, None).await
}

/// One export.
///
/// # Errors
/// Refused without `audit.export` (people); missing when it is not this business's.
pub async fn get(tx: &mut TenantTx, id: ExportId) -> Result<Export, StoreError> {
    select(tx, Some(id)).await?.pop().ok_or(StoreError::Missing)
}

/// Cancels what is under way. False when it is over already, however it ended.
///
/// # Errors
/// Refused without `audit.export`, and for machines.
pub async fn cancel(tx: &mut TenantTx, id: ExportId) -> Result<bool, StoreError> {
    tx.may_all(Permission::AuditExport)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update audit_exports set state = 'cancelled', finished_at = $3
         where business_id = $1 and id = $2 and state in ('waiting', 'running')",
        business.0,
        id.0,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A piece of an export's file, from 1: what it is bound to, and its sealed content.
///
/// # Errors
/// Refused without `audit.export` (people); missing when there is none.
pub async fn part(tx: &mut TenantTx, id: ExportId, part: i32) -> Result<(Uuid, Vec<u8>), StoreError> {
    may_export(tx)?;
    let business = tx.business();
    let sealed = sqlx::query_scalar!(
        "select sealed from audit_export_parts where business_id = $1 and export_id = $2 and part = $3",
        business.0,
        id.0,
        part
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((bound_to(id, part), sealed))
}
