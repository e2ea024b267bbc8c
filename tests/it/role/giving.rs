//! Who gets a role of the business, and when not (PER-2, PER-5): invitations to a role that changes, one's own role, and what a
//! node of the release before makes of it all.

use ringfort::{
    model::{
        id::RoleId,
        permission::{Permission, Reach, Role},
    },
    server::{
        caller::{Actor, Caller},
        kit::entropy::token_hash,
        store::{
            StoreError, TenantTx,
            lobby::{Joining, invitation_accept},
            member,
        },
    },
};
use sqlx::{AssertSqlSafe, Executor};

use super::{copy, entries, grants, has, role, save, set, start};
use crate::kit::{Browser, TestApp, sql, until};

const OPEN: &str = "select count(*) from invitations where accepted_at is null and revoked_at is null";

async fn invite(browser: &Browser, email: &str, role: &str) -> u16 {
    browser.post("/api/team/invite", &[("email", email), ("role", role)]).await.status
}

async fn newest(app: &TestApp, what: &str, table: &str) -> String {
    sql::text(
        &app.owner,
        format!("select '{what}_' || replace(id::text, '-', '') from {table} order by created_at desc limit 1"),
    )
    .await
}

#[tokio::test]
async fn per_1_a_node_of_the_release_before_takes_a_role_of_the_business_for_the_least() {
    let (app, a) = start().await;
    let agent = a.member(Role::Agent);
    let id = role(&app, &a, "Clerk", Role::Manager, grants(&[(Permission::Leads, Reach::Own)])).await;
    has(&app, agent, id, Role::Manager).await;
    let browser = app.browser(agent).await;
    // What it asks, and no more than that.
    let now = app.now().0.to_string();
    for asked in [
        format!(
            "select s.role from lobby.session_standing(
                 array(select id_hash from lobby.sessions where user_id = '{}'), '{now}', interval '1 day') s",
            agent.user.0
        ),
        format!("select m.role from lobby.memberships_of('{}') m", agent.user.0),
    ] {
        assert_eq!(sql::text(&app.owner, asked.clone()).await, "viewer", "{asked}");
    }
    assert_eq!(browser.get("/home").await.status, 200);
    let holders = format!("select count(*) from members where role_id = '{}'", id.0);
    assert_eq!(sql::count(&app.owner, holders.clone()).await, 1);
    // No owner has a role of the business.
    let both = format!("update members set role_id = '{}' where role = 'owner'", id.0);
    assert_eq!(sql::code(sql::try_within(&app.owner, a.id.0, both).await), "23514");
    // It gives another role, and the one of the business goes.
    sql::run(&app.owner, format!("update members set role = 'viewer' where id = '{}'", agent.id.0)).await;
    assert_eq!(sql::count(&app.owner, holders).await, 0);
}

#[tokio::test]
async fn per_5_an_invitation_ends_when_its_role_gives_more_than_before() {
    let (app, a) = start().await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let boss = owner.clone().json();
    let id = role(&app, &a, "Front desk", Role::Agent, Role::Agent.grants()).await;
    assert_eq!(invite(&boss, "new@a.example", &id.to_string()).await, 200);
    let page = owner.get(&format!("/roles/{id}?live_board=all")).await.body;
    assert!(page.contains("1 open invitation is withdrawn: send it again"), "{page}");
    let narrower = Role::Agent.grants().with(Permission::Leads, Reach::None).expect("a reach it knows");
    let page = owner.get(&format!("/roles/{id}?leads=none")).await.body;
    assert!(!page.contains("is withdrawn"), "{page}");
    assert_eq!(save(&boss, id, "1", narrower).await.status, 200);
    assert_eq!(sql::count(&app.owner, OPEN).await, 1, "it gives less, and goes on");
    assert_eq!(save(&boss, id, "2", Role::Agent.grants()).await.status, 200);
    assert_eq!(sql::count(&app.owner, OPEN).await, 0);
    let told = "select (after ->> 'invitations_withdrawn') from audit_entries
                where action = 'role.changed' and (after ->> 'version') = '3'";
    assert_eq!(sql::text(&app.owner, told).await, "1");
}

