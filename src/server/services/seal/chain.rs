//! The chain's hashes and signatures (AUD-3), over the bytes that `model::seal` writes.

use sha2::{Digest as _, Sha256};

use crate::{
    model::{
        id::BusinessId,
        seal::{Bytes, Digest, Entry, Flaw, Leaf, Mark, ROOT, Seal, field},
    },
    server::{
        kit::At,
        vault::{AuditKey, PublicKeys},
    },
};

/// The digest of an entry. `buffer` is room to write in, so that a long row of entries needs it once.
#[must_use]
pub fn digest(entry: &Entry, buffer: &mut Vec<u8>) -> Digest {
    buffer.clear();
    entry.encode(buffer);
    Bytes(Sha256::digest(buffer.as_slice()).into())
}

/// The hash of a seal's entries together.
#[must_use]
pub fn root(leaves: &[Leaf]) -> Digest {
    let mut prefix = Vec::with_capacity(32);
    field(&mut prefix, ROOT.as_bytes());
    let mut hasher = Sha256::new();
    hasher.update(&prefix);
    for Leaf(id, digest) in leaves {
        hasher.update(id.0.as_bytes());
        hasher.update(digest.0);
    }
    Bytes(hasher.finalize().into())
}

/// The hash of a seal.
#[must_use]
pub fn hash(seal: &Seal) -> Digest {
    let mut out = Vec::with_capacity(320);
    seal.encode(&mut out);
    Bytes(Sha256::digest(out.as_slice()).into())
}

/// Seals entries, given by their places and digests in their order, behind `before`. Nothing where there are none.
#[must_use]
pub fn make(
    key: &AuditKey,
    business: BusinessId,
    before: Option<&Seal>,
    entries: &[(Mark, Digest)],
    now: At,
) -> Option<Seal> {
    let (first, last) = (entries.first()?.0, entries.last()?.0);
    let leaves: Vec<Leaf> = entries.iter().map(|(mark, digest)| Leaf(mark.id, *digest)).collect();
    let count = i64::try_from(leaves.len()).ok()?;
    let mut seal = Seal {
        business,
        seq: before.map_or(1, |seal| seal.seq.saturating_add(1)),
        prev: before.map_or(Bytes::ZERO, |seal| seal.hash),
        root: root(&leaves),
        hash: Bytes::ZERO,
        count,
        total: before.map_or(0, |seal| seal.total).saturating_add(count),
        first,
        last,
        at: now.micros(),
        key: key.kid().to_owned(),
        signature: Bytes::ZERO,
        leaves,
    };
    seal.hash = hash(&seal);
    seal.signature = Bytes(key.sign(&seal.signed()));
    Some(seal)
}

/// Whether a seal, or a checkpoint, says what was hashed, and one of these keys has signed it.
#[must_use]
pub fn is_signed(seal: &Seal, keys: &PublicKeys) -> bool {
    hash(seal) == seal.hash && keys.have_signed(&seal.key, &seal.signed(), &seal.signature.0)
}

/// Whether a seal and what it holds belong together.
fn is_whole(seal: &Seal) -> bool {
    let ends = (seal.leaves.first().map(|leaf| leaf.0), seal.leaves.last().map(|leaf| leaf.0));
    hash(seal) == seal.hash
        && root(&seal.leaves) == seal.root
        && i64::try_from(seal.leaves.len()) == Ok(seal.count)
        && ends == (Some(seal.first.id), Some(seal.last.id))
}

/// What the next seal must follow.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The number of the seal before; 0 where there is none.
    pub seq: i64,
    /// Its hash and its total. Absent where it is not there to look at.
    known: Option<(Digest, i64)>,
}

impl Link {
    /// The beginning of a chain.
    pub const START: Self = Self { seq: 0, known: Some((Bytes::ZERO, 0)) };

    /// Behind a seal.
    #[must_use]
    pub fn after(seal: &Seal) -> Self {
        Self { seq: seal.seq, known: Some((seal.hash, seal.total)) }
    }

