//! Wallboards: what whoever has the link sees, and for how long.

use axum::{body::Body, http::Request};
use futures::StreamExt;
use ringfort::model::{permission::Role, profile::Profile};
use tokio::time::timeout;
use tower::ServiceExt;

use super::{Two, two};
use crate::kit::{Browser, PATIENCE, PUBLIC_URL, TestApp, sql};

/// Makes a link: its path, which is shown once.
async fn share(owner: &Browser) -> String {
    let made = owner.post("/api/wallboard/share", &[("label", "Hall"), ("days", "1")]).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let reveal = made.cookie("__Host-reveal").expect("the link is shown on the next page");
    let cookie = format!("{}; {reveal}", owner.cookie.as_deref().expect("a session"));
    let page = owner.clone().with_cookie(Some(cookie)).get("/wallboards").await.body;
    let (_, rest) = page.split_once(&format!("{PUBLIC_URL}/wallboard/")).expect("the link");
    let token: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    assert_eq!(token.len(), 43);
    let again = owner.get("/wallboards").await.body;
    assert!(!again.contains(&token), "shown twice");
    format!("/wallboard/{token}")
}

async fn open_link(app: &TestApp) -> i64 {
    sql::count(&app.owner, "select count(*) from wallboard_links where label = 'Hall' and revoked_at is null").await
}

#[tokio::test]
async fn tel_2_a_wallboard_shows_no_number_and_no_full_name_of_its_own_business_only() {
    let Two { app, a, b, .. } = two().await;
    for (business, name) in [(&a, "Ada Lovelace"), (&b, "Bob Byron")] {
        let named = format!("update members set name = '{name}' where id = '{}'", business.member(Role::Agent).id.0);
        sql::run(&app.owner, named).await;
    }
    let path = share(&app.browser(a.member(Role::Owner)).await).await;
    let owner_there = app.browser(b.member(Role::Owner)).await;
    for who in [app.stranger(), owner_there] {
        let page = who.get(&path).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("x-robots-tag"), Some("noindex"));
        assert!(page.body.contains("Ada") && page.body.contains("Ringing"), "{}", page.body);
        for hidden in ["Lovelace", "Bob", "0100", "0006", "mem_", "call_", "/calls"] {
            assert!(!page.body.contains(hidden), "shows {hidden}");
        }
    }
    let nowhere = app.stranger().get("/wallboard/abcdefghijklmnopqrstuvwxyz-_0123456789ABCDEF").await;
    assert_eq!(nowhere.status, 404);
    app.clock.advance(24 * 3600);
    assert_eq!(app.stranger().get(&path).await.status, 404, "its day is over");
}

#[tokio::test]
async fn acc_8_a_link_is_made_by_who_has_just_shown_who_they_are() {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    let owner = app.browser(a.member(Role::Owner)).await;
    app.clock.advance(601);
    let fields = [("label", "Hall"), ("days", "3")];
    let asked = owner.post("/api/wallboard/share", &fields).await;
    assert!(asked.header("location").is_some_and(|to| to.starts_with("/confirm?next=")), "{asked:?}");
    assert_eq!(owner.clone().json().post("/api/wallboard/share", &fields).await.status, 403);
    assert_eq!(open_link(&app).await, 0);
    // What was typed waits for them.
    let flash = asked.cookie("__Host-flash").expect("what was typed");
    let cookie = format!("{}; {flash}", app.session(a.member(Role::Owner)).await);
    let page = owner.clone().with_cookie(Some(cookie)).get("/wallboards").await.body;
    assert!(page.contains("value=\"Hall\"") && page.contains("value=\"3\""), "{page}");
    // Ending one asks nothing: it must go fast.
    let path = share(&app.browser(a.member(Role::Owner)).await).await;
    let id = sql::text(&app.owner, "select 'wall_' || replace(id::text, '-', '') from wallboard_links").await;
    app.clock.advance(601);
    assert_eq!(owner.post("/api/wallboard/revoke", &[("id", &id)]).await.status, 303);
    assert_eq!((app.stranger().get(&path).await.status, open_link(&app).await), (404, 0));
}

