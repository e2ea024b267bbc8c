//! V6: what is written down (6.1), guessing and the ways in (6.3). Passwords (6.2) stand in [`password`], recovery and
//! second factors (6.4 to 6.6) in [`factor`].

mod factor;
mod password;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::http::Method;
use futures::future::join_all;
use ringfort::{
    model::{
        field::Bad,
        lockout::{FAILURES, LINK_AFTER, seconds_locked},
        password::check,
        permission::{Need, Role},
        profile::Profile,
    },
    server::{
        boot::router,
        http::doors::Kind,
        services::{
            limits::{NETWORK_SIGN_INS_PER_MINUTE, SIGN_INS_PER_MINUTE},
            session::REFUSAL,
        },
        store::lobby::password_context_of,
        vault::{
            Secret, VaultError,
            password::{Passwords, Verdict},
        },
    },
};
use serde_json::json;
use tokio::runtime::Builder;

use super::{SEED, add_app, answer, is_in, says, sign_in, signs_in, waiting, waits};
use crate::{
    factor::code,
    kit::{Reply, TestApp, sql},
    link::{self, ANOTHER, PASSWORD, SESSION, asked, is_refused, location, mailed, opened, press, start},
    token,
};

const WRONG: &str = "Nobody has this, 3 times";

#[test]
fn v6_1_1_the_controls_against_guessing_are_written_down_as_they_are() {
    for rule in [
        format!("{FAILURES} failures in a row lock for {} seconds", seconds_locked(FAILURES)),
        format!("up to {} seconds", seconds_locked(i32::MAX)),
        format!("After {LINK_AFTER} in a row"),
        format!("{SIGN_INS_PER_MINUTE} tries a minute and address, {NETWORK_SIGN_INS_PER_MINUTE} a minute and network"),
        format!("sooner than after {} ms", REFUSAL.as_millis()),
    ] {
        assert!(says(&rule), "docs/ASVS.md does not say: {rule}");
    }
}

#[tokio::test]
async fn v6_1_2_the_words_that_no_password_is_made_of_are_written_down() {
    assert!(says("the person's address and names, the names of their businesses, and the product's"));
    let (app, business) = start().await;
    let user = business.member(Role::Agent).user;
    let mut words = password_context_of(app.app.db(), user).await.expect("answers");
    words.sort();
    assert_eq!(words, ["Business a", "The Agent", "agent@a.example"]);
    assert_eq!(check("ringfort, ringfort", &[]), Err(Bad::Guessable));
}

/// Doors at which a session or a token of somebody who was not signed in begins.
const WAYS_IN: [&str; 11] = [
    "/api/oidc/enter",
    "/api/oidc/join/finish",
    "/api/sign-in",
    "/api/sign-in/factor",
    "/api/sign-in/passkey",
    "/api/sign-in/factor/passkey",
    "/api/link/enter",
    "/api/link/code",
    "/api/join",
    "/api/sign-up/finish",
    "/api/v1/token",
];

/// Doors for everybody that take something and let nobody in.
const NO_WAYS_IN: [&str; 13] = [
    "/api/oidc/start",
    "/api/oidc/join",
    "/api/sign-in/factor/mail",
    "/api/sign-in/factor/text",
    "/api/sign-in/passkey/start",
    "/api/sign-in/factor/passkey/start",
    "/api/link/ask",
    "/api/password/forgot",
    "/api/password/reset",
    "/api/sign-up",
    "/api/theme",
    "/api/v1/token/revoke",
    "/csp",
];

#[test]
fn v6_1_3_every_way_in_is_written_down_and_there_is_no_other() {
    let doors = router::doors().1.into_iter().filter(|door| door.need == Need::Public && door.kind != Kind::Webhook);
    let mut found: Vec<_> = doors.filter(|door| door.method != Method::GET).map(|door| door.path).collect();
    let mut known = [&WAYS_IN[..], &NO_WAYS_IN[..]].concat();
    found.sort_unstable();
    known.sort_unstable();
    assert_eq!(found, known, "say in docs/ASVS.md whether it is a way in, and how strong");
    for way in WAYS_IN {
        assert!(says(&format!("`{way}`")), "docs/ASVS.md does not name {way}");
    }
}

#[tokio::test]
async fn v6_3_1_five_wrong_passwords_lock_and_the_right_one_reads_like_a_wrong_one() {
    let (app, business) = start().await;
    let email = &business.member(Role::Owner).email;
    let browser = app.stranger().json();
    let wrong = join_all((0..FAILURES).map(|_| sign_in(&browser, email, WRONG))).await;
    let right = sign_in(&browser, email, PASSWORD).await;
    assert_eq!(right.status, 422, "{}", right.body);
    assert!(wrong.iter().all(|reply| (reply.status, &reply.body) == (right.status, &right.body)));
    app.clock.advance(seconds_locked(FAILURES));
    assert!(signs_in(&app, email, PASSWORD).await);
}

