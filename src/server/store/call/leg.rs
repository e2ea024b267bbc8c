//! The legs of a call: the desks that it rings at.

use crate::{
    model::{
        call::{CallState, Standing},
        id::{CallId, LegId, MemberId},
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx, types::read},
    },
};

/// What an event says of a leg.
pub(super) struct HeardLeg<'a> {
    pub provider_id: &'a str,
    pub target: &'a str,
    pub standing: Standing,
    pub at: At,
}

/// Makes the leg's row when this is the first we hear of it. Whether it did, and whose desk it is. The leg of a masked call is its
/// technician's where it rings at no desk, and nobody gets a screen pop for it.
async fn begin_leg(
    tx: &mut TenantTx,
    call: CallId,
    heard: &HeardLeg<'_>,
    new: LegId,
) -> Result<(bool, Option<MemberId>), StoreError> {
    let business = tx.business();
    let end = sqlx::query!(
        r#"select x.id as "extension?", x.member_id as "desk?", (
               select s.member_id
               from masked_calls k join proxy_sessions s on s.business_id = $1 and s.id = k.session_id
               where k.business_id = $1 and k.call_id = $3
           ) as technician
           from (values (1)) as one (n) left join extensions x on x.business_id = $1 and x.target = $2"#,
        business.0,
        heard.target,
        call.0
    )
    .fetch_one(tx.conn())
    .await?;
    let made = sqlx::query!(
        "insert into call_legs (business_id, id, call_id, provider_leg_id, extension_id, member_id, state, state_seq,
             state_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (business_id, call_id, provider_leg_id) do nothing",
        business.0,
        new.0,
        call.0,
        heard.provider_id,
        end.extension,
        end.desk.or(end.technician),
        heard.standing.state.code(),
        heard.standing.seq,
        heard.at,
    )
    .execute(tx.conn())
    .await?;
    Ok((made.rows_affected() > 0, end.desk.filter(|_| end.technician.is_none()).map(MemberId)))
}

/// Moves a leg on, as far as what was heard is news; then also says whose desk it is.
pub(super) async fn advance_leg(
    tx: &mut TenantTx,
    call: CallId,
    heard: &HeardLeg<'_>,
    new: LegId,
) -> Result<(LegId, Option<MemberId>), StoreError> {
    let (is_new, member) = begin_leg(tx, call, heard, new).await?;
    if is_new {
        return Ok((new, member));
    }
    let business = tx.business();
    let row = sqlx::query!(
        r#"select l.id, l.member_id, l.state, l.state_seq, l.state_at, exists (
               select from masked_calls k where k.business_id = $1 and k.call_id = l.call_id
           ) as "is_masked!"
           from call_legs l
           where l.business_id = $1 and l.call_id = $2 and l.provider_leg_id = $3
           for update of l"#,
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
    Ok((LegId(row.id), row.member_id.map(MemberId).filter(|_| is_news && !row.is_masked)))
}

/// Whose call it is: the first desk that answered, from the whole timeline, so that order does not matter.
pub(super) async fn settle_member(tx: &mut TenantTx, call: CallId) -> Result<(), StoreError> {
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

/// A call began no later than its first leg, whichever we hear of first.
pub(super) async fn begin_no_later(tx: &mut TenantTx, call: CallId, at: At) -> Result<(), StoreError> {
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

/// Whether a leg still rings, or is talked on: what ends it waits for this transaction.
///
/// # Errors
/// Refused for people.
pub async fn is_on(tx: &mut TenantTx, leg: LegId) -> Result<bool, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let state = sqlx::query_scalar!(
        "select state from call_legs where business_id = $1 and id = $2 for share",
        business.0,
        leg.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(!read::<CallState>("call_legs.state", &state)?.is_end())
}
