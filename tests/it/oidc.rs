//! Signing in with a provider of identities (ACC-6): issuer and subject, one browser, one use, and nothing by address.
//! The provider is a stand-in over a socket ([`provider`]).

pub mod provider;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit, Mac};
use provider::{Provider, SECRET, Sent, Word};
use ringfort::{
    model::{permission::Role, profile::Profile},
    server::services::identity::Refusal,
};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    kit::{Browser, Business, Reply, TestApp, sql},
    link::{SESSION, entries, is_refused, location, mailed, mails, opened},
};

const RETURN: &str = "/sign-in/oidc";
pub const SUBJECT: &str = "10769150350006150715113082367";

pub async fn start() -> (TestApp, Business, Provider) {
    let provider = Provider::start().await;
    let app = TestApp::start_with_oidc(provider.address.clone(), provider.settings()).await;
    let business = app.business("a", Profile::FieldService).await;
    (app, business, provider)
}

/// The same browser with more cookies.
fn with(browser: &Browser, cookies: impl IntoIterator<Item = Option<String>>) -> Browser {
    let all: Vec<String> = browser.cookie.iter().cloned().chain(cookies.into_iter().flatten()).collect();
    browser.clone().with_cookie(Some(all.join("; ")))
}

/// Goes to the provider by a button.
pub async fn go(browser: &Browser, provider: &Provider, door: &str) -> (Browser, Sent) {
    let reply = browser.post(door, &[("next", "/calls")]).await;
    let to = reply.header("location").unwrap_or_default();
    assert_eq!(reply.status, 303, "{}", reply.body);
    (with(browser, [reply.cookie("__Host-oidc")]), provider.receive(to))
}

/// Comes back from there; where that leads.
async fn come(browser: &Browser, sent: &Sent) -> Browser {
    let reply = browser.get(&Provider::back(&sent.state)).await;
    assert_eq!(location(&reply), (303, Some(RETURN)), "{}", reply.body);
    is_refused(&reply);
    with(browser, [reply.cookie("__Host-oidc-code")])
}

/// There and back, with a word about somebody; the browser stands before the last button.
pub async fn back(
    app: &TestApp,
    browser: &Browser,
    provider: &Provider,
    door: &str,
    say: impl FnOnce(Word) -> String,
) -> Browser {
    let (browser, sent) = go(browser, provider, door).await;
    provider.will_say(say(provider.word(&sent, SUBJECT, app.now().as_second())));
    come(&browser, &sent).await
}

pub async fn enter(browser: &Browser) -> Reply {
    browser.post("/api/oidc/enter", &[]).await
}

/// Signs in, from a browser that knows nothing, with what the provider says.
pub async fn sign_in(app: &TestApp, provider: &Provider, say: impl FnOnce(Word) -> String) -> Reply {
    enter(&back(app, &app.stranger(), provider, "/api/oidc/start", say).await).await
}

/// Links somebody with the subject, by the real doors.
pub async fn link(app: &TestApp, business: &Business, provider: &Provider, role: Role) -> Browser {
    let browser = app.browser(business.member(role)).await;
    let returned = back(app, &browser, provider, "/api/oidc/link", |word| word.token()).await;
    let reply = returned.post("/api/oidc/link/finish", &[]).await;
    assert_eq!(location(&reply), (303, Some("/account/linked")), "{}", reply.body);
    browser
}

pub fn over(reply: &Reply, why: Refusal) {
    assert_eq!(location(reply), (303, Some(why.path().as_str())), "{}", reply.body);
    is_refused(reply);
}

#[tokio::test]
async fn acc_6_a_linked_identity_signs_in_by_a_press_once_in_the_browser_that_went() {
    let (app, business, provider) = start().await;
    let owner = business.member(Role::Owner);
    link(&app, &business, &provider, Role::Owner).await;
    let (asker, sent) = go(&app.stranger(), &provider, "/api/oidc/start").await;
    let stored = sql::text(&app.owner, "select r::text from lobby.oidc_requests r").await;
    assert!(!stored.contains(&sent.state), "the state itself is stored");
    provider.will_say(provider.word(&sent, SUBJECT, app.now().as_second()).token());

    // Another browser has nothing of it, with the state and without.
    let stranger = app.stranger();
    over(&stranger.get(&Provider::back(&sent.state)).await, Refusal::Late);
    let (other, _) = go(&stranger, &provider, "/api/oidc/start").await;
    over(&other.get(&Provider::back(&sent.state)).await, Refusal::Late);
    over(&asker.get(&Provider::back("tampered")).await, Refusal::Late);

    let (asker, sent) = go(&stranger, &provider, "/api/oidc/start").await;
    provider.will_say(provider.word(&sent, SUBJECT, app.now().as_second()).token());
    let browser = come(&asker, &sent).await;
    let page = browser.get(RETURN).await;
    assert!(page.status == 200 && page.body.contains("/api/oidc/enter"), "{}", page.body);
    let reply = enter(&browser).await;
    assert_eq!(location(&reply), (303, Some("/calls")), "{}", reply.body);
    let session = reply.cookie(SESSION).expect("a session");
    assert_eq!(with(&app.stranger(), [Some(session)]).get("/home").await.status, 200);
    over(&enter(&browser).await, Refusal::Late);
    over(&browser.get(&Provider::back(&sent.state)).await, Refusal::Late);
    let means = format!("select count(*) from lobby.sessions where means = 'google' and user_id = '{}'", owner.user.0);
    assert_eq!(sql::count(&app.owner, means).await, 1);
}

