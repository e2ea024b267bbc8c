//! Masked calls (TEL-7): which job's customer and technician a proxy number joins, and who of the two a caller of it is. The
//! numbers of both stand in `proxy_parties` while the session is open, and nowhere after it.

mod close;
mod route;

use std::collections::HashMap;

pub use close::{close_for, close_of, close_through, replace};
pub use route::{MaskedCall, Route, calls_of, note_call, note_missed, proxy_of, route};
use uuid::Uuid;

use super::{StoreError, TenantTx, types::read, work_order::reach};
use crate::{
    model::{
        id::{MemberId, ProxyNumberId, ProxySessionId, WorkOrderId},
        masked_call::{SECONDS_AFTER, SECONDS_BEFORE, Side},
        phone::Phone,
        work_order::WorkOrderState,
    },
    server::kit::At,
};

/// An open session of a job.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: ProxySessionId,
    /// What both of them call.
    pub proxy: Phone,
    pub member: MemberId,
    pub starts_at: At,
    pub expires_at: At,
}

/// What a session is made from: the job as it is now.
#[derive(Debug, Clone)]
pub struct Job {
    pub state: WorkOrderState,
    /// When the customer expects somebody.
    pub from: At,
    pub to: At,
    /// Who is assigned, as long as they belong to the business.
    pub member: Option<MemberId>,
    /// Where they are reached; absent when they have not said.
    pub technician: Option<Phone>,
    /// Absent when nobody typed one.
    pub customer: Option<Phone>,
}

/// The open session of a job, if calls go through it now. A technician's own jobs only.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn of(tx: &mut TenantTx, work_order: WorkOrderId) -> Result<Option<Session>, StoreError> {
    Ok(of_many(tx, &[work_order]).await?.remove(&work_order))
}

/// As [`of`], of several jobs.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn of_many(
    tx: &mut TenantTx,
    work_orders: &[WorkOrderId],
) -> Result<HashMap<WorkOrderId, Session>, StoreError> {
    let own = reach(tx)?;
    let (business, now) = (tx.business(), tx.now());
    let ids: Vec<Uuid> = work_orders.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "select s.work_order_id, s.id, s.member_id, s.starts_at, s.expires_at, n.number
         from proxy_sessions s
         join proxy_numbers n on n.business_id = $1 and n.id = s.proxy_number_id
         join work_orders w on w.business_id = $1 and w.id = s.work_order_id and w.member_id = s.member_id
             and w.state in ('assigned', 'en_route', 'on_site') and w.window_from <= $5 and w.window_to > $6
         join proxy_parties p on p.business_id = $1 and p.session_id = s.id and p.side = 'customer'
             and p.phone = w.customer_phone
         where s.business_id = $1 and s.work_order_id = any($2) and s.closed_at is null and s.expires_at > $3
             and ($4::uuid is null or s.member_id = $4)",
        business.0,
        &ids,
        now,
        own,
        now.plus(SECONDS_BEFORE),
        now.plus(-SECONDS_AFTER)
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let session = Session {
                id: ProxySessionId(r.id),
                proxy: read("proxy_numbers.number", &r.number)?,
                member: MemberId(r.member_id),
                starts_at: r.starts_at,
                expires_at: r.expires_at,
            };
            Ok((WorkOrderId(r.work_order_id), session))
        })
        .collect()
}

/// Begins to open a session: until the transaction ends, nobody else does so in this business, so that two do not choose the
/// same number. Closes what is over, which would be in the way.
///
/// # Errors
/// Refused without `work_orders`; missing when there is no such job in this business.
pub async fn begin(tx: &mut TenantTx, work_order: WorkOrderId) -> Result<(), StoreError> {
    reach(tx)?;
    let business = tx.business();
    // The job first, as who moves it does, and its session then: two that meet wait for each other, and none for ever.
    sqlx::query_scalar!(
        "select id from work_orders where business_id = $1 and id = $2 for key share",
        business.0,
        work_order.0
    )
    .fetch_one(tx.conn())
    .await?;
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('ringfort/proxy/' || ($1::uuid)::text, 0))",
        business.0
    )
    .execute(tx.conn())
    .await?;
    close::over(tx).await?;
    Ok(())
}

/// The job as it is now. A technician's own only.
///
/// # Errors
/// Refused without `work_orders`; missing when it is not this business's, or another's.
pub async fn job(tx: &mut TenantTx, work_order: WorkOrderId) -> Result<Job, StoreError> {
    let own = reach(tx)?;
    let business = tx.business();
    let row = sqlx::query!(
        r#"select w.state, w.window_from, w.window_to, w.customer_phone, m.id as "member_id?", p.phone as "phone?"
           from work_orders w
           left join members m on m.business_id = $1 and m.id = w.member_id and m.state = 'active'
           left join member_phones p on p.business_id = $1 and p.member_id = m.id
           where w.business_id = $1 and w.id = $2 and ($3::uuid is null or w.member_id = $3)"#,
        business.0,
        work_order.0,
        own
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Job {
        state: read("work_orders.state", &row.state)?,
        from: row.window_from,
        to: row.window_to,
        member: row.member_id.map(MemberId),
        technician: row.phone.map(|text| read("member_phones.phone", &text)).transpose()?,
        customer: row.customer_phone.map(|text| read("work_orders.customer_phone", &text)).transpose()?,
    })
}

