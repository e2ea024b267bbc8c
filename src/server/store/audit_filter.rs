//! Saved filters of the audit log (AUD-4): one's own, and those that are shared with one's built-in role. Who has a role of the
//! business sees their own alone: nobody has shared anything with that role. A filter tells nothing of the log, so whoever
//! sees it sees its words; what it finds is asked for anew, with the rights of whoever asks.

use super::{StoreError, TenantTx, types::read};
use crate::model::{
    id::{FilterId, MemberId},
    permission::{Permission, Role},
};

/// How many filters one person may keep.
pub const MOST: u32 = 50;

/// A saved filter.
#[derive(Debug, Clone)]
pub struct SavedFilter {
    pub id: FilterId,
    pub name: String,
    /// As the query bar writes it.
    pub query: String,
    pub owner: MemberId,
    pub owner_name: String,
    /// Whether whoever asks may take it away: one's own, and those of people who have left.
    pub is_removable: bool,
    /// The roles that see it too.
    pub roles: Vec<Role>,
}

/// The filters that whoever asks may use, by their names.
///
/// # Errors
/// Refused without `audit.read`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<SavedFilter>, StoreError> {
    tx.may_all(Permission::AuditRead)?;
    let (business, reader) = (tx.business(), tx.caller().actor.uuid());
    let rows = sqlx::query!(
        r#"select f.id, f.name, f.query, f.owner_id, o.name as owner_name,
               (f.owner_id = $2 or o.state = 'removed') as "is_removable!",
               array(
                   select r.role from audit_filter_roles r
                   where r.business_id = $1 and r.filter_id = f.id
                   order by r.role
               ) as "roles!"
           from audit_filters f
           join members o on o.business_id = $1 and o.id = f.owner_id
           where f.business_id = $1
             and (f.owner_id = $2 or exists (
                 select from audit_filter_roles r
                 join members m on m.business_id = $1 and m.id = $2 and m.role = r.role and m.role_id is null
                 where r.business_id = $1 and r.filter_id = f.id
             ))
           order by f.name, f.id
           limit 200"#,
        business.0,
        reader,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let roles: Result<_, StoreError> =
                r.roles.iter().map(|role| read("audit_filter_roles.role", role)).collect();
            Ok(SavedFilter {
                id: FilterId(r.id),
                name: r.name,
                query: r.query,
                owner: MemberId(r.owner_id),
                owner_name: r.owner_name,
                is_removable: r.is_removable,
                roles: roles?,
            })
        })
        .collect()
}

/// Keeps a filter, and says whether there was room for it.
///
/// # Errors
/// Refused without `audit.read`; taken when one's own of that name is there already.
pub async fn insert(
    tx: &mut TenantTx,
    id: FilterId,
    name: &str,
    query: &str,
    roles: &[Role],
) -> Result<bool, StoreError> {
    tx.may_all(Permission::AuditRead)?;
    let (business, now, owner) = (tx.business(), tx.now(), tx.caller().actor.uuid());
    let done = sqlx::query!(
        "insert into audit_filters (business_id, id, owner_id, name, query, created_at)
         select $1, $2, $3, $4, $5, $6
         where (select count(*) from audit_filters f where f.business_id = $1 and f.owner_id = $3) < $7",
        business.0,
        id.0,
        owner,
        name,
        query,
        now,
        i64::from(MOST),
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let roles: Vec<String> = roles.iter().map(|role| role.code().to_owned()).collect();
    sqlx::query!(
        "insert into audit_filter_roles (business_id, filter_id, role)
         select distinct $1::uuid, $2::uuid, r.role from unnest($3::text[]) as r (role)",
        business.0,
        id.0,
        &roles[..],
    )
    .execute(tx.conn())
    .await?;
    Ok(true)
}

/// Takes a filter away: one's own, or one whose owner has left.
///
/// # Errors
/// Refused without `audit.read`; missing when there is none that one may take away.
pub async fn delete(tx: &mut TenantTx, id: FilterId) -> Result<(), StoreError> {
    tx.may_all(Permission::AuditRead)?;
    let (business, owner) = (tx.business(), tx.caller().actor.uuid());
    let done = sqlx::query!(
        "delete from audit_filters f
         where f.business_id = $1 and f.id = $2
           and (f.owner_id = $3 or exists (
               select from members o where o.business_id = $1 and o.id = f.owner_id and o.state = 'removed'
           ))",
        business.0,
        id.0,
        owner,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}
