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

/// Whether calls to this number ring at the desks: a line of the business, somebody's direct number, or a proxy number, also one
/// that is out of the pool and still at the provider. A desk that is such a number would ring at the desks again, for ever.
///
/// # Errors
/// Refused without `extensions`.
pub async fn comes_back(tx: &mut TenantTx, number: &str) -> Result<bool, StoreError> {
    tx.may_all(Permission::Extensions)?;
    let business = tx.business();
    let is_ours = sqlx::query_scalar!(
        r#"select exists (select from connections where business_id = $1 and state = 'active' and number = $2)
               or exists (select from extensions where business_id = $1 and number = $2)
               or exists (select from proxy_numbers where business_id = $1 and number = $2) as "is_ours!""#,
        business.0,
        number
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(is_ours)
}

/// Where a call to `number` rings: the extensions with that direct number, else all of them. At most ten. None of them is a
/// number that rings at the desks again ([`comes_back`]), whatever became one first.
///
/// # Errors
/// Refused for people.
pub async fn targets(tx: &mut TenantTx, number: Option<&str>) -> Result<Vec<Target>, StoreError> {
    tx.machine()?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select x.target, coalesce(x.number = $2, false) as "direct!"
           from extensions x join members m on m.business_id = $1 and m.id = x.member_id and m.state = 'active'
           where x.business_id = $1
               and not exists (select from proxy_numbers n where n.business_id = $1 and n.number = x.target)
               and not exists (select from extensions o where o.business_id = $1 and o.number = x.target)
               and not exists (
                   select from connections c where c.business_id = $1 and c.state = 'active' and c.number = x.target
               )
           order by coalesce(x.number = $2, false) desc, x.extension
           limit 10"#,
        business.0,
        number
    )
    .fetch_all(tx.conn())
    .await?;
    let is_direct = rows.iter().any(|r| r.direct);
    rows.into_iter()
        .filter(|r| r.direct || !is_direct)
        .map(|r| Target::parse(&r.target).map_err(|_| StoreError::Unreadable { column: "extensions.target" }))
        .collect()
}
