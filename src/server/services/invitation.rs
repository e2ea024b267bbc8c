//! Inviting and joining (ACC-6): by a mailed link, single use, seven days.

use serde_json::json;
use tower_sessions::Session;

use super::{
    audit, link,
    lockout::{self, Standing},
    role,
    session::{self, Proof},
};
use crate::{
    model::{
        audit::{Action, Outcome},
        field::{Bad, Fields},
        id::{InvitationId, MemberId, UserId},
        password::{self, Policy},
        personal::{Email, PersonName},
        role::{HeldRole, RoleRef},
    },
    server::{
        caller::{Actor, SignedIn},
        http::{AppError, Cx, layers::LINK_COOKIE},
        kit::entropy::{Token, token_hash},
        mail::{self, Mail},
        store::{self, TenantTx, lobby},
        vault::{
            Secret,
            password::{Verdict, normal},
        },
    },
};

/// An invitation is good for a week: people are on holiday.
const SECONDS: i64 = 7 * 24 * 3600;
/// Between two mails of the same invitation.
const PAUSE: i64 = 60;

/// Invites somebody. Nobody hands out what they do not have (PER-5).
///
/// # Errors
/// Invalid fields; refused when the role is above the inviter's, or that of an open invitation to the same address.
pub async fn invite(cx: &Cx, email: &str, role: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let mut fields = Fields::default();
    let email = fields.take("email", email.parse::<Email>());
    let role = fields.take("role", role.parse::<RoleRef>());
    let (Some(email), Some(role)) = (email, role) else { return Err(fields.into()) };
    let id: InvitationId = cx.app.draw();
    audit::audited(&cx.app, &person.caller, Action::MemberInvited, async |act| {
        act.on("invitation", id.0);
        let role = role::give(&mut act.tx, person, role).await?;
        act.after(role.told());
        if !person.grants.covers(role.grants) {
            return Err(AppError::Refused);
        }
        if store::member::email_is_known(&mut act.tx, &email).await? {
            return Err(AppError::field("email", Bad::Taken));
        }
        if !may_replace(&mut act.tx, person, &email).await? {
            return Err(AppError::Refused);
        }
        send(cx, &mut act.tx, id, &email, &role).await
    })
    .await
}

/// Whether who invites holds all that open invitations to the address give: another one withdraws those, and nobody takes
/// away what is above them.
///
/// # Errors
/// Refused without `team.invite`.
pub(super) async fn may_replace(tx: &mut TenantTx, person: &SignedIn, email: &Email) -> Result<bool, AppError> {
    let there = store::invitation::open_to(tx, email).await?;
    Ok(there.iter().all(|one| person.grants.covers(one.role.grants)))
}

/// Stores an invitation and queues its mail. An earlier one to the same address ends.
///
/// # Errors
/// Refused without `team.invite`. Whether the earlier one may end is the caller's to ask: [`may_replace`].
pub(super) async fn send(
    cx: &Cx,
    tx: &mut TenantTx,
    id: InvitationId,
    email: &Email,
    role: &HeldRole,
) -> Result<(), AppError> {
    let token = Token::draw(cx.app.entropy());
    store::invitation::insert(tx, id, email, role, &token.hash(), cx.visitor.now.plus(SECONDS)).await?;
    let mail = Mail::invitation(&cx.app, email, &cx.signed_in()?.business_name, role, &token);
    mail::enqueue_in(&cx.app, tx, &mail).await
}

/// Sends an invitation again: with a new link, good for another week. The old one ends.
///
/// # Errors
/// Missing when it is not open any more; refused when its role is above one's own; limited to one a minute.
pub async fn resend(cx: &Cx, id: InvitationId) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let new: InvitationId = cx.app.draw();
    audit::audited(&cx.app, &person.caller, Action::InvitationResent, async |act| {
        act.on("invitation", new.0);
        act.before(json!({ "invitation": id }));
        let old = store::invitation::take(&mut act.tx, id).await?;
        act.after(old.role.told());
        // Its role may hold more by now than when it was first sent.
        if !person.grants.covers(old.role.grants) {
            return Err(AppError::Refused);
        }
        let wait = PAUSE - cx.visitor.now.since(old.created_at);
        if wait > 0 {
            return Err(AppError::Limited { retry_after: u32::try_from(wait).unwrap_or(60) });
        }
        send(cx, &mut act.tx, new, &old.email, &old.role).await
    })
    .await
}

