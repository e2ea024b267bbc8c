//! Codes that work once (ACC-3): recovery codes, and codes by mail.

use futures::future::join_all;
use ringfort::{
    model::{id::UserId, permission::Role, personal::Email},
    server::{
        http::AppError,
        services::{
            factor::{EMAIL_SECONDS, check_code, check_email_code, send_email_code},
            session::Proof,
        },
        store::lobby::Factors,
    },
};
use uuid::Uuid;

use super::{CODES, NONE, OVERVIEW, begin, code, enrol, entries, factors, fresh, is_in, mailed, revealed, start};
use crate::kit::{Reply, sql};

/// The code in a mail.
fn digits(mail: &str) -> String {
    let is_code = |line: &&str| line.len() == 8 && line.bytes().all(|b| b.is_ascii_digit());
    mail.lines().find(is_code).unwrap_or_else(|| panic!("no code: {mail}")).to_owned()
}

#[tokio::test]
async fn acc_3_a_recovery_code_counts_once_and_is_told() {
    let (app, a) = start().await;
    let user = a.member(Role::Owner).user;
    let browser = fresh(&app, &a, Role::Owner).await;
    let (_, codes) = enrol(&app, &browser).await;
    let check = async |code: &str| check_code(&app.app, user, code, app.now()).await.expect("answers");
    let typed = codes[0].to_lowercase().replace('-', " ");
    assert_eq!(check(&typed).await, Some(Proof::Recovery));
    assert_eq!(check(&codes[0]).await, None, "used");
    assert_eq!(factors(&app, user).await.recovery_left, 9);
    let told = "action = 'factor.recovery_used' and after ->> 'recovery_codes_left' = '9'";
    assert_eq!(entries(&app, told).await, 1);
    let mail = mailed(&app).await;
    assert!(mail.contains("9 are left"), "{mail}");
    let at_once = join_all((0..8).map(|_| check(&codes[1]))).await;
    assert_eq!(at_once.into_iter().flatten().count(), 1, "of eight at once, one");

    // Only hashes are stored.
    let stored = sql::text(&app.owner, "select string_agg(r::text, ' ') from lobby.recovery_codes r").await;
    for code in &codes {
        let hex = hex::encode(code.replace('-', ""));
        assert!(!stored.contains(code.as_str()) && !stored.contains(&code.replace('-', "")) && !stored.contains(&hex));
    }

    // New ones: the old ones die.
    let reply = browser.post("/api/two-factor/recovery", &[]).await;
    let new = revealed(&browser, &reply).await;
    assert_eq!(factors(&app, user).await.recovery_left, 10);
    assert_eq!(check(&codes[2]).await, None);
    assert_eq!(check(&new[2]).await, Some(Proof::Recovery));
    assert_eq!(entries(&app, "action = 'factor.recovery_drawn' and result = 'done'").await, 1);
    assert!(is_in(&browser).await);
}

#[tokio::test]
async fn acc_3_few_recovery_codes_are_warned_about() {
    let (app, a) = start().await;
    let user = a.member(Role::Agent).user;
    let browser = fresh(&app, &a, Role::Agent).await;
    let (_, codes) = enrol(&app, &browser).await;
    for (used, code) in codes.iter().take(8).enumerate() {
        let warned = browser.get(OVERVIEW).await.body.contains("Few recovery codes are left");
        assert!(!warned, "after {used}");
        check_code(&app.app, user, code, app.now()).await.expect("answers").expect("a good code");
    }
    assert!(browser.get(OVERVIEW).await.body.contains("Few recovery codes are left"));
}

