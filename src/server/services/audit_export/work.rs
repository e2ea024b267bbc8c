//! The job that writes an export (AUD-5). Each run writes one piece and comes back for the next: what is interrupted goes
//! on behind the last piece, other jobs have their turn in between, and people see how far it is. What belongs into it was
//! settled before the first, so it is the same however often that happens.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{ceiling, file, too_many, verify};
use crate::{
    model::{
        audit::{Action, Outcome},
        audit_export::{Anchor, Document, KEPT_DAYS, Manifest, State},
        audit_query::AuditFilter,
        id::{AuditId, BusinessId, ExportId, JobId},
        seal::{Bytes, Digest, Entry, Flaw, Leaf, Mark},
    },
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        http::{AppError, error::chain as causes},
        services::seal::chain,
        store::{
            self, StoreError, TenantTx,
            audit::{NewEntry, Target},
            audit_export::{Export, Piece, Removed, bound_to},
        },
        vault::Purpose,
    },
};

/// The job that writes one, piece by piece.
pub const JOB: &str = "audit.export";
/// Entries of one piece: some megabytes, and less than a second.
const PIECE: i64 = 5_000;
const DAY: i64 = 24 * 3600;
/// Transactions that remove files, in all businesses, until the clock goes on: what is left waits a minute.
const REMOVALS: usize = 20;

/// What a job says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Payload {
    pub export: ExportId,
}

/// When the job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Now,
    /// What it waits for takes about a second.
    Soon,
    Never,
}

/// One run of [`JOB`], which it puts back into the queue or finishes. Nothing is written until its end: a transaction that has
/// written keeps whatever comes after it from being sealed, in all businesses.
///
/// # Errors
/// The database cannot be reached, or a key not be opened: then nothing of this run is left. Missing when there is no such
/// export.
pub async fn run(app: &App, caller: &Caller, id: ExportId, job: JobId) -> Result<(), AppError> {
    let now = app.clock().now();
    let mut tx = TenantTx::open(app.worker_db(), caller, now).await?;
    // Another node is at it, and puts the job back itself.
    if !store::audit_export::lock(&mut tx, id).await? {
        return Ok(());
    }
    let export = store::audit_export::get(&mut tx, id).await?;
    let next = match export.state {
        State::Waiting => begin(app, &mut tx, &export).await?,
        State::Running => go_on(app, &mut tx, &export).await?,
        State::Ready | State::Cancelled | State::Refused | State::Failed | State::Expired => Next::Never,
    };
    match next {
        // Two seconds: who was turned away comes back after one.
        Next::Now if app.limits().export_waits() => store::job::postpone(&mut tx, job, now.plus(2)).await?,
        Next::Now => store::job::postpone(&mut tx, job, now).await?,
        Next::Soon => store::job::postpone(&mut tx, job, now.plus(1)).await?,
        Next::Never => store::job::finish(&mut tx, job).await?,
    }
    tx.commit().await?;
    Ok(())
}

fn filter_of(export: &Export) -> Result<AuditFilter, StoreError> {
    export.filter.parse().map_err(|_| StoreError::Unreadable { column: "audit_exports.filter" })
}

/// Waits until everything that belongs into it is sealed, then counts it.
async fn begin(app: &App, tx: &mut TenantTx, export: &Export) -> Result<Next, AppError> {
    if !store::audit_export::is_settled(tx, export.id).await? {
        return Ok(Next::Soon);
    }
    let most = app.config().audit_export_max;
    let total = store::audit_export::count(tx, &filter_of(export)?, Some(export.asked_at), ceiling(most)).await?;
    if let Some(total) = total.filter(|total| too_many(*total, most).is_some()) {
        return refuse(app, tx, export.id, total).await;
    }
    store::audit_export::begin(tx, export.id, total).await?;
    Ok(Next::Now)
}

/// It is more than an export may hold: at least so many.
async fn refuse(app: &App, tx: &mut TenantTx, id: ExportId, total: i64) -> Result<Next, AppError> {
    if store::audit_export::give_up(tx, id, State::Refused, Some(total)).await? {
        let counts = json!({ "entries": total, "most": app.config().audit_export_max });
        append(app, tx, Action::AuditExported, id, Outcome::Refused, Some(counts)).await?;
    }
    Ok(Next::Never)
}

