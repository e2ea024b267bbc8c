//! The map's rules (GPS-2): what a unit's state is called, where a place lies on the drawn Earth, and how much of many places a
//! browser is told.
//!
//! A *unit* is a technician on shift as the map shows them. Where more than [`UNITS_MOST`] would be in view, they become counts
//! per *cell* of a grid that depends on the view alone, so what is sent does not grow with how many there are. To add a state: a
//! variant, its words, its icon in `pages::map` and its shape in `style/app.css`.

use std::str::FromStr;

use serde::Serialize;

use super::{
    field::Bad,
    geo::{Bounds, Coordinate},
    work_order::WorkOrderState,
};

/// More than so many in view are told as counts.
pub const UNITS_MOST: usize = 200;
/// So many again before they are told one by one: a view at the limit does not change its mind each second.
pub const UNITS_AGAIN: usize = 180;
/// Cells that a view is cut into at most.
const CELLS_MOST: u64 = 512;
/// The finest grid: cells of about 40 m.
const LEVEL_MOST: u8 = 20;
/// A cell is an eighth of what a map shows as one tile of its zoom: about 64 pixels.
const LEVELS_BELOW_ZOOM: u8 = 3;
/// Slower than this is standing, in metres a second: a receiver that lies still wanders.
pub const STANDING_M_S: f64 = 1.0;
/// What a cell's box is wider by on each side, in degrees: a place at its edge is not lost by rounding.
const HAIR: f64 = 1e-6;
/// Where a square Mercator map ends.
const MERCATOR_LAT: f64 = 85.051_128;

/// What a technician on shift is doing, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    /// At a customer, by their own word.
    OnSite,
    /// On the way to a customer, by their own word.
    EnRoute,
    /// On no job, and moving.
    Moving,
    /// On no job, and not moving.
    Standing,
    /// On shift, and nothing else is known.
    OnShift,
}

impl UnitState {
    pub const ALL: [Self; 5] = [Self::OnSite, Self::EnRoute, Self::Moving, Self::Standing, Self::OnShift];

    /// What a job and a speed say: a job first, because a technician said so.
    #[must_use]
    pub fn of(job: Option<WorkOrderState>, speed_m_s: Option<f64>) -> Self {
        match (job, speed_m_s) {
            (Some(WorkOrderState::OnSite), _) => Self::OnSite,
            (Some(WorkOrderState::EnRoute), _) => Self::EnRoute,
            (_, Some(speed)) if speed >= STANDING_M_S => Self::Moving,
            (_, Some(_)) => Self::Standing,
            (_, None) => Self::OnShift,
        }
    }

    /// The form in addresses and on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OnSite => "on_site",
            Self::EnRoute => "en_route",
            Self::Moving => "moving",
            Self::Standing => "standing",
            Self::OnShift => "on_shift",
        }
    }

    /// The words for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OnSite => "On site",
            Self::EnRoute => "On the way",
            Self::Moving => "Moving",
            Self::Standing => "Standing",
            Self::OnShift => "On shift",
        }
    }
}

impl FromStr for UnitState {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|state| state.code() == text).ok_or(Bad::Choice)
    }
}

/// What a map is asked for beside where it looks. It stands in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitFilter {
    pub state: Option<UnitState>,
    /// A part of a name, in any case.
    pub text: String,
}

impl UnitFilter {
    /// Whether somebody of that name in that state is shown.
    #[must_use]
    pub fn keeps(&self, name: &str, state: UnitState) -> bool {
        let named = self.text.is_empty() || name.to_lowercase().contains(&self.text.to_lowercase());
        named && self.state.is_none_or(|wanted| wanted == state)
    }
}

/// A place on the square map (web Mercator, EPSG:3857): from 0 to 1, east and south.
#[must_use]
pub fn mercator(lat: f64, lon: f64) -> (f64, f64) {
    let lat = lat.clamp(-MERCATOR_LAT, MERCATOR_LAT).to_radians();
    let y = (1.0 - lat.tan().asinh() / std::f64::consts::PI) / 2.0;
    ((lon + 180.0) / 360.0, y)
}

/// A cell of the grid of some level: `x` counts from the date line eastwards, `y` from the north southwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    pub x: u32,
    pub y: u32,
}

