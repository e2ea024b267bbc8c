//! Changing and removing people (PER-5).

use serde_json::json;

use super::audit;
use crate::{
    model::{audit::Action, field::Bad, id::MemberId, permission::Role},
    server::{
        http::{AppError, Cx},
        store,
    },
};

/// Gives a member another role. Nobody gives what they lack, nobody touches who holds more than they do, and the last
/// owner stays.
///
/// # Errors
/// Refused by these rules; invalid when it would leave no owner; conflict when somebody was faster.
pub async fn set_role(cx: &Cx, id: MemberId, role: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let to = role.parse::<Role>().map_err(|bad| AppError::field("role", bad))?;
    audit::audited(&cx.app, &person.caller, Action::MemberRoleChanged, async |act| {
        act.on("member", id.0);
        let member = store::member::get(&mut act.tx, id).await?;
        act.before(json!({ "role": member.role.code() }));
        act.after(json!({ "role": to.code() }));
        if !person.role.covers(to) || !person.role.covers(member.role) {
            return Err(AppError::Refused);
        }
        if member.role == Role::Owner && to != Role::Owner && store::member::other_owners(&mut act.tx, id).await? == 0 {
            return Err(AppError::field("role", Bad::LastOwner));
        }
        Ok(store::member::set_role(&mut act.tx, id, member.role, to).await?)
    })
    .await
}

/// Ends a membership: extensions go, open streams end within seconds, sessions are worth nothing from the next request.
///
/// # Errors
/// As [`set_role`].
pub async fn remove(cx: &Cx, id: MemberId, confirm: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    audit::audited(&cx.app, &person.caller, Action::MemberRemoved, async |act| {
        act.on("member", id.0);
        let member = store::member::get(&mut act.tx, id).await?;
        act.before(json!({ "role": member.role.code() }));
        if !person.role.covers(member.role) {
            return Err(AppError::Refused);
        }
        if confirm.trim() != "remove" {
            return Err(AppError::field("confirm", Bad::Confirm("remove".to_owned())));
        }
        if member.role == Role::Owner && store::member::other_owners(&mut act.tx, id).await? == 0 {
            return Err(AppError::field("confirm", Bad::LastOwner));
        }
        let extensions = store::extension::delete_of(&mut act.tx, id).await?;
        act.after(json!({ "extensions_removed": extensions }));
        Ok(store::member::remove(&mut act.tx, id).await?)
    })
    .await
}
