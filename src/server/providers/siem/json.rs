//! JSON of our own: the entry as it is hashed (docs/AUDIT.md, `entry/1`), with its place in the chain, so that a reader can
//! compute the digest anew.

use serde_json::json;

use super::Event;

/// One object. Everything beyond ASCII is escaped, so that it is the same bytes in whatever it travels.
#[must_use]
pub fn text(event: &Event) -> String {
    let object = json!({
        "kind": "ringfort/audit/event/1",
        "test": event.is_test,
        "position": event.position,
        "seal": event.seal,
        "digest": event.digest,
        "time": event.time(),
        "says": event.label(),
        "entry": event.entry,
    });
    ascii(&object.to_string())
}

/// JSON with everything beyond ASCII as `\u` escapes. It stands in strings only, so the text may be taken as a whole.
pub(super) fn ascii(json: &str) -> String {
    use std::fmt::Write;

    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}").expect("writing to a string");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        model::seal::Entry,
        server::{providers::siem::tests::event, services::seal::chain},
    };

    #[test]
    fn a_reader_gets_the_entry_that_was_sealed() {
        let event = event("call.viewed", "done");
        let text = text(&event);
        assert!(text.is_ascii(), "{text}");
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&read["position"], &read["seal"], &read["test"]), (&json!(12), &json!(3), &json!(false)));
        assert_eq!(read["time"], "2026-01-02T03:04:05.000006Z");
        let entry: Entry = serde_json::from_value(read["entry"].clone()).expect("an entry");
        assert_eq!(entry, event.entry);
        assert_eq!(chain::digest(&entry, &mut Vec::new()), chain::digest(&event.entry, &mut Vec::new()));
    }
}
