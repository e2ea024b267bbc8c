//! Islands: what is alive in a browser. Each shows something useful before it wakes, because the server draws it too.
//!
//! To add one: a file with one `#[island]`, props that are wire types, and its place in a page's view. What listens to
//! live events does so through [`hub`], so that a page holds one connection (`public/static/live.js`).

mod agents;
mod board_summary;
pub mod hub;
pub mod live_board;
pub mod screen_pop;
