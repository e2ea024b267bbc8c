//! What changes work orders. All but making one begins with [`lock`].

use crate::{
    model::{
        geo::Coordinate,
        id::{CallId, MemberId, WorkOrderEventId, WorkOrderId},
        permission::Permission,
        personal::{Address, Note, PersonName},
        phone::Phone,
        work_order::{WorkOrderState, WorkOrderStep},
    },
    server::{
        caller::Actor,
        kit::At,
        store::{StoreError, TenantTx, types::read},
    },
};

/// What a work order says.
#[derive(Debug, Clone)]
pub struct Details {
    pub customer: PersonName,
    pub phone: Option<Phone>,
    pub address: Address,
    pub place: Option<Coordinate>,
    pub window_from: At,
    pub window_to: At,
    pub note: Option<Note>,
}

/// The person who acts.
fn actor(tx: &TenantTx) -> Result<MemberId, StoreError> {
    match tx.caller().actor {
        Actor::Member { member, .. } => Ok(member),
        _ => Err(StoreError::Refused),
    }
}

/// Stores a new one, and says what its number is. `member`: who it is given to at once.
///
/// # Errors
/// Refused without `work_orders` for all.
pub async fn insert(
    tx: &mut TenantTx,
    id: WorkOrderId,
    details: &Details,
    member: Option<MemberId>,
    call: Option<CallId>,
) -> Result<i32, StoreError> {
    tx.may_all(Permission::WorkOrders)?;
    let (business, now, by) = (tx.business(), tx.now(), actor(tx)?);
    let number = sqlx::query_scalar!(
        "insert into work_order_numbers as n (business_id, last) values ($1, 1)
         on conflict (business_id) do update set last = n.last + 1
         returning last",
        business.0
    )
    .fetch_one(tx.conn())
    .await?;
    let state = if member.is_some() { WorkOrderState::Assigned } else { WorkOrderState::New };
    sqlx::query!(
        "insert into work_orders (business_id, id, number, customer_name, customer_phone, address, lat_e7, lon_e7,
             window_from, window_to, member_id, state, call_id, note, created_by, created_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)",
        business.0,
        id.0,
        number,
        details.customer.reveal(),
        details.phone.as_ref().map(Phone::reveal),
        details.address.reveal(),
        details.place.map(|place| place.lat_e7),
        details.place.map(|place| place.lon_e7),
        details.window_from,
        details.window_to,
        member.map(|member| member.0),
        state.code(),
        call.map(|call| call.0),
        details.note.as_ref().map(Note::reveal),
        by.0,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(number)
}

/// Makes this transaction the only one that changes a work order, which it gives as it is now.
///
/// # Errors
/// Refused without `work_orders`; missing when it is not this business's or beyond one's reach; stale when it is not as it was
/// when it was looked at (`seen`).
pub async fn lock(tx: &mut TenantTx, id: WorkOrderId, seen: Option<i32>) -> Result<super::WorkOrder, StoreError> {
    let own = super::reach(tx)?;
    let business = tx.business();
    let version = sqlx::query_scalar!(
        "select version from work_orders
         where business_id = $1 and id = $2 and ($3::uuid is null or member_id = $3)
         for update",
        business.0,
        id.0,
        own
    )
    .fetch_one(tx.conn())
    .await?;
    if seen.is_some_and(|seen| seen != version) {
        return Err(StoreError::Stale);
    }
    super::get(tx, id).await
}

