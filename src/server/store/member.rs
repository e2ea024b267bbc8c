//! People of a business.

use uuid::Uuid;

use super::{StoreError, TenantTx, role::held, types::read};
use crate::{
    model::{
        id::MemberId,
        permission::Permission,
        personal::{Email, PersonName},
        role::HeldRole,
    },
    server::{caller::Actor, kit::At},
};

/// A member, for those who may see the team.
#[derive(Debug, Clone)]
pub struct Member {
    pub id: MemberId,
    pub name: PersonName,
    pub email: Email,
    pub role: HeldRole,
    pub joined_at: At,
}

/// Active members, by name; one of them when `only` names them.
async fn select(tx: &mut TenantTx, only: Option<MemberId>) -> Result<Vec<Member>, StoreError> {
    tx.may_all(Permission::TeamRead)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select m.id, m.name, m.email, m.role, m.role_id, r.name as "role_name?", m.joined_at,
               array(
                   select g.permission || ' ' || g.reach from role_grants g
                   where g.business_id = $1 and g.role_id = m.role_id
               ) as "grants!"
           from members m left join roles r on r.business_id = $1 and r.id = m.role_id
           where m.business_id = $1 and m.state = 'active' and ($2::uuid is null or m.id = $2)
           order by m.name, m.id"#,
        business.0,
        only.map(|id| id.0)
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Member {
                id: MemberId(r.id),
                name: read("members.name", &r.name)?,
                email: read("members.email", &r.email)?,
                role: held(&r.role, r.role_id, r.role_name, Some(r.grants))?,
                joined_at: r.joined_at,
            })
        })
        .collect()
}

/// Active members, by name.
///
/// # Errors
/// Refused without `team.read`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Member>, StoreError> {
    select(tx, None).await
}

/// One active member.
///
/// # Errors
/// Refused without `team.read`; missing when not an active member of this business.
pub async fn get(tx: &mut TenantTx, id: MemberId) -> Result<Member, StoreError> {
    select(tx, Some(id)).await?.pop().ok_or(StoreError::Missing)
}

/// Ids and names of active members, for choosing one in a form.
///
/// # Errors
/// Refused without `extensions` or `calls.all`.
pub async fn choices(tx: &mut TenantTx) -> Result<Vec<(MemberId, String)>, StoreError> {
    tx.may_all(Permission::Extensions).or_else(|_| tx.may_all(Permission::CallsAll))?;
    let business = tx.business();
    let rows = sqlx::query!(
        "select id, name from members where business_id = $1 and state = 'active' order by name, id",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (MemberId(r.id), r.name)).collect())
}

/// Whether the address belongs to a member already, active or removed.
///
/// # Errors
/// Refused without `team.invite`.
pub async fn email_is_known(tx: &mut TenantTx, email: &Email) -> Result<bool, StoreError> {
    tx.may_all(Permission::TeamInvite)?;
    let business = tx.business();
    let known = sqlx::query_scalar!(
        r#"select exists (select from members where business_id = $1 and email = $2) as "known!""#,
        business.0,
        email.reveal()
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(known)
}

/// Owners that would be left without `except`. Locks them, so that two owners cannot remove each other at once.
///
/// # Errors
/// Refused without `team.manage`.
pub async fn other_owners(tx: &mut TenantTx, except: MemberId) -> Result<usize, StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let business = tx.business();
    let owners: Vec<Uuid> = sqlx::query_scalar!(
        "select id from members where business_id = $1 and role = 'owner' and state = 'active' order by id for update",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(owners.into_iter().filter(|id| *id != except.0).count())
}

/// Locks somebody whose rights change: what they begin meanwhile, by a right that they hold now ([`still_may`]), waits and is refused
/// after it, or is there already and ends with it.
///
/// # Errors
/// Refused without `team.manage` or `roles.manage`.
pub async fn lock(tx: &mut TenantTx, id: MemberId) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamManage).or_else(|_| tx.may_all(Permission::RolesManage))?;
    let business = tx.business();
    sqlx::query_scalar!(
        "select id from members where business_id = $1 and id = $2 for no key update",
        business.0,
        id.0
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

/// Whether who asks holds a right now, and until this transaction has ended: for what lives on after the request. What they held when
/// it came in may have been taken since. To be asked before anything else is locked.
///
/// # Errors
/// Refused when they do not hold it any more, and for who is no member.
pub async fn still_may(tx: &mut TenantTx, permission: Permission) -> Result<(), StoreError> {
    let Actor::Member { member, .. } = tx.caller().actor else { return Err(StoreError::Refused) };
    let business = tx.business();
    let row = sqlx::query!(
        "select role, role_id from members where business_id = $1 and id = $2 and state = 'active' for share",
        business.0,
        member.0
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or(StoreError::Refused)?;
    // A statement of its own: it sees what the change that was waited for has written.
    let grants = sqlx::query_scalar!(
        r#"select permission || ' ' || reach as "grant!" from role_grants where business_id = $1 and role_id = $2"#,
        business.0,
        row.role_id
    )
    .fetch_all(tx.conn())
    .await?;
    let role = held(&row.role, row.role_id, None, Some(grants))?;
    if role.grants.holds(permission) { Ok(()) } else { Err(StoreError::Refused) }
}

/// Where the business's owners are written to, and what the business is called.
///
/// # Errors
/// Refused for people of the business.
pub async fn owners(tx: &mut TenantTx) -> Result<Vec<(Email, String)>, StoreError> {
    tx.machine().or_else(|_| tx.operator().map(drop))?;
    let business = tx.business();
    let rows = sqlx::query!(
        "select m.email, b.name from members m join businesses b on b.business_id = $1
         where m.business_id = $1 and m.state = 'active' and m.role = 'owner'
         order by m.id",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|r| Ok((read("members.email", &r.email)?, r.name))).collect()
}

/// Gives a member another role, if they still have the one that was shown.
///
/// # Errors
/// Refused without `team.manage`; stale when somebody else changed it meanwhile.
pub async fn set_role(tx: &mut TenantTx, id: MemberId, from: &HeldRole, to: &HeldRole) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let business = tx.business();
    let done = sqlx::query!(
        "update members set role = $5, role_id = $6
         where business_id = $1 and id = $2 and role = $3 and role_id is not distinct from $4::uuid and state = 'active'",
        business.0,
        id.0,
        from.base.code(),
        from.role.custom().map(|id| id.0),
        to.base.code(),
        to.role.custom().map(|id| id.0)
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Ends a membership, if they still have the role that was judged. The row stays, so that what they did keeps their name.
///
/// # Errors
/// Refused without `team.manage`; stale when they were removed already, or somebody else changed their role meanwhile.
pub async fn remove(tx: &mut TenantTx, id: MemberId, judged: &HeldRole) -> Result<(), StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let business = tx.business();
    let done = sqlx::query!(
        "update members set state = 'removed'
         where business_id = $1 and id = $2 and role = $3 and role_id is not distinct from $4::uuid and state = 'active'",
        business.0,
        id.0,
        judged.base.code(),
        judged.role.custom().map(|id| id.0)
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Stale) }
}
