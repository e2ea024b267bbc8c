//! V6.2: passwords. What is wrong with one is asked of the doors that take one.

use proptest::prelude::*;
use ringfort::{
    model::{
        field::Bad,
        password::{MAX_BYTES, MIN_CHARS, MIN_CHARS_OF_FOUR_KINDS, Policy, check_all, check_by},
        permission::Role,
        profile::Profile,
    },
    server::vault::{
        Secret,
        password::{Passwords, Verdict},
    },
};
use serde_json::{Value, json};

use crate::{
    asvs::signs_in,
    kit::{Browser, Business, TestApp, sql},
    link::{ANOTHER, PASSWORD, mailed, opened, start},
};

const CHANGE: &str = "/api/password/change";

/// What is wrong with a new password of who is signed in. All that is wrong is told at once, so the old one need not be
/// right.
async fn refusal(browser: &Browser, password: &str) -> Option<Value> {
    let form = [("password", "not the old one"), ("new_password", password)];
    let reply = browser.clone().json().post(CHANGE, &form).await;
    assert_eq!(reply.status, 422, "{}", reply.body);
    let fault: Value = serde_json::from_str(&reply.body).expect("JSON");
    let mut fields = fault["fields"].as_array().expect("a list").iter();
    fields.find(|field| field["field"] == "new_password").map(|field| field["problem"].clone())
}

/// Characters of four kinds that make no pattern, as many as are wanted.
fn long(chars: usize) -> String {
    "aB3$xY7!q".chars().cycle().take(chars).collect()
}

#[tokio::test]
async fn v6_2_1_a_password_has_eight_characters_at_least_and_fifteen_where_length_is_the_rule() {
    // Characters, not bytes.
    let (eight, fifteen) = ("Ü4#öq9wz", "grüne ötter ams");
    let without_last = |text: &str| {
        let mut text = text.to_owned();
        text.pop();
        text
    };
    for (policy, enough, least) in
        [(Policy::Complexity, eight, MIN_CHARS_OF_FOUR_KINDS), (Policy::Length, fifteen, MIN_CHARS)]
    {
        assert_eq!(check_by(policy, enough, &[]), Ok(()), "{enough}");
        assert_eq!(check_by(policy, &without_last(enough), &[]), Err(Bad::TooShort(least)));
    }
    assert_eq!((MIN_CHARS_OF_FOUR_KINDS, MIN_CHARS), (8, 15));
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    let browser = app.browser(owner).await;
    assert_eq!(refusal(&browser, eight).await, None);
    assert_eq!(refusal(&browser, &without_last(eight)).await, Some(json!({ "TooShort": 8 })));
    app.stranger().post("/api/password/forgot", &[("email", &owner.email)]).await;
    let reset = opened(&app.stranger(), &mailed(&app, &owner.email, "reset").await).await.json();
    assert_eq!(reset.post("/api/password/reset", &[("password", &without_last(eight))]).await.status, 422);
}