/// Writes the next piece. When nothing is left it is signed, in a run of its own.
async fn go_on(app: &App, tx: &mut TenantTx, export: &Export) -> Result<Next, AppError> {
    let ids = store::audit_export::ids(tx, &filter_of(export)?, export.asked_at, export.last, PIECE).await?;
    // One without entries has a piece too: a CSV has its first line.
    if ids.is_empty() && export.parts > 0 {
        finish(app, tx, export).await?;
        return Ok(Next::Never);
    }
    let entries = store::seal::entries(tx, &ids).await?;
    // A month may have been dropped since they were counted.
    let there: Vec<_> = ids.iter().filter_map(|id| entries.get(id)).collect();
    let written = i64::try_from(there.len()).unwrap_or(i64::MAX);
    // Only where they could not be counted before.
    let total = export.done.saturating_add(written);
    if total > app.config().audit_export_max {
        return refuse(app, tx, export.id, total).await;
    }
    if let Some((flaw, entry)) = flaw(tx, &there).await? {
        return stop(app, tx, export.id, flaw, entry).await;
    }
    let plain = file::piece(export, &there)?;
    let part = export.parts.saturating_add(1);
    let place = bound_to(export.id, part);
    let sealed = app.vault().seal(tx, Purpose::AuditExport, place, plain.as_bytes()).await?;
    let piece = Piece {
        part,
        sealed,
        bytes: i64::try_from(plain.len()).unwrap_or(i64::MAX),
        entries: written,
        ends: there.first().zip(there.last()).map(|(first, last)| (first.id, last.id)),
    };
    store::audit_export::add_piece(tx, export.id, piece).await?;
    Ok(Next::Now)
}

/// The first entry that is not what was sealed. What we sign must not make it look as if it were.
async fn flaw(tx: &mut TenantTx, entries: &[&Entry]) -> Result<Option<(Flaw, AuditId)>, StoreError> {
    let marks: Vec<Mark> = entries.iter().map(|entry| entry.mark()).collect();
    let sealed = store::seal::digests(tx, &marks).await?;
    let mut buffer = Vec::new();
    Ok(entries.iter().find_map(|entry| match sealed.get(&entry.id) {
        Some(digest) if *digest == chain::digest(entry, &mut buffer) => None,
        Some(_) => Some((Flaw::EntryChanged, entry.id)),
        None => Some((Flaw::EntryUnsealed, entry.id)),
    }))
}

/// It is not exported, and the log says which entry is the reason.
async fn stop(app: &App, tx: &mut TenantTx, id: ExportId, flaw: Flaw, entry: AuditId) -> Result<Next, AppError> {
    tracing::error!(export.id = %id, audit.flaw = flaw.code(), audit.entry = %entry, "an export is not what was sealed");
    if store::audit_export::give_up(tx, id, State::Failed, None).await? {
        let what = json!({ "flaw": flaw.code(), "entry": entry });
        append(app, tx, Action::AuditExported, id, Outcome::Failed, Some(what)).await?;
    }
    Ok(Next::Never)
}

/// Signs what was written, by what is stored: every piece is opened once more.
async fn finish(app: &App, tx: &mut TenantTx, export: &Export) -> Result<(), AppError> {
    let id = export.id;
    let (mut hasher, mut length) = (Sha256::new(), 0_usize);
    for part in 1..=export.parts {
        let (row, sealed) = store::audit_export::part(tx, id, part).await?;
        let plain = app.vault().open(tx.business(), Purpose::AuditExport, row, &sealed).await?;
        hasher.update(plain.as_slice());
        length += plain.len();
    }
    if i64::try_from(length) != Ok(export.bytes) {
        return Err(AppError::Internal("the pieces are not those that were written".into()));
    }
    let manifest = sign(app, tx, export, Bytes(hasher.finalize().into())).await?;
    let (hash, sha256) = (manifest.hash.to_string(), manifest.sha256.to_string());
    let text = serde_json::to_string(&Document::Export(manifest)).map_err(|e| AppError::Internal(Box::new(e)))?;
    let expires = tx.now().plus(i64::from(KEPT_DAYS) * DAY);
    store::audit_export::finish(tx, id, &text, expires).await?;
    let told = json!({
        "format": export.format.code(),
        "entries": export.done,
        "bytes": export.bytes,
        "hash": hash,
        "sha256": sha256,
    });
    Ok(append(app, tx, Action::AuditExported, id, Outcome::Done, Some(told)).await?)
}

