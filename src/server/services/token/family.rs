//! The programs that are signed in with a person's account, and every way to sign them out but their own.

use serde_json::json;

use crate::{
    model::{
        audit::Action,
        id::{SessionId, UserId},
        session::EndCause,
    },
    server::{
        caller::Actor,
        http::{AppError, Cx},
        services::audit,
        store::lobby::{self, Family},
    },
};

/// The programs that are signed in with one's own account, in every business.
///
/// # Errors
/// Nobody is signed in; the database cannot be reached.
pub async fn families(cx: &Cx) -> Result<Vec<Family>, AppError> {
    Ok(lobby::token_families(cx.app.db(), cx.signed_in()?.user, cx.visitor.now).await?)
}

/// Signs one of one's own programs out, in whichever business it is. Its access tokens open nothing from now on.
///
/// # Errors
/// Missing when it is over, somebody else's, or never was.
pub async fn revoke(cx: &Cx, id: SessionId) -> Result<(), AppError> {
    let user = cx.signed_in()?.user;
    let family = families(cx).await?.into_iter().find(|family| family.id == id).ok_or(AppError::Missing)?;
    end(cx, user, &family, EndCause::Revoked).await
}

/// Signs all programs of a person out: for whoever changes what they sign in with. Says how many there were.
///
/// # Errors
/// The database cannot be reached.
pub async fn end_all(cx: &Cx, user: UserId, cause: EndCause) -> Result<usize, AppError> {
    let families = lobby::token_families(cx.app.db(), user, cx.visitor.now).await?;
    let mut ended = 0;
    for family in &families {
        match end(cx, user, family, cause).await {
            Ok(()) => ended += 1,
            // It ended by itself meanwhile.
            Err(AppError::Missing) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(ended)
}

async fn end(cx: &Cx, user: UserId, family: &Family, cause: EndCause) -> Result<(), AppError> {
    let actor = Actor::named(family.member, user);
    let caller = cx.caller_for()(actor, family.business);
    audit::audited(&cx.app, &caller, Action::TokenRevoked, async |act| {
        act.on("token_family", family.id.0);
        act.after(json!({ "cause": cause.code() }));
        Ok(lobby::token_revoke(&mut act.tx, family.id, user, cause).await?)
    })
    .await
}
