//! `TwiML`: what Twilio shall do with a call.

use std::fmt::Write as _;

use crate::{
    model::{extension::Target, phone::Phone},
    server::providers::{Answer, Next, RingPlan},
};

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
const EVENTS: &str = "initiated ringing answered completed";
/// Twilio dials at most this many at once and refuses the whole answer for one more.
const MOST: usize = 10;

/// Rings the plan's targets, or excuses us when there is none.
pub(super) fn answer(next: &Next) -> Answer {
    let body = match next {
        Next::Ring(plan) if plan.targets.is_empty() => say("Sorry, nobody can take your call right now."),
        Next::Ring(plan) => dial(plan),
        Next::NotReached => say("The customer does not answer."),
        Next::Nothing => format!("{HEAD}<Response/>"),
    };
    Answer { content_type: "text/xml", body }
}

/// One sentence, and the end of the call.
fn say(what: &str) -> String {
    format!("{HEAD}<Response><Say>{what} Please try again later. Goodbye.</Say><Hangup/></Response>")
}

pub(super) fn dial(plan: &RingPlan) -> String {
    // Twilio's own bounds: a value outside of them is an error and ends the call.
    let timeout = plan.timeout_seconds.clamp(5, 600);
    let mut xml = format!(
        r#"{HEAD}<Response><Dial answerOnBridge="true" timeout="{timeout}" action="{}""#,
        escape(&plan.action_url)
    );
    if let Some(caller) = plan.caller_id.as_ref().map(Phone::reveal) {
        let _ = write!(xml, r#" callerId="{}""#, escape(caller));
    }
    xml.push('>');
    for target in plan.targets.iter().take(MOST) {
        xml.push_str(&noun(target, &plan.status_url));
    }
    xml.push_str("</Dial></Response>");
    xml
}

fn noun(target: &Target, status_url: &str) -> String {
    let (name, address) = match target {
        Target::Client(name) => ("Client", name),
        Target::Sip(address) => ("Sip", address),
        Target::Number(number) => ("Number", number),
    };
    format!(
        r#"<{name} statusCallback="{}" statusCallbackEvent="{EVENTS}">{}</{name}>"#,
        escape(status_url),
        escape(address)
    )
}

/// For text and for attributes. Leaves out what XML 1.0 cannot hold at all: one such character would make the
/// whole answer unreadable and end the caller's call.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            control if control.is_control() => {}
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(targets: Vec<Target>) -> RingPlan {
        RingPlan {
            caller_id: None,
            targets,
            status_url: "https://calls.example.com/status?a=1&b=2".into(),
            action_url: "https://calls.example.com/dial".into(),
            timeout_seconds: 20,
        }
    }

    #[test]
    fn a_call_rings_everywhere() {
        let targets = ["client:ana_101", "sip:101@pbx.example.com", "+14155550199"]
            .map(|text| Target::parse(text).expect("a target"));
        let mut plan = plan(targets.to_vec());
        plan.caller_id = "+15005550006".parse().ok();
        let callback = "statusCallback=\"https://calls.example.com/status?a=1&amp;b=2\" \
                        statusCallbackEvent=\"initiated ringing answered completed\"";
        let expected = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Dial answerOnBridge=\"true\" timeout=\"20\" \
             action=\"https://calls.example.com/dial\" callerId=\"+15005550006\">\
             <Client {callback}>ana_101</Client>\
             <Sip {callback}>sip:101@pbx.example.com</Sip>\
             <Number {callback}>+14155550199</Number></Dial></Response>"
        );
        assert_eq!(answer(&Next::Ring(plan)), Answer { content_type: "text/xml", body: expected });
    }

    #[test]
    fn nobody_to_ring_is_said_and_so_is_who_does_not_answer() {
        for (next, said) in [(Next::Ring(plan(Vec::new())), "nobody can take"), (Next::NotReached, "does not answer")] {
            let body = answer(&next).body;
            assert!(body.contains("<Say>") && body.contains(said), "{body}");
            assert!(body.ends_with("<Hangup/></Response>") && !body.contains("Dial"), "{body}");
        }
        assert!(answer(&Next::Nothing).body.ends_with("?><Response/>"));
    }

    #[test]
    fn nothing_breaks_out_of_its_place() {
        let hostile = r#"</Client><Hangup/><Client a="'&"#.to_owned() + "\u{0}\u{1b}\u{ffff}";
        let body = answer(&Next::Ring(plan(vec![Target::Client(hostile)]))).body;
        assert!(body.contains(">&lt;/Client&gt;&lt;Hangup/&gt;&lt;Client a=&quot;&apos;&amp;</Client>"), "{body}");
    }

    #[test]
    fn twilios_bounds_are_kept() {
        let mut plan = plan(vec![Target::Client("ana".into()); 11]);
        plan.timeout_seconds = 0;
        let body = answer(&Next::Ring(plan)).body;
        assert_eq!(body.matches("<Client ").count(), MOST);
        assert!(body.contains(r#"timeout="5""#));
    }
}
