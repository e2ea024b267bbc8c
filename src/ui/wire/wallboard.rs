//! What a wallboard says: no numbers, first names only, and no ids. A new field is read by `public/static/wallboard.js`.

use serde::Serialize;

use crate::model::{agent::AgentState, board::Measures};

/// All of it, each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wallboard {
    pub active: usize,
    pub waiting: usize,
    /// Since when the first one waits, in milliseconds since the epoch.
    pub waits_since: Option<i64>,
    /// The service level in percent; absent when nothing was to be answered.
    pub level: Option<u32>,
    pub level_met: bool,
    pub within: u32,
    pub offered: u32,
    pub measures: Measures,
    pub calls: Vec<WallCall>,
    pub agents: Vec<WallAgent>,
    /// The server's clock, in milliseconds since the epoch.
    pub now: i64,
}

/// A call that rings or runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WallCall {
    pub state: String,
    pub direction: String,
    /// First names of who talks, else of whose desk rings.
    pub people: Vec<String>,
    pub since: i64,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WallAgent {
    pub name: String,
    pub state: AgentState,
    pub label: String,
    pub on_call: bool,
    pub since: Option<i64>,
}
