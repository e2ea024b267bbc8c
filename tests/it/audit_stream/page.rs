//! What the owner does with streams (AUD-5), without scripts: make, test, hold, send again, rotate, delete; and what of a
//! secret is seen nowhere.

use ringfort::model::permission::Role;
use serde_json::json;

use super::{
    CREATE, column, form, ids, made,
    receiver::{Collector, HERE},
    sealed_ids, start, syslog, turn,
};
use crate::{
    kit::{TestApp, sql},
    seal::{seal, write},
};

const SECRET: &str = "Bearer 3f-canary-of-the-collector";

fn page(stream: impl std::fmt::Display) -> String {
    format!("/audit/streams/{stream}")
}

#[tokio::test]
async fn aud_5_a_test_is_one_marked_event_and_says_how_it_went() {
    let (app, _, owner, mut collector, stream) = syslog().await;
    let id = stream.to_string();
    let reply = owner.post("/api/audit/streams/test", &[("id", &id)]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(page(stream).as_str())));
    let events = collector.take_json();
    assert_eq!(events.len(), 1, "nothing else goes with it");
    assert_eq!((&events[0]["test"], &events[0]["position"]), (&json!(true), &json!(0)));
    assert_eq!(column(&app, "test_result || ' ' || sent_total").await, "ok 0", "the stream's place stays");
    assert!(owner.get(&page(stream)).await.body.contains("Taken"));
    let soon = owner.clone().json().post("/api/audit/streams/test", &[("id", &id)]).await;
    assert_eq!((soon.status, collector.take().len()), (429, 0), "one in ten seconds");
    app.clock.advance(11);
    collector.stop().await;
    owner.post("/api/audit/streams/test", &[("id", &id)]).await;
    assert_eq!(column(&app, "test_result").await, "unreachable");
    assert!(owner.get(&page(stream)).await.body.contains("It does not answer, or breaks off"));
    let told = "select string_agg(after ->> 'result', ',' order by xid) from audit_entries
                where action = 'audit_stream.tested' and result = 'done'";
    assert_eq!(sql::text(&app.owner, told).await, "ok,unreachable");
}

#[tokio::test]
async fn aud_5_a_held_stream_keeps_its_place_and_goes_on_from_it() {
    let (app, a, owner, collector, stream) = syslog().await;
    let id = stream.to_string();
    let press = async |path: &str| owner.post(path, &[("id", id.as_str())]).await.status;
    assert_eq!(press("/api/audit/streams/pause").await, 303);
    write(&app, &a, 3).await;
    seal(&app).await;
    assert_eq!(turn(&app).await, 0);
    assert!(owner.get(&page(stream)).await.body.contains("Paused"));
    let again = owner.clone().json().post("/api/audit/streams/pause", &[("id", &id)]).await;
    assert_eq!(again.status, 409, "{}", again.body);
    assert_eq!(press("/api/audit/streams/resume").await, 303);
    seal(&app).await;
    turn(&app).await;
    assert_eq!(ids(&collector.take_json()), sealed_ids(&app, &a).await);
    assert!(owner.get("/audit/streams").await.body.contains("Up to date"));
}

#[tokio::test]
async fn aud_5_a_stream_sends_again_from_a_day_on() {
    let (app, a, _, collector, stream) = syslog().await;
    write(&app, &a, 2).await;
    seal(&app).await;
    app.clock.advance(3 * 86_400);
    let owner = app.browser(a.member(Role::Owner)).await;
    write(&app, &a, 2).await;
    seal(&app).await;
    turn(&app).await;
    let first = collector.take_json().len();
    let day = app.now().0.to_zoned(jiff::tz::TimeZone::get("America/New_York").expect("a zone")).date().to_string();
    let id = stream.to_string();
    let replay = async |from: &str| {
        let fields = [("id", id.as_str()), ("from", from)];
        assert_eq!(owner.post("/api/audit/streams/replay", &fields).await.status, 303, "{from}");
        let soon = owner.clone().json().post("/api/audit/streams/replay", &fields).await;
        assert_eq!(soon.status, 429, "one a minute");
        app.clock.advance(61);
        turn(&app).await;
        collector.take_json().len()
    };
    assert_eq!(replay(&day).await, 2, "those of today");
    assert_eq!(replay("").await, first, "all of them");
    assert_eq!(replay("2099-01-01").await, 0, "none yet");
    let wrong = owner.clone().json().post("/api/audit/streams/replay", &[("id", &id), ("from", "monday")]).await;
    assert_eq!(wrong.status, 422);
    let told = "select before ->> 'entries' || '>' || (after ->> 'entries') from audit_entries
                where action = 'audit_stream.replayed' and result = 'done' order by xid limit 1";
    assert_eq!(sql::text(&app.owner, told).await, format!("{first}>{}", first - 2));
}

async fn nowhere(app: &TestApp, words: &[&str]) {
    let all = sql::text(
        &app.owner,
        "select coalesce(string_agg(t::text, ' '), '') from (
             select s::text from audit_streams s union all select e::text from audit_entries e
             union all select j::text from jobs j union all select o::text from outbox o
         ) as t",
    )
    .await;
    for word in words {
        assert!(!all.contains(word), "{word} is in the database: {all}");
    }
}

