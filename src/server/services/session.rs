//! Signing in and out (ACC-1, ACC-3, ACC-5, ACC-8). Known and unknown addresses get the same answer in the same time.
//!
//! Every way in ends in [`admit`] with its [`Proof`]. To add a way: a proof, and a service that calls it.

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
        session::EndCause,
    },
    server::{
        boot::router::SESSION_COOKIE,
        caller::{Actor, Caller},
        http::{
            AppError, Cx,
            action::{local, set_cookie},
        },
        kit::At,
        services::{
            audit, challenge, factor,
            lockout::{self, Standing},
            role::view::{self, ViewEnd},
        },
        store::{
            self,
            lobby::Membership,
            session::{ABSOLUTE_SECONDS, AGENT, BUSINESS, ENDS, MEANS, NETWORK, PROVED, USER},
        },
        vault::{Secret, password::Verdict},
    },
};

/// A refused sign-in is answered no sooner than this. What is done for a known address and not for an unknown one (its
/// memberships are read, the refusal is written down) takes milliseconds and disappears in it.
pub const REFUSAL: Duration = Duration::from_millis(600);

/// Signs a person in to the business they joined first, or asks for their second factor; `/switch` leads to their other
/// businesses. Says where to go on.
///
/// # Errors
/// Invalid, with one and the same message in the same time, for an unknown address, a wrong password, and a person
/// without a business; limited per address of the network.
pub async fn sign_in(
    cx: &Cx,
    session: &Session,
    email: &str,
    password: Secret,
    next: &str,
) -> Result<String, AppError> {
    let answer_at = Instant::now() + REFUSAL;
    let result = try_sign_in(cx, session, email, password, next).await;
    if matches!(result, Err(AppError::Invalid(_))) {
        sleep_until(answer_at).await;
    }
    result
}

async fn try_sign_in(
    cx: &Cx,
    session: &Session,
    email: &str,
    password: Secret,
    next: &str,
) -> Result<String, AppError> {
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
    // A locked account costs and answers the same as a wrong password: the hash was computed all the same (ACC-4).
    let locked = lockout::standing(cx, account.user).await? != Standing::Open;
    if locked || verdict == Verdict::Wrong {
        if !locked {
            lockout::failed(cx, account.user).await?;
        }
        note_refused(cx, account.user).await?;
        return Err(wrong());
    }
    if verdict == Verdict::RightButOld {
        let hash = cx.app.passwords().hash(password).await?;
        store::lobby::password_rehash(cx.app.db(), account.user, &hash).await?;
    }
    match admit(cx, session, account.user, Proof::Password, next).await {
        // Somebody without a business is told no more than a stranger.
        Err(AppError::Missing) => Err(wrong()),
        other => other,
    }
}

/// Writes a refused sign-in down, in each business of the person.
///
/// # Errors
/// The database cannot be reached.
pub async fn note_refused(cx: &Cx, user: UserId) -> Result<(), AppError> {
    for membership in store::lobby::memberships_of(cx.app.db(), user).await? {
        let caller = caller_of(cx, user, &membership);
        audit::note(&cx.app, &caller, Action::SessionRefused, None, Outcome::Refused, None).await?;
    }
    Ok(())
}

/// How somebody has shown who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Password,
    /// A mailed link, or the code that stands for it.
    Link,
    Passkey,
    Google,
    Totp,
    Recovery,
    EmailCode,
    TextCode,
}

impl Proof {
    /// As sessions and audit entries name it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Passkey => "passkey",
            Self::Google => "google",
            Self::Totp => "totp",
            Self::Recovery => "recovery",
            Self::EmailCode => "email_code",
            Self::TextCode => "text_code",
        }
    }
}

/// The first proof was good: starts the session, or asks for the second factor (ACC-3). Says where to go on. A passkey is
/// two factors in one.
///
/// # Errors
/// Missing for a person without a business; the database cannot be reached.
pub async fn admit(cx: &Cx, session: &Session, user: UserId, proof: Proof, next: &str) -> Result<String, AppError> {
    let next = local(next).unwrap_or("/home");
    let factors = store::lobby::factors_of(cx.app.db(), user).await?;
    if factors.any() && proof != Proof::Passkey {
        challenge::begin(cx, user, proof, next).await?;
        return Ok("/sign-in/factor".to_owned());
    }
    enter(cx, session, user, proof.code()).await?;
    Ok(next.to_owned())
}

