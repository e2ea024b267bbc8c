//! `ringfort audit`: verifying the sealed log, in the database or in a file, exporting it, and the public keys (AUD-3).

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Write, stdout},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, bail};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::json;
use uuid::Uuid;

use super::App;
use crate::{
    model::{
        id::{BusinessId, JobId},
        seal::Seal,
    },
    server::{
        caller::{Actor, Caller, Origin},
        kit::At,
        services::{
            audit_export::verify as exported,
            seal::{
                Report, export, file,
                verify::{self, Asked},
            },
        },
        store,
        vault::PublicKeys,
    },
};

/// A span of time, as it was typed.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    pub from: Option<&'a str>,
    pub until: Option<&'a str>,
}

/// Verifies the logs of one business, or of all. True when nothing is wrong.
///
/// # Errors
/// An id, a time or a file that cannot be read; the database cannot be reached.
pub async fn verify(
    app: &App,
    business: Option<&str>,
    span: Span<'_>,
    checkpoints: Option<&Path>,
) -> anyhow::Result<bool> {
    let asked = Asked {
        from: span.from.map(|text| instant(text, "--from")).transpose()?,
        until: span.until.map(|text| instant(text, "--to")).transpose()?,
        most: None,
        checkpoints: kept(checkpoints)?,
    };
    let mut all_sound = true;
    for business in businesses(app, business).await? {
        let report = verify::verify(app, &operator(app, business), &asked).await?;
        all_sound &= report.is_sound();
        tell(business, &report);
    }
    Ok(all_sound)
}

/// Verifies a file by public keys alone. True when nothing is wrong.
///
/// # Errors
/// No key, or a key or a file that cannot be read.
pub fn verify_file(file: &Path, keys: &[String], is_part: bool, checkpoints: Option<&Path>) -> anyhow::Result<bool> {
    let known = known(keys)?;
    let outside = kept(checkpoints)?;
    let reports = file::verify(open(file)?, &known, is_part, &outside)?;
    if reports.is_empty() {
        bail!("{} holds no seals", file.display());
    }
    for (business, report) in &reports {
        tell(*business, report);
        if checkpoints.is_some() {
            println!("        {business}: {} checkpoints agree with its seals.", report.checkpoints);
        }
    }
    Ok(reports.values().all(Report::is_sound))
}

/// Verifies a downloaded export by its manifest and public keys alone. True when nothing is wrong.
///
/// # Errors
/// No key, or a key, a manifest or a file that cannot be read.
pub fn verify_export(file: &Path, manifest: &Path, keys: &[String]) -> anyhow::Result<bool> {
    let known = known(keys)?;
    let text = fs::read_to_string(manifest).with_context(|| format!("reading {}", manifest.display()))?;
    let manifest = exported::manifest(&text).with_context(|| format!("{} is no manifest", manifest.display()))?;
    let mut found = exported::signature(&manifest, &known);
    if found.is_none() {
        found = exported::bytes(&manifest, open(file)?).with_context(|| format!("reading {}", file.display()))?;
    }
    if found.is_none() {
        found =
            exported::entries(&manifest, &mut open(file)?).with_context(|| format!("reading {}", file.display()))?;
    }
    let (business, count) = (manifest.business, manifest.count);
    if let Some(fault) = &found {
        println!("BROKEN  {business}: {}.", fault.label());
    } else {
        let (asked, made) = (At::from_micros(manifest.asked).0, At::from_micros(manifest.at).0);
        println!(
            "sound   {business}: {count} entries, all that {:?} named at {asked}. Signed at {made} with the key {}; the hash \
             is {}.",
            manifest.filter, manifest.key, manifest.hash
        );
    }
    Ok(found.is_none())
}

fn known(keys: &[String]) -> anyhow::Result<PublicKeys> {
    let mut known = PublicKeys::default();
    for key in keys {
        known.add_text(key).context("--key wants the x of a public key: `ringfort audit keys` prints them")?;
    }
    if keys.is_empty() {
        bail!("this needs the public key that has signed: --key, for each of them (`ringfort audit keys`)");
    }
    Ok(known)
}

/// Writes the sealed log of a business to a file, or to the terminal.
///
/// # Errors
/// An id or a time that cannot be read, a file that is there already, a database that cannot be reached.
pub async fn export(app: &App, business: &str, span: Span<'_>, to: Option<&Path>) -> anyhow::Result<()> {
    let from = span.from.map(|text| instant(text, "--from")).transpose()?;
    let until = span.until.map(|text| instant(text, "--to")).transpose()?;
    for business in businesses(app, Some(business)).await? {
        let mut out: Box<dyn Write + Send> = match to {
            Some(path) => Box::new(create(path)?),
            None => Box::new(stdout()),
        };
        let mut out = BufWriter::new(&mut out);
        let written = export::export(app, &operator(app, business), from, until, &mut out).await?;
        out.flush().context("writing the last lines")?;
        eprintln!("{} entries in {} seals.", written.entries, written.seals);
    }
    Ok(())
}

/// Prints the public keys that have signed, as a JWK set.
///
/// # Errors
/// The database cannot be reached.
pub async fn keys(app: &App) -> anyhow::Result<()> {
    let keys = app.vault().audit_public_keys(app.worker_db()).await?;
    println!("{:#}", json!({ "keys": keys.jwks() }));
    Ok(())
}

fn tell(business: BusinessId, report: &Report) {
    let word = if report.is_sound() { "sound " } else { "BROKEN" };
    println!("{word}  {business}: {}", report.says());
}

async fn businesses(app: &App, one: Option<&str>) -> anyhow::Result<Vec<BusinessId>> {
    let all = store::lobby::businesses_active(app.worker_db()).await?;
    let Some(text) = one else { return Ok(all) };
    let business = text.parse::<BusinessId>().context("--business wants the id of a business, like biz_0199…")?;
    if !all.contains(&business) {
        bail!("no business has this id");
    }
    Ok(vec![business])
}

fn operator(app: &App, business: BusinessId) -> Caller {
    Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "operator", network: None },
        trace: app.draw(),
    }
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).with_context(|| format!("opening {}", path.display()))?))
}

/// A new file, for its owner's eyes.
fn create(path: &Path) -> anyhow::Result<File> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.with_context(|| format!("making {}", path.display()))
}

fn kept(path: Option<&Path>) -> anyhow::Result<Vec<Seal>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let kept = file::checkpoints(open(path)?).with_context(|| format!("reading {}", path.display()))?;
    if kept.is_empty() {
        bail!("{} holds no checkpoints", path.display());
    }
    Ok(kept)
}

/// A time like `2026-01-02T03:04:05Z`, or a day, which begins in UTC.
fn instant(text: &str, option: &str) -> anyhow::Result<At> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(At(at));
    }
    let day = text.parse::<Date>().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    let day =
        day.with_context(|| format!("{option} wants a day like 2026-01-02, or a time like 2026-01-02T03:04:05Z"))?;
    Ok(At(day.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_or_instants() {
        let read = |text| instant(text, "--from").map(|at| at.0.to_string()).ok();
        assert_eq!(read("2026-01-02").as_deref(), Some("2026-01-02T00:00:00Z"));
        assert_eq!(read("2026-01-02T03:04:05+01:00").as_deref(), Some("2026-01-02T02:04:05Z"));
        assert_eq!(read("yesterday"), None);
    }
}
