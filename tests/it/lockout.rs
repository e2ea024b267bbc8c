//! Locking without harming the person (ACC-4; security.md, rule 17): what a lock looks like from outside, whom it holds
//! up and whom it does not, and that nothing outruns the counting.

use futures::future::join_all;
use ringfort::{
    model::{
        id::{DeviceId, UserId},
        lockout::{BUCKET_SECONDS, FAILURES, LINK_AFTER, REMINDER_SECONDS, STREAK_SECONDS, Standing, seconds_locked},
        permission::Role,
        profile::Profile,
    },
    server::{http::device, jobs::worker, store::lobby},
};

use crate::kit::{Browser, Business, Reply, TestApp, sql};

const PASSWORD: &str = "seven quiet otters";
const WRONG: &str = "eight quiet otters";

/// A business whose agent has a password.
async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    app.give_password(business.member(Role::Agent), PASSWORD).await;
    (app, business)
}

async fn sign_in(browser: &Browser, email: &str, password: &str) -> Reply {
    browser.post("/api/sign-in", &[("email", email), ("password", password)]).await
}

fn admitted(reply: &Reply) -> bool {
    reply.cookie("__Host-ringfort").is_some()
}

/// Whether the right password admits from this browser.
async fn opens(browser: &Browser, email: &str) -> bool {
    admitted(&sign_in(browser, email, PASSWORD).await)
}

/// Wrong passwords, one after the other; the last answer.
async fn fail(browser: &Browser, email: &str, times: i32) -> Reply {
    let mut last = None;
    for _ in 0..times {
        let reply = sign_in(browser, email, WRONG).await;
        assert!(!admitted(&reply));
        last = Some(reply);
    }
    last.expect("at least one try")
}

fn headers(reply: &Reply) -> Vec<(String, String)> {
    let mut all: Vec<_> = reply
        .headers
        .iter()
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    all.sort();
    all
}

async fn entries(app: &TestApp, condition: &str) -> i64 {
    sql::count(&app.owner, format!("select count(*) from audit_entries where {condition}")).await
}

async fn mails(app: &TestApp) -> i64 {
    sql::count(&app.owner, "select count(*) from lobby.mails").await
}

#[tokio::test]
async fn acc_4_after_five_wrong_passwords_the_right_one_is_answered_as_a_wrong_one() {
    let (app, business) = start().await;
    let email = &business.member(Role::Agent).email;
    let browser = app.stranger().json();
    let wrong = fail(&browser, email, FAILURES).await;
    let right = sign_in(&browser, email, PASSWORD).await;
    assert_eq!((right.status, &right.body, headers(&right)), (wrong.status, &wrong.body, headers(&wrong)));
    assert_eq!(right.status, 422);
    app.clock.advance(59);
    assert!(!opens(&browser, email).await, "a minute is not over");
    app.clock.advance(1);
    assert!(opens(&browser, email).await, "being refused does not prolong the lock");
    // Getting in ends the row: four more are four, not nine.
    fail(&browser, email, FAILURES - 1).await;
    assert!(opens(&browser, email).await);
}

#[tokio::test]
async fn acc_4_a_stranger_locks_strangers_and_a_known_browser_still_gets_in() {
    let (app, business) = start().await;
    let email = &business.member(Role::Agent).email;
    let stranger = app.stranger();
    let first = sign_in(&stranger, email, PASSWORD).await;
    let set = first.cookies().into_iter().find(|cookie| cookie.starts_with("__Host-device=")).expect("a cookie");
    for part in ["Path=/", "Max-Age=31536000", "HttpOnly", "Secure", "SameSite=Lax"] {
        assert!(set.split("; ").any(|other| other == part), "{part}: {set}");
    }
    let known = stranger.clone().with_cookie(first.cookie("__Host-device"));

    fail(&stranger, email, FAILURES).await;
    assert!(!opens(&stranger, email).await);
    assert!(opens(&known, email).await);
    assert!(!opens(&stranger, email).await, "who got in elsewhere has not opened it for strangers");

    // And the other way about: the known browser has a bucket of its own.
    app.clock.advance(60);
    fail(&known, email, FAILURES).await;
    assert!(!opens(&known, email).await);
    assert!(opens(&stranger, email).await);
}

