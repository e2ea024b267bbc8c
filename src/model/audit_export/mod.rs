//! Exports of the audit log (AUD-5): in what form, how far one is, and the manifest that says what it holds. Pure; the
//! hashing and the signing are `server::services::audit_export`'s. `docs/AUDIT.md` describes the same bytes for programs in
//! other languages.
//!
//! What is hashed never changes: another manifest has another word than [`EXPORT`]. To add a format: a variant of
//! [`Format`], its code in the check of `audit_exports.format`, and its arms in `services::audit_export::file`.

pub mod csv;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{
    field::Bad,
    id::{BusinessId, ExportId},
    seal::{Digest, Leaf, SIGNED, Signature, field, optional},
};

/// The first field of what is hashed for a manifest.
pub const EXPORT: &str = "ringfort/audit/export/1";
/// A finished export is kept so many days.
pub const KEPT_DAYS: u16 = 7;
/// So many of one person's may be under way at once.
pub const MOST_UNDER_WAY: u32 = 5;
/// And so many of a business.
pub const MOST_OF_ALL: u32 = 10;
/// So many bytes of files a business keeps: with that much, no new export begins until one is over.
pub const MOST_KEPT: i64 = 5 * 1024 * 1024 * 1024;

/// A number with its thousands apart, for people: `1,000,000`.
#[must_use]
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What an export's file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// RFC 4180, one entry a line: for spreadsheets.
    #[serde(rename = "csv")]
    Csv,
    /// One JSON object a line, as sealed entries are written: for programs.
    #[serde(rename = "jsonl")]
    JsonLines,
}

impl Format {
    pub const ALL: [Self; 2] = [Self::Csv, Self::JsonLines];

    /// The stored form, and the ending of a file's name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::JsonLines => "JSON Lines",
        }
    }

    /// What choosing it means.
    #[must_use]
    pub const fn explains(self) -> &'static str {
        match self {
            Self::Csv => {
                "For spreadsheets. Times are in your business's zone, with its offset. No cell is taken for a formula."
            }
            Self::JsonLines => {
                "For programs. Each line is an entry as it was sealed, so that its digest can be computed."
            }
        }
    }

    /// The type that the answer names.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl; charset=utf-8",
        }
    }
}

impl FromStr for Format {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|format| format.code() == text).ok_or(Bad::Choice)
    }
}

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Some of what was asked for is not sealed yet, or its turn has not come.
    Waiting,
    Running,
    Ready,
    Cancelled,
    /// It would have held more than an export may.
    Refused,
    /// It broke, again and again.
    Failed,
    /// Its time was over.
    Expired,
}

impl State {
    pub const ALL: [Self; 7] =
        [Self::Waiting, Self::Running, Self::Ready, Self::Cancelled, Self::Refused, Self::Failed, Self::Expired];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waits",
            Self::Running => "Is being written",
            Self::Ready => "Ready",
            Self::Cancelled => "Cancelled",
            Self::Refused => "Too many entries",
            Self::Failed => "Failed",
            Self::Expired => "Removed, its time being over",
        }
    }

    /// Whether something still happens by itself.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

impl FromStr for State {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|state| state.code() == text).ok_or(Bad::Choice)
    }
}

/// The newest seal when an export was made: whatever it holds is sealed in this one or before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    pub seq: i64,
    pub hash: Digest,
}

/// What an export holds, signed with the key that signs seals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub business: BusinessId,
    pub export: ExportId,
    pub format: Format,
    /// The filter, as the page's query bar writes it.
    pub filter: String,
    /// The zone of the filter's days, and of a CSV's times.
    pub zone: String,
    /// When it was asked for, in microseconds since 1970, UTC: it holds what was written before.
    pub asked: i64,
    /// How many entries it holds.
    pub count: i64,
    /// Id and digest of the first and the last entry of the file.
    pub first: Option<Leaf>,
    pub last: Option<Leaf>,
    /// Absent while nothing was ever sealed.
    pub seal: Option<Anchor>,
    /// The length of the file.
    pub bytes: i64,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// When it was made, in microseconds since 1970, UTC.
    pub at: i64,
    /// The name of the key: its thumbprint (RFC 7638).
    pub key: String,
    pub hash: Digest,
    pub signature: Signature,
}

