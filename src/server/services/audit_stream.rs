//! Streams of the audit log to collectors (AUD-5): make, test, pause, send again, rotate the secret, delete. Sending itself
//! stands in [`sending`].
//!
//! A stream carries what is sealed, in the order of the chain, and at least once: its place moves on when the other side
//! has taken what is before it. A secret goes in and is never shown again. What a stream carries is not written down
//! entry by entry: that would be more to carry, for ever.

mod draft;
pub mod sending;

pub use draft::Draft;

use jiff::{civil::Date, tz::TimeZone};
use serde_json::json;

use self::draft::{check, credentials};
use super::audit;
use crate::{
    model::{
        audit::Action,
        audit_stream::{Cursor, MOST, Problem, State},
        field::{Bad, Fields},
        id::StreamId,
    },
    server::{
        http::{AppError, Cx},
        kit::At,
        store::{self, audit_stream::NewStream},
        vault::{Purpose, Secret},
    },
};

/// A stream is tested once in so many seconds: each test is a call of somebody else's server.
const TEST_EVERY: u32 = 10;
/// And sent again once in so many.
const REPLAY_EVERY: u32 = 60;

/// Makes a stream.
///
/// # Errors
/// Invalid fields, also when there are as many as there may be; refused without `audit.stream`.
pub async fn create(cx: &Cx, draft: Draft<'_>) -> Result<StreamId, AppError> {
    let person = cx.signed_in()?;
    let checked = check(&draft)?;
    let id: StreamId = cx.app.draw();
    audit::audited(&cx.app, &person.caller, Action::StreamCreated, async |act| {
        act.on("audit_stream", id.0);
        act.after(json!({
            "kind": checked.kind.code(), "format": checked.format.code(), "secret": checked.header.is_some(),
            "own_certificates": checked.ca.is_some(), "from_beginning": checked.from_beginning,
            "silent_end": checked.silent_end,
        }));
        if store::audit_stream::lock(&mut act.tx).await? >= i64::from(MOST) {
            return Err(AppError::field("label", Bad::Most(MOST)));
        }
        let cursor =
            if checked.from_beginning { Cursor::START } else { store::audit_stream::place(&mut act.tx, None).await? };
        let sealed = match &checked.header {
            Some(_) => {
                let plain = draft.secret.expose().trim().as_bytes();
                Some(cx.app.vault().seal(&mut act.tx, Purpose::AuditStream, id.0, plain).await?)
            }
            None => None,
        };
        let new = NewStream {
            id,
            label: &checked.label,
            kind: checked.kind,
            address: &checked.address,
            format: checked.format,
            header: checked.header.as_deref(),
            sealed: sealed.as_deref(),
            ca: checked.ca.as_deref(),
            silent_end: checked.silent_end,
            cursor,
            created_by: person.member.0,
        };
        store::audit_stream::insert(&mut act.tx, new).await?;
        Ok(id)
    })
    .await
}

/// Sends one event that is marked as a test, the same way as all others, and stores how it went. No transaction is open
/// meanwhile.
///
/// # Errors
/// Limited to one in ten seconds; refused without `audit.stream`; missing when it is not this business's.
pub async fn test(cx: &Cx, id: StreamId) -> Result<Option<Problem>, AppError> {
    let person = cx.signed_in()?;
    let mut tx = cx.tx().await?;
    let work = store::audit_stream::work(&mut tx, id).await?;
    if !store::audit_stream::begin_test(&mut tx, id, TEST_EVERY).await? {
        return Err(AppError::Limited { retry_after: TEST_EVERY });
    }
    tx.commit().await?;
    let problem = sending::try_out(&cx.app, &person.caller, id, work.way).await;
    audit::audited(&cx.app, &person.caller, Action::StreamTested, async |act| {
        act.on("audit_stream", id.0);
        act.after(json!({ "result": problem.map_or("ok", Problem::code) }));
        store::audit_stream::tested(&mut act.tx, id, problem).await?;
        Ok(problem)
    })
    .await
}

