//! What a live stream says. Numbers are masked here for everybody; the clear number is on the call's page, for who
//! may see it.

use serde::{Deserialize, Serialize};

use crate::model::{
    call::{CallState, Direction},
    id::{CallId, PopId},
    phone::MaskedPhone,
};

/// A row of the live board.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LiveCall {
    pub id: CallId,
    pub state: CallState,
    pub direction: Direction,
    /// The customer's number; absent when withheld.
    pub party: Option<MaskedPhone>,
    /// The number they called or were called from.
    pub own: Option<MaskedPhone>,
    /// Who talks, else whose desk rings.
    pub agents: Vec<String>,
    /// Milliseconds since the epoch, by the server's clock.
    pub started_at: i64,
    /// Since when it is in this state.
    pub state_at: i64,
}

/// A screen pop: who is calling, as the agency system said at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopCard {
    pub id: PopId,
    pub call: CallId,
    pub party: Option<MaskedPhone>,
    pub matches: Vec<PopMatch>,
    /// Why there is no match, in a sentence, when asking failed.
    pub problem: Option<String>,
    /// When it is gone everywhere (POP-2).
    pub expires_at: i64,
}

/// One client who may be the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopMatch {
    pub name: String,
    pub company: Option<String>,
    pub policies: Vec<String>,
    pub last_contact: Option<String>,
    pub open_tasks: Vec<String>,
}

/// An event of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LiveEvent {
    Call { call: LiveCall, now: i64 },
    Pop { pop: PopCard, now: i64 },
    PopGone { id: PopId },
}
