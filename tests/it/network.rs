//! Networks that people may come from (ACC-9): from outside nothing opens, nobody shuts themselves out, and the operator
//! has a way back in. Tests come from 127.0.0.1.

use ringfort::{
    model::{id::NetworkId, permission::Role, profile::Profile},
    server::{boot::networks, services::network},
};

use crate::kit::{Browser, Business, Reply, TestApp, sql};

async fn start() -> (TestApp, Business, Business) {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    let b = app.business("b", Profile::FieldService).await;
    (app, a, b)
}

/// Allows a network past all walls.
async fn allow(app: &TestApp, business: &Business, range: &str) -> NetworkId {
    let id: NetworkId = app.app.draw();
    let statement = format!(
        "insert into networks (business_id, id, range, note, created_by, created_at)
         values ('{}', '{}', '{range}', 'A network', '{}', '{}')",
        business.id.0,
        id.0,
        business.member(Role::Owner).id.0,
        app.now().0
    );
    sql::run(&app.owner, statement).await;
    id
}

async fn add(browser: &Browser, range: &str) -> Reply {
    browser.post("/api/network/add", &[("range", range), ("note", "Office")]).await
}

async fn remove(browser: &Browser, id: NetworkId) -> Reply {
    browser.post("/api/network/remove", &[("id", &id.to_string())]).await
}

#[tokio::test]
async fn acc_9_from_outside_nothing_opens_and_one_can_leave() {
    let (app, a, b) = start().await;
    let (owner, other) = (app.browser(a.member(Role::Owner)).await, app.browser(b.member(Role::Owner)).await);
    assert_eq!(owner.get("/home").await.status, 200);
    allow(&app, &a, "10.0.0.0/8").await;
    for page in ["/home", "/account", "/settings/networks", "/confirm"] {
        let reply = owner.get(page).await;
        assert_eq!(reply.status, 403, "{page}");
        assert!(reply.body.contains("networks only"), "{page} says why");
        assert!(reply.body.contains("/api/sign-out"), "{page} lets one leave");
        assert!(!reply.body.contains("Business a"), "{page} shows nothing of the business");
    }
    assert_eq!(owner.clone().json().get("/live").await.status, 403);
    assert_eq!(add(&owner.clone().json(), "127.0.0.0/8").await.status, 403, "not even to let oneself in");
    assert_eq!(owner.get("/switch").await.status, 200);
    assert_eq!(owner.post("/api/sign-out", &[]).await.status, 303);
    assert_eq!(other.get("/home").await.status, 200, "another business's list is not ours");
    assert_eq!(app.stranger().get("/sign-in").await.status, 200);
    let written = "select count(*) from audit_entries where action = 'door.refused' and reason = '/home'";
    assert_eq!(sql::count(&app.owner, written).await, 1);
    // From inside one of several, in whatever clothes the address comes.
    allow(&app, &a, "127.0.0.0/8").await;
    assert_eq!(app.browser(a.member(Role::Owner)).await.get("/home").await.status, 200);
}

#[tokio::test]
async fn acc_9_addresses_are_compared_in_their_own_family() {
    let (app, a, b) = start().await;
    let may = async |business: &Business, address: &str| {
        let address = address.parse().expect("an address");
        network::allowed(&app.app, business.id, address).await.expect("the database answers")
    };
    assert!(may(&a, "203.0.113.9").await, "without a list from everywhere");
    allow(&app, &a, "203.0.113.0/24").await;
    allow(&app, &a, "2001:db8::/32").await;
    for inside in ["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.9", "2001:db8:ffff::1"] {
        assert!(may(&a, inside).await, "{inside}");
    }
    for outside in ["203.0.114.0", "198.51.100.1", "2001:db9::1", "::1", "::ffff:198.51.100.1"] {
        assert!(!may(&a, outside).await, "{outside}");
    }
    assert!(may(&b, "198.51.100.1").await);
}

