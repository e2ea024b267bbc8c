//! Passwords after the first one (ACC-1): choosing a new one by mail or by the old one, and what a business asks of
//! them. A new password ends all other sessions of its person, and its person is told by mail. It is no second factor:
//! whoever has one is asked for it at the next sign-in as before.

use serde_json::json;
use tower_sessions::Session;

use super::{
    audit, device,
    link::{self, caller_of, limited},
    lockout::{self, Standing},
    session::{self, Proof},
};
use crate::{
    model::{
        audit::{Action, Outcome},
        field::{Bad, Fields},
        id::UserId,
        password::{self, Policy},
        session::EndCause,
    },
    server::{
        caller::SignedIn,
        http::{AppError, Cx, layers::LINK_COOKIE},
        kit::entropy::token_hash,
        mail::{self, Mail},
        store::{
            self,
            lobby::{self, Link, LinkPurpose, Membership},
        },
        vault::{
            Secret,
            password::{Verdict, normal},
        },
    },
};

/// Mails a link that leads to a new password to `email`, when it is somebody's.
///
/// # Errors
/// Invalid for what is no address; limited per address of the network. Never whether it is known.
pub async fn ask_reset(cx: &Cx, email: &str) -> Result<(), AppError> {
    link::send(cx, email, LinkPurpose::Reset, None).await
}

/// What the new password must satisfy that a mailed link leads to. Looking consumes nothing.
///
/// # Errors
/// Missing when the link is used, superseded, over, or never was.
pub async fn peek_reset(cx: &Cx, token: &str) -> Result<Vec<Policy>, AppError> {
    let link = reset_link(cx, token).await?;
    Ok(lobby::password_policies_of(cx.app.db(), link.user).await?)
}

async fn reset_link(cx: &Cx, token: &str) -> Result<Link, AppError> {
    let found = lobby::link_peek(cx.app.db(), &token_hash(token), LinkPurpose::Reset, cx.visitor.now).await?;
    found.ok_or(AppError::Missing)
}

/// Uses a mailed link up for a new password. All sessions of the person end, and nobody is signed in.
///
/// # Errors
/// An unacceptable password; missing when the link is not good any more; limited per address of the network.
pub async fn reset(cx: &Cx, token: &str, password: Secret) -> Result<(), AppError> {
    limited(cx)?;
    let link = reset_link(cx, token).await?;
    acceptable(cx, link.user, &password).await?.map_err(|bad| AppError::field("password", bad))?;
    let memberships = lobby::memberships_of(cx.app.db(), link.user).await?;
    let (home, others) = memberships.split_first().ok_or(AppError::Missing)?;
    let hash = cx.app.passwords().hash(password).await?;
    let caller = caller_of(cx, link.user, home);
    let ended = audit::audited(&cx.app, &caller, Action::PasswordReset, async |act| {
        let user = lobby::password_reset(&mut act.tx, &token_hash(token), &hash).await?.ok_or(AppError::Missing)?;
        let mail = Mail::password_changed(&cx.app, &link.email);
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await?;
        let ended = lobby::sessions_end_others_in(&mut act.tx, user, None, EndCause::Password).await?;
        act.after(json!({ "sessions_ended": ended.len() }));
        Ok(ended)
    })
    .await?;
    device::end_streams(&cx.app, &ended);
    // A mailed link was used: what locked the old password does not lock the new one.
    lobby::lockout_passed(cx.app.db(), link.user, None).await?;
    link::forget(LINK_COOKIE)?;
    note_in(cx, link.user, others, Action::PasswordReset).await
}

