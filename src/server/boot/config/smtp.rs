//! The mail server, and who vouches for it.

use url::{Host, Url};

use super::{ConfigError, Variables, is_loopback};
use crate::server::{
    mail::smtp::{Authority, Security, SmtpSettings},
    vault::Secret,
};

const URL: &str = "RINGFORT_SMTP_URL";
const CA: &str = "RINGFORT_SMTP_CA";

/// # Errors
/// A setting that cannot be used, or one that means nothing without another.
pub(super) fn read<F: Fn(&str) -> Option<String>>(vars: &Variables<F>) -> Result<Option<SmtpSettings>, ConfigError> {
    let authority = authority(vars)?;
    let Some(text) = vars.text(URL) else {
        return match authority {
            None => Ok(None),
            Some(_) => Err(ConfigError::new(CA, "vouches for a mail server, but RINGFORT_SMTP_URL names none")),
        };
    };
    let url = Url::parse(&text).map_err(|_| wrong("is no URL: write smtps://user:password@mail.example.com"))?;
    let security = security(&url)?;
    if authority.is_some() && security == Security::Plain {
        return Err(ConfigError::new(CA, "vouches for a certificate, but RINGFORT_SMTP_URL asks for no TLS"));
    }
    let usual = match security {
        Security::Implicit => 465,
        Security::StartTls => 587,
        Security::Plain => 25,
    };
    let (host, port) = (host(&url)?, url.port().unwrap_or(usual));
    Ok(Some(SmtpSettings { url: Secret::new(text), host, port, security, authority }))
}

fn wrong(problem: &str) -> ConfigError {
    ConfigError::new(URL, problem)
}

/// Mail holds sign-in links, so a connection that somebody can strip of its TLS is not offered.
fn security(url: &Url) -> Result<Security, ConfigError> {
    let mut query = url.query_pairs();
    let is_required = match (query.next(), query.next()) {
        (None, _) => false,
        (Some((name, value)), None) if name == "tls" && value == "required" => true,
        // Of two that contradict each other, who knows which one counts.
        _ => return Err(wrong("may say ?tls=required behind the host, and nothing else")),
    };
    match url.scheme() {
        "smtps" => Ok(Security::Implicit),
        "smtp" if is_required => Ok(Security::StartTls),
        "smtp" if is_loopback(url) => Ok(Security::Plain),
        "smtp" => Err(wrong("would send in clear: write smtps://, or add ?tls=required")),
        _ => Err(wrong("must begin with smtps:// or smtp://")),
    }
}

fn host(url: &Url) -> Result<String, ConfigError> {
    match url.host() {
        Some(Host::Ipv6(_)) => Err(wrong("names an IPv6 address: write a host name, or an IPv4 address")),
        _ => url.host_str().filter(|host| !host.is_empty()).map(str::to_owned).ok_or_else(|| wrong("names no server")),
    }
}

fn authority<F: Fn(&str) -> Option<String>>(vars: &Variables<F>) -> Result<Option<Authority>, ConfigError> {
    let Some(path) = vars.text(CA) else { return Ok(None) };
    let pem = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::new(CA, format!("cannot be read: {}", error.kind())))?;
    let authority = Authority::from_pem(&pem);
    authority.map(Some).map_err(|_| ConfigError::new(CA, "is no file of certificates: write them as PEM"))
}
