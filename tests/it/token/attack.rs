//! What is sent to the doors of programs to break them (API-1): far too much, half a thing, another kind of thing, and good
//! requests while the database is away. Each is answered in JSON, with a right status, and never with a page.

use std::{convert::Infallible, iter::repeat_with};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, header},
};
use futures::stream;
use ringfort::model::permission::Role;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Answer, PASSWORD, ask, is_refused, me, post, program, start};
use crate::kit::TestApp;

/// The doors that read a body.
const READING: [&str; 2] = ["/api/v1/token", "/api/v1/token/revoke"];
/// A browser's, too: who asks here gets no page whatever they say that they like.
const JSON: [(&str, &str); 2] = [("content-type", "application/json"), ("accept", "text/html")];

fn is_json(answer: &Answer) -> bool {
    let kind = answer.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().expect("a text"));
    kind == Some("application/json") && answer.body.is_object()
}

async fn is_alive(app: &TestApp, email: &str) -> bool {
    let program = program(app, email).await;
    me(app, &program.access).await.status == 200
}

#[tokio::test]
async fn acc_7_ten_megabytes_are_refused_and_a_body_without_an_end_is_left() {
    let (app, business) = start().await;
    let large = json!({ "grant_type": "password", "email": "a".repeat(10 << 20) }).to_string();
    for path in READING {
        let answer = ask(&app, Method::POST, path, &JSON, large.clone()).await;
        assert_eq!((answer.status, answer.body["kind"].as_str()), (413, Some("too_large")), "{path}");
        assert!(is_json(&answer), "{path}: {}", answer.body);

        // Nobody says how much is to come, and it never ends.
        let spaces = || Ok::<_, Infallible>(Bytes::from_static(&[b' '; 1024]));
        let endless = Body::from_stream(stream::iter(repeat_with(spaces)));
        let request = Request::post(path).header("content-type", "application/json").body(endless).expect("a request");
        let response = app.router().oneshot(request).await.expect("the service never fails");
        assert_eq!(response.status().as_u16(), 413, "{path}");
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("a whole body");
        assert_eq!(serde_json::from_slice::<Value>(&body).expect("JSON")["kind"], "too_large", "{path}");
    }
    assert!(is_alive(&app, &business.member(Role::Agent).email).await);
}

