//! What a change of a role ends (PER-5): what its people have open and may not have any more, in the same transaction.

use ringfort::model::{
    id::RoleId,
    permission::{Grants, Permission, Reach, Role},
    profile::Profile,
};

use super::{has, role, start};
use crate::kit::{Browser, Business, TestApp, sql};

/// Rows of a business.
async fn count(app: &TestApp, business: &Business, table: &str, which: &str) -> i64 {
    let business = business.id.0;
    sql::count(&app.owner, format!("select count(*) from {table} where business_id = '{business}' and {which}")).await
}

/// Open shifts, open masked calls with their numbers, and phones.
async fn open(app: &TestApp, business: &Business) -> [i64; 4] {
    [
        count(app, business, "shifts", "ended_at is null").await,
        count(app, business, "proxy_sessions", "closed_at is null").await,
        count(app, business, "proxy_parties", "true").await,
        count(app, business, "member_phones", "true").await,
    ]
}

async fn save(browser: &Browser, id: RoleId, version: &str, grants: Grants) -> u16 {
    let (id, grants) = (id.to_string(), grants.stored().join(", "));
    let fields = [("id", id.as_str()), ("version", version), ("name", "Night crew"), ("grants", &grants)];
    browser.post("/api/roles/save", &fields).await.status
}

#[tokio::test]
async fn per_5_what_people_of_a_role_may_not_have_any_more_ends_with_the_right() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let crew = Role::Technician.grants();
    let mut roles = Vec::new();
    for business in [&a, &b] {
        app.fill(business).await;
        let id = role(&app, business, "Crew", Role::Technician, crew).await;
        has(&app, business.member(Role::Technician), id, Role::Technician).await;
        let theirs = app.browser(business.member(Role::Technician)).await;
        assert_eq!(theirs.post("/api/shift/begin", &[]).await.status, 303);
        roles.push(id);
    }
    // Somebody in the same business whose role is another one.
    let other = app.join(a.id, Role::Technician, "other@a.example").await;
    assert_eq!(app.browser(&other).await.post("/api/shift/begin", &[]).await.status, 303);
    let (id, boss) = (roles[0], app.browser(a.member(Role::Owner)).await.json());
    assert_eq!(save(&boss, id, "1", crew).await, 200);
    assert_eq!(open(&app, &a).await, [2, 1, 2, 1], "another name takes nothing");

    let told = count(&app, &a, "outbox", "topic = 'shift'").await;
    let unseen = crew.with(Permission::PositionsSend, Reach::None).expect("a reach it knows");
    assert_eq!(save(&boss, id, "2", unseen).await, 200);
    assert_eq!(open(&app, &a).await, [1, 1, 2, 1], "they are not shown, and still work on jobs");
    let me = a.member(Role::Technician).id;
    let jobs = format!("closed_at is null and member_id = '{}'", me.0);
    assert!(count(&app, &a, "work_orders", &jobs).await > 0);
    assert_eq!(count(&app, &a, "shifts", &format!("ended_at is null and member_id = '{}'", other.id.0)).await, 1);
    assert_eq!(count(&app, &a, "outbox", "topic = 'shift'").await, told + 1, "maps are told");
    let ended = format!(
        "action = 'shift.ended' and result = 'done' and actor_id = '{}' and after ->> 'member' = '{me}'
         and target_id = (select id from shifts where member_id = '{}' and ended_how = 'dispatcher')",
        a.member(Role::Owner).id.0,
        me.0
    );
    assert_eq!(count(&app, &a, "audit_entries", &ended).await, 1);

    let nothing = unseen.with(Permission::WorkOrders, Reach::None).expect("a reach it knows");
    assert_eq!(save(&boss, id, "2", nothing).await, 409, "who was too slow ends nothing");
    assert_eq!(open(&app, &a).await, [1, 1, 2, 1]);
    assert_eq!(save(&boss, id, "3", nothing).await, 200);
    assert_eq!(open(&app, &a).await, [1, 0, 0, 0], "and nobody reaches them");
    let closed = format!(
        "action = 'masked_call.closed' and result = 'done' and after ->> 'member' = '{me}'
         and target_id = (select id from proxy_sessions where business_id = '{}')",
        a.id.0
    );
    assert_eq!(count(&app, &a, "audit_entries", &closed).await, 1);
    let phone = format!("action = 'member_phone.removed' and target_id = '{}'", me.0);
    assert_eq!(count(&app, &a, "audit_entries", &phone).await, 1);
    assert_eq!(count(&app, &a, "work_orders", &jobs).await, 0, "somebody else has to go");
    assert!(count(&app, &a, "outbox", "topic = 'work_order' and member_id is null").await > 0, "boards are told");
    assert_eq!(open(&app, &b).await, [1, 1, 2, 1], "another business's role is another role");
    assert_eq!(count(&app, &b, "audit_entries", "action in ('shift.ended', 'masked_call.closed')").await, 0);
}

#[tokio::test]
async fn per_5_who_is_made_an_owner_is_no_longer_shown_on_the_map() {
    let (app, a) = start().await;
    let technician = a.member(Role::Technician);
    assert_eq!(app.browser(technician).await.post("/api/shift/begin", &[]).await.status, 303);
    let over = [("id", technician.id.to_string()), ("word", "owner".to_owned())];
    let over: Vec<_> = over.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(app.browser(a.member(Role::Owner)).await.post("/api/team/hand-over", &over).await.status, 303);
    assert_eq!(count(&app, &a, "shifts", "ended_at is null").await, 0);
}

#[tokio::test]
async fn per_5_an_invitation_does_not_outlive_the_right_to_send_it() {
    let (app, a) = start().await;
    let (owner, admin) = (app.browser(a.member(Role::Owner)).await, a.member(Role::Admin));
    let theirs = app.browser(admin).await;
    for (browser, email, role) in
        [(&theirs, "one@x.example", "admin"), (&theirs, "two@x.example", "agent"), (&owner, "three@x.example", "admin")]
    {
        let sent = browser.post("/api/team/invite", &[("email", email), ("role", role)]).await;
        assert_eq!(sent.header("location"), Some("/team"), "{}", sent.body);
    }
    let open = "accepted_at is null and revoked_at is null";
    assert_eq!(count(&app, &a, "invitations", open).await, 3);
    let id = admin.id.to_string();
    let less = owner.post("/api/team/role", &[("id", &id), ("role", "agent")]).await;
    assert_eq!(less.status, 303, "{}", less.body);
    let left = "select email from invitations where accepted_at is null and revoked_at is null";
    assert_eq!(sql::texts(&app.owner, left).await, ["three@x.example"], "their own, they could come back by");
    let told = format!("action = 'invitation.revoked' and after ->> 'member' = '{id}'");
    assert_eq!(count(&app, &a, "audit_entries", &told).await, 2);
}
