//! The operator's access (TEN-6): without an open grant, and without an entry in the business's own log, the database shows the
//! role of support nothing; with both, only states. Owners are told, and whoever ends a grant cuts what reads at that moment.

use std::time::Duration;

use ringfort::{
    model::{id::OperatorGrantId, permission::Role, profile::Profile},
    server::{
        http::AppError,
        services::operator::{self, Ask, Granted},
        store::lobby::OpenGrant,
    },
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgPool};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::kit::{
    Browser, Business, Reply, TestApp,
    fixture::{Filled, PARTY},
    sql, until,
};

/// SQLSTATE of what no right reaches.
const REFUSED: &str = "42501";
const CHECK_VIOLATED: &str = "23514";

const ASK: Ask<'static> = Ask { reason: "Webhooks of one connection fail", ticket: "OPS-12", hours: 2 };

/// The tables of which the operator sees some columns.
const SEEN: [&str; 8] = [
    "businesses",
    "connection_secrets",
    "connections",
    "jobs",
    "members",
    "retention_runs",
    "webhook_receipts",
    "webhook_refusals",
];

async fn start() -> (TestApp, Business, Business, Filled) {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    let b = app.business("b", Profile::FieldService).await;
    let filled = app.fill(&a).await;
    app.fill(&b).await;
    (app, a, b, filled)
}

/// As support logs in.
fn support(app: &TestApp) -> PgPool {
    app.pool_as("ringfort_operator", 4)
}

async fn grant(app: &TestApp, business: &Business) -> Granted {
    operator::grant(&app.app, business.id, ASK).await.expect("a grant")
}

async fn look(db: &PgPool, business: &Business) -> OpenGrant {
    operator::look(db, business.id, "show").await.expect("a grant is open")
}

async fn end(browser: &Browser, id: OperatorGrantId) -> Reply {
    browser.post("/api/operator/end", &[("id", &id.to_string())]).await
}

/// How many rows of each table that they may read at all support sees inside a business.
async fn seen(db: &PgPool, business: &Business) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in SEEN {
        rows.push(sql::count_within(db, business.id.0, format!("select count(business_id) from {table}")).await);
    }
    rows
}

async fn entries(app: &TestApp, business: &Business, action: &str, result: &str) -> i64 {
    let written = format!(
        "select count(*) from audit_entries where business_id = '{}' and action = '{action}' and result = '{result}'",
        business.id.0
    );
    sql::count(&app.owner, written).await
}

#[tokio::test]
async fn ten_6_without_an_open_grant_the_database_shows_the_operator_no_row() {
    let (app, a, b, _) = start().await;
    let db = support(&app);
    let nothing = vec![0; SEEN.len()];
    assert_eq!(seen(&db, &a).await, nothing);
    for table in SEEN {
        assert_eq!(sql::count(&db, format!("select count(business_id) from {table}")).await, 0, "{table}, nowhere");
    }
    let begun = Instant::now();
    assert!(matches!(operator::look(&db, a.id, "show").await, Err(AppError::Refused)));
    assert_eq!(entries(&app, &a, "operator.looked", "refused").await, 1, "the try is written down");
    for _ in 0..20 {
        assert!(matches!(operator::look(&db, a.id, "watch").await, Err(AppError::Refused)));
    }
    let (written, seconds) = (entries(&app, &a, "operator.looked", "refused").await, begun.elapsed().as_secs());
    assert!(u64::try_from(written).is_ok_and(|written| written <= 2 + seconds), "once a second at most: {written}");
    sleep(Duration::from_millis(1_100)).await;
    assert!(matches!(operator::look(&db, a.id, "show").await, Err(AppError::Refused)));
    assert_eq!(entries(&app, &a, "operator.looked", "refused").await, written + 1);
    assert_eq!(seen(&db, &a).await, nothing);
    // Another business's grant is not this one's.
    grant(&app, &b).await;
    look(&db, &b).await;
    assert_eq!(seen(&db, &a).await, nothing);
    assert!(seen(&db, &b).await.iter().all(|rows| *rows > 0));
    // Nobody is told of a business that there is not.
    let nowhere = operator::look(&db, app.app.draw::<Uuid>().into(), "show").await;
    assert!(matches!(nowhere, Err(AppError::Refused)));
}

