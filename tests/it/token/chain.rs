//! How a program's tokens follow each other, and what ends them (ACC-7).

use futures::future::join_all;
use ringfort::{
    model::permission::Role,
    server::{kit::entropy::token_hash, services::token::housekeeping},
};
use serde_json::json;

use super::{Program, audited, family_of, is_refused, me, post, program, refresh, start};
use crate::kit::sql;

#[tokio::test]
async fn acc_7_each_refresh_token_counts_once_and_a_lost_answer_is_forgiven() {
    let (app, business) = start().await;
    let first = program(&app, &business.member(Role::Agent).email).await;
    let lost = Program::from(refresh(&app, &first.refresh).await);
    assert_ne!(lost.refresh, first.refresh);
    // Its answer never arrived: the program asks again with what it has.
    let second = Program::from(refresh(&app, &first.refresh).await);
    assert_eq!(me(&app, &second.access).await.status, 200);
    let third = Program::from(refresh(&app, &second.refresh).await);
    assert_eq!(me(&app, &third.access).await.status, 200);
    // Now somebody shows the token that was lost: two hold the same chain.
    is_refused(&refresh(&app, &lost.refresh).await, "invalid_grant");
    assert_eq!(me(&app, &third.access).await.status, 401);
    is_refused(&refresh(&app, &third.refresh).await, "invalid_grant");
}

#[tokio::test]
async fn acc_7_a_reused_token_ends_its_family_and_its_person_is_told() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let (first, other) = (program(&app, &agent.email).await, program(&app, &agent.email).await);
    let second = Program::from(refresh(&app, &first.refresh).await);
    let third = Program::from(refresh(&app, &second.refresh).await);
    let mails = "select count(*) from lobby.mails";
    let before = sql::count(&app.owner, mails).await;
    is_refused(&refresh(&app, &first.refresh).await, "invalid_grant");
    assert_eq!((audited(&app, "token.reused").await, sql::count(&app.owner, mails).await - before), (1, 1));
    for over in [&first, &second, &third] {
        assert_eq!(me(&app, &over.access).await.status, 401, "at once, not when it expires");
        is_refused(&refresh(&app, &over.refresh).await, "invalid_grant");
    }
    // Once is enough to be told, and another device is none of this.
    assert_eq!(audited(&app, "token.reused").await, 1);
    assert_eq!(me(&app, &other.access).await.status, 200);
    let cause = sql::texts(&app.owner, "select cause from lobby.token_families where cause is not null").await;
    assert_eq!(cause, ["reused"]);
}

#[tokio::test]
async fn acc_7_of_many_refreshes_at_once_one_chain_goes_on() {
    let (app, business) = start().await;
    let first = program(&app, &business.member(Role::Agent).email).await;
    let answers = join_all((0..16).map(|_| refresh(&app, &first.refresh))).await;
    let programs: Vec<Program> = answers.into_iter().map(Program::from).collect();
    let live = sql::texts(
        &app.owner,
        "select encode(hash, 'hex') from lobby.refresh_tokens where used_at is null and superseded_at is null",
    )
    .await;
    assert_eq!(live.len(), 1);
    let (alive, dead): (Vec<_>, Vec<_>) =
        programs.into_iter().partition(|program| hex::encode(token_hash(&program.refresh)) == live[0]);
    assert_eq!((alive.len(), dead.len()), (1, 15));
    assert_eq!(refresh(&app, &alive[0].refresh).await.status, 200);
    is_refused(&refresh(&app, &dead[0].refresh).await, "invalid_grant");
}

#[tokio::test]
async fn acc_7_a_family_ends_after_thirty_days_however_much_it_is_used() {
    let (app, business) = start().await;
    let mut program = program(&app, &business.member(Role::Agent).email).await;
    for _ in 0..29 {
        app.clock.advance(24 * 3600);
        program = Program::from(refresh(&app, &program.refresh).await);
    }
    app.clock.advance(24 * 3600);
    is_refused(&refresh(&app, &program.refresh).await, "invalid_grant");
    assert_eq!(me(&app, &program.access).await.status, 401);
    housekeeping(&app.app).await.expect("forgets it");
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.refresh_tokens").await, 0);
}

#[tokio::test]
async fn acc_7_signing_out_ends_the_family_at_once_and_always_succeeds() {
    let (app, business) = start().await;
    let first = program(&app, &business.member(Role::Agent).email).await;
    let second = Program::from(refresh(&app, &first.refresh).await);
    for token in [first.refresh.as_str(), second.refresh.as_str(), "nobody has this"] {
        let answer = post(&app, "/api/v1/token/revoke", &json!({ "refresh_token": token })).await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(me(&app, &second.access).await.status, 401);
    is_refused(&refresh(&app, &second.refresh).await, "invalid_grant");
    assert_eq!((audited(&app, "token.revoked").await, audited(&app, "token.reused").await), (1, 0));
}

#[tokio::test]
async fn acc_7_one_signs_out_ones_own_programs_and_nobody_elses() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let (kept, lost) = (program(&app, &agent.email).await, program(&app, &agent.email).await);
    let id = family_of(&app, &lost).await.to_string();
    let other = app.browser(business.member(Role::Owner)).await.json();
    assert_eq!(other.post("/api/token/revoke", &[("id", &id)]).await.status, 404);
    let browser = app.browser(agent).await;
    let page = browser.get("/account/sessions").await;
    assert_eq!((page.status, page.body.matches("My phone").count() >= 2), (200, true));
    assert_eq!(browser.post("/api/token/revoke", &[("id", &id)]).await.status, 303);
    assert_eq!((me(&app, &lost.access).await.status, me(&app, &kept.access).await.status), (401, 200));
    assert_eq!(audited(&app, "token.revoked").await, 1);
}

#[tokio::test]
async fn acc_7_a_removed_person_and_a_changed_role_count_at_the_next_request() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let program = program(&app, &agent.email).await;
    let set = |what: &str| format!("update members set {what} where id = '{}'", agent.id.0);
    sql::run(&app.owner, set("role = 'viewer'")).await;
    assert_eq!(me(&app, &program.access).await.body["role"], "viewer");
    sql::run(&app.owner, set("state = 'removed'")).await;
    assert_eq!(me(&app, &program.access).await.status, 401);
    is_refused(&refresh(&app, &program.refresh).await, "invalid_grant");
}