#[tokio::test]
async fn acc_7_what_is_no_json_or_another_json_is_refused_as_such() {
    let (app, business) = start().await;
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(1_000), close.repeat(1_000));
    let bodies = [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        "\u{0}".to_owned(),
        "\u{feff}{}".to_owned(),
        "{} {}".to_owned(),
        r#"{"grant_type":"password""#.to_owned(),
        r#"{"grant_type":NaN}"#.to_owned(),
        r#"{"grant_type":"\ud800"}"#.to_owned(),
        r#"{"grant_type":7,"refresh_token":7}"#.to_owned(),
        r#"{"grant_type":"password","grant_type":"refresh_token","refresh_token":"x","refresh_token":"y"}"#.to_owned(),
        r#"{"__proto__":{"grant_type":"password"},"refresh_token":{"$ne":""}}"#.to_owned(),
        "[".repeat(8_000),
        nested("[", "]"),
        nested(r#"{"a":"#, "}"),
        format!(r#"{{"grant_type":{0},"refresh_token":{0}}}"#, nested("[", "]")),
        "<!doctype html><form></form>".to_owned(),
        "grant_type=refresh_token&refresh_token=x".to_owned(),
    ];
    for path in READING {
        for body in &bodies {
            let answer = ask(&app, Method::POST, path, &JSON, body.clone()).await;
            let shown: String = body.chars().take(60).collect();
            assert!(is_json(&answer), "{path} {shown:?}: {} {}", answer.status, answer.body);
            is_refused(&answer, "invalid_request");
            assert!(!answer.headers.contains_key("set-cookie"), "{path} {shown:?}");
        }
    }
    assert!(is_alive(&app, &business.member(Role::Agent).email).await);
}

#[tokio::test]
async fn acc_7_another_kind_of_content_is_refused_whatever_is_in_it() {
    let (app, _) = start().await;
    let body = json!({ "refresh_token": "nobody has this" }).to_string();
    for path in READING {
        for kind in [
            "text/plain",
            "text/json",
            "application/jsonx",
            "application/problem+json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/html, application/json",
            "",
        ] {
            let headers = [("content-type", kind), ("accept", "text/html")];
            let answer = ask(&app, Method::POST, path, &headers, body.clone()).await;
            assert_eq!((answer.status, answer.body["error"].as_str()), (415, Some("invalid_request")), "{path} {kind}");
            assert!(is_json(&answer), "{path} {kind}");
        }
        for kind in ["application/json; charset=utf-8", "Application/JSON"] {
            let answer = ask(&app, Method::POST, path, &[("content-type", kind)], body.clone()).await;
            assert!(matches!(answer.status, 200 | 400), "{path} {kind}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn acc_7_what_is_not_there_is_no_page_either() {
    let (app, _) = start().await;
    let likes_pages = [("accept", "text/html")];
    let nowhere = ask(&app, Method::GET, "/api/v1/nothing", &likes_pages, String::new()).await;
    assert_eq!((nowhere.status, nowhere.body["kind"].as_str()), (404, Some("missing")));
    assert!(is_json(&nowhere));
    let nobody = ask(&app, Method::GET, "/api/v1/me", &likes_pages, String::new()).await;
    assert_eq!((nobody.status, nobody.body["kind"].as_str()), (401, Some("signed_out")));
    assert!(is_json(&nobody));
    let method = ask(&app, Method::DELETE, "/api/v1/token", &likes_pages, String::new()).await;
    assert_eq!((method.status, method.body["kind"].as_str()), (405, Some("wrong_method")));
    assert!(is_json(&method));
    assert_eq!(method.headers.get("allow").and_then(|methods| methods.to_str().ok()), Some("POST"));
}

#[tokio::test]
async fn acc_7_without_a_database_programs_are_told_to_come_back_and_nothing_else() {
    let (app, business) = start().await;
    let email = &business.member(Role::Agent).email;
    let held = program(&app, email).await;
    app.app.db().close().await;
    let grant = json!({ "grant_type": "password", "email": email, "password": PASSWORD, "device": "My phone" });
    let unknown = json!({ "grant_type": "password", "email": "no@a.example", "password": PASSWORD, "device": "A" });
    let next = json!({ "grant_type": "refresh_token", "refresh_token": held.refresh });
    let over = json!({ "refresh_token": held.refresh });
    let answers = [
        post(&app, READING[0], &grant).await,
        post(&app, READING[0], &unknown).await,
        post(&app, READING[0], &next).await,
        post(&app, READING[1], &over).await,
        ask(&app, Method::POST, READING[1], &JSON, over.to_string()).await,
        me(&app, &held.access).await,
    ];
    let mut incidents = Vec::new();
    for answer in &answers {
        assert_eq!((answer.status, answer.body["kind"].as_str()), (503, Some("unavailable")), "{}", answer.body);
        assert!(is_json(answer), "{}", answer.body);
        assert!(answer.headers.contains_key("retry-after"));
        let mut told: Vec<&String> = answer.body.as_object().expect("an object").keys().collect();
        told.sort_unstable();
        assert_eq!(told, ["fields", "incident", "kind", "retry_after"], "closed words, and nothing of the cause");
        incidents.push(answer.body["incident"].as_str().expect("what the log has too").to_owned());
    }
    incidents.sort_unstable();
    incidents.dedup();
    assert_eq!(incidents.len(), answers.len(), "each has an id of its own");
    // What reads nothing is refused as ever.
    is_refused(&post(&app, READING[0], &json!({ "grant_type": "implicit" })).await, "unsupported_grant_type");
    assert_eq!(ask(&app, Method::GET, "/healthz", &[], String::new()).await.status, 200);
}
