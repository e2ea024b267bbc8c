//! V7: sessions.

use std::collections::HashSet;

use axum::http::Method;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfort::{
    model::permission::{Need, Role},
    server::{
        boot::router,
        caller::FRESH_SECONDS,
        http::doors::Kind,
        store::session::{ABSOLUTE_SECONDS, IDLE_SECONDS},
    },
};
use tower_sessions::session::Id;

use super::{
    SEED, add_app, answer,
    forgery::{FIELDS, everything},
    is_in, says, sign_in, with,
};
use crate::{
    factor::{code, fresh},
    kit::{Browser, TestApp, sql},
    link::{ANOTHER, PASSWORD, SESSION, asked, mailed, opened, press, start},
    token::{self, me, program, refresh},
};

/// Whether a session opens a page, an action and a stream: all of them or none.
async fn opens(browser: &Browser) -> bool {
    let json = browser.clone().json();
    let page = browser.get("/account").await.status == 200;
    let stream = json.get("/live").await.status != 401;
    let action = json.post("/api/device/revoke", &[("id", "x")]).await.status != 401;
    assert_eq!((stream, action), (page, page), "the page, and not all of the others");
    page
}

#[test]
fn v7_1_1_how_long_sessions_last_is_written_down_as_it_is() {
    let (idle, longest) = (IDLE_SECONDS / 60, ABSOLUTE_SECONDS / 3600);
    let rule = format!("{idle} minutes without use, {longest} hours at most");
    assert!(says(&rule), "docs/ASVS.md does not say: {rule}");
}

#[tokio::test]
async fn v7_1_2_how_many_sessions_somebody_may_have_is_written_down_as_it_is() {
    assert!(says("There is no limit to how many sessions a person has at once"));
    let (app, business) = start().await;
    let mut browsers = Vec::new();
    for _ in 0..12 {
        browsers.push(app.browser(business.member(Role::Agent)).await);
    }
    for browser in &browsers {
        assert!(is_in(browser).await);
    }
    let page = browsers[0].get("/account/sessions").await.body;
    assert_eq!(page.matches("End this session").count(), 11, "each can be ended by itself");
}

#[tokio::test]
async fn v7_2_1_only_the_server_says_which_session_is_one() {
    let (app, business) = start().await;
    let good = app.session(business.member(Role::Owner)).await;
    assert!(opens(&with(&app, &[&good])).await);
    let (name, id) = good.split_once('=').expect("a cookie");
    let other = if id.starts_with('A') { "B" } else { "A" };
    for forged in [
        format!("{name}={}", Id::default()),
        format!("{name}={other}{}", &id[1..]),
        format!("{name}={id}A"),
        format!("{name}={}", &id[..21]),
        format!("{name}="),
        format!("ringfort={id}"),
    ] {
        assert!(!opens(&with(&app, &[&forged])).await, "{forged}");
    }
}

#[tokio::test]
async fn v7_2_2_tokens_of_programs_open_no_pages_and_sessions_no_programs_doors() {
    let (app, business) = token::start().await;
    let agent = business.member(Role::Agent);
    let access = program(&app, &agent.email).await.access;
    let bearer = format!("Bearer {access}");
    for path in ["/home", "/account", "/live"] {
        let headers = [("authorization", bearer.as_str())];
        let reply = app.stranger().json().ask(Method::GET, path, &headers, String::new()).await;
        assert_eq!(reply.status, 401, "{path}");
    }
    assert_eq!(app.browser(agent).await.get("/api/v1/me").await.status, 401);
    assert_eq!(me(&app, &access).await.status, 200);
}

