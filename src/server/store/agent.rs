//! Agents (TEL-2): what they say of themselves, and why. An agent is whoever has a desk that rings, or has ever said something.

use uuid::Uuid;

use super::{StoreError, TenantTx, live::STALE_SECONDS, outbox, tx::Whose, types::read};
use crate::{
    model::{
        agent::AgentState,
        board::MOST_REASONS,
        id::{CallId, MemberId, ReasonId},
        permission::Permission,
    },
    server::{caller::Actor, kit::At},
    ui::wire::live::LiveAgent,
};

/// An agent as they are now.
#[derive(Debug, Clone)]
pub struct Agent {
    pub id: MemberId,
    pub name: String,
    pub state: AgentState,
    pub reason: Option<String>,
    /// Since when they say so; absent when they have said nothing yet.
    pub since: Option<At>,
    /// The call that they are on.
    pub call: Option<CallId>,
}

impl Agent {
    /// What travels.
    #[must_use]
    pub fn wire(&self) -> LiveAgent {
        LiveAgent {
            id: self.id,
            name: self.name.clone(),
            state: self.state,
            reason: self.reason.clone(),
            since: self.since.map(At::millis),
            call: self.call,
        }
    }
}

/// These agents, by name; all of them without `only`.
async fn select(tx: &mut TenantTx, only: Option<&[MemberId]>) -> Result<Vec<Agent>, StoreError> {
    let (business, now) = (tx.business(), tx.now());
    let ids: Vec<Uuid> = only.unwrap_or_default().iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select m.id, m.name, coalesce(s.state, 'offline') as "state!", r.label as "reason?", s.since as "since?",
               (
                   select c.id from calls c
                   where c.business_id = $1 and c.member_id = m.id and c.state = 'in_progress' and c.ended_at is null
                       and c.state_at > $2
                   order by c.started_at desc, c.id desc limit 1
               ) as "call?"
           from members m
           left join agent_states s on s.business_id = $1 and s.member_id = m.id
           left join agent_reasons r on r.business_id = $1 and r.id = s.reason_id
           where m.business_id = $1 and m.state = 'active' and ($3::boolean or m.id = any($4))
             and (s.member_id is not null or exists (
                 select from extensions x where x.business_id = $1 and x.member_id = m.id
             ))
           order by m.name, m.id
           limit 500"#,
        business.0,
        now.plus(-STALE_SECONDS),
        only.is_none(),
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Agent {
                id: MemberId(r.id),
                name: r.name,
                state: read("agent_states.state", &r.state)?,
                reason: r.reason,
                since: r.since,
                call: r.call.map(CallId),
            })
        })
        .collect()
}

/// The agents by name; with own reach only oneself.
///
/// # Errors
/// Refused without `live_board`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Agent>, StoreError> {
    match tx.may(Permission::LiveBoard)? {
        Whose::Everybodys => select(tx, None).await,
        Whose::Only(member) => select(tx, Some(&[member])).await,
    }
}

/// Oneself, when one is an agent.
///
/// # Errors
/// Refused without `live_board`.
pub async fn own(tx: &mut TenantTx) -> Result<Option<Agent>, StoreError> {
    tx.may(Permission::LiveBoard)?;
    let Actor::Member { member, .. } = tx.caller().actor else { return Err(StoreError::Refused) };
    Ok(select(tx, Some(&[member])).await?.pop())
}

/// All agents, for the wallboard.
///
/// # Errors
/// Refused for people.
pub async fn all(tx: &mut TenantTx) -> Result<Vec<Agent>, StoreError> {
    tx.machine()?;
    select(tx, None).await
}

/// Some agents, for the relay, which asks for everybody and lets each stream filter.
///
/// # Errors
/// Refused for people.
pub async fn some(tx: &mut TenantTx, ids: &[MemberId]) -> Result<Vec<Agent>, StoreError> {
    tx.machine()?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    select(tx, Some(ids)).await
}

/// What somebody says, or a supervisor says of them.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// Of the entry in the history.
    pub id: Uuid,
    pub member: MemberId,
    pub state: AgentState,
    pub reason: Option<ReasonId>,
}

