//! What changes an access review. A closed one is changed by nobody: the database refuses it.

use crate::{
    model::{
        id::{MemberId, ReviewId},
        permission::{Permission, Reach, Role},
        personal::Email,
        review::{Decision, Reminder},
        role::RoleRef,
    },
    server::{
        kit::At,
        store::{StoreError, TenantTx, types::read},
    },
};

/// For who decides, and jobs.
fn may_run(tx: &TenantTx) -> Result<(), StoreError> {
    tx.machine().or_else(|_| tx.may_all(Permission::TeamManage))
}

/// Opens a review over everybody who is here now. `since` is given by the clock: then it opens only when the business is
/// older than that and none was opened from then on. False when it was not opened; while one is open, no other opens.
///
/// # Errors
/// Refused without `team.manage` (people).
pub async fn open(tx: &mut TenantTx, id: ReviewId, due: At, since: Option<At>) -> Result<bool, StoreError> {
    may_run(tx)?;
    let (business, now) = (tx.business(), tx.now());
    let by = if tx.machine().is_ok() { None } else { tx.caller().actor.uuid() };
    let opened = sqlx::query!(
        "insert into reviews (business_id, id, opened_at, due_at, opened_by)
         select b.business_id, $2, $3, $4, $5 from businesses b
         where b.business_id = $1 and (
             $6::timestamptz is null
             or b.created_at < $6 and not exists (
                 select from reviews r where r.business_id = $1 and r.opened_at >= $6
             )
         )
         on conflict do nothing",
        business.0,
        id.0,
        now,
        due,
        by,
        since
    )
    .execute(tx.conn())
    .await?;
    if opened.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "insert into review_items (business_id, review_id, member_id, role_then)
         select business_id, $2, id, coalesce('rol_' || replace(role_id::text, '-', ''), role)
         from members where business_id = $1 and state = 'active'",
        business.0,
        id.0
    )
    .execute(tx.conn())
    .await?;
    Ok(true)
}

/// Makes this transaction the only one that changes an open review: two who decide, or one who decides and one who closes,
/// come one after the other.
///
/// # Errors
/// Refused without `team.manage`; missing when it is not this business's; stale when it is closed.
pub async fn lock(tx: &mut TenantTx, id: ReviewId) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let business = tx.business();
    let is_open = sqlx::query_scalar!(
        r#"select closed_at is null as "is_open!" from reviews where business_id = $1 and id = $2 for update"#,
        business.0,
        id.0
    )
    .fetch_one(tx.conn())
    .await?;
    if is_open { Ok(()) } else { Err(StoreError::Stale) }
}

/// Notes a decision. A later one about the same person takes its place.
///
/// # Errors
/// Refused without `team.manage`; missing when the person is not in this review.
pub async fn decide(
    tx: &mut TenantTx,
    id: ReviewId,
    member: MemberId,
    decision: Decision,
    new_role: Option<RoleRef>,
) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    let done = sqlx::query!(
        "update review_items set decision = $4, new_role = $5, decided_by = $6, decided_at = $7
         where business_id = $1 and review_id = $2 and member_id = $3",
        business.0,
        id.0,
        member.0,
        decision.code(),
        new_role.map(|role| role.to_string()),
        by,
        now
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// Notes in the open review, if there is one, that somebody was removed: nobody has to decide about them any more.
///
/// # Errors
/// Refused without `team.manage`.
pub async fn note_removal(tx: &mut TenantTx, member: MemberId) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    sqlx::query!(
        "update review_items i set decision = 'remove', new_role = null, decided_by = $3, decided_at = $4
         from reviews r
         where r.business_id = $1 and r.closed_at is null
             and i.business_id = $1 and i.review_id = r.id and i.member_id = $2",
        business.0,
        member.0,
        by,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Closes a review for good, with its record.
///
/// # Errors
/// Refused without `team.manage`; stale when it is closed.
pub async fn close(tx: &mut TenantTx, id: ReviewId, hash: &[u8], mac: &[u8]) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    let done = sqlx::query!(
        "update reviews set closed_at = $3, closed_by = $4, record_hash = $5, record_mac = $6
         where business_id = $1 and id = $2 and closed_at is null",
        business.0,
        id.0,
        now,
        by,
        hash,
        mac
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// The open review whose next reminder is due, with that reminder, which counts as sent from now on.
///
/// # Errors
/// Refused without `team.manage` (people).
pub async fn take_reminder(tx: &mut TenantTx) -> Result<Option<(ReviewId, Reminder)>, StoreError> {
    may_run(tx)?;
    let (business, now) = (tx.business(), tx.now());
    let open = sqlx::query!(
        "select id, due_at, reminded from reviews where business_id = $1 and closed_at is null for update",
        business.0
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(open) = open else { return Ok(None) };
    let due = Reminder::at(open.due_at.since(now));
    if open.reminded >= due.number() {
        return Ok(None);
    }
    sqlx::query!(
        "update reviews set reminded = $3 where business_id = $1 and id = $2",
        business.0,
        open.id,
        due.number()
    )
    .execute(tx.conn())
    .await?;
    Ok(Some((ReviewId(open.id), due)))
}

/// Where the people are written to who can decide, and what their business is called.
///
/// # Errors
/// Refused without `team.manage` (people).
pub async fn deciders(tx: &mut TenantTx) -> Result<Vec<(Email, String)>, StoreError> {
    may_run(tx)?;
    let business = tx.business();
    let roles: Vec<String> = Role::ALL
        .into_iter()
        .filter(|role| role.grants().reach(Permission::TeamManage) == Reach::All)
        .map(|role| role.code().to_owned())
        .collect();
    let rows = sqlx::query!(
        "select m.email, b.name from members m join businesses b on b.business_id = $1
         where m.business_id = $1 and m.state = 'active' and case
             when m.role_id is null then m.role = any($2)
             else exists (
                 select from role_grants g
                 where g.business_id = $1 and g.role_id = m.role_id and g.permission = $3 and g.reach = $4
             )
         end
         order by m.id",
        business.0,
        &roles[..],
        Permission::TeamManage.code(),
        Reach::All.code()
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|r| Ok((read("members.email", &r.email)?, r.name))).collect()
}
