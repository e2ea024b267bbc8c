//! A second factor that a role must have (ACC-3): when it keeps people out, whom, and who may say so.

use ringfort::model::{permission::Role, profile::Profile};

use crate::kit::{Browser, Business, Reply, TestApp, sql};

const DAY: i64 = 24 * 3600;

async fn start() -> (TestApp, Business, Business) {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    let b = app.business("b", Profile::FieldService).await;
    (app, a, b)
}

async fn save(browser: &Browser, role: &str, required: &str, grace_days: &str) -> Reply {
    let fields = [("role", role), ("required", required), ("grace_days", grace_days)];
    browser.post("/api/security/factor", &fields).await
}

#[tokio::test]
async fn acc_3_without_the_factor_that_is_due_only_the_way_to_one_opens() {
    let (app, a, b) = start().await;
    let agent = app.browser(a.member(Role::Agent)).await;
    assert_eq!(agent.get("/home").await.status, 200);
    let reply = save(&app.browser(a.member(Role::Owner)).await, "agent", "yes", "0").await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/settings/security")), "{}", reply.body);

    for page in ["/home", "/calls", "/board"] {
        let reply = agent.get(page).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some("/account/two-factor")), "{page}");
    }
    // Programs and forms are told, not led.
    assert_eq!(agent.clone().json().get("/live").await.status, 403);
    assert_eq!(agent.post("/api/pops/acknowledge", &[("id", "pop_x")]).await.status, 403);
    for page in ["/account", "/switch", "/account/two-factor"] {
        let reply = agent.get(page).await;
        assert_eq!(reply.status, 200, "{page}");
        let wakes = reply.body.contains("leptos-island") || reply.body.contains("/static/islands.js");
        assert!(!wakes, "{page} has nothing that would ask the stream, which refuses");
    }
    // Others of the business, and agents of another, go on.
    assert_eq!(app.browser(a.member(Role::Dispatcher)).await.get("/home").await.status, 200);
    assert_eq!(app.browser(b.member(Role::Agent)).await.get("/home").await.status, 200);

    let factor = "insert into lobby.email_factors (user_id, added_at) values";
    let user = a.member(Role::Agent).user.0;
    sql::run(&app.owner, format!("{factor} ('{user}', now())")).await;
    let home = agent.get("/home").await;
    assert_eq!(home.status, 200, "with one, everything opens");
    assert!(home.body.contains("leptos-island") && home.body.contains("/static/islands.js"), "and wakes again");
    assert_eq!(agent.post("/api/sign-out", &[]).await.status, 303);
}

#[tokio::test]
async fn acc_3_grace_is_shown_and_ends() {
    let (app, a, _) = start().await;
    let owner = app.browser(a.member(Role::Owner)).await;
    save(&owner, "agent", "yes", "14").await;
    let reply = app.browser(a.member(Role::Agent)).await.get("/home").await;
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("/account/two-factor"), "a banner says so");
    // Who joins later has as many days.
    app.clock.advance(13 * DAY);
    let late = app.join(a.id, Role::Agent, "late@a.example").await;
    app.clock.advance(DAY);
    assert_eq!(app.browser(a.member(Role::Agent)).await.get("/home").await.status, 303);
    assert_eq!(app.browser(&late).await.get("/home").await.status, 200);
    app.clock.advance(13 * DAY);
    assert_eq!(app.browser(&late).await.get("/home").await.status, 303);
    // The rule goes, and so does what hangs on it.
    save(&app.browser(a.member(Role::Owner)).await, "agent", "no", "").await;
    assert_eq!(app.browser(&late).await.get("/home").await.status, 200);
}

#[tokio::test]
async fn acc_3_nobody_decides_for_roles_that_hold_more() {
    let (app, a, _) = start().await;
    assert_eq!(save(&app.browser(a.member(Role::Manager)).await, "agent", "yes", "0").await.status, 403);
    let admin = app.browser(a.member(Role::Admin)).await.json();
    assert_eq!(save(&admin, "agent", "yes", "3").await.status, 200);
    for (role, required) in [("owner", "yes"), ("owner", "no"), ("auditor", "no")] {
        assert_eq!(save(&admin, role, required, "0").await.status, 403, "{role} {required}");
    }
    for (role, required, days) in [("boss", "yes", "0"), ("agent", "maybe", "0"), ("agent", "yes", "61")] {
        assert_eq!(save(&admin, role, required, days).await.status, 422, "{role} {required} {days}");
    }
    assert_eq!(sql::texts(&app.owner, "select role from factor_rules").await, ["agent"]);
    let written = "select result || ' ' || count(*) from audit_entries where action = 'factor_policy.changed'
        group by result order by result";
    assert_eq!(sql::texts(&app.owner, written).await, ["done 1", "refused 3"]);
}

#[tokio::test]
async fn acc_3_who_has_none_is_listed_for_this_business_alone() {
    let (app, a, b) = start().await;
    let name = |member: uuid::Uuid, name: &str| format!("update members set name = '{name}' where id = '{member}'");
    sql::run(&app.owner, name(a.member(Role::Agent).id.0, "Canary of A")).await;
    sql::run(&app.owner, name(b.member(Role::Agent).id.0, "Canary of B")).await;
    let page = app.browser(a.member(Role::Owner)).await.get("/settings/security").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Canary of A"));
    assert!(!page.body.contains("Canary of B"));
    // The function itself answers only for the business of the transaction.
    let foreign = format!("select count(*) from lobby.members_without_factor('{}')", b.id.0);
    assert_eq!(sql::count_within(&app.pool_as("ringfort_app", 1), a.id.0, foreign).await, 0);
}
