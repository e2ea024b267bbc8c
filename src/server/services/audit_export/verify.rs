//! Verifying an export by its manifest and public keys alone: no database, no network (`docs/AUDIT.md`).

use std::io::{self, BufRead, Read};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    model::{
        audit_export::{Document, Fault, Format, Manifest, csv},
        audit_query::{AuditFilter, Subject},
        seal::{Bytes, Digest, Entry, Leaf, Line},
    },
    server::{services::seal::chain, vault::PublicKeys},
};

/// The hash of a manifest.
#[must_use]
pub fn hash(manifest: &Manifest) -> Digest {
    let mut out = Vec::with_capacity(512);
    manifest.encode(&mut out);
    Bytes(Sha256::digest(out.as_slice()).into())
}

/// Reads a manifest.
///
/// # Errors
/// What is none.
pub fn manifest(text: &str) -> Result<Manifest, serde_json::Error> {
    let Document::Export(manifest) = serde_json::from_str(text)?;
    Ok(manifest)
}

/// What is wrong with a manifest, if anything.
#[must_use]
pub fn signature(manifest: &Manifest, keys: &PublicKeys) -> Option<Fault> {
    if hash(manifest) != manifest.hash {
        return Some(Fault::ManifestChanged);
    }
    let is_signed = keys.have_signed(&manifest.key, &manifest.signed(), &manifest.signature.0);
    (!is_signed).then_some(Fault::ManifestUnsigned)
}

/// Whether a file is the one that a manifest names, byte by byte.
///
/// # Errors
/// It cannot be read.
pub fn bytes(manifest: &Manifest, mut file: impl Read) -> io::Result<Option<Fault>> {
    let (mut hasher, mut length, mut buffer) = (Sha256::new(), 0_i64, vec![0; 64 << 10]);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(some) = buffer.get(..read).filter(|some| !some.is_empty()) else { break };
        hasher.update(some);
        length = length.saturating_add(i64::try_from(read).unwrap_or(i64::MAX));
    }
    let sha256: Digest = Bytes(hasher.finalize().into());
    Ok((length != manifest.bytes || sha256 != manifest.sha256).then_some(Fault::FileChanged))
}

/// What is wrong with the entries of a file, if anything: how many they are, in what order, whose, of what time, and the
/// digests of the first and the last. Words and networks of the filter are not held against them.
///
/// # Errors
/// It cannot be read.
pub fn entries(manifest: &Manifest, file: &mut impl BufRead) -> io::Result<Option<Fault>> {
    let filter: Option<AuditFilter> = manifest.filter.parse().ok();
    let mut walk = Walk { manifest, filter, count: 0, first: None, last: None, buffer: Vec::new() };
    if manifest.format == Format::Csv && csv::record(file)?.as_deref() != Some(csv::HEADER) {
        return Ok(Some(Fault::FileUnreadable));
    }
    while let Some(record) = next(manifest.format, file)? {
        let Some(entry) = read(manifest.format, &record) else { return Ok(Some(Fault::FileUnreadable)) };
        if let Some(fault) = walk.step(&entry) {
            return Ok(Some(fault));
        }
    }
    Ok(walk.end())
}

fn next(format: Format, file: &mut impl BufRead) -> io::Result<Option<String>> {
    match format {
        Format::Csv => csv::record(file),
        Format::JsonLines => {
            let mut line = String::new();
            Ok((file.read_line(&mut line)? > 0).then_some(line))
        }
    }
}

fn read(format: Format, record: &str) -> Option<Entry> {
    match format {
        Format::Csv => csv::read(record).ok(),
        Format::JsonLines => match serde_json::from_str(record) {
            Ok(Line::Entry(entry)) => Some(entry),
            _ => None,
        },
    }
}

/// How far a file was read.
struct Walk<'a> {
    manifest: &'a Manifest,
    filter: Option<AuditFilter>,
    count: i64,
    first: Option<Leaf>,
    last: Option<Leaf>,
    buffer: Vec<u8>,
}

impl Walk<'_> {
    fn step(&mut self, entry: &Entry) -> Option<Fault> {
        let follows = self.last.is_none_or(|last| last.0 < entry.id);
        let is_meant = self.filter.as_ref().is_none_or(|filter| matches(filter, entry));
        let belongs = entry.business == self.manifest.business && entry.at < self.manifest.asked;
        if !follows || !belongs || !is_meant {
            return Some(Fault::EntryMisplaced);
        }
        let leaf = Leaf(entry.id, chain::digest(entry, &mut self.buffer));
        self.first = self.first.or(Some(leaf));
        self.last = Some(leaf);
        self.count += 1;
        None
    }

    fn end(&self) -> Option<Fault> {
        if self.count != self.manifest.count {
            return Some(Fault::CountDiffers);
        }
        ((self.first, self.last) != (self.manifest.first, self.manifest.last)).then_some(Fault::EndsDiffer)
    }
}

fn matches(filter: &AuditFilter, entry: &Entry) -> bool {
    let is = |asked: Option<&Subject>, kind: Option<&str>, id: Option<Uuid>| match asked {
        None => true,
        Some(Subject::Id { id: wanted, .. }) => id == Some(*wanted),
        Some(Subject::Kind(wanted)) => kind == Some(wanted.as_str()),
    };
    is(filter.actor.as_ref(), Some(&entry.actor_kind), entry.actor_id)
        && is(filter.target.as_ref(), entry.target_kind.as_deref(), entry.target_id)
        && filter.action.is_none_or(|action| action.code() == entry.action)
        && filter.result.is_none_or(|result| result.code() == entry.result)
        && filter.trace.is_none_or(|trace| trace == entry.trace)
        // The database knows no more than microseconds.
        && filter.from.is_none_or(|from| from.as_microsecond() <= entry.at)
        && filter.to.is_none_or(|to| entry.at < to.as_microsecond())
}

#[cfg(test)]
mod tests;
