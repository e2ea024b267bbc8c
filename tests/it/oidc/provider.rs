//! A provider of identities in a test's hand, over a socket: it publishes its addresses and its key, checks client, code
//! and PKCE in our own words, and says in its token what the test wants it to say.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::{Signer, SigningKey};
use ringfort::server::{providers::oidc::OidcSettings, vault::Secret};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

pub const CLIENT: &str = "ringfort";
pub const SECRET: &str = "0123456789abcdef";
const CODE: &str = "4/a-code of theirs";

/// The provider, and what it answers.
#[derive(Clone)]
pub struct Provider {
    pub address: String,
    state: Arc<Mutex<State>>,
}

struct State {
    issuer: String,
    /// What discovery calls itself.
    name: String,
    kid: String,
    key: SigningKey,
    token: String,
    challenge: String,
    asked: Vec<String>,
    is_away: bool,
}

/// Where somebody was sent, and what for.
pub struct Sent {
    pub state: String,
    pub nonce: String,
}

/// A token in its parts.
#[derive(Clone)]
pub struct Word {
    pub header: Value,
    pub claims: Value,
    pub key: SigningKey,
}

impl Word {
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    pub fn head(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    /// What is signed.
    pub fn content(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    pub fn token(&self) -> String {
        let content = self.content();
        let signature = self.key.sign(content.as_bytes());
        format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let issuer = format!("http://{address}");
        let state = Arc::new(Mutex::new(State {
            name: issuer.clone(),
            issuer,
            kid: "one".to_owned(),
            key: SigningKey::from_bytes(&[3; 32]),
            token: String::new(),
            challenge: String::new(),
            asked: Vec::new(),
            is_away: false,
        }));
        let theirs = state.clone();
        let router: Router = Router::new().fallback(move |request: Request| answer(theirs.clone(), request));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, state }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panics")
    }

    pub fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.state().issuer.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Secret::new(SECRET.to_owned()),
            name: "Google".to_owned(),
        }
    }

    /// Reads where somebody was sent, and remembers the challenge as the provider would.
    pub fn receive(&self, location: &str) -> Sent {
        let issuer = self.state().issuer.clone();
        let (to, query) = location.split_once('?').expect("a query");
        assert_eq!(to, format!("{issuer}/authorize"));
        let find = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        assert_eq!(find("response_type"), "code");
        assert_eq!(find("client_id"), CLIENT);
        assert_eq!(find("scope"), "openid email", "no more than is needed");
        assert_eq!(find("code_challenge_method"), "S256");
        assert_eq!(find("redirect_uri"), format!("{}/sign-in/oidc/callback", crate::kit::PUBLIC_URL));
        self.state().challenge = find("code_challenge");
        Sent { state: find("state"), nonce: find("nonce") }
    }

    /// A good word about somebody, for who was sent.
    pub fn word(&self, sent: &Sent, subject: &str, now: i64) -> Word {
        let state = self.state();
        let claims = json!({
            "iss": state.issuer, "aud": CLIENT, "sub": subject, "iat": now, "exp": now + 300, "nonce": sent.nonce,
            "email": "ada@a.example", "email_verified": true,
        });
        let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": state.kid });
        Word { header, claims, key: state.key.clone() }
    }

    /// What the next code is exchanged for.
    pub fn will_say(&self, token: String) {
        self.state().token = token;
    }

    /// The way back, as the provider sends people.
    pub fn back(state: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("state", state), ("code", CODE), ("scope", "email openid"), ("authuser", "0")])
            .finish();
        format!("/sign-in/oidc/callback?{query}")
    }

    /// It signs with another key from now on.
    pub fn change_key(&self) {
        let mut state = self.state();
        state.key = SigningKey::from_bytes(&[4; 32]);
        state.kid = String::from("two");
    }

    /// It calls itself something else.
    pub fn rename(&self, name: &str) {
        self.state().name = String::from(name);
    }

    pub fn go_away(&self) {
        self.state().is_away = true;
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.state().asked.iter().filter(|asked| *asked == path).count()
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let login = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let body = to_bytes(request.into_body(), 1 << 16).await.expect("a whole body");
    let mut state = state.lock().expect("no panics");
    state.asked.push(path.clone());
    if state.is_away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match path.as_str() {
        "/.well-known/openid-configuration" => Json(json!({
            "issuer": state.name,
            "authorization_endpoint": format!("{}/authorize", state.issuer),
            "token_endpoint": format!("{}/token", state.issuer),
            "jwks_uri": format!("{}/keys", state.issuer),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        }))
        .into_response(),
        "/keys" => {
            let x = URL_SAFE_NO_PAD.encode(state.key.verifying_key().to_bytes());
            let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": state.kid, "use": "sig", "alg": "EdDSA" });
            Json(json!({ "keys": [key] })).into_response()
        }
        "/token" => exchange(&state, login.as_deref(), &body),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// RFC 6749, 4.1.3 with RFC 7636, 4.6.
fn exchange(state: &State, login: Option<&str>, body: &[u8]) -> Response {
    let find = |name: &str| {
        let mut pairs = form_urlencoded::parse(body);
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let known = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(find("code_verifier").as_bytes()));
    let is_good = login == Some(known.as_str())
        && find("grant_type") == "authorization_code"
        && find("code") == CODE
        && challenge == state.challenge;
    if !is_good {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    Json(json!({ "access_token": "theirs", "token_type": "Bearer", "expires_in": 300, "id_token": state.token }))
        .into_response()
}
