//! Sessions and devices (ACC-5): the list, every way in which a session ends, and what is told of it afterwards.

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, header},
};
use ringfort::{
    model::{id::UserId, permission::Role, profile::Profile, session::EndCause},
    server::{
        caller::{Origin, SessionHash},
        live::relay,
        store::{
            lobby::{PAST_DAYS, past_sessions_trim, session_end},
            session::{ABSOLUTE_SECONDS, IDLE_SECONDS, callers, hash, trim},
        },
    },
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower_sessions::session::Id;

use crate::kit::{Browser, Business, PATIENCE, TestApp, form, sql};

const LIST: &str = "/account/sessions";
const PASSWORD: &str = "seven quiet otters";

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    (app, business)
}

async fn is_in(browser: &Browser) -> bool {
    browser.get("/home").await.status == 200
}

/// What the database knows a browser's session by.
fn hash_of(browser: &Browser) -> SessionHash {
    let cookie = browser.cookie.as_deref().expect("a session");
    let (_, id) = cookie.split_once('=').expect("a cookie with a value");
    hash(id.parse::<Id>().expect("an id"))
}

/// What people know it by.
async fn id_of(app: &TestApp, browser: &Browser) -> String {
    let hash = hex::encode(hash_of(browser));
    let query = format!(
        "select 'ses_' || replace(id::text, '-', '') from lobby.sessions where id_hash = decode('{hash}', 'hex')"
    );
    sql::text(&app.owner, query).await
}

/// How a person's past sessions ended, the first end first.
async fn causes(app: &TestApp, user: UserId) -> Vec<String> {
    let query = format!("select cause from lobby.past_sessions where user_id = '{}' order by ended_at, cause", user.0);
    sql::texts(&app.owner, query).await
}

async fn entries(app: &TestApp, action: &str) -> i64 {
    let query = format!("select count(*) from audit_entries where action = '{action}' and result = 'done'");
    sql::count(&app.owner, query).await
}

/// Makes a person of one business a member of another one too.
async fn joins(app: &TestApp, user: UserId, business: &Business, email: &str) {
    let (business, user) = (business.id.0, user.0);
    let statement = format!(
        "insert into members (business_id, id, user_id, email, name, role, joined_at)
         values ('{business}', gen_random_uuid(), '{user}', '{email}', 'The same person', 'agent', now())"
    );
    sql::run(&app.owner, statement).await;
}

/// A browser that has just proved who is in it, by a password, on a device that says `agent`.
async fn signs_in(app: &TestApp, email: &str, agent: &str) -> Browser {
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("user-agent", agent)];
    let fields = form(&[("email", email), ("password", PASSWORD)]);
    let reply = app.stranger().ask(Method::POST, "/api/sign-in", &headers, fields).await;
    let cookie = reply.cookie("__Host-ringfort").unwrap_or_else(|| panic!("{} {}", reply.status, reply.body));
    app.stranger().with_cookie(Some(cookie))
}

#[tokio::test]
async fn acc_5_the_list_shows_ones_own_sessions_and_the_current_one_first() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let (here, phone) = (app.browser(agent).await, app.browser(agent).await);
    let somebody = app.browser(business.member(Role::Viewer)).await;
    let reply = here.get(LIST).await;
    assert_eq!(reply.status, 200);
    let theirs = id_of(&app, &phone).await;
    let (current, other) = (reply.body.find("This session"), reply.body.find(&theirs));
    assert!(current.is_some() && current < other, "the current session stands first, the other one after it");
    assert_eq!(reply.body.matches("This session").count(), 1);
    assert!(!reply.body.contains(&id_of(&app, &here).await), "the current session has no button");
    assert!(!reply.body.contains(&id_of(&app, &somebody).await), "somebody else's session is shown");
    assert!(reply.body.contains("Active now"));
    app.clock.advance(200);
    let later = here.get(LIST).await.body;
    assert_eq!(later.matches("Active now").count(), 1, "only who asks is there");
    assert_eq!(later.matches("from 127.0.0.0/24").count(), 1, "the place is that of the last use");
    assert!(somebody.get(LIST).await.body.contains("nowhere else"));
    assert_eq!(app.stranger().get(LIST).await.status, 303);
}