#[tokio::test]
async fn ten_6_a_grant_alone_shows_nothing_before_the_log_says_so() {
    let (app, a, _, _) = start().await;
    let db = support(&app);
    let granted = grant(&app, &a).await;
    let nothing = vec![0; SEEN.len()];
    assert_eq!(seen(&db, &a).await, nothing, "nobody has looked yet");
    // An entry of the same transaction could be rolled back after reading.
    let mut tx = db.begin().await.expect("a transaction");
    (&mut *tx)
        .execute(AssertSqlSafe(format!(
            "set local app.business = '{0}'; select lobby.operator_look('{0}', 'show')",
            a.id.0
        )))
        .await
        .expect("looks");
    let inside: i64 = sqlx::query_scalar("select count(id) from jobs").fetch_one(&mut *tx).await.expect("a number");
    assert_eq!(inside, 0);
    tx.rollback().await.expect("rolls back");
    assert_eq!(entries(&app, &a, "operator.looked", "done").await, 0);

    let open = look(&db, &a).await;
    assert_eq!((open.grant, open.trace), (granted.id, granted.trace));
    assert!(seen(&db, &a).await.iter().all(|rows| *rows > 0));
    let written = format!(
        "select actor_kind || ' ' || (actor_id = target_id) || ' ' || origin || ' ' || (trace_id = '{}') || ' '
             || (after ->> 'what') || ' ' || (id > '{}')
         from audit_entries where action = 'operator.looked'",
        granted.trace.0, granted.id.0
    );
    assert_eq!(sql::text(&app.owner, written).await, "operator true operator true show true");
    let waits = "select count(*) from audit_pending p join audit_entries e using (business_id, id)
                 where e.action = 'operator.looked'";
    assert_eq!(sql::count(&app.owner, waits).await, 1, "and is sealed as all others are");
}

#[tokio::test]
async fn ten_6_the_operator_sees_states_and_changes_nothing() {
    let (app, a, _, _) = start().await;
    let db = support(&app);
    grant(&app, &a).await;
    let open = look(&db, &a).await;
    let within = async |statement: String| sql::try_within(&db, a.id.0, statement).await;
    for table in sql::tenant_tables(&app.owner).await {
        if !SEEN.contains(&table.as_str()) {
            let read = within(format!("select business_id from {table}")).await;
            assert_eq!(sql::code(read), REFUSED, "{table}");
        }
        for change in [
            format!("insert into {table} (business_id) values ('{}')", a.id.0),
            format!("update {table} set business_id = business_id"),
            format!("delete from {table}"),
            format!("truncate {table}"),
        ] {
            assert_eq!(sql::code(within(change.clone()).await), REFUSED, "{change}");
        }
    }
    for (table, columns) in [
        ("businesses", "name"),
        ("members", "name, email, user_id"),
        ("connections", "label, account, number, base_url, token_hash, token_sealed"),
        ("connection_secrets", "sealed"),
        ("jobs", "payload, dedup_key"),
        ("webhook_receipts", "event_key, payload_sealed"),
    ] {
        for column in columns.split(", ") {
            let read = within(format!("select {column} from {table}")).await;
            assert_eq!(sql::code(read), REFUSED, "{table}.{column}");
        }
    }
    for function in ["businesses_active()", "outbox_head()", "backlog()", "operator_cut()", "operator_grants_over()"] {
        let called = within(format!("select lobby.{function}")).await;
        assert_eq!(sql::code(called), REFUSED, "{function}");
    }
    // What it sees names nobody.
    let overview = operator::overview(&db, a.id, open, app.now()).await.expect("an overview");
    assert_eq!((overview.connections.len(), overview.people.len()), (1, Role::ALL.len()));
    let shown = format!("{overview:?}");
    for canary in [PARTY, "Business a", "The Owner", "owner@a.example", "The line", "+15005550006", "AC0000"] {
        assert!(!shown.contains(canary), "{canary}: {shown}");
    }
}

