//! The way to the mail server: TLS from the first byte or by STARTTLS, and never without, unless it is on this machine.
//! Why a mail was not taken is a closed word ([`Problem`]): what servers say in their own words names addresses.
//!
//! To add a word: a variant of [`Problem`], its code and sentences, and what it is told by in [`problem_of`].

use std::{error::Error, io, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    transport::smtp::{
        self,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};
use rustls::CertificateError;
use tokio::time::timeout;

use super::MailError;
use crate::server::vault::Secret;

/// A mail that was not taken by then is tried again. Shorter than the time that a claimed mail is left to its node.
const PATIENCE: Duration = Duration::from_secs(10);

/// What keeps a connection from being read on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte: `smtps://`.
    Implicit,
    /// STARTTLS before anything else is said: `smtp://…?tls=required`.
    StartTls,
    /// Nothing: for this machine alone.
    Plain,
}

impl Security {
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Implicit => "by TLS from the first byte",
            Self::StartTls => "by TLS after STARTTLS",
            Self::Plain => "without TLS, on this machine",
        }
    }
}

/// Who has signed the mail server's certificate, where no public authority has.
#[derive(Debug, Clone)]
pub struct Authority(Certificate);

impl Authority {
    /// From PEM: one certificate, or several.
    ///
    /// # Errors
    /// There is none in it, or one that cannot be read.
    pub fn from_pem(pem: &str) -> Result<Self, MailError> {
        // Without one, nobody would be trusted, and only the first mail would tell.
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            return Err(MailError::Settings("no certificate".into()));
        }
        let authority = Self(Certificate::from_pem(pem.as_bytes()).map_err(settings)?);
        // What stands between the lines is looked at here, not before.
        parameters("localhost", Some(&authority))?;
        Ok(authority)
    }
}

/// The mail server, as `RINGFORT_SMTP_URL` and `RINGFORT_SMTP_CA` name it.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// With the name and the password that sign us in, if it has any.
    pub url: Secret,
    /// Whom the server's certificate must name.
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// Absent: the authorities that browsers trust.
    pub authority: Option<Authority>,
}

fn settings(error: smtp::Error) -> MailError {
    MailError::Settings(Box::new(error))
}

/// Whom a connection trusts. An authority of one's own is the only one then.
fn parameters(host: &str, authority: Option<&Authority>) -> Result<TlsParameters, MailError> {
    let builder = TlsParameters::builder(host.to_owned());
    let builder = match authority {
        Some(Authority(certificate)) => {
            builder.certificate_store(CertificateStore::None).add_root_certificate(certificate.clone())
        }
        None => builder.certificate_store(CertificateStore::WebpkiRoots),
    };
    builder.build().map_err(settings)
}

/// Hands mails over by SMTP, each by a connection of its own: one that was given up in the middle is never used again.
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl Smtp {
    /// # Errors
    /// Settings that cannot be used.
    pub fn new(to: &SmtpSettings) -> Result<Self, MailError> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(to.url.expose()).map_err(settings)?;
        // Not what the library reads out of the URL, which knows ways without TLS.
        let tls = match to.security {
            Security::Implicit => Tls::Wrapper(parameters(&to.host, to.authority.as_ref())?),
            Security::StartTls => Tls::Required(parameters(&to.host, to.authority.as_ref())?),
            Security::Plain => Tls::None,
        };
        Ok(Self(builder.port(to.port).tls(tls).timeout(Some(PATIENCE)).build()))
    }

    /// Hands one mail over.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, message: Message) -> Result<(), Problem> {
        match timeout(PATIENCE, self.0.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(problem(&error)),
            Err(_) => Err(Problem::Slow),
        }
    }

    /// Connects as a mail would, signs in, and sends nothing.
    ///
    /// # Errors
    /// Why no mail would be taken.
    pub async fn check(&self) -> Result<(), Problem> {
        match timeout(PATIENCE, self.0.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Problem::Unexpected),
            Ok(Err(error)) => Err(problem(&error)),
            Err(_) => Err(Problem::Slow),
        }
    }
}

/// Why a mail was not handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    Unreachable,
    Slow,
    NoTls,
    Untrusted,
    WrongName,
    Expired,
    BadTls,
    SignIn,
    /// For now, with the status of its answer (4yz).
    TurnedAway(u16),
    /// For good, with the status of its answer (5yz).
    Refused(u16),
    Unexpected,
}

