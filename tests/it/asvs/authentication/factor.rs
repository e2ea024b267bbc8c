//! V6.4 to V6.6: first secrets and recovery, second factors, codes that are sent.

use std::collections::HashSet;

use axum::http::Method;
use futures::future::join_all;
use ringfort::{
    model::{
        factor::CROCKFORD,
        id::UserId,
        permission::{Need, Role},
        personal::Email,
        profile::Profile,
    },
    server::{
        boot::router,
        kit::{
            At, Entropy,
            entropy::{SystemEntropy, Token},
        },
        services::factor::{check_code, check_email_code, send_email_code},
        store::lobby::factors_of,
        vault::{Secret, codes, totp::Seed},
    },
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    asvs::{SEED, add_app, answer, sign_in, signs_in, waiting, waits},
    factor::{code, fresh, mailed as newest_mail, revealed},
    kit::{Browser, Reply, TestApp, sql},
    link::{self, ANOTHER, PASSWORD, SESSION, asked, is_refused, location, mailed, opened, press, start},
};

/// From now on codes may be mailed to somebody.
async fn add_mail(app: &TestApp, user: UserId) {
    let statement = format!("insert into lobby.email_factors (user_id, added_at) values ('{}', now())", user.0);
    sql::run(&app.owner, statement).await;
}

/// A recovery code that is good, and its hash in the database.
async fn add_recovery(app: &TestApp, user: UserId) -> Secret {
    let drawn = codes::draw_recovery(app.app.entropy()).swap_remove(0);
    sqlx::query("insert into lobby.recovery_codes (user_id, code_hash, drawn_at) values ($1, $2, $3)")
        .bind(user)
        .bind(codes::recovery_hash(drawn.expose()))
        .bind(app.now())
        .execute(&app.owner)
        .await
        .expect("a recovery code");
    drawn
}

/// The digits in the newest mail.
async fn digits(app: &TestApp) -> String {
    let mail = newest_mail(app).await;
    let is_code = |line: &&str| line.len() == 8 && line.bytes().all(|b| b.is_ascii_digit());
    mail.lines().find(is_code).unwrap_or_else(|| panic!("no code: {mail}")).to_owned()
}

fn is_let_in(reply: &Reply) -> bool {
    reply.cookie(SESSION).is_some()
}

#[tokio::test]
async fn v6_4_1_an_invitation_is_random_short_lived_used_once_and_no_password() {
    let (app, business) = start().await;
    let invite = async |email: &str| {
        let owner = app.browser(business.member(Role::Owner)).await;
        owner.post("/api/team/invite", &[("email", email), ("role", "agent")]).await;
        mailed(&app, email, "join").await
    };
    let join =
        async |browser: &Browser| browser.post("/api/join", &[("name", "Somebody New"), ("password", PASSWORD)]).await;
    let late = invite("late@a.example").await;
    app.clock.advance(7 * 24 * 3600);
    let late = opened(&app.stranger(), &late).await;
    assert_eq!(late.get("/join").await.status, 404, "a week is over");
    is_refused(&join(&late).await);

    let link = invite("new@a.example").await;
    let token = link.strip_prefix("/open/join/").expect("a link").to_owned();
    assert_eq!(token.len(), 43, "256 bits");
    let browser = opened(&app.stranger(), &link).await;
    assert!(is_let_in(&join(&browser).await));
    is_refused(&join(&browser).await);
    assert!(signs_in(&app, "new@a.example", PASSWORD).await);
    assert!(!signs_in(&app, "new@a.example", &token).await);
}

#[tokio::test]
async fn v6_4_2_no_hints_and_no_questions_are_kept() {
    let app = TestApp::start().await;
    let found = sql::texts(
        &app.owner,
        "select table_name || '.' || column_name from information_schema.columns
         where table_schema in ('public', 'lobby') and column_name ~ '(^|_)(hint|question|answer|maiden)(_|$)'
             and (table_name, column_name) <> ('board_settings', 'answer_seconds')",
    )
    .await;
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn v6_4_3_a_new_password_by_mail_leaves_the_second_factor_where_it_is() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    add_app(&app, owner.user).await;
    app.stranger().post("/api/password/forgot", &[("email", &owner.email)]).await;
    let browser = opened(&app.stranger(), &mailed(&app, &owner.email, "reset").await).await;
    let reply = browser.post("/api/password/reset", &[("password", ANOTHER)]).await;
    assert_eq!(location(&reply), (303, Some("/sign-in")), "{}", reply.body);
    is_refused(&reply);
    waits(&sign_in(&app.stranger(), &owner.email, ANOTHER).await);
}

