//! Work orders: making, changing, assigning, moving along, canceling. Each is one audited act; its streams are told, and what
//! hangs on a work order that is over, its links and masked calls, closes with it in the same transaction.

mod draft;

use serde_json::json;

pub use self::draft::Draft;
use super::{
    audit::{self, Act},
    position,
};
use crate::{
    model::{
        audit::Action,
        field::Bad,
        geo::Coordinate,
        id::{CallId, MemberId, WorkOrderId},
        permission::Permission,
        personal::PersonName,
        position::Look,
        work_order::{LINK_SECONDS_AFTER, WorkOrderState, WorkOrderStep},
    },
    server::{
        http::{AppError, Cx},
        kit::At,
        store::{
            self, TenantTx,
            outbox::Topic,
            position::Near,
            tracking_link::Link,
            work_order::{Filter, Step, Technician, WorkOrder},
        },
    },
};

/// A work order with all that its page shows.
pub struct Whole {
    pub order: WorkOrder,
    pub steps: Vec<Step>,
    /// For who may share it.
    pub links: Vec<Link>,
    /// For who may assign it.
    pub technicians: Vec<Technician>,
}

/// A page of them.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn list(cx: &Cx, filter: Filter, limit: i64) -> Result<Vec<WorkOrder>, AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::WorkOrdersListed, async |act| {
        Ok(store::work_order::list(&mut act.tx, &filter, limit).await?)
    })
    .await
}

/// The board of a day: what there is to do, and whom it can be given to (nobody, with own reach).
///
/// # Errors
/// Refused without `work_orders`.
pub async fn day(cx: &Cx, from: At, until: At) -> Result<(Vec<WorkOrder>, Vec<Technician>), AppError> {
    let filter = Filter { from: Some(from), until: Some(until), ..Filter::default() };
    audit::audited(&cx.app, cx.caller()?, Action::WorkOrdersListed, async |act| {
        let orders = store::work_order::list(&mut act.tx, &filter, MOST_A_DAY).await?;
        Ok((orders, technicians(&mut act.tx).await?))
    })
    .await
}

/// Among so many nearest people those are looked for whom work orders can be given to.
const MOST_NEAR: usize = 100;
/// More of one day than anybody can look at.
pub const MOST_A_DAY: i64 = 1_000;

/// Whom work orders can be given to by who asks.
async fn technicians(tx: &mut TenantTx) -> Result<Vec<Technician>, AppError> {
    if tx.may_all(Permission::WorkOrders).is_err() {
        return Ok(Vec::new());
    }
    Ok(store::work_order::technicians(tx).await?)
}

/// One of them.
///
/// # Errors
/// Missing when it is not one the person may see.
pub async fn view(cx: &Cx, id: WorkOrderId) -> Result<Whole, AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::WorkOrderViewed, async |act| {
        act.on("work_order", id.0);
        let order = store::work_order::get(&mut act.tx, id).await?;
        let steps = store::work_order::steps(&mut act.tx, id).await?;
        let technicians = technicians(&mut act.tx).await?;
        let sees_all = act.tx.may_all(Permission::WorkOrders).is_ok();
        let links = if sees_all { store::tracking_link::list(&mut act.tx, id).await? } else { Vec::new() };
        Ok(Whole { order, steps, links, technicians })
    })
    .await
}

/// One of them, to be changed.
///
/// # Errors
/// Missing when it is not this business's; conflict when it is over; refused without `work_orders` for all.
pub async fn for_change(cx: &Cx, id: WorkOrderId) -> Result<Whole, AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::WorkOrderViewed, async |act| {
        act.on("work_order", id.0);
        let technicians = store::work_order::technicians(&mut act.tx).await?;
        let order = store::work_order::get(&mut act.tx, id).await?;
        if order.state.is_end() {
            return Err(AppError::Conflict);
        }
        Ok(Whole { order, steps: Vec::new(), links: Vec::new(), technicians })
    })
    .await
}

/// Who could be given what is to be done at `place`: those on shift, nearest first. A look at locations, which technicians see.
///
/// # Errors
/// Refused without `work_orders` and `map` for all.
pub async fn nearest(cx: &Cx, place: Coordinate, limit: usize) -> Result<Vec<Near>, AppError> {
    let mut tx = cx.tx().await?;
    let known = store::work_order::technicians(&mut tx).await?;
    let near = store::position::nearest(&mut tx, place, MOST_NEAR).await?;
    tx.commit().await?;
    // Written down before anything of it is shown.
    position::looks(&cx.app, cx.caller()?, Look::Nearest).await?;
    Ok(near.into_iter().filter(|near| known.iter().any(|t| t.member == near.member)).take(limit).collect())
}