/// Changes the password of who is signed in, by the old one. All their other sessions end; this one goes on under a new
/// id, freshly proved unless a password is not enough for that (ACC-8): else a stolen session with a phished password
/// would come by this way to what asks for more.
///
/// # Errors
/// Invalid when the old one is wrong or the new one is not acceptable; conflict when it was changed meanwhile; limited
/// per address of the network.
pub async fn change(cx: &Cx, session: &Session, old: Secret, new: Secret) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    limited(cx)?;
    let mut fields = Fields::default();
    let stored = stored_behind(cx, person, old).await?;
    let stored = fields.take("password", stored.ok_or(Bad::Password));
    fields.take("new_password", acceptable(cx, person.user, &new).await?);
    let Some(stored) = stored else { return Err(fields.into()) };
    fields.finish()?;
    let hash = cx.app.passwords().hash(new).await?;
    let ended = audit::audited(&cx.app, &person.caller, Action::PasswordChanged, async |act| {
        lobby::password_change(&mut act.tx, person.user, &stored, &hash).await?;
        let mail = Mail::password_changed(&cx.app, &person.email);
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await?;
        let (keep, cause) = (Some(&person.session), EndCause::Password);
        let ended = lobby::sessions_end_others_in(&mut act.tx, person.user, keep, cause).await?;
        act.after(json!({ "sessions_ended": ended.len() }));
        Ok(ended)
    })
    .await?;
    device::end_streams(&cx.app, &ended);
    let memberships = lobby::memberships_of(cx.app.db(), person.user).await?;
    let others: Vec<_> = memberships.into_iter().filter(|m| m.business != person.caller.business).collect();
    note_in(cx, person.user, &others, Action::PasswordChanged).await?;
    if lobby::factors_of(cx.app.db(), person.user).await?.beyond_password() {
        session::renew(cx, session).await
    } else {
        session::prove(cx, session, Proof::Password).await
    }
}

/// The stored hash that `old` belongs to; `None` when it is wrong. Wrong ones count as failed tries to sign in do, so
/// that an open session is no way to guess a password.
async fn stored_behind(cx: &Cx, person: &SignedIn, old: Secret) -> Result<Option<String>, AppError> {
    let is_open = lockout::standing(cx, person.user).await? == Standing::Open;
    let account = lobby::sign_in_lookup(cx.app.db(), person.email.reveal()).await?;
    let stored = account.filter(|account| account.user == person.user).map(|account| account.password_hash);
    let verdict = cx.app.passwords().verify(old, stored.clone()).await?;
    if is_open && verdict != Verdict::Wrong {
        return Ok(stored);
    }
    if is_open {
        lockout::failed(cx, person.user).await?;
    }
    audit::note(&cx.app, &person.caller, Action::PasswordChanged, None, Outcome::Refused, None).await?;
    Ok(None)
}

/// Whether a person may choose this password, by the policies of all their businesses.
async fn acceptable(cx: &Cx, user: UserId, password: &Secret) -> Result<Result<(), Bad>, AppError> {
    let policies = lobby::password_policies_of(cx.app.db(), user).await?;
    let context = lobby::password_context_of(cx.app.db(), user).await?;
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    Ok(password::check_all(&policies, normal(password).expose(), &context))
}

async fn note_in(cx: &Cx, user: UserId, memberships: &[Membership], action: Action) -> Result<(), AppError> {
    for membership in memberships {
        let caller = caller_of(cx, user, membership);
        audit::note(&cx.app, &caller, action, None, Outcome::Done, None).await?;
    }
    Ok(())
}

/// What a new password of who is signed in must satisfy, over all their businesses.
///
/// # Errors
/// Nobody is signed in.
pub async fn policies(cx: &Cx) -> Result<Vec<Policy>, AppError> {
    Ok(lobby::password_policies_of(cx.app.db(), cx.signed_in()?.user).await?)
}

/// What the business of who is signed in asks of its people's passwords.
///
/// # Errors
/// Refused without `settings`.
pub async fn policy(cx: &Cx) -> Result<Policy, AppError> {
    let mut tx = cx.tx().await?;
    let policy = store::password_policy::get(&mut tx).await?;
    tx.commit().await?;
    Ok(policy)
}

/// Chooses what the business asks of its people's passwords, from the next one on that somebody chooses.
///
/// # Errors
/// Invalid for an unknown policy; refused without `settings`.
pub async fn save_policy(cx: &Cx, policy: &str) -> Result<(), AppError> {
    let policy: Policy = policy.parse().map_err(|bad| AppError::field("policy", bad))?;
    audit::audited(&cx.app, cx.caller()?, Action::PasswordPolicyChanged, async |act| {
        let before = store::password_policy::get(&mut act.tx).await?;
        act.before(json!({ "policy": before.code() }));
        act.after(json!({ "policy": policy.code() }));
        Ok(store::password_policy::set(&mut act.tx, policy).await?)
    })
    .await
}
