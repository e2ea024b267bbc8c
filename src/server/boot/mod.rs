//! Configuration, the shared state, the database, start and stop.

pub mod app;
pub mod audit;
pub mod config;
pub mod database;
pub mod demo;
pub mod doctor;
pub mod lifecycle;
pub mod networks;
pub mod operator;
pub mod postgres;
pub mod router;
pub mod simulate;
pub mod telemetry;

pub use app::App;
