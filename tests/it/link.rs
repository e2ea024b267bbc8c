//! Links by mail (ACC-2): one use, one purpose, one browser, and no hint whether an account exists.

use std::time::{Duration, Instant};

use axum::http::Method;
use ringfort::{
    model::{permission::Role, profile::Profile},
    server::services::link::SECONDS,
};
use tokio::task::JoinSet;

use crate::kit::{Browser, Business, Reply, TestApp, sql};

pub const PASSWORD: &str = "Seven quiet otters, 1 pond";
pub const ANOTHER: &str = "Eight quiet otters, 2 ponds";
pub const SESSION: &str = "__Host-ringfort";
const ASKED: &str = "__Host-asked";
const LINK: &str = "__Host-link";
const OPEN: &str = "/sign-in/link/open";

pub async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    app.give_password(business.member(Role::Owner), PASSWORD).await;
    (app, business)
}

/// What was mailed to an address since the last look.
pub async fn mails(app: &TestApp, email: &str) -> Vec<String> {
    app.run_jobs().await;
    let folder = app.app.mailer().folder().expect("mails go into a folder").to_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let mail = std::fs::read_to_string(&path).expect("a mail").replace("=\r\n", "");
        std::fs::remove_file(&path).expect("is read once");
        if mail.contains(&format!("To: {email}\r\n")) {
            found.push(mail);
        }
    }
    found
}

/// The path of the link in the one mail with a link for a purpose that an address got.
pub async fn mailed(app: &TestApp, email: &str, purpose: &str) -> String {
    let opening = format!("/open/{purpose}/");
    let mails: Vec<_> = mails(app, email).await.into_iter().filter(|mail| mail.contains(&opening)).collect();
    let [mail] = &mails[..] else { panic!("one mail to {email}, not {}", mails.len()) };
    assert!(mail.contains("Content-Type: text/plain") && mail.contains("Content-Type: text/html"), "{mail}");
    let (_, rest) = mail.split_once(&opening).expect("a link");
    let token: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    format!("/open/{purpose}/{token}")
}

/// A browser that has asked for a link to sign in with, and the link.
pub async fn asked(app: &TestApp, email: &str) -> (Browser, String) {
    let reply = app.stranger().post("/api/link/ask", &[("email", email)]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/sign-in/link/sent")), "{}", reply.body);
    (app.stranger().with_cookie(reply.cookie(ASKED)), mailed(app, email, "link").await)
}

/// The same browser, when it has opened a link.
pub async fn opened(browser: &Browser, link: &str) -> Browser {
    let reply = browser.get(link).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    let token = reply.cookie(LINK).expect("the token moves into a cookie");
    let cookies: Vec<_> = browser.cookie.iter().cloned().chain([token]).collect();
    browser.clone().with_cookie(Some(cookies.join("; ")))
}

pub async fn press(browser: &Browser) -> Reply {
    browser.post("/api/link/enter", &[]).await
}

pub fn location(reply: &Reply) -> (u16, Option<&str>) {
    (reply.status, reply.header("location"))
}

pub fn is_refused(reply: &Reply) {
    assert_eq!(reply.cookie(SESSION), None, "{}", reply.body);
}

/// The code that an opened link shows.
pub async fn code(browser: &Browser) -> String {
    let page = browser.get(OPEN).await;
    let (_, rest) = page.body.split_once("class=\"secret\">").unwrap_or_else(|| panic!("no code: {}", page.body));
    rest.split('<').next().expect("a code").to_owned()
}

async fn is_in(browser: &Browser) -> bool {
    browser.get("/home").await.status == 200
}

pub async fn entries(app: &TestApp, action: &str, result: &str) -> i64 {
    let counted = format!("select count(*) from audit_entries where action = '{action}' and result = '{result}'");
    sql::count(&app.owner, counted).await
}

#[tokio::test]
async fn acc_2_a_link_signs_in_once_where_it_was_asked_for() {
    let (app, business) = start().await;
    let (asker, link) = asked(&app, &business.member(Role::Owner).email).await;
    let token = link.rsplit('/').next().expect("a token");
    let stored = sql::text(&app.owner, "select l::text from lobby.links l").await;
    assert!(!stored.contains(token), "the token itself is stored");
    let browser = opened(&asker, &link).await;
    let page = browser.get(OPEN).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("/api/link/enter") && !page.body.contains(token), "{}", page.body);
    let reply = press(&browser).await;
    assert_eq!(location(&reply), (303, Some("/home")), "{}", reply.body);
    let session = reply.cookie(SESSION).expect("a session");
    assert!(is_in(&app.stranger().with_cookie(Some(session))).await);
    let again = press(&browser).await;
    assert_eq!(location(&again), (303, Some(OPEN)));
    is_refused(&again);
    assert_eq!(browser.get(OPEN).await.status, 404);
    assert_eq!(entries(&app, "session.link_asked", "done").await, 1);
    assert_eq!(entries(&app, "session.started", "done").await, 1);
}

