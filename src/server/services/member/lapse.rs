//! What ends with a right that somebody had, whatever took it: another role, a change of the role that they have, or leaving. It
//! ends in the transaction that takes the right, and what ended has an entry of its own.

use serde_json::{Value, json};

use crate::{
    model::{
        audit::{Action, Outcome},
        id::MemberId,
        permission::{Grants, Permission},
        position::ShiftEnd,
        work_order::WorkOrderState,
    },
    server::{
        boot::App,
        http::AppError,
        store::{
            self, TenantTx,
            audit::{NewEntry, Target},
            outbox::Topic,
        },
    },
};

/// Ends what rests on a right that is not among those that are `left`: without `positions.send` the open shift; without
/// `work_orders` their jobs, the masked calls, and the number that they reached them at; without `wallboard` the links that they
/// shared; and the invitations to what they could not give any more.
///
/// # Errors
/// Refused without `team.manage` or `roles.manage`.
pub(in crate::server::services) async fn end_without(
    app: &App,
    tx: &mut TenantTx,
    member: MemberId,
    left: Grants,
) -> Result<(), AppError> {
    store::member::lock(tx, member).await?;
    // Who sends no position any more is not shown either.
    if !left.holds(Permission::PositionsSend)
        && let Some(shift) = store::shift::end_of(tx, member).await?
    {
        let target = Target { kind: "shift", id: Some(shift.id.0) };
        let after = json!({ "member": member.to_string(), "by": ShiftEnd::Dispatcher.code() });
        write_down(app, tx, Action::ShiftEnded, target, (None, after)).await?;
    }
    // And who works on no jobs any more talks to no customer, and has no way to take their number back.
    if !left.holds(Permission::WorkOrders) {
        // Jobs before their sessions, as who moves a job locks them: two that meet wait for each other, and none for ever.
        release_jobs(app, tx, member).await?;
        for session in store::masked_call::close_of(tx, member).await? {
            let target = Target { kind: "proxy_session", id: Some(session.0) };
            write_down(app, tx, Action::MaskedCallClosed, target, (None, json!({ "member": member }))).await?;
        }
        if store::member_phone::delete_of(tx, member).await? > 0 {
            let target = Target { kind: "member", id: Some(member.0) };
            write_down(app, tx, Action::MemberPhoneRemoved, target, (None, json!({ "member": member }))).await?;
        }
    }
    // What they have hung on a wall is looked at with a right that they held.
    if !left.holds(Permission::Wallboard) {
        for link in store::wallboard::revoke_of(tx, member).await? {
            let target = Target { kind: "wallboard", id: Some(link.0) };
            write_down(app, tx, Action::WallboardRevoked, target, (None, json!({ "member": member }))).await?;
        }
    }
    withdraw_invitations(app, tx, member, left).await
}

/// Withdraws the invitations of theirs that wait and give what is not theirs to give: their address could be on one of them.
async fn withdraw_invitations(app: &App, tx: &mut TenantTx, member: MemberId, left: Grants) -> Result<(), AppError> {
    for (id, role) in store::invitation::sent_by(tx, member).await? {
        let may_give = left.holds(Permission::TeamInvite) && left.covers(role.grants);
        if may_give || !store::invitation::withdraw(tx, id).await? {
            continue;
        }
        let target = Target { kind: "invitation", id: Some(id.0) };
        write_down(app, tx, Action::InvitationRevoked, target, (None, json!({ "member": member }))).await?;
    }
    Ok(())
}

/// Takes back the jobs of who works on none any more. Their timelines say so, and the boards are told: somebody else has to go.
async fn release_jobs(app: &App, tx: &mut TenantTx, member: MemberId) -> Result<(), AppError> {
    for (job, state) in store::work_order::release_of(tx, member).await? {
        store::work_order::note_release(tx, app.draw(), job).await?;
        store::outbox::put(tx, Topic::WorkOrder(job, None)).await?;
        let target = Target { kind: "work_order", id: Some(job.0) };
        let before = json!({ "state": state.code(), "member": member });
        let after = json!({ "state": WorkOrderState::New.code(), "member": null });
        write_down(app, tx, Action::WorkOrderAssigned, target, (Some(before), after)).await?;
    }
    Ok(())
}

async fn write_down(
    app: &App,
    tx: &mut TenantTx,
    action: Action,
    target: Target,
    (before, after): (Option<Value>, Value),
) -> Result<(), AppError> {
    let entry = NewEntry {
        id: app.draw(),
        action,
        target: Some(target),
        outcome: Outcome::Done,
        reason: None,
        before,
        after: Some(after),
    };
    Ok(store::audit::append(tx, entry).await?)
}
