//! Deletion by itself (RET-2): complete, in batches, resumed after a crash, with a count in the audit log.

use ringfort::{
    model::{id::RunId, profile::Profile, retention::DataKind},
    server::{
        jobs::{RETENTION_JOB, worker},
        services::retention,
        store,
    },
};
use tokio_util::sync::CancellationToken;

use crate::kit::{Business, TestApp, sql, twilio::Twilio, until};

async fn start() -> (TestApp, Business, Twilio) {
    let app = TestApp::start().await;
    // Calls of this profile live 180 days, unless the owner says otherwise.
    let business = app.business("a", Profile::FieldService).await;
    let twilio = app.twilio(&business).await;
    (app, business, twilio)
}

/// Calls of a past day, each with a leg and an event.
async fn calls(app: &TestApp, business: &Business, twilio: &Twilio, count: u32, days_ago: i64) {
    let day = app.now().plus(-days_ago * 24 * 3600).0;
    let statement = format!(
        "with made as (
             insert into calls (business_id, id, connection_id, provider_call_id, direction, state, state_seq,
                 started_at, state_at, ended_at)
             select '{business}', gen_random_uuid(), '{connection}', 'day-{days_ago}-' || n, 'inbound', 'completed', 1,
                 '{day}', '{day}', '{day}'
             from generate_series(1, {count}) as n
             returning id
         ), leg as (
             insert into call_legs (business_id, id, call_id, provider_leg_id, state, state_seq, state_at)
             select '{business}', gen_random_uuid(), id, 'leg', 'completed', 1, '{day}' from made
             returning id, call_id
         )
         insert into call_events (business_id, id, call_id, leg_id, state, seq, at, received_at)
         select '{business}', gen_random_uuid(), call_id, id, 'completed', 1, '{day}', '{day}' from leg",
        business = business.id.0,
        connection = twilio.connection.0,
    );
    sql::run(&app.owner, statement).await;
}

async fn left(app: &TestApp) -> String {
    sql::text(
        &app.owner,
        "select format('%s calls, %s legs, %s events', (select count(*) from calls), (select count(*) from call_legs),
             (select count(*) from call_events))",
    )
    .await
}

#[tokio::test]
async fn ret_2_what_is_over_goes_whole_and_is_counted() {
    let (app, business, twilio) = start().await;
    calls(&app, &business, &twilio, 2_300, 181).await;
    calls(&app, &business, &twilio, 7, 179).await;
    let other = app.business("b", Profile::InsuranceAgency).await;
    let others = app.twilio(&other).await;
    calls(&app, &other, &others, 3, 500).await;
    let deleted = retention::run(&app.app, &app.machine(business.id)).await.expect("runs");
    assert_eq!(deleted, 2_300);
    assert_eq!(left(&app).await, "10 calls, 10 legs, 10 events", "ours that live, and another business's");
    let run =
        "select state || ' ' || deleted || ' ' || (finished_at is not null) from retention_runs where kind = 'calls'";
    assert_eq!(sql::text(&app.owner, run).await, "finished 2300 true");
    let written = sql::text(
        &app.owner,
        "select e.result || ' ' || (e.after->>'deleted') || ' ' || (e.target_id = r.id)
         from audit_entries e join retention_runs r on r.kind = e.after->>'kind' and r.business_id = e.business_id
         where e.action = 'retention.ran' and r.kind = 'calls'",
    )
    .await;
    assert_eq!(written, "done 2300 true");
    let again = retention::run(&app.app, &app.machine(business.id)).await.expect("runs");
    assert_eq!(again, 0);
}

#[tokio::test]
async fn ret_2_an_interrupted_run_goes_on_with_the_same_cutoff_and_count() {
    let (app, business, twilio) = start().await;
    calls(&app, &business, &twilio, 4, 310).await;
    calls(&app, &business, &twilio, 2, 250).await;
    let cutoff = app.now().plus(-300 * 24 * 3600).0;
    // As a crash left it: five rows deleted, not finished.
    sql::run(
        &app.owner,
        format!(
            "insert into retention_runs (business_id, id, kind, cutoff, deleted, state, started_at)
             values ('{}', gen_random_uuid(), 'calls', '{cutoff}', 5, 'running', '{cutoff}')",
            business.id.0
        ),
    )
    .await;
    retention::run(&app.app, &app.machine(business.id)).await.expect("goes on");
    let run = format!(
        "select state || ' ' || deleted || ' ' || (cutoff = '{cutoff}') from retention_runs where kind = 'calls'"
    );
    assert_eq!(sql::text(&app.owner, run).await, "finished 9 true");
    assert_eq!(left(&app).await, "2 calls, 2 legs, 2 events", "the run keeps its own cutoff");
    app.clock.advance(60);
    retention::run(&app.app, &app.machine(business.id)).await.expect("the next run");
    assert_eq!(left(&app).await, "0 calls, 0 legs, 0 events");
}

