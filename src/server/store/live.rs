//! The live board's rows (TEL-2): what rings and runs now.

use uuid::Uuid;

use super::{StoreError, TenantTx, tx::Whose, types::read};
use crate::{
    model::{
        call::{CallState, Direction},
        id::{CallId, MemberId, QueueId},
        permission::Permission,
        phone::Phone,
    },
    server::kit::At,
    ui::wire::live::LiveCall,
};

/// A call that ended stays on the board for this long, so that a glance still finds it.
pub const LINGER_SECONDS: i64 = 30;
/// A call without any event for this long is not live: its end was lost.
pub(super) const STALE_SECONDS: i64 = 4 * 3600;

/// A call as the board needs it: with whose desks it concerns.
#[derive(Debug, Clone)]
pub struct BoardCall {
    pub id: CallId,
    pub state: CallState,
    pub direction: Direction,
    pub party: Option<Phone>,
    pub own: Option<Phone>,
    pub talking: Option<MemberId>,
    /// The queue that it came in by.
    pub queue: Option<QueueId>,
    /// Whose desks ring or rang, and their names.
    pub desks: Vec<(MemberId, String)>,
    pub started_at: At,
    pub state_at: At,
    pub is_answered: bool,
}

impl BoardCall {
    /// Whether it is this member's own call.
    #[must_use]
    pub fn concerns(&self, member: MemberId) -> bool {
        self.talking == Some(member) || self.desks.iter().any(|(desk, _)| *desk == member)
    }

    /// What travels: masked.
    #[must_use]
    pub fn wire(&self) -> LiveCall {
        let talking = self.desks.iter().filter(|(desk, _)| Some(*desk) == self.talking);
        let named: Vec<String> = match self.talking {
            Some(_) => talking.map(|(_, name)| name.clone()).collect(),
            None => self.desks.iter().map(|(_, name)| name.clone()).collect(),
        };
        LiveCall {
            id: self.id,
            state: self.state.heard(self.is_answered),
            direction: self.direction,
            party: self.party.as_ref().map(Phone::masked),
            own: self.own.as_ref().map(Phone::masked),
            agents: named,
            queue: self.queue,
            talking: self.talking,
            started_at: self.started_at.millis(),
            state_at: self.state_at.millis(),
        }
    }
}

struct Row {
    id: Uuid,
    state: String,
    direction: String,
    party_number: Option<String>,
    own_number: Option<String>,
    member_id: Option<Uuid>,
    started_at: At,
    state_at: At,
    answered_at: Option<At>,
    desk_ids: Vec<Uuid>,
    desk_names: Vec<String>,
    queue_id: Option<Uuid>,
}

impl TryFrom<Row> for BoardCall {
    type Error = StoreError;

    fn try_from(r: Row) -> Result<Self, StoreError> {
        let phone = |text: Option<String>| text.map(|t| read("calls.number", &t)).transpose();
        Ok(Self {
            id: CallId(r.id),
            state: read("calls.state", &r.state)?,
            direction: read("calls.direction", &r.direction)?,
            party: phone(r.party_number)?,
            own: phone(r.own_number)?,
            talking: r.member_id.map(MemberId),
            queue: r.queue_id.map(QueueId),
            desks: r.desk_ids.into_iter().map(MemberId).zip(r.desk_names).collect(),
            started_at: r.started_at,
            state_at: r.state_at,
            is_answered: r.answered_at.is_some(),
        })
    }
}

/// The calls of the board now, oldest first; with own reach only one's own.
///
/// # Errors
/// Refused without `live_board`.
pub async fn board(tx: &mut TenantTx) -> Result<Vec<BoardCall>, StoreError> {
    let whose = tx.may(Permission::LiveBoard)?;
    let calls = current(tx).await?;
    Ok(match whose {
        Whose::Everybodys => calls,
        Whose::Only(member) => calls.into_iter().filter(|c| c.concerns(member)).collect(),
    })
}

/// The calls of the board now, for the wallboard.
///
/// # Errors
/// Refused for people.
pub async fn wallboard(tx: &mut TenantTx) -> Result<Vec<BoardCall>, StoreError> {
    tx.machine()?;
    current(tx).await
}

async fn current(tx: &mut TenantTx) -> Result<Vec<BoardCall>, StoreError> {
    let (business, now) = (tx.business(), tx.now());
    let rows = sqlx::query_as!(
        Row,
        r#"select c.id, c.state, c.direction, c.party_number, c.own_number, c.member_id, c.started_at, c.state_at,
               c.answered_at, coalesce(d.ids, '{}') as "desk_ids!", coalesce(d.names, '{}') as "desk_names!",
               q.id as "queue_id?"
           from calls c
           left join queues q on q.business_id = $1 and q.number = c.own_number
           left join lateral (
               select array_agg(m.id order by m.name, m.id) as ids, array_agg(m.name order by m.name, m.id) as names
               from members m
               where m.business_id = $1 and m.id in (
                   select l.member_id from call_legs l where l.business_id = $1 and l.call_id = c.id
               )
           ) d on true
           where c.business_id = $1 and c.state_at > $2 and (c.ended_at is null or c.ended_at > $3)
           order by c.started_at, c.id
           limit 500"#,
        business.0,
        now.plus(-STALE_SECONDS),
        now.plus(-LINGER_SECONDS),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(BoardCall::try_from).collect()
}

/// Some calls, for the relay, which asks for everybody and lets each stream filter.
///
/// # Errors
/// Refused for people.
pub async fn calls(tx: &mut TenantTx, ids: &[CallId]) -> Result<Vec<BoardCall>, StoreError> {
    tx.machine()?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let business = tx.business();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select c.id, c.state, c.direction, c.party_number, c.own_number, c.member_id, c.started_at, c.state_at,
               c.answered_at, coalesce(d.ids, '{}') as "desk_ids!", coalesce(d.names, '{}') as "desk_names!",
               q.id as "queue_id?"
           from calls c
           left join queues q on q.business_id = $1 and q.number = c.own_number
           left join lateral (
               select array_agg(m.id order by m.name, m.id) as ids, array_agg(m.name order by m.name, m.id) as names
               from members m
               where m.business_id = $1 and m.id in (
                   select l.member_id from call_legs l where l.business_id = $1 and l.call_id = c.id
               )
           ) d on true
           where c.business_id = $1 and c.id = any($2)"#,
        business.0,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(BoardCall::try_from).collect()
}
