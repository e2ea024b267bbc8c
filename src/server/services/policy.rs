//! Which roles need a second factor, and who has none yet (ACC-3). The gate (`http::gate`) holds people to it.

use serde_json::{Value, json};

use super::audit;
use crate::{
    model::{
        audit::Action,
        field::{Bad, Fields},
        permission::{Grants, Role},
    },
    server::{
        http::{AppError, Cx},
        store::{self, lobby::WithoutFactor, policy::Rule, role::CustomRole},
    },
};

/// The longest grace: an exception that lasts longer is the rule.
pub const MOST_GRACE_DAYS: i32 = 60;

/// The settings page.
#[derive(Debug, Clone)]
pub struct Overview {
    pub rules: Vec<Rule>,
    pub missing: Vec<WithoutFactor>,
    /// The roles for which who asks decides.
    pub decides: Vec<Role>,
}

/// # Errors
/// Refused without `settings`.
pub async fn overview(cx: &Cx) -> Result<Overview, AppError> {
    let mut tx = cx.tx().await?;
    let rules = store::policy::factor_rules(&mut tx).await?;
    let missing = store::lobby::members_without_factor(&mut tx).await?;
    let own = store::role::list(&mut tx).await?;
    tx.commit().await?;
    let mine = cx.signed_in()?.grants;
    let decides = Role::ALL.into_iter().filter(|role| may_decide(mine, *role, &own)).collect();
    Ok(Overview { rules, missing, decides })
}

/// Says whether a role needs a second factor, and how many days its people have to set one up. Nobody decides for roles
/// that hold more than their own (PER-5): an admin cannot make an owner's account weaker.
///
/// # Errors
/// Invalid fields; refused without `settings`, and for such a role.
pub async fn change(cx: &Cx, role: &str, required: &str, grace_days: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let mut fields = Fields::default();
    let role = fields.take("role", role.parse::<Role>());
    let required = fields.take("required", yes_or_no(required));
    let grace = if required == Some(false) { Some(0) } else { fields.take("grace_days", days(grace_days)) };
    let (Some(role), Some(required), Some(grace)) = (role, required, grace) else { return Err(fields.into()) };
    audit::audited(&cx.app, &person.caller, Action::FactorPolicyChanged, async |act| {
        act.on("business", person.caller.business.0);
        let rules = store::policy::factor_rules(&mut act.tx).await?;
        let before = rules.iter().find(|rule| rule.role == role).map(|rule| rule.grace_days);
        act.before(told(role, before));
        act.after(told(role, required.then_some(grace)));
        let own = store::role::list(&mut act.tx).await?;
        if !may_decide(person.grants, role, &own) {
            return Err(AppError::Refused);
        }
        if required {
            store::policy::require_factor(&mut act.tx, role, grace).await?;
        } else {
            store::policy::relax_factor(&mut act.tx, role).await?;
        }
        Ok(())
    })
    .await
}

/// Whether somebody decides for a role: they hold what it holds, and what the roles hold that follow its rule because they were
/// copied from it.
fn may_decide(mine: Grants, role: Role, own: &[CustomRole]) -> bool {
    mine.covers(role.grants()) && own.iter().filter(|one| one.base == role).all(|one| mine.covers(one.grants))
}

fn told(role: Role, grace_days: Option<i32>) -> Value {
    json!({ "role": role.code(), "required": grace_days.is_some(), "grace_days": grace_days })
}

fn yes_or_no(text: &str) -> Result<bool, Bad> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(Bad::Choice),
    }
}

fn days(text: &str) -> Result<i32, Bad> {
    text.trim()
        .parse::<i32>()
        .ok()
        .filter(|days| (0..=MOST_GRACE_DAYS).contains(days))
        .ok_or(Bad::Range(0, i64::from(MOST_GRACE_DAYS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grace_ends_some_day() {
        assert_eq!(days(" 14 "), Ok(14));
        for bad in ["", "-1", "61", "soon"] {
            assert_eq!(days(bad), Err(Bad::Range(0, 60)), "{bad}");
        }
    }
}
