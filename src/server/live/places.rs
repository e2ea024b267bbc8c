//! How far a node has seen the outbox: one place for all businesses, and for those of which NATS told sooner, a place ahead
//! of it. Pure, so that order and gaps are judged in one spot: by cursors that were read, never by what somebody said.

use std::collections::HashMap;

use super::Cursor;
use crate::{model::id::BusinessId, server::store::outbox::Row};

/// The places of one node.
#[derive(Debug, Default)]
pub struct Places {
    all: Option<Cursor>,
    ahead: HashMap<BusinessId, Cursor>,
}

impl Places {
    /// Up to here everything was handed on, in every business.
    #[must_use]
    pub fn all(&self) -> Option<Cursor> {
        self.all
    }

    /// Up to here everything of this business was handed on.
    #[must_use]
    pub fn of(&self, business: BusinessId) -> Option<Cursor> {
        self.all.max(self.ahead.get(&business).copied())
    }

    /// Whether there is something to read when somebody says that a business has news up to `at`.
    #[must_use]
    pub fn is_news(&self, business: BusinessId, at: Cursor) -> bool {
        self.of(business).is_none_or(|seen| seen < at)
    }

    /// Those rows of a business that were not handed on yet.
    #[must_use]
    pub fn unseen(&self, business: BusinessId, mut rows: Vec<Row>) -> Vec<Row> {
        if let Some(seen) = self.ahead.get(&business) {
            rows.retain(|row| row.cursor > *seen);
        }
        rows
    }

    /// Everything of this business up to `at` was handed on.
    pub fn saw(&mut self, business: BusinessId, at: Cursor) {
        if self.is_news(business, at) {
            self.ahead.insert(business, at);
        }
    }

    /// Everything up to `at` was handed on, in every business.
    pub fn reach(&mut self, at: Cursor) {
        self.all = self.all.max(Some(at));
        self.ahead.retain(|_, seen| *seen > at);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ONE: BusinessId = BusinessId(Uuid::from_u128(1));
    const OTHER: BusinessId = BusinessId(Uuid::from_u128(2));

    fn at(id: i64) -> Cursor {
        Cursor { xid: 7, id, at: 0 }
    }

    fn row(id: i64) -> Row {
        let (topic, subject) = ("call".to_owned(), Uuid::nil());
        Row { cursor: at(id), business: ONE, topic, subject, member: None, members: Vec::new() }
    }

    fn ids(rows: &[Row]) -> Vec<i64> {
        rows.iter().map(|row| row.cursor.id).collect()
    }

    #[test]
    fn what_came_sooner_is_not_handed_on_again() {
        let mut places = Places::default();
        places.reach(at(1));
        places.saw(ONE, at(3));
        assert_eq!(ids(&places.unseen(ONE, vec![row(2), row(3), row(4)])), [4]);
        assert_eq!(ids(&places.unseen(OTHER, vec![row(2), row(3)])), [2, 3], "only that business is ahead");
        places.reach(at(4));
        assert_eq!(places.of(ONE), Some(at(4)));
        assert!(places.ahead.is_empty(), "what all have reached is forgotten");
    }

    #[test]
    fn a_place_never_goes_back() {
        let mut places = Places::default();
        assert!(places.is_news(ONE, at(1)), "a node that has seen nothing looks");
        places.reach(at(5));
        assert!(!places.is_news(ONE, at(5)) && places.is_news(ONE, at(6)));
        places.saw(ONE, at(3));
        assert_eq!(places.of(ONE), Some(at(5)));
        places.saw(ONE, at(9));
        places.reach(at(6));
        assert_eq!((places.all(), places.of(ONE), places.of(OTHER)), (Some(at(6)), Some(at(9)), Some(at(6))));
        places.reach(at(2));
        assert_eq!(places.all(), Some(at(6)));
    }
}
