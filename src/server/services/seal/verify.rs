//! Going through a business's sealed log (AUD-3), by the button and by `ringfort audit verify`. That somebody did is itself an
//! entry, with what was found.

use jiff::{Span, civil::Date, tz::TimeZone};
use serde_json::json;

use super::{
    chain,
    report::Report,
    walk::{Kept, Walk},
};
use crate::{
    model::{
        audit::Action,
        seal::{Flaw, Seal},
    },
    server::{
        boot::App,
        caller::Caller,
        http::{AppError, Cx},
        kit::At,
        services::audit,
        store::{self, StoreError, TenantTx},
        vault::PublicKeys,
    },
};

/// As many entries as one click looks at, about: some seconds.
const CLICK: i64 = 250_000;

/// What to go through.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Seals that were made from here on; none: from the first.
    pub from: Option<At>,
    /// Seals that were made before; none: to the end, and what is behind it.
    pub until: Option<At>,
    /// Stops when so many entries were looked at.
    pub most: Option<i64>,
    /// What was kept outside.
    pub checkpoints: Vec<Seal>,
}

/// Goes through a business's log.
///
/// # Errors
/// Refused without `audit.read` (people); the database cannot be reached. What is wrong with the log is no error.
pub async fn verify(app: &App, caller: &Caller, asked: &Asked) -> Result<Report, AppError> {
    let keys = app.vault().audit_public_keys(app.db()).await?;
    audit::audited(app, caller, Action::AuditVerified, async |act| {
        act.on("business", caller.business.0);
        let report = look(&mut act.tx, &keys, asked).await?;
        let mut told = report.told();
        told["from"] = json!(asked.from.map(|at| at.0.to_string()));
        told["until"] = json!(asked.until.map(|at| at.0.to_string()));
        act.after(told);
        Ok(report)
    })
    .await
}

/// As a person asks for it: days of their business's zone, `until` with that day. Empty is open.
///
/// # Errors
/// Bad request for what is no day; limited while many others look through logs; as [`verify`].
pub async fn ask(cx: &Cx, from: &str, until: &str) -> Result<Report, AppError> {
    let person = cx.signed_in()?;
    let zone = TimeZone::get(&person.zone).unwrap_or(TimeZone::UTC);
    let start = |day: &str, plus: i64| -> Result<Option<At>, AppError> {
        if day.trim().is_empty() {
            return Ok(None);
        }
        let day: Date = day.trim().parse().map_err(|_| AppError::BadRequest)?;
        let day = day.saturating_add(Span::new().days(plus));
        let begins = day.to_zoned(zone.clone()).map_err(|_| AppError::BadRequest)?;
        Ok(Some(At(begins.timestamp())))
    };
    let asked = Asked { from: start(from, 0)?, until: start(until, 1)?, most: Some(CLICK), checkpoints: Vec::new() };
    let _turn = cx.app.limits().search_turn().await.ok_or(AppError::Limited { retry_after: 5 })?;
    verify(&cx.app, &person.caller, &asked).await
}

async fn look(tx: &mut TenantTx, keys: &PublicKeys, asked: &Asked) -> Result<Report, StoreError> {
    let mut walk = Walk::new(keys);
    match store::seal::between(tx, asked.from, asked.until).await? {
        Some((first, last)) => {
            if asked.from.is_some() && first > 1 {
                walk.begin(tx, first).await?;
            }
            walk.to(tx, last, asked.most).await?;
        }
        // Everything that is sealed was sealed before: what is behind it is looked at.
        None => {
            if let Some(head) = store::seal::head(tx).await?.filter(|_| asked.until.is_none()) {
                walk.begin(tx, head.seq.saturating_add(1)).await?;
            }
        }
    }
    let to_the_end = asked.until.is_none() && !walk.report.is_cut;
    if to_the_end {
        walk.end(tx).await?;
    } else {
        walk.stop(tx).await?;
    }
    let low = asked.from.map_or(0, |_| walk.report.first);
    let high = if to_the_end { i64::MAX } else { walk.report.last };
    let mut kept: Vec<Kept> = store::seal::sent_between(tx, low, high).await?.into_iter().map(Kept::from).collect();
    for outside in asked.checkpoints.iter().filter(|outside| outside.business == tx.business()) {
        if !chain::is_signed(outside, keys) {
            walk.report.note(Flaw::SealUnsigned, Some(outside.seq), Some(outside.first.id));
        }
        kept.push(Kept::from(outside));
    }
    kept.sort_by_key(|kept| kept.seq);
    walk.compare(tx, &kept).await?;
    Ok(walk.report)
}
