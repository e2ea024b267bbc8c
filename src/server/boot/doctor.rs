//! `ringfort doctor`: looks at an installation and says, line by line, what is well and how to mend what is not.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tokio::net::TcpListener;

use super::config::{Config, Database};
use crate::server::{
    mail::smtp::Smtp,
    vault::{Secret, keys, passkey::RelyingParty},
};

mod database;
mod identity;
mod nats;

/// What was found, printed as it comes.
#[derive(Debug, Default)]
struct Report {
    fine: usize,
    warnings: usize,
    problems: usize,
}

impl Report {
    fn ok(&mut self, what: &str, found: &str) {
        self.fine += 1;
        println!("ok       {what}: {found}");
    }

    fn warning(&mut self, what: &str, found: &str, mend: &str) {
        self.warnings += 1;
        println!("warning  {what}: {found}. To mend: {mend}");
    }

    fn problem(&mut self, what: &str, found: &str, mend: &str) {
        self.problems += 1;
        println!("problem  {what}: {found}. To mend: {mend}");
    }
}

/// Runs every check and prints a line for each. True when there is no problem; warnings do not count.
///
/// Changes nothing, except that a private database which is not running is started for the time of the checks.
///
/// # Errors
/// None at present: what fails is a finding.
pub async fn run(config: &Config) -> anyhow::Result<bool> {
    let mut report = Report::default();
    configuration(config, &mut report);
    data_folder(config, &mut report);
    master_key(config, &mut report);
    let joined = database::check(config, &mut report).await;
    for (what, address) in [("port of the product", config.listen), ("port of the metrics", config.metrics_listen)] {
        port(what, address, joined, &mut report).await;
    }
    mail(config, &mut report).await;
    identity::check(config, &mut report).await;
    nats::check(config, &mut report).await;
    site(config, &mut report);
    println!("{} ok, {} warnings, {} problems", report.fine, report.warnings, report.problems);
    Ok(report.problems == 0)
}

fn configuration(config: &Config, report: &mut Report) {
    report.ok("configuration", &format!("readable, the product is {}", config.public_url));
    let public = config.public_url.starts_with("https://");
    if public && !config.outbound_allow.is_empty() {
        report.warning(
            "outbound calls",
            "inner addresses are open to calls that tenants cause",
            "unset RINGFORT_OUTBOUND_ALLOW in production",
        );
    }
    if RelyingParty::of(&config.public_url).is_some() {
        report.ok("passkeys", "belong to the host of the public address");
    } else {
        report.warning(
            "passkeys",
            "browsers make none for an IP address, so nobody here can use one",
            "set RINGFORT_PUBLIC_URL to an address with a host name, like http://localhost:3000",
        );
    }
    if public && config.checkpoints.is_off() {
        report.warning(
            "checkpoints",
            "the audit log's checkpoints go nowhere, so whoever owns the database could bring back an older state of it",
            "set RINGFORT_CHECKPOINT_DIR, _MAIL or _URL",
        );
    }
    if public && config.trusted_proxies.is_empty() {
        report.warning(
            "proxies",
            "the product is public, but no proxy is trusted, so all visitors look like one address",
            "set RINGFORT_TRUSTED_PROXIES to the address of the proxy that ends TLS",
        );
    }
}

fn data_folder(config: &Config, report: &mut Report) {
    let what = "data folder";
    let shown = config.data_dir.display();
    match fs::metadata(&config.data_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            report.warning(what, &format!("{shown} is not there yet"), "nothing, the first start makes it");
        }
        Err(error) => report.problem(what, &format!("{shown}: {error}"), "make it readable, or set RINGFORT_DATA"),
        Ok(found) if found.mode() & 0o066 != 0 => report.warning(
            what,
            &format!("others may look into {shown} (mode {:03o})", found.mode() & 0o777),
            &format!("chmod go-rw {shown}"),
        ),
        Ok(found) => match writable(&config.data_dir) {
            Ok(()) => report.ok(what, &format!("{shown}, mode {:03o}", found.mode() & 0o777)),
            Err(error) => report.problem(what, &format!("{shown} cannot be written: {error}"), "make it ours"),
        },
    }
}

/// Whether a file can be made there, which also notices a full disk and a read-only one.
fn writable(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    fs::write(&probe, [0; 512])?;
    fs::remove_file(&probe)
}

