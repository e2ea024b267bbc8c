//! The map (GPS-2): technicians on shift as a list and as a drawing. Without scripts it is what was true when it loaded, and loads
//! itself again; with scripts `public/static/map.js` keeps the list live and draws the real map where there is WebGL.
//!
//! What is selected, searched and filtered by stands in the address. To show more of a technician: a line in [`list`], and its
//! words in `map.js`.

mod base;
mod drawing;
mod list;

use std::fmt::Write;

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{live_link, text};
use crate::{
    model::{
        geo::{Coordinate, Freshness},
        id::{MemberId, WorkOrderId},
        map::{UnitFilter, UnitState},
        permission::{Permission, Reach},
    },
    server::{
        boot::config::MapTiles,
        http::{AppError, Cx, map, render::Page},
        kit::At,
        services,
        store::map::{Unit, Wanted},
    },
    ui::parts::{Badge, Empty, FilterBar, PageHead, SelectField, TextField, Tone},
};

pub use map::NEED;

/// Technicians that a page knows of; a business with more finds them by name.
const MOST: i64 = 2_000;
/// Lines of the list.
const LINES: usize = 200;
/// The trail that is drawn without scripts, in seconds.
const TRAIL_SECONDS: i64 = 2 * 3600;

/// The page's address, read and written: what is in it is what is shown.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    state: String,
    q: String,
    member: String,
    job: String,
}

impl Query {
    /// The same page with another state, or with somebody selected; nobody, when they are already.
    fn href(&self, state: &str, member: &str) -> String {
        let mut href = String::from("/map?");
        for (name, value) in [("state", state), ("q", &self.q), ("member", member), ("job", &self.job)] {
            if !value.is_empty() {
                let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
                write!(href, "{name}={value}&").expect("writing to a string");
            }
        }
        href.pop();
        href
    }
}

/// What the page shows.
struct Model {
    query: Query,
    filter: UnitFilter,
    /// Those that the filter keeps, by name.
    units: Vec<Unit>,
    /// By state, before the filter by state.
    counts: Vec<(UnitState, usize)>,
    selected: Option<MemberId>,
    trail: Vec<Coordinate>,
    job: Option<Coordinate>,
    sees_all: bool,
    zone: String,
    now: At,
    tiles: Option<MapTiles>,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let query: Query = cx.query()?;
    let (filter, selected) = (map::filter(&query.state, &query.q)?, map::chosen(&query.member)?);
    let job = match query.job.as_str() {
        "" => None,
        id => services::map::job_place(cx, id.parse::<WorkOrderId>().map_err(|_| AppError::BadRequest)?).await?,
    };
    let wanted = Wanted { text: filter.text.clone(), selected, ..Wanted::default() };
    let mut units = services::map::units(&cx.app, &person.caller, &wanted, MOST).await?;
    let count = |state: UnitState| (state, units.iter().filter(|unit| unit.state() == state).count());
    let counts = UnitState::ALL.map(count).to_vec();
    units.retain(|unit| selected == Some(unit.member) || filter.keeps(unit.name.reveal(), unit.state()));
    let is_there = selected.is_some_and(|member| units.iter().any(|unit| unit.member == member));
    let trail = match selected.filter(|_| is_there) {
        Some(member) => services::map::trail(cx, member, cx.visitor.now.plus(-TRAIL_SECONDS), cx.visitor.now).await?,
        None => Vec::new(),
    };
    Ok(Model {
        trail: trail.into_iter().map(|point| point.place).collect(),
        query,
        filter,
        units,
        counts,
        selected,
        job,
        sees_all: person.grants.reach(Permission::Map) == Reach::All,
        zone: person.zone.clone(),
        now: cx.visitor.now,
        tiles: cx.app.config().map_tiles.clone(),
    })
}

/// `GET /map`
///
/// # Errors
/// A filter or an id that cannot be read; missing for a job that is not this business's; refused without `map`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Map").live().with_map().show(&cx, || view(&model)))
}

