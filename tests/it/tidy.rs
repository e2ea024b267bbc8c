//! Housekeeping of what was begun and left: sign-ins, sign-ups, codes, ceremonies, numbers and secrets that nobody
//! confirmed. What is over goes by the clock, on a quiet installation too; what still counts stays.

use ringfort::{
    model::{permission::Role, profile::Profile},
    server::jobs::worker,
};
use uuid::Uuid;

use crate::kit::{Business, TestApp, sql};

const DAY: i64 = 24 * 3600;

/// A table of things that are begun, when what stands in it is over (seconds after it was begun, with lives of ten
/// minutes), and a row of it.
type Begun = (&'static str, i64, &'static str, String);

/// One row in each such table.
fn begun(app: &TestApp, business: &Business) -> Vec<Begun> {
    let now = format!("timestamptz '{}'", app.now().0);
    let ends = format!("{now} + interval '10 minutes'");
    let user = format!("'{}'", business.member(Role::Agent).user.0);
    let id = format!("'{}'", app.app.draw::<Uuid>());
    let of = format!("'{}'", business.id.0);
    let challenge = "id, token_hash, user_id, proof, next, created_at, expires_at";
    let request = "token_hash, id, state_hash, nonce, sealed, purpose, next, created_at, expires_at";
    let sign_up = "id, token_hash, email, business_name, profile, zone, created_at, expires_at";
    let place = "'new@a.example', 'New', 'outbound', 'America/Chicago'";
    let link = "id, user_id, purpose, token_hash, created_at, expires_at";
    let text = "id, user_id, business_id, sealed, created_at, expires_at";
    let number = "user_id, id, sealed, last4, business_id, started_at";
    let ceremony = "token_hash, kind, user_id, state, expires_at";
    let code = "challenge_id, user_id, code_hash, expires_at";
    vec![
        ("challenges", 600, challenge, format!("{id}, '1', {user}, 'password', '/home', {now}, {ends}")),
        ("email_codes", 600, code, format!("{id}, {user}, '1', {ends}")),
        ("passkey_ceremonies", 600, ceremony, format!("'1', 'register', {user}, '{{}}', {ends}")),
        ("oidc_requests", 600, request, format!("'1', {id}, '1', 'n', '1', 'sign_in', '/home', {now}, {ends}")),
        ("sign_ups", 600, sign_up, format!("{id}, '1', {place}, {now}, {ends}")),
        ("links", DAY, link, format!("{id}, {user}, 'reset', '1', {now}, {ends}")),
        ("text_sends", DAY, "user_id, business_id, sent_at", format!("{user}, {of}, {now}")),
        ("texts", DAY + 600, text, format!("{id}, {user}, {of}, '1', {now}, {ends}")),
        ("totp", 900, "user_id, id, sealed, started_at", format!("{user}, {id}, '1', {now}")),
        ("text_factors", 900, number, format!("{user}, {id}, '1', '0123', {of}, {now}")),
    ]
}

async fn count(app: &TestApp, table: &str) -> i64 {
    sql::count(&app.owner, format!("select count(*) from lobby.{table}")).await
}

#[tokio::test]
async fn acc_5_what_was_begun_and_left_goes_by_the_clock() {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    let all = begun(&app, &business);
    for (table, _, columns, values) in &all {
        sql::run(&app.owner, format!("insert into lobby.{table} ({columns}) values ({values})")).await;
    }
    let mut passed = 0;
    // Just before something is over, and just after.
    for at in [590, 610, 890, 910, DAY - 10, DAY + 10, DAY + 590, DAY + 610] {
        app.clock.advance(at - passed);
        passed = at;
        worker::minute(&app.app).await.expect("a minute of the worker");
        for (table, over_after, ..) in &all {
            assert_eq!(count(&app, table).await, i64::from(at < *over_after), "{table} after {at} s");
        }
    }
}

#[tokio::test]
async fn acc_3_a_factor_that_counts_is_no_leftover() {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    for (table, _, columns, values) in begun(&app, &business) {
        if ["totp", "text_factors"].contains(&table) {
            let now = app.now().0;
            let row = format!("({columns}, added_at) values ({values}, timestamptz '{now}')");
            sql::run(&app.owner, format!("insert into lobby.{table} {row}")).await;
        }
    }
    app.clock.advance(40 * DAY);
    worker::minute(&app.app).await.expect("a minute of the worker");
    assert_eq!((count(&app, "totp").await, count(&app, "text_factors").await), (1, 1));
}
