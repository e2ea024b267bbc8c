//! A technician's positions (GPS-1, GPS-3): what is accepted, how often, and when a technician may be seen at all.
//!
//! The limit of three a minute is judged twice: here, among the points of one request, so that a phone that sampled too often
//! keeps an even trail; and in [`judge`], against all that came with it and all that is there.

pub mod judge;

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{field::Bad, geo::Coordinate, id::MemberId};

/// Points, and requests, of one technician in any minute.
pub const PER_MINUTE: usize = 3;
/// Points of one request.
pub const MAX_BATCH: usize = 500;
/// A phone's clock may run ahead by so much.
const AHEAD: SignedDuration = SignedDuration::from_secs(30);
/// What a phone kept for longer than this is too old.
const OLD: SignedDuration = SignedDuration::from_hours(24);
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// Beyond this accuracy a point says little more than the town: it is kept, and marked.
const COARSE_M: f64 = 5_000.0;
/// Half the way around the Earth: no point is less accurate than that.
const MOST_M: f64 = 20_100_000.0;
/// Faster than anything on the ground.
const MOST_MPS: f64 = 1_000.0;
/// A shift ends by itself after this long.
pub const SHIFT_SECONDS: i64 = 14 * 3600;
/// Looking again within this span is the same look.
pub const LOOK_SECONDS: i64 = 600;

/// A point as a phone sends it. It says where somebody is: it is not shown in logs.
#[derive(Clone, Copy)]
pub struct Sent {
    pub at: Timestamp,
    pub lat: f64,
    pub lon: f64,
    pub accuracy_m: f64,
    pub speed_mps: Option<f64>,
    pub heading_deg: Option<f64>,
}

/// A point that may be stored, if its technician was on shift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When the phone says that it was there, in whole microseconds.
    pub at: Timestamp,
    pub place: Coordinate,
    pub accuracy_m: f32,
    pub speed_mps: Option<f32>,
    pub heading_deg: Option<f32>,
    /// Less accurate than it should be.
    pub is_coarse: bool,
}

/// Why a point was not stored. These are counted, per technician and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// No shift was open at that time.
    OffShift,
    /// More than three in a minute.
    TooOften,
    /// Older than a day.
    TooOld,
    /// From the future.
    Ahead,
    /// A field is missing or out of its range.
    Invalid,
}

/// A field that keeps a point out, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPoint {
    pub refusal: Refusal,
    pub field: &'static str,
    pub problem: &'static str,
}

/// What of technicians' locations somebody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Where all are who are on shift.
    Map,
    /// Where one has been.
    Trail(MemberId),
    /// Who is nearest to a place.
    Nearest,
}

/// How a shift ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShiftEnd {
    /// By the technician.
    Own,
    /// By somebody who sees all on the map, or who took the right to send.
    Dispatcher,
    /// By itself, because it was too long.
    Clock,
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sent(…)")
    }
}

impl Refusal {
    pub const ALL: [Self; 5] = [Self::OffShift, Self::TooOften, Self::TooOld, Self::Ahead, Self::Invalid];

    /// The stored form, and the one that programs get.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OffShift => "off_shift",
            Self::TooOften => "too_often",
            Self::TooOld => "too_old",
            Self::Ahead => "ahead",
            Self::Invalid => "invalid",
        }
    }

    /// What whoever sends should do.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::OffShift => "no shift was open at this time; drop the point, and send none until a shift begins",
            Self::TooOften => "at most three points lie in any minute; drop the point",
            Self::TooOld => "points older than 24 hours are not taken; drop it",
            Self::Ahead => "this is more than 30 seconds in the future; set the device's clock",
            Self::Invalid => "correct the field",
        }
    }
}

