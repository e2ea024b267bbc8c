//! Joining a business with an account of the provider's (ACC-6): for somebody who has no account here. The address that
//! the provider has checked must be the invited one. What is refused leaves the invitation as it was.

use serde_json::json;
use tower_sessions::Session;

use super::{
    refusal::Refusal,
    way::{Stop, begin, prove, settle},
};
use crate::{
    model::{
        audit::{Action, Outcome},
        id::{MemberId, UserId},
        personal::{Email, PersonName},
    },
    server::{
        caller::Actor,
        http::{AppError, Cx, layers::LINK_COOKIE},
        kit::entropy::{Token, token_hash},
        providers::oidc::Proven,
        services::{
            audit, invitation, link as mailed, lockout,
            session::{self, Proof},
        },
        store::lobby::{self, Invitation, Joining, OidcPurpose},
        vault::Secret,
    },
};

/// Where an invitation is looked at.
const JOIN_PATH: &str = "/join";

/// Sends somebody who was invited to the provider. `token` is the invitation's. Says where to go.
///
/// # Errors
/// As [`super::start`].
pub async fn start_join(cx: &Cx, token: &str) -> Result<String, AppError> {
    settle(try_start(cx, token).await)
}

async fn try_start(cx: &Cx, token: &str) -> Result<String, Stop> {
    let Some(invitation) = open(cx, token).await? else { return Ok(JOIN_PATH.to_owned()) };
    if invitation.has_account {
        return Err(Refusal::Account.into());
    }
    begin(cx, OidcPurpose::Join, None, Some(&token_hash(token)), JOIN_PATH).await
}

/// The invitation, while it is good; its own page says when it is not.
async fn open(cx: &Cx, token: &str) -> Result<Option<Invitation>, AppError> {
    match invitation::peek(cx, token).await {
        Ok(invitation) => Ok(Some(invitation)),
        Err(AppError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Joins as whom the provider has named, with a new account that is linked with that one and that no password opens
/// until its person chooses one by mail. Says where to go on.
///
/// # Errors
/// An unacceptable name, before anything is used up; as [`super::start`].
pub async fn join(cx: &Cx, session: &Session, token: &str, name: &str) -> Result<String, AppError> {
    settle(try_join(cx, session, token, name).await)
}

async fn try_join(cx: &Cx, session: &Session, token: &str, name: &str) -> Result<String, Stop> {
    mailed::limited(cx)?;
    let name: PersonName = name.parse().map_err(|bad| AppError::field("name", bad))?;
    let (request, proven) = prove(cx, OidcPurpose::Join).await?;
    if request.invitation_hash != Some(token_hash(token)) {
        return Err(Refusal::Late.into());
    }
    let Some(invitation) = open(cx, token).await? else { return Ok(JOIN_PATH.to_owned()) };
    if invitation.has_account {
        return Err(Refusal::Account.into());
    }
    is_invited(&invitation, &proven)?;
    let owner = lobby::identity_use(cx.app.db(), &proven.issuer, &proven.subject, cx.visitor.now).await?;
    if owner.is_some() {
        return Err(Refusal::Taken.into());
    }
    let (user, member) = accept(cx, token, &invitation, &name, &proven).await?;
    mailed::forget(LINK_COOKIE)?;
    let means = Proof::Google.code();
    session::start(cx, session, user, invitation.business, means).await?;
    lockout::passed(cx, user).await?;
    let caller = cx.caller_for()(Actor::named(member, user), invitation.business);
    audit::note(&cx.app, &caller, Action::SessionStarted, None, Outcome::Done, None).await?;
    Ok("/home".to_owned())
}

/// The provider's word for an address counts only if it has checked it.
fn is_invited(invitation: &Invitation, proven: &Proven) -> Result<(), Refusal> {
    let Some(email) = &proven.email else { return Err(Refusal::Unchecked) };
    let invited = invitation.email.parse::<Email>().is_ok_and(|invited| invited == *email);
    if invited { Ok(()) } else { Err(Refusal::Address) }
}

/// Account, membership and link in one transaction with their entry.
async fn accept(
    cx: &Cx,
    token: &str,
    invitation: &Invitation,
    name: &PersonName,
    proven: &Proven,
) -> Result<(UserId, MemberId), Stop> {
    // Of 256 random bits that nobody is told.
    let nobodys = Secret::new(Token::draw(cx.app.entropy()).reveal().to_owned());
    let hash = cx.app.passwords().hash(nobodys).await?;
    let (new_user, member): (UserId, MemberId) = (cx.app.draw(), cx.app.draw());
    let token_hash = token_hash(token);
    let joining = Joining { token_hash: &token_hash, new_user, member, name: name.reveal(), password_hash: &hash };
    let accepted = lobby::invitation_accept(cx.app.db(), joining, cx.caller_for(), cx.visitor.now).await?;
    let (tx, id, user) = accepted.ok_or(Refusal::Late)?;
    // Somebody made an account for the address at this moment: its own proof is needed, so nothing is committed.
    if user != new_user {
        return Err(Refusal::Account.into());
    }
    audit::audited_in(&cx.app, tx, Action::MemberJoined, async |act| {
        act.on("invitation", id.0);
        act.after(json!({ "role": invitation.role.code(), "means": Proof::Google.code() }));
        if lobby::identity_add(&mut act.tx, user, &proven.issuer, &proven.subject).await? {
            Ok(())
        } else {
            Err(AppError::Conflict)
        }
    })
    .await?;
    Ok((user, member))
}
