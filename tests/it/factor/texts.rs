//! Codes by text message (ACC-3): whose number it is, one use, how many, where to, and what becomes of a text that the
//! provider does not take. The provider is a stand-in that speaks Twilio's interface (`kit/messages.rs`).

use futures::future::join_all;
use ringfort::{
    model::{
        id::UserId,
        permission::Role,
        profile::Profile,
        texting::{BUSINESS_A_DAY, PERSON_A_DAY},
    },
    server::{
        jobs::worker,
        services::factor::{TEXT_SECONDS, check_text_code},
        store::lobby::Factors,
    },
};
use serde_json::Value;
use uuid::Uuid;

use super::{NONE, OVERVIEW, entries, factors, fresh, is_in, joins, mailed, prove, revealed};
use crate::{
    kit::{
        Browser, Business, Reply, TestApp,
        messages::{Answer, Messages},
        sql,
        twilio::NUMBER as OURS,
    },
    link::{PASSWORD, SESSION, asked, location, opened, press},
};

const PHONE: &str = "+14155550123";
const PAGE: &str = "/account/two-factor/text";

/// A business that can text.
async fn start() -> (TestApp, Messages, Business) {
    let (app, messages) = TestApp::start_texting().await;
    let business = app.business("a", Profile::FieldService).await;
    app.twilio(&business).await;
    (app, messages, business)
}

async fn begin(browser: &Browser) -> Reply {
    browser.clone().json().post("/api/two-factor/text/start", &[("number", PHONE)]).await
}

/// Sets a number up: the browser in which that was done, and the recovery codes.
async fn set_up(app: &TestApp, messages: &Messages, business: &Business, role: Role) -> (Browser, Vec<String>) {
    let browser = fresh(app, business, role).await;
    assert_eq!(begin(&browser).await.status, 200);
    app.run_jobs().await;
    let reply = browser.post("/api/two-factor/text/confirm", &[("code", &messages.code())]).await;
    let codes = revealed(&browser, &reply).await;
    (browser, codes)
}

/// A browser that has shown the password and waits for its second proof.
async fn waiting(app: &TestApp, email: &str) -> Browser {
    let reply = app.stranger().post("/api/sign-in", &[("email", email), ("password", PASSWORD)]).await;
    assert_eq!(location(&reply), (303, Some("/sign-in/factor")), "{}", reply.body);
    app.stranger().with_cookie(reply.cookie("__Host-challenge"))
}

async fn answer(browser: &Browser, code: &str) -> Reply {
    browser.post("/api/sign-in/factor", &[("code", code)]).await
}

fn is_let_in(reply: &Reply) -> bool {
    reply.cookie(SESSION).is_some()
}

/// What an answer for islands says to the person.
fn notice(reply: &Reply) -> String {
    let done: Value = serde_json::from_str(&reply.body).unwrap_or_else(|e| panic!("{e}: {}", reply.body));
    done["notice"].as_str().unwrap_or_default().to_owned()
}

async fn only_texts(app: &TestApp, user: UserId) -> Factors {
    let found = factors(app, user).await;
    assert_eq!(found, Factors { text_codes: true, recovery_left: found.recovery_left, ..NONE });
    found
}

#[tokio::test]
async fn acc_3_a_number_counts_from_the_code_that_was_texted_there() {
    let (app, messages, a) = start().await;
    let agent = a.member(Role::Agent);
    let (browser, other) = (fresh(&app, &a, Role::Agent).await, app.browser(agent).await);
    let reply = browser.post("/api/two-factor/text/start", &[("number", " +1 (415) 555-0123 ")]).await;
    assert_eq!(location(&reply), (303, Some(PAGE)), "{}", reply.body);
    assert_eq!(factors(&app, agent.user).await, NONE, "nothing counts yet");
    app.run_jobs().await;
    let sent = messages.sent();
    let [text] = &sent[..] else { panic!("one text") };
    let field = |name: &str| text.fields.get(name).map(String::as_str);
    assert_eq!((field("To"), field("From")), (Some(PHONE), Some(OURS)));
    assert_eq!(text.fields.len(), 3, "To, From, Body: {:?}", text.fields.keys());
    let page = browser.get(PAGE).await;
    assert!(page.status == 200 && page.body.contains("***-***-0123") && !page.body.contains(PHONE), "{}", page.body);

    let json = browser.clone().json();
    for wrong in ["", "00000000", "123456"] {
        assert_eq!(json.post("/api/two-factor/text/confirm", &[("code", wrong)]).await.status, 422, "{wrong:?}");
    }
    let code = messages.code();
    let pasted = format!(" {} {}", &code[..4], &code[4..]);
    let reply = browser.post("/api/two-factor/text/confirm", &[("code", &pasted)]).await;
    assert_eq!(revealed(&browser, &reply).await.len(), 10, "recovery codes come with the first factor");
    assert_eq!(only_texts(&app, agent.user).await.recovery_left, 10);
    assert!(is_in(&browser).await && !is_in(&other).await, "their other sessions end");
    assert_eq!(entries(&app, "action = 'factor.added' and after ->> 'kind' = 'sms'").await, 1);
    assert_eq!(entries(&app, "action = 'factor.text_sent' and result = 'done'").await, 1);
    assert!(mailed(&app).await.contains("codes by text message"));
    assert_eq!(begin(&browser).await.status, 409, "there is no second one");
    assert!(browser.get(OVERVIEW).await.body.contains("***-***-0123"));

    // Neither number nor code stands anywhere in clear.
    for table in ["lobby.text_factors", "lobby.email_codes", "lobby.text_sends", "jobs", "audit_entries"] {
        let rows = sql::text(&app.owner, format!("select coalesce(string_agg(t::text, ' '), '') from {table} t")).await;
        for clear in [&PHONE[1..], code.as_str(), &hex::encode(PHONE), &hex::encode(&code)] {
            assert!(!rows.contains(clear), "{table}: {clear}");
        }
    }
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.texts").await, 0, "what was sent is forgotten");
}

