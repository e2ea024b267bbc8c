//! Changing and removing people (PER-5, ACC-10). What ends with the rights that they had stands in [`lapse`].

pub(super) mod lapse;

use serde_json::{Value, json};

use super::{audit, device, role};
use crate::{
    model::{
        audit::Action,
        field::Bad,
        id::MemberId,
        permission::{Grants, Role},
        role::{HeldRole, RoleRef},
        session::EndCause,
    },
    server::{
        boot::App,
        caller::{SessionHash, SignedIn},
        http::{AppError, Cx},
        store::{self, TenantTx, member::Member},
    },
};

/// Gives a member another role. Nobody gives what they lack, nobody touches who holds more than they do, nobody leaves their own
/// rule for a second factor by a copy of their role, and the last owner stays.
///
/// # Errors
/// Refused by these rules; invalid when it would leave no owner; conflict when somebody was faster.
pub async fn set_role(cx: &Cx, id: MemberId, role: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let to = role.parse::<RoleRef>().map_err(|bad| AppError::field("role", bad))?;
    audit::audited(&cx.app, &person.caller, Action::MemberRoleChanged, async |act| {
        act.on("member", id.0);
        let member = store::member::get(&mut act.tx, id).await?;
        act.before(member.role.told());
        let to = role::give(&mut act.tx, person, to).await?;
        act.after(to.told());
        change_role(&cx.app, &mut act.tx, person, &member, &to).await
    })
    .await
}

/// The change of a role inside an act, with its rules.
///
/// # Errors
/// As [`set_role`].
pub(super) async fn change_role(
    app: &App,
    tx: &mut TenantTx,
    person: &SignedIn,
    member: &Member,
    to: &HeldRole,
) -> Result<(), AppError> {
    if !person.grants.covers(to.grants) || !person.grants.covers(member.role.grants) {
        return Err(AppError::Refused);
    }
    if person.member == member.id && !keeps_factor_rule(tx, &member.role, to).await? {
        return Err(AppError::Refused);
    }
    if !to.is(Role::Owner) {
        keep_an_owner(tx, member, "role").await?;
    }
    lapse::end_without(app, tx, member.id, to.grants).await?;
    Ok(store::member::set_role(tx, member.id, &member.role, to).await?)
}

/// Whether who takes another role keeps their rule for a second factor, or gets the one that belongs to what the new role holds.
/// A copy that holds more than its base could leave them the rights without the rule.
async fn keeps_factor_rule(tx: &mut TenantTx, from: &HeldRole, to: &HeldRole) -> Result<bool, AppError> {
    Ok(to.base.grants().covers(to.grants) || store::policy::factor_stays_due(tx, from.base, to.base).await?)
}

/// Makes somebody an owner, so that the business does not hang on one person, and the last owner can leave.
///
/// # Errors
/// Invalid without the typed word; refused for who is no owner; conflict when they are one already.
pub async fn hand_over(cx: &Cx, id: MemberId, word: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    audit::audited(&cx.app, &person.caller, Action::MemberHandedOver, async |act| {
        act.on("member", id.0);
        let member = store::member::get(&mut act.tx, id).await?;
        let owner = HeldRole::built_in(Role::Owner);
        act.before(member.role.told());
        act.after(owner.told());
        if !person.is_owner() {
            return Err(AppError::Refused);
        }
        if member.role.is(Role::Owner) {
            return Err(AppError::Conflict);
        }
        if word.trim() != "owner" {
            return Err(AppError::field("word", Bad::Confirm("owner".to_owned())));
        }
        lapse::end_without(&cx.app, &mut act.tx, id, owner.grants).await?;
        Ok(store::member::set_role(&mut act.tx, id, &member.role, &owner).await?)
    })
    .await
}

/// Ends a membership, and with it everything that hangs on it: extensions, invitations that wait, links to wallboards, the
/// person's sessions and programs in this business, with their streams, their shift and masked calls. Their jobs go back to
/// nobody.
///
/// # Errors
/// As [`set_role`]; invalid without the typed word.
pub async fn remove(cx: &Cx, id: MemberId, confirm: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let ended = audit::audited(&cx.app, &person.caller, Action::MemberRemoved, async |act| {
        act.on("member", id.0);
        let member = store::member::get(&mut act.tx, id).await?;
        act.before(member.role.told());
        if !person.grants.covers(member.role.grants) {
            return Err(AppError::Refused);
        }
        if confirm.trim() != "remove" {
            return Err(AppError::field("confirm", Bad::Confirm("remove".to_owned())));
        }
        let ended = end_membership(&cx.app, &mut act.tx, person, &member, "confirm").await?;
        act.after(ended.counts());
        Ok(ended)
    })
    .await?;
    // Only now: a stream that is cut before the commit would come back.
    device::end_streams(&cx.app, &ended.sessions);
    Ok(())
}

/// What the end of a membership has ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub sessions: Vec<SessionHash>,
    extensions: u64,
    invitations: usize,
    programs: i64,
}

impl Ended {
    /// As audit entries say it.
    pub fn counts(&self) -> Value {
        json!({
            "extensions_removed": self.extensions,
            "invitations_withdrawn": self.invitations,
            "programs_signed_out": self.programs,
            "sessions_ended": self.sessions.len(),
        })
    }
}

/// The end of a membership inside an act, with its rules. Streams are the caller's, after the commit.
///
/// # Errors
/// As [`remove`]; `field` is what is wrong when the last owner would go.
pub(super) async fn end_membership(
    app: &App,
    tx: &mut TenantTx,
    person: &SignedIn,
    member: &Member,
    field: &str,
) -> Result<Ended, AppError> {
    if !person.grants.covers(member.role.grants) {
        return Err(AppError::Refused);
    }
    keep_an_owner(tx, member, field).await?;
    let id = member.id;
    let ended = Ended {
        extensions: store::extension::delete_of(tx, id).await?,
        invitations: store::invitation::sent_by(tx, id).await?.len(),
        programs: store::lobby::token_families_revoke_member(tx, id).await?,
        sessions: store::lobby::sessions_end_member(tx, id, EndCause::Removed).await?,
    };
    lapse::end_without(app, tx, id, Grants::NONE).await?;
    store::review::note_removal(tx, id).await?;
    store::member::remove(tx, id, &member.role).await?;
    Ok(ended)
}

async fn keep_an_owner(tx: &mut TenantTx, member: &Member, field: &str) -> Result<(), AppError> {
    if member.role.is(Role::Owner) && store::member::other_owners(tx, member.id).await? == 0 {
        return Err(AppError::field(field, Bad::LastOwner));
    }
    Ok(())
}
