//! The walk along a business's chain: each seal, each entry in it, and whatever is in none.
//!
//! Entries that are in no seal are found by time. The seals of one stretch hold all entries up to their last place (in the order
//! of transactions), so an entry whose time lies in the stretch is among them, or its place is behind them, and it comes later.
//! Anything else was put in behind the chain's back.

use std::collections::{HashMap, HashSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::{
    chain::{self, Link},
    report::Report,
};
use crate::{
    model::{
        id::AuditId,
        seal::{Bytes, Digest, Flaw, Leaf, Mark, Seal},
    },
    server::{
        kit::At,
        store::{
            self, StoreError, TenantTx,
            seal::{Sent, Span},
        },
        vault::PublicKeys,
    },
};

/// Entries of one stretch, about.
const STRETCH: i64 = 50_000;
/// Entries that are read at once.
const PIECE: usize = 5_000;
/// An entry is kept this long (AUD-6): what is gone before was not dropped.
const KEPT_SECONDS: i64 = 365 * 24 * 3600;

/// What was kept outside: which seal was there then.
pub(super) struct Kept {
    pub(super) seq: i64,
    hash: Digest,
    /// Its first entry, where that was kept too.
    first: Option<AuditId>,
}

impl From<&Seal> for Kept {
    fn from(seal: &Seal) -> Self {
        Self { seq: seal.seq, hash: seal.hash, first: Some(seal.first.id) }
    }
}

impl From<Sent> for Kept {
    fn from(sent: Sent) -> Self {
        Self { seq: sent.seq, hash: sent.hash, first: None }
    }
}

/// How far a walk has come.
pub(super) struct Walk<'a> {
    keys: &'a PublicKeys,
    link: Link,
    pub(super) report: Report,
    /// The latest time of an entry that was sealed, so far.
    upper: Option<At>,
    /// Entries that belong to seals that come later.
    waiting: Vec<Mark>,
    /// Whether nothing is left of a month, by its smallest id.
    months: HashMap<Uuid, bool>,
    buffer: Vec<u8>,
}

impl<'a> Walk<'a> {
    /// From the beginning.
    pub(super) fn new(keys: &'a PublicKeys) -> Self {
        Self {
            keys,
            link: Link::START,
            report: Report::default(),
            upper: None,
            waiting: Vec::new(),
            months: HashMap::new(),
            buffer: Vec::new(),
        }
    }

    /// From the middle: the seal before must be signed, and is believed.
    pub(super) async fn begin(&mut self, tx: &mut TenantTx, first: i64) -> Result<(), StoreError> {
        let Some(before) = store::seal::get(tx, first - 1, true).await? else {
            self.link = Link::behind_nothing(first - 1);
            self.report.note(Flaw::SealGone, Some(first - 1), None);
            return Ok(());
        };
        if !chain::is_signed(&before, self.keys) {
            self.report.note(Flaw::SealUnsigned, Some(before.seq), Some(before.first.id));
        }
        self.link = Link::after(&before);
        let ids: Vec<AuditId> = before.leaves.iter().map(|leaf| leaf.0).collect();
        let entries = store::seal::entries(tx, &ids).await?;
        for Leaf(id, sealed) in &before.leaves {
            let entry = entries.get(id).filter(|entry| chain::digest(entry, &mut self.buffer) == *sealed);
            self.upper = self.upper.max(entry.map(|entry| At::from_micros(entry.at)));
        }
        Ok(())
    }

    /// To the seal `last`, or until so many entries were looked at.
    pub(super) async fn to(&mut self, tx: &mut TenantTx, last: i64, most: Option<i64>) -> Result<(), StoreError> {
        while self.link.seq < last {
            let looked_at = self.report.entries + self.report.dropped;
            if most.is_some_and(|most| looked_at >= most) {
                self.report.is_cut = true;
                break;
            }
            let span = Span { first: self.link.seq.saturating_add(1), last, entries: STRETCH, leaves: true };
            let seals = store::seal::seals(tx, span).await?;
            if seals.is_empty() {
                break;
            }
            self.stretch(tx, &seals).await?;
        }
        Ok(())
    }

