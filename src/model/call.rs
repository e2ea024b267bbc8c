//! The life of a call (TEL-1): states only move forward, and any order of events ends in the same state.
//!
//! A state carries a rank and the provider's sequence number. Of two events the later wins: an end beats what is no
//! end; of two ends the higher sequence number; of two others the higher rank, because a call that was answered does
//! not ring again. That order is total, so the winner of a set does not depend on the order in which it came; a
//! property test says so.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::field::Bad;

/// Where a call or a leg stands. Twilio's words, which the other providers map onto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    Queued,
    Initiated,
    Ringing,
    InProgress,
    Canceled,
    Failed,
    NoAnswer,
    Busy,
    Completed,
}

/// From the business's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Inbound,
    Outbound,
}

/// What decides between two events of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub state: CallState,
    /// The provider's sequence number, -1 where it sends none (Twilio's first voice webhook).
    pub seq: i32,
}

impl Standing {
    fn key(self) -> (bool, i32, i32) {
        let rank = self.state as i32;
        if self.state.is_end() { (true, self.seq, rank) } else { (false, rank, self.seq) }
    }

    /// The standing after `event`: the later of the two.
    #[must_use]
    pub fn after(self, event: Self) -> Self {
        if event.key() > self.key() { event } else { self }
    }
}

impl CallState {
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Initiated,
        Self::Ringing,
        Self::InProgress,
        Self::Canceled,
        Self::Failed,
        Self::NoAnswer,
        Self::Busy,
        Self::Completed,
    ];

    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled)
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in_progress",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Completed => "completed",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Initiated => "Dialing",
            Self::Ringing => "Ringing",
            Self::InProgress => "In progress",
            Self::Canceled => "Caller hung up",
            Self::Failed => "Failed",
            Self::NoAnswer => "Not answered",
            Self::Busy => "Busy",
            Self::Completed => "Completed",
        }
    }
}

impl CallState {
    /// What became of a call for its business: a provider calls it completed as soon as it picked up itself, for an
    /// announcement or to ring the desks, though nobody here has talked.
    #[must_use]
    pub const fn heard(self, is_answered: bool) -> Self {
        match self {
            Self::Completed if !is_answered => Self::NoAnswer,
            other => other,
        }
    }

    /// What it is called on a call of this direction; without one, on a leg.
    #[must_use]
    pub const fn label_on(self, direction: Option<Direction>) -> &'static str {
        match (self, direction) {
            (Self::NoAnswer, Some(Direction::Inbound)) => "Missed",
            _ => self.label(),
        }
    }
}

impl FromStr for CallState {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|s| s.code() == text).ok_or(Bad::Choice)
    }
}

impl Direction {
    pub const ALL: [Self; 2] = [Self::Inbound, Self::Outbound];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Inbound => "In",
            Self::Outbound => "Out",
        }
    }
}

impl FromStr for Direction {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|d| d.code() == text).ok_or(Bad::Choice)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_end_is_final() {
        let end = Standing { state: CallState::Busy, seq: 2 };
        assert_eq!(end.after(Standing { state: CallState::InProgress, seq: 9 }), end);
    }

    #[test]
    fn a_call_that_nobody_answered_is_not_completed() {
        assert_eq!(CallState::Completed.heard(true), CallState::Completed);
        assert_eq!(CallState::Completed.heard(false), CallState::NoAnswer);
        assert_eq!(CallState::Ringing.heard(false), CallState::Ringing);
        assert_eq!(CallState::NoAnswer.label_on(Some(Direction::Inbound)), "Missed");
        assert_eq!(CallState::NoAnswer.label_on(Some(Direction::Outbound)), "Not answered");
        assert_eq!(CallState::Busy.label_on(None), "Busy");
    }

    fn any_event() -> impl Strategy<Value = Standing> {
        (0..CallState::ALL.len(), -1..4i32).prop_map(|(i, seq)| Standing { state: CallState::ALL[i], seq })
    }

    proptest! {
        #[test]
        fn any_order_and_any_repeats_end_the_same(
            events in prop::collection::vec(any_event(), 1..8),
            order in any::<prop::sample::Index>(),
            repeat in any::<prop::sample::Index>(),
        ) {
            let settle = |events: &[Standing]| events.iter().copied().reduce(Standing::after);
            let mut shuffled = events.clone();
            shuffled.rotate_left(order.index(events.len()));
            shuffled.reverse();
            shuffled.push(events[repeat.index(events.len())]);
            prop_assert_eq!(settle(&events), settle(&shuffled));
        }
    }
}