#[tokio::test]
async fn acc_2_after_a_link_the_way_goes_on_inside_only() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    for (next, to) in [("/calls?state=ringing", "/calls?state=ringing"), ("//evil.example", "/home"), ("", "/home")] {
        let reply = app.stranger().post("/api/link/ask", &[("email", &owner.email), ("next", next)]).await;
        let asker = app.stranger().with_cookie(reply.cookie(ASKED));
        let browser = opened(&asker, &mailed(&app, &owner.email, "link").await).await;
        assert_eq!(location(&press(&browser).await), (303, Some(to)));
    }
}

#[tokio::test]
async fn acc_2_a_link_is_good_for_fifteen_minutes() {
    let (app, business) = start().await;
    assert_eq!(SECONDS, 15 * 60);
    let (asker, link) = asked(&app, &business.member(Role::Agent).email).await;
    let browser = opened(&asker, &link).await;
    app.clock.advance(SECONDS - 1);
    assert_eq!(browser.get(OPEN).await.status, 200);
    app.clock.advance(1);
    assert_eq!(browser.get(OPEN).await.status, 404);
    is_refused(&press(&browser).await);
}

#[tokio::test]
async fn acc_2_a_newer_link_takes_the_place_of_an_older_one() {
    let (app, business) = start().await;
    let email = &business.member(Role::Agent).email;
    let (first, old) = asked(&app, email).await;
    let (second, new) = asked(&app, email).await;
    is_refused(&press(&opened(&first, &old).await).await);
    is_refused(&press(&opened(&second, &old).await).await);
    // Links for another purpose and of other people stay.
    app.stranger().post("/api/password/forgot", &[("email", email)]).await;
    app.stranger().post("/api/link/ask", &[("email", &business.member(Role::Viewer).email)]).await;
    assert!(press(&opened(&second, &new).await).await.cookie(SESSION).is_some());
}

#[tokio::test]
async fn acc_2_looking_at_a_link_consumes_nothing_and_pressing_elsewhere_signs_nobody_in() {
    let (app, business) = start().await;
    let (asker, link) = asked(&app, &business.member(Role::Agent).email).await;
    for _ in 0..3 {
        for method in [Method::GET, Method::HEAD] {
            let scanner = app.stranger();
            let reply = scanner.ask(method.clone(), &link, &[], String::new()).await;
            assert_eq!(location(&reply), (303, Some(OPEN)));
            let scanner = opened(&scanner, &link).await;
            assert_eq!(scanner.ask(method, OPEN, &[], String::new()).await.status, 200);
            let pressed = press(&scanner).await;
            assert_eq!(location(&pressed), (303, Some(OPEN)), "{}", pressed.body);
            is_refused(&pressed);
        }
    }
    assert!(press(&opened(&asker, &link).await).await.cookie(SESSION).is_some());
}

