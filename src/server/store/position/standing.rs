//! What is known of technicians before their points are judged: a look by key, and a second one for what comes late.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::super::{StoreError, TenantTx};
use super::place;
use crate::{
    model::{
        id::MemberId,
        position::{
            SHIFT_SECONDS,
            judge::{NewPoint, Shift, Standing, Stored},
        },
    },
    server::kit::At,
};

/// What is known of those who sent these points: their latest position, what came last, and their shifts. One row for each of
/// them and shift, of which there is seldom more than one.
pub(super) async fn read(tx: &mut TenantTx, points: &[NewPoint]) -> Result<HashMap<MemberId, Standing>, StoreError> {
    tx.machine()?;
    let times = || points.iter().map(|new| new.point.at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(HashMap::new()) };
    let mut members: Vec<Uuid> = points.iter().map(|new| new.member.0).collect();
    members.sort_unstable();
    members.dedup();
    let business = tx.business();
    // What was recent begins with the latest itself. `generate_series` and not `unnest`, for the planner's sake: see write.sql.
    // Shifts are looked up one technician at a time (that is what `offset 0` is for), since a business has years of them.
    let rows = sqlx::query!(
        r#"select m.id as "member_id!", l.fix_at as "fix_at?", l.lat_e7 as "lat_e7?", l.lon_e7 as "lon_e7?",
               l.recent_fixes[2] as "fix_2?", l.recent_fixes[3] as "fix_3?", l.recent_arrivals[1] as "arrival_1?",
               l.recent_arrivals[2] as "arrival_2?", l.recent_arrivals[3] as "arrival_3?",
               s.began_at as "began_at?", s.ended_at as "ended_at?"
           from (select ($2::uuid[])[n.i] as id from generate_series(1, cardinality($2::uuid[])) as n (i)) m
           left join latest_positions l on l.business_id = $1 and l.member_id = m.id
           left join lateral (
               select h.began_at, h.ended_at from shifts h
               where h.business_id = $1 and h.member_id = m.id and h.began_at >= $3 and h.began_at <= $4
               offset 0
           ) s on true"#,
        business.0,
        &members,
        At(first).plus(-SHIFT_SECONDS),
        At(last)
    )
    .fetch_all(tx.conn())
    .await?;
    let time = |at: Option<At>| at.map(|at| at.0);
    let mut standings: HashMap<MemberId, Standing> = HashMap::with_capacity(members.len());
    for r in rows {
        let standing = standings.entry(MemberId(r.member_id)).or_default();
        standing.shifts.extend(r.began_at.map(|at| Shift { began_at: at.0, ended_at: time(r.ended_at) }));
        if let (None, Some(at), Some(lat), Some(lon)) = (standing.latest, r.fix_at, r.lat_e7, r.lon_e7) {
            standing.latest = Some(Stored { at: at.0, place: place(lat, lon)? });
            standing.recent_fixes = [Some(at.0), time(r.fix_2), time(r.fix_3)];
            standing.recent_arrivals = [time(r.arrival_1), time(r.arrival_2), time(r.arrival_3)];
        }
    }
    Ok(standings)
}

/// Adds the history around points that come late: what stands before and after each. Nothing is asked when there are none.
pub(super) async fn look_around(
    tx: &mut TenantTx,
    late: &[(MemberId, Timestamp)],
    standings: &mut HashMap<MemberId, Standing>,
) -> Result<(), StoreError> {
    tx.machine()?;
    if late.is_empty() {
        return Ok(());
    }
    let business = tx.business();
    let members: Vec<Uuid> = late.iter().map(|(member, _)| member.0).collect();
    let times: Vec<At> = late.iter().map(|(_, at)| At(*at)).collect();
    // Four before, for one of them may be of its own time.
    let rows = sqlx::query!(
        r#"select c.member_id as "member_id!", p.fix_at as "fix_at!", p.lat_e7 as "lat_e7!", p.lon_e7 as "lon_e7!"
           from unnest($2::uuid[], $3::timestamptz[]) as c (member_id, fix_at)
           cross join lateral (
               (
                   select b.fix_at, b.lat_e7, b.lon_e7 from positions b
                   where b.business_id = $1 and b.member_id = c.member_id
                       and b.fix_at <= c.fix_at and b.fix_at > c.fix_at - interval '1 day'
                   order by b.fix_at desc
                   limit 4
               )
               union all
               (
                   select a.fix_at, a.lat_e7, a.lon_e7 from positions a
                   where a.business_id = $1 and a.member_id = c.member_id
                       and a.fix_at > c.fix_at and a.fix_at < c.fix_at + interval '60 seconds'
                   order by a.fix_at
                   limit 3
               )
           ) p"#,
        business.0,
        &members,
        &times as _
    )
    .fetch_all(tx.conn())
    .await?;
    for r in rows {
        let stored = Stored { at: r.fix_at.0, place: place(r.lat_e7, r.lon_e7)? };
        standings.entry(MemberId(r.member_id)).or_default().around.push(stored);
    }
    Ok(())
}
