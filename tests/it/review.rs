//! Access reviews (ACC-10): opened by the clock, decided by who may, and evidence once they are closed.

use ringfort::{
    model::{permission::Role, profile::Profile},
    server::jobs::worker,
};

use crate::kit::{Browser, Business, Reply, TestApp, sql};

const DAY: i64 = 24 * 3600;
/// SQLSTATE of what the trigger says.
const REFUSED: &str = "42501";

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    (app, business)
}

/// Opens a review and says where it is.
async fn open(browser: &Browser) -> String {
    let reply = browser.post("/api/review/open", &[]).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    reply.header("location").expect("a place").to_owned()
}

async fn decide(browser: &Browser, review: &str, about: &str, more: &[(&str, &str)]) -> Reply {
    let id = review.trim_start_matches("/reviews/");
    browser.post("/api/review/decide", &[&[("id", id), ("member", about)][..], more].concat()).await
}

async fn close(browser: &Browser, review: &str) -> Reply {
    browser.post("/api/review/close", &[("id", review.trim_start_matches("/reviews/"))]).await
}

/// What the clock does, and the jobs that come of it.
async fn tick(app: &TestApp) {
    worker::minute(&app.app).await.expect("housekeeping");
    app.run_jobs().await;
}

async fn entries(app: &TestApp, action: &str) -> i64 {
    sql::count(&app.owner, format!("select count(*) from audit_entries where action = '{action}' and result = 'done'"))
        .await
}

#[tokio::test]
async fn acc_10_the_clock_opens_one_every_quarter_and_reminds_once_of_each_thing() {
    let (app, a) = start().await;
    tick(&app).await;
    assert_eq!(sql::count(&app.owner, "select count(*) from reviews").await, 0, "a new business begins with the next");
    app.clock.advance(100 * DAY);
    for _ in 0..2 {
        tick(&app).await;
        assert_eq!(sql::count(&app.owner, "select count(*) from reviews where opened_by is null").await, 1);
        let people = sql::count(&app.owner, "select count(*) from review_items").await;
        assert_eq!(people, i64::try_from(a.members.len()).expect("a few"));
        assert_eq!((entries(&app, "review.opened").await, entries(&app, "review.reminded").await), (1, 1));
    }
    for (days, reminders) in [(13, 1), (1, 2), (1, 2), (6, 3), (5, 3)] {
        app.clock.advance(days * DAY);
        tick(&app).await;
        assert_eq!(entries(&app, "review.reminded").await, reminders, "after {days} days more");
    }
    // While it is open no other opens, however long it takes.
    app.clock.advance(100 * DAY);
    tick(&app).await;
    assert_eq!(sql::count(&app.owner, "select count(*) from reviews").await, 1);
    let told = "select string_agg(after->>'people', ',') from audit_entries where action = 'review.reminded'";
    assert_eq!(sql::text(&app.owner, told).await, "2,2,2", "owner and admin, each time");
    let home = app.browser(a.member(Role::Owner)).await.get("/home").await;
    assert!(home.body.contains("The access review is past its time"), "the home page says so");
}

