//! The audit wall (AUD-1, AUD-2): an act and its entry are one, and nobody changes an entry.

use ringfort::{
    model::{
        audit::{Action, Outcome},
        permission::Role,
        profile::Profile,
    },
    server::{
        caller::{Actor, Caller, Origin},
        http::AppError,
        services::audit::{self, audited},
        store,
    },
};
use sqlx::{AssertSqlSafe, Executor, PgPool};

use crate::kit::{Business, TestApp, sql};

/// SQLSTATE of insufficient privilege.
const REFUSED: &str = "42501";

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    app.fill(&business).await;
    (app, business)
}

fn owner_of(app: &TestApp, business: &Business) -> Caller {
    let member = business.member(Role::Owner);
    Caller {
        actor: Actor::Member { member: member.id, user: member.user, grants: member.role.grants() },
        business: business.id,
        origin: Origin { door: "web", network: Some("192.0.2.0/24".to_owned()) },
        trace: app.app.draw(),
    }
}

/// The log and every part of it.
async fn tables(app: &TestApp) -> Vec<String> {
    let all = sql::texts(
        &app.owner,
        "select relid::regclass::text from pg_partition_tree('audit_entries') order by level, 1",
    )
    .await;
    assert!(all.len() >= 9, "parent, months and the rest: {all:?}");
    all
}

async fn log(app: &TestApp) -> String {
    sql::text(&app.owner, "select coalesce(string_agg(e::text, E'\\n' order by e::text), '') from audit_entries e")
        .await
}

/// Runs one statement after a preparation, in a transaction that is undone.
async fn attempt(db: &PgPool, prepare: &str, statement: &str) -> Result<u64, sqlx::Error> {
    let mut tx = db.begin().await?;
    (&mut *tx).execute(AssertSqlSafe(prepare.to_owned())).await?;
    let done = (&mut *tx).execute(AssertSqlSafe(statement.to_owned())).await?;
    tx.rollback().await?;
    Ok(done.rows_affected())
}

#[tokio::test]
async fn aud_2_no_role_changes_deletes_or_truncates_entries() {
    let (app, business) = start().await;
    let before = log(&app).await;
    let tenant = format!("set local app.business = '{}'", business.id.0);
    let pools: Vec<PgPool> =
        ["ringfort_app", "ringfort_worker", "ringfort_auditor"].iter().map(|role| app.pool_as(role, 1)).collect();
    for table in tables(&app).await {
        for pool in &pools {
            for statement in [
                format!("update {table} set action = 'x'"),
                format!("delete from {table}"),
                format!("truncate {table}"),
            ] {
                assert_eq!(sql::code(attempt(pool, &tenant, &statement).await), REFUSED, "{statement}");
            }
        }
        // The owner of the table: row security hides the rows, and truncating is refused by trigger.
        let truncate = format!("truncate {table}");
        let owner = "set local role ringfort_owner";
        assert_eq!(sql::code(attempt(&app.owner, owner, &truncate).await), REFUSED, "{table} by its owner");
        for statement in [format!("update {table} set action = 'x'"), format!("delete from {table}")] {
            if let Ok(touched) = attempt(&app.owner, owner, &statement).await {
                assert_eq!(touched, 0, "{statement} by its owner");
            }
        }
        // The superuser, with triggers of the ordinary kind switched off.
        for prepare in ["select 1", "set local session_replication_role = replica"] {
            assert_eq!(sql::code(attempt(&app.owner, prepare, &truncate).await), REFUSED, "{table} {prepare}");
        }
    }
    for prepare in ["select 1", "set local session_replication_role = replica"] {
        for statement in ["update audit_entries set action = 'x'", "delete from audit_entries"] {
            assert_eq!(sql::code(attempt(&app.owner, prepare, statement).await), REFUSED, "{prepare}; {statement}");
        }
    }
    assert_eq!(log(&app).await, before);
}

