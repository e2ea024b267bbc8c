//! Words for values: times in the business's zone, durations, numbers that may be absent.

use jiff::tz::TimeZone;
use leptos::prelude::*;

pub use crate::ui::parts::duration;
use crate::{model::phone::Phone, server::kit::At, ui::parts::When};

/// The business's zone; UTC if this build does not know it.
#[must_use]
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Date and time in `zone`, with the exact instant behind it: «22 Nov 2026, 14:05:09».
#[must_use]
pub fn when(at: At, zone_name: &str) -> AnyView {
    moment(at, zone_name, "%-d %b %Y, %H:%M:%S")
}

/// The day in `zone`, for what nobody wants to the second, with the exact instant behind it: «22 Nov 2026».
#[must_use]
pub fn day(at: At, zone_name: &str) -> AnyView {
    moment(at, zone_name, "%-d %b %Y")
}

fn moment(at: At, zone_name: &str, format: &str) -> AnyView {
    let local = at.0.to_zoned(zone(zone_name));
    let shown = local.strftime(format).to_string();
    let exact = format!("{} · {}", local.strftime("%Y-%m-%d %H:%M:%S %:z"), zone_name);
    view! { <When iso=at.0.to_string() shown=shown title=exact /> }.into_any()
}

/// As [`when`], or a dash.
#[must_use]
pub fn when_or_dash(at: Option<At>, zone_name: &str) -> AnyView {
    at.map_or_else(|| view! { <span class="subtle">"–"</span> }.into_any(), |at| when(at, zone_name))
}

/// How long ago, in one unit: «3 min ago».
#[must_use]
pub fn ago(at: At, now: At) -> String {
    match now.since(at) {
        s if s < 0 => "in the future".to_owned(),
        s @ 0..=59 => format!("{s} s ago"),
        s @ 60..=3599 => format!("{} min ago", s / 60),
        s @ 3600..=86_399 => format!("{} h ago", s / 3600),
        s @ 86_400..=172_799 => format!("{} day ago", s / 86_400),
        s => format!("{} days ago", s / 86_400),
    }
}

/// The masked number, or that there is none.
#[must_use]
pub fn party(phone: Option<&Phone>) -> String {
    phone.map_or_else(|| "withheld".to_owned(), |p| p.masked().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_a_clock() {
        assert_eq!(duration(-3), "0:00");
        assert_eq!(duration(65), "1:05");
        assert_eq!(duration(3_661), "1:01:01");
    }

    #[test]
    fn ages_have_one_unit() {
        let now = At("2026-01-02T00:00:00Z".parse().expect("an instant"));
        assert_eq!(ago(now.plus(-59), now), "59 s ago");
        assert_eq!(ago(now.plus(-60), now), "1 min ago");
        assert_eq!(ago(now.plus(-90_000), now), "1 day ago");
    }
}