fn view(m: &Model) -> impl IntoView + use<> {
    let lede = if m.sees_all {
        "Every technician on shift, and how old what we know of them is. Looking here is written down, and they see it."
    } else {
        "Where you were last, as your dispatchers see it."
    };
    let drawing = drawing::view(&m.units, &m.trail, m.selected, m.now, &m.zone);
    view! {
        <PageHead title="Map".to_owned() lede=lede>
            {live_link::badge()}
            <button class="btn btn-ghost" type="button" id="map-help" data-wakes="" hidden=true>"Keys"</button>
        </PageHead>
        {filters(m)}
        {counts(m)}
        <div class="map-split">
            <section class="map-side" aria-label="Technicians on shift">
                {list::view(m)}
                <p class="hint" id="map-out" role="status"></p>
                <button class="btn btn-quiet btn-small" type="button" id="map-all" hidden=true>"Show all"</button>
            </section>
            {canvas(m, drawing)}
        </div>
        {parts()}
        {keys()}
        <noscript>
            <p class="subtle">"As of "{text::when(m.now, &m.zone)}". "<a class="link" href="/map">"Refresh"</a></p>
        </noscript>
    }
}

fn filters(m: &Model) -> impl IntoView + use<> {
    let mut states = vec![(String::new(), "Any state".to_owned())];
    states.extend(UnitState::ALL.into_iter().map(|state| (state.code().to_owned(), state.label().to_owned())));
    let state = m.filter.state.map_or_else(String::new, |state| state.code().to_owned());
    let text = m.filter.text.clone();
    let keep = |name: &'static str, value: &str| {
        let value = value.to_owned();
        (!value.is_empty()).then(|| view! { <input type="hidden" name=name value=value /> })
    };
    // What is looked at stays looked at. Nobody is not asked for: the script puts in whom it selects.
    let job = keep("job", &m.query.job);
    let (member, is_nobody) = (m.query.member.clone(), m.query.member.is_empty());
    view! {
        <FilterBar clear="/map">
            <SelectField name="state" label="State" options=states value=state />
            <TextField name="q" label="Name" value=text required=false maxlength=80 />
            <input type="hidden" name="member" id="map-member" value=member disabled=is_nobody />
            {job}
        </FilterBar>
    }
}

