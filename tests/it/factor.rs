//! Second factors (ACC-3): the authenticator app here, recovery codes and codes by mail in [`codes`], codes by text message
//! in [`texts`]. The app's codes are computed in our own words, not the product's.

mod codes;
mod reset;
mod texts;

use std::fmt::Write;

use futures::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use ringfort::{
    model::{id::UserId, permission::Role, profile::Profile},
    server::{
        kit::At,
        services::{
            factor::{SET_UP_SECONDS, check_code},
            session::Proof,
        },
        store::lobby::{Factors, factors_of},
        vault::Purpose,
    },
};
use sha1::Sha1;
use uuid::Uuid;

use crate::kit::{Browser, Business, Reply, TestApp, sql};

const OVERVIEW: &str = "/account/two-factor";
const APP: &str = "/account/two-factor/app";
const CODES: &str = "/account/two-factor/codes";
const NONE: Factors = Factors { totp: false, email_codes: false, text_codes: false, passkeys: 0, recovery_left: 0 };

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    (app, business)
}

/// Somebody who has just shown again who they are, in all their browsers.
async fn prove(app: &TestApp, user: UserId) {
    let now = app.now().as_second();
    let statement =
        format!("update lobby.sessions set data = jsonb_set(data, '{{proved}}', '{now}') where user_id = '{}'", user.0);
    sql::run(&app.owner, statement).await;
}

/// A browser in which somebody has just shown who they are.
pub async fn fresh(app: &TestApp, business: &Business, role: Role) -> Browser {
    let browser = app.browser(business.member(role)).await;
    prove(app, business.member(role).user).await;
    browser
}

async fn is_in(browser: &Browser) -> bool {
    browser.get("/home").await.status == 200
}

async fn factors(app: &TestApp, user: UserId) -> Factors {
    factors_of(app.app.db(), user).await.expect("answers")
}

async fn entries(app: &TestApp, condition: &str) -> i64 {
    sql::count(&app.owner, format!("select count(*) from audit_entries where {condition}")).await
}

/// RFC 6238 with SHA-1, 30 seconds, six digits.
pub fn code(seed: &[u8], at: At) -> String {
    let counter = u64::try_from(at.as_second() / 30).expect("after 1970");
    let mut mac = Hmac::<Sha1>::new_from_slice(seed).expect("any length will do");
    mac.update(&counter.to_be_bytes());
    let digest: Vec<u8> = mac.finalize().into_bytes().to_vec();
    let offset = usize::from(digest[19] & 15);
    let four: [u8; 4] = digest[offset..offset + 4].try_into().expect("four bytes");
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

fn base32(text: &str) -> Vec<u8> {
    let mut bits = String::new();
    for letter in text.chars().filter(|c| !c.is_whitespace()) {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).expect("a letter of base 32");
        write!(bits, "{value:05b}").expect("writing to a string");
    }
    let byte = |eight: &[u8]| u8::from_str_radix(std::str::from_utf8(eight).expect("digits"), 2).expect("eight bits");
    bits.as_bytes().chunks_exact(8).map(byte).collect()
}

/// The text of the element that a page shows a secret in.
fn secret(body: &str) -> String {
    let (_, rest) = body.split_once("class=\"secret\"").unwrap_or_else(|| panic!("no secret: {body}"));
    let (_, rest) = rest.split_once('>').expect("an element");
    rest.split_once('<').expect("its end").0.trim().to_owned()
}

/// Begins to set an app up: the seed, as the page shows it.
pub async fn begin(browser: &Browser) -> Vec<u8> {
    let reply = browser.post("/api/two-factor/start", &[]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(APP)), "{}", reply.body);
    let page = browser.get(APP).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let seed = base32(&secret(&page.body));
    assert_eq!(seed.len(), 20, "160 bits");
    seed
}

/// The recovery codes that an action led to.
pub async fn revealed(browser: &Browser, reply: &Reply) -> Vec<String> {
    assert_eq!((reply.status, reply.header("location")), (303, Some(CODES)), "{}", reply.body);
    let session = browser.cookie.as_deref().expect("a session");
    let cookies = format!("{session}; {}", reply.cookie("__Host-reveal").expect("something to show"));
    let page = browser.clone().with_cookie(Some(cookies)).get(CODES).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let gone = |cookie: &String| cookie.starts_with("__Host-reveal=;") && cookie.contains("Max-Age=0");
    assert!(page.cookies().iter().any(gone), "it is shown once: {:?}", page.cookies());
    secret(&page.body).lines().map(str::to_owned).collect()
}

