//! The map's doors (GPS-2): `GET /map/live`, the technicians in one browser's view as server-sent batches, `GET /map/trail`,
//! where one of them has been, and `GET /map/cell` ([`members`]), who a count on the map is of.
//!
//! A stream begins with all that is in view, so it needs no place to go on from: a browser that comes back, or has moved its map,
//! opens a new one, and can have missed nothing. It joins the hub first and reads after. Batches come once a second at most. It
//! ends with the session or the right, as `super::live` does; a reader that is too slow gets `reset`: open it anew.

mod cell;

use std::{
    collections::{HashSet, VecDeque},
    convert::Infallible,
    time::Duration,
};

use axum::{
    Json,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until},
};

pub use self::cell::members;
use super::{
    AppError, Cx,
    error::chain,
    live::{farewell, pause},
};
use crate::{
    model::{
        geo::Bounds,
        id::MemberId,
        map::{UnitFilter, UnitState},
        permission::{Need, Permission, Reach},
        position::LOOK_SECONDS,
    },
    server::{
        boot::App,
        caller::SignedIn,
        kit::At,
        live::{
            self, Payload,
            hub::Seat,
            scene::{Heard, Scene, View, degrees},
        },
        services,
        store::map::Wanted,
    },
};

/// Who may open the map, and its doors.
pub const NEED: Need = Need::Holds(Permission::Map);

/// A stream ends after this long; coming back authenticates again.
const LIFE: Duration = Duration::from_mins(15);
/// How often a browser hears of changes.
const PACE: Duration = Duration::from_secs(1);
/// Technicians of one view: more than any business has.
const MOST: i64 = 100_000;

/// Where a browser looks, as it says so.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Looking {
    /// West, south, east and north in degrees.
    bounds: String,
    zoom: String,
    state: String,
    q: String,
    member: String,
}

impl Looking {
    fn view(&self, person: &SignedIn) -> Result<View, AppError> {
        let edges: Vec<f64> = self.bounds.split(',').filter_map(|edge| edge.trim().parse().ok()).collect();
        let [west, south, east, north] = edges[..] else { return Err(AppError::BadRequest) };
        let bounds = Bounds::from_degrees(west, south, east, north).map_err(|_| AppError::BadRequest)?;
        let zoom = self.zoom.parse().map_err(|_| AppError::BadRequest)?;
        let only = match person.grants.reach(Permission::Map) {
            Reach::All => None,
            Reach::Own | Reach::None => Some(person.member),
        };
        Ok(View { bounds, zoom, filter: filter(&self.state, &self.q)?, selected: chosen(&self.member)?, only })
    }
}

/// A filter as it stands in an address.
///
/// # Errors
/// A state that there is none of, or a name that is too long.
pub fn filter(state: &str, text: &str) -> Result<UnitFilter, AppError> {
    let state = match state {
        "" => None,
        code => Some(code.parse::<UnitState>().map_err(|_| AppError::BadRequest)?),
    };
    let text = text.trim();
    if text.chars().count() > 80 {
        return Err(AppError::BadRequest);
    }
    Ok(UnitFilter { state, text: text.to_owned() })
}

/// Who is selected, as it stands in an address.
///
/// # Errors
/// What is no id of a member.
pub fn chosen(text: &str) -> Result<Option<MemberId>, AppError> {
    match text {
        "" => Ok(None),
        id => id.parse().map(Some).map_err(|_| AppError::BadRequest),
    }
}