/// Everything is proved: a new session in the business that the person joined first. `means` names the proofs.
///
/// # Errors
/// Missing for a person without a business; the database cannot be reached.
pub async fn enter(cx: &Cx, session: &Session, user: UserId, means: &str) -> Result<(), AppError> {
    let memberships = store::lobby::memberships_of(cx.app.db(), user).await?;
    let home = memberships.first().ok_or(AppError::Missing)?;
    start(cx, session, user, home.business, means).await?;
    lockout::passed(cx, user).await?;
    audit::audited(&cx.app, &caller_of(cx, user, home), Action::SessionStarted, async |act| {
        act.on("member", home.member.0);
        act.after(json!({ "means": means }));
        Ok(())
    })
    .await
}

/// Begins a session with a new id, whatever the browser brought (session fixation). The person has just proved who they
/// are, by `means`. A view of the product as another role ends with the session before.
///
/// # Errors
/// The session store or the database cannot be reached.
pub async fn start(
    cx: &Cx,
    session: &Session,
    user: UserId,
    business: BusinessId,
    means: &str,
) -> Result<(), AppError> {
    if let Ok(before) = cx.signed_in() {
        view::note_end(cx, before, ViewEnd::SignedIn).await?;
    }
    let now = cx.visitor.now;
    begin(cx, session, user, business, Basis { means, proved: now, ends: now.plus(ABSOLUTE_SECONDS) }).await
}

/// What a session rests on.
struct Basis<'a> {
    means: &'a str,
    proved: At,
    ends: At,
}

async fn begin(
    cx: &Cx,
    session: &Session,
    user: UserId,
    business: BusinessId,
    basis: Basis<'_>,
) -> Result<(), AppError> {
    // `flush` would keep the id that the browser brought for the next record: `cycle_id` draws a new one, and ends the
    // old session where there was one.
    if session.id().is_some() {
        session.clear().await;
        session.cycle_id().await.map_err(broken)?;
    }
    session.insert(USER, user).await.map_err(broken)?;
    session.insert(BUSINESS, business).await.map_err(broken)?;
    session.insert(AGENT, &*cx.visitor.agent).await.map_err(broken)?;
    session.insert(NETWORK, cx.visitor.origin.network.clone().unwrap_or_default()).await.map_err(broken)?;
    session.insert(MEANS, basis.means).await.map_err(broken)?;
    session.insert(PROVED, basis.proved.as_second()).await.map_err(broken)?;
    session.insert(ENDS, basis.ends.as_second()).await.map_err(broken)?;
    session.save().await.map_err(broken)
}

fn broken(error: tower_sessions::session::Error) -> AppError {
    AppError::Unavailable(Box::new(error))
}

/// A further proof of somebody who is signed in (ACC-8): the session goes on under a new id, freshly proved.
///
/// # Errors
/// Nobody is signed in; the session store cannot be reached.
pub async fn prove(cx: &Cx, session: &Session, proof: Proof) -> Result<(), AppError> {
    go_on(cx, session, cx.visitor.now).await?;
    audit::audited(&cx.app, cx.caller()?, Action::SessionProved, async |act| {
        act.after(json!({ "means": proof.code() }));
        Ok(())
    })
    .await
}

/// The session goes on under a new id, proved as long ago as before.
///
/// # Errors
/// As [`prove`].
pub async fn renew(cx: &Cx, session: &Session) -> Result<(), AppError> {
    go_on(cx, session, cx.signed_in()?.proved).await
}

async fn go_on(cx: &Cx, session: &Session, proved: At) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    // Loaded before its row goes, so that what it holds goes on; a session that was ended meanwhile does not.
    session.load().await.map_err(broken)?;
    if !store::lobby::session_forget(cx.app.db(), &person.session).await? {
        return Err(AppError::SignedOut);
    }
    cx.app.hub().end_session(&person.session);
    session.cycle_id().await.map_err(broken)?;
    session.insert(PROVED, proved.as_second()).await.map_err(broken)?;
    session.save().await.map_err(broken)
}

