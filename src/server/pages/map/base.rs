//! The base map as the server draws it: the files that browsers get (`public/static/map`, made by `scripts/base-map.mjs`), cut to
//! a frame and thinned to what can be seen in it.
//!
//! Natural Earth and the US Census Bureau, both public domain.

use std::{fmt::Write, sync::LazyLock};

use serde::{Deserialize, de::DeserializeOwned};

use crate::model::{geo::Coordinate, map::mercator};

/// Size of the drawing, in its own units.
pub const WIDTH: f64 = 960.0;
pub const HEIGHT: f64 = 600.0;
/// Points nearer to each other than this are one.
const FINEST: f64 = 1.0;
/// The narrowest frame, as a part of the Earth's width: about 330 km at the equator.
const NARROWEST: f64 = 3.0 / 360.0;
/// So wide a frame may become until there is a line in it: what shows none tells nobody where it is.
const WIDENED: f64 = 14.0 / 360.0;
/// What is shown beyond the places, as a part of the frame.
const MARGIN: f64 = 0.25;

/// A place of the square map, from 0 to 1.
type Spot = (f64, f64);

static BASE: LazyLock<Base> = LazyLock::new(Base::read);

/// Outlines and lines on the square map.
struct Base {
    land: Vec<Vec<Spot>>,
    borders: Vec<Vec<Spot>>,
}

#[derive(Deserialize)]
struct Feature<T> {
    geometry: Geometry<T>,
}

#[derive(Deserialize)]
struct Geometry<T> {
    coordinates: T,
}

fn read<T: DeserializeOwned>(text: &str) -> T {
    let feature: Feature<T> = serde_json::from_str(text).expect("the shipped base map is GeoJSON");
    feature.geometry.coordinates
}

fn spots(line: Vec<(f64, f64)>) -> Vec<Spot> {
    line.into_iter().map(|(lon, lat)| mercator(lat, lon)).collect()
}

impl Base {
    fn read() -> Self {
        const LAND: &str = include_str!("../../../../public/static/map/land.json");
        const COUNTRIES: &str = include_str!("../../../../public/static/map/countries.json");
        const STATES: &str = include_str!("../../../../public/static/map/states.json");
        let land: Vec<Vec<Vec<(f64, f64)>>> = read(LAND);
        let mut borders: Vec<Vec<(f64, f64)>> = read(COUNTRIES);
        borders.extend(read::<Vec<Vec<(f64, f64)>>>(STATES));
        Self {
            land: land.into_iter().flatten().map(spots).collect(),
            borders: borders.into_iter().map(spots).collect(),
        }
    }
}

/// The part of the square map that a drawing shows.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    left: f64,
    top: f64,
    /// Units of the drawing in the width of the Earth.
    scale: f64,
}

impl Frame {
    /// Around some places; without any, the contiguous United States.
    #[must_use]
    pub fn around(places: &[Coordinate]) -> Self {
        let spots: Vec<Spot> = places
            .iter()
            .map(|place| {
                let (lat, lon) = place.degrees();
                mercator(lat, lon)
            })
            .collect();
        let spots = if spots.is_empty() { vec![mercator(49.5, -125.0), mercator(24.5, -66.5)] } else { spots };
        let edge = |least: fn(f64, f64) -> f64, of: fn(&Spot) -> f64| spots.iter().map(of).reduce(least).unwrap_or(0.5);
        let (left, right) = (edge(f64::min, |s| s.0), edge(f64::max, |s| s.0));
        let (top, bottom) = (edge(f64::min, |s| s.1), edge(f64::max, |s| s.1));
        let wide = ((right - left) * (1.0 + MARGIN)).max((bottom - top) * (1.0 + MARGIN) * WIDTH / HEIGHT);
        let middle = (f64::midpoint(left, right), f64::midpoint(top, bottom));
        let mut wide = wide.clamp(NARROWEST, 1.0);
        let mut frame = Self::of(middle, wide);
        while wide < WIDENED && !frame.has_lines() {
            wide *= 1.4;
            frame = Self::of(middle, wide);
        }
        frame
    }

    fn of((x, y): Spot, wide: f64) -> Self {
        let high = wide * HEIGHT / WIDTH;
        Self { left: x - wide / 2.0, top: y - high / 2.0, scale: WIDTH / wide }
    }

    /// Whether a coast or a border has a corner in it.
    fn has_lines(&self) -> bool {
        let is_inside = |(x, y): Spot| (0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y);
        BASE.land.iter().chain(&BASE.borders).flatten().any(|spot| is_inside(self.spot(*spot)))
    }

    /// Where a place lies in the drawing.
    #[must_use]
    pub fn at(&self, place: Coordinate) -> Spot {
        let (lat, lon) = place.degrees();
        self.spot(mercator(lat, lon))
    }

    fn spot(&self, (x, y): Spot) -> Spot {
        ((x - self.left) * self.scale, (y - self.top) * self.scale)
    }

    /// The land in it, as the path of a drawing. Its outline runs outside the drawing where the frame cuts it.
    #[must_use]
    pub fn land(&self) -> String {
        let mut path = String::new();
        for ring in &BASE.land {
            let ring: Vec<Spot> = ring.iter().map(|spot| self.spot(*spot)).collect();
            draw(&mut path, &cut(ring), true);
        }
        path
    }