#[tokio::test]
async fn ten_6_owners_are_told_see_it_and_end_it() {
    let (app, a, b, _) = start().await;
    let granted = grant(&app, &a).await;
    assert_eq!(granted.told, 1);
    let mails = crate::link::mails(&app, &a.member(Role::Owner).email).await;
    let [mail] = &mails[..] else { panic!("one mail, not {}", mails.len()) };
    for said in ["Subject: The operator has access to your business", ASK.reason, ASK.ticket, "/security/operators"] {
        assert!(mail.contains(said), "{said}: {mail}");
    }
    let written = format!(
        "select actor_kind || ' ' || reason || ' ' || (after ->> 'ticket') || ' ' || (after ->> 'hours')
         from audit_entries where action = 'operator.granted' and result = 'done' and trace_id = '{}'",
        granted.trace.0
    );
    assert_eq!(sql::text(&app.owner, written).await, format!("operator {} OPS-12 2", ASK.reason));

    let (owner, auditor) = (app.browser(a.member(Role::Owner)).await, app.browser(a.member(Role::Auditor)).await);
    let page = owner.get("/security/operators").await;
    assert_eq!(page.status, 200);
    for shown in ["The operator has access", ASK.reason, "OPS-12", &granted.trace.to_string(), "End now"] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    assert!(owner.get("/home").await.body.contains("has access, under the ticket OPS-12."));
    let evidence = auditor.get("/security/operators").await;
    assert!(evidence.body.contains(ASK.reason) && !evidence.body.contains("End now"), "{}", evidence.body);
    for role in [Role::Admin, Role::Manager, Role::Viewer] {
        let browser = app.browser(a.member(role)).await;
        assert_eq!(browser.get("/security/operators").await.status, 403, "{}", role.code());
        assert_eq!(end(&browser, granted.id).await.status, 403, "{}", role.code());
    }
    assert_eq!(end(&auditor, granted.id).await.status, 403);
    let elsewhere = app.browser(b.member(Role::Owner)).await.json();
    assert_eq!(end(&elsewhere, granted.id).await.status, 404);
    assert!(!elsewhere.get("/security/operators").await.body.contains(ASK.reason));

    let reply = end(&owner, granted.id).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/security/operators")));
    assert_eq!(end(&owner.clone().json(), granted.id).await.status, 409, "once");
    let page = owner.get("/security/operators").await;
    for shown in ["The operator has no access", "Ended by the business", "The Owner", ASK.reason] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let ended = "select actor_kind || ' ' || (after ->> 'ending') from audit_entries
                 where action = 'operator.ended' and result = 'done'";
    assert_eq!(sql::text(&app.owner, ended).await, "member business");
    assert_eq!(entries(&app, &a, "operator.ended", "refused").await, 1);
}

#[tokio::test]
async fn ten_6_ending_a_grant_cuts_what_reads_under_it_within_a_second() {
    let (app, a, b, _) = start().await;
    let (db, owner) = (support(&app), app.browser(a.member(Role::Owner)).await);
    let granted = grant(&app, &a).await;
    look(&db, &a).await;
    // A snapshot of before would see the grant as open for as long as it lives.
    let mut reader = db.acquire().await.expect("a connection");
    let begin = format!("begin isolation level repeatable read; set local app.business = '{}'", a.id.0);
    (&mut *reader).execute(AssertSqlSafe(begin)).await.expect("begins");
    let count = "select count(id) from members";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&mut *reader).await.expect("reads");
    assert!(before > 0);
    assert_eq!(end(&owner, granted.id).await.status, 303);
    until("its connection is gone", async || {
        sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *reader).await.is_err()
    })
    .await;
    assert!(reader.ping().await.is_err());
    drop(reader);
    let db = support(&app);
    assert_eq!(seen(&db, &a).await, vec![0; SEEN.len()]);
    assert!(matches!(operator::look(&db, a.id, "watch").await, Err(AppError::Refused)));
    // Who reads elsewhere goes on.
    grant(&app, &b).await;
    look(&db, &b).await;
    sleep(Duration::from_millis(1_100)).await;
    let mut tx = db.begin().await.expect("a transaction");
    (&mut *tx).execute(AssertSqlSafe(format!("set local app.business = '{}'", b.id.0))).await.expect("a setting");
    operator::round(&app.app).await.expect("the clock's round");
    let there: i64 = sqlx::query_scalar(count).fetch_one(&mut *tx).await.expect("nobody has cut it");
    assert!(there > 0);
}

