//! Ringfort: a multi-tenant workspace in which a business runs its phone lines.
//!
//! The map. Three folders are three compile worlds: [`model`] is pure and shared, [`ui`] is shared and may reach a
//! browser, `server` is the server's alone. Arrows point one way: doors (`server::pages`, [`ui::actions`],
//! `server::api`, `server::webhooks`, `server::jobs`) -> `server::services` -> `server::store`, `providers`, `vault`,
//! `mail` -> [`model`]. `docs/ARCHITECTURE.md` walks a page, a change and a webhook through the rooms.
//!
//! This file and `main.rs` are the only places with a feature cfg; a test looks for others.
#![recursion_limit = "256"]

pub mod model;
pub mod ui;

#[cfg(feature = "ssr")]
pub mod server;

/// The browser's entry: wakes the islands and nothing else.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
