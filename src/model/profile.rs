//! The four data-handling profiles. A profile only sets defaults; the owner changes them inside the limits.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{field::Bad, permission::Role};

/// What kind of business this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    FieldService,
    VoiceAgents,
    InsuranceAgency,
    Outbound,
}

impl Profile {
    pub const ALL: [Self; 4] = [Self::FieldService, Self::VoiceAgents, Self::InsuranceAgency, Self::Outbound];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::FieldService => "field_service",
            Self::VoiceAgents => "voice_agents",
            Self::InsuranceAgency => "insurance_agency",
            Self::Outbound => "outbound",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::FieldService => "Field service",
            Self::VoiceAgents => "AI voice agents",
            Self::InsuranceAgency => "Insurance agency",
            Self::Outbound => "Outbound dialing",
        }
    }

    /// What choosing it means, in a sentence for the person who signs up.
    #[must_use]
    pub const fn explains(self) -> &'static str {
        match self {
            Self::FieldService => "Technicians in the field. Recordings are kept; calls and positions for 180 days.",
            Self::VoiceAgents => "Calls answered by AI. Recordings are kept; calls for 90 days, 7 to 365.",
            Self::InsuranceAgency => {
                "Callers' data lives in your agency system. Recordings are never stored; nothing personal is kept \
                 longer than 30 days."
            }
            Self::Outbound => "Campaigns with consent. Recordings are kept; calls for 90 days, 7 to 365.",
        }
    }

    /// The roles that an invitation offers first.
    #[must_use]
    pub const fn roles_first(self) -> &'static [Role] {
        match self {
            Self::FieldService => &[Role::Dispatcher, Role::Technician, Role::Manager, Role::Owner],
            Self::VoiceAgents => &[Role::Manager, Role::Viewer, Role::Admin, Role::Owner],
            Self::InsuranceAgency | Self::Outbound => &[Role::Agent, Role::Viewer, Role::Admin, Role::Owner],
        }
    }
}

impl FromStr for Profile {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|p| p.code() == text).ok_or(Bad::Choice)
    }
}
