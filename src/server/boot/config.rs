//! The configuration: every setting, its variable and its default, in this one file (and in `checkpoints`, `map`, `nats`,
//! `oidc` and `smtp`, where several belong together).
//!
//! It is read once, at the start, and checked whole, so that a wrong value stops the program with a sentence that
//! names the variable, and not a request an hour later. To add a setting: a field here with its variable and default
//! in the comment, a line in [`Config::from_lookup`], a test if it can be wrong.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use lettre::message::Mailbox;
use url::{Host, Url};

use crate::{
    model::texting::{BUSINESS_A_DAY, Prefixes},
    server::{live::nats::NatsSettings, mail::smtp::SmtpSettings, providers::oidc::OidcSettings, vault::Secret},
};

mod checkpoints;
mod map;
mod nats;
mod oidc;
mod smtp;

pub use checkpoints::{Checkpoints, Recipients};
pub use map::MapTiles;

/// What an installation may set. Secrets mask themselves when printed.
#[derive(Debug, Clone)]
pub struct Config {
    /// `RINGFORT_DATA` (`var`): keys, the private database, mail and objects.
    pub data_dir: PathBuf,
    /// `RINGFORT_LISTEN` (`127.0.0.1:3000`): where the product answers.
    pub listen: SocketAddr,
    /// `RINGFORT_METRICS_LISTEN` (`127.0.0.1:3001`): `/metrics` and nothing else. Keep it off the internet.
    pub metrics_listen: SocketAddr,
    /// `RINGFORT_PUBLIC_URL` (`http://` and the listen address): what browsers and providers call. An origin: scheme,
    /// host and port, without a slash at the end. Signatures and origin checks use this, never a Host header.
    pub public_url: String,
    /// `DATABASE_URL`, `WORKER_DATABASE_URL`, `OWNER_DATABASE_URL`, `OPERATOR_DATABASE_URL` (none: a private `PostgreSQL` in
    /// the data folder).
    pub database: Database,
    /// `RINGFORT_MASTER_KEY` (none: the file below): 64 hexadecimal digits.
    pub master_key: Option<Secret>,
    /// `RINGFORT_MASTER_KEY_FILE` (`keys/master.key` in the data folder).
    pub master_key_file: PathBuf,
    /// `RINGFORT_SMTP_URL` (none: mail is written to a folder): `smtps://user:password@host`, or `smtp://` with
    /// `?tls=required`. `RINGFORT_SMTP_CA` (none: those that browsers trust): a PEM file of who signs its certificate.
    pub smtp: Option<SmtpSettings>,
    /// `RINGFORT_MAIL_FROM` (`Ringfort <ringfort@localhost>`).
    pub mail_from: String,
    /// `RINGFORT_OUTBOUND_ALLOW` (none): loopback `host:port`s that may be called, for simulators. Tenants can name
    /// them too: empty in production.
    pub outbound_allow: Vec<String>,
    /// `RINGFORT_OUTBOUND_OVERRIDE` (none): `twilio=http://127.0.0.1:4010`, a stand-in per provider, with commas.
    pub outbound_overrides: HashMap<String, String>,
    /// `RINGFORT_TEXT_PREFIXES` (`+1`): with what numbers must begin that are texted to, or called by masked calls, with commas.
    pub text_prefixes: Prefixes,
    /// `RINGFORT_TEXTS_PER_DAY` (200): texts that one business sends in a day at most.
    pub texts_per_day: i32,
    /// The provider of identities that people may sign in with: `RINGFORT_OIDC_…`, in [`OidcSettings`].
    pub oidc: Option<OidcSettings>,
    /// What nodes tell each other by, where several serve: `RINGFORT_NATS_…`, in [`NatsSettings`].
    pub nats: Option<NatsSettings>,
    /// `RINGFORT_TRUSTED_PROXIES` (none): the addresses whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// `RINGFORT_CHECKPOINT_…` (none): where signed checkpoints of the audit log are sent.
    pub checkpoints: Checkpoints,
    /// `RINGFORT_AUDIT_EXPORT_MAX` (1000000): entries that one export of the audit log may hold; more are refused.
    pub audit_export_max: i64,
    /// The server of map tiles: `RINGFORT_MAP_…`, in [`MapTiles`].
    pub map_tiles: Option<MapTiles>,
    /// `RINGFORT_PGBOUNCER` (no): the database addresses lead to a `PgBouncer` in transaction mode.
    pub pgbouncer: bool,
    /// Set by the `demo` command, by no variable: a demo must never come from a forgotten line in a service file.
    pub demo: bool,
    /// `LEPTOS_SITE_ROOT` (`target/site`): the files for the browser, as `cargo leptos build` leaves them.
    pub site_root: PathBuf,
}

