//! The list beside the map: everything that the map shows, in words. It is what readers, keyboards and browsers without scripts
//! have. `map.js` changes the parts with `data-` names.

use leptos::prelude::*;

use super::{LINES, Model, badge, band, nobody};
use crate::{
    model::{
        geo::{FEET, Freshness, MILE_M},
        map::UnitState,
    },
    server::{pages::text, store::map::Unit},
};

/// Metres a second as miles an hour.
const MPH: f64 = 2.236_936;

const WAYS: [&str; 8] = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];

/// The lines, by name, or that there is nobody.
pub(super) fn view(m: &Model) -> AnyView {
    let is_filtered = m.filter.state.is_some() || !m.filter.text.is_empty();
    let empty = m.units.is_empty().then(|| nobody(is_filtered));
    let over = m.units.len().saturating_sub(LINES);
    let more = (over > 0).then(|| {
        view! { <p class="hint">{format!("{over} more are not listed: search by name, or filter by state.")}</p> }
    });
    let selected = m.units.iter().filter(|unit| m.selected == Some(unit.member));
    let others = m.units.iter().filter(|unit| m.selected != Some(unit.member)).take(LINES);
    let mut shown: Vec<&Unit> = selected.chain(others).collect();
    shown.sort_by(|a, b| a.name.reveal().cmp(b.name.reveal()));
    let lines = shown.into_iter().map(|unit| line(unit, m)).collect_view();
    let gone = m.selected.is_some_and(|member| m.units.iter().all(|unit| unit.member != member));
    let gone = gone.then(|| view! { <p class="hint">"Who was selected is on no shift."</p> });
    view! {
        {gone}
        {empty}
        <ul class="map-units" id="map-units">{lines}</ul>
        {more}
    }
    .into_any()
}

fn line(unit: &Unit, m: &Model) -> AnyView {
    let is_selected = m.selected == Some(unit.member);
    let member = unit.member.to_string();
    let href = m.query.href(&m.query.state, if is_selected { "" } else { &member });
    let current = is_selected.then_some("true");
    let distance = m.job.zip(unit.fix).map(|(job, fix)| miles(fix.place.distance_m(&job)));
    let (at, freshness, age, way, accuracy) = match &unit.fix {
        Some(fix) => (
            Some(fix.at.millis().to_string()),
            Some(Freshness::of_age(m.now.since(fix.at))),
            text::ago(fix.at, m.now),
            speed(fix.speed_mps, fix.heading_deg),
            format!("within {:.0} ft", (fix.accuracy_m * FEET).max(1.0)),
        ),
        None => (None, None, "No position yet".to_owned(), String::new(), String::new()),
    };
    let since = unit.since.0.to_zoned(text::zone(&m.zone)).strftime("%H:%M").to_string();
    view! {
        <li class="map-unit" data-member=member data-at=at>
            <a class="map-unit-name" href=href aria-current=current>{unit.name.reveal().to_owned()}</a>
            {facts(Some(unit.state()), freshness, age, way, distance.unwrap_or_default(), accuracy, since)}
        </li>
    }
    .into_any()
}

/// A line of nobody's, for the script to fill.
pub(super) fn blank() -> AnyView {
    let (none, age) = (String::new, "No position yet".to_owned());
    view! {
        <li class="map-unit">
            <a class="map-unit-name" href="/map">"–"</a>
            {facts(None, None, age, none(), none(), none(), none())}
        </li>
    }
    .into_any()
}

fn facts(
    state: Option<UnitState>,
    freshness: Option<Freshness>,
    age: String,
    way: String,
    distance: String,
    accuracy: String,
    since: String,
) -> impl IntoView {
    view! {
        <span class="map-unit-badges">
            <span data-state=state.map(UnitState::code).unwrap_or_default()>{state.map(badge)}</span>
            <span data-band=freshness.map(Freshness::code).unwrap_or_default()>{freshness.map(band)}</span>
        </span>
        <span class="map-unit-facts">
            <span data-age="">{age}</span>
            <span data-way="">{way}</span>
            <span data-accuracy="">{accuracy}</span>
            <span data-distance="">{distance}</span>
            <span>"On shift since "<span data-since="">{since}</span></span>
        </span>
    }
}

/// «34 mph north-east».
fn speed(speed_mps: Option<f64>, heading_deg: Option<f64>) -> String {
    let Some(mph) = speed_mps.map(|speed| (speed * MPH).round()) else { return "speed unknown".to_owned() };
    match heading_deg.filter(|_| mph >= 1.0) {
        Some(heading) => format!("{mph:.0} mph {}", compass(heading)),
        None => format!("{mph:.0} mph"),
    }
}

/// The way that a heading is nearest to.
fn compass(heading_deg: f64) -> &'static str {
    let off = |way: &f64| {
        let turn = (heading_deg - way).rem_euclid(360.0);
        turn.min(360.0 - turn)
    };
    let ways = WAYS.into_iter().zip([0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0]);
    ways.min_by(|(_, a), (_, b)| off(a).total_cmp(&off(b))).map_or("north", |(name, _)| name)
}

fn miles(metres: f64) -> String {
    format!("{:.1} mi to the job", metres / MILE_M)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_told_with_where_they_lead() {
        assert_eq!(speed(Some(15.2), Some(46.0)), "34 mph north-east");
        assert_eq!(speed(Some(15.2), Some(359.0)), "34 mph north");
        assert_eq!(speed(Some(0.1), Some(90.0)), "0 mph");
        assert_eq!(speed(None, Some(90.0)), "speed unknown");
        assert_eq!(miles(3_218.688), "2.0 mi to the job");
    }
}
