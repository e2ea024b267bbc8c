//! Applying provider events to calls (TEL-1): any order, any repeats, the same end. The desks that a call rings at are its
//! legs ([`leg`]).

mod control;
mod leg;

pub use control::{Controlled, Desk, controlled, desk, desks, provider};
use leg::{HeardLeg, advance_leg, begin_no_later, settle_member};
pub use leg::{desk_of_leg, is_on};

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        call::{CallState, Standing},
        id::{CallEventId, CallId, ConnectionId, LegId, MemberId},
        phone::Phone,
    },
    server::{kit::At, providers::CallEvent},
};

/// Ids for the rows that applying an event may create. Drawn before, so that a repeat of the whole step is the same.
#[derive(Debug, Clone, Copy)]
pub struct NewIds {
    pub call: CallId,
    pub leg: LegId,
    pub event: CallEventId,
}

/// What an event did.
#[derive(Debug, Clone, Copy)]
pub struct Applied {
    pub call: CallId,
    /// The desk that rings now because of this event.
    pub rings: Option<(LegId, MemberId)>,
    /// The desk that stops ringing unanswered because of this event.
    pub stops: Option<MemberId>,
}

/// Applies one event of a connection.
///
/// # Errors
/// Refused for people; the database refused.
pub async fn apply(
    tx: &mut TenantTx,
    connection: ConnectionId,
    event: &CallEvent,
    ids: NewIds,
) -> Result<Applied, StoreError> {
    tx.machine()?;
    let at = event.at.unwrap_or_else(|| tx.now());
    let heard = Standing { state: event.state, seq: event.seq };
    let is_new = begin_call(tx, connection, event, ids.call, at).await?;
    let known = if is_new { Known::new(ids.call, event, at) } else { lock_call(tx, connection, event).await? };
    let call = known.id;
    let (leg, desk) = match &event.leg {
        None => {
            if !is_new {
                advance_call(tx, &known, heard, at, Some(event)).await?;
            }
            (None, None)
        }
        Some(leg) => {
            let heard_leg = HeardLeg { provider_id: &leg.id, target: &leg.target, standing: heard, at };
            let (id, member) = advance_leg(tx, call, &heard_leg, ids.leg).await?;
            if !is_new {
                begin_no_later(tx, call, at).await?;
            }
            (Some(id), member)
        }
    };
    note(tx, call, leg, event, ids.event, at).await?;
    // A desk that answered is the call answered: of the call itself the provider may report no more than its end.
    if leg.is_some() && event.state == CallState::InProgress {
        advance_call(tx, &known, Standing { state: CallState::InProgress, seq: -1 }, at, None).await?;
        settle_member(tx, call).await?;
    }
    let desk = leg.zip(desk);
    Ok(Applied {
        call,
        rings: desk.filter(|_| event.state == CallState::Ringing),
        stops: desk.filter(|_| event.state.is_end() && event.state != CallState::Completed).map(|(_, member)| member),
    })
}

/// A call as it stood before this event, its row locked.
struct Known {
    id: CallId,
    standing: Standing,
    state_at: At,
}

impl Known {
    /// As [`begin_call`] has just made it.
    fn new(id: CallId, event: &CallEvent, at: At) -> Self {
        Self { id, standing: first(event), state_at: at }
    }
}

/// How a call begins with its first event. A leg's event says nothing of the call's own state: the least there is, which
/// any event of the call beats.
fn first(event: &CallEvent) -> Standing {
    if event.leg.is_some() {
        Standing { state: CallState::Queued, seq: -2 }
    } else {
        Standing { state: event.state, seq: event.seq }
    }
}

