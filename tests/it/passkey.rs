//! Passkeys (ACC-3): adding one, what it opens, and that nothing else answers in its place. The authenticator here speaks
//! CTAP's formats in our own words; Chromium's own one is asked by `end2end/passkeys.test.mjs`.

mod answer;
mod key;

use axum::http::Method;
use ringfort::{
    model::{
        id::{PasskeyId, UserId},
        lockout::FAILURES,
        permission::Role,
        profile::Profile,
    },
    server::{http::passkey, services::factor::passkey::MOST, store::lobby::Factors},
};
use serde_json::{Value, json};

pub use self::key::Authenticator;
use crate::{
    factor::{mailed, revealed},
    kit::{Browser, Business, PUBLIC_URL, Reply, TestApp, sql},
};

const ADD: &str = "/api/two-factor/passkey/add";
const REMOVE: &str = "/api/two-factor/passkey/remove";
const SIGN_IN: &str = "/api/sign-in/passkey";
const PASSWORD: &str = "seven quiet otters";
const NONE: Factors = Factors { totp: false, email_codes: false, text_codes: false, passkeys: 0, recovery_left: 0 };

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    (app, business)
}

/// A row of somebody's, for tests that need no key behind it: its id.
pub async fn stored(app: &TestApp, user: UserId) -> String {
    let id: PasskeyId = app.app.draw();
    let statement = format!(
        "insert into lobby.passkeys (id, user_id, credential_id, credential, name, added_at)
         values ('{}', '{}', '\\x{}', '{{}}', 'A key', now())",
        id.0,
        user.0,
        id.0.simple()
    );
    sql::run(&app.owner, statement).await;
    id.to_string()
}

async fn factors(app: &TestApp, user: UserId) -> Factors {
    ringfort::server::store::lobby::factors_of(app.app.db(), user).await.expect("answers")
}

async fn entries(app: &TestApp, condition: &str) -> i64 {
    sql::count(&app.owner, format!("select count(*) from audit_entries where {condition}")).await
}

/// Begins a ceremony: what the browser is asked, and the browser with its cookie.
pub async fn started(browser: &Browser, path: &str) -> (Value, Browser) {
    let reply = browser.clone().json().post(path, &[]).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    let ceremony = reply.cookie("__Host-passkey").expect("a ceremony");
    let cookies = browser.cookie.as_ref().map_or_else(|| ceremony.clone(), |own| format!("{own}; {ceremony}"));
    (serde_json::from_str(&reply.body).expect("JSON"), browser.clone().with_cookie(Some(cookies)))
}

/// Adds a passkey: what came back, and the browser that asked.
async fn try_add(browser: &Browser, key: &mut Authenticator, name: &str) -> (Reply, Browser) {
    let (options, asked) = started(browser, passkey::REGISTER).await;
    let answer = key.make(&options, PUBLIC_URL);
    (asked.post(ADD, &[("name", name), ("credential", &answer)]).await, asked)
}

/// A person's first passkey, and their recovery codes.
pub async fn add(browser: &Browser) -> (Authenticator, Vec<String>) {
    let mut key = Authenticator::new();
    let (reply, asked) = try_add(browser, &mut key, "Work laptop").await;
    (key, revealed(&asked, &reply).await)
}

/// Signs in with nothing but a passkey.
async fn sign_in(app: &TestApp, key: &mut Authenticator) -> Reply {
    let (options, asked) = started(&app.stranger(), passkey::SIGN_IN).await;
    let answer = key.sign(&options, PUBLIC_URL);
    asked.json().post(SIGN_IN, &[("credential", &answer), ("next", "/calls")]).await
}

fn admitted(reply: &Reply) -> bool {
    assert!(matches!(reply.status, 200 | 422), "{} {}", reply.status, reply.body);
    let admitted = reply.cookie("__Host-ringfort").is_some();
    assert_eq!(admitted, reply.status == 200, "{}", reply.body);
    admitted
}