/// `GET /map/live`
///
/// # Errors
/// Limited when this session or business has too many streams open; bad request for a view that cannot be read.
pub async fn stream(cx: Cx) -> Result<Response, AppError> {
    let person = cx.signed_in()?.clone();
    let looking: Looking = cx.query()?;
    let view = looking.view(&person)?;
    let seat = cx.app.hub().join(&person).ok_or(AppError::Limited { retry_after: 30 })?;
    let mut viewer = Viewer::new(cx.app.clone(), person, view);
    viewer.fill().await?;
    let mut pace = interval_at(Instant::now() + PACE, PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let hint = Event::default().retry(pause(&cx.app));
    let queue = [hint].into_iter().chain(viewer.batch()).collect();
    let state = State { viewer, seat, queue, pace, deadline: Instant::now() + LIFE, over: false };
    let sse = Sse::new(events(state)).keep_alive(super::live::beats());
    Ok(([("x-accel-buffering", "no")], sse).into_response())
}

struct State {
    viewer: Viewer,
    seat: Seat,
    queue: VecDeque<Event>,
    pace: Interval,
    deadline: Instant,
    over: bool,
}

fn events(state: State) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(state, |mut state| async move {
        loop {
            if let Some(event) = state.queue.pop_front() {
                return Some((Ok(event), state));
            }
            if state.over {
                return None;
            }
            tokio::select! {
                () = state.seat.ends.cancelled() => {
                    state.queue.push_back(farewell());
                    state.over = true;
                }
                () = sleep_until(state.deadline) => return None,
                _ = state.pace.tick() => match state.viewer.catch_up().await {
                    Ok(()) => state.queue.extend(state.viewer.batch()),
                    Err(error) => {
                        // The browser opens a new one, and hears from that door what is wrong.
                        tracing::warn!(error.chain = %chain(&error), "a map's stream cannot go on");
                        return None;
                    }
                },
                next = state.seat.events.recv() => match next {
                    Ok(event) => state.viewer.hear(&event),
                    Err(RecvError::Lagged(_)) => {
                        state.queue.push_back(Event::default().event("reset").data(""));
                        state.over = true;
                    }
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    })
}

/// Who looks, and what they see.
struct Viewer {
    app: App,
    person: SignedIn,
    scene: Scene,
    /// Who must be read before the next batch.
    unknown: HashSet<MemberId>,
    /// When it was last written down that they look.
    looked: At,
}

impl Viewer {
    fn new(app: App, person: SignedIn, view: View) -> Self {
        let looked = app.clock().now();
        Self { app, person, scene: Scene::new(view), unknown: HashSet::new(), looked }
    }

    /// All that is in view.
    async fn fill(&mut self) -> Result<(), AppError> {
        let view = self.scene.view();
        let wanted = Wanted {
            bounds: Some(view.bounds),
            members: Vec::new(),
            selected: view.selected,
            text: view.filter.text.clone(),
        };
        let units = services::map::units(&self.app, &self.person.caller, &wanted, MOST).await?;
        self.scene.put(&[], units);
        Ok(())
    }

    /// Takes in what happened.
    fn hear(&mut self, event: &live::Event) {
        match &event.payload {
            Payload::Positions(moved) => {
                let unknown = moved.iter().filter(|one| self.scene.hear(one) == Heard::Unknown);
                self.unknown.extend(unknown.map(|one| one.member));
            }
            // What somebody does is told by their job.
            Payload::WorkOrder { member: Some(member), .. } if self.scene.concerns(*member) => {
                self.unknown.insert(*member);
            }
            _ => {}
        }
    }

    /// Reads whom nobody has told everything about, and writes down that the look goes on.
    async fn catch_up(&mut self) -> Result<(), AppError> {
        let now = self.app.clock().now();
        if self.unknown.is_empty() && now.since(self.looked) < LOOK_SECONDS {
            return Ok(());
        }
        self.looked = now;
        let asked: Vec<MemberId> = self.unknown.drain().collect();
        let wanted = Wanted { members: asked.clone(), ..Wanted::default() };
        // Nobody named would be everybody; that a look goes on is written down all the same.
        let most = if asked.is_empty() { 0 } else { MOST };
        let units = services::map::units(&self.app, &self.person.caller, &wanted, most).await?;
        self.scene.put(&asked, units);
        Ok(())
    }

    fn batch(&mut self) -> Option<Event> {
        let batch = self.scene.batch(self.app.clock().now())?;
        let data = serde_json::to_string(&batch).expect("wire types are plain data");
        Some(Event::default().event("batch").data(data))
    }
}

/// Whose trail, and from when to when, in milliseconds since the epoch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    member: MemberId,
    from: i64,
    to: i64,
}

/// Where somebody has been, oldest first: milliseconds since the epoch, latitude, longitude.
#[derive(Serialize)]
pub struct Trail {
    points: Vec<(i64, f64, f64)>,
}

/// `GET /map/trail`
///
/// # Errors
/// Bad request for times that cannot be read; missing for anybody whom the viewer does not reach.
pub async fn trail(cx: Cx) -> Result<Json<Trail>, AppError> {
    let asked: Asked = cx.query()?;
    if asked.from > asked.to {
        return Err(AppError::BadRequest);
    }
    let at = |millis: i64| At::from_micros(millis.saturating_mul(1000));
    let trail = services::map::trail(&cx, asked.member, at(asked.from), at(asked.to)).await?;
    let points =
        trail.iter().map(|point| (point.at.millis(), degrees(point.place.lat_e7), degrees(point.place.lon_e7)));
    Ok(Json(Trail { points: points.collect() }))
}