/// Holds a stream, or lets it go on from where it was held.
///
/// # Errors
/// Refused without `audit.stream`; conflict when it is so already; missing when it is not this business's.
pub async fn set_state(cx: &Cx, id: StreamId, state: State) -> Result<(), AppError> {
    let action = match state {
        State::Active => Action::StreamResumed,
        State::Paused => Action::StreamPaused,
    };
    audit::audited(&cx.app, cx.caller()?, action, async |act| {
        act.on("audit_stream", id.0);
        Ok(store::audit_stream::set_state(&mut act.tx, id, state).await?)
    })
    .await
}

/// Sends everything again that was sealed on a day of the business's zone, or later; everything there is, without a day.
///
/// # Errors
/// An invalid day; limited to one a minute; refused without `audit.stream`; missing when it is not this business's.
pub async fn replay(cx: &Cx, id: StreamId, day: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    audit::audited(&cx.app, &person.caller, Action::StreamReplayed, async |act| {
        act.on("audit_stream", id.0);
        let from = begin(day, &person.zone)?;
        let before = store::audit_stream::get(&mut act.tx, id).await?.cursor;
        if !store::audit_stream::begin_replay(&mut act.tx, id, REPLAY_EVERY).await? {
            return Err(AppError::Limited { retry_after: REPLAY_EVERY });
        }
        let to = match from {
            Some(from) => store::audit_stream::place(&mut act.tx, Some(from)).await?,
            None => Cursor::START,
        };
        act.before(json!({ "seal": before.seq, "entries": before.total }));
        act.after(json!({ "seal": to.seq, "entries": to.total }));
        Ok(store::audit_stream::move_to(&mut act.tx, id, to).await?)
    })
    .await
}

/// The beginning of a day in a zone; nothing for no day.
fn begin(day: &str, zone: &str) -> Result<Option<At>, AppError> {
    let wrong = || AppError::field("from", Bad::Choice);
    if day.trim().is_empty() {
        return Ok(None);
    }
    let day: Date = day.trim().parse().map_err(|_| wrong())?;
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    Ok(Some(At(day.to_zoned(zone).map_err(|_| wrong())?.timestamp())))
}

/// Puts another secret in the place of the one that was; without one, takes it away.
///
/// # Errors
/// Invalid fields; refused without `audit.stream`; missing when it is not this business's.
pub async fn rotate(cx: &Cx, id: StreamId, name: &str, value: Secret) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::StreamRotated, async |act| {
        act.on("audit_stream", id.0);
        let stream = store::audit_stream::get(&mut act.tx, id).await?;
        let mut fields = Fields::default();
        let Some(header) = credentials(&mut fields, stream.kind, name, &value) else {
            return Err(fields.into());
        };
        fields.finish()?;
        act.before(json!({ "secret": stream.header.is_some() }));
        act.after(json!({ "secret": header.is_some() }));
        let sealed = match &header {
            Some(_) => {
                let plain = value.expose().trim().as_bytes();
                Some(cx.app.vault().seal(&mut act.tx, Purpose::AuditStream, id.0, plain).await?)
            }
            None => None,
        };
        Ok(store::audit_stream::put_secret(&mut act.tx, id, header.as_deref(), sealed.as_deref()).await?)
    })
    .await
}

/// Ends a stream: what was not sent yet is not sent by it any more.
///
/// # Errors
/// Invalid confirmation; refused without `audit.stream`; missing when it is not this business's.
pub async fn delete(cx: &Cx, id: StreamId, confirm: &str) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::StreamDeleted, async |act| {
        act.on("audit_stream", id.0);
        let stream = store::audit_stream::get(&mut act.tx, id).await?;
        if confirm.trim() != "delete" {
            return Err(AppError::field("confirm", Bad::Confirm("delete".to_owned())));
        }
        act.before(json!({ "kind": stream.kind.code(), "format": stream.format.code(), "unsent": stream.behind }));
        Ok(store::audit_stream::delete(&mut act.tx, id).await?)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_the_business_zone() {
        let begun = begin("2026-11-23", "America/Chicago").expect("a day").expect("one");
        assert_eq!(begun.0.to_string(), "2026-11-23T06:00:00Z");
        assert!(begin(" ", "America/Chicago").expect("none").is_none());
        assert!(begin("yesterday", "UTC").is_err());
    }
}
