//! What arrives, and that nothing is missing: order, restarts, refusals, leases, walls.

use ringfort::{
    model::{profile::Profile, seal::Entry},
    server::services::{audit_stream::sending as sender, seal::chain},
};
use serde_json::{Value, json};

use super::{
    column, form, ids, made, once,
    receiver::{Collector, ELSEWHERE, Ends, HERE},
    sealed_ids, start, syslog, turn,
};
use crate::{
    kit::{PUBLIC_URL, sql},
    seal::{seal, write},
};

#[tokio::test]
async fn aud_5_syslog_gets_everything_that_is_sealed_once_and_in_order() {
    let (app, a, _, collector, _) = syslog().await;
    write(&app, &a, 700).await;
    assert_eq!(turn(&app).await, 0, "nothing is sealed yet, so nothing is sent");
    seal(&app).await;
    assert_eq!(turn(&app).await, 1);
    assert_eq!(turn(&app).await, 0, "and nothing is left");
    assert!(collector.connections() >= 2, "more than one batch");
    let messages = collector.take();
    let host = PUBLIC_URL.strip_prefix("https://").expect("a host");
    for message in &messages {
        // Facility 13, informational; RFC 3339 in UTC; who, what; no structured data.
        assert!(message.starts_with("<110>1 20"), "{message}");
        let head: Vec<&str> = message.splitn(8, ' ').collect();
        assert!(head[1].ends_with('Z') && head[1].contains('T'), "{message}");
        assert_eq!((head[2], head[3], head[4], head[6]), (host, "ringfort", "-", "-"), "{message}");
        assert!(head[5] == "calls.listed" || head[5] == "audit_stream.created", "{message}");
        assert!(head[7].starts_with('{') && !message.contains('\n'), "{message}");
    }
    let events: Vec<Value> =
        messages.iter().map(|m| serde_json::from_str(m.splitn(8, ' ').nth(7).expect("JSON")).expect("JSON")).collect();
    assert_eq!(ids(&events), sealed_ids(&app, &a).await);
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event["position"], json!(position), "a reader sees what is missing");
        let entry: Entry = serde_json::from_value(event["entry"].clone()).expect("an entry");
        let digest = chain::digest(&entry, &mut Vec::new());
        assert_eq!(event["digest"], json!(digest), "a reader can compute what was sealed");
    }
    assert_eq!(column(&app, "sent_total").await, events.len().to_string());
    // And on from there.
    write(&app, &a, 3).await;
    seal(&app).await;
    turn(&app).await;
    assert_eq!(collector.take().len(), 3);
}

#[tokio::test]
async fn aud_5_a_collector_that_goes_and_comes_back_misses_nothing() {
    let (app, a, _, mut collector, _) = syslog().await;
    let mut got = Vec::new();
    let ways = [
        None,
        Some(Ends::Abruptly),
        Some(Ends::Politely),
        None,
        Some(Ends::Silently),
        None,
        Some(Ends::Abruptly),
        Some(Ends::Politely),
    ];
    for way in ways {
        collector.stop().await;
        if let Some(ends) = way {
            collector.syslog(HERE, ends).await;
        }
        write(&app, &a, 5).await;
        seal(&app).await;
        assert_eq!(turn(&app).await, 1, "{way:?}");
        got.extend(ids(&collector.take_json()));
        // An end without a word may be somebody's in between.
        let takes = way == Some(Ends::Politely);
        let problem = if takes { "-" } else { "unreachable" };
        assert_eq!(column(&app, "problem").await, problem, "{way:?}");
        assert_eq!(column(&app, "failures > 0").await, (!takes).to_string(), "{way:?}");
    }
    assert_eq!(once(got), sealed_ids(&app, &a).await, "all of them, in their order");
}

#[tokio::test]
async fn aud_5_an_end_without_a_word_counts_where_that_was_chosen_alone() {
    for is_chosen in [false, true] {
        let mut collector = Collector::away().await;
        collector.syslog(HERE, Ends::Silently).await;
        let (app, a, owner) = start(&[&collector]).await;
        let address = collector.address();
        let mut fields = form(&address, "json", "beginning");
        fields.extend(is_chosen.then_some(("silent_end", "yes")));
        made(&owner, &fields).await;
        write(&app, &a, 2).await;
        seal(&app).await;
        turn(&app).await;
        assert_eq!(column(&app, "problem").await, if is_chosen { "-" } else { "unreachable" });
        assert_eq!(column(&app, "sent_seq > 0").await, is_chosen.to_string());
    }
}

