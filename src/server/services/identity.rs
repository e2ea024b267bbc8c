//! Signing in with a provider of identities, like Google (ACC-6): code flow with PKCE, state and nonce. An identity is
//! issuer and subject; an address links nothing and opens nothing, except the invitation that was sent to it.
//!
//! Somebody is sent to the provider by [`start`], [`start_link`] or [`start_join`], with a cookie that only this browser
//! has. The way back is a GET and changes nothing: [`returned`] moves what the provider says into a short cookie, and
//! only the button on the next page uses it up ([`enter`], [`link`](link()), [`join`]). So no session begins without a
//! press, and no answer counts twice or in another browser. What goes wrong is a [`Refusal`], a page of its own.

mod joining;
mod refusal;
mod way;

pub use joining::{join, start_join};
pub use refusal::Refusal;
use serde_json::{Value, json};
use tower_sessions::Session;
pub use way::{Answer, CODE_COOKIE, COOKIE, RETURN_PATH, Returned, returned, waiting};
use way::{Stop, begin, prove, provider, settle};

use super::{
    audit, device, link as mailed,
    session::{self, Proof},
};
use crate::{
    model::{audit::Action, session::EndCause},
    server::{
        caller::SignedIn,
        http::{AppError, Cx, action::local},
        mail::{self, Mail},
        store::lobby::{self, Identity, OidcPurpose},
    },
};

/// The page of one's linked account.
pub const PATH: &str = "/account/linked";
/// The longest path to go on at that is kept.
const LONGEST_NEXT: usize = 1_000;

/// What the provider is called here; absent when nobody signs in this way.
#[must_use]
pub fn name(cx: &Cx) -> Option<String> {
    cx.app.oidc().map(|oidc| oidc.name().to_owned())
}

/// Sends somebody to the provider to sign in. Says where: there, or at a page of ours that says why not.
///
/// # Errors
/// Missing when there is no provider; limited per address of the network; the database cannot be reached.
pub async fn start(cx: &Cx, next: &str) -> Result<String, AppError> {
    let next = local(next).filter(|next| next.len() <= LONGEST_NEXT).unwrap_or("/home");
    settle(begin(cx, OidcPurpose::SignIn, None, None, next).await)
}

/// Signs in whom the provider has named, or asks for their second factor. Says where to go on. Whether the address that
/// the provider knows has an account here is not looked at, so the answer cannot tell.
///
/// # Errors
/// As [`start`].
pub async fn enter(cx: &Cx, session: &Session) -> Result<String, AppError> {
    settle(try_enter(cx, session).await)
}

async fn try_enter(cx: &Cx, session: &Session) -> Result<String, Stop> {
    mailed::limited(cx)?;
    let (request, proven) = prove(cx, OidcPurpose::SignIn).await?;
    let user = lobby::identity_use(cx.app.db(), &proven.issuer, &proven.subject, cx.visitor.now).await?;
    let user = user.ok_or(Refusal::Unknown)?;
    match session::admit(cx, session, user, Proof::Google, &request.next).await {
        // Somebody without a business is told no more than a stranger.
        Err(AppError::Missing) => Err(Refusal::Unknown.into()),
        other => Ok(other?),
    }
}

/// The account that the signed-in person has linked.
///
/// # Errors
/// Missing when there is no provider; nobody is signed in; the database cannot be reached.
pub async fn linked(cx: &Cx) -> Result<Option<Identity>, AppError> {
    let issuer = provider(cx)?.issuer();
    Ok(lobby::identity_of(cx.app.db(), cx.signed_in()?.user, issuer).await?)
}

/// Sends who is signed in to the provider, to link an account there. They have just proved this one: the door asks again
/// who one is (ACC-8).
///
/// # Errors
/// As [`start`]; nobody is signed in.
pub async fn start_link(cx: &Cx) -> Result<String, AppError> {
    let user = cx.signed_in()?.user;
    settle(begin(cx, OidcPurpose::Link, Some(user), None, PATH).await)
}

/// Links the account that the provider has named, which proves the other one. Other sessions end, and the person is
/// mailed. Says where to go on.
///
/// # Errors
/// As [`start_link`].
pub async fn link(cx: &Cx) -> Result<String, AppError> {
    settle(try_link(cx).await)
}

async fn try_link(cx: &Cx) -> Result<String, Stop> {
    mailed::limited(cx)?;
    let person = cx.signed_in()?;
    let (request, proven) = prove(cx, OidcPurpose::Link).await?;
    // Somebody else has signed in here meanwhile.
    if request.user != Some(person.user) {
        return Err(Refusal::Late.into());
    }
    let name = provider(cx)?.name();
    let linked = audit::audited(&cx.app, &person.caller, Action::IdentityLinked, async |act| {
        act.on("member", person.member.0);
        act.after(means());
        if !lobby::identity_add(&mut act.tx, person.user, &proven.issuer, &proven.subject).await? {
            return Err(AppError::Conflict);
        }
        let mail = Mail::identity_linked(&cx.app, &person.email, name);
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await
    })
    .await;
    match linked {
        Err(AppError::Conflict) => return Err(Refusal::Taken.into()),
        other => other?,
    }
    changed(cx, person, Action::IdentityLinked).await?;
    Ok(PATH.to_owned())
}

/// Takes the link away. Other sessions end, and the person is mailed.
///
/// # Errors
/// Conflict when there was none; missing when there is no provider; nobody is signed in.
pub async fn unlink(cx: &Cx) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let oidc = provider(cx)?;
    audit::audited(&cx.app, &person.caller, Action::IdentityUnlinked, async |act| {
        act.on("member", person.member.0);
        act.after(means());
        if !lobby::identity_remove(&mut act.tx, person.user, oidc.issuer()).await? {
            return Err(AppError::Conflict);
        }
        let mail = Mail::identity_unlinked(&cx.app, &person.email, oidc.name());
        mail::enqueue_in(&cx.app, &mut act.tx, &mail).await
    })
    .await?;
    changed(cx, person, Action::IdentityUnlinked).await
}

/// What an entry says of it: who somebody is at the provider is nobody's business here.
fn means() -> Value {
    json!({ "means": Proof::Google.code() })
}

/// What follows when a link came or went. The sessions first: they are what somebody else may hold.
async fn changed(cx: &Cx, person: &SignedIn, action: Action) -> Result<(), AppError> {
    device::end_others(cx, person.user, EndCause::Identity).await?;
    note_elsewhere(cx, person, action).await
}

/// Writes the act down in the person's other businesses too: the account is theirs everywhere.
async fn note_elsewhere(cx: &Cx, person: &SignedIn, action: Action) -> Result<(), AppError> {
    let memberships = lobby::memberships_of(cx.app.db(), person.user).await?;
    for m in memberships.iter().filter(|m| m.business != person.caller.business) {
        audit::audited(&cx.app, &mailed::caller_of(cx, person.user, m), action, async |act| {
            act.on("member", m.member.0);
            act.after(means());
            Ok(())
        })
        .await?;
    }
    Ok(())
}
