//! Opening a mailed link (security.md, rule 18). Mail scanners open links too, so this consumes nothing: the token
//! moves from the address into a short cookie, and only the button on the next page uses it up.

use axum::{extract::Path, response::Response};

use crate::{
    model::permission::Need,
    server::{
        http::{
            AppError,
            action::{append_cookie, see_other},
            layers::LINK_COOKIE,
        },
        services::link::OPEN_PATH,
    },
};

/// Who may open it: whoever has the link.
pub const NEED: Need = Need::Public;

/// The cookie lives this long; the link itself may be over earlier.
const COOKIE_SECONDS: u32 = 3600;

/// `GET /open/{purpose}/{token}`
///
/// # Errors
/// Missing for anything that is not one of our links.
pub async fn page(Path((purpose, token)): Path<(String, String)>) -> Result<Response, AppError> {
    let to = match purpose.as_str() {
        "sign-up" => "/sign-up/finish",
        "join" => "/join",
        "link" => OPEN_PATH,
        "reset" => "/reset",
        _ => return Err(AppError::Missing),
    };
    if !is_token(&token) {
        return Err(AppError::Missing);
    }
    let mut response = see_other(to);
    append_cookie(response.headers_mut(), &cookie(&token));
    Ok(response)
}

fn cookie(token: &str) -> String {
    format!("{LINK_COOKIE}={token}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; Secure; SameSite=Lax")
}

/// The letters of our tokens, so that nothing else gets into the cookie.
pub(super) fn is_token(text: &str) -> bool {
    (20..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_become_cookies() {
        assert!(is_token("abcdefghijklmnopqrstuvwxyz-_0123456789ABCDE"));
        for bad in ["", "short", "abcdefghijklmnopqrst; Path=/", "abcdefghijklmnopqrst=", "äbcdefghijklmnopqrstuv"] {
            assert!(!is_token(bad), "{bad}");
        }
        assert!(!is_token(&"a".repeat(101)));
    }
}