#[tokio::test]
async fn acc_2_another_browser_shows_a_code_that_only_the_first_one_can_use() {
    let (app, business) = start().await;
    let (asker, link) = asked(&app, &business.member(Role::Agent).email).await;
    let (other, _) = asked(&app, &business.member(Role::Viewer).email).await;
    let elsewhere = opened(&app.stranger(), &link).await;
    let page = elsewhere.get(OPEN).await;
    assert!(page.status == 200 && !page.body.contains("class=\"secret\""), "{}", page.body);
    is_refused(&press(&elsewhere).await);
    let shown = code(&elsewhere).await;
    press(&elsewhere).await;
    assert_eq!(code(&elsewhere).await, shown, "however often it is asked for");
    for stranger in [app.stranger(), elsewhere, other] {
        let reply = stranger.json().post("/api/link/code", &[("code", &shown)]).await;
        assert_eq!(reply.status, 422, "{}", reply.body);
        is_refused(&reply);
    }
    let typed = format!(" {} ", shown.to_lowercase());
    let reply = asker.post("/api/link/code", &[("code", &typed)]).await;
    assert_eq!(location(&reply), (303, Some("/home")), "{}", reply.body);
    assert!(reply.cookie(SESSION).is_some());
    is_refused(&asker.post("/api/link/code", &[("code", &typed)]).await);
    is_refused(&press(&opened(&asker, &link).await).await);
}

#[tokio::test]
async fn acc_2_five_wrong_codes_end_the_link() {
    let (app, business) = start().await;
    let (asker, link) = asked(&app, &business.member(Role::Agent).email).await;
    let elsewhere = opened(&app.stranger(), &link).await;
    press(&elsewhere).await;
    let shown = code(&elsewhere).await;
    for _ in 0..5 {
        let reply = asker.clone().json().post("/api/link/code", &[("code", "ABCD-EFGH")]).await;
        assert_eq!(reply.status, 422);
    }
    assert_eq!(entries(&app, "session.refused", "refused").await, 5);
    is_refused(&asker.post("/api/link/code", &[("code", &shown)]).await);
    is_refused(&press(&opened(&asker, &link).await).await);
}

#[tokio::test]
async fn acc_2_a_code_that_nobody_has_asked_to_see_is_worth_nothing() {
    let (app, business) = start().await;
    let (asker, link) = asked(&app, &business.member(Role::Agent).email).await;
    let elsewhere = opened(&app.stranger(), &link).await;
    press(&elsewhere).await;
    let shown = code(&elsewhere).await;
    sql::run(&app.owner, "update lobby.links set code_hash = null").await;
    is_refused(&asker.post("/api/link/code", &[("code", &shown)]).await);
}

#[tokio::test]
async fn acc_2_of_eight_uses_at_once_one_signs_in() {
    let (app, business) = start().await;
    let (asker, link) = asked(&app, &business.member(Role::Agent).email).await;
    let browser = opened(&asker, &link).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let browser = browser.clone();
        tasks.spawn(async move { press(&browser).await.cookie(SESSION).is_some() });
    }
    let mut signed_in = 0;
    while let Some(done) = tasks.join_next().await {
        signed_in += usize::from(done.expect("no task panics"));
    }
    assert_eq!(signed_in, 1);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.sessions").await, 1);
}

/// Everything about an answer but the date, and what the browser alone is to know.
fn outside(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> = reply
        .headers
        .iter()
        .filter(|(name, _)| *name != "date" && *name != "content-security-policy")
        .map(|(name, value)| {
            let mut text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            if let Some((name, rest)) = text.clone().split_once('=').filter(|_| name == "set-cookie") {
                let (value, attributes) = rest.split_once(';').expect("attributes");
                text = format!("{name}={} characters;{attributes}", value.len());
            }
            (name.to_string(), text)
        })
        .collect();
    headers.sort();
    (reply.status, headers, reply.normal(&[]))
}

#[tokio::test]
async fn acc_2_an_unknown_address_gets_the_same_answer_in_the_same_time() {
    let (app, business) = start().await;
    let (known, unknown) = (business.member(Role::Owner).email.as_str(), "other@a.example");
    for (path, page) in [("/api/link/ask", "/sign-in/link/sent"), ("/api/password/forgot", "/forgot/sent")] {
        let mut answers = Vec::new();
        for email in [known, unknown] {
            let began = Instant::now();
            let form = app.stranger().post(path, &[("email", email)]).await;
            assert!(began.elapsed() >= Duration::from_millis(200), "{path} {email}");
            let json = app.stranger().json().post(path, &[("email", email)]).await;
            let browser = app.stranger().with_cookie(form.cookie(ASKED));
            let code = browser.clone().json().post("/api/link/code", &[("code", "ABCD-EFGH")]).await;
            answers.push([&form, &json, &browser.get(page).await, &code].map(outside));
        }
        assert_eq!(answers[0], answers[1], "{path}");
        assert_eq!(answers[0][0].0, 303);
    }
    let strange = app.stranger().json().post("/api/link/ask", &[("email", "not an address")]).await;
    assert_eq!(strange.status, 422, "the form of an address is no secret");
    assert_eq!(sql::count(&app.owner, "select count(distinct user_id) from lobby.links").await, 1);
    assert!(mails(&app, unknown).await.is_empty());
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.mails").await, 0);
}

