//! Supervisors and running calls: what Twilio is asked, who may, and what is written down.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::to_bytes, extract::Request, http::StatusCode};
use ringfort::model::{permission::Role, profile::Profile};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{Instant, sleep},
};

use crate::kit::{Business, TestApp, fixture::Filled, sql, twilio::sid};

/// What was asked: path and body.
type Asked = Arc<Mutex<Vec<(String, String)>>>;

/// A stand-in for Twilio's Call resource: takes everything, and writes it down.
async fn twilio(status: StatusCode) -> (TestApp, Business, Filled, Asked) {
    twilio_that_waits(status, Arc::new(Semaphore::new(100))).await
}

/// The same, which answers as often as it is let.
async fn twilio_that_waits(status: StatusCode, turns: Arc<Semaphore>) -> (TestApp, Business, Filled, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let asked: Asked = Arc::default();
    let log = asked.clone();
    let answer = move |request: Request| {
        let (log, turns) = (log.clone(), turns.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 64 << 10).await.expect("a whole body");
            log.lock()
                .expect("no panics")
                .push((parts.uri.path().to_owned(), String::from_utf8_lossy(&body).into_owned()));
            turns.acquire().await.expect("it is never closed").forget();
            (status, "{}")
        }
    };
    let router: Router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let stand_in = HashMap::from([("twilio".to_owned(), format!("http://{address}"))]);
    let app = TestApp::start_with(vec![address], stand_in).await;
    let business = app.business("a", Profile::FieldService).await;
    let filled = app.fill(&business).await;
    (app, business, filled, asked)
}

/// What is written down of running calls, oldest first: what was asked, and how it went.
async fn written(app: &TestApp) -> Vec<String> {
    let said = "select concat_ws(' ', action, result, after ->> 'asked', after ->> 'result') from audit_entries
        where action in ('call.transferred', 'call.hung_up', 'call.muted', 'call.controlled') order by at, id";
    sql::texts(&app.owner, said).await
}

#[tokio::test]
async fn tel_2_a_supervisor_transfers_and_ends_a_running_call() {
    let (app, a, filled, asked) = twilio(StatusCode::OK).await;
    let dispatcher = app.browser(a.member(Role::Dispatcher)).await;
    let (call, desk) = (filled.call.to_string(), filled.extension.to_string());
    let page = dispatcher.get(&format!("/calls/{call}")).await.body;
    assert!(page.contains("Take over") && page.contains("Twilio mutes participants of a conference only"), "{page}");
    assert_eq!(dispatcher.post("/api/calls/transfer", &[("id", &call), ("target", &desk)]).await.status, 303);
    assert_eq!(dispatcher.post("/api/calls/hang-up", &[("id", &call), ("confirm", "end")]).await.status, 303);
    let asked = asked.lock().expect("no panics").clone();
    let place = format!("/2010-04-01/Accounts/{}/Calls/{}.json", filled.twilio.account, sid(0xf1));
    assert!(asked.iter().all(|(path, _)| *path == place), "{asked:?}");
    let fields = |body: &str| form_urlencoded::parse(body.as_bytes()).into_owned().collect::<HashMap<_, _>>();
    let (transfer, end) = (fields(&asked[0].1), fields(&asked[1].1));
    let twiml = &transfer["Twiml"];
    assert!(twiml.contains("<Dial") && twiml.contains(">desk_101</Client>"), "{twiml}");
    assert!(twiml.contains(&filled.twilio.path("status")), "the new leg is reported: {twiml}");
    assert_eq!(end, HashMap::from([("Status".to_owned(), "completed".to_owned())]));
    let told = [
        "call.transferred done",
        "call.controlled done call.transferred ok",
        "call.hung_up done",
        "call.controlled done call.hung_up ok",
    ];
    assert_eq!(written(&app).await, told);
}

#[tokio::test]
async fn tel_7_a_call_to_a_proxy_is_transferred_without_its_callers_number() {
    let (app, a, filled, asked) = twilio(StatusCode::OK).await;
    let dispatcher = app.browser(a.member(Role::Dispatcher)).await;
    let (call, desk) = (filled.call.to_string(), filled.extension.to_string());
    let transferred = async || {
        assert_eq!(dispatcher.post("/api/calls/transfer", &[("id", &call), ("target", &desk)]).await.status, 303);
        let body = asked.lock().expect("no panics").pop().expect("a request").1;
        form_urlencoded::parse(body.as_bytes()).into_owned().collect::<HashMap<_, _>>()["Twiml"].clone()
    };
    // To the desks, because its caller had no session there.
    sql::run(&app.owner, "delete from masked_calls").await;
    let ordinary = transferred().await;
    assert!(!ordinary.contains("callerId"), "{ordinary}");
    sql::run(&app.owner, "update calls set own_number = '+15005550030'").await;
    let to_a_proxy = transferred().await;
    assert!(to_a_proxy.contains("callerId=\"+15005550030\""), "{to_a_proxy}");
}