#[tokio::test]
async fn per_5_who_accepts_while_the_role_changes_comes_after_the_change() {
    let (app, a) = start().await;
    let id = role(&app, &a, "Front desk", Role::Agent, Role::Agent.grants()).await;
    let hash = token_hash("one");
    let sent = format!(
        "insert into invitations
             (business_id, id, email, role, role_id, token_hash, invited_by, created_at, expires_at)
         values ('{}', gen_random_uuid(), 'new@a.example', 'agent', '{}', '\\x{}', '{}', '{now}',
             '{now}'::timestamptz + interval '1 day')",
        a.id.0,
        id.0,
        hex::encode(&hash),
        a.member(Role::Owner).id.0,
        now = app.now().0
    );
    sql::run(&app.owner, sent).await;
    // As saving does it: the role first, then what gives it.
    let mut change = app.owner.begin().await.expect("a transaction");
    let lock = format!("select id from roles where id = '{}' for update", id.0);
    (&mut *change).execute(AssertSqlSafe(lock)).await.expect("a lock");
    let (new_user, member) = (app.app.draw(), app.app.draw());
    let joining = Joining { token_hash: &hash, new_user, member, name: "New", password_hash: "x" };
    let machine = app.machine(a.id);
    let caller = |actor, business| Caller { actor, business, ..machine };
    let withdraw = async {
        until("the other one waits", async || sql::waits(&app.owner).await).await;
        (&mut *change).execute("update invitations set revoked_at = now()").await.expect("withdraws it");
        change.commit().await.expect("commits");
    };
    let (accepted, ()) = tokio::join!(invitation_accept(app.app.db(), joining, caller, app.now()), withdraw);
    assert!(accepted.expect("answers").is_none());
    assert_eq!(sql::count(&app.owner, format!("select count(*) from members where role_id = '{}'", id.0)).await, 0);
}

#[tokio::test]
async fn per_5_nobody_withdraws_an_invitation_to_more_than_they_have() {
    let (app, a) = start().await;
    let owner = app.browser(a.member(Role::Owner)).await.json();
    let manager = app.browser(a.member(Role::Manager)).await.json();
    assert_eq!(invite(&owner, "boss@a.example", "owner").await, 200);
    let id = newest(&app, "inv", "invitations").await;
    let revoke = async |browser: &Browser| browser.post("/api/team/invitation/revoke", &[("id", &id)]).await.status;
    assert_eq!(revoke(&manager).await, 403);
    assert_eq!(invite(&manager, "boss@a.example", "agent").await, 403, "which would withdraw it");
    let list = [("list", "boss@a.example,agent\nnew@a.example,agent")];
    assert_eq!(manager.post("/api/team/import", &list).await.status, 200);
    let results = "select result from invitation_batch_rows order by line";
    assert_eq!(sql::texts(&app.owner, results).await, ["above_you", "invited"]);
    assert_eq!(sql::count(&app.owner, format!("{OPEN} and role = 'owner'")).await, 1);
    assert_eq!(entries(&app, "invitation.revoked", "refused").await, 1);
    assert_eq!((revoke(&owner).await, revoke(&owner).await), (200, 409));
}

#[tokio::test]
async fn per_5_nobody_leaves_their_own_rule_for_a_second_factor_by_a_copy_of_their_role() {
    let (app, a) = start().await;
    let (owner, admin) = (a.member(Role::Owner), a.member(Role::Admin));
    let boss = app.browser(owner).await.json();
    let rule = [("role", "owner"), ("required", "yes"), ("grace_days", "14")];
    assert_eq!(boss.post("/api/security/factor", &rule).await.status, 200);
    assert_eq!(set(&boss, admin, "owner").await.status, 200, "the last owner stays");
    assert_eq!(copy(&boss, "owner", "Boss").await.status, 200);
    let id = newest(&app, "rol", "roles").await;
    assert_eq!(set(&boss, owner, &id).await.status, 403, "all that they had, and no rule");
    assert_eq!(set(&boss, owner, "admin").await.status, 200, "less, with the rule that belongs to it");
    assert_eq!(set(&app.browser(admin).await.json(), owner, &id).await.status, 200, "by somebody else");
}

#[tokio::test]
async fn per_5_who_got_another_role_meanwhile_is_not_removed_as_what_they_were() {
    let (app, a) = start().await;
    let (owner, agent) = (a.member(Role::Owner), a.member(Role::Agent));
    let caller = Caller {
        actor: Actor::Member { member: owner.id, user: owner.user, grants: Role::Owner.grants() },
        ..app.machine(a.id)
    };
    let mut tx = TenantTx::open(app.app.db(), &caller, app.now()).await.expect("a transaction");
    let judged = member::get(&mut tx, agent.id).await.expect("a member").role;
    let id: RoleId = role(&app, &a, "Clerk", Role::Agent, Role::Agent.grants()).await;
    has(&app, agent, id, Role::Agent).await;
    assert!(matches!(member::remove(&mut tx, agent.id, &judged).await, Err(StoreError::Stale)));
    let judged = member::get(&mut tx, agent.id).await.expect("a member").role;
    member::remove(&mut tx, agent.id, &judged).await.expect("removes");
    tx.commit().await.expect("commits");
}
