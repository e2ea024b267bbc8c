//! V9: access tokens. The whole matrix of what passes for one is in `token::bearer`; here one of each kind.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use ringfort::{
    model::permission::Role,
    server::vault::jwt::{ACCESS_SECONDS, AUDIENCE},
};
use serde_json::{Value, json};

use crate::{
    kit::{PUBLIC_URL, TestApp, sql},
    link::SESSION,
    token::{
        bearer::{Parts, opens_nothing},
        is_refused, me, program, refresh, start,
    },
};

/// The parts of a token that opens.
async fn good() -> (TestApp, Parts) {
    let (app, business) = start().await;
    let access = program(&app, &business.member(Role::Agent).email).await.access;
    let parts = Parts::of(&app, &access).await;
    assert_eq!(me(&app, &parts.token()).await.status, 200);
    (app, parts)
}

#[tokio::test]
async fn v9_1_1_a_token_counts_only_as_it_was_signed() {
    let (app, good) = good().await;
    let token = good.token();
    let places: Vec<usize> = token.match_indices('.').map(|(place, _)| place).collect();
    let with_another = |place: usize| {
        let letter = if token[place..].starts_with('A') { "B" } else { "A" };
        format!("{}{letter}{}", &token[..place], &token[place + 1..])
    };
    let tokens = vec![
        ("another header", with_another(4)),
        ("other claims", with_another(places[0] + 9)),
        ("another signature", with_another(places[1] + 9)),
        ("a short signature", token[..token.len() - 4].to_owned()),
        ("an empty signature", token[..=places[1]].to_owned()),
        ("no signature", token[..places[1]].to_owned()),
    ];
    opens_nothing(&app, tokens).await;
    assert_eq!(me(&app, &token).await.status, 200);
}

#[tokio::test]
async fn v9_1_2_one_algorithm_counts() {
    let (app, good) = good().await;
    let public = good.key.verifying_key().to_bytes();
    let mut tokens = vec![
        ("our public key as a secret", good.hs256(&public)),
        ("our public key's text as a secret", good.hs256(URL_SAFE_NO_PAD.encode(public).as_bytes())),
        ("no algorithm named", good.without("alg")),
    ];
    for alg in ["none", "None", "HS256", "RS256", "PS256", "ES256", "Ed448"] {
        tokens.push((alg, good.with_header("alg", json!(alg))));
    }
    let mut unsigned = good.clone();
    unsigned.header["alg"] = json!("none");
    tokens.push(("unsigned", format!("{}.", unsigned.message())));
    opens_nothing(&app, tokens).await;
}

#[tokio::test]
async fn v9_1_3_keys_come_from_our_own_store() {
    let (app, good) = good().await;
    let stranger = Parts { key: SigningKey::from_bytes(&[9; 32]), ..good.clone() };
    let x = URL_SAFE_NO_PAD.encode(stranger.key.verifying_key().to_bytes());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x });
    let away = json!("https://evil.example/keys.json");
    opens_nothing(
        &app,
        vec![
            ("another key under our name", stranger.token()),
            ("a key that comes along", stranger.with_header("jwk", jwk)),
            ("a certificate that comes along", stranger.with_header("x5c", json!([x.as_str()]))),
            ("a key's address", stranger.with_header("jku", away.clone())),
            ("a certificate's address", stranger.with_header("x5u", away)),
            ("a path for a name", stranger.with_header("kid", json!("../../../../dev/null"))),
            ("a query for a name", stranger.with_header("kid", json!("' or true; --"))),
        ],
    )
    .await;
}

#[tokio::test]
async fn v9_2_1_a_token_counts_in_its_time_to_the_second() {
    let (app, good) = good().await;
    let now = app.now().as_second();
    opens_nothing(
        &app,
        vec![
            ("over now", good.with_claim("exp", json!(now))),
            ("not good yet", good.with_claim("nbf", json!(now + 1))),
            ("for ever", good.without("exp")),
            ("from ever on", good.without("nbf")),
        ],
    )
    .await;
    app.clock.advance(ACCESS_SECONDS - 1);
    assert_eq!(me(&app, &good.token()).await.status, 200);
    app.clock.advance(1);
    opens_nothing(&app, vec![("its own time is over", good.token())]).await;
    app.clock.advance(-ACCESS_SECONDS - 1);
    opens_nothing(&app, vec![("its time has not come", good.token())]).await;
}

#[tokio::test]
async fn v9_2_2_each_kind_of_token_counts_at_its_own_doors_only() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let program = program(&app, &agent.email).await;
    let good = Parts::of(&app, &program.access).await;
    let session = app.session(agent).await;
    let id = session.split_once('=').expect("a cookie").1.to_owned();
    opens_nothing(
        &app,
        vec![
            ("another type", good.with_header("typ", json!("JWT"))),
            ("an id token's type", good.with_header("typ", json!("id+jwt"))),
            ("no type", good.without("typ")),
            ("a refresh token", program.refresh.clone()),
            ("a session", id.clone()),
        ],
    )
    .await;
    for (what, token) in [("an access token", &program.access), ("a session", &id)] {
        is_refused(&refresh(&app, token).await, "invalid_grant");
        let mailed = app.stranger().with_cookie(Some(format!("__Host-link={token}; __Host-challenge={token}")));
        assert_eq!(mailed.get("/reset").await.status, 404, "{what} as a mailed link");
        assert_eq!(mailed.get("/sign-in/factor").await.header("location"), Some("/sign-in"), "{what} as a challenge");
    }
    for (what, token) in [("an access token", &program.access), ("a refresh token", &program.refresh)] {
        let browser = app.stranger().with_cookie(Some(format!("{SESSION}={token}")));
        assert_eq!(browser.get("/home").await.status, 303, "{what} as a session");
    }
}

#[tokio::test]
async fn v9_2_3_a_token_for_somebody_else_opens_nothing() {
    let (app, good) = good().await;
    opens_nothing(
        &app,
        vec![
            ("another service", good.with_claim("aud", json!("another-api"))),
            ("another service besides", good.with_claim("aud", json!([AUDIENCE, "another-api"]))),
            ("a list of us alone", good.with_claim("aud", json!([AUDIENCE]))),
            ("nobody", good.without("aud")),
            ("an empty name", good.with_claim("aud", json!(""))),
        ],
    )
    .await;
}

#[tokio::test]
async fn v9_2_4_a_token_names_the_one_service_and_installation_that_it_is_for() {
    let (app, good) = good().await;
    assert_eq!((&good.claims["aud"], &good.claims["iss"]), (&json!(AUDIENCE), &json!(PUBLIC_URL)));
    let mut told: Vec<&str> = good.claims.as_object().expect("an object").keys().map(String::as_str).collect();
    told.sort_unstable();
    assert_eq!(told, ["aud", "biz", "exp", "iat", "iss", "jti", "nbf", "sid", "sub"], "no right by itself");
    let elsewhere: Value = json!("https://other.example.com");
    opens_nothing(&app, vec![("the same key at another installation", good.with_claim("iss", elsewhere))]).await;
    assert_eq!(
        sql::count(&app.owner, "select count(*) from lobby.signing_keys").await,
        1,
        "and nothing else is signed"
    );
}