#[tokio::test]
async fn acc_3_a_mailed_code_counts_once_for_its_challenge_and_for_ten_minutes() {
    let (app, a) = start().await;
    let agent = a.member(Role::Agent);
    let email: Email = agent.email.parse().expect("an address");
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let send = async |challenge: Uuid| send_email_code(&app.app, agent.user, &email, challenge, app.now()).await;
    let check = async |challenge: Uuid, user: UserId, code: &str| {
        check_email_code(&app.app, challenge, user, code, app.now()).await.expect("answers")
    };
    assert!(matches!(send(one).await, Err(AppError::Missing)), "nobody has chosen it");
    let browser = fresh(&app, &a, Role::Agent).await;
    let reply = browser.post("/api/two-factor/email/on", &[]).await;
    assert_eq!(revealed(&browser, &reply).await.len(), 10, "recovery codes come with the first factor");
    assert_eq!(factors(&app, agent.user).await, Factors { email_codes: true, recovery_left: 10, ..NONE });

    send(one).await.expect("is mailed");
    let code = digits(&mailed(&app).await);
    for challenge in [one, other] {
        assert!(matches!(send(challenge).await, Err(AppError::Limited { .. })), "one a minute, whoever asks");
    }
    assert!(!check(other, agent.user, &code).await);
    assert!(!check(one, a.member(Role::Owner).user, &code).await);
    assert!(!check(one, agent.user, "").await);
    assert!(check(one, agent.user, &format!("{} {}", &code[..4], &code[4..])).await);
    assert!(!check(one, agent.user, &code).await, "used");

    // A newer one takes the older one's place, and is over in its time.
    app.clock.advance(60);
    send(one).await.expect("is mailed");
    let older = digits(&mailed(&app).await);
    app.clock.advance(60);
    send(one).await.expect("is mailed");
    let newer = digits(&mailed(&app).await);
    assert!(!check(one, agent.user, &older).await);
    app.clock.advance(EMAIL_SECONDS);
    assert!(!check(one, agent.user, &newer).await, "over");
    let stored = sql::text(&app.owner, "select string_agg(c::text, ' ') from lobby.email_codes c").await;
    assert!(!stored.contains(&newer) && !stored.contains(&hex::encode(&newer)), "only hashes are stored");
}

#[tokio::test]
async fn acc_3_codes_by_mail_are_switched_off() {
    let (app, a) = start().await;
    let agent = a.member(Role::Agent);
    let email: Email = agent.email.parse().expect("an address");
    let browser = fresh(&app, &a, Role::Agent).await;
    let (_, codes) = enrol(&app, &browser).await;
    let reply = browser.post("/api/two-factor/email/on", &[]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(OVERVIEW)), "the old recovery codes go on");
    send_email_code(&app.app, agent.user, &email, Uuid::nil(), app.now()).await.expect("is mailed");
    let code = digits(&mailed(&app).await);
    let reply = browser.post("/api/two-factor/email/off", &[]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(OVERVIEW)), "{}", reply.body);
    assert_eq!(factors(&app, agent.user).await, Factors { totp: true, recovery_left: 10, ..NONE });
    assert!(!check_email_code(&app.app, Uuid::nil(), agent.user, &code, app.now()).await.expect("answers"));
    let sent = send_email_code(&app.app, agent.user, &email, Uuid::nil(), app.now().plus(60)).await;
    assert!(matches!(sent, Err(AppError::Missing)));
    let recovered = check_code(&app.app, agent.user, &codes[0], app.now()).await.expect("answers");
    assert_eq!(recovered, Some(Proof::Recovery));
    assert_eq!(browser.json().post("/api/two-factor/email/off", &[]).await.status, 409);
}

#[tokio::test]
async fn acc_3_codes_are_shown_to_their_person_only() {
    let (app, a) = start().await;
    let browser = fresh(&app, &a, Role::Agent).await;
    let seed = begin(&browser).await;
    let reply = browser.post("/api/two-factor/confirm", &[("code", &code(&seed, app.now()))]).await;
    let cookie = reply.cookie("__Host-reveal").expect("something to show");
    let shown = |page: &Reply| page.body.contains("class=\"secret\"");
    let somebody = app.session(a.member(Role::Viewer)).await;
    let page = app.stranger().with_cookie(Some(format!("{somebody}; {cookie}"))).get(CODES).await;
    assert!(page.status == 200 && !shown(&page), "another person at the same browser");
    let session = browser.cookie.clone().expect("a session");
    let mut forged = cookie.clone().into_bytes();
    let middle = forged.len() / 2;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    let forged = format!("{session}; {}", String::from_utf8(forged).expect("plain letters"));
    assert!(!shown(&browser.clone().with_cookie(Some(forged)).get(CODES).await), "a changed cookie");
    app.clock.advance(121);
    let late = browser.clone().with_cookie(Some(format!("{session}; {cookie}"))).get(CODES).await;
    assert!(!shown(&late), "two minutes later");
}
