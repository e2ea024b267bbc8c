//! The audit viewer (AUD-4): what is asked for is what is found, in the bar as in the fields, forwards and backwards, and nothing of
//! another business; what people save, and for whom; what a page asks with whether something is new.

use ringfort::{
    model::{
        audit_query::AuditFilter,
        id::{AuditId, TraceId},
        permission::Role,
        profile::Profile,
    },
    server::{
        caller::{Actor, Caller, Origin},
        store::{
            TenantTx,
            audit::{self, Place, Total},
        },
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::{Browser, Business, TestApp, sql};

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    (app, business)
}

fn reader(app: &TestApp, business: &Business) -> Caller {
    let member = business.member(Role::Auditor);
    Caller {
        actor: Actor::Member { member: member.id, user: member.user, grants: member.role.grants() },
        business: business.id,
        origin: Origin { door: "web", network: Some("203.0.113.0/24".to_owned()) },
        trace: app.app.draw(),
    }
}

async fn tx(app: &TestApp, business: &Business) -> TenantTx {
    TenantTx::open(app.app.db(), &reader(app, business), app.now()).await.expect("a transaction")
}

/// An entry as it is written.
struct Line<'a> {
    actor: (&'a str, Option<Uuid>),
    action: &'a str,
    target: (Option<&'a str>, Option<Uuid>),
    result: &'a str,
    reason: Option<&'a str>,
    origin: &'a str,
    trace: Uuid,
    after: Option<Value>,
}

fn line<'a>(app: &TestApp, action: &'a str) -> Line<'a> {
    Line {
        actor: ("job", None),
        action,
        target: (None, None),
        result: "done",
        reason: None,
        origin: "web 192.0.2.0/24",
        trace: app.app.draw::<TraceId>().0,
        after: None,
    }
}

async fn write(app: &TestApp, business: &Business, line: Line<'_>) -> AuditId {
    app.clock.advance(1);
    let id: AuditId = app.app.draw();
    sqlx::query(
        "insert into audit_entries (business_id, id, actor_kind, actor_id, action, target_kind, target_id, result, reason,
             origin, trace_id, after)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(business.id.0)
    .bind(id.0)
    .bind(line.actor.0)
    .bind(line.actor.1)
    .bind(line.action)
    .bind(line.target.0)
    .bind(line.target.1)
    .bind(line.result)
    .bind(line.reason)
    .bind(line.origin)
    .bind(line.trace)
    .bind(line.after)
    .execute(&app.owner)
    .await
    .expect("is written");
    id
}

/// The entries that a query names, newest first.
async fn ids(app: &TestApp, business: &Business, query: &str) -> Vec<AuditId> {
    let filter: AuditFilter = query.parse().unwrap_or_else(|bad| panic!("{query}: {bad:?}"));
    let mut tx = tx(app, business).await;
    let found = audit::list(&mut tx, &filter, 1000).await.expect("a list");
    tx.commit().await.expect("commits");
    found.into_iter().map(|e| e.id).collect()
}

/// The ids of the entries that a page lists, in its order.
fn listed(body: &str) -> Vec<String> {
    let ids = body.split("entry=aud_").skip(1).map(|rest| format!("aud_{}", rest.chars().take(32).collect::<String>()));
    let mut all: Vec<String> = ids.collect();
    all.dedup();
    all
}

/// Five entries that differ in everything: seen, run, refused, changed, and one with a reason that somebody typed.
async fn five(app: &TestApp, a: &Business, call: Uuid, trace: TraceId) -> [AuditId; 5] {
    let (owner, agent) = (a.member(Role::Owner).id.0, a.member(Role::Agent).id.0);
    let seen = Line {
        actor: ("member", Some(owner)),
        target: (Some("call"), Some(call)),
        trace: trace.0,
        ..line(app, "call.viewed")
    };
    let seen = write(app, a, seen).await;
    let run = Line { origin: "job", after: Some(json!({ "calls": 12 })), ..line(app, "retention.ran") };
    let run = write(app, a, run).await;
    let refused = Line {
        actor: ("member", Some(agent)),
        result: "refused",
        reason: Some("/settings/retention"),
        origin: "web 198.51.100.0/24",
        ..line(app, "door.refused")
    };
    let refused = write(app, a, refused).await;
    let changed = Line {
        actor: ("member", Some(owner)),
        target: (Some("member"), Some(agent)),
        after: Some(json!({ "role": "marbles" })),
        ..line(app, "member.role_changed")
    };
    let changed = write(app, a, changed).await;
    let typed = Line { reason: Some("marigold asked for it"), ..line(app, "retention.changed") };
    [seen, run, refused, changed, write(app, a, typed).await]
}

