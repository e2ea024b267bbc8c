//! 3.5.1: what other people's pages can make a browser do.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header},
};
use ringfort::{
    model::permission::Role,
    server::{boot::router, http::doors::Kind},
};
use tower::ServiceExt;

use crate::{
    kit::{Business, PUBLIC_URL, TestApp, form, sql},
    link::{ANOTHER, PASSWORD, start},
};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Fields that actions take, with something that they would obey.
pub const FIELDS: [(&str, &str); 16] = [
    ("email", "evil@a.example"),
    ("role", "owner"),
    ("password", PASSWORD),
    ("new_password", ANOTHER),
    ("name", "Evil"),
    ("zone", "Europe/Berlin"),
    ("business", "Evil"),
    ("profile", "field_service"),
    ("theme", "dark"),
    ("policy", "length"),
    ("required", "yes"),
    ("grace_days", "0"),
    ("range", "127.0.0.0/8"),
    ("note", "Evil"),
    ("list", "evil@a.example,agent"),
    ("confirm", "remove"),
];

/// Every row of a business, and every row of the lobby.
pub async fn everything(app: &TestApp, business: &Business) -> String {
    let mut all = sql::fingerprint(&app.owner, business.id.0).await;
    let tables = "select oid::regclass::text from pg_class
        where relnamespace = 'lobby'::regnamespace and relkind = 'r' order by 1";
    for table in sql::texts(&app.owner, tables).await {
        let rows = format!("select coalesce(string_agg(t::text, E'\\n' order by t::text), '') from {table} t");
        all.extend(["== ", &table, "\n", &sql::text(&app.owner, rows).await, "\n"]);
    }
    all
}

/// A form's post with these headers and no others: its status, and what came with it.
async fn post(router: &Router, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap) {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(form(&FIELDS))).expect("a request");
    let response = router.clone().oneshot(request).await.expect("the service never fails");
    (response.status().as_u16(), response.headers().clone())
}

#[tokio::test]
async fn v3_5_1_no_action_obeys_another_site_and_nothing_changes() {
    let (app, business) = start().await;
    app.fill(&business).await;
    let cookie = app.session(business.member(Role::Owner)).await;
    let victim = [FORM, ("cookie", cookie.as_str()), ("accept", "text/html")];
    let router = app.router();
    let foreign: [&[(&str, &str)]; 9] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", PUBLIC_URL)],
        &[("sec-fetch-site", "same-site"), ("origin", "https://evil.calls.example.com")],
        &[("origin", "https://evil.example")],
        &[("origin", "https://calls.example.com.evil.example")],
        &[("origin", "http://calls.example.com")],
        &[("origin", "https://calls.example.com:8443")],
        &[("origin", "null")],
        &[("referer", "https://calls.example.com/home")],
    ];
    let before = everything(&app, &business).await;
    let mut tried = 0;
    // Actions, and what scripts of our pages ask for before they post one.
    let is_written_to = |kind| matches!(kind, Kind::Action | Kind::Script);
    for door in router::doors().1.into_iter().filter(|door| is_written_to(door.kind)) {
        for headers in foreign {
            let (status, answered) = post(&router, door.path, &[&victim[..], headers].concat()).await;
            assert_eq!(status, 403, "{} {headers:?}", door.path);
            assert!(!answered.contains_key(header::SET_COOKIE), "{} {headers:?}", door.path);
            tried += 1;
        }
    }
    assert!(tried >= 9 * 70, "only {tried} tries");
    assert_eq!(everything(&app, &business).await, before);
    // From a page of ours the same form is obeyed.
    let ours = [&victim[..], &[("origin", PUBLIC_URL)][..]].concat();
    assert_eq!(post(&router, "/api/settings/save", &ours).await.0, 303);
    assert_ne!(everything(&app, &business).await, before);
}
