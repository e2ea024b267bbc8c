//! The technician's page (GPS-1, GPS-3): what a phone sends by its session, whose jobs stand there, what a browser may do on it
//! and nowhere else, and what it keeps for when there is no network.

use axum::http::Method;
use ringfort::model::{
    id::{MemberId, WorkOrderId},
    permission::Role,
    profile::Profile,
};
use serde_json::json;

use crate::kit::{Browser, Business, Reply, TestApp, sql};

async fn start() -> (TestApp, Business, Browser) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    let phone = app.browser(business.member(Role::Technician)).await;
    (app, business, phone)
}

/// What the page's script sends: one place, of now.
async fn send(app: &TestApp, browser: &Browser, headers: &[(&str, &str)]) -> Reply {
    let point = json!({
        "at": app.now().0.to_string(), "lat": 41.8781, "lon": -87.6298, "accuracy_m": 8.0, "speed_mps": null,
        "heading_deg": null,
    });
    let kind = [("content-type", "application/json"), ("accept", "application/json")];
    let mine: Vec<_> = kind.into_iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name)).collect();
    let body = json!({ "points": [point] }).to_string();
    browser.ask(Method::POST, "/field/positions", &[&mine[..], headers].concat(), body).await
}

async fn stored(app: &TestApp, business: &Business) -> i64 {
    sql::count(&app.owner, format!("select count(*) from positions where business_id = '{}'", business.id.0)).await
}

/// A job, and whose it is.
async fn job(app: &TestApp, business: &Business, member: Option<MemberId>, customer: &str) -> WorkOrderId {
    let id: WorkOrderId = app.app.draw();
    let (member, state) = match member {
        Some(member) => (format!("'{}'", member.0), "assigned"),
        None => ("null".to_owned(), "new"),
    };
    let now = app.now().0;
    let statement = format!(
        "insert into work_orders (business_id, id, number, customer_name, customer_phone, address, window_from, window_to,
             member_id, state, created_by, created_at, changed_at)
         values ('{business}', '{id}', (select count(*) + 1 from work_orders), '{customer}', '+14155550177', '18 Alder Lane',
             '{now}', timestamptz '{now}' + interval '1 second', {member}, '{state}', '{owner}', '{now}', '{now}')",
        business = business.id.0,
        id = id.0,
        owner = business.member(Role::Owner).id.0,
    );
    sql::run(&app.owner, statement).await;
    id
}

#[tokio::test]
async fn gps_1_a_phone_sends_by_its_session_and_during_a_shift_only() {
    let (app, business, phone) = start().await;
    let off = send(&app, &phone, &[]).await;
    assert_eq!((off.status, stored(&app, &business).await), (200, 0), "{}", off.body);
    assert!(off.body.contains("off_shift"), "the script is told why: {}", off.body);

    assert_eq!(phone.post("/api/shift/begin", &[]).await.status, 303);
    app.clock.advance(21);
    let on = send(&app, &phone, &[]).await;
    assert_eq!((on.status, stored(&app, &business).await), (200, 1), "{}", on.body);
    assert!(phone.get("/field").await.body.contains("On shift"));

    assert_eq!(phone.post("/api/shift/end", &[]).await.status, 303);
    app.clock.advance(21);
    let over = send(&app, &phone, &[]).await;
    assert_eq!((over.status, stored(&app, &business).await), (200, 1), "{}", over.body);
    assert!(over.body.contains("off_shift"), "{}", over.body);
}

#[tokio::test]
async fn gps_1_more_than_three_a_minute_are_told_to_wait() {
    let (app, business, phone) = start().await;
    assert_eq!(phone.post("/api/shift/begin", &[]).await.status, 303);
    for _ in 0..3 {
        app.clock.advance(1);
        assert_eq!(send(&app, &phone, &[]).await.status, 200);
    }
    app.clock.advance(1);
    let fourth = send(&app, &phone, &[]).await;
    assert_eq!((fourth.status, stored(&app, &business).await), (429, 3), "{}", fourth.body);
    let wait: i64 = fourth.header("retry-after").and_then(|text| text.parse().ok()).expect("when to come again");
    assert!((1..=60).contains(&wait), "{wait}");
    app.clock.advance(wait);
    assert_eq!(send(&app, &phone, &[]).await.status, 200);
}