impl Problem {
    /// The closed word for logs and the queue.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Slow => "slow",
            Self::NoTls => "no_tls",
            Self::Untrusted => "untrusted",
            Self::WrongName => "wrong_name",
            Self::Expired => "expired",
            Self::BadTls => "bad_tls",
            Self::SignIn => "sign_in",
            Self::TurnedAway(_) => "turned_away",
            Self::Refused(_) => "refused",
            Self::Unexpected => "unexpected",
        }
    }

    /// The status of the server's answer, when there was one.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::TurnedAway(status) | Self::Refused(status) => Some(status),
            _ => None,
        }
    }

    /// Whether another mail would fare no better now.
    #[must_use]
    pub const fn is_of_all(self) -> bool {
        !matches!(self, Self::TurnedAway(_) | Self::Refused(_) | Self::Unexpected)
    }

    /// What the server does, as the end of a sentence about it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot be reached",
            Self::Slow => "does not answer in time",
            Self::NoTls => "offers no STARTTLS",
            Self::Untrusted => "shows a certificate of nobody who is trusted",
            Self::WrongName => "shows a certificate for another name",
            Self::Expired => "shows a certificate that is over, or not good yet",
            Self::BadTls => "speaks no TLS that we understand",
            Self::SignIn => "does not accept the name and the password",
            Self::TurnedAway(_) => "turns us away for now",
            Self::Refused(_) => "refuses",
            Self::Unexpected => "answers something unexpected",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn mend(self) -> &'static str {
        match self {
            Self::Unreachable | Self::Slow => "check RINGFORT_SMTP_URL, and whether a firewall closes the port",
            Self::NoTls => "switch STARTTLS on there, or write smtps:// if it takes TLS from the first byte",
            Self::Untrusted => "set RINGFORT_SMTP_CA to a file with the certificate of who has signed it",
            Self::WrongName => "write the host in RINGFORT_SMTP_URL as its certificate names it",
            Self::Expired => "renew the certificate, and check the clocks of both machines",
            Self::BadTls => "write smtp://…?tls=required if it begins in clear; else look into its log",
            Self::SignIn => "check name and password in RINGFORT_SMTP_URL; special characters are percent-encoded",
            Self::TurnedAway(_) | Self::Refused(_) | Self::Unexpected => "look into its log",
        }
    }
}

/// What an error of the library comes down to.
fn problem(error: &smtp::Error) -> Problem {
    // 530, 534, 535 and 538 are about signing in (RFC 4954, 6).
    match error.status().map(u16::from) {
        Some(530 | 534 | 535 | 538) => return Problem::SignIn,
        Some(status) if error.is_transient() => return Problem::TurnedAway(status),
        Some(status) => return Problem::Refused(status),
        None => {}
    }
    if error.is_timeout() {
        Problem::Slow
    } else if error.is_response() {
        Problem::Unexpected
    } else {
        problem_of(error, error.is_client())
    }
}

/// By the causes. `is_ours`: the library gave up by itself.
fn problem_of(error: &(dyn Error + 'static), is_ours: bool) -> Problem {
    let mut cause = Some(error);
    let mut found = if is_ours { Problem::Unexpected } else { Problem::Unreachable };
    while let Some(error) = cause {
        // An input error hides what it carries from `source`.
        let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let carried = carried.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(tls) = carried.or_else(|| error.downcast_ref::<rustls::Error>()) {
            return of_tls(tls);
        }
        cause = error.source();
        // The library has no kinds for these two: only words, in the last cause.
        if is_ours && cause.is_none() {
            let says = error.to_string();
            if says.contains("STARTTLS") {
                found = Problem::NoTls;
            } else if says.contains("authentication mechanism") {
                found = Problem::SignIn;
            }
        }
    }
    found
}

fn of_tls(error: &rustls::Error) -> Problem {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Problem::WrongName,
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => Problem::Expired,
        rustls::Error::InvalidCertificate(_) => Problem::Untrusted,
        _ => Problem::BadTls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(error: rustls::Error) -> Problem {
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        problem_of(&error, false)
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told() {
        use rustls::Error::InvalidCertificate;
        assert_eq!(carried(InvalidCertificate(CertificateError::UnknownIssuer)), Problem::Untrusted);
        assert_eq!(carried(InvalidCertificate(CertificateError::NotValidForName)), Problem::WrongName);
        assert_eq!(carried(InvalidCertificate(CertificateError::Expired)), Problem::Expired);
        assert_eq!(carried(rustls::Error::DecryptError), Problem::BadTls);
        assert_eq!(problem_of(&io::Error::from(io::ErrorKind::ConnectionRefused), false), Problem::Unreachable);
    }

    #[test]
    fn an_authority_is_a_certificate() {
        let pem = include_str!("../../../tests/vectors/authority.pem");
        assert!(Authority::from_pem(pem).is_ok());
        assert!(Authority::from_pem(&format!("A comment\n{pem}{pem}")).is_ok(), "several are good");
        let broken = pem.lines().filter(|line| !line.starts_with("MII")).collect::<Vec<_>>().join("\n");
        for bad in ["", "no certificate", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", broken.as_str()] {
            assert!(Authority::from_pem(bad).is_err(), "{bad}");
        }
    }
}
