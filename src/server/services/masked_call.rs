//! Masked calls (TEL-7): a technician and their customer talk through a proxy number of the business, and neither is shown the
//! other's number. People open a session for a job; the provider's webhook asks where a call to a proxy goes.
//!
//! What a caller sees is the proxy's number, whichever way a call to it goes, so that no mistake here shows somebody's own. Who is
//! not answered hears so, and a customer then reaches the desks.

use serde_json::json;

use super::audit;
use crate::{
    model::{
        audit::{Action, Outcome},
        extension::Target,
        field::Bad,
        id::{ConnectionId, ProxySessionId, WorkOrderId},
        masked_call::{Side, span},
        phone::Phone,
        work_order::WorkOrderState,
    },
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        kit::At,
        providers::{CallEvent, Door},
        store::{
            self, TenantTx,
            audit::{NewEntry, Target as Subject},
            masked_call::{NewSession, Pair, Route, Session},
        },
    },
};

/// Opens masked calls for a job, or finds them open: the number that its technician and its customer call.
///
/// # Errors
/// Invalid when the job cannot have them now, in words that say what to do; no number when the pool has none left for one of
/// the two; missing when it is no job of this business, or not the technician's own; refused without `work_orders`.
pub async fn open(app: &App, caller: &Caller, work_order: WorkOrderId) -> Result<Session, AppError> {
    audit::audited(app, caller, Action::MaskedCallOpened, async |act| {
        act.on("work_order", work_order.0);
        let tx = &mut act.tx;
        store::masked_call::begin(tx, work_order).await?;
        let job = store::masked_call::job(tx, work_order).await?;
        let (starts_at, expires_at) = times(&job, tx.now())?;
        let member = job.member.ok_or_else(|| bad(Bad::Unassigned))?;
        let customer = job.customer.as_ref().ok_or_else(|| bad(Bad::NoCustomerPhone))?;
        let technician = job.technician.as_ref().ok_or_else(|| bad(Bad::NoMemberPhone))?;
        if customer == technician {
            return Err(bad(Bad::SamePhone));
        }
        // Each call costs the business money, and whoever owns an expensive number may earn some of it.
        let prefixes = &app.config().text_prefixes;
        if !(prefixes.allow(customer) && prefixes.allow(technician)) {
            return Err(bad(Bad::CallPrefix(prefixes.to_string())));
        }
        let pair = Pair { customer, technician };
        if let Some(session) = store::masked_call::of(tx, work_order).await?
            && store::masked_call::fits(tx, &session, &pair, (starts_at, expires_at)).await?
        {
            act.after(json!({ "session": session.id, "member": member, "reused": true }));
            return Ok(session);
        }
        store::masked_call::replace(tx, work_order).await?;
        let (number, proxy) =
            store::masked_call::free_number(tx, work_order, &pair).await?.ok_or(AppError::NoNumber)?;
        let id: ProxySessionId = app.draw();
        let new = NewSession { id, work_order, number, member, pair, starts_at, expires_at };
        store::masked_call::insert(tx, new).await?;
        act.after(json!({ "session": id, "member": member, "number": number, "reused": false }));
        Ok(Session { id, proxy, member, starts_at, expires_at })
    })
    .await
}

/// From when until when calls go through, if that is now.
fn times(job: &store::masked_call::Job, now: At) -> Result<(At, At), AppError> {
    if job.state == WorkOrderState::New {
        return Err(bad(Bad::Unassigned));
    }
    if job.state.is_end() {
        return Err(bad(Bad::JobOver));
    }
    let (from, to) = span(job.from.as_second(), job.to.as_second());
    let (from, to) = (At::from_second(from), At::from_second(to));
    if (from..to).contains(&now) { Ok((from, to)) } else { Err(bad(Bad::OutsideWindow)) }
}

/// What is wrong belongs to no field that one could look at.
fn bad(problem: Bad) -> AppError {
    AppError::field("", problem)
}

/// Where a call that comes in shall ring, and whose number it shows.
pub struct Ringing {
    /// None leaves the caller's own number.
    pub caller_id: Option<Phone>,
    pub targets: Vec<Target>,
    /// Where the provider asks what comes after it.
    pub then: Door,
}

