//! What tests stand on: a [`TestApp`], businesses with people in every role, a browser, a provider.

use std::{path::PathBuf, time::Duration};

use tokio::time::{Instant, sleep};

mod app;
mod browser;
pub mod fixture;
pub mod messages;
mod people;
mod snapshot;
pub mod sql;
pub mod twilio;

pub use app::{PUBLIC_URL, TestApp};
pub use browser::{Browser, Reply, form, send};
pub use people::{Business, Member};
pub use snapshot::matches_snapshot;

/// How long a test waits for what comes by itself: no machine is so busy. What is promised «within a second» is held by the
/// constants that say so (`live/relay.rs`, `http/wallboard.rs`), and its time is told by `end2end/chaos.mjs`.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Asks again until it is so.
///
/// # Panics
/// When it is not so in the end.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// The folder of the sources, where it is now: a cache of compiled tests can come from another one.
pub fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}