/// Notes what somebody says of themselves, or, with `calls.supervise`, of somebody else; and tells the streams.
///
/// # Errors
/// Refused without `live_board` (own) or `calls.supervise`; missing when it is not an active member of this business.
pub async fn say(tx: &mut TenantTx, said: Said) -> Result<(), StoreError> {
    let by = match tx.caller().actor {
        Actor::Member { member, .. } => member,
        Actor::Webhook(_) | Actor::Job(_) | Actor::Operator(_) | Actor::Link(_) => return Err(StoreError::Refused),
    };
    if by == said.member {
        tx.may(Permission::LiveBoard)?;
    } else {
        tx.may_all(Permission::CallsSupervise)?;
    }
    let (business, now) = (tx.business(), tx.now());
    let reason = said.reason.map(|id| id.0);
    let done = sqlx::query!(
        "insert into agent_states (business_id, member_id, state, reason_id, since, set_by)
         select $1, m.id, $3, $4, $5, $6 from members m where m.business_id = $1 and m.id = $2 and m.state = 'active'
         on conflict (business_id, member_id) do update
         set state = excluded.state, reason_id = excluded.reason_id, since = excluded.since, set_by = excluded.set_by",
        business.0,
        said.member.0,
        said.state.code(),
        reason,
        now,
        by.0,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() != 1 {
        return Err(StoreError::Missing);
    }
    sqlx::query!(
        "insert into agent_state_events (business_id, id, member_id, state, reason_id, at, set_by)
         values ($1, $2, $3, $4, $5, $6, $7)",
        business.0,
        said.id,
        said.member.0,
        said.state.code(),
        reason,
        now,
        by.0,
    )
    .execute(tx.conn())
    .await?;
    outbox::put(tx, outbox::Topic::Agent(said.member)).await
}

/// What somebody says now, for the entry of a change. Ask before [`say`].
///
/// # Errors
/// The database cannot be reached.
pub async fn said(tx: &mut TenantTx, member: MemberId) -> Result<AgentState, StoreError> {
    let business = tx.business();
    let state = sqlx::query_scalar!(
        "select state from agent_states where business_id = $1 and member_id = $2",
        business.0,
        member.0
    )
    .fetch_optional(tx.conn())
    .await?;
    state.map_or(Ok(AgentState::Offline), |state| read("agent_states.state", &state))
}

/// A reason of the business's own.
#[derive(Debug, Clone)]
pub struct Reason {
    pub id: ReasonId,
    pub state: AgentState,
    pub label: String,
}

/// The reasons, by state and label. Everybody in the business may know: they choose from them.
///
/// # Errors
/// The database cannot be reached.
pub async fn reasons(tx: &mut TenantTx) -> Result<Vec<Reason>, StoreError> {
    let business = tx.business();
    let rows = sqlx::query!(
        "select id, state, label from agent_reasons where business_id = $1 order by state, label, id",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| Ok(Reason { id: ReasonId(r.id), state: read("agent_reasons.state", &r.state)?, label: r.label }))
        .collect()
}

/// Adds a reason, and says whether there was room for it.
///
/// # Errors
/// Refused without `settings`; taken when there is one of that label.
pub async fn add_reason(tx: &mut TenantTx, reason: &Reason) -> Result<bool, StoreError> {
    tx.may_all(Permission::Settings)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "insert into agent_reasons (business_id, id, state, label, created_at)
         select $1, $2, $3, $4, $5 where (select count(*) from agent_reasons r where r.business_id = $1) < $6",
        business.0,
        reason.id.0,
        reason.state.code(),
        reason.label,
        now,
        i64::from(MOST_REASONS),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes a reason. Who gave it stays in the state without one.
///
/// # Errors
/// Refused without `settings`; missing when it is not this business's.
pub async fn remove_reason(tx: &mut TenantTx, id: ReasonId) -> Result<(), StoreError> {
    tx.may_all(Permission::Settings)?;
    let business = tx.business();
    let done = sqlx::query!("delete from agent_reasons where business_id = $1 and id = $2", business.0, id.0)
        .execute(tx.conn())
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// How much of the history is older than `cutoff`, and when it begins.
///
/// # Errors
/// Refused without `retention.read` (people).
pub async fn older_than(tx: &mut TenantTx, cutoff: At) -> Result<(i64, Option<At>), StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::RetentionRead))?;
    let business = tx.business();
    let row = sqlx::query!(
        r#"select count(*) filter (where at < $2) as "count!", min(at) as oldest
           from agent_state_events where business_id = $1"#,
        business.0,
        cutoff
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.count, row.oldest))
}

/// Deletes up to `limit` entries of the history that are older than `cutoff`. What somebody says now is none of them.
///
/// # Errors
/// Refused for people.
pub async fn delete_older(tx: &mut TenantTx, cutoff: At, limit: i64) -> Result<u64, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let done = sqlx::query!(
        "delete from agent_state_events where business_id = $1 and id in (
             select id from agent_state_events where business_id = $1 and at < $2 order by at limit $3
         )",
        business.0,
        cutoff,
        limit
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
