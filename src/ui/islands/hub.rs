//! One live connection per page, shared by its islands: an `EventSource` that comes back by itself, with the last
//! cursor, and says how it is.
//!
//! A browser's own reconnection sends `Last-Event-ID`; when it gives up (closed), a new source is made here with
//! `?after=` and a growing pause. Called in effects only, which run in browsers only.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{EventSource, MessageEvent};

use crate::ui::wire::live::LiveEvent;

/// How the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Not tried yet.
    Waking,
    Connected,
    /// Lost, trying again, since this many milliseconds of the browser's clock.
    Lost(i64),
}

/// Milliseconds of silence after which the connection is late. The server is heard of every ten seconds at least
/// (`server::http::live`).
pub const PATIENCE: i64 = 13_000;

type Listener = Rc<dyn Fn(&LiveEvent)>;

#[derive(Default)]
struct Hub {
    listeners: Vec<Listener>,
    cursor: String,
    source: Option<EventSource>,
    tries: u32,
    scheduled: bool,
}

thread_local! {
    static HUB: RefCell<Hub> = RefCell::default();
    static LINK: ArcRwSignal<Link> = ArcRwSignal::new(Link::Waking);
    static SKEW: Cell<i64> = const { Cell::new(0) };
    static HEARD: Cell<i64> = const { Cell::new(0) };
}

/// The connection's state, for the chip.
#[must_use]
pub fn link() -> ArcRwSignal<Link> {
    LINK.with(Clone::clone)
}

/// The server's time now, in milliseconds: the browser's clock, put right by what the server last said.
#[must_use]
pub fn server_now() -> i64 {
    browser_now() - SKEW.get()
}

/// Tells what the server's clock says.
pub fn clock_says(now: i64) {
    SKEW.set(browser_now() - now);
}

/// The browser's clock in milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit an i64 for longer than browsers live")]
#[must_use]
pub fn browser_now() -> i64 {
    js_sys::Date::now() as i64
}

/// Since when nothing was heard of the server, in milliseconds of the browser's clock.
#[must_use]
pub fn heard() -> i64 {
    HEARD.get()
}

/// Calls `listener` for every event from now on. `cursor` is where the island's page stood; empty if it shows nothing.
pub fn listen(cursor: &str, listener: impl Fn(&LiveEvent) + 'static) {
    HUB.with(|hub| {
        let mut hub = hub.borrow_mut();
        hub.listeners.push(Rc::new(listener));
        if hub.cursor.is_empty() {
            cursor.clone_into(&mut hub.cursor);
        }
        if !hub.scheduled {
            hub.scheduled = true;
            // After the other islands of the page have said where they stand.
            set_timeout(connect, Duration::ZERO);
        }
    });
}

fn connect() {
    let url = HUB.with(|hub| {
        let hub = hub.borrow();
        if hub.cursor.is_empty() { "/live".to_owned() } else { format!("/live?after={}", hub.cursor) }
    });
    let Ok(source) = EventSource::new(&url) else { return retry() };
    on(&source, "open", |_| LINK.with(|l| l.set(Link::Connected)));
    on(&source, "beat", |_| {});
    on(&source, "hello", |event| {
        HUB.with(|hub| hub.borrow_mut().tries = 0);
        if let Some(now) = event.data().as_string().and_then(|text| text.parse().ok()) {
            clock_says(now);
        }
        note_cursor(&event);
    });
    on(&source, "message", |event| {
        note_cursor(&event);
        if let Some(live) = event.data().as_string().and_then(|text| serde_json::from_str(&text).ok()) {
            tell(&live);
        }
    });
    // Too much was missed to catch up event by event.
    on(&source, "reset", |_| {
        let _ = window().location().reload();
    });
    on(&source, "error", |_| lost());
    HUB.with(|hub| hub.borrow_mut().source = Some(source));
}

fn on(source: &EventSource, name: &str, handler: impl Fn(MessageEvent) + 'static) {
    let is_error = name == "error";
    let closure = Closure::<dyn Fn(MessageEvent)>::new(move |event| {
        if !is_error {
            HEARD.set(browser_now());
        }
        handler(event);
    });
    let _ = source.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
    // Lives as long as the page: there is one connection, and it ends with it.
    closure.forget();
}

fn note_cursor(event: &MessageEvent) {
    let id = event.last_event_id();
    if !id.is_empty() {
        HUB.with(|hub| hub.borrow_mut().cursor = id);
    }
}

fn tell(event: &LiveEvent) {
    match event {
        LiveEvent::Call { now, .. } | LiveEvent::Agent { now, .. } | LiveEvent::Pop { now, .. } => clock_says(*now),
        LiveEvent::PopGone { .. } => {}
    }
    // A listener may listen to more: the list is not held while it runs.
    let listeners = HUB.with(|hub| hub.borrow().listeners.clone());
    for listener in listeners {
        listener(event);
    }
}

fn lost() {
    LINK.with(|l| {
        l.update(|link| {
            if !matches!(link, Link::Lost(_)) {
                *link = Link::Lost(browser_now());
            }
        });
    });
    let closed = HUB.with(|hub| hub.borrow().source.as_ref().is_some_and(|s| s.ready_state() == EventSource::CLOSED));
    if closed {
        retry();
    }
}

fn retry() {
    let pause = HUB.with(|hub| {
        let mut hub = hub.borrow_mut();
        hub.source = None;
        hub.tries += 1;
        500_u64 << hub.tries.min(5)
    });
    set_timeout(connect, Duration::from_millis(pause));
}
