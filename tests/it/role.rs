//! Roles that a business makes itself (PER-1, PER-5): what they open, who may give them, and that a change counts at once.
//! Viewing the product as another role stands in [`view`], who gets a role in [`giving`], and what a change ends in [`lapse`].

mod giving;
mod lapse;
mod view;

use ringfort::{
    model::{
        id::RoleId,
        permission::{Grants, Need, Permission, Reach, Role},
        profile::Profile,
    },
    server::{
        caller::{Actor, Origin},
        http::doors::Kind,
        kit::entropy::token_hash,
        live::relay,
        store::{
            lobby::{Joining, invitation_accept},
            session::{callers, hash},
        },
    },
};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower_sessions::session::Id;

use crate::{
    doors,
    kit::{Browser, Business, Member, PATIENCE, Reply, TestApp, sql},
    token,
};

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    (app, business)
}

fn grants(of: &[(Permission, Reach)]) -> Grants {
    of.iter().fold(Grants::NONE, |all, (permission, reach)| all.with(*permission, *reach).expect("a reach it knows"))
}

/// A role of the business, as it stands in the database.
pub async fn role(app: &TestApp, business: &Business, name: &str, base: Role, grants: Grants) -> RoleId {
    let id: RoleId = app.app.draw();
    let owner = business.member(Role::Owner).id;
    sqlx::query(
        "insert into roles (business_id, id, name, base, created_at, created_by, changed_at, changed_by)
         values ($1, $2, $3, $4, $5, $6, $5, $6)",
    )
    .bind(business.id)
    .bind(id)
    .bind(name)
    .bind(base.code())
    .bind(app.now())
    .bind(owner)
    .execute(&app.owner)
    .await
    .expect("a role");
    for (row, reach) in grants.held() {
        grant(app, business, id, row.code, reach.code()).await;
    }
    id
}

async fn grant(app: &TestApp, business: &Business, id: RoleId, permission: &str, reach: &str) {
    sqlx::query("insert into role_grants (business_id, role_id, permission, reach) values ($1, $2, $3, $4)")
        .bind(business.id)
        .bind(id)
        .bind(permission)
        .bind(reach)
        .execute(&app.owner)
        .await
        .expect("a grant");
}

/// Gives somebody a role of the business.
async fn has(app: &TestApp, member: &Member, role: RoleId, base: Role) {
    sqlx::query("update members set role = $3, role_id = $4 where business_id = $1 and id = $2")
        .bind(member.business)
        .bind(member.id)
        .bind(base.code())
        .bind(role)
        .execute(&app.owner)
        .await
        .expect("a member with a role");
}

/// Roles, their grants and who has them, as one text.
async fn roles(app: &TestApp, business: &Business) -> String {
    sql::text(
        &app.owner,
        format!(
            "select concat(
                 (select string_agg(r::text, ' ' order by r::text) from roles r where business_id = '{0}'),
                 (select string_agg(g::text, ' ' order by g::text) from role_grants g where business_id = '{0}'),
                 (select string_agg(m::text, ' ' order by m::text) from members m where business_id = '{0}'))",
            business.id.0
        ),
    )
    .await
}

async fn entries(app: &TestApp, action: &str, result: &str) -> i64 {
    let query = format!("select count(*) from audit_entries where action = '{action}' and result = '{result}'");
    sql::count(&app.owner, query).await
}

async fn copy(browser: &Browser, of: &str, name: &str) -> Reply {
    browser.post("/api/roles/copy", &[("of", of), ("name", name)]).await
}

async fn save(browser: &Browser, id: RoleId, version: &str, grants: Grants) -> Reply {
    let (id, grants) = (id.to_string(), grants.stored().join(", "));
    let fields = [("id", id.as_str()), ("version", version), ("name", "Front desk"), ("grants", &grants)];
    browser.post("/api/roles/save", &fields).await
}

async fn set(browser: &Browser, member: &Member, role: &str) -> Reply {
    browser.post("/api/team/role", &[("id", &member.id.to_string()), ("role", role)]).await
}