#[tokio::test]
async fn acc_4_a_browser_is_known_to_whom_it_signed_in_with_and_to_nobody_else() {
    let app = TestApp::start().await;
    let vault = app.app.vault();
    let value = |set: &str| {
        let pair = set.split(';').next().expect("a pair");
        pair.strip_prefix("__Host-device=").expect("the cookie").to_owned()
    };
    let users: Vec<UserId> = (0..6).map(|_| app.app.draw()).collect();
    let id: DeviceId = app.app.draw();
    let one = value(&device::remember(vault, users[0], id, None));
    assert_eq!(device::known(vault, users[0], Some(&one)), Some(id));
    assert_eq!(device::known(vault, users[1], Some(&one)), None, "another account");
    for place in 0..one.len() {
        let mut forged = one.clone().into_bytes();
        forged[place] ^= 1;
        let forged = String::from_utf8(forged).expect("plain letters");
        assert_eq!(device::known(vault, users[0], Some(&forged)), None, "{forged}");
    }
    // Several people share a browser: each is known, and the one who came first is forgotten for the sixth.
    let mut all: Option<String> = None;
    for user in &users {
        all = Some(value(&device::remember(vault, *user, app.app.draw(), all.as_deref())));
    }
    let found: Vec<bool> = users.iter().map(|user| device::known(vault, *user, all.as_deref()).is_some()).collect();
    assert_eq!(found, [false, true, true, true, true, true]);
    let again = value(&device::remember(vault, users[1], id, all.as_deref()));
    assert_eq!(again.split('_').count(), 5, "whoever is known already takes no second place");
    assert!(again.starts_with(&id.0.simple().to_string()), "and is the newest now");
}

#[tokio::test]
async fn acc_4_a_cookie_that_is_made_up_has_no_bucket_of_its_own() {
    let (app, business) = start().await;
    let (agent, viewer) = (business.member(Role::Agent), business.member(Role::Viewer));
    let set = device::remember(app.app.vault(), viewer.user, app.app.draw(), None);
    let foreign = set.split(';').next().map(str::to_owned);
    let forged = format!("__Host-device={}.{}", "7".repeat(32), "a".repeat(64));
    for cookie in [None, foreign, Some(forged), Some("__Host-device=x".to_owned())] {
        fail(&app.stranger().with_cookie(cookie), &agent.email, 1).await;
    }
    let counted = "select count(*) from lobby.lockouts where failures = 4";
    assert_eq!(sql::count(&app.owner, counted).await, 1, "all four count as a stranger's");
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.lockouts").await, 1);
}

#[tokio::test]
async fn acc_4_each_further_failure_doubles_the_lock_up_to_an_hour() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let db = app.app.db();
    for failures in 1..=13 {
        let now = app.now();
        let failure = lobby::lockout_failed(db, agent.user, None, now).await.expect("counts");
        let seconds = seconds_locked(failures);
        assert_eq!(failure.failures, failures);
        if seconds == 0 {
            // Nor for a request of the same moment whose clock was read a little earlier.
            let earlier = lobby::lockout_standing(db, agent.user, None, now.plus(-2)).await;
            assert_eq!(earlier.expect("answers"), Standing::Open);
        } else {
            assert_eq!(failure.locked_until, now.plus(seconds));
            let last = lobby::lockout_standing(db, agent.user, None, now.plus(seconds - 1)).await;
            assert_eq!(last.expect("answers"), Standing::Locked);
        }
        let after = lobby::lockout_standing(db, agent.user, None, now.plus(seconds)).await;
        assert_eq!(after.expect("answers"), Standing::Open);
        app.clock.advance(seconds);
    }
    // The same through the door: the fourteenth locks for an hour.
    let browser = app.stranger();
    fail(&browser, &agent.email, 1).await;
    app.clock.advance(3_599);
    assert!(!opens(&browser, &agent.email).await);
    app.clock.advance(1);
    assert!(opens(&browser, &agent.email).await);
}