/// Withdraws an invitation.
///
/// # Errors
/// Conflict when it is not open any more; refused when its role is above one's own.
pub async fn revoke(cx: &Cx, id: InvitationId) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    audit::audited(&cx.app, &person.caller, Action::InvitationRevoked, async |act| {
        act.on("invitation", id.0);
        let open = match store::invitation::take(&mut act.tx, id).await {
            Err(store::StoreError::Missing) => return Err(AppError::Conflict),
            found => found?,
        };
        if !person.grants.covers(open.role.grants) {
            return Err(AppError::Refused);
        }
        Ok(store::invitation::revoke(&mut act.tx, id).await?)
    })
    .await
}

/// What an invitation's token stands for.
///
/// # Errors
/// Missing when it is used, withdrawn, over, or never was.
pub async fn peek(cx: &Cx, token: &str) -> Result<lobby::Invitation, AppError> {
    lobby::invitation_peek(cx.app.db(), &token_hash(token), cx.visitor.now).await?.ok_or(AppError::Missing)
}

/// What the inviting business asks of a password.
///
/// # Errors
/// The database cannot be reached.
pub async fn password_policy(cx: &Cx, invitation: &lobby::Invitation) -> Result<Policy, AppError> {
    Ok(lobby::password_policy_in(cx.app.db(), invitation.business).await?)
}

/// Joins: with a new account, or by proving the account that the address already has. Says where to go on.
///
/// # Errors
/// Invalid name or password; missing when the invitation is not good any more; limited per address of the network.
pub async fn accept(cx: &Cx, session: &Session, token: &str, name: &str, password: Secret) -> Result<String, AppError> {
    if !cx.app.limits().may_try_sign_in(cx.visitor.address) {
        return Err(AppError::Limited { retry_after: 60 });
    }
    let invitation = peek(cx, token).await?;
    let mut fields = Fields::default();
    let name = fields.take("name", name.parse::<PersonName>());
    if !invitation.has_account {
        let context =
            [invitation.email.as_str(), &invitation.business_name, name.as_ref().map_or("", PersonName::reveal)];
        let policy = password_policy(cx, &invitation).await?;
        fields.take("password", password::check_by(policy, normal(&password).expose(), &context));
    }
    let Some(name) = name else { return Err(fields.into()) };
    fields.finish()?;
    let hash = if invitation.has_account {
        prove_account(cx, &invitation.email, password).await?;
        String::new()
    } else {
        cx.app.passwords().hash(password).await?
    };
    let (new_user, member): (UserId, MemberId) = (cx.app.draw(), cx.app.draw());
    let joining =
        lobby::Joining { token_hash: &token_hash(token), new_user, member, name: name.reveal(), password_hash: &hash };
    let (tx, id, user) = lobby::invitation_accept(cx.app.db(), joining, cx.caller_for(), cx.visitor.now)
        .await?
        .ok_or(AppError::Missing)?;
    audit::audited_in(&cx.app, tx, Action::MemberJoined, async |act| {
        act.on("invitation", id.0);
        act.after(json!({ "role": invitation.role.code() }));
        Ok(())
    })
    .await?;
    link::forget(LINK_COOKIE)?;
    if invitation.has_account {
        // Their second factor is asked for as at any sign-in.
        return session::admit(cx, session, user, Proof::Password, "/switch").await;
    }
    session::start(cx, session, user, invitation.business, Proof::Password.code()).await?;
    lockout::passed(cx, user).await?;
    let caller = cx.caller_for()(Actor::named(member, user), invitation.business);
    audit::note(&cx.app, &caller, Action::SessionStarted, None, Outcome::Done, None).await?;
    Ok("/home".to_owned())
}

async fn prove_account(cx: &Cx, email: &str, password: Secret) -> Result<(), AppError> {
    let wrong = || AppError::field("password", Bad::Mismatch);
    let account = lobby::sign_in_lookup(cx.app.db(), email).await?.ok_or_else(wrong)?;
    let verdict = cx.app.passwords().verify(password, Some(account.password_hash)).await?;
    if lockout::standing(cx, account.user).await? != Standing::Open {
        return Err(wrong());
    }
    if verdict == Verdict::Wrong {
        lockout::failed(cx, account.user).await?;
        session::note_refused(cx, account.user).await?;
        return Err(wrong());
    }
    Ok(())
}