#[tokio::test]
async fn v6_2_2_people_change_their_own_password() {
    let (app, business) = start().await;
    let owner = business.member(Role::Owner);
    let browser = app.browser(owner).await.json();
    let reply = browser.post(CHANGE, &[("password", PASSWORD), ("new_password", ANOTHER)]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(signs_in(&app, &owner.email, ANOTHER).await);
    assert!(!signs_in(&app, &owner.email, PASSWORD).await);
}

#[tokio::test]
async fn v6_2_3_a_change_needs_the_password_of_now() {
    let (app, business) = start().await;
    let stored = "select string_agg(password_hash, ' ' order by email) from lobby.users";
    let before = sql::text(&app.owner, stored).await;
    let owner = app.browser(business.member(Role::Owner)).await;
    let agent = app.browser(business.member(Role::Agent)).await;
    let new = ("new_password", ANOTHER);
    for (who, browser, form) in [
        ("without it", &owner, vec![new]),
        ("with nothing", &owner, vec![("password", ""), new]),
        ("with a wrong one", &owner, vec![("password", ANOTHER), new]),
        ("with somebody else's", &agent, vec![("password", PASSWORD), new]),
        ("a stranger", &app.stranger(), vec![("password", PASSWORD), new]),
    ] {
        let reply = browser.clone().json().post(CHANGE, &form).await;
        assert!((400..500).contains(&reply.status), "{who}: {} {}", reply.status, reply.body);
    }
    assert_eq!(sql::text(&app.owner, stored).await, before);
}

#[test]
fn v6_2_4_common_passwords_that_fit_the_rule_are_refused() {
    let list = include_str!("../../../../src/model/common_passwords.txt").lines();
    let mut refused = 0;
    for word in list.filter(|word| word.len() >= 4 && word.bytes().all(|b| b.is_ascii_lowercase())) {
        for behind in ["2026!", "1234!", "!2025", "#12345"] {
            let password = format!("{}{}{behind}", word[..1].to_uppercase(), &word[1..]);
            assert_eq!(check_by(Policy::Complexity, &password, &[]), Err(Bad::Common), "{password}");
            refused += 1;
        }
    }
    assert!(refused >= 3_000, "only {refused}");
}

#[tokio::test]
async fn v6_2_4_a_common_password_in_wide_letters_is_common() {
    let (app, business) = start().await;
    let browser = app.browser(business.member(Role::Owner)).await;
    assert_eq!(refusal(&browser, "Ｐａｓｓｗｏｒｄ１！").await, Some(json!("Common")));
    // Eight characters as they are typed, six as they are stored.
    assert!(refusal(&browser, "A\u{30a}o\u{308}1\u{307}!\u{323}").await.is_some());
}

proptest! {
    #[test]
    fn v6_2_5_where_length_is_the_rule_any_characters_are_accepted(password in "\\PC{15,128}") {
        prop_assert_eq!(check_by(Policy::Length, &password, &[]), Ok(()));
    }
}

#[test]
fn v6_2_5_a_single_kind_of_characters_is_enough_there_and_not_by_the_usual_rule() {
    for one_kind in [
        "839201748265019",
        "only lower case",
        "ONLY UPPER CASE LETTERS",
        ".,;:-_#+*~!?=)(",
        "十五文字以上の合言葉はこれで良いはず",
    ] {
        assert_eq!(check_by(Policy::Length, one_kind, &[]), Ok(()), "{one_kind}");
        // What docs/ASVS.md calls not met.
        assert_eq!(check_all(&[], one_kind, &[]), Err(Bad::Kinds), "{one_kind}");
    }
}

/// Every page with a field for a password, as its person sees it.
async fn pages(app: &TestApp, business: &Business) -> Vec<(&'static str, String)> {
    let owner = business.member(Role::Owner);
    let browser = app.browser(owner).await;
    app.stranger().post("/api/password/forgot", &[("email", &owner.email)]).await;
    let reset = opened(&app.stranger(), &mailed(app, &owner.email, "reset").await).await;
    browser.post("/api/team/invite", &[("email", "new@a.example"), ("role", "agent")]).await;
    let join = opened(&app.stranger(), &mailed(app, "new@a.example", "join").await).await;
    let founder = [("email", "founder@b.example"), ("business", "Business b"), ("zone", "Europe/Berlin")];
    let profile = [("profile", Profile::FieldService.code())];
    app.stranger().post("/api/sign-up", &[&founder[..], &profile[..]].concat()).await;
    let sign_up = opened(&app.stranger(), &mailed(app, "founder@b.example", "sign-up").await).await;
    let mut pages = Vec::new();
    for (path, browser) in [
        ("/sign-in", app.stranger()),
        ("/confirm", browser.clone()),
        ("/account/password", browser),
        ("/reset", reset),
        ("/join", join),
        ("/sign-up/finish", sign_up),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        pages.push((path, page.body));
    }
    pages
}

/// The tags of a page's fields for passwords: at least one.
fn fields<'a>(path: &str, page: &'a str) -> Vec<&'a str> {
    let tags = page.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    let is_one = |tag: &&str| ["name=\"password\"", "name=\"new_password\""].iter().any(|name| tag.contains(name));
    let found: Vec<_> = tags.filter(is_one).collect();
    assert!(!found.is_empty(), "{path} has no field for a password");
    found
}

#[tokio::test]
async fn v6_2_6_fields_for_passwords_are_masked() {
    let (app, business) = start().await;
    for (path, page) in pages(&app, &business).await {
        for tag in fields(path, &page) {
            assert!(tag.contains("type=\"password\""), "{path}: {tag}");
        }
    }
}