#[tokio::test]
async fn per_1_a_role_of_the_business_opens_exactly_the_doors_that_it_holds() {
    let (app, a) = start().await;
    let filled = app.fill(&a).await;
    // What no built-in role has together; its base holds none of it.
    let held = grants(&[
        (Permission::CallsOwn, Reach::All),
        (Permission::CallsAll, Reach::All),
        (Permission::RetentionRead, Reach::All),
        (Permission::AuditRead, Reach::All),
        (Permission::Extensions, Reach::All),
    ]);
    let id = role(&app, &a, "Clerk", Role::Viewer, held).await;
    let viewer = a.member(Role::Viewer);
    has(&app, viewer, id, Role::Viewer).await;
    let browser = app.browser(viewer).await;
    let by_token = |kind: Kind, need: Need| kind == Kind::Rest && need != Need::Public;
    let mut opened = 0;
    for door in doors::doors().into_iter().filter(|d| d.kind != Kind::Webhook && !by_token(d.kind, d.need)) {
        if door.path.ends_with("/sign-out") {
            continue;
        }
        let (path, _) = doors::address(&door, &filled, &a);
        let reply = doors::knock(&browser, &door, &path).await;
        let name = format!("{} {path}", door.method);
        if door.need.admits(Some(held)) {
            assert!(!matches!(reply.status, 401 | 403 | 500..), "{name}: {}", reply.status);
            opened += usize::from(matches!(door.need, Need::Holds(_) | Need::HoldsAll(_) | Need::HoldsAny(_)));
        } else {
            assert_eq!(reply.status, 403, "{name}");
        }
    }
    assert!(opened >= 6, "only {opened} doors that need something");
}

#[tokio::test]
async fn per_1_programs_get_what_the_role_holds_and_what_is_not_understood_is_denied() {
    let (app, a) = token::start().await;
    let agent = a.member(Role::Agent);
    let id = role(&app, &a, "Clerk", Role::Agent, grants(&[(Permission::Leads, Reach::Own)])).await;
    for (permission, reach) in [("teleport", "all"), ("settings", "own"), ("screen_pop", "all")] {
        grant(&app, &a, id, permission, reach).await;
    }
    let program = token::program(&app, &agent.email).await;
    assert!(token::me(&app, &program.access).await.body["custom_role"].is_null());
    has(&app, agent, id, Role::Agent).await;
    let me = token::me(&app, &program.access).await.body;
    assert_eq!(me["permissions"], json!([{ "code": "leads", "reach": "own" }]));
    assert_eq!((me["role"].as_str(), me["custom_role"].as_str()), (Some("agent"), Some("Clerk")));
    assert_eq!(app.browser(agent).await.get("/settings").await.status, 403);
}

#[tokio::test]
async fn per_2_a_copied_role_is_changed_given_and_deleted_when_nobody_has_it() {
    let (app, a) = start().await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let reply = copy(&owner, "auditor", "Front desk").await;
    let place = reply.header("location").unwrap_or_default().to_owned();
    assert_eq!(reply.status, 303, "{}", reply.body);
    let id: RoleId = place.trim_start_matches("/roles/").parse().expect("its page");
    assert_eq!(copy(&owner.clone().json(), "auditor", "front DESK").await.status, 422, "the name is taken");
    assert_eq!(copy(&owner.clone().json(), "auditor", "ADMIN").await.status, 422, "the name is ours");
    assert_eq!(set(&owner.clone().json(), a.member(Role::Agent), &id.to_string()).await.status, 200);

    let to = Role::Auditor.grants().with(Permission::AuditExport, Reach::None).expect("a reach it knows");
    let boss = owner.clone().json();
    assert_eq!(save(&boss, id, "1", to).await.status, 200);
    assert_eq!(save(&boss, id, "1", Grants::NONE).await.status, 409, "it is not what they have seen");
    assert_eq!(
        save(&boss, id, "2", grants(&[(Permission::TeamManage, Reach::All)])).await.status,
        422,
        "leads nowhere"
    );
    let written = "select json_build_array(before, after)::text from audit_entries
                   where action = 'role.changed' and result = 'done'";
    let written: Value = sql::text(&app.owner, written).await.parse().expect("JSON");
    assert_eq!(
        written,
        json!([
            { "audit.export": "all", "version": 1 },
            { "audit.export": "none", "version": 2, "people": 1, "renamed": false }
        ])
    );
    let agent = app.browser(a.member(Role::Agent)).await;
    assert_eq!((agent.get("/audit").await.status, agent.get("/board").await.status), (200, 403));

    let text = id.to_string();
    let gone = async |browser: &Browser| browser.post("/api/roles/delete", &[("id", text.as_str())]).await.status;
    assert_eq!(gone(&boss).await, 422, "somebody has it");
    assert_eq!(set(&boss, a.member(Role::Agent), "agent").await.status, 200);
    let invited = [("email", "new@a.example"), ("role", text.as_str())];
    assert_eq!(boss.post("/api/team/invite", &invited).await.status, 200);
    assert_eq!(gone(&boss).await, 422, "somebody is invited to it");
    sql::run(&app.owner, "update invitations set revoked_at = now()").await;
    assert_eq!(gone(&boss).await, 200);
    assert_eq!(gone(&boss).await, 404);
    assert_eq!(set(&boss, a.member(Role::Agent), &id.to_string()).await.status, 422, "it is no choice any more");
    assert_eq!(sql::count(&app.owner, "select count(*) from role_grants").await, 0);
    assert_eq!(copy(&boss, "auditor", "Front desk").await.status, 200, "its name is free");
}

