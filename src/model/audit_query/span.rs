//! Spans of time as the query bar writes them: `24h`, `7d`, `today`, `yesterday`, `2026-01-01`,
//! `2026-01-01..2026-01-31`, `2026-01-01T08:30..2026-01-01T17:00`, `2026-01-01..`, `all`.

use std::{fmt, str::FromStr};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::Problem;

/// The years that can be asked for: the log is younger, and the database knows no others.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2200;

/// When something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// So many hours until now, or so many whole days until today, today being one of them.
    Last(u16, Unit),
    Today,
    Yesterday,
    /// From one edge to another. An absent one is open.
    Between {
        from: Option<Edge>,
        to: Option<Edge>,
    },
}

/// What a span that ends now is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Hours,
    Days,
}

/// Where a span begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The whole day belongs to the span, at either end.
    Day(Date),
    /// A time of the clock, in the zone of whoever asks. As an end it is outside.
    Clock(DateTime),
    /// An instant, whatever the zone. As an end it is outside.
    Instant(Timestamp),
}

impl Span {
    /// All times.
    pub const ALL: Self = Self::Between { from: None, to: None };

    /// The spans that are offered, with their words.
    pub const PRESETS: [(Self, &'static str); 7] = [
        (Self::Last(1, Unit::Hours), "Last hour"),
        (Self::Last(24, Unit::Hours), "Last 24 hours"),
        (Self::Today, "Today"),
        (Self::Yesterday, "Yesterday"),
        (Self::Last(7, Unit::Days), "Last 7 days"),
        (Self::Last(30, Unit::Days), "Last 30 days"),
        (Self::ALL, "All times"),
    ];

    /// The span of one day.
    #[must_use]
    pub const fn day(day: Date) -> Self {
        Self::Between { from: Some(Edge::Day(day)), to: Some(Edge::Day(day)) }
    }

    /// Whether it means the same tomorrow, and everywhere.
    #[must_use]
    pub fn is_fixed(self) -> bool {
        let is_fixed = |edge: Option<Edge>| edge.is_none_or(|edge| matches!(edge, Edge::Instant(_)));
        matches!(self, Self::Between { from, to } if is_fixed(from) && is_fixed(to))
    }

    /// The first instant inside, and the first behind it.
    #[must_use]
    pub fn resolve(self, now: Timestamp, zone: &TimeZone) -> (Option<Timestamp>, Option<Timestamp>) {
        let today = now.to_zoned(zone.clone()).date();
        let ago = |days: i64| today.saturating_sub(SignedDuration::from_hours(24 * days));
        match self {
            Self::Last(hours, Unit::Hours) => {
                let from = now.saturating_sub(SignedDuration::from_hours(i64::from(hours))).ok();
                (from, None)
            }
            Self::Last(days, Unit::Days) => (start(ago(i64::from(days) - 1), zone), None),
            Self::Today => (start(today, zone), None),
            Self::Yesterday => (start(ago(1), zone), start(today, zone)),
            Self::Between { from, to } => {
                (from.and_then(|edge| edge.first(zone)), to.and_then(|edge| edge.behind(zone)))
            }
        }
    }
}

impl Edge {
    fn first(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Day(day) => start(day, zone),
            Self::Clock(time) => time.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp()),
            Self::Instant(at) => Some(at),
        }
    }

    fn behind(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Day(day) => start(day.tomorrow().ok()?, zone),
            Self::Clock(_) | Self::Instant(_) => self.first(zone),
        }
    }

    /// The day that it lies in, as it is written.
    fn written(self) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Clock(time) => time.date(),
            Self::Instant(at) => TimeZone::UTC.to_datetime(at).date(),
        }
    }

    /// Whether `to` lies before it, as far as that can be told without a zone.
    fn is_behind(self, to: Self) -> bool {
        match (self, to) {
            (Self::Clock(from), Self::Clock(to)) => from > to,
            (Self::Instant(from), Self::Instant(to)) => from > to,
            (Self::Instant(_), _) | (_, Self::Instant(_)) => false,
            (from, to) => from.written() > to.written(),
        }
    }
}

/// When a day begins in a zone.
fn start(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Last(count, Unit::Hours) => write!(f, "{count}h"),
            Self::Last(count, Unit::Days) => write!(f, "{count}d"),
            Self::Today => f.write_str("today"),
            Self::Yesterday => f.write_str("yesterday"),
            Self::Between { from: None, to: None } => f.write_str("all"),
            Self::Between { from: Some(Edge::Day(from)), to: Some(Edge::Day(to)) } if from == to => write!(f, "{from}"),
            Self::Between { from, to } => {
                let text = |edge: Option<Edge>| edge.map(|edge| edge.to_string()).unwrap_or_default();
                write!(f, "{}..{}", text(from), text(to))
            }
        }
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => fmt::Display::fmt(day, f),
            Self::Clock(time) => fmt::Display::fmt(time, f),
            Self::Instant(at) => fmt::Display::fmt(at, f),
        }
    }
}

impl FromStr for Span {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "all" => return Ok(Self::ALL),
            "today" => return Ok(Self::Today),
            "yesterday" => return Ok(Self::Yesterday),
            _ => {}
        }
        if let Some(span) = last(text) {
            return Ok(span);
        }
        let Some((from, to)) = text.split_once("..") else {
            return match text.parse::<Edge>()? {
                Edge::Day(day) => Ok(Self::day(day)),
                // An instant alone holds nothing.
                Edge::Clock(_) | Edge::Instant(_) => Err(Problem::At),
            };
        };
        let edge = |text: &str| if text.is_empty() { Ok(None) } else { text.parse::<Edge>().map(Some) };
        let (from, to) = (edge(from)?, edge(to)?);
        if from.zip(to).is_some_and(|(from, to)| from.is_behind(to)) {
            return Err(Problem::Order);
        }
        Ok(Self::Between { from, to })
    }
}

/// `24h` or `7d`.
fn last(text: &str) -> Option<Span> {
    let (digits, unit, most) = match text.strip_suffix('h') {
        Some(digits) => (digits, Unit::Hours, 9_999),
        None => (text.strip_suffix('d')?, Unit::Days, 3_660),
    };
    let is_plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let count: u16 = digits.parse().ok().filter(|_| is_plain)?;
    (1..=most).contains(&count).then_some(Span::Last(count, unit))
}

impl FromStr for Edge {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        // A day is ten characters; whatever is longer has a time, and with an offset it is an instant.
        let edge = if text.len() <= 10 {
            text.parse().map(Self::Day).map_err(|_| Problem::At)?
        } else if let Ok(at) = text.parse::<Timestamp>() {
            Self::Instant(at)
        } else {
            text.parse().map(Self::Clock).map_err(|_| Problem::At)?
        };
        if YEARS.contains(&edge.written().year()) { Ok(edge) } else { Err(Problem::At) }
    }
}