#[tokio::test]
async fn v6_4_4_a_lost_factor_is_made_good_by_a_recovery_code_or_by_who_manages_the_team() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    app.give_password(agent, PASSWORD).await;
    add_app(&app, agent.user).await;
    let recovery = add_recovery(&app, agent.user).await;
    // What those above them may do about their sign-in.
    let boss = app.browser(business.member(Role::Owner)).await.json();
    for path in ["/api/team/unlock", "/api/device/end-member"] {
        assert_eq!(boss.post(path, &[("id", &agent.id.to_string())]).await.status, 200, "{path}");
    }
    assert!(factors_of(app.app.db(), agent.user).await.expect("answers").totp);
    // Doors for one's own factors touch nobody else's, and each of these asks again who one is.
    let doors = router::doors().1.into_iter().filter(|door| door.path.contains("two-factor"));
    let doors: Vec<_> = doors.filter(|door| door.method == Method::POST).collect();
    assert!(doors.len() >= 6);
    assert!(doors.iter().all(|door| door.need == Need::SignedIn && door.asks_again));
    let browser = waiting(&app, &agent.email).await;
    is_refused(&answer(&browser, &code(SEED, app.now().plus(3600))).await);
    assert!(is_let_in(&answer(&browser, recovery.expose()).await));

    // But one, by which a factor can only be taken away, and which asks who is there before it.
    let reset = [("id", agent.id.to_string()), ("reset", "reset".to_owned())];
    let reset = reset.each_ref().map(|(name, value)| (*name, value.as_str()));
    app.clock.advance(601);
    assert_eq!(boss.post("/api/team/reset-factors", &reset).await.status, 403, "a proof that is too old");
    assert!(factors_of(app.app.db(), agent.user).await.expect("answers").totp);
    let boss = app.browser(business.member(Role::Owner)).await.json();
    assert_eq!(boss.post("/api/team/reset-factors", &reset).await.status, 200);
    assert!(!factors_of(app.app.db(), agent.user).await.expect("answers").any());
}

#[tokio::test]
async fn v6_5_1_a_code_that_has_let_somebody_in_lets_nobody_else_in() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    add_app(&app, owner.user).await;
    let (one, two) = (waiting(&app, &owner.email).await, waiting(&app, &owner.email).await);
    let used = code(SEED, app.now());
    assert!(is_let_in(&answer(&one, &used).await));
    is_refused(&answer(&two, &used).await);
    // Nor does it count again when the clock is set back, nor one from before it.
    app.clock.advance(-60);
    is_refused(&answer(&two, &used).await);
    is_refused(&answer(&two, &code(SEED, app.now())).await);
    app.clock.advance(90);
    let recovery = add_recovery(&app, owner.user).await;
    for (what, code) in [("the app's", code(SEED, app.now())), ("recovery", recovery.expose().to_owned())] {
        let mut waiting_ones = Vec::new();
        for _ in 0..4 {
            waiting_ones.push(waiting(&app, &owner.email).await);
        }
        let at_once = join_all(waiting_ones.iter().map(|browser| answer(browser, &code))).await;
        assert_eq!(at_once.iter().filter(|reply| is_let_in(reply)).count(), 1, "{what}: of four at once, one");
    }
}

#[tokio::test]
async fn v6_5_2_recovery_codes_have_more_than_112_bits_and_only_hashes_are_kept() {
    let (app, business) = start().await;
    let browser = fresh(&app, &business, Role::Agent).await;
    let reply = browser.post("/api/two-factor/email/on", &[]).await;
    let shown = revealed(&browser, &reply).await;
    let mut hashes = Vec::new();
    for code in &shown {
        let plain = code.replace('-', "");
        assert!(plain.bytes().all(|b| CROCKFORD.contains(&b)) && plain.len() * 5 > 112, "{code}");
        hashes.push(hex::encode(Sha256::digest(plain.as_bytes())));
    }
    hashes.sort();
    let kept = sql::texts(&app.owner, "select encode(code_hash, 'hex') from lobby.recovery_codes order by 1").await;
    assert_eq!(kept, hashes);
}

/// A source of randomness that has none.
struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

#[test]
fn v6_5_3_codes_and_seeds_come_from_the_operating_systems_generator_and_nothing_else() {
    // Without randomness nothing is left: there is no other source.
    assert!(codes::draw_recovery(&Zeros).iter().all(|code| code.expose() == "0".repeat(24)));
    assert_eq!(codes::draw_email(&Zeros).expose(), "00000000");
    assert_eq!(Seed::draw(&Zeros).expose(), [0_u8; 20]);
    assert_eq!(Token::draw(&Zeros).reveal(), "A".repeat(43));
    let drawn: HashSet<String> = (0..1_000).map(|_| Token::draw(&SystemEntropy).reveal().to_owned()).collect();
    assert_eq!(drawn.len(), 1_000);
    // And the compiler holds everybody to it.
    let rules = include_str!("../../../../clippy.toml");
    for forbidden in ["getrandom::fill", "rand::rng", "rand::random", "uuid::Uuid::new_v4"] {
        assert!(rules.contains(&format!("path = \"{forbidden}\"")), "{forbidden}");
    }
}

#[tokio::test]
async fn v6_5_4_every_code_that_is_sent_or_shown_has_twenty_bits_and_more() {
    let (app, business) = start().await;
    let (_, link) = asked(&app, &business.member(Role::Owner).email).await;
    let elsewhere = opened(&app.stranger(), &link).await;
    press(&elsewhere).await;
    let shown = link::code(&elsewhere).await.replace('-', "");
    let mail = codes::draw_email(&SystemEntropy);
    let recovery = codes::draw_recovery(&SystemEntropy);
    assert!(mail.expose().bytes().all(|b| b.is_ascii_digit()));
    for (what, letters, code) in
        [("mailed", 10_u128, mail.expose()), ("link", 32, shown.as_str()), ("recovery", 32, recovery[0].expose())]
    {
        let count = u32::try_from(code.len()).expect("a few letters");
        assert!(letters.pow(count) >= 1 << 20, "{what}: {code}");
    }
}

