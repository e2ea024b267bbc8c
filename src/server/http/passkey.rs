//! The first half of a passkey's ceremony, for the script of a page (`public/static/passkey.js`): the options of
//! `navigator.credentials` as JSON, and a cookie that makes this browser's answer count. What a refusal means is said by
//! the form that the script posts next, so it is told there, in words.

use axum::{
    Json,
    response::{IntoResponse, Response},
};

use super::{AppError, Cx, action::append_cookie};
use crate::server::services::{
    factor,
    passkey::{self, Started},
};

/// Where a ceremony of each kind begins.
pub const SIGN_IN: &str = "/api/sign-in/passkey/start";
pub const ANSWER: &str = "/api/sign-in/factor/passkey/start";
pub const CONFIRM: &str = "/api/confirm/passkey/start";
pub const REGISTER: &str = "/api/two-factor/passkey/start";

/// To sign in with nothing else.
///
/// # Errors
/// Missing where there are no passkeys; limited per address of the network.
pub async fn sign_in(cx: Cx) -> Result<Response, AppError> {
    Ok(shown(passkey::start_sign_in(&cx).await?))
}

/// As the second proof of the sign-in that waits in this browser.
///
/// # Errors
/// Missing when none waits, or its person has no passkey; limited per address of the network.
pub async fn answer(cx: Cx) -> Result<Response, AppError> {
    Ok(shown(passkey::start_answer(&cx).await?))
}

/// To show again who one is.
///
/// # Errors
/// Missing for who has no passkey.
pub async fn confirm(cx: Cx) -> Result<Response, AppError> {
    Ok(shown(passkey::start_confirm(&cx).await?))
}

/// To add a passkey.
///
/// # Errors
/// Missing where there are no passkeys.
pub async fn register(cx: Cx) -> Result<Response, AppError> {
    Ok(shown(factor::passkey::start(&cx).await?))
}

fn shown(started: Started) -> Response {
    let mut response = Json(started.options).into_response();
    append_cookie(response.headers_mut(), &started.cookie);
    response
}
