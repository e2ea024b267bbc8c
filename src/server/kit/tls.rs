//! TLS: what it is made of, and for what is not HTTP (syslog) which certificates are trusted, and what went wrong in words of ours.
//!
//! The public roots that browsers trust, or instead of them the certificates that a tenant names, for a collector that
//! has its own authority. Never both, and never none.

use std::{error::Error, io, sync::Arc};

use reqwest::{Client, ClientBuilder};
use tokio_rustls::rustls::{
    self, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Certificates that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no certificates that can be read")]
pub struct BadCertificates;

/// The certificates of a PEM text: at least one, and nothing that is none.
///
/// # Errors
/// There is none, or one of them is no certificate.
pub fn roots(pem: &str) -> Result<RootCertStore, BadCertificates> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| BadCertificates)?;
        store.add(certificate).map_err(|_| BadCertificates)?;
    }
    if store.is_empty() { Err(BadCertificates) } else { Ok(store) }
}

/// What every HTTP client begins with: `reqwest` does not name what its TLS is made of, and takes what the process has
/// chosen, which is ring.
#[expect(clippy::disallowed_methods, reason = "this is what the others are sent to")]
pub fn http() -> ClientBuilder {
    // An error says that it has been chosen before.
    let _ = ring::default_provider().install_default();
    Client::builder()
}

/// How we speak TLS to a server that these certificates (PEM) stand for, or the public ones.
///
/// # Errors
/// As [`roots`].
pub fn client(ca: Option<&str>) -> Result<Arc<ClientConfig>, BadCertificates> {
    let roots = match ca {
        Some(pem) => roots(pem)?,
        None => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| BadCertificates)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Whether a connection failed because the other side's certificate is not to be trusted: by whom it was issued, for which
/// name, for how long.
#[must_use]
pub fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    // An `io::Error` names as its source the source of what it holds, and leaves that itself out.
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let held = held.map(|held| held as &(dyn Error + 'static));
    held.or_else(|| error.source()).is_some_and(is_untrusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CA: &str = include_str!("../../../tests/vectors/tls/ca.pem");

    #[test]
    fn certificates_are_read_or_refused() {
        assert_eq!(roots(CA).map(|store| store.len()), Ok(1));
        assert_eq!(roots(&format!("{CA}\n{CA}")).map(|store| store.len()), Ok(2));
        for bad in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert_eq!(roots(bad).err(), Some(BadCertificates), "{bad}");
        }
        assert!(client(None).is_ok() && client(Some(CA)).is_ok());
    }

    #[test]
    fn a_certificate_is_named_through_every_wrapping() {
        let tls = || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(is_untrusted(&tls()));
        assert!(is_untrusted(&io::Error::other(io::Error::other(tls()))));
        assert!(!is_untrusted(&io::Error::other(rustls::Error::DecryptError)));
        assert!(!is_untrusted(&io::Error::from(io::ErrorKind::ConnectionReset)));
    }
}
