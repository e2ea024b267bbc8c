//! Provider events (TEL-1): only genuine ones, each once, in any order, none lost.

use std::time::Duration;

use futures::future::join_all;
use ringfort::model::{permission::Role, profile::Profile};

use crate::kit::{
    Business, PUBLIC_URL, TestApp,
    fixture::{PARTY, TARGET},
    form, sql,
    twilio::{AUTH_TOKEN, NUMBER, Twilio, post, sid, sign},
};

async fn start() -> (TestApp, Business, Twilio) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    let twilio = app.twilio(&business).await;
    desk(&app, &business).await;
    (app, business, twilio)
}

/// An extension of the agent's.
async fn desk(app: &TestApp, business: &Business) {
    let statement = format!(
        "insert into extensions (business_id, id, extension, member_id, target, created_at)
         values ('{}', gen_random_uuid(), '101', '{}', '{TARGET}', now())",
        business.id.0,
        business.member(Role::Agent).id.0
    );
    sql::run(&app.owner, statement).await;
}

/// An event: the door it comes through, and its parameters.
type Event = (&'static str, Vec<(&'static str, String)>);

async fn send(app: &TestApp, twilio: &Twilio, event: &Event) -> u16 {
    let fields: Vec<_> = event.1.iter().map(|(name, value)| (*name, value.as_str())).collect();
    twilio.post(app, event.0, &fields).await.status
}

/// The first word of a call that comes in.
fn ringing(call: u32) -> Event {
    let fields = vec![
        ("CallSid", sid(call)),
        ("CallStatus", "ringing".to_owned()),
        ("Direction", "inbound".to_owned()),
        ("From", PARTY.to_owned()),
        ("To", NUMBER.to_owned()),
    ];
    ("voice", fields)
}

/// A call from its first to its last event: it comes in, a desk rings and answers, somebody hangs up.
fn whole_call(app: &TestApp, call: u32) -> [Event; 4] {
    let at = |seconds: i64| app.now().plus(seconds).0.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let leg = |status: &str, number: i64| {
        let fields = vec![
            ("CallSid", sid(call + 1_000_000)),
            ("ParentCallSid", sid(call)),
            ("CallStatus", status.to_owned()),
            ("Direction", "outbound-dial".to_owned()),
            ("From", PARTY.to_owned()),
            ("To", TARGET.to_owned()),
            ("SequenceNumber", number.to_string()),
            ("Timestamp", at(number)),
        ];
        ("status", fields)
    };
    let mut end = ringing(call);
    end.0 = "status";
    "completed".clone_into(&mut end.1[1].1);
    end.1.push(("SequenceNumber", "3".to_owned()));
    end.1.push(("Timestamp", at(30)));
    [ringing(call), leg("ringing", 1), leg("in-progress", 2), end]
}

#[tokio::test]
async fn tel_1_a_genuine_event_creates_a_call_and_a_repeat_does_nothing() {
    let (app, _, twilio) = start().await;
    let event = ringing(1);
    let fields: Vec<_> = event.1.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let first = twilio.post(&app, "voice", &fields).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert!(first.body.contains("<Response>") && first.body.contains("desk_101"), "{}", first.body);
    let effects = effects(&app).await;
    assert_eq!(effects, "calls 1, events 1, receipts 1, outbox 1, received 1");
    assert_eq!(sql::text(&app.owner, "select state || party_number from calls").await, format!("ringing{PARTY}"));
    for _ in 0..3 {
        let repeat = twilio.post(&app, "voice", &fields).await;
        assert_eq!((repeat.status, &repeat.body), (200, &first.body));
    }
    assert_eq!(self::effects(&app).await, effects);
    let actor = sql::text(
        &app.owner,
        "select actor_kind || actor_id || coalesce(before::text, '') from audit_entries where action = 'webhook.received'",
    )
    .await;
    assert_eq!(actor, format!("webhook{}", twilio.connection.0));
}

async fn effects(app: &TestApp) -> String {
    sql::text(
        &app.owner,
        "select format('calls %s, events %s, receipts %s, outbox %s, received %s',
             (select count(*) from calls), (select count(*) from call_events),
             (select count(*) from webhook_receipts where state = 'applied'), (select count(*) from outbox),
             (select count(*) from audit_entries where action = 'webhook.received'))",
    )
    .await
}