#[tokio::test]
async fn acc_5_a_device_is_named_coarsely() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    app.give_password(agent, PASSWORD).await;
    let header = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.39 \
                  Mobile Safari/537.36";
    let phone = signs_in(&app, &agent.email, header).await;
    let page = phone.get(LIST).await.body;
    assert!(page.contains("Chrome on Android"), "{page}");
    assert!(page.contains("from 127.0.0.0/24"), "{page}");
    assert!(page.contains("password"), "{page}");
    let stored = sql::text(&app.owner, "select s::text from lobby.sessions s").await;
    for detail in ["Pixel", "131.0", "127.0.0.1"] {
        assert!(!page.contains(detail) && !stored.contains(detail), "{detail} is kept");
    }
}

#[tokio::test]
async fn acc_5_one_session_is_ended_from_another() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let (here, phone) = (app.browser(agent).await, app.browser(agent).await);
    let id = id_of(&app, &phone).await;
    let reply = here.post("/api/device/revoke", &[("id", &id)]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(LIST)), "{}", reply.body);
    assert!(!is_in(&phone).await);
    assert!(is_in(&here).await);
    assert_eq!(causes(&app, agent.user).await, ["revoked"]);
    assert_eq!(entries(&app, "session.revoked").await, 1);
    // Once: what is over is as missing as what never was.
    assert_eq!(here.json().post("/api/device/revoke", &[("id", &id)]).await.status, 404);
    assert_eq!(causes(&app, agent.user).await, ["revoked"]);
}

#[tokio::test]
async fn acc_5_all_other_sessions_are_ended_and_this_one_stays() {
    let (app, business) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let agent = business.member(Role::Agent);
    joins(&app, agent.user, &b, &agent.email).await;
    let mut elsewhere = agent.clone();
    elsewhere.business = b.id;
    let here = app.browser(agent).await;
    let others = [app.browser(agent).await, app.browser(agent).await, app.browser(&elsewhere).await];
    let somebody = app.browser(business.member(Role::Viewer)).await;
    let reply = here.post("/api/device/revoke-others", &[]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(LIST)), "{}", reply.body);
    for other in &others {
        assert!(!is_in(other).await, "in whichever business it is");
    }
    assert!(is_in(&here).await);
    assert!(is_in(&somebody).await);
    assert_eq!(causes(&app, agent.user).await, ["revoked"; 3]);
    assert_eq!(entries(&app, "sessions.revoked_others").await, 2, "both businesses see it");
}

#[tokio::test]
async fn acc_5_somebody_elses_session_is_missing_and_lives_on() {
    let (app, business) = start().await;
    let here = app.browser(business.member(Role::Agent)).await.json();
    let theirs = app.browser(business.member(Role::Owner)).await;
    let id = id_of(&app, &theirs).await;
    let nobodys = "ses_019900000000700080000000000000aa";
    let foreign = here.post("/api/device/revoke", &[("id", &id)]).await;
    let unknown = here.post("/api/device/revoke", &[("id", nobodys)]).await;
    assert_eq!(foreign.status, 404, "{}", foreign.body);
    assert_eq!(foreign.body, unknown.body);
    assert!(is_in(&theirs).await);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.past_sessions").await, 0);
}

#[tokio::test]
async fn acc_5_an_owner_ends_a_members_sessions_in_their_own_business_only() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let agent = a.member(Role::Agent);
    joins(&app, agent.user, &b, &agent.email).await;
    let mut elsewhere = agent.clone();
    elsewhere.business = b.id;
    let (in_a, also_in_a, in_b) = (app.browser(agent).await, app.browser(agent).await, app.browser(&elsewhere).await);
    let id = agent.id.to_string();
    // Another business's owner does not find them, and who may not manage the team may not.
    for (member, status) in [(b.member(Role::Owner), 404), (a.member(Role::Dispatcher), 403)] {
        app.give_password(member, PASSWORD).await;
        let browser = signs_in(&app, &member.email, "").await.json();
        assert_eq!(browser.post("/api/device/end-member", &[("id", &id)]).await.status, status);
    }
    assert!(is_in(&in_a).await && is_in(&also_in_a).await);
    let owner = a.member(Role::Owner);
    app.give_password(owner, PASSWORD).await;
    let boss = signs_in(&app, &owner.email, "").await;
    let reply = boss.post("/api/device/end-member", &[("id", &id)]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/team")), "{}", reply.body);
    assert!(!is_in(&in_a).await && !is_in(&also_in_a).await);
    assert!(is_in(&in_b).await, "what they do elsewhere is not this business's affair");
    assert_eq!(causes(&app, agent.user).await, ["revoked"; 2]);
    assert_eq!(entries(&app, "member.sessions_ended").await, 1);
}

