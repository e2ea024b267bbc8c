//! The map without a browser's help: coasts, borders and who was last where, as one drawing in the page. It is there without
//! scripts and without WebGL; where the real map wakes, it takes this one's place. Hidden from readers: the list beside it says
//! the same.

use std::fmt::Write;

use leptos::prelude::*;

use super::base::{Frame, HEIGHT, WIDTH, draw};
use crate::{
    model::{
        geo::{Coordinate, Freshness},
        id::MemberId,
        map::UnitState,
    },
    server::{kit::At, pages::text, store::map::Unit},
};

/// Shapes that are drawn at most: beyond, a drawing says no more.
const MOST: usize = 500;
/// Names that are written at most: more would lie over each other.
const NAMES: usize = 40;

/// The drawing. `trail` is where the selected one has been.
#[must_use]
pub fn view(units: &[Unit], trail: &[Coordinate], selected: Option<MemberId>, now: At, zone: &str) -> AnyView {
    let places: Vec<Coordinate> = units.iter().take(MOST).filter_map(|unit| unit.fix.map(|fix| fix.place)).collect();
    let around: Vec<Coordinate> = places.iter().chain(trail).copied().collect();
    let sheet = Sheet { frame: Frame::around(&around), selected, named: places.len() <= NAMES, now };
    let marks = units.iter().take(MOST).filter_map(|unit| mark(unit, &sheet)).collect_view();
    let mut way = String::new();
    let spots: Vec<(f64, f64)> = trail.iter().map(|place| sheet.frame.at(*place)).collect();
    draw(&mut way, &spots, false);
    view! {
        <figure class="map-figure">
            <svg class="map-drawing" viewBox=format!("0 0 {WIDTH} {HEIGHT}") aria-hidden="true" focusable="false">
                <path class="map-land" d=sheet.frame.land() fill-rule="evenodd"></path>
                <path class="map-border" d=sheet.frame.borders()></path>
                <path class="map-trail" d=way></path>
                {marks}
            </svg>
            <figcaption class="hint">"Drawn as of "{text::when(now, zone)}"."</figcaption>
        </figure>
    }
    .into_any()
}

/// What all marks of a drawing share.
struct Sheet {
    frame: Frame,
    selected: Option<MemberId>,
    named: bool,
    now: At,
}

/// One technician: a shape for the state, a line for where they head, faint when stale, a name where there is room.
fn mark(unit: &Unit, sheet: &Sheet) -> Option<AnyView> {
    let fix = unit.fix?;
    let (x, y) = sheet.frame.at(fix.place);
    let mut path = outline(unit.state(), x, y);
    if let Some(heading) = fix.heading_deg.filter(|_| unit.state() != UnitState::Standing) {
        let (east, north) = heading.to_radians().sin_cos();
        write!(path, "M{:.1} {:.1}L{:.1} {:.1}", x + east * 9.0, y - north * 9.0, x + east * 17.0, y - north * 17.0)
            .expect("writing to a string");
    }
    let is_selected = sheet.selected == Some(unit.member);
    let class = match Freshness::of_age(sheet.now.since(fix.at)) {
        _ if is_selected => "map-shape map-shape-selected",
        Freshness::Stale => "map-shape map-shape-stale",
        Freshness::Fresh | Freshness::Late => "map-shape",
    };
    let name = (sheet.named || is_selected).then(|| {
        let (label, x, y) = (unit.name.reveal().to_owned(), format!("{:.1}", x + 12.0), format!("{:.1}", y + 4.0));
        view! { <text class="map-name" x=x y=y>{label}</text> }
    });
    let (member, state) = (unit.member.to_string(), unit.state().code());
    Some(view! { <g data-member=member data-state=state><path class=class d=path></path>{name}</g> }.into_any())
}

/// The shape of a state, around a place: a word is beside it in the list, so that no state is told by colour.
fn outline(state: UnitState, x: f64, y: f64) -> String {
    match state {
        UnitState::OnSite => format!("M{:.1} {:.1}h12v12h-12z", x - 6.0, y - 6.0),
        UnitState::EnRoute => format!("M{x:.1} {:.1}l7 13h-14z", y - 8.0),
        UnitState::Moving => format!("M{x:.1} {:.1}l7.5 7.5l-7.5 7.5l-7.5 -7.5z", y - 7.5),
        UnitState::Standing => format!("M{:.1} {y:.1}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z", x - 6.0),
        UnitState::OnShift => format!("M{:.1} {y:.1}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z", x - 3.5),
    }
}
