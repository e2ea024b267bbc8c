//! OWASP ASVS 5.0, row by row (docs/ASVS.md): authentication (V6), sessions (V7), self-contained tokens (V9), levels 1
//! and 2. A test is named after its row and small; what it touches is attacked at length in the files that the table
//! names. A row that is not met has an ignored test where one can be written: it says what is missing.
//!
//! To add one: the test here, its name in the row of the table. The tests below hold the two together.

mod authentication;
mod federation;
mod forgery;
mod session;
mod token;

use ringfort::{model::id::UserId, server::vault::Purpose};
use uuid::Uuid;

use crate::{
    kit::{Browser, Reply, TestApp},
    link::{PASSWORD, SESSION, is_refused, location},
};

const TABLE: &str = include_str!("../../docs/ASVS.md");

const SOURCES: [&str; 7] = [
    include_str!("asvs/authentication.rs"),
    include_str!("asvs/authentication/factor.rs"),
    include_str!("asvs/authentication/password.rs"),
    include_str!("asvs/federation.rs"),
    include_str!("asvs/forgery.rs"),
    include_str!("asvs/session.rs"),
    include_str!("asvs/token.rs"),
];

/// The rows of levels 1 and 2 in the three chapters.
const ROWS: &str = "6.1.1 6.1.2 6.1.3 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.2.9 6.2.10 6.2.11 6.2.12 6.3.1 \
                    6.3.2 6.3.3 6.3.4 6.4.1 6.4.2 6.4.3 6.4.4 6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.6.1 6.6.2 6.6.3 6.8.1 \
                    6.8.2 6.8.3 6.8.4 7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 \
                    7.4.5 7.5.1 7.5.2 7.6.1 7.6.2 9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 9.2.4";

/// What an authenticator app and we share in these tests.
const SEED: &[u8] = b"12345678901234567890";

/// Whether docs/ASVS.md says this, however its lines are broken.
fn says(words: &str) -> bool {
    TABLE.split_whitespace().collect::<Vec<_>>().join(" ").contains(words)
}

/// Whether this is the name of a test, after a row: `v6_2_1_…`.
fn is_name(word: &str) -> bool {
    let rest = word.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
}

fn test_in(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "))?;
    rest.split('(').next().filter(|name| is_name(name))
}

#[test]
fn every_test_stands_in_the_table_and_no_other_does() {
    let mut told: Vec<&str> = TABLE.split('`').filter(|word| is_name(word)).collect();
    let mut there: Vec<&str> = SOURCES.iter().flat_map(|text| text.lines()).filter_map(test_in).collect();
    told.sort_unstable();
    told.dedup();
    there.sort_unstable();
    assert!(there.len() >= 50, "only {} tests", there.len());
    assert_eq!(told, there);
}

#[test]
fn every_row_has_a_test_or_says_why_not() {
    for id in ROWS.split_whitespace() {
        let head = format!("| {id} |");
        let rows: Vec<&str> = TABLE.lines().filter(|line| line.starts_with(&head)).collect();
        let [row] = &rows[..] else { panic!("{id} stands in {} rows", rows.len()) };
        let has_test = row.contains(&format!("`v{}_", id.replace('.', "_")));
        let says_why = ["Not met", "Does not apply"].iter().any(|words| row.contains(words));
        assert!(has_test || says_why, "{id}: neither a test nor a reason");
    }
}

async fn sign_in(browser: &Browser, email: &str, password: &str) -> Reply {
    browser.post("/api/sign-in", &[("email", email), ("password", password)]).await
}

/// Whether a password alone gets somebody in.
async fn signs_in(app: &TestApp, email: &str, password: &str) -> bool {
    sign_in(&app.stranger(), email, password).await.cookie(SESSION).is_some()
}

async fn is_in(browser: &Browser) -> bool {
    browser.get("/home").await.status == 200
}

/// A browser with these cookies.
fn with(app: &TestApp, cookies: &[&str]) -> Browser {
    app.stranger().with_cookie(Some(cookies.join("; ")))
}

/// An authenticator app that counts from now on.
async fn add_app(app: &TestApp, user: UserId) {
    let id: Uuid = app.app.draw();
    let sealed = app.app.vault().seal_own(Purpose::TotpSeed, id, SEED).expect("seals");
    sqlx::query("insert into lobby.totp (user_id, id, sealed, started_at, added_at) values ($1, $2, $3, $4, $4)")
        .bind(user)
        .bind(id)
        .bind(sealed)
        .bind(app.now())
        .execute(&app.owner)
        .await
        .expect("an authenticator app");
}

/// What follows a first proof of somebody who has a second factor: the question for it, and no session.
fn waits(reply: &Reply) {
    assert_eq!(location(reply), (303, Some("/sign-in/factor")), "{}", reply.body);
    is_refused(reply);
}

/// A browser that has shown the password and waits for its second proof.
async fn waiting(app: &TestApp, email: &str) -> Browser {
    let reply = sign_in(&app.stranger(), email, PASSWORD).await;
    waits(&reply);
    app.stranger().with_cookie(reply.cookie("__Host-challenge"))
}

async fn answer(browser: &Browser, code: &str) -> Reply {
    browser.post("/api/sign-in/factor", &[("code", code)]).await
}
