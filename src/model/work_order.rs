//! Work orders: a customer's job in the field, from being typed in to being done («job» in the words of people; the queue of
//! later work is `jobs`). The states and what may follow what, the window, and what a customer who follows their technician by
//! a link may see. Pure.
//!
//! To add a state: a variant, its code in the check of `work_orders`, its words, and its place in `moves`.

use std::{f64::consts::FRAC_1_SQRT_2, str::FromStr};

use jiff::{
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use super::{field::Bad, geo::Coordinate};

/// Where a work order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkOrderState {
    /// Nobody is assigned yet.
    New,
    Assigned,
    EnRoute,
    OnSite,
    Done,
    Canceled,
}

impl WorkOrderState {
    pub const ALL: [Self; 6] = [Self::New, Self::Assigned, Self::EnRoute, Self::OnSite, Self::Done, Self::Canceled];

    /// Nobody has come to the customer yet: late, once the window is over.
    pub const WAITING: [Self; 3] = [Self::New, Self::Assigned, Self::EnRoute];
    /// Somebody is on the way, or there.
    pub const UNDER_WAY: [Self; 2] = [Self::EnRoute, Self::OnSite];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Assigned => "assigned",
            Self::EnRoute => "en_route",
            Self::OnSite => "on_site",
            Self::Done => "done",
            Self::Canceled => "canceled",
        }
    }

    /// The words for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::New => "Not assigned",
            Self::Assigned => "Assigned",
            Self::EnRoute => "On the way",
            Self::OnSite => "On site",
            Self::Done => "Done",
            Self::Canceled => "Canceled",
        }
    }

    /// What the button says that leads here.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::New => "Take it back",
            Self::Assigned => "Not on the way",
            Self::EnRoute => "I am on the way",
            Self::OnSite => "I am on site",
            Self::Done => "Done",
            Self::Canceled => "Cancel",
        }
    }

    /// Whether nothing can follow: links, masked calls and the like close with it.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Canceled)
    }

    /// Where the assigned technician, or somebody for them, may move it from here, the usual one first. Giving it to somebody,
    /// taking it back and canceling it are acts of their own.
    #[must_use]
    pub const fn moves(self) -> &'static [Self] {
        match self {
            Self::New | Self::Done | Self::Canceled => &[],
            Self::Assigned => &[Self::EnRoute, Self::OnSite],
            Self::EnRoute => &[Self::OnSite, Self::Assigned],
            Self::OnSite => &[Self::Done, Self::EnRoute],
        }
    }

    /// Whether it may be moved from here to `to`.
    #[must_use]
    pub fn may_move(self, to: Self) -> bool {
        self.moves().contains(&to)
    }

    /// Whether it may be given to somebody else, or taken back: not while they stand before the customer, and not when it is over.
    #[must_use]
    pub const fn may_assign(self) -> bool {
        matches!(self, Self::New | Self::Assigned | Self::EnRoute)
    }
}

impl FromStr for WorkOrderState {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|state| state.code() == text).ok_or(Bad::Choice)
    }
}

/// What happened to a work order: an entry of its timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkOrderStep {
    Created,
    /// What it says was changed.
    Changed,
    Assigned,
    Unassigned,
    Moved,
    Canceled,
    LinkMade,
    LinkRevoked,
}

impl WorkOrderStep {
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Changed,
        Self::Assigned,
        Self::Unassigned,
        Self::Moved,
        Self::Canceled,
        Self::LinkMade,
        Self::LinkRevoked,
    ];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Assigned => "assigned",
            Self::Unassigned => "unassigned",
            Self::Moved => "moved",
            Self::Canceled => "canceled",
            Self::LinkMade => "link_made",
            Self::LinkRevoked => "link_revoked",
        }
    }

    /// The words for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Created => "Made",
            Self::Changed => "Changed",
            Self::Assigned => "Assigned",
            Self::Unassigned => "Taken back",
            Self::Moved => "Moved",
            Self::Canceled => "Canceled",
            Self::LinkMade => "Tracking link made",
            Self::LinkRevoked => "Tracking link ended",
        }
    }
}

impl FromStr for WorkOrderStep {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|step| step.code() == text).ok_or(Bad::Choice)
    }
}

/// When the technician is expected: a part of one day, in UTC seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: i64,
    pub to: i64,
}

/// A day and two times of it, as a person of the business types them.
///
/// # Errors
/// The field, and what is wrong with it: no day, no time, or an end that is not after the beginning.
pub fn window(day: &str, from: &str, to: &str, zone: &TimeZone) -> Result<Window, (&'static str, Bad)> {
    let day: Date = day.trim().parse().map_err(|_| ("day", Bad::Date))?;
    let at = |field: &'static str, text: &str| -> Result<i64, (&'static str, Bad)> {
        let time: Time = text.trim().parse().map_err(|_| (field, Bad::Time))?;
        let zoned = day.to_datetime(time).to_zoned(zone.clone()).map_err(|_| (field, Bad::Time))?;
        Ok(zoned.timestamp().as_second())
    };
    let window = Window { from: at("from", from)?, to: at("to", to)? };
    if window.from < window.to { Ok(window) } else { Err(("to", Bad::Window)) }
}