#[tokio::test]
async fn aud_5_a_crash_after_sending_sends_again_and_never_leaves_out() {
    let (app, a, _, collector, _) = syslog().await;
    write(&app, &a, 4).await;
    seal(&app).await;
    turn(&app).await;
    assert_eq!(collector.take().len(), 5);
    // As if the process had died before it could note down that they were taken.
    sql::run(&app.owner, "update audit_streams set sent_seq = 0, sent_place = 2, sent_total = 2").await;
    turn(&app).await;
    let again = collector.take_json();
    assert_eq!(again.iter().map(|event| event["position"].clone()).collect::<Vec<_>>(), [3, 4, 5].map(Value::from));
    assert_eq!(ids(&again), sealed_ids(&app, &a).await[2..]);
}

#[tokio::test]
async fn aud_5_tries_come_further_apart_and_a_stall_is_written_down_once() {
    let (app, a, _, mut collector, _) = syslog().await;
    collector.stop().await;
    write(&app, &a, 1).await;
    seal(&app).await;
    for tried in 1..=6 {
        turn(&app).await;
        assert_eq!(column(&app, "failures").await, tried.to_string());
        let waits = sql::count(
            &app.owner,
            "select round(extract(epoch from next_at - now()))::bigint from audit_streams where lease_until is null",
        )
        .await;
        assert!((waits - (1 << tried)).abs() <= 2, "{waits} s after {tried}");
        assert_eq!(sender::round(&app.app, 16).await.expect("a round"), 0, "not before its time");
    }
    let told = "select string_agg(action || ' ' || result || ' ' || coalesce(reason, ''), ',' order by xid)
                from audit_entries where action in ('audit_stream.stalled', 'audit_stream.recovered')";
    assert_eq!(sql::text(&app.owner, told).await, "audit_stream.stalled failed unreachable");
    collector.syslog(HERE, Ends::Politely).await;
    turn(&app).await;
    assert_eq!(column(&app, "failures || ' ' || coalesce(problem, '-')").await, "0 -");
    let both = "audit_stream.stalled failed unreachable,audit_stream.recovered done ";
    assert_eq!(sql::text(&app.owner, told).await, both);
    seal(&app).await;
    turn(&app).await;
    assert_eq!(once(ids(&collector.take_json())), sealed_ids(&app, &a).await);
}

#[tokio::test]
async fn aud_5_https_gets_lines_with_its_secret_and_2xx_alone_takes_them() {
    let mut collector = Collector::away().await;
    collector.https(HERE).await;
    let (app, a, owner) = start(&[&collector]).await;
    let address = format!("https://{}/in?source=ringfort", collector.address());
    let mut fields = form(&address, "json", "beginning");
    fields.extend([("header", "X-API-Key"), ("secret", "3f-secret-of-the-collector")]);
    made(&owner, &fields).await;
    write(&app, &a, 3).await;
    seal(&app).await;
    let answers = [
        ("500 Oops", "unreachable"),
        ("302 Found\r\nlocation: https://elsewhere.example/", "rejected"),
        ("401 No", "refused"),
        ("400 What", "rejected"),
        ("429 Slow\r\nretry-after: 120", "busy"),
    ];
    for (answer, problem) in answers {
        collector.answer(&[answer]);
        turn(&app).await;
        assert_eq!(column(&app, "problem").await, problem, "{answer}");
        assert!(collector.take().is_empty());
    }
    let waits = sql::count(&app.owner, "select extract(epoch from next_at - now())::bigint from audit_streams").await;
    assert!((110..=121).contains(&waits), "the collector asked for two minutes: {waits}");
    turn(&app).await;
    assert_eq!(ids(&collector.take_json()), sealed_ids(&app, &a).await[..4]);
    let posts = collector.posts();
    assert_eq!(posts.len(), answers.len() + 1, "no redirect is followed");
    for post in posts {
        let head = post.head.to_ascii_lowercase();
        assert!(head.starts_with("post /in?source=ringfort http/1.1"), "{head}");
        assert!(head.contains("x-api-key: 3f-secret-of-the-collector"), "{head}");
        assert!(head.contains("content-type: application/x-ndjson"), "{head}");
        assert!(post.body.ends_with('\n') && post.body.lines().count() == 4, "{}", post.body);
    }
}

