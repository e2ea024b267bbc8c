//! How sessions of masked calls end: with their job, their number, their technician's number, or their time.

use uuid::Uuid;

use super::reach;
use crate::{
    model::{
        id::{MemberId, ProxyNumberId, ProxySessionId, WorkOrderId},
        masked_call::Reason,
        permission::Permission,
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx},
    },
};

/// Closes the session of a job that is done or canceled: from then on calls go to the dispatchers. For the service that moves
/// the job, in its transaction. How many it closed.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn close_for(tx: &mut TenantTx, work_order: WorkOrderId) -> Result<Closed, StoreError> {
    reach(tx)?;
    close(tx, Reason::JobClosed, Closing { work_order: Some(work_order.0), ..Closing::default() }).await
}

/// Closes the sessions of a technician whose number is another one since, who works on no jobs any more, or who leaves.
///
/// # Errors
/// Refused without `team.manage` or `roles.manage`, except for one's own.
pub async fn close_of(tx: &mut TenantTx, member: MemberId) -> Result<Closed, StoreError> {
    if tx.caller().actor.uuid() != Some(member.0) {
        tx.may_all(Permission::TeamManage).or_else(|_| tx.may_all(Permission::RolesManage))?;
    }
    close(tx, Reason::PhoneChanged, Closing { member: Some(member.0), ..Closing::default() }).await
}

/// Closes the sessions that go through a number.
///
/// # Errors
/// Refused without `extensions`.
pub async fn close_through(tx: &mut TenantTx, number: ProxyNumberId) -> Result<Closed, StoreError> {
    tx.may_all(Permission::Extensions)?;
    close(tx, Reason::NumberRemoved, Closing { number: Some(number.0), ..Closing::default() }).await
}

/// Closes the session of a job that somebody else has now, or another customer or window, so that another takes its place.
/// How many it closed.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn replace(tx: &mut TenantTx, work_order: WorkOrderId) -> Result<Closed, StoreError> {
    reach(tx)?;
    close(tx, Reason::Replaced, Closing { work_order: Some(work_order.0), ..Closing::default() }).await
}

/// Closes those whose time is over, which would be in the way of new ones until the clock closes them.
pub(super) async fn over(tx: &mut TenantTx) -> Result<Closed, StoreError> {
    let until = Some(tx.now());
    close(tx, Reason::Expired, Closing { until, ..Closing::default() }).await
}

/// The sessions that were closed.
pub type Closed = Vec<ProxySessionId>;

/// Which open sessions shall close: all that meet every part.
#[derive(Clone, Copy, Default)]
struct Closing {
    work_order: Option<Uuid>,
    member: Option<Uuid>,
    number: Option<Uuid>,
    /// Those whose time is over then.
    until: Option<At>,
}

/// Closes sessions and forgets the numbers of their parties.
async fn close(tx: &mut TenantTx, reason: Reason, which: Closing) -> Result<Closed, StoreError> {
    let (business, now) = (tx.business(), tx.now());
    let closed = sqlx::query_scalar!(
        r#"with closed as (
               update proxy_sessions set closed_at = $2, reason = $3
               where business_id = $1 and closed_at is null
                   and ($4::uuid is null or work_order_id = $4)
                   and ($5::uuid is null or member_id = $5)
                   and ($6::uuid is null or proxy_number_id = $6)
                   and ($7::timestamptz is null or expires_at <= $7)
               returning id
           ),
           forgotten as (
               delete from proxy_parties p using closed c where p.business_id = $1 and p.session_id = c.id
           )
           select id as "id!" from closed"#,
        business.0,
        now,
        reason.code(),
        which.work_order,
        which.member,
        which.number,
        which.until
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(closed.into_iter().map(ProxySessionId).collect())
}
