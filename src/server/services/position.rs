//! Positions of technicians (GPS-1 to GPS-3): taking them in, shifts, and who looks at them.
//!
//! Points are stored by [`intake`], many requests in one transaction. Nobody writes an entry for a point: that would be a log of
//! where people are. Looking at them is written down, once per viewer and span.

pub mod intake;

use serde_json::json;

use super::audit::{self, Act};
use crate::{
    model::{
        audit::{Action, Outcome},
        id::{BusinessId, JobId, LookId, MemberId, ShiftId, TraceId},
        permission::Permission,
        position::{BadPoint, LOOK_SECONDS, Look, Point, Refusal, SHIFT_SECONDS, Sent, too_many},
        profile::Profile,
        retention::DataKind,
    },
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        http::{AppError, Cx},
        kit::At,
        services::position::intake::{Delivered, Waiting},
        store::{
            self, StoreError, TenantTx,
            audit::{NewEntry, Target},
            position::{Fate, Position},
            tx::Whose,
        },
    },
};

const DAY: i64 = 24 * 3600;

/// What became of a request.
#[derive(Debug)]
pub enum Receipt {
    /// Looked at, point by point.
    Taken(Vec<Reply>),
    /// One request too many: none of its points was looked at. When the next one has room.
    TooSoon(At),
    /// Too many wait here already.
    Full,
}

/// What became of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Stored,
    /// It was there already.
    Duplicate,
    Bad(BadPoint),
    OffShift,
    /// More than three in a minute, by their own times; when the next newer one has room.
    Crowded(Option<At>),
}

/// Takes in what a technician's device sends: points as they could be read. Answered when they are stored.
///
/// # Errors
/// Refused without `positions.send`; limited far above what any device should send; unavailable when they could not be stored.
pub async fn receive(cx: &Cx, points: Vec<Result<Sent, BadPoint>>) -> Result<Receipt, AppError> {
    let person = cx.signed_in()?;
    if !person.grants.holds(Permission::PositionsSend) {
        return Err(AppError::Refused);
    }
    if !cx.app.limits().may_send_positions(person.member) {
        return Err(AppError::Limited { retry_after: 20 });
    }
    let checked = checked(points, cx.visitor.now);
    let good: Vec<Point> = checked.iter().filter_map(|point| point.as_ref().ok().copied()).collect();
    let refused = checked.iter().filter_map(|point| point.as_ref().err()).map(refusal).collect();
    let waiting = Waiting { member: person.member, points: good, refused };
    let fates = match intake::deliver(&cx.app, person.caller.business, waiting).await? {
        Delivered::Full => return Ok(Receipt::Full),
        Delivered::Fates(fates) => fates,
    };
    if let Some(Fate::TooSoon(at)) = fates.first() {
        return Ok(Receipt::TooSoon(At(*at)));
    }
    let mut fates = fates.into_iter();
    let reply = |point: Result<Point, Reply>| match point {
        Err(reply) => reply,
        Ok(_) => match fates.next() {
            Some(Fate::Stored) => Reply::Stored,
            Some(Fate::Duplicate) => Reply::Duplicate,
            Some(Fate::OffShift) => Reply::OffShift,
            Some(Fate::Crowded(at)) => Reply::Crowded(at.map(At)),
            Some(Fate::TooSoon(at)) => Reply::Crowded(Some(At(at))),
            None => Reply::Crowded(None),
        },
    };
    Ok(Receipt::Taken(checked.into_iter().map(reply).collect()))
}

/// Each point, or why it stays out whatever is stored.
fn checked(points: Vec<Result<Sent, BadPoint>>, now: At) -> Vec<Result<Point, Reply>> {
    let check = |sent: Result<Sent, BadPoint>| sent.and_then(|sent| sent.check(now.0)).map_err(Reply::Bad);
    let mut checked: Vec<Result<Point, Reply>> = points.into_iter().map(check).collect();
    let times: Vec<_> = checked.iter().filter_map(|point| point.as_ref().ok().map(|point| point.at)).collect();
    let mut over = too_many(&times).into_iter();
    for point in checked.iter_mut().filter(|point| point.is_ok()) {
        if over.next() == Some(true) {
            *point = Err(Reply::Crowded(None));
        }
    }
    checked
}

/// What a point that stays out is counted as.
const fn refusal(reply: &Reply) -> Refusal {
    match reply {
        Reply::Bad(bad) => bad.refusal,
        Reply::OffShift => Refusal::OffShift,
        Reply::Stored | Reply::Duplicate | Reply::Crowded(_) => Refusal::TooOften,
    }
}

/// Begins one's own shift.
///
/// # Errors
/// Refused without `positions.send`; conflict when one is open already.
pub async fn begin_shift(cx: &Cx) -> Result<ShiftId, AppError> {
    let person = cx.signed_in()?;
    audit::audited(&cx.app, &person.caller, Action::ShiftBegun, async |act| {
        store::member::still_may(&mut act.tx, Permission::PositionsSend).await?;
        let shift = store::shift::begin(&mut act.tx, cx.app.draw()).await?.ok_or(AppError::Conflict)?;
        act.on("shift", shift.id.0);
        Ok(shift.id)
    })
    .await
}

/// Ends one's own shift, or, as somebody who sees all on the map, another's.
///
/// # Errors
/// Refused; missing when no shift of theirs is open.
pub async fn end_shift(cx: &Cx, member: Option<MemberId>) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let member = member.unwrap_or(person.member);
    audit::audited(&cx.app, &person.caller, Action::ShiftEnded, async |act| {
        act.on("member", member.0);
        let (shift, how) = store::shift::end(&mut act.tx, member).await?.ok_or(AppError::Missing)?;
        act.on("shift", shift.id.0);
        act.after(json!({ "member": member.to_string(), "by": how.code() }));
        Ok(())
    })
    .await
}