/// Makes the call's row, whole, when this is the first we hear of it, which may be a leg's event. False when it was there.
async fn begin_call(
    tx: &mut TenantTx,
    connection: ConnectionId,
    event: &CallEvent,
    new: CallId,
    at: At,
) -> Result<bool, StoreError> {
    let (business, first) = (tx.business(), first(event));
    let made = sqlx::query!(
        "insert into calls (business_id, id, connection_id, provider_call_id, direction, party_number, own_number,
             state, state_seq, started_at, state_at, answered_at, ended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10,
             case when $11::boolean then $10::timestamptz end, case when $12::boolean then $10::timestamptz end)
         on conflict (business_id, connection_id, provider_call_id) do nothing",
        business.0,
        new.0,
        connection.0,
        event.call,
        event.direction.code(),
        event.party.as_ref().map(Phone::reveal),
        event.own.as_ref().map(Phone::reveal),
        first.state.code(),
        first.seq,
        at,
        first.state == CallState::InProgress,
        first.state.is_end(),
    )
    .execute(tx.conn())
    .await?;
    Ok(made.rows_affected() > 0)
}

async fn lock_call(tx: &mut TenantTx, connection: ConnectionId, event: &CallEvent) -> Result<Known, StoreError> {
    let business = tx.business();
    let row = sqlx::query!(
        "select id, state, state_seq, state_at from calls
         where business_id = $1 and connection_id = $2 and provider_call_id = $3
         for update",
        business.0,
        connection.0,
        event.call
    )
    .fetch_one(tx.conn())
    .await?;
    let standing = Standing { state: read("calls.state", &row.state)?, seq: row.state_seq };
    Ok(Known { id: CallId(row.id), standing, state_at: row.state_at })
}

/// Moves a call on, as far as what was heard is news. `own`: an event of the call itself, which alone knows whose call it
/// is, and which way it goes.
async fn advance_call(
    tx: &mut TenantTx,
    known: &Known,
    heard: Standing,
    at: At,
    own: Option<&CallEvent>,
) -> Result<(), StoreError> {
    let business = tx.business();
    let after = known.standing.after(heard);
    let state_at = if after == heard { at } else { known.state_at };
    sqlx::query!(
        "update calls set
             state = $3, state_seq = $4, state_at = $5,
             started_at = least(started_at, $6),
             answered_at = case when $7 then least(answered_at, $6) else answered_at end,
             ended_at = case when $8 then $5 else ended_at end,
             direction = coalesce($9, direction),
             party_number = coalesce(party_number, $10), own_number = coalesce(own_number, $11)
         where business_id = $1 and id = $2",
        business.0,
        known.id.0,
        after.state.code(),
        after.seq,
        state_at,
        at,
        heard.state == CallState::InProgress,
        after.state.is_end(),
        own.map(|event| event.direction.code()),
        own.and_then(|event| event.party.as_ref()).map(Phone::reveal),
        own.and_then(|event| event.own.as_ref()).map(Phone::reveal),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn note(
    tx: &mut TenantTx,
    call: CallId,
    leg: Option<LegId>,
    event: &CallEvent,
    id: CallEventId,
    at: At,
) -> Result<(), StoreError> {
    let (business, received) = (tx.business(), tx.now());
    sqlx::query!(
        "insert into call_events (business_id, id, call_id, leg_id, state, seq, at, received_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        business.0,
        id.0,
        call.0,
        leg.map(|l| l.0),
        event.state.code(),
        event.seq,
        at,
        received,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The caller behind a call, for the agency system, while a pop is being made.
///
/// # Errors
/// Refused for people; missing when it is gone.
pub async fn party(tx: &mut TenantTx, call: CallId) -> Result<Option<Phone>, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let number: Option<String> =
        sqlx::query_scalar!("select party_number from calls where business_id = $1 and id = $2", business.0, call.0)
            .fetch_one(tx.conn())
            .await?;
    number.map(|n| read("calls.party_number", &n)).transpose()
}

/// How many calls of one number to another have begun since then and are not over. Somebody who is busy calls once; calls that
/// come back by other lines are many.
///
/// # Errors
/// Refused for people.
pub async fn running_between(tx: &mut TenantTx, party: &Phone, own: &Phone, since: At) -> Result<i64, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let running = sqlx::query_scalar!(
        r#"select count(*) as "running!" from calls
           where business_id = $1 and ended_at is null and state_at > $4 and started_at > $4
               and party_number = $2 and own_number = $3"#,
        business.0,
        party.reveal(),
        own.reveal(),
        since
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(running)
}
