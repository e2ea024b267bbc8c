//! What is shown exactly once, on the page after a form (recovery codes, a token that was just made). An action answers
//! only where to go on, so it travels as the flash does: sealed, in a cookie of two minutes, which the page that shows
//! it takes away. It names its page and its reader, so that no other page and nobody else at this browser gets it.
//!
//! To use it: the action answers with [`at`], the page calls [`take`] and, when it has shown something, [`shown`].

use axum::{http::HeaderMap, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroize;

use super::{
    AppError, Cx,
    action::{append_cookie, set_cookie},
    layers::cookie_value,
};
use crate::{
    model::id::UserId,
    server::{
        kit::At,
        vault::{Purpose, Secret, Vault},
    },
    ui::wire::Done,
};

/// The cookie's name.
pub const COOKIE: &str = "__Host-reveal";
/// Long enough for a redirect, and for a slow page.
const SECONDS: i64 = 120;

/// What waits to be shown.
#[derive(Serialize, Deserialize)]
struct Reveal {
    page: String,
    reader: UserId,
    texts: Vec<String>,
    until: i64,
}

impl Drop for Reveal {
    fn drop(&mut self) {
        self.texts.zeroize();
    }
}

impl Reveal {
    /// The cookie's value.
    fn seal(&self, vault: &Vault) -> Result<String, AppError> {
        let plain = serde_json::to_vec(self).map_err(|e| AppError::Internal(Box::new(e)))?;
        Ok(URL_SAFE_NO_PAD.encode(vault.seal_own(Purpose::Reveal, Uuid::nil(), &plain)?))
    }

    /// Reads the cookie's value. Anything forged or old is nothing.
    fn open(vault: &Vault, now: At, value: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        let plain = vault.open_own(Purpose::Reveal, Uuid::nil(), &sealed).ok()?;
        serde_json::from_slice::<Self>(&plain).ok().filter(|reveal| reveal.until >= now.as_second())
    }
}

/// Leads to `page`, which shows `texts` to the person who is signed in.
///
/// # Errors
/// Nobody is signed in.
pub fn at(cx: &Cx, page: &str, texts: &[Secret]) -> Result<Done, AppError> {
    let reveal = Reveal {
        page: page.to_owned(),
        reader: cx.signed_in()?.user,
        texts: texts.iter().map(|text| text.expose().to_owned()).collect(),
        until: cx.visitor.now.plus(SECONDS).as_second(),
    };
    let value = reveal.seal(cx.app.vault())?;
    set_cookie(&format!("{COOKIE}={value}; Path=/; Max-Age={SECONDS}; HttpOnly; Secure; SameSite=Lax"))?;
    Ok(Done::at(page))
}

/// What this page is to show to the person who is signed in.
#[must_use]
pub fn take(cx: &Cx, headers: &HeaderMap) -> Option<Vec<Secret>> {
    let value = cookie_value(headers, COOKIE)?;
    let reveal = Reveal::open(cx.app.vault(), cx.visitor.now, &value)?;
    let is_theirs = cx.signed_in().is_ok_and(|person| person.user == reveal.reader);
    (is_theirs && reveal.page == cx.path()).then(|| reveal.texts.iter().cloned().map(Secret::new).collect())
}

/// The page that has shown it: the cookie goes with this answer.
#[must_use]
pub fn shown(mut page: Response) -> Response {
    append_cookie(page.headers_mut(), &format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"));
    page
}
