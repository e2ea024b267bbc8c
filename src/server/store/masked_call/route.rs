//! Where a call to a proxy number goes, and which calls went through a session.

use crate::{
    model::{
        call::CallState,
        id::{CallId, ConnectionId, ProxySessionId, WorkOrderId},
        masked_call::{SECONDS_AFTER, SECONDS_BEFORE, Side},
        permission::Permission,
        phone::Phone,
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx, types::read},
    },
};

/// What a number that somebody calls is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// No proxy: calls to it ring as ever.
    Ordinary,
    /// A proxy, and the caller has no open session on it now: the dispatchers get the call, and see the proxy's number.
    Dispatchers,
    /// A proxy that joins the caller with somebody.
    Through {
        session: ProxySessionId,
        /// Who of the two calls.
        side: Side,
        /// Where it rings. It must not be shown to the caller, nor the caller's to who is called.
        other: Phone,
    },
}

/// Where a call of `caller` to `number` goes. The session must be open, and the job as it is now must still want it: the
/// technician is assigned and here, the customer has this number, nothing is over, and the time is around its window.
///
/// # Errors
/// Refused for people.
pub async fn route(
    tx: &mut TenantTx,
    connection: ConnectionId,
    number: &Phone,
    caller: Option<&Phone>,
) -> Result<Route, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let row = sqlx::query!(
        r#"select r.session_id as "session_id?", r.side as "side?", r.phone as "phone?"
           from proxy_numbers n
           left join lateral (
               select s.id as session_id, p.side, o.phone
               from proxy_parties p
               join proxy_sessions s on s.business_id = $1 and s.id = p.session_id and s.closed_at is null
                   and s.starts_at <= $5 and s.expires_at > $5
               join proxy_parties o on o.business_id = $1 and o.session_id = s.id and o.side <> p.side
               join work_orders w on w.business_id = $1 and w.id = s.work_order_id and w.member_id = s.member_id
                   and w.state in ('assigned', 'en_route', 'on_site') and w.window_from <= $6 and w.window_to > $7
                   and w.customer_phone = case p.side when 'customer' then p.phone else o.phone end
               join members m on m.business_id = $1 and m.id = s.member_id and m.state = 'active'
               where p.business_id = $1 and p.proxy_number_id = n.id and p.phone = $4
           ) r on true
           where n.business_id = $1 and n.connection_id = $2 and n.number = $3 and n.state = 'active'"#,
        business.0,
        connection.0,
        number.reveal(),
        caller.map(Phone::reveal),
        now,
        now.plus(SECONDS_BEFORE),
        now.plus(-SECONDS_AFTER),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(Route::Ordinary) };
    let (Some(session), Some(side), Some(phone)) = (row.session_id, row.side, row.phone) else {
        return Ok(Route::Dispatchers);
    };
    Ok(Route::Through {
        session: ProxySessionId(session),
        side: read("proxy_parties.side", &side)?,
        other: read("proxy_parties.phone", &phone)?,
    })
}

/// Notes which session a call goes through. False when that was noted before, or when nothing is known of the call yet: its first
/// event waits for its turn, and then nothing but this note is missing.
///
/// # Errors
/// Refused for people.
pub async fn note_call(
    tx: &mut TenantTx,
    connection: ConnectionId,
    provider_call: &str,
    session: ProxySessionId,
    side: Side,
) -> Result<bool, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let done = sqlx::query!(
        "insert into masked_calls (business_id, call_id, session_id, side)
         select $1, c.id, $4, $5 from calls c
         where c.business_id = $1 and c.connection_id = $2 and c.provider_call_id = $3
         on conflict (business_id, call_id) do nothing",
        business.0,
        connection.0,
        provider_call,
        session.0,
        side.code()
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that nobody answered a masked call: the session that it went through. `None` when that was noted before, or when
/// nothing is known of the call ([`note_call`]).
///
/// # Errors
/// Refused for people.
pub async fn note_missed(
    tx: &mut TenantTx,
    connection: ConnectionId,
    provider_call: &str,
) -> Result<Option<ProxySessionId>, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let session = sqlx::query_scalar!(
        "update masked_calls k set missed_at = $4
         from calls c
         where k.business_id = $1 and k.missed_at is null and c.business_id = $1 and c.id = k.call_id
             and c.connection_id = $2 and c.provider_call_id = $3
         returning k.session_id",
        business.0,
        connection.0,
        provider_call,
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(session.map(ProxySessionId))
}

/// The proxy that was called, whether the call went through a session or to the desks: what it shows, wherever it is
/// transferred to.
///
/// # Errors
/// Refused without `calls.supervise`.
pub async fn proxy_of(tx: &mut TenantTx, call: CallId) -> Result<Option<Phone>, StoreError> {
    tx.may_all(Permission::CallsSupervise)?;
    let business = tx.business();
    let number = sqlx::query_scalar!(
        "select n.number
         from calls c
         join proxy_numbers n on n.business_id = $1 and n.connection_id = c.connection_id and (
             n.number = c.own_number and (n.retired_at is null or n.retired_at >= c.started_at)
             or exists (
                 select from masked_calls k
                 join proxy_sessions s on s.business_id = $1 and s.id = k.session_id
                 where k.business_id = $1 and k.call_id = c.id and s.proxy_number_id = n.id
             )
         )
         where c.business_id = $1 and c.id = $2
         limit 1",
        business.0,
        call.0
    )
    .fetch_optional(tx.conn())
    .await?;
    number.map(|text| read("proxy_numbers.number", &text)).transpose()
}

/// A call that went through a job's session. It names nobody's number.
#[derive(Debug, Clone)]
pub struct MaskedCall {
    pub side: Side,
    pub state: CallState,
    pub started_at: At,
    pub answered_at: Option<At>,
}

/// The masked calls of a job, newest first, at most twenty. Of a technician's own job those of their own sessions.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn calls_of(tx: &mut TenantTx, work_order: WorkOrderId) -> Result<Vec<MaskedCall>, StoreError> {
    let own = super::reach(tx)?;
    let business = tx.business();
    let rows = sqlx::query!(
        "select k.side, c.state, c.started_at, c.answered_at
         from proxy_sessions s
         join masked_calls k on k.business_id = $1 and k.session_id = s.id
         join calls c on c.business_id = $1 and c.id = k.call_id
         where s.business_id = $1 and s.work_order_id = $2 and ($3::uuid is null or s.member_id = $3)
         order by c.started_at desc, c.id desc
         limit 20",
        business.0,
        work_order.0,
        own
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(MaskedCall {
                side: read("masked_calls.side", &r.side)?,
                state: read("calls.state", &r.state)?,
                started_at: r.started_at,
                answered_at: r.answered_at,
            })
        })
        .collect()
}