#[tokio::test]
async fn per_5_nobody_ends_the_sessions_of_who_holds_more() {
    let (app, business) = start().await;
    let (admin, owner) = (business.member(Role::Admin), business.member(Role::Owner));
    app.give_password(admin, PASSWORD).await;
    let boss = app.browser(owner).await;
    let browser = signs_in(&app, &admin.email, "").await.json();
    let reply = browser.post("/api/device/end-member", &[("id", &owner.id.to_string())]).await;
    assert_eq!(reply.status, 403, "{}", reply.body);
    assert!(is_in(&boss).await);
}

#[tokio::test]
async fn acc_5_signing_out_is_told_and_takes_kept_pages_along() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let reply = app.browser(agent).await.post("/api/sign-out", &[]).await;
    assert_eq!(reply.header("clear-site-data"), Some("\"cache\", \"storage\""));
    assert!(reply.cookie("__Host-flash").is_some(), "the notice survives");
    assert_eq!(causes(&app, agent.user).await, ["signed_out"]);
    let page = app.browser(agent).await.get(LIST).await.body;
    assert!(page.contains(EndCause::SignedOut.label()), "{page}");
}

#[tokio::test]
async fn acc_5_removal_and_a_change_of_business_are_told() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let agent = a.member(Role::Agent);
    joins(&app, agent.user, &b, &agent.email).await;
    let first = app.browser(agent).await;
    let reply = first.post("/api/switch", &[("business", &b.id.to_string())]).await;
    let second = app.stranger().with_cookie(reply.cookie("__Host-ringfort"));
    assert!(!is_in(&first).await && is_in(&second).await, "{}", reply.body);
    assert_eq!(causes(&app, agent.user).await, ["switched"]);
    let third = app.browser(agent).await;
    let owner = a.member(Role::Owner);
    app.give_password(owner, PASSWORD).await;
    let boss = signs_in(&app, &owner.email, "").await;
    boss.post("/api/team/remove", &[("id", &agent.id.to_string()), ("confirm", "remove")]).await;
    assert!(!is_in(&third).await);
    assert!(is_in(&second).await, "the other business has not removed them");
    assert_eq!(causes(&app, agent.user).await, ["removed", "switched"]);
    let page = second.get(LIST).await.body;
    for cause in [EndCause::Removed, EndCause::Switched] {
        assert!(page.contains(cause.label()), "{page}");
    }
}

#[tokio::test]
async fn acc_5_a_session_that_nobody_used_ends_as_idle() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    app.browser(agent).await;
    app.clock.advance(IDLE_SECONDS - 1);
    assert_eq!(trim(app.app.worker_db(), app.now()).await.expect("trims"), 0);
    app.clock.advance(3600);
    assert_eq!(trim(app.app.worker_db(), app.now()).await.expect("trims"), 1);
    assert_eq!(causes(&app, agent.user).await, ["idle"]);
    let when = "select count(*) from lobby.past_sessions where ended_at = last_seen_at + interval '30 minutes'";
    assert_eq!(sql::count(&app.owner, when).await, 1, "it ended when it was over, not when it was found");
}

#[tokio::test]
async fn acc_5_a_session_at_its_longest_time_ends_as_expired() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let browser = app.browser(agent).await;
    let step = IDLE_SECONDS - 60;
    for _ in 0..ABSOLUTE_SECONDS / step {
        app.clock.advance(step);
        assert!(is_in(&browser).await);
    }
    app.clock.advance(ABSOLUTE_SECONDS % step + 1);
    assert_eq!(trim(app.app.worker_db(), app.now()).await.expect("trims"), 1);
    assert_eq!(causes(&app, agent.user).await, ["expired"]);
    let when = "select count(*) from lobby.past_sessions where ended_at = started_at + interval '12 hours'";
    assert_eq!(sql::count(&app.owner, when).await, 1);
}