/// Writes down that somebody looks at where technicians are, unless they did in this span: before they are shown. Looking at
/// oneself is nobody's business.
///
/// # Errors
/// Refused without `map`.
pub async fn looks(app: &App, caller: &Caller, what: Look) -> Result<(), AppError> {
    let mut tx = TenantTx::open(app.db(), caller, app.clock().now()).await?;
    look_in(app, &mut tx, what).await?;
    tx.commit().await?;
    Ok(())
}

/// As [`looks`], inside an act.
///
/// # Errors
/// As [`looks`].
pub async fn looked(app: &App, act: &mut Act, what: Look) -> Result<(), AppError> {
    look_in(app, &mut act.tx, what).await
}

async fn look_in(app: &App, tx: &mut TenantTx, what: Look) -> Result<(), AppError> {
    if let Whose::Only(_) = tx.may(Permission::Map)? {
        return Ok(());
    }
    let second = tx.now().0.as_second();
    let span = At::from_second(second - second.rem_euclid(LOOK_SECONDS));
    if !store::position::look(tx, app.draw::<LookId>(), what, span).await? {
        return Ok(());
    }
    let entry = NewEntry {
        id: app.draw(),
        action: Action::LocationsLooked,
        target: what.member().map(|member| Target { kind: "member", id: Some(member.0) }),
        outcome: Outcome::Done,
        reason: None,
        before: None,
        after: Some(json!({ "what": what.code() })),
    };
    Ok(store::audit::append(tx, entry).await?)
}

/// Where a technician has been, as far back as the business keeps positions. Looking is written down.
///
/// # Errors
/// Refused without `map`, and with own reach for anybody else.
pub async fn trail(cx: &Cx, member: MemberId, from: At, to: At) -> Result<Vec<Position>, AppError> {
    let person = cx.signed_in()?;
    let mut tx = cx.tx().await?;
    let kept = kept_since(&mut tx, person.profile).await?;
    let trail = store::position::trail(&mut tx, member, from, to, kept).await?;
    // After the wall has let them pass, before anything is shown, in the same transaction.
    look_in(&cx.app, &mut tx, Look::Trail(member)).await?;
    tx.commit().await?;
    Ok(trail)
}

/// Since when a business keeps positions.
///
/// # Errors
/// Refused without `map`.
pub async fn kept_since(tx: &mut TenantTx, profile: Profile) -> Result<At, AppError> {
    let limits = DataKind::Positions.limits(profile);
    let days = store::position::kept_days(tx).await?.unwrap_or(limits.default).min(limits.max);
    Ok(tx.now().plus(-i64::from(days) * DAY))
}

/// Makes weeks of the history ahead, and drops those that nobody keeps: the clock's.
///
/// # Errors
/// The database cannot be reached.
pub async fn partitions(app: &App) -> Result<(), StoreError> {
    let (db, now) = (app.worker_db(), app.clock().now());
    store::lobby::positions_partitions(db).await?;
    let default = Profile::ALL.into_iter().map(|profile| DataKind::Positions.limits(profile).default).max();
    let days = store::lobby::positions_days(db, i32::from(default.unwrap_or_default())).await?;
    store::lobby::positions_drop(db, now.plus(-i64::from(days) * DAY)).await?;
    Ok(())
}

/// Ends shifts that lasted too long, in every business: the clock's.
///
/// # Errors
/// The database cannot be reached.
pub async fn end_shifts(app: &App) -> Result<(), StoreError> {
    let now = app.clock().now();
    for business in store::lobby::shifts_over(app.worker_db(), now.plus(-SHIFT_SECONDS)).await? {
        end_over(app, business, now).await?;
    }
    Ok(())
}

async fn end_over(app: &App, business: BusinessId, now: At) -> Result<(), StoreError> {
    let mut tx = TenantTx::open(app.worker_db(), &machine(app, business, "clock"), now).await?;
    for shift in store::shift::end_over(&mut tx).await? {
        let entry = NewEntry {
            id: app.draw(),
            action: Action::ShiftEnded,
            target: Some(Target { kind: "shift", id: Some(shift.id.0) }),
            outcome: Outcome::Done,
            reason: None,
            before: None,
            after: Some(json!({ "member": shift.member.to_string(), "by": "clock" })),
        };
        store::audit::append(&mut tx, entry).await?;
    }
    tx.commit().await?;
    app.hub().wake();
    Ok(())
}

fn machine(app: &App, business: BusinessId, door: &'static str) -> Caller {
    Caller {
        actor: Actor::Job(JobId(uuid::Uuid::nil())),
        business,
        origin: Origin { door, network: None },
        trace: app.draw::<TraceId>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn sent(second: i64) -> Sent {
        let at = At::from_second(NOW + second).0;
        Sent { at, lat: 30.0, lon: -97.0, accuracy_m: 5.0, speed_mps: None, heading_deg: None }
    }

    #[test]
    fn what_stays_out_keeps_its_place_in_the_answer() {
        let bad = BadPoint::invalid("lat", "write it");
        let points = vec![Ok(sent(-3)), Err(bad), Ok(sent(-2)), Ok(sent(-1)), Ok(sent(0)), Ok(sent(-90_000))];
        let kept: Vec<_> = checked(points, At::from_second(NOW)).into_iter().map(Result::err).collect();
        let [None, Some(first), None, None, Some(fourth), Some(old)] = kept.as_slice() else { panic!("{kept:?}") };
        assert_eq!((*first, *fourth), (Reply::Bad(bad), Reply::Crowded(None)));
        assert_eq!(
            (refusal(old), refusal(fourth), refusal(first)),
            (Refusal::TooOld, Refusal::TooOften, Refusal::Invalid)
        );
    }
}
