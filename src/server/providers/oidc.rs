//! A provider of identities, in `OpenID` Connect's dialect (ACC-6): where people are sent, and what the token says that
//! they come back with. No session, no database: what was asked is kept by `services::identity`.
//!
//! The protocol is the openidconnect crate's; it calls out through [`Outbound`] alone, and tells the time by our clock.
//! What it leaves to its caller stands in `Oidc::verified`: which algorithms, and the authorised party.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use openidconnect::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    TokenResponse,
    core::{
        CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenVerifier,
        CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata,
    },
};
use url::Url;

use crate::{
    model::personal::Email,
    server::{
        kit::{
            At,
            outbound::{Outbound, OutboundError},
        },
        vault::Secret,
    },
};

/// Where the provider sends people back to.
pub const CALLBACK: &str = "/sign-in/oidc/callback";
/// How long the provider's addresses and keys are believed.
const CACHE_SECONDS: i64 = 3600;
/// How long it is left alone after it has not told them.
const PAUSE_SECONDS: i64 = 30;
/// The longest subject that `OpenID` Connect Core allows (2).
const LONGEST_SUBJECT: usize = 255;

type Metadata = CoreProviderMetadata;
type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// As whom this installation is known to the provider, and as what the provider is known to people.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// `RINGFORT_OIDC_ISSUER` (`https://accounts.google.com`): exactly as the provider writes itself.
    pub issuer: String,
    /// `RINGFORT_OIDC_CLIENT_ID` (none: nobody signs in this way).
    pub client_id: String,
    /// `RINGFORT_OIDC_CLIENT_SECRET`, or the file that `RINGFORT_OIDC_CLIENT_SECRET_FILE` names.
    pub client_secret: Secret,
    /// `RINGFORT_OIDC_NAME` (`Google`): what buttons and mails call it.
    pub name: String,
}

/// Why nobody is known by it. What the log gets is in the text; none of it is a token's content.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("the provider of identities did not answer as it should: {0}")]
    Unreachable(String),
    #[error("the provider's answer was refused: {0}")]
    Refused(String),
}

/// What is drawn for one way there and back.
pub struct Ask<'a> {
    pub state: &'a str,
    pub nonce: &'a str,
    /// Of PKCE: 43 characters or more.
    pub verifier: &'a str,
}

/// Whom the provider has named.
pub struct Proven {
    pub issuer: String,
    pub subject: String,
    /// Only if the provider says that it has checked it.
    pub email: Option<Email>,
}

/// The provider. One per process, shared.
pub struct Oidc {
    name: String,
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: ClientSecret,
    redirect: RedirectUrl,
    cache: Mutex<Option<(At, Arc<Metadata>)>>,
    /// Held while its addresses are asked for, so that a crowd asks once. When it last did not tell them.
    asking: tokio::sync::Mutex<Option<At>>,
}

