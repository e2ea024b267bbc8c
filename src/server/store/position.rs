//! Where technicians are (GPS-1 to GPS-3): the latest positions, trails, who is nearest, and who looked. Points come in
//! through `write`: what is known of their technicians is read (`standing`), the model judges (`model::position::judge`), and
//! what stays is written (`rows`). Shifts have their own file, `super::shift`.
//!
//! To write or delete positions elsewhere: behind `lock`, on which all of that relies.
//!
//! A technician is seen while a shift of theirs is open, and with a position of that shift only.

mod keep;
mod look;
mod rows;
mod standing;
mod write;

pub use keep::*;
pub use look::*;
pub use write::*;

use uuid::Uuid;

use super::{StoreError, TenantTx, tx::Whose, types::read};
use crate::{
    model::{
        geo::{Coordinate, Freshness},
        id::MemberId,
        permission::Permission,
        personal::PersonName,
    },
    server::kit::At,
};

/// Three a minute for a week, which is the longest that a page asks for.
const TRAIL: i64 = 3 * 60 * 24 * 7;

/// A technician who is on shift.
#[derive(Debug, Clone)]
pub struct Unit {
    pub member: MemberId,
    pub name: PersonName,
    pub shift_began: At,
    /// Absent until the first one of this shift has come.
    pub position: Option<Position>,
}

/// Where somebody was.
#[derive(Debug, Clone)]
pub struct Position {
    /// When, by their device.
    pub at: At,
    /// When we got it.
    pub received_at: At,
    pub place: Coordinate,
    pub accuracy_m: f32,
    pub speed_mps: Option<f32>,
    pub heading_deg: Option<f32>,
    /// Less accurate than it should be.
    pub is_coarse: bool,
    /// Further from the one before than anybody can drive.
    pub is_fast: bool,
}

/// A technician near a place.
#[derive(Debug, Clone)]
pub struct Near {
    pub member: MemberId,
    pub name: PersonName,
    pub distance_m: f64,
    /// Seconds since their position.
    pub age: i64,
}

impl Position {
    /// How far it may be believed now.
    #[must_use]
    pub fn freshness(&self, now: At) -> Freshness {
        Freshness::of_age(now.since(self.at))
    }
}

struct Row {
    member_id: Uuid,
    name: String,
    began_at: At,
    fix_at: Option<At>,
    received_at: Option<At>,
    lat_e7: Option<i32>,
    lon_e7: Option<i32>,
    accuracy_m: Option<f32>,
    speed_mps: Option<f32>,
    heading_deg: Option<f32>,
    is_coarse: Option<bool>,
    is_fast: Option<bool>,
}

fn place(lat_e7: i32, lon_e7: i32) -> Result<Coordinate, StoreError> {
    Coordinate::from_e7(lat_e7, lon_e7).map_err(|_| StoreError::Unreadable { column: "positions.lat_e7" })
}

impl TryFrom<Row> for Unit {
    type Error = StoreError;

    fn try_from(r: Row) -> Result<Self, StoreError> {
        let position = match (r.fix_at, r.received_at, r.lat_e7, r.lon_e7, r.accuracy_m) {
            (Some(at), Some(received_at), Some(lat), Some(lon), Some(accuracy_m)) => Some(Position {
                at,
                received_at,
                place: place(lat, lon)?,
                accuracy_m,
                speed_mps: r.speed_mps,
                heading_deg: r.heading_deg,
                is_coarse: r.is_coarse.unwrap_or_default(),
                is_fast: r.is_fast.unwrap_or_default(),
            }),
            _ => None,
        };
        Ok(Self {
            member: MemberId(r.member_id),
            name: read("members.name", &r.name)?,
            shift_began: r.began_at,
            position,
        })
    }
}

/// Everybody who is on shift, by name; with own reach only oneself.
///
/// # Errors
/// Refused without `map`.
pub async fn latest(tx: &mut TenantTx) -> Result<Vec<Unit>, StoreError> {
    let only = match tx.may(Permission::Map)? {
        Whose::Everybodys => None,
        Whose::Only(member) => Some(vec![member.0]),
    };
    select(tx, only).await
}