    /// The borders of countries and states in it.
    #[must_use]
    pub fn borders(&self) -> String {
        let mut path = String::new();
        for line in &BASE.borders {
            let mut run: Vec<Spot> = Vec::new();
            for spot in line.iter().map(|spot| self.spot(*spot)) {
                let seen = run.last().is_some_and(|last| may_touch(*last, spot));
                if !seen {
                    draw(&mut path, &run, false);
                    run.clear();
                }
                run.push(spot);
            }
            draw(&mut path, &run, false);
        }
        path
    }
}

/// How far outside the drawing lines are cut, so that nobody sees where.
const OUTSIDE: f64 = 8.0;

/// Whether a step may be seen: not when both ends are beyond the same edge.
fn may_touch(a: Spot, b: Spot) -> bool {
    a.0.max(b.0) > -OUTSIDE
        && a.0.min(b.0) < WIDTH + OUTSIDE
        && a.1.max(b.1) > -OUTSIDE
        && a.1.min(b.1) < HEIGHT + OUTSIDE
}

/// One of a spot's two numbers.
type Part = fn(Spot) -> f64;

/// The part of a ring inside the drawing (Sutherland and Hodgman), one edge after the other.
fn cut(mut ring: Vec<Spot>) -> Vec<Spot> {
    let edges: [(Part, f64, f64); 4] = [
        (|s| s.0, -OUTSIDE, 1.0),
        (|s| s.0, WIDTH + OUTSIDE, -1.0),
        (|s| s.1, -OUTSIDE, 1.0),
        (|s| s.1, HEIGHT + OUTSIDE, -1.0),
    ];
    for (part, edge, side) in edges {
        let inside = |spot: Spot| (part(spot) - edge) * side >= 0.0;
        let Some(mut before) = ring.last().copied() else { return ring };
        let mut kept = Vec::with_capacity(ring.len());
        for spot in ring {
            if inside(before) != inside(spot) {
                let way = (edge - part(before)) / (part(spot) - part(before));
                kept.push((before.0 + (spot.0 - before.0) * way, before.1 + (spot.1 - before.1) * way));
            }
            if inside(spot) {
                kept.push(spot);
            }
            before = spot;
        }
        ring = kept;
    }
    ring
}

/// Adds a line to a path, without the points that nobody can tell apart. One that is smaller than a point is left out.
pub fn draw(path: &mut String, line: &[Spot], closed: bool) {
    let mut shown: Vec<Spot> = Vec::new();
    for (at, spot) in line.iter().enumerate() {
        let near = shown.last().is_some_and(|last| (last.0 - spot.0).hypot(last.1 - spot.1) < FINEST);
        if !near || (at + 1 == line.len() && !closed) {
            shown.push(*spot);
        }
    }
    let least = if closed { 3 } else { 2 };
    if shown.len() < least {
        return;
    }
    for (at, (x, y)) in shown.iter().enumerate() {
        let command = if at == 0 { 'M' } else { 'L' };
        write!(path, "{command}{x:.1} {y:.1}").expect("writing to a string");
    }
    if closed {
        path.push('Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Coordinate {
        Coordinate::from_degrees(lat, lon).expect("a place")
    }

    #[test]
    fn every_place_lies_in_its_frame() {
        for places in [
            vec![],
            vec![at(30.27, -97.74)],
            vec![at(30.27, -97.74), at(32.78, -96.8)],
            vec![at(60.0, -179.0), at(-60.0, 179.0)],
        ] {
            let frame = Frame::around(&places);
            for place in &places {
                let (x, y) = frame.at(*place);
                assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y), "{x} {y}");
            }
        }
    }

    #[test]
    fn a_frame_holds_the_lines_that_are_in_it_and_no_others() {
        // Around Texas: its borders, and the coast.
        let texas = Frame::around(&[at(26.0, -106.0), at(36.0, -94.0)]);
        let (land, borders) = (texas.land(), texas.borders());
        assert!(land.len() > 500 && borders.len() > 500, "{} {}", land.len(), borders.len());
        assert!(land.len() + borders.len() < 60_000);
        // In the middle of the Pacific there is nothing.
        let sea = Frame::around(&[at(-45.0, -130.0)]);
        assert!(sea.borders().is_empty() && sea.land().is_empty());
        // Around a town in the middle of its state, as wide as it must be.
        assert!(Frame::around(&[at(32.78, -96.8)]).has_lines());
        // In the middle of a continent all is land.
        assert!(Frame::around(&[at(38.5, -98.5)]).land().starts_with('M'));
    }

    #[test]
    fn the_whole_earth_is_not_too_much_to_send() {
        let earth = Frame::around(&[at(60.0, -179.0), at(-60.0, 179.0)]);
        assert!(earth.land().len() + earth.borders().len() < 250_000);
    }

    #[test]
    fn a_ring_is_cut_at_the_edges() {
        let ring = vec![(-5_000.0, -5_000.0), (5_000.0, -5_000.0), (5_000.0, 5_000.0), (-5_000.0, 5_000.0)];
        let cut = cut(ring);
        let inside = |(x, y): &Spot| x.abs() <= WIDTH + OUTSIDE && y.abs() <= HEIGHT + OUTSIDE;
        assert!(cut.len() == 4 && cut.iter().all(inside), "{cut:?}");
    }
}
