//! Personal data that masks itself: names, e-mail addresses, where somebody is and what is noted about them. `Debug` is what
//! ends up in logs, so it says nothing (AUD-7); showing the value is an explicit act.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::field::{Bad, text};

/// A person's name as they write it, 1 to 80 characters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

/// An e-mail address, lower case, at most 254 characters (RFC 5321, 4.5.3.1.3).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// Where a customer is, as people write an address in one line, 1 to 200 characters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

/// What somebody noted about a customer, in one line, 1 to 500 characters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Note(String);

impl PersonName {
    /// The name in clear, for people who may see it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Address {
    /// The address in clear, for people who may see it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Note {
    /// The note in clear, for people who may see it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Email {
    /// The address in clear, for people who may see it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `m…@example.com`: enough to recognise one's own address.
    #[must_use]
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.split_once('@').unwrap_or((&self.0, ""));
        format!("{}…@{domain}", local.chars().next().unwrap_or('…'))
    }
}

impl FromStr for PersonName {
    type Err = Bad;

    fn from_str(input: &str) -> Result<Self, Bad> {
        text(input, 80).map(Self)
    }
}

impl FromStr for Email {
    type Err = Bad;

    /// Checks the shape only: that the address exists is shown by a mail that arrives.
    fn from_str(input: &str) -> Result<Self, Bad> {
        let address = input.trim().to_lowercase();
        let shape = address.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && domain.contains('.')
                && domain.split('.').all(|label| {
                    !label.is_empty()
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                })
        });
        let clean = !address.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c));
        if shape && clean && address.len() <= 254 { Ok(Self(address)) } else { Err(Bad::Email) }
    }
}

impl FromStr for Address {
    type Err = Bad;

    fn from_str(input: &str) -> Result<Self, Bad> {
        text(input, 200).map(Self)
    }
}

impl FromStr for Note {
    type Err = Bad;

    fn from_str(input: &str) -> Result<Self, Bad> {
        text(input, 500).map(Self)
    }
}

macro_rules! masked_text {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Bad;

            fn try_from(value: String) -> Result<Self, Bad> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    )+};
}

masked_text!(PersonName, Email, Address, Note);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_lowered() {
        let email: Email = " Ada.L@Example.COM ".parse().expect("an address");
        assert_eq!(email.reveal(), "ada.l@example.com");
        assert_eq!(email.masked(), "a…@example.com");
        for bad in ["", "ada", "ada@", "@example.com", "ada@example", "a b@example.com", "a@b..c", "a,b@example.com"] {
            assert_eq!(bad.parse::<Email>(), Err(Bad::Email), "{bad}");
        }
    }

    #[test]
    fn logs_show_nothing() {
        let name: PersonName = "Ada".parse().expect("a name");
        assert_eq!(format!("{name:?}"), "PersonName(…)");
        let address: Address = "12 Elm Street".parse().expect("an address");
        assert_eq!(format!("{address:?}"), "Address(…)");
        let note: Note = "gate code 12".parse().expect("a note");
        assert_eq!(format!("{note:?}"), "Note(…)");
    }
}
