//! Roles that a business makes itself (PER-1, PER-2): what they are called and what they let people do. What changes them stands
//! in [`change`]. Built-in roles are in no table.

mod change;

pub use change::*;
use uuid::Uuid;

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        id::{MemberId, RoleId},
        permission::{Grants, Permission, Role},
        role::{HeldRole, RoleRef},
    },
    server::kit::At,
};

/// A role of the business.
#[derive(Debug, Clone)]
pub struct CustomRole {
    pub id: RoleId,
    pub name: String,
    /// The built-in role whose rule for a second factor its people follow.
    pub base: Role,
    pub grants: Grants,
    /// Counts its changes, so that nobody saves over what they have not seen.
    pub version: i32,
    pub changed_at: At,
    pub changed_by: String,
}

impl CustomRole {
    /// As somebody has it.
    #[must_use]
    pub fn held(&self) -> HeldRole {
        HeldRole::custom(self.id, self.base, self.name.clone(), self.grants)
    }
}

/// A role as rows of people and invitations name it: its base, and for one of the business its id, name and grants.
pub(in crate::server::store) fn held(
    base: &str,
    id: Option<Uuid>,
    name: Option<String>,
    grants: Option<Vec<String>>,
) -> Result<HeldRole, StoreError> {
    let base = read("members.role", base)?;
    Ok(match id {
        None => HeldRole::built_in(base),
        Some(id) => {
            HeldRole::custom(RoleId(id), base, name.unwrap_or_default(), Grants::read(&grants.unwrap_or_default()))
        }
    })
}

/// For who sees roles, who gives them to people, and who says what else their people need.
fn may_read(tx: &TenantTx) -> Result<(), StoreError> {
    tx.may_all(Permission::RolesRead)
        .or_else(|_| tx.may_all(Permission::TeamManage))
        .or_else(|_| tx.may_all(Permission::TeamInvite))
        .or_else(|_| tx.may_all(Permission::Settings))
}

struct Row {
    id: Uuid,
    name: String,
    base: String,
    grants: Vec<String>,
    version: i32,
    changed_at: At,
    changed_by: String,
}

impl TryFrom<Row> for CustomRole {
    type Error = StoreError;

    fn try_from(r: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: RoleId(r.id),
            name: r.name,
            base: read("roles.base", &r.base)?,
            grants: Grants::read(&r.grants),
            version: r.version,
            changed_at: r.changed_at,
            changed_by: r.changed_by,
        })
    }
}

/// All roles of the business, by name; one of them when `only` names it.
async fn select(tx: &mut TenantTx, only: Option<RoleId>) -> Result<Vec<CustomRole>, StoreError> {
    may_read(tx)?;
    let business = tx.business();
    let rows = sqlx::query_as!(
        Row,
        r#"select r.id, r.name, r.base, r.version, r.changed_at, m.name as changed_by,
               array(
                   select g.permission || ' ' || g.reach from role_grants g
                   where g.business_id = $1 and g.role_id = r.id
               ) as "grants!"
           from roles r join members m on m.business_id = $1 and m.id = r.changed_by
           where r.business_id = $1 and r.deleted_at is null and ($2::uuid is null or r.id = $2)
           order by lower(r.name), r.id"#,
        business.0,
        only.map(|id| id.0)
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(CustomRole::try_from).collect()
}

/// The roles of the business, by name.
///
/// # Errors
/// Refused without `roles.read`, `team.manage`, `team.invite` or `settings`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<CustomRole>, StoreError> {
    select(tx, None).await
}

/// # Errors
/// As [`list`]; missing when it is not this business's, or deleted.
pub async fn get(tx: &mut TenantTx, id: RoleId) -> Result<CustomRole, StoreError> {
    select(tx, Some(id)).await?.pop().ok_or(StoreError::Missing)
}

/// A role as it is now, by what a form names it; one of the business stays as it is until this transaction ends, so that nobody
/// gives what it held a moment ago.
///
/// # Errors
/// As [`get`].
pub async fn keep(tx: &mut TenantTx, role: RoleRef) -> Result<HeldRole, StoreError> {
    may_read(tx)?;
    match role {
        RoleRef::BuiltIn(role) => Ok(HeldRole::built_in(role)),
        RoleRef::Custom(id) => {
            let business = tx.business();
            sqlx::query_scalar!(
                "select id from roles where business_id = $1 and id = $2 and deleted_at is null for share",
                business.0,
                id.0
            )
            .fetch_one(tx.conn())
            .await?;
            Ok(get(tx, id).await?.held())
        }
    }
}

/// Who has a role of the business, by name.
///
/// # Errors
/// Refused without `roles.read`.
pub async fn holders(tx: &mut TenantTx, id: RoleId) -> Result<Vec<(MemberId, String)>, StoreError> {
    tx.may_all(Permission::RolesRead)?;
    let business = tx.business();
    let rows = sqlx::query!(
        "select id, name from members
         where business_id = $1 and role_id = $2 and state = 'active' order by name, id",
        business.0,
        id.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (MemberId(r.id), r.name)).collect())
}
