//! The format of sealed audit entries (AUD-3): which bytes of an entry and of a seal are hashed and signed, and how both
//! stand in a file. Pure; the hashing itself is `server::services::seal::chain`. `docs/AUDIT.md` describes the same bytes
//! for programs in other languages, and `tests/vectors/audit_export.jsonl` was made by one.
//!
//! Version 1. What is hashed never changes: to add a field, a version 2 with words of its own ([`ENTRY`], [`SEAL`]), and the
//! reader keeps both.

mod json;
mod word;

use std::{fmt, str::FromStr};

pub use json::{BadJson, canonical};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
pub use word::Flaw;

use super::id::{AuditId, BusinessId, TraceId};

/// The first field of what is hashed for an entry.
pub const ENTRY: &str = "ringfort/audit/entry/1";
/// The first field of what is hashed for a seal's entries together.
pub const ROOT: &str = "ringfort/audit/root/1";
/// The first field of what is hashed for a seal.
pub const SEAL: &str = "ringfort/audit/seal/1";
/// The first field of what is signed.
pub const SIGNED: &str = "ringfort/audit/signed/1";
/// The length of a field that is not there.
const ABSENT: u32 = u32::MAX;

/// A hash or a signature: bytes, written as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bytes<const N: usize>(pub [u8; N]);

/// SHA-256.
pub type Digest = Bytes<32>;
/// Ed25519.
pub type Signature = Bytes<64>;

/// A text that is not so many bytes in hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {0} bytes in hexadecimal digits")]
pub struct BadBytes(usize);

impl<const N: usize> Bytes<N> {
    /// Nothing but zeroes: what the first seal follows, and the digest of an entry that was gone before it was sealed.
    pub const ZERO: Self = Self([0; N]);
}

impl<const N: usize> fmt::Display for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> FromStr for Bytes<N> {
    type Err = BadBytes;

    fn from_str(text: &str) -> Result<Self, BadBytes> {
        let digits = text.as_bytes();
        if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(BadBytes(N));
        }
        let mut out = [0; N];
        for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = str::from_utf8(pair).map_err(|_| BadBytes(N))?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BadBytes(N))?;
        }
        Ok(Self(out))
    }
}

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An entry, with everything that it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub business: BusinessId,
    pub id: AuditId,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// The transaction that wrote it, as the database counts them.
    pub xid: u64,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub action: String,
    pub target_kind: Option<String>,
    pub target_id: Option<Uuid>,
    pub result: String,
    pub reason: Option<String>,
    pub origin: String,
    pub trace: TraceId,
    /// JSON as [`canonical`] writes it: a text, so that no reader has to write numbers as we do.
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Entry {
    /// Appends what is hashed: every field in the order of the type, each with its length in front.
    pub fn encode(&self, out: &mut Vec<u8>) {
        field(out, ENTRY.as_bytes());
        field(out, self.business.0.as_bytes());
        field(out, self.id.0.as_bytes());
        field(out, &self.at.to_be_bytes());
        field(out, &self.xid.to_be_bytes());
        field(out, self.actor_kind.as_bytes());
        optional(out, self.actor_id.as_ref().map(|id| id.as_bytes().as_slice()));
        field(out, self.action.as_bytes());
        optional(out, self.target_kind.as_deref().map(str::as_bytes));
        optional(out, self.target_id.as_ref().map(|id| id.as_bytes().as_slice()));
        field(out, self.result.as_bytes());
        optional(out, self.reason.as_deref().map(str::as_bytes));
        field(out, self.origin.as_bytes());
        field(out, self.trace.0.as_bytes());
        optional(out, self.before.as_deref().map(str::as_bytes));
        optional(out, self.after.as_deref().map(str::as_bytes));
    }

    /// Where it stands in the order of all entries.
    #[must_use]
    pub const fn mark(&self) -> Mark {
        Mark { xid: self.xid, id: self.id }
    }
}

/// A place in the order of entries: transactions in their order, and within one by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    pub xid: u64,
    pub id: AuditId,
}

/// What a seal holds of an entry: its id and its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf(pub AuditId, pub Digest);

/// A seal: some entries in their order, chained to those before, and signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    pub business: BusinessId,
    /// From 1, without gaps.
    pub seq: i64,
    /// The hash of the seal before; zeroes in the first.
    pub prev: Digest,
    /// Of the entries together.
    pub root: Digest,
    /// Of this seal.
    pub hash: Digest,
    /// How many entries it holds.
    pub count: i64,
    /// How many entries the chain holds with this seal.
    pub total: i64,
    pub first: Mark,
    pub last: Mark,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// The name of the key: its thumbprint (RFC 7638).
    pub key: String,
    pub signature: Signature,
    /// The entries in their order. None in a checkpoint, which is a seal without them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<Leaf>,
}

impl Seal {
    /// Appends what is hashed: all but the hash, the signature and the leaves, which `root` stands for.
    pub fn encode(&self, out: &mut Vec<u8>) {
        field(out, SEAL.as_bytes());
        field(out, self.business.0.as_bytes());
        field(out, &self.seq.to_be_bytes());
        field(out, &self.prev.0);
        field(out, &self.root.0);
        field(out, &self.count.to_be_bytes());
        field(out, &self.total.to_be_bytes());
        for mark in [self.first, self.last] {
            field(out, &mark.xid.to_be_bytes());
            field(out, mark.id.0.as_bytes());
        }
        field(out, &self.at.to_be_bytes());
        field(out, self.key.as_bytes());
    }

    /// What is signed.
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        field(&mut out, SIGNED.as_bytes());
        field(&mut out, &self.hash.0);
        out
    }

    /// The seal as it is sent outside: without its entries.
    #[must_use]
    pub fn checkpoint(&self) -> Self {
        Self {
            business: self.business,
            seq: self.seq,
            prev: self.prev,
            root: self.root,
            hash: self.hash,
            count: self.count,
            total: self.total,
            first: self.first,
            last: self.last,
            at: self.at,
            key: self.key.clone(),
            signature: self.signature,
            leaves: Vec::new(),
        }
    }
}

/// A line of an export, or of a file of checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Line {
    #[serde(rename = "seal/1")]
    Seal(Seal),
    #[serde(rename = "entry/1")]
    Entry(Entry),
    #[serde(rename = "checkpoint/1")]
    Checkpoint(Seal),
}

/// Appends a field: its length in four bytes, the highest first, and its bytes. No field of ours comes near 4 GiB: the database
/// holds none larger than one.
pub fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(ABSENT - 1);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Appends a field that may be absent, which is not the same as empty.
pub fn optional(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => field(out, bytes),
        None => out.extend_from_slice(&ABSENT.to_be_bytes()),
    }
}

#[cfg(test)]
mod tests;