/// How many are in each state, as links to them.
fn counts(m: &Model) -> impl IntoView + use<> {
    let chips = m
        .counts
        .iter()
        .map(|(state, count)| {
            let current = m.filter.state == Some(*state);
            let href = m.query.href(if current { "" } else { state.code() }, &m.query.member);
            view! {
                <li>
                    <a class="chip" href=href aria-current=current.then_some("true")>
                        {badge(*state)}
                        <span class="num" data-count=state.code()>{count.to_string()}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="map-counts" aria-label="In view, by state">{chips}</ul> }
}

/// The place of the map: the drawing, until the real one wakes.
fn canvas(m: &Model, drawing: AnyView) -> impl IntoView + use<> {
    let tiles = m.tiles.as_ref().map(|tiles| tiles.template.clone());
    let credit = m.tiles.as_ref().map(|tiles| format!(" Tiles: {}.", tiles.attribution));
    let (lat, lon) = m.job.map(|place| place.degrees()).unzip();
    let hours = [(2, "2 hours"), (8, "8 hours"), (24, "24 hours"), (168, "7 days")]
        .map(|(hours, label)| view! { <option value=hours.to_string()>{label}</option> })
        .collect_view();
    view! {
        <section
            class="map-view"
            id="map"
            aria-label="Map"
            data-now=m.now.millis().to_string()
            data-zone=m.zone.clone()
            data-bounds=bounds(&m.units)
            data-state=m.filter.state.map(UnitState::code).unwrap_or_default()
            data-q=m.filter.text.clone()
            data-selected=m.selected.map(|member| member.to_string()).unwrap_or_default()
            data-job-lat=lat.map(|degrees| degrees.to_string())
            data-job-lon=lon.map(|degrees| degrees.to_string())
            data-tiles=tiles
        >
            <div class="map-canvas" id="map-canvas" hidden=true></div>
            {drawing}
            <p class="hint" id="map-flat" hidden=true>
                "This browser cannot draw the moving map, which needs WebGL. The list stays live; the drawing is as it was loaded. "
                <a class="link" href="/map">"Draw it again"</a>
            </p>
            <div class="map-trail-bar" id="map-trail" hidden=true>
                <label class="label" for="map-hours">"Trail of the last"</label>
                <select class="input select" id="map-hours">{hours}</select>
                <label class="label" for="map-slider">"At"</label>
                <input class="map-slider" type="range" id="map-slider" min="0" max="0" value="0" />
                <output class="num" id="map-slider-at" for="map-slider"></output>
            </div>
            <p class="hint">
                "Coasts and borders: Natural Earth and the US Census Bureau, public domain."{credit}
            </p>
        </section>
    }
}

/// What the map shows at first, as west, south, east and north: all whose place is known, else the contiguous United States.
fn bounds(units: &[Unit]) -> String {
    let places: Vec<(f64, f64)> = units.iter().filter_map(|unit| unit.fix.map(|fix| fix.place.degrees())).collect();
    let all =
        |start: f64, of: fn(&(f64, f64)) -> f64, choose: fn(f64, f64) -> f64| places.iter().map(of).fold(start, choose);
    if places.is_empty() {
        return "-125,24.5,-66.5,49.5".to_owned();
    }
    let west = all(180.0, |place| place.1, f64::min);
    let south = all(90.0, |place| place.0, f64::min);
    let east = all(-180.0, |place| place.1, f64::max);
    let north = all(-90.0, |place| place.0, f64::max);
    format!("{west:.5},{south:.5},{east:.5},{north:.5}")
}

/// A state as word, shape and colour.
fn badge(state: UnitState) -> AnyView {
    let (tone, icon) = match state {
        UnitState::OnSite => (Tone::Good, "home"),
        UnitState::EnRoute => (Tone::Info, "play"),
        UnitState::Moving => (Tone::Accent, "chevron"),
        UnitState::Standing => (Tone::Neutral, "minus"),
        UnitState::OnShift => (Tone::Neutral, "clock"),
    };
    view! { <Badge tone=tone icon=icon text=state.label().to_owned() /> }.into_any()
}

/// How far a position may be believed, as word, shape and colour.
fn band(freshness: Freshness) -> AnyView {
    let (tone, icon) = match freshness {
        Freshness::Fresh => (Tone::Good, "check"),
        Freshness::Late => (Tone::Warn, "clock"),
        Freshness::Stale => (Tone::Bad, "warn"),
    };
    view! { <Badge tone=tone icon=icon text=freshness.label().to_owned() /> }.into_any()
}

/// What the script copies, so that it draws nothing that is not drawn here.
fn parts() -> impl IntoView {
    let states = UnitState::ALL.map(|state| view! { <div data-part=state.code()>{badge(state)}</div> }).collect_view();
    let bands = Freshness::ALL.map(|word| view! { <div data-part=word.code()>{band(word)}</div> }).collect_view();
    view! {
        <div id="map-parts" hidden=true>
            {states}
            {bands}
            <ul data-part="row">{list::blank()}</ul>
        </div>
    }
}

/// The keys of the page's script, which shows them.
fn keys() -> impl IntoView {
    let key = |key: &'static str, does: &'static str| {
        view! { <div class="fact"><dt><kbd class="kbd">{key}</kbd></dt><dd>{does}</dd></div> }
    };
    view! {
        <dialog class="dialog" id="map-keys" aria-labelledby="map-keys-title">
            <h2 class="dialog-title" id="map-keys-title">"Keys of the map"</h2>
            <dl class="facts">
                {key("/", "Search by name")}
                {key("l", "Go to the list; up and down move in it")}
                {key("m", "Go to the map; arrows move it, + and - zoom")}
                {key("Tab", "From the map to its counts; arrows lead on, Enter opens the list")}
                {key("a", "Show all")}
                {key("t", "Go to the trail's slider")}
                {key("Esc", "Select nobody")}
                {key("?", "Show these keys")}
            </dl>
            <form method="dialog" class="row mt-4">
                <label class="check">
                    <input type="checkbox" id="map-keys-off" />
                    <span>"Switch these keys off in this browser"</span>
                </label>
                <button class="btn btn-primary" type="submit">"Close"</button>
            </form>
        </dialog>
    }
}

/// Nobody to show.
fn nobody(is_filtered: bool) -> AnyView {
    if is_filtered {
        return view! {
            <div id="map-nobody">
                <Empty icon="search" title="Nobody matches".to_owned() text="Who comes on shift and matches appears here.".to_owned()>
                    <a class="btn btn-primary" href="/map">"Show everybody"</a>
                </Empty>
            </div>
        }
        .into_any();
    }
    view! {
        <div id="map-nobody">
            <Empty
                icon="team"
                title="Nobody is on shift".to_owned()
                text="A technician appears here when their shift begins.".to_owned()
            >
                <a class="btn btn-primary" href="/home">"Go home"</a>
            </Empty>
        </div>
    }
    .into_any()
}
