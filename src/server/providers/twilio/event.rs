//! Twilio's parameters as a [`CallEvent`]. What a parameter means: providers.md, section 1, "Call life cycle".

use jiff::fmt::rfc2822::DateTimeParser;

use super::hex32;
use crate::{
    model::{
        call::{CallState, Direction},
        phone::Phone,
    },
    server::{
        kit::At,
        providers::{CallEvent, LegRef, Malformed, Verified},
    },
};

static DATES: DateTimeParser = DateTimeParser::new();

/// What Twilio puts for a number that the caller withheld: the words ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and
/// UNAVAILABLE typed on a telephone's keys. They look like numbers and would match as one customer.
const WITHHELD: [&str; 5] = ["+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"];

/// Reads one event.
///
/// A leg is told by its `ParentCallSid` and belongs to that call. The `<Dial>` action says how the ringing ended
/// (`DialCallStatus`), which the legs' own events say better: it counts as an event of the parent and its state.
pub(super) fn read(verified: &Verified) -> Result<CallEvent, Malformed> {
    let sid = call_sid(verified.required("CallSid")?, "CallSid")?;
    let status = verified.required("CallStatus")?;
    let state = state(status)?;
    let seq = sequence(verified.optional("SequenceNumber")?)?;
    let at = verified.optional("Timestamp")?.map(time).transpose()?;
    let mark = if seq < 0 { "-".to_owned() } else { seq.to_string() };
    let key = format!("{}/{sid}/{status}/{mark}", verified.door().code());

    if let Some(parent) = verified.optional("ParentCallSid")? {
        let call = call_sid(parent, "ParentCallSid")?.to_owned();
        let leg = Some(LegRef { id: sid.to_owned(), target: verified.required("To")?.to_owned() });
        // From and To of a leg are ours and our people's, not the customer's; calls that ring here came in.
        return Ok(CallEvent { key, call, leg, direction: Direction::Inbound, party: None, own: None, state, seq, at });
    }

    let direction = direction(verified.required("Direction")?)?;
    let from = number(verified.optional("From")?);
    let to = number(verified.optional("To")?);
    let (party, own) = match direction {
        Direction::Inbound => (from, to),
        Direction::Outbound => (to, from),
    };
    Ok(CallEvent { key, call: sid.to_owned(), leg: None, direction, party, own, state, seq, at })
}

/// Whether a `<Dial>` ended without an answer. `canceled` is no such end: the caller has hung up.
pub(super) fn missed(verified: &Verified) -> bool {
    matches!(verified.optional("DialCallStatus"), Ok(Some("no-answer" | "busy" | "failed")))
}

fn call_sid<'a>(sid: &'a str, field: &'static str) -> Result<&'a str, Malformed> {
    if is_call(sid) { Ok(sid) } else { Err(Malformed { field, problem: "not the id of a call" }) }
}

/// Whether this has the shape of a call's id.
pub(super) fn is_call(sid: &str) -> bool {
    sid.strip_prefix("CA").is_some_and(hex32)
}

fn state(status: &str) -> Result<CallState, Malformed> {
    Ok(match status {
        "queued" => CallState::Queued,
        "initiated" => CallState::Initiated,
        "ringing" => CallState::Ringing,
        "in-progress" => CallState::InProgress,
        "completed" => CallState::Completed,
        "busy" => CallState::Busy,
        "no-answer" => CallState::NoAnswer,
        "failed" => CallState::Failed,
        "canceled" => CallState::Canceled,
        _ => return Err(Malformed { field: "CallStatus", problem: "not a known state" }),
    })
}

fn direction(text: &str) -> Result<Direction, Malformed> {
    match text {
        "inbound" => Ok(Direction::Inbound),
        "outbound-api" => Ok(Direction::Outbound),
        "outbound-dial" => Err(Malformed { field: "ParentCallSid", problem: "missing for a dialed leg" }),
        _ => Err(Malformed { field: "Direction", problem: "not a known direction" }),
    }
}

/// -1 when there is none, as in Twilio's first voice webhook.
fn sequence(text: Option<&str>) -> Result<i32, Malformed> {
    let Some(text) = text else { return Ok(-1) };
    let number = text.parse().ok().filter(|number: &i32| *number >= 0);
    number.ok_or(Malformed { field: "SequenceNumber", problem: "not a number from 0" })
}

fn time(text: &str) -> Result<At, Malformed> {
    let time = DATES.parse_timestamp(text);
    time.map(At).map_err(|_| Malformed { field: "Timestamp", problem: "not an RFC 2822 date" })
}