/// Sets an app up: its seed, and the recovery codes.
pub async fn enrol(app: &TestApp, browser: &Browser) -> (Vec<u8>, Vec<String>) {
    let seed = begin(browser).await;
    let reply = browser.post("/api/two-factor/confirm", &[("code", &code(&seed, app.now()))]).await;
    let codes = revealed(browser, &reply).await;
    (seed, codes)
}

/// The text of the newest mail that waits.
pub async fn mailed(app: &TestApp) -> String {
    let newest = "select id, sealed from lobby.mails order by created_at desc limit 1";
    let (id, sealed): (Uuid, Vec<u8>) = sqlx::query_as(newest).fetch_one(&app.owner).await.expect("a mail");
    let plain = app.app.vault().open_own(Purpose::Mail, id, &sealed).expect("opens");
    let mail: serde_json::Value = serde_json::from_slice(&plain).expect("a mail");
    mail["text"].as_str().expect("its text").to_owned()
}

/// Makes a person of one business a member of another one too.
async fn joins(app: &TestApp, user: UserId, business: &Business, email: &str) {
    let statement = format!(
        "insert into members (business_id, id, user_id, email, name, role, joined_at)
         values ('{}', gen_random_uuid(), '{}', '{email}', 'The same person', 'agent', now())",
        business.id.0, user.0
    );
    sql::run(&app.owner, statement).await;
}

#[tokio::test]
async fn acc_3_an_app_counts_from_its_first_right_code() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let owner = a.member(Role::Owner);
    joins(&app, owner.user, &b, &owner.email).await;
    let (browser, other) = (fresh(&app, &a, Role::Owner).await, app.browser(owner).await);
    let seed = begin(&browser).await;
    let wrong = code(&seed, app.now().plus(300));
    let reply = browser.clone().json().post("/api/two-factor/confirm", &[("code", &wrong)]).await;
    assert_eq!(reply.status, 422, "{}", reply.body);
    assert_eq!(factors(&app, owner.user).await, NONE);
    assert!(is_in(&other).await);
    assert_eq!(check_code(&app.app, owner.user, &code(&seed, app.now()), app.now()).await.expect("answers"), None);

    // As people paste it.
    let right = code(&seed, app.now());
    let pasted = format!(" {} {}-", &right[..3], &right[3..]);
    let reply = browser.post("/api/two-factor/confirm", &[("code", &pasted)]).await;
    let codes = revealed(&browser, &reply).await;
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 29), "24 letters in groups of four: {codes:?}");
    assert_eq!(factors(&app, owner.user).await, Factors { totp: true, recovery_left: 10, ..NONE });
    assert!(is_in(&browser).await);
    assert!(!is_in(&other).await, "their other sessions end");
    assert_eq!(entries(&app, "action = 'factor.added' and result = 'done'").await, 2, "both businesses see it");
    assert!(mailed(&app).await.contains("a second factor was added"));

    // Neither the codes nor the seed are shown again.
    let again = browser.get(CODES).await;
    assert!(again.status == 200 && codes.iter().all(|code| !again.body.contains(code.as_str())));
    let page = browser.get(APP).await;
    assert_eq!((page.status, page.header("location")), (303, Some(OVERVIEW)));
    assert!(browser.get(OVERVIEW).await.body.contains("10 of 10"));
    // And there is no second one.
    assert_eq!(browser.json().post("/api/two-factor/start", &[]).await.status, 409);
}

#[tokio::test]
async fn acc_3_the_picture_is_part_of_the_page() {
    let (app, a) = start().await;
    let browser = fresh(&app, &a, Role::Agent).await;
    begin(&browser).await;
    let page = browser.get(APP).await.body;
    assert!(page.contains("<svg") && page.contains("role=\"img\"") && page.contains("QR code"), "{page}");
    for forbidden in ["data:image", " style=", "<img"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("autocomplete=\"one-time-code\"") && page.contains("inputmode=\"numeric\""), "{page}");
}

