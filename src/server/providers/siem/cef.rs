//! `ArcSight` Common Event Format, version 0 (`CEF:0`), with the keys of its dictionary of version 26 and no others.
//! What the dictionary has no key for stands in its custom strings, each with a label.

use std::fmt::Write;

use super::{Event, PRODUCT, Severity, VERSION};

/// The dictionary's longest custom string. What does not fit is cut there, and ends with three dots: JSON has all of it.
const LONGEST: usize = 4000;

/// One line: the header, and the extension.
#[must_use]
pub fn text(event: &Event) -> String {
    let entry = &event.entry;
    let mut out = String::from("CEF:0");
    for part in [PRODUCT, PRODUCT, VERSION, entry.action.as_str(), event.label()] {
        out.push('|');
        for c in part.chars() {
            match c {
                '\\' | '|' => out.extend(['\\', c]),
                '\n' | '\r' => out.push(' '),
                other => out.push(other),
            }
        }
    }
    write!(out, "|{}|rt={}", severity(event.severity()), event.millis()).expect("writing to a string");
    for (key, value) in extension(event) {
        put(&mut out, key, &value);
    }
    out
}

fn extension(event: &Event) -> Vec<(&'static str, String)> {
    let entry = &event.entry;
    let outcome = if event.is_done() { "success" } else { "failure" };
    let category = if event.is_test { "test" } else { "audit" };
    let target = entry.target_kind.as_deref().map(|kind| match entry.target_id {
        Some(id) => format!("{kind} {id}"),
        None => kind.to_owned(),
    });
    let mut all = vec![
        ("externalId", entry.id.to_string()),
        ("cat", category.to_owned()),
        ("act", entry.action.clone()),
        ("outcome", outcome.to_owned()),
        ("cn1Label", "position".to_owned()),
        ("cn1", event.position.to_string()),
    ];
    all.extend(entry.reason.clone().map(|reason| ("reason", reason)));
    all.extend(entry.actor_id.map(|id| ("suid", id.to_string())));
    let strings = [
        ("cs1Label", "business", "cs1", Some(entry.business.to_string())),
        ("cs2Label", "trace", "cs2", Some(entry.trace.to_string())),
        ("cs3Label", "target", "cs3", target),
        ("cs4Label", "origin", "cs4", Some(format!("{} {}", entry.actor_kind, entry.origin))),
        ("cs5Label", "before", "cs5", entry.before.clone()),
        ("cs6Label", "after", "cs6", entry.after.clone()),
    ];
    for (label, name, key, value) in strings {
        if let Some(value) = value {
            all.extend([(label, name.to_owned()), (key, value)]);
        }
    }
    all
}

fn put(out: &mut String, key: &str, value: &str) {
    write!(out, " {key}=").expect("writing to a string");
    let is_long = value.chars().count() > LONGEST;
    for c in value.chars().take(if is_long { LONGEST - 3 } else { LONGEST }) {
        match c {
            '\\' | '=' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    if is_long {
        out.push_str("...");
    }
}

const fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 3,
        Severity::Medium => 6,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::providers::siem::tests::event;

    #[test]
    fn the_line_is_escaped_as_the_format_says() {
        let text = text(&event("call.viewed", "refused"));
        let head = format!("CEF:0|Ringfort|Ringfort|{VERSION}|call.viewed|Looked at a call|6|rt=1767323045000 ");
        assert!(text.starts_with(&head), "{text}");
        for part in [
            " outcome=failure ",
            " reason=a\\=b|c\\\\d\\ne ü 😀 ",
            " suid=01990000-0000-7000-8000-000000000001 ",
            " cs1Label=business cs1=biz_01990000000070008000000000000001 ",
            " cs6Label=after cs6={\"days\":30}",
            " cn1Label=position cn1=12 ",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("cs5"), "what is absent has no key: {text}");
    }

    #[test]
    fn a_pipe_in_the_header_is_no_end_of_a_field() {
        let text = text(&event("a|b\\c", "done"));
        assert!(text.contains("|a\\|b\\\\c|a\\|b\\\\c|3|"), "{text}");
    }

    #[test]
    fn what_is_too_long_says_so() {
        let mut event = event("call.viewed", "done");
        event.entry.after = Some("x".repeat(5000));
        let text = text(&event);
        assert!(text.ends_with(&format!("{}...", "x".repeat(LONGEST - 3))));
    }
}
