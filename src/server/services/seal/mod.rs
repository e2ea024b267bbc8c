//! Seals over the audit log (AUD-3): about a second after an entry was written it is chained to all before it, and signed.
//! The bytes stand in `model::seal`, the hashes in [`chain`].
//!
//! [`verify`] goes through a business's log, [`proof`] looks at one entry, [`checkpoint`] sends the newest seal outside,
//! [`export`] writes what [`mod@file`] verifies without a database. To find one more kind of damage: a word in
//! `model::seal::Flaw`, its place in [`chain::Link`] or `walk`, and an attack in `tests/it/seal/`.

pub mod chain;
pub mod checkpoint;
pub mod export;
pub mod file;
pub mod overview;
pub mod proof;
mod report;
pub mod verify;
mod walk;

use std::collections::HashMap;

pub use report::{Found, Report};
use uuid::Uuid;

use crate::{
    model::{
        audit::{Action, Outcome},
        id::{AuditId, BusinessId, JobId},
        seal::{Bytes, Digest, Entry, Mark, Seal},
    },
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        http::{AppError, error::chain as causes},
        services::audit,
        store::{self, StoreError, TenantTx, audit::Target},
        vault::{AuditKey, VaultError},
    },
};

/// Entries in one seal, at most.
pub const BATCH: i64 = 4096;
/// How often a business comes to its turn in one round, while it has more than fits into a seal.
const TURNS: usize = 16;

/// The newest seal of each business, as this process knows it. Whoever cuts off an end or brings back an old state would have
/// to stop the process first.
#[derive(Debug, Default)]
pub struct Memory(HashMap<BusinessId, (i64, Digest)>);

/// Seals everything that is settled, in all businesses. Says how many entries that were.
///
/// # Errors
/// The database cannot be reached; there is no key. What is wrong with one business alone does not hold up the others.
pub async fn round(app: &App, memory: &mut Memory) -> Result<usize, AppError> {
    let mut sealed = 0;
    let mut turn = store::lobby::audit_waiting(app.worker_db()).await?;
    for _ in 0..TURNS {
        if turn.is_empty() {
            break;
        }
        let key = app.vault().audit_key(app.worker_db()).await?;
        let mut again = Vec::new();
        for business in turn {
            match one(app, &key, business, memory).await {
                Ok(count) => {
                    sealed += count;
                    if usize::try_from(BATCH) == Ok(count) {
                        again.push(business);
                    }
                }
                Err(error @ AppError::Unavailable(_)) => return Err(error),
                Err(error) => {
                    tracing::error!(business.id = %business, error.chain = %causes(&error), "a business was not sealed");
                }
            }
        }
        turn = again;
    }
    Ok(sealed)
}

/// One seal for one business. Says how many entries it holds; none when somebody else seals now.
async fn one(app: &App, key: &AuditKey, business: BusinessId, memory: &mut Memory) -> Result<usize, AppError> {
    let now = app.clock().now();
    let caller = sealer(app, business);
    let mut tx = TenantTx::open(app.worker_db(), &caller, now).await?;
    if !store::seal::lock(&mut tx).await? {
        return Ok(0);
    }
    let head = store::seal::head(&mut tx).await?;
    if let Some(seq) = missing(&mut tx, head.as_ref(), memory.0.get(&business)).await? {
        memory.0.remove(&business);
        tell(app, &caller, seq).await?;
    }
    let marks = store::seal::settled(&mut tx, BATCH).await?;
    let ids: Vec<AuditId> = marks.iter().map(|mark| mark.id).collect();
    let entries = store::seal::entries(&mut tx, &ids).await?;
    if let Some(seal) = chain::make(key, business, head.as_ref(), &digests(&marks, &entries), now) {
        store::seal::insert(&mut tx, &seal).await?;
        store::seal::unqueue(&mut tx, &marks).await?;
        tx.commit().await?;
        memory.0.insert(business, (seal.seq, seal.hash));
    }
    Ok(marks.len())
}

/// Writes down, where everybody who reads the log sees it, that a seal is not there any more.
async fn tell(app: &App, caller: &Caller, seq: i64) -> Result<(), AppError> {
    let business = caller.business;
    tracing::error!(business.id = %business, seal.seq = seq, "the audit log is not what it was: verify it");
    let target = Target { kind: "business", id: Some(business.0) };
    let reason = format!("seal {seq} is not the one that was made");
    audit::note(app, caller, Action::AuditChainBroken, Some(target), Outcome::Failed, Some(reason)).await
}

/// The seal that this process has seen and that is not there any more, or is another one.
async fn missing(
    tx: &mut TenantTx,
    head: Option<&Seal>,
    seen: Option<&(i64, Digest)>,
) -> Result<Option<i64>, AppError> {
    let Some((seq, hash)) = seen else { return Ok(None) };
    if head.is_some_and(|head| head.seq == *seq && head.hash == *hash) {
        return Ok(None);
    }
    // Somebody else has sealed meanwhile, or worse.
    let there = store::seal::get(tx, *seq, false).await?.is_some_and(|seal| seal.hash == *hash);
    Ok((!there).then_some(*seq))
}

/// What was written and is not there, or under another transaction, is sealed as that.
fn digests(marks: &[Mark], entries: &HashMap<AuditId, Entry>) -> Vec<(Mark, Digest)> {
    let mut buffer = Vec::new();
    let digest = |mark: &Mark| match entries.get(&mark.id) {
        Some(entry) if entry.mark() == *mark => (*mark, chain::digest(entry, &mut buffer)),
        _ => {
            tracing::error!(entry.id = %mark.id, "an audit entry was gone before it could be sealed");
            (*mark, Bytes::ZERO)
        }
    };
    marks.iter().map(digest).collect()
}

/// What is due by the clock: a new key each year, and checkpoints.
///
/// # Errors
/// The database cannot be reached.
pub async fn housekeeping(app: &App) -> Result<(), StoreError> {
    match app.vault().rotate_audit_key(app.worker_db()).await {
        Ok(_) => {}
        Err(VaultError::Store(error)) => return Err(error),
        // The old key goes on signing, and the rest of the minute's work must not wait for it.
        Err(error) => {
            tracing::error!(error.chain = %causes(&error), "the key that signs the audit log was not renewed");
        }
    }
    checkpoint::schedule(app).await
}

/// The actor that seals.
fn sealer(app: &App, business: BusinessId) -> Caller {
    Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "clock", network: None },
        trace: app.draw(),
    }
}
