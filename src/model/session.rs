//! How a session ends (ACC-5): closed words, for the list of past sessions.
//!
//! To add a cause: a variant, its code and its words here, and a migration that lets the check of
//! `lobby.past_sessions.cause` know the code.

use std::str::FromStr;

use super::field::Bad;

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndCause {
    /// By its own person, there.
    SignedOut,
    /// By its own person from somewhere else, or by who manages the team.
    Revoked,
    /// Nobody used it.
    Idle,
    /// Its longest time was over.
    Expired,
    /// The password was changed elsewhere.
    Password,
    /// The second factor was changed elsewhere.
    Factor,
    /// An account of another provider was linked or unlinked elsewhere.
    Identity,
    /// The person was removed from its business.
    Removed,
    /// The person went on in another business.
    Switched,
}

impl EndCause {
    pub const ALL: [Self; 9] = [
        Self::SignedOut,
        Self::Revoked,
        Self::Idle,
        Self::Expired,
        Self::Password,
        Self::Factor,
        Self::Identity,
        Self::Removed,
        Self::Switched,
    ];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Revoked => "revoked",
            Self::Idle => "idle",
            Self::Expired => "expired",
            Self::Password => "password",
            Self::Factor => "factor",
            Self::Identity => "identity",
            Self::Removed => "removed",
            Self::Switched => "switched",
        }
    }

    /// The words for its person.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SignedOut => "Signed out there",
            Self::Revoked => "Ended by you elsewhere, or by who manages the team",
            Self::Idle => "Ended by itself: nobody used it",
            Self::Expired => "Ended by itself: its longest time was over",
            Self::Password => "Your password was changed",
            Self::Factor => "Your second factor was changed",
            Self::Identity => "A linked account came or went",
            Self::Removed => "You were removed from the business",
            Self::Switched => "You went on in another business",
        }
    }
}

impl FromStr for EndCause {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|cause| cause.code() == text).ok_or(Bad::Choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse() {
        for cause in EndCause::ALL {
            assert_eq!(cause.code().parse(), Ok(cause));
        }
        assert_eq!("closed".parse::<EndCause>(), Err(Bad::Choice));
    }
}