#[tokio::test]
async fn v7_2_3_session_ids_have_128_bits_are_never_the_same_and_only_hashes_are_kept() {
    let (app, business) = start().await;
    let email = &business.member(Role::Owner).email;
    let mut ids = HashSet::new();
    for _ in 0..8 {
        let cookie = sign_in(&app.stranger(), email, PASSWORD).await.cookie(SESSION).expect("a session");
        let (_, id) = cookie.split_once('=').expect("a value");
        assert_eq!(URL_SAFE_NO_PAD.decode(id).expect("base64").len(), 16, "128 bits");
        ids.insert(id.to_owned());
    }
    assert_eq!(ids.len(), 8);
    let kept = sql::text(&app.owner, "select string_agg(s::text, ' ') from lobby.sessions s").await;
    assert!(ids.iter().all(|id| !kept.contains(id)));
}

/// A new session has come in the place of the old one.
async fn is_new(app: &TestApp, old: &str, new: Option<String>) -> String {
    let new = new.expect("a session");
    assert_ne!(new, old);
    assert!(!is_in(&with(app, &[old])).await, "the old one still opens");
    assert!(is_in(&with(app, &[&new])).await);
    new
}

#[tokio::test]
async fn v7_2_4_every_proof_draws_a_new_session_and_a_planted_one_stays_outside() {
    let (app, business) = start().await;
    let (owner, agent) = (business.member(Role::Owner), business.member(Role::Agent));
    add_app(&app, owner.user).await;
    // Somebody's own session, planted in the victim's browser before the victim signs in: with a second factor,
    let planted = app.session(business.member(Role::Viewer)).await;
    let reply = sign_in(&with(&app, &[&planted]), &owner.email, PASSWORD).await;
    let challenge = reply.cookie("__Host-challenge").expect("a question");
    let reply = answer(&with(&app, &[&planted, &challenge]), &code(SEED, app.now())).await;
    let session = is_new(&app, &planted, reply.cookie(SESSION)).await;
    // and by a mailed link.
    let planted = app.session(business.member(Role::Viewer)).await;
    let (asker, link) = asked(&app, &agent.email).await;
    let cookies = opened(&asker, &link).await.cookie.expect("cookies");
    let reply = press(&with(&app, &[&planted, &cookies])).await;
    is_new(&app, &planted, reply.cookie(SESSION)).await;
    // Whoever shows again who they are goes on under a new id: by a code, for the password is not enough for who has an app.
    let reply = with(&app, &[&session]).post("/api/confirm", &[("password", PASSWORD)]).await;
    assert_eq!(reply.cookie(SESSION), None);
    app.clock.advance(30);
    let reply = with(&app, &[&session]).post("/api/confirm", &[("code", &code(SEED, app.now()))]).await;
    let session = is_new(&app, &session, reply.cookie(SESSION)).await;
    let change = [("password", PASSWORD), ("new_password", ANOTHER)];
    let reply = with(&app, &[&session]).post("/api/password/change", &change).await;
    is_new(&app, &session, reply.cookie(SESSION)).await;
}

#[tokio::test]
async fn v7_3_1_a_session_that_nobody_uses_ends() {
    let (app, business) = start().await;
    let browser = app.browser(business.member(Role::Owner)).await;
    for _ in 0..3 {
        app.clock.advance(IDLE_SECONDS - 1);
        assert!(opens(&browser).await, "using it keeps it");
    }
    app.clock.advance(IDLE_SECONDS);
    assert!(!opens(&browser).await);
}

#[tokio::test]
async fn v7_3_2_a_session_ends_after_its_longest_time_however_it_is_used() {
    let (app, business) = start().await;
    let browser = app.browser(business.member(Role::Owner)).await;
    for _ in 0..ABSOLUTE_SECONDS / 1_200 - 1 {
        app.clock.advance(1_200);
        assert!(is_in(&browser).await);
    }
    app.clock.advance(1_199);
    assert!(opens(&browser).await);
    app.clock.advance(1);
    assert!(!opens(&browser).await);
}

#[tokio::test]
async fn v7_3_2_a_change_of_business_makes_no_session_longer() {
    let (app, business) = start().await;
    let mut browser = app.browser(business.member(Role::Owner)).await;
    let to = business.id.to_string();
    for _ in 0..=ABSOLUTE_SECONDS / 1_200 {
        app.clock.advance(1_200);
        let reply = browser.post("/api/switch", &[("business", &to)]).await;
        browser = browser.with_cookie(reply.cookie(SESSION));
    }
    assert!(!is_in(&browser).await);
}

