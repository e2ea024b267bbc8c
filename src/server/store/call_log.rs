//! The call log and the page of one call (TEL-3). Numbers leave masked; in clear only with `calls.numbers`.

use uuid::Uuid;

use super::{StoreError, TenantTx, tx::Whose, types::read};
use crate::{
    model::{
        call::{CallState, Direction},
        id::{CallId, MemberId},
        permission::Permission,
        phone::Phone,
    },
    server::kit::At,
};

/// What the log is filtered by; every part narrows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub state: Option<CallState>,
    pub direction: Option<Direction>,
    pub member: Option<MemberId>,
    /// The last digits of the customer's number.
    pub digits: Option<String>,
    pub from: Option<At>,
    pub until: Option<At>,
    /// Calls older than this place (keyset).
    pub before: Option<(At, CallId)>,
}

/// A line of the log.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: CallId,
    pub state: CallState,
    pub direction: Direction,
    pub party: Option<Phone>,
    pub own: Option<Phone>,
    pub member: Option<MemberId>,
    pub member_name: Option<String>,
    pub started_at: At,
    pub answered_at: Option<At>,
    pub ended_at: Option<At>,
}

impl Line {
    /// What became of it for the business; the filter means the same.
    #[must_use]
    pub fn heard(&self) -> CallState {
        self.state.heard(self.answered_at.is_some())
    }
}

struct Row {
    id: Uuid,
    state: String,
    direction: String,
    party_number: Option<String>,
    own_number: Option<String>,
    member_id: Option<Uuid>,
    member_name: Option<String>,
    started_at: At,
    answered_at: Option<At>,
    ended_at: Option<At>,
}

impl TryFrom<Row> for Line {
    type Error = StoreError;

    fn try_from(r: Row) -> Result<Self, StoreError> {
        let phone = |text: Option<String>| text.map(|t| read("calls.number", &t)).transpose();
        Ok(Self {
            id: CallId(r.id),
            state: read("calls.state", &r.state)?,
            direction: read("calls.direction", &r.direction)?,
            party: phone(r.party_number)?,
            own: phone(r.own_number)?,
            member: r.member_id.map(MemberId),
            member_name: r.member_name,
            started_at: r.started_at,
            answered_at: r.answered_at,
            ended_at: r.ended_at,
        })
    }
}

/// Everybody's calls, or one's own: own are those one talked on or whose desk rang.
fn reach(tx: &TenantTx) -> Result<Option<Uuid>, StoreError> {
    match tx.may(Permission::CallsAll) {
        Ok(Whose::Everybodys) => Ok(None),
        Ok(Whose::Only(member)) => Ok(Some(member.0)),
        Err(StoreError::Refused) => {
            tx.may(Permission::CallsOwn)?;
            tx.caller().actor.uuid().map(Some).ok_or(StoreError::Refused)
        }
        Err(other) => Err(other),
    }
}

/// One page of the log, newest first.
///
/// # Errors
/// Refused without `calls.all` or `calls.own`.
pub async fn list(tx: &mut TenantTx, filter: &Filter, limit: i64) -> Result<Vec<Line>, StoreError> {
    let own = reach(tx)?;
    let business = tx.business();
    let (before_at, before_id) = filter.before.map_or((None, None), |(at, id)| (Some(at), Some(id.0)));
    let rows = sqlx::query_as!(
        Row,
        r#"select c.id, c.state, c.direction, c.party_number, c.own_number, c.member_id, m.name as "member_name?",
               c.started_at, c.answered_at, c.ended_at
           from calls c
           left join members m on m.business_id = $1 and m.id = c.member_id
           where c.business_id = $1
             and ($2::uuid is null or c.member_id = $2 or exists (
                 select from call_legs l where l.business_id = $1 and l.call_id = c.id and l.member_id = $2
             ))
             and ($3::text is null or $3 = case
                 when c.state = 'completed' and c.answered_at is null then 'no_answer' else c.state
             end)
             and ($4::text is null or c.direction = $4)
             and ($5::uuid is null or c.member_id = $5)
             and ($6::text is null or c.party_number like '%' || $6)
             and ($7::timestamptz is null or c.started_at >= $7)
             and ($8::timestamptz is null or c.started_at < $8)
             and ($9::timestamptz is null or (c.started_at, c.id) < ($9, $10))
           order by c.started_at desc, c.id desc
           limit $11"#,
        business.0,
        own,
        filter.state.map(CallState::code),
        filter.direction.map(Direction::code),
        filter.member.map(|m| m.0),
        filter.digits,
        filter.from,
        filter.until,
        before_at,
        before_id,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Line::try_from).collect()
}

