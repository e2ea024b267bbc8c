//! What a verification has found.

use serde_json::{Value, json};

use crate::{
    model::{
        id::AuditId,
        seal::{Flaw, Seal},
    },
    server::kit::At,
};

/// Something that is wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub flaw: Flaw,
    /// The seal, where it is one's.
    pub seq: Option<i64>,
    /// The entry; of a seal that is wrong itself, its first.
    pub entry: Option<AuditId>,
}

/// What was gone through, and what was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The first and the last seal; 0 where there is none.
    pub first: i64,
    pub last: i64,
    /// How many seals were read.
    pub seals: i64,
    /// Entries that are there, and are what was sealed.
    pub entries: i64,
    /// Entries whose month was dropped when it was over a year old. Their seals still hold together.
    pub dropped: i64,
    /// Entries that a file does not hold. A log has none.
    pub left_out: i64,
    /// Entries that are not sealed yet.
    pub waiting: i64,
    /// What was kept outside, and agrees.
    pub checkpoints: i64,
    /// The last seal that was read, without what it holds.
    pub head: Option<Seal>,
    /// Whether it stopped before the end that was asked for.
    pub is_cut: bool,
    /// How many things are wrong.
    pub flaws: i64,
    /// The first of them.
    pub found: Option<Found>,
}

impl Report {
    /// Notes something wrong. The first in the order of the chain is kept; within a seal, what names an entry.
    pub(super) fn note(&mut self, flaw: Flaw, seq: Option<i64>, entry: Option<AuditId>) {
        self.flaws += 1;
        let new = Found { flaw, seq, entry };
        if self.found.is_none_or(|old| rank(new) < rank(old)) {
            self.found = Some(new);
        }
    }

    /// Notes that a seal was read.
    pub(super) fn pass(&mut self, seal: &Seal) {
        if self.seals == 0 {
            self.first = seal.seq;
        }
        self.seals += 1;
        self.last = seal.seq;
        self.head = Some(seal.checkpoint());
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.found.is_none()
    }

    /// What its own audit entry says.
    #[must_use]
    pub fn told(&self) -> Value {
        let head = self.head.as_ref();
        json!({
            "seals": { "first": self.first, "last": self.last },
            "entries": self.entries,
            "dropped": self.dropped,
            "waiting": self.waiting,
            "checkpoints": self.checkpoints,
            "cut": self.is_cut,
            "hash": head.map(|seal| seal.hash.to_string()),
            "key": head.map(|seal| seal.key.clone()),
            "sealed": head.map(|seal| At::from_micros(seal.at).0.to_string()),
            "flaws": self.flaws,
            "flaw": self.found.map(|found| json!({
                "what": found.flaw.code(),
                "seal": found.seq,
                "entry": found.entry,
            })),
        })
    }

    /// The outcome in a few sentences.
    #[must_use]
    pub fn says(&self) -> String {
        let Some(found) = self.found else { return self.says_sound() };
        let mut parts = vec![format!("{}.", found.flaw.label())];
        parts.extend(found.entry.map(|entry| format!("The first entry that it touches is {entry}.")));
        parts.extend(found.seq.map(|seq| format!("It shows at seal {seq}.")));
        if self.flaws > 1 {
            parts.push(format!("In all, {} things are wrong.", self.flaws));
        }
        parts.join(" ")
    }

    fn says_sound(&self) -> String {
        let Some(head) = &self.head else {
            return "There is no seal in this span of time, and nothing that should be in one.".to_owned();
        };
        let (first, last) = (self.first, self.last);
        let mut parts =
            vec![format!("Everything is as it was sealed: {} entries in the seals {first} to {last}.", self.entries)];
        let counts = [
            (self.dropped, "entries were dropped when their time was over; their seals hold."),
            (self.left_out, "entries of these seals are not in the file."),
            (self.waiting, "entries wait to be sealed."),
            (self.checkpoints, "checkpoints that were kept outside agree."),
        ];
        parts.extend(counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        if self.is_cut {
            parts.push("It stopped there: ask for a later span, or use ringfort audit verify.".to_owned());
        }
        let at = At::from_micros(head.at).0;
        parts.push(format!("The last was signed at {at} with the key {}; its hash is {}.", head.key, head.hash));
        parts.join(" ")
    }
}

/// In the order of the chain; in the same seal, a named entry before the seal as a whole.
fn rank(found: Found) -> (i64, bool) {
    let names_entry =
        matches!(found.flaw, Flaw::EntryGone | Flaw::EntryChanged | Flaw::EntryLost | Flaw::EntryUnsealed);
    (found.seq.unwrap_or(i64::MAX), !names_entry)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_first_is_the_one_that_is_named() {
        let mut report = Report::default();
        assert!(report.is_sound());
        let entry = |n| Some(AuditId(Uuid::from_u128(n)));
        report.note(Flaw::ChainCut, Some(9), None);
        report.note(Flaw::SealUnsigned, Some(3), entry(1));
        report.note(Flaw::EntryChanged, Some(3), entry(2));
        report.note(Flaw::EntryGone, Some(3), entry(3));
        report.note(Flaw::EntryGone, Some(4), entry(4));
        assert_eq!(report.found, Some(Found { flaw: Flaw::EntryChanged, seq: Some(3), entry: entry(2) }));
        assert_eq!(report.flaws, 5);
        assert!(report.says().contains("aud_00000000000000000000000000000002"), "{}", report.says());
        assert_eq!(report.told()["flaw"]["what"], "entry.changed");
    }
}