#[tokio::test]
async fn acc_3_a_passkey_signs_in_with_nothing_else() {
    let (app, a) = start().await;
    let owner = a.member(Role::Owner);
    let (browser, other) = (app.browser(owner).await, app.browser(owner).await);
    let mut key = Authenticator::new();
    let (reply, asked) = try_add(&browser, &mut key, " Work laptop ").await;
    assert_eq!(revealed(&asked, &reply).await.len(), 10, "recovery codes come with the first factor");
    assert_eq!(factors(&app, owner.user).await, Factors { passkeys: 1, recovery_left: 10, ..NONE });
    assert_ne!(other.get("/home").await.status, 200, "their other sessions end");
    assert_eq!(entries(&app, "action = 'factor.added' and after ->> 'kind' = 'passkey'").await, 1);
    assert!(mailed(&app).await.contains("a second factor was added to your account just now: a passkey."));
    let page = browser.get("/account/two-factor").await.body;
    assert!(page.contains("Work laptop") && page.contains("Passkey to remove"), "{page}");

    let reply = sign_in(&app, &mut key).await;
    assert!(admitted(&reply) && reply.body.contains("\"/calls\""), "{}", reply.body);
    assert_eq!(entries(&app, "action = 'session.started' and after ->> 'means' = 'passkey'").await, 1);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.passkeys where used_at is not null").await, 1);
    assert!(admitted(&sign_in(&app, &mut key).await), "and again");
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.passkey_ceremonies").await, 0, "none is left");
    // Nobody's own words for it, and nothing of the key, is written down.
    let log = sql::text(&app.owner, "select string_agg(e::text, ' ') from audit_entries e").await;
    assert!(!log.contains("Work laptop") && !log.contains(&owner.email), "{log}");
}

#[tokio::test]
async fn acc_3_a_page_that_asks_for_a_passkey_has_one_main_button() {
    let (app, a) = start().await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let main_buttons = |page: &str| {
        let (_, main) = page.split_once("<main").expect("a page");
        main.matches("btn btn-primary").count()
    };
    assert_eq!(main_buttons(&owner.get("/confirm").await.body), 1, "the password's");
    add(&owner).await;
    let page = owner.get("/confirm").await.body;
    assert!(page.contains("Use your passkey") && page.contains("Go on"), "{page}");
    assert_eq!(main_buttons(&page), 1, "the passkey's");
}

#[tokio::test]
async fn acc_3_no_passkey_is_registered_twice() {
    let (app, a) = start().await;
    let (owner, agent) = (app.browser(a.member(Role::Owner)).await, app.browser(a.member(Role::Agent)).await);
    let (mut key, _) = add(&owner).await;
    // Their own authenticator is told not to make a second one; one that does all the same is not believed.
    let (options, asked) = started(&owner, passkey::REGISTER).await;
    assert_eq!(options["excludeCredentials"][0]["id"], key.id_text());
    let answer = key.make(&options, PUBLIC_URL);
    let reply = asked.json().post(ADD, &[("name", "Again"), ("credential", &answer)]).await;
    assert_eq!(reply.status, 422, "{}", reply.body);
    // Nor does it become somebody else's.
    let (options, asked) = started(&agent, passkey::REGISTER).await;
    let answer = key.make(&options, PUBLIC_URL);
    let reply = asked.json().post(ADD, &[("name", "Theirs"), ("credential", &answer)]).await;
    assert_eq!(reply.status, 422, "{}", reply.body);
    assert_eq!(factors(&app, a.member(Role::Agent).user).await, NONE);
    assert_eq!(factors(&app, a.member(Role::Owner).user).await.passkeys, 1);
}

#[tokio::test]
async fn acc_3_a_passkey_has_a_name_and_there_are_twenty_at_most() {
    let (app, a) = start().await;
    let user = a.member(Role::Agent).user;
    let browser = app.browser(a.member(Role::Agent)).await;
    for name in ["", "   ", "a\u{7}b", &"x".repeat(61)] {
        let (options, asked) = started(&browser, passkey::REGISTER).await;
        let answer = Authenticator::new().make(&options, PUBLIC_URL);
        let reply = asked.json().post(ADD, &[("name", name), ("credential", &answer)]).await;
        assert_eq!(reply.status, 422, "{name:?}: {}", reply.body);
        assert!(reply.body.contains("\"name\""), "{}", reply.body);
    }
    let (reply, _) = try_add(&browser, &mut Authenticator::new(), "The first").await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    let spare = format!(
        "insert into lobby.passkeys (id, user_id, credential_id, credential, name, added_at)
         select gen_random_uuid(), user_id, decode(lpad(n::text, 4, '0'), 'hex'), credential, 'Spare', now()
         from lobby.passkeys, generate_series(2, {MOST}) n"
    );
    sql::run(&app.owner, spare).await;
    let (options, asked) = started(&browser, passkey::REGISTER).await;
    let answer = Authenticator::new().make(&options, PUBLIC_URL);
    let reply = asked.json().post(ADD, &[("name", "One more"), ("credential", &answer)]).await;
    assert_eq!(reply.status, 422, "{}", reply.body);
    assert_eq!(factors(&app, user).await.passkeys, i64::from(MOST));
}