#[tokio::test]
async fn acc_2_a_mailbox_is_not_a_strangers_to_fill() {
    let (app, business) = start().await;
    let email = &business.member(Role::Agent).email;
    for _ in 0..12 {
        let reply = app.stranger().post("/api/link/ask", &[("email", email)]).await;
        assert_eq!(location(&reply), (303, Some("/sign-in/link/sent")));
    }
    assert_eq!(mails(&app, email).await.len(), 10);
    app.clock.advance(3_600);
    assert!(!asked(&app, email).await.1.is_empty(), "an hour later there are mails again");
}

#[tokio::test]
async fn acc_2_nobody_without_a_business_gets_a_link() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let (asker, link) = asked(&app, &agent.email).await;
    sql::run(&app.owner, format!("update members set state = 'removed' where id = '{}'", agent.id.0)).await;
    is_refused(&press(&opened(&asker, &link).await).await);
    app.stranger().post("/api/link/ask", &[("email", &agent.email)]).await;
    assert!(mails(&app, &agent.email).await.is_empty());
}

#[tokio::test]
async fn acc_2_a_link_is_good_for_its_purpose_only() {
    let (app, business) = start().await;
    let email = &business.member(Role::Owner).email;
    let (asker, to_sign_in) = asked(&app, email).await;
    app.stranger().post("/api/password/forgot", &[("email", email)]).await;
    let to_reset = mailed(&app, email, "reset").await;
    let swapped = opened(&asker, &to_sign_in.replace("/link/", "/reset/")).await;
    assert_eq!(swapped.get("/reset").await.status, 404);
    let reply = swapped.post("/api/password/reset", &[("password", ANOTHER)]).await;
    assert_eq!(location(&reply), (303, Some("/reset")));
    let swapped = opened(&asker, &to_reset.replace("/reset/", "/link/")).await;
    assert_eq!(swapped.get(OPEN).await.status, 404);
    is_refused(&press(&swapped).await);
    assert!(press(&opened(&asker, &to_sign_in).await).await.cookie(SESSION).is_some(), "neither was used up");
}

#[tokio::test]
async fn acc_6_a_used_token_leaves_the_browser() {
    let (app, a) = start().await;
    let is_taken = |reply: &Reply| reply.cookies().iter().any(|cookie| cookie.starts_with(&format!("{LINK}=;")));

    let email = "founder@b.example";
    let profile = Profile::FieldService.code();
    let fields = [("email", email), ("business", "Business b"), ("profile", profile), ("zone", "Europe/Berlin")];
    let reply = app.stranger().post("/api/sign-up", &fields).await;
    assert_eq!(location(&reply), (303, Some("/sign-up/sent")), "{}", reply.body);
    let founder = opened(&app.stranger(), &mailed(&app, email, "sign-up").await).await;
    let refused = founder.post("/api/sign-up/finish", &[("name", "Ada Lovelace"), ("password", "short")]).await;
    assert!(!is_taken(&refused), "another try needs it");
    let reply = founder.post("/api/sign-up/finish", &[("name", "Ada Lovelace"), ("password", PASSWORD)]).await;
    assert_eq!(location(&reply), (303, Some("/home")), "{}", reply.body);
    assert!(is_taken(&reply), "{:?}", reply.cookies());

    let email = "joins@a.example";
    app.browser(a.member(Role::Owner)).await.post("/api/team/invite", &[("email", email), ("role", "agent")]).await;
    let invited = opened(&app.stranger(), &mailed(&app, email, "join").await).await;
    let reply = invited.post("/api/join", &[("name", "Grace Hopper"), ("password", PASSWORD)]).await;
    assert_eq!(location(&reply), (303, Some("/home")), "{}", reply.body);
    assert!(is_taken(&reply), "{:?}", reply.cookies());
}