#[tokio::test]
async fn v7_4_1_after_signing_out_nothing_opens_any_more() {
    let (app, business) = start().await;
    let browser = app.browser(business.member(Role::Owner)).await;
    assert!(opens(&browser).await);
    let reply = browser.post("/api/sign-out", &[]).await;
    assert_eq!(reply.header("location"), Some("/sign-in"));
    assert!(reply.cookies().iter().any(|set| set.starts_with("__Host-ringfort=;")), "the browser forgets it");
    assert!(!opens(&browser).await, "and whoever kept it has nothing");
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.sessions").await, 0);
}

#[tokio::test]
async fn v7_4_2_whoever_is_removed_is_out_at_once_with_everything_they_hold() {
    let (app, business) = token::start().await;
    let agent = business.member(Role::Agent);
    let (browser, held) = (app.browser(agent).await, program(&app, &agent.email).await);
    assert!(opens(&browser).await);
    let boss = app.browser(business.member(Role::Owner)).await.json();
    let id = agent.id.to_string();
    assert_eq!(boss.post("/api/team/remove", &[("id", &id), ("confirm", "remove")]).await.status, 200);
    assert!(!opens(&browser).await);
    assert_eq!(me(&app, &held.access).await.status, 401);
    token::is_refused(&refresh(&app, &held.refresh).await, "invalid_grant");
    assert_eq!(sign_in(&app.stranger().json(), &agent.email, token::PASSWORD).await.status, 422);
}

#[tokio::test]
async fn v7_4_3_a_changed_factor_ends_all_other_sessions_and_programs() {
    let (app, business) = token::start().await;
    let agent = business.member(Role::Agent);
    let (other, held) = (app.browser(agent).await, program(&app, &agent.email).await);
    let browser = fresh(&app, &business, Role::Agent).await;
    assert_eq!(browser.post("/api/two-factor/email/on", &[]).await.status, 303);
    assert!(is_in(&browser).await && !is_in(&other).await);
    assert_eq!(me(&app, &held.access).await.status, 401);
}

#[tokio::test]
async fn v7_4_4_every_page_of_who_is_signed_in_has_a_way_out() {
    let (app, business) = start().await;
    let mut seen = 0;
    for role in [Role::Owner, Role::Agent] {
        let browser = app.browser(business.member(role)).await;
        // The page that stands in without a network is the same for everybody.
        let is_page = |path: &str| !path.contains('{') && path != "/field/offline";
        let pages = router::doors().1.into_iter().filter(|door| door.kind == Kind::Page && is_page(door.path));
        for door in pages.filter(|door| door.need.admits(Some(role.grants()))) {
            let page = browser.get(door.path).await;
            if page.status != 303 {
                assert!(page.body.contains("action=\"/api/sign-out\""), "{} as {}", door.path, role.code());
                seen += 1;
            }
        }
    }
    assert!(seen >= 25, "only {seen} pages");
}

#[tokio::test]
async fn v7_4_5_an_owner_ends_somebodys_sessions() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let browser = app.browser(agent).await;
    let id = agent.id.to_string();
    for (role, status) in [(Role::Dispatcher, 403), (Role::Owner, 200)] {
        assert!(opens(&browser).await);
        let boss = app.browser(business.member(role)).await.json();
        assert_eq!(boss.post("/api/device/end-member", &[("id", &id)]).await.status, status, "{}", role.code());
    }
    assert!(!opens(&browser).await);
}

