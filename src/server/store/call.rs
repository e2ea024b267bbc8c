//! Applying provider events to calls (TEL-1): any order, any repeats, the same end.

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        call::{CallState, Standing},
        id::{CallEventId, CallId, ConnectionId, ExtensionId, LegId, MemberId},
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
    let call = ensure_call(tx, connection, event, ids.call, at).await?;
    let (leg, rings) = match &event.leg {
        None => {
            advance_call(tx, call, event, at).await?;
            (None, None)
        }
        Some(leg) => {
            let (id, member) = advance_leg(tx, call, &leg.id, &leg.target, event, ids.leg, at).await?;
            let rings = member.filter(|_| event.state == CallState::Ringing).map(|m| (id, m));
            (Some(id), rings)
        }
    };
    note(tx, call, leg, event, ids.event, at).await?;
    if leg.is_some() && event.state == CallState::InProgress {
        settle_member(tx, call).await?;
    }
    Ok(Applied { call, rings })
}

/// The call's row, locked; made when this is the first we hear of it, which may be a leg's event.
async fn ensure_call(
    tx: &mut TenantTx,
    connection: ConnectionId,
    event: &CallEvent,
    new: CallId,
    at: At,
) -> Result<CallId, StoreError> {
    let business = tx.business();
    // A leg's event says nothing of the call's own state: the least there is, which any event of the call beats.
    let first = if event.leg.is_some() { CallState::Queued } else { event.state };
    sqlx::query!(
        "insert into calls (business_id, id, connection_id, provider_call_id, direction, party_number, own_number,
             state, state_seq, started_at, state_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         on conflict (business_id, connection_id, provider_call_id) do nothing",
        business.0,
        new.0,
        connection.0,
        event.call,
        event.direction.code(),
        event.party.as_ref().map(Phone::reveal),
        event.own.as_ref().map(Phone::reveal),
        first.code(),
        if event.leg.is_some() { -2 } else { event.seq },
        at,
    )
    .execute(tx.conn())
    .await?;
    let id = sqlx::query_scalar!(
        "select id from calls where business_id = $1 and connection_id = $2 and provider_call_id = $3 for update",
        business.0,
        connection.0,
        event.call
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(CallId(id))
}

async fn advance_call(tx: &mut TenantTx, call: CallId, event: &CallEvent, at: At) -> Result<(), StoreError> {
    let business = tx.business();
    let row = sqlx::query!(
        "select state, state_seq, state_at from calls where business_id = $1 and id = $2",
        business.0,
        call.0
    )
    .fetch_one(tx.conn())
    .await?;
    let before = Standing { state: read("calls.state", &row.state)?, seq: row.state_seq };
    let heard = Standing { state: event.state, seq: event.seq };
    let after = before.after(heard);
    let state_at = if after == heard { at } else { row.state_at };
    sqlx::query!(
        "update calls set
             state = $3, state_seq = $4, state_at = $5,
             direction = $6,
             party_number = coalesce(party_number, $7),
             own_number = coalesce(own_number, $8),
             started_at = least(started_at, $9),
             answered_at = case when $10 then least(answered_at, $9) else answered_at end,
             ended_at = case when $11 then $5 else ended_at end
         where business_id = $1 and id = $2",
        business.0,
        call.0,
        after.state.code(),
        after.seq,
        state_at,
        event.direction.code(),
        event.party.as_ref().map(Phone::reveal),
        event.own.as_ref().map(Phone::reveal),
        at,
        event.state == CallState::InProgress,
        after.state.is_end(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn advance_leg(
    tx: &mut TenantTx,
    call: CallId,
    provider_id: &str,
    target: &str,
    event: &CallEvent,
    new: LegId,
    at: At,
) -> Result<(LegId, Option<MemberId>), StoreError> {
    let business = tx.business();
    let desk = sqlx::query!(
        "select id, member_id from extensions where business_id = $1 and target = $2",
        business.0,
        target
    )
    .fetch_optional(tx.conn())
    .await?;
    let (extension, member) =
        desk.map_or((None, None), |d| (Some(ExtensionId(d.id)), Some(MemberId(d.member_id))));
    sqlx::query!(
        "insert into call_legs (business_id, id, call_id, provider_leg_id, extension_id, member_id, state, state_seq,
             state_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (business_id, call_id, provider_leg_id) do nothing",
        business.0,
        new.0,
        call.0,
        provider_id,
        extension.map(|e| e.0),
        member.map(|m| m.0),
        event.state.code(),
        event.seq,
        at,
    )
    .execute(tx.conn())
    .await?;
    let row = sqlx::query!(
        "select id, member_id, state, state_seq, state_at from call_legs
         where business_id = $1 and call_id = $2 and provider_leg_id = $3
         for update",
        business.0,
        call.0,
        provider_id
    )
    .fetch_one(tx.conn())
    .await?;
    let heard = Standing { state: event.state, seq: event.seq };
    let after = Standing { state: read("call_legs.state", &row.state)?, seq: row.state_seq }.after(heard);
    sqlx::query!(
        "update call_legs set state = $3, state_seq = $4, state_at = $5 where business_id = $1 and id = $2",
        business.0,
        row.id,
        after.state.code(),
        after.seq,
        if after == heard { at } else { row.state_at },
    )
    .execute(tx.conn())
    .await?;
    // A desk that has already answered or hung up does not ring because a late event says so.
    let member = row.member_id.map(MemberId).filter(|_| after == heard);
    Ok((LegId(row.id), member))
}

/// Whose call it is: the first desk that answered, from the whole timeline, so that order does not matter.
async fn settle_member(tx: &mut TenantTx, call: CallId) -> Result<(), StoreError> {
    let business = tx.business();
    sqlx::query!(
        "update calls set member_id = (
             select l.member_id
             from call_events e join call_legs l on l.business_id = $1 and l.id = e.leg_id
             where e.business_id = $1 and e.call_id = $2 and e.state = 'in_progress' and l.member_id is not null
             order by e.at, l.id
             limit 1
         )
         where business_id = $1 and id = $2",
        business.0,
        call.0
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

/// The member behind a leg, while it still rings or runs.
///
/// # Errors
/// Refused for people; missing when it is gone.
pub async fn desk_of_leg(tx: &mut TenantTx, leg: LegId) -> Result<(CallId, Option<MemberId>, CallState), StoreError> {
    tx.machine()?;
    let business = tx.business();
    let row = sqlx::query!(
        "select call_id, member_id, state from call_legs where business_id = $1 and id = $2",
        business.0,
        leg.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((CallId(row.call_id), row.member_id.map(MemberId), read("call_legs.state", &row.state)?))
}
