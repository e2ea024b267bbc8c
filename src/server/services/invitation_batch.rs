//! Inviting many people from a list (ACC-6). Each line is judged for itself: the good ones are invited, the others are told.

use std::collections::HashSet;

use serde_json::json;

use super::{audit, invitation};
use crate::{
    model::{
        audit::{Action, Outcome},
        field::Bad,
        id::{BatchId, InvitationId},
        invitation::{Line, LineResult, MOST_LINES, lines},
        personal::Email,
        role::RoleRef,
    },
    server::{
        http::{AppError, Cx},
        store::{
            self, TenantTx,
            audit::{NewEntry, Target},
            invitation_batch::Row,
            role::CustomRole,
        },
    },
};

/// Invites the people of a list, and says where the results are.
///
/// # Errors
/// Invalid when the list is empty or too long; refused without `team.invite`.
pub async fn import(cx: &Cx, list: &str) -> Result<BatchId, AppError> {
    let lines = lines(list);
    if lines.is_empty() {
        return Err(AppError::field("list", Bad::Empty));
    }
    if u32::try_from(lines.len()).is_ok_and(|there| there > MOST_LINES) {
        return Err(AppError::field("list", Bad::Most(MOST_LINES)));
    }
    let id: BatchId = cx.app.draw();
    audit::audited(&cx.app, cx.caller()?, Action::InvitationsImported, async |act| {
        act.on("batch", id.0);
        let own = store::role::list(&mut act.tx).await?;
        let (mut rows, mut seen) = (Vec::with_capacity(lines.len()), HashSet::new());
        for line in &lines {
            let result = one(cx, &mut act.tx, line, &own, &mut seen).await?;
            let role = line.role.as_deref().unwrap_or_default();
            rows.push(Row { line: line.number, email: kept(&line.email, 254), role: kept(role, 40), result });
        }
        store::invitation_batch::insert(&mut act.tx, id, &rows).await?;
        let invited = rows.iter().filter(|row| row.result == LineResult::Invited).count();
        act.after(json!({ "lines": rows.len(), "invited": invited }));
        Ok(())
    })
    .await?;
    Ok(id)
}

/// Judges one line, and invites where nothing speaks against it. Each invitation has an entry of its own.
async fn one(
    cx: &Cx,
    tx: &mut TenantTx,
    line: &Line,
    own: &[CustomRole],
    seen: &mut HashSet<Email>,
) -> Result<LineResult, AppError> {
    let Some(role) = line.role.as_deref() else { return Ok(LineResult::Unreadable) };
    let Ok(email) = line.email.parse::<Email>() else { return Ok(LineResult::BadAddress) };
    let Some(role) = named(role, own) else { return Ok(LineResult::UnknownRole) };
    // As it is now, and until these invitations are sent.
    let role = store::role::keep(tx, role).await?;
    let person = cx.signed_in()?;
    if !person.grants.covers(role.grants) || !invitation::may_replace(tx, person, &email).await? {
        return Ok(LineResult::AboveYou);
    }
    if !seen.insert(email.clone()) {
        return Ok(LineResult::Duplicate);
    }
    if store::member::email_is_known(tx, &email).await? {
        return Ok(LineResult::Member);
    }
    let id: InvitationId = cx.app.draw();
    invitation::send(cx, tx, id, &email, &role).await?;
    let entry = NewEntry {
        id: cx.app.draw(),
        action: Action::MemberInvited,
        target: Some(Target { kind: "invitation", id: Some(id.0) }),
        outcome: Outcome::Done,
        reason: None,
        before: None,
        after: Some(role.told()),
    };
    store::audit::append(tx, entry).await?;
    Ok(LineResult::Invited)
}

/// The role that a line names: a built-in one by its word, one of the business by its name, in whatever case.
fn named(role: &str, own: &[CustomRole]) -> Option<RoleRef> {
    let role = role.to_lowercase();
    let of_the_business = || own.iter().find(|one| one.name.to_lowercase() == role).map(|one| RoleRef::Custom(one.id));
    role.parse().ok().map(RoleRef::BuiltIn).or_else(of_the_business)
}

/// What is kept of a value to show it again: not more than it may be long, and nothing that no screen shows.
fn kept(value: &str, most: usize) -> String {
    value.chars().filter(|c| !c.is_control()).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn what_is_kept_is_bounded() {
        assert_eq!(kept("ada\u{0}@example.com", 254), "ada@example.com");
        assert_eq!(kept("äöü", 2), "äö");
    }
}