#[tokio::test]
async fn acc_5_past_sessions_are_told_for_ninety_days() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    app.browser(agent).await.post("/api/sign-out", &[]).await;
    app.clock.advance(PAST_DAYS * 24 * 3600);
    assert_eq!(past_sessions_trim(app.app.worker_db(), app.now()).await.expect("trims"), 0);
    assert!(app.browser(agent).await.get(LIST).await.body.contains(EndCause::SignedOut.label()));
    app.clock.advance(1);
    assert_eq!(past_sessions_trim(app.app.worker_db(), app.now()).await.expect("trims"), 1);
    assert!(app.browser(agent).await.get(LIST).await.body.contains("No session has ended yet"));
}

#[tokio::test]
async fn acc_5_the_streams_of_an_ended_session_end_at_once() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let (here, phone) = (app.browser(agent).await, app.browser(agent).await);
    let id = id_of(&app, &phone).await;
    let cookie = phone.cookie.as_deref().expect("a session");
    let request = Request::get("/live").header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
    let response = app.router().oneshot(request).await.expect("the service never fails");
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(app.app.hub().open_streams(), 1);
    let stream = tokio::spawn(to_bytes(response.into_body(), 1 << 20));
    here.post("/api/device/revoke", &[("id", &id)]).await;
    let seen = timeout(PATIENCE, stream).await.expect("the stream ends");
    let seen = seen.expect("nothing panics").expect("a whole body");
    assert!(String::from_utf8_lossy(&seen).contains("hello"), "it had begun");
    assert_eq!(app.app.hub().open_streams(), 0);
}

#[tokio::test]
async fn acc_5_a_session_that_ended_on_another_node_loses_its_streams_within_a_second() {
    let (app, business) = start().await;
    let browser = app.browser(business.member(Role::Agent)).await;
    let session = hash_of(&browser);
    let origin = Origin { door: "live", network: None };
    let found = callers(app.app.db(), std::slice::from_ref(&session), app.now(), &origin, app.app.draw())
        .await
        .expect("answers");
    let seat = app.app.hub().join(found.first().expect("a session")).expect("a seat");
    let stop = CancellationToken::new();
    let watch = tokio::spawn(relay::watch_sessions(app.app.clone(), stop.clone()));
    // As the other node does it: this one's hub hears nothing.
    assert!(session_end(app.app.db(), &session, EndCause::Revoked, app.now()).await.expect("ends"));
    assert!(!seat.ends.is_cancelled());
    let ended = timeout(PATIENCE, seat.ends.cancelled()).await;
    assert!(ended.is_ok(), "the stream is still open");
    stop.cancel();
    watch.await.expect("the watch ends");
}

#[tokio::test]
async fn acc_5_a_stream_that_opens_while_sessions_are_asked_about_is_not_cut() {
    let (app, business) = start().await;
    let hub = app.app.hub();
    let mut seats = Vec::new();
    for role in [Role::Agent, Role::Dispatcher] {
        let session = hash_of(&app.browser(business.member(role)).await);
        let origin = Origin { door: "live", network: None };
        let found = callers(app.app.db(), &[session], app.now(), &origin, app.app.draw()).await.expect("answers");
        // Those of before are asked about, and the answer says of none that it lives.
        let asked = hub.sessions();
        seats.push(hub.join(found.first().expect("a session")).expect("a seat"));
        hub.keep_only(&asked, &[], app.now());
    }
    assert!(seats[0].ends.is_cancelled() && !seats[1].ends.is_cancelled());
    // Nor is a second tab of one and the same session.
    let asked = hub.sessions();
    let session = hash_of(&app.browser(business.member(Role::Owner)).await);
    let origin = Origin { door: "live", network: None };
    let mut found = callers(app.app.db(), &[session], app.now(), &origin, app.app.draw()).await.expect("answers");
    let seat = hub.join(&found[0]).expect("a seat");
    hub.keep_only(&asked, &[], app.now());
    assert!(!seat.ends.is_cancelled());
    // Who owes a second factor is led to it by every page, and hears nothing before.
    let asked = hub.sessions();
    found[0].factor_due = Some(app.now().plus(1));
    hub.keep_only(&asked, &found, app.now());
    assert!(!seat.ends.is_cancelled());
    found[0].factor_due = Some(app.now());
    hub.keep_only(&asked, &found, app.now());
    assert!(seat.ends.is_cancelled());
}
