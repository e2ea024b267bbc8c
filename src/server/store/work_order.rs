//! Work orders: customers' jobs in the field. Who holds `work_orders` for all sees and changes all; a technician, who holds it
//! for their own, sees what they are assigned to and moves it along, and nothing else.
//!
//! Every change counts `version` up and begins with [`lock`], so that two who change the same come one after the other and the
//! second is told what they have not seen. Links for customers stand in [`super::tracking_link`].

mod change;
mod today;

pub use change::*;
pub use today::*;
use uuid::Uuid;

use super::{StoreError, TenantTx, role::held, tx::Whose, types::read};
use crate::{
    model::{
        geo::Coordinate,
        id::{CallId, MemberId, WorkOrderId},
        permission::Permission,
        personal::{Address, Note, PersonName},
        phone::Phone,
        work_order::{WorkOrderState, WorkOrderStep},
    },
    server::kit::At,
};

/// A work order, with whose it is.
#[derive(Debug, Clone)]
pub struct WorkOrder {
    pub id: WorkOrderId,
    /// As people call it: unique in its business.
    pub number: i32,
    pub customer: PersonName,
    pub phone: Option<Phone>,
    pub address: Address,
    pub place: Option<Coordinate>,
    pub window_from: At,
    pub window_to: At,
    /// The technician.
    pub member: Option<MemberId>,
    pub member_name: Option<PersonName>,
    pub state: WorkOrderState,
    pub call: Option<CallId>,
    pub note: Option<Note>,
    pub version: i32,
    pub created_at: At,
    pub changed_at: At,
    pub closed_at: Option<At>,
}

/// Whose work orders are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignee {
    Nobody,
    Member(MemberId),
}

/// What is looked for; every part narrows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In one of these states; none named is any.
    pub states: Vec<WorkOrderState>,
    pub assignee: Option<Assignee>,
    pub call: Option<CallId>,
    /// Windows that begin from here on.
    pub from: Option<At>,
    /// Beside those, what began before and is not over.
    pub with_open: bool,
    /// Windows that begin before this.
    pub until: Option<At>,
    /// Windows that are over by this.
    pub over_by: Option<At>,
    /// Behind this place (keyset).
    pub after: Option<(At, WorkOrderId)>,
}

/// One entry of a timeline.
#[derive(Debug, Clone)]
pub struct Step {
    pub step: WorkOrderStep,
    /// How it stood after.
    pub state: WorkOrderState,
    pub by_name: String,
    /// Who it was given to, if that was the step.
    pub member_name: Option<String>,
    pub at: At,
}

/// Somebody whom a work order can be given to.
#[derive(Debug, Clone)]
pub struct Technician {
    pub member: MemberId,
    pub name: PersonName,
}

struct Row {
    id: Uuid,
    number: i32,
    customer_name: String,
    customer_phone: Option<String>,
    address: String,
    lat_e7: Option<i32>,
    lon_e7: Option<i32>,
    window_from: At,
    window_to: At,
    member_id: Option<Uuid>,
    member_name: Option<String>,
    state: String,
    call_id: Option<Uuid>,
    note: Option<String>,
    version: i32,
    created_at: At,
    changed_at: At,
    closed_at: Option<At>,
}

impl TryFrom<Row> for WorkOrder {
    type Error = StoreError;

    fn try_from(r: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: WorkOrderId(r.id),
            number: r.number,
            customer: read("work_orders.customer_name", &r.customer_name)?,
            phone: r.customer_phone.map(|text| read("work_orders.customer_phone", &text)).transpose()?,
            address: read("work_orders.address", &r.address)?,
            place: r.lat_e7.zip(r.lon_e7).map(|(lat_e7, lon_e7)| Coordinate { lat_e7, lon_e7 }),
            window_from: r.window_from,
            window_to: r.window_to,
            member: r.member_id.map(MemberId),
            member_name: r.member_name.map(|text| read("members.name", &text)).transpose()?,
            state: read("work_orders.state", &r.state)?,
            call: r.call_id.map(CallId),
            note: r.note.map(|text| read("work_orders.note", &text)).transpose()?,
            version: r.version,
            created_at: r.created_at,
            changed_at: r.changed_at,
            closed_at: r.closed_at,
        })
    }
}

/// States as statements take them.
fn codes(states: &[WorkOrderState]) -> Vec<String> {
    states.iter().map(|state| state.code().to_owned()).collect()
}

/// Whose id every statement is narrowed to, if to anybody's. What hangs on a work order reaches as far (`super::masked_call`).
pub(super) fn reach(tx: &TenantTx) -> Result<Option<Uuid>, StoreError> {
    match tx.may(Permission::WorkOrders)? {
        Whose::Everybodys => Ok(None),
        Whose::Only(member) => Ok(Some(member.0)),
    }
}

