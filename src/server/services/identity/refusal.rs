//! Why the way over the provider of identities led nowhere, in closed words: nothing of a token stands on a page.
//!
//! To add one: a variant, its code, and its words in `pages/oidc.rs`.

use std::str::FromStr;

use super::RETURN_PATH;
use crate::model::field::Bad;

/// Why somebody did not get in this way. Closed, because it stands in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// They said no at the provider.
    Denied,
    /// Too late, of another browser, used already, or never asked for.
    Late,
    /// The provider's answer does not hold.
    Failed,
    /// The provider does not answer.
    Unreachable,
    /// No account here is linked with this one.
    Unknown,
    /// It is linked already.
    Taken,
    /// To join: another address than the one that was invited.
    Address,
    /// To join: the provider has not checked the address.
    Unchecked,
    /// To join: the address has an account here already.
    Account,
}

impl Refusal {
    pub const ALL: [Self; 9] = [
        Self::Denied,
        Self::Late,
        Self::Failed,
        Self::Unreachable,
        Self::Unknown,
        Self::Taken,
        Self::Address,
        Self::Unchecked,
        Self::Account,
    ];

    /// As the page's address names it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Unknown => "unknown",
            Self::Taken => "taken",
            Self::Address => "address",
            Self::Unchecked => "unchecked",
            Self::Account => "account",
        }
    }

    /// The page that says so.
    #[must_use]
    pub fn path(self) -> String {
        format!("{RETURN_PATH}/over?why={}", self.code())
    }
}

impl FromStr for Refusal {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|refusal| refusal.code() == text).ok_or(Bad::Choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::http::action::local;

    #[test]
    fn every_refusal_is_a_page_of_ours() {
        for refusal in Refusal::ALL {
            assert_eq!(refusal.code().parse(), Ok(refusal));
            assert!(local(&refusal.path()).is_some(), "{refusal:?}");
        }
        assert_eq!("token expired".parse::<Refusal>(), Err(Bad::Choice));
    }
}
