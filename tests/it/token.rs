//! Tokens for programs (ACC-7): how a program signs in ([`grant`]), how its tokens follow each other and end
//! ([`chain`]), what an access token opens ([`bearer`]), the keys behind it ([`keys`]), and what is not a good request
//! ([`attack`]).

mod attack;
pub mod bearer;
mod chain;
mod grant;
mod keys;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request},
};
use ringfort::{
    model::{id::SessionId, permission::Role, profile::Profile},
    server::kit::entropy::token_hash,
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::kit::{Business, TestApp, sql};

pub const PASSWORD: &str = "seven quiet otters";

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

/// What a program holds.
pub struct Program {
    pub access: String,
    pub refresh: String,
}

impl From<Answer> for Program {
    fn from(answer: Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let text = |name: &str| answer.body[name].as_str().expect("a text").to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// A business whose agent has a password.
pub async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    app.give_password(business.member(Role::Agent), PASSWORD).await;
    (app, business)
}

/// Asks as a program does: nothing but what is given.
pub async fn ask(app: &TestApp, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).expect("a request");
    let (parts, body) = app.router().oneshot(request).await.expect("the service never fails").into_parts();
    let bytes = to_bytes(body, 1 << 20).await.expect("a whole body");
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

pub async fn post(app: &TestApp, path: &str, body: &Value) -> Answer {
    ask(app, Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
}

pub async fn me(app: &TestApp, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    ask(app, Method::GET, "/api/v1/me", &[("authorization", &bearer)], String::new()).await
}

/// The sign-in of a person's phone, with other fields besides.
async fn by_password(app: &TestApp, email: &str, password: &str, besides: &Value) -> Answer {
    let mut body = json!({ "grant_type": "password", "email": email, "password": password, "device": "My phone" });
    for (name, value) in besides.as_object().expect("fields") {
        body[name] = value.clone();
    }
    post(app, "/api/v1/token", &body).await
}

pub async fn program(app: &TestApp, email: &str) -> Program {
    by_password(app, email, PASSWORD, &json!({})).await.into()
}

/// A signed-in program of somebody in the business, as its person names it.
pub async fn family(app: &TestApp, business: &Business, role: Role) -> String {
    let member = business.member(role);
    app.give_password(member, PASSWORD).await;
    let program = program(app, &member.email).await;
    family_of(app, &program).await.to_string()
}

async fn family_of(app: &TestApp, program: &Program) -> SessionId {
    let hash = hex::encode(token_hash(&program.refresh));
    let found = format!("select family_id::text from lobby.refresh_tokens where hash = '\\x{hash}'");
    SessionId(sql::text(&app.owner, found).await.parse().expect("an id"))
}

pub async fn refresh(app: &TestApp, token: &str) -> Answer {
    post(app, "/api/v1/token", &json!({ "grant_type": "refresh_token", "refresh_token": token })).await
}

pub fn is_refused(answer: &Answer, error: &str) {
    assert_eq!((answer.status, answer.body["error"].as_str()), (400, Some(error)), "{}", answer.body);
}

async fn audited(app: &TestApp, action: &str) -> i64 {
    let written = format!("select count(*) from audit_entries where action = '{action}' and result = 'done'");
    sql::count(&app.owner, written).await
}
