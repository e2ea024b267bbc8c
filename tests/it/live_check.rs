//! The checker of the live board (TEL-2): a client that only knows what the stream told it, over many reconnections, shows what
//! the database holds. Events come as Twilio sends them, and agents say things meanwhile.

use std::collections::BTreeMap;

use axum::{
    body::{Body, to_bytes},
    http::{Request, header},
};
use futures::StreamExt;
use ringfort::{
    model::{
        id::{CallId, MemberId},
        permission::Role,
        profile::Profile,
    },
    server::{
        live::{Cursor, Event, Payload},
        store::{
            self, TenantTx,
            outbox::{Topic, put},
            session::hash,
        },
    },
    ui::wire::live::{LiveAgent, LiveCall, LiveEvent, Tally},
};
use tokio::time::timeout;
use tower::ServiceExt;
use tower_sessions::session::Id;

use crate::kit::{
    Business, Member, PATIENCE, TestApp,
    twilio::{NUMBER, Twilio, sid},
    until,
};

/// What a board shows: kept by what it is told and nothing else.
#[derive(Default)]
struct Client {
    cursor: String,
    calls: BTreeMap<CallId, LiveCall>,
    agents: BTreeMap<MemberId, LiveAgent>,
    tally: Option<Tally>,
}

impl Client {
    /// Connects behind its cursor, hears what it missed, and loses the connection again.
    async fn connect(&mut self, app: &TestApp, person: &Member) {
        let cookie = app.session(person).await;
        let path = format!("/live?after={}", self.cursor);
        let request = Request::get(path).header(header::COOKIE, &cookie).body(Body::empty()).expect("a request");
        let response = app.router().oneshot(request).await.expect("the service never fails");
        assert_eq!(response.status().as_u16(), 200);
        let id = cookie.split_once('=').expect("a cookie with a value").1;
        app.app.hub().end_session(&hash(id.parse::<Id>().expect("an id")));
        let body = timeout(PATIENCE, to_bytes(response.into_body(), 1 << 22)).await;
        let bytes = body.expect("the stream ends").expect("a whole body");
        self.hear(&String::from_utf8_lossy(&bytes));
    }

    /// Reads server-sent events (WHATWG HTML, 9.2.6), as far as ours go.
    fn hear(&mut self, text: &str) {
        for block in text.split("\n\n") {
            let field = |name: &str| {
                let mut lines = block.lines().filter_map(|line| line.split_once(':'));
                lines.find(|(found, _)| *found == name).map(|(_, value)| value.trim_start().to_owned())
            };
            assert_ne!(field("event").as_deref(), Some("reset"), "nothing is too old here");
            if let Some(id) = field("id") {
                self.cursor = id;
            }
            let is_message = field("event").is_none();
            let Some(event) = field("data").filter(|_| is_message) else { continue };
            match serde_json::from_str(&event).expect("an event that the wire knows") {
                LiveEvent::Call { call, tally, .. } => {
                    self.calls.insert(call.id, call);
                    self.tally = tally.or(self.tally.take());
                }
                LiveEvent::Agent { agent, .. } => {
                    self.agents.insert(agent.id, agent);
                }
                LiveEvent::Pop { .. } | LiveEvent::PopGone { .. } => {}
            }
        }
    }
}

async fn event(app: &TestApp, twilio: &Twilio, call: u32, status: &str, seq: &str) {
    let call = sid(call);
    let fields = [
        ("CallSid", call.as_str()),
        ("CallStatus", status),
        ("Direction", "inbound"),
        ("From", "+14155550100"),
        ("To", NUMBER),
        ("SequenceNumber", seq),
    ];
    assert_eq!(twilio.post(app, "status", &fields).await.status, 200);
}

/// What the database holds, as somebody who sees everything is shown it.
async fn truth(app: &TestApp, business: &Business) -> (Vec<LiveCall>, Vec<LiveAgent>) {
    let mut tx: TenantTx = app.tx(business.id).await;
    let calls = store::live::wallboard(&mut tx).await.expect("reads");
    let agents = store::agent::all(&mut tx).await.expect("reads");
    (calls.iter().map(store::live::BoardCall::wire).collect(), agents.iter().map(store::agent::Agent::wire).collect())
}

