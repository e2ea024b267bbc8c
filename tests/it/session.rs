//! Sessions (ACC-5), and what a failed sign-in tells (ACC-1, ACC-4).

use ringfort::{
    model::{permission::Role, profile::Profile},
    server::store::session::{ABSOLUTE_SECONDS, BUSINESS, IDLE_SECONDS, PgSessions, USER, hash},
};
use serde_json::json;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
};

use crate::kit::{Browser, Business, Reply, TestApp, sql};

const PASSWORD: &str = "seven quiet otters";

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    app.give_password(business.member(Role::Owner), PASSWORD).await;
    (app, business)
}

async fn sign_in(browser: &Browser, email: &str, password: &str) -> Reply {
    browser.post("/api/sign-in", &[("email", email), ("password", password)]).await
}

async fn is_in(browser: &Browser) -> bool {
    browser.get("/home").await.status == 200
}

#[tokio::test]
async fn acc_5_the_database_knows_only_a_hash_of_the_session() {
    let (app, business) = start().await;
    let reply = sign_in(&app.stranger(), &business.member(Role::Owner).email, PASSWORD).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/home")), "{}", reply.body);
    let cookie = reply.cookie("__Host-ringfort").expect("a session");
    let id = cookie.strip_prefix("__Host-ringfort=").expect("its value");
    let stored = sql::text(&app.owner, "select encode(id_hash, 'hex') || s::text from lobby.sessions s").await;
    assert!(!stored.contains(id), "the id itself is stored");
    assert!(stored.starts_with(&hex::encode(hash(id.parse().expect("an id")))));
    assert!(is_in(&app.stranger().with_cookie(Some(cookie))).await);
}

#[tokio::test]
async fn acc_5_signing_in_changes_the_session_and_the_old_one_is_dead() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    // Somebody else's choice of an id is not taken (fixation), whether it exists or not.
    let planted = format!("__Host-ringfort={}", Id::default());
    let known = app.session(business.member(Role::Viewer)).await;
    for old in [planted, known] {
        let browser = app.stranger().with_cookie(Some(old.clone()));
        let reply = sign_in(&browser, &owner.email, PASSWORD).await;
        let new = reply.cookie("__Host-ringfort").expect("a new session");
        assert_ne!(new, old);
        assert!(!is_in(&browser).await, "the old session still opens doors");
        assert!(is_in(&browser.with_cookie(Some(new))).await);
    }
}

#[tokio::test]
async fn acc_5_a_session_ends_when_nobody_uses_it() {
    let (app, business) = start().await;
    let browser = app.browser(business.member(Role::Agent)).await;
    for _ in 0..3 {
        app.clock.advance(IDLE_SECONDS - 60);
        assert!(is_in(&browser).await, "using it keeps it alive");
    }
    app.clock.advance(IDLE_SECONDS + 1);
    assert!(!is_in(&browser).await);
    // Watching a stream is not using it.
    let watcher = app.browser(business.member(Role::Agent)).await;
    app.clock.advance(IDLE_SECONDS - 60);
    assert_eq!(watcher.get("/live").await.status, 200);
    app.clock.advance(120);
    assert_eq!(watcher.get("/live").await.status, 401);
}

#[tokio::test]
async fn acc_5_a_session_ends_after_its_longest_time_whatever_happens() {
    let (app, business) = start().await;
    let browser = app.browser(business.member(Role::Agent)).await;
    let step = IDLE_SECONDS - 60;
    for _ in 0..ABSOLUTE_SECONDS / step {
        app.clock.advance(step);
        assert!(is_in(&browser).await);
    }
    app.clock.advance(ABSOLUTE_SECONDS % step + 1);
    assert!(!is_in(&browser).await);
}

#[tokio::test]
async fn acc_5_signing_out_ends_this_session_and_no_other() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    let (one, two) = (app.browser(owner).await, app.browser(owner).await);
    assert_eq!(one.post("/api/sign-out", &[]).await.status, 303);
    assert!(!is_in(&one).await);
    assert!(is_in(&two).await);
}

#[tokio::test]
async fn acc_5_a_request_in_flight_does_not_revive_a_session_that_was_signed_out() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    let store = PgSessions::new(app.app.db().clone(), app.app.shared_clock());
    let mut record = Record {
        id: Id::default(),
        data: [(USER.to_owned(), json!(owner.user)), (BUSINESS.to_owned(), json!(owner.business))].into(),
        expiry_date: time::OffsetDateTime::now_utc() + time::Duration::hours(1),
    };
    store.create(&mut record).await.expect("creates");
    assert!(store.load(&record.id).await.expect("loads").is_some());
    store.delete(&record.id).await.expect("deletes");
    // Whether saving complains does not matter; that nothing comes back does.
    let _ = store.save(&record).await;
    assert!(store.load(&record.id).await.expect("loads").is_none());
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.sessions").await, 0);
}

#[tokio::test]
async fn acc_5_removing_somebody_ends_their_sessions_with_the_next_request() {
    let (app, business) = start().await;
    let (owner, agent) = (business.member(Role::Owner), business.member(Role::Agent));
    let gone = app.browser(agent).await;
    assert!(is_in(&gone).await);
    let boss = app.browser(owner).await;
    let reply = boss.post("/api/team/remove", &[("id", &agent.id.to_string()), ("confirm", "remove")]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/team")));
    assert!(!is_in(&gone).await);
}

#[tokio::test]
async fn acc_4_a_failed_sign_in_does_not_tell_whether_an_account_exists() {
    let (app, business) = start().await;
    let known = &business.member(Role::Owner).email;
    let browser = app.stranger().json();
    let wrong = sign_in(&browser, known, "eight quiet otters").await;
    for email in ["nobody@a.example", "not an address"] {
        let unknown = sign_in(&browser, email, "eight quiet otters").await;
        assert_eq!(unknown.status, wrong.status);
        assert_eq!(unknown.body, wrong.body);
        assert_eq!(headers(&unknown), headers(&wrong));
    }
    assert_eq!(wrong.status, 422);
    // As a form: the same way back, and a flash that nobody can read.
    let browser = app.stranger();
    let wrong = sign_in(&browser, known, "eight quiet otters").await;
    let unknown = sign_in(&browser, "nobody@a.example", "eight quiet otters").await;
    assert_eq!((unknown.status, unknown.header("location")), (wrong.status, wrong.header("location")));
    let written = "select count(*) from audit_entries where action = 'session.refused' and result = 'refused'";
    assert_eq!(sql::count(&app.owner, written).await, 2, "the known account's business sees both tries");
}

fn headers(reply: &Reply) -> Vec<(String, String)> {
    let mut all: Vec<_> = reply
        .headers
        .iter()
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    all.sort();
    all
}
