//! Places on the Earth (GPS-1, GPS-2): coordinates in WGS 84, boxes around them, and how old a position may be.
//!
//! A coordinate is personal data: where somebody is. It masks itself in `Debug`, which is what ends up in logs (AUD-7).
//! Whole 1e-7 degrees (11 mm) instead of floats: they compare, and survive columns and JSON unchanged.

use std::fmt;

use super::field::Bad;

/// 1e-7 degrees in a degree.
const E7: f64 = 1e7;
/// The mean radius of the Earth (IUGG), in metres.
const EARTH_M: f64 = 6_371_008.8;
/// Metres in a mile: pages tell distances in miles and feet.
pub const MILE_M: f64 = 1_609.344;
/// Feet in a metre.
pub const FEET: f64 = 3.280_84;
/// 180 degrees, the most that a longitude may be off zero.
const HALF_TURN_E7: i32 = 1_800_000_000;
const POLE_E7: i32 = 900_000_000;

/// A place: latitude and longitude in 1e-7 degrees.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Coordinate {
    pub lat_e7: i32,
    pub lon_e7: i32,
}

/// A box of the map, edges included. Its west may be east of its east: then it lies over the date line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub west_e7: i32,
    pub south_e7: i32,
    pub east_e7: i32,
    pub north_e7: i32,
}

/// How far a position may be believed, by its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Freshness {
    /// Up to a minute: they are there.
    Fresh,
    /// Up to five minutes: they were there.
    Late,
    /// Older: they may be anywhere.
    Stale,
}

/// A position is fresh up to this age.
pub const FRESH_SECONDS: i64 = 60;
/// A position is late up to this age, and stale beyond.
pub const LATE_SECONDS: i64 = 300;

/// Degrees as 1e-7 of them.
///
/// # Errors
/// Not a number, or further from zero than `most`.
#[expect(clippy::cast_possible_truncation, reason = "inside the bounds, which an i32 holds")]
fn e7(degrees: f64, most: i32) -> Result<i32, Bad> {
    let scaled = (degrees * E7).round();
    let inside = scaled.is_finite() && scaled.abs() <= f64::from(most);
    if inside { Ok(scaled as i32) } else { Err(Bad::Degrees(most.unsigned_abs() / 10_000_000)) }
}

impl Coordinate {
    /// A place by its degrees: latitude first.
    ///
    /// # Errors
    /// A latitude beyond the poles, a longitude beyond half a turn, or not a number.
    pub fn from_degrees(lat: f64, lon: f64) -> Result<Self, Bad> {
        Ok(Self { lat_e7: e7(lat, POLE_E7)?, lon_e7: e7(lon, HALF_TURN_E7)? })
    }

    /// A place as columns hold it.
    ///
    /// # Errors
    /// As [`Self::from_degrees`].
    pub fn from_e7(lat_e7: i32, lon_e7: i32) -> Result<Self, Bad> {
        Self::from_degrees(f64::from(lat_e7) / E7, f64::from(lon_e7) / E7)
    }

    /// Latitude and longitude in degrees.
    #[must_use]
    pub fn degrees(&self) -> (f64, f64) {
        (f64::from(self.lat_e7) / E7, f64::from(self.lon_e7) / E7)
    }

    /// Metres to `other` along the surface (haversine: within 0.5 % of the ellipsoid).
    #[must_use]
    pub fn distance_m(&self, other: &Self) -> f64 {
        let ((lat_a, lon_a), (lat_b, lon_b)) = (self.degrees(), other.degrees());
        let (lat_a, lat_b) = (lat_a.to_radians(), lat_b.to_radians());
        let half_lat = ((lat_b - lat_a) / 2.0).sin();
        let half_lon = ((lon_b - lon_a).to_radians() / 2.0).sin();
        let h = half_lat * half_lat + lat_a.cos() * lat_b.cos() * half_lon * half_lon;
        2.0 * EARTH_M * h.sqrt().min(1.0).asin()
    }
}

impl fmt::Debug for Coordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Coordinate(…)")
    }
}

impl Bounds {
    /// The whole Earth.
    pub const EARTH: Self =
        Self { west_e7: -HALF_TURN_E7, south_e7: -POLE_E7, east_e7: HALF_TURN_E7, north_e7: POLE_E7 };

    /// A box by its edges in degrees. A map that was dragged around the Earth has longitudes beyond half a turn: they are
    /// brought back, and a map that shows all of it is all of it.
    ///
    /// # Errors
    /// A south that is north of the north, or not numbers.
    pub fn from_degrees(west: f64, south: f64, east: f64, north: f64) -> Result<Self, Bad> {
        if ![west, south, east, north].iter().all(|edge| edge.is_finite()) || south > north {
            return Err(Bad::Degrees(180));
        }
        let turn =
            |lon: f64| if (-180.0..=180.0).contains(&lon) { lon } else { (lon + 180.0).rem_euclid(360.0) - 180.0 };
        let (west, east) = if east - west >= 360.0 { (-180.0, 180.0) } else { (turn(west), turn(east)) };
        Ok(Self {
            west_e7: e7(west, HALF_TURN_E7)?,
            south_e7: e7(south.clamp(-90.0, 90.0), POLE_E7)?,
            east_e7: e7(east, HALF_TURN_E7)?,
            north_e7: e7(north.clamp(-90.0, 90.0), POLE_E7)?,
        })
    }

