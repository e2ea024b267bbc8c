//! Jobs as rows of the transaction that wants them. Payloads hold ids only. Claiming is the lobby's.

use serde_json::Value;

use super::{StoreError, TenantTx};
use crate::{
    model::id::JobId,
    server::{caller::Actor, kit::At},
};

/// Queues a job. A second one of the same kind and key is the same job.
///
/// # Errors
/// The database cannot be reached.
pub async fn enqueue(
    tx: &mut TenantTx,
    id: JobId,
    kind: &str,
    dedup_key: &str,
    payload: Value,
    run_at: At,
) -> Result<(), StoreError> {
    let business = tx.business();
    sqlx::query!(
        "insert into jobs (business_id, id, kind, dedup_key, payload, run_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (business_id, kind, dedup_key) do nothing",
        business.0,
        id.0,
        kind,
        dedup_key,
        payload,
        run_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The job is done; part of the transaction that did its work where there is one.
///
/// # Errors
/// Refused for people.
pub async fn finish(tx: &mut TenantTx, id: JobId) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    sqlx::query!("delete from jobs where business_id = $1 and id = $2", business.0, id.0).execute(tx.conn()).await?;
    Ok(())
}

/// The job that this transaction belongs to goes on: nobody else claims it for another minute.
///
/// # Errors
/// Refused for everybody but jobs.
pub async fn hold(tx: &mut TenantTx) -> Result<(), StoreError> {
    let Actor::Job(id) = tx.caller().actor else { return Err(StoreError::Refused) };
    let business = tx.business();
    // By the database's clock, as claiming is.
    sqlx::query!(
        "update jobs set lease_until = now() + interval '1 minute' where business_id = $1 and id = $2",
        business.0,
        id.0
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The job waits for its turn, and the try does not count.
///
/// # Errors
/// Refused for people.
pub async fn postpone(tx: &mut TenantTx, id: JobId, run_at: At) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    sqlx::query!(
        "update jobs set attempts = greatest(attempts - 1, 0), run_at = $3, lease_until = null
         where business_id = $1 and id = $2",
        business.0,
        id.0,
        run_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The job failed: again at `run_at`, or never (`None`), where an operator can see it. `problem` is a closed word.
///
/// # Errors
/// Refused for people.
pub async fn fail(tx: &mut TenantTx, id: JobId, problem: &str, run_at: Option<At>) -> Result<(), StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let state = if run_at.is_some() { "queued" } else { "dead" };
    sqlx::query!(
        "update jobs set state = $3, problem = $4, run_at = $5, lease_until = null where business_id = $1 and id = $2",
        business.0,
        id.0,
        state,
        problem,
        run_at.unwrap_or(now)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
