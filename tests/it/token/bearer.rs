//! What an access token opens (ACC-7), and everything that passes for one and opens nothing.

use axum::http::Method;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey, pkcs8::DecodePrivateKey};
use hmac::{Hmac, KeyInit, Mac};
use ringfort::{
    model::{
        permission::{Need, Role},
        profile::Profile,
    },
    server::{
        boot::router,
        http::doors::Kind,
        vault::{Purpose, jwt::ACCESS_SECONDS},
    },
};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::{PASSWORD, ask, me, program, start};
use crate::kit::TestApp;

/// A token in its parts, so that each can be changed. Made with our own hands, not the product's.
#[derive(Clone)]
pub struct Parts {
    pub header: Value,
    pub claims: Value,
    pub key: SigningKey,
}

impl Parts {
    /// Those of a good token, with the installation's own key.
    pub async fn of(app: &TestApp, token: &str) -> Self {
        let (id, sealed): (Uuid, Vec<u8>) =
            sqlx::query_as("select id, sealed from lobby.signing_keys where retired_at is null")
                .fetch_one(&app.owner)
                .await
                .expect("a key");
        let der = app.app.vault().open_own(Purpose::SigningKey, id, &sealed).expect("opens");
        let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64"));
        let mut next = || -> Value { serde_json::from_slice(&parts.next().expect("a part")).expect("JSON") };
        let (header, claims) = (next(), next());
        Self { header, claims, key: SigningKey::from_pkcs8_der(&der).expect("a key") }
    }

    pub fn with_header(&self, name: &str, value: Value) -> String {
        let mut changed = self.clone();
        changed.header[name] = value;
        changed.token()
    }

    pub fn with_claim(&self, name: &str, value: Value) -> String {
        let mut changed = self.clone();
        changed.claims[name] = value;
        changed.token()
    }

    pub fn without(&self, name: &str) -> String {
        let mut changed = self.clone();
        changed.header.as_object_mut().expect("an object").remove(name);
        changed.claims.as_object_mut().expect("an object").remove(name);
        changed.token()
    }