#[tokio::test]
async fn acc_3_setting_up_is_over_after_a_while_and_a_new_seed_replaces_the_old_one() {
    let (app, a) = start().await;
    let user = a.member(Role::Agent).user;
    let browser = fresh(&app, &a, Role::Agent).await;
    let (first, second) = (begin(&browser).await, begin(&browser).await);
    assert_ne!(first, second);
    let reply = browser.clone().json().post("/api/two-factor/confirm", &[("code", &code(&first, app.now()))]).await;
    assert_eq!(reply.status, 422, "the first seed is nothing any more: {}", reply.body);
    app.clock.advance(SET_UP_SECONDS + 1);
    prove(&app, user).await;
    let reply = browser.post("/api/two-factor/confirm", &[("code", &code(&second, app.now()))]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(OVERVIEW)), "{}", reply.body);
    assert_eq!(browser.get(APP).await.header("location"), Some(OVERVIEW));
    assert_eq!(factors(&app, user).await, NONE);
}

#[tokio::test]
async fn acc_8_factors_ask_again_who_one_is() {
    let (app, a) = start().await;
    let user = a.member(Role::Agent).user;
    let browser = fresh(&app, &a, Role::Agent).await;
    app.clock.advance(601);
    for page in [OVERVIEW, APP] {
        let reply = browser.get(page).await;
        assert!(reply.header("location").is_some_and(|to| to.starts_with("/confirm?next=")), "{page}");
    }
    for path in ["start", "confirm", "remove", "email/on", "email/off", "recovery"] {
        let reply = browser.post(&format!("/api/two-factor/{path}"), &[("code", "000000")]).await;
        assert!(reply.header("location").is_some_and(|to| to.starts_with("/confirm?next=")), "{path}");
    }
    assert_eq!(factors(&app, user).await, NONE);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.totp").await, 0);
}

#[tokio::test]
async fn acc_3_a_code_counts_once_and_one_step_of_drift_is_forgiven() {
    let (app, a) = start().await;
    let user = a.member(Role::Agent).user;
    let browser = fresh(&app, &a, Role::Agent).await;
    // At the beginning of a step, so that steps are whole.
    app.clock.advance(30 - app.now().as_second() % 30);
    let (seed, _) = enrol(&app, &browser).await;
    let check =
        async |at: At| check_code(&app.app, user, &code(&seed, at), app.now()).await.expect("answers").is_some();
    assert!(!check(app.now()).await, "the code that confirmed it is used up");
    app.clock.advance(60);
    let now = app.now();
    assert!(!check(now.plus(30)).await, "the next step");
    assert!(!check(now.plus(-60)).await, "two steps ago");
    assert!(check(now.plus(-30)).await, "the previous step");
    assert!(!check(now.plus(-30)).await, "the same one again");
    assert!(check(now).await, "the current step");
    assert!(!check(now).await, "the same one again");
    assert!(!check(now.plus(-30)).await, "an older one after it");
    app.clock.advance(30);
    let now = app.now();
    let at_once = join_all((0..8).map(|_| check(now))).await;
    assert_eq!(at_once.into_iter().filter(|counted| *counted).count(), 1, "of eight at once, one");
    assert_eq!(check_code(&app.app, user, "", now).await.expect("answers"), None);
    assert_eq!(check_code(&app.app, user, &"9".repeat(100_000), now).await.expect("answers"), None);
}