#[tokio::test]
async fn acc_3_a_text_that_waits_is_sealed() {
    let (app, _, a) = start().await;
    assert_eq!(begin(&fresh(&app, &a, Role::Agent).await).await.status, 200);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.texts").await, 1);
    for table in ["lobby.texts", "jobs"] {
        let rows = sql::text(&app.owner, format!("select string_agg(t::text, ' ') from {table} t")).await;
        assert!(!rows.contains(&PHONE[1..]) && !rows.contains(&hex::encode(PHONE)), "{table}: {rows}");
    }
}

#[tokio::test]
async fn acc_3_a_texted_code_signs_in_once_where_it_was_asked_for() {
    let (app, messages, a) = start().await;
    let (owner, agent) = (a.member(Role::Owner), a.member(Role::Agent));
    for member in [owner, agent] {
        app.give_password(member, PASSWORD).await;
    }
    let (browser, _) = set_up(&app, &messages, &a, Role::Agent).await;
    let confirmed = messages.code();
    app.clock.advance(60);
    let (one, two) = (waiting(&app, &agent.email).await, waiting(&app, &agent.email).await);
    assert!(!is_let_in(&answer(&one, &confirmed).await), "the code that confirmed the number is used up");
    let reply = one.clone().json().post("/api/sign-in/factor/text", &[]).await;
    assert!(notice(&reply).contains("on its way to your phone"), "{}", reply.body);
    app.run_jobs().await;
    let code = messages.code();
    assert_ne!(code, confirmed);
    for stranger in [&two, &app.stranger()] {
        assert!(!is_let_in(&answer(stranger, &code).await), "another sign-in");
    }
    assert!(is_let_in(&answer(&one, &code).await));
    assert_eq!(entries(&app, "action = 'session.started' and after ->> 'means' = 'password+text_code'").await, 1);
    assert!(!is_let_in(&answer(&two, &code).await), "used");

    // A newer one takes the older one's place, and is over in its time.
    app.clock.advance(1);
    let three = waiting(&app, &agent.email).await;
    let mut codes = Vec::new();
    for _ in 0..2 {
        app.clock.advance(60);
        assert_eq!(three.post("/api/sign-in/factor/text", &[]).await.status, 303);
        app.run_jobs().await;
        codes.push(messages.code());
    }
    assert!(!is_let_in(&answer(&three, &codes[0]).await), "a newer one was sent");
    let newest = "select id from lobby.challenges order by created_at desc limit 1";
    let challenge: Uuid = sqlx::query_scalar(newest).fetch_one(&app.owner).await.expect("a challenge");
    let check = async |user: UserId, seconds: i64| {
        let at = app.now().plus(seconds);
        check_text_code(&app.app, challenge, user, &codes[1], at).await.expect("answers")
    };
    assert!(!check(agent.user, TEXT_SECONDS).await, "after 10:00");
    assert!(!check(owner.user, 0).await, "somebody else");
    assert!(check(agent.user, TEXT_SECONDS - 1).await, "after 9:59");

    // Switching it off forgets the number.
    prove(&app, agent.user).await;
    let reply = browser.post("/api/two-factor/text/off", &[]).await;
    assert_eq!(location(&reply), (303, Some(OVERVIEW)), "{}", reply.body);
    assert_eq!(factors(&app, agent.user).await, NONE);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.text_factors").await, 0, "the number is forgotten");
    assert_eq!(browser.json().post("/api/two-factor/text/off", &[]).await.status, 409);
}

