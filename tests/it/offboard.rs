//! Leaving (ACC-10), handing over, and inviting again or many at once (ACC-6).

use std::{convert::Infallible, fmt::Write};

use axum::{body::Body, http::Request};
use futures::{StreamExt, stream};
use ringfort::{
    model::{permission::Role, profile::Profile},
    server::jobs::worker,
};

use crate::kit::{Browser, Business, Member, Reply, TestApp, send, sql};

async fn start() -> (TestApp, Business, Business) {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    let b = app.business("b", Profile::FieldService).await;
    (app, a, b)
}

async fn is_in(browser: &Browser) -> bool {
    browser.get("/home").await.status == 200
}

async fn invite(browser: &Browser, email: &str) {
    let reply = browser.post("/api/team/invite", &[("email", email), ("role", "agent")]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/team")), "{}", reply.body);
}

async fn import(browser: &Browser, list: &str) -> Reply {
    browser.post("/api/team/import", &[("list", list)]).await
}

/// The same person in another business.
async fn also_in(app: &TestApp, member: &Member, business: &Business) -> Member {
    let there = format!(
        "insert into members (business_id, id, user_id, email, name, role, joined_at)
         values ('{}', gen_random_uuid(), '{}', '{}', 'The Manager', 'manager', now())",
        business.id.0, member.user.0, member.email
    );
    sql::run(&app.owner, there).await;
    Member { business: business.id, ..member.clone() }
}

/// A program that is signed in as somebody.
async fn program(app: &TestApp, member: &Member, business: &Business) {
    let family = format!(
        "insert into lobby.token_families
             (id, user_id, business_id, device_name, agent, means, created_at, last_used_at, expires_at)
         values (gen_random_uuid(), '{}', '{}', 'Phone', '', 'password', now(), now(), now() + interval '30 days')",
        member.user.0, business.id.0
    );
    sql::run(&app.owner, family).await;
}

#[tokio::test]
async fn acc_10_a_form_that_was_held_back_is_heard_with_the_rights_of_its_end() {
    let (app, a, _) = start().await;
    let (leaver, boss) = (app.browser(a.member(Role::Admin)).await, app.browser(a.member(Role::Owner)).await);
    let id = a.member(Role::Admin).id.to_string();
    // The first half has come, with all headers; the second comes when they have been removed.
    let first = stream::once(async { Ok::<_, Infallible>("email=back%40a.example") });
    let second = stream::once(async move {
        let reply = boss.post("/api/team/remove", &[("id", &id), ("confirm", "remove")]).await;
        assert_eq!(reply.status, 303, "{}", reply.body);
        Ok("&role=admin")
    });
    let request = Request::post("/api/team/invite")
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header("cookie", leaver.cookie.as_deref().unwrap_or_default())
        .body(Body::from_stream(first.chain(second)));
    let reply = send(app.router(), request.expect("a request")).await;
    assert_eq!(reply.status, 401, "{}", reply.body);
    let invited = sql::count(&app.owner, "select count(*) from invitations where email = 'back@a.example'").await;
    assert_eq!(invited, 0);
}

#[tokio::test]
async fn acc_10_one_button_ends_everything_in_this_business_and_nothing_in_another() {
    let (app, a, b) = start().await;
    let manager = a.member(Role::Manager);
    let elsewhere = also_in(&app, manager, &b).await;
    let (here, phone, other) = (app.browser(manager).await, app.browser(manager).await, app.browser(&elsewhere).await);
    for business in [&a, &b] {
        program(&app, manager, business).await;
    }
    invite(&here, "new@a.example").await;
    invite(&app.browser(a.member(Role::Owner)).await, "other@a.example").await;
    let extension = format!(
        "insert into extensions (business_id, id, extension, member_id, target, created_at)
         values ('{}', gen_random_uuid(), '101', '{}', 'client:m', now())",
        a.id.0, manager.id.0
    );
    sql::run(&app.owner, extension).await;

    let boss = app.browser(a.member(Role::Owner)).await;
    let reply = boss.post("/api/team/remove", &[("id", &manager.id.to_string()), ("confirm", "remove")]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/team")), "{}", reply.body);

    assert!(!is_in(&here).await && !is_in(&phone).await);
    assert!(is_in(&other).await, "what they do elsewhere is not our affair");
    let causes = "select business_id::text, coalesce(cause, 'alive') from lobby.token_families";
    let mut programs = sql::pairs(&app.owner, causes).await;
    programs.sort();
    let mut wanted = [(a.id.0.to_string(), "removed".to_owned()), (b.id.0.to_string(), "alive".to_owned())];
    wanted.sort();
    assert_eq!(programs, wanted);
    let past = "select count(*) from lobby.past_sessions where cause = 'removed'";
    assert_eq!(sql::count(&app.owner, past).await, 2);
    let invited = "select email from invitations where revoked_at is null order by email";
    assert_eq!(sql::texts(&app.owner, invited).await, ["other@a.example"]);
    assert_eq!(sql::count(&app.owner, "select count(*) from extensions").await, 0);
    let written = "select after::text from audit_entries where action = 'member.removed' and result = 'done'";
    let counts: serde_json::Value = sql::text(&app.owner, written).await.parse().expect("JSON");
    assert_eq!(
        counts,
        serde_json::json!({
            "extensions_removed": 1, "invitations_withdrawn": 1, "programs_signed_out": 1, "sessions_ended": 2
        })
    );
}

#[tokio::test]
async fn acc_10_jobs_of_who_leaves_come_back_and_the_boards_are_told() {
    let (app, a, b) = start().await;
    let (filled, _) = (app.fill(&a).await, app.fill(&b).await);
    let done = format!(
        "insert into work_orders (business_id, id, number, customer_name, address, window_from, window_to, member_id, state,
             created_by, created_at, changed_at, closed_at)
         select business_id, gen_random_uuid(), 2, customer_name, address, window_from, window_to, member_id, 'done',
             created_by, created_at, changed_at, changed_at
         from work_orders where business_id = '{}'",
        a.id.0
    );
    sql::run(&app.owner, done).await;
    let (owner, leaver, job) = (a.member(Role::Owner), a.member(Role::Technician), filled.work_order.0);
    let elsewhere = sql::fingerprint(&app.owner, b.id.0).await;
    let reply = app
        .browser(owner)
        .await
        .post("/api/team/remove", &[("id", &leaver.id.to_string()), ("confirm", "remove")])
        .await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    let count = async |what: String| sql::count(&app.owner, format!("select count(*) from {what}")).await;
    let open = format!("work_orders where id = '{job}' and state = 'new' and member_id is null and version = 2");
    assert_eq!(count(open).await, 1);
    let ended = format!("work_orders where business_id = '{}' and state = 'done' and version = 1", a.id.0);
    assert_eq!(count(format!("{ended} and member_id = '{}'", leaver.id.0)).await, 1, "what is over stays whose it was");
    let step = format!("work_order_events where work_order_id = '{job}' and step = 'unassigned' and state = 'new'");
    assert_eq!(count(format!("{step} and by_member = '{}' and member_id is null", owner.id.0)).await, 1);
    let told = format!("outbox where business_id = '{}' and topic = 'work_order'", a.id.0);
    assert_eq!(count(format!("{told} and subject_id = '{job}'")).await, 1);
    assert_eq!(count(told).await, 1, "nothing else came back");
    let written = format!(
        "audit_entries where action = 'work_order.assigned' and target_id = '{job}' and before ->> 'member' = '{}'",
        leaver.id
    );
    assert_eq!(count(written).await, 1);
    assert_eq!(sql::fingerprint(&app.owner, b.id.0).await, elsewhere, "another business's jobs stay as they are");
}

#[tokio::test]
async fn per_5_the_last_owner_hands_over_before_leaving() {
    let (app, a, _) = start().await;
    let owner = app.browser(a.member(Role::Owner)).await.json();
    let (me, admin) = (a.member(Role::Owner).id.to_string(), a.member(Role::Admin).id.to_string());
    let leave = [("id", me.as_str()), ("confirm", "remove")];
    assert_eq!(owner.post("/api/team/remove", &leave).await.status, 422);
    let over = "/api/team/hand-over";
    let usurper = app.browser(a.member(Role::Admin)).await.json();
    assert_eq!(usurper.post(over, &[("id", &admin), ("word", "owner")]).await.status, 403);
    assert_eq!(owner.post(over, &[("id", &admin), ("word", "yes")]).await.status, 422);
    assert_eq!(owner.post(over, &[("id", &admin), ("word", "owner")]).await.status, 200);
    assert_eq!(owner.post(over, &[("id", &admin), ("word", "owner")]).await.status, 409, "they are one already");
    assert_eq!(owner.post("/api/team/remove", &leave).await.status, 200);
    let owners = "select name from members where role = 'owner' and state = 'active' and business_id =";
    assert_eq!(sql::texts(&app.owner, format!("{owners} '{}'", a.id.0)).await, ["The Admin"]);
    let written = "select count(*) from audit_entries where action = 'member.handed_over' and result = 'done'";
    assert_eq!(sql::count(&app.owner, written).await, 1);
}

#[tokio::test]
async fn acc_6_an_invitation_sent_again_ends_the_one_before() {
    let (app, a, _) = start().await;
    let manager = app.browser(a.member(Role::Manager)).await;
    invite(&manager, "new@a.example").await;
    let open = "select 'inv_' || replace(id::text, '-', '') from invitations where revoked_at is null";
    let first = sql::text(&app.owner, open).await;
    let again =
        async |browser: Browser, id: &str| browser.post("/api/team/invitation/resend", &[("id", id)]).await.status;
    assert_eq!(again(manager.clone().json(), &first).await, 429, "one a minute");
    app.clock.advance(61);
    assert_eq!(again(app.browser(a.member(Role::Agent)).await.json(), &first).await, 403);
    assert_eq!(again(manager.clone().json(), &first).await, 200);
    let second = sql::texts(&app.owner, open).await;
    assert_eq!(second.len(), 1, "{second:?}");
    assert_ne!(second[0], first);
    assert_eq!(again(manager.clone().json(), &first).await, 404, "the old one is dead");
    let links = "select count(distinct token_hash) from invitations";
    assert_eq!(sql::count(&app.owner, links).await, 2, "the new one has another link");
}

#[tokio::test]
async fn acc_6_a_list_invites_whom_it_can_and_says_what_became_of_each_line() {
    let (app, a, b) = start().await;
    let manager = app.browser(a.member(Role::Manager)).await;
    let list = "email,role\r\nnew@a.example,agent\r\nnot an address,agent\r\nx@a.example,boss\r\ny@a.example,owner\r\n\
                NEW@a.example,viewer\r\nagent@a.example,agent\r\nno comma\r\n\r\n<b>z@a.example</b>,agent\r\n";
    let reply = import(&manager, list).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    let place = reply.header("location").expect("a place").to_owned();
    let results = "select line::text, result from invitation_batch_rows r order by r.line";
    let results = sql::pairs(&app.owner, results).await;
    let results: Vec<_> = results.iter().map(|(line, result)| (line.as_str(), result.as_str())).collect();
    let wanted = [
        ("2", "invited"),
        ("3", "bad_address"),
        ("4", "unknown_role"),
        ("5", "above_you"),
        ("6", "duplicate"),
        ("7", "member"),
        ("8", "unreadable"),
        ("10", "bad_address"),
    ];
    assert_eq!(results, wanted);
    assert_eq!(sql::texts(&app.owner, "select email from invitations").await, ["new@a.example"]);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.mails").await, 1);
    let written = "select count(*) from audit_entries where action in ('member.invited', 'invitation.imported')";
    assert_eq!(sql::count(&app.owner, written).await, 2);

    let page = manager.get(&place).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("1 of 8 invited"));
    assert!(!page.body.contains("<b>z@a"), "what was typed is no markup");
    assert_eq!(app.browser(b.member(Role::Owner)).await.get(&place).await.status, 404);
    assert_eq!(app.browser(a.member(Role::Agent)).await.get(&place).await.status, 403);
    app.clock.advance(8 * 24 * 3600);
    worker::minute(&app.app).await.expect("housekeeping");
    assert_eq!(sql::count(&app.owner, "select count(*) from invitation_batch_rows").await, 0);
}

#[tokio::test]
async fn acc_6_lists_have_an_end_and_are_for_who_invites() {
    let (app, a, _) = start().await;
    let manager = app.browser(a.member(Role::Manager)).await.json();
    let mut list = String::new();
    for number in 0..201 {
        writeln!(list, "p{number}@a.example,agent").expect("writing to a string");
    }
    assert_eq!(import(&manager, &list).await.status, 422);
    assert_eq!(import(&manager, " \n,\n").await.status, 422);
    assert_eq!(import(&app.browser(a.member(Role::Agent)).await.json(), "p@a.example,agent").await.status, 403);
    assert_eq!(sql::count(&app.owner, "select count(*) from invitations").await, 0);
    let page = app.browser(a.member(Role::Manager)).await.get("/team/import").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<textarea"));
}
