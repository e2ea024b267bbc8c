//! The worker: claims jobs, sends mail, and does what is due by the clock. Runs inside `serve`; several may run at
//! once, on any node, because claiming skips what others hold.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{RETENTION_JOB, REVIEW_JOB, run_one};
use crate::{
    model::id::{JobId, TraceId},
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        http::error::chain,
        kit::At,
        live,
        mail::{Mail, MailError},
        services::{self, audit_export::work as export, factor, seal::checkpoint, tracking_link, webhook},
        store::{
            self, StoreError, TenantTx,
            lobby::{ClaimedJob, DueMail},
        },
        vault::Purpose,
    },
};

const CLAIM: i32 = 20;
/// What may take minutes, and no other job waits for.
const LONG: [&str; 2] = [export::JOB, RETENTION_JOB];
/// What takes as long as somebody else's server does not answer, and no other job waits for: a desk that rings must not wait for
/// the agency system of another business (POP-1).
const AWAY: [&str; 4] = [webhook::POP_JOB, factor::TEXT_JOB, tracking_link::TEXT_JOB, checkpoint::JOB];
/// So many at once wait for other servers; above that nothing new is claimed until one has ended.
const AWAY_AT_ONCE: usize = 500;
/// So many mails go out before jobs are looked at again.
const MAILS: usize = 20;
const POLL: Duration = Duration::from_millis(500);

/// Runs jobs and mail until `stop`, each for itself: a job may wait ten seconds for somebody else's server, and a mail that
/// somebody signs in by must not.
pub async fn run(app: App, stop: CancellationToken) {
    tokio::join!(run_jobs(&app, &stop), run_mails(&app, &stop));
}