#[tokio::test]
async fn tel_2_over_many_reconnections_a_client_shows_what_the_database_holds() {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    let filled = app.fill(&business).await;
    let (owner, twilio) = (business.member(Role::Owner), &filled.twilio);
    let agent = app.browser(business.member(Role::Agent)).await;
    let mut client = Client::default();
    client.connect(&app, owner).await;
    assert!(!client.cursor.is_empty(), "the opening says where it stands");

    let stories: [&[&str]; 3] =
        [&["ringing", "in-progress", "completed"], &["ringing", "busy"], &["queued", "ringing", "in-progress"]];
    for step in 0..3_usize {
        for (number, story) in (0..12_u32).zip(stories.iter().cycle()) {
            if let Some(status) = story.get(step) {
                event(&app, twilio, 0x1000 + number, status, &step.to_string()).await;
            }
            // It is away for some of it.
            if number % 5 == 0 {
                client.connect(&app, owner).await;
            }
        }
        let says = ["available", "wrap_up", "busy"][step];
        assert_eq!(agent.post("/api/agent/state", &[("says", says)]).await.status, 303);
    }
    // Until everything is settled: transactions of others hold the outbox up.
    let (calls, agents) = truth(&app, &business).await;
    let heard = |client: &Client| {
        calls.iter().filter(|call| client.calls.get(&call.id) == Some(*call)).count()
            + agents.iter().filter(|agent| client.agents.get(&agent.id) == Some(*agent)).count()
    };
    // The fixture's own call was there before anybody listened.
    let wanted = calls.len() + agents.len() - 1;
    until("everything is heard", async || {
        client.connect(&app, owner).await;
        heard(&client) >= wanted
    })
    .await;
    for call in calls.iter().filter(|call| call.id != filled.call) {
        assert_eq!(client.calls.get(&call.id), Some(call), "a call as the database holds it");
    }
    assert_eq!(client.agents.values().cloned().collect::<Vec<_>>(), agents, "agents too");
    assert!(calls.len() >= 12, "only {} calls", calls.len());
    // Four were answered and four were busy; those in progress were answered as well. All at once, so in time.
    assert_eq!(client.tally.map(|tally| tally.of(None)), Some((8, 12)), "the service level of the last event");
}

#[tokio::test]
async fn tel_2_who_is_shown_nothing_does_not_come_back_further_behind() {
    let app = TestApp::start().await;
    let (a, b) = (app.business("a", Profile::FieldService).await, app.business("b", Profile::FieldService).await);
    let (viewer, other) = (a.member(Role::Agent), a.member(Role::Owner).id);
    let mut client = Client::default();
    client.connect(&app, viewer).await;
    let start = client.cursor.clone();
    let mut tx = app.tx(a.id).await;
    put(&mut tx, Topic::WorkOrder(app.app.draw(), Some(other))).await.expect("is put");
    tx.commit().await.expect("commits");
    until("coming back leads behind what was missed", async || {
        client.connect(&app, viewer).await;
        client.cursor != start
    })
    .await;

    let cookie = app.session(viewer).await;
    let request = Request::get("/live").header(header::COOKIE, &cookie).body(Body::empty()).expect("a request");
    let response = app.router().oneshot(request).await.expect("the service never fails");
    let mut told = response.into_body().into_data_stream();
    // Pops of somebody else, later than anything that is there; and of another business, later still.
    let late = 1_u64 << 60;
    for id in 0..150 {
        for (business, xid) in [(a.id, late), (b.id, late + 1)] {
            let payload = Payload::PopGone { member: other, pop: app.app.draw() };
            let cursor = Cursor { xid, id, at: app.now().as_second() };
            app.app.hub().publish(business, Event { cursor, payload, tally: None });
        }
    }
    let mut text = String::new();
    while text.matches("hello").count() < 2 {
        let more = timeout(PATIENCE, told.next()).await.expect("it is told").expect("it goes on").expect("no error");
        text.push_str(&String::from_utf8_lossy(&more));
    }
    client.hear(&text);
    assert!(client.cursor.starts_with(&format!("{late}.")), "{text}");
    assert!(!text.contains('{'), "nothing else is told: {text}");
}

#[tokio::test]
async fn tel_2_who_is_told_nothing_for_an_hour_comes_back_by_a_place_that_is_not_old() {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    let now = app.now().0.as_second();
    // Told nothing since, and nearly too old to come back by.
    let mut client = Client { cursor: format!("0.0.{}", now - 3_000), ..Client::default() };
    client.connect(&app, business.member(Role::Owner)).await;
    assert!(client.cursor.ends_with(&format!(".{now}")), "{}", client.cursor);
    // By its new one it comes back when the old one would have been too old: otherwise it would be told to start anew.
    app.clock.advance(3_000);
    client.connect(&app, business.member(Role::Owner)).await;
}
