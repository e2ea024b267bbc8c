//! What changes the roles of a business. Who may give what is the service's to say (`services::role`).

use super::{CustomRole, get};
use crate::{
    model::{
        id::RoleId,
        permission::{Grants, Permission, Role},
        role::MOST_ROLES,
    },
    server::store::{StoreError, TenantTx},
};

/// A role of the business, locked: who changes, deletes or gives it comes after this transaction.
///
/// # Errors
/// Refused without `roles.manage`; missing when it is not this business's, or deleted.
pub async fn lock(tx: &mut TenantTx, id: RoleId) -> Result<CustomRole, StoreError> {
    tx.may_all(Permission::RolesManage)?;
    let business = tx.business();
    sqlx::query_scalar!(
        "select id from roles where business_id = $1 and id = $2 and deleted_at is null for update",
        business.0,
        id.0
    )
    .fetch_one(tx.conn())
    .await?;
    get(tx, id).await
}

/// A new role. False when the business has as many as it may.
///
/// # Errors
/// Refused without `roles.manage`; taken when another has the name.
pub async fn insert(tx: &mut TenantTx, id: RoleId, name: &str, base: Role, grants: Grants) -> Result<bool, StoreError> {
    tx.may_all(Permission::RolesManage)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    let done = sqlx::query!(
        "insert into roles (business_id, id, name, base, created_at, created_by, changed_at, changed_by)
         select $1, $2, $3, $4, $5, $6, $5, $6
         where (select count(*) from roles where business_id = $1 and deleted_at is null) < $7",
        business.0,
        id.0,
        name,
        base.code(),
        now,
        by,
        i64::from(MOST_ROLES)
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    put_grants(tx, id, grants).await?;
    Ok(true)
}

/// Puts name and grants in the place of those that were seen.
///
/// # Errors
/// Refused without `roles.manage`; stale when it was changed or deleted meanwhile; taken when another has the name.
pub async fn save(tx: &mut TenantTx, id: RoleId, seen: i32, name: &str, grants: Grants) -> Result<(), StoreError> {
    tx.may_all(Permission::RolesManage)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    let done = sqlx::query!(
        "update roles set name = $4, version = version + 1, changed_at = $5, changed_by = $6
         where business_id = $1 and id = $2 and version = $3 and deleted_at is null",
        business.0,
        id.0,
        seen,
        name,
        now,
        by
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Stale);
    }
    clear_grants(tx, id).await?;
    put_grants(tx, id, grants).await
}

/// Deletes a role that nobody has, and that no open invitation gives. False when somebody does. To be called with the role
/// locked: who gives it waits for that.
///
/// # Errors
/// Refused without `roles.manage`; stale when it is deleted already.
pub async fn delete(tx: &mut TenantTx, id: RoleId) -> Result<bool, StoreError> {
    tx.may_all(Permission::RolesManage)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    let is_used = sqlx::query_scalar!(
        r#"select exists (select from members where business_id = $1 and role_id = $2 and state = 'active')
               or exists (
                   select from invitations
                   where business_id = $1 and role_id = $2 and accepted_at is null and revoked_at is null
                       and expires_at > $3
               ) as "is_used!""#,
        business.0,
        id.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    if is_used {
        return Ok(false);
    }
    let done = sqlx::query!(
        "update roles set deleted_at = $3, changed_at = $3, changed_by = $4
         where business_id = $1 and id = $2 and deleted_at is null",
        business.0,
        id.0,
        now,
        by
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Stale);
    }
    clear_grants(tx, id).await?;
    Ok(true)
}

async fn clear_grants(tx: &mut TenantTx, id: RoleId) -> Result<(), StoreError> {
    let business = tx.business();
    sqlx::query!("delete from role_grants where business_id = $1 and role_id = $2", business.0, id.0)
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn put_grants(tx: &mut TenantTx, id: RoleId, grants: Grants) -> Result<(), StoreError> {
    let business = tx.business();
    let (permissions, reaches): (Vec<String>, Vec<String>) =
        grants.held().map(|(row, reach)| (row.code.to_owned(), reach.code().to_owned())).unzip();
    sqlx::query!(
        r#"insert into role_grants (business_id, role_id, permission, reach)
           select $1, $2, g.permission, g.reach
           from unnest($3::text[], $4::text[]) as g (permission, reach)"#,
        business.0,
        id.0,
        &permissions[..],
        &reaches[..]
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
