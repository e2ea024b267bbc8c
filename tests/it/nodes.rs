//! Several nodes on one database (OPS-3): events and ends of sessions reach every node, with NATS at once, without it and
//! when it dies by polling; and NATS is told nothing that matters. `nats-server` is Debian's (`scripts/bootstrap test`).

mod nats;

use std::time::Duration;

use futures::StreamExt;
use ringfort::{
    model::{
        id::{BusinessId, CallId},
        permission::Role,
        profile::Profile,
    },
    server::{
        boot::App,
        caller::{Origin, SessionHash},
        live::{
            Cursor, Nats, Payload,
            hub::Seat,
            nats::{Login, NatsError, check},
            relay,
        },
        store::{
            outbox::{Topic, put},
            session::{callers, hash},
        },
        vault::Secret,
    },
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tower_sessions::session::Id;

use crate::kit::{Browser, Business, PATIENCE, TestApp, fixture::PARTY, sql, until};
use nats::NatsServer;

/// What would come a second time has come by then.
const A_WHILE: Duration = Duration::from_millis(800);

/// A node with what runs beside its doors for the sake of streams.
struct Node {
    app: App,
    tasks: JoinSet<()>,
}

impl Node {
    fn run(app: &App) -> Self {
        let mut tasks = JoinSet::new();
        let stop = CancellationToken::new();
        tasks.spawn(relay::run(app.clone(), stop.clone()));
        tasks.spawn(relay::watch_sessions(app.clone(), stop));
        Self { app: app.clone(), tasks }
    }

    /// As `kill -9`: nothing is said to anybody.
    async fn die(mut self) {
        self.tasks.shutdown().await;
    }

    fn leads(&self) -> bool {
        self.app.nats().is_some_and(Nats::leads)
    }
}

fn hash_of(browser: &Browser) -> SessionHash {
    let cookie = browser.cookie.as_deref().expect("a session");
    let (_, id) = cookie.split_once('=').expect("a cookie with a value");
    hash(id.parse::<Id>().expect("an id"))
}

/// Somebody who looks at the live board on a node.
async fn looks(at: &App, test: &TestApp, browser: &Browser) -> Seat {
    let origin = Origin { door: "live", network: None };
    let session = hash_of(browser);
    let found =
        callers(at.db(), std::slice::from_ref(&session), test.now(), &origin, at.draw()).await.expect("answers");
    at.hub().join(found.first().expect("a session")).expect("a seat")
}

/// Writes an event as a node of which nobody hears anything; its number.
async fn happens(app: &TestApp, business: BusinessId, call: CallId) -> i64 {
    let mut tx = app.tx(business).await;
    put(&mut tx, Topic::Call(call)).await.expect("is put");
    tx.commit().await.expect("commits");
    sql::count(&app.owner, "select max(id) from outbox").await
}

/// The next event of that call, if it comes in time.
async fn hears(seat: &mut Seat, call: CallId, within: Duration) -> Option<Cursor> {
    let heard = async {
        loop {
            let event = seat.events.recv().await.expect("not too slow");
            if matches!(&event.payload, Payload::Call(found) if found.id == call) {
                return event.cursor;
            }
        }
    };
    timeout(within, heard).await.ok()
}

/// A relay begins at the newest place: makes events until one is heard, and then hears all that were made.
async fn warm(app: &TestApp, business: BusinessId, call: CallId, seat: &mut Seat) {
    let end = Instant::now() + PATIENCE;
    let (mut reached, made) = loop {
        assert!(Instant::now() < end, "the relay does not begin");
        let made = happens(app, business, call).await;
        if let Some(heard) = hears(seat, call, Duration::from_millis(300)).await {
            break (heard, made);
        }
    };
    while reached.id < made {
        reached = hears(seat, call, PATIENCE).await.expect("each comes");
    }
}

/// Two businesses, a call in the first, and a second node.
struct Two {
    app: TestApp,
    business: Business,
    other: Business,
    call: CallId,
    second: App,
}

async fn two(app: TestApp) -> Two {
    let business = app.business("a", Profile::FieldService).await;
    let other = app.business("b", Profile::FieldService).await;
    let call = app.fill(&business).await.call;
    let second = app.node().await;
    Two { app, business, other, call, second }
}

async fn connected(nodes: &[&Node]) {
    for node in nodes {
        until("NATS is connected", async || node.app.nats().is_some_and(Nats::is_connected)).await;
    }
    until("somebody tells the others", async || nodes.iter().any(|node| node.leads())).await;
}

#[tokio::test]
async fn ops_3_without_nats_every_node_finds_every_event_once_and_in_order() {
    let Two { app, business, call, second, .. } = two(TestApp::start().await).await;
    let nodes = [Node::run(&app.app), Node::run(&second)];
    let browser = app.browser(business.member(Role::Dispatcher)).await;
    for node in &nodes {
        let mut seat = looks(&node.app, &app, &browser).await;
        warm(&app, business.id, call, &mut seat).await;
        let mut last = None;
        for _ in 0..3 {
            happens(&app, business.id, call).await;
            let heard = hears(&mut seat, call, PATIENCE).await;
            assert!(heard.is_some() && heard > last, "each comes, after the one before");
            last = heard;
        }
        assert_eq!(hears(&mut seat, call, A_WHILE).await, None, "and none twice");
    }
}

#[tokio::test]
async fn ops_3_what_cannot_be_read_in_one_business_holds_up_no_other() {
    let Two { app, business, other, call, .. } = two(TestApp::start().await).await;
    let others = app.fill(&other).await.call;
    let node = Node::run(&app.app);
    let (browser, stranger) =
        (app.browser(business.member(Role::Dispatcher)).await, app.browser(other.member(Role::Dispatcher)).await);
    let (mut seat, mut elsewhere) = (looks(&node.app, &app, &browser).await, looks(&node.app, &app, &stranger).await);
    warm(&app, business.id, call, &mut seat).await;
    warm(&app, other.id, others, &mut elsewhere).await;
    // A word of a newer release.
    let newer = format!(
        "alter table calls drop constraint calls_state_check;
         update calls set state = 'teleporting' where business_id = '{}'",
        business.id.0
    );
    sql::run(&app.owner, newer).await;
    happens(&app, business.id, call).await;
    assert!(timeout(PATIENCE, seat.ends.cancelled()).await.is_ok(), "its streams begin anew");
    for _ in 0..2 {
        happens(&app, other.id, others).await;
        assert!(hears(&mut elsewhere, others, PATIENCE).await.is_some(), "another business hears what happens there");
    }
    assert_eq!(hears(&mut elsewhere, others, A_WHILE).await, None, "and nothing twice");
    assert!(!elsewhere.ends.is_cancelled());
}

#[tokio::test]
async fn ops_3_with_nats_the_other_node_is_told_and_shows_each_event_once() {
    let server = NatsServer::start(&[]).await;
    let Two { app, business, other, call, second } = two(TestApp::start_with_nats(server.settings()).await).await;
    let nodes = [Node::run(&app.app), Node::run(&second)];
    connected(&[&nodes[0], &nodes[1]]).await;
    let follows = nodes.iter().find(|node| !node.leads()).expect("only one leads");
    assert_eq!(nodes.iter().filter(|node| node.leads()).count(), 1, "one tells the others");
    let browser = app.browser(business.member(Role::Dispatcher)).await;
    let stranger = app.browser(other.member(Role::Dispatcher)).await;
    let (mut seat, mut elsewhere) =
        (looks(&follows.app, &app, &browser).await, looks(&follows.app, &app, &stranger).await);
    warm(&app, business.id, call, &mut seat).await;
    let heard = || follows.app.nats().expect("NATS").counts().1;
    let before = heard();
    let mut last = None;
    for _ in 0..5 {
        happens(&app, business.id, call).await;
        let place = hears(&mut seat, call, PATIENCE).await;
        assert!(place.is_some() && place > last, "each comes, after the one before");
        last = place;
    }
    until("the follower is told", async || heard() > before).await;
    // What the relay looks for by itself afterwards is nothing new.
    assert_eq!(hears(&mut seat, call, A_WHILE).await, None, "and none twice");
    assert_eq!(hears(&mut elsewhere, call, Duration::from_millis(10)).await, None, "another business hears nothing");
}

#[tokio::test]
async fn ops_3_when_nats_is_killed_events_come_by_polling_and_it_is_used_again_when_it_is_back() {
    let server = NatsServer::start(&[]).await;
    let Two { app, business, call, second, .. } = two(TestApp::start_with_nats(server.settings()).await).await;
    let nodes = [Node::run(&app.app), Node::run(&second)];
    connected(&[&nodes[0], &nodes[1]]).await;
    let browser = app.browser(business.member(Role::Dispatcher)).await;
    let mut seats = [looks(&app.app, &app, &browser).await, looks(&second, &app, &browser).await];
    for seat in &mut seats {
        warm(&app, business.id, call, seat).await;
    }
    let port = server.kill();
    happens(&app, business.id, call).await;
    for seat in &mut seats {
        assert!(hears(seat, call, PATIENCE).await.is_some(), "without NATS");
    }
    until("it is noticed", async || nodes.iter().all(|node| !node.app.nats().expect("NATS").is_connected())).await;
    let ready = app.stranger().get("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\nnats: away\n"), "a node without NATS serves");
    let _server = NatsServer::start_on(port, &[]).await;
    connected(&[&nodes[0], &nodes[1]]).await;
    happens(&app, business.id, call).await;
    for seat in &mut seats {
        assert!(hears(seat, call, PATIENCE).await.is_some(), "with NATS again");
    }
    assert_eq!(app.stranger().get("/readyz").await.body, "ready\nnats: connected\n");
}

