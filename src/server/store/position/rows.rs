//! What was judged, as rows: the history, the latest positions and one live event. Under the lock of the business, which whoever
//! writes or deletes positions takes (`super::lock`): so what was read of them a moment ago is still so, and nothing has to
//! be prepared for a conflict. (Whole weeks are dropped without it: they are older than any point that is taken.)
//!
//! A latest position that is there is updated, not inserted with `on conflict`: that would look for it as well, and lock its
//! row first, with an entry of its own in the log. Nothing of an update is indexed, so it stays in its page.

use jiff::Timestamp;
use uuid::Uuid;

use super::super::{StoreError, TenantTx, outbox};
use crate::{
    model::{
        id::MemberId,
        position::judge::{Change, Kept, Latest, Recent, Verdict},
    },
    server::kit::At,
};

/// Writes all that is kept. In the common case one statement and the event: what comes late, or first of all, is seldom.
pub(super) async fn store(tx: &mut TenantTx, verdict: &Verdict) -> Result<(), StoreError> {
    tx.machine()?;
    if verdict.kept.is_empty() {
        return Ok(());
    }
    let points = Points::of(&verdict.kept);
    let of = |change: Change| Seats::of(verdict.latest.iter().filter(move |latest| latest.change == change));
    history_and_moved(tx, &points, &of(Change::Moved)).await?;
    firsts(tx, &points, &of(Change::First)).await?;
    latecomers(tx, &points, &of(Change::Late)).await?;
    let seen = verdict.latest.iter().filter(|latest| latest.change != Change::Late);
    let seen: Vec<MemberId> = seen.map(|latest| latest.member).collect();
    outbox::put_moved(tx, &seen).await
}

/// Points as columns: arrays, one value per point, without nulls. An unknown speed or heading is -1.
#[derive(Default)]
struct Points {
    member: Vec<Uuid>,
    at: Vec<At>,
    lat: Vec<i32>,
    lon: Vec<i32>,
    accuracy: Vec<f32>,
    speed: Vec<f32>,
    heading: Vec<f32>,
    coarse: Vec<bool>,
    fast: Vec<bool>,
}

impl Points {
    fn of(kept: &[Kept]) -> Self {
        let mut points = Self::default();
        for Kept { member, point, is_fast } in kept {
            points.member.push(member.0);
            points.at.push(At(point.at));
            points.lat.push(point.place.lat_e7);
            points.lon.push(point.place.lon_e7);
            points.accuracy.push(point.accuracy_m);
            points.speed.push(point.speed_mps.unwrap_or(-1.0));
            points.heading.push(point.heading_deg.unwrap_or(-1.0));
            points.coarse.push(point.is_coarse);
            points.fast.push(*is_fast);
        }
        points
    }
}

/// Rows of latest positions as columns. An array per row has no place in an array: each has three places, and a count.
#[derive(Default)]
struct Seats {
    /// Which of the points is the newest, from 1.
    newest: Vec<i32>,
    fixes: Vec<At>,
    fix_count: Vec<i32>,
    arrivals: Vec<At>,
    arrival_count: Vec<i32>,
}

impl Seats {
    fn of<'a>(latest: impl Iterator<Item = &'a Latest>) -> Self {
        let mut seats = Self::default();
        for latest in latest {
            // More than an i32 holds is refused by the columns, which take no null.
            seats.newest.push(i32::try_from(latest.newest + 1).unwrap_or(i32::MAX));
            seats.fix_count.push(fill(&mut seats.fixes, &latest.recent_fixes));
            seats.arrival_count.push(fill(&mut seats.arrivals, &latest.recent_arrivals));
        }
        seats
    }

    /// All rows were there, as they were a moment ago.
    fn all(&self, written: u64) -> Result<(), StoreError> {
        let wanted = u64::try_from(self.newest.len()).unwrap_or(u64::MAX);
        if written == wanted { Ok(()) } else { Err(StoreError::Stale) }
    }
}

/// Takes three places, and says how many are taken by something.
fn fill(places: &mut Vec<At>, recent: &Recent) -> i32 {
    places.extend(recent.iter().map(|at| At(at.unwrap_or(Timestamp::UNIX_EPOCH))));
    recent.iter().flatten().map(|_| 1).sum()
}

async fn history_and_moved(tx: &mut TenantTx, points: &Points, moved: &Seats) -> Result<(), StoreError> {
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query_file!(
        "src/server/store/position/write.sql",
        business.0,
        now,
        &points.member,
        &points.at as _,
        &points.lat,
        &points.lon,
        &points.accuracy,
        &points.speed,
        &points.heading,
        &points.coarse,
        &points.fast,
        &moved.newest,
        &moved.fixes as _,
        &moved.fix_count,
        &moved.arrivals as _,
        &moved.arrival_count
    )
    .execute(tx.conn())
    .await?;
    moved.all(done.rows_affected())
}

