//! What a handler gets: the state, who asks, and what the browser said about itself.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use leptos::server_fn::ServerFn;
use serde::de::DeserializeOwned;

use super::{
    AppError,
    flash::{Flash, FormState},
};
use crate::{
    model::id::TraceId,
    server::{
        boot::App,
        caller::{Caller, Origin, SignedIn},
        kit::At,
        store::TenantTx,
    },
};

/// The visitor's side of a request, made once by [`super::layers::visitor`].
#[derive(Clone)]
pub struct Visitor {
    pub trace: TraceId,
    pub now: At,
    pub nonce: Arc<str>,
    /// `light`, `dark`, or empty for what the system prefers.
    pub theme: &'static str,
    /// Path and query as the browser asked for them.
    pub path: Arc<str>,
    pub origin: Origin,
    /// The client's address, for limits; never stored.
    pub address: std::net::IpAddr,
    pub wants_html: bool,
    /// Where the form was, as the browser says.
    pub referer: Option<Arc<str>>,
    pub signed_in: Option<Arc<SignedIn>>,
    /// Whether the signed-in person's business lets nobody in from this address (ACC-9).
    pub outside: bool,
    pub flash: Option<Arc<Flash>>,
    /// The token of a mailed link that this browser opened.
    pub link: Option<Arc<str>>,
    /// What this browser got when it asked for a sign-in link.
    pub asked: Option<Arc<str>>,
    /// The token of a sign-in that waits for its second proof.
    pub challenge: Option<Arc<str>>,
    /// The token of a passkey's ceremony that this browser began.
    pub passkey: Option<Arc<str>>,
    /// The token of somebody who was sent to the provider of identities.
    pub oidc: Option<Arc<str>>,
    /// What they brought back from there: state and code.
    pub oidc_code: Option<Arc<str>>,
    /// What this browser brings to show that it is known to an account.
    pub device: Option<Arc<str>>,
    /// What kind of device it says it is, coarse: «Firefox on Linux».
    pub agent: Arc<str>,
}

/// A request as a handler sees it.
#[derive(Clone)]
pub struct Cx {
    pub app: App,
    pub visitor: Visitor,
}

impl Cx {
    /// # Errors
    /// Nobody is signed in.
    pub fn signed_in(&self) -> Result<&SignedIn, AppError> {
        self.visitor.signed_in.as_deref().ok_or(AppError::SignedOut)
    }

    /// # Errors
    /// Nobody is signed in.
    pub fn caller(&self) -> Result<&Caller, AppError> {
        self.signed_in().map(|s| &s.caller)
    }

    /// A transaction in the signed-in person's business, for a page's one load.
    ///
    /// # Errors
    /// Nobody is signed in; the database cannot be reached.
    pub async fn tx(&self) -> Result<TenantTx, AppError> {
        Ok(TenantTx::open(self.app.db(), self.caller()?, self.visitor.now).await?)
    }

    /// The query string, read into `T`.
    ///
    /// # Errors
    /// A parameter that `T` does not know or cannot read: a 400 page.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, AppError> {
        let query = self.visitor.path.split_once('?').map_or("", |(_, q)| q);
        serde_urlencoded::from_str(query).map_err(|_| AppError::BadRequest)
    }

    /// How a form is drawn: fresh, or with what was typed and what was wrong.
    #[must_use]
    pub fn form<F: ServerFn>(&self) -> FormState {
        FormState::of(self.visitor.flash.as_deref(), F::PATH)
    }

    /// The path without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.visitor.path.split('?').next().unwrap_or("/")
    }

    /// A caller for somebody who is not signed in yet but becomes one in this request.
    pub fn caller_for(
        &self,
    ) -> impl FnOnce(crate::server::caller::Actor, crate::model::id::BusinessId) -> Caller + use<> {
        let (origin, trace) = (self.visitor.origin.clone(), self.visitor.trace);
        move |actor, business| Caller { actor, business, origin, trace }
    }
}

impl FromRequestParts<App> for Cx {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        visitor
            .map(|visitor| Self { app: app.clone(), visitor })
            .ok_or_else(|| AppError::Internal("the visitor layer did not run".into()))
    }
}
