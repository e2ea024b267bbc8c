//! What people enter to make a stream, checked as a whole.

use url::Url;

use crate::{
    model::{
        audit_stream::{Format, Kind, header, secret},
        field::{Bad, Fields, text},
    },
    server::{http::AppError, kit::tls, providers::siem::syslog_address, vault::Secret},
};

/// What the form says.
pub struct Draft<'a> {
    pub label: &'a str,
    /// A URL for HTTPS, `host:port` for syslog.
    pub address: &'a str,
    pub format: &'a str,
    /// `now`, or `beginning`.
    pub start: &'a str,
    pub header: &'a str,
    pub secret: Secret,
    pub ca: &'a str,
    /// Whether the collector closes without a word. Of HTTPS it says nothing.
    pub silent_end: bool,
}

/// A draft whose every field can be used.
pub(super) struct Checked {
    pub label: String,
    pub kind: Kind,
    pub address: String,
    pub format: Format,
    pub from_beginning: bool,
    pub header: Option<String>,
    pub ca: Option<String>,
    pub silent_end: bool,
}

/// Checks every field, and says of all what is wrong.
///
/// # Errors
/// Invalid fields.
pub(super) fn check(draft: &Draft<'_>) -> Result<Checked, AppError> {
    let mut fields = Fields::default();
    let label = fields.take("label", text(draft.label, 80));
    let kind = if draft.address.contains("://") { Kind::Https } else { Kind::Syslog };
    let address = fields.take("address", address(kind, draft.address));
    let format = fields.take("format", draft.format.parse::<Format>());
    let start = match draft.start {
        "now" => Some(false),
        "beginning" => Some(true),
        _ => fields.take("start", Err(Bad::Choice)),
    };
    let header = credentials(&mut fields, kind, draft.header, &draft.secret);
    let ca = fields.take("ca", certificates(draft.ca));
    match (label, address, format, start, header, ca) {
        (Some(label), Some(address), Some(format), Some(from_beginning), Some(header), Some(ca)) => {
            fields.finish()?;
            let silent_end = draft.silent_end && kind == Kind::Syslog;
            Ok(Checked { label, kind, address, format, from_beginning, header, ca, silent_end })
        }
        _ => Err(fields.into()),
    }
}

/// The receiver, in the one way in which it is stored. That it is public is checked at each connection.
fn address(kind: Kind, given: &str) -> Result<String, Bad> {
    let given = text(given, 300)?;
    if kind == Kind::Syslog {
        return syslog_address(&given).map(|(host, port)| format!("{host}:{port}")).ok_or(Bad::HostPort);
    }
    let url = Url::parse(&given).map_err(|_| Bad::Url)?;
    let is_plain = url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none();
    if is_plain && url.fragment().is_none() { Ok(url.into()) } else { Err(Bad::Url) }
}

/// The header that carries the secret; none without a secret. Noted, and absent, where it cannot be used.
#[expect(clippy::option_option, reason = "no header is an answer, and not the same as one that cannot be used")]
pub(super) fn credentials(fields: &mut Fields, kind: Kind, name: &str, value: &Secret) -> Option<Option<String>> {
    let is_empty = value.expose().trim().is_empty();
    if is_empty && name.trim().is_empty() {
        return Some(None);
    }
    if kind == Kind::Syslog {
        fields.note(if is_empty { "header" } else { "secret" }, Bad::NotSyslog);
        return None;
    }
    let is_fine = fields.take("secret", secret(value.expose())).is_some();
    fields.take("header", header(name)).filter(|_| is_fine).map(Some)
}

fn certificates(pem: &str) -> Result<Option<String>, Bad> {
    let pem = pem.trim();
    if pem.is_empty() {
        return Ok(None);
    }
    if pem.len() > 20_000 || tls::roots(pem).is_err() {
        return Err(Bad::Certificates);
    }
    Ok(Some(pem.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_its_kind() {
        let syslog = |given: &str| address(Kind::Syslog, given);
        assert_eq!(syslog("logs.example.com"), Ok("logs.example.com:6514".to_owned()));
        assert_eq!(syslog("https://logs.example.com"), Err(Bad::HostPort));
        let https = |given: &str| address(Kind::Https, given);
        assert_eq!(https("https://logs.example.com/in?a=b"), Ok("https://logs.example.com/in?a=b".to_owned()));
        for bad in ["http://logs.example.com/", "https://a:b@logs.example.com/", "logs.example.com:6514", "https://"] {
            assert_eq!(https(bad), Err(Bad::Url), "{bad}");
        }
        assert_eq!(https(""), Err(Bad::Empty));
    }

    #[test]
    fn a_secret_has_a_header_and_syslog_has_neither() {
        let tried = |kind: Kind, name: &str, value: &str| {
            let mut fields = Fields::default();
            let header = credentials(&mut fields, kind, name, &Secret::new(value.to_owned()));
            (header, fields.finish().err().map(|bad| bad.into_iter().map(|bad| bad.field).collect::<Vec<_>>()))
        };
        assert_eq!(tried(Kind::Https, "", ""), (Some(None), None));
        assert_eq!(tried(Kind::Https, "", "Bearer x"), (Some(Some("Authorization".to_owned())), None));
        assert_eq!(tried(Kind::Https, "X-Key", ""), (None, Some(vec!["secret".to_owned()])));
        assert_eq!(tried(Kind::Https, "Host", "x"), (None, Some(vec!["header".to_owned()])));
        assert_eq!(tried(Kind::Syslog, "", "x"), (None, Some(vec!["secret".to_owned()])));
        assert_eq!(tried(Kind::Syslog, "X-Key", ""), (None, Some(vec!["header".to_owned()])));
        assert_eq!(tried(Kind::Syslog, "", ""), (Some(None), None));
    }

    #[test]
    fn certificates_are_read_before_they_are_stored() {
        assert_eq!(certificates(" \n"), Ok(None));
        assert_eq!(certificates("hello"), Err(Bad::Certificates));
        let ca = include_str!("../../../../tests/vectors/tls/ca.pem");
        assert_eq!(certificates(ca), Ok(Some(ca.trim().to_owned())));
    }
}
