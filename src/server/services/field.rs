//! A technician's day: their jobs, with the number that leads to each customer while masked calls are open. Looking at it is an
//! entry, as every list of jobs is: it names customers.

use super::audit;
use crate::{
    model::{audit::Action, phone::Phone},
    server::{
        http::{AppError, Cx},
        kit::At,
        store::{self, work_order::WorkOrder},
    },
};

/// A job of one's own.
pub struct Job {
    pub order: WorkOrder,
    /// The number that leads to the customer, while masked calls are open.
    pub proxy: Option<Phone>,
}

/// What the person who asks has to do in a span, and what they have begun before it and not ended.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn day(cx: &Cx, from: At, until: At) -> Result<Vec<Job>, AppError> {
    let person = cx.signed_in()?;
    audit::audited(&cx.app, &person.caller, Action::WorkOrdersListed, async |act| {
        let orders = store::work_order::mine(&mut act.tx, person.member, from, until).await?;
        let mut jobs = Vec::with_capacity(orders.len());
        for order in orders {
            // A session of a job that is over leads nowhere.
            let session =
                if order.state.is_end() { None } else { store::masked_call::of(&mut act.tx, order.id).await? };
            jobs.push(Job { order, proxy: session.map(|session| session.proxy) });
        }
        Ok(jobs)
    })
    .await
}
