//! The keys that sign access tokens (ACC-7): made once, renewed in time, told by half.

use axum::http::Method;
use futures::future::join_all;
use ringfort::{
    model::permission::Role,
    server::{
        services::token::housekeeping,
        vault::jwt::{KEPT_SECONDS, ROTATE_SECONDS},
    },
};
use serde_json::Value;

use super::{Program, ask, me, program, refresh, start};
use crate::kit::{TestApp, sql};

async fn jwks(app: &TestApp) -> Vec<Value> {
    let answer = ask(app, Method::GET, "/api/v1/jwks.json", &[], String::new()).await;
    answer.body["keys"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn acc_7_the_first_key_is_made_once_and_its_private_half_is_never_told() {
    let app = TestApp::start().await;
    let told = join_all((0..8).map(|_| jwks(&app))).await;
    assert!(told.iter().all(|keys| keys == &told[0]), "several keys: {told:?}");
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.signing_keys").await, 1);
    let key = told[0][0].as_object().expect("an object");
    let mut names: Vec<_> = key.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
}

#[tokio::test]
async fn acc_7_keys_are_renewed_and_the_old_one_still_verifies_for_a_day() {
    let (app, business) = start().await;
    let email = &business.member(Role::Agent).email;
    jwks(&app).await;
    app.clock.advance(ROTATE_SECONDS - 1);
    let before = program(&app, email).await;
    housekeeping(&app.app).await.expect("nothing to do");
    assert_eq!(jwks(&app).await.len(), 1);
    app.clock.advance(1);
    housekeeping(&app.app).await.expect("a new key");
    assert_eq!(jwks(&app).await.len(), 2);
    assert_eq!(me(&app, &before.access).await.status, 200, "signed by the old key");
    let after = Program::from(refresh(&app, &before.refresh).await);
    assert_eq!(me(&app, &after.access).await.status, 200, "signed by the new one");
    assert_ne!(before.access.split('.').next(), after.access.split('.').next());
    app.clock.advance(KEPT_SECONDS);
    housekeeping(&app.app).await.expect("forgets the old key");
    assert_eq!(jwks(&app).await.len(), 1);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.signing_keys").await, 1);
}