/// Asks somebody who is signed in again who they are: by a code of their authenticator app, or a recovery code, if they
/// have an app or a passkey (which has a door of its own: `passkey::confirm`), else by password. A stolen session with a
/// phished password must not be enough to take either away.
///
/// # Errors
/// Invalid when it is wrong, or after too many wrong ones; limited per address of the network.
pub async fn confirm(cx: &Cx, session: &Session, password: Secret, code: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    if !cx.app.limits().may_try_sign_in(cx.visitor.address) {
        return Err(AppError::Limited { retry_after: 60 });
    }
    // Who needs a mailed link to sign in has signed in already.
    let open = lockout::standing(cx, person.user).await? != Standing::Locked;
    let factors = store::lobby::factors_of(cx.app.db(), person.user).await?;
    let by_code = factors.beyond_password();
    let proof = if by_code {
        factor::check_code(&cx.app, person.user, code, cx.visitor.now).await?
    } else {
        let account = store::lobby::sign_in_lookup(cx.app.db(), person.email.reveal()).await?;
        let verdict = cx.app.passwords().verify(password, account.map(|a| a.password_hash)).await?;
        (verdict != Verdict::Wrong).then_some(Proof::Password)
    };
    match proof {
        Some(proof) if open => prove(cx, session, proof).await,
        _ => {
            if open {
                lockout::failed(cx, person.user).await?;
            }
            audit::note(&cx.app, &person.caller, Action::SessionProved, None, Outcome::Refused, None).await?;
            let (field, problem) = if by_code { ("code", Bad::Code) } else { ("password", Bad::Password) };
            Err(AppError::field(field, problem))
        }
    }
}

/// Ends the session here, its open streams, and writes it down.
///
/// # Errors
/// The session store cannot be reached.
pub async fn sign_out(cx: &Cx, session: &Session) -> Result<(), AppError> {
    if let Ok(person) = cx.signed_in() {
        view::note_end(cx, person, ViewEnd::SignedOut).await?;
        audit::note(&cx.app, &person.caller, Action::SessionEnded, None, Outcome::Done, None).await?;
        cx.app.hub().end_session(&person.session);
    }
    session.flush().await.map_err(|e| AppError::Unavailable(Box::new(e)))?;
    // The session layer takes the cookie away without `Secure`, which a browser does not accept for a `__Host-` name.
    set_cookie(&format!("{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"))
}

/// Goes on in another business of the same person, with a new session id.
///
/// # Errors
/// Missing when they are not a member there.
pub async fn switch(cx: &Cx, session: &Session, to: BusinessId) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let memberships = store::lobby::memberships_of(cx.app.db(), person.user).await?;
    let target = memberships.iter().find(|m| m.business == to).ok_or(AppError::Missing)?;
    // A change of business proves nothing: the session ends when it would have.
    let ends: Option<i64> = session.get(ENDS).await.map_err(broken)?;
    // Ended here and not by the new id's coming, for the cause; a session that was ended meanwhile does not go on.
    if !store::lobby::session_end(cx.app.db(), &person.session, EndCause::Switched, cx.visitor.now).await? {
        return Err(AppError::SignedOut);
    }
    cx.app.hub().end_session(&person.session);
    view::note_end(cx, person, ViewEnd::Switched).await?;
    let ends = ends.map_or_else(|| cx.visitor.now.plus(ABSOLUTE_SECONDS), At::from_second);
    let basis = Basis { means: &person.means, proved: person.proved, ends };
    begin(cx, session, person.user, target.business, basis).await?;
    let caller = caller_of(cx, person.user, target);
    audit::audited(&cx.app, &caller, Action::SessionSwitched, async |act| {
        act.on("member", target.member.0);
        act.after(json!({ "role": target.role.code() }));
        Ok(())
    })
    .await
}

fn caller_of(cx: &Cx, user: UserId, m: &Membership) -> Caller {
    cx.caller_for()(Actor::named(m.member, user), m.business)
}