#[tokio::test]
async fn acc_3_a_texted_code_answers_a_mailed_link_and_a_mailed_code_does_not() {
    let (app, messages, a) = start().await;
    let agent = a.member(Role::Agent);
    set_up(&app, &messages, &a, Role::Agent).await;
    let mail = format!("insert into lobby.email_factors (user_id, added_at) values ('{}', now())", agent.user.0);
    sql::run(&app.owner, mail).await;
    app.clock.advance(60);
    let (asker, link) = asked(&app, &agent.email).await;
    let reply = press(&opened(&asker, &link).await).await;
    assert_eq!(location(&reply), (303, Some("/sign-in/factor")), "{}", reply.body);
    let browser = app.stranger().with_cookie(reply.cookie("__Host-challenge"));
    assert_eq!(browser.clone().json().post("/api/sign-in/factor/mail", &[]).await.status, 404);
    assert_eq!(browser.post("/api/sign-in/factor/text", &[]).await.status, 303);
    app.run_jobs().await;
    assert!(is_let_in(&answer(&browser, &messages.code()).await));
}

#[tokio::test]
async fn acc_3_texts_are_few_a_person_and_few_a_business() {
    let (app, messages, a) = start().await;
    let agent = a.member(Role::Agent);
    let browser = fresh(&app, &a, Role::Agent).await.json();
    let again = async || browser.post("/api/two-factor/text/again", &[]).await.status;
    assert_eq!(again().await, 200, "there is nothing to text yet, which is said");
    assert_eq!(begin(&browser).await.status, 200);
    assert_eq!(again().await, 429, "one a minute");
    assert_eq!(begin(&browser).await.status, 429, "nor by beginning anew");
    for _ in 1..PERSON_A_DAY {
        app.run_jobs().await;
        app.clock.advance(60);
        let at_once = join_all((0..4).map(|_| again())).await;
        assert_eq!(at_once.iter().filter(|status| **status == 200).count(), 1, "of four at once, one");
    }
    app.clock.advance(60);
    prove(&app, agent.user).await;
    assert_eq!(again().await, 429, "ten a day");
    app.run_jobs().await;
    assert_eq!(messages.sent().len(), usize::try_from(PERSON_A_DAY).expect("a few"));

    // Taking the number away does not begin the day anew.
    sql::run(&app.owner, "delete from lobby.text_factors").await;
    assert_eq!(begin(&browser).await.status, 429);
    app.clock.advance(24 * 3600);
    let browser = fresh(&app, &a, Role::Agent).await;
    assert_eq!(begin(&browser).await.status, 200, "the next day");

    // The business as a whole, whoever asks.
    let sent = format!(
        "insert into lobby.text_sends (user_id, business_id, sent_at)
         select '{}', '{}', timestamptz '{}' - make_interval(secs => n) from generate_series(61, {}) as n",
        a.member(Role::Owner).user.0,
        a.id.0,
        app.now().0,
        60 + BUSINESS_A_DAY
    );
    sql::run(&app.owner, sent).await;
    assert_eq!(begin(&fresh(&app, &a, Role::Viewer).await).await.status, 429);
    let b = app.business("b", Profile::FieldService).await;
    app.twilio(&b).await;
    assert_eq!(begin(&fresh(&app, &b, Role::Viewer).await).await.status, 200, "another business has its own");
}

#[tokio::test]
async fn acc_3_numbers_of_other_places_are_refused() {
    let (app, messages, a) = start().await;
    let browser = fresh(&app, &a, Role::Agent).await.json();
    for number in ["", "4155550123", "+447700900123", "+18765550123", "+19005550123", "+1415555012x"] {
        let reply = browser.post("/api/two-factor/text/start", &[("number", number)]).await;
        assert_eq!(reply.status, 422, "{number}: {}", reply.body);
    }
    app.run_jobs().await;
    assert_eq!(messages.tries(), 0);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.text_factors").await, 0);
}