#[tokio::test]
async fn per_5_nobody_gives_what_they_do_not_have_and_nobody_widens_their_own_role() {
    let (app, a) = start().await;
    let clerk = Role::Admin.grants().with(Permission::RolesManage, Reach::All).expect("a reach it knows");
    let theirs = role(&app, &a, "Clerk", Role::Admin, clerk).await;
    let higher = role(&app, &a, "Books", Role::Viewer, grants(&[(Permission::Billing, Reach::All)])).await;
    let lower = role(&app, &a, "Desk", Role::Agent, Role::Agent.grants()).await;
    has(&app, a.member(Role::Admin), theirs, Role::Admin).await;
    let browser = app.browser(a.member(Role::Admin)).await.json();
    let before = roles(&app, &a).await;
    let (agent, owner) = (a.member(Role::Agent), a.member(Role::Owner));
    let billing = Permission::Billing;
    let (high, low) = (higher.to_string(), lower.to_string());
    for (what, reply) in [
        ("copies who holds more", copy(&browser, "owner", "Boss").await),
        ("copies a role that holds more", copy(&browser, &high, "Books too").await),
        ("widens", save(&browser, lower, "1", grants(&[(billing, Reach::All)])).await),
        ("widens their own", save(&browser, theirs, "1", clerk.with(billing, Reach::All).expect("known")).await),
        ("touches who holds more", save(&browser, higher, "1", Grants::NONE).await),
        ("deletes who holds more", browser.post("/api/roles/delete", &[("id", high.as_str())]).await),
        ("gives what is above", set(&browser, agent, "owner").await),
        ("gives what holds more", set(&browser, agent, &high).await),
        ("lowers an owner", set(&browser, owner, &low).await),
        ("invites above", browser.post("/api/team/invite", &[("email", "n@a.example"), ("role", &high)]).await),
    ] {
        assert_eq!(reply.status, 403, "{what}: {}", reply.body);
    }
    assert_eq!(roles(&app, &a).await, before, "nothing changed");
    assert_eq!(entries(&app, "role.changed", "refused").await, 3);
    // Narrowing is another matter, and what they give away they cannot take back.
    let narrower = clerk.with(Permission::Incidents, Reach::None).expect("known");
    assert_eq!(save(&browser, theirs, "1", narrower).await.status, 200);
    assert_eq!(save(&browser, theirs, "2", clerk).await.status, 403);
    assert_eq!(set(&browser, agent, &low).await.status, 200);
}

#[tokio::test]
async fn per_5_nobody_decides_what_a_role_needs_while_a_copy_of_it_holds_more_than_they_do() {
    let (app, a) = start().await;
    let admin = app.browser(a.member(Role::Admin)).await;
    let rule = [("role", "agent"), ("required", "yes"), ("grace_days", "14")];
    assert_eq!(admin.clone().json().post("/api/security/factor", &rule).await.status, 200);
    role(&app, &a, "Books", Role::Agent, grants(&[(Permission::Billing, Reach::All)])).await;
    let weaker = [("role", "agent"), ("required", "no")];
    assert_eq!(admin.clone().json().post("/api/security/factor", &weaker).await.status, 403);
    let page = admin.get("/settings/security").await.body;
    assert!(page.contains("/settings/security?role=manager") && !page.contains("/settings/security?role=agent\""));
    assert_eq!(sql::count(&app.owner, "select count(*) from factor_rules where role = 'agent'").await, 1);
}

#[tokio::test]
async fn per_5_the_last_owner_stays_whatever_a_copy_of_their_role_holds() {
    let (app, a) = start().await;
    let boss = app.browser(a.member(Role::Owner)).await.json();
    let reply = copy(&boss, "owner", "Boss").await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let id = sql::text(&app.owner, "select 'rol_' || replace(id::text, '-', '') from roles").await;
    assert_eq!(sql::text(&app.owner, "select base from roles").await, "admin", "who is no owner never counts as one");
    assert_eq!(set(&boss, a.member(Role::Admin), &id).await.status, 200);
    assert_eq!(set(&boss, a.member(Role::Owner), &id).await.status, 422, "nobody else is an owner");
    let second = app.browser(a.member(Role::Admin)).await.json();
    let agent = a.member(Role::Agent).id.to_string();
    let over = [("id", agent.as_str()), ("word", "owner")];
    assert_eq!(second.post("/api/team/hand-over", &over).await.status, 403, "only an owner hands over");
}

