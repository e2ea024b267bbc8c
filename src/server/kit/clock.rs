//! Time, as a parameter.

use std::{ops::Deref, sync::Arc};

use jiff::{SignedDuration, Timestamp};

/// Where the time of day comes from: the system, or a test's hand.
pub trait Clock: Send + Sync + 'static {
    /// The current instant.
    fn now(&self) -> At;
}

/// A clock that is shared by everything in one process.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that may ask")]
    fn now(&self) -> At {
        At(Timestamp::now())
    }
}

/// An instant in UTC with microseconds, as `PostgreSQL` stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(pub Timestamp);

impl At {
    /// This instant moved by `seconds`, clamped to what a timestamp can hold.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(self.0))
    }

    /// The instant so many seconds after the Unix epoch, clamped to what a timestamp can hold.
    #[must_use]
    pub fn from_second(seconds: i64) -> Self {
        Self(Timestamp::UNIX_EPOCH).plus(seconds)
    }

    /// The instant so many microseconds after the Unix epoch, clamped to what a timestamp can hold.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        let end = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_microsecond(micros).unwrap_or(end))
    }

    /// Microseconds since the Unix epoch, which is what seals hash.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Milliseconds since the Unix epoch, which is what islands get.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Whole seconds from `earlier` to this instant.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.as_second() - earlier.0.as_second()
    }
}

impl Deref for At {
    type Target = Timestamp;

    fn deref(&self) -> &Timestamp {
        &self.0
    }
}