async fn select(
    tx: &mut TenantTx,
    filter: &Filter,
    only: Option<WorkOrderId>,
    limit: i64,
) -> Result<Vec<WorkOrder>, StoreError> {
    let own = reach(tx)?;
    let business = tx.business();
    let (is_nobodys, member) = match filter.assignee {
        None => (false, None),
        Some(Assignee::Nobody) => (true, None),
        Some(Assignee::Member(member)) => (false, Some(member.0)),
    };
    let states = codes(&filter.states);
    let (after_at, after_id) = filter.after.map_or((None, None), |(at, id)| (Some(at), Some(id.0)));
    let rows = sqlx::query_as!(
        Row,
        r#"select w.id, w.number, w.customer_name, w.customer_phone, w.address, w.lat_e7, w.lon_e7, w.window_from,
               w.window_to, w.member_id, m.name as "member_name?", w.state, w.call_id, w.note, w.version, w.created_at,
               w.changed_at, w.closed_at
           from work_orders w
           left join members m on m.business_id = $1 and m.id = w.member_id
           where w.business_id = $1
             and ($2::uuid is null or w.member_id = $2)
             and ($3::uuid is null or w.id = $3)
             and (cardinality($4::text[]) = 0 or w.state = any($4))
             and (not $5::boolean or w.member_id is null)
             and ($6::uuid is null or w.member_id = $6)
             and ($7::uuid is null or w.call_id = $7)
             and ($8::timestamptz is null or w.window_from >= $8 or ($9::boolean and w.closed_at is null))
             and ($10::timestamptz is null or w.window_from < $10)
             and ($11::timestamptz is null or (w.window_from, w.id) > ($11, $12))
             and ($13::timestamptz is null or w.window_to <= $13)
           order by w.window_from, w.id
           limit $14"#,
        business.0,
        own,
        only.map(|id| id.0),
        &states,
        is_nobodys,
        member,
        filter.call.map(|id| id.0),
        filter.from,
        filter.with_open,
        filter.until,
        after_at,
        after_id,
        filter.over_by,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(WorkOrder::try_from).collect()
}

/// One page of them, by the beginning of their windows.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn list(tx: &mut TenantTx, filter: &Filter, limit: i64) -> Result<Vec<WorkOrder>, StoreError> {
    select(tx, filter, None, limit).await
}

/// One of them.
///
/// # Errors
/// Refused without `work_orders`; missing when it is not this business's, or not one's own where only those may be seen.
pub async fn get(tx: &mut TenantTx, id: WorkOrderId) -> Result<WorkOrder, StoreError> {
    select(tx, &Filter::default(), Some(id), 1).await?.pop().ok_or(StoreError::Missing)
}

/// What a technician is assigned to in a span, and what they have begun before it and not ended.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn mine(tx: &mut TenantTx, member: MemberId, from: At, until: At) -> Result<Vec<WorkOrder>, StoreError> {
    let filter = Filter {
        assignee: Some(Assignee::Member(member)),
        from: Some(from),
        with_open: true,
        until: Some(until),
        ..Filter::default()
    };
    select(tx, &filter, None, 200).await
}

/// What happened to a work order, oldest first. Ask [`get`] first: it decides whether it may be seen.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn steps(tx: &mut TenantTx, id: WorkOrderId) -> Result<Vec<Step>, StoreError> {
    let own = reach(tx)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select e.step, e.state, b.name as by_name, m.name as "member_name?", e.at
           from work_order_events e
           join work_orders w on w.business_id = $1 and w.id = e.work_order_id
           join members b on b.business_id = $1 and b.id = e.by_member
           left join members m on m.business_id = $1 and m.id = e.member_id
           where e.business_id = $1 and e.work_order_id = $2 and ($3::uuid is null or w.member_id = $3)
           order by e.at, e.id
           limit 500"#,
        business.0,
        id.0,
        own
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Step {
                step: read("work_order_events.step", &r.step)?,
                state: read("work_order_events.state", &r.state)?,
                by_name: r.by_name,
                member_name: r.member_name,
                at: r.at,
            })
        })
        .collect()
}

/// Everybody whom work orders can be given to: whoever sends their own position. By name.
///
/// # Errors
/// Refused without `work_orders` for all.
pub async fn technicians(tx: &mut TenantTx) -> Result<Vec<Technician>, StoreError> {
    tx.may_all(Permission::WorkOrders)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select m.id, m.name, m.role, m.role_id, r.name as "role_name?",
               array(
                   select g.permission || ' ' || g.reach from role_grants g
                   where g.business_id = $1 and g.role_id = m.role_id
               ) as "grants!"
           from members m
           left join roles r on r.business_id = $1 and r.id = m.role_id
           where m.business_id = $1 and m.state = 'active'
           order by m.name, m.id"#,
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    let mut technicians = Vec::new();
    for r in rows {
        let role = held(&r.role, r.role_id, r.role_name, Some(r.grants))?;
        if role.grants.holds(Permission::PositionsSend) && role.grants.holds(Permission::WorkOrders) {
            technicians.push(Technician { member: MemberId(r.id), name: read("members.name", &r.name)? });
        }
    }
    Ok(technicians)
}