/// Where a call rings that a provider asks about. To a proxy number: at the other of the two, or, when the caller has no open
/// session there now, at the dispatchers' desks. To any other number: where its extensions say.
///
/// # Errors
/// The database cannot be reached.
pub async fn ringing(
    app: &App,
    caller: &Caller,
    connection: ConnectionId,
    event: &CallEvent,
) -> Result<Ringing, AppError> {
    let mut tx = TenantTx::open(app.db(), caller, app.clock().now()).await?;
    let route = match &event.own {
        Some(own) => store::masked_call::route(&mut tx, connection, own, event.party.as_ref()).await?,
        None => Route::Ordinary,
    };
    let ringing = match route {
        Route::Through { session, side, other } => {
            if store::masked_call::note_call(&mut tx, connection, &event.call, session, side).await? {
                write_down(app, &mut tx, Action::MaskedCallRouted, session, side).await?;
            }
            let targets = vec![Target::Number(other.reveal().to_owned())];
            Ringing { caller_id: event.own.clone(), targets, then: Door::Masked(side) }
        }
        Route::Dispatchers => dispatchers(&mut tx, event).await?,
        Route::Ordinary => Ringing { caller_id: None, targets: desks(&mut tx, event).await?, then: Door::Dial },
    };
    tx.commit().await?;
    Ok(ringing)
}

/// What comes after a masked call of `side` that the other of the two did not answer: a customer is put through to the
/// dispatchers' desks, once, and a technician hears that nobody answers (`None`). The session may be over by now: whoever is on
/// the line was put through while it was open.
///
/// # Errors
/// The database cannot be reached.
pub async fn missed(
    app: &App,
    caller: &Caller,
    connection: ConnectionId,
    event: &CallEvent,
    side: Side,
) -> Result<Option<Ringing>, AppError> {
    let mut tx = TenantTx::open(app.db(), caller, app.clock().now()).await?;
    if let Some(session) = store::masked_call::note_missed(&mut tx, connection, &event.call).await? {
        write_down(app, &mut tx, Action::MaskedCallMissed, session, side).await?;
    }
    let ringing = match side {
        Side::Customer => Some(dispatchers(&mut tx, event).await?),
        Side::Technician => None,
    };
    tx.commit().await?;
    Ok(ringing)
}

async fn write_down(
    app: &App,
    tx: &mut TenantTx,
    action: Action,
    session: ProxySessionId,
    from: Side,
) -> Result<(), AppError> {
    let entry = NewEntry {
        id: app.draw(),
        action,
        target: Some(Subject { kind: "proxy_session", id: Some(session.0) }),
        outcome: Outcome::Done,
        reason: None,
        before: None,
        after: Some(json!({ "from": from.code() })),
    };
    Ok(store::audit::append(tx, entry).await?)
}

/// The dispatchers' desks, for a call to a proxy. They may be telephones, a technician's among them: they too are shown the proxy's
/// number, and where it is not known, nothing rings.
async fn dispatchers(tx: &mut TenantTx, event: &CallEvent) -> Result<Ringing, AppError> {
    let targets = if event.own.is_some() { desks(tx, event).await? } else { Vec::new() };
    Ok(Ringing { caller_id: event.own.clone(), targets, then: Door::Dial })
}

/// So many calls of one number to another within [`LOOP_SECONDS`] are one call that comes back again and again, by a line that is
/// not this business's: it rings nowhere then, and ends.
const LOOP_CALLS: i64 = 20;
const LOOP_SECONDS: i64 = 60;

/// The desks that a call rings at by the extensions.
async fn desks(tx: &mut TenantTx, event: &CallEvent) -> Result<Vec<Target>, AppError> {
    if let (Some(party), Some(own)) = (&event.party, &event.own) {
        let since = tx.now().plus(-LOOP_SECONDS);
        if store::call::running_between(tx, party, own, since).await? >= LOOP_CALLS {
            tracing::warn!(business.id = %tx.business(), "a call comes back to its own line, and rings nowhere");
            return Ok(Vec::new());
        }
    }
    Ok(store::extension::targets(tx, event.own.as_ref().map(Phone::reveal)).await?)
}
