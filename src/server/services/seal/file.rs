//! Verifying a file of sealed entries by public keys alone: no database, no network (`docs/AUDIT.md`).

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, BufRead},
};

use super::{
    chain::{self, Link},
    report::Report,
};
use crate::{
    model::{
        id::{AuditId, BusinessId},
        seal::{Bytes, Digest, Entry, Flaw, Leaf, Line, Seal},
    },
    server::vault::PublicKeys,
};

/// Why a file was not verified.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
    /// Nobody shall take it for verified against what was kept.
    #[error("none of the checkpoints that were kept is of a business in the file")]
    Strangers,
    #[error("line {line} is no seal, entry or checkpoint")]
    Line {
        line: usize,
        #[source]
        source: serde_json::Error,
    },
}

/// Reads lines, one by one. Empty ones do not count.
///
/// # Errors
/// The file cannot be read, or a line is none of ours.
pub fn lines(file: impl BufRead) -> impl Iterator<Item = Result<Line, FileError>> {
    let numbered = file.lines().zip(1..).filter(|(text, _)| !text.as_ref().is_ok_and(|text| text.trim().is_empty()));
    numbered.map(|(text, line)| serde_json::from_str(&text?).map_err(|source| FileError::Line { line, source }))
}

/// The checkpoints of a file.
///
/// # Errors
/// As [`lines`].
pub fn checkpoints(file: impl BufRead) -> Result<Vec<Seal>, FileError> {
    let mut found = Vec::new();
    for line in lines(file) {
        if let Line::Checkpoint(seal) = line? {
            found.push(seal);
        }
    }
    Ok(found)
}

/// Verifies an export: each business's chain in it, and each entry. With `is_part`, entries that the file does not hold are no
/// fault: it is a choice of them. `outside` are checkpoints that were kept elsewhere.
///
/// # Errors
/// As [`lines`]; also when `outside` is there, and nothing of it is of a business in the file. What is wrong with what the file says
/// is no error.
pub fn verify(
    file: impl BufRead,
    keys: &PublicKeys,
    is_part: bool,
    outside: &[Seal],
) -> Result<BTreeMap<BusinessId, Report>, FileError> {
    let mut chains: BTreeMap<BusinessId, Chain> = BTreeMap::new();
    for line in lines(file) {
        match line? {
            Line::Seal(seal) => chains.entry(seal.business).or_default().seal(&seal, keys, is_part),
            Line::Entry(entry) => chains.entry(entry.business).or_default().entry(&entry),
            Line::Checkpoint(seal) => chains.entry(seal.business).or_default().outside.push(seal),
        }
    }
    let mut is_known = outside.is_empty();
    for seal in outside {
        if let Some(chain) = chains.get_mut(&seal.business) {
            chain.outside.push(seal.clone());
            is_known = true;
        }
    }
    if !is_known {
        return Err(FileError::Strangers);
    }
    Ok(chains.into_iter().map(|(business, chain)| (business, chain.end(keys, is_part))).collect())
}

/// One business's chain, as far as the file was read.
#[derive(Default)]
struct Chain {
    link: Option<Link>,
    /// What the last seal holds, and has not come yet.
    open: HashMap<AuditId, Digest>,
    /// The hashes of all seals so far.
    seals: HashMap<i64, Digest>,
    outside: Vec<Seal>,
    report: Report,
    buffer: Vec<u8>,
}

impl Chain {
    fn seal(&mut self, seal: &Seal, keys: &PublicKeys, is_part: bool) {
        self.close(is_part);
        // A file may begin in the middle: then nothing is known of what came before.
        let begins = if seal.seq == 1 { Link::START } else { Link::behind_nothing(seal.seq.saturating_sub(1)) };
        let flaw = self.link.get_or_insert(begins).step(seal, keys);
        if let Some(flaw) = flaw {
            self.report.note(flaw, Some(seal.seq), seal.leaves.first().map(|leaf| leaf.0));
        }
        self.report.pass(seal);
        self.seals.insert(seal.seq, seal.hash);
        for Leaf(id, digest) in &seal.leaves {
            if *digest == Bytes::ZERO {
                self.report.note(Flaw::EntryLost, Some(seal.seq), Some(*id));
            } else {
                self.open.insert(*id, *digest);
            }
        }
    }

    fn entry(&mut self, entry: &Entry) {
        let seq = self.report.head.as_ref().map(|seal| seal.seq);
        match self.open.remove(&entry.id) {
            Some(sealed) if chain::digest(entry, &mut self.buffer) == sealed => self.report.entries += 1,
            Some(_) => self.report.note(Flaw::EntryChanged, seq, Some(entry.id)),
            None => self.report.note(Flaw::EntryUnsealed, seq, Some(entry.id)),
        }
    }

