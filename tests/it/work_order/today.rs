//! Jobs in figures on people's homes: whose they are, and that each figure is as long as the list that it leads to.

use ringfort::{
    model::{permission::Role, profile::Profile},
    server::{
        caller::{Actor, Caller},
        store::{
            StoreError, TenantTx,
            work_order::{self, Today},
        },
    },
};

use super::{browser, start};
use crate::kit::{Browser, Business, Member, TestApp, sql};

/// A job whose window begins so many hours from now and lasts one; nobody's, or the technician's.
async fn job(app: &TestApp, business: &Business, number: i32, state: &str, hours: i32) {
    let technician = business.member(Role::Technician).id.0;
    let closed = matches!(state, "done" | "canceled");
    let statement = format!(
        "insert into work_orders (business_id, id, number, customer_name, address, window_from, window_to, member_id, state,
             created_by, created_at, changed_at, closed_at)
         values ('{business}', gen_random_uuid(), {number}, 'Ada Customer', '12 Elm Street',
             timestamptz '{now}' + interval '{hours} hours', timestamptz '{now}' + interval '{} hours', {member}, '{state}',
             '{technician}', '{now}', '{now}', {closed})",
        hours + 1,
        business = business.id.0,
        now = app.now().0,
        member = if matches!(state, "new" | "canceled") { "null".to_owned() } else { format!("'{technician}'") },
        closed = if closed { format!("'{}'", app.now().0) } else { "null".to_owned() },
    );
    sql::run(&app.owner, statement).await;
}

/// The jobs of a day around now, as somebody reaches them, by the application's role.
async fn figures(app: &TestApp, member: &Member) -> Result<Today, StoreError> {
    let actor = Actor::Member { member: member.id, user: member.user, grants: member.role.grants() };
    let caller = Caller { actor, ..app.machine(member.business) };
    let mut tx = TenantTx::open(app.app.db(), &caller, app.now()).await.expect("a transaction");
    work_order::today(&mut tx, app.now().plus(-6 * 3600), app.now().plus(6 * 3600)).await
}

/// How many jobs a list shows.
async fn listed(browser: &Browser, query: &str) -> usize {
    let page = browser.get(&format!("/work-orders?{query}")).await;
    assert_eq!(page.status, 200, "{query}");
    page.body.matches("href=\"/work-orders/wo_").count()
}

const JOBS: [(&str, i32); 10] = [
    ("new", 1),
    ("new", -3),
    ("assigned", -2),
    ("en_route", -2),
    ("on_site", -2),
    ("done", -5),
    ("canceled", -5),
    // Of other days.
    ("assigned", -50),
    ("new", 30),
    ("done", -50),
];

#[tokio::test]
async fn per_2_homes_count_the_jobs_that_one_reaches_and_lead_to_them() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    for ((state, hours), number) in JOBS.into_iter().zip(1..) {
        job(&app, &a, number, state, hours).await;
    }
    job(&app, &b, 1, "new", -3).await;
    let all = Today { total: 6, done: 1, unassigned: 2, under_way: 2, late: 4, to_do: 6 };
    for role in [Role::Owner, Role::Admin, Role::Manager, Role::Dispatcher] {
        assert_eq!(figures(&app, a.member(role)).await.expect("figures"), all, "{}", role.code());
        let home = browser(&app, &a, role).await.get("/home").await.body;
        for link in ["/work-orders?state=late", "/work-orders?state=under_way", "/work-orders?day=", "/dispatch"] {
            assert!(home.contains(&format!("href=\"{link}")), "{} finds {link}", role.code());
        }
    }
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    assert_eq!((listed(&dispatcher, "state=late").await, listed(&dispatcher, "state=under_way").await), (4, 2));
    assert_eq!(dispatcher.get("/work-orders?state=asleep").await.status, 400);
    // Another business counts its own.
    let there = Today { total: 1, done: 0, unassigned: 1, under_way: 0, late: 1, to_do: 1 };
    assert_eq!(figures(&app, b.member(Role::Owner)).await.expect("figures"), there);
    assert_eq!(listed(&browser(&app, &b, Role::Owner).await, "state=late").await, 1);
    // A technician's are their own, on the card of their day.
    let own = Today { total: 4, done: 1, unassigned: 0, under_way: 2, late: 3, to_do: 4 };
    assert_eq!(figures(&app, a.member(Role::Technician)).await.expect("figures"), own);
    let technician = browser(&app, &a, Role::Technician).await;
    let home = technician.get("/home").await.body;
    assert!(home.contains("4 jobs to do today") && !home.contains("/work-orders?state="), "{home}");
    assert_eq!(listed(&technician, "state=late").await, 3);
    // Who holds nothing of it is shown nothing of it.
    assert!(figures(&app, a.member(Role::Agent)).await.is_err());
    let home = browser(&app, &a, Role::Agent).await.get("/home").await.body;
    assert!(!home.contains("/work-orders") && !home.contains("Jobs today"));
    // Where jobs are not the trade, four zeros are not shown; from the first job on they are told. It is a late one:
    // an hour ahead may be tomorrow where that business is.
    let c = app.business("c", Profile::Outbound).await;
    let owner = browser(&app, &c, Role::Owner).await;
    assert!(!owner.get("/home").await.body.contains("Jobs today"));
    job(&app, &c, 1, "new", -3).await;
    assert!(owner.get("/home").await.body.contains("Jobs today"));
}