/// Makes a work order. `member`: whom it is given to at once; `call`: which call it is about.
///
/// # Errors
/// Invalid fields; missing for a call that the person may not see; refused without `work_orders` for all.
pub async fn create(cx: &Cx, draft: &Draft<'_>, member: &str, call: &str) -> Result<WorkOrderId, AppError> {
    let call = match call {
        "" => None,
        text => Some(text.parse::<CallId>().map_err(|_| AppError::Missing)?),
    };
    let id: WorkOrderId = cx.app.draw();
    audit::audited(&cx.app, cx.caller()?, Action::WorkOrderCreated, async |act| {
        act.on("work_order", id.0);
        act.tx.may_all(Permission::WorkOrders)?;
        let party = match call {
            Some(call) => store::call_log::get(&mut act.tx, call).await?.party,
            None => None,
        };
        let details = draft::read(cx, act, draft, party.as_ref()).await?;
        let member = technician(&mut act.tx, member).await?.map(|(member, _)| member);
        store::work_order::insert(&mut act.tx, id, &details, member, call).await?;
        let state = if member.is_some() { WorkOrderState::Assigned } else { WorkOrderState::New };
        note(cx, act, id, (WorkOrderStep::Created, state), member).await?;
        act.after(json!({ "state": state.code(), "member": member, "call": call }));
        tell(&mut act.tx, id, None, member).await
    })
    .await?;
    Ok(id)
}

/// Changes what it says. An empty number leaves the one it has.
///
/// # Errors
/// Invalid fields; conflict when somebody was faster, or it is over; refused without `work_orders` for all.
pub async fn change(cx: &Cx, id: WorkOrderId, seen: &str, draft: &Draft<'_>) -> Result<(), AppError> {
    let seen = version(seen)?;
    audit::audited(&cx.app, cx.caller()?, Action::WorkOrderChanged, async |act| {
        act.on("work_order", id.0);
        act.tx.may_all(Permission::WorkOrders)?;
        let order = store::work_order::lock(&mut act.tx, id, Some(seen)).await?;
        let known = order.phone.as_ref().filter(|_| !draft.forget_phone);
        let details = draft::read(cx, act, draft, known).await?;
        store::work_order::update(&mut act.tx, id, &details).await?;
        store::tracking_link::move_end(&mut act.tx, id, details.window_to.plus(LINK_SECONDS_AFTER)).await?;
        note(cx, act, id, (WorkOrderStep::Changed, order.state), None).await?;
        tell(&mut act.tx, id, None, order.member).await
    })
    .await
}

/// Gives it to a technician, whose name it gives, or takes it back (`member` is empty).
///
/// # Errors
/// Invalid for somebody who is no technician; conflict when somebody was faster, or it is too late for that; refused without
/// `work_orders` for all.
pub async fn assign(cx: &Cx, id: WorkOrderId, seen: &str, member: &str) -> Result<Option<PersonName>, AppError> {
    let seen = version(seen)?;
    audit::audited(&cx.app, cx.caller()?, Action::WorkOrderAssigned, async |act| {
        act.on("work_order", id.0);
        act.tx.may_all(Permission::WorkOrders)?;
        let order = store::work_order::lock(&mut act.tx, id, Some(seen)).await?;
        act.before(json!({ "state": order.state.code(), "member": order.member }));
        let to = technician(&mut act.tx, member).await?;
        let next = to.as_ref().map(|(member, _)| *member);
        if !order.state.may_assign() {
            return Err(AppError::Conflict);
        }
        if next == order.member {
            return Ok(to.map(|(_, name)| name));
        }
        store::work_order::assign(&mut act.tx, id, next).await?;
        // Whoever had it is no longer who the customer talks to.
        store::masked_call::replace(&mut act.tx, id).await?;
        let (step, state) = match next {
            Some(_) => (WorkOrderStep::Assigned, WorkOrderState::Assigned),
            None => (WorkOrderStep::Unassigned, WorkOrderState::New),
        };
        note(cx, act, id, (step, state), next).await?;
        act.after(json!({ "state": state.code(), "member": next }));
        tell(&mut act.tx, id, order.member, next).await?;
        Ok(to.map(|(_, name)| name))
    })
    .await
}