    /// Before the next seal, and at the end: what has not come is not there.
    fn close(&mut self, is_part: bool) {
        let seq = self.report.head.as_ref().map(|seal| seal.seq);
        let mut left: Vec<AuditId> = self.open.drain().map(|(id, _)| id).collect();
        left.sort_unstable();
        for id in left {
            if is_part {
                self.report.left_out += 1;
            } else {
                self.report.note(Flaw::EntryGone, seq, Some(id));
            }
        }
    }

    fn end(mut self, keys: &PublicKeys, is_part: bool) -> Report {
        self.close(is_part);
        for kept in std::mem::take(&mut self.outside) {
            let first = Some(kept.first.id);
            if !chain::is_signed(&kept, keys) {
                self.report.note(Flaw::SealUnsigned, Some(kept.seq), first);
            } else if let Some(hash) = self.seals.get(&kept.seq) {
                if *hash == kept.hash {
                    self.report.checkpoints += 1;
                } else {
                    self.report.note(Flaw::ChainRewritten, Some(kept.seq), first);
                }
            } else if kept.seq > self.report.last && !is_part {
                self.report.note(Flaw::ChainCut, Some(kept.seq), first);
            }
        }
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by a program in another language from the document (`end2end/python/audit_vector.py`).
    const EXPORT: &str = include_str!("../../../../tests/vectors/audit_export.jsonl");
    const KEY: &str = include_str!("../../../../tests/vectors/audit_export.key");

    fn verify_text(text: &str, is_part: bool) -> Report {
        let mut keys = PublicKeys::default();
        keys.add_text(KEY).expect("a key");
        let mut reports = verify(text.as_bytes(), &keys, is_part, &[]).expect("lines of ours");
        assert_eq!(reports.len(), 1);
        reports.pop_first().expect("a report").1
    }

    /// The file without one line, or with one that was changed.
    fn with(place: usize, change: impl Fn(&str) -> Option<String>) -> String {
        let lines = EXPORT
            .lines()
            .enumerate()
            .filter_map(|(i, line)| if i == place { change(line) } else { Some(line.to_owned()) });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn flaw(text: &str) -> Flaw {
        verify_text(text, false).found.expect("something is wrong").flaw
    }

    #[test]
    fn a_file_of_another_hand_verifies() {
        let report = verify_text(EXPORT, false);
        assert_eq!(report.found, None, "{}", report.says());
        assert_eq!((report.seals, report.entries, report.checkpoints), (3, 6, 1));
    }

    #[test]
    fn what_was_done_to_a_file_is_named() {
        // Line by line: a seal, two entries, a seal, one entry, a seal, three entries, a checkpoint.
        assert_eq!(flaw(&with(1, |_| None)), Flaw::EntryGone);
        assert_eq!(flaw(&with(2, |line| Some(line.replace("done", "failed")))), Flaw::EntryChanged);
        assert_eq!(flaw(&with(3, |_| None)), Flaw::EntryUnsealed);
        assert_eq!(flaw(&with(3, |line| Some(line.replacen("\"total\":3", "\"total\":4", 1)))), Flaw::SealChanged);
        assert_eq!(flaw(&with(5, |_| Some(EXPORT.lines().next().expect("a line").to_owned()))), Flaw::EntryUnsealed);
        let cut: Vec<&str> = EXPORT.lines().enumerate().filter(|(i, _)| !(5..9).contains(i)).map(|(_, l)| l).collect();
        assert_eq!(flaw(&cut.join("\n")), Flaw::ChainCut);
        let report = verify_text(&with(1, |_| None), true);
        assert!(report.is_sound() && report.left_out == 1, "a choice of entries");
        let begins_later: Vec<&str> = EXPORT.lines().skip(3).collect();
        assert!(verify_text(&begins_later.join("\n"), false).is_sound(), "a later part");
    }

    #[test]
    fn checkpoints_of_others_verify_nothing() {
        let mut keys = PublicKeys::default();
        keys.add_text(KEY).expect("a key");
        let mut kept = checkpoints(EXPORT.as_bytes()).expect("lines of ours");
        assert!(verify(EXPORT.as_bytes(), &keys, false, &kept).is_ok_and(|reports| reports.len() == 1));
        for seal in &mut kept {
            seal.business = BusinessId(uuid::Uuid::from_u128(7));
        }
        assert!(matches!(verify(EXPORT.as_bytes(), &keys, false, &kept), Err(FileError::Strangers)));
    }

    #[test]
    fn another_key_has_not_signed_it() {
        let keys = PublicKeys::default();
        let reports = verify(EXPORT.as_bytes(), &keys, false, &[]).expect("lines of ours");
        assert!(reports.values().all(|report| report.found.is_some_and(|found| found.flaw == Flaw::SealUnsigned)));
        assert!(verify("{\"kind\":\"else\"}".as_bytes(), &keys, false, &[]).is_err());
    }
}
