//! The permission wall's outer side (PER-3): before a handler runs, the door's need is held against the caller.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    AppError,
    cx::Visitor,
    doors::{Door, Kind},
};
use crate::model::permission::Need;

/// Marks a refusal that no use case has written down yet; names the door.
#[derive(Debug, Clone, Copy)]
pub struct RefusedAtDoor(pub &'static str);

/// Lets the request through, or answers: nobody signed in, a page sends to the sign-in, everything else 401; a role
/// that may not, 403. Refusals of people are written to the audit log by [`super::layers::errors`].
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
        Some(person) if person.passes(door.need) => next.run(request).await,
        Some(_) => {
            let mut response = AppError::Refused.into_response();
            response.extensions_mut().insert(RefusedAtDoor(door.path));
            response
        }
    }
}