#[tokio::test]
async fn ops_3_when_the_node_dies_that_tells_the_others_another_one_does() {
    let server = NatsServer::start(&[]).await;
    let Two { app, business, call, second, .. } = two(TestApp::start_with_nats(server.settings()).await).await;
    let (one, two) = (Node::run(&app.app), Node::run(&second));
    connected(&[&one, &two]).await;
    let (leads, follows) = if one.leads() { (one, two) } else { (two, one) };
    leads.die().await;
    until("the other one leads", async || follows.leads()).await;
    let browser = app.browser(business.member(Role::Dispatcher)).await;
    let mut seat = looks(&follows.app, &app, &browser).await;
    warm(&app, business.id, call, &mut seat).await;
    happens(&app, business.id, call).await;
    assert!(hears(&mut seat, call, PATIENCE).await.is_some());
}

#[tokio::test]
async fn ops_3_a_session_that_ends_ends_its_streams_on_every_node_within_a_second() {
    let server = NatsServer::start(&[]).await;
    let Two { app, business, second, .. } = two(TestApp::start_with_nats(server.settings()).await).await;
    let nodes = [Node::run(&app.app), Node::run(&second)];
    connected(&[&nodes[0], &nodes[1]]).await;
    let (goes, stays) = (business.member(Role::Agent), business.member(Role::Dispatcher));
    let (goes, stays) = (app.browser(goes).await, app.browser(stays).await);
    let (gone, kept) = (looks(&second, &app, &goes).await, looks(&second, &app, &stays).await);
    assert!(goes.post("/api/sign-out", &[]).await.status < 400);
    assert!(timeout(PATIENCE, gone.ends.cancelled()).await.is_ok(), "the stream on the other node is open");
    assert!(!kept.ends.is_cancelled(), "somebody else's is open");
}