#[tokio::test]
async fn aud_5_cef_and_ocsf_arrive_as_they_are_read() {
    let mut collectors = [Collector::away().await, Collector::away().await];
    collectors[0].syslog(HERE, Ends::Politely).await;
    collectors[1].https(HERE).await;
    let (app, a, owner) = start(&[&collectors[0], &collectors[1]]).await;
    made(&owner, &form(&collectors[0].address(), "cef", "beginning")).await;
    let address = format!("https://{}/", collectors[1].address());
    made(&owner, &form(&address, "ocsf", "beginning")).await;
    write(&app, &a, 2).await;
    seal(&app).await;
    assert_eq!((turn(&app).await, turn(&app).await), (1, 1), "of one business one at a time");
    let (cef, ocsf) = (collectors[0].take(), collectors[1].take_json());
    assert_eq!((cef.len(), ocsf.len()), (4, 4));
    for (line, number) in cef.iter().zip(1..) {
        let text = line.splitn(8, ' ').nth(7).expect("a text");
        assert!(text.starts_with("CEF:0|Ringfort|Ringfort|"), "{line}");
        assert!(text.contains(&format!(" cn1Label=position cn1={number} ")), "{line}");
    }
    for event in &ocsf {
        assert_eq!((&event["class_uid"], &event["metadata"]["version"]), (&json!(6003), &json!("1.3.0")), "{event}");
    }
    let told: Vec<String> = ocsf.iter().map(|e| e["metadata"]["uid"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(told, sealed_ids(&app, &a).await);
}

#[tokio::test]
async fn aud_5_nobody_is_trusted_or_called_who_must_not_be() {
    // The certificate, the authority that the form names, and what must come of it.
    for (certificate, has_ca, problem) in
        [(HERE, true, "-"), (HERE, false, "untrusted"), (ELSEWHERE, true, "untrusted")]
    {
        for scheme in ["", "https://"] {
            let mut collector = Collector::away().await;
            if scheme.is_empty() {
                collector.syslog(certificate, Ends::Politely).await;
            } else {
                collector.https(certificate).await;
            }
            let (app, a, owner) = start(&[&collector]).await;
            let address = format!("{scheme}{}", collector.address());
            let fields = form(&address, "json", "beginning");
            made(&owner, if has_ca { &fields[..] } else { &fields[..4] }).await;
            write(&app, &a, 1).await;
            seal(&app).await;
            turn(&app).await;
            assert_eq!(column(&app, "problem").await, problem, "{scheme} {has_ca}");
            assert_eq!(collector.take().is_empty(), problem != "-", "{scheme} {has_ca}");
        }
    }
    // What is not on the operator's list is not called, whatever its name is.
    let mut collector = Collector::away().await;
    collector.syslog(HERE, Ends::Politely).await;
    let (app, a, owner) = start(&[]).await;
    let port = collector.port;
    let inner = ["localhost", "127.0.0.1", "0x7f.1", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]"];
    for host in inner {
        for address in [format!("{host}:{port}"), format!("https://{host}:{port}/")] {
            sql::run(&app.owner, "delete from audit_streams").await;
            made(&owner, &form(&address, "json", "beginning")).await;
            write(&app, &a, 1).await;
            seal(&app).await;
            turn(&app).await;
            assert_eq!(column(&app, "problem").await, "forbidden", "{address}");
        }
    }
    assert_eq!(collector.connections(), 0);
}

#[tokio::test]
async fn aud_5_one_node_sends_a_stream_at_a_time() {
    let (app, a, _, collector, _) = syslog().await;
    write(&app, &a, 20).await;
    seal(&app).await;
    let (one, other) = tokio::join!(sender::round(&app.app, 16), sender::round(&app.app, 16));
    assert_eq!(one.expect("a round") + other.expect("a round"), 1);
    assert_eq!(ids(&collector.take_json()), sealed_ids(&app, &a).await);
    // A node that died holds it until its lease is over, and no longer.
    write(&app, &a, 1).await;
    seal(&app).await;
    sql::run(&app.owner, "update audit_streams set lease_until = now() + interval '1 minute'").await;
    assert_eq!(sender::round(&app.app, 16).await.expect("a round"), 0);
    sql::run(&app.owner, "update audit_streams set lease_until = now() - interval '1 second'").await;
    assert_eq!(sender::round(&app.app, 16).await.expect("a round"), 1);
    assert_eq!(collector.take().len(), 1);
}

#[tokio::test]
async fn aud_5_ten_1_a_stream_carries_its_own_business_and_what_is_sealed_alone() {
    let (app, a, _, collector, _) = syslog().await;
    let b = app.business("b", Profile::VoiceAgents).await;
    write(&app, &b, 5).await;
    write(&app, &a, 2).await;
    seal(&app).await;
    turn(&app).await;
    let events = collector.take_json();
    assert_eq!(ids(&events), sealed_ids(&app, &a).await);
    assert!(events.iter().all(|event| event["entry"]["business"] == json!(a.id)));
    // What was dropped because its time was over is passed by.
    sql::run(
        &app.owner,
        "do $$ declare t regclass; begin
             for t in select relid from pg_partition_tree('audit_entries') loop
                 execute format('alter table %s disable trigger user', t);
             end loop;
         end $$;
         delete from audit_entries; update audit_streams set sent_seq = 0, sent_place = 0, sent_total = 0",
    )
    .await;
    assert_eq!(turn(&app).await, 1);
    assert!(collector.take().is_empty());
    assert_eq!(column(&app, "sent_total || ' ' || failures").await, format!("{} 0", events.len()));
}
