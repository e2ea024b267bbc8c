//! Screen pops (POP-1, POP-2): asked at the moment it rings, for one person, sealed, gone after five minutes.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::Request};
use ringfort::{
    model::{permission::Role, profile::Profile},
    server::{jobs::worker, kit::entropy::Token, store::lobby},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::kit::{
    Business, TestApp,
    fixture::{PARTY, TARGET},
    sql,
    twilio::{NUMBER, Twilio, sid},
    until,
};

/// A stand-in for NowCerts: knows one person, and writes down who asked what.
struct Agency {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn agency() -> Agency {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let answer = move |request: Request| {
        let log = log.clone();
        async move {
            log.lock().expect("no panics").push(format!("{} {}", request.method(), request.uri()));
            Json(match request.uri().path() {
                "/token" => json!({ "access_token": "a-token", "token_type": "bearer" }),
                _ => people(),
            })
        }
    };
    let router: Router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Agency { address, asked }
}

fn people() -> Value {
    json!({ "value": [{
        "databaseId": "7", "firstName": "Ada", "lastName": "Lovelace", "cellPhone": "(415) 555-0100",
        "policies": [{ "number": "HO-1815" }],
    }] })
}

struct Ringing {
    app: TestApp,
    business: Business,
    twilio: Twilio,
    agency: Agency,
}

/// A business with an agency system at this address, and an agent with a desk.
async fn office(app: &TestApp, name: &str, agency: &str) -> (Business, Twilio) {
    let business = app.business(name, Profile::InsuranceAgency).await;
    let twilio = app.twilio(&business).await;
    let base = format!("http://{agency}");
    let token = Token::draw(app.app.entropy());
    app.connect(&business, "nowcerts", "ana@a.example", Some(&base), "a secret of theirs", &token).await;
    sql::run(
        &app.owner,
        format!(
            "insert into extensions (business_id, id, extension, member_id, target, created_at)
             values ('{}', gen_random_uuid(), '101', '{}', '{TARGET}', now())",
            business.id.0,
            business.member(Role::Agent).id.0
        ),
    )
    .await;
    (business, twilio)
}

/// A call comes in and the agent's desk rings.
async fn ringing() -> Ringing {
    let agency = agency().await;
    let app = TestApp::start_allowing(vec![agency.address.clone()]).await;
    let (business, twilio) = office(&app, "a", &agency.address).await;
    ring(&app, &twilio, PARTY, 1).await;
    app.run_jobs().await;
    Ringing { app, business, twilio, agency }
}

/// The call with this number rings at the desk.
async fn ring(app: &TestApp, twilio: &Twilio, from: &str, number: u32) {
    let (call, leg) = (sid(2 * number - 1), sid(2 * number));
    let call_comes = [
        ("CallSid", call.as_str()),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("From", from),
        ("To", NUMBER),
    ];
    assert_eq!(twilio.post(app, "voice", &call_comes).await.status, 200);
    let desk_rings = [
        ("CallSid", leg.as_str()),
        ("ParentCallSid", call.as_str()),
        ("CallStatus", "ringing"),
        ("Direction", "outbound-dial"),
        ("From", from),
        ("To", TARGET),
        ("SequenceNumber", "1"),
    ];
    assert_eq!(twilio.post(app, "status", &desk_rings).await.status, 200);
}

#[tokio::test]
async fn pop_1_the_agency_system_is_asked_when_the_desk_rings_and_only_its_person_sees_the_answer() {
    let Ringing { app, business, agency, .. } = ringing().await;
    let asked = agency.asked.lock().expect("no panics").clone();
    assert_eq!(asked.len(), 2, "a token, then a question: {asked:?}");
    assert!(asked[0].starts_with("POST /token"), "{asked:?}");
    assert!(asked[1].starts_with("GET /api/InsuredDetailList()?") && asked[1].contains("4155550100"), "{asked:?}");
    for role in [Role::Agent, Role::Owner, Role::Dispatcher] {
        let page = app.browser(business.member(role)).await.get("/pops").await;
        assert_eq!(page.status, 200, "{}", role.code());
        assert_eq!(page.body.contains("Lovelace"), role == Role::Agent, "{}", role.code());
        assert!(!page.body.contains("4155550100") && !page.body.contains("555-0100"), "the number is shown in clear");
    }
    let viewer = app.browser(business.member(Role::Viewer)).await.get("/pops").await;
    assert_eq!(viewer.status, 403);
    let stranger = app.business("b", Profile::InsuranceAgency).await;
    let page = app.browser(stranger.member(Role::Agent)).await.get("/pops").await;
    assert!(!page.body.contains("Lovelace"));
    for action in ["pop.looked_up", "pop.shown"] {
        let written = format!("select count(*) from audit_entries where action = '{action}' and result = 'done'");
        assert_eq!(sql::count(&app.owner, written).await, 1, "{action}");
    }
}

#[tokio::test]
async fn pop_2_nothing_of_the_answer_stands_in_the_database_in_clear() {
    let Ringing { app, .. } = ringing().await;
    assert_eq!(sql::count(&app.owner, "select count(*) from screen_pops").await, 1);
    for word in ["Lovelace", "HO-1815", "Ada"] {
        let clear = format!("select count(*) from screen_pops where position('{word}'::bytea in sealed) > 0");
        assert_eq!(sql::count(&app.owner, clear).await, 0, "{word}");
        for table in ["jobs", "outbox", "audit_entries", "calls", "webhook_receipts"] {
            let clear = format!("select count(*) from {table} t where t::text like '%{word}%'");
            assert_eq!(sql::count(&app.owner, clear).await, 0, "{word} in {table}");
        }
    }
}

#[tokio::test]
async fn pop_2_a_pop_is_gone_after_five_minutes() {
    let Ringing { app, business, .. } = ringing().await;
    let agent = app.browser(business.member(Role::Agent)).await;
    app.clock.advance(299);
    assert!(agent.get("/pops").await.body.contains("Lovelace"));
    app.clock.advance(2);
    assert!(!agent.get("/pops").await.body.contains("Lovelace"), "shown after its time");
    // From the database too. Its clock counts there, so the time passes by hand.
    assert_eq!(lobby::pops_expire(app.app.worker_db()).await.expect("expires"), 0, "not before its time");
    sql::run(
        &app.owner,
        "update screen_pops set created_at = created_at - interval '5 minutes', expires_at = expires_at - interval '5 minutes'",
    )
    .await;
    assert_eq!(lobby::pops_expire(app.app.worker_db()).await.expect("expires"), 1);
    assert_eq!(sql::count(&app.owner, "select count(*) from screen_pops").await, 0);
}

#[tokio::test]
async fn pop_1_an_acknowledged_pop_does_not_come_back() {
    let Ringing { app, business, .. } = ringing().await;
    let agent = app.browser(business.member(Role::Agent)).await;
    let raw = sql::text(&app.owner, "select replace(id::text, '-', '') from screen_pops").await;
    let id = format!("pop_{raw}");
    let dispatcher = app.browser(business.member(Role::Dispatcher)).await.json();
    assert_eq!(dispatcher.post("/api/pops/acknowledge", &[("id", &id)]).await.status, 200);
    assert!(agent.get("/pops").await.body.contains("Lovelace"), "it is not the dispatcher's to close");
    assert_eq!(agent.post("/api/pops/acknowledge", &[("id", &id)]).await.status, 303);
    assert!(!agent.get("/pops").await.body.contains("Lovelace"));
    // Another tab, or the end of the ringing, was faster: what was asked for is so.
    assert_eq!(agent.json().post("/api/pops/acknowledge", &[("id", &id)]).await.status, 200);
    let written = "select count(*) from audit_entries where action = 'pop.acknowledged'";
    assert_eq!(sql::count(&app.owner, written).await, 1, "what did nothing left no entry");
}

#[tokio::test]
async fn pop_1_of_many_calls_the_newest_are_shown() {
    let Ringing { app, business, twilio, .. } = ringing().await;
    let from = |number: u32| format!("+1415555{number:04}");
    for number in 2..=6 {
        app.clock.advance(1);
        ring(&app, &twilio, &from(number), number).await;
        app.run_jobs().await;
    }
    let page = app.browser(business.member(Role::Agent)).await.get("/pops").await.body;
    let places: Vec<_> = (2..=6).map(|number| page.find(&format!("***-***-{number:04}"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "oldest first: {places:?}");
    assert!(!page.contains("***-***-0100"), "five at most");
}

#[tokio::test]
async fn pop_1_a_desk_does_not_wait_for_the_agency_system_of_another_business() {
    // Takes the connection, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let agency = agency().await;
    let app = TestApp::start_allowing(vec![address.clone(), agency.address.clone()]).await;
    let (away, at_away) = office(&app, "a", &address).await;
    let (here, at_here) = office(&app, "b", &agency.address).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker::run(app.app.clone(), stop.clone()));
    ring(&app, &at_away, PARTY, 1).await;
    let held = silent.accept().await.expect("it is asked");
    ring(&app, &at_here, PARTY, 1).await;
    let pops = async |business: &Business| {
        sql::count(&app.owner, format!("select count(*) from screen_pops where business_id = '{}'", business.id.0))
            .await
    };
    until("the desk rings", async || pops(&here).await == 1).await;
    assert_eq!(pops(&away).await, 0, "nobody has answered the other one yet");
    drop(held);
    stop.cancel();
    running.await.expect("the worker stops");
}

#[tokio::test]
async fn pop_1_what_the_agency_system_says_too_late_pops_no_more() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let app = TestApp::start_allowing(vec![address.clone()]).await;
    let (_, twilio) = office(&app, "a", &address).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker::run(app.app.clone(), stop.clone()));
    ring(&app, &twilio, PARTY, 1).await;
    let held = silent.accept().await.expect("it is asked");
    let over = [
        ("CallSid", sid(2)),
        ("ParentCallSid", sid(1)),
        ("CallStatus", "no-answer".to_owned()),
        ("Direction", "outbound-dial".to_owned()),
        ("From", PARTY.to_owned()),
        ("To", TARGET.to_owned()),
        ("SequenceNumber", "2".to_owned()),
    ];
    let over: Vec<_> = over.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(twilio.post(&app, "status", &over).await.status, 200);
    drop((held, silent));
    until("the question is over", async || {
        sql::count(&app.owner, "select count(*) from audit_entries where action = 'pop.looked_up'").await == 1
    })
    .await;
    assert_eq!(sql::count(&app.owner, "select count(*) from screen_pops").await, 0);
    stop.cancel();
    running.await.expect("the worker stops");
}
