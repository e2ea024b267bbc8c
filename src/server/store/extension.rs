//! Extensions: which desk rings where.

use uuid::Uuid;

use super::{StoreError, TenantTx};
use crate::model::{
    extension::Target,
    id::{ExtensionId, MemberId},
    permission::Permission,
};

/// An extension, with whose it is.
#[derive(Debug, Clone)]
pub struct Extension {
    pub id: Uuid,
    pub extension: String,
    pub member_id: Uuid,
    pub member_name: String,
    pub target: String,
    pub number: Option<String>,
}

/// # Errors
/// Refused without `extensions`.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Extension>, StoreError> {
    tx.may_all(Permission::Extensions)?;
    let business = tx.business();
    let rows = sqlx::query_as!(
        Extension,
        "select x.id, x.extension, x.member_id, m.name as member_name, x.target, x.number
         from extensions x join members m on m.business_id = $1 and m.id = x.member_id
         where x.business_id = $1
         order by x.extension",
        business.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// A new extension.
pub struct NewExtension<'a> {
    pub id: ExtensionId,
    pub extension: &'a str,
    pub member: MemberId,
    pub target: &'a str,
    pub number: Option<&'a str>,
}

/// # Errors
/// Refused without `extensions`; taken when number or target is in use; missing when the member is not of this
/// business.
pub async fn insert(tx: &mut TenantTx, x: NewExtension<'_>) -> Result<(), StoreError> {
    tx.may_all(Permission::Extensions)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "insert into extensions (business_id, id, extension, member_id, target, number, created_at)
         select $1, $2, $3, m.id, $5, $6, $7 from members m
         where m.business_id = $1 and m.id = $4 and m.state = 'active'",
        business.0,
        x.id.0,
        x.extension,
        x.member.0,
        x.target,
        x.number,
        now
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// # Errors
/// Refused without `extensions`; missing when it is not this business's.
pub async fn delete(tx: &mut TenantTx, id: ExtensionId) -> Result<(), StoreError> {
    tx.may_all(Permission::Extensions)?;
    let business = tx.business();
    let done = sqlx::query!("delete from extensions where business_id = $1 and id = $2", business.0, id.0)
        .execute(tx.conn())
        .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Missing) }
}

/// Takes away every extension of a member who leaves.
///
/// # Errors
/// Refused without `team.manage`.
pub async fn delete_of(tx: &mut TenantTx, member: MemberId) -> Result<u64, StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let business = tx.business();
    let done = sqlx::query!("delete from extensions where business_id = $1 and member_id = $2", business.0, member.0)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

/// Where a call to `number` rings: the extensions with that direct number, else all of them. At most ten. None of them is a
/// proxy number, which would put the call through to the desks again, for ever.
///
/// # Errors
/// Refused for people.
pub async fn targets(tx: &mut TenantTx, number: Option<&str>) -> Result<Vec<Target>, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select x.target, x.number = $2 as direct
           from extensions x join members m on m.business_id = $1 and m.id = x.member_id and m.state = 'active'
           where x.business_id = $1 and not exists (
               select from proxy_numbers n
               where n.business_id = $1 and n.state = 'active' and n.number = x.target
           )
           order by x.extension
           limit 100"#,
        business.0,
        number
    )
    .fetch_all(tx.conn())
    .await?;
    let is_direct = rows.iter().any(|r| r.direct == Some(true));
    rows.into_iter()
        .filter(|r| !is_direct || r.direct == Some(true))
        .take(10)
        .map(|r| Target::parse(&r.target).map_err(|_| StoreError::Unreadable { column: "extensions.target" }))
        .collect()
}
