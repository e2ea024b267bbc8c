//! Who manages the team takes a member's second factors away (ACC-3): from whom, from whom not, and what goes with them.

use ringfort::model::{permission::Role, profile::Profile};

use super::{NONE, begin, code, enrol, entries, factors, fresh, is_in, joins, mailed, start};
use crate::kit::{Browser, Member, TestApp, sql, until};

const RESET: &str = "/api/team/reset-factors";
const PASSWORD: &str = "Seven quiet otters, 1 pond";

/// Types the word for a member: the status of the answer.
async fn reset(browser: &Browser, member: &Member, word: &str) -> u16 {
    let id = member.id.to_string();
    browser.clone().json().post(RESET, &[("id", &id), ("reset", word)]).await.status
}

async fn sign_in(app: &TestApp, member: &Member) -> Option<String> {
    let reply = app.stranger().post("/api/sign-in", &[("email", &member.email), ("password", PASSWORD)]).await;
    reply.header("location").map(str::to_owned)
}

/// A program that is signed in as somebody.
async fn program(app: &TestApp, member: &Member) {
    let family = format!(
        "insert into lobby.token_families
             (id, user_id, business_id, device_name, agent, means, created_at, last_used_at, expires_at)
         values (gen_random_uuid(), '{}', '{}', 'Phone', '', 'password', now(), now(), now() + interval '30 days')",
        member.user.0, member.business.0
    );
    sql::run(&app.owner, family).await;
}

#[tokio::test]
async fn acc_3_a_reset_takes_every_factor_and_all_that_rested_on_them() {
    let (app, a) = start().await;
    let agent = a.member(Role::Agent);
    let boss = app.browser(a.member(Role::Owner)).await;
    let browser = fresh(&app, &a, Role::Agent).await;
    let (seed, _) = enrol(&app, &browser).await;
    browser.post("/api/two-factor/email/on", &[]).await;
    let phone = app.browser(agent).await;
    program(&app, agent).await;
    app.give_password(agent, PASSWORD).await;
    assert_eq!(sign_in(&app, agent).await.as_deref(), Some("/sign-in/factor"));
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.challenges").await, 1);

    let page = format!("/team/{}", agent.id);
    let shown = boss.get(&page).await.body;
    assert!(shown.contains(RESET) && shown.contains("Type reset to confirm"), "{shown}");
    for word in ["", "remove", "RESET"] {
        assert_eq!(reset(&boss, agent, word).await, 422, "{word}");
    }
    assert!(factors(&app, agent.user).await.totp && is_in(&phone).await);

    let id = agent.id.to_string();
    let reply = boss.post(RESET, &[("id", &id), ("reset", " reset ")]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(page.as_str())), "{}", reply.body);
    assert_eq!(factors(&app, agent.user).await, NONE);
    assert!(!is_in(&browser).await && !is_in(&phone).await, "they are signed out everywhere");
    assert!(is_in(&boss).await);
    for table in ["totp", "email_factors", "email_codes", "recovery_codes", "challenges"] {
        assert_eq!(sql::count(&app.owner, format!("select count(*) from lobby.{table}")).await, 0, "{table}");
    }
    assert_eq!(sql::texts(&app.owner, "select cause from lobby.token_families").await, ["factor"]);
    assert_eq!(sql::texts(&app.owner, "select distinct cause from lobby.past_sessions").await, ["factor"]);
    let written = "select after::text from audit_entries where action = 'factor.reset' and result = 'done'";
    let written: serde_json::Value = sql::text(&app.owner, written).await.parse().expect("JSON");
    let wanted = serde_json::json!({ "kinds": "totp, email", "programs_signed_out": 1, "sessions_ended": 2 });
    assert_eq!(written, wanted);
    let mail = mailed(&app).await;
    assert!(mail.contains("was reset just now") && !mail.contains(&hex::encode(&seed)), "{mail}");

    // The password alone opens, and a new app can be set up.
    assert!(!boss.get(&page).await.body.contains(RESET), "there is nothing left to reset");
    assert_eq!(reset(&boss, agent, "reset").await, 409);
    assert_eq!(sign_in(&app, agent).await.as_deref(), Some("/home"));
    enrol(&app, &fresh(&app, &a, Role::Agent).await).await;
    assert_eq!(sign_in(&app, agent).await.as_deref(), Some("/sign-in/factor"));
}

