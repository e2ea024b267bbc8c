//! Signing a program in (ACC-7): what is asked, what is told, and to whom.

use axum::http::Method;
use hmac::{Hmac, KeyInit, Mac};
use ringfort::{
    model::{id::UserId, permission::Role, profile::Profile},
    server::{
        kit::entropy::token_hash,
        services::token::FAMILY_SECONDS,
        vault::{Purpose, totp::Seed},
    },
};
use serde_json::json;
use sha1::Sha1;
use uuid::Uuid;

use super::{Answer, PASSWORD, Program, ask, audited, by_password, is_refused, me, post, program, refresh, start};
use crate::kit::{TestApp, sql};

#[tokio::test]
async fn acc_7_a_program_signs_in_and_sees_who_it_is() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let answer = by_password(&app, &agent.email, PASSWORD, &json!({})).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(
        (&answer.body["token_type"], &answer.body["expires_in"], &answer.body["refresh_expires_in"]),
        (&json!("Bearer"), &json!(300), &json!(FAMILY_SECONDS))
    );
    let program = Program::from(answer);
    let who = me(&app, &program.access).await;
    assert_eq!(who.status, 200);
    assert_eq!(who.body["business"]["id"], business.id.to_string());
    assert_eq!((&who.body["member"]["id"], &who.body["role"]), (&json!(agent.id), &json!("agent")));
    let held = who.body["permissions"].as_array().expect("a list");
    assert!(held.contains(&json!({ "code": "recordings.play", "reach": "own" })));
    assert!(!held.iter().any(|p| p["code"] == "audit.read"));
    assert_eq!(audited(&app, "token.issued").await, 1);
    // Only hashes are stored.
    let stored = sql::text(&app.owner, "select encode(hash, 'hex') from lobby.refresh_tokens").await;
    assert_eq!(stored, hex::encode(token_hash(&program.refresh)));
}

#[tokio::test]
async fn acc_7_a_refused_sign_in_tells_nothing_and_counts_as_in_a_browser() {
    let (app, business) = start().await;
    let email = &business.member(Role::Agent).email;
    let wrong = by_password(&app, email, "eight quiet otters", &json!({})).await;
    is_refused(&wrong, "invalid_grant");
    for unknown in ["nobody@a.example", "not an address"] {
        let answer = by_password(&app, unknown, PASSWORD, &json!({})).await;
        assert_eq!((answer.status, &answer.body), (wrong.status, &wrong.body), "{unknown}");
    }
    // Five in a row lock, and a lock reads like a wrong password.
    for _ in 0..4 {
        by_password(&app, email, "eight quiet otters", &json!({})).await;
    }
    let locked = by_password(&app, email, PASSWORD, &json!({})).await;
    assert_eq!((locked.status, &locked.body), (wrong.status, &wrong.body));
}

#[tokio::test]
async fn acc_7_another_business_cannot_be_named() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let other = app.business("b", Profile::FieldService).await;
    let own = by_password(&app, &agent.email, PASSWORD, &json!({ "business": business.id })).await;
    assert_eq!(own.status, 200);
    let foreign = by_password(&app, &agent.email, PASSWORD, &json!({ "business": other.id })).await;
    is_refused(&foreign, "invalid_grant");
    let nobodys = format!("biz_{:032x}", 7);
    let nowhere = by_password(&app, &agent.email, PASSWORD, &json!({ "business": nobodys })).await;
    assert_eq!((nowhere.status, nowhere.body), (foreign.status, foreign.body));
}

