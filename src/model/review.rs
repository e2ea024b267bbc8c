//! Access reviews (ACC-10): what can be decided about somebody's access, and what reminds of it when.

use std::str::FromStr;

use super::field::Bad;

/// How long a review may take.
pub const DUE_DAYS: i64 = 21;

/// What was decided about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// They keep the role that they have.
    Keep,
    /// They get another role.
    Change,
    /// They are removed from the business.
    Remove,
}

impl Decision {
    pub const ALL: [Self; 3] = [Self::Keep, Self::Change, Self::Remove];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Change => "change",
            Self::Remove => "remove",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Keep => "Kept",
            Self::Change => "Changed",
            Self::Remove => "Removed",
        }
    }
}

impl FromStr for Decision {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|d| d.code() == text).ok_or(Bad::Choice)
    }
}

/// What people are reminded of, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reminder {
    Opened,
    LastWeek,
    Overdue,
}

impl Reminder {
    /// What is due when so many seconds are left.
    #[must_use]
    pub const fn at(seconds_left: i64) -> Self {
        match seconds_left {
            ..=0 => Self::Overdue,
            1..=604_800 => Self::LastWeek,
            _ => Self::Opened,
        }
    }

    /// How many reminders there were with this one: the stored form.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Opened => 1,
            Self::LastWeek => 2,
            Self::Overdue => 3,
        }
    }

    /// As audit entries say it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::LastWeek => "last_week",
            Self::Overdue => "overdue",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse() {
        for decision in Decision::ALL {
            assert_eq!(decision.code().parse(), Ok(decision));
        }
    }

    #[test]
    fn reminders_come_at_the_opening_a_week_before_and_when_it_is_over() {
        const DAY: i64 = 24 * 3600;
        assert_eq!(Reminder::at(DUE_DAYS * DAY), Reminder::Opened);
        assert_eq!(Reminder::at(7 * DAY + 1), Reminder::Opened);
        assert_eq!(Reminder::at(7 * DAY), Reminder::LastWeek);
        assert_eq!(Reminder::at(0), Reminder::Overdue);
        assert!(Reminder::Opened < Reminder::LastWeek && Reminder::LastWeek < Reminder::Overdue);
    }
}