    /// Behind a seal that is not there.
    #[must_use]
    pub const fn behind_nothing(seq: i64) -> Self {
        Self { seq, known: None }
    }

    /// Goes on to the next seal, and says what is wrong with it or before it.
    pub fn step(&mut self, seal: &Seal, keys: &PublicKeys) -> Option<Flaw> {
        let follows = self.known.is_none_or(|(hash, _)| hash == seal.prev);
        let adds_up = self.known.is_none_or(|(_, total)| total.checked_add(seal.count) == Some(seal.total));
        let flaw = if self.seq.checked_add(1) != Some(seal.seq) {
            Some(Flaw::SealGone)
        } else if !is_whole(seal) {
            Some(Flaw::SealChanged)
        } else if !follows || !adds_up {
            Some(Flaw::SealUnlinked)
        } else {
            (!is_signed(seal, keys)).then_some(Flaw::SealUnsigned)
        };
        *self = Self::after(seal);
        flaw
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use zeroize::Zeroizing;

    use super::*;
    use crate::model::id::AuditId;

    fn keys(seed: u8) -> (AuditKey, PublicKeys) {
        let key = AuditKey::of_seed(&Zeroizing::new([seed; 32]));
        let mut keys = PublicKeys::default();
        keys.add(&key.public()).expect("a key");
        (key, keys)
    }

    fn chain(key: &AuditKey) -> Vec<Seal> {
        let now = At::from_second(1_767_323_045);
        let entry = |n: u64| (Mark { xid: n, id: AuditId(Uuid::from_u128(u128::from(n))) }, Bytes([7; 32]));
        let mut seals: Vec<Seal> = Vec::new();
        for numbers in [1..4, 4..5, 5..9] {
            let entries: Vec<_> = numbers.map(entry).collect();
            let business = BusinessId(Uuid::from_u128(1));
            seals.push(make(key, business, seals.last(), &entries, now).expect("entries"));
        }
        seals
    }

    fn flaws(seals: &[Seal], keys: &PublicKeys) -> Vec<Flaw> {
        let mut link = Link::START;
        seals.iter().filter_map(|seal| link.step(seal, keys)).collect()
    }

    #[test]
    fn a_chain_holds_together() {
        let (key, public) = keys(1);
        let seals = chain(&key);
        assert!(flaws(&seals, &public).is_empty());
        assert_eq!((seals[2].seq, seals[2].count, seals[2].total), (3, 4, 8));
        assert!(is_signed(&seals[2].checkpoint(), &public));
        assert!(make(&key, seals[0].business, None, &[], At::from_second(0)).is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (key, public) = keys(1);
        let (stranger, _) = keys(2);
        let seals = chain(&key);
        let with = |change: fn(&mut Vec<Seal>)| {
            let mut changed = seals.clone();
            change(&mut changed);
            flaws(&changed, &public)
        };
        assert_eq!(with(|s| drop(s.remove(1))), [Flaw::SealGone]);
        assert_eq!(with(|s| drop(s.remove(0))), [Flaw::SealGone]);
        assert_eq!(with(|s| s[1].at += 1), [Flaw::SealChanged]);
        assert_eq!(with(|s| s[2].leaves[1].1 = Bytes::ZERO), [Flaw::SealChanged]);
        assert_eq!(with(|s| s[2].leaves.swap(1, 2)), [Flaw::SealChanged]);
        assert_eq!(with(|s| s[0].signature = s[1].signature), [Flaw::SealUnsigned]);
        // Made anew as a whole, by somebody else.
        assert_eq!(flaws(&chain(&stranger), &public), [Flaw::SealUnsigned; 3]);
        // One made anew, by the right key: the next does not follow it.
        let mut forged = seals.clone();
        forged[1].at += 1;
        forged[1].hash = hash(&forged[1]);
        forged[1].signature = Bytes(key.sign(&forged[1].signed()));
        assert_eq!(flaws(&forged, &public), [Flaw::SealUnlinked]);
    }
}
