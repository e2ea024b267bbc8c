//! What the live board measures by (TEL-2): from when on a call has stood too long, and the service level. Pure.
//!
//! The service level is the share of the calls that came in within the last hour, and were answered or have ended since, that
//! were answered within so many seconds. To add a measure: a field here, its column and check in a migration, its field in
//! `pages/board_settings.rs`.

use serde::{Deserialize, Serialize};

use super::field::Bad;

/// How far back the service level looks.
pub const LEVEL_SECONDS: i64 = 3600;
/// How many queues a business may name.
pub const MOST_QUEUES: u32 = 20;
/// How many reasons a business may have.
pub const MOST_REASONS: u32 = 20;
/// How many links to its wallboard may be open.
pub const MOST_LINKS: u32 = 10;
/// How long a link may last.
pub const LINK_DAYS: i64 = 30;

/// What counts as too long, and as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// Seconds in one state from which a call asks for attention.
    pub warn_seconds: i32,
    /// And from which it demands it.
    pub bad_seconds: i32,
    /// A call should be answered within so many seconds.
    pub answer_seconds: i32,
    /// So many of a hundred should be.
    pub target_percent: i32,
}

/// How long something has taken, against the measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Fine,
    Warn,
    Bad,
}

impl Level {
    /// The word beside the colour.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fine => "",
            Self::Warn => "long",
            Self::Bad => "far too long",
        }
    }

    /// The mark of a row, where it has one.
    #[must_use]
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::Fine => None,
            Self::Warn => Some("warn"),
            Self::Bad => Some("bad"),
        }
    }
}

impl Measures {
    /// For a business that has said nothing else.
    pub const DEFAULT: Self = Self { warn_seconds: 180, bad_seconds: 300, answer_seconds: 20, target_percent: 80 };

    /// What so many seconds are.
    #[must_use]
    pub fn level(self, seconds: i64) -> Level {
        if seconds >= i64::from(self.bad_seconds) {
            Level::Bad
        } else if seconds >= i64::from(self.warn_seconds) {
            Level::Warn
        } else {
            Level::Fine
        }
    }

    /// Whether a share, in percent, is as good as it should be.
    #[must_use]
    pub fn is_met(self, percent: u32) -> bool {
        i64::from(percent) >= i64::from(self.target_percent)
    }
}

/// A share in whole percent, rounded down: 100 means all. Nothing of nothing.
#[must_use]
pub fn percent(part: u32, of: u32) -> Option<u32> {
    let share = (u64::from(part) * 100).checked_div(u64::from(of))?;
    u32::try_from(share).ok().filter(|_| part <= of)
}

/// A whole number of a form, inside its limits.
///
/// # Errors
/// Anything else.
pub fn number(text: &str, least: i32, most: i32) -> Result<i32, Bad> {
    let found = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
    found.ok_or(Bad::Range(least.into(), most.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_begins_at_its_second() {
        let at = |seconds| Measures::DEFAULT.level(seconds);
        assert_eq!([at(179), at(180), at(299), at(300)], [Level::Fine, Level::Warn, Level::Warn, Level::Bad]);
    }

    #[test]
    fn a_share_is_never_flattered() {
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(2, 3), Some(66));
        assert_eq!(percent(u32::MAX, u32::MAX), Some(100));
        assert_eq!(percent(4, 3), None, "no share of that whole");
        assert!(Measures::DEFAULT.is_met(80) && !Measures::DEFAULT.is_met(79));
    }

    #[test]
    fn numbers_stay_inside_their_limits() {
        assert_eq!(number(" 20 ", 1, 600), Ok(20));
        assert_eq!(number("0", 1, 600), Err(Bad::Range(1, 600)));
        assert_eq!(number("x", 1, 600), Err(Bad::Range(1, 600)));
    }
}
