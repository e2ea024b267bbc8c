//! A technician's morning in the demo: a shift that is open, and the way they have driven, by the road that a phone takes
//! which was offline until now. `ringfort simulate` drives on.

use jiff::SignedDuration;

use crate::{
    model::{
        audit::Action,
        geo::Coordinate,
        id::{MemberId, ShiftId},
        position::{MAX_BATCH, Point},
    },
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        kit::At,
        services::{
            audit,
            position::intake::{self, Waiting},
        },
        store::{self, TenantTx},
    },
};

/// So long ago the shift began.
const MORNING: i64 = 80 * 60;
/// A point every so many seconds.
const STEP: i64 = 20;
/// Where they began: downtown Dallas.
const BEGIN: (f64, f64) = (32.7767, -96.7970);

/// Begins their shift, and sends what their phone kept since. A shift that is open is left as it is.
///
/// # Errors
/// The database cannot be reached.
pub async fn fill(app: &App, technician: &Caller) -> anyhow::Result<()> {
    let Some(member) = technician.actor.uuid().map(MemberId) else { return Ok(()) };
    let now = app.clock().now();
    let mut tx = TenantTx::open(app.db(), technician, now.plus(-MORNING)).await?;
    if store::shift::own(&mut tx).await?.is_some() {
        return Ok(());
    }
    audit::audited_in(app, tx, Action::ShiftBegun, async |act| {
        let shift = store::shift::begin(&mut act.tx, app.draw::<ShiftId>()).await?.ok_or(AppError::Conflict)?;
        act.on("shift", shift.id.0);
        Ok(())
    })
    .await?;
    let points = (1..MORNING / STEP).filter_map(|step| point(now, step)).take(MAX_BATCH).collect();
    let kept = Waiting { member, points, refused: Vec::new() };
    intake::flush(app, technician.business, &[kept]).await?;
    Ok(())
}

/// Out of town to the south-east, with a stop on the way.
fn point(now: At, step: i64) -> Option<Point> {
    let is_stop = (120..180).contains(&step);
    let driven = if step < 120 { step } else { (step - 60).max(120) };
    let along = f64::from(i32::try_from(driven).ok()?);
    let place = Coordinate::from_degrees(BEGIN.0 - along * 0.0011, BEGIN.1 + along * 0.0013).ok()?;
    let at = now.0.checked_sub(SignedDuration::from_secs(MORNING - step * STEP)).ok()?;
    let (speed_mps, heading_deg) = if is_stop { (Some(0.0), None) } else { (Some(8.3), Some(138.0)) };
    Some(Point { at, place, accuracy_m: 9.0, speed_mps, heading_deg, is_coarse: false })
}