#[tokio::test]
async fn acc_4_of_failures_that_come_at_once_none_is_lost() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let (db, now) = (app.app.db(), app.now());
    let at_once = join_all((0..32).map(|_| lobby::lockout_failed(db, agent.user, None, now))).await;
    let counted: Vec<_> = at_once.into_iter().map(|failure| failure.expect("counts")).collect();
    let sorted = |mut numbers: Vec<i32>| {
        numbers.sort_unstable();
        numbers
    };
    let all: Vec<i32> = (1..=32).collect();
    assert_eq!(sorted(counted.iter().map(|failure| failure.failures).collect()), all);
    assert_eq!(sorted(counted.iter().map(|failure| failure.in_a_row).collect()), all);
    assert!(counted.iter().any(|failure| failure.locked_until == now.plus(3_600)));
    let elsewhere = lobby::lockout_failed(db, agent.user, Some(app.app.draw()), now).await.expect("counts");
    assert_eq!((elsewhere.failures, elsewhere.in_a_row), (1, 33), "one row over all buckets");
}

#[tokio::test]
async fn acc_4_guesses_at_once_lock_once() {
    let (app, business) = start().await;
    let email = &business.member(Role::Agent).email;
    let browser = app.stranger();
    let at_once = join_all((0..16).map(|_| sign_in(&browser, email, WRONG))).await;
    assert!(!at_once.iter().any(admitted));
    assert!(!opens(&browser, email).await);
    assert_eq!(entries(&app, "action = 'account.locked'").await, 1);
    assert_eq!(mails(&app).await, 1);
}

#[tokio::test]
async fn acc_4_a_lock_is_written_down_once_in_each_business_and_mailed_once() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::InsuranceAgency).await;
    let agent = a.member(Role::Agent);
    let also = format!(
        "insert into members (business_id, id, user_id, email, name, role, joined_at)
         values ('{}', gen_random_uuid(), '{}', '{}', 'The same person', 'viewer', '{}')",
        b.id.0,
        agent.user.0,
        agent.email,
        app.now().0
    );
    sql::run(&app.owner, also).await;
    let browser = app.stranger();
    fail(&browser, &agent.email, FAILURES).await;
    app.clock.advance(60);
    fail(&browser, &agent.email, 1).await;
    for business in [a.id, b.id] {
        let locked = format!("action = 'account.locked' and business_id = '{}'", business.0);
        assert_eq!(entries(&app, &locked).await, 1);
        let said =
            format!("{locked} and result = 'done' and after ->> 'browser' = 'unknown' and target_kind = 'member'");
        assert_eq!(entries(&app, &said).await, 1);
    }
    assert_eq!(mails(&app).await, 1);
    app.run_jobs().await;
    let folder = app.app.mailer().folder().expect("mails go to a folder");
    let letters: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .filter_map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).ok())
        .filter(|text| text.contains("Subject: Your Ringfort sign-in is locked for a while"))
        .collect();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains(&format!("To: {}", agent.email)), "{}", letters[0]);
    assert!(!letters[0].contains("Business a"), "what people have written is not in it");
}

#[tokio::test]
async fn acc_4_unknown_addresses_leave_nothing() {
    let (app, _) = start().await;
    fail(&app.stranger(), "nobody@a.example", FAILURES + 1).await;
    for table in ["lobby.lockouts", "lobby.lockout_streaks", "lobby.mails"] {
        assert_eq!(sql::count(&app.owner, format!("select count(*) from {table}")).await, 0, "{table}");
    }
    assert_eq!(entries(&app, "action = 'account.locked'").await, 0);
}

#[tokio::test]
async fn acc_4_after_a_hundred_failures_in_a_row_the_password_alone_admits_nobody() {
    let (app, business) = start().await;
    let agent = business.member(Role::Agent);
    let stranger = app.stranger();
    let first = sign_in(&stranger, &agent.email, PASSWORD).await;
    let known = stranger.clone().with_cookie(first.cookie("__Host-device"));
    let streak = format!(
        "insert into lobby.lockout_streaks (user_id, failures, failed_at) values ('{}', {}, '{}')",
        agent.user.0,
        LINK_AFTER - 1,
        app.now().0
    );
    sql::run(&app.owner, streak).await;
    let before = mails(&app).await;
    let wrong = fail(&stranger.clone().json(), &agent.email, 1).await;
    for browser in [&stranger, &known] {
        let right = sign_in(&browser.clone().json(), &agent.email, PASSWORD).await;
        assert_eq!((right.status, &right.body, headers(&right)), (wrong.status, &wrong.body, headers(&wrong)));
    }
    assert_eq!(mails(&app).await, before + 1, "one mail a day, however often it is tried");
    assert_eq!(entries(&app, "action = 'account.locked' and after ->> 'needs' = 'link'").await, 1);
    app.clock.advance(REMINDER_SECONDS);
    assert!(!opens(&known, &agent.email).await);
    assert_eq!(mails(&app).await, before + 2);
    // Whoever got in, by a link, has a password that counts again.
    lobby::lockout_passed(app.app.db(), agent.user, None).await.expect("forgets");
    assert!(opens(&known, &agent.email).await);
}

