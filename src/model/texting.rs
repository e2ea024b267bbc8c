//! Codes by text message (ACC-3): to which numbers, and how many. A text costs money, and whoever owns the number it
//! goes to may earn some of it: with numbers of expensive places, that is a business of its own (toll fraud).

use std::{fmt, str::FromStr};

use super::{field::Bad, phone::Phone};

/// Texts that one person may get in a day; besides, one a minute.
pub const PERSON_A_DAY: i32 = 10;
/// Texts that one business sends in a day, when nothing else is set.
pub const BUSINESS_A_DAY: i32 = 200;

/// North America has one country code for twenty countries. `+1` means the United States (with their territories) and
/// Canada; these codes are other countries, and 900 is premium.
const NOT_PLUS_ONE: [&str; 22] = [
    "242", "246", "264", "268", "284", "345", "441", "473", "649", "658", "664", "721", "758", "767", "784", "809",
    "829", "849", "868", "869", "876", "900",
];

/// With what numbers must begin that codes are texted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefixes(Vec<String>);

impl Prefixes {
    /// Whether codes may be texted there.
    #[must_use]
    pub fn allow(&self, phone: &Phone) -> bool {
        let number = phone.reveal();
        self.0.iter().any(|prefix| {
            let is_meant = |rest: &str| prefix != "+1" || !NOT_PLUS_ONE.iter().any(|area| rest.starts_with(area));
            number.strip_prefix(prefix.as_str()).is_some_and(is_meant)
        })
    }
}

impl FromStr for Prefixes {
    type Err = Bad;

    /// A list with commas: `+1, +44`. Whoever wants to allow one place alone writes more digits: `+1876`.
    fn from_str(text: &str) -> Result<Self, Bad> {
        let entries: Vec<String> = text.split(',').map(|entry| entry.trim().to_owned()).collect();
        let is_prefix = |entry: &String| {
            entry.strip_prefix('+').is_some_and(|digits| {
                (1..=7).contains(&digits.len())
                    && !digits.starts_with('0')
                    && digits.bytes().all(|b| b.is_ascii_digit())
            })
        };
        if entries.iter().all(is_prefix) { Ok(Self(entries)) } else { Err(Bad::Phone) }
    }
}

impl Default for Prefixes {
    fn default() -> Self {
        Self(vec!["+1".to_owned()])
    }
}

impl fmt::Display for Prefixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, prefix) in self.0.iter().enumerate() {
            let before = if place == 0 { "" } else { ", " };
            let after = if prefix == "+1" { " (United States and Canada)" } else { "" };
            write!(f, "{before}{prefix}{after}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(prefixes: &str, number: &str) -> bool {
        let prefixes: Prefixes = prefixes.parse().expect("prefixes");
        prefixes.allow(&number.parse().expect("a number"))
    }

    #[test]
    fn plus_one_is_the_united_states_and_canada_alone() {
        assert_eq!("+1".parse(), Ok(Prefixes::default()));
        for good in ["+14155550100", "+16475550100", "+17875550100"] {
            assert!(allows("+1", good), "{good}");
        }
        for bad in ["+18765550100", "+18095550100", "+12845550100", "+19005550100", "+447700900123", "+37255512345"] {
            assert!(!allows("+1", bad), "{bad}");
        }
        assert!(allows("+1,+1876", "+18765550100"), "who wants one, names it");
    }

    #[test]
    fn several_places_are_a_list() {
        assert!(allows("+1, +44", "+447700900123") && allows("+1, +44", "+14155550100"));
        assert!(!allows("+1, +44", "+4915112345678"));
        assert_eq!("+1, +44".parse::<Prefixes>().expect("two").to_string(), "+1 (United States and Canada), +44");
        for bad in ["", "1", "+", "+0", "+1,", "+12345678", "+1 415", "all"] {
            assert_eq!(bad.parse::<Prefixes>(), Err(Bad::Phone), "{bad}");
        }
    }
}