/// Says that somebody's word was refused, and nobody was let in.
async fn is_worth_nothing(app: &TestApp, provider: &Provider, name: &str, say: impl FnOnce(Word) -> String) {
    let reply = sign_in(app, provider, say).await;
    assert_eq!(location(&reply), (303, Some(Refusal::Failed.path().as_str())), "{name}: {}", reply.body);
    is_refused(&reply);
}

#[tokio::test]
async fn acc_6_a_word_that_the_providers_key_has_not_signed_signs_nobody_in() {
    let (app, business, provider) = start().await;
    link(&app, &business, &provider, Role::Owner).await;
    let unsigned = |word: Word| format!("{}.", word.head("alg", json!("none")).content());
    is_worth_nothing(&app, &provider, "no signature", unsigned).await;
    let by_secret = |word: Word| {
        let word = word.head("alg", json!("HS256"));
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length will do");
        mac.update(word.content().as_bytes());
        format!("{}.{}", word.content(), URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    };
    is_worth_nothing(&app, &provider, "the shared secret", by_secret).await;
    let by_stranger = |word: Word| Word { key: SigningKey::from_bytes(&[9; 32]), ..word }.token();
    is_worth_nothing(&app, &provider, "another key", by_stranger).await;
    is_worth_nothing(&app, &provider, "no token", |_| String::new()).await;
    assert_eq!(entries(&app, "session.started", "done").await, 0);
    let good = sign_in(&app, &provider, |word| word.token()).await;
    assert_eq!(location(&good), (303, Some("/calls")), "{}", good.body);
}

#[tokio::test]
async fn acc_6_a_word_for_somebody_or_something_else_signs_nobody_in() {
    let (app, business, provider) = start().await;
    link(&app, &business, &provider, Role::Owner).await;
    let (issuer, now) = (provider.settings().issuer, app.now().as_second());
    let claims: [(&str, &str, Value); 11] = [
        ("another nonce", "nonce", json!("theirs")),
        ("no nonce", "nonce", Value::Null),
        ("another audience", "aud", json!("another")),
        ("one audience more", "aud", json!(["ringfort", "another"])),
        ("another party", "azp", json!("another")),
        ("another issuer", "iss", json!("https://accounts.google.com")),
        ("the issuer with a slash", "iss", json!(format!("{issuer}/"))),
        ("over", "exp", json!(now)),
        ("over long ago", "exp", json!(now - 86_400)),
        ("no subject", "sub", json!("")),
        ("a subject without an end", "sub", json!("1".repeat(256))),
    ];
    for (name, claim, value) in claims {
        is_worth_nothing(&app, &provider, name, |word| word.claim(claim, value).token()).await;
    }
    assert_eq!(entries(&app, "session.started", "done").await, 0);
}

#[tokio::test]
async fn acc_6_addresses_and_keys_are_asked_for_seldom_and_a_new_key_is_learned() {
    let (app, business, provider) = start().await;
    link(&app, &business, &provider, Role::Owner).await;
    sign_in(&app, &provider, |word| word.token()).await;
    assert_eq!(provider.asked("/keys"), 1);
    provider.change_key();
    let reply = sign_in(&app, &provider, |word| word.token()).await;
    assert_eq!(location(&reply), (303, Some("/calls")), "{}", reply.body);
    assert_eq!(provider.asked("/keys"), 2);
    app.clock.advance(3601);
    sign_in(&app, &provider, |word| word.token()).await;
    assert_eq!(provider.asked("/keys"), 3);
}

#[tokio::test]
async fn acc_6_a_provider_that_is_away_or_calls_itself_otherwise_is_not_asked_who_somebody_is() {
    let (app, _, provider) = start().await;
    provider.rename(&format!("{}/", provider.settings().issuer));
    let reply = app.stranger().post("/api/oidc/start", &[]).await;
    over(&reply, Refusal::Unreachable);
    provider.go_away();
    over(&app.stranger().post("/api/oidc/start", &[]).await, Refusal::Unreachable);
    let page = app.stranger().get(&Refusal::Unreachable.path()).await;
    assert!(page.status == 200 && page.body.contains("Google does not answer"), "{}", page.body);
}

#[tokio::test]
async fn acc_6_an_unknown_identity_reads_the_same_whosever_address_it_has() {
    let (app, business, provider) = start().await;
    let mut seen = Vec::new();
    for email in [business.member(Role::Owner).email.as_str(), "nobody@b.example"] {
        let reply = sign_in(&app, &provider, |word| word.claim("email", json!(email)).token()).await;
        over(&reply, Refusal::Unknown);
        let mut names: Vec<_> = reply.headers.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        seen.push((names, reply.body));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.identities").await, 0, "an address links nothing");
}

#[tokio::test]
async fn acc_6_the_way_back_is_good_for_ten_minutes_and_no_means_no() {
    let (app, _, provider) = start().await;
    let (browser, sent) = go(&app.stranger(), &provider, "/api/oidc/start").await;
    let no = format!("/sign-in/oidc/callback?error=access_denied&state={}", sent.state);
    over(&browser.get(&no).await, Refusal::Denied);
    let broken = format!("/sign-in/oidc/callback?error=server_error&error_description=x&state={}", sent.state);
    over(&browser.get(&broken).await, Refusal::Failed);
    let mixed = format!("{}&iss=https%3A%2F%2Fevil.example", Provider::back(&sent.state));
    over(&browser.get(&mixed).await, Refusal::Failed);
    let returned = come(&browser, &sent).await;
    app.clock.advance(601);
    over(&browser.get(&Provider::back(&sent.state)).await, Refusal::Late);
    over(&enter(&returned).await, Refusal::Late);
    assert_eq!(app.stranger().get("/sign-in/oidc/over?why=%3Cb%3E").await.status, 400);
}

#[tokio::test]
async fn acc_6_linking_needs_a_proof_of_both_and_is_told_everywhere() {
    let (app, business, provider) = start().await;
    let (owner, agent) = (business.member(Role::Owner), business.member(Role::Agent));
    let elsewhere = app.browser(owner).await;
    let browser = link(&app, &business, &provider, Role::Owner).await;
    assert_eq!(browser.get("/home").await.status, 200);
    assert_eq!(elsewhere.get("/home").await.status, 303, "the other session has ended");
    let ended = "select count(*) from lobby.past_sessions where cause = 'identity'";
    assert_eq!(sql::count(&app.owner, ended).await, 1);
    assert_eq!(entries(&app, "identity.linked", "done").await, 1);
    let told = mails(&app, &owner.email).await;
    assert!(told.iter().any(|mail| mail.contains("A Google account was linked")), "{told:?}");
    let log = sql::text(&app.owner, "select string_agg(a::text, ' ') from audit_entries a").await;
    assert!(!log.contains(SUBJECT) && !log.contains(&owner.email), "who one is there stands in no log");

    // Nobody else gets it, and what one person has begun no other finishes.
    let theirs = app.browser(agent).await;
    let returned = back(&app, &theirs, &provider, "/api/oidc/link", |word| word.token()).await;
    over(&returned.post("/api/oidc/link/finish", &[]).await, Refusal::Taken);
    let returned = back(&app, &theirs, &provider, "/api/oidc/link", |w| w.claim("sub", json!("7")).token()).await;
    let cookies = returned.cookie.clone().unwrap_or_default();
    let swapped = cookies.replace(theirs.cookie.as_deref().unwrap_or_default(), &app.session(owner).await);
    over(&app.stranger().with_cookie(Some(swapped)).post("/api/oidc/link/finish", &[]).await, Refusal::Late);
    // What was begun to link signs nobody in, and is not used up by that.
    let returned = back(&app, &theirs, &provider, "/api/oidc/link", |w| w.claim("sub", json!("7")).token()).await;
    over(&enter(&returned).await, Refusal::Late);
    app.clock.advance(ringfort::server::caller::FRESH_SECONDS + 1);
    let asked = theirs.post("/api/oidc/link", &[]).await;
    assert!(asked.header("location").is_some_and(|to| to.starts_with("/confirm")), "{:?}", asked.header("location"));
}

#[tokio::test]
async fn acc_6_an_unlinked_identity_opens_nothing() {
    let (app, business, provider) = start().await;
    let browser = link(&app, &business, &provider, Role::Owner).await;
    assert!(browser.get("/account/linked").await.body.contains("/api/oidc/unlink"));
    let reply = browser.post("/api/oidc/unlink", &[]).await;
    assert_eq!(location(&reply), (303, Some("/account/linked")), "{}", reply.body);
    assert_eq!(entries(&app, "identity.unlinked", "done").await, 1);
    over(&sign_in(&app, &provider, |word| word.token()).await, Refusal::Unknown);
    assert_eq!(browser.post("/api/oidc/unlink", &[]).await.cookie(SESSION), None);
    assert_eq!(entries(&app, "identity.unlinked", "refused").await, 1);
}

/// Somebody who was invited, before the page of their invitation.
pub async fn invited(app: &TestApp, business: &Business, email: &str) -> Browser {
    let boss = app.browser(business.member(Role::Owner)).await;
    boss.post("/api/team/invite", &[("email", email), ("role", "agent")]).await;
    opened(&app.stranger(), &mailed(app, email, "join").await).await
}

#[tokio::test]
async fn acc_6_an_invitation_is_joined_with_the_invited_address_alone() {
    let (app, business, provider) = start().await;
    let browser = invited(&app, &business, "ada@a.example").await;
    assert!(browser.get("/join").await.body.contains("/api/oidc/join"));
    let words: [(&str, Value, Refusal); 4] = [
        ("email", json!("eve@a.example"), Refusal::Address),
        ("email_verified", json!(false), Refusal::Unchecked),
        ("email_verified", Value::Null, Refusal::Unchecked),
        ("email", Value::Null, Refusal::Unchecked),
    ];
    for (claim, value, why) in words {
        let returned = back(&app, &browser, &provider, "/api/oidc/join", |w| w.claim(claim, value).token()).await;
        let reply = returned.post("/api/oidc/join/finish", &[("name", "Ada Lovelace")]).await;
        over(&reply, why);
        assert_eq!(browser.get("/join").await.status, 200, "the invitation is still good");
    }
    let say = |word: Word| word.claim("email", json!("Ada@A.example")).token();
    let returned = back(&app, &browser, &provider, "/api/oidc/join", say).await;
    assert_eq!(returned.post("/api/oidc/join/finish", &[("name", " ")]).await.cookie(SESSION), None);
    let reply = returned.post("/api/oidc/join/finish", &[("name", "Ada Lovelace")]).await;
    assert_eq!(location(&reply), (303, Some("/home")), "{}", reply.body);
    assert!(reply.cookie(SESSION).is_some());
    assert_eq!(browser.get("/join").await.status, 404, "it is used up");
    assert_eq!(entries(&app, "member.joined", "done").await, 1);
    let again = sign_in(&app, &provider, |word| word.token()).await;
    assert_eq!(location(&again), (303, Some("/calls")), "{}", again.body);
    for password in ["", "google", SUBJECT] {
        let fields = [("email", "ada@a.example"), ("password", password)];
        is_refused(&app.stranger().post("/api/sign-in", &fields).await);
    }
}

#[tokio::test]
async fn acc_6_who_has_an_account_joins_with_a_proof_of_that_one() {
    let (app, business, provider) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let browser = invited(&app, &business, &b.member(Role::Owner).email).await;
    assert!(!browser.get("/join").await.body.contains("/api/oidc/join"));
    over(&browser.post("/api/oidc/join", &[]).await, Refusal::Account);
    // An identity that is somebody's already makes no second account.
    link(&app, &b, &provider, Role::Viewer).await;
    let browser = invited(&app, &business, "ada@a.example").await;
    let returned = back(&app, &browser, &provider, "/api/oidc/join", |word| word.token()).await;
    over(&returned.post("/api/oidc/join/finish", &[("name", "Ada")]).await, Refusal::Taken);
    assert_eq!(browser.get("/join").await.status, 200);
}

#[tokio::test]
async fn acc_6_the_content_policy_lets_forms_lead_to_the_provider_and_nowhere_else() {
    let (app, _, provider) = start().await;
    let page = app.stranger().get("/sign-in?next=/calls").await;
    assert!(page.body.contains("Sign in with Google"), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains(&format!("form-action 'self' {};", provider.settings().issuer)), "{policy}");
    let without = TestApp::start().await;
    assert!(!without.stranger().get("/sign-in").await.body.contains("/api/oidc/start"));
    for path in ["/sign-in/oidc", "/sign-in/oidc/callback", "/sign-in/oidc/over?why=late"] {
        assert_eq!(without.stranger().get(path).await.status, 404, "{path}");
    }
}
