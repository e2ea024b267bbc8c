//! `GET /map/cell`: who a count on the map is of, as a list. A browser asks as its stream asked and names the cell, so the list
//! holds who was counted there, within the same reach, and asking is part of the same look.

use axum::Json;
use serde::{Deserialize, Serialize};

use super::{Looking, MOST};
use crate::{
    model::map::Cell,
    server::{
        http::{AppError, Cx},
        live::scene::wire,
        services,
        store::map::Wanted,
    },
    ui::wire::map::MapUnit,
};

/// Lines of a list: who looks for more than that looks nearer.
const LINES: usize = 50;

/// Where the browser looks, as its stream was told, and a cell of the grid that it was answered with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    bounds: String,
    zoom: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    member: String,
    level: u8,
    x: u32,
    y: u32,
}

/// Who is in a cell, by name.
#[derive(Serialize)]
pub struct Members {
    units: Vec<MapUnit>,
    /// How many there are beside those.
    more: usize,
}

/// `GET /map/cell`
///
/// # Errors
/// Bad request for a view that cannot be read, or a cell that no grid has; refused without `map`.
pub async fn members(cx: Cx) -> Result<Json<Members>, AppError> {
    let person = cx.signed_in()?;
    let Asked { bounds, zoom, state, q, member, level, x, y } = cx.query()?;
    let view = Looking { bounds, zoom, state, q, member }.view(person)?;
    let cell = Cell::new(level, x, y).map_err(|_| AppError::BadRequest)?;
    let wanted = Wanted {
        bounds: Some(cell.bounds(level)),
        members: Vec::new(),
        selected: view.selected,
        text: view.filter.text.clone(),
    };
    let mut units = services::map::units(&cx.app, &person.caller, &wanted, MOST).await?;
    units.retain(|unit| view.keeps(unit) && unit.fix.is_some_and(|fix| Cell::of(&fix.place, level) == cell));
    let more = units.len().saturating_sub(LINES);
    Ok(Json(Members { units: units.iter().take(LINES).map(wire).collect(), more }))
}