impl Oidc {
    /// # Errors
    /// An address that is none.
    pub fn new(settings: &OidcSettings, public_url: &str) -> Result<Self, url::ParseError> {
        Ok(Self {
            name: settings.name.clone(),
            issuer: IssuerUrl::new(settings.issuer.clone())?,
            client_id: ClientId::new(settings.client_id.clone()),
            client_secret: ClientSecret::new(settings.client_secret.expose().to_owned()),
            redirect: RedirectUrl::new(format!("{public_url}{CALLBACK}"))?,
            cache: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// What people know it as.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its identities are stored under.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Where forms may lead, for the content policy: a browser holds that against redirects too. Until the provider was
    /// asked for its addresses, that is the issuer's own origin.
    #[must_use]
    pub fn origins(&self) -> Vec<String> {
        let mut origins = vec![origin(self.issuer.url())];
        let known = self.cache().as_ref().map(|(_, metadata)| origin(metadata.authorization_endpoint().url()));
        origins.extend(known.filter(|other| !origins.contains(other)));
        origins
    }

    /// Whether an address is the provider's.
    #[must_use]
    pub fn leads_to(&self, address: &str) -> bool {
        Url::parse(address).is_ok_and(|url| self.origins().contains(&origin(&url)))
    }

    /// The address that somebody is sent to. `is_chosen`: they are asked there which of their accounts it is to be, even if
    /// they are signed in to one, which somebody else may have done for them.
    ///
    /// # Errors
    /// The provider cannot be asked for its addresses.
    pub async fn ask(&self, outbound: &Outbound, now: At, ask: &Ask<'_>, is_chosen: bool) -> Result<String, OidcError> {
        let metadata = self.metadata(outbound, now).await?;
        let (state, nonce) = (CsrfToken::new(ask.state.to_owned()), Nonce::new(ask.nonce.to_owned()));
        let verifier = PkceCodeVerifier::new(ask.verifier.to_owned());
        let client = self.client(&metadata);
        let request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        let request = if is_chosen { request.add_prompt(CoreAuthPrompt::SelectAccount) } else { request };
        let (url, _, _) = request.url();
        Ok(url.into())
    }

    /// Whom a code stands for that somebody has brought back. `ask` is what was drawn for them.
    ///
    /// # Errors
    /// The provider cannot be asked, does not know the code, or names nobody in a way that holds.
    pub async fn prove(&self, outbound: &Outbound, now: At, code: &str, ask: &Ask<'_>) -> Result<Proven, OidcError> {
        let metadata = self.metadata(outbound, now).await?;
        let client = self.client(&metadata);
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| OidcError::Unreachable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(ask.verifier.to_owned()));
        let answer = request.request_async(outbound).await.map_err(|error| match error {
            RequestTokenError::Request(error) => OidcError::Unreachable(error.to_string()),
            other => OidcError::Refused(other.to_string()),
        })?;
        let token = answer.id_token().ok_or_else(|| OidcError::Refused("there is no identity token".to_owned()))?;
        let proven = match self.verified(token, &metadata, ask.nonce, now) {
            // Its keys were changed since we asked for them.
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let fresh = self.discover(outbound, now).await?;
                self.verified(token, &fresh, ask.nonce, now)
            }
            other => other,
        };
        proven.map_err(|error| OidcError::Refused(error.to_string()))
    }

    /// Asks the provider for its addresses and keys, for `ringfort doctor`.
    ///
    /// # Errors
    /// It does not answer, or says that it is somebody else.
    pub async fn check(&self, outbound: &Outbound, now: At) -> Result<(), OidcError> {
        self.discover(outbound, now).await.map(|_| ())
    }

    /// What the token says, if it holds: signature, issuer, audience, time and nonce are the library's to check. Only what
    /// is signed by a key of the provider's counts, never by the secret that we share with it, and never nothing.
    fn verified(
        &self,
        token: &CoreIdToken,
        metadata: &Metadata,
        nonce: &str,
        now: At,
    ) -> Result<Proven, ClaimsVerificationError> {
        let at = SystemTime::from(now.0);
        let keys = metadata.jwks().clone();
        let verifier = CoreIdTokenVerifier::new_public_client(self.client_id.clone(), self.issuer.clone(), keys)
            .set_allowed_algs([
                Algorithm::RsaSsaPkcs1V15Sha256,
                Algorithm::RsaSsaPkcs1V15Sha384,
                Algorithm::RsaSsaPkcs1V15Sha512,
                Algorithm::RsaSsaPssSha256,
                Algorithm::EcdsaP256Sha256,
                Algorithm::EcdsaP384Sha384,
                Algorithm::EdDsa,
            ])
            .set_time_fn(move || at.into());
        let claims = token.claims(&verifier, &Nonce::new(nonce.to_owned()))?;
        // A token that was made for somebody else who may speak for us is not for us.
        let is_ours = match claims.authorized_party() {
            Some(party) => *party == self.client_id,
            None => claims.audiences().len() == 1,
        };
        if !is_ours {
            return Err(ClaimsVerificationError::InvalidAudience("the authorised party is another one".to_owned()));
        }
        let subject = claims.subject().as_str().to_owned();
        if subject.is_empty() || subject.len() > LONGEST_SUBJECT {
            return Err(ClaimsVerificationError::InvalidSubject("its length is not allowed".to_owned()));
        }
        let is_checked = claims.email_verified() == Some(true);
        let email = claims.email().filter(|_| is_checked).and_then(|email| email.as_str().parse::<Email>().ok());
        Ok(Proven { issuer: self.issuer().to_owned(), subject, email })
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let methods = metadata.token_endpoint_auth_methods_supported();
        let in_body = methods.is_some_and(|all| {
            all.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !all.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        let secret = Some(self.client_secret.clone());
        CoreClient::from_provider_metadata(metadata.clone(), self.client_id.clone(), secret)
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(if in_body { AuthType::RequestBody } else { AuthType::BasicAuth })
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Option<(At, Arc<Metadata>)>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn metadata(&self, outbound: &Outbound, now: At) -> Result<Arc<Metadata>, OidcError> {
        if let Some(known) = self.known(now) {
            return Ok(known);
        }
        let mut silent_since = self.asking.lock().await;
        if let Some(known) = self.known(now) {
            return Ok(known);
        }
        if silent_since.is_some_and(|at| (0..PAUSE_SECONDS).contains(&now.since(at))) {
            return Err(OidcError::Unreachable("it did not answer a moment ago".to_owned()));
        }
        let found = self.discover(outbound, now).await;
        *silent_since = found.is_err().then_some(now);
        found
    }

    fn known(&self, now: At) -> Option<Arc<Metadata>> {
        let known = self.cache().clone();
        known.filter(|(at, _)| (0..CACHE_SECONDS).contains(&now.since(*at))).map(|(_, metadata)| metadata)
    }

    async fn discover(&self, outbound: &Outbound, now: At) -> Result<Arc<Metadata>, OidcError> {
        // An issuer that does not name itself letter by letter as it is configured is refused in there.
        let found = Metadata::discover_async(self.issuer.clone(), outbound).await;
        let found = found.map_err(|error: DiscoveryError<OutboundError>| OidcError::Unreachable(error.to_string()))?;
        let endpoint = found.authorization_endpoint().url();
        if endpoint.scheme() != "https" && origin(endpoint) != origin(self.issuer.url()) {
            return Err(OidcError::Unreachable("it would be asked in clear".to_owned()));
        }
        let found = Arc::new(found);
        *self.cache() = Some((now, found.clone()));
        Ok(found)
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The library asks for nothing but what our one client lets through.
impl<'c> AsyncHttpClient<'c> for Outbound {
    type Error = OutboundError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, OutboundError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let reply = self.forward(request).await?;
            let mut response = HttpResponse::new(reply.body);
            let status = openidconnect::http::StatusCode::from_u16(reply.status);
            *response.status_mut() = status.map_err(|_| OutboundError::Unreachable)?;
            Ok(response)
        })
    }
}
