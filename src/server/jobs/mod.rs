//! What happens later: claimed from the queue, run as a service call, retried, and put aside where people can see it
//! when it never works. A payload holds ids only. Jobs are idempotent: a lease that ran out runs them again.
//!
//! To add one: its kind's name beside the service function, and a line in `attempt`. What runs by the clock stands in
//! [`worker`]; the seals of the audit log, every second, in [`sealer`], and what carries it to collectors in [`streamer`].

pub mod sealer;
pub mod streamer;
pub mod worker;

use serde::de::DeserializeOwned;

use crate::{
    model::id::TraceId,
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        services::{
            audit_export::work as export,
            factor, pop, retention, review,
            seal::checkpoint,
            tracking_link,
            webhook::{self, LegPayload, ReceiptPayload},
        },
        store::{self, StoreError, TenantTx, lobby::ClaimedJob},
    },
};

/// Tries, at 5 s, 10 s, 20 s, …; then the job is put aside.
const TRIES: i32 = 8;
/// The job that deletes what is over, one per business and day.
pub const RETENTION_JOB: &str = "retention.run";
/// The job that opens access reviews and reminds of them, one per business and day at most.
pub const REVIEW_JOB: &str = "review.run";

/// Runs one claimed job and notes how it went.
///
/// # Errors
/// Only when not even that can be noted: then the lease runs out, and it is claimed again.
pub async fn run_one(app: &App, job: &ClaimedJob) -> Result<(), StoreError> {
    let trace: TraceId = app.draw();
    match attempt(app, job, &job.caller(trace)).await {
        Ok(Tried::Ended) => Ok(()),
        // Missing: what the job was about is gone, and there is nothing left to do.
        Ok(Tried::Done) | Err(AppError::Missing) => finish(app, job).await,
        Ok(Tried::NotYet) => postpone(app, job).await,
        Err(error) => fail(app, job, &error, trace).await,
    }
}

/// What became of a job that did not fail.
enum Tried {
    /// It has ended its row itself, in the transaction that did its work.
    Ended,
    /// Its row is to be ended.
    Done,
    /// It waits its turn.
    NotYet,
}

async fn attempt(app: &App, job: &ClaimedJob, caller: &Caller) -> Result<Tried, AppError> {
    match job.kind.as_str() {
        webhook::APPLY_JOB => {
            let p: ReceiptPayload = read(job)?;
            // Above the business's rate it waits its turn.
            if !app.limits().may_apply(job.business) {
                return Ok(Tried::NotYet);
            }
            webhook::apply_pending(app, caller, p.receipt, job.id).await?;
        }
        webhook::POP_JOB => {
            let Some(_turn) = app.limits().lookup_turn(job.business) else { return Ok(Tried::NotYet) };
            pop::look_up(app, caller, read::<LegPayload>(job)?.leg, job.id).await?;
        }
        factor::TEXT_JOB => factor::send_text(app, caller, &read(job)?, job.id, job.attempts > 1).await?,
        tracking_link::TEXT_JOB => tracking_link::send(app, caller, &read(job)?, job.id, job.attempts > 1).await?,
        export::JOB => {
            let p: export::Payload = read(job)?;
            let Some(_turn) = app.limits().export_turn() else { return Ok(Tried::NotYet) };
            export::run(app, caller, p.export, job.id).await?;
        }
        checkpoint::JOB => checkpoint::send(app, caller, read::<checkpoint::Payload>(job)?.way, job.id).await?,
        RETENTION_JOB => {
            let Some(_turn) = app.limits().retention_turn().await else { return Ok(Tried::NotYet) };
            retention::run(app, caller).await?;
            return Ok(Tried::Done);
        }
        REVIEW_JOB => {
            review::run(app, caller).await?;
            return Ok(Tried::Done);
        }
        other => return Err(AppError::Internal(format!("no job is called {other}").into())),
    }
    Ok(Tried::Ended)
}

fn read<T: DeserializeOwned>(job: &ClaimedJob) -> Result<T, AppError> {
    serde_json::from_value(job.payload.clone()).map_err(|error| AppError::Internal(Box::new(error)))
}

async fn open(app: &App, job: &ClaimedJob) -> Result<TenantTx, StoreError> {
    TenantTx::open(app.worker_db(), &job.caller(app.draw()), app.clock().now()).await
}

async fn finish(app: &App, job: &ClaimedJob) -> Result<(), StoreError> {
    let mut tx = open(app, job).await?;
    store::job::finish(&mut tx, job.id).await?;
    tx.commit().await
}

async fn postpone(app: &App, job: &ClaimedJob) -> Result<(), StoreError> {
    let mut tx = open(app, job).await?;
    // Those of all businesses come due at once, and run one at a time.
    let next = tx.now().plus(if job.kind == RETENTION_JOB { 20 } else { 1 });
    store::job::postpone(&mut tx, job.id, next).await?;
    tx.commit().await
}

async fn fail(app: &App, job: &ClaimedJob, error: &AppError, trace: TraceId) -> Result<(), StoreError> {
    // Logs the chain, once, under the trace.
    let _ = error.fault(trace);
    let mut tx = open(app, job).await?;
    let delay = 5_i64 << job.attempts.clamp(0, 10);
    let next = (job.attempts < TRIES).then(|| tx.now().plus(delay));
    store::job::fail(&mut tx, job.id, error.code(), next).await?;
    if next.is_none() {
        give_up(app, &mut tx, job).await?;
    }
    tx.commit().await
}

/// What a job was about must not wait for it any more. A payload that cannot be read names nothing.
async fn give_up(app: &App, tx: &mut TenantTx, job: &ClaimedJob) -> Result<(), StoreError> {
    let payload = job.payload.clone();
    match job.kind.as_str() {
        webhook::APPLY_JOB => match serde_json::from_value::<ReceiptPayload>(payload) {
            Ok(p) => store::receipt::keep(tx, p.receipt, "dead", "given up", None).await,
            Err(_) => Ok(()),
        },
        export::JOB => match serde_json::from_value::<export::Payload>(payload) {
            Ok(p) => export::give_up(app, tx, p.export).await,
            Err(_) => Ok(()),
        },
        tracking_link::TEXT_JOB => match serde_json::from_value::<tracking_link::TextPayload>(payload) {
            Ok(p) => tracking_link::give_up(app, tx, p.link).await,
            Err(_) => Ok(()),
        },
        _ => Ok(()),
    }
}