#[tokio::test]
async fn acc_3_where_nobody_can_text_it_is_said() {
    let (app, messages) = TestApp::start_texting().await;
    let a = app.business("a", Profile::FieldService).await;
    let b = app.business("b", Profile::FieldService).await;
    let agent = a.member(Role::Agent);
    let browser = fresh(&app, &a, Role::Agent).await;
    assert!(browser.get(OVERVIEW).await.body.contains("has no phone provider that could send them"));
    assert_eq!(begin(&browser).await.status, 409);
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.text_factors").await, 0, "nothing is begun");

    app.twilio(&a).await;
    let (browser, _) = set_up(&app, &messages, &a, Role::Agent).await;
    assert!(!browser.get(OVERVIEW).await.body.contains("No code can be texted now"));
    app.give_password(agent, PASSWORD).await;
    joins(&app, agent.user, &b, &agent.email).await;
    let asks = async || {
        app.clock.advance(60);
        let waits = waiting(&app, &agent.email).await.json();
        notice(&waits.post("/api/sign-in/factor/text", &[]).await)
    };
    assert!(asks().await.contains("on its way"));
    sql::run(&app.owner, "update connections set number = null").await;
    assert!(asks().await.contains("No code can be texted now"), "no number to text from");
    sql::run(&app.owner, format!("update connections set number = '{OURS}', state = 'revoked'")).await;
    assert!(asks().await.contains("No code can be texted now"), "no connection");
    prove(&app, agent.user).await;
    assert!(browser.get(OVERVIEW).await.body.contains("No code can be texted now"));
    sql::run(&app.owner, "update connections set state = 'active'").await;
    assert!(asks().await.contains("on its way"));
    sql::run(&app.owner, format!("update members set state = 'removed' where id = '{}'", agent.id.0)).await;
    assert!(asks().await.contains("No code can be texted now"), "whose provider it is, they are no member there");
}

#[tokio::test]
async fn acc_3_a_text_is_tried_again_and_goes_out_once() {
    let (app, messages, a) = start().await;
    messages.answer_with(&[Answer::Says(500, 20500), Answer::Says(429, 20429), Answer::Lost]);
    let browser = fresh(&app, &a, Role::Agent).await;
    assert_eq!(begin(&browser).await.status, 200);
    app.run_jobs().await;
    assert_eq!((messages.tries(), messages.sent().len()), (3, 1), "what was lost on its way back is not sent again");
    assert_eq!(messages.listed(), 3, "each later try looks first");
    assert_eq!(sql::count(&app.owner, "select count(*) from jobs").await, 0);
    assert_eq!(entries(&app, "action = 'factor.text_sent' and result = 'done'").await, 1);
    let reply = browser.post("/api/two-factor/text/confirm", &[("code", &messages.code())]).await;
    revealed(&browser, &reply).await;
}

#[tokio::test]
async fn acc_3_a_text_that_waits_says_what_it_waits_for() {
    let (app, messages, a) = start().await;
    messages.answer_with(&[Answer::Says(500, 20500)]);
    assert_eq!(begin(&fresh(&app, &a, Role::Agent).await).await.status, 200);
    sql::due_now(&app.owner).await;
    worker::step(&app.app).await.expect("a step of the worker");
    let job = "select state || ' ' || problem from jobs";
    assert_eq!(sql::texts(&app.owner, job).await, ["queued provider_away"], "not the database: that answers");
    app.run_jobs().await;
    assert_eq!(messages.sent().len(), 1);
}

#[tokio::test]
async fn acc_3_a_text_that_is_not_taken_is_given_up_and_written_down() {
    let (app, messages, a) = start().await;
    let refusals = [(400, 21211, "number"), (400, 21610, "number"), (401, 20003, "account"), (400, 21606, "answer")];
    let roles = [Role::Agent, Role::Viewer, Role::Manager, Role::Technician];
    for (role, (status, code, word)) in roles.into_iter().zip(refusals) {
        messages.answer_with(&[Answer::Says(status, code)]);
        assert_eq!(begin(&fresh(&app, &a, role).await).await.status, 200);
        let before = messages.tries();
        app.run_jobs().await;
        assert_eq!(messages.tries(), before + 1, "{code}: no other try");
        let member = a.member(role).id.0;
        let written = format!(
            "action = 'factor.text_sent' and result = 'failed' and reason = '{word}' and target_id = '{member}'"
        );
        assert_eq!(entries(&app, &written).await, 1, "{code}");
    }
    // One whose time is over is not sent at all, nor one whose number was taken back.
    for (role, taken_back) in [(Role::Dispatcher, false), (Role::Auditor, true)] {
        let before = messages.tries();
        assert_eq!(begin(&fresh(&app, &a, role).await).await.status, 200);
        if taken_back {
            let user = a.member(role).user.0;
            sql::run(&app.owner, format!("delete from lobby.text_factors where user_id = '{user}'")).await;
        } else {
            app.clock.advance(TEXT_SECONDS);
        }
        app.run_jobs().await;
        assert_eq!(messages.tries(), before, "{}", role.code());
    }
    assert_eq!(entries(&app, "action = 'factor.text_sent' and reason = 'late'").await, 1);
    for table in ["jobs", "lobby.texts"] {
        assert_eq!(sql::count(&app.owner, format!("select count(*) from {table}")).await, 0, "{table}");
    }
}