#[tokio::test]
async fn tel_2_a_revoked_wallboard_ends_within_a_second_also_where_nobody_tells() {
    let Two { app, a, .. } = two().await;
    let owner = app.browser(a.member(Role::Owner)).await;
    for by_door in [true, false] {
        let path = share(&owner).await;
        let request = Request::get(format!("{path}/live")).body(Body::empty()).expect("a request");
        let stream = app.router().oneshot(request).await.expect("the service never fails");
        assert_eq!(stream.status().as_u16(), 200);
        let mut told = stream.into_body().into_data_stream();
        let mut board = String::new();
        while !board.contains("data:") {
            let more = timeout(PATIENCE, told.next()).await.expect("a board").expect("a stream").expect("goes on");
            board.push_str(&String::from_utf8_lossy(&more));
        }
        assert!(board.starts_with("retry: "), "when to come back comes first: {board}");
        assert!(board.contains("\"waiting\":1") && !board.contains("0100"), "{board}");
        let named = "select 'wall_' || replace(id::text, '-', '') from wallboard_links
            where label = 'Hall' and revoked_at is null";
        let id = sql::text(&app.owner, named).await;
        if by_door {
            assert_eq!(owner.post("/api/wallboard/revoke", &[("id", &id)]).await.status, 303);
        } else {
            // As another node does: nobody here is told.
            sql::run(&app.owner, "update wallboard_links set revoked_at = now() where label = 'Hall'").await;
        }
        timeout(PATIENCE, async { while told.next().await.is_some() {} }).await.expect("it ends");
        assert_eq!(app.stranger().get(&path).await.status, 404);
        assert_eq!(open_link(&app).await, 0);
    }
}

#[tokio::test]
async fn tel_2_a_wallboard_follows_what_happens() {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    app.fill(&a).await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let path = share(&owner).await;
    let agent = app.browser(a.member(Role::Agent)).await;
    // The list alone: beside it stands every state, hidden, for the script to copy.
    let listed = async || {
        let page = app.stranger().get(&path).await.body;
        let list = page.split("data-wall=\"agents\"").nth(1).expect("a list of agents");
        list.split("</ul>").next().unwrap_or_default().to_owned()
    };
    assert!(listed().await.contains("On a break"));
    assert_eq!(agent.post("/api/agent/state", &[("says", "available")]).await.status, 303);
    let list = listed().await;
    assert!(list.contains("Available") && !list.contains("On a break"), "{list}");
}

#[tokio::test]
async fn tel_2_a_wallboard_ends_with_the_right_of_who_shared_it() {
    let Two { app, a, b, .. } = two().await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let (kept, theirs) = (share(&owner).await, share(&app.browser(b.member(Role::Manager)).await).await);
    let of_manager = share(&app.browser(a.member(Role::Manager)).await).await;
    let of_admin = share(&app.browser(a.member(Role::Admin)).await).await;
    let (manager, admin) = (a.member(Role::Manager).id.to_string(), a.member(Role::Admin).id.to_string());
    let smaller = owner.post("/api/team/role", &[("id", &manager), ("role", "agent")]).await;
    assert_eq!(smaller.status, 303, "{}", smaller.body);
    let removed = owner.post("/api/team/remove", &[("id", &admin), ("confirm", "remove")]).await;
    assert_eq!(removed.status, 303, "{}", removed.body);
    for (path, status) in [(&of_manager, 404), (&of_admin, 404), (&kept, 200), (&theirs, 200)] {
        assert_eq!(app.stranger().get(path).await.status, status);
    }
    let told = "select after ->> 'member' from audit_entries where action = 'wallboard.revoked' order by 1";
    let mut gone = [manager, admin];
    gone.sort();
    assert_eq!(sql::texts(&app.owner, told).await, gone, "and each has its entry");
    // Shared in the moment of the removal, its row would be open: who is gone shows nothing to anybody.
    let open =
        format!("update wallboard_links set revoked_at = null where created_by = '{}'", a.member(Role::Admin).id.0);
    assert_eq!(sql::run(&app.owner, open).await, 1);
    assert_eq!(app.stranger().get(&of_admin).await.status, 404);
}