    async fn stretch(&mut self, tx: &mut TenantTx, seals: &[Seal]) -> Result<(), StoreError> {
        for seal in seals {
            if let Some(flaw) = self.link.step(seal, self.keys) {
                self.report.note(flaw, Some(seal.seq), seal.leaves.first().map(|leaf| leaf.0));
            }
            self.report.pass(seal);
        }
        let before = self.upper;
        let leaves: Vec<(&Seal, Leaf)> =
            seals.iter().flat_map(|seal| seal.leaves.iter().map(move |leaf| (seal, *leaf))).collect();
        for piece in leaves.chunks(PIECE) {
            self.piece(tx, piece).await?;
        }
        let known: Vec<Uuid> = leaves.iter().map(|(_, leaf)| leaf.0.0).collect();
        match seals.last() {
            Some(last) => self.window(tx, before, last, &known).await,
            None => Ok(()),
        }
    }

    /// Whether entries are what was sealed.
    async fn piece(&mut self, tx: &mut TenantTx, leaves: &[(&Seal, Leaf)]) -> Result<(), StoreError> {
        let ids: Vec<AuditId> = leaves.iter().map(|(_, leaf)| leaf.0).collect();
        let entries = store::seal::entries(tx, &ids).await?;
        for (seal, Leaf(id, sealed)) in leaves {
            let flaw = match entries.get(id) {
                _ if *sealed == Bytes::ZERO => Flaw::EntryLost,
                Some(entry) if chain::digest(entry, &mut self.buffer) == *sealed => {
                    self.upper = self.upper.max(Some(At::from_micros(entry.at)));
                    self.report.entries += 1;
                    continue;
                }
                Some(_) => Flaw::EntryChanged,
                None => {
                    if self.was_dropped(tx, seal, *id).await? {
                        self.report.dropped += 1;
                        continue;
                    }
                    Flaw::EntryGone
                }
            };
            self.report.note(flaw, Some(seal.seq), Some(*id));
        }
        Ok(())
    }

    /// Whether an entry's time was over and its whole month is gone.
    async fn was_dropped(&mut self, tx: &mut TenantTx, seal: &Seal, id: AuditId) -> Result<bool, StoreError> {
        if tx.now().since(At::from_micros(seal.at)) <= KEPT_SECONDS {
            return Ok(false);
        }
        let Some((low, high)) = month(id) else { return Ok(false) };
        if let Some(gone) = self.months.get(&low) {
            return Ok(*gone);
        }
        let gone = store::seal::is_gone(tx, low, high).await?;
        self.months.insert(low, gone);
        Ok(gone)
    }

    /// Looks for entries of this stretch's time that are not in its seals.
    async fn window(
        &mut self,
        tx: &mut TenantTx,
        before: Option<At>,
        last: &Seal,
        known: &[Uuid],
    ) -> Result<(), StoreError> {
        if !self.waiting.is_empty() {
            let here: HashSet<&Uuid> = known.iter().collect();
            self.waiting.retain(|place| !here.contains(&place.id.0));
        }
        if let Some(upper) = self.upper.filter(|upper| Some(*upper) != before) {
            self.waiting.extend(store::seal::strangers(tx, before, upper, known).await?);
        }
        let (due, later): (Vec<Mark>, Vec<Mark>) = self.waiting.drain(..).partition(|place| *place <= last.last);
        self.waiting = later;
        for place in due {
            self.judge(tx, place, last.seq).await?;
        }
        Ok(())
    }