async fn run_mails(app: &App, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match send_mails(app).await {
            Ok(0) => {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = timeout(POLL, app.hub().mail_woken()) => {}
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error.chain = %chain(&error), "mails wait for the database");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// What goes on beside the rounds.
#[derive(Default)]
struct Aside {
    long: JoinSet<Result<(), StoreError>>,
    away: JoinSet<Result<(), StoreError>>,
}

impl Aside {
    /// Takes what has ended, and waits until there is room for more.
    async fn make_room(&mut self) {
        while let Some(ended) = self.long.try_join_next() {
            told(ended.ok());
        }
        while let Some(ended) = self.away.try_join_next() {
            told(ended.ok());
        }
        if self.away.len() >= AWAY_AT_ONCE {
            told(self.away.join_next().await.and_then(Result::ok));
        }
    }
}

async fn run_jobs(app: &App, stop: &CancellationToken) {
    let mut aside = Aside::default();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => break,
            () = aside.make_room() => {}
        }
        match round(app, &mut aside).await {
            Ok(0) => {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = timeout(POLL, app.hub().job_woken()) => {}
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error.chain = %chain(&error), "the worker waits for the database");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
    let Aside { mut long, mut away } = aside;
    while let Some(ended) = long.join_next().await {
        told(ended.ok());
    }
    while let Some(ended) = away.join_next().await {
        told(ended.ok());
    }
}

/// What was done aside has nobody who waits for it. Its lease runs out, and it is claimed again.
fn told(ended: Option<Result<(), StoreError>>) {
    if let Some(Err(error)) = ended {
        tracing::warn!(error.chain = %chain(&error), "a job waits for the database");
    }
}

/// One round and all that it began: how many jobs and mails it took.
///
/// # Errors
/// The database cannot be reached.
pub async fn step(app: &App) -> Result<usize, StoreError> {
    let mut aside = Aside::default();
    let taken = round(app, &mut aside).await? + send_mails(app).await?;
    for result in aside.long.join_all().await.into_iter().chain(aside.away.join_all().await) {
        result?;
    }
    Ok(taken)
}

/// One round: how many jobs it took. What nobody waits for goes on `aside`.
async fn round(app: &App, aside: &mut Aside) -> Result<usize, StoreError> {
    let jobs = store::lobby::jobs_claim(app.worker_db(), CLAIM).await?;
    let taken = jobs.len();
    let is_apart = |job: &ClaimedJob| LONG.contains(&job.kind.as_str()) || AWAY.contains(&job.kind.as_str());
    let (apart, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().partition(is_apart);
    for job in apart {
        let app = app.clone();
        let side = if LONG.contains(&job.kind.as_str()) { &mut aside.long } else { &mut aside.away };
        side.spawn(async move {
            let ended = Box::pin(run_one(&app, &job)).await;
            app.hub().wake_worker();
            ended
        });
    }
    for result in join_all(jobs.iter().map(|job| run_one(app, job))).await {
        result?;
    }
    Ok(taken)
}

/// One by one, so that no claimed mail waits for others while its time runs; when none would get through, the rest is left
/// where it is.
async fn send_mails(app: &App) -> Result<usize, StoreError> {
    for taken in 0..MAILS {
        let Some(mail) = store::lobby::mails_claim(app.worker_db(), 1).await?.pop() else { return Ok(taken) };
        let Err(problem) = hand_over(app, &mail).await else {
            store::lobby::mail_done(app.worker_db(), mail.id).await?;
            continue;
        };
        let (id, word, status) = (mail.id, problem.code(), problem.status());
        // Links in it are over by then: better none than a dead one.
        if mail.attempts >= 10 {
            tracing::error!(mail.id = %id, mail.problem = word, mail.status = status, "a mail is given up");
            store::lobby::mail_done(app.worker_db(), id).await?;
        } else {
            tracing::warn!(mail.id = %id, mail.problem = word, mail.status = status, "a mail waits for its next try");
            store::lobby::mail_failed(app.worker_db(), id, word).await?;
        }
        if problem.is_of_all() {
            return Ok(taken + 1);
        }
    }
    Ok(MAILS)
}

async fn hand_over(app: &App, mail: &DueMail) -> Result<(), MailError> {
    let plain = app.vault().open_own(Purpose::Mail, mail.id, &mail.sealed);
    let plain = plain.map_err(|e| MailError::Message(Box::new(e)))?;
    let content: Mail = serde_json::from_slice(&plain).map_err(|e| MailError::Message(Box::new(e)))?;
    app.mailer().send(&content).await
}

/// What is due by the clock: expiry every second (pops, the operator's access), housekeeping every minute.
pub async fn run_clock(app: App, stop: CancellationToken) {
    let mut next_minute = Instant::now();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(Duration::from_secs(1)) => {}
        }
        if let Err(error) = second(&app, &mut next_minute).await {
            tracing::warn!(error.chain = %chain(&error), "housekeeping waits for the database");
        }
    }
}

async fn second(app: &App, next_minute: &mut Instant) -> Result<(), StoreError> {
    let mut steps = Steps::default();
    steps.note(store::lobby::pops_expire(app.worker_db()).await)?;
    steps.note(write_refusals(app).await)?;
    if Instant::now() >= *next_minute {
        *next_minute = Instant::now() + Duration::from_mins(1);
        steps.note(minute(app).await)?;
    }
    steps.note(services::operator::round(app).await)?;
    steps.end()
}

/// Steps of which none starves those after it: each is done whatever became of the others. A database that is away ends them
/// all, because each would wait for it.
#[derive(Default)]
struct Steps(Option<StoreError>);

impl Steps {
    fn note<T>(&mut self, done: Result<T, StoreError>) -> Result<(), StoreError> {
        match done {
            Ok(_) => Ok(()),
            Err(error @ StoreError::Unavailable(_)) => Err(error),
            Err(error) if self.0.is_some() => {
                tracing::warn!(error.chain = %chain(&error), "one more step of the housekeeping failed");
                Ok(())
            }
            Err(error) => {
                self.0 = Some(error);
                Ok(())
            }
        }
    }

    /// The first that failed, now that all are done. Whoever takes it logs it.
    fn end(self) -> Result<(), StoreError> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Housekeeping: old outbox rows, sessions that are over, past sessions that are old, proofs that were left half-way, tokens
/// and the keys that sign them, masked calls whose time is over, audit partitions ahead, weeks of positions, shifts that
/// lasted too long, the key, the checkpoints and the old exports of the audit log, each business's daily retention run, and
/// access reviews that are due.
///
/// # Errors
/// The database cannot be reached, or a step failed: the first that did, after all were done.
pub async fn minute(app: &App) -> Result<(), StoreError> {
    let now = app.clock().now();
    let mut steps = Steps::default();
    steps.note(store::outbox::trim(app.worker_db(), now.plus(-live::KEPT_SECONDS)).await)?;
    steps.note(store::session::trim(app.worker_db(), now).await)?;
    steps.note(store::lobby::past_sessions_trim(app.worker_db(), now).await)?;
    steps.note(store::lobby::lockouts_trim(app.worker_db(), now).await)?;
    let half_way = now.plus(-services::factor::SET_UP_SECONDS);
    steps.note(store::lobby::proofs_trim(app.worker_db(), now, half_way).await)?;
    steps.note(store::lobby::invitation_batches_trim(app.worker_db(), now).await)?;
    steps.note(store::lobby::proxy_sessions_expire(app.worker_db(), now).await)?;
    steps.note(services::token::housekeeping(app).await)?;
    steps.note(store::lobby::audit_partitions(app.worker_db()).await)?;
    steps.note(services::seal::housekeeping(app).await)?;
    steps.note(services::audit_export::work::housekeeping(app).await)?;
    steps.note(services::position::partitions(app).await)?;
    steps.note(services::position::end_shifts(app).await)?;
    app.limits().tidy();
    steps.note(retention(app, now).await)?;
    steps.note(reviews(app, now).await)?;
    steps.end()
}

/// Queues the retention run of each business that has had none today.
async fn retention(app: &App, now: At) -> Result<(), StoreError> {
    let day = now.0.strftime("%Y-%m-%d").to_string();
    for business in store::lobby::retention_due(app.worker_db(), RETENTION_JOB, &day).await? {
        let mut tx = TenantTx::open(app.worker_db(), &housekeeper(app, business), now).await?;
        store::retention::schedule(&mut tx, app.draw::<JobId>(), RETENTION_JOB, &day, json!({})).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Queues what opens access reviews and reminds of them.
async fn reviews(app: &App, now: At) -> Result<(), StoreError> {
    let day = now.0.strftime("%Y-%m-%d").to_string();
    let quarter = services::review::quarter(now);
    for business in store::lobby::reviews_due(app.worker_db(), REVIEW_JOB, &day, now, quarter).await? {
        let mut tx = TenantTx::open(app.worker_db(), &housekeeper(app, business), now).await?;
        store::job::enqueue(&mut tx, app.draw::<JobId>(), REVIEW_JOB, &day, json!({}), now).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn housekeeper(app: &App, business: crate::model::id::BusinessId) -> Caller {
    Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "clock", network: None },
        trace: app.draw::<TraceId>(),
    }
}

/// Writes down what was turned away since the last time. Nothing of what it said: a count.
async fn write_refusals(app: &App) -> Result<(), StoreError> {
    for refusal in app.limits().take_refusals() {
        let mut tx = TenantTx::open(app.worker_db(), &housekeeper(app, refusal.business), app.clock().now()).await?;
        store::connection::count_refusals(&mut tx, refusal.connection, refusal.reason, refusal.count).await?;
        tx.commit().await?;
    }
    Ok(())
}