#[tokio::test]
async fn v6_2_7_password_managers_are_told_which_field_is_which_and_nothing_is_in_their_way() {
    let (app, business) = start().await;
    for (path, page) in pages(&app, &business).await {
        for tag in fields(path, &page) {
            let is = |which: &str| tag.contains(&format!("autocomplete=\"{which}\""));
            let (new, current) = (is("new-password"), is("current-password"));
            let is_told = new || current && !tag.contains("name=\"new_password\"");
            assert!(is_told && !tag.contains("maxlength") && !tag.contains("readonly"), "{path}: {tag}");
        }
        for event in ["onpaste", "oncopy", "ondrop", "onkeydown"] {
            assert!(!page.contains(event), "{path} listens to {event}");
        }
    }
}

#[tokio::test]
async fn v6_2_8_a_password_is_verified_exactly_as_it_was_set() {
    let passwords = Passwords::new(2).expect("hashes");
    let set = format!("Seven quiet otters {}", long(100));
    let hash = passwords.hash(Secret::new(set.clone())).await.expect("hashes");
    let verdict =
        async |typed: String| passwords.verify(Secret::new(typed), Some(hash.clone())).await.expect("answers");
    assert_eq!(verdict(set.clone()).await, Verdict::Right);
    for typed in [
        set[..72].to_owned(),
        set[..64].to_owned(),
        set[..set.len() - 1].to_owned(),
        format!("{set} "),
        format!(" {set}"),
        set.to_lowercase(),
        set.replace(' ', ""),
    ] {
        assert_eq!(verdict(typed.clone()).await, Verdict::Wrong, "{typed}");
    }
    // Nor does the door trim or cut.
    let (app, business) = start().await;
    let email = &business.member(Role::Owner).email;
    for typed in [format!("{PASSWORD} "), format!(" {PASSWORD}"), PASSWORD.to_uppercase()] {
        assert!(!signs_in(&app, email, &typed).await, "{typed:?}");
    }
    assert!(signs_in(&app, email, PASSWORD).await);
}

#[tokio::test]
async fn v6_2_9_a_password_may_be_long_and_one_that_is_too_long_is_not_hashed() {
    let (app, business) = start().await;
    let browser = app.browser(business.member(Role::Owner)).await;
    for chars in [64, 128, MAX_BYTES] {
        assert_eq!(refusal(&browser, &long(chars)).await, None, "{chars}");
    }
    assert_eq!(refusal(&browser, &long(MAX_BYTES + 1)).await, Some(json!({ "TooLong": 1024 })));
    let passwords = Passwords::new(1).expect("hashes");
    let hash = passwords.hash(Secret::new(long(MAX_BYTES))).await.expect("hashes");
    let verdict = async |typed, stored: &str| passwords.verify(Secret::new(typed), Some(stored.to_owned())).await;
    assert!(matches!(verdict(long(MAX_BYTES), &hash).await, Ok(Verdict::Right)));
    // A stored hash that cannot be read would be an error, if it were looked at.
    assert!(matches!(verdict(long(MAX_BYTES + 1), "not a hash").await, Ok(Verdict::Wrong)));
    assert!(verdict(long(MAX_BYTES), "not a hash").await.is_err());
}

#[tokio::test]
async fn v6_2_10_a_password_does_not_grow_old() {
    let (app, business) = start().await;
    app.clock.advance(5 * 365 * 24 * 3600);
    let owner = business.member(Role::Owner);
    let reply = crate::asvs::sign_in(&app.stranger(), &owner.email, PASSWORD).await;
    assert_eq!(reply.header("location"), Some("/home"), "nothing is asked besides: {}", reply.body);
}

#[tokio::test]
async fn v6_2_11_words_that_a_stranger_could_guess_are_refused_and_that_is_said() {
    let (app, business) = start().await;
    let browser = app.browser(business.member(Role::Agent)).await;
    for guessable in ["Agent#2026x", "Example!9z4", "Business-a1!", "Ringfort#77x"] {
        assert_eq!(refusal(&browser, guessable).await, Some(json!("Guessable")), "{guessable}");
    }
    assert_eq!(refusal(&browser, "uT4#xq9w").await, None);
}
