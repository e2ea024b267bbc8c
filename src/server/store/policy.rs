//! Which roles need a second factor (ACC-3). When it is due for whom is the lobby's, because factors belong to people and
//! not to a business.

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::permission::{Permission, Role},
    server::kit::At,
};

/// A role that needs a second factor. A role without a rule needs none.
#[derive(Debug, Clone)]
pub struct Rule {
    pub role: Role,
    pub required_from: At,
    pub grace_days: i32,
}

/// # Errors
/// Refused without `settings`.
pub async fn factor_rules(tx: &mut TenantTx) -> Result<Vec<Rule>, StoreError> {
    tx.may_all(Permission::Settings)?;
    let business = tx.business();
    let rows =
        sqlx::query!("select role, required_from, grace_days from factor_rules where business_id = $1", business.0)
            .fetch_all(tx.conn())
            .await?;
    rows.into_iter()
        .map(|r| {
            let role = read("factor_rules.role", &r.role)?;
            Ok(Rule { role, required_from: r.required_from, grace_days: r.grace_days })
        })
        .collect()
}

/// Asks a role for a second factor from now on; if it is asked already, only the days of grace change.
///
/// # Errors
/// Refused without `settings`.
pub async fn require_factor(tx: &mut TenantTx, role: Role, grace_days: i32) -> Result<(), StoreError> {
    tx.may_all(Permission::Settings)?;
    let (business, now) = (tx.business(), tx.now());
    let by = tx.caller().actor.uuid();
    sqlx::query!(
        "insert into factor_rules (business_id, role, required_from, grace_days, changed_by, changed_at)
         values ($1, $2, $3, $4, $5, $3)
         on conflict (business_id, role)
         do update set grace_days = excluded.grace_days, changed_by = excluded.changed_by,
             changed_at = excluded.changed_at",
        business.0,
        role.code(),
        now,
        grace_days,
        by
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Asks a role for no second factor any more.
///
/// # Errors
/// Refused without `settings`.
pub async fn relax_factor(tx: &mut TenantTx, role: Role) -> Result<(), StoreError> {
    tx.may_all(Permission::Settings)?;
    let business = tx.business();
    sqlx::query!("delete from factor_rules where business_id = $1 and role = $2", business.0, role.code())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Whether who goes from one role to another has to have a second factor no later than before.
///
/// # Errors
/// Refused without `team.manage`.
pub async fn factor_stays_due(tx: &mut TenantTx, from: Role, to: Role) -> Result<bool, StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let business = tx.business();
    let stays = sqlx::query_scalar!(
        r#"select not exists (
               select from factor_rules f
               where f.business_id = $1 and f.role = $2 and not exists (
                   select from factor_rules t
                   where t.business_id = $1 and t.role = $3
                       and t.required_from <= f.required_from and t.grace_days <= f.grace_days
               )
           ) as "stays!""#,
        business.0,
        from.code(),
        to.code()
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(stays)
}
