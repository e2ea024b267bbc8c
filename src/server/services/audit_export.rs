//! Exports of the audit log (AUD-5): exactly what a filter shows, asked for by people here, written by a job ([`work`]),
//! and given out piece by piece ([`file`]). What somebody has kept is verified by the public key alone ([`verify`]).
//!
//! An export is refused, never cut short: when it is asked for, and once more when it is begun, for what was still under
//! way.

pub mod file;
pub mod verify;
pub mod work;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::audit;
use crate::{
    model::{
        audit::Action,
        audit_export::{Format, Manifest, State, grouped},
        audit_query::{AuditFilter, AuditQuery, Key},
        field::{Bad, Fields},
        id::{ExportId, JobId},
    },
    server::{
        caller::SignedIn,
        http::{AppError, Cx},
        store::{
            self,
            audit_export::{Asked, Export, NewExport},
        },
    },
};

/// Counting goes no further than this many times what an export may hold: who asks for more is told that it is at least so
/// much.
const COUNTED: i64 = 10;

/// What an export would hold.
#[derive(Debug)]
pub struct Preview {
    /// With instants: it means the same when it is asked for.
    pub filter: AuditFilter,
    /// How many entries, counted up to a bound. Absent where counting takes too long.
    pub count: Option<i64>,
    /// How many it may be.
    pub most: i64,
}

impl Preview {
    /// What is wrong with exporting it.
    #[must_use]
    pub fn problem(&self) -> Option<Bad> {
        self.count.and_then(|count| too_many(count, self.most))
    }
}

fn ceiling(most: i64) -> i64 {
    most.saturating_mul(COUNTED)
}

fn too_many(count: i64, most: i64) -> Option<Bad> {
    let more = if count >= ceiling(most) { "at least " } else { "" };
    (count > most).then(|| Bad::TooManyEntries(format!("{more}{}", grouped(count)), grouped(most)))
}

/// The exports of the business. That somebody looks at them is itself an entry.
///
/// # Errors
/// Refused without `audit.export`.
pub async fn overview(cx: &Cx) -> Result<Vec<Export>, AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::AuditExportsViewed, async |act| {
        Ok(store::audit_export::list(&mut act.tx).await?)
    })
    .await
}

/// What an export of a query would hold, by now and by the clock of the business. Without a time in it, the last days that
/// the log shows are meant.
///
/// # Errors
/// Bad request for what is no query; limited while many others look through the log; refused without `audit.export`.
pub async fn preview(cx: &Cx, query: &str) -> Result<Preview, AppError> {
    let query: AuditQuery = query.parse().map_err(|_| AppError::BadRequest)?;
    let filter = query.or_recent().resolve(cx.visitor.now.0, &zone_of(cx.signed_in()?));
    let most = cx.app.config().audit_export_max;
    let _turn = cx.app.limits().search_turn().await.ok_or(AppError::Limited { retry_after: 5 })?;
    let count = audit::audited(&cx.app, cx.caller()?, Action::AuditExportsViewed, async |act| {
        Ok(store::audit_export::count(&mut act.tx, &filter, None, ceiling(most)).await?)
    })
    .await?;
    Ok(Preview { filter, count, most })
}

fn zone_of(person: &SignedIn) -> TimeZone {
    TimeZone::get(&person.zone).unwrap_or(TimeZone::UTC)
}

/// As it was typed and chosen.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// With instants, as the page wrote it.
    pub filter: &'a str,
    pub format: &'a str,
    /// Of a CSV's times: `utc`, or the business's own.
    pub zone: &'a str,
}