    /// Whether a place lies in it.
    #[must_use]
    pub fn contains(&self, place: &Coordinate) -> bool {
        let between = if self.west_e7 <= self.east_e7 {
            (self.west_e7..=self.east_e7).contains(&place.lon_e7)
        } else {
            place.lon_e7 >= self.west_e7 || place.lon_e7 <= self.east_e7
        };
        between && (self.south_e7..=self.north_e7).contains(&place.lat_e7)
    }
}

/// What somebody looks at is no better kept in a log than where others are.
impl fmt::Debug for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bounds(…)")
    }
}

impl Freshness {
    pub const ALL: [Self; 3] = [Self::Fresh, Self::Late, Self::Stale];

    /// By the age of a fix in seconds. One from a clock that runs ahead is fresh.
    #[must_use]
    pub const fn of_age(seconds: i64) -> Self {
        if seconds <= FRESH_SECONDS {
            Self::Fresh
        } else if seconds <= LATE_SECONDS {
            Self::Late
        } else {
            Self::Stale
        }
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Late => "late",
            Self::Stale => "stale",
        }
    }

    /// The word that stands beside its shape.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fresh => "Fresh",
            Self::Late => "Late",
            Self::Stale => "Stale",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Coordinate {
        Coordinate::from_degrees(lat, lon).expect("a place")
    }

    #[test]
    fn places_beyond_the_earth_are_refused() {
        assert!(Coordinate::from_degrees(90.0, -180.0).is_ok());
        for (lat, lon) in [(90.000_000_1, 0.0), (0.0, 180.000_000_1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(Coordinate::from_degrees(lat, lon).is_err(), "{lat} {lon}");
        }
        assert_eq!(Coordinate::from_degrees(91.0, 0.0), Err(Bad::Degrees(90)));
        assert_eq!(Coordinate::from_degrees(0.0, 181.0), Err(Bad::Degrees(180)));
        assert_eq!(Coordinate::from_e7(900_000_001, 0), Err(Bad::Degrees(90)));
    }

    #[test]
    fn degrees_survive_being_stored() {
        let place = at(30.267_153, -97.743_061);
        assert_eq!((place.lat_e7, place.lon_e7), (302_671_530, -977_430_610));
        assert_eq!(Coordinate::from_e7(place.lat_e7, place.lon_e7), Ok(place));
    }

    #[test]
    fn distances_are_those_of_the_earth() {
        // Austin to Dallas: 293 km.
        let (austin, dallas) = (at(30.267_153, -97.743_061), at(32.776_664, -96.796_988));
        assert!((292_000.0..294_000.0).contains(&austin.distance_m(&dallas)));
        assert!((dallas.distance_m(&austin) - austin.distance_m(&dallas)).abs() < 1e-6);
        // One minute of latitude is a sea mile.
        assert!((1_852.0..1_855.0).contains(&at(0.0, 0.0).distance_m(&at(1.0 / 60.0, 0.0))));
        // Over the date line it is a step, and not around the Earth.
        assert!(at(0.0, 179.999).distance_m(&at(0.0, -179.999)) < 250.0);
        assert!(at(90.0, 0.0).distance_m(&at(-90.0, 0.0)) > 20_000_000.0);
    }

    #[test]
    fn boxes_hold_what_lies_in_them() {
        let texas = Bounds::from_degrees(-106.7, 25.8, -93.5, 36.5).expect("a box");
        assert!(
            texas.contains(&at(30.0, -97.0)) && !texas.contains(&at(40.0, -97.0)) && !texas.contains(&at(30.0, 97.0))
        );
        let pacific = Bounds::from_degrees(170.0, -10.0, 190.0, 10.0).expect("a box over the date line");
        assert!(pacific.contains(&at(0.0, 175.0)) && pacific.contains(&at(0.0, -175.0)));
        assert!(!pacific.contains(&at(0.0, 0.0)));
        assert_eq!(Bounds::from_degrees(-400.0, -95.0, 400.0, 95.0), Ok(Bounds::EARTH));
        assert!(Bounds::from_degrees(0.0, 10.0, 1.0, 9.0).is_err());
        assert!(Bounds::from_degrees(f64::NAN, 0.0, 1.0, 1.0).is_err());
    }

    #[test]
    fn age_makes_a_position_stale() {
        let words: Vec<_> = [-5, 0, 60, 61, 300, 301].map(|age| Freshness::of_age(age).code()).to_vec();
        assert_eq!(words, ["fresh", "fresh", "fresh", "late", "late", "stale"]);
    }

    #[test]
    fn logs_show_nothing() {
        assert_eq!(format!("{:?}", at(30.0, -97.0)), "Coordinate(…)");
        assert_eq!(format!("{:?}", Bounds::EARTH), "Bounds(…)");
    }
}
