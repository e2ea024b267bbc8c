//! The live stream (TEL-2): `GET /live?after=CURSOR`, server-sent events.
//!
//! Joins the hub first and replays after, so nothing falls between; duplicates are dropped by cursor. Each event is
//! filtered by the viewer's rights, and ends with them: the hub's watch cancels the seat. A cursor that is too old,
//! or a reader that is too slow, gets `reset`: load the page anew. `hello` says where the stream stands: behind what was
//! replayed, and again when much has passed of which this viewer sees nothing.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream::{Stream, unfold};
use serde::Deserialize;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep_until},
};

use super::{AppError, Cx, error::chain};
use crate::{
    model::permission::{Need, Permission, Reach},
    server::{
        boot::App,
        caller::{Actor, SignedIn},
        kit::entropy::bytes,
        live::{self, Cursor, Payload, hub::Seat},
        services,
        store::{self, StoreError, TenantTx},
    },
    ui::wire::live::LiveEvent,
};

/// Who may open it: whoever may be told anything by it. What each is told, `Viewer::show` says.
pub const NEED: Need = Need::HoldsAny(&[Permission::LiveBoard, Permission::ScreenPop, Permission::WorkOrders]);

/// A stream ends after this long; coming back authenticates again.
const LIFE: Duration = Duration::from_mins(15);
/// How often a stream is heard of at least. The page's patience is a little longer (`LATE` in `public/static/link.js`).
const BEAT: Duration = Duration::from_secs(10);
/// How long a browser waits before it comes back to a stream that ended because its session or right did.
const FAREWELL: Duration = Duration::from_secs(3);
/// Events that are replayed at most; beyond, loading the page is cheaper.
const REPLAY: i64 = 500;
/// After so many events of which a viewer sees none, their browser is told where the stream stands. It would come back further
/// and further behind otherwise, until its page must be loaded anew, with what is typed in it.
const HIDDEN: i64 = REPLAY / 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default)]
    after: String,
}

/// The door.
///
/// # Errors
/// Limited when this session or business has too many streams open; a cursor that cannot be read is a bad request.
pub async fn stream(cx: Cx, headers: HeaderMap) -> Result<Response, AppError> {
    let person = cx.signed_in()?.clone();
    let query: Query = cx.query()?;
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).unwrap_or(&query.after);
    let after = match last {
        "" => None,
        text => Some(text.parse::<Cursor>().map_err(|()| AppError::BadRequest)?),
    };
    let seat = cx.app.hub().join(&person).ok_or(AppError::Limited { retry_after: 30 })?;
    let mut viewer = Viewer { app: cx.app.clone(), person, last: after, hidden: 0 };
    let queue = viewer.opening().await?;
    let state = State { viewer, seat, queue, deadline: Instant::now() + LIFE, over: false };
    let sse = Sse::new(events(state)).keep_alive(beats());
    Ok(([("x-accel-buffering", "no")], sse).into_response())
}

/// What a stream says when it has nothing to say. An event and no comment: browsers show no comments, and the page says so
/// when it has heard nothing for too long.
pub(super) fn beats() -> KeepAlive {
    KeepAlive::new().interval(BEAT).event(Event::default().event("beat").data("1"))
}

struct State {
    viewer: Viewer,
    seat: Seat,
    queue: VecDeque<Event>,
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
                next = state.seat.events.recv() => match next {
                    Ok(event) => state.queue.extend(state.viewer.tell(event).await),
                    Err(RecvError::Lagged(_)) => {
                        state.queue.push_back(reset());
                        state.over = true;
                    }
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    })
}

/// When the browser comes back after the connection broke: soon, and not all of them at the same moment.
pub(super) fn pause(app: &App) -> Duration {
    let [late] = bytes::<1>(app.entropy());
    Duration::from_millis(400 + 2 * u64::from(late))
}

/// The last word of a stream whose session or right has ended. Whoever just signed out, or got another session by the form that
/// they sent, is on another page by then, and does not ask in vain.
pub(super) fn farewell() -> Event {
    Event::default().retry(FAREWELL)
}

fn reset() -> Event {
    Event::default().event("reset").data("")
}

/// Who looks, and how far they have seen.
struct Viewer {
    app: App,
    person: SignedIn,
    last: Option<Cursor>,
    /// How many events in a row were not for them.
    hidden: i64,
}

