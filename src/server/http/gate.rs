//! The permission wall's outer side (PER-3): before a handler runs, the door's need is held against the caller.

use axum::{
    body::{Bytes, to_bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    AppError, Cx,
    action::{append_cookie, back, see_other},
    cx::Visitor,
    doors::{Door, FORM_BYTES, Kind},
    flash::Flash,
};
use crate::model::permission::Need;

/// The page that asks again who one is.
pub const CONFIRM_PATH: &str = "/confirm";

/// The page on which people set up their second factor.
pub const FACTOR_PATH: &str = "/account/two-factor";

/// What people open from anywhere (ACC-9): to leave, or to go on in another business of theirs.
const FROM_ANYWHERE: [&str; 3] = ["/api/sign-out", "/switch", "/api/switch"];

/// What people open without the second factor that they should have by now (ACC-3): setting it up, and what that needs.
fn opens_without_factor(path: &str) -> bool {
    FROM_ANYWHERE.contains(&path)
        || ["/account", CONFIRM_PATH, "/api/confirm"].contains(&path)
        || [FACTOR_PATH, "/api/two-factor/"].iter().any(|area| path.starts_with(area))
}

/// Marks a refusal that no use case has written down yet; names the door.
#[derive(Debug, Clone, Copy)]
pub struct RefusedAtDoor(pub &'static str);

/// Lets the request through, or answers: nobody signed in, a page sends to the sign-in, everything else 401; an address
/// outside the business's networks, 403; a second factor that is overdue, to where it is set up; a role that may not,
/// 403. Refusals of people are written to the audit log by [`super::layers::errors`].
pub async fn enforce(door: Door, request: Request, next: Next) -> Response {
    if door.need == Need::Public {
        return next.run(request).await;
    }
    let Some(visitor) = request.extensions().get::<Visitor>() else {
        return AppError::Internal("the visitor layer did not run".into()).into_response();
    };
    match &visitor.signed_in {
        None if door.kind == Kind::Page && visitor.wants_html => {
            let next: String = form_urlencoded::byte_serialize(visitor.path.as_bytes()).collect();
            Redirect::to(&format!("/sign-in?next={next}")).into_response()
        }
        None => AppError::SignedOut.into_response(),
        Some(_) if visitor.outside && !FROM_ANYWHERE.contains(&door.path) => refuse(&door, AppError::Outside),
        Some(person) if person.owes_factor(visitor.now) && !opens_without_factor(door.path) => factor_first(&door),
        Some(person) if person.passes(door.need) && door.asks_again && !person.is_fresh(visitor.now) => {
            ask_again(&door, visitor.clone(), request).await
        }
        Some(person) if person.passes(door.need) => next.run(request).await,
        Some(_) => refuse(&door, AppError::Refused),
    }
}

fn refuse(door: &Door, error: AppError) -> Response {
    let mut response = error.into_response();
    response.extensions_mut().insert(RefusedAtDoor(door.path));
    response
}

/// A page leads to where the second factor is set up; everything else is told.
fn factor_first(door: &Door) -> Response {
    if door.kind == Kind::Page { see_other(FACTOR_PATH) } else { AppError::FactorDue.into_response() }
}

/// A page goes to the confirmation and comes back; a form too, and what was typed waits for it, except secrets; everything
/// else is told.
async fn ask_again(door: &Door, visitor: Visitor, request: Request) -> Response {
    let mut response = AppError::Unproved.into_response();
    if visitor.wants_html && door.kind == Kind::Page {
        return see_other(&confirm_then(&visitor.path));
    }
    if visitor.wants_html && door.kind == Kind::Action {
        let Ok(form) = to_bytes(request.into_body(), FORM_BYTES).await else {
            return AppError::TooLarge.into_response();
        };
        response.extensions_mut().insert(AskAgain { action: door.path, form });
    }
    response
}

fn confirm_then(next: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("{CONFIRM_PATH}?next={next}")
}

/// Marks a form that waits until its person has shown again who they are; [`super::layers::errors`] answers it.
#[derive(Debug, Clone)]
pub struct AskAgain {
    action: &'static str,
    form: Bytes,
}

impl AskAgain {
    /// To the confirmation, with what was typed kept for the form.
    #[must_use]
    pub fn answer(self, cx: &Cx) -> Response {
        let mut response = see_other(&confirm_then(&back(cx)));
        let kept = Flash::kept(self.action, &self.form);
        if let Some(cookie) = kept.cookie(cx.app.vault(), cx.visitor.now) {
            append_cookie(response.headers_mut(), &cookie);
        }
        response
    }
}
