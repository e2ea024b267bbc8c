//! The provider of identities that people may sign in with (ACC-6): Google, or any other that speaks `OpenID` Connect.

use url::Url;

use super::{ConfigError, Variables, is_loopback};
use crate::server::{providers::oidc::OidcSettings, vault::Secret};

const ISSUER: &str = "RINGFORT_OIDC_ISSUER";
const CLIENT_ID: &str = "RINGFORT_OIDC_CLIENT_ID";
const CLIENT_SECRET: &str = "RINGFORT_OIDC_CLIENT_SECRET";
const CLIENT_SECRET_FILE: &str = "RINGFORT_OIDC_CLIENT_SECRET_FILE";
const NAME: &str = "RINGFORT_OIDC_NAME";

/// # Errors
/// A setting that cannot be used, or one that is missing beside another.
pub(super) fn read<F: Fn(&str) -> Option<String>>(vars: &Variables<F>) -> Result<Option<OidcSettings>, ConfigError> {
    let secret = client_secret(vars)?;
    let issuer = issuer(&vars.text_or(ISSUER, "https://accounts.google.com"))?;
    let name = vars.text_or(NAME, "Google");
    if name.chars().count() > 40 || name.chars().any(char::is_control) {
        return Err(ConfigError::new(NAME, "is no name for a button: write at most 40 characters"));
    }
    match (vars.text(CLIENT_ID), secret) {
        (None, None) => Ok(None),
        (Some(client_id), Some(client_secret)) => Ok(Some(OidcSettings { issuer, client_id, client_secret, name })),
        (Some(_), None) => Err(ConfigError::new(CLIENT_SECRET, "is missing beside RINGFORT_OIDC_CLIENT_ID")),
        (None, Some(_)) => Err(ConfigError::new(CLIENT_ID, "is missing beside RINGFORT_OIDC_CLIENT_SECRET")),
    }
}

fn client_secret<F: Fn(&str) -> Option<String>>(vars: &Variables<F>) -> Result<Option<Secret>, ConfigError> {
    if let Some(secret) = vars.secret(CLIENT_SECRET) {
        return Ok(Some(secret));
    }
    let Some(path) = vars.text(CLIENT_SECRET_FILE) else { return Ok(None) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::new(CLIENT_SECRET_FILE, format!("cannot be read: {}", error.kind())))?;
    match text.trim() {
        "" => Err(ConfigError::new(CLIENT_SECRET_FILE, "is empty: write the client's secret into it")),
        secret => Ok(Some(Secret::new(secret.to_owned()))),
    }
}

/// Kept as it is written: tokens name it letter by letter. In clear only on this machine, for tests.
fn issuer(text: &str) -> Result<String, ConfigError> {
    let wrong = |problem: &str| ConfigError::new(ISSUER, problem);
    let url = Url::parse(text).map_err(|_| wrong("is no URL: write it like https://accounts.google.com"))?;
    let bare =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !bare {
        return Err(wrong("must be an address alone, without a query, like https://accounts.google.com"));
    }
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) {
        return Ok(text.to_owned());
    }
    Err(wrong("must begin with https://, unless the host is localhost"))
}