/// A place as people type it, or paste it from a map: latitude and longitude in degrees. Nothing for an empty text.
///
/// # Errors
/// Anything else.
pub fn place(text: &str) -> Result<Option<Coordinate>, Bad> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let mut parts = text.split([',', ' ', ';']).filter(|part| !part.is_empty());
    let mut degrees = || parts.next().and_then(|part| part.parse::<f64>().ok()).ok_or(Bad::Coordinate);
    let (lat, lon) = (degrees()?, degrees()?);
    if parts.next().is_some() {
        return Err(Bad::Coordinate);
    }
    Coordinate::from_degrees(lat, lon).map(Some).map_err(|_| Bad::Coordinate)
}

/// As [`place`] reads it.
#[must_use]
pub fn typed(place: &Coordinate) -> String {
    let (lat, lon) = place.degrees();
    format!("{lat:.6}, {lon:.6}")
}

/// A customer's link outlives the window of its work order by this: technicians are late.
pub const LINK_SECONDS_AFTER: i64 = 4 * 3600;
/// How many links of a work order may be open at once.
pub const LINKS_MOST: i64 = 3;
/// How coarse a customer sees the technician's place.
pub const COARSE_M: f64 = 300.0;
/// Metres of a degree of latitude.
const DEGREE_M: f64 = 111_320.0;

/// The place on a grid of about 300 m. A grid and no noise: noise is taken away by who asks often enough.
#[must_use]
pub fn coarse(place: &Coordinate) -> Option<Coordinate> {
    let (lat, lon) = place.degrees();
    let step = COARSE_M / DEGREE_M;
    let lat = (lat / step).round() * step;
    // A degree of longitude is shorter away from the equator; at the poles it is nothing.
    let wide = step / lat.to_radians().cos().max(0.01);
    let lon = (lon / wide).round() * wide;
    Coordinate::from_degrees(lat.clamp(-90.0, 90.0), lon.clamp(-180.0, 180.0)).ok()
}

/// A place as a device knew it: within so many metres.
#[derive(Debug, Clone, Copy)]
pub struct Fix {
    pub place: Coordinate,
    pub accuracy_m: f64,
}

/// What a customer sees of where their technician is: only on the way to them, coarse, and not around where they began (`began`:
/// the shift, which may be at somebody's home, and this way, which may be at another customer's), nor at the door, where the
/// customer can look out of the window.
#[must_use]
pub fn shown_to_customer(
    state: WorkOrderState,
    now_at: &Fix,
    began: &[Fix; 2],
    customer: Option<&Coordinate>,
) -> Option<Coordinate> {
    let at = now_at.place;
    // By how much both may be wrong, they may be nearer than it looks.
    let is_there = |end: &Fix| at.distance_m(&end.place) < COARSE_M + end.accuracy_m + now_at.accuracy_m;
    let is_at_door = customer.is_some_and(|door| at.distance_m(door) < COARSE_M);
    if state != WorkOrderState::EnRoute || began.iter().any(is_there) || is_at_door {
        return None;
    }
    coarse(&at)
}