/// Some technicians as they are now, for the relay, which asks for everybody and lets each stream filter. Who is not on shift
/// is not among them.
///
/// # Errors
/// Refused for people.
pub async fn units(tx: &mut TenantTx, members: &[MemberId]) -> Result<Vec<Unit>, StoreError> {
    tx.machine()?;
    if members.is_empty() {
        return Ok(Vec::new());
    }
    select(tx, Some(members.iter().map(|member| member.0).collect())).await
}

/// Read along the shifts that are open: a seat in the latest positions outlives its shift, and is not shown then.
async fn select(tx: &mut TenantTx, only: Option<Vec<Uuid>>) -> Result<Vec<Unit>, StoreError> {
    let (business, all) = (tx.business(), only.is_none());
    let only = only.unwrap_or_default();
    let rows = sqlx::query_as!(
        Row,
        r#"select s.member_id, m.name, s.began_at, l.fix_at as "fix_at?", l.received_at as "received_at?",
               l.lat_e7 as "lat_e7?", l.lon_e7 as "lon_e7?", l.accuracy_m as "accuracy_m?", l.speed_mps, l.heading_deg,
               l.is_coarse as "is_coarse?", l.is_fast as "is_fast?"
           from shifts s
           join members m on m.business_id = $1 and m.id = s.member_id and m.state = 'active'
           left join latest_positions l on l.business_id = $1 and l.member_id = s.member_id and l.fix_at >= s.began_at
           where s.business_id = $1 and s.ended_at is null and ($3 or s.member_id = any($2))
           order by m.name, m.id"#,
        business.0,
        &only,
        all,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Unit::try_from).collect()
}

/// Where a technician has been, oldest first: the newest points between two times, a week's at most. Never older than `kept`,
/// which is how far back the business keeps positions: what is over is not shown, though it goes only tonight.
///
/// # Errors
/// Refused without `map`, and with own reach for anybody else.
pub async fn trail(
    tx: &mut TenantTx,
    member: MemberId,
    from: At,
    to: At,
    kept: At,
) -> Result<Vec<Position>, StoreError> {
    match tx.may(Permission::Map)? {
        Whose::Everybodys => {}
        Whose::Only(own) if own == member => {}
        Whose::Only(_) => return Err(StoreError::Refused),
    }
    let business = tx.business();
    let rows = sqlx::query!(
        "select fix_at, received_at, lat_e7, lon_e7, accuracy_m, speed_mps, heading_deg, is_coarse, is_fast from positions
         where business_id = $1 and member_id = $2 and fix_at >= greatest($3, $5::timestamptz) and fix_at <= $4
         order by fix_at desc limit $6",
        business.0,
        member.0,
        from,
        to,
        kept,
        TRAIL
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .rev()
        .map(|r| {
            Ok(Position {
                at: r.fix_at,
                received_at: r.received_at,
                place: place(r.lat_e7, r.lon_e7)?,
                accuracy_m: r.accuracy_m,
                speed_mps: r.speed_mps,
                heading_deg: r.heading_deg,
                is_coarse: r.is_coarse,
                is_fast: r.is_fast,
            })
        })
        .collect()
}

/// The technicians nearest to a place: on shift, with a fresh position that is not coarse, nearest first.
///
/// # Errors
/// Refused without `map` in the whole business.
pub async fn nearest(tx: &mut TenantTx, place: Coordinate, limit: usize) -> Result<Vec<Near>, StoreError> {
    tx.may_all(Permission::Map)?;
    let now = tx.now();
    let mut near: Vec<Near> = select(tx, None)
        .await?
        .into_iter()
        .filter_map(|unit| {
            let position = unit.position.filter(|p| !p.is_coarse && p.freshness(now) == Freshness::Fresh)?;
            let (distance_m, age) = (place.distance_m(&position.place), now.since(position.at));
            Some(Near { member: unit.member, name: unit.name, distance_m, age })
        })
        .collect();
    near.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
    near.truncate(limit);
    Ok(near)
}

/// The newest position of one's own, on shift or not: what a technician's own page says of it.
///
/// # Errors
/// Refused without `positions.send`.
pub async fn own_newest(tx: &mut TenantTx) -> Result<Option<(At, At)>, StoreError> {
    let Whose::Only(member) = tx.may(Permission::PositionsSend)? else { return Err(StoreError::Refused) };
    let business = tx.business();
    let row = sqlx::query!(
        "select fix_at, received_at from latest_positions where business_id = $1 and member_id = $2",
        business.0,
        member.0
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|r| (r.fix_at, r.received_at)))
}