/// Asks for an export.
///
/// # Errors
/// Bad request for what is no filter; invalid for another format, more entries than an export may hold, and more exports
/// than may be under way or kept; limited as [`preview`]; refused without `audit.export`.
pub async fn ask(cx: &Cx, draft: Draft<'_>) -> Result<ExportId, AppError> {
    let person = cx.signed_in()?;
    let filter: AuditFilter = draft.filter.parse().map_err(|_| AppError::BadRequest)?;
    let mut fields = Fields::default();
    let format = fields.take("format", draft.format.parse::<Format>());
    let zone = fields.take("zone", zone_name(person, draft.zone));
    let (Some(format), Some(zone)) = (format, zone) else { return Err(fields.into()) };
    let (id, most, text): (ExportId, _, _) = (cx.app.draw(), cx.app.config().audit_export_max, filter.to_string());
    let _turn = cx.app.limits().search_turn().await.ok_or(AppError::Limited { retry_after: 5 })?;
    audit::audited(&cx.app, &person.caller, Action::AuditExportAsked, async |act| {
        act.on("export", id.0);
        act.after(json!({ "format": format.code(), "by": keys(&filter) }));
        let count = store::audit_export::count(&mut act.tx, &filter, None, ceiling(most)).await?;
        if let Some(bad) = count.and_then(|count| too_many(count, most)) {
            return Err(AppError::field("", bad));
        }
        match store::audit_export::insert(&mut act.tx, NewExport { id, format, filter: &text, zone: &zone }).await? {
            Asked::Stored => {}
            Asked::UnderWay(many) => return Err(AppError::field("", Bad::UnderWay(many))),
            Asked::Full => return Err(AppError::field("", Bad::ExportsFull)),
        }
        let (job, now) = (cx.app.draw::<JobId>(), act.tx.now());
        let payload = json!(work::Payload { export: id });
        store::job::enqueue(&mut act.tx, job, work::JOB, &id.to_string(), payload, now).await?;
        Ok(())
    })
    .await?;
    Ok(id)
}

fn zone_name(person: &SignedIn, chosen: &str) -> Result<String, Bad> {
    match chosen {
        "utc" => Ok("UTC".to_owned()),
        "" | "business" => Ok(person.zone.clone()),
        _ => Err(Bad::Choice),
    }
}

/// By what it narrows: closed words only. What was looked for may be somebody's name.
fn keys(filter: &AuditFilter) -> Value {
    let parts = filter.query().parts();
    let narrow = parts.iter().filter(|(key, value)| !(*key == Key::At && value == "all"));
    narrow.map(|(key, _)| key.code()).collect()
}

/// Cancels one that is under way.
///
/// # Errors
/// Conflict when it is over; missing when it is not this business's; refused without `audit.export`.
pub async fn cancel(cx: &Cx, id: ExportId) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::AuditExportCancelled, async |act| {
        act.on("export", id.0);
        let before = store::audit_export::get(&mut act.tx, id).await?.state;
        act.before(json!({ "state": before.code() }));
        if !store::audit_export::cancel(&mut act.tx, id).await? {
            return Err(AppError::Conflict);
        }
        act.after(json!({ "state": State::Cancelled.code() }));
        Ok(())
    })
    .await
}

/// What is given out of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    File,
    Manifest,
}

impl What {
    const fn code(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Manifest => "manifest",
        }
    }
}

/// Gives an export out, with its manifest as it is written and as it reads. That somebody got it is an entry, before the
/// first byte leaves.
///
/// # Errors
/// Missing when it is not this business's, not ready, or over; its manifest alone is there for good. Refused without
/// `audit.export`.
pub async fn give_out(cx: &Cx, id: ExportId, what: What) -> Result<(Export, String, Manifest), AppError> {
    let now = cx.visitor.now;
    let export = audit::audited(&cx.app, cx.caller()?, Action::AuditExportDownloaded, async |act| {
        act.on("export", id.0);
        let export = store::audit_export::get(&mut act.tx, id).await?;
        let is_there = match what {
            What::File => export.state == State::Ready && export.expires_at.is_some_and(|end| now < end),
            What::Manifest => export.manifest.is_some(),
        };
        if !is_there {
            return Err(AppError::Missing);
        }
        act.after(json!({ "what": what.code(), "format": export.format.code(), "entries": export.done }));
        Ok(export)
    })
    .await?;
    let text = export.manifest.clone().ok_or(AppError::Missing)?;
    let manifest = verify::manifest(&text).map_err(|e| AppError::Internal(Box::new(e)))?;
    Ok((export, text, manifest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_an_export_holds_is_refused_with_the_count() {
        assert_eq!(too_many(1_000, 1_000), None);
        assert_eq!(too_many(1_001, 1_000), Some(Bad::TooManyEntries("1,001".to_owned(), "1,000".to_owned())));
        let beyond = Bad::TooManyEntries("at least 10,000".to_owned(), "1,000".to_owned());
        assert_eq!(too_many(10_000, 1_000), Some(beyond));
    }

    #[test]
    fn an_entry_says_by_what_was_narrowed_and_not_to_what() {
        let filter: AuditFilter = "action:call.viewed at:all frances pine".parse().expect("a filter");
        assert_eq!(keys(&filter), json!(["action", "text"]));
        let filter: AuditFilter = "at:2026-01-01T00:00:00Z..".parse().expect("a filter");
        assert_eq!(keys(&filter), json!(["at"]));
    }
}
