//! Passwords that are chosen anew (ACC-1), by a mailed link and by the old one, and what a business asks of them.

use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
use ringfort::{
    model::{permission::Role, profile::Profile},
    server::vault::password::{MEMORY_KIB, PASSES},
};

use crate::{
    kit::{Browser, Reply, TestApp, sql},
    link::{ANOTHER, PASSWORD, SESSION, asked, entries, is_refused, location, mailed, mails, opened, press, start},
};

async fn is_in(browser: &Browser) -> bool {
    browser.get("/home").await.status == 200
}

/// How often an address was told that its password was changed, since the last look.
async fn told(app: &TestApp, email: &str) -> usize {
    let about = "Subject: Your Ringfort password was changed";
    mails(app, email).await.iter().filter(|mail| mail.contains(about)).count()
}

async fn sign_in(app: &TestApp, email: &str, password: &str) -> Reply {
    app.stranger().json().post("/api/sign-in", &[("email", email), ("password", password)]).await
}

#[tokio::test]
async fn acc_1_a_reset_ends_all_sessions_signs_nobody_in_and_works_once() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    let (one, two) = (app.browser(owner).await, app.browser(owner).await);
    let stays = app.browser(business.member(Role::Agent)).await;
    let program = format!(
        "insert into lobby.token_families (id, user_id, business_id, device_name, agent, means, created_at, last_used_at,
             expires_at)
         values (gen_random_uuid(), '{}', '{}', 'A phone', '', 'password', now(), now(), now() + interval '1 day')",
        owner.user.0, business.id.0
    );
    sql::run(&app.owner, program).await;
    let reply = app.stranger().post("/api/password/forgot", &[("email", &owner.email)]).await;
    assert_eq!(location(&reply), (303, Some("/forgot/sent")));
    let link = mailed(&app, &owner.email, "reset").await;
    // A link to sign in with that waits must not outlive the old password.
    let (asker, open_link) = asked(&app, &owner.email).await;
    let browser = opened(&app.stranger(), &link).await;
    let page = browser.get("/reset").await;
    assert!(page.status == 200 && page.body.contains("At least 8 characters"), "{}", page.body);
    let weak = browser.clone().json().post("/api/password/reset", &[("password", "Owner-a1")]).await;
    assert_eq!(weak.status, 422, "made of the address");
    assert!(is_in(&one).await && is_in(&two).await);
    let reply = browser.post("/api/password/reset", &[("password", ANOTHER)]).await;
    assert_eq!(location(&reply), (303, Some("/sign-in")), "{}", reply.body);
    is_refused(&reply);
    assert!(!is_in(&one).await && !is_in(&two).await && is_in(&stays).await);
    is_refused(&press(&opened(&asker, &open_link).await).await);
    assert_eq!(sql::text(&app.owner, "select cause from lobby.token_families").await, "password");
    assert_eq!(sign_in(&app, &owner.email, PASSWORD).await.status, 422);
    assert_eq!(sign_in(&app, &owner.email, ANOTHER).await.status, 200);
    let again = browser.post("/api/password/reset", &[("password", PASSWORD)]).await;
    assert_eq!(location(&again), (303, Some("/reset")));
    assert_eq!(browser.get("/reset").await.status, 404);
    assert_eq!(told(&app, &owner.email).await, 1, "its owner is told");
    assert_eq!(entries(&app, "password.reset_asked", "done").await, 1);
    assert_eq!(entries(&app, "password.reset", "done").await, 1);
}

