//! Viewing the product as another role (PER-6): only ever narrower, and written down.

use ringfort::model::permission::{Permission, Reach, Role};

use super::{entries, grants, role, start};
use crate::kit::{Browser, Reply, sql};

async fn view(browser: &Browser, role: &str) -> Reply {
    browser.post("/api/roles/view", &[("role", role)]).await
}

async fn stop(browser: &Browser) -> u16 {
    browser.post("/api/roles/view/stop", &[]).await.status
}

async fn status(browser: &Browser, path: &str) -> u16 {
    browser.get(path).await.status
}

#[tokio::test]
async fn per_6_who_views_the_product_as_a_role_may_what_it_may() {
    let (app, a) = start().await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let other = app.browser(a.member(Role::Owner)).await;
    assert_eq!(view(&owner, "viewer").await.status, 303);
    let home = owner.get("/home").await;
    assert_eq!(home.status, 200);
    assert!(home.body.contains("Stop viewing as Viewer"));
    for path in ["/calls", "/team", "/settings", "/audit", "/roles", "/board"] {
        assert_eq!(status(&owner, path).await, 403, "{path}");
        assert_eq!(status(&other, path).await, 200, "{path} in a session of its own");
    }
    assert_eq!(owner.clone().json().get("/live").await.status, 403);
    let invite = [("email", "new@a.example"), ("role", "agent")];
    assert_eq!(owner.clone().json().post("/api/team/invite", &invite).await.status, 403);
    assert_eq!(owner.clone().json().post("/api/settings/save", &[("name", "Mine")]).await.status, 403);

    assert_eq!(stop(&owner).await, 303);
    assert_eq!(status(&owner, "/settings").await, 200);
    assert_eq!(stop(&owner).await, 303, "twice is fine");
    let written = "select action || ' ' || coalesce(after ->> 'role', after ->> 'cause') from audit_entries
                   where action like 'role.view%' and result = 'done' order by xid, id";
    assert_eq!(sql::texts(&app.owner, written).await, ["role.view_started viewer", "role.view_ended stopped"]);
}

#[tokio::test]
async fn per_6_a_view_never_gives_and_is_not_for_everybody() {
    let (app, a) = start().await;
    let manager = app.browser(a.member(Role::Manager)).await;
    for path in ["/audit", "/settings", "/connections"] {
        assert_eq!(status(&manager, path).await, 403, "{path}");
    }
    assert_eq!(view(&manager, "owner").await.status, 303);
    for path in ["/audit", "/settings", "/connections"] {
        assert_eq!(status(&manager, path).await, 403, "{path} as an owner");
    }
    assert_eq!(view(&manager.clone().json(), "agent").await.status, 409, "one at a time");
    assert_eq!(stop(&manager).await, 303);
    // A role that holds what they lack and lacks what they hold leaves them with neither.
    let held = grants(&[(Permission::AuditRead, Reach::All), (Permission::Leads, Reach::Own)]);
    let id = role(&app, &a, "Clerk", Role::Agent, held).await;
    assert_eq!(view(&manager, &id.to_string()).await.status, 303);
    assert_eq!((status(&manager, "/audit").await, status(&manager, "/calls").await), (403, 403));
    let agent = app.browser(a.member(Role::Agent)).await.json();
    assert_eq!(view(&agent, "viewer").await.status, 403);
    assert_eq!(view(&app.browser(a.member(Role::Owner)).await.json(), "boss").await.status, 422);
    assert_eq!(entries(&app, "role.view_started", "done").await, 2);
}

#[tokio::test]
async fn per_6_a_view_outlives_its_role_and_a_fresh_proof_but_not_its_session() {
    let (app, a) = start().await;
    let owner = a.member(Role::Owner);
    app.give_password(owner, "seven quiet otters").await;
    let browser = app.browser(owner).await;
    let id = role(&app, &a, "Clerk", Role::Agent, grants(&[(Permission::TeamRead, Reach::All)])).await;
    assert_eq!(view(&browser, &id.to_string()).await.status, 303);
    assert_eq!((status(&browser, "/team").await, status(&browser, "/calls").await), (200, 403));
    // A new session id does not lead out of the view.
    let reply = browser.post("/api/confirm", &[("password", "seven quiet otters")]).await;
    let cookie = reply.cookie("__Host-ringfort").expect("a session with a new id");
    let browser = browser.with_cookie(Some(cookie));
    assert_eq!((status(&browser, "/team").await, status(&browser, "/calls").await), (200, 403));
    // A role that is gone holds nothing, and does not give back what it took.
    sql::run(&app.owner, "update roles set deleted_at = now()").await;
    assert_eq!((status(&browser, "/team").await, status(&browser, "/calls").await), (403, 403));
    assert_eq!(status(&browser, "/home").await, 200);
    assert_eq!(browser.post("/api/sign-out", &[]).await.status, 303);
    let cause = "select after ->> 'cause' from audit_entries where action = 'role.view_ended'";
    assert_eq!(sql::texts(&app.owner, cause).await, ["signed_out"]);
    assert_eq!(status(&app.browser(owner).await, "/calls").await, 200, "another session sees everything");
}

#[tokio::test]
async fn per_6_a_view_ends_when_somebody_signs_in_over_it() {
    let (app, a) = start().await;
    let owner = a.member(Role::Owner);
    app.give_password(owner, "seven quiet otters").await;
    let browser = app.browser(owner).await;
    assert_eq!(view(&browser, "viewer").await.status, 303);
    let again = [("email", owner.email.as_str()), ("password", "seven quiet otters")];
    let reply = browser.post("/api/sign-in", &again).await;
    let cookie = reply.cookie("__Host-ringfort").expect("a session with a new id");
    assert_eq!(status(&browser.with_cookie(Some(cookie)), "/calls").await, 200);
    let cause = "select after ->> 'cause' from audit_entries where action = 'role.view_ended' and result = 'done'";
    assert_eq!(sql::texts(&app.owner, cause).await, ["signed_in"]);
}