#[tokio::test]
async fn ret_2_the_clock_starts_one_run_a_day_by_itself() {
    let (app, business, twilio) = start().await;
    calls(&app, &business, &twilio, 3, 200).await;
    for _ in 0..3 {
        worker::minute(&app.app).await.expect("housekeeping");
    }
    let waiting = "select count(*) from jobs where kind = 'retention.run'";
    assert_eq!(sql::count(&app.owner, waiting).await, 1);
    app.run_jobs().await;
    assert_eq!(left(&app).await, "0 calls, 0 legs, 0 events");
    worker::minute(&app.app).await.expect("housekeeping");
    assert_eq!(sql::count(&app.owner, waiting).await, 0, "once a day is enough");
}

#[tokio::test]
async fn ret_2_a_run_that_goes_on_is_begun_by_nobody_else_and_written_once() {
    let (app, business, twilio) = start().await;
    calls(&app, &business, &twilio, 3, 200).await;
    worker::minute(&app.app).await.expect("housekeeping");
    let claim = async || {
        let mut jobs = store::lobby::jobs_claim(app.app.worker_db(), 20).await.expect("claims");
        jobs.retain(|job| job.kind == RETENTION_JOB);
        jobs
    };
    let mine = claim().await.pop().expect("today's run");
    // It takes longer than the minute that it was claimed for.
    sql::run(&app.owner, "update jobs set lease_until = now() - interval '1 minute' where kind = 'retention.run'")
        .await;
    retention::run(&app.app, &mine.caller(app.app.draw())).await.expect("runs");
    assert!(claim().await.is_empty(), "each batch holds it");
    let (mut tx, cutoff) = (app.tx(business.id).await, app.now());
    let run = store::retention::begin_run(&mut tx, app.app.draw::<RunId>(), DataKind::Calls, cutoff).await;
    let run = run.expect("begins").id;
    assert_eq!(store::retention::finish_run(&mut tx, run).await.expect("ends"), Some(0));
    assert_eq!(store::retention::finish_run(&mut tx, run).await.expect("is over"), None, "ended once");
}

#[tokio::test]
async fn ret_2_no_other_job_waits_for_a_run() {
    let (app, business, twilio) = start().await;
    calls(&app, &business, &twilio, 1, 200).await;
    worker::minute(&app.app).await.expect("housekeeping");
    // A run that takes long: somebody holds what it is to delete.
    let mut holds = app.owner.begin().await.expect("a transaction");
    sqlx::query("select id from calls for update").execute(&mut *holds).await.expect("is held");
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker::run(app.app.clone(), stop.clone()));
    let count = async |what: &str| sql::count(&app.owner, format!("select count(*) from jobs where {what}")).await;
    until("the run begins", async || count("kind = 'retention.run' and attempts = 1").await == 1).await;
    let other = format!(
        "insert into jobs (business_id, id, kind, dedup_key, payload, run_at)
         values ('{}', gen_random_uuid(), 'nothing', 'nothing', '{{}}', now())",
        business.id.0
    );
    sql::run(&app.owner, other).await;
    until("the other job is tried", async || count("kind = 'nothing' and problem is not null").await == 1).await;
    assert_eq!(count("kind = 'retention.run'").await, 1, "while the run goes on");
    holds.rollback().await.expect("lets go");
    until("the run ends", async || count("kind = 'retention.run'").await == 0).await;
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test]
async fn ret_1_the_owners_choice_counts() {
    let (app, business, twilio) = start().await;
    calls(&app, &business, &twilio, 3, 20).await;
    sql::run(
        &app.owner,
        format!(
            "insert into retention_rules (business_id, kind, days, changed_at) values ('{}', 'calls', 7, now())",
            business.id.0
        ),
    )
    .await;
    assert_eq!(retention::run(&app.app, &app.machine(business.id)).await.expect("runs"), 3);
}
