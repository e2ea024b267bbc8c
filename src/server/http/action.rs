//! Runs server functions, for forms and for islands alike.
//!
//! `leptos_axum` answers plain form posts by redirecting to the Referer with the error in the URL, and every error
//! with 500. So the function is always asked for JSON, and its answer is translated here: for an island the right
//! status; for a form 303 and a flash, so that a reload posts nothing twice.

use std::str::FromStr;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use leptos::{
    prelude::{provide_context, use_context},
    server_fn::ServerFn,
};
use tower_sessions::Session;

use super::{AppError, Cx, flash::Flash};
use crate::ui::{
    actions::{account::Confirm, passkey::ConfirmPasskey},
    wire::{Done, Fault, FaultKind},
};

const FORM: &str = "application/x-www-form-urlencoded";
const MAX_BODY: usize = 256 << 10;

/// The handler behind every action's door.
pub async fn run(cx: Cx, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    if !is_form(&parts.headers) {
        return Fault::from(FaultKind::WrongType).into_response_for(&cx, &[], parts.uri.path());
    }
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return AppError::TooLarge.into_response();
    };
    let path = parts.uri.path().to_owned();
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    parts.headers.remove(header::REFERER);
    let inner = Request::from_parts(parts, Body::from(body.clone()));
    let context = cx.clone();
    let session = inner.extensions().get::<Session>().cloned();
    let answer = leptos_axum::handle_server_fns_with_context(
        move || {
            provide_context(context.clone());
            if let Some(session) = session.clone() {
                provide_context(session);
            }
        },
        inner,
    )
    .await
    .into_response();
    translate(&cx, answer, &body, &path).await
}

async fn translate(cx: &Cx, answer: Response, body: &[u8], path: &str) -> Response {
    let (parts, payload) = answer.into_parts();
    let payload = to_bytes(payload, MAX_BODY).await.unwrap_or_default();
    if parts.status == StatusCode::OK {
        let Ok(done) = serde_json::from_slice::<Done>(&payload) else {
            return AppError::Internal("an action answered something that is not Done".into()).into_response();
        };
        let mut response = finished(cx, done, &payload);
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            response.headers_mut().append(header::SET_COOKIE, cookie.clone());
        }
        if let Some(to) = parts.headers.get(LEAVE).filter(|_| cx.visitor.wants_html) {
            response.headers_mut().insert(header::LOCATION, to.clone());
        }
        if let Some(what) = parts.headers.get(CLEAR_SITE_DATA) {
            response.headers_mut().insert(CLEAR_SITE_DATA, what.clone());
        }
        return response;
    }
    let fault = serde_json::from_slice::<Fault>(&payload).unwrap_or_else(|_| FaultKind::BadRequest.into());
    fault.into_response_for(cx, body, path)
}

fn finished(cx: &Cx, done: Done, payload: &[u8]) -> Response {
    if !cx.visitor.wants_html {
        return ([(header::CONTENT_TYPE, "application/json")], payload.to_vec()).into_response();
    }
    let to = done.to.as_deref().and_then(local).map_or_else(|| back(cx), str::to_owned);
    let mut response = see_other(&to);
    // What waited behind a form that is answered now comes forward.
    let waiting = || cx.visitor.flash.as_deref().and_then(|flash| flash.waiting.as_deref().cloned());
    let flash = done.notice.map(Flash::notice).or_else(waiting);
    if let Some(cookie) = flash.and_then(|flash| flash.cookie(cx.app.vault(), cx.visitor.now)) {
        append_cookie(response.headers_mut(), &cookie);
    }
    response
}

