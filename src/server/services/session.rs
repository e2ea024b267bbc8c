//! Signing in and out (ACC-1, ACC-5). Known and unknown addresses get the same answer in the same time.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep_until};
use tower_sessions::Session;

use crate::{
    model::{
        audit::{Action, Outcome},
        field::Bad,
        id::{BusinessId, UserId},
        personal::Email,
    },
    server::{
        caller::{Actor, Caller},
        http::{AppError, Cx},
        services::audit,
        store::{
            self,
            lobby::Membership,
            session::{BUSINESS, USER},
        },
        vault::{Secret, password::Verdict},
    },
};

/// A refused sign-in is answered no sooner than this. What is done for a known address and not for an unknown one (its
/// memberships are read, the refusal is written down) takes milliseconds and disappears in it.
const REFUSAL: Duration = Duration::from_millis(600);

/// Signs a person in to the business they joined first; `/switch` leads to the others.
///
/// # Errors
/// Invalid, with one and the same message in the same time, for an unknown address, a wrong password, and a person
/// without a business; limited per address of the network.
pub async fn sign_in(cx: &Cx, session: &Session, email: &str, password: Secret) -> Result<(), AppError> {
    let answer_at = Instant::now() + REFUSAL;
    let result = try_sign_in(cx, session, email, password).await;
    if matches!(result, Err(AppError::Invalid(_))) {
        sleep_until(answer_at).await;
    }
    result
}

async fn try_sign_in(cx: &Cx, session: &Session, email: &str, password: Secret) -> Result<(), AppError> {
    if !cx.app.limits().may_try_sign_in(cx.visitor.address) {
        return Err(AppError::Limited { retry_after: 60 });
    }
    let wrong = || AppError::field("password", Bad::Mismatch);
    let account = match email.parse::<Email>() {
        Ok(email) => store::lobby::sign_in_lookup(cx.app.db(), email.reveal()).await?,
        Err(_) => None,
    };
    let stored = account.as_ref().map(|a| a.password_hash.clone());
    let verdict = cx.app.passwords().verify(password.clone(), stored).await?;
    let Some(account) = account else { return Err(wrong()) };
    let memberships = store::lobby::memberships_of(cx.app.db(), account.user).await?;
    if verdict == Verdict::Wrong {
        for membership in &memberships {
            let caller = caller_of(cx, account.user, membership);
            audit::note(&cx.app, &caller, Action::SessionRefused, None, Outcome::Refused, None).await?;
        }
        return Err(wrong());
    }
    let Some(home) = memberships.first() else { return Err(wrong()) };
    if verdict == Verdict::RightButOld {
        let hash = cx.app.passwords().hash(password).await?;
        store::lobby::password_rehash(cx.app.db(), account.user, &hash).await?;
    }
    start(session, account.user, home.business).await?;
    audit::note(&cx.app, &caller_of(cx, account.user, home), Action::SessionStarted, None, Outcome::Done, None).await
}

/// Begins a session with a new id, whatever the browser brought (session fixation).
///
/// # Errors
/// The session store cannot be reached.
pub async fn start(session: &Session, user: UserId, business: BusinessId) -> Result<(), AppError> {
    let broken = |e: tower_sessions::session::Error| AppError::Unavailable(Box::new(e));
    // `flush` would keep the id that the browser brought for the next record: `cycle_id` draws a new one, and ends the
    // old session where there was one.
    if session.id().is_some() {
        session.clear().await;
        session.cycle_id().await.map_err(broken)?;
    }
    session.insert(USER, user).await.map_err(broken)?;
    session.insert(BUSINESS, business).await.map_err(broken)?;
    session.save().await.map_err(broken)
}

/// Ends the session here, its open streams, and writes it down.
///
/// # Errors
/// The session store cannot be reached.
pub async fn sign_out(cx: &Cx, session: &Session) -> Result<(), AppError> {
    if let Ok(person) = cx.signed_in() {
        audit::note(&cx.app, &person.caller, Action::SessionEnded, None, Outcome::Done, None).await?;
        cx.app.hub().end_session(&person.session);
    }
    session.flush().await.map_err(|e| AppError::Unavailable(Box::new(e)))
}

/// Goes on in another business of the same person, with a new session id.
///
/// # Errors
/// Missing when they are not a member there.
pub async fn switch(cx: &Cx, session: &Session, to: BusinessId) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let memberships = store::lobby::memberships_of(cx.app.db(), person.user).await?;
    let target = memberships.iter().find(|m| m.business == to).ok_or(AppError::Missing)?;
    cx.app.hub().end_session(&person.session);
    start(session, person.user, target.business).await?;
    let caller = caller_of(cx, person.user, target);
    audit::audited(&cx.app, &caller, Action::SessionSwitched, async |act| {
        act.on("member", target.member.0);
        act.after(json!({ "role": target.role.code() }));
        Ok(())
    })
    .await
}

fn caller_of(cx: &Cx, user: UserId, m: &Membership) -> Caller {
    cx.caller_for()(Actor::Member { member: m.member, user, role: m.role }, m.business)
}