/// Cells in a row of the grid.
const fn row(level: u8) -> u32 {
    1 << level
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a row holds before")]
fn index(part: f64, level: u8) -> u32 {
    let cells = row(level);
    (part * f64::from(cells)).clamp(0.0, f64::from(cells - 1)) as u32
}

impl Cell {
    /// The cell that a place lies in.
    #[must_use]
    pub fn of(place: &Coordinate, level: u8) -> Self {
        let (lat, lon) = place.degrees();
        let (x, y) = mercator(lat, lon);
        Self { x: index(x, level), y: index(y, level) }
    }

    /// A cell as a browser names it.
    ///
    /// # Errors
    /// A level that is finer than any, or a place beyond its grid.
    pub fn new(level: u8, x: u32, y: u32) -> Result<Self, Bad> {
        let is_there = level <= LEVEL_MOST && x < row(level) && y < row(level);
        if is_there { Ok(Self { x, y }) } else { Err(Bad::Choice) }
    }

    /// A box around all of a cell of this level, and hardly more. What lies in the cell itself, [`Self::of`] says.
    #[must_use]
    pub fn bounds(self, level: u8) -> Bounds {
        let cells = f64::from(row(level));
        let lon = |x: u32| f64::from(x) / cells * 360.0 - 180.0;
        let lat = |y: u32| (std::f64::consts::PI * (1.0 - 2.0 * f64::from(y) / cells)).sinh().atan().to_degrees();
        // What lies beyond the square map's end is counted in its first and last row.
        let north = if self.y == 0 { 90.0 } else { lat(self.y) + HAIR };
        let south = if self.y + 1 == row(level) { -90.0 } else { lat(self.y + 1) - HAIR };
        let (west, east) = ((lon(self.x) - HAIR).max(-180.0), (lon(self.x + 1) + HAIR).min(180.0));
        Bounds::from_degrees(west, south, east, north).unwrap_or(Bounds::EARTH)
    }
}

/// How many cells of a level a view touches.
fn cells(bounds: &Bounds, level: u8) -> u64 {
    let corner = |lat_e7, lon_e7| Cell::of(&Coordinate { lat_e7, lon_e7 }, level);
    let north_west = corner(bounds.north_e7, bounds.west_e7);
    let south_east = corner(bounds.south_e7, bounds.east_e7);
    let row = u64::from(row(level));
    let columns = (u64::from(south_east.x) + row - u64::from(north_west.x)) % row + 1;
    columns * (u64::from(south_east.y.saturating_sub(north_west.y)) + 1)
}

/// How fine the grid is for a view: as its zoom asks, and never so fine that there are too many cells in it, whatever a browser
/// says of its zoom.
#[must_use]
pub fn level(bounds: &Bounds, zoom: u8) -> u8 {
    let wanted = zoom.saturating_add(LEVELS_BELOW_ZOOM).min(LEVEL_MOST);
    (0..=wanted).rev().find(|level| cells(bounds, *level) <= CELLS_MOST).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Coordinate {
        Coordinate::from_degrees(lat, lon).expect("a place")
    }

    #[test]
    fn a_technicians_word_says_more_than_a_speed() {
        assert_eq!(UnitState::of(Some(WorkOrderState::OnSite), Some(9.0)), UnitState::OnSite);
        assert_eq!(UnitState::of(Some(WorkOrderState::EnRoute), Some(0.0)), UnitState::EnRoute);
        assert_eq!(UnitState::of(Some(WorkOrderState::Assigned), Some(9.0)), UnitState::Moving);
        assert_eq!(UnitState::of(None, Some(0.4)), UnitState::Standing);
        assert_eq!(UnitState::of(None, None), UnitState::OnShift);
        assert!(UnitState::ALL.into_iter().all(|state| state.code().parse() == Ok(state)));
    }

    #[test]
    fn filters_keep_by_name_and_state() {
        let keeps = |state, text: &str| UnitFilter { state, text: text.into() }.keeps("Ana Ruiz", UnitState::Moving);
        assert!(keeps(None, "") && keeps(Some(UnitState::Moving), "RUIZ"));
        assert!(!keeps(Some(UnitState::OnSite), "") && !keeps(None, "bob"));
    }

    #[test]
    fn the_square_map_has_its_corners_where_everybody_has_them() {
        let near = |(x, y): (f64, f64), (a, b): (f64, f64)| (x - a).abs() < 1e-6 && (y - b).abs() < 1e-6;
        assert!(near(mercator(0.0, 0.0), (0.5, 0.5)));
        assert!(near(mercator(90.0, -180.0), (0.0, 0.0)) && near(mercator(-90.0, 180.0), (1.0, 1.0)));
        // Tile 10/233/421 of everybody's tile servers is Austin.
        assert_eq!(Cell::of(&at(30.267_153, -97.743_061), 10), Cell { x: 233, y: 421 });
        assert_eq!(Cell::of(&at(-90.0, 180.0), 3), Cell { x: 7, y: 7 });
    }

    #[test]
    fn a_cells_box_holds_what_is_counted_in_it() {
        let places = [
            at(30.267_153, -97.743_061),
            at(90.0, -180.0),
            at(-90.0, 180.0),
            at(0.0, 0.0),
            at(-33.9, 151.2),
            at(85.1, -0.000_000_1),
        ];
        for level in [0, 1, 10, LEVEL_MOST] {
            for place in &places {
                let cell = Cell::of(place, level);
                assert_eq!(Cell::new(level, cell.x, cell.y), Ok(cell));
                assert!(cell.bounds(level).contains(place), "{cell:?} of level {level}");
            }
        }
        let austin = Cell { x: 233, y: 421 }.bounds(10);
        assert!(!austin.contains(&at(32.776_664, -96.796_988)), "Dallas is in another");
        for (level, x, y) in [(LEVEL_MOST + 1, 0, 0), (u8::MAX, 0, 0), (3, 8, 0), (3, 0, 8), (0, 1, 0)] {
            assert_eq!(Cell::new(level, x, y), Err(Bad::Choice), "{level} {x} {y}");
        }
    }

    #[test]
    fn no_view_has_too_many_cells() {
        let texas = Bounds::from_degrees(-106.7, 25.8, -93.5, 36.5).expect("a box");
        let pacific = Bounds::from_degrees(170.0, -10.0, 190.0, 10.0).expect("a box over the date line");
        for bounds in [Bounds::EARTH, texas, pacific] {
            for zoom in [0, 5, 22, u8::MAX] {
                assert!(cells(&bounds, level(&bounds, zoom)) <= CELLS_MOST, "{zoom}");
            }
        }
        assert_eq!(level(&texas, 0), 3, "as coarse as was asked");
        assert!(level(&texas, 22) > level(&Bounds::EARTH, 22), "a smaller view is told finer");
    }
}