#[tokio::test]
async fn acc_4_who_manages_the_team_unlocks_their_own_people_and_nobody_elses() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let agent = a.member(Role::Agent);
    let (id, page) = (agent.id.to_string(), format!("/team/{}", agent.id));
    let stranger = app.stranger();
    let owner = app.browser(a.member(Role::Owner)).await;
    assert!(!owner.get(&page).await.body.contains("Locked until"));
    fail(&stranger, &agent.email, FAILURES).await;

    for (who, status) in [(a.member(Role::Manager), 403), (b.member(Role::Owner), 404)] {
        let reply = app.browser(who).await.json().post("/api/team/unlock", &[("id", &id)]).await;
        assert_eq!(reply.status, status, "{}", reply.body);
    }
    assert!(!opens(&stranger, &agent.email).await, "nobody of them has unlocked anything");

    let shown = owner.get(&page).await.body;
    assert!(shown.contains("Locked until") && shown.contains("/api/team/unlock"), "{shown}");
    let reply = owner.post("/api/team/unlock", &[("id", &id)]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(page.as_str())), "{}", reply.body);
    assert!(opens(&stranger, &agent.email).await);
    assert!(!owner.get(&page).await.body.contains("Locked until"));
    let unlocked = |business: &Business, result: &str| {
        format!("action = 'account.unlocked' and business_id = '{}' and result = '{result}'", business.id.0)
    };
    assert_eq!(entries(&app, &unlocked(&a, "done")).await, 1);
    assert_eq!(entries(&app, &unlocked(&b, "refused")).await, 1);
    assert_eq!(entries(&app, &unlocked(&b, "done")).await, 0);
}

#[tokio::test]
async fn acc_4_nobody_unlocks_whoever_holds_more_than_they_do() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    for _ in 0..FAILURES {
        lobby::lockout_failed(app.app.db(), owner.user, None, app.now()).await.expect("counts");
    }
    let admin = app.browser(business.member(Role::Admin)).await;
    let reply = admin.clone().json().post("/api/team/unlock", &[("id", &owner.id.to_string())]).await;
    assert_eq!(reply.status, 403, "{}", reply.body);
    let standing = lobby::lockout_standing(app.app.db(), owner.user, None, app.now()).await.expect("answers");
    assert_eq!(standing, Standing::Locked);
    let shown = admin.get(&format!("/team/{}", owner.id)).await.body;
    assert!(shown.contains("Locked until") && !shown.contains("/api/team/unlock"), "{shown}");
}

#[tokio::test]
async fn acc_4_old_failures_are_forgotten_and_a_link_that_is_needed_is_not() {
    let (app, business) = start().await;
    let (agent, viewer) = (business.member(Role::Agent), business.member(Role::Viewer));
    lobby::lockout_failed(app.app.db(), agent.user, None, app.now()).await.expect("counts");
    lobby::lockout_failed(app.app.db(), viewer.user, None, app.now()).await.expect("counts");
    let hundred =
        format!("update lobby.lockout_streaks set failures = {LINK_AFTER} where user_id = '{}'", viewer.user.0);
    sql::run(&app.owner, hundred).await;
    let left = async || {
        worker::minute(&app.app).await.expect("housekeeping");
        let buckets = sql::count(&app.owner, "select count(*) from lobby.lockouts").await;
        let streaks = sql::count(&app.owner, "select count(*) from lobby.lockout_streaks").await;
        (buckets, streaks)
    };
    assert_eq!(left().await, (2, 2));
    app.clock.advance(BUCKET_SECONDS + 1);
    assert_eq!(left().await, (0, 2));
    app.clock.advance(STREAK_SECONDS);
    assert_eq!(left().await, (0, 1));
    let standing = lobby::lockout_standing(app.app.db(), viewer.user, None, app.now()).await.expect("answers");
    assert_eq!(standing, Standing::NeedsLink);
}
