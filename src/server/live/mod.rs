//! Live fan-out (TEL-2): outbox -> relay -> hub -> streams.
//!
//! The relay reads the outbox in commit order, re-reads each subject once per business, and publishes it; each stream
//! filters by its viewer's rights. Events carry ids; content is read at that moment, so nothing stale and nothing
//! forbidden is ever queued. To add a topic: its check in migration 0006, a variant of [`Payload`], its reading in
//! [`relay`], its filter in `http::live`.

pub mod hub;
pub mod relay;

use std::{fmt, str::FromStr, sync::Arc};

pub use hub::Hub;

use crate::{
    model::id::{MemberId, PopId},
    server::store::live::BoardCall,
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
}

#[derive(Debug, Clone)]
pub enum Payload {
    Call(Arc<BoardCall>),
    Pop { member: MemberId, pop: PopId },
    PopGone { member: MemberId, pop: PopId },
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