#[tokio::test]
async fn acc_9_nobody_shuts_themselves_out() {
    let (app, a, _) = start().await;
    let owner = app.browser(a.member(Role::Owner)).await.json();
    let refused = add(&owner, "10.0.0.0/8").await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("127.0.0.1/32"), "names what to add: {}", refused.body);
    let host_bits = add(&owner, "127.0.0.1/8").await;
    assert_eq!(host_bits.status, 422);
    assert!(host_bits.body.contains("127.0.0.0/8"), "names what was meant: {}", host_bits.body);
    for bad in ["", "office", "127.0.0.0/33", "::ffff:127.0.0.0/104"] {
        assert_eq!(add(&owner, bad).await.status, 422, "{bad}");
    }
    assert_eq!(sql::count(&app.owner, "select count(*) from networks").await, 0);

    assert_eq!(add(&owner, "127.0.0.0/8").await.status, 200);
    assert_eq!(add(&owner, "127.0.0.0/8").await.status, 422, "there already");
    assert_eq!(add(&owner, "10.0.0.0/8").await.status, 200);
    let id = async |range: &str| {
        let id = sql::text(&app.owner, format!("select id::text from networks where range = '{range}'")).await;
        NetworkId(id.parse().expect("an id"))
    };
    let (mine, other) = (id("127.0.0.0/8").await, id("10.0.0.0/8").await);
    assert_eq!(remove(&owner, mine).await.status, 422);
    assert_eq!(remove(&owner, other).await.status, 200);
    assert_eq!(remove(&owner, mine).await.status, 200, "the last one lets everybody in again");
    let written = "select string_agg(distinct action || ' ' || result, ', ' order by action || ' ' || result)
        from audit_entries where action like 'network.%'";
    assert_eq!(
        sql::text(&app.owner, written).await,
        "network.added done, network.added refused, network.removed done, network.removed refused"
    );
    let addresses =
        "select count(*) from audit_entries e where e::text like '%127.0.0.0/8%' or e::text like '%10.0.0.0%'";
    assert_eq!(sql::count(&app.owner, addresses).await, 0, "the log holds no address");
}

#[tokio::test]
async fn acc_9_only_who_changes_settings_changes_them_and_only_here() {
    let (app, a, b) = start().await;
    let id = allow(&app, &a, "127.0.0.0/8").await;
    for role in [Role::Manager, Role::Agent, Role::Auditor] {
        let browser = app.browser(a.member(role)).await.json();
        assert_eq!(add(&browser, "10.0.0.0/8").await.status, 403, "{}", role.code());
        assert_eq!(remove(&browser, id).await.status, 403, "{}", role.code());
    }
    assert_eq!(remove(&app.browser(b.member(Role::Owner)).await.json(), id).await.status, 404);
    assert_eq!(sql::count(&app.owner, "select count(*) from networks").await, 1);
    // At most fifty.
    let many = format!(
        "insert into networks (business_id, id, range, note, created_by, created_at)
         select '{}', gen_random_uuid(), ('10.0.' || n || '.0/24')::cidr, 'One of many', '{}', now()
         from generate_series(1, 49) as n",
        a.id.0,
        a.member(Role::Owner).id.0
    );
    sql::run(&app.owner, many).await;
    let full = add(&app.browser(a.member(Role::Owner)).await.json(), "192.0.2.0/24").await;
    assert_eq!(full.status, 422);
}

#[tokio::test]
async fn acc_9_the_operator_has_a_way_back_in_that_is_written_down() {
    let (app, a, b) = start().await;
    allow(&app, &a, "10.0.0.0/8").await;
    allow(&app, &b, "10.0.0.0/8").await;
    let id = a.id.to_string();
    assert!(networks::clear(&app.app, &id, " ").await.is_err(), "not without a reason");
    assert!(
        networks::clear(&app.app, &app.app.draw::<ringfort::model::id::BusinessId>().to_string(), "why").await.is_err()
    );
    assert!(networks::clear(&app.app, "business a", "why").await.is_err());
    assert_eq!(networks::clear(&app.app, &id, "their addresses changed").await.expect("clears"), 1);
    assert_eq!(app.browser(a.member(Role::Owner)).await.get("/home").await.status, 200);
    assert_eq!(app.browser(b.member(Role::Owner)).await.get("/home").await.status, 403, "nobody else's");
    let written =
        "select origin || ': ' || reason from audit_entries where action = 'network.cleared' and result = 'done'";
    assert_eq!(sql::text(&app.owner, written).await, "operator: their addresses changed");
}
