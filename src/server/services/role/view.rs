//! Viewing the product as another role (PER-6): what a person may do is narrowed to what that role may do as well, at every door and
//! on every stream, until they stop. It stands in their session, so it goes along when the session gets a new id, and it
//! never gives anything. Beginning and end are entries.

use serde_json::json;
use tower_sessions::Session;

use super::chosen;
use crate::{
    model::{audit::Action, permission::Permission, role::RoleRef},
    server::{
        caller::SignedIn,
        http::{AppError, Cx},
        services::audit,
        store::session::VIEW,
    },
};

/// Why a view ended, as entries say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewEnd {
    Stopped,
    /// They signed in anew over the session.
    SignedIn,
    SignedOut,
    Switched,
}

impl ViewEnd {
    const fn code(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::Switched => "switched",
        }
    }
}

fn broken(error: tower_sessions::session::Error) -> AppError {
    AppError::Unavailable(Box::new(error))
}

/// Begins to view the product as a role.
///
/// # Errors
/// Invalid when there is no such role; conflict when they view it as one already; refused without `roles.read`.
pub async fn start(cx: &Cx, session: &Session, role: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let role = role.parse::<RoleRef>().map_err(|bad| AppError::field("role", bad))?;
    audit::audited(&cx.app, &person.caller, Action::RoleViewStarted, async |act| {
        act.on("member", person.member.0);
        act.tx.may_all(Permission::RolesRead)?;
        if person.view.is_some() {
            return Err(AppError::Conflict);
        }
        let role = chosen(&mut act.tx, role).await?;
        act.after(role.told());
        session.insert(VIEW, role.code()).await.map_err(broken)?;
        session.save().await.map_err(broken)
    })
    .await?;
    // On other nodes, and for what comes later, the watch on streams sees the narrower rights.
    cx.app.hub().end_session(&person.session);
    Ok(())
}

/// Stops it. Who does not view the product as a role has nothing to stop, and that is fine: the button may be of an old page.
///
/// # Errors
/// Nobody is signed in; the session store cannot be reached.
pub async fn stop(cx: &Cx, session: &Session) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    if person.view.is_none() {
        return Ok(());
    }
    audit::audited(&cx.app, &person.caller, Action::RoleViewEnded, async |act| {
        act.on("member", person.member.0);
        act.after(json!({ "cause": ViewEnd::Stopped.code() }));
        Ok(())
    })
    .await?;
    // Only now: nobody sees more again before the log says so.
    session.remove_value(VIEW).await.map_err(broken)?;
    session.save().await.map_err(broken)?;
    cx.app.hub().end_session(&person.session);
    Ok(())
}

/// Writes down that a view ends with its session.
///
/// # Errors
/// The database cannot be reached.
pub async fn note_end(cx: &Cx, person: &SignedIn, end: ViewEnd) -> Result<(), AppError> {
    if person.view.is_none() {
        return Ok(());
    }
    audit::audited(&cx.app, &person.caller, Action::RoleViewEnded, async |act| {
        act.on("member", person.member.0);
        act.after(json!({ "cause": end.code() }));
        Ok(())
    })
    .await
}