#[tokio::test]
async fn ops_3_other_nodes_are_told_when_rights_change() {
    let server = NatsServer::start(&[]).await;
    let Two { app, business, second, .. } = two(TestApp::start_with_nats(server.settings()).await).await;
    // Only the relays: nobody asks the database by themselves here.
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    for app in [&app.app, &second] {
        tasks.spawn(relay::run(app.clone(), stop.clone()));
    }
    until("NATS is connected", async || {
        [&app.app, &second].iter().all(|app| app.nats().is_some_and(Nats::is_connected))
    })
    .await;
    // What connecting asked for.
    while timeout(Duration::from_millis(300), second.hub().access_asked()).await.is_ok() {}
    let agent = app.browser(business.member(Role::Agent)).await;
    assert!(agent.post("/api/sign-out", &[]).await.status < 400);
    assert!(timeout(PATIENCE, second.hub().access_asked()).await.is_ok(), "the other node is not told");
    stop.cancel();
    while tasks.join_next().await.is_some() {}
}

#[tokio::test]
async fn ops_3_what_travels_is_ids_and_places_alone() {
    let server = NatsServer::start(&[]).await;
    let Two { app, business, call, second, .. } = two(TestApp::start_with_nats(server.settings()).await).await;
    let client = async_nats::connect(server.url()).await.expect("NATS answers");
    let mut all = client.subscribe("ringfort.>".to_owned()).await.expect("subscribes");
    client.flush().await.expect("is heard");
    let nodes = [Node::run(&app.app), Node::run(&second)];
    connected(&[&nodes[0], &nodes[1]]).await;
    let browser = app.browser(business.member(Role::Dispatcher)).await;
    let mut seat = looks(&second, &app, &browser).await;
    warm(&app, business.id, call, &mut seat).await;
    browser.post("/api/sign-out", &[]).await;
    let mut kinds = Vec::new();
    let is_whole = |kinds: &[&str]| kinds.contains(&"news") && kinds.contains(&"access");
    while let Ok(Some(message)) = timeout(if is_whole(&kinds) { A_WHILE } else { PATIENCE }, all.next()).await {
        let subject = message.subject.to_string();
        let text = std::str::from_utf8(message.payload.as_ref()).expect("text").to_owned();
        assert!(!text.contains(PARTY) && !text.contains('@') && text.len() < 64, "{text}");
        let news = format!(".live.{}", business.id.0.simple());
        let of_business = subject.contains(&news);
        if of_business && text.parse::<Cursor>().is_ok() {
            kinds.push("news");
        } else {
            assert!(subject.contains(".nodes") && ["written", "access"].contains(&text.as_str()), "{subject} {text}");
            kinds.push(if text == "access" { "access" } else { "written" });
        }
    }
    assert!(is_whole(&kinds), "{kinds:?}");
}

