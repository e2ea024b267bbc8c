//! The other end of Twilio's Messages resource, over a socket: takes texts, lists them, and answers what it is told to.
//! Shapes of requests and answers as in providers.md, section 1 (`twilio_rest.json`).

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::Request,
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ringfort::server::providers::oidc::OidcSettings;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{TestApp, twilio::AUTH_TOKEN};

/// A text as it came.
#[derive(Debug, Clone)]
pub struct Sent {
    pub fields: HashMap<String, String>,
}

/// What the next sending is answered with.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// A refusal: status, and the code of the error.
    Says(u16, u32),
    /// It is taken, and our hearing of that is lost.
    Lost,
}

#[derive(Default)]
struct State {
    sent: Vec<Sent>,
    tries: usize,
    listed: usize,
    answers: VecDeque<Answer>,
}

/// The stand-in.
#[derive(Clone)]
pub struct Messages {
    pub address: String,
    state: Arc<Mutex<State>>,
}

impl Messages {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let messages = Self { address, state: Arc::default() };
        let there = messages.clone();
        let router: Router = Router::new().fallback(move |request: Request| {
            let there = there.clone();
            async move { there.hear(request).await }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        messages
    }

    /// From now on the next sendings are answered so, one after the other.
    pub fn answer_with(&self, answers: &[Answer]) {
        self.state().answers.extend(answers);
    }

    /// The texts that were taken.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    /// How often somebody tried to send.
    pub fn tries(&self) -> usize {
        self.state().tries
    }

    /// How often somebody asked what was sent.
    pub fn listed(&self) -> usize {
        self.state().listed
    }

    /// The code in the newest text.
    pub fn code(&self) -> String {
        let sent = self.sent();
        let body = &sent.last().expect("a text").fields["Body"];
        let code = body.split(' ').next().unwrap_or_default();
        assert!(code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit()), "no code: {body}");
        code.to_owned()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panics")
    }

    async fn hear(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, 64 << 10).await.expect("a whole body");
        let path = parts.uri.path().to_owned();
        let account = path.split('/').nth(3).unwrap_or_default().to_owned();
        let login = format!("Basic {}", STANDARD.encode(format!("{account}:{AUTH_TOKEN}")));
        let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if shown != Some(login.as_str()) {
            return refusal(401, 20003);
        }
        if path != format!("/2010-04-01/Accounts/{account}/Messages.json") {
            return refusal(404, 20404);
        }
        if parts.method == Method::GET { self.list(parts.uri.query().unwrap_or_default()) } else { self.take(&body) }
    }

    fn take(&self, body: &[u8]) -> Response {
        let fields = form_urlencoded::parse(body).into_owned().collect();
        let mut state = self.state();
        state.tries += 1;
        let answer = state.answers.pop_front();
        if let Some(Answer::Says(status, code)) = answer {
            return refusal(status, code);
        }
        state.sent.push(Sent { fields });
        match answer {
            Some(_) => refusal(500, 20500),
            None => (StatusCode::CREATED, Json(json!({ "sid": "SM1", "status": "queued" }))).into_response(),
        }
    }

    fn list(&self, query: &str) -> Response {
        let asked: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut state = self.state();
        state.listed += 1;
        let to_them = state.sent.iter().filter(|sent| sent.fields.get("To") == asked.get("To"));
        let messages: Vec<Value> = to_them.map(|sent| json!({ "body": sent.fields["Body"] })).collect();
        Json(json!({ "messages": messages })).into_response()
    }
}

fn refusal(status: u16, code: u32) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    let said = json!({ "code": code, "message": "Not taken", "status": status.as_u16() });
    (status, [(header::RETRY_AFTER, "1")], Json(said)).into_response()
}

impl TestApp {
    /// An installation whose Twilio is the stand-in.
    pub async fn start_texting() -> (Self, Messages) {
        let messages = Messages::open().await;
        let stand_in = HashMap::from([("twilio".to_owned(), format!("http://{}", messages.address))]);
        (Self::start_with(vec![messages.address.clone()], stand_in).await, messages)
    }

    /// As [`Self::start_texting`], with a provider of identities besides.
    pub async fn start_texting_with_oidc(address: String, oidc: OidcSettings) -> (Self, Messages) {
        let messages = Messages::open().await;
        let stand_in = HashMap::from([("twilio".to_owned(), format!("http://{}", messages.address))]);
        let allowed = vec![messages.address.clone(), address];
        (Self::start_as(allowed, stand_in, |config| config.oidc = Some(oidc)).await, messages)
    }
}