#[tokio::test]
async fn per_1_an_invitation_gives_the_role_that_it_names_and_none_that_is_gone() {
    let (app, a) = start().await;
    let id = role(&app, &a, "Clerk", Role::Agent, grants(&[(Permission::Leads, Reach::All)])).await;
    let invite = async |token: &str, email: &str| {
        sqlx::query(
            "insert into invitations
                 (business_id, id, email, role, role_id, token_hash, invited_by, created_at, expires_at)
             values ($1, gen_random_uuid(), $2, 'agent', $3, $4, $5, $6, $6 + interval '1 day')",
        )
        .bind(a.id)
        .bind(email)
        .bind(id)
        .bind(token_hash(token))
        .bind(a.member(Role::Owner).id)
        .bind(app.now())
        .execute(&app.owner)
        .await
        .expect("an invitation");
    };
    let join = async |token: &str| {
        let token_hash = token_hash(token);
        let (new_user, member) = (app.app.draw(), app.app.draw());
        let joining = Joining { token_hash: &token_hash, new_user, member, name: "New", password_hash: "x" };
        let machine = app.machine(a.id);
        let caller = |actor, business| {
            assert!(matches!(actor, Actor::Member { grants, .. } if grants == Grants::NONE));
            ringfort::server::caller::Caller { actor, business, ..machine }
        };
        match invitation_accept(app.app.db(), joining, caller, app.now()).await.expect("answers") {
            Some((tx, ..)) => {
                tx.commit().await.expect("commits");
                true
            }
            None => false,
        }
    };
    invite("one", "one@a.example").await;
    assert!(join("one").await);
    let joined = format!("select count(*) from members where role_id = '{}' and role = 'agent'", id.0);
    assert_eq!(sql::count(&app.owner, joined.clone()).await, 1);
    // The service lets nobody delete a role that somebody is invited to; whatever does it all the same admits nobody.
    invite("two", "two@a.example").await;
    sql::run(&app.owner, "update roles set deleted_at = now()").await;
    assert!(!join("two").await);
    assert_eq!(sql::count(&app.owner, joined).await, 1);
    let open = "select count(*) from invitations where email = 'two@a.example' and accepted_at is null";
    assert_eq!(sql::count(&app.owner, open).await, 1, "and it is not used up");
}

#[tokio::test]
async fn per_5_a_changed_role_ends_the_streams_of_its_people_within_a_second() {
    let (app, a) = start().await;
    let agent = a.member(Role::Agent);
    let id = role(&app, &a, "Desk", Role::Agent, Role::Agent.grants()).await;
    has(&app, agent, id, Role::Agent).await;
    let (watching, other) = (app.browser(agent).await, app.browser(a.member(Role::Dispatcher)).await);
    let origin = Origin { door: "live", network: None };
    let mut seats = Vec::new();
    for browser in [&watching, &other] {
        let cookie = browser.cookie.as_deref().expect("a session");
        let session = hash(cookie.split_once('=').expect("a value").1.parse::<Id>().expect("an id"));
        let found = callers(app.app.db(), &[session], app.now(), &origin, app.app.draw()).await.expect("answers");
        seats.push(app.app.hub().join(found.first().expect("a session")).expect("a seat"));
    }
    let stop = CancellationToken::new();
    let watch = tokio::spawn(relay::watch_sessions(app.app.clone(), stop.clone()));
    // As another node does it: nothing here is told.
    sql::run(&app.owner, "delete from role_grants where permission = 'live_board'").await;
    let ended = timeout(PATIENCE, seats[0].ends.cancelled()).await;
    assert!(ended.is_ok(), "the stream is still open");
    assert!(!seats[1].ends.is_cancelled(), "whose rights are what they were goes on");
    stop.cancel();
    watch.await.expect("the watch ends");
    assert_eq!(watching.get("/board").await.status, 403, "and so is the page");
}

#[tokio::test]
async fn per_5_a_review_names_the_role_that_somebody_really_has() {
    let (app, a) = start().await;
    let id = role(&app, &a, "Books", Role::Viewer, grants(&[(Permission::Billing, Reach::All)])).await;
    has(&app, a.member(Role::Viewer), id, Role::Viewer).await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let place = owner.post("/api/review/open", &[]).await.header("location").expect("a place").to_owned();
    let then = format!("select role_then from review_items where member_id = '{}'", a.member(Role::Viewer).id.0);
    assert_eq!(sql::text(&app.owner, then).await, id.to_string());
    assert!(owner.get(&place).await.body.contains("Books"));
    // An admin holds no billing, so all that they may do is keep.
    let admin = app.browser(a.member(Role::Admin)).await.json();
    let review = place.trim_start_matches("/reviews/").to_owned();
    let viewer = a.member(Role::Viewer).id.to_string();
    let about = [("id", review.as_str()), ("member", viewer.as_str())];
    let lower = [&about[..], &[("decision", "change"), ("role", "agent")][..]].concat();
    let keep = [&about[..], &[("decision", "keep")][..]].concat();
    assert_eq!(admin.post("/api/review/decide", &lower).await.status, 403);
    assert_eq!(admin.post("/api/review/decide", &keep).await.status, 200);
}
