//! What the map shows (GPS-2): technicians on shift, with what they are doing and where they were last. A position from before the
//! shift is nobody's business, and is not read.

use uuid::Uuid;

use super::{StoreError, TenantTx, position::Position, tx::Whose, types::read};
use crate::{
    model::{
        geo::{Bounds, Coordinate},
        id::{MemberId, WorkOrderId},
        map::UnitState,
        permission::Permission,
        personal::PersonName,
        work_order::WorkOrderState,
    },
    server::kit::At,
};

/// A technician on shift.
#[derive(Debug, Clone)]
pub struct Unit {
    pub member: MemberId,
    pub name: PersonName,
    /// On shift since.
    pub since: At,
    /// The job that they are on the way to, or at.
    pub job: Option<WorkOrderState>,
    /// Absent until the first position of the shift has come.
    pub fix: Option<Fix>,
}

/// Where somebody was, and when.
#[derive(Debug, Clone, Copy)]
pub struct Fix {
    pub place: Coordinate,
    pub at: At,
    pub accuracy_m: f64,
    pub speed_mps: Option<f64>,
    pub heading_deg: Option<f64>,
}

impl From<&Position> for Fix {
    fn from(position: &Position) -> Self {
        Self {
            place: position.place,
            at: position.at,
            accuracy_m: f64::from(position.accuracy_m),
            speed_mps: position.speed_mps.map(f64::from),
            heading_deg: position.heading_deg.map(f64::from),
        }
    }
}

impl Unit {
    #[must_use]
    pub fn state(&self) -> UnitState {
        UnitState::of(self.job, self.fix.and_then(|fix| fix.speed_mps))
    }
}

/// Whom to read.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Those who were last in there, and those who have not said yet where they are.
    pub bounds: Option<Bounds>,
    /// These alone; nobody named is everybody.
    pub members: Vec<MemberId>,
    /// Somebody who is read wherever they are.
    pub selected: Option<MemberId>,
    /// A part of the name, in any case.
    pub text: String,
}

struct Row {
    id: Uuid,
    name: String,
    began_at: At,
    job: Option<String>,
    fix_at: Option<At>,
    lat_e7: Option<i32>,
    lon_e7: Option<i32>,
    accuracy_m: Option<f32>,
    speed_mps: Option<f32>,
    heading_deg: Option<f32>,
}

impl TryFrom<Row> for Unit {
    type Error = StoreError;

    fn try_from(r: Row) -> Result<Self, StoreError> {
        let fix = match (r.fix_at, r.lat_e7, r.lon_e7, r.accuracy_m) {
            (Some(at), Some(lat_e7), Some(lon_e7), Some(accuracy_m)) => Some(Fix {
                place: Coordinate { lat_e7, lon_e7 },
                at,
                accuracy_m: f64::from(accuracy_m),
                speed_mps: r.speed_mps.map(f64::from),
                heading_deg: r.heading_deg.map(f64::from),
            }),
            _ => None,
        };
        Ok(Self {
            member: MemberId(r.id),
            name: read("members.name", &r.name)?,
            since: r.began_at,
            job: r.job.map(|word| read("work_orders.state", &word)).transpose()?,
            fix,
        })
    }
}

/// Technicians on shift, by name; with own reach oneself only.
///
/// # Errors
/// Refused without `map`.
pub async fn units(tx: &mut TenantTx, wanted: &Wanted, limit: i64) -> Result<Vec<Unit>, StoreError> {
    let only = match tx.may(Permission::Map)? {
        Whose::Everybodys => None,
        Whose::Only(member) => Some(member.0),
    };
    let business = tx.business();
    let (earth, bounds) = (wanted.bounds.is_none(), wanted.bounds.unwrap_or(Bounds::EARTH));
    let members: Vec<Uuid> = wanted.members.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select m.id, m.name, s.began_at, w.state as "job?", p.fix_at as "fix_at?", p.lat_e7 as "lat_e7?",
               p.lon_e7 as "lon_e7?", p.accuracy_m as "accuracy_m?", p.speed_mps as "speed_mps?",
               p.heading_deg as "heading_deg?"
           from shifts s
           join members m on m.business_id = $1 and m.id = s.member_id and m.state = 'active'
           left join latest_positions p
               on p.business_id = $1 and p.member_id = s.member_id and p.fix_at >= s.began_at
           left join lateral (
               select o.state from work_orders o
               where o.business_id = $1 and o.member_id = s.member_id and o.state in ('on_site', 'en_route')
               order by o.state desc
               limit 1
           ) w on true
           where s.business_id = $1 and s.ended_at is null
               and ($2::uuid is null or s.member_id = $2)
               and (cardinality($3::uuid[]) = 0 or s.member_id = any($3))
               and ($4::text = '' or position(lower($4) in lower(m.name)) > 0 or s.member_id = $5)
               and ($6 or p.fix_at is null or s.member_id = $5 or (
                   p.lat_e7 between $7 and $8
                   and case when $9::int <= $10::int then p.lon_e7 between $9 and $10
                       else p.lon_e7 >= $9 or p.lon_e7 <= $10 end
               ))
           order by m.name, m.id
           limit $11"#,
        business.0,
        only,
        &members,
        wanted.text,
        wanted.selected.map(|member| member.0),
        earth,
        bounds.south_e7,
        bounds.north_e7,
        bounds.west_e7,
        bounds.east_e7,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Unit::try_from).collect()
}

/// Whether somebody of the business is one whom the caller may see on the map.
///
/// # Errors
/// Refused without `map`; missing for anybody else, and for everybody but oneself with own reach.
pub async fn reaches(tx: &mut TenantTx, member: MemberId) -> Result<(), StoreError> {
    if let Whose::Only(own) = tx.may(Permission::Map)?
        && own != member
    {
        return Err(StoreError::Missing);
    }
    let business = tx.business();
    let known = sqlx::query_scalar!(
        r#"select exists (select from members where business_id = $1 and id = $2) as "known!""#,
        business.0,
        member.0
    )
    .fetch_one(tx.conn())
    .await?;
    if known { Ok(()) } else { Err(StoreError::Missing) }
}

/// Where a job is, for the distance to it. Absent where nobody has said.
///
/// # Errors
/// Refused without `map` for the whole business; missing when it is not this business's.
pub async fn job_place(tx: &mut TenantTx, id: WorkOrderId) -> Result<Option<Coordinate>, StoreError> {
    tx.may_all(Permission::Map)?;
    tx.may_all(Permission::WorkOrders)?;
    let business = tx.business();
    let row =
        sqlx::query!("select lat_e7, lon_e7 from work_orders where business_id = $1 and id = $2", business.0, id.0)
            .fetch_optional(tx.conn())
            .await?
            .ok_or(StoreError::Missing)?;
    Ok(row.lat_e7.zip(row.lon_e7).map(|(lat_e7, lon_e7)| Coordinate { lat_e7, lon_e7 }))
}
