//! Today in the business's zone, and the same day a week ago up to the same time, so that the two can be compared.

use jiff::{Span, tz::TimeZone};

use crate::server::kit::At;

/// Today, and what it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// `2026-03-09`, as filters take it.
    pub date: String,
    /// For people.
    pub shown: String,
    pub weekday: String,
    pub from: At,
    /// When the next day begins.
    pub until: At,
    pub week_ago_from: At,
    pub week_ago_until: At,
}

impl Day {
    /// # Errors
    /// A day outside what the calendar can hold.
    pub fn of(now: At, zone: &TimeZone) -> Result<Self, jiff::Error> {
        let local = now.0.to_zoned(zone.clone());
        // By the clock on the wall, so that a change to summer time in between does not move the comparison.
        let week_ago = local.checked_sub(Span::new().days(7))?;
        Ok(Self {
            date: local.date().to_string(),
            shown: local.strftime("%A, %-d %B %Y").to_string(),
            weekday: local.strftime("%A").to_string(),
            from: At(local.start_of_day()?.timestamp()),
            until: At(local.checked_add(Span::new().days(1))?.start_of_day()?.timestamp()),
            week_ago_from: At(week_ago.start_of_day()?.timestamp()),
            week_ago_until: At(week_ago.timestamp()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_the_wall_clock_over_summer_time() {
        let at = |text: &str| At(text.parse().expect("an instant"));
        let zone = TimeZone::get("America/Chicago").expect("a zone");
        let day = Day::of(at("2026-03-09T15:00:00Z"), &zone).expect("a day");
        assert_eq!((day.date.as_str(), day.weekday.as_str()), ("2026-03-09", "Monday"));
        assert_eq!((day.from, day.until), (at("2026-03-09T05:00:00Z"), at("2026-03-10T05:00:00Z")));
        assert_eq!(day.week_ago_from, at("2026-03-02T06:00:00Z"));
        assert_eq!(day.week_ago_until, at("2026-03-02T16:00:00Z"));
    }
}