/// Whether the open session of a job is for these two and this span, through a number that still works.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn fits(tx: &mut TenantTx, session: &Session, pair: &Pair<'_>, span: (At, At)) -> Result<bool, StoreError> {
    reach(tx)?;
    let business = tx.business();
    let fits = sqlx::query_scalar!(
        r#"select (s.starts_at = $3 and s.expires_at = $4 and n.state = 'active' and c.state = 'active' and (
               select count(*) from proxy_parties p
               where p.business_id = $1 and p.session_id = s.id
                   and p.phone = case p.side when 'customer' then $5 else $6 end
           ) = 2) as "fits!"
           from proxy_sessions s
           join proxy_numbers n on n.business_id = $1 and n.id = s.proxy_number_id
           join connections c on c.business_id = $1 and c.id = n.connection_id
           where s.business_id = $1 and s.id = $2"#,
        business.0,
        session.id.0,
        span.0,
        span.1,
        pair.customer.reveal(),
        pair.technician.reveal()
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(fits)
}

/// The two whom a session joins.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    pub customer: &'a Phone,
    pub technician: &'a Phone,
}

/// A number that neither of the two uses for somebody else now: the one that this job had before, so that people find it in the
/// list of their calls; else the one with the fewest sessions. Nothing when there is none, and nothing for a party that is a proxy
/// itself: proxies that call each other would go on for ever, and each call costs.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn free_number(
    tx: &mut TenantTx,
    work_order: WorkOrderId,
    pair: &Pair<'_>,
) -> Result<Option<(ProxyNumberId, Phone)>, StoreError> {
    reach(tx)?;
    let business = tx.business();
    let row = sqlx::query!(
        "select n.id, n.number
         from proxy_numbers n join connections c on c.business_id = $1 and c.id = n.connection_id and c.state = 'active'
         where n.business_id = $1 and n.state = 'active' and n.number not in ($3, $4) and not exists (
             select from proxy_parties p
             where p.business_id = $1 and p.proxy_number_id = n.id and p.phone in ($3, $4)
         ) and not exists (
             select from proxy_numbers x
             where x.business_id = $1 and x.state = 'active' and x.number in ($3, $4)
         )
         order by exists (
                 select from proxy_sessions s
                 where s.business_id = $1 and s.proxy_number_id = n.id and s.work_order_id = $2
             ) desc,
             (select count(*) from proxy_parties p where p.business_id = $1 and p.proxy_number_id = n.id),
             n.last_used_at nulls first, n.id
         limit 1",
        business.0,
        work_order.0,
        pair.customer.reveal(),
        pair.technician.reveal()
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|r| Ok((ProxyNumberId(r.id), read("proxy_numbers.number", &r.number)?))).transpose()
}

/// A session to open.
pub struct NewSession<'a> {
    pub id: ProxySessionId,
    pub work_order: WorkOrderId,
    pub number: ProxyNumberId,
    pub member: MemberId,
    pub pair: Pair<'a>,
    pub starts_at: At,
    pub expires_at: At,
}

/// Opens a session: its row and both parties.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn insert(tx: &mut TenantTx, s: NewSession<'_>) -> Result<(), StoreError> {
    reach(tx)?;
    let (business, now) = (tx.business(), tx.now());
    let opened_by = tx.caller().actor.uuid();
    sqlx::query!(
        "insert into proxy_sessions (business_id, id, work_order_id, proxy_number_id, member_id, opened_by, opened_at,
             starts_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        business.0,
        s.id.0,
        s.work_order.0,
        s.number.0,
        s.member.0,
        opened_by,
        now,
        s.starts_at,
        s.expires_at
    )
    .execute(tx.conn())
    .await?;
    for (side, phone) in [(Side::Customer, s.pair.customer), (Side::Technician, s.pair.technician)] {
        sqlx::query!(
            "insert into proxy_parties (business_id, proxy_number_id, phone, session_id, side) values ($1, $2, $3, $4, $5)",
            business.0,
            s.number.0,
            phone.reveal(),
            s.id.0,
            side.code()
        )
        .execute(tx.conn())
        .await?;
    }
    sqlx::query!(
        "update proxy_numbers set last_used_at = $3 where business_id = $1 and id = $2",
        business.0,
        s.number.0,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
