//! What happens later: claimed from the queue, run as a service call, retried, and put aside where people can see it
//! when it never works. A payload holds ids only. Jobs are idempotent: a lease that ran out runs them again.
//!
//! To add one: its kind's name beside the service function, and a line in [`run_one`]. What runs by the clock stands in
//! [`worker`]; the seals of the audit log, every second, in [`sealer`], and what carries it to collectors in [`streamer`].

pub mod sealer;
pub mod streamer;
pub mod worker;

use crate::{
    model::id::TraceId,
    server::{
        boot::App,
        http::AppError,
        services::{
            audit_export::work as export,
            factor::{self, TextPayload},
            pop, retention, review,
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
    let caller = job.caller(trace);
    let result = match job.kind.as_str() {
        webhook::APPLY_JOB => match serde_json::from_value::<ReceiptPayload>(job.payload.clone()) {
            // Above the business's rate it waits its turn.
            Ok(_) if !app.limits().may_apply(job.business) => return postpone(app, job).await,
            Ok(p) => webhook::apply_pending(app, &caller, p.receipt, job.id).await,
            Err(e) => Err(AppError::Internal(Box::new(e))),
        },
        webhook::POP_JOB => match serde_json::from_value::<LegPayload>(job.payload.clone()) {
            Ok(p) => pop::look_up(app, &caller, p.leg, job.id).await,
            Err(e) => Err(AppError::Internal(Box::new(e))),
        },
        factor::TEXT_JOB => match serde_json::from_value::<TextPayload>(job.payload.clone()) {
            Ok(p) => factor::send_text(app, &caller, &p, job.id, job.attempts > 1).await,
            Err(e) => Err(AppError::Internal(Box::new(e))),
        },
        tracking_link::TEXT_JOB => match serde_json::from_value::<tracking_link::TextPayload>(job.payload.clone()) {
            Ok(p) => tracking_link::send(app, &caller, &p, job.id, job.attempts > 1).await,
            Err(e) => Err(AppError::Internal(Box::new(e))),
        },
        export::JOB => match serde_json::from_value::<export::Payload>(job.payload.clone()) {
            Ok(p) => match app.limits().export_turn() {
                Some(_turn) => export::run(app, &caller, p.export, job.id).await,
                None => return postpone(app, job).await,
            },
            Err(e) => Err(AppError::Internal(Box::new(e))),
        },
        checkpoint::JOB => match serde_json::from_value::<checkpoint::Payload>(job.payload.clone()) {
            Ok(p) => checkpoint::send(app, &caller, p.way, job.id).await,
            Err(e) => Err(AppError::Internal(Box::new(e))),
        },
        RETENTION_JOB => match retention::run(app, &caller).await {
            Ok(_) => return finish(app, job).await,
            Err(e) => Err(e),
        },
        REVIEW_JOB => match review::run(app, &caller).await {
            Ok(()) => return finish(app, job).await,
            Err(e) => Err(e),
        },
        other => Err(AppError::Internal(format!("no job is called {other}").into())),
    };
    match result {
        Ok(()) => Ok(()),
        // What the job was about is gone: there is nothing left to do.
        Err(AppError::Missing) => finish(app, job).await,
        Err(error) => fail(app, job, &error, trace).await,
    }
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
    let next = tx.now().plus(1);
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
    if let (None, webhook::APPLY_JOB, Ok(p)) =
        (next, job.kind.as_str(), serde_json::from_value::<ReceiptPayload>(job.payload.clone()))
    {
        store::receipt::keep(&mut tx, p.receipt, "dead", "given up", None).await?;
    }
    if let (None, export::JOB, Ok(p)) =
        (next, job.kind.as_str(), serde_json::from_value::<export::Payload>(job.payload.clone()))
    {
        export::give_up(app, &mut tx, p.export).await?;
    }
    tx.commit().await
}
