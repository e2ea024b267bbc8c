//! What agents say of themselves (TEL-2): whether they take calls, and why not. Pure.
//!
//! To add a state: a variant here, its code in the checks of `agent_states` and `agent_state_events`, its badge in
//! `ui::parts::tone`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::field::Bad;

/// Whether somebody takes calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    Available,
    Busy,
    Break,
    WrapUp,
    Offline,
}

impl AgentState {
    pub const ALL: [Self; 5] = [Self::Available, Self::Busy, Self::Break, Self::WrapUp, Self::Offline];

    /// Those of which a business says why, in its own words.
    pub const WITH_REASONS: [Self; 2] = [Self::Busy, Self::Break];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Busy => "busy",
            Self::Break => "break",
            Self::WrapUp => "wrap_up",
            Self::Offline => "offline",
        }
    }

    /// The words for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Busy => "Busy",
            Self::Break => "On a break",
            Self::WrapUp => "Wrapping up",
            Self::Offline => "Offline",
        }
    }
}

impl FromStr for AgentState {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|state| state.code() == text).ok_or(Bad::Choice)
    }
}

/// What strangers may read of a person's name: the first word.
#[must_use]
pub fn first_name(name: &str) -> String {
    name.split_whitespace().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse() {
        for state in AgentState::ALL {
            assert_eq!(state.code().parse(), Ok(state));
        }
        assert_eq!("asleep".parse::<AgentState>(), Err(Bad::Choice));
    }

    #[test]
    fn strangers_read_first_names() {
        assert_eq!(first_name(" Ada  Lovelace"), "Ada");
        assert_eq!(first_name(""), "");
    }
}
