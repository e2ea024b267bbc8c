//! Applying provider events to calls (TEL-1): any order, any repeats, the same end.

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
    let call = ensure_call(tx, connection, event, ids.call, at).await?;
    let heard = Standing { state: event.state, seq: event.seq };
    let (leg, desk) = match &event.leg {
        None => {
            describe_call(tx, call, event).await?;
            advance_call(tx, call, heard, at).await?;
            (None, None)
        }
        Some(leg) => {
            let heard_leg = HeardLeg { provider_id: &leg.id, target: &leg.target, standing: heard, at };
            let (id, member) = advance_leg(tx, call, &heard_leg, ids.leg).await?;
            begin_no_later(tx, call, at).await?;
            (Some(id), member)
        }
    };
    note(tx, call, leg, event, ids.event, at).await?;
    // A desk that answered is the call answered: of the call itself the provider may report no more than its end.
    if leg.is_some() && event.state == CallState::InProgress {
        advance_call(tx, call, Standing { state: CallState::InProgress, seq: -1 }, at).await?;
        settle_member(tx, call).await?;
    }
    let desk = leg.zip(desk);
    Ok(Applied {
        call,
        rings: desk.filter(|_| event.state == CallState::Ringing),
        stops: desk.filter(|_| event.state.is_end() && event.state != CallState::Completed).map(|(_, member)| member),
    })
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

/// What only an event of the call itself knows: whose call it is, and which way it goes.
async fn describe_call(tx: &mut TenantTx, call: CallId, event: &CallEvent) -> Result<(), StoreError> {
    let business = tx.business();
    sqlx::query!(
        "update calls set direction = $3, party_number = coalesce(party_number, $4), own_number = coalesce(own_number, $5)
         where business_id = $1 and id = $2",
        business.0,
        call.0,
        event.direction.code(),
        event.party.as_ref().map(Phone::reveal),
        event.own.as_ref().map(Phone::reveal),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A call began no later than its first leg, whichever we hear of first.
async fn begin_no_later(tx: &mut TenantTx, call: CallId, at: At) -> Result<(), StoreError> {
    let business = tx.business();
    sqlx::query!(
        "update calls set started_at = $3 where business_id = $1 and id = $2 and started_at > $3",
        business.0,
        call.0,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn advance_call(tx: &mut TenantTx, call: CallId, heard: Standing, at: At) -> Result<(), StoreError> {
    let business = tx.business();
    let row = sqlx::query!(
        "select state, state_seq, state_at from calls where business_id = $1 and id = $2",
        business.0,
        call.0
    )
    .fetch_one(tx.conn())
    .await?;
    let before = Standing { state: read("calls.state", &row.state)?, seq: row.state_seq };
    let after = before.after(heard);
    let state_at = if after == heard { at } else { row.state_at };
    sqlx::query!(
        "update calls set
             state = $3, state_seq = $4, state_at = $5,
             started_at = least(started_at, $6),
             answered_at = case when $7 then least(answered_at, $6) else answered_at end,
             ended_at = case when $8 then $5 else ended_at end
         where business_id = $1 and id = $2",
        business.0,
        call.0,
        after.state.code(),
        after.seq,
        state_at,
        at,
        heard.state == CallState::InProgress,
        after.state.is_end(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What an event says of a leg.
struct HeardLeg<'a> {
    provider_id: &'a str,
    target: &'a str,
    standing: Standing,
    at: At,
}

async fn ensure_leg(tx: &mut TenantTx, call: CallId, heard: &HeardLeg<'_>, new: LegId) -> Result<(), StoreError> {
    let business = tx.business();
    let desk = sqlx::query!(
        "select id, member_id from extensions where business_id = $1 and target = $2",
        business.0,
        heard.target
    )
    .fetch_optional(tx.conn())
    .await?;
    let (extension, member) = desk.map_or((None, None), |d| (Some(d.id), Some(d.member_id)));
    sqlx::query!(
        "insert into call_legs (business_id, id, call_id, provider_leg_id, extension_id, member_id, state, state_seq,
             state_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (business_id, call_id, provider_leg_id) do nothing",
        business.0,
        new.0,
        call.0,
        heard.provider_id,
        extension,
        member,
        heard.standing.state.code(),
        heard.standing.seq,
        heard.at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn advance_leg(
    tx: &mut TenantTx,
    call: CallId,
    heard: &HeardLeg<'_>,
    new: LegId,
) -> Result<(LegId, Option<MemberId>), StoreError> {
    ensure_leg(tx, call, heard, new).await?;
    let business = tx.business();
    let row = sqlx::query!(
        "select id, member_id, state, state_seq, state_at from call_legs
         where business_id = $1 and call_id = $2 and provider_leg_id = $3
         for update",
        business.0,
        call.0,
        heard.provider_id
    )
    .fetch_one(tx.conn())
    .await?;
    let after = Standing { state: read("call_legs.state", &row.state)?, seq: row.state_seq }.after(heard.standing);
    let is_news = after == heard.standing;
    sqlx::query!(
        "update call_legs set state = $3, state_seq = $4, state_at = $5 where business_id = $1 and id = $2",
        business.0,
        row.id,
        after.state.code(),
        after.seq,
        if is_news { heard.at } else { row.state_at },
    )
    .execute(tx.conn())
    .await?;
    // A desk that has already answered or hung up does not ring because a late event says so.
    Ok((LegId(row.id), row.member_id.map(MemberId).filter(|_| is_news)))
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
