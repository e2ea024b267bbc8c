//! Live fan-out (TEL-2): outbox -> relay -> hub -> streams.
//!
//! The relay reads the outbox in commit order, re-reads each subject once per business, and publishes it; each stream
//! filters by its viewer's rights. Events carry ids; content is read at that moment, so nothing stale and nothing
//! forbidden is ever queued. To add a topic: its check in migration 0030, a variant of [`Payload`], its reading in
//! [`relay`], its filter in `http::live`.
//!
//! Where several nodes serve (OPS-3), [`nats`] tells them that there is something to read, [`listen`] hears it, and [`places`]
//! knows what was read already.

pub mod hub;
pub mod listen;
pub mod nats;
pub mod places;
pub mod relay;
pub mod scene;

use std::{fmt, str::FromStr, sync::Arc};

pub use hub::Hub;
pub use nats::Nats;

use crate::{
    model::id::{MemberId, PopId, WorkOrderId},
    server::store::{agent::Agent, live::BoardCall, position::Unit},
    ui::wire::live::Tally,
};

/// A place in the outbox: commit order, and when it was, so that a cursor that is too old is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub xid: u64,
    pub id: i64,
    pub at: i64,
}

/// The outbox is kept this long; an older cursor starts anew.
pub const KEPT_SECONDS: i64 = 3600;

impl Cursor {
    /// True when events after it may be gone already.
    #[must_use]
    pub fn is_stale(self, now: i64) -> bool {
        self.at < now - (KEPT_SECONDS - 300)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.xid, self.id, self.at)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('.');
        let cursor = Self {
            xid: parts.next().and_then(|p| p.parse().ok()).ok_or(())?,
            id: parts.next().and_then(|p| p.parse().ok()).ok_or(())?,
            at: parts.next().and_then(|p| p.parse().ok()).ok_or(())?,
        };
        if parts.next().is_none() { Ok(cursor) } else { Err(()) }
    }
}

/// One event, as the hub hands it to the streams of a business.
#[derive(Debug, Clone)]
pub struct Event {
    pub cursor: Cursor,
    pub payload: Payload,
    /// With the last call of a batch: how many calls of the last hour were answered in time.
    pub tally: Option<Arc<Tally>>,
}

#[derive(Debug, Clone)]
pub enum Payload {
    Call(Arc<BoardCall>),
    Pop {
        member: MemberId,
        pop: PopId,
    },
    PopGone {
        member: MemberId,
        pop: PopId,
    },
    Agent(Arc<Agent>),
    /// Technicians who moved, came on shift or left it, as they are now: one event for all of a batch, so that many who move
    /// push nobody else's news out of a stream's window. For whoever sees all on the map, and each for themselves.
    Positions(Arc<Vec<Moved>>),
    /// Something about a work order is new; whose it is, or was before.
    WorkOrder {
        order: WorkOrderId,
        member: Option<MemberId>,
    },
}

/// A technician of whom there is news.
#[derive(Debug, Clone)]
pub struct Moved {
    pub member: MemberId,
    /// Absent when no shift is open.
    pub unit: Option<Unit>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_wire() {
        let cursor = Cursor { xid: 7, id: 8, at: 9 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "1", "1.2", "1.2.x", "1.2.3.4", "-1.2.3"] {
            assert_eq!(bad.parse::<Cursor>(), Err(()), "{bad}");
        }
    }
}
