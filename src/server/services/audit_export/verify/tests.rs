use jiff::tz::TimeZone;
use zeroize::Zeroizing;

use super::*;
use crate::{
    model::{
        audit_export::Anchor,
        id::{AuditId, BusinessId, ExportId, TraceId},
    },
    server::vault::AuditKey,
};

const BUSINESS: BusinessId = BusinessId(Uuid::from_u128(1));
const AT: i64 = 1_767_323_045_000_006;

fn entry(number: u128) -> Entry {
    Entry {
        business: BUSINESS,
        id: AuditId(Uuid::from_u128(number)),
        at: AT + i64::try_from(number).expect("a small number"),
        xid: 7,
        actor_kind: "member".to_owned(),
        actor_id: Some(Uuid::from_u128(3)),
        action: "call.viewed".to_owned(),
        target_kind: Some("call".to_owned()),
        target_id: Some(Uuid::from_u128(4)),
        result: "done".to_owned(),
        reason: Some("=1+1, «so»\n\"quoted\"".to_owned()),
        origin: "web".to_owned(),
        trace: TraceId(Uuid::from_u128(5)),
        before: None,
        after: Some("{\"days\":30}".to_owned()),
    }
}

fn text(format: Format, entries: &[Entry]) -> String {
    match format {
        Format::Csv => entries.iter().fold(csv::HEADER.to_owned(), |mut out, entry| {
            csv::write(&mut out, entry, &TimeZone::fixed(jiff::tz::Offset::constant(-5)));
            out
        }),
        Format::JsonLines => entries
            .iter()
            .map(|entry| serde_json::to_string(&Line::Entry(entry.clone())).expect("plain data") + "\n")
            .collect(),
    }
}

fn key() -> AuditKey {
    AuditKey::of_seed(&Zeroizing::new([3; 32]))
}

fn keys() -> PublicKeys {
    let mut keys = PublicKeys::default();
    keys.add(&key().public()).expect("a key");
    keys
}

/// The manifest of a file that should hold these entries.
fn signed(format: Format, filter: &str, entries: &[Entry], file: &str) -> Manifest {
    let leaf = |entry: Option<&Entry>| entry.map(|entry| Leaf(entry.id, chain::digest(entry, &mut Vec::new())));
    let mut manifest = Manifest {
        business: BUSINESS,
        export: ExportId(Uuid::from_u128(9)),
        format,
        filter: filter.to_owned(),
        zone: "America/New_York".to_owned(),
        asked: AT + 1_000,
        count: i64::try_from(entries.len()).expect("a few"),
        first: leaf(entries.first()),
        last: leaf(entries.last()),
        seal: Some(Anchor { seq: 1, hash: Bytes([7; 32]) }),
        bytes: i64::try_from(file.len()).expect("a few"),
        sha256: Bytes(Sha256::digest(file.as_bytes()).into()),
        at: AT + 2_000,
        key: key().kid().to_owned(),
        hash: Bytes::ZERO,
        signature: Bytes::ZERO,
    };
    manifest.hash = hash(&manifest);
    manifest.signature = Bytes(key().sign(&manifest.signed()));
    manifest
}

fn read_back(manifest: &Manifest, file: &str) -> Option<Fault> {
    let found = bytes(manifest, file.as_bytes()).expect("reads");
    found.or_else(|| entries(manifest, &mut file.as_bytes()).expect("reads"))
}

#[test]
fn both_formats_verify_and_so_does_an_empty_one() {
    for format in Format::ALL {
        for count in [0, 1, 5] {
            let some: Vec<Entry> = (1..=count).map(entry).collect();
            let file = text(format, &some);
            let manifest = signed(format, "at:all", &some, &file);
            assert_eq!(signature(&manifest, &keys()), None);
            assert_eq!(read_back(&manifest, &file), None, "{format:?} {count}");
        }
    }
}

#[test]
fn what_was_done_to_a_file_shows() {
    for format in Format::ALL {
        let some: Vec<Entry> = (1..=5).map(entry).collect();
        let file = text(format, &some);
        let manifest = signed(format, "at:all", &some, &file);
        let changes =
            [file.replacen("done", "dome", 1), file.replacen("web", "", 1), file.clone() + "\n", String::new()];
        for changed in changes {
            assert_eq!(read_back(&manifest, &changed), Some(Fault::FileChanged), "{format:?}");
        }
        // Signed, but not for these entries: by a hand that has the key and writes another file.
        let as_if = |entries: &[Entry]| {
            let file = text(format, entries);
            let made = signed(format, "at:all", entries, &file);
            read_back(&Manifest { count: 5, first: manifest.first, last: manifest.last, ..made }, &file)
        };
        assert_eq!(as_if(&some[..4]), Some(Fault::CountDiffers));
        assert_eq!(as_if(&[&some[..4], &[entry(6)][..]].concat()), Some(Fault::EndsDiffer));
        assert_eq!(as_if(&[&some[..3], &some[..2]].concat()), Some(Fault::EntryMisplaced));
        let stranger = Entry { business: BusinessId(Uuid::from_u128(2)), ..entry(4) };
        assert_eq!(as_if(&[&some[..3], &[stranger, entry(5)][..]].concat()), Some(Fault::EntryMisplaced));
        let late = Entry { at: AT + 1_000, ..entry(4) };
        assert_eq!(as_if(&[&some[..3], &[late, entry(5)][..]].concat()), Some(Fault::EntryMisplaced));
    }
}

#[test]
fn entries_are_those_of_the_filter() {
    let some: Vec<Entry> = (1..=2).map(entry).collect();
    let file = text(Format::JsonLines, &some);
    let [own, other] = [3, 4].map(|n| format!("actor:mem_{} at:all", Uuid::from_u128(n).simple()));
    for (filter, fits) in [
        ("action:call.viewed result:done actor:member target:call at:all", true),
        (own.as_str(), true),
        (other.as_str(), false),
        ("action:calls.listed at:all", false),
        ("result:failed at:all", false),
        ("target:member at:all", false),
        ("at:2026-01-02T03:04:05Z..2026-01-02T03:04:06Z", true),
        ("at:..2026-01-02T03:04:05Z", false),
        ("at:2026-01-02T03:04:06Z..", false),
    ] {
        let manifest = signed(Format::JsonLines, filter, &some, &file);
        assert_eq!(read_back(&manifest, &file).is_none(), fits, "{filter}");
    }
}

#[test]
fn a_manifest_is_signed_as_a_whole() {
    let good = signed(Format::Csv, "at:all", &[], csv::HEADER);
    assert_eq!(signature(&good, &keys()), None);
    assert_eq!(signature(&good, &PublicKeys::default()), Some(Fault::ManifestUnsigned));
    let other = Manifest { filter: "result:done at:all".to_owned(), ..good.clone() };
    assert_eq!(signature(&other, &keys()), Some(Fault::ManifestChanged));
    let mut forged = other;
    forged.hash = hash(&forged);
    assert_eq!(signature(&forged, &keys()), Some(Fault::ManifestUnsigned));
    let text = serde_json::to_string(&Document::Export(good.clone())).expect("plain data");
    assert_eq!(manifest(&text).expect("reads"), good);
    assert!(manifest("{}").is_err() && manifest(&text.replace("export/1", "export/2")).is_err());
}