#[tokio::test]
async fn ops_3_who_forges_messages_shows_and_hides_nothing() {
    let server = NatsServer::start(&[]).await;
    let Two { app, business, call, second, .. } = two(TestApp::start_with_nats(server.settings()).await).await;
    let nodes = [Node::run(&app.app), Node::run(&second)];
    connected(&[&nodes[0], &nodes[1]]).await;
    let browser = app.browser(business.member(Role::Dispatcher)).await;
    let mut seat = looks(&second, &app, &browser).await;
    warm(&app, business.id, call, &mut seat).await;
    let client = async_nats::connect(server.url()).await.expect("NATS answers");
    let prefix = format!("ringfort.{}", app.app.vault().master_id());
    let news = format!("{prefix}.live.{}", business.id.0.simple());
    let last = format!("{}.{}.{}", u64::MAX, i64::MAX, i64::MAX);
    for text in [last.as_str(), "0.0.0", "", "access", "\u{0}"] {
        for subject in [news.clone(), format!("{prefix}.nodes")] {
            client.publish(subject, text.to_owned().into()).await.expect("is sent");
        }
    }
    client.flush().await.expect("is heard");
    assert_eq!(hears(&mut seat, call, A_WHILE).await, None, "nothing happened");
    assert!(!seat.ends.is_cancelled(), "a session that goes on goes on");
    happens(&app, business.id, call).await;
    assert!(hears(&mut seat, call, PATIENCE).await.is_some(), "what happens is still shown");
}

#[tokio::test]
async fn ops_3_a_node_goes_to_nats_as_who_it_is_and_over_a_certificate_that_is_good() {
    let server = NatsServer::start(&["--user", "ringfort", "--pass", "hunter2"]).await;
    let mut settings = server.settings();
    assert!(matches!(check(&settings).await, Err(NatsError::Away(_) | NatsError::Slow)), "nobody is let in");
    for (password, is_right) in [("hunter2", true), ("hunter3", false)] {
        let password = Secret::new(password.to_owned());
        settings.login = Login::Password { user: "ringfort".to_owned(), password };
        assert_eq!(check(&settings).await.is_ok(), is_right);
    }
    let server = NatsServer::start_tls().await;
    for (authority, is_right) in [(Some(nats::CA), true), (None, false)] {
        let mut settings = server.settings();
        settings.servers = vec![server.url().replace("nats://127.0.0.1", "tls://localhost")];
        settings.is_tls = true;
        settings.authority = authority.map(str::to_owned);
        assert_eq!(check(&settings).await.is_ok(), is_right, "who signed it is trusted: {}", authority.is_some());
    }
}

#[tokio::test]
async fn ops_3_the_metrics_say_how_it_is() {
    let server = NatsServer::start(&[]).await;
    let Two { app, second, .. } = two(TestApp::start_with_nats(server.settings()).await).await;
    let nodes = [Node::run(&app.app), Node::run(&second)];
    connected(&[&nodes[0], &nodes[1]]).await;
    let mut leaders = 0;
    for node in &nodes {
        let metrics = ringfort::server::boot::telemetry::metrics(&node.app).await;
        assert!(metrics.contains("\nringfort_nats_connected 1\n"), "{metrics}");
        leaders += metrics.matches("\nringfort_nats_leads 1\n").count();
    }
    assert_eq!(leaders, 1);
    // One connection more for each node, and the lock is there once.
    let locks = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                 where d.datname = current_database() and l.locktype = 'advisory' and l.granted";
    assert_eq!(sql::count(&app.owner, locks).await, 1);
}