/// Changes what it says.
///
/// # Errors
/// Refused without `work_orders` for all; stale when it is over.
pub async fn update(tx: &mut TenantTx, id: WorkOrderId, details: &Details) -> Result<(), StoreError> {
    tx.may_all(Permission::WorkOrders)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update work_orders
         set customer_name = $3, customer_phone = $4, address = $5, lat_e7 = $6, lon_e7 = $7, window_from = $8,
             window_to = $9, note = $10, version = version + 1, changed_at = $11
         where business_id = $1 and id = $2 and closed_at is null",
        business.0,
        id.0,
        details.customer.reveal(),
        details.phone.as_ref().map(Phone::reveal),
        details.address.reveal(),
        details.place.map(|place| place.lat_e7),
        details.place.map(|place| place.lon_e7),
        details.window_from,
        details.window_to,
        details.note.as_ref().map(Note::reveal),
        now
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Gives it to somebody, or takes it back. It begins anew for whoever has it then.
///
/// # Errors
/// Refused without `work_orders` for all; stale when it is over.
pub async fn assign(tx: &mut TenantTx, id: WorkOrderId, member: Option<MemberId>) -> Result<(), StoreError> {
    tx.may_all(Permission::WorkOrders)?;
    let (business, now) = (tx.business(), tx.now());
    let state = if member.is_some() { WorkOrderState::Assigned } else { WorkOrderState::New };
    let done = sqlx::query!(
        "update work_orders set member_id = $3, state = $4, version = version + 1, changed_at = $5
         where business_id = $1 and id = $2 and closed_at is null",
        business.0,
        id.0,
        member.map(|member| member.0),
        state.code(),
        now
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Moves it along. What may follow what is the model's to say.
///
/// # Errors
/// Refused without `work_orders`; stale when it is over, or not one's own any more.
pub async fn move_to(tx: &mut TenantTx, id: WorkOrderId, state: WorkOrderState) -> Result<(), StoreError> {
    let own = super::reach(tx)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update work_orders
         set state = $3, version = version + 1, changed_at = $4, closed_at = case when $5::boolean then $4::timestamptz end
         where business_id = $1 and id = $2 and closed_at is null and ($6::uuid is null or member_id = $6)",
        business.0,
        id.0,
        state.code(),
        now,
        state.is_end(),
        own
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Takes back what somebody is assigned to and has not ended, who leaves or works on no jobs any more: which, and how far each was.
///
/// # Errors
/// Refused without `team.manage` or `roles.manage`.
pub async fn release_of(tx: &mut TenantTx, member: MemberId) -> Result<Vec<(WorkOrderId, WorkOrderState)>, StoreError> {
    tx.may_all(Permission::TeamManage).or_else(|_| tx.may_all(Permission::RolesManage))?;
    let (business, now) = (tx.business(), tx.now());
    let rows = sqlx::query!(
        r#"with theirs as (
               select id, state from work_orders
               where business_id = $1 and member_id = $2 and closed_at is null
               order by id
               for update
           )
           update work_orders w set member_id = null, state = 'new', version = w.version + 1, changed_at = $3
           from theirs t
           where w.business_id = $1 and w.id = t.id
           returning w.id, t.state as "state!""#,
        business.0,
        member.0,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|r| Ok((WorkOrderId(r.id), read("work_orders.state", &r.state)?))).collect()
}

/// Says in its timeline that it came back from who leaves or works on no jobs any more.
///
/// # Errors
/// Refused without `team.manage` or `roles.manage`.
pub async fn note_release(tx: &mut TenantTx, event: WorkOrderEventId, id: WorkOrderId) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamManage).or_else(|_| tx.may_all(Permission::RolesManage))?;
    add_step(tx, event, id, (WorkOrderStep::Unassigned, WorkOrderState::New), None).await
}

/// Adds an entry to its timeline. Whoever may change it may say so.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn note_step(
    tx: &mut TenantTx,
    event: WorkOrderEventId,
    id: WorkOrderId,
    what: (WorkOrderStep, WorkOrderState),
    member: Option<MemberId>,
) -> Result<(), StoreError> {
    super::reach(tx)?;
    add_step(tx, event, id, what, member).await
}

async fn add_step(
    tx: &mut TenantTx,
    event: WorkOrderEventId,
    id: WorkOrderId,
    (step, state): (WorkOrderStep, WorkOrderState),
    member: Option<MemberId>,
) -> Result<(), StoreError> {
    let (business, now, by) = (tx.business(), tx.now(), actor(tx)?);
    sqlx::query!(
        "insert into work_order_events (business_id, id, work_order_id, step, state, by_member, member_id, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        business.0,
        event.0,
        id.0,
        step.code(),
        state.code(),
        by.0,
        member.map(|member| member.0),
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many have a window that ended before `cutoff`, and the oldest of all.
///
/// # Errors
/// Refused without `retention.read` (people).
pub(in crate::server::store) async fn older_than(
    tx: &mut TenantTx,
    cutoff: At,
) -> Result<(i64, Option<At>), StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::RetentionRead))?;
    let business = tx.business();
    let found = sqlx::query!(
        r#"select count(*) filter (where window_to < $2) as "count!", min(window_to) as oldest
           from work_orders where business_id = $1"#,
        business.0,
        cutoff
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((found.count, found.oldest))
}

/// Deletes up to `limit` of those, with their timelines and links.
///
/// # Errors
/// Refused for people.
pub(in crate::server::store) async fn delete_older(
    tx: &mut TenantTx,
    cutoff: At,
    limit: i64,
) -> Result<u64, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let done = sqlx::query!(
        "delete from work_orders where business_id = $1 and id in (
             select id from work_orders where business_id = $1 and window_to < $2 order by window_to limit $3
         )",
        business.0,
        cutoff,
        limit
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