    pub fn message(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    pub fn token(&self) -> String {
        let message = self.message();
        let signature = self.key.sign(message.as_bytes()).to_bytes();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// «Signed» by a secret that everybody knows.
    pub fn hs256(&self, secret: &[u8]) -> String {
        let mut changed = self.clone();
        changed.header["alg"] = json!("HS256");
        let message = changed.message();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length will do");
        mac.update(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

pub async fn opens_nothing(app: &TestApp, tokens: Vec<(&str, String)>) {
    for (what, token) in tokens {
        let answer = me(app, &token).await;
        assert_eq!(answer.status, 401, "{what}: {token}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn acc_7_a_header_that_is_not_exactly_ours_opens_nothing() {
    let (app, business) = start().await;
    let good = Parts::of(&app, &program(&app, &business.member(Role::Agent).email).await.access).await;
    assert_eq!(me(&app, &good.token()).await.status, 200, "what is changed below opens while it is not");
    let jwks = ask(&app, Method::GET, "/api/v1/jwks.json", &[], String::new()).await.body;
    let x = jwks["keys"][0]["x"].as_str().expect("a public key").to_owned();
    let unsigned = |alg: &str| {
        let mut changed = good.clone();
        changed.header["alg"] = json!(alg);
        format!("{}.", changed.message())
    };
    let stranger = Parts { key: SigningKey::from_bytes(&[7; 32]), ..good.clone() };
    let theirs = URL_SAFE_NO_PAD.encode(stranger.key.verifying_key().to_bytes());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": theirs });
    let jku = json!("https://evil.example/jwks.json");
    opens_nothing(
        &app,
        vec![
            ("no algorithm", unsigned("none")),
            ("no algorithm, in other letters", unsigned("None")),
            ("no signature", unsigned("EdDSA")),
            ("our public key as a secret", good.hs256(&URL_SAFE_NO_PAD.decode(&x).expect("base64"))),
            ("our public key as a secret text", good.hs256(x.as_bytes())),
            ("our JWK as a secret", good.hs256(jwks["keys"][0].to_string().as_bytes())),
            ("another algorithm's name", good.with_header("alg", json!("ES256"))),
            ("another key's name", good.with_header("kid", json!("x"))),
            ("a path as a key's name", good.with_header("kid", json!("../../dev/null"))),
            ("no key's name", good.without("kid")),
            ("another installation's key", stranger.token()),
            ("another installation's key under its name", stranger.with_header("kid", json!(theirs))),
            ("a key that it brings along", stranger.with_header("jwk", jwk.clone())),
            ("a key's address", stranger.with_header("jku", jku.clone())),
            ("a certificate's address", stranger.with_header("x5u", jku.clone())),
            ("a key's address, signed by us", good.with_header("jku", jku)),
            ("a key, signed by us", good.with_header("jwk", jwk)),
            ("another type", good.with_header("typ", json!("JWT"))),
            ("no type", good.without("typ")),
            ("something critical", good.with_header("crit", json!(["exp"]))),
            ("something else", good.with_header("zip", json!("DEF"))),
        ],
    )
    .await;
}

#[tokio::test]
async fn acc_7_claims_that_are_not_exactly_ours_open_nothing() {
    let (app, business) = start().await;
    let other = app.business("b", Profile::FieldService).await;
    let good = Parts::of(&app, &program(&app, &business.member(Role::Agent).email).await.access).await;
    assert_eq!(me(&app, &good.token()).await.status, 200);
    let now = app.now().as_second();
    let claim = |name: &str, value: Value| good.with_claim(name, value);
    let mut tokens = vec![
        ("another audience", claim("aud", json!("another-api"))),
        ("two audiences", claim("aud", json!(["ringfort-api", "another-api"]))),
        ("another issuer", claim("iss", json!("https://evil.example"))),
        ("another installation", claim("iss", json!("https://calls.example.com.evil.example"))),
        ("over now", claim("exp", json!(now))),
        ("over long ago", claim("exp", json!(now - 86_400))),
        ("a text for a time", claim("exp", json!((now + 60).to_string()))),
        ("not good before a second from now", claim("nbf", json!(now + 1))),
        ("another person", claim("sub", json!(business.member(Role::Owner).user))),
        ("another business", claim("biz", json!(other.id))),
        ("a family that nobody has", claim("sid", json!(format!("ses_{:032x}", 7)))),
        ("an id of another kind", claim("sid", json!(business.member(Role::Agent).user))),
        ("more than we say", claim("role", json!("owner"))),
    ];
    for name in ["iss", "aud", "sub", "sid", "biz", "jti", "iat", "nbf", "exp"] {
        tokens.push((name, good.without(name)));
    }
    opens_nothing(&app, tokens).await;
}

#[tokio::test]
async fn acc_7_a_token_that_was_cut_or_changed_opens_nothing() {
    let (app, business) = start().await;
    let good = program(&app, &business.member(Role::Agent).email).await.access;
    let parts: Vec<&str> = good.split('.').collect();
    let mut tokens = vec![
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("without its end", good[..good.len() - 1].to_owned()),
        ("without its signature", format!("{}.{}", parts[0], parts[1])),
        ("with an empty signature", format!("{}.{}.", parts[0], parts[1])),
        ("with a part more", format!("{good}.{}", parts[2])),
        ("with another end", format!("{good}A")),
        ("padded", format!("{good}==")),
        ("huge", format!("{good}{}", "A".repeat(4096))),
    ];
    for at in (0..good.len()).step_by(7).filter(|at| !good[*at..].starts_with('.')) {
        let letter = if good[at..].starts_with('A') { "B" } else { "A" };
        tokens.push(("with another letter", format!("{}{letter}{}", &good[..at], &good[at + 1..])));
    }
    opens_nothing(&app, tokens).await;
    assert_eq!(me(&app, &good).await.status, 200);
}

#[tokio::test]
async fn acc_7_an_access_token_lives_five_minutes_to_the_second() {
    let (app, business) = start().await;
    let program = program(&app, &business.member(Role::Agent).email).await;
    app.clock.advance(ACCESS_SECONDS - 1);
    assert_eq!(me(&app, &program.access).await.status, 200);
    app.clock.advance(1);
    assert_eq!(me(&app, &program.access).await.status, 401);
}

#[tokio::test]
async fn acc_7_cookies_and_tokens_do_not_count_in_each_others_place() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let bearer = format!("Bearer {}", program(&app, &agent.email).await.access);
    let browser = app.browser(agent).await;
    assert_eq!(browser.get("/home").await.status, 200);
    for path in ["/api/v1/me", "/api/v1/me?x=/home", "/api/v1/../v1/me"] {
        assert!(matches!(browser.get(path).await.status, 401 | 404), "{path} by cookie");
    }
    let token = [("authorization", bearer.as_str())];
    for path in ["/home", "/account", "/live", "/api/v1/../../home"] {
        let reply = app.stranger().json().ask(Method::GET, path, &token, String::new()).await;
        assert!(matches!(reply.status, 401 | 404), "{path} by token: {}", reply.status);
    }
    let form = [token[0], ("content-type", "application/x-www-form-urlencoded")];
    for action in ["/api/sign-out", "/api/pops/acknowledge", "/api/token/revoke"] {
        let reply = app.stranger().json().ask(Method::POST, action, &form, String::new()).await;
        assert_eq!(reply.status, 401, "{action} by token");
    }
    // A cookie that comes along changes nothing, whatever page it comes from.
    let cookie = app.session(business.member(Role::Owner)).await;
    let both = [token[0], ("cookie", cookie.as_str()), ("origin", "https://evil.example")];
    assert_eq!(ask(&app, Method::GET, "/api/v1/me", &both, String::new()).await.body["role"], "agent");
}

#[tokio::test]
async fn per_3_every_role_opens_exactly_the_doors_of_programs_that_the_table_gives_it() {
    let (app, business) = start().await;
    let all = router::doors().1.into_iter();
    let doors: Vec<_> = all.filter(|door| door.kind == Kind::Rest && door.need != Need::Public).collect();
    assert!(!doors.is_empty());
    for role in Role::ALL {
        let member = business.member(role);
        app.give_password(member, PASSWORD).await;
        let bearer = format!("Bearer {}", program(&app, &member.email).await.access);
        for door in &doors {
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            let status = ask(&app, door.method.clone(), door.path, &headers, "{}".to_owned()).await.status;
            let name = format!("{} {} as {}", door.method, door.path, role.code());
            assert!(!matches!(status, 401 | 500..), "{name}: {status}");
            assert_eq!(status == 403, !door.need.admits(Some(role.grants())), "{name}: {status}");
        }
    }
}

#[tokio::test]
async fn acc_9_a_token_counts_only_where_its_business_lets_people_in() {
    let (app, business) = start().await;
    let access = program(&app, &business.member(Role::Agent).email).await.access;
    sqlx::query(
        "insert into networks (business_id, id, range, note, created_by, created_at)
         values ($1, gen_random_uuid(), '10.0.0.0/8', 'The office', $2, $3)",
    )
    .bind(business.id)
    .bind(business.member(Role::Owner).id)
    .bind(app.now())
    .execute(&app.owner)
    .await
    .expect("a network");
    assert_eq!(me(&app, &access).await.status, 403);
}