/// What people who are signed in do without a fresh proof: the day's work, and what reads, leaves, invites or ends something, or asks
/// for the password itself.
const NOT_ASKED_AGAIN: &[&str] = &[
    "/api/agent/state",
    "/api/agent/state/set",
    "/api/audit/filter/remove",
    "/api/audit/filter/save",
    "/api/audit/verify",
    "/api/board/queue/add",
    "/api/board/queue/remove",
    "/api/board/reason/add",
    "/api/board/reason/remove",
    "/api/board/save",
    "/api/calls/hang-up",
    "/api/calls/mute",
    "/api/calls/transfer",
    "/api/confirm",
    "/api/confirm/passkey",
    "/api/extensions/create",
    "/api/extensions/delete",
    "/api/masked-calls/open",
    "/api/operator/end",
    "/api/password/change",
    "/api/pops/acknowledge",
    "/api/proxy-numbers/add",
    "/api/proxy-numbers/remove",
    "/api/roles/view",
    "/api/roles/view/stop",
    "/api/settings/save",
    "/api/shift/begin",
    "/api/shift/end",
    "/api/sign-out",
    "/api/switch",
    "/api/team/import",
    "/api/team/invitation/resend",
    "/api/team/invitation/revoke",
    "/api/team/invite",
    "/api/tracking/create",
    "/api/tracking/revoke",
    "/api/wallboard/revoke",
    "/api/work-orders/assign",
    "/api/work-orders/cancel",
    "/api/work-orders/change",
    "/api/work-orders/create",
    "/api/work-orders/move",
];

#[tokio::test]
async fn v7_5_1_what_changes_how_people_get_in_asks_again_who_they_are() {
    let (app, business) = start().await;
    let browser = app.browser(business.member(Role::Owner)).await;
    app.clock.advance(FRESH_SECONDS + 1);
    assert!(is_in(&browser).await, "and when it was last seen is written down");
    let before = everything(&app, &business).await;
    let mut others = Vec::new();
    for door in router::doors().1.into_iter().filter(|door| door.kind == Kind::Action && door.need != Need::Public) {
        if !door.asks_again {
            others.push(door.path);
            continue;
        }
        let reply = browser.post(door.path, &FIELDS).await;
        let asks = reply.header("location").is_some_and(|to| to.starts_with("/confirm?next="));
        assert!(asks, "{}: {} {}", door.path, reply.status, reply.body);
    }
    others.sort_unstable();
    assert_eq!(others, NOT_ASKED_AGAIN, "does it need a fresh proof? (docs/ASVS.md, 7.5.1)");
    assert_eq!(everything(&app, &business).await, before, "and nothing was done");
}

#[tokio::test]
async fn v7_5_2_people_see_their_sessions_and_end_them() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let (here, phone, tablet) = (app.browser(agent).await, app.browser(agent).await, app.browser(agent).await);
    let page = here.get("/account/sessions").await.body;
    let (_, rest) = page.split_once("value=\"ses_").expect("a session that can be ended");
    let id = format!("ses_{}", rest.split('"').next().expect("an id"));
    assert_eq!(here.post("/api/device/revoke", &[("id", &id)]).await.status, 303);
    assert_ne!(is_in(&phone).await, is_in(&tablet).await, "one of them is over");
    assert_eq!(here.post("/api/device/revoke-others", &[]).await.status, 303);
    assert!(is_in(&here).await && !is_in(&phone).await && !is_in(&tablet).await);
}

#[tokio::test]
async fn v7_6_2_looking_at_a_page_signs_nobody_in() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    let (asker, link) = asked(&app, &owner.email).await;
    let to_sign_in = opened(&asker, &link).await;
    app.stranger().post("/api/password/forgot", &[("email", &owner.email)]).await;
    let to_reset = opened(&app.stranger(), &mailed(&app, &owner.email, "reset").await).await;
    let pages = router::doors().1.into_iter().filter(|door| door.method == Method::GET && !door.path.contains('{'));
    for door in pages {
        for (browser, method) in [(&to_sign_in, Method::GET), (&to_sign_in, Method::HEAD), (&to_reset, Method::GET)] {
            let reply = browser.ask(method, door.path, &[], String::new()).await;
            assert_eq!(reply.cookie(SESSION), None, "{}", door.path);
        }
    }
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.sessions").await, 0);
    assert!(press(&to_sign_in).await.cookie(SESSION).is_some(), "the button does");
}
