//! Telephone numbers. A `Phone` shows only its last four digits (SYN-2, TEL-3); the clear number is an explicit
//! act with a name that can be searched for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A number in E.164: `+`, then 7 to 15 digits, the first not zero. Its `Display` and `Debug` are masked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// A text that is not a telephone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write the number with its country code, like +14155550100")]
pub struct BadPhone;

impl Phone {
    /// The number in clear. Who calls this shows personal data: ask for the permission first.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What may be shown to everybody who may see the call: `***-***-1234`.
    #[must_use]
    pub fn masked(&self) -> MaskedPhone {
        MaskedPhone(format!("***-***-{}", self.last4()))
    }

    /// The last four digits, by which people know their own number.
    #[must_use]
    pub fn last4(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }
}

impl FromStr for Phone {
    type Err = BadPhone;

    /// Accepts spaces, dots, dashes and brackets between the digits, as people type them.
    fn from_str(text: &str) -> Result<Self, BadPhone> {
        let number: String = text.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
        let digits = number.strip_prefix('+').ok_or(BadPhone)?;
        let plausible =
            (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        if plausible { Ok(Self(number)) } else { Err(BadPhone) }
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked().0)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({self})")
    }
}

/// A number of which only the last four digits are left. This is what travels to browsers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaskedPhone(String);

impl fmt::Display for MaskedPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let phone: Phone = " +1 (415) 555-0100 ".parse().expect("a plain number");
        assert_eq!(phone.reveal(), "+14155550100");
        for bad in ["", "+", "4155550100", "+0155550100", "+1415555010x", "+1234567890123456"] {
            assert_eq!(bad.parse::<Phone>(), Err(BadPhone), "{bad}");
        }
    }

    #[test]
    fn nothing_but_reveal_shows_the_number() {
        let phone: Phone = "+14155550100".parse().expect("a plain number");
        assert_eq!(phone.to_string(), "***-***-0100");
        assert_eq!(format!("{phone:?}"), "Phone(***-***-0100)");
    }
}