/// Within how many metres of what is shown a technician is: half the way across a cell, and what their device does not know.
#[must_use]
pub fn shown_within_m(now_at: &Fix) -> f64 {
    COARSE_M * FRAC_1_SQRT_2 + now_at.accuracy_m
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Coordinate {
        Coordinate::from_degrees(lat, lon).expect("a place")
    }

    #[test]
    fn codes_are_unique_and_parse() {
        for state in WorkOrderState::ALL {
            assert_eq!(state.code().parse(), Ok(state));
        }
        for step in WorkOrderStep::ALL {
            assert_eq!(step.code().parse(), Ok(step));
        }
        assert_eq!("gone".parse::<WorkOrderState>(), Err(Bad::Choice));
    }

    #[test]
    fn nothing_follows_an_end_and_nobody_moves_what_nobody_has() {
        for state in WorkOrderState::ALL {
            for to in WorkOrderState::ALL {
                let may = state.may_move(to);
                assert!(!(may && (state.is_end() || state == WorkOrderState::New)), "{state:?} to {to:?}");
                assert!(!(may && matches!(to, WorkOrderState::New | WorkOrderState::Canceled)), "{state:?} to {to:?}");
                assert!(!(may && state == to), "{state:?} to itself");
            }
            assert!(!(state.is_end() && state.may_assign()), "{state:?}");
        }
        assert!(WorkOrderState::OnSite.may_move(WorkOrderState::Done));
        assert!(!WorkOrderState::Assigned.may_move(WorkOrderState::Done), "nothing is done that nobody went to");
    }

    #[test]
    fn every_state_leads_to_done() {
        for begin in [WorkOrderState::Assigned, WorkOrderState::EnRoute, WorkOrderState::OnSite] {
            let mut state = begin;
            for _ in 0..4 {
                state = state.moves().first().copied().unwrap_or(state);
            }
            assert_eq!(state, WorkOrderState::Done, "from {begin:?} by the usual moves");
        }
    }

    #[test]
    fn a_window_is_a_part_of_a_day_of_the_business() {
        let zone = TimeZone::get("America/Chicago").expect("a zone");
        let found = window("2026-11-23", "08:00", "10:30", &zone).expect("a window");
        assert_eq!(found.to - found.from, 9_000);
        assert_eq!(found.from, 1_795_442_400, "14:00 in UTC");
        assert_eq!(window("2026-11-23", "10:30", "08:00", &zone), Err(("to", Bad::Window)));
        assert_eq!(window("2026-11-23", "08:00", "08:00", &zone), Err(("to", Bad::Window)));
        assert_eq!(window("tomorrow", "08:00", "10:00", &zone), Err(("day", Bad::Date)));
        assert_eq!(window("2026-11-23", "8 o'clock", "10:00", &zone), Err(("from", Bad::Time)));
    }

    #[test]
    fn a_place_is_read_as_people_type_it() {
        let wanted = at(41.878_1, -87.629_8);
        for text in ["41.8781, -87.6298", " 41.8781,-87.6298 ", "41.8781 -87.6298", &typed(&wanted)] {
            assert_eq!(place(text), Ok(Some(wanted)), "{text}");
        }
        assert_eq!(place("  "), Ok(None));
        for bad in ["41.8781", "41.8781, -87.6298, 3", "here", "91, 0", "0, 181", "NaN, 0", "inf, 0"] {
            assert_eq!(place(bad), Err(Bad::Coordinate), "{bad}");
        }
    }

    #[test]
    fn a_place_stays_within_its_cell_and_many_places_share_it() {
        let here = at(41.878_1, -87.629_8);
        let shown = coarse(&here).expect("a place");
        assert!(here.distance_m(&shown) < 250.0, "half a diagonal of the cell");
        assert_eq!(coarse(&shown), Some(shown), "a cell is its own");
        let beside = at(41.878_3, -87.629_9);
        assert!(coarse(&beside).is_some());
        for pole in [at(90.0, 12.0), at(-90.0, 180.0), at(0.0, -180.0)] {
            assert!(coarse(&pole).is_some());
        }
    }

    fn fix(lat: f64, lon: f64, accuracy_m: f64) -> Fix {
        Fix { place: at(lat, lon), accuracy_m }
    }

    #[test]
    fn a_customer_sees_the_way_and_neither_end_of_it() {
        let (home, before, door) = (fix(41.80, -87.60, 5.0), fix(41.82, -87.62, 5.0), at(41.90, -87.70));
        let on_the_way = fix(41.85, -87.65, 5.0);
        let shown = |state, at: &Fix| shown_to_customer(state, at, &[home, before], Some(&door));
        let seen = shown(WorkOrderState::EnRoute, &on_the_way).expect("on the way");
        assert_ne!(seen, on_the_way.place, "coarse");
        assert!(seen.distance_m(&on_the_way.place) < shown_within_m(&on_the_way));
        for (lat, lon, why) in [
            (41.801, -87.601, "where the shift began"),
            (41.821, -87.621, "where they were before"),
            (41.899, -87.699, "at the door"),
        ] {
            assert_eq!(shown(WorkOrderState::EnRoute, &fix(lat, lon, 5.0)), None, "{why}");
        }
        for state in WorkOrderState::ALL.into_iter().filter(|state| *state != WorkOrderState::EnRoute) {
            assert_eq!(shown(state, &on_the_way), None, "{state:?}");
        }
    }

    #[test]
    fn what_a_device_does_not_know_is_no_way_out_of_what_is_hidden() {
        let (door, away) = (at(41.90, -87.70), fix(41.80, -87.60, 5.0));
        let shown = |at: &Fix, home: Fix| shown_to_customer(WorkOrderState::EnRoute, at, &[home, away], Some(&door));
        // 556 m from where the shift began.
        let on_the_way = fix(41.855, -87.65, 5.0);
        assert!(shown(&on_the_way, fix(41.85, -87.65, 5.0)).is_some());
        assert_eq!(shown(&on_the_way, fix(41.85, -87.65, 300.0)), None, "the shift began anywhere within 300 m");
        assert_eq!(shown(&fix(41.855, -87.65, 280.0), fix(41.85, -87.65, 5.0)), None, "they are anywhere within 280 m");
    }
}
