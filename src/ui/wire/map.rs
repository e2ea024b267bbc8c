//! What a map's stream says (GPS-2). It is read by `public/static/map.js`. Places are in degrees with five digits, about a metre;
//! moments in milliseconds since the epoch.

use serde::Serialize;

use crate::model::{id::MemberId, map::UnitState};

/// A technician on shift.
#[derive(Clone, PartialEq, Serialize)]
pub struct MapUnit {
    pub id: MemberId,
    pub name: String,
    pub state: UnitState,
    /// On shift since.
    pub since: i64,
    /// Absent until the first position of the shift has come.
    pub fix: Option<MapFix>,
}

/// Where somebody was, and when.
#[derive(Clone, PartialEq, Serialize)]
pub struct MapFix {
    pub at: i64,
    pub lat: f64,
    pub lon: f64,
    /// Metres a second.
    pub speed: Option<f64>,
    /// Degrees from north, clockwise.
    pub heading: Option<f64>,
    /// Metres that it may be off.
    pub accuracy: f64,
}

/// What changed in a view since the batch before. Counts per cell stand in place of units where there are too many of them.
#[derive(Clone, PartialEq, Serialize)]
pub struct MapBatch {
    pub now: i64,
    /// Whether this is all there is: what is not in it is not in view.
    pub whole: bool,
    /// How many are in view, by state, in the order of [`UnitState::ALL`].
    pub counts: [usize; UnitState::ALL.len()],
    pub units: Vec<MapUnit>,
    pub gone: Vec<MemberId>,
    /// The level of the grid that `cells` are of; absent where units are told.
    pub level: Option<u8>,
    /// Column, row and count; a count of nothing takes the cell away.
    pub cells: Vec<(u32, u32, u32)>,
}
