//! Founding a business: an address, a mail, a link, a password. Whether an address has an account is told to its
//! mailbox, never to the screen.

use serde_json::json;
use tokio::time::{Instant, sleep_until};
use tower_sessions::Session;

use super::{
    audit, link, lockout,
    session::{self, Proof},
};
use crate::{
    model::{
        audit::{Action, Outcome},
        field::{Fields, text},
        id::{BusinessId, MemberId, UserId},
        password::{self, Policy},
        personal::{Email, PersonName},
        profile::Profile,
    },
    server::{
        caller::Actor,
        http::{AppError, Cx, layers::LINK_COOKIE},
        kit::entropy::{Token, token_hash},
        mail::{self, Mail},
        store::lobby,
        vault::{Secret, password::normal},
    },
};

/// A mailed link is good for this long (security.md, rule 18).
pub const LINK_SECONDS: i64 = 600;

/// Takes an application and sends a mail: with the link, or, when the address has an account, with a note that it has.
///
/// # Errors
/// Invalid fields; limited per address of the network. Never whether the address is known, nor by the time it takes: a
/// known one writes less.
pub async fn start(cx: &Cx, email: &str, business: &str, profile: &str, zone: &str) -> Result<(), AppError> {
    if !cx.app.limits().may_try_sign_in(cx.visitor.address) {
        return Err(AppError::Limited { retry_after: 60 });
    }
    let mut fields = Fields::default();
    let email = fields.take("email", email.parse::<Email>());
    let business = fields.take("business", text(business, 80));
    let profile = fields.take("profile", profile.parse::<Profile>());
    let zone = fields.take("zone", super::business::zone(zone));
    let (Some(email), Some(business), Some(profile), Some(zone)) = (email, business, profile, zone) else {
        return Err(fields.into());
    };
    let answer_at = Instant::now() + session::REFUSAL;
    let token = Token::draw(cx.app.entropy());
    let started = lobby::sign_up_start(
        cx.app.db(),
        lobby::SignUpStart {
            id: cx.app.draw(),
            token_hash: &token.hash(),
            email: email.reveal(),
            business_name: &business,
            profile,
            zone: &zone,
            now: cx.visitor.now,
            expires: cx.visitor.now.plus(LINK_SECONDS),
        },
    )
    .await?;
    let mail = if started { Mail::sign_up(&cx.app, &email, &token) } else { Mail::already_here(&cx.app, &email) };
    mail::enqueue(&cx.app, &mail).await?;
    sleep_until(answer_at).await;
    Ok(())
}

/// What a sign-up token stands for.
///
/// # Errors
/// Missing when it is used, over, or never was.
pub async fn peek(cx: &Cx, token: &str) -> Result<lobby::SignUp, AppError> {
    lobby::sign_up_peek(cx.app.db(), &token_hash(token), cx.visitor.now).await?.ok_or(AppError::Missing)
}

/// Founds the business and signs its owner in.
///
/// # Errors
/// Invalid name or password; missing when the link is not good any more.
pub async fn finish(cx: &Cx, session: &Session, token: &str, name: &str, password: Secret) -> Result<(), AppError> {
    let sign_up = peek(cx, token).await?;
    let mut fields = Fields::default();
    let name = fields.take("name", name.parse::<PersonName>());
    let context = [sign_up.email.as_str(), &sign_up.business_name, name.as_ref().map_or("", PersonName::reveal)];
    fields.take("password", password::check_by(Policy::default(), normal(&password).expose(), &context));
    let Some(name) = name else { return Err(fields.into()) };
    fields.finish()?;
    let hash = cx.app.passwords().hash(password).await?;
    let (user, business, member): (UserId, BusinessId, MemberId) = (cx.app.draw(), cx.app.draw(), cx.app.draw());
    let key = cx.app.vault().new_data_key(business)?;
    let founding = lobby::Founding {
        token_hash: &token_hash(token),
        user,
        business,
        member,
        name: name.reveal(),
        password_hash: &hash,
        data_key: key.id,
        wrapped: &key.wrapped,
        master_key: &key.master_key,
    };
    let tx = lobby::sign_up_finish(cx.app.db(), founding, cx.caller_for(), cx.visitor.now)
        .await?
        .ok_or(AppError::Missing)?;
    audit::audited_in(&cx.app, tx, Action::BusinessCreated, async |act| {
        act.on("business", business.0);
        act.after(json!({ "profile": sign_up.profile.code() }));
        Ok(())
    })
    .await?;
    link::forget(LINK_COOKIE)?;
    session::start(cx, session, user, business, Proof::Password.code()).await?;
    lockout::passed(cx, user).await?;
    let caller = cx.caller_for()(Actor::named(member, user), business);
    audit::note(&cx.app, &caller, Action::SessionStarted, None, Outcome::Done, None).await
}