/// Moves it along, as its technician or for them.
///
/// # Errors
/// Invalid for what is no state; conflict when somebody was faster, or that does not follow; missing when it is not one's own
/// where only those may be moved.
pub async fn move_to(cx: &Cx, id: WorkOrderId, seen: &str, to: &str) -> Result<WorkOrderState, AppError> {
    let seen = version(seen)?;
    let to: WorkOrderState = to.parse().map_err(|bad| AppError::field("to", bad))?;
    audit::audited(&cx.app, cx.caller()?, Action::WorkOrderMoved, async |act| {
        act.on("work_order", id.0);
        let order = store::work_order::lock(&mut act.tx, id, Some(seen)).await?;
        act.before(json!({ "state": order.state.code() }));
        if !order.state.may_move(to) {
            return Err(AppError::Conflict);
        }
        store::work_order::move_to(&mut act.tx, id, to).await?;
        note(cx, act, id, (WorkOrderStep::Moved, to), None).await?;
        if to.is_end() {
            close(&mut act.tx, id).await?;
        }
        act.after(json!({ "state": to.code() }));
        tell(&mut act.tx, id, None, order.member).await?;
        Ok(to)
    })
    .await
}

/// The word that confirms canceling.
pub const CONFIRM: &str = "cancel";

/// Cancels it for good.
///
/// # Errors
/// Invalid without the word; conflict when somebody was faster, or it is over; refused without `work_orders` for all.
pub async fn cancel(cx: &Cx, id: WorkOrderId, seen: &str, confirm: &str) -> Result<(), AppError> {
    let seen = version(seen)?;
    audit::audited(&cx.app, cx.caller()?, Action::WorkOrderCanceled, async |act| {
        act.on("work_order", id.0);
        act.tx.may_all(Permission::WorkOrders)?;
        let order = store::work_order::lock(&mut act.tx, id, Some(seen)).await?;
        act.before(json!({ "state": order.state.code(), "member": order.member }));
        if confirm.trim() != CONFIRM {
            return Err(AppError::field("confirm", Bad::Confirm(CONFIRM.to_owned())));
        }
        if order.state.is_end() {
            return Err(AppError::Conflict);
        }
        store::work_order::move_to(&mut act.tx, id, WorkOrderState::Canceled).await?;
        note(cx, act, id, (WorkOrderStep::Canceled, WorkOrderState::Canceled), None).await?;
        close(&mut act.tx, id).await?;
        act.after(json!({ "state": WorkOrderState::Canceled.code() }));
        tell(&mut act.tx, id, None, order.member).await
    })
    .await
}

/// What hangs on it ends with it.
async fn close(tx: &mut TenantTx, id: WorkOrderId) -> Result<(), AppError> {
    store::tracking_link::close_for(tx, id).await?;
    store::masked_call::close_for(tx, id).await?;
    Ok(())
}

/// What a form's page showed. Anything else is no form of ours.
fn version(text: &str) -> Result<i32, AppError> {
    text.parse().map_err(|_| AppError::BadRequest)
}

/// The technician whom a form names; nothing for nobody.
async fn technician(tx: &mut TenantTx, text: &str) -> Result<Option<(MemberId, PersonName)>, AppError> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = || AppError::field("member", Bad::Choice);
    let member: MemberId = text.parse().map_err(|_| bad())?;
    let found = store::work_order::technicians(tx).await?.into_iter().find(|t| t.member == member);
    found.map(|t| Some((t.member, t.name))).ok_or_else(bad)
}

async fn note(
    cx: &Cx,
    act: &mut Act,
    id: WorkOrderId,
    what: (WorkOrderStep, WorkOrderState),
    member: Option<MemberId>,
) -> Result<(), AppError> {
    Ok(store::work_order::note_step(&mut act.tx, cx.app.draw(), id, what, member).await?)
}

/// Tells the streams: whoever sees all, who has it, and who had it.
async fn tell(
    tx: &mut TenantTx,
    id: WorkOrderId,
    before: Option<MemberId>,
    now: Option<MemberId>,
) -> Result<(), AppError> {
    store::outbox::put(tx, Topic::WorkOrder(id, now)).await?;
    if before.is_some() && before != now {
        store::outbox::put(tx, Topic::WorkOrder(id, before)).await?;
    }
    Ok(())
}
