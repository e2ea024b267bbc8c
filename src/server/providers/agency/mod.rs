//! Agency management systems: who is this number? Read only.
//!
//! To add one: a file beside [`nowcerts`] that implements [`AgencySystem`], a line in [`agency`], and its code in
//! the `connections` table's check. A number never goes into a log or an error.

pub mod nowcerts;

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::TestOutcome;
use crate::{
    model::{field::Bad, personal::PersonName, phone::Phone},
    server::{
        kit::outbound::{Outbound, OutboundError},
        vault::Secret,
    },
};

/// How a business reaches its agency system. The account is often a person's address, so there is no `Debug`.
#[derive(Clone)]
pub struct AgencyConnection {
    pub account: String,
    pub secret: Secret,
    /// Where the system lives, when not at its usual address.
    pub base_url: Option<String>,
}

/// One client of the agency, as far as a person who answers a call wants to know. Serialised only to be sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCard {
    /// The agency system's id.
    pub id: String,
    pub name: PersonName,
    pub company: Option<String>,
    /// Policy numbers, or what the system shows for them.
    pub policies: Vec<String>,
    /// As the system writes it.
    pub last_contact: Option<String>,
    pub open_tasks: Vec<String>,
    /// The client's page in the agency system; `https` only.
    pub link: Option<String>,
}

impl fmt::Debug for ClientCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCard(…)")
    }
}

/// Why the agency system gave no answer. `RateLimited` and `Transient` are worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgencyError {
    #[error("the agency system does not accept this account")]
    Auth,
    #[error("the agency system asks for patience")]
    RateLimited { retry_after_seconds: Option<u32> },
    #[error("the agency system could not be reached")]
    Transient,
    #[error("the agency system answered something unexpected")]
    Permanent,
}

impl From<OutboundError> for AgencyError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Unreachable | OutboundError::Untrusted => Self::Transient,
            OutboundError::Forbidden | OutboundError::TooLarge => Self::Permanent,
        }
    }
}

/// An agency management system. Every method is required.
#[async_trait]
pub trait AgencySystem: Send + Sync {
    /// The name in the database.
    fn code(&self) -> &'static str;

    /// The clients who have this number, best first, at most five. Several people may share one.
    ///
    /// # Errors
    /// [`AgencyError`]; nobody found is no error.
    async fn find_by_phone(
        &self,
        outbound: &Outbound,
        connection: &AgencyConnection,
        phone: &Phone,
    ) -> Result<Vec<ClientCard>, AgencyError>;

    /// Tries account and secret, reading nobody's data.
    async fn test(&self, outbound: &Outbound, connection: &AgencyConnection) -> TestOutcome;

    /// The account as it will be stored.
    ///
    /// # Errors
    /// When the system has no accounts of this shape.
    fn check_account(&self, account: &str) -> Result<String, Bad>;

    /// # Errors
    /// When the system has no secrets of this shape.
    fn check_secret(&self, secret: &str) -> Result<(), Bad>;
}

/// The agency system with this code.
#[must_use]
pub fn agency(code: &str) -> Option<&'static dyn AgencySystem> {
    const ALL: [&dyn AgencySystem; 1] = [&nowcerts::NowCerts];
    ALL.into_iter().find(|system| system.code() == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_shows_nothing_in_a_log() {
        let card = ClientCard {
            id: "1".into(),
            name: "Ada Lovelace".parse().expect("a name"),
            company: Some("Engines".into()),
            policies: vec!["P-1".into()],
            last_contact: None,
            open_tasks: Vec::new(),
            link: None,
        };
        assert_eq!(format!("{card:?}"), "ClientCard(…)");
        let json = serde_json::to_string(&card).expect("JSON");
        assert_eq!(serde_json::from_str::<ClientCard>(&json).expect("a card"), card);
    }
}