/// Where the database is.
#[derive(Debug, Clone)]
pub enum Database {
    /// A `PostgreSQL` that this program starts in its data folder and stops again.
    Private,
    /// Somebody else's. Without `owner`, migrations are run by hand (`ringfort migrate`); without `operator`, support looks
    /// into no business (`ringfort operator show`).
    External { app: Secret, worker: Secret, owner: Option<Secret>, operator: Option<Secret> },
}

/// A setting that cannot be used. Never repeats the value: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct ConfigError {
    pub variable: &'static str,
    pub problem: String,
}

impl ConfigError {
    fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self { variable, problem: problem.into() }
    }
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// The first setting that cannot be used, and what to write instead.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// Reads from anything that answers to a variable's name. Empty is the same as not set.
    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let vars = Variables(lookup);
        let data_dir = PathBuf::from(vars.text_or("RINGFORT_DATA", "var"));
        let listen = vars.address("RINGFORT_LISTEN", "127.0.0.1:3000")?;
        let metrics_listen = vars.address("RINGFORT_METRICS_LISTEN", "127.0.0.1:3001")?;
        if listen == metrics_listen && listen.port() != 0 {
            return Err(ConfigError::new("RINGFORT_METRICS_LISTEN", "is also RINGFORT_LISTEN: choose another port"));
        }
        let mail_from = vars.text_or("RINGFORT_MAIL_FROM", "Ringfort <ringfort@localhost>");
        if Mailbox::from_str(&mail_from).is_err() {
            return Err(ConfigError::new("RINGFORT_MAIL_FROM", "is no sender: write Name <name@example.com>"));
        }
        Ok(Self {
            public_url: public_url(&vars.text_or("RINGFORT_PUBLIC_URL", &format!("http://{listen}")))?,
            listen,
            metrics_listen,
            database: database(&vars)?,
            master_key: vars.secret("RINGFORT_MASTER_KEY"),
            master_key_file: vars
                .text("RINGFORT_MASTER_KEY_FILE")
                .map_or_else(|| data_dir.join("keys/master.key"), PathBuf::from),
            smtp: smtp::read(&vars)?,
            mail_from,
            outbound_allow: outbound_allow(vars.list("RINGFORT_OUTBOUND_ALLOW"))?,
            outbound_overrides: outbound_overrides(vars.list("RINGFORT_OUTBOUND_OVERRIDE"))?,
            text_prefixes: text_prefixes(vars.text("RINGFORT_TEXT_PREFIXES"))?,
            texts_per_day: texts_per_day(vars.text("RINGFORT_TEXTS_PER_DAY"))?,
            oidc: oidc::read(&vars)?,
            nats: nats::read(&vars)?,
            trusted_proxies: trusted_proxies(&vars.list("RINGFORT_TRUSTED_PROXIES"))?,
            checkpoints: Checkpoints::read(&vars)?,
            audit_export_max: audit_export_max(vars.text("RINGFORT_AUDIT_EXPORT_MAX"))?,
            map_tiles: MapTiles::read(&vars)?,
            pgbouncer: vars.switch("RINGFORT_PGBOUNCER")?,
            demo: false,
            site_root: PathBuf::from(vars.text_or("LEPTOS_SITE_ROOT", "target/site")),
            data_dir,
        })
    }
}

/// The variables, by the few shapes that values have.
struct Variables<F>(F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn text_or(&self, name: &str, default: &str) -> String {
        self.text(name).unwrap_or_else(|| default.to_owned())
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
    }

    fn address(&self, name: &'static str, default: &str) -> Result<SocketAddr, ConfigError> {
        self.text_or(name, default)
            .parse()
            .map_err(|_| ConfigError::new(name, "is no address with a port: write it like 127.0.0.1:3000"))
    }

    fn switch(&self, name: &'static str) -> Result<bool, ConfigError> {
        match self.text_or(name, "no").to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(ConfigError::new(name, "is neither yes nor no")),
        }
    }
}

