//! What tests stand on: a [`TestApp`], businesses with people in every role, a browser, a provider.

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