#[tokio::test]
async fn acc_7_only_a_small_and_whole_json_request_is_read() {
    let (app, _) = start().await;
    let path = "/api/v1/token";
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for headers in [&form[..], &[("content-type", "text/plain")], &[]] {
        assert_eq!(ask(&app, Method::POST, path, headers, "{}".to_owned()).await.status, 415);
    }
    let large = json!({ "grant_type": "password", "email": "a".repeat(9 << 10) });
    assert_eq!(post(&app, path, &large).await.status, 413);
    is_refused(&post(&app, path, &json!({ "grant_type": "implicit" })).await, "unsupported_grant_type");
    for body in [
        json!({ "grant_type": "password", "email": "a@b.example", "password": PASSWORD }),
        json!({ "grant_type": "password", "email": "a@b.example", "password": PASSWORD, "device": " " }),
        json!({ "grant_type": "password", "email": "a@b.example", "password": PASSWORD, "device": "a".repeat(61) }),
        json!({ "grant_type": "refresh_token" }),
        json!({ "grant_type": "refresh_token", "refresh_token": "x", "scope": "all" }),
        json!([]),
    ] {
        is_refused(&post(&app, path, &body).await, "invalid_request");
    }
    is_refused(&refresh(&app, "nobody has this").await, "invalid_grant");
}

const SEED: &[u8; 20] = b"12345678901234567890";

/// RFC 6238, in our own words.
fn code_at(seconds: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(SEED).expect("any length will do");
    mac.update(&(seconds / 30).to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let start = usize::from(hash[19] & 0xf);
    let word = u32::from_be_bytes(hash[start..start + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

async fn add_totp(app: &TestApp, user: UserId) {
    let id: Uuid = app.app.draw();
    let seed = Seed::read(SEED).expect("twenty bytes");
    let sealed = app.app.vault().seal_own(Purpose::TotpSeed, id, seed.expose()).expect("seals");
    sqlx::query("insert into lobby.totp (user_id, id, sealed, started_at, added_at) values ($1, $2, $3, $4, $4)")
        .bind(user)
        .bind(id)
        .bind(sealed)
        .bind(app.now())
        .execute(&app.owner)
        .await
        .expect("an authenticator app");
}

#[tokio::test]
async fn acc_7_who_has_a_second_factor_shows_it() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    add_totp(&app, agent.user).await;
    let now = app.now().as_second();
    let told = |answer: &Answer| answer.body["error_description"].as_str().expect("words").to_owned();
    let wrong = by_password(&app, &agent.email, "eight quiet otters", &json!({})).await;
    let missing = by_password(&app, &agent.email, PASSWORD, &json!({})).await;
    is_refused(&missing, "invalid_grant");
    assert_eq!(told(&missing), "a second factor is needed");
    assert_ne!(told(&wrong), told(&missing), "only the right password is told so");
    let bad = by_password(&app, &agent.email, PASSWORD, &json!({ "code": code_at(now + 3600) })).await;
    assert_eq!((bad.status, &bad.body), (wrong.status, &wrong.body));
    let good = by_password(&app, &agent.email, PASSWORD, &json!({ "code": code_at(now) })).await;
    assert_eq!(me(&app, &Program::from(good).access).await.status, 200);
    let again = by_password(&app, &agent.email, PASSWORD, &json!({ "code": code_at(now) })).await;
    assert_eq!((again.status, &again.body), (wrong.status, &wrong.body), "a code counts once");
    let means = sql::texts(&app.owner, "select after ->> 'means' from audit_entries where action = 'token.issued'");
    assert_eq!(means.await, ["password+totp"]);
}

#[tokio::test]
async fn acc_7_who_owes_a_second_factor_gets_no_token_and_those_they_have_wait() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let before = program(&app, &agent.email).await;
    sqlx::query(
        "insert into factor_rules (business_id, role, required_from, grace_days, changed_at)
         values ($1, 'agent', $2, 0, $2)",
    )
    .bind(business.id)
    .bind(app.now())
    .execute(&app.owner)
    .await
    .expect("a rule");
    app.clock.advance(1);
    is_refused(&by_password(&app, &agent.email, PASSWORD, &json!({})).await, "invalid_grant");
    is_refused(&refresh(&app, &before.refresh).await, "invalid_grant");
    assert_eq!(me(&app, &before.access).await.status, 403);
    add_totp(&app, agent.user).await;
    assert_eq!(me(&app, &before.access).await.status, 200);
    assert_eq!(refresh(&app, &before.refresh).await.status, 200);
}