/// An origin that browsers accept cookies from: https, or http on this machine alone.
fn public_url(text: &str) -> Result<String, ConfigError> {
    let wrong = |problem: &str| ConfigError::new("RINGFORT_PUBLIC_URL", problem);
    let url = Url::parse(text).map_err(|_| wrong("is no URL: write it like https://calls.example.com"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must be scheme, host and port alone, like https://calls.example.com"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        _ => {
            return Err(wrong(
                "must begin with https://, unless the host is localhost: set it to the address that browsers use, \
                 with a proxy in front that holds the certificate",
            ));
        }
    }
    Ok(url.origin().ascii_serialization())
}

/// Whether the host can only be this machine. A scheme that `Url` does not know keeps an address as a name.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn database<F: Fn(&str) -> Option<String>>(vars: &Variables<F>) -> Result<Database, ConfigError> {
    let url = |name: &'static str| match vars.text(name) {
        Some(text) if !text.starts_with("postgres://") && !text.starts_with("postgresql://") => {
            Err(ConfigError::new(name, "is no PostgreSQL address: write postgres://role:password@host/ringfort"))
        }
        other => Ok(other.map(Secret::new)),
    };
    let operator = url("OPERATOR_DATABASE_URL")?;
    match (url("DATABASE_URL")?, url("WORKER_DATABASE_URL")?, url("OWNER_DATABASE_URL")?) {
        (None, None, None) if operator.is_none() => Ok(Database::Private),
        (Some(app), Some(worker), owner) => Ok(Database::External { app, worker, owner, operator }),
        (Some(_), None, _) => Err(ConfigError::new(
            "WORKER_DATABASE_URL",
            "is missing beside DATABASE_URL: set it to the same database, with the role ringfort_worker",
        )),
        (None, ..) => Err(ConfigError::new(
            "DATABASE_URL",
            "is missing: set it (role ringfort_app), or unset the other three (WORKER_, OWNER_ and OPERATOR_DATABASE_URL) \
             for a private database",
        )),
    }
}

fn outbound_allow(entries: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let has_port = |entry: &String| entry.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if entries.iter().all(has_port) {
        Ok(entries)
    } else {
        Err(ConfigError::new("RINGFORT_OUTBOUND_ALLOW", "is a list of host:port with commas, like 127.0.0.1:4010"))
    }
}

fn outbound_overrides(entries: Vec<String>) -> Result<HashMap<String, String>, ConfigError> {
    let wrong = || ConfigError::new("RINGFORT_OUTBOUND_OVERRIDE", "is a list like twilio=http://127.0.0.1:4010");
    let pair = |entry: String| -> Result<(String, String), ConfigError> {
        let (provider, base) = entry.split_once('=').ok_or_else(wrong)?;
        Url::parse(base).ok().filter(url::Url::has_host).ok_or_else(wrong)?;
        Ok((provider.to_owned(), base.to_owned()))
    };
    entries.into_iter().map(pair).collect()
}

fn text_prefixes(text: Option<String>) -> Result<Prefixes, ConfigError> {
    let wrong = |_| ConfigError::new("RINGFORT_TEXT_PREFIXES", "is a list of country codes with commas, like +1,+44");
    text.map_or_else(|| Ok(Prefixes::default()), |text| text.parse().map_err(wrong))
}

fn texts_per_day(text: Option<String>) -> Result<i32, ConfigError> {
    let Some(text) = text else { return Ok(BUSINESS_A_DAY) };
    let wrong = || ConfigError::new("RINGFORT_TEXTS_PER_DAY", "is no number from 0 to 100000");
    text.parse().ok().filter(|most| (0..=100_000).contains(most)).ok_or_else(wrong)
}

fn audit_export_max(text: Option<String>) -> Result<i64, ConfigError> {
    let Some(text) = text else { return Ok(1_000_000) };
    let wrong = || ConfigError::new("RINGFORT_AUDIT_EXPORT_MAX", "is no whole number from 1 to 10000000");
    text.parse().ok().filter(|most| (1..=10_000_000).contains(most)).ok_or_else(wrong)
}

fn trusted_proxies(entries: &[String]) -> Result<Vec<IpAddr>, ConfigError> {
    let wrong = || ConfigError::new("RINGFORT_TRUSTED_PROXIES", "is a list of addresses with commas, like 10.0.0.5");
    entries.iter().map(|entry| entry.parse::<IpAddr>().map_err(|_| wrong())).collect()
}

#[cfg(test)]
mod tests;
