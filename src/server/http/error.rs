//! The one conversion from what went wrong inside to what is said outside, and the one log line with the whole
//! chain, at the door.

use std::{error::Error, fmt::Write};

use axum::response::{IntoResponse, Response};

use crate::{
    model::{
        field::{Bad, BadField, Fields},
        id::TraceId,
    },
    server::{providers::Malformed, store::StoreError, vault::VaultError},
    ui::wire::{Fault, FaultKind},
};

/// Why a use case did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("nobody is signed in")]
    SignedOut,
    #[error("the actor may not do this")]
    Refused,
    #[error("the actor's last proof is too old")]
    Unproved,
    #[error("the actor needs a second factor first")]
    FactorDue,
    #[error("the actor comes from a network that is not on the business's list")]
    Outside,
    #[error("no such thing in this business")]
    Missing,
    #[error("the request cannot be read")]
    BadRequest,
    #[error("fields are not valid")]
    Invalid(Vec<BadField>),
    #[error("changed by somebody else meanwhile")]
    Conflict,
    #[error("the pool of proxy numbers has none left for this")]
    NoNumber,
    #[error("too large")]
    TooLarge,
    #[error("too many")]
    Limited { retry_after: u32 },
    #[error("a part that this needs cannot be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Of a job's work: people are told by what their page shows.
    #[error("somebody else's server cannot be reached")]
    ProviderAway(#[source] Box<dyn Error + Send + Sync>),
    #[error("a fault of ours")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl AppError {
    /// One field that is not valid.
    #[must_use]
    pub fn field(field: &str, problem: Bad) -> Self {
        Self::Invalid(vec![BadField { field: field.to_owned(), problem }])
    }

    /// What kind of answer this is.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::SignedOut => FaultKind::SignedOut,
            Self::Refused => FaultKind::Refused,
            Self::Unproved => FaultKind::Unproved,
            Self::FactorDue => FaultKind::FactorDue,
            Self::Outside => FaultKind::Outside,
            Self::Missing => FaultKind::Missing,
            Self::BadRequest => FaultKind::BadRequest,
            Self::Invalid(_) => FaultKind::Invalid,
            Self::Conflict => FaultKind::Conflict,
            Self::NoNumber => FaultKind::NoNumber,
            Self::TooLarge => FaultKind::TooLarge,
            Self::Limited { .. } => FaultKind::Limited,
            Self::Unavailable(_) | Self::ProviderAway(_) => FaultKind::Unavailable,
            Self::Internal(_) => FaultKind::Internal,
        }
    }

    /// The closed word for a job that failed.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SignedOut | Self::Refused | Self::Unproved | Self::FactorDue | Self::Outside => "refused",
            Self::Missing => "missing",
            Self::BadRequest | Self::Invalid(_) | Self::TooLarge => "invalid",
            Self::Conflict | Self::NoNumber => "conflict",
            Self::Limited { .. } => "limited",
            Self::Unavailable(_) => "database_away",
            Self::ProviderAway(_) => "provider_away",
            Self::Internal(_) => "internal",
        }
    }

    /// The fault for the wire. For faults of ours, the log gets the whole chain once, here, under the same id.
    #[must_use]
    pub fn fault(&self, trace: TraceId) -> Fault {
        let mut fault = Fault::from(self.kind());
        match self {
            Self::Invalid(fields) => fault.fields.clone_from(fields),
            Self::Limited { retry_after } => fault.retry_after = Some(*retry_after),
            Self::Unavailable(_) | Self::ProviderAway(_) | Self::Internal(_) => {
                fault.incident = Some(trace.to_string());
                tracing::error!(trace.id = %trace, error.chain = %chain(self), "a request failed");
            }
            _ => {}
        }
        fault
    }
}

/// An error and all its sources, on one line.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        write!(text, ": {cause}").expect("writing to a string");
        source = cause.source();
    }
    text
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing => Self::Missing,
            StoreError::Refused => Self::Refused,
            StoreError::Taken(field) => Self::Invalid(vec![field]),
            StoreError::Stale => Self::Conflict,
            StoreError::Unavailable(_) => Self::Unavailable(Box::new(error)),
            StoreError::Unreadable { .. } | StoreError::Unwritten | StoreError::Database(_) => {
                Self::Internal(Box::new(error))
            }
        }
    }
}

impl From<VaultError> for AppError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(store) => store.into(),
            VaultError::Busy => Self::Limited { retry_after: 5 },
            other => Self::Internal(Box::new(other)),
        }
    }
}

impl From<Malformed> for AppError {
    fn from(_: Malformed) -> Self {
        Self::BadRequest
    }
}

impl From<Vec<BadField>> for AppError {
    fn from(fields: Vec<BadField>) -> Self {
        Self::Invalid(fields)
    }
}

impl From<Fields> for AppError {
    fn from(fields: Fields) -> Self {
        fields.finish().err().map_or(Self::BadRequest, Self::Invalid)
    }
}

/// The error travels in the response's extensions to the layer that knows how this visitor reads errors
/// ([`super::layers::errors`]).
impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let status =
            axum::http::StatusCode::from_u16(self.kind().status()).expect("every fault kind names a valid status");
        let mut response = status.into_response();
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}
