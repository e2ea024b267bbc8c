//! Collectors of security events (AUD-5): the formats that they read ([`json`], [`cef`], [`ocsf`]) and the ways to them
//! ([`syslog`], [`https`]). Pure up to the socket: what is sent, how far, and when again is `services::audit_stream`.
//!
//! An entry says what it says in the log: ids and closed words (AUD-7). No format adds a name, a number or an address.
//!
//! To add a format: its file with `text`, its arm in [`Event::text`]. To add a way: its file with `send`, its arm in
//! [`deliver`]. The words of both stand in `model::audit_stream`.

mod cef;
mod https;
mod json;
mod ocsf;
mod syslog;

pub use syslog::address as syslog_address;

use crate::{
    model::{
        audit::Action,
        audit_stream::{Format, Kind, Problem},
        seal::{Digest, Entry},
    },
    server::{
        kit::{
            At,
            outbound::{Outbound, OutboundError},
        },
        vault::Secret,
    },
};

/// What we call ourselves.
const PRODUCT: &str = "Ringfort";
/// Which one.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An audit entry on its way out.
#[derive(Debug, Clone)]
pub struct Event {
    pub entry: Entry,
    /// The seal that holds it; 0 for a test.
    pub seal: i64,
    /// Its place in the business's chain, from 1 without gaps, so that a reader sees what is missing; 0 for a test.
    pub position: i64,
    /// What was sealed of it: the digest of docs/AUDIT.md.
    pub digest: Digest,
    /// Whether somebody pressed «Send a test».
    pub is_test: bool,
}

/// How much an event matters, in the steps that all formats know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Event {
    /// As the format has it: one line, without an end of line.
    #[must_use]
    pub fn text(&self, format: Format) -> String {
        match format {
            Format::Json => json::text(self),
            Format::Cef => cef::text(self),
            Format::Ocsf => ocsf::text(self),
        }
    }

    /// The sentence of the vocabulary; the code, where this version does not know it.
    fn label(&self) -> &str {
        match self.entry.action.parse::<Action>() {
            Ok(action) => action.label(),
            Err(_) => &self.entry.action,
        }
    }

    fn severity(&self) -> Severity {
        match self.entry.result.as_str() {
            _ if self.entry.action == Action::AuditChainBroken.code() => Severity::Critical,
            "done" => Severity::Low,
            "refused" => Severity::Medium,
            _ => Severity::High,
        }
    }

    fn is_done(&self) -> bool {
        self.entry.result == "done"
    }

    /// RFC 3339 in UTC, with as many digits as there are, six at most.
    fn time(&self) -> String {
        At::from_micros(self.entry.at).0.to_string()
    }

    fn millis(&self) -> i64 {
        At::from_micros(self.entry.at).millis()
    }
}

/// Where events go, and what opens the door there.
pub struct Receiver {
    pub kind: Kind,
    /// `host:port`, or a URL.
    pub address: String,
    pub format: Format,
    /// The header that carries the secret, and the secret.
    pub header: Option<(String, Secret)>,
    /// Certificates (PEM) that are trusted instead of the public ones.
    pub ca: Option<String>,
    /// Syslog: whether an end without `close_notify` says that everything was read. Who sits in between can make one.
    pub silent_end: bool,
}

/// Why events were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    pub problem: Problem,
    /// For how many seconds the other side asks to be left alone.
    pub wait: Option<u32>,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, wait: None }
    }
}

impl From<OutboundError> for Failure {
    fn from(error: OutboundError) -> Self {
        Self::from(match error {
            OutboundError::Forbidden => Problem::Forbidden,
            OutboundError::Unreachable => Problem::Unreachable,
            OutboundError::Untrusted => Problem::Untrusted,
            // It has an answer, and none that anybody can use.
            OutboundError::TooLarge => Problem::Rejected,
        })
    }
}

/// Sends events, given as the texts of their format, and waits until they are taken. `host` is who we are for them.
///
/// # Errors
/// They were not taken, or nobody knows: then all of them are to be sent again.
pub async fn deliver(
    outbound: &Outbound,
    to: &Receiver,
    host: &str,
    events: &[(Event, String)],
) -> Result<(), Failure> {
    match to.kind {
        Kind::Syslog => syslog::send(outbound, to, host, events).await,
        Kind::Https => https::send(outbound, to, events).await,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{
        id::{AuditId, BusinessId, TraceId},
        seal::Bytes,
    };

    /// An entry with everything in it, and with what formats must escape.
    pub(super) fn event(action: &str, result: &str) -> Event {
        let id = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001);
        let entry = Entry {
            business: BusinessId(id),
            id: AuditId(id),
            at: 1_767_323_045_000_006,
            xid: 7,
            actor_kind: "member".to_owned(),
            actor_id: Some(id),
            action: action.to_owned(),
            target_kind: Some("audit_stream".to_owned()),
            target_id: Some(id),
            result: result.to_owned(),
            reason: Some("a=b|c\\d\ne ü 😀".to_owned()),
            origin: "web 192.0.2.0/24".to_owned(),
            trace: TraceId(id),
            before: None,
            after: Some("{\"days\":30}".to_owned()),
        };
        Event { entry, seal: 3, position: 12, digest: Bytes([7; 32]), is_test: false }
    }

    #[test]
    fn every_format_is_one_line() {
        for action in Action::ALL {
            for format in Format::ALL {
                let text = event(action.code(), "done").text(*format);
                assert!(!text.contains(['\n', '\r']), "{text}");
                assert!(text.contains(action.code()), "{text}");
            }
        }
    }

    #[test]
    fn what_is_not_done_matters_more() {
        let severity = |action: &str, result: &str| event(action, result).severity();
        assert_eq!(severity("call.viewed", "done"), Severity::Low);
        assert_eq!(severity("call.viewed", "refused"), Severity::Medium);
        assert_eq!(severity("call.viewed", "failed"), Severity::High);
        assert_eq!(severity("audit.chain_broken", "failed"), Severity::Critical);
        assert_eq!(event("from.later", "done").label(), "from.later");
    }
}
