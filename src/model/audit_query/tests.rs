//! Queries as words, and back.

use jiff::civil::{date, time};
use proptest::{option, prelude::*, sample::select};

use super::*;

fn query(text: &str) -> AuditQuery {
    text.parse().expect("a query")
}

fn problems(text: &str) -> Vec<Problem> {
    text.parse::<AuditQuery>().expect_err("nothing that can be read").into_iter().map(|bad| bad.problem).collect()
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

#[test]
fn every_key_is_read_and_written() {
    let id = Uuid::from_u128(7).simple();
    let text = format!(
        "actor:mem_{id} action:call.viewed target:call result:refused ip:192.0.2.0/24 trace:trc_{id} at:7d role owner"
    );
    assert_eq!(query(&text).to_string(), text);
    assert_eq!(query("Result:DONE owner ACTOR:job").to_string(), "actor:job result:done owner", "in one order");
    assert_eq!(query("  "), AuditQuery::default());
    assert_eq!(query("").to_string(), "");
}

#[test]
fn ids_are_read_with_and_without_their_kind() {
    let id = Uuid::from_u128(7);
    for text in [format!("call_{}", id.simple()), id.to_string(), id.simple().to_string()] {
        assert_eq!(query(&format!("target:{text}")).target.and_then(|t| t.id()), Some(id), "{text}");
    }
    assert_eq!(query("target:retention_run").target, Some(Subject::Kind("retention_run".to_owned())));
    assert_eq!(problems("target:call_7"), [Problem::Subject]);
}

#[test]
fn an_address_is_looked_for_by_its_network() {
    assert_eq!(query("ip:192.0.2.77").to_string(), "ip:192.0.2.0/24");
    assert_eq!(query("ip:192.0.2.77/32").to_string(), "ip:192.0.2.0/24");
    assert_eq!(query("ip:2001:db8:1:2::3").to_string(), "ip:2001:db8:1::/48");
    assert_eq!(problems("ip:10.0.0.0/8"), [Problem::Wide]);
    assert_eq!(problems("ip:here"), [Problem::Ip]);
}

#[test]
fn words_are_letters_and_digits() {
    assert_eq!(query("Role-Changed 2026").text.as_deref(), Some("role changed 2026"));
    assert_eq!(problems("é"), [Problem::Text]);
    assert_eq!(problems("a b c d e f g h i"), [Problem::Most]);
}

#[test]
fn each_bad_word_is_named_with_what_to_do() {
    let bad = "who:me result:good actor:".parse::<AuditQuery>().expect_err("three of them");
    assert_eq!(bad.len(), 3);
    let told = bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(told.contains("“who:me”: There is no such filter."), "{told}");
    assert!(told.contains("“result:good”: Write done, refused or failed."), "{told}");
    assert!(told.contains("“actor:”: Write what to look for"), "{told}");
    assert_eq!(problems("result:done result:failed"), [Problem::Twice]);
    assert_eq!(problems("action:call.heard"), [Problem::Action]);
    assert_eq!(problems("trace:7"), [Problem::Trace]);
    assert_eq!(problems(&"a".repeat(LONGEST + 1)), [Problem::Long]);
}

#[test]
fn spans_are_those_of_the_zone() {
    let zone = TimeZone::fixed(jiff::tz::offset(-6));
    let now = instant("2026-01-08T03:00:00Z");
    let of = |text: &str| {
        let filter = query(&format!("at:{text}")).resolve(now, &zone);
        (filter.from.map(|at| at.to_string()), filter.to.map(|at| at.to_string()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(of("24h"), (some("2026-01-07T03:00:00Z"), None));
    assert_eq!(of("7d"), (some("2026-01-01T06:00:00Z"), None), "today is the seventh of January there");
    assert_eq!(of("today"), (some("2026-01-07T06:00:00Z"), None));
    assert_eq!(of("yesterday"), (some("2026-01-06T06:00:00Z"), some("2026-01-07T06:00:00Z")));
    assert_eq!(of("2026-01-02"), (some("2026-01-02T06:00:00Z"), some("2026-01-03T06:00:00Z")));
    assert_eq!(of("2026-01-02..2026-01-03"), (some("2026-01-02T06:00:00Z"), some("2026-01-04T06:00:00Z")));
    assert_eq!(of("2026-01-02T08:30..2026-01-02T17:00"), (some("2026-01-02T14:30:00Z"), some("2026-01-02T23:00:00Z")));
    assert_eq!(of("..2026-01-02T00:00:00Z"), (None, some("2026-01-02T00:00:00Z")));
    assert_eq!(of("all"), (None, None));
}

#[test]
fn spans_that_cannot_be_are_refused() {
    for text in ["0d", "h", "+7d", "9999d", "2026-13-01", "1999-01-01", "9999-12-31", "2026-01-01T10:00", "soon"] {
        assert_eq!(problems(&format!("at:{text}")), [Problem::At], "{text}");
    }
    assert_eq!(problems("at:2026-01-02..2026-01-01"), [Problem::Order]);
}

#[test]
fn what_is_not_asked_for_is_recent() {
    assert_eq!(query("").or_recent().to_string(), "at:7d");
    assert_eq!(query("at:all").or_recent().to_string(), "at:all");
    let trace = format!("trace:trc_{}", Uuid::from_u128(7).simple());
    assert_eq!(query(&trace).or_recent().to_string(), trace, "a trace says itself when it was");
    assert_eq!(query("at:7d owner").without(Key::At).to_string(), "at:all owner");
    assert_eq!(query("at:7d owner").without(Key::Text).to_string(), "at:7d");
}

#[test]
fn a_filter_means_the_same_tomorrow() {
    let now = instant("2026-01-08T03:00:00.123456Z");
    let filter = query("action:call.viewed at:24h owner").resolve(now, &TimeZone::UTC);
    let text = filter.to_string();
    assert_eq!(text, "action:call.viewed at:2026-01-07T03:00:00.123456Z.. owner");
    assert_eq!(text.parse(), Ok(filter));
    assert!("at:24h".parse::<AuditFilter>().is_err(), "that is another one each time");
    assert!("at:2026-01-01".parse::<AuditFilter>().is_err(), "that is another one in each zone");
}

fn subjects() -> impl Strategy<Value = Subject> {
    prop_oneof![
        (select(vec!["", "mem", "call", "aud"]), any::<u128>())
            .prop_map(|(prefix, id)| Subject::Id { prefix: prefix.to_owned(), id: Uuid::from_u128(id) }),
        select(vec!["member", "job", "retention_run"]).prop_map(|kind| Subject::Kind(kind.to_owned())),
    ]
}

fn edges() -> impl Strategy<Value = Edge> {
    prop_oneof![
        (2000_i16..=2200, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| Edge::Day(date(y, m, d))),
        (2000_i16..=2200, 1_i8..=12, 0_i8..24, 0_i8..60)
            .prop_map(|(y, m, h, min)| Edge::Clock(date(y, m, 9).to_datetime(time(h, min, 0, 0)))),
        (946_684_800_000_000_i64..7_200_000_000_000_000)
            .prop_map(|micros| Edge::Instant(Timestamp::from_microsecond(micros).expect("an instant"))),
    ]
}

fn spans() -> impl Strategy<Value = Span> {
    prop_oneof![
        (1_u16..=3_660, select(vec![Unit::Hours, Unit::Days])).prop_map(|(count, unit)| Span::Last(count, unit)),
        select(Span::PRESETS.map(|(span, _)| span).to_vec()),
        edges().prop_map(|edge| Span::Between { from: Some(edge), to: None }),
        edges().prop_map(|edge| Span::Between { from: None, to: Some(edge) }),
        (2000_i16..=2200, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| Span::day(date(y, m, d))),
    ]
}

fn queries() -> impl Strategy<Value = AuditQuery> {
    let address = any::<std::net::IpAddr>();
    (
        (option::of(subjects()), option::of(select(Action::ALL)), option::of(subjects())),
        (option::of(select(Outcome::ALL.to_vec())), option::of(address), option::of(any::<u128>())),
        option::of(spans()),
        proptest::collection::vec(select(vec!["a", "role", "owner", "2026", "x9"]), 0..=8),
    )
        .prop_map(|((actor, action, target), (result, address, trace), at, words)| AuditQuery {
            actor,
            action,
            target,
            result,
            ip: address.map(Cidr::coarse),
            trace: trace.map(|id| TraceId(Uuid::from_u128(id))),
            at,
            text: (!words.is_empty()).then(|| words.join(" ")),
        })
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(query in queries()) {
        let text = query.to_string();
        prop_assert_eq!(text.parse::<AuditQuery>(), Ok(query));
    }

    #[test]
    fn whatever_was_typed_is_read_or_told(text in "[a-z:._0-9T/ -]{0,40}|.{0,40}") {
        match text.parse::<AuditQuery>() {
            Ok(query) => prop_assert_eq!(query.to_string().parse::<AuditQuery>(), Ok(query)),
            Err(bad) => prop_assert!(!bad.is_empty()),
        }
    }

    #[test]
    fn a_filter_is_read_again(query in queries(), now in 1_400_000_000_i64..4_000_000_000) {
        let filter = query.resolve(Timestamp::from_second(now).expect("an instant"), &TimeZone::UTC);
        prop_assert_eq!(filter.to_string().parse::<AuditFilter>(), Ok(filter));
    }
}
