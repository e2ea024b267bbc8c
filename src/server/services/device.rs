//! One's sessions and devices: ending one, all others, or those of a member (ACC-5). Whatever ended loses its streams
//! on this node at once, on the others within a second (`live::relay`).

use serde_json::json;

use super::audit;
use crate::{
    model::{
        audit::{Action, Outcome},
        id::{MemberId, SessionId, UserId},
        session::EndCause,
    },
    server::{
        boot::App,
        caller::{Actor, SessionHash, SignedIn},
        http::{AppError, Cx, action},
        store::{self, audit::Target},
    },
};

/// Ends one of one's own sessions, in whichever business it is.
///
/// # Errors
/// Missing when it is over, somebody else's, or never was.
pub async fn revoke(cx: &Cx, id: SessionId) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let ended = audit::audited(&cx.app, &person.caller, Action::SessionRevoked, async |act| {
        act.on("session", id.0);
        let ended = store::lobby::session_end_by_id(&mut act.tx, person.user, id, EndCause::Revoked).await?;
        ended.ok_or(AppError::Missing)
    })
    .await?;
    end_streams(&cx.app, &[ended]);
    note_elsewhere(cx, person, Action::SessionRevoked, Some(Target { kind: "session", id: Some(id.0) })).await
}

/// Ends all of one's own sessions but this one, in every business. Says how many there were.
///
/// # Errors
/// Nobody is signed in.
pub async fn revoke_others(cx: &Cx) -> Result<usize, AppError> {
    let person = cx.signed_in()?;
    let ended = audit::audited(&cx.app, &person.caller, Action::SessionsRevokedOthers, async |act| {
        let (keep, cause) = (Some(&person.session), EndCause::Revoked);
        let ended = store::lobby::sessions_end_others_in(&mut act.tx, person.user, keep, cause).await?;
        act.after(json!({ "sessions_ended": ended.len() }));
        Ok(ended)
    })
    .await?;
    end_streams(&cx.app, &ended);
    note_elsewhere(cx, person, Action::SessionsRevokedOthers, None).await?;
    Ok(ended.len())
}

/// Ends all sessions of a person, in every business, but the one that asks: for whoever changes what they sign in with.
/// The one that asks is the session as it is now, so it lives on after `session::start` and `session::prove`, which
/// give it a new id; where nobody is signed in, all end. What caused it is written down by who calls.
///
/// # Errors
/// The database cannot be reached.
pub async fn end_others(cx: &Cx, user: UserId, cause: EndCause) -> Result<(), AppError> {
    let keep = current(cx);
    let ended = store::lobby::sessions_end_others(cx.app.db(), user, keep.as_ref(), cause, cx.visitor.now).await?;
    end_streams(&cx.app, &ended);
    // What a program holds was got by the old means too.
    super::token::end_all(cx, user, cause).await?;
    Ok(())
}

/// Ends the sessions of a member in this business, and their programs. Nobody touches who holds more than they do. Says how many there
/// were.
///
/// # Errors
/// Refused without the right, or for somebody who holds more; missing when it is nobody of this business.
pub async fn end_member(cx: &Cx, id: MemberId) -> Result<usize, AppError> {
    let person = cx.signed_in()?;
    let ended = audit::audited(&cx.app, &person.caller, Action::MemberSessionsEnded, async |act| {
        act.on("member", id.0);
        let member = store::member::get(&mut act.tx, id).await?;
        if !person.grants.covers(member.role.grants) {
            return Err(AppError::Refused);
        }
        let ended = store::lobby::sessions_end_member(&mut act.tx, id, EndCause::Revoked).await?;
        let programs = store::lobby::token_families_revoke_member(&mut act.tx, id).await?;
        act.after(json!({ "sessions_ended": ended.len(), "programs_ended": programs }));
        Ok(ended)
    })
    .await?;
    end_streams(&cx.app, &ended);
    Ok(ended.len())
}

/// Ends the streams that sessions held on this node. Only after the end was committed: a stream that is cut sooner
/// comes back by itself, with a session that is still good.
pub fn end_streams(app: &App, ended: &[SessionHash]) {
    for session in ended {
        app.hub().end_session(session);
    }
}

/// The session that asks: in an action as it is now, elsewhere as it came.
fn current(cx: &Cx) -> Option<SessionHash> {
    let now = action::session().ok().and_then(|session| session.id()).map(store::session::hash);
    now.or_else(|| cx.visitor.signed_in.as_ref().map(|person| person.session.clone()))
}

/// Writes the act down in the person's other businesses too: the sessions may have been there.
async fn note_elsewhere(cx: &Cx, person: &SignedIn, action: Action, target: Option<Target>) -> Result<(), AppError> {
    let memberships = store::lobby::memberships_of(cx.app.db(), person.user).await?;
    for m in memberships.iter().filter(|m| m.business != person.caller.business) {
        let actor = Actor::named(m.member, person.user);
        let caller = cx.caller_for()(actor, m.business);
        audit::note(&cx.app, &caller, action, target, Outcome::Done, None).await?;
    }
    Ok(())
}
