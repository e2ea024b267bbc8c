//! The words of streams, which carry the audit log to a collector besides (AUD-5): how it goes there, as what, how far it
//! has come, and what keeps it. Pure; the formats themselves are `server::providers::siem`.
//!
//! To add a way or a format: a variant here, its code in the check of `audit_streams`, its arm in `providers::siem`, its
//! words in `pages/stream/`.

use std::str::FromStr;

use super::field::{Bad, text};

/// How many streams a business may have.
pub const MOST: u32 = 4;

/// Where the secret goes when nobody names a header.
pub const HEADER: &str = "Authorization";

/// Headers that say how a request is built. What follows from the request is not a tenant's to set.
const OURS: [&str; 14] = [
    "accept",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// A closed word with its code and what people read.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident $code:literal $label:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$each])* $variant,)+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stored form.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The words for people.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }
        }

        impl FromStr for $name {
            type Err = Bad;

            fn from_str(text: &str) -> Result<Self, Bad> {
                Self::ALL.iter().copied().find(|word| word.code() == text).ok_or(Bad::Choice)
            }
        }
    };
}

words! {
    /// How it goes there.
    Kind {
        /// RFC 5424 messages over TLS (RFC 5425).
        Syslog "syslog" "Syslog over TLS";
        /// One POST for many entries.
        Https "https" "HTTPS";
    }
}

words! {
    /// As what.
    Format {
        Json "json" "JSON";
        Cef "cef" "CEF";
        Ocsf "ocsf" "OCSF";
    }
}

words! {
    /// Whether it runs.
    State {
        Active "active" "Active";
        Paused "paused" "Paused";
    }
}

words! {
    /// What keeps it. Closed, so that nothing that the other side says is ever stored.
    Problem {
        Forbidden "forbidden" "Its address is not public and may not be called";
        Unreachable "unreachable" "It does not answer, or breaks off";
        Untrusted "untrusted" "Its certificate is not trusted";
        Refused "refused" "It refuses the secret";
        Busy "busy" "It asks for patience";
        Rejected "rejected" "It does not accept what is sent";
        /// A fault of ours: the secret does not open, or the certificates cannot be read.
        Broken "broken" "The stored secret or certificate cannot be used; set it again";
    }
}

/// How far a stream has come in the chain of seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The last seal that was sent whole; 0 before the first.
    pub seq: i64,
    /// How many entries of the next were sent.
    pub place: i64,
    /// How many entries of the chain lie behind.
    pub total: i64,
}

impl Cursor {
    /// Before everything.
    pub const START: Self = Self { seq: 0, place: 0, total: 0 };
}

/// Seconds until the next try after so many failures in a row: 2, 4, 8, … up to about four minutes.
#[must_use]
pub fn pause(failures: i32) -> i64 {
    1_i64 << failures.clamp(1, 8)
}

/// The name of the header that carries the secret.
///
/// # Errors
/// Not a header's name, or one of those that make up the request itself.
pub fn header(name: &str) -> Result<String, Bad> {
    let name = name.trim();
    if name.is_empty() {
        return Ok(HEADER.to_owned());
    }
    let is_name = name.len() <= 60 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_ours = OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours));
    let is_hop = name.to_ascii_lowercase().starts_with("proxy-");
    if is_name && !is_ours && !is_hop { Ok(name.to_owned()) } else { Err(Bad::Header) }
}

/// The value of that header, as it is sent.
///
/// # Errors
/// Empty, too long, or with characters that a header does not carry.
pub fn secret(value: &str) -> Result<(), Bad> {
    let value = text(value, 1000)?;
    if value.bytes().all(|b| (0x20..0x7f).contains(&b)) { Ok(()) } else { Err(Bad::Control) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse() {
        for kind in Kind::ALL {
            assert_eq!(kind.code().parse(), Ok(*kind));
        }
        for format in Format::ALL {
            assert_eq!(format.code().parse(), Ok(*format));
        }
        for state in State::ALL {
            assert_eq!(state.code().parse(), Ok(*state));
        }
        for problem in Problem::ALL {
            assert_eq!(problem.code().parse(), Ok(*problem));
        }
        assert_eq!("tcp".parse::<Kind>(), Err(Bad::Choice));
    }

    #[test]
    fn tries_come_further_apart_and_never_stop() {
        assert_eq!((pause(0), pause(1), pause(2)), (2, 2, 4));
        assert_eq!((pause(8), pause(9), pause(i32::MAX)), (256, 256, 256));
    }

    #[test]
    fn a_header_names_itself_and_never_the_request() {
        assert_eq!(header("  "), Ok(HEADER.to_owned()));
        assert_eq!(header("DD-API-KEY"), Ok("DD-API-KEY".to_owned()));
        for bad in ["Host", "content-length", "Transfer-Encoding", "Proxy-Authorization", "a b", "a:b", "ä", "X\r\nY"]
        {
            assert_eq!(header(bad), Err(Bad::Header), "{bad}");
        }
        assert_eq!(secret("Splunk 1234"), Ok(()));
        assert_eq!(secret("a\r\nb"), Err(Bad::Control));
        assert_eq!(secret("ä"), Err(Bad::Control));
        assert_eq!(secret(" "), Err(Bad::Empty));
    }
}