#[tokio::test]
async fn acc_3_nobody_resets_themselves_or_who_holds_more_or_strangers() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let (owner, admin, agent) = (a.member(Role::Owner), a.member(Role::Admin), a.member(Role::Agent));
    for role in [Role::Owner, Role::Admin, Role::Agent] {
        enrol(&app, &fresh(&app, &a, role).await).await;
    }
    for (who, whom, status) in [
        (owner, owner, 403),
        (admin, admin, 403),
        (admin, owner, 403),
        (a.member(Role::Manager), agent, 403),
        (agent, agent, 403),
        (b.member(Role::Owner), agent, 404),
        (owner, a.member(Role::Viewer), 409),
    ] {
        let answered = reset(&app.browser(who).await, whom, "reset").await;
        assert_eq!(answered, status, "{} resets {}", who.email, whom.email);
    }
    for somebody in [owner, admin, agent] {
        assert!(factors(&app, somebody.user).await.totp, "{}", somebody.email);
    }
    assert_eq!(entries(&app, "action = 'factor.reset' and result = 'done'").await, 0);
    assert_eq!(entries(&app, "action = 'factor.reset' and result = 'refused'").await, 5);
    let own = app.browser(owner).await.get(&format!("/team/{}", owner.id)).await;
    assert!(own.status == 200 && !own.body.contains(RESET), "one's own factors have a page of their own");
    assert_eq!(reset(&app.browser(owner).await, admin, "reset").await, 200);
    assert_eq!(reset(&app.browser(admin).await, agent, "reset").await, 200);
}

#[tokio::test]
async fn acc_3_who_belongs_to_several_businesses_is_out_of_reach_of_each() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let agent = a.member(Role::Agent);
    enrol(&app, &fresh(&app, &a, Role::Agent).await).await;
    joins(&app, agent.user, &b, &agent.email).await;
    let boss = app.browser(a.member(Role::Owner)).await;
    let page = boss.get(&format!("/team/{}", agent.id)).await.body;
    assert!(page.contains("They belong to another business too") && !page.contains(RESET), "{page}");
    assert!(!page.contains("Business b"), "to which is not ours to tell");
    assert_eq!(reset(&boss, agent, "reset").await, 409);
    assert!(factors(&app, agent.user).await.totp);
    // Who has left it is theirs alone again.
    sql::run(&app.owner, format!("update members set state = 'removed' where business_id = '{}'", b.id.0)).await;
    assert_eq!(reset(&boss, agent, "reset").await, 200);
    assert_eq!(factors(&app, agent.user).await, NONE);
}

#[tokio::test]
async fn acc_3_who_joins_another_business_at_that_moment_is_out_of_reach() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let agent = a.member(Role::Agent).clone();
    enrol(&app, &fresh(&app, &a, Role::Agent).await).await;
    let boss = app.browser(a.member(Role::Owner)).await;
    let mut joining = app.owner.begin().await.expect("a transaction");
    sqlx::query(
        "insert into members (business_id, id, user_id, email, name, role, joined_at)
         values ($1, gen_random_uuid(), $2, $3, 'The same person', 'agent', now())",
    )
    .bind(b.id)
    .bind(agent.user)
    .bind(&agent.email)
    .execute(&mut *joining)
    .await
    .expect("a membership that nobody sees yet");
    let user = agent.user;
    let answer = tokio::spawn(async move { reset(&boss, &agent, "reset").await });
    until("it waits for what becomes of that", async || sql::waits(&app.owner).await).await;
    assert!(!answer.is_finished());
    joining.commit().await.expect("joins");
    assert_eq!(answer.await.expect("an answer"), 409);
    assert!(factors(&app, user).await.totp);
}

#[tokio::test]
async fn ten_1_the_functions_of_a_reset_know_the_transactions_business_alone() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let agent = a.member(Role::Agent);
    let browser = fresh(&app, &a, Role::Agent).await;
    let seed = begin(&browser).await;
    browser.post("/api/two-factor/confirm", &[("code", &code(&seed, app.now()))]).await;
    let pool = app.pool_as("ringfort_app", 1);
    for call in ["factor_standing('{a}', '{user}')", "factors_reset('{a}', '{user}', now())"] {
        let call = call.replace("{a}", &a.id.0.to_string()).replace("{user}", &agent.user.0.to_string());
        let statement = format!("select * from lobby.{call}");
        let within = async |business| sql::try_within(&pool, business, statement.clone()).await.expect("answers");
        assert_eq!((within(a.id.0).await, within(b.id.0).await), (1, 0), "{call}");
    }
    assert!(factors(&app, agent.user).await.totp, "what was tried was undone");
}