async fn sign(app: &App, tx: &mut TenantTx, export: &Export, sha256: Digest) -> Result<Manifest, AppError> {
    let key = app.vault().audit_key(app.worker_db()).await?;
    let ids: Vec<AuditId> = export.first.into_iter().chain(export.last).collect();
    let entries = store::seal::entries(tx, &ids).await?;
    let leaf = |id: Option<AuditId>| {
        id.and_then(|id| entries.get(&id)).map(|entry| Leaf(entry.id, chain::digest(entry, &mut Vec::new())))
    };
    let mut manifest = Manifest {
        business: tx.business(),
        export: export.id,
        format: export.format,
        filter: export.filter.clone(),
        zone: export.zone.clone(),
        asked: export.asked_at.micros(),
        count: export.done,
        first: leaf(export.first),
        last: leaf(export.last),
        seal: store::seal::head(tx).await?.map(|seal| Anchor { seq: seal.seq, hash: seal.hash }),
        bytes: export.bytes,
        sha256,
        at: tx.now().micros(),
        key: key.kid().to_owned(),
        hash: Bytes::ZERO,
        signature: Bytes::ZERO,
    };
    manifest.hash = verify::hash(&manifest);
    manifest.signature = Bytes(key.sign(&manifest.signed()));
    Ok(manifest)
}

/// It was tried too often: who asked for it must see that.
///
/// # Errors
/// The database cannot be reached.
pub async fn give_up(app: &App, tx: &mut TenantTx, id: ExportId) -> Result<(), StoreError> {
    if store::audit_export::give_up(tx, id, State::Failed, None).await? {
        append(app, tx, Action::AuditExported, id, Outcome::Failed, None).await?;
    }
    Ok(())
}

async fn append(
    app: &App,
    tx: &mut TenantTx,
    action: Action,
    id: ExportId,
    outcome: Outcome,
    after: Option<Value>,
) -> Result<(), StoreError> {
    let target = Some(Target { kind: "export", id: Some(id.0) });
    let entry = NewEntry { id: app.draw(), action, target, outcome, reason: None, before: None, after };
    store::audit::append(tx, entry).await
}

/// Removes the files that nobody gets any more, in all businesses, as many as a minute has time for. What goes wrong with one
/// business keeps no other waiting.
///
/// # Errors
/// The database cannot be reached.
pub async fn housekeeping(app: &App) -> Result<(), StoreError> {
    let mut left = REMOVALS;
    for business in store::lobby::audit_exports_over(app.worker_db(), app.clock().now()).await? {
        if let Err(error) = remove(app, business, &mut left).await {
            tracing::error!(business.id = %business, error.chain = %causes(&error), "old exports are not removed");
        }
        if left == 0 {
            break;
        }
    }
    Ok(())
}

async fn remove(app: &App, business: BusinessId, left: &mut usize) -> Result<(), StoreError> {
    let (caller, now) = (remover(app, business), app.clock().now());
    while *left > 0 {
        *left -= 1;
        let mut tx = TenantTx::open(app.worker_db(), &caller, now).await?;
        match store::audit_export::remove_some(&mut tx).await? {
            Removed::Nothing => break,
            Removed::Some => {}
            Removed::Expired(id) => {
                append(app, &mut tx, Action::AuditExportRemoved, id, Outcome::Done, None).await?;
            }
        }
        tx.commit().await?;
    }
    Ok(())
}

/// The actor that removes.
fn remover(app: &App, business: BusinessId) -> Caller {
    Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "clock", network: None },
        trace: app.draw(),
    }
}
