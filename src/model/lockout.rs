//! When failed tries to get in lock, and for how long (ACC-4; security.md, rule 17).
//!
//! Failures in a row are counted per bucket: an account together with one browser that it has signed in with before, or
//! with all others. Who guesses from elsewhere locks the strangers' bucket and never the person's own. How counting
//! outruns guesses that come at once stands in migration 0014.

/// So many failures in a row lock a bucket.
pub const FAILURES: i32 = 5;
/// How long the first lock holds; each further failure doubles it.
const FIRST_SECONDS: i64 = 60;
/// No lock holds longer.
const LONGEST_SECONDS: i64 = 3_600;
/// After so many failures in a row over all buckets of an account, its password alone does not admit any more.
pub const LINK_AFTER: i32 = 100;
/// A bucket in which nobody has failed for so long is forgotten.
pub const BUCKET_SECONDS: i64 = 24 * 3_600;
/// A row of failures over all buckets lives longer, so that a few guesses a day add up as well.
pub const STREAK_SECONDS: i64 = 30 * 24 * 3_600;
/// A person is told so often, at most, that they need a mailed link.
pub const REMINDER_SECONDS: i64 = 24 * 3_600;

/// How an account stands towards one browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A right password admits.
    Open,
    /// Too many failures from here: a right password is answered as a wrong one.
    Locked,
    /// Too many failures altogether: only a mailed link admits, from wherever.
    NeedsLink,
}

impl Standing {
    /// From what is known: whether this bucket is locked, and the failures in a row over all of them.
    #[must_use]
    pub const fn of(is_locked: bool, in_a_row: i32) -> Self {
        if in_a_row >= LINK_AFTER {
            Self::NeedsLink
        } else if is_locked {
            Self::Locked
        } else {
            Self::Open
        }
    }
}

/// How long a bucket is locked after so many failures in a row, from the last of them on.
#[must_use]
pub fn seconds_locked(failures: i32) -> i64 {
    let Ok(doublings) = u32::try_from(failures.saturating_sub(FAILURES)) else { return 0 };
    FIRST_SECONDS.saturating_mul(2_i64.saturating_pow(doublings)).min(LONGEST_SECONDS)
}

/// What [`seconds_locked`] says for one failure, for two, and so on, up to the longest, which counts for all that
/// follow. The database looks it up while it counts, so that the rule stands here alone.
#[must_use]
pub fn steps() -> Vec<i64> {
    let shorter = (1..).map(seconds_locked).take_while(|seconds| *seconds < LONGEST_SECONDS);
    shorter.chain([LONGEST_SECONDS]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_fifth_failure_locks_for_a_minute_and_each_further_one_doubles_it() {
        assert_eq!(steps(), [0, 0, 0, 0, 60, 120, 240, 480, 960, 1_920, 3_600]);
        assert_eq!(seconds_locked(4), 0);
        assert_eq!(seconds_locked(5), 60);
        assert_eq!(seconds_locked(6), 120);
        assert_eq!(seconds_locked(10), 1_920);
        assert_eq!(seconds_locked(11), 3_600, "an hour at most, not 64 minutes");
        assert_eq!(seconds_locked(i32::MAX), 3_600);
        assert_eq!(seconds_locked(i32::MIN), 0);
    }

    #[test]
    fn a_hundred_in_a_row_need_a_link_whether_locked_or_not() {
        assert_eq!(Standing::of(false, 99), Standing::Open);
        assert_eq!(Standing::of(true, 99), Standing::Locked);
        assert_eq!(Standing::of(false, 100), Standing::NeedsLink);
        assert_eq!(Standing::of(true, i32::MAX), Standing::NeedsLink);
    }

    proptest! {
        #[test]
        fn one_more_failure_never_shortens_and_at_most_doubles(failures in 0..i32::MAX) {
            let (now, next) = (seconds_locked(failures), seconds_locked(failures + 1));
            prop_assert!((0..=LONGEST_SECONDS).contains(&now));
            prop_assert!(next >= now);
            if failures >= FAILURES {
                prop_assert_eq!(next, (now * 2).min(LONGEST_SECONDS));
            }
        }

        #[test]
        fn the_steps_say_what_the_rule_says(failures in 1..10_000_i32) {
            let steps = steps();
            let index = usize::try_from(failures - 1).expect("above zero").min(steps.len() - 1);
            prop_assert_eq!(steps[index], seconds_locked(failures));
        }
    }
}
