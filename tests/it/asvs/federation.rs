//! V6.8 and what V7 says of it: signing in with a provider of identities. At length in `oidc.rs`.

use ringfort::{
    model::permission::Role,
    server::{services::identity::Refusal, store::session::IDLE_SECONDS},
};
use serde_json::json;

use super::{add_app, says, waits};
use crate::{
    kit::sql,
    link::{SESSION, location},
    oidc::{SUBJECT, link, over, provider::Word, sign_in, start},
};

#[tokio::test]
async fn v6_8_1_an_identity_from_outside_is_issuer_and_subject_and_no_address() {
    let (app, business, provider) = start().await;
    let owner = business.member(Role::Owner);
    // The address of somebody here, and another subject.
    let say = |subject: &'static str| {
        let email = json!(owner.email);
        move |word: Word| word.claim("sub", json!(subject)).claim("email", email).token()
    };
    over(&sign_in(&app, &provider, say("7")).await, Refusal::Unknown);
    link(&app, &business, &provider, Role::Agent).await;
    over(&sign_in(&app, &provider, say("7")).await, Refusal::Unknown);
    assert_eq!(location(&sign_in(&app, &provider, say(SUBJECT)).await), (303, Some("/calls")));
    let agent = business.member(Role::Agent).user.0;
    let agent = format!("select count(*) from lobby.sessions where user_id = '{agent}' and means = 'google'");
    assert_eq!(sql::count(&app.owner, agent).await, 1, "whose identity it is, whatever its address");
}

#[tokio::test]
async fn v6_8_2_only_what_the_providers_own_key_has_signed_counts() {
    let (app, business, provider) = start().await;
    link(&app, &business, &provider, Role::Agent).await;
    let unsigned = sign_in(&app, &provider, |word| format!("{}.", word.head("alg", json!("none")).content())).await;
    over(&unsigned, Refusal::Failed);
    let cut = sign_in(&app, &provider, |word| {
        let mut token = word.token();
        token.truncate(token.len() - 4);
        token
    });
    over(&cut.await, Refusal::Failed);
    assert_eq!(location(&sign_in(&app, &provider, |word| word.token()).await), (303, Some("/calls")));
}

#[tokio::test]
async fn v6_8_4_a_sign_in_elsewhere_is_one_proof_whatever_it_says_of_itself() {
    let (app, business, provider) = start().await;
    link(&app, &business, &provider, Role::Agent).await;
    add_app(&app, business.member(Role::Agent).user).await;
    waits(&sign_in(&app, &provider, |word| word.token()).await);
    let strong = |word: Word| {
        word.claim("amr", json!(["hwk", "mfa"])).claim("acr", json!("urn:mace:incommon:iap:silver")).token()
    };
    waits(&sign_in(&app, &provider, strong).await);
}

#[test]
fn v7_1_3_lifetimes_across_systems_are_written_down() {
    assert!(says("The provider's session and ours know nothing of each other"));
}

#[tokio::test]
async fn v7_6_1_a_session_ends_here_whatever_the_provider_thinks() {
    let (app, business, provider) = start().await;
    link(&app, &business, &provider, Role::Agent).await;
    let reply = sign_in(&app, &provider, |word| word.claim("exp", json!(4_000_000_000_i64)).token()).await;
    let browser = app.stranger().with_cookie(reply.cookie(SESSION));
    assert_eq!(browser.get("/home").await.status, 200);
    app.clock.advance(IDLE_SECONDS + 1);
    assert_eq!(browser.get("/home").await.status, 303, "its person signs in anew");
}