#[tokio::test]
async fn gps_1_nobody_sends_for_anybody_else() {
    let (app, business, phone) = start().await;
    assert_eq!(phone.post("/api/shift/begin", &[]).await.status, 303);
    app.clock.advance(21);
    for role in [Role::Owner, Role::Dispatcher, Role::Agent] {
        let browser = app.browser(business.member(role)).await;
        assert_eq!(send(&app, &browser, &[]).await.status, 403, "{role:?}");
    }
    assert_eq!(send(&app, &app.stranger(), &[]).await.status, 401);
    assert_eq!(send(&app, &phone, &[("sec-fetch-site", "cross-site")]).await.status, 403, "another page's form");
    let form = send(&app, &phone, &[("content-type", "application/x-www-form-urlencoded")]).await;
    assert!(matches!(form.status, 400 | 415 | 422), "{}", form.status);
    assert_eq!(stored(&app, &business).await, 0);
}

#[tokio::test]
async fn gps_1_the_page_shows_ones_own_jobs_and_no_number() {
    let (app, business, phone) = start().await;
    let technician = business.member(Role::Technician).id;
    let other = app.join(business.id, Role::Technician, "second@a.example").await;
    let elsewhere = app.business("b", Profile::FieldService).await;
    let mine = job(&app, &business, Some(technician), "Rosa Quill").await;
    job(&app, &business, Some(other.id), "Somebody Elses").await;
    job(&app, &business, None, "Nobodys Yet").await;
    job(&app, &elsewhere, Some(elsewhere.member(Role::Technician).id), "Another Business").await;
    let page = phone.get("/field").await;
    assert_eq!(page.status, 200);
    let id = mine.to_string();
    for text in ["Rosa Quill", "18 Alder Lane", id.as_str(), "I am on the way"] {
        assert!(page.body.contains(text), "{text}");
    }
    for text in ["Somebody Elses", "Nobodys Yet", "Another Business", "4155550177"] {
        assert!(!page.body.contains(text), "{text}");
    }
    let moved = [("id", id.as_str()), ("version", "1"), ("to", "en_route")];
    assert_eq!(phone.post("/api/work-orders/move", &moved).await.status, 303);
    let page = phone.get("/field").await;
    assert!(page.body.contains("On the way") && page.body.contains("I am on site"), "{}", page.body);
}

#[tokio::test]
async fn gps_3_the_page_says_who_looked() {
    let (app, business, phone) = start().await;
    assert!(phone.get("/field").await.body.contains("Nobody has looked"));
    let (dispatcher, technician) = (business.member(Role::Dispatcher).id.0, business.member(Role::Technician).id.0);
    let now = app.now().0;
    let look = format!(
        "insert into location_looks (business_id, id, viewer_id, member_id, what, span_at, looked_at)
         values ('{}', gen_random_uuid(), '{dispatcher}', '{technician}', 'trail', '{now}', '{now}')",
        business.id.0
    );
    sql::run(&app.owner, look).await;
    let page = phone.get("/field").await.body;
    assert!(page.contains("The Dispatcher") && page.contains("Looked at where you had been"), "{page}");
}

#[tokio::test]
async fn gps_1_a_browser_is_asked_for_its_place_on_this_page_alone() {
    let (app, business, phone) = start().await;
    let policy = |reply: &Reply, name: &str| reply.header(name).unwrap_or_default().to_owned();
    let page = phone.get("/field").await;
    assert!(policy(&page, "permissions-policy").contains("geolocation=(self)"));
    assert!(policy(&page, "content-security-policy").contains("worker-src 'self'"));
    for path in ["/home", "/account"] {
        let other = phone.get(path).await;
        assert!(policy(&other, "permissions-policy").contains("geolocation=()"), "{path}");
    }
    let owner = app.browser(business.member(Role::Owner)).await;
    assert_eq!(owner.get("/field").await.status, 403);
    // The worker lies among the files, and may answer for this page.
    assert_eq!(phone.get("/static/field-sw.js").await.header("service-worker-allowed"), Some("/field"));
    for path in ["/static/field.js", "/field", "/pkg/it.js"] {
        assert_eq!(phone.get(path).await.header("service-worker-allowed"), None, "{path}");
    }
}

#[tokio::test]
async fn gps_1_what_a_browser_keeps_without_a_network_is_nobodys() {
    let (app, _, phone) = start().await;
    let (mine, anybodys) = (phone.get("/field/offline").await, app.stranger().get("/field/offline").await);
    assert_eq!((mine.status, anybodys.status), (200, 200));
    assert_eq!(mine.normal(&[]), anybodys.normal(&[]), "the same for everybody");
    for word in ["The Technician", "Business a", "mem_", "@a.example"] {
        assert!(!mine.body.contains(word), "{word}");
    }
    assert!(mine.body.contains("/static/field.js"), "it goes on writing down");
}
