//! The demo's past: calls that have ended, written many at once instead of event by event. Only `boot::demo` calls
//! this; what it writes is what the events of `store::call` would have left.

use serde_json::{Value, json};

use super::{StoreError, TenantTx};
use crate::{
    model::{
        call::{CallState, Direction, Standing},
        id::{CallEventId, CallId, ConnectionId, ExtensionId, LegId, MemberId},
        phone::Phone,
    },
    server::kit::At,
};

/// A call that has ended.
#[derive(Debug, Clone)]
pub struct PastCall {
    pub id: CallId,
    pub connection: ConnectionId,
    pub provider_id: String,
    pub direction: Direction,
    pub party: Phone,
    pub own: Phone,
    pub member: Option<MemberId>,
    pub standing: Standing,
    pub started_at: At,
    pub state_at: At,
    pub answered_at: Option<At>,
    pub ended_at: Option<At>,
    pub legs: Vec<PastLeg>,
    pub events: Vec<PastEvent>,
}

/// A leg of it.
#[derive(Debug, Clone)]
pub struct PastLeg {
    pub id: LegId,
    pub provider_id: String,
    pub extension: ExtensionId,
    pub member: MemberId,
    pub standing: Standing,
    pub state_at: At,
}

/// An entry of its timeline.
#[derive(Debug, Clone)]
pub struct PastEvent {
    pub id: CallEventId,
    pub leg: Option<LegId>,
    pub state: CallState,
    pub seq: i32,
    pub at: At,
}

/// Whether the business has any calls.
///
/// # Errors
/// Refused for people.
pub async fn has_calls(tx: &mut TenantTx) -> Result<bool, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let found =
        sqlx::query_scalar!(r#"select exists (select from calls where business_id = $1) as "found!""#, business.0)
            .fetch_one(tx.conn())
            .await?;
    Ok(found)
}

/// Writes calls with their legs and timelines.
///
/// # Errors
/// Refused for people; a connection, desk or member that is not this business's.
pub async fn insert(tx: &mut TenantTx, calls: &[PastCall]) -> Result<(), StoreError> {
    tx.machine()?;
    insert_calls(tx, calls.iter().map(call_row).collect()).await?;
    insert_legs(tx, calls.iter().flat_map(|c| c.legs.iter().map(|l| leg_row(c, l))).collect()).await?;
    insert_events(tx, calls.iter().flat_map(|c| c.events.iter().map(|e| event_row(c, e))).collect()).await
}

async fn insert_calls(tx: &mut TenantTx, rows: Vec<Value>) -> Result<(), StoreError> {
    let business = tx.business();
    sqlx::query!(
        "insert into calls (business_id, id, connection_id, provider_call_id, direction, party_number, own_number,
             member_id, state, state_seq, started_at, state_at, answered_at, ended_at)
         select $1::uuid, x.id, x.connection_id, x.provider_call_id, x.direction, x.party_number, x.own_number,
             x.member_id, x.state, x.state_seq, x.started_at, x.state_at, x.answered_at, x.ended_at
         from jsonb_to_recordset($2::jsonb) as x (
             id uuid, connection_id uuid, provider_call_id text, direction text, party_number text, own_number text,
             member_id uuid, state text, state_seq int, started_at timestamptz, state_at timestamptz,
             answered_at timestamptz, ended_at timestamptz
         )",
        business.0,
        Value::Array(rows)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn insert_legs(tx: &mut TenantTx, rows: Vec<Value>) -> Result<(), StoreError> {
    let business = tx.business();
    sqlx::query!(
        "insert into call_legs (business_id, id, call_id, provider_leg_id, extension_id, member_id, state, state_seq,
             state_at)
         select $1::uuid, x.id, x.call_id, x.provider_leg_id, x.extension_id, x.member_id, x.state, x.state_seq,
             x.state_at
         from jsonb_to_recordset($2::jsonb) as x (
             id uuid, call_id uuid, provider_leg_id text, extension_id uuid, member_id uuid, state text,
             state_seq int, state_at timestamptz
         )",
        business.0,
        Value::Array(rows)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn insert_events(tx: &mut TenantTx, rows: Vec<Value>) -> Result<(), StoreError> {
    let business = tx.business();
    sqlx::query!(
        "insert into call_events (business_id, id, call_id, leg_id, state, seq, at, received_at)
         select $1::uuid, x.id, x.call_id, x.leg_id, x.state, x.seq, x.at, x.at
         from jsonb_to_recordset($2::jsonb) as x (
             id uuid, call_id uuid, leg_id uuid, state text, seq int, at timestamptz
         )",
        business.0,
        Value::Array(rows)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn call_row(call: &PastCall) -> Value {
    json!({
        "id": call.id.0,
        "connection_id": call.connection.0,
        "provider_call_id": call.provider_id,
        "direction": call.direction.code(),
        "party_number": call.party.reveal(),
        "own_number": call.own.reveal(),
        "member_id": call.member.map(|m| m.0),
        "state": call.standing.state.code(),
        "state_seq": call.standing.seq,
        "started_at": call.started_at.0,
        "state_at": call.state_at.0,
        "answered_at": call.answered_at.map(|at| at.0),
        "ended_at": call.ended_at.map(|at| at.0),
    })
}

fn leg_row(call: &PastCall, leg: &PastLeg) -> Value {
    json!({
        "id": leg.id.0,
        "call_id": call.id.0,
        "provider_leg_id": leg.provider_id,
        "extension_id": leg.extension.0,
        "member_id": leg.member.0,
        "state": leg.standing.state.code(),
        "state_seq": leg.standing.seq,
        "state_at": leg.state_at.0,
    })
}

fn event_row(call: &PastCall, event: &PastEvent) -> Value {
    json!({
        "id": event.id.0,
        "call_id": call.id.0,
        "leg_id": event.leg.map(|l| l.0),
        "state": event.state.code(),
        "seq": event.seq,
        "at": event.at.0,
    })
}
