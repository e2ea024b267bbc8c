//! How long each kind of data lives (RET-1): the default and the allowed range per profile.
//!
//! To add a kind: a variant, its row in `limits`, its words, and its deletion in `server::store::retention`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{field::Bad, profile::Profile};

/// A kind of data with a lifetime of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    Calls,
    WebhookReceipts,
    Positions,
    AgentStates,
    WorkOrders,
}

/// The lifetime of a kind, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub min: u16,
    pub default: u16,
    pub max: u16,
}

impl DataKind {
    pub const ALL: [Self; 5] =
        [Self::Calls, Self::WebhookReceipts, Self::Positions, Self::AgentStates, Self::WorkOrders];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::WebhookReceipts => "webhook_receipts",
            Self::Positions => "positions",
            Self::AgentStates => "agent_states",
            Self::WorkOrders => "work_orders",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Calls => "Calls",
            Self::WebhookReceipts => "Webhook receipts",
            Self::Positions => "Positions",
            Self::AgentStates => "Agents' states",
            Self::WorkOrders => "Jobs",
        }
    }

    /// What goes when it goes.
    #[must_use]
    pub const fn covers(self) -> &'static str {
        match self {
            Self::Calls => "The call, its legs, its timeline, both numbers and any screen pop.",
            Self::WebhookReceipts => {
                "That a provider event arrived and what became of it. Holds ids, no personal data."
            }
            Self::Positions => {
                "Where technicians were, their shifts, how many of their points were refused, and who looked."
            }
            Self::WorkOrders => {
                "The job, its customer's name, number, address and note, its timeline and its tracking links."
            }
            Self::AgentStates => "When somebody was available, busy or on a break, and why. What they say now stays.",
        }
    }

    /// Product.md, «Profiles»: 30 days are a hard cap where the profile says so.
    #[must_use]
    pub const fn limits(self, profile: Profile) -> Limits {
        match (self, profile) {
            (Self::Calls | Self::Positions | Self::WorkOrders, Profile::FieldService) => {
                Limits { min: 7, default: 180, max: 365 }
            }
            (Self::Calls | Self::Positions | Self::WorkOrders, Profile::VoiceAgents | Profile::Outbound)
            | (Self::AgentStates, Profile::FieldService | Profile::VoiceAgents | Profile::Outbound) => {
                Limits { min: 7, default: 90, max: 365 }
            }
            (_, Profile::InsuranceAgency) => Limits { min: 7, default: 30, max: 30 },
            (Self::WebhookReceipts, _) => Limits { min: 7, default: 30, max: 365 },
        }
    }
}

impl Limits {
    /// # Errors
    /// Not a whole number inside the limits.
    pub fn parse(self, text: &str) -> Result<u16, Bad> {
        text.trim()
            .parse()
            .ok()
            .filter(|days| (self.min..=self.max).contains(days))
            .ok_or(Bad::Range(self.min.into(), self.max.into()))
    }
}

impl FromStr for DataKind {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|k| k.code() == text).ok_or(Bad::Choice)
    }
}

/// Audit entries are kept at least this long, whatever else is deleted (AUD-6).
pub const AUDIT_MIN_DAYS: u16 = 365;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_lie_inside_their_limits() {
        for kind in DataKind::ALL {
            for profile in Profile::ALL {
                let limits = kind.limits(profile);
                assert!(limits.min <= limits.default && limits.default <= limits.max, "{kind:?} {profile:?}");
            }
        }
    }

    #[test]
    fn an_agency_keeps_no_call_longer_than_thirty_days() {
        let limits = DataKind::Calls.limits(Profile::InsuranceAgency);
        assert_eq!(limits.parse("31"), Err(Bad::Range(7, 30)));
        assert_eq!(limits.parse(" 30 "), Ok(30));
    }
}