#[tokio::test]
async fn ten_6_a_grant_runs_out_by_itself() {
    let (app, a, _, _) = start().await;
    let db = support(&app);
    let id: OperatorGrantId = app.app.draw();
    let short = format!(
        "insert into operator_grants (business_id, id, reason, ticket, trace_id, granted_at, expires_at)
         values ('{}', '{}', 'A short one', 'OPS-13', gen_random_uuid(), now() - interval '1 hour',
             now() + interval '12 seconds')",
        a.id.0, id.0
    );
    sql::run(&app.owner, short).await;
    let open = look(&db, &a).await;
    operator::overview(&db, a.id, open, app.now()).await.expect("still open");
    let mut reader = db.acquire().await.expect("a connection");
    let begin = format!("begin isolation level repeatable read; set local app.business = '{}'", a.id.0);
    (&mut *reader).execute(AssertSqlSafe(begin)).await.expect("begins");
    let count = "select count(id) from members";
    assert!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *reader).await.expect("reads") > 0);
    // The database's clock ends it, whether or not anybody has marked it; each statement asks anew.
    until("it is over", async || {
        sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *reader).await.expect("reads nothing") == 0
    })
    .await;
    assert!(matches!(operator::overview(&db, a.id, open, app.now()).await, Err(AppError::Missing)));
    for _ in 0..2 {
        operator::round(&app.app).await.expect("the clock's round");
        assert_eq!(entries(&app, &a, "operator.expired", "done").await, 1, "marked once");
    }
    until("it is cut", async || sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *reader).await.is_err()).await;
    let page = app.browser(a.member(Role::Owner)).await.get("/security/operators").await;
    assert!(page.body.contains("A short one") && page.body.contains("Ran out"), "{}", page.body);
    grant(&app, &a).await;
}

#[tokio::test]
async fn ten_6_a_grant_has_a_reason_a_ticket_and_an_end_and_there_is_one() {
    let (app, a, _, _) = start().await;
    for bad in [
        Ask { reason: " ", ..ASK },
        Ask { reason: "ada@example.com cannot sign in", ..ASK },
        Ask { ticket: "", ..ASK },
        Ask { ticket: "the one of yesterday", ..ASK },
        Ask { hours: 0, ..ASK },
        Ask { hours: 9, ..ASK },
    ] {
        let refused = operator::grant(&app.app, a.id, bad).await;
        assert!(matches!(&refused, Err(AppError::Invalid(fields)) if fields.len() == 1), "{bad:?}: {refused:?}");
    }
    let granted = grant(&app, &a).await;
    assert!(matches!(operator::grant(&app.app, a.id, ASK).await, Err(AppError::Conflict)));
    assert_eq!(entries(&app, &a, "operator.granted", "refused").await, 1);
    assert_eq!(operator::give_back(&app.app, a.id).await.expect("ends"), Some(granted.id));
    assert_eq!(operator::give_back(&app.app, a.id).await.expect("nothing to end"), None);
    let ended = "select actor_kind || ' ' || (after ->> 'ending') from audit_entries
                 where action = 'operator.ended' and result = 'done'";
    assert_eq!(sql::text(&app.owner, ended).await, "operator operator");

    // The database holds to it, whoever asks.
    let insert = |hours: u32| {
        format!(
            "insert into operator_grants (business_id, id, reason, ticket, trace_id, expires_at)
             values ('{}', gen_random_uuid(), 'Why', 'OPS-1', gen_random_uuid(), now() + interval '{hours} hours')",
            a.id.0
        )
    };
    let (served, worker) = (app.pool_as("ringfort_app", 1), app.pool_as("ringfort_worker", 1));
    assert_eq!(sql::code(sql::try_within(&worker, a.id.0, insert(9)).await), CHECK_VIOLATED);
    assert_eq!(sql::code(sql::try_within(&served, a.id.0, insert(1)).await), REFUSED, "requests open none");
    let within = async |db: &PgPool, statement: &str| sql::try_within(db, a.id.0, statement.to_owned()).await;
    for change in [
        "update operator_grants set ended_at = null, ending = null, ended_by = null",
        "update operator_grants set ended_at = now(), ending = 'time', ended_by = null",
        "update operator_grants set expires_at = expires_at + interval '1 hour'",
        "update operator_grants set reason = 'Another'",
        "delete from operator_grants",
        "truncate operator_grants",
    ] {
        for db in [&served, &worker, &app.owner] {
            assert_eq!(sql::code(within(db, change).await), REFUSED, "{change}");
        }
    }
}