/// Those of whom there was no position before.
async fn firsts(tx: &mut TenantTx, points: &Points, firsts: &Seats) -> Result<(), StoreError> {
    if firsts.newest.is_empty() {
        return Ok(());
    }
    let (business, now) = (tx.business(), tx.now());
    sqlx::query!(
        "insert into latest_positions (
             business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, speed_mps, heading_deg, is_coarse, is_fast,
             recent_fixes, recent_arrivals
         )
         select $1::uuid, ($3::uuid[])[n.i], ($4::timestamptz[])[n.i], $2::timestamptz, ($5::int[])[n.i], ($6::int[])[n.i],
             ($7::real[])[n.i], nullif(($8::real[])[n.i], (-1)::real), nullif(($9::real[])[n.i], (-1)::real),
             ($10::boolean[])[n.i], ($11::boolean[])[n.i],
             ($13::timestamptz[])[(3 * n.j - 2):(3 * n.j - 3 + ($14::int[])[n.j])],
             ($15::timestamptz[])[(3 * n.j - 2):(3 * n.j - 3 + ($16::int[])[n.j])]
         from (select s.j, ($12::int[])[s.j] as i from generate_series(1, cardinality($12::int[])) as s (j)) n",
        business.0,
        now,
        &points.member,
        &points.at as _,
        &points.lat,
        &points.lon,
        &points.accuracy,
        &points.speed,
        &points.heading,
        &points.coarse,
        &points.fast,
        &firsts.newest,
        &firsts.fixes as _,
        &firsts.fix_count,
        &firsts.arrivals as _,
        &firsts.arrival_count
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Those of whom all that came is older than what is there: it counts for the limit, and moves nobody.
async fn latecomers(tx: &mut TenantTx, points: &Points, late: &Seats) -> Result<(), StoreError> {
    if late.newest.is_empty() {
        return Ok(());
    }
    let business = tx.business();
    let done = sqlx::query!(
        "update latest_positions l set
             recent_fixes = ($4::timestamptz[])[(3 * n.j - 2):(3 * n.j - 3 + ($5::int[])[n.j])],
             recent_arrivals = ($6::timestamptz[])[(3 * n.j - 2):(3 * n.j - 3 + ($7::int[])[n.j])]
         from (select s.j, ($3::int[])[s.j] as i from generate_series(1, cardinality($3::int[])) as s (j)) n
         where l.business_id = $1 and l.member_id = ($2::uuid[])[n.i]",
        business.0,
        &points.member,
        &late.newest,
        &late.fixes as _,
        &late.fix_count,
        &late.arrivals as _,
        &late.arrival_count
    )
    .execute(tx.conn())
    .await?;
    late.all(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{geo::Coordinate, position::Point};

    fn at(second: i64) -> Timestamp {
        At::from_second(second).0
    }

    fn latest(newest: usize, recent_fixes: Recent) -> Latest {
        let member = MemberId(Uuid::from_u128(1));
        Latest { member, newest, change: Change::Moved, recent_fixes, recent_arrivals: Recent::default() }
    }

    #[test]
    fn what_is_not_known_is_marked_for_the_statement() {
        let place = Coordinate { lat_e7: 1, lon_e7: 2 };
        let point = Point { at: at(5), place, accuracy_m: 1.0, speed_mps: None, heading_deg: None, is_coarse: false };
        let points = Points::of(&[Kept { member: MemberId(Uuid::from_u128(7)), point, is_fast: true }]);
        assert_eq!((points.member, points.at), (vec![Uuid::from_u128(7)], vec![At(at(5))]));
        assert_eq!((points.speed, points.heading, points.fast), (vec![-1.0], vec![-1.0], vec![true]));
    }

    #[test]
    fn each_row_has_three_places_and_a_count() {
        let rows = [latest(0, [Some(at(9)), None, None]), latest(4, [Some(at(8)), Some(at(7)), Some(at(6))])];
        let seats = Seats::of(rows.iter());
        assert_eq!(seats.newest, [1, 5], "counted from one, as in SQL");
        assert_eq!(seats.fixes, [9, 0, 0, 8, 7, 6].map(|second| At(at(second))));
        assert_eq!((seats.fix_count.as_slice(), seats.arrivals.len()), ([1, 3].as_slice(), 6));
        assert_eq!(seats.arrival_count, [0, 0]);
        assert!(seats.all(2).is_ok() && seats.all(1).is_err(), "who is gone meanwhile is an error");
    }
}