#[tokio::test]
async fn tel_1_what_is_not_genuine_is_turned_away_and_everything_looks_alike() {
    let (app, business, twilio) = start().await;
    let account = twilio.account.as_str();
    let call = sid(1);
    let fields =
        [("AccountSid", account), ("CallSid", call.as_str()), ("CallStatus", "ringing"), ("Direction", "inbound")];
    let body = form(&fields);
    let path = twilio.path("voice");
    let url = format!("{PUBLIC_URL}{path}");
    let good = sign(&url, &fields, AUTH_TOKEN);
    let unknown = path.replace(&twilio.token, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq");
    let other_provider = path.replace("twilio", "nowcerts");
    let no_provider = path.replace("twilio", "nobody");
    let stolen = Twilio { account: "AC00000000000000000000000000000009".to_owned(), ..twilio.clone() };
    let attempts = [
        post(&app, &path, None, body.clone()).await,
        post(&app, &path, Some(""), body.clone()).await,
        post(&app, &path, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA="), body.clone()).await,
        post(&app, &path, Some(&sign(&url, &fields, "ffffffffffffffffffffffffffffffff")), body.clone()).await,
        post(&app, &path, Some(&good), format!("{body}&From=%2B14155550199")).await,
        post(&app, &format!("{path}?x=1"), Some(&good), body.clone()).await,
        post(&app, &twilio.path("status"), Some(&good), body.clone()).await,
        post(&app, &twilio.path("nothing"), Some(&good), body.clone()).await,
        post(&app, &unknown, Some(&sign(&format!("{PUBLIC_URL}{unknown}"), &fields, AUTH_TOKEN)), body.clone()).await,
        post(&app, &other_provider, Some(&good), body.clone()).await,
        post(&app, &no_provider, Some(&good), body.clone()).await,
        stolen.post(&app, "voice", &fields[1..]).await,
    ];
    for (number, attempt) in attempts.iter().enumerate() {
        assert_eq!((attempt.status, attempt.body.as_str()), (401, "not accepted\n"), "attempt {number}");
    }
    assert_eq!(effects(&app).await, "calls 0, events 0, receipts 0, outbox 0, received 0");
    assert_eq!(post(&app, &path, Some(&good), body).await.status, 200, "the untouched one is genuine");
    assert_eq!(sql::count(&app.owner, "select count(*) from calls").await, 1);
    assert_eq!(sql::text(&app.owner, "select business_id::text from calls").await, business.id.0.to_string());
}

#[tokio::test]
async fn tel_1_too_large_a_body_is_not_read() {
    let (app, _, twilio) = start().await;
    let filler = "x".repeat(70 << 10);
    let reply = twilio.post(&app, "voice", &[("CallSid", &sid(1)), ("Filler", &filler)]).await;
    assert_eq!(reply.status, 413);
    let nobody = post(&app, "/webhooks/twilio/nobody/voice", None, filler).await;
    assert_eq!((nobody.status, nobody.body), (413, reply.body));
}

#[tokio::test]
async fn tel_1_a_genuine_event_that_cannot_be_read_is_kept_for_people() {
    let (app, _, twilio) = start().await;
    let fields = [("CallSid", sid(1)), ("CallStatus", "dreaming".to_owned()), ("Direction", "inbound".to_owned())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(twilio.post(&app, "voice", &fields).await.status, 422);
    let receipt = "select state || ' ' || problem || ' ' || (payload_sealed is null) from webhook_receipts";
    assert_eq!(sql::text(&app.owner, receipt).await, "malformed CallStatus: not a known state true");
    let written =
        "select result || ' ' || reason || ' ' || target_kind from audit_entries where action = 'webhook.malformed'";
    assert_eq!(sql::text(&app.owner, written).await, "refused CallStatus receipt");
    assert_eq!(sql::count(&app.owner, "select count(*) from calls").await, 0);
}

/// Every order of four things.
fn orders() -> Vec<[usize; 4]> {
    let mut all = Vec::new();
    for code in 0..256_usize {
        let order = [code & 3, (code >> 2) & 3, (code >> 4) & 3, (code >> 6) & 3];
        let mut seen = order;
        seen.sort_unstable();
        if seen == [0, 1, 2, 3] {
            all.push(order);
        }
    }
    all
}

#[tokio::test]
async fn tel_1_events_in_any_order_end_in_the_same_call() {
    let (app, business, twilio) = start().await;
    let agent = business.member(Role::Agent).id.0;
    let mut ends = Vec::new();
    for (number, order) in orders().into_iter().enumerate() {
        let call = u32::try_from(number).expect("small") + 1;
        let events = whole_call(&app, call);
        for index in order {
            assert_eq!(send(&app, &twilio, &events[index]).await, 200, "{order:?}");
        }
        // And once more, the other way round.
        for index in order.into_iter().rev() {
            assert_eq!(send(&app, &twilio, &events[index]).await, 200, "{order:?}");
        }
        // Above the rate, events wait for the worker, in whatever order it takes them.
        app.run_jobs().await;
        wait_for_all(&app).await;
        let end = sql::text(
            &app.owner,
            format!(
                "select format('%s %s %s %s %s %s %s %s %s %s | %s', direction, party_number, own_number, c.member_id,
                     c.state, c.state_seq, started_at, c.state_at, answered_at, ended_at,
                     (select string_agg(format('%s %s %s %s', l.state, l.state_seq, l.state_at, l.member_id), ';')
                      from call_legs l where l.call_id = c.id))
                 from calls c where provider_call_id = '{}'",
                sid(call)
            ),
        )
        .await;
        ends.push((order, end));
    }
    assert_eq!(ends.len(), 24);
    let (_, first) = ends[0].clone();
    assert!(first.starts_with(&format!("inbound {PARTY} {NUMBER} {agent} completed 3 ")), "{first}");
    for (order, end) in ends {
        assert_eq!(end, first, "{order:?}");
    }
    assert_eq!(sql::count(&app.owner, "select count(*) from call_events").await, 24 * 4);
}

/// Runs jobs until no receipt waits.
async fn wait_for_all(app: &TestApp) {
    for _ in 0..200 {
        let waiting = "select count(*) from webhook_receipts where state = 'pending'";
        if sql::count(&app.owner, waiting).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(320)).await;
        app.run_jobs().await;
    }
    panic!("events wait for ever");
}

#[tokio::test]
async fn tel_1_eight_deliveries_at_once_have_one_effect() {
    let (app, _, twilio) = start().await;
    let events = whole_call(&app, 1);
    for event in &events {
        let at_once = join_all((0..8).map(|_| send(&app, &twilio, event))).await;
        assert_eq!(at_once, [200; 8]);
    }
    assert_eq!(effects(&app).await, "calls 1, events 4, receipts 4, outbox 4, received 4");
}

#[tokio::test]
async fn tel_1_above_the_rate_an_event_waits_sealed_and_is_applied_later() {
    let (app, business, twilio) = start().await;
    while app.app.limits().may_apply(business.id) {}
    assert_eq!(send(&app, &twilio, &ringing(1)).await, 200, "what is genuine is received");
    let waiting = "select state || ' ' || problem || ' ' || (payload_sealed is not null) from webhook_receipts";
    assert_eq!(sql::text(&app.owner, waiting).await, "pending rate true");
    let clear = "select count(*) from webhook_receipts where position('14155550100'::bytea in payload_sealed) > 0";
    assert_eq!(sql::count(&app.owner, clear).await, 0, "the caller's number is kept in clear");
    assert_eq!(sql::count(&app.owner, "select count(*) from jobs where kind = 'webhook.apply'").await, 1);
    assert_eq!(sql::count(&app.owner, "select count(*) from calls").await, 0);
    // A repeat meanwhile is still a repeat.
    assert_eq!(send(&app, &twilio, &ringing(1)).await, 200);
    wait_for_all(&app).await;
    assert_eq!(sql::text(&app.owner, "select state || party_number from calls").await, format!("ringing{PARTY}"));
    let done = "select state || ' ' || (payload_sealed is null) from webhook_receipts";
    assert_eq!(sql::text(&app.owner, done).await, "applied true");
    assert_eq!(sql::count(&app.owner, "select count(*) from jobs").await, 0);
    let entries = "select count(*) from audit_entries where action = 'webhook.received'";
    assert_eq!(sql::count(&app.owner, entries).await, 2, "received, and applied");
}

#[tokio::test]
async fn key_2_a_rotated_secret_ends_after_its_overlap() {
    let (app, business, old) = start().await;
    let owner = app.browser(business.member(Role::Owner)).await;
    let new = Twilio { auth: "ffffffffffffffffffffffffffffffff".to_owned(), ..old.clone() };
    assert_eq!(send(&app, &new, &ringing(1)).await, 401);
    let id = old.connection.to_string();
    let rotated = owner.post("/api/connections/rotate", &[("id", &id), ("secret", &new.auth)]).await;
    assert_eq!(rotated.status, 303, "{}", rotated.body);
    assert_eq!(send(&app, &old, &ringing(2)).await, 200, "within the overlap");
    assert_eq!(send(&app, &new, &ringing(3)).await, 200);
    // The database's clock counts: the minute passes by hand.
    let passed =
        "update connection_secrets set expires_at = expires_at - interval '61 seconds' where expires_at is not null";
    assert_eq!(sql::run(&app.owner, passed).await, 1);
    assert_eq!(send(&app, &old, &ringing(4)).await, 401, "after it");
    assert_eq!(send(&app, &new, &ringing(5)).await, 200);
}

#[tokio::test]
async fn key_2_a_revoked_connection_is_refused_with_the_next_event() {
    let (app, business, twilio) = start().await;
    assert_eq!(send(&app, &twilio, &ringing(1)).await, 200);
    let owner = app.browser(business.member(Role::Owner)).await;
    let id = twilio.connection.to_string();
    let revoked = owner.post("/api/connections/revoke", &[("id", &id), ("confirm", "revoke")]).await;
    assert_eq!((revoked.status, revoked.header("location")), (303, Some("/connections")), "{}", revoked.body);
    assert_eq!(send(&app, &twilio, &ringing(2)).await, 401);
    assert_eq!(sql::count(&app.owner, "select count(*) from connection_secrets").await, 0, "the secret is gone");
}
