//! What islands hear of the page's one live connection. The connection itself is a script's (`public/static/live.js`): it
//! serves pages without islands too, and need not be a part of the wasm module, which every browser loads.
//!
//! Called in effects only, which run in browsers only.

use std::cell::Cell;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::MessageEvent;

use crate::ui::wire::live::LiveEvent;

thread_local! {
    static SKEW: Cell<i64> = const { Cell::new(0) };
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

#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit an i64 for longer than browsers live")]
fn browser_now() -> i64 {
    js_sys::Date::now() as i64
}

/// Calls `listener` for every event from now on.
pub fn listen(listener: impl Fn(&LiveEvent) + 'static) {
    let closure = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let text = event.data().as_string().unwrap_or_default();
        // Each time it is opened, the connection begins with the server's clock.
        if let Ok(now) = text.parse() {
            clock_says(now);
        } else if let Ok(live) = serde_json::from_str::<LiveEvent>(&text) {
            if let LiveEvent::Call { now, .. } | LiveEvent::Agent { now, .. } | LiveEvent::Pop { now, .. } = live {
                clock_says(now);
            }
            listener(&live);
        }
    });
    let _ = window().add_event_listener_with_callback("live", closure.as_ref().unchecked_ref());
    // Lives as long as the page: there is one connection, and it ends with it.
    closure.forget();
}
