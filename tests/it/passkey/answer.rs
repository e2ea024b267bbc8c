//! What answers and what does not: one answer, to this question, in this browser, by this person's key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::join_all;
use ringfort::{
    model::permission::Role,
    server::{http::passkey, services::passkey::SECONDS},
};
use serde_json::json;

use super::{Authenticator, PASSWORD, SIGN_IN, add, admitted, entries, sign_in, start, started};
use crate::{
    factor::mailed,
    kit::{Browser, PUBLIC_URL, Reply, TestApp},
    link::ANOTHER,
};

async fn shown(browser: &Browser, answer: &str) -> Reply {
    browser.clone().json().post(SIGN_IN, &[("credential", answer)]).await
}

#[tokio::test]
async fn acc_3_a_ceremony_is_answered_once() {
    let (app, a) = start().await;
    let (mut key, _) = add(&app.browser(a.member(Role::Agent)).await).await;
    let (options, asked) = started(&app.stranger(), passkey::SIGN_IN).await;
    let answer = key.sign(&options, PUBLIC_URL);
    let at_once = join_all((0..4).map(|_| shown(&asked, &answer))).await;
    assert_eq!(at_once.iter().filter(|reply| admitted(reply)).count(), 1, "of four at once, one");
    assert!(!admitted(&shown(&asked, &answer).await), "the same again");
    // A wrong answer ends it too.
    let (options, asked) = started(&app.stranger(), passkey::SIGN_IN).await;
    assert!(!admitted(&shown(&asked, "{}").await));
    assert!(!admitted(&shown(&asked, &key.sign(&options, PUBLIC_URL)).await));
}

#[tokio::test]
async fn acc_3_a_ceremony_is_over_after_five_minutes() {
    let (app, a) = start().await;
    let (mut key, _) = add(&app.browser(a.member(Role::Agent)).await).await;
    let (options, asked) = started(&app.stranger(), passkey::SIGN_IN).await;
    app.clock.advance(SECONDS - 1);
    assert!(admitted(&shown(&asked, &key.sign(&options, PUBLIC_URL)).await));
    let (options, asked) = started(&app.stranger(), passkey::SIGN_IN).await;
    app.clock.advance(SECONDS);
    assert!(!admitted(&shown(&asked, &key.sign(&options, PUBLIC_URL)).await));
}

