//! Locking without harming the person (ACC-4; security.md, rule 17): who guesses from elsewhere locks the browsers that
//! the account does not know. One that it knows, and a mailed link, open it all the same.
//!
//! Every way in that guesses could be tried at asks [`standing`] first and answers as to a wrong password unless it is
//! [`Standing::Open`], reports a wrong try by [`failed`], and a sign-in that is complete by [`passed`]. What was
//! refused because of a lock was not tried and is no failure: else hammering alone would keep the lock for ever.

use serde_json::{Value, json};

use super::audit;
pub use crate::model::lockout::Standing;
use crate::{
    model::{
        audit::Action,
        id::{DeviceId, MemberId, UserId},
        lockout::{FAILURES, LINK_AFTER},
    },
    server::{
        caller::Actor,
        http::{AppError, Cx, action::set_cookie, device},
        mail::{self, Mail},
        store::{
            self,
            lobby::{self, LockState},
        },
    },
};

/// As whom the account knows the visitor's browser.
fn known(cx: &Cx, user: UserId) -> Option<DeviceId> {
    device::known(cx.app.vault(), user, cx.visitor.device.as_deref())
}

/// Whether a right password of this account admits from this browser now. Whoever is told that they need a link is not
/// told on the screen; the account's mailbox is.
///
/// # Errors
/// The database cannot be reached.
pub async fn standing(cx: &Cx, user: UserId) -> Result<Standing, AppError> {
    let standing = lobby::lockout_standing(cx.app.db(), user, known(cx, user), cx.visitor.now).await?;
    if standing == Standing::NeedsLink {
        remind(cx, user).await?;
    }
    Ok(standing)
}

/// Counts a wrong password or a wrong code. When a lock begins, that is written down in each business of the person,
/// and the person gets a mail; both once, however many failures come at once and however long the lock grows.
///
/// # Errors
/// The database cannot be reached.
pub async fn failed(cx: &Cx, user: UserId) -> Result<(), AppError> {
    let (device, now) = (known(cx, user), cx.visitor.now);
    let failure = lobby::lockout_failed(cx.app.db(), user, device, now).await?;
    if failure.failures == FAILURES {
        let browser = if device.is_some() { "known" } else { "unknown" };
        write_down(cx, user, &json!({ "browser": browser, "failures": failure.failures })).await?;
        mail::enqueue(&cx.app, &Mail::locked(&cx.app, &failure.email, now, device.is_some())).await?;
    }
    if failure.in_a_row == LINK_AFTER {
        write_down(cx, user, &json!({ "needs": "link", "failures": failure.in_a_row })).await?;
        remind(cx, user).await?;
    }
    Ok(())
}

/// Somebody has signed in completely: what was counted against this browser is forgotten, and the account knows it from
/// now on.
///
/// # Errors
/// The database cannot be reached.
pub async fn passed(cx: &Cx, user: UserId) -> Result<(), AppError> {
    let device = known(cx, user);
    lobby::lockout_passed(cx.app.db(), user, device).await?;
    let id = device.unwrap_or_else(|| cx.app.draw());
    set_cookie(&device::remember(cx.app.vault(), user, id, cx.visitor.device.as_deref()))
}

/// What of a member's sign-in is locked now.
///
/// # Errors
/// Refused without `team.manage`; missing when it is nobody of this business.
pub async fn state_of(cx: &Cx, member: MemberId) -> Result<LockState, AppError> {
    let mut tx = cx.tx().await?;
    let state = lobby::lock_state(&mut tx, member).await?;
    tx.commit().await?;
    Ok(state)
}

/// Ends all locks of a member, before their time. Who could unlock somebody above them could guess on: nobody can.
///
/// # Errors
/// Refused without `team.manage`, or when the person holds more than who asks; missing when it is nobody of this
/// business.
pub async fn unlock(cx: &Cx, id: MemberId) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    audit::audited(&cx.app, &person.caller, Action::AccountUnlocked, async |act| {
        act.on("member", id.0);
        let member = store::member::get(&mut act.tx, id).await?;
        if !person.grants.covers(member.role.grants) {
            return Err(AppError::Refused);
        }
        let buckets = lobby::lockout_clear(&mut act.tx, id).await?;
        act.after(json!({ "buckets": buckets }));
        Ok(())
    })
    .await
}

/// A lock has begun: an entry in each business of the person.
async fn write_down(cx: &Cx, user: UserId, after: &Value) -> Result<(), AppError> {
    for membership in lobby::memberships_of(cx.app.db(), user).await? {
        let actor = Actor::named(membership.member, user);
        let caller = cx.caller_for()(actor, membership.business);
        audit::audited(&cx.app, &caller, Action::AccountLocked, async |act| {
            act.on("member", membership.member.0);
            act.after(after.clone());
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Tells the account's mailbox that a mailed link is needed, once a day at most.
async fn remind(cx: &Cx, user: UserId) -> Result<(), AppError> {
    let now = cx.visitor.now;
    let Some(email) = lobby::lockout_remind(cx.app.db(), user, now).await? else { return Ok(()) };
    mail::enqueue(&cx.app, &Mail::needs_link(&cx.app, &email, now)).await
}