    /// Behind the last seal: everything that is left is in the queue, or in seals that were made meanwhile.
    pub(super) async fn end(&mut self, tx: &mut TenantTx) -> Result<(), StoreError> {
        let seq = self.link.seq;
        let mut rest = store::seal::unsealed(tx, self.upper, seq, &[]).await?;
        let waiting: Vec<Uuid> = self.waiting.drain(..).map(|place| place.id.0).collect();
        if !waiting.is_empty() {
            rest.extend(store::seal::unsealed(tx, None, seq, &waiting).await?);
        }
        rest.sort_unstable();
        rest.dedup();
        for place in rest {
            self.judge(tx, place, seq.saturating_add(1)).await?;
        }
        self.report.waiting = store::seal::waiting(tx).await?;
        Ok(())
    }

    /// Behind the last seal that was asked for: what is left belongs to later ones.
    pub(super) async fn stop(&mut self, tx: &mut TenantTx) -> Result<(), StoreError> {
        let seq = self.link.seq;
        for place in std::mem::take(&mut self.waiting) {
            // In this order: what is sealed between the two questions is found by the second.
            if !store::seal::is_waiting(tx, place).await? {
                self.judge(tx, place, seq.saturating_add(1)).await?;
            }
        }
        Ok(())
    }

    /// Looks for the seal of an entry that seems to be in none.
    async fn judge(&mut self, tx: &mut TenantTx, place: Mark, seq: i64) -> Result<(), StoreError> {
        for around in store::seal::around(tx, place).await? {
            let seal = store::seal::get(tx, around, true).await?;
            if seal.is_some_and(|seal| seal.leaves.iter().any(|leaf| leaf.0 == place.id)) {
                return Ok(());
            }
        }
        self.report.note(Flaw::EntryUnsealed, Some(seq), Some(place.id));
        Ok(())
    }

    /// Holds what was kept outside, in the order of the seals, against what is here.
    pub(super) async fn compare(&mut self, tx: &mut TenantTx, outside: &[Kept]) -> Result<(), StoreError> {
        let newest = store::seal::head(tx).await?.map_or(0, |head| head.seq);
        let mut seqs: Vec<i64> = outside.iter().map(|kept| kept.seq).collect();
        seqs.dedup();
        // At once: over the years, many were sent.
        let hashes = store::seal::hashes(tx, &seqs).await?;
        let mut agreed = 0;
        for kept in outside {
            match hashes.get(&kept.seq) {
                Some(here) if *here == kept.hash => {
                    agreed = kept.seq;
                    self.report.checkpoints += 1;
                }
                Some(_) => {
                    // What agrees ends before this entry.
                    let next = store::seal::get(tx, agreed + 1, false).await?;
                    let first = next.map(|seal| seal.first.id);
                    self.report.note(Flaw::ChainRewritten, Some(agreed + 1), first);
                    return Ok(());
                }
                None if kept.seq > newest => {
                    self.report.note(Flaw::ChainCut, Some(kept.seq), kept.first);
                    return Ok(());
                }
                // A gap, which the walk has noted.
                None => {}
            }
        }
        Ok(())
    }
}

/// The smallest id of an entry's month, and of the next.
fn month(id: AuditId) -> Option<(Uuid, Uuid)> {
    let millis = i64::try_from(id.0.as_u128() >> 80).ok()?;
    let day = Timestamp::from_millisecond(millis).ok()?.to_zoned(TimeZone::UTC).date().first_of_month();
    let floor = |day: Date| {
        let millis = day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
        Some(Uuid::from_u128(u128::from(u64::try_from(millis).ok()?) << 80))
    };
    Some((floor(day)?, floor(day.checked_add(jiff::Span::new().months(1)).ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_that_of_the_id() {
        let at = |text: &str| {
            let millis = text.parse::<Timestamp>().expect("an instant").as_millisecond();
            Uuid::from_u128(u128::from(u64::try_from(millis).expect("after 1970")) << 80)
        };
        let id = AuditId(Uuid::from_u128(at("2026-01-31T23:59:59.999Z").as_u128() | 7));
        assert_eq!(month(id), Some((at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"))));
    }
}