/// One call.
///
/// # Errors
/// Missing when it is not this business's, or not one's own where only those may be seen.
pub async fn get(tx: &mut TenantTx, id: CallId) -> Result<Line, StoreError> {
    let own = reach(tx)?;
    let business = tx.business();
    sqlx::query_as!(
        Row,
        r#"select c.id, c.state, c.direction, c.party_number, c.own_number, c.member_id, m.name as "member_name?",
               c.started_at, c.answered_at, c.ended_at
           from calls c
           left join members m on m.business_id = $1 and m.id = c.member_id
           where c.business_id = $1 and c.id = $2
             and ($3::uuid is null or c.member_id = $3 or exists (
                 select from call_legs l where l.business_id = $1 and l.call_id = c.id and l.member_id = $3
             ))"#,
        business.0,
        id.0,
        own,
    )
    .fetch_one(tx.conn())
    .await?
    .try_into()
}

/// One entry of a call's timeline.
#[derive(Debug, Clone)]
pub struct Step {
    pub state: CallState,
    /// Whose desk, when it is a leg's.
    pub desk: Option<String>,
    pub is_leg: bool,
    pub at: At,
    pub received_at: At,
}

impl Step {
    /// Its place in the timeline of a call that is over since `over`. Providers tell time in whole seconds, and of some
    /// events none at all, which then have the time of their arrival: within a second what begins stands before what ends,
    /// and a desk's end before the call's; nothing begins after the call's end.
    fn place(&self, over: Option<At>) -> (i64, bool, bool, CallState, At) {
        let is_end = self.state.is_end();
        let at = over.filter(|_| !is_end).map_or(self.at, |over| self.at.min(over));
        (at.as_second(), is_end, is_end && !self.is_leg, self.state, self.at)
    }
}

fn in_order(mut steps: Vec<Step>) -> Vec<Step> {
    let over = steps.iter().filter(|step| !step.is_leg && step.state.is_end()).map(|step| step.at).min();
    steps.sort_by_key(|step| step.place(over));
    steps
}

/// What happened on a call, in the order in which it happened. Ask [`get`] first: it decides whether the call may be seen.
///
/// # Errors
/// As [`get`].
pub async fn timeline(tx: &mut TenantTx, id: CallId) -> Result<Vec<Step>, StoreError> {
    reach(tx)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select e.state, e.leg_id, m.name as "desk?", e.at, e.received_at
           from call_events e
           left join call_legs l on l.business_id = $1 and l.id = e.leg_id
           left join members m on m.business_id = $1 and m.id = l.member_id
           where e.business_id = $1 and e.call_id = $2
           order by e.at, e.seq, e.id
           limit 500"#,
        business.0,
        id.0
    )
    .fetch_all(tx.conn())
    .await?;
    let steps = rows
        .into_iter()
        .map(|r| {
            Ok(Step {
                state: read("call_events.state", &r.state)?,
                desk: r.desk,
                is_leg: r.leg_id.is_some(),
                at: r.at,
                received_at: r.received_at,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(in_order(steps))
}

/// Counts for the homes of people: calls of a span, answered and missed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub total: i64,
    pub answered: i64,
    pub missed: i64,
}

/// # Errors
/// Refused without `calls.all` or `calls.own`.
pub async fn counts(tx: &mut TenantTx, from: At, until: At) -> Result<Counts, StoreError> {
    let own = reach(tx)?;
    let business = tx.business();
    let row = sqlx::query!(
        r#"select count(*) as "total!", count(answered_at) as "answered!",
               count(*) filter (where ended_at is not null and answered_at is null) as "missed!"
           from calls c
           where c.business_id = $1 and c.started_at >= $2 and c.started_at < $3
             and ($4::uuid is null or c.member_id = $4 or exists (
                 select from call_legs l where l.business_id = $1 and l.call_id = c.id and l.member_id = $4
             ))"#,
        business.0,
        from,
        until,
        own
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Counts { total: row.total, answered: row.answered, missed: row.missed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_begins_before_it_ends() {
        let second = At::from_second(1_700_000_000);
        let step = |state, is_leg, at| Step { state, desk: None, is_leg, at, received_at: at };
        let steps = in_order(vec![
            step(CallState::Completed, false, second.plus(9)),
            step(CallState::Completed, true, second.plus(9)),
            step(CallState::Ringing, true, second.plus(9)),
            step(CallState::InProgress, true, second.plus(9)),
            step(CallState::Ringing, false, second.plus(10)),
            step(CallState::Queued, false, second),
        ]);
        let order: Vec<_> = steps.iter().map(|s| (s.state, s.is_leg)).collect();
        let expected = [
            (CallState::Queued, false),
            (CallState::Ringing, true),
            (CallState::Ringing, false),
            (CallState::InProgress, true),
            (CallState::Completed, true),
            (CallState::Completed, false),
        ];
        assert_eq!(order, expected, "the one that arrived after the end too");
    }
}