#[tokio::test]
async fn aud_4_each_filter_finds_its_entries_and_no_others() {
    let (app, a) = start().await;
    let (owner, call, trace) = (a.member(Role::Owner).id.0, Uuid::from_u128(7), app.app.draw::<TraceId>());
    let [seen, run, refused, changed, typed] = five(&app, &a, call, trace).await;
    let cases: Vec<(String, Vec<AuditId>)> = vec![
        (String::new(), vec![typed, changed, refused, run, seen]),
        (format!("actor:mem_{}", owner.simple()), vec![changed, seen]),
        (format!("actor:{owner}"), vec![changed, seen]),
        ("actor:job".to_owned(), vec![typed, run]),
        ("action:call.viewed".to_owned(), vec![seen]),
        (format!("target:call_{}", call.simple()), vec![seen]),
        ("target:member".to_owned(), vec![changed]),
        ("result:refused".to_owned(), vec![refused]),
        ("ip:198.51.100.7".to_owned(), vec![refused]),
        ("ip:192.0.2.0/24".to_owned(), vec![typed, changed, seen]),
        (format!("trace:{trace}"), vec![seen]),
        ("marbles".to_owned(), vec![changed]),
        ("marbl role".to_owned(), vec![changed]),
        ("marb role".to_owned(), vec![]),
        ("settings retention".to_owned(), vec![refused]),
        ("marigold".to_owned(), vec![]),
        ("arbles".to_owned(), vec![]),
        ("12".to_owned(), vec![run]),
        ("1".to_owned(), vec![]),
        ("retention actor:job".to_owned(), vec![typed, run]),
        ("retention result:refused ip:198.51.100.0/24".to_owned(), vec![refused]),
        ("retention at:..2020-01-01T00:00:00Z".to_owned(), vec![]),
        ("at:2020-01-01T00:00:00Z..".to_owned(), vec![typed, changed, refused, run, seen]),
    ];
    for (query, wanted) in cases {
        assert_eq!(ids(&app, &a, &query).await, wanted, "{query}");
    }
}

#[tokio::test]
async fn aud_4_bar_and_fields_show_the_same() {
    let (app, a) = start().await;
    let owner = a.member(Role::Owner).id;
    for action in ["call.viewed", "retention.ran", "call.viewed"] {
        let line = Line { actor: ("member", Some(owner.0)), ..line(&app, action) };
        write(&app, &a, line).await;
    }
    let auditor = app.browser(a.member(Role::Auditor)).await;
    let fields = auditor.get(&format!("/audit?actor={owner}&action=call.viewed&at=30d&result=&from=&text=")).await;
    let bar = auditor.get(&format!("/audit?q=at%3A30d+action%3Acall.viewed+actor%3A{owner}")).await;
    assert_eq!((fields.status, bar.status), (200, 200));
    assert_eq!(listed(&fields.body).len(), 2);
    assert_eq!(listed(&fields.body), listed(&bar.body));
    let words = format!("value=\"actor:{owner} action:call.viewed at:30d\"");
    for (name, page) in [("fields", &fields), ("bar", &bar)] {
        assert!(page.body.contains(&words), "{name}: {}", page.body);
        assert!(page.body.contains("value=\"call.viewed\" selected"), "{name}: the field says it too");
        // Taking one part away leaves the others.
        assert!(page.body.contains(&format!("q=actor%3A{owner}+at%3A30d\"")), "{name}: {}", page.body);
    }
    assert!(bar.body.contains("2 entries"), "{}", bar.body);
}

