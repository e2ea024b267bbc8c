//! The server's half. Doors on top, walls below; see `docs/ARCHITECTURE.md`.

pub mod api;
pub mod boot;
pub mod caller;
pub mod http;
pub mod jobs;
pub mod kit;
pub mod live;
pub mod mail;
pub mod pages;
pub mod providers;
pub mod services;
pub mod store;
pub mod vault;
pub mod webhooks;