#[tokio::test]
async fn acc_3_an_answer_counts_in_the_browser_that_asked_and_for_what_it_asked() {
    let (app, a) = start().await;
    let signed_in = app.browser(a.member(Role::Agent)).await;
    let (mut key, _) = add(&signed_in).await;
    let (options, asked) = started(&app.stranger(), passkey::SIGN_IN).await;
    let (_, other) = started(&app.stranger(), passkey::SIGN_IN).await;
    let answer = key.sign(&options, PUBLIC_URL);
    assert!(!admitted(&shown(&app.stranger(), &answer).await), "a browser that has asked nothing");
    assert!(!admitted(&shown(&other, &answer).await), "a browser that was asked something else");
    assert!(admitted(&shown(&asked, &answer).await));

    // What was asked to show again who one is signs nobody in.
    let (options, asked) = started(&signed_in, passkey::CONFIRM).await;
    let ceremony = asked.cookie.as_deref().and_then(|all| all.rsplit("; ").next()).expect("a ceremony").to_owned();
    let stranger = app.stranger().with_cookie(Some(ceremony));
    let answer = key.sign(&options, PUBLIC_URL);
    assert!(!admitted(&shown(&stranger, &answer).await));
    // And what it was asked for still waits.
    let reply = asked.json().post("/api/confirm/passkey", &[("credential", &answer)]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn acc_3_only_a_verified_person_on_our_own_page_answers_our_own_question() {
    let (app, a) = start().await;
    let (mut key, _) = add(&app.browser(a.member(Role::Agent)).await).await;
    for origin in ["https://evil.example", "http://calls.example.com", "https://calls.example.com:8443", "null"] {
        let (options, asked) = started(&app.stranger(), passkey::SIGN_IN).await;
        assert!(!admitted(&shown(&asked, &key.sign(&options, origin)).await), "{origin}");
    }
    let (mut options, asked) = started(&app.stranger(), passkey::SIGN_IN).await;
    options["challenge"] = json!(URL_SAFE_NO_PAD.encode([7; 32]));
    assert!(!admitted(&shown(&asked, &key.sign(&options, PUBLIC_URL)).await), "another challenge");

    key.verifies = false;
    assert!(!admitted(&sign_in(&app, &mut key).await), "held by somebody, whoever it is");
    key.verifies = true;
    key.is_framed = true;
    assert!(!admitted(&sign_in(&app, &mut key).await), "inside somebody else's page");
    key.is_framed = false;

    // Another key that goes by the same name: the signature is not the one that was registered.
    let (options, asked) = started(&app.stranger(), passkey::SIGN_IN).await;
    let mut forger = Authenticator::new();
    forger.handle.clone_from(&key.handle);
    let answer = forger.sign(&options, PUBLIC_URL).replace(&forger.id_text(), &key.id_text());
    assert!(!admitted(&shown(&asked, &answer).await));
    assert!(admitted(&sign_in(&app, &mut key).await));
}

#[tokio::test]
async fn acc_3_a_counter_that_goes_back_is_refused_written_down_and_told() {
    let (app, a) = start().await;
    let (mut key, _) = add(&app.browser(a.member(Role::Agent)).await).await;
    key.counter = 40;
    assert!(admitted(&sign_in(&app, &mut key).await));
    for copy in [40, 1] {
        key.counter = copy - 1;
        assert!(!admitted(&sign_in(&app, &mut key).await), "after 41, {copy}");
    }
    assert_eq!(entries(&app, "action = 'factor.suspect' and result = 'done'").await, 2);
    assert_eq!(entries(&app, "action = 'session.refused'").await, 2);
    assert!(mailed(&app).await.contains("there may be a copy of it"));
    key.counter = 41;
    assert!(admitted(&sign_in(&app, &mut key).await), "the one that goes on counting is not locked out");
}

/// A browser in which the password was right, and that waits for the second proof.
async fn waiting(app: &TestApp, email: &str) -> Browser {
    let reply = app.stranger().json().post("/api/sign-in", &[("email", email), ("password", PASSWORD)]).await;
    assert!(reply.status == 200 && reply.body.contains("/sign-in/factor"), "{}", reply.body);
    app.stranger().with_cookie(reply.cookie("__Host-challenge"))
}

#[tokio::test]
async fn acc_3_a_passkey_is_the_second_proof_of_its_own_person_alone() {
    let (app, a) = start().await;
    let (owner, agent) = (a.member(Role::Owner), a.member(Role::Agent));
    app.give_password(owner, PASSWORD).await;
    let (mut key, _) = add(&app.browser(owner).await).await;
    let (mut others, _) = add(&app.browser(agent).await).await;
    let browser = waiting(&app, &owner.email).await;
    assert!(browser.get("/sign-in/factor").await.body.contains("Use your passkey"));

    let (options, asked) = started(&browser, passkey::ANSWER).await;
    let allowed = options["allowCredentials"].as_array().expect("a list");
    assert_eq!(allowed.len(), 1);
    assert_eq!(allowed[0]["id"], key.id_text());
    let form = "/api/sign-in/factor/passkey";
    let answer = others.sign(&options, PUBLIC_URL);
    let reply = asked.clone().json().post(form, &[("credential", &answer)]).await;
    assert!(!admitted(&reply), "somebody else's");
    let (options, asked) = started(&browser, passkey::ANSWER).await;
    let answer = key.sign(&options, PUBLIC_URL);
    assert!(admitted(&asked.json().post(form, &[("credential", &answer)]).await));
    assert_eq!(entries(&app, "action = 'session.started' and after ->> 'means' = 'password+passkey'").await, 1);

    // A key that says that it is somebody else's signs nobody in.
    let own = key.handle.clone();
    key.handle.clone_from(&others.handle);
    assert!(!admitted(&sign_in(&app, &mut key).await));
    key.handle = None;
    assert!(!admitted(&sign_in(&app, &mut key).await), "nor one that says nothing");
    key.handle = own;
    assert!(admitted(&sign_in(&app, &mut key).await));
    // Where nobody waits there is no question.
    assert_eq!(app.stranger().json().post(passkey::ANSWER, &[]).await.status, 404);
}

#[tokio::test]
async fn acc_8_who_has_a_passkey_shows_it_or_a_recovery_code_and_no_password_is_enough() {
    let (app, a) = start().await;
    let agent = a.member(Role::Agent);
    app.give_password(agent, PASSWORD).await;
    let browser = app.browser(agent).await;
    let (mut key, codes) = add(&browser).await;
    app.clock.advance(601);
    assert_eq!(browser.get("/account/two-factor").await.status, 303);
    assert!(browser.get("/confirm").await.body.contains("Use your passkey"));
    let json = browser.clone().json();
    assert_eq!(json.post("/api/confirm", &[("password", PASSWORD)]).await.status, 422);
    let (options, asked) = started(&browser, passkey::CONFIRM).await;
    let answer = key.sign(&options, PUBLIC_URL);
    let reply = asked.json().post("/api/confirm/passkey", &[("credential", &answer), ("next", "/calls")]).await;
    assert!(reply.status == 200 && reply.body.contains("\"/calls\""), "{}", reply.body);
    let proved = app.stranger().with_cookie(reply.cookie("__Host-ringfort"));
    assert_eq!(proved.get("/account/two-factor").await.status, 200);
    assert_eq!(entries(&app, "action = 'session.proved' and after ->> 'means' = 'passkey'").await, 1);

    app.clock.advance(601);
    assert_eq!(proved.get("/account/two-factor").await.status, 303);
    let reply = proved.clone().json().post("/api/confirm", &[("code", &codes[0])]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn acc_8_a_password_that_is_changed_proves_nothing_of_who_has_a_passkey() {
    let (app, a) = start().await;
    let change = [("password", PASSWORD), ("new_password", ANOTHER)];
    for (role, has_passkey) in [(Role::Agent, true), (Role::Viewer, false)] {
        let member = a.member(role);
        app.give_password(member, PASSWORD).await;
        let browser = app.browser(member).await;
        if has_passkey {
            add(&browser).await;
        }
        app.clock.advance(601);
        assert_eq!(browser.get("/account/two-factor").await.status, 303);
        let reply = browser.json().post("/api/password/change", &change).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let after = app.stranger().with_cookie(reply.cookie("__Host-ringfort"));
        assert_eq!(after.get("/home").await.status, 200, "the session goes on");
        let status = if has_passkey { 303 } else { 200 };
        assert_eq!(after.get("/account/two-factor").await.status, status, "{}", role.code());
    }
}
