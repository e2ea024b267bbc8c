//! The way to the provider of identities and back: what this browser is known by, and what is kept meanwhile. Nothing of
//! what the provider says reaches a page: a [`Refusal`] is a closed word.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use uuid::Uuid;

use super::refusal::Refusal;
use crate::{
    model::id::UserId,
    server::{
        http::{AppError, Cx, action::set_cookie},
        kit::entropy::{Token, token_hash},
        providers::oidc::{Ask, Oidc, OidcError, Proven},
        services::link as mailed,
        store::{
            StoreError,
            lobby::{self, NewOidcRequest, OidcPurpose, OidcRequest, OidcWaiting},
        },
        vault::{Purpose, VaultError},
    },
};

/// The cookie by which the browser that was sent away is known.
pub const COOKIE: &str = "__Host-oidc";
/// The cookie that holds what came back, until its button is pressed.
pub const CODE_COOKIE: &str = "__Host-oidc-code";
/// The page with that button.
pub const RETURN_PATH: &str = "/sign-in/oidc";
/// How long somebody is waited for.
const SECONDS: i64 = 600;
/// The longest code that we carry: with the state it must fit into a cookie.
const LONGEST_CODE: usize = 2_000;

/// Why a step was not done: an answer to the person, or a fault.
pub(super) enum Stop {
    Refused(Refusal),
    Fault(AppError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<AppError> for Stop {
    fn from(error: AppError) -> Self {
        Self::Fault(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<VaultError> for Stop {
    fn from(error: VaultError) -> Self {
        Self::Fault(error.into())
    }
}

/// The provider's problems are the operator's to read; its person is told a closed word.
impl From<OidcError> for Stop {
    fn from(error: OidcError) -> Self {
        tracing::warn!(error.message = %error, "signing in with the provider of identities failed");
        Self::Refused(match error {
            OidcError::Unreachable(_) => Refusal::Unreachable,
            OidcError::Refused(_) => Refusal::Failed,
        })
    }
}

/// Where to go on: a refusal is a page too.
pub(super) fn settle(step: Result<String, Stop>) -> Result<String, AppError> {
    match step {
        Ok(to) => Ok(to),
        Err(Stop::Refused(refusal)) => Ok(refusal.path()),
        Err(Stop::Fault(error)) => Err(error),
    }
}

/// # Errors
/// Missing when this installation has none.
pub(super) fn provider(cx: &Cx) -> Result<&Oidc, AppError> {
    cx.app.oidc().ok_or(AppError::Missing)
}

/// Keeps what is needed on the way back, and says where to go.
pub(super) async fn begin(
    cx: &Cx,
    purpose: OidcPurpose,
    user: Option<UserId>,
    invitation_hash: Option<&[u8]>,
    next: &str,
) -> Result<String, Stop> {
    let oidc = provider(cx)?;
    mailed::limited(cx)?;
    let [token, state, nonce, verifier] = std::array::from_fn(|_| Token::draw(cx.app.entropy()));
    let (now, id): (_, Uuid) = (cx.visitor.now, cx.app.draw());
    let ask = Ask { state: state.reveal(), nonce: nonce.reveal(), verifier: verifier.reveal() };
    // What is linked stays: nobody else's account may slip in.
    let is_chosen = purpose != OidcPurpose::SignIn;
    let to = oidc.ask(cx.app.outbound(), now, &ask, is_chosen).await?;
    let request = NewOidcRequest {
        token_hash: &token.hash(),
        id,
        state_hash: &state.hash(),
        nonce: nonce.reveal(),
        sealed: &cx.app.vault().seal_own(Purpose::OidcVerifier, id, verifier.reveal().as_bytes())?,
        purpose,
        user,
        invitation_hash,
        next,
        now,
        expires: now.plus(SECONDS),
    };
    lobby::oidc_begin(cx.app.db(), request).await?;
    set_cookie(&cookie(COOKIE, token.reveal()))?;
    Ok(to)
}

fn cookie(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Max-Age={SECONDS}; HttpOnly; Secure; SameSite=Lax")
}

/// What the provider brings back. It adds parameters of its own, which are left alone.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    state: String,
    code: String,
    error: String,
    /// Who answers (RFC 9207), where the provider says so.
    iss: String,
}

/// Where somebody goes on who has come back, and the cookie for that.
#[derive(Debug)]
pub struct Returned {
    pub to: String,
    pub cookie: Option<String>,
}

/// Looks at what the provider has brought back. Consumes nothing: this is a GET.
///
/// # Errors
/// Missing when there is no provider; the database cannot be reached.
pub async fn returned(cx: &Cx, answer: &Answer) -> Result<Returned, AppError> {
    match look(cx, answer).await {
        Ok(value) => Ok(Returned { to: RETURN_PATH.to_owned(), cookie: Some(cookie(CODE_COOKIE, &value)) }),
        Err(Stop::Refused(refusal)) => Ok(Returned { to: refusal.path(), cookie: None }),
        Err(Stop::Fault(error)) => Err(error),
    }
}

async fn look(cx: &Cx, answer: &Answer) -> Result<String, Stop> {
    let oidc = provider(cx)?;
    peek(cx, &answer.state).await?;
    match answer.error.as_str() {
        "" => {}
        "access_denied" => return Err(Refusal::Denied.into()),
        _ => return Err(Refusal::Failed.into()),
    }
    let is_its_own = answer.iss.is_empty() || answer.iss == oidc.issuer();
    if !is_its_own || answer.code.is_empty() || answer.code.len() > LONGEST_CODE {
        return Err(Refusal::Failed.into());
    }
    // The state is one of our tokens by now, so that nothing else gets into the cookie.
    Ok(format!("{}.{}", answer.state, URL_SAFE_NO_PAD.encode(&answer.code)))
}

/// Who is waited for in this browser.
async fn peek(cx: &Cx, state: &str) -> Result<OidcWaiting, Stop> {
    let token = cx.visitor.oidc.as_deref().ok_or(Refusal::Late)?;
    let found = lobby::oidc_peek(cx.app.db(), &token_hash(token), &token_hash(state), cx.visitor.now).await?;
    Ok(found.ok_or(Refusal::Late)?)
}

/// State and code, as [`returned`] has left them.
fn brought(cx: &Cx) -> Option<(String, String)> {
    let (state, code) = cx.visitor.oidc_code.as_deref()?.split_once('.')?;
    let code = String::from_utf8(URL_SAFE_NO_PAD.decode(code).ok()?).ok()?;
    Some((state.to_owned(), code))
}

/// For what the person in this browser has come back, whose button was not pressed yet. Looking consumes nothing.
///
/// # Errors
/// Missing when there is nobody (any more), or no provider; the database cannot be reached.
pub async fn waiting(cx: &Cx) -> Result<OidcWaiting, AppError> {
    provider(cx)?;
    let (state, _) = brought(cx).ok_or(AppError::Missing)?;
    match peek(cx, &state).await {
        Ok(waiting) => Ok(waiting),
        Err(Stop::Refused(_)) => Err(AppError::Missing),
        Err(Stop::Fault(error)) => Err(error),
    }
}

/// Uses up what was brought back, and asks the provider whom it stands for. No transaction is open meanwhile.
pub(super) async fn prove(cx: &Cx, purpose: OidcPurpose) -> Result<(OidcRequest, Proven), Stop> {
    let (oidc, now) = (provider(cx)?, cx.visitor.now);
    let (state, code) = brought(cx).ok_or(Refusal::Late)?;
    let token = cx.visitor.oidc.as_deref().ok_or(Refusal::Late)?;
    let found = lobby::oidc_take(cx.app.db(), &token_hash(token), &token_hash(&state), purpose, now).await?;
    let request = found.ok_or(Refusal::Late)?;
    mailed::forget(COOKIE)?;
    mailed::forget(CODE_COOKIE)?;
    let plain = cx.app.vault().open_own(Purpose::OidcVerifier, request.id, &request.sealed)?;
    let verifier = std::str::from_utf8(&plain).map_err(|_| VaultError::Broken)?;
    let ask = Ask { state: &state, nonce: &request.nonce, verifier };
    let proven = oidc.prove(cx.app.outbound(), now, &code, &ask).await?;
    Ok((request, proven))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_leads_to_a_page_and_a_fault_does_not() {
        let to = settle(Err(OidcError::Refused("a token's secret".to_owned()).into())).expect("a page");
        assert_eq!(to, Refusal::Failed.path());
        assert!(matches!(settle(Err(AppError::Conflict.into())), Err(AppError::Conflict)));
        assert_eq!(settle(Ok("/home".to_owned())).expect("a path"), "/home");
    }
}