#[tokio::test]
async fn aud_4_what_cannot_be_read_is_named_and_nothing_is_listed() {
    let (app, a) = start().await;
    write(&app, &a, line(&app, "call.viewed")).await;
    let auditor = app.browser(a.member(Role::Auditor)).await;
    let page = auditor.get("/audit?q=result%3Agood+who%3Ame+owner").await;
    assert_eq!(page.status, 400);
    for told in ["“result:good”: Write done, refused or failed.", "“who:me”: There is no such filter."] {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    assert!(page.body.contains("value=\"result:good who:me owner\""), "what was typed stays");
    assert!(listed(&page.body).is_empty());
    for path in ["/audit?zone=mars", "/audit?before=aud_7", "/audit?unknown=1"] {
        assert_eq!(auditor.get(path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn aud_4_pages_follow_each_other_in_both_directions() {
    let (app, a) = start().await;
    for _ in 0..23 {
        write(&app, &a, line(&app, "call.viewed")).await;
    }
    // By columns, and by words.
    for query in ["action:call.viewed", "viewed"] {
        let all = ids(&app, &a, query).await;
        assert_eq!(all.len(), 23);
        let filter: AuditFilter = query.parse().expect("a filter");
        let mut tx = tx(&app, &a).await;
        let page = async |tx: &mut TenantTx, place| {
            let found = audit::page(tx, &filter, place, 10).await.expect("a page");
            found.expect("soon enough").into_iter().map(|e| e.id).collect::<Vec<_>>()
        };
        assert_eq!(page(&mut tx, Place::Newest).await, all[..10]);
        assert_eq!(page(&mut tx, Place::Before(all[9])).await, all[10..20]);
        assert_eq!(page(&mut tx, Place::Before(all[19])).await, all[20..]);
        assert_eq!(page(&mut tx, Place::After(all[20])).await, all[10..20], "the nearest, not the newest");
        assert_eq!(page(&mut tx, Place::After(all[4])).await, all[..4]);
        assert_eq!(audit::count(&mut tx, &filter).await.expect("a count"), Total::Exactly(23));
        tx.commit().await.expect("commits");
    }
}

#[tokio::test]
async fn aud_4_nobody_counts_further_than_ten_thousand() {
    let (app, a) = start().await;
    sql::run(
        &app.owner,
        format!(
            "insert into audit_entries (business_id, id, actor_kind, action, result, origin, trace_id)
             select '{}', (left('{}', 24) || lpad(to_hex(i), 12, '0'))::uuid, 'job', 'call.viewed', 'done', 'job',
                 gen_random_uuid()
             from generate_series(1, 10001) i",
            a.id.0,
            app.app.draw::<AuditId>().0
        ),
    )
    .await;
    let mut tx = tx(&app, &a).await;
    for (query, total) in [("at:all", Total::More), ("result:refused", Total::Exactly(0))] {
        let filter: AuditFilter = query.parse().expect("a filter");
        assert_eq!(audit::count(&mut tx, &filter).await.expect("a count"), total, "{query}");
    }
    tx.commit().await.expect("commits");
    let auditor = app.browser(a.member(Role::Auditor)).await;
    let page = auditor.get("/audit").await;
    assert!(page.body.contains("10,000+ entries"), "{}", page.body);
    assert_eq!(listed(&page.body).len(), 50);
}

#[tokio::test]
async fn ten_1_words_find_nothing_of_another_business() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::InsuranceAgency).await;
    write(&app, &a, Line { after: Some(json!({ "word": "marbles" })), ..line(&app, "call.viewed") }).await;
    assert_eq!(ids(&app, &a, "marbles").await.len(), 1);
    for query in ["marbles", "ip:192.0.2.1", "marbles actor:job"] {
        assert!(ids(&app, &b, query).await.is_empty(), "{query}");
    }
    let served = app.pool_as("ringfort_app", 1);
    let search =
        "select count(*) from lobby.audit_search(array['marbles'], null, null, null, null, null, null, null, null,
        null, null, '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', null, null, 10)";
    assert_eq!(sql::count(&served, search).await, 0, "without a business there is nothing");
    assert_eq!(sql::count_within(&served, a.id.0, search).await, 1);
    assert_eq!(sql::count_within(&served, b.id.0, search).await, 0);
}

#[tokio::test]
async fn aud_1_no_entry_is_refused_for_its_words() {
    let (app, a) = start().await;
    let long = "x".repeat(40_000);
    for after in [
        json!({ "long": long, "many": (0..5_000).collect::<Vec<_>>() }),
        json!({ "signs": "'&|!():* \\ \u{1f512} é ß ẞ", "none": "---" }),
        json!(null),
        json!({}),
    ] {
        let line = Line { after: Some(after), origin: "web 2001:db8:1::/48", ..line(&app, "call.viewed") };
        write(&app, &a, line).await;
    }
    assert_eq!(ids(&app, &a, &"x".repeat(64)).await.len(), 1, "cut as what is looked for is cut");
    assert_eq!(ids(&app, &a, "ip:2001:db8:1:2::7").await.len(), 4);
}

#[tokio::test]
async fn aud_4_a_saved_filter_is_its_owners_and_its_roles() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let save = async |browser: &Browser, name: &str, roles: &[&str]| {
        let mut form = vec![("name", name), ("query", "result:refused at:30d")];
        form.extend(roles.iter().map(|role| ("roles[]", *role)));
        browser.post("/api/audit/filter/save", &form).await.status
    };
    assert_eq!(save(&owner, "Mine alone", &[]).await, 303);
    assert_eq!(save(&owner, "For auditors", &["auditor", "viewer"]).await, 303);
    assert_eq!(save(&owner.clone().json(), "Mine alone", &[]).await, 422, "the name is taken");
    assert_eq!(save(&owner.clone().json(), "For nobody", &["king"]).await, 422);
    assert_eq!(save(&owner.clone().json(), "", &[]).await, 422);
    let shows = async |browser: &Browser| {
        let body = browser.get("/audit").await.body;
        (body.contains("Mine alone"), body.contains("For auditors"))
    };
    assert_eq!(shows(&owner).await, (true, true));
    let auditor = app.browser(a.member(Role::Auditor)).await;
    assert_eq!(shows(&auditor).await, (false, true));
    // Whose role was copied from that of auditors has another role.
    let copy = crate::role::role(&app, &a, "Books", Role::Auditor, Role::Auditor.grants()).await;
    let has = async |role: &str| {
        let held = format!("update members set role_id = {role} where id = '{}'", a.member(Role::Auditor).id.0);
        sql::run(&app.owner, held).await
    };
    assert_eq!(has(&format!("'{}'", copy.0)).await, 1);
    assert_eq!(shows(&auditor).await, (false, false));
    assert_eq!(has("null").await, 1);
    assert_eq!(shows(&app.browser(b.member(Role::Owner)).await).await, (false, false));
    let page = owner.get("/audit").await.body;
    assert!(page.contains("/audit?q=result%3Arefused+at%3A30d"), "{page}");

    // Nothing of it is in the log but ids and roles.
    let told = "select string_agg(after::text, '|' order by at) from audit_entries where action = 'audit.filter_saved'
                and result = 'done'";
    assert_eq!(sql::text(&app.owner, told).await, r#"{"roles": []}|{"roles": ["auditor", "viewer"]}"#);

    let id = sql::text(
        &app.owner,
        "select 'flt_' || replace(id::text, '-', '') from audit_filters where name = 'For auditors'",
    )
    .await;
    let remove = async |browser: &Browser| browser.post("/api/audit/filter/remove", &[("id", &id)]).await.status;
    assert_eq!(remove(&auditor).await, 404, "who sees it does not own it");
    assert_eq!(remove(&owner).await, 303);
    assert_eq!(shows(&auditor).await, (false, false));
    let admin = app.browser(a.member(Role::Admin)).await;
    assert_eq!(save(&admin, "No reader", &[]).await, 403);
}

#[tokio::test]
async fn aud_4_one_person_keeps_fifty_filters() {
    let (app, a) = start().await;
    sql::run(
        &app.owner,
        format!(
            "insert into audit_filters (business_id, id, owner_id, name, query, created_at)
             select '{}', gen_random_uuid(), '{}', 'Filter ' || i, 'at:7d', now() from generate_series(1, 50) i",
            a.id.0,
            a.member(Role::Owner).id.0
        ),
    )
    .await;
    let owner = app.browser(a.member(Role::Owner)).await.json();
    let form = [("name", "One more"), ("query", "at:7d")];
    assert_eq!(owner.post("/api/audit/filter/save", &form).await.status, 422);
    let auditor = app.browser(a.member(Role::Auditor)).await;
    assert_eq!(auditor.post("/api/audit/filter/save", &form).await.status, 303, "others have their own");
}

/// What the page asks with.
fn mark(body: &str) -> String {
    let rest = body.split("data-news=\"").nth(1).expect("the page asks");
    rest.split('"').next().expect("an end").to_owned()
}

async fn news(browser: &Browser, mark: &str) -> (u16, Value) {
    let reply = browser
        .clone()
        .json()
        .ask(axum::http::Method::POST, "/api/audit/news", &[("content-type", "text/plain")], mark.to_owned())
        .await;
    (reply.status, serde_json::from_str(&reply.body).unwrap_or_default())
}

#[tokio::test]
async fn aud_4_a_page_knows_how_many_have_come_since_and_nothing_else() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    write(&app, &a, line(&app, "call.viewed")).await;
    let auditor = app.browser(a.member(Role::Auditor)).await;
    let body = auditor.get("/audit?q=action%3Acall.viewed").await.body;
    let seen = mark(&body);
    let everything = mark(&auditor.get("/audit").await.body);
    assert_eq!(news(&auditor, &seen).await, (200, json!({ "count": 0, "more": false })));
    app.clock.advance(1);
    auditor.get("/audit").await;
    assert_eq!(news(&auditor, &everything).await.1["count"], 0, "one's own reading is no news");
    for _ in 0..2 {
        write(&app, &a, line(&app, "call.viewed")).await;
    }
    write(&app, &a, line(&app, "retention.ran")).await;
    write(&app, &b, line(&app, "call.viewed")).await;
    assert_eq!(news(&auditor, &seen).await.1["count"], 2, "of what was asked for");
    let before = sql::count(&app.owner, "select count(*) from audit_entries").await;
    assert_eq!(news(&auditor, &everything).await.1["count"], 3);
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_entries").await, before, "asking is no entry");

    // It is that reader's, for that page, for an hour.
    let owner = app.browser(a.member(Role::Owner)).await;
    assert_eq!(news(&owner, &seen).await.0, 400);
    assert_eq!(news(&app.browser(b.member(Role::Auditor)).await, &seen).await.0, 400);
    for forged in ["", "x", "action:call.viewed", &seen[1..]] {
        assert_eq!(news(&auditor, forged).await.0, 400, "{forged}");
    }
    assert_eq!(news(&app.browser(a.member(Role::Agent)).await, &seen).await.0, 403);
    app.clock.advance(3_601);
    let later = app.browser(a.member(Role::Auditor)).await;
    assert_eq!(news(&later, &seen).await.0, 400);
    // Nothing can come to what is over.
    assert!(!auditor.get("/audit?q=at%3Ayesterday").await.body.contains("data-news"));
}

#[tokio::test]
async fn aud_4_an_entry_beside_the_list_is_looked_at_and_written_down() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let id = write(&app, &a, Line { after: Some(json!({ "days": 30 })), ..line(&app, "retention.changed") }).await;
    let auditor = app.browser(a.member(Role::Auditor)).await;
    let path = format!("/audit?q=at%3Aall&entry={id}");
    let page = auditor.get(&path).await;
    assert_eq!(page.status, 200);
    for shown in ["id=\"entry\"", "Not sealed yet", "The entry as JSON", &format!("/audit/{id}<"), "All of this trace"]
    {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let looked =
        format!("select count(*) from audit_entries where action = 'audit.entry_viewed' and target_id = '{}'", id.0);
    assert_eq!(sql::count(&app.owner, looked).await, 1);
    let stranger = app.browser(b.member(Role::Auditor)).await;
    let unknown = format!("/audit?q=at%3Aall&entry=aud_{}", Uuid::from_u128(7).simple());
    let (foreign, nowhere) = (stranger.get(&path).await, stranger.get(&unknown).await);
    assert_eq!((foreign.status, nowhere.status), (404, 404));
    assert_eq!(foreign.normal(&[&id.to_string()]), nowhere.normal(&[&format!("aud_{}", Uuid::from_u128(7).simple())]));
}

#[tokio::test]
async fn aud_1_reading_is_written_down_with_what_was_asked_for_but_no_words() {
    let (app, a) = start().await;
    let auditor = app.browser(a.member(Role::Auditor)).await;
    auditor.get("/audit?q=action%3Acall.viewed+at%3Aall+jane+doe").await;
    let told = "select after::text from audit_entries where action = 'audit.listed'";
    assert_eq!(sql::text(&app.owner, told).await, r#"{"words": 2, "filter": "action:call.viewed at:all"}"#);
}

#[tokio::test]
async fn aud_4_times_are_shown_in_the_business_s_zone_and_in_utc() {
    let (app, a) = start().await;
    write(&app, &a, line(&app, "call.viewed")).await;
    let auditor = app.browser(a.member(Role::Auditor)).await;
    let zone = sql::text(&app.owner, format!("select zone from businesses where business_id = '{}'", a.id.0)).await;
    let home = auditor.get("/audit").await.body;
    assert!(home.contains(&format!("Times and days of {zone}")), "{home}");
    let utc = auditor.get("/audit?zone=utc").await.body;
    assert!(utc.contains("Times and days of UTC") && utc.contains("+00:00 · UTC"), "{utc}");
    assert!(utc.contains("name=\"zone\" value=\"utc\""), "the forms stay in it");
}