impl Viewer {
    /// What comes first: the pops that are open, what was missed, and where that leads to.
    async fn opening(&mut self) -> Result<VecDeque<Event>, AppError> {
        let now = self.app.clock().now();
        let head = store::outbox::head(self.app.db(), now).await?;
        let from = match self.last {
            Some(cursor) if cursor.is_stale(now.as_second()) => return Ok(VecDeque::from([reset()])),
            Some(cursor) => cursor,
            None => head,
        };
        self.last = Some(from);
        let mut queue = VecDeque::new();
        for pop in self.pops().await? {
            queue.push_back(wire(None, &LiveEvent::Pop { pop, now: now.millis() }));
        }
        let mut tx = TenantTx::open(self.app.db(), &self.person.caller, now).await?;
        let missed = store::outbox::missed(&mut tx, from, REPLAY).await?;
        tx.commit().await?;
        if missed.len() == usize::try_from(REPLAY).unwrap_or(usize::MAX) {
            return Ok(VecDeque::from([reset()]));
        }
        let events = match live::relay::read_missed(&self.app, self.person.caller.business, missed).await {
            // Nobody can replay it, however often they come back: the page begins behind it.
            Err(StoreError::Unreadable { .. }) => return Ok(VecDeque::from([reset()])),
            read => read?,
        };
        for event in events {
            queue.extend(self.show(event).await);
        }
        // All that was settled before is replayed, though nothing of it may be shown: it is asked for no more. And the place that
        // the browser comes back by is as old as this stream, never older.
        let last = self.last.map_or(head, |last| last.max(head));
        let reached = Cursor { at: now.as_second(), ..last };
        self.last = Some(reached);
        queue.push_back(self.hello(reached));
        Ok(queue)
    }

    /// Where the stream stands and what the clock says: a browser that loses it comes back behind that place.
    fn hello(&self, at: Cursor) -> Event {
        let now = self.app.clock().now().millis();
        Event::default().id(at.to_string()).event("hello").retry(pause(&self.app)).data(now.to_string())
    }

    /// What the browser gets of an event: itself, if this viewer may see it, and else now and then where the stream stands.
    async fn tell(&mut self, event: live::Event) -> Option<Event> {
        if let Some(shown) = self.show(event).await {
            self.hidden = 0;
            return Some(shown);
        }
        self.hidden += 1;
        let reached = self.last.filter(|_| self.hidden >= HIDDEN)?;
        self.hidden = 0;
        Some(self.hello(reached))
    }

    /// The event as this viewer may see it, if at all.
    async fn show(&mut self, event: live::Event) -> Option<Event> {
        if self.last.is_some_and(|last| event.cursor <= last) {
            return None;
        }
        self.last = Some(event.cursor);
        let now = self.app.clock().now().millis();
        let shown = match event.payload {
            Payload::Call(call) => match self.person.grants.reach(Permission::LiveBoard) {
                Reach::All => {
                    let tally = event.tally.as_deref().cloned();
                    Some(LiveEvent::Call { call: call.wire(), tally, now })
                }
                Reach::Own if call.concerns(self.person.member) => {
                    Some(LiveEvent::Call { call: call.wire(), tally: None, now })
                }
                Reach::Own | Reach::None => None,
            },
            Payload::Agent(agent) => match self.person.grants.reach(Permission::LiveBoard) {
                Reach::All => Some(LiveEvent::Agent { agent: agent.wire(), now }),
                Reach::Own if agent.id == self.person.member => Some(LiveEvent::Agent { agent: agent.wire(), now }),
                Reach::Own | Reach::None => None,
            },
            // Not for islands: a page's own script loads what it shows, by the person's rights.
            Payload::WorkOrder { order, member } => {
                let is_theirs = match self.person.grants.reach(Permission::WorkOrders) {
                    Reach::All => true,
                    Reach::Own => member == Some(self.person.member),
                    Reach::None => false,
                };
                let told = || Event::default().id(event.cursor.to_string()).event("work_order").data(order.to_string());
                return is_theirs.then(told);
            }
            Payload::Pop { member, pop } if member == self.person.member => match self.pops().await {
                Ok(pops) => pops.into_iter().find(|p| p.id == pop).map(|pop| LiveEvent::Pop { pop, now }),
                Err(error) => {
                    tracing::error!(error.chain = %chain(&error), "a screen pop could not be shown");
                    None
                }
            },
            Payload::PopGone { member, pop } if member == self.person.member && self.has_pops() => {
                Some(LiveEvent::PopGone { id: pop })
            }
            // The map has a stream of its own.
            Payload::Positions(_) | Payload::Pop { .. } | Payload::PopGone { .. } => None,
        };
        shown.map(|event_shown| wire(Some(event.cursor), &event_shown))
    }

    fn has_pops(&self) -> bool {
        self.person.grants.holds(Permission::ScreenPop)
    }

    async fn pops(&self) -> Result<Vec<crate::ui::wire::live::PopCard>, AppError> {
        debug_assert!(matches!(self.person.caller.actor, Actor::Member { .. }), "only people hold streams");
        if !self.has_pops() {
            return Ok(Vec::new());
        }
        services::pop::open(&self.app, &self.person).await
    }
}

fn wire(cursor: Option<Cursor>, event: &LiveEvent) -> Event {
    let data = serde_json::to_string(event).expect("wire types are plain data");
    let sse = Event::default().data(data);
    match cursor {
        Some(cursor) => sse.id(cursor.to_string()),
        None => sse,
    }
}