#[tokio::test]
async fn acc_10_decisions_are_carried_out_and_the_closed_record_stands() {
    let (app, a) = start().await;
    let id = |role: Role| a.member(role).id.to_string();
    let (owner, admin) =
        (app.browser(a.member(Role::Owner)).await.json(), app.browser(a.member(Role::Admin)).await.json());
    let agent = app.browser(a.member(Role::Agent)).await;
    let review = open(&app.browser(a.member(Role::Owner)).await).await;
    assert_eq!(owner.post("/api/review/open", &[]).await.status, 409, "one at a time");
    assert_eq!(agent.get(&review).await.status, 403);

    let keep = [("decision", "keep")];
    assert_eq!(
        decide(&app.browser(a.member(Role::Auditor)).await.json(), &review, &id(Role::Viewer), &keep).await.status,
        403
    );
    assert_eq!(decide(&owner, &review, &id(Role::Owner), &keep).await.status, 403, "nobody decides about themselves");
    let removal = [("decision", "remove"), ("confirm", "remove")];
    assert_eq!(decide(&admin, &review, &id(Role::Owner), &removal).await.status, 403, "who holds more is not touched");
    assert_eq!(decide(&owner, &review, &id(Role::Agent), &[("decision", "remove")]).await.status, 422, "not untyped");
    assert_eq!(decide(&owner, &review, &id(Role::Agent), &removal).await.status, 200);
    assert_eq!(agent.get("/home").await.status, 303, "removed is removed at once");
    assert_eq!(decide(&owner, &review, &id(Role::Agent), &keep).await.status, 409);
    let change = [("decision", "change"), ("role", "agent")];
    assert_eq!(decide(&owner, &review, &id(Role::Viewer), &change).await.status, 200);
    assert_eq!(close(&owner, &review).await.status, 422, "somebody is undecided");
    assert_eq!(decide(&admin, &review, &id(Role::Owner), &keep).await.status, 200);
    for role in [Role::Admin, Role::Manager, Role::Dispatcher, Role::Technician, Role::Auditor] {
        assert_eq!(decide(&owner, &review, &id(role), &keep).await.status, 200, "{}", role.code());
    }
    let roles =
        "select role || ' ' || state from members where email in ('viewer@a.example', 'agent@a.example') order by 1";
    assert_eq!(sql::texts(&app.owner, roles).await, ["agent active", "agent removed"]);
    assert_eq!((entries(&app, "member.removed").await, entries(&app, "member.role_changed").await), (1, 1));

    assert_eq!(close(&app.browser(a.member(Role::Manager)).await.json(), &review).await.status, 403);
    assert_eq!(close(&owner, &review).await.status, 200);
    assert_eq!(close(&owner, &review).await.status, 409);
    assert_eq!(decide(&owner, &review, &id(Role::Viewer), &keep).await.status, 409);
    stands(&app, &a, &review).await;
}

/// That nobody changes a closed review, and that who does it all the same is seen.
async fn stands(app: &TestApp, a: &Business, review: &str) {
    let app_role = app.pool_as("ringfort_app", 1);
    for statement in [
        "update reviews set record_hash = '\\x00'",
        "update reviews set closed_at = null, record_hash = null, record_mac = null",
        "update review_items set decision = 'keep', new_role = null where decision = 'change'",
        "insert into review_items (business_id, review_id, member_id, role_then)
         select business_id, review_id, member_id, role_then from review_items",
        "delete from review_items",
        "delete from reviews",
    ] {
        for pool in [&app_role, &app.owner] {
            assert_eq!(sql::code(sql::try_within(pool, a.id.0, statement).await), REFUSED, "{statement}");
        }
    }
    let signed = "are the ones that were signed";
    let auditor = app.browser(a.member(Role::Auditor)).await;
    assert!(auditor.get(review).await.body.contains(signed));
    // Who owns the database can change it, but not sign it.
    sql::run(&app.owner, "alter table review_items disable trigger review_closed").await;
    sql::run(&app.owner, "update review_items set decision = 'keep' where decision = 'remove'").await;
    let page = auditor.get(review).await;
    assert!(!page.body.contains(signed));
    assert!(page.body.contains("are not the ones that were signed"));
}

#[tokio::test]
async fn acc_10_who_is_alone_decides_about_themselves() {
    let (app, a) = start().await;
    let others = format!("update members set state = 'removed' where role <> 'owner' and business_id = '{}'", a.id.0);
    sql::run(&app.owner, others).await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let review = open(&owner).await;
    let me = a.member(Role::Owner).id.to_string();
    let leave = [("decision", "remove"), ("confirm", "remove")];
    assert_eq!(decide(&owner.clone().json(), &review, &me, &leave).await.status, 422, "the last owner stays");
    assert_eq!(decide(&owner.clone().json(), &review, &me, &[("decision", "keep")]).await.status, 200);
    assert_eq!(close(&owner.json(), &review).await.status, 200);
}