#[tokio::test]
async fn v6_3_1_of_a_thousand_sign_ins_at_once_few_are_tried_and_all_are_answered() {
    let (app, business) = start().await;
    let known = business.member(Role::Owner).email.as_str();
    let browser = app.stranger().json();
    let email = |n: usize| if n.is_multiple_of(2) { known } else { "nobody@a.example" };
    let answers = join_all((0..1_000).map(|n| sign_in(&browser, email(n), WRONG))).await;
    assert!(answers.iter().all(|reply| matches!(reply.status, 422 | 429)));
    let turned_away = |reply: &&Reply| reply.status == 429 && reply.header("retry-after").is_some();
    let tried = answers.len() - answers.iter().filter(turned_away).count();
    // Some tries come back while the others are answered.
    let most = 2 * usize::try_from(SIGN_INS_PER_MINUTE).expect("a small number");
    assert!((1..=most).contains(&tried), "{tried} passwords were tried");
}

/// As from a thousand addresses, none of which is at its limit: the vault's own bound. That as many run at once as there
/// are slots, and no more, stands beside the vault.
#[test]
fn v6_3_1_a_thousand_passwords_at_once_are_hashed_by_a_few_threads() {
    const SLOTS: usize = 2;
    let threads = Arc::new(AtomicUsize::new(0));
    let counted = threads.clone();
    let started = move || {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    // Without the bound 32 threads would hash. A thread that has just finished is not always found idle by the next.
    let runtime = Builder::new_current_thread().enable_time().max_blocking_threads(32).on_thread_start(started).build();
    let passwords = Passwords::new(SLOTS).expect("hashes");
    let try_one = |_| passwords.verify(Secret::new(WRONG.to_owned()), None);
    let answers = runtime.expect("a runtime").block_on(join_all((0..1_000).map(try_one)));
    assert!(answers.iter().any(|answer| matches!(answer, Ok(Verdict::Wrong))));
    let told = |answer: &Result<Verdict, VaultError>| matches!(answer, Ok(Verdict::Wrong) | Err(VaultError::Busy));
    assert!(answers.iter().all(told), "whoever waits too long is told so");
    let threads = threads.load(Ordering::Relaxed);
    assert!(threads <= 4 * SLOTS, "{threads} threads hashed");
}

#[tokio::test]
async fn v6_3_2_a_new_installation_has_no_account() {
    let app = TestApp::start().await;
    for table in ["lobby.users", "lobby.sessions", "lobby.token_families", "businesses", "members", "invitations"] {
        assert_eq!(sql::count(&app.owner, format!("select count(*) from {table}")).await, 0, "{table}");
    }
}

#[tokio::test]
async fn v6_3_3_where_a_second_factor_is_required_a_password_alone_opens_nothing() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    let rule = format!(
        "insert into factor_rules (business_id, role, required_from, grace_days, changed_at)
         values ('{0}', 'owner', '{1}', 0, '{1}')",
        business.id.0,
        app.now().0
    );
    sql::run(&app.owner, rule).await;
    let session = sign_in(&app.stranger(), &owner.email, PASSWORD).await.cookie(SESSION);
    let browser = app.stranger().with_cookie(session);
    for page in ["/home", "/team", "/account/password", "/account/sessions"] {
        assert_eq!(location(&browser.get(page).await), (303, Some("/account/two-factor")), "{page}");
    }
    assert_eq!(browser.json().post("/api/settings/save", &[]).await.status, 403);
    add_app(&app, owner.user).await;
    let browser = waiting(&app, &owner.email).await;
    let reply = answer(&browser, &code(SEED, app.now())).await;
    assert!(is_in(&app.stranger().with_cookie(reply.cookie(SESSION))).await);
}

#[tokio::test]
async fn v6_3_4_no_way_in_goes_round_the_second_factor() {
    let (app, business) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let (owner, email) = (business.member(Role::Owner), business.member(Role::Owner).email.as_str());
    add_app(&app, owner.user).await;
    waits(&sign_in(&app.stranger(), email, PASSWORD).await);

    let (asker, link) = asked(&app, email).await;
    waits(&press(&opened(&asker, &link).await).await);
    let (asker, link) = asked(&app, email).await;
    let elsewhere = opened(&app.stranger(), &link).await;
    press(&elsewhere).await;
    let shown = link::code(&elsewhere).await;
    waits(&asker.post("/api/link/code", &[("code", &shown)]).await);

    let body = json!({ "grant_type": "password", "email": email, "password": PASSWORD, "device": "A phone" });
    token::is_refused(&token::post(&app, "/api/v1/token", &body).await, "invalid_grant");

    let boss = app.browser(b.member(Role::Owner)).await;
    boss.post("/api/team/invite", &[("email", email), ("role", "agent")]).await;
    let invited = opened(&app.stranger(), &mailed(&app, email, "join").await).await;
    waits(&invited.post("/api/join", &[("name", "Ada Lovelace"), ("password", PASSWORD)]).await);

    app.stranger().post("/api/password/forgot", &[("email", email)]).await;
    let reset = opened(&app.stranger(), &mailed(&app, email, "reset").await).await;
    let reply = reset.post("/api/password/reset", &[("password", ANOTHER)]).await;
    assert_eq!(location(&reply), (303, Some("/sign-in")), "{}", reply.body);
    is_refused(&reply);
    for table in ["lobby.sessions", "lobby.token_families"] {
        let of_owner = format!("select count(*) from {table} where user_id = '{}'", owner.user.0);
        assert_eq!(sql::count(&app.owner, of_owner).await, 0, "{table}");
    }
}
