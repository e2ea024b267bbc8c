//! The operator's access to a business (TEN-6): what a grant must say, how long it may last, and how it ends.

use std::str::FromStr;

use super::field::{Bad, text};

/// The longest that a grant may last.
pub const MOST_HOURS: i32 = 8;

/// How a grant came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The operator gave it back.
    Operator,
    /// Somebody of the business ended it.
    Business,
    /// Its time was over.
    Time,
}

impl Ending {
    pub const ALL: [Self; 3] = [Self::Operator, Self::Business, Self::Time];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Business => "business",
            Self::Time => "time",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Operator => "Given back by the operator",
            Self::Business => "Ended by the business",
            Self::Time => "Ran out",
        }
    }
}

impl FromStr for Ending {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|e| e.code() == text).ok_or(Bad::Choice)
    }
}

/// Why the operator looks, for the business to read and for its audit log: a few words, without what looks like somebody's
/// address or number (AUD-7).
///
/// # Errors
/// Empty, too long, or with an address or a number in it.
pub fn reason(input: &str) -> Result<String, Bad> {
    let said = text(input, 200)?;
    // Numbers are written in groups, with blanks and signs between them; a letter or a colon ends one.
    let groups = said.split(|c: char| !(c.is_ascii_digit() || " ()+-./".contains(c)));
    let has_number = groups.into_iter().any(|group| group.chars().filter(char::is_ascii_digit).count() >= 9);
    if said.contains('@') || has_number { Err(Bad::NamesSomebody) } else { Ok(said) }
}

/// The number of the ticket that the access is about: letters, digits and `. _ # / -`, at most 60.
///
/// # Errors
/// Empty, too long, or with anything else in it.
pub fn ticket(input: &str) -> Result<String, Bad> {
    let number = text(input, 60)?;
    let is_plain = number.chars().all(|c| c.is_ascii_alphanumeric() || "._#/-".contains(c));
    if is_plain && number.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok(number)
    } else {
        Err(Bad::Shape("a ticket like OPS-12".to_owned()))
    }
}

/// How long a grant lasts, in hours.
///
/// # Errors
/// Nothing, or more than [`MOST_HOURS`].
pub fn hours(asked: i32) -> Result<i32, Bad> {
    if (1..=MOST_HOURS).contains(&asked) { Ok(asked) } else { Err(Bad::Range(1, i64::from(MOST_HOURS))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse() {
        for ending in Ending::ALL {
            assert_eq!(ending.code().parse(), Ok(ending));
        }
        assert!("forgotten".parse::<Ending>().is_err());
    }

    #[test]
    fn a_reason_names_nobody() {
        assert_eq!(reason(" Webhooks of 2 connections fail "), Ok("Webhooks of 2 connections fail".to_owned()));
        assert_eq!(reason("  "), Err(Bad::Empty));
        assert_eq!(reason("Errors 21211 and 503 since 9:30").as_deref(), Ok("Errors 21211 and 503 since 9:30"));
        for personal in [
            "ada@example.com cannot sign in",
            "calls from +14155550100 are lost",
            "call 415-555-0100 back",
            "call (415) 555 0100 back",
        ] {
            assert_eq!(reason(personal), Err(Bad::NamesSomebody), "{personal}");
        }
    }

    #[test]
    fn tickets_are_plain_and_grants_short() {
        for good in ["OPS-12", "7", "support/2026#4711"] {
            assert_eq!(ticket(good).as_deref(), Ok(good));
        }
        for bad in ["", "-1", "OPS 12", "OPS-12\u{e9}", &"x".repeat(61)] {
            assert!(ticket(bad).is_err(), "{bad}");
        }
        assert_eq!((hours(0), hours(1), hours(8)), (Err(Bad::Range(1, 8)), Ok(1), Ok(8)));
        assert!(hours(9).is_err());
    }
}