#[tokio::test]
async fn aud_5_key_1_a_secret_is_seen_by_the_collector_alone() {
    let mut collector = Collector::away().await;
    collector.https(HERE).await;
    let (app, _, owner) = start(&[&collector]).await;
    let address = format!("https://{}/", collector.address());
    let mut fields = form(&address, "json", "now");
    fields.push(("secret", SECRET));
    let stream = made(&owner, &fields).await;
    let id = stream.to_string();
    let shown = owner.get(&page(stream)).await.body;
    assert!(shown.contains("Sealed; sent as Authorization") && !shown.contains("canary"), "{shown}");
    let hex = hex::encode(SECRET);
    nowhere(&app, &["canary", &hex]).await;
    owner.post("/api/audit/streams/test", &[("id", &id)]).await;
    assert!(collector.posts()[0].head.contains(SECRET));
    app.clock.advance(11);
    // Another secret, in another header; then none.
    let other = [("id", id.as_str()), ("header", "X-Key"), ("secret", "another-canary")];
    assert_eq!(owner.post("/api/audit/streams/rotate", &other).await.status, 303);
    owner.post("/api/audit/streams/test", &[("id", &id)]).await;
    app.clock.advance(11);
    owner.post("/api/audit/streams/rotate", &[("id", &id)]).await;
    owner.post("/api/audit/streams/test", &[("id", &id)]).await;
    app.clock.advance(11);
    let heads: Vec<String> = collector.posts().into_iter().map(|post| post.head.to_ascii_lowercase()).collect();
    assert!(heads[1].contains("x-key: another-canary") && !heads[1].contains("authorization"), "{}", heads[1]);
    assert!(!heads[2].contains("canary"), "{}", heads[2]);
    // One that was copied to another stream, or whose key is gone, opens nothing and is no reason to call anybody.
    sql::run(&app.owner, "update audit_streams set header = 'X-Key', sealed = '\\x01020304'").await;
    owner.post("/api/audit/streams/test", &[("id", &id)]).await;
    assert_eq!(column(&app, "test_result").await, "broken");
    assert_eq!(collector.posts().len(), 3);
    nowhere(&app, &["canary"]).await;
}

#[tokio::test]
async fn aud_5_what_cannot_be_used_is_refused_with_its_field() {
    let (app, a, owner) = start(&[]).await;
    let owner = owner.json();
    let good = form("logs.example.com", "json", "now");
    let wrong: [(&str, &str, &str); 9] = [
        ("label", "", "label"),
        ("address", "http://logs.example.com/", "address"),
        ("address", "logs.example.com:70000", "address"),
        ("address", "https://user:x@logs.example.com/", "address"),
        ("format", "leef", "format"),
        ("start", "yesterday", "start"),
        ("ca", "-----BEGIN CERTIFICATE-----", "ca"),
        ("secret", "x", "secret"),
        ("header", "X-Key", "header"),
    ];
    for (field, value, named) in wrong {
        let mut fields: Vec<_> = good.iter().filter(|(name, _)| *name != field).copied().collect();
        fields.push((field, value));
        let reply = owner.post(CREATE, &fields).await;
        assert_eq!(reply.status, 422, "{field}={value}: {}", reply.body);
        assert!(reply.body.contains(&format!("\"field\":\"{named}\"")), "{field}={value}: {}", reply.body);
    }
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_streams").await, 0);
    // Four, and no more.
    for number in 0..5 {
        let status = owner.post(CREATE, &good).await.status;
        assert_eq!(status, if number < 4 { 200 } else { 422 }, "{number}");
    }
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_streams").await, 4);
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Owner) {
        let somebody = app.browser(a.member(role)).await;
        assert_eq!(somebody.get("/audit/streams").await.status, 403, "{}", role.code());
        assert_eq!(somebody.post(CREATE, &good).await.status, 403, "{}", role.code());
    }
}

#[tokio::test]
async fn aud_5_acc_8_an_old_proof_makes_no_stream_and_a_deleted_one_sends_nothing() {
    let (app, a, owner, collector, stream) = syslog().await;
    let id = stream.to_string();
    app.clock.advance(660);
    let old = owner.post("/api/audit/streams/delete", &[("id", &id), ("confirm", "delete")]).await;
    assert!(old.status != 200 && old.header("location").is_none_or(|to| to.starts_with("/confirm")), "{}", old.body);
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_streams").await, 1);
    let owner = app.browser(a.member(Role::Owner)).await;
    let unsure = owner.clone().json().post("/api/audit/streams/delete", &[("id", &id)]).await;
    assert_eq!(unsure.status, 422);
    let gone = owner.post("/api/audit/streams/delete", &[("id", &id), ("confirm", "delete")]).await;
    assert_eq!((gone.status, gone.header("location")), (303, Some("/audit/streams")));
    write(&app, &a, 2).await;
    seal(&app).await;
    assert_eq!(turn(&app).await, 0);
    assert!(collector.take().is_empty());
    assert_eq!(owner.get(&page(stream)).await.status, 404);
    let told = "select string_agg(distinct action, ',') from audit_entries where action like 'audit_stream.%'";
    assert_eq!(sql::text(&app.owner, told).await, "audit_stream.created,audit_stream.deleted");
}
