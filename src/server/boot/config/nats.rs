//! NATS between nodes, who vouches for it, and as whom we go there.

use url::Url;

use super::{ConfigError, Variables, is_loopback};
use crate::server::{
    kit::tls,
    live::nats::{Login, NatsSettings},
    vault::Secret,
};

const URL: &str = "RINGFORT_NATS_URL";
const CA: &str = "RINGFORT_NATS_CA";
const USER: &str = "RINGFORT_NATS_USER";
const PASSWORD: &str = "RINGFORT_NATS_PASSWORD";
const TOKEN: &str = "RINGFORT_NATS_TOKEN";
const CREDENTIALS: &str = "RINGFORT_NATS_CREDENTIALS";

/// # Errors
/// A setting that cannot be used, or one that means nothing without another.
pub(super) fn read<F: Fn(&str) -> Option<String>>(vars: &Variables<F>) -> Result<Option<NatsSettings>, ConfigError> {
    let servers = vars.list(URL);
    if servers.is_empty() {
        let alone = [CA, USER, PASSWORD, TOKEN, CREDENTIALS].into_iter().find(|name| vars.text(name).is_some());
        return match alone {
            None => Ok(None),
            Some(name) => Err(ConfigError::new(name, "is for NATS, but RINGFORT_NATS_URL names no server")),
        };
    }
    let schemes = servers.iter().map(|server| is_tls(server)).collect::<Result<Vec<bool>, _>>()?;
    let is_tls = schemes.contains(&true);
    if is_tls && schemes.contains(&false) {
        return Err(wrong("mixes tls:// and nats://: write all of them with tls://"));
    }
    let authority = authority(vars)?;
    if authority.is_some() && !is_tls {
        return Err(ConfigError::new(CA, "vouches for a certificate, but RINGFORT_NATS_URL asks for no TLS"));
    }
    Ok(Some(NatsSettings { servers, login: login(vars)?, is_tls, authority }))
}

fn wrong(problem: &str) -> ConfigError {
    ConfigError::new(URL, problem)
}

/// Messages hold ids alone, but who can change them on their way can keep nodes busy: in clear only on this machine.
fn is_tls(server: &str) -> Result<bool, ConfigError> {
    let url = Url::parse(server).map_err(|_| wrong("is no list of URLs: write tls://nats.example.com:4222"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a login: set RINGFORT_NATS_USER and RINGFORT_NATS_PASSWORD instead"));
    }
    if url.host_str().is_none_or(str::is_empty) || !matches!(url.path(), "" | "/") || url.query().is_some() {
        return Err(wrong("must be scheme, host and port alone, like tls://nats.example.com:4222"));
    }
    match url.scheme() {
        "tls" => Ok(true),
        "nats" if is_loopback(&url) => Ok(false),
        "nats" => Err(wrong("would be spoken to in clear: write tls://, unless the server is on this machine")),
        _ => Err(wrong("must begin with tls:// or nats://")),
    }
}

fn login<F: Fn(&str) -> Option<String>>(vars: &Variables<F>) -> Result<Login, ConfigError> {
    let password = match (vars.text(USER), vars.secret(PASSWORD)) {
        (Some(user), Some(password)) => Some(Login::Password { user, password }),
        (None, None) => None,
        (Some(_), None) => return Err(ConfigError::new(PASSWORD, "is missing beside RINGFORT_NATS_USER")),
        (None, Some(_)) => return Err(ConfigError::new(USER, "is missing beside RINGFORT_NATS_PASSWORD")),
    };
    let credentials = match vars.text(CREDENTIALS) {
        Some(path) => Some(Login::Credentials(Secret::new(file(CREDENTIALS, &path)?))),
        None => None,
    };
    let token = vars.secret(TOKEN).map(Login::Token);
    let mut ways = [password, token, credentials].into_iter().flatten();
    match (ways.next(), ways.next()) {
        (way, None) => Ok(way.unwrap_or(Login::Nobody)),
        _ => Err(ConfigError::new(
            CREDENTIALS,
            "is one way to sign in, RINGFORT_NATS_TOKEN another, RINGFORT_NATS_USER a third: set one",
        )),
    }
}

fn authority<F: Fn(&str) -> Option<String>>(vars: &Variables<F>) -> Result<Option<String>, ConfigError> {
    let Some(path) = vars.text(CA) else { return Ok(None) };
    let pem = file(CA, &path)?;
    tls::roots(&pem).map_err(|_| ConfigError::new(CA, "is no file of certificates: write them as PEM"))?;
    Ok(Some(pem))
}

fn file(variable: &'static str, path: &str) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError::new(variable, format!("cannot be read: {}", error.kind())))
}