impl Manifest {
    /// Appends what is hashed: all but the hash and the signature.
    pub fn encode(&self, out: &mut Vec<u8>) {
        field(out, EXPORT.as_bytes());
        field(out, self.business.0.as_bytes());
        field(out, self.export.0.as_bytes());
        field(out, self.format.code().as_bytes());
        field(out, self.filter.as_bytes());
        field(out, self.zone.as_bytes());
        field(out, &self.asked.to_be_bytes());
        field(out, &self.count.to_be_bytes());
        for leaf in [self.first, self.last] {
            optional(out, leaf.as_ref().map(|leaf| leaf.0.0.as_bytes().as_slice()));
            optional(out, leaf.as_ref().map(|leaf| leaf.1.0.as_slice()));
        }
        optional(out, self.seal.map(|seal| seal.seq.to_be_bytes()).as_ref().map(<[u8; 8]>::as_slice));
        optional(out, self.seal.as_ref().map(|seal| seal.hash.0.as_slice()));
        field(out, &self.bytes.to_be_bytes());
        field(out, &self.sha256.0);
        field(out, &self.at.to_be_bytes());
        field(out, self.key.as_bytes());
    }

    /// What is signed: as of a seal, whose hash begins with another word and so is never the same.
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        field(&mut out, SIGNED.as_bytes());
        field(&mut out, &self.hash.0);
        out
    }
}

/// A manifest as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Document {
    #[serde(rename = "export/1")]
    Export(Manifest),
}

/// What can be wrong with an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The manifest is not what was hashed.
    ManifestChanged,
    /// No known key has signed the manifest.
    ManifestUnsigned,
    /// The file is not the one that the manifest names.
    FileChanged,
    /// The file cannot be read as what it should be.
    FileUnreadable,
    /// The file holds more or fewer entries than the manifest says.
    CountDiffers,
    /// Entries stand in another order, or twice, or belong to another business or time.
    EntryMisplaced,
    /// The first or the last entry is not the one that the manifest names.
    EndsDiffer,
}

impl Fault {
    /// The sentence for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ManifestChanged => "The manifest is not what was hashed",
            Self::ManifestUnsigned => "The manifest is not signed by one of these keys",
            Self::FileChanged => "The file is not the one that the manifest names",
            Self::FileUnreadable => "The file cannot be read as what the manifest says it is",
            Self::CountDiffers => "The file does not hold as many entries as the manifest says",
            Self::EntryMisplaced => "An entry stands out of order, twice, or belongs elsewhere",
            Self::EndsDiffer => "The first or the last entry is not the one that the manifest names",
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{id::AuditId, seal::Bytes};

    fn manifest() -> Manifest {
        Manifest {
            business: BusinessId(Uuid::from_u128(1)),
            export: ExportId(Uuid::from_u128(2)),
            format: Format::Csv,
            filter: "result:refused".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            asked: 3,
            count: 4,
            first: Some(Leaf(AuditId(Uuid::from_u128(5)), Bytes([6; 32]))),
            last: Some(Leaf(AuditId(Uuid::from_u128(7)), Bytes([8; 32]))),
            seal: Some(Anchor { seq: 9, hash: Bytes([10; 32]) }),
            bytes: 11,
            sha256: Bytes([12; 32]),
            at: 13,
            key: "k".to_owned(),
            hash: Bytes::ZERO,
            signature: Bytes::ZERO,
        }
    }

    fn bytes(manifest: &Manifest) -> Vec<u8> {
        let mut out = Vec::new();
        manifest.encode(&mut out);
        out
    }

    #[test]
    fn codes_are_unique_and_parse() {
        for format in Format::ALL {
            assert_eq!(format.code().parse(), Ok(format));
            assert_eq!(serde_json::to_value(format).expect("a word"), format.code());
        }
        for state in State::ALL {
            assert_eq!(state.code().parse(), Ok(state));
        }
        assert_eq!("xml".parse::<Format>(), Err(Bad::Choice));
    }

    #[test]
    fn thousands_stand_apart() {
        let shown = [0, 7, 999, 1_000, -12_345, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "7", "999", "1,000", "-12,345", "1,234,567"]);
    }

    #[test]
    fn every_field_is_hashed() {
        let changes: [fn(&mut Manifest); 14] = [
            |m| m.business = BusinessId(Uuid::nil()),
            |m| m.export = ExportId(Uuid::nil()),
            |m| m.format = Format::JsonLines,
            |m| m.filter.push(' '),
            |m| m.zone.clear(),
            |m| m.asked += 1,
            |m| m.count += 1,
            |m| m.first = None,
            |m| m.last = m.first,
            |m| m.seal = None,
            |m| m.bytes += 1,
            |m| m.sha256 = Bytes::ZERO,
            |m| m.at += 1,
            |m| m.key.push('x'),
        ];
        let mut seen = vec![bytes(&manifest())];
        for change in changes {
            let mut other = manifest();
            change(&mut other);
            seen.push(bytes(&other));
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let document = Document::Export(Manifest { first: None, last: None, seal: None, ..manifest() });
        let text = serde_json::to_string(&document).expect("plain data");
        assert!(text.starts_with("{\"kind\":\"export/1\",\"business\":\"biz_"), "{text}");
        assert_eq!(serde_json::from_str::<Document>(&text).expect("reads"), document);
    }
}
