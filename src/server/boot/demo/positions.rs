//! The technicians' morning in the demo: a shift that is open, and the way they have driven, by the road that a phone takes
//! which was offline until now. `ringfort simulate` drives on.

use std::ops::Range;

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
const SPEED_MPS: f32 = 8.3;

/// How somebody has driven.
pub struct Way {
    begin: (f64, f64),
    heading_deg: f32,
    /// In which steps they stood.
    stood: Range<i64>,
    /// After which one their phone fell silent.
    last: i64,
}

/// In and around Dallas: out of town with a stop on the way, into town without one, one who has arrived somewhere, and one who
/// has not been heard of for a while.
pub const WAYS: [Way; 4] = [
    Way { begin: (32.7767, -96.7970), heading_deg: 138.0, stood: 120..180, last: MORNING / STEP },
    Way { begin: (33.0198, -96.6989), heading_deg: 205.0, stood: 0..0, last: MORNING / STEP },
    Way { begin: (32.7555, -97.3308), heading_deg: 84.0, stood: 150..MORNING / STEP, last: MORNING / STEP },
    Way { begin: (32.9126, -96.6389), heading_deg: 262.0, stood: 40..70, last: 165 },
];

/// Begins their shift, and sends what their phone kept since. A shift that is open is left as it is.
///
/// # Errors
/// The database cannot be reached.
pub async fn fill(app: &App, technician: &Caller, way: &Way) -> anyhow::Result<()> {
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
    let points = (1..way.last).filter_map(|step| way.point(now, step)).take(MAX_BATCH).collect();
    let kept = Waiting { member, points, refused: Vec::new() };
    intake::flush(app, technician.business, &[kept]).await?;
    Ok(())
}

impl Way {
    fn point(&self, now: At, step: i64) -> Option<Point> {
        let is_standing = self.stood.contains(&step);
        let stood = (step.min(self.stood.end) - self.stood.start).max(0);
        let driven = f64::from(i32::try_from((step - stood) * STEP).ok()?) * f64::from(SPEED_MPS);
        let (east, north) = f64::from(self.heading_deg).to_radians().sin_cos();
        let (lat, lon) = self.begin;
        let metres_a_degree = 111_320.0;
        let place = Coordinate::from_degrees(
            lat + driven * north / metres_a_degree,
            lon + driven * east / (metres_a_degree * lat.to_radians().cos()),
        );
        let (speed_mps, heading_deg) = if is_standing { (0.0, None) } else { (SPEED_MPS, Some(self.heading_deg)) };
        Some(Point {
            at: now.0.checked_sub(SignedDuration::from_secs(MORNING - step * STEP)).ok()?,
            place: place.ok()?,
            accuracy_m: 9.0,
            speed_mps: Some(speed_mps),
            heading_deg,
            is_coarse: false,
        })
    }
}