#[tokio::test]
async fn acc_3_somebody_elses_factor_is_neither_used_nor_touched() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let (one, other) = (a.member(Role::Owner).user, b.member(Role::Owner).user);
    let (in_a, in_b) = (fresh(&app, &a, Role::Owner).await, fresh(&app, &b, Role::Owner).await);
    let (seed_a, codes_a) = enrol(&app, &in_a).await;
    let (seed_b, codes_b) = enrol(&app, &in_b).await;
    app.clock.advance(30);
    let now = app.now();
    let check = async |user: UserId, code: &str| check_code(&app.app, user, code, now).await.expect("answers");
    assert_eq!(check(other, &code(&seed_a, now)).await, None);
    assert_eq!(check(other, &codes_a[0]).await, None);
    // Nor does one without a factor have one by that.
    let agent = a.member(Role::Agent).user;
    assert_eq!(check(agent, &code(&seed_a, now)).await, None);
    assert_eq!(check(agent, &codes_a[0]).await, None);
    assert_eq!(factors(&app, one).await.recovery_left, 10, "a try by somebody else uses nothing up");

    prove(&app, one).await;
    let reply = in_a.post("/api/two-factor/remove", &[("confirm", "remove")]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(OVERVIEW)), "{}", reply.body);
    assert_eq!(factors(&app, one).await, NONE);
    assert_eq!(factors(&app, other).await, Factors { totp: true, recovery_left: 10, ..NONE });
    assert_eq!(check(other, &code(&seed_b, now)).await, Some(Proof::Totp));
    assert_eq!(check(other, &codes_b[0]).await, Some(Proof::Recovery));
    assert!(is_in(&in_b).await);
}

#[tokio::test]
async fn acc_3_a_removed_factor_is_gone_with_its_recovery_codes() {
    let (app, a) = start().await;
    let agent = a.member(Role::Agent);
    let browser = fresh(&app, &a, Role::Agent).await;
    let (seed, codes) = enrol(&app, &browser).await;
    let other = app.browser(agent).await;
    let json = browser.clone().json();
    for typed in ["", "yes"] {
        let reply = json.post("/api/two-factor/remove", &[("confirm", typed)]).await;
        assert_eq!(reply.status, 422, "{}", reply.body);
    }
    assert!(factors(&app, agent.user).await.totp && is_in(&other).await);
    let reply = browser.post("/api/two-factor/remove", &[("confirm", " remove ")]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(OVERVIEW)), "{}", reply.body);
    assert_eq!(factors(&app, agent.user).await, NONE);
    app.clock.advance(30);
    for typed in [code(&seed, app.now()), codes[0].clone()] {
        assert_eq!(check_code(&app.app, agent.user, &typed, app.now()).await.expect("answers"), None);
    }
    assert!(is_in(&browser).await && !is_in(&other).await, "their other sessions end");
    assert_eq!(entries(&app, "action = 'factor.removed' and result = 'done'").await, 1);
    assert!(mailed(&app).await.contains("a second factor was removed"));
    for path in ["remove", "recovery"] {
        let reply = json.post(&format!("/api/two-factor/{path}"), &[("confirm", "remove")]).await;
        assert_eq!(reply.status, 409, "{path}: nothing is there any more: {}", reply.body);
    }
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.recovery_codes").await, 0);
}

#[tokio::test]
async fn acc_3_seeds_are_sealed_and_no_serving_role_reads_them() {
    let (app, a) = start().await;
    let browser = fresh(&app, &a, Role::Agent).await;
    let (seed, _) = enrol(&app, &browser).await;
    let stored: (Uuid, Vec<u8>) =
        sqlx::query_as("select id, sealed from lobby.totp").fetch_one(&app.owner).await.expect("a seed");
    let (id, sealed) = stored;
    assert!(!sealed.windows(seed.len()).any(|part| part == seed), "in clear");
    let vault = app.app.vault();
    assert_eq!(vault.open_own(Purpose::TotpSeed, id, &sealed).expect("opens").as_slice(), seed);
    assert!(vault.open_own(Purpose::TotpSeed, Uuid::nil(), &sealed).is_err(), "another row");
    assert!(vault.open_own(Purpose::Mail, id, &sealed).is_err(), "another purpose");
    for role in ["ringfort_app", "ringfort_worker", "ringfort_auditor"] {
        let pool = app.pool_as(role, 1);
        for table in ["totp", "email_factors", "email_codes", "recovery_codes"] {
            for statement in [format!("select * from lobby.{table}"), format!("delete from lobby.{table}")] {
                let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&pool).await;
                assert_eq!(sql::code(refused.map(|done| done.rows_affected())), "42501", "{role} {table}");
            }
        }
    }
    // Nor do others' logs: what is written down are kinds and counts.
    let log = sql::text(&app.owner, "select string_agg(e::text, ' ') from audit_entries e").await;
    assert!(!log.contains(&hex::encode(&seed)), "{log}");
}
