//! Taking all second factors of a member away (ACC-3), by the definer functions of migration 0022. The person comes from
//! this business's own row, so that nobody of another one can be named.

use crate::{
    model::{factor::Factor, id::MemberId, permission::Permission},
    server::store::{StoreError, TenantTx, types::read},
};

/// What a business may know of a member's second factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorStanding {
    pub has_factor: bool,
    /// They belong to another business too; to which is not said.
    pub is_elsewhere: bool,
}

/// Whether a member has a second factor, and belongs to another business too.
///
/// # Errors
/// Refused without `team.manage`; missing when not an active member of this business.
pub async fn factor_standing(tx: &mut TenantTx, member: MemberId) -> Result<FactorStanding, StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let business = tx.business();
    let row = sqlx::query!(
        r#"select s.has_factor as "has_factor!", s.is_elsewhere as "is_elsewhere!"
           from members m cross join lateral lobby.factor_standing(m.business_id, m.user_id) s
           where m.business_id = $1 and m.id = $2 and m.state = 'active'"#,
        business.0,
        member.0
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(FactorStanding { has_factor: row.has_factor, is_elsewhere: row.is_elsewhere })
}

/// What a reset took away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorsReset {
    /// The kinds that counted; empty when there was none.
    pub kinds: Vec<Factor>,
    /// How many programs were signed out.
    pub programs: i64,
}

/// Takes all second factors of a member away, with recovery codes, sign-ins that wait, and the tokens of programs.
/// `None` when they belong to another business too: then nothing happens.
///
/// # Errors
/// Refused without `team.manage`.
pub async fn factors_reset(tx: &mut TenantTx, member: MemberId) -> Result<Option<FactorsReset>, StoreError> {
    tx.may_all(Permission::TeamManage)?;
    let (business, now) = (tx.business(), tx.now());
    let row = sqlx::query!(
        r#"select r.kinds as "kinds!", r.programs as "programs!"
           from members m cross join lateral lobby.factors_reset(m.business_id, m.user_id, $3) r
           where m.business_id = $1 and m.id = $2 and m.state = 'active'"#,
        business.0,
        member.0,
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let kinds = row.kinds.iter().map(|kind| read("factors_reset.kinds", kind)).collect::<Result<_, _>>()?;
    Ok(Some(FactorsReset { kinds, programs: row.programs }))
}
