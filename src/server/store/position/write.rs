//! Points on their way in (GPS-1): one statement decides about all points of a flush and writes what may stay.
//!
//! The limit is three requests of a technician in any minute by time of arrival, and three points in any minute by their own
//! times. It is decided here and nowhere else, with what is stored in view, so nobody passes it by asking two nodes. [`lock`]
//! comes first, in a statement of its own: the next one then sees what any other node has committed. Where several points are
//! new, those that come first in time stay: a point is too many when, with the new ones before it and the stored ones around
//! it, four would lie within a minute.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::{StoreError, TenantTx};
use crate::{
    model::{
        id::MemberId,
        position::{Point, Refusal},
    },
    server::kit::At,
};

/// A point of a flush.
#[derive(Debug, Clone, Copy)]
pub struct NewPoint {
    pub member: MemberId,
    /// The number of its request in the flush.
    pub request: i32,
    pub point: Point,
}

/// What became of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Stored,
    /// It is there already.
    Duplicate,
    /// No shift was open at its time.
    OffShift,
    /// Too many points lie in its minute. When the next newer one has room, if it is the newest.
    Crowded(Option<At>),
    /// Its request is one too many. When the next one has room.
    TooSoon(At),
}

/// How often something was refused to somebody.
pub type Refused = (MemberId, Refusal, i64);

/// One flush of a business at a time, on all nodes.
///
/// # Errors
/// Refused for people.
pub async fn lock(tx: &mut TenantTx) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    // The first number is ours (0x47505331, «GPS1»); two businesses with one second number wait for each other, no more.
    sqlx::query!("select pg_advisory_xact_lock(1196446513, hashtext($1))", business.0.to_string())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Stores what may be stored of a flush, with the latest position of each technician and the live events, and says of each
/// point what became of it. After [`lock`], in its transaction.
///
/// # Errors
/// Refused for people.
pub async fn write(tx: &mut TenantTx, points: &[NewPoint]) -> Result<Vec<Fate>, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let columns = Columns::of(points);
    let rows = sqlx::query_file!(
        "src/server/store/position/write.sql",
        business.0,
        now,
        &columns.order,
        &columns.request,
        &columns.member,
        &columns.at,
        &columns.lat,
        &columns.lon,
        &columns.accuracy,
        &columns.speed,
        &columns.heading,
        &columns.coarse,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut fates: Vec<Option<Fate>> = vec![None; points.len()];
    for r in rows {
        let fate = match (r.fate.as_str(), r.room_at) {
            ("stored", _) => Fate::Stored,
            ("duplicate", _) => Fate::Duplicate,
            ("off_shift", _) => Fate::OffShift,
            ("crowded", room) => Fate::Crowded(room),
            ("too_soon", Some(room)) => Fate::TooSoon(room),
            _ => return Err(StoreError::Unreadable { column: "positions.fate" }),
        };
        let place = usize::try_from(r.ord).ok().and_then(|ord| fates.get_mut(ord));
        *place.ok_or(StoreError::Unreadable { column: "positions.ord" })? = Some(fate);
    }
    Ok(with_twins(points, &fates))
}

/// Points of one technician and one time are judged once: the second is what the first is, and there already when that was
/// stored.
fn with_twins(points: &[NewPoint], fates: &[Option<Fate>]) -> Vec<Fate> {
    let key = |point: &NewPoint| (point.member, point.point.at);
    let judged = fates.iter().map(|fate| fate.filter(|fate| !matches!(fate, Fate::TooSoon(_))));
    let firsts: HashMap<_, Fate> =
        points.iter().zip(judged).filter_map(|(point, fate)| Some((key(point), fate?))).collect();
    let fate = |(point, fate): (&NewPoint, &Option<Fate>)| match (*fate, firsts.get(&key(point))) {
        (Some(fate), _) => fate,
        (None, Some(Fate::Stored) | None) => Fate::Duplicate,
        (None, Some(first)) => *first,
    };
    points.iter().zip(fates).map(fate).collect()
}

/// Points as columns: arrays, one value per point. An unknown speed or heading is -1.
#[derive(Default)]
struct Columns {
    order: Vec<i32>,
    request: Vec<i32>,
    member: Vec<Uuid>,
    at: Vec<i64>,
    lat: Vec<i32>,
    lon: Vec<i32>,
    accuracy: Vec<f32>,
    speed: Vec<f32>,
    heading: Vec<f32>,
    coarse: Vec<bool>,
}

impl Columns {
    fn of(points: &[NewPoint]) -> Self {
        let mut columns = Self::default();
        for (order, NewPoint { member, request, point }) in (0..).zip(points) {
            columns.order.push(order);
            columns.request.push(*request);
            columns.member.push(member.0);
            columns.at.push(point.at.as_microsecond());
            columns.lat.push(point.place.lat_e7);
            columns.lon.push(point.place.lon_e7);
            columns.accuracy.push(point.accuracy_m);
            columns.speed.push(point.speed_mps.unwrap_or(-1.0));
            columns.heading.push(point.heading_deg.unwrap_or(-1.0));
            columns.coarse.push(point.is_coarse);
        }
        columns
    }
}

/// Counts what was refused, per technician and day.
///
/// # Errors
/// Refused for people.
pub async fn count_refusals(tx: &mut TenantTx, refused: &[Refused]) -> Result<(), StoreError> {
    tx.machine()?;
    if refused.is_empty() {
        return Ok(());
    }
    let (business, now) = (tx.business(), tx.now());
    let members: Vec<Uuid> = refused.iter().map(|(member, ..)| member.0).collect();
    let reasons: Vec<String> = refused.iter().map(|(_, reason, _)| reason.code().to_owned()).collect();
    let counts: Vec<i64> = refused.iter().map(|(.., count)| *count).collect();
    sqlx::query!(
        "insert into position_refusals (business_id, member_id, day, reason, count)
         select $1, r.member_id, ($2::timestamptz at time zone 'utc')::date, r.reason, sum(r.count)::bigint
         from unnest($3::uuid[], $4::text[], $5::bigint[]) as r (member_id, reason, count)
         group by r.member_id, r.reason
         order by r.member_id, r.reason
         on conflict (business_id, member_id, day, reason)
         do update set count = position_refusals.count + excluded.count",
        business.0,
        now,
        &members,
        &reasons,
        &counts
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::geo::Coordinate;

    fn point(member: u128, second: i64) -> NewPoint {
        let place = Coordinate { lat_e7: 1, lon_e7: 2 };
        let at = Timestamp::from_second(second).expect("a time");
        let point = Point { at, place, accuracy_m: 1.0, speed_mps: None, heading_deg: None, is_coarse: false };
        NewPoint { member: MemberId(Uuid::from_u128(member)), request: 0, point }
    }

    #[test]
    fn a_twin_is_what_the_first_is() {
        let points = [point(1, 5), point(1, 5), point(2, 5), point(1, 6), point(1, 6)];
        let fates = [Some(Fate::Stored), None, Some(Fate::OffShift), Some(Fate::Crowded(None)), None];
        let wanted = [Fate::Stored, Fate::Duplicate, Fate::OffShift, Fate::Crowded(None), Fate::Crowded(None)];
        assert_eq!(with_twins(&points, &fates), wanted);
    }

    #[test]
    fn what_is_not_known_is_marked_for_the_statement() {
        let columns = Columns::of(&[point(1, 5), point(2, 7)]);
        assert_eq!((columns.order, columns.at), (vec![0, 1], vec![5_000_000, 7_000_000]));
        assert_eq!((columns.speed, columns.heading), (vec![-1.0; 2], vec![-1.0; 2]));
    }
}
