//! Who asks on the paths of programs (ACC-7): an access token in the header `Authorization`, as RFC 6750 has it, and
//! nothing else. There, cookies count for nothing, so that no page can make a browser ask in its person's name;
//! everywhere else, tokens count for nothing.

use axum::http::{HeaderMap, header};

use super::{AppError, cx::Visitor};
use crate::server::{boot::App, caller::SignedIn, store};

/// Where programs ask.
const PATHS: &str = "/api/v1/";
/// The kind of door that programs come through, as audit entries name it.
pub const DOOR: &str = "api";
/// Ours have about 600 characters.
const MAX_TOKEN: usize = 2048;

/// Whether programs ask on this path, by token, and not people, by session.
#[must_use]
pub fn is_api(path: &str) -> bool {
    path.starts_with(PATHS)
}

/// The token that a program shows: absent on the paths of people, and where the header is not one of exactly one token.
#[must_use]
pub fn token(path: &str, headers: &HeaderMap) -> Option<String> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let is_one = scheme.eq_ignore_ascii_case("bearer") && (1..=MAX_TOKEN).contains(&token.len());
    (is_api(path) && is_one).then(|| token.to_owned())
}

/// Who stands behind a token: verified, and its family asked for, on every request.
///
/// # Errors
/// The database cannot be reached. A token that is not good is nobody's.
pub async fn signed_in(app: &App, token: &str, visitor: &Visitor) -> Result<Option<SignedIn>, AppError> {
    let Some(claims) = app.vault().verify_access(token, &app.config().public_url).await? else { return Ok(None) };
    let found = store::lobby::token_caller(app.db(), claims.sid, visitor.now, &visitor.origin, visitor.trace).await?;
    Ok(found.filter(|person| person.user == claims.sub && person.caller.business == claims.biz))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, value.parse().expect("a value"))).collect()
    }

    #[test]
    fn a_token_counts_on_the_paths_of_programs_only() {
        let one = headers(&["Bearer a.b.c"]);
        assert_eq!(token("/api/v1/me", &one).as_deref(), Some("a.b.c"));
        for path in ["/home", "/api/sign-out", "/api/v1", "/api/v10/me", "/live", "/webhooks/api/v1/"] {
            assert_eq!(token(path, &one), None, "{path}");
        }
    }

    #[test]
    fn there_is_one_token_or_none() {
        assert_eq!(token("/api/v1/me", &headers(&["bearer a.b.c"])).as_deref(), Some("a.b.c"));
        for bad in [&[][..], &["a.b.c"], &["Basic a.b.c"], &["Bearer "], &["Bearer a.b.c", "Bearer a.b.c"]] {
            assert_eq!(token("/api/v1/me", &headers(bad)), None, "{bad:?}");
        }
    }
}
