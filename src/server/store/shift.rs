//! Shifts: while one is open, its technician sends positions and is seen.

use uuid::Uuid;

use super::{StoreError, TenantTx, outbox, tx::Whose};
use crate::{
    model::{
        id::{MemberId, ShiftId},
        permission::Permission,
        position::{SHIFT_SECONDS, ShiftEnd},
    },
    server::kit::At,
};

/// An open shift.
#[derive(Debug, Clone, Copy)]
pub struct Shift {
    pub id: ShiftId,
    pub member: MemberId,
    pub began_at: At,
}

/// One's own open shift.
///
/// # Errors
/// Refused without `positions.send`.
pub async fn own(tx: &mut TenantTx) -> Result<Option<Shift>, StoreError> {
    let Whose::Only(member) = tx.may(Permission::PositionsSend)? else { return Err(StoreError::Refused) };
    open_of(tx, member.0).await
}

async fn open_of(tx: &mut TenantTx, member: Uuid) -> Result<Option<Shift>, StoreError> {
    let business = tx.business();
    let row = sqlx::query!(
        "select id, member_id, began_at from shifts where business_id = $1 and member_id = $2 and ended_at is null",
        business.0,
        member
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|r| Shift { id: ShiftId(r.id), member: MemberId(r.member_id), began_at: r.began_at }))
}

/// Begins the caller's own shift; `None` when one is open already.
///
/// # Errors
/// Refused without `positions.send`.
pub async fn begin(tx: &mut TenantTx, id: ShiftId) -> Result<Option<Shift>, StoreError> {
    let Whose::Only(member) = tx.may(Permission::PositionsSend)? else { return Err(StoreError::Refused) };
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "insert into shifts (business_id, id, member_id, began_at) values ($1, $2, $3, $4)
         on conflict (business_id, member_id) where ended_at is null do nothing",
        business.0,
        id.0,
        member.0,
        now
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    outbox::put(tx, outbox::Topic::Shift(member)).await?;
    Ok(Some(Shift { id, member, began_at: now }))
}

/// Ends somebody's open shift: one's own, or as somebody who sees all on the map. `None` when none is open, and for who may
/// not see whether one is.
///
/// # Errors
/// The database cannot be reached.
pub async fn end(tx: &mut TenantTx, member: MemberId) -> Result<Option<(Shift, ShiftEnd)>, StoreError> {
    let is_own = tx.may(Permission::PositionsSend).is_ok_and(|whose| whose == Whose::Only(member));
    if !is_own && tx.may_all(Permission::Map).is_err() {
        return Ok(None);
    }
    let how = if is_own { ShiftEnd::Own } else { ShiftEnd::Dispatcher };
    let by = tx.caller().actor.uuid();
    Ok(close(tx, member, how, by).await?.map(|shift| (shift, how)))
}

/// Ends the open shift of somebody who may send no positions any more, or leaves the business, if there is one.
///
/// # Errors
/// Refused without `team.manage` or `roles.manage`.
pub async fn end_of(tx: &mut TenantTx, member: MemberId) -> Result<Option<Shift>, StoreError> {
    tx.may_all(Permission::TeamManage).or_else(|_| tx.may_all(Permission::RolesManage))?;
    let by = tx.caller().actor.uuid();
    close(tx, member, ShiftEnd::Dispatcher, by).await
}

async fn close(
    tx: &mut TenantTx,
    member: MemberId,
    how: ShiftEnd,
    by: Option<Uuid>,
) -> Result<Option<Shift>, StoreError> {
    let (business, now) = (tx.business(), tx.now());
    let row = sqlx::query!(
        "update shifts set ended_at = greatest($3, began_at), ended_how = $4, ended_by = $5
         where business_id = $1 and member_id = $2 and ended_at is null
         returning id, member_id, began_at",
        business.0,
        member.0,
        now,
        how.code(),
        by
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(r) = row else { return Ok(None) };
    outbox::put(tx, outbox::Topic::Shift(member)).await?;
    Ok(Some(Shift { id: ShiftId(r.id), member, began_at: r.began_at }))
}

/// Ends every shift that has lasted too long, at the time at which it should have, and says which.
///
/// # Errors
/// Refused for people.
pub async fn end_over(tx: &mut TenantTx) -> Result<Vec<Shift>, StoreError> {
    tx.machine()?;
    let (business, before) = (tx.business(), tx.now().plus(-SHIFT_SECONDS));
    let rows = sqlx::query!(
        "update shifts set ended_at = began_at + interval '14 hours', ended_how = 'clock'
         where business_id = $1 and ended_at is null and began_at <= $2
         returning id, member_id, began_at",
        business.0,
        before
    )
    .fetch_all(tx.conn())
    .await?;
    let mut ended = Vec::with_capacity(rows.len());
    for r in rows {
        let member = MemberId(r.member_id);
        outbox::put(tx, outbox::Topic::Shift(member)).await?;
        ended.push(Shift { id: ShiftId(r.id), member, began_at: r.began_at });
    }
    Ok(ended)
}