#[tokio::test]
async fn tel_2_nothing_is_asked_without_the_right_the_word_or_a_running_call() {
    let (app, a, filled, asked) = twilio(StatusCode::OK).await;
    let (call, desk) = (filled.call.to_string(), filled.extension.to_string());
    let agent = app.browser(a.member(Role::Agent)).await;
    assert!(!agent.get(&format!("/calls/{call}")).await.body.contains("Take over"));
    assert_eq!(agent.post("/api/calls/hang-up", &[("id", &call), ("confirm", "end")]).await.status, 403);
    let dispatcher = app.browser(a.member(Role::Dispatcher)).await.json();
    assert_eq!(dispatcher.post("/api/calls/hang-up", &[("id", &call), ("confirm", "no")]).await.status, 422);
    // It cannot be muted, and that is said and written down.
    let muted = dispatcher.post("/api/calls/mute", &[("id", &call)]).await;
    assert_eq!(muted.status, 200);
    assert!(muted.body.contains("the provider cannot do this"), "{}", muted.body);
    let told = ["call.hung_up refused", "call.muted done", "call.controlled failed call.muted cannot"];
    assert_eq!(written(&app).await, told);
    sql::run(&app.owner, "update calls set state = 'completed', ended_at = state_at").await;
    assert_eq!(dispatcher.post("/api/calls/transfer", &[("id", &call), ("target", &desk)]).await.status, 409);
    assert!(!dispatcher.get(&format!("/calls/{call}")).await.body.contains("Take over"), "it is over");
    assert!(asked.lock().expect("no panics").is_empty());
    // Whoever sent the form just too late is told why, though the form is gone.
    let late = app.browser(a.member(Role::Dispatcher)).await;
    let refused = late.post("/api/calls/transfer", &[("id", &call), ("target", &desk)]).await;
    let why = refused.cookie("__Host-flash").expect("a message for the next page");
    let cookies = format!("{}; {why}", late.cookie.as_deref().expect("a session"));
    let page = late.with_cookie(Some(cookies)).get(&format!("/calls/{call}")).await.body;
    assert!(page.contains("id=\"problems\""), "{page}");
}

#[tokio::test]
async fn tel_2_what_the_provider_refuses_is_said_and_written_down() {
    let (app, a, filled, asked) = twilio(StatusCode::NOT_FOUND).await;
    let dispatcher = app.browser(a.member(Role::Dispatcher)).await.json();
    let call = filled.call.to_string();
    let gone = dispatcher.post("/api/calls/hang-up", &[("id", &call), ("confirm", "end")]).await;
    assert_eq!(gone.status, 200);
    assert!(gone.body.contains("the call has ended, or the provider does not know it"), "{}", gone.body);
    assert_eq!(written(&app).await, ["call.hung_up done", "call.controlled failed call.hung_up gone"]);
    assert_eq!(asked.lock().expect("no panics").len(), 1);
}

#[tokio::test]
async fn aud_1_who_asks_the_provider_is_written_down_before_it_acts_and_how_it_went_afterwards() {
    let turns = Arc::new(Semaphore::new(0));
    let (app, a, filled, asked) = twilio_that_waits(StatusCode::INTERNAL_SERVER_ERROR, turns.clone()).await;
    let dispatcher = app.browser(a.member(Role::Dispatcher)).await.json();
    let call = filled.call.to_string();
    let asking =
        tokio::spawn(async move { dispatcher.post("/api/calls/hang-up", &[("id", &call), ("confirm", "end")]).await });
    let patience = Instant::now() + Duration::from_secs(15);
    while asked.lock().expect("no panics").is_empty() {
        assert!(Instant::now() < patience, "the provider is never asked");
        sleep(Duration::from_millis(20)).await;
    }
    // It has heard, and has not answered: whatever dies now, who wanted it is known.
    assert_eq!(written(&app).await, ["call.hung_up done"]);
    let who = format!(
        "select count(*) from audit_entries where action = 'call.hung_up' and actor_id = '{}' and target_id = '{}'",
        a.member(Role::Dispatcher).id.0,
        filled.call.0
    );
    assert_eq!(sql::count(&app.owner, who).await, 1);
    turns.add_permits(1);
    let reply = asking.await.expect("no panic");
    assert!(reply.status == 200 && reply.body.contains("could not be reached"), "{}", reply.body);
    assert_eq!(written(&app).await, ["call.hung_up done", "call.controlled failed call.hung_up unreachable"]);
}
