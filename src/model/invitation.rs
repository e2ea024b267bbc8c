//! Inviting many at once (ACC-6): a line per person, and what can become of a line.

use std::str::FromStr;

use super::field::Bad;

/// How many lines a list may have.
pub const MOST_LINES: u32 = 200;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineResult {
    Invited,
    /// Not `address,role`.
    Unreadable,
    BadAddress,
    UnknownRole,
    /// A role that holds what the inviter lacks, or that of an open invitation to the same address (PER-5).
    AboveYou,
    /// An earlier line has the same address.
    Duplicate,
    /// Belongs to the business already, or did.
    Member,
}

impl LineResult {
    pub const ALL: [Self; 7] = [
        Self::Invited,
        Self::Unreadable,
        Self::BadAddress,
        Self::UnknownRole,
        Self::AboveYou,
        Self::Duplicate,
        Self::Member,
    ];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Unreadable => "unreadable",
            Self::BadAddress => "bad_address",
            Self::UnknownRole => "unknown_role",
            Self::AboveYou => "above_you",
            Self::Duplicate => "duplicate",
            Self::Member => "member",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Invited => "Invited",
            Self::Unreadable => "Not understood: write address,role",
            Self::BadAddress => "Not an address",
            Self::UnknownRole => "No such role",
            Self::AboveYou => "This role, or one they are invited to already, holds more than yours",
            Self::Duplicate => "In an earlier line already",
            Self::Member => "Belongs to the business already, or did",
        }
    }
}

impl FromStr for LineResult {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|r| r.code() == text).ok_or(Bad::Choice)
    }
}

/// A line as it was written: an address and a role, apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Counted from one, as an editor does.
    pub number: i32,
    pub email: String,
    /// Absent where there is no comma, or more than one.
    pub role: Option<String>,
}

/// The lines of a list that say something. A head line (`email,role`) says nothing; quotes around a value, as table programs
/// write them, are taken off.
#[must_use]
pub fn lines(list: &str) -> Vec<Line> {
    let mut found = Vec::new();
    for (number, line) in (1_i32..).zip(list.lines()) {
        let mut values =
            line.trim_start_matches('\u{feff}').split(',').map(|value| value.trim().trim_matches('"').trim());
        let (email, role, rest) = (values.next().unwrap_or_default(), values.next(), values.next());
        let is_head = number == 1 && email.eq_ignore_ascii_case("email") && role.is_some();
        if is_head || (email.is_empty() && role.is_none_or(str::is_empty)) {
            continue;
        }
        let role = role.filter(|_| rest.is_none()).map(str::to_owned);
        found.push(Line { number, email: email.to_owned(), role });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: i32, email: &str, role: Option<&str>) -> Line {
        Line { number, email: email.to_owned(), role: role.map(str::to_owned) }
    }

    #[test]
    fn results_are_unique_and_parse() {
        for result in LineResult::ALL {
            assert_eq!(result.code().parse(), Ok(result));
        }
    }

    #[test]
    fn lines_are_read_as_table_programs_write_them() {
        let list = "email,role\r\nada@example.com, agent\r\n\r\n\"bo@example.com\",\"viewer\"\r\nno comma\r\na@b.c,agent,x\r\n,\r\n";
        assert_eq!(
            lines(list),
            [
                line(2, "ada@example.com", Some("agent")),
                line(4, "bo@example.com", Some("viewer")),
                line(5, "no comma", None),
                line(6, "a@b.c", None),
            ]
        );
        assert_eq!(lines("\u{feff}Email,Role\na@b.c,agent"), [line(2, "a@b.c", Some("agent"))]);
    }
}