fn master_key(config: &Config, report: &mut Report) {
    let what = "master key";
    if let Some(key) = &config.master_key {
        match keys::master_key(key) {
            Ok(_) => report.ok(what, "in RINGFORT_MASTER_KEY"),
            Err(error) => report.problem(what, &error.to_string(), "set it to 64 hexadecimal digits"),
        }
        return;
    }
    let file = &config.master_key_file;
    let shown = file.display();
    let (text, mode) = match fs::read_to_string(file).and_then(|text| Ok((text, fs::metadata(file)?.mode()))) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !has_cluster(config) => {
            return report.warning(what, &format!("{shown} is not there yet"), "nothing, the first start makes it");
        }
        Err(error) => {
            let mend = "restore it from its backup: without it no stored secret can be read";
            return report.problem(what, &format!("{shown}: {error}"), mend);
        }
    };
    if mode & 0o077 != 0 {
        report.problem(what, &format!("others may read {shown}"), &format!("chmod 600 {shown}, then rotate the key"));
    } else if keys::master_key(&Secret::new(text)).is_err() {
        report.problem(what, &format!("{shown} does not hold 64 hexadecimal digits"), "restore it from its backup");
    } else {
        report.ok(what, &format!("{shown}, readable by its owner alone"));
    }
}

/// Whether there is data that needs the key.
fn has_cluster(config: &Config) -> bool {
    !matches!(config.database, Database::Private) || config.data_dir.join("postgres/passwords.json").exists()
}

async fn port(what: &str, address: SocketAddr, joined: bool, report: &mut Report) {
    match TcpListener::bind(address).await {
        Ok(_) => report.ok(what, &format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && joined => {
            report.ok(what, &format!("{address} is in use, and a ringfort runs on this data folder"));
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => report.warning(
            what,
            &format!("{address} is in use"),
            "nothing if that is this product; else set RINGFORT_LISTEN or RINGFORT_METRICS_LISTEN",
        ),
        Err(error) => report.problem(
            what,
            &format!("{address} cannot be used: {error}"),
            "set RINGFORT_LISTEN or RINGFORT_METRICS_LISTEN to an address of this machine",
        ),
    }
}

/// As a mail would go, up to the point where one would be sent.
async fn mail(config: &Config, report: &mut Report) {
    let Some(settings) = &config.smtp else {
        return mail_folder(config, report);
    };
    let what = "mail";
    let shown = format!("{}:{}", settings.host, settings.port);
    let Ok(smtp) = Smtp::new(settings) else {
        return report.problem(what, "RINGFORT_SMTP_URL cannot be used", "write smtps://user:password@host");
    };
    match smtp.check().await {
        Ok(()) => report.ok(what, &format!("{shown} answers, {}", settings.security.words())),
        Err(problem) => report.problem(what, &format!("{shown} {}", problem.words()), problem.mend()),
    }
}

fn mail_folder(config: &Config, report: &mut Report) {
    let what = "mail";
    let folder = config.data_dir.join("mail");
    let shown = folder.display();
    if config.public_url.starts_with("https://") {
        let found = format!("is only written to {shown}, and nobody receives it");
        return report.warning(what, &found, "set RINGFORT_SMTP_URL");
    }
    if !folder.exists() {
        return report.ok(what, &format!("will be written to {shown}"));
    }
    match writable(&folder) {
        Ok(()) => report.ok(what, &format!("is written to {shown}")),
        Err(error) => report.problem(what, &format!("{shown} cannot be written: {error}"), "make the folder ours"),
    }
}

fn site(config: &Config, report: &mut Report) {
    let what = "files for the browser";
    let pkg = config.site_root.join("pkg");
    let mend = "build with `cargo leptos build --release`, or set LEPTOS_SITE_ROOT";
    let names: Vec<PathBuf> = fs::read_dir(&pkg).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let missing = ["wasm", "js", "css"].into_iter().find(|kind| !names.iter().any(|name| has_kind(name, kind)));
    if let Some(kind) = missing {
        return report.problem(what, &format!("{} holds no .{kind} file", pkg.display()), mend);
    }
    // The pages name hashed files; leptos reads the hashes from a file beside the program.
    let hashes = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("hash.txt")));
    match hashes {
        Some(file) if file.is_file() => report.ok(what, &format!("in {}", pkg.display())),
        Some(file) => {
            report.problem(what, &format!("{} is missing", file.display()), "copy hash.txt beside the program");
        }
        None => report.warning(what, "this program's own folder is unknown", "start it by its full path"),
    }
}

fn has_kind(name: &Path, kind: &str) -> bool {
    name.extension().is_some_and(|found| found == kind)
}