impl Fault {
    fn into_response_for(self, cx: &Cx, body: &[u8], action: &str) -> Response {
        let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let form_error =
            matches!(self.kind, FaultKind::Invalid | FaultKind::Limited | FaultKind::Conflict | FaultKind::NoNumber);
        if cx.visitor.wants_html && form_error {
            let mut response = see_other(&back(cx));
            // Only the page that asks again has a form waiting behind it.
            let before =
                cx.visitor.flash.as_deref().filter(|_| [Confirm::PATH, ConfirmPasskey::PATH].contains(&action));
            let flash = Flash::refused(action, self, body).keeping(before);
            if let Some(cookie) = flash.cookie(cx.app.vault(), cx.visitor.now) {
                append_cookie(response.headers_mut(), &cookie);
            }
            return response;
        }
        if cx.visitor.wants_html {
            let mut response = status.into_response();
            response.extensions_mut().insert(self);
            return response;
        }
        let mut response = (status, axum::Json(&self)).into_response();
        if let Some(seconds) = self.retry_after.or((self.kind == FaultKind::Unavailable).then_some(5)) {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    kind.split(';').next().is_some_and(|k| k.trim().eq_ignore_ascii_case(FORM))
}

/// Where the form was: the Referer if it is a page of ours (the origin layer has proved that the post is), else home.
#[must_use]
pub fn back(cx: &Cx) -> String {
    let public = &cx.app.config().public_url;
    let path = cx.visitor.referer.as_deref().and_then(|r| r.strip_prefix(public.as_str())).and_then(local);
    path.unwrap_or("/home").to_owned()
}

/// A path of our own site: one leading slash, no backslash, no control characters. Stops open redirects.
#[must_use]
pub fn local(path: &str) -> Option<&str> {
    let fine = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.bytes().all(|b| (0x21..0x7f).contains(&b));
    fine.then_some(path)
}

/// 303 to a path of ours.
#[must_use]
pub fn see_other(to: &str) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/home"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Adds one cookie and keeps the others.
pub fn append_cookie(headers: &mut HeaderMap, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// Runs an action's body with the request it came in, and turns what went wrong into what may be said.
///
/// # Errors
/// Whatever the body said, as a [`Fault`].
pub async fn using(work: impl AsyncFnOnce(&Cx) -> Result<Done, AppError>) -> Result<Done, Fault> {
    let cx = use_context::<Cx>().ok_or(FaultKind::Internal)?;
    work(&cx).await.map_err(|error| error.fault(cx.visitor.trace))
}

/// The session of this request.
///
/// # Errors
/// Internal when the session layer did not run.
pub fn session() -> Result<Session, AppError> {
    use_context::<Session>().ok_or_else(|| AppError::Internal("the session layer did not run".into()))
}

/// An id from a form's hidden field. One that cannot be read is as missing as one that does not exist.
///
/// # Errors
/// Missing.
pub fn id_of<T: FromStr>(text: &str) -> Result<T, AppError> {
    text.parse().map_err(|_| AppError::Missing)
}

/// The token of a mailed link, which `/open/…` has moved into a short cookie of this browser.
///
/// # Errors
/// Missing when there is none.
pub fn link_token(cx: &Cx) -> Result<String, AppError> {
    cx.visitor.link.as_deref().map(str::to_owned).ok_or(AppError::Missing)
}

/// Goes on at a path of ours, or at the provider of identities: the one place elsewhere that an action leads to.
///
/// # Errors
/// Bad request for any other address.
pub fn leave(cx: &Cx, to: &str) -> Result<Done, AppError> {
    if local(to).is_some() {
        return Ok(Done::at(to));
    }
    let is_known = cx.app.oidc().is_some_and(|oidc| oidc.leads_to(to));
    let value = HeaderValue::from_str(to).ok().filter(|_| is_known).ok_or(AppError::BadRequest)?;
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.insert_header(HeaderName::from_static(LEAVE), value);
    }
    Ok(Done::back())
}

/// Between [`leave`] and the answer; no browser gets it.
const LEAVE: &str = "x-ringfort-leave";

const CLEAR_SITE_DATA: &str = "clear-site-data";

/// Asks the browser to forget the pages that it keeps, for the back button above all: they show what only the person
/// saw who has just left (ACC-5). Not `"cookies"`: the session's own is taken away already, and the notice on the next
/// page, the theme, and what makes this browser known to the account travel in others. And what it stores: where a technician's
/// phone was and could not send yet (`public/static/field.js`).
pub fn forget_pages() {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        let what = HeaderValue::from_static("\"cache\", \"storage\"");
        response.insert_header(HeaderName::from_static(CLEAR_SITE_DATA), what);
    }
}

/// Sets the theme's cookie for a year.
///
/// # Errors
/// Bad request for anything but `light` and `dark`.
pub fn set_theme_cookie(theme: &str) -> Result<(), AppError> {
    if !matches!(theme, "light" | "dark") {
        return Err(AppError::BadRequest);
    }
    set_cookie(&format!("__Host-theme={theme}; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax"))
}

/// Adds a cookie to this action's answer. Outside of an action there is no answer to add it to, and nothing happens.
///
/// # Errors
/// Bad request for what no header can carry.
pub fn set_cookie(cookie: &str) -> Result<(), AppError> {
    let value = HeaderValue::from_str(cookie).map_err(|_| AppError::BadRequest)?;
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.append_header(header::SET_COOKIE, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn redirects_stay_here() {
        assert_eq!(local("/calls?state=ringing"), Some("/calls?state=ringing"));
        for evil in ["", "calls", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", "/a b"] {
            assert_eq!(local(evil), None, "{evil:?}");
        }
    }
}