#[tokio::test]
async fn acc_3_a_removed_passkey_opens_nothing() {
    let (app, a) = start().await;
    let agent = a.member(Role::Agent);
    let browser = app.browser(agent).await;
    let (mut key, _) = add(&browser).await;
    let other = app.browser(agent).await;
    let named = "select 'psk_' || replace(id::text, '-', '') from lobby.passkeys";
    let id = sql::text(&app.owner, named).await;
    let json = browser.clone().json();
    for word in ["", "yes"] {
        assert_eq!(json.post(REMOVE, &[("id", &id), ("word", word)]).await.status, 422);
    }
    for strange in ["", "psk_1", "mem_00000000000000000000000000000000", "psk_00000000000000000000000000000000"] {
        assert_eq!(json.post(REMOVE, &[("id", strange), ("word", "remove")]).await.status, 404, "{strange}");
    }
    assert_eq!(factors(&app, agent.user).await.passkeys, 1);
    let reply = browser.post(REMOVE, &[("id", &id), ("word", " remove ")]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/account/two-factor")), "{}", reply.body);
    assert_eq!(factors(&app, agent.user).await, NONE, "the recovery codes stood in for it alone");
    assert_ne!(other.get("/home").await.status, 200, "their other sessions end");
    assert!(mailed(&app).await.contains("a second factor was removed"));
    assert_eq!(entries(&app, "action = 'factor.removed' and after ->> 'kind' = 'passkey'").await, 1);
    assert!(!admitted(&sign_in(&app, &mut key).await));
}

#[tokio::test]
async fn acc_8_passkeys_come_and_go_only_after_a_fresh_proof() {
    let (app, a) = start().await;
    let browser = app.browser(a.member(Role::Agent)).await;
    app.clock.advance(601);
    let told = browser.clone().json().post(passkey::REGISTER, &[]).await;
    assert_eq!(told.status, 403, "{}", told.body);
    let reply = browser.post(ADD, &[("name", "Work laptop"), ("credential", "{}")]).await;
    assert!(reply.header("location").is_some_and(|to| to.starts_with("/confirm?next=")), "{}", reply.body);
}

#[tokio::test]
async fn acc_4_a_lock_does_not_hold_a_passkey_up() {
    let (app, a) = start().await;
    let agent = a.member(Role::Agent);
    app.give_password(agent, PASSWORD).await;
    let (mut key, _) = add(&app.browser(agent).await).await;
    let stranger = app.stranger().json();
    for _ in 0..FAILURES {
        let reply = stranger.post("/api/sign-in", &[("email", &agent.email), ("password", "eight quiet otters")]).await;
        assert_eq!(reply.status, 422);
    }
    let reply = stranger.post("/api/sign-in", &[("email", &agent.email), ("password", PASSWORD)]).await;
    assert_eq!(reply.status, 422, "locked");
    assert!(admitted(&sign_in(&app, &mut key).await));
}

#[tokio::test]
async fn acc_7_a_program_is_told_that_a_recovery_code_stands_in_for_a_passkey() {
    let (app, a) = start().await;
    let agent = a.member(Role::Agent);
    app.give_password(agent, PASSWORD).await;
    let (_, codes) = add(&app.browser(agent).await).await;
    let ask = async |code: Option<&str>| {
        let body = json!({
            "grant_type": "password", "email": agent.email, "password": PASSWORD, "device": "A phone", "code": code,
        });
        let headers = [("content-type", "application/json")];
        app.stranger().json().ask(Method::POST, "/api/v1/token", &headers, body.to_string()).await
    };
    let told = ask(None).await;
    assert_eq!(told.status, 400, "{}", told.body);
    assert!(told.body.contains("a passkey cannot be shown here, but a recovery code can"), "{}", told.body);
    let issued = ask(Some(&codes[0])).await;
    assert_eq!(issued.status, 200, "{}", issued.body);
}

#[tokio::test]
async fn acc_3_the_pages_say_what_passkeys_need() {
    let (app, a) = start().await;
    let page = app.stranger().get("/sign-in?next=/calls").await.body;
    assert!(
        page.contains("data-passkey=\"get\"") && page.contains("data-start=\"/api/sign-in/passkey/start\""),
        "{page}"
    );
    assert!(page.contains("Sign in with a passkey") && page.contains("Passkeys need scripts"), "{page}");
    assert!(page.contains("src=\"/static/passkey.js\""), "{page}");
    // Nothing of it where nothing answers with one.
    let home = app.browser(a.member(Role::Agent)).await.get("/home").await.body;
    assert!(!home.contains("passkey.js"), "{home}");
    let stored = ["passkeys", "passkey_ceremonies"];
    for role in ["ringfort_app", "ringfort_worker", "ringfort_auditor"] {
        let pool = app.pool_as(role, 1);
        for table in stored {
            let statement = format!("select * from lobby.{table}");
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&pool).await;
            assert_eq!(sql::code(refused.map(|done| done.rows_affected())), "42501", "{role} {table}");
        }
    }
}