#[tokio::test]
async fn aud_2_the_application_sets_neither_time_nor_transaction() {
    let (app, business) = start().await;
    let served = app.pool_as("ringfort_app", 1);
    for (column, value) in [("at", "now() - interval '1 day'"), ("xid", "'7'::xid8")] {
        let statement = format!(
            "insert into audit_entries (business_id, id, actor_kind, action, result, origin, trace_id, {column})
             values ('{}', gen_random_uuid(), 'member', 'session.started', 'done', 'web', gen_random_uuid(), {value})",
            business.id.0
        );
        let result = sql::try_within(&served, business.id.0, statement.clone()).await;
        assert_eq!(sql::code(result), REFUSED, "{column}");
        // Even who may name them does not choose them.
        sql::run(&app.owner, statement).await;
    }
    let false_ones = sql::count(
        &app.owner,
        "select count(*) from audit_entries where at < now() - interval '1 hour' or xid = '7'::xid8",
    )
    .await;
    assert_eq!(false_ones, 0);
}

#[tokio::test]
async fn aud_1_success_commits_with_its_entry() {
    let (app, business) = start().await;
    let caller = owner_of(&app, &business);
    audited(&app.app, &caller, Action::BusinessChanged, async |act| {
        act.on("business", business.id.0);
        Ok(store::business::update(&mut act.tx, "Renamed", "UTC").await?)
    })
    .await
    .expect("the owner may");
    // One transaction: the row's and the entry's are the same.
    let together = sql::count(
        &app.owner,
        "select count(*) from audit_entries e join businesses b on b.business_id = e.business_id
         where e.action = 'business.changed' and e.result = 'done' and b.name = 'Renamed' and e.xid::text = b.xmin::text",
    )
    .await;
    assert_eq!(together, 1);
    let entry = sql::text(
        &app.owner,
        "select actor_kind || ' ' || actor_id || ' ' || origin || ' ' || trace_id from audit_entries
         where action = 'business.changed'",
    )
    .await;
    let member = business.member(Role::Owner).id.0;
    assert_eq!(entry, format!("member {member} web 192.0.2.0/24 {}", caller.trace.0));
}

#[tokio::test]
async fn aud_1_refusal_and_failure_change_nothing_and_are_written() {
    let (app, business) = start().await;
    let caller = owner_of(&app, &business);
    let errors = [("refused", AppError::Refused), ("failed", AppError::Internal("a fault".into()))];
    for (result, error) in errors {
        let ended = audited(&app.app, &caller, Action::BusinessChanged, async |act| {
            store::business::update(&mut act.tx, "Renamed", "UTC").await?;
            Err::<(), AppError>(error)
        })
        .await;
        assert!(ended.is_err());
        let written = sql::count(
            &app.owner,
            format!("select count(*) from audit_entries where action = 'business.changed' and result = '{result}'"),
        )
        .await;
        assert_eq!(written, 1, "{result}");
    }
    assert_eq!(sql::text(&app.owner, "select name from businesses").await, "Business a");
}

#[tokio::test]
async fn aud_1_an_act_that_cannot_be_written_down_does_not_happen() {
    let (app, business) = start().await;
    let caller = owner_of(&app, &business);
    sql::run(&app.owner, "revoke insert on audit_entries from ringfort_app").await;
    let ended = audited(&app.app, &caller, Action::BusinessChanged, async |act| {
        Ok(store::business::update(&mut act.tx, "Renamed", "UTC").await?)
    })
    .await;
    assert!(ended.is_err(), "an act without an entry");
    assert_eq!(sql::text(&app.owner, "select name from businesses").await, "Business a");
    let noted = audit::note(&app.app, &caller, Action::SessionEnded, None, Outcome::Done, None).await;
    assert!(noted.is_err(), "a note that was not written");
    // Through the door too: a page whose reading must be written down is not shown.
    let owner = app.browser(business.member(Role::Owner)).await;
    assert_eq!(owner.get("/calls").await.status, 500);
    // And a form that failed leads back to a page: what it was sent to shows none.
    let failed = owner.post("/api/agent/state", &[("says", "available")]).await;
    assert_eq!(failed.status, 500);
    assert!(failed.body.contains("Try again") && !failed.body.contains("href=\"/api/"), "{}", failed.body);
}

#[tokio::test]
async fn aud_1_who_is_refused_at_a_door_is_written_down() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let reply = app.browser(agent).await.get("/audit").await;
    assert_eq!(reply.status, 403);
    let entry = sql::text(
        &app.owner,
        format!(
            "select action || ' ' || result || ' ' || reason from audit_entries where actor_id = '{}'
             and action = 'door.refused'",
            agent.id.0
        ),
    )
    .await;
    assert_eq!(entry, "door.refused refused /audit");
}