impl Look {
    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Trail(_) => "trail",
            Self::Nearest => "nearest",
        }
    }

    /// Whom it is at; absent when it is at all who are on shift.
    #[must_use]
    pub const fn member(self) -> Option<MemberId> {
        match self {
            Self::Trail(member) => Some(member),
            Self::Map | Self::Nearest => None,
        }
    }

    /// As the technician reads it, by its stored form.
    #[must_use]
    pub fn told(code: &str) -> Option<&'static str> {
        match code {
            "map" => Some("Looked at the map"),
            "trail" => Some("Looked at where you had been"),
            "nearest" => Some("Asked who was nearest to a job"),
            _ => None,
        }
    }
}

impl ShiftEnd {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Dispatcher => "dispatcher",
            Self::Clock => "clock",
        }
    }
}

impl BadPoint {
    const fn new(refusal: Refusal, field: &'static str, problem: &'static str) -> Self {
        Self { refusal, field, problem }
    }

    /// A field that is not there or not of its kind.
    #[must_use]
    pub const fn invalid(field: &'static str, problem: &'static str) -> Self {
        Self::new(Refusal::Invalid, field, problem)
    }
}

/// A number from zero to `most`, as columns hold it: seven digits are more than any sensor has.
#[expect(clippy::cast_possible_truncation, reason = "inside a range that an f32 holds; seven digits are enough")]
fn upto(value: f64, most: f64) -> Option<f32> {
    (value.is_finite() && (0.0..=most).contains(&value)).then_some(value as f32)
}

impl Sent {
    /// The point, if it may be stored. Whether its technician was on shift, and how many others there are, is for [`judge`].
    ///
    /// # Errors
    /// The first field that keeps it out.
    pub fn check(&self, now: Timestamp) -> Result<Point, BadPoint> {
        let place = Coordinate::from_degrees(self.lat, self.lon).map_err(|bad| match bad {
            Bad::Degrees(90) => BadPoint::invalid("lat", "write degrees from -90 to 90"),
            _ => BadPoint::invalid("lon", "write degrees from -180 to 180"),
        })?;
        let accuracy_m = upto(self.accuracy_m, MOST_M)
            .ok_or(BadPoint::invalid("accuracy_m", "write metres, zero or more, as the device gave them"))?;
        let speed_mps = self.speed_mps.map(|speed| {
            upto(speed, MOST_MPS).ok_or(BadPoint::invalid(
                "speed_mps",
                "write metres per second, zero or more; leave it out when unknown",
            ))
        });
        let heading_deg = self.heading_deg.map(|heading| {
            // Some devices call north 360.
            upto(heading, 360.0)
                .map(|heading| if heading < 360.0 { heading } else { 0.0 })
                .ok_or(BadPoint::invalid("heading_deg", "write degrees from 0 to 360; leave it out when unknown"))
        });
        let (speed_mps, heading_deg) = (speed_mps.transpose()?, heading_deg.transpose()?);
        let age = now.duration_since(self.at);
        if age < -AHEAD {
            return Err(BadPoint::new(Refusal::Ahead, "at", Refusal::Ahead.advice()));
        }
        if age > OLD {
            return Err(BadPoint::new(Refusal::TooOld, "at", Refusal::TooOld.advice()));
        }
        let at = Timestamp::from_microsecond(self.at.as_microsecond())
            .map_err(|_| BadPoint::invalid("at", "write a time like 2026-11-23T14:05:00Z"))?;
        Ok(Point { at, place, accuracy_m, speed_mps, heading_deg, is_coarse: self.accuracy_m > COARSE_M })
    }
}