#[tokio::test]
async fn v6_5_5_mailed_codes_live_ten_minutes_and_the_apps_codes_two_steps() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let email: Email = agent.email.parse().expect("an address");
    add_mail(&app, agent.user).await;
    let send = async |challenge: Uuid| {
        let sent = send_email_code(&app.app, agent.user, &email, challenge, app.now()).await;
        sent.expect("is mailed");
        digits(&app).await
    };
    let check = async |challenge: Uuid, code: &str| {
        check_email_code(&app.app, challenge, agent.user, code, app.now()).await.expect("answers")
    };
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let first = send(one).await;
    app.clock.advance(60);
    let second = send(other).await;
    app.clock.advance(539);
    assert!(check(one, &first).await, "after 9:59");
    app.clock.advance(61);
    assert!(!check(other, &second).await, "after 10:00");

    add_app(&app, agent.user).await;
    let start = app.now().plus(30 - app.now().as_second() % 30);
    let shown = code(SEED, start);
    let counts = async |at: At| check_code(&app.app, agent.user, &shown, at).await.expect("answers").is_some();
    assert!(!counts(start.plus(-1)).await, "before its step");
    assert!(!counts(start.plus(60)).await, "two steps later");
    assert!(counts(start.plus(59)).await, "one step of drift");
}

#[tokio::test]
async fn v6_5_5_a_sign_in_waits_ten_minutes_for_its_second_proof() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    add_app(&app, owner.user).await;
    let browser = waiting(&app, &owner.email).await;
    app.clock.advance(599);
    assert_eq!(browser.get("/sign-in/factor").await.status, 200);
    app.clock.advance(1);
    let reply = answer(&browser, &code(SEED, app.now())).await;
    assert_eq!(location(&reply), (303, Some("/sign-in")));
    is_refused(&reply);
}

#[tokio::test]
async fn v6_6_1_a_number_gets_codes_once_it_has_shown_one_and_stronger_factors_stand_beside() {
    let (app, messages) = TestApp::start_texting().await;
    let business = app.business("a", Profile::FieldService).await;
    app.twilio(&business).await;
    let factors = async || factors_of(app.app.db(), business.member(Role::Agent).user).await.expect("answers");
    let browser = fresh(&app, &business, Role::Agent).await;
    browser.post("/api/two-factor/text/start", &[("number", "+14155550123")]).await;
    app.run_jobs().await;
    assert!(!factors().await.any(), "a number that was typed is nobody's yet");
    let page = browser.get("/account/two-factor").await.body;
    for words in ["The weakest choice", "Set up an authenticator app"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    browser.post("/api/two-factor/text/confirm", &[("code", &messages.code())]).await;
    assert!(factors().await.text_codes);
}

#[tokio::test]
async fn v6_6_2_a_mailed_code_answers_the_sign_in_that_it_was_mailed_for() {
    let (app, business) = start().await;
    let (owner, agent) = (business.member(Role::Owner), business.member(Role::Agent));
    app.give_password(agent, PASSWORD).await;
    add_mail(&app, owner.user).await;
    add_mail(&app, agent.user).await;
    let (one, two) = (waiting(&app, &owner.email).await, waiting(&app, &owner.email).await);
    let somebody = waiting(&app, &agent.email).await;
    one.post("/api/sign-in/factor/mail", &[]).await;
    let code = digits(&app).await;
    is_refused(&answer(&two, &code).await);
    is_refused(&answer(&somebody, &code).await);
    is_refused(&answer(&app.stranger(), &code).await);
    assert!(is_let_in(&answer(&one, &code).await));
}

#[tokio::test]
async fn v6_6_3_five_wrong_codes_end_the_sign_in_and_no_other_begins() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    add_app(&app, owner.user).await;
    let browser = waiting(&app, &owner.email).await;
    for _ in 0..5 {
        let reply = answer(&browser.clone().json(), &code(SEED, app.now().plus(3600))).await;
        assert_eq!(reply.status, 422, "{}", reply.body);
    }
    let right = code(SEED, app.now());
    is_refused(&answer(&browser, &right).await);
    let reply = sign_in(&app.stranger().json(), &owner.email, PASSWORD).await;
    assert_eq!(reply.status, 422, "who guesses codes is locked as who guesses passwords: {}", reply.body);
}

#[tokio::test]
async fn v6_6_3_a_lock_holds_for_sign_ins_that_wait_already() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    add_app(&app, owner.user).await;
    let (one, two) = (waiting(&app, &owner.email).await, waiting(&app, &owner.email).await);
    for _ in 0..5 {
        is_refused(&answer(&one, &code(SEED, app.now().plus(3600))).await);
    }
    is_refused(&answer(&two, &code(SEED, app.now())).await);
}
