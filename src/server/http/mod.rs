//! The doors' common half: who asks, may they, how a page is wrapped, how an error looks.
//!
//! [`doors`] is the table of every door with its need; [`gate`] enforces it; [`cx`] is what a handler gets. To add a
//! door: a line in `server::pages::doors`, [`actions`], `server::api::doors` or `server::webhooks::doors`.

pub mod action;
pub mod actions;
pub mod audit_news;
pub mod bearer;
pub mod cx;
pub mod device;
pub mod doors;
pub mod error;
pub mod field;
pub mod flash;
pub mod gate;
pub mod layers;
pub mod live;
pub mod map;
pub mod origin;
pub mod passkey;
pub mod positions;
pub mod render;
pub mod reveal;
pub mod shell;
pub mod wallboard;

pub use cx::Cx;
pub use error::AppError;
