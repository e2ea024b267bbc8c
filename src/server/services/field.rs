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
        // A session of a job that is over leads nowhere.
        let open: Vec<_> = orders.iter().filter(|order| !order.state.is_end()).map(|order| order.id).collect();
        let mut sessions = store::masked_call::of_many(&mut act.tx, &open).await?;
        let job = |order: WorkOrder| {
            let proxy = sessions.remove(&order.id).map(|session| session.proxy);
            Job { order, proxy }
        };
        Ok(orders.into_iter().map(job).collect())
    })
    .await
}