/// Which points of one request are too many by their own times: those after the third in any minute, from the first on.
/// Points of the same time are one.
#[must_use]
pub fn too_many(times: &[Timestamp]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|at| times.get(*at).copied());
    let mut kept: Vec<Timestamp> = Vec::with_capacity(times.len());
    let mut over = vec![false; times.len()];
    for at in order {
        let (Some(time), Some(over)) = (times.get(at).copied(), over.get_mut(at)) else { continue };
        let third = kept.len().checked_sub(PER_MINUTE).and_then(|third| kept.get(third));
        if kept.last() == Some(&time) {
            continue;
        }
        if third.is_some_and(|third| time.duration_since(*third) < MINUTE) {
            *over = true;
        } else {
            kept.push(time);
        }
    }
    over
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_790_000_000).expect("a time")
    }

    fn seconds(count: i64) -> Timestamp {
        now().checked_add(SignedDuration::from_secs(count)).expect("a time")
    }

    fn sent() -> Sent {
        Sent {
            at: now(),
            lat: 30.2672,
            lon: -97.7431,
            accuracy_m: 12.0,
            speed_mps: Some(3.5),
            heading_deg: Some(271.0),
        }
    }

    fn refused(change: impl FnOnce(&mut Sent)) -> Option<(Refusal, &'static str)> {
        let mut point = sent();
        change(&mut point);
        point.check(now()).err().map(|bad| (bad.refusal, bad.field))
    }

    #[test]
    fn each_field_has_its_range() {
        assert_eq!(refused(|_| {}), None);
        assert_eq!(refused(|p| p.lat = 90.1), Some((Refusal::Invalid, "lat")));
        assert_eq!(refused(|p| p.lon = f64::NAN), Some((Refusal::Invalid, "lon")));
        assert_eq!(refused(|p| p.accuracy_m = -1.0), Some((Refusal::Invalid, "accuracy_m")));
        assert_eq!(refused(|p| p.accuracy_m = f64::INFINITY), Some((Refusal::Invalid, "accuracy_m")));
        assert_eq!(refused(|p| p.speed_mps = Some(-1.0)), Some((Refusal::Invalid, "speed_mps")));
        assert_eq!(refused(|p| p.heading_deg = Some(360.5)), Some((Refusal::Invalid, "heading_deg")));
        assert_eq!(refused(|p| p.heading_deg = Some(-1.0)), Some((Refusal::Invalid, "heading_deg")));
        assert_eq!(refused(|p| p.heading_deg = Some(360.0)), None);
    }

    #[test]
    fn the_phones_clock_may_be_a_little_wrong_and_no_more() {
        assert_eq!(refused(|p| p.at = seconds(30)), None);
        assert_eq!(refused(|p| p.at = seconds(31)), Some((Refusal::Ahead, "at")));
        assert_eq!(refused(|p| p.at = seconds(-24 * 3600)), None);
        assert_eq!(refused(|p| p.at = seconds(-24 * 3600 - 1)), Some((Refusal::TooOld, "at")));
    }

    #[test]
    fn a_coarse_point_is_marked_and_kept() {
        let coarse = |metres| Sent { accuracy_m: metres, ..sent() }.check(now()).map(|point| point.is_coarse);
        assert_eq!((coarse(5_000.0), coarse(5_001.0)), (Ok(false), Ok(true)));
    }

    #[test]
    fn three_a_minute_are_kept_in_whatever_order_they_come() {
        let over = |offsets: &[i64]| too_many(&offsets.iter().map(|s| seconds(*s)).collect::<Vec<_>>());
        assert_eq!(over(&[0, 20, 40, 60, 80]), [false; 5]);
        assert_eq!(over(&[0, 1, 2, 3, 59, 60]), [false, false, false, true, true, false]);
        assert_eq!(over(&[3, 2, 1, 0]), [true, false, false, false]);
        assert_eq!(over(&[0, 0, 0, 0]), [false; 4], "the same time is the same point");
        // One a second for ten minutes: an even three a minute stays.
        let many: Vec<i64> = (0..600).collect();
        assert_eq!(over(&many).iter().filter(|over| !**over).count(), 30);
    }

    #[test]
    fn logs_show_nothing() {
        let text = format!("{:?} {:?}", sent(), sent().check(now()).map(|point| point.place));
        assert!(!text.contains("30.26") && !text.contains("97.7"), "{text}");
    }
}