/// A number that can be called back. Words (`anonymous`), softphones and SIP addresses are none, and no mistake.
fn number(text: Option<&str>) -> Option<Phone> {
    text.filter(|text| !WITHHELD.contains(text))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        model::masked_call::Side,
        server::providers::{Door, request::Parameters},
    };

    const CALL: &str = "CA00000000000000000000000000000001";
    const LEG: &str = "CA00000000000000000000000000000002";

    fn event(door: Door, fields: &[(&str, &str)]) -> Result<CallEvent, Malformed> {
        // The last value wins, so that a test can change one field of a whole.
        let parameters: Parameters =
            fields.iter().map(|(k, v)| ((*k).to_owned(), BTreeSet::from([(*v).to_owned()]))).collect();
        read(&Verified::new(door, parameters))
    }

    const INBOUND: [(&str, &str); 5] = [
        ("CallSid", CALL),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("From", "+14155550100"),
        ("To", "+15005550006"),
    ];

    fn with(changes: &[(&'static str, &'static str)]) -> Result<CallEvent, Malformed> {
        event(Door::Voice, &[&INBOUND[..], changes].concat())
    }

    fn shown(phone: Option<&Phone>) -> Option<&str> {
        phone.map(Phone::reveal)
    }

    #[test]
    fn a_call_comes_in() {
        let event = with(&[("CallerName", "anything new is ignored")]).expect("an event");
        assert_eq!(event.key, format!("voice/{CALL}/ringing/-"));
        assert_eq!((event.call.as_str(), event.leg.as_ref()), (CALL, None));
        assert_eq!((event.direction, event.state, event.seq), (Direction::Inbound, CallState::Ringing, -1));
        assert_eq!(shown(event.party.as_ref()), Some("+14155550100"));
        assert_eq!(shown(event.own.as_ref()), Some("+15005550006"));
        assert_eq!(event.at, None);
    }

    #[test]
    fn a_call_goes_out() {
        let event = with(&[("Direction", "outbound-api")]).expect("an event");
        assert_eq!(event.direction, Direction::Outbound);
        assert_eq!(shown(event.party.as_ref()), Some("+15005550006"));
        assert_eq!(shown(event.own.as_ref()), Some("+14155550100"));
    }

    #[test]
    fn a_leg_belongs_to_its_parent() {
        let fields = [
            ("CallSid", LEG),
            ("ParentCallSid", CALL),
            ("CallStatus", "in-progress"),
            ("Direction", "outbound-dial"),
            ("From", "+14155550100"),
            ("To", "client:ana_101"),
            ("SequenceNumber", "2"),
            ("Timestamp", "Tue, 01 Sep 2026 15:04:05 +0000"),
        ];
        let event = event(Door::Status, &fields).expect("an event");
        assert_eq!(event.key, format!("status/{LEG}/in-progress/2"));
        assert_eq!(event.call, CALL);
        assert_eq!(event.leg, Some(LegRef { id: LEG.into(), target: "client:ana_101".into() }));
        assert_eq!((event.direction, event.state, event.seq), (Direction::Inbound, CallState::InProgress, 2));
        assert_eq!((event.party, event.own), (None, None));
        assert_eq!(event.at.map(|at| at.0.to_string()).as_deref(), Some("2026-09-01T15:04:05Z"));
    }

    #[test]
    fn the_end_of_the_ringing_is_the_parents_state() {
        let changes = [("CallStatus", "in-progress"), ("DialCallStatus", "no-answer"), ("DialCallSid", LEG)];
        let event = event(Door::Dial, &[&INBOUND[..], &changes].concat()).expect("an event");
        assert_eq!((event.call.as_str(), event.leg), (CALL, None));
        assert_eq!(event.state, CallState::InProgress);
        assert_eq!(event.key, format!("dial/{CALL}/in-progress/-"));
    }

    #[test]
    fn a_ringing_is_missed_while_its_caller_is_there() {
        for (status, is_missed) in [
            ("no-answer", true),
            ("busy", true),
            ("failed", true),
            ("completed", false),
            ("answered", false),
            ("canceled", false),
            ("", false),
            ("anything new", false),
        ] {
            let value = BTreeSet::from([status.to_owned()]);
            let parameters = Parameters::from([("DialCallStatus".to_owned(), value)]);
            assert_eq!(missed(&Verified::new(Door::Masked(Side::Customer), parameters)), is_missed, "{status}");
        }
        assert!(!missed(&Verified::new(Door::Dial, Parameters::new())));
        let both = BTreeSet::from(["busy".to_owned(), "completed".to_owned()]);
        let parameters = Parameters::from([("DialCallStatus".to_owned(), both)]);
        assert!(!missed(&Verified::new(Door::Dial, parameters)), "which one counts, nobody knows");
    }

    #[test]
    fn every_state_has_its_word() {
        for state in CallState::ALL {
            let word = state.code().replace('_', "-");
            assert_eq!(super::state(&word), Ok(state), "{word}");
        }
    }

    #[test]
    fn withheld_callers_are_nobody() {
        for from in ["", "anonymous", "Anonymous", "Restricted", "+266696687", "client:ana", "sip:a@b.example"] {
            let event = with(&[("From", from)]).expect("an event");
            assert_eq!(event.party, None, "{from}");
            assert!(event.own.is_some());
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let cases = [
            ("CallSid", "", "CallSid"),
            ("CallSid", "CA1", "CallSid"),
            ("CallSid", "CA0000000000000000000000000000000/", "CallSid"),
            ("CallStatus", "", "CallStatus"),
            ("CallStatus", "dreaming", "CallStatus"),
            ("Direction", "", "Direction"),
            ("Direction", "sideways", "Direction"),
            ("Direction", "outbound-dial", "ParentCallSid"),
            ("ParentCallSid", "x", "ParentCallSid"),
            ("SequenceNumber", "-1", "SequenceNumber"),
            ("SequenceNumber", "99999999999", "SequenceNumber"),
            ("Timestamp", "yesterday", "Timestamp"),
        ];
        for (field, value, blamed) in cases {
            assert_eq!(with(&[(field, value)]).err().map(|bad| bad.field), Some(blamed), "{field}={value}");
        }
    }
}
