//! What a live stream says. Numbers are masked here for everybody; the clear number is on the call's page, for who
//! may see it.

use serde::{Deserialize, Serialize};

use crate::model::{
    agent::AgentState,
    call::{CallState, Direction},
    id::{CallId, MemberId, PopId, QueueId},
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
    /// The queue that it came in by.
    pub queue: Option<QueueId>,
    /// Who talks.
    pub talking: Option<MemberId>,
    /// Milliseconds since the epoch, by the server's clock.
    pub started_at: i64,
    /// Since when it is in this state.
    pub state_at: i64,
}

/// An agent of the live board.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LiveAgent {
    pub id: MemberId,
    pub name: String,
    pub state: AgentState,
    /// Why, in the business's own words.
    pub reason: Option<String>,
    /// Milliseconds since the epoch; absent when they have said nothing yet.
    pub since: Option<i64>,
    /// The call that they are on.
    pub call: Option<CallId>,
}

/// How many calls of the last hour were answered in time, by queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub lines: Vec<TallyLine>,
    /// When it was counted, in milliseconds since the epoch.
    pub at: i64,
}

/// The calls of one queue, or of no queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyLine {
    pub queue: Option<QueueId>,
    /// Those that were answered, or ended before anybody answered.
    pub offered: u32,
    /// Those that were answered in time.
    pub within: u32,
}

impl Tally {
    /// Answered in time and offered: of a queue, or of all.
    #[must_use]
    pub fn of(&self, queue: Option<QueueId>) -> (u32, u32) {
        let lines = self.lines.iter().filter(|line| queue.is_none() || line.queue == queue);
        lines.fold((0, 0), |(within, offered), line| (within + line.within, offered + line.offered))
    }
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
    /// `tally` comes with the last of several, for who sees the whole board.
    Call {
        call: LiveCall,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tally: Option<Tally>,
        now: i64,
    },
    Agent {
        agent: LiveAgent,
        now: i64,
    },
    Pop {
        pop: PopCard,
        now: i64,
    },
    PopGone {
        id: PopId,
    },
}