#[tokio::test]
async fn acc_1_a_password_is_changed_by_the_old_one_and_only_this_session_goes_on() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    let cookie = sign_in(&app, &owner.email, PASSWORD).await.cookie(SESSION).expect("a session");
    let here = app.stranger().with_cookie(Some(cookie));
    let elsewhere = app.browser(owner).await;
    assert_eq!(here.get("/account/password").await.status, 200);
    let path = "/api/password/change";
    let wrong = here.clone().json().post(path, &[("password", ANOTHER), ("new_password", ANOTHER)]).await;
    assert!(wrong.status == 422 && wrong.body.contains("\"password\""), "{}", wrong.body);
    let weak = here.clone().json().post(path, &[("password", PASSWORD), ("new_password", "Summer2026!")]).await;
    assert!(weak.status == 422 && !weak.body.contains("\"password\""), "{}", weak.body);
    assert!(is_in(&elsewhere).await, "nothing was changed");
    let reply = here.post(path, &[("password", PASSWORD), ("new_password", ANOTHER)]).await;
    assert_eq!(location(&reply), (303, Some("/account")), "{}", reply.body);
    let rotated = reply.cookie(SESSION).expect("a new id");
    assert!(!is_in(&here).await && !is_in(&elsewhere).await);
    assert!(is_in(&app.stranger().with_cookie(Some(rotated))).await);
    assert_eq!(sign_in(&app, &owner.email, PASSWORD).await.status, 422);
    assert_eq!(sign_in(&app, &owner.email, ANOTHER).await.status, 200);
    assert_eq!(told(&app, &owner.email).await, 1, "its owner is told");
    assert_eq!(entries(&app, "password.changed", "done").await, 1);
    assert_eq!(entries(&app, "password.changed", "refused").await, 1);
}

#[tokio::test]
async fn acc_1_a_business_chooses_its_policy_and_a_person_follows_those_of_all_their_businesses() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::Outbound).await;
    let (owner, agent) = (a.member(Role::Owner), a.member(Role::Agent));
    app.give_password(agent, PASSWORD).await;
    let tries = async |password: &str| {
        // What is wrong is told together, so the old one need not be right.
        let browser = app.browser(agent).await.json();
        let form = [("password", "not the old one"), ("new_password", password)];
        let reply = browser.post("/api/password/change", &form).await;
        assert_eq!(reply.status, 422);
        !reply.body.contains("new_password")
    };
    let (complex, long) = ("uT4#xq9w", "seven quiet otters swim");
    assert!(tries(complex).await && !tries(long).await, "four kinds are the rule where nothing was chosen");
    let boss = app.browser(owner).await;
    assert!(boss.get("/settings").await.body.contains("save-password-policy"));
    let strange = boss.clone().json().post("/api/setup/save-password-policy", &[("policy", "none")]).await;
    assert_eq!(strange.status, 422);
    let reply = boss.post("/api/setup/save-password-policy", &[("policy", "length")]).await;
    assert_eq!(location(&reply), (303, Some("/settings")), "{}", reply.body);
    assert!(!tries(complex).await && tries(long).await, "length alone");
    assert_eq!(entries(&app, "password_policy.changed", "done").await, 1);
    let join = format!(
        "insert into members (business_id, id, user_id, email, name, role, joined_at)
         values ('{}', gen_random_uuid(), '{}', '{}', 'Both', 'agent', now())",
        b.id.0, agent.user.0, agent.email
    );
    sql::run(&app.owner, join).await;
    assert!(!tries(complex).await && !tries(long).await, "each of two businesses has its say");
    assert!(tries(PASSWORD).await);
}

#[tokio::test]
async fn acc_1_an_old_hash_is_made_anew_by_the_right_password_and_by_no_wrong_one() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    let stored = async || {
        let hash = format!("select password_hash from lobby.users where id = '{}'", owner.user.0);
        sql::text(&app.owner, hash).await
    };
    // As it was made when parameters were lower.
    let params = Params::new(MEMORY_KIB / 2, 1, 1, None).expect("parameters");
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let old = weak.hash_password(PASSWORD.as_bytes()).expect("a hash").to_string();
    let update = format!("update lobby.users set password_hash = '{old}' where id = '{}'", owner.user.0);
    sql::run(&app.owner, update).await;

    assert_eq!(sign_in(&app, &owner.email, ANOTHER).await.status, 422);
    assert_eq!(stored().await, old);
    assert_eq!(sign_in(&app, &owner.email, PASSWORD).await.status, 200);
    let new = stored().await;
    assert!(new.starts_with(&format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1$")), "{new}");
    assert_eq!(sign_in(&app, &owner.email, PASSWORD).await.status, 200, "which opens as the old one did");
    assert_eq!(stored().await, new, "and once is enough");
}
