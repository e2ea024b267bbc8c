//! Masked calls (TEL-7): a customer and their technician reach each other through a proxy number of the business, and neither
//! sees the other's. When that is possible, who the two are, and when the pool of numbers runs out. Pure.
//!
//! To add a reason why a session closes: a variant, and its code in the check of `proxy_sessions`.

use std::str::FromStr;

use super::field::Bad;

/// Calls go through from this long before the job's window: technicians call ahead.
pub const SECONDS_BEFORE: i64 = 2 * 3600;
/// And until this long after it: they are late. A job that closes earlier ends it.
pub const SECONDS_AFTER: i64 = 2 * 3600;

/// One of the two whom a session joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Customer,
    Technician,
}

impl Side {
    pub const ALL: [Self; 2] = [Self::Customer, Self::Technician];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Technician => "technician",
        }
    }
}

impl FromStr for Side {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|side| side.code() == text).ok_or(Bad::Choice)
    }
}

/// Why a session closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its time was over. The lobby's function writes this one.
    Expired,
    /// The job is done or canceled.
    JobClosed,
    /// The job has another technician, customer or window since.
    Replaced,
    /// Its proxy number was taken out of the pool.
    NumberRemoved,
    /// The technician has another number since, works on no jobs any more, or left.
    PhoneChanged,
}

impl Reason {
    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::JobClosed => "job_closed",
            Self::Replaced => "replaced",
            Self::NumberRemoved => "number_removed",
            Self::PhoneChanged => "phone_changed",
        }
    }
}

/// From when until when calls go through, for a window in seconds since the epoch.
#[must_use]
pub const fn span(window_from: i64, window_to: i64) -> (i64, i64) {
    (window_from - SECONDS_BEFORE, window_to + SECONDS_AFTER)
}

/// How much room the pool has. A number serves any number of jobs, and of each person one: what runs out is the numbers for the
/// person who needs the most at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is no number at all.
    Empty,
    /// Whoever needs the most has one for their next job, and more.
    Enough,
    /// Whoever needs the most has a single one left.
    Scarce,
    /// Somebody's next job gets none.
    Exhausted,
}

impl Room {
    /// Of a pool of so many numbers, of which the busiest person has so many in use.
    #[must_use]
    pub const fn of(numbers: i64, busiest: i64) -> Self {
        match numbers - busiest {
            _ if numbers <= 0 => Self::Empty,
            left if left <= 0 => Self::Exhausted,
            1 if busiest > 0 => Self::Scarce,
            _ => Self::Enough,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_parse() {
        for side in Side::ALL {
            assert_eq!(side.code().parse(), Ok(side));
        }
        assert_eq!("both".parse::<Side>(), Err(Bad::Choice));
    }

    #[test]
    fn calls_go_through_around_the_window_and_not_beyond() {
        assert_eq!(span(100_000, 107_200), (92_800, 114_400));
    }

    #[test]
    fn a_pool_runs_out_by_its_busiest_person() {
        assert_eq!(Room::of(0, 0), Room::Empty);
        assert_eq!(Room::of(1, 0), Room::Enough, "nobody uses it yet");
        assert_eq!(Room::of(1, 1), Room::Exhausted);
        assert_eq!(Room::of(3, 1), Room::Enough);
        assert_eq!(Room::of(3, 2), Room::Scarce);
        assert_eq!(Room::of(3, 3), Room::Exhausted);
        assert_eq!(Room::of(2, 3), Room::Exhausted, "a number was taken out meanwhile");
    }
}
