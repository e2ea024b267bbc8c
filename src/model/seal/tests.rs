use super::*;

fn entry() -> Entry {
    Entry {
        business: BusinessId(Uuid::from_u128(1)),
        id: AuditId(Uuid::from_u128(2)),
        at: 1_767_323_045_000_006,
        xid: 700,
        actor_kind: "member".to_owned(),
        actor_id: Some(Uuid::from_u128(3)),
        action: "call.viewed".to_owned(),
        target_kind: None,
        target_id: None,
        result: "done".to_owned(),
        reason: Some(String::new()),
        origin: "web 192.0.2.0/24".to_owned(),
        trace: TraceId(Uuid::from_u128(4)),
        before: None,
        after: Some(r#"{"days":30}"#.to_owned()),
    }
}

fn bytes(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::new();
    entry.encode(&mut out);
    out
}

#[test]
fn each_field_has_its_length_in_front() {
    let mut wanted = b"\x00\x00\x00\x16ringfort/audit/entry/1".to_vec();
    wanted.extend_from_slice(b"\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01");
    wanted.extend_from_slice(b"\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02");
    wanted.extend_from_slice(b"\x00\x00\x00\x08");
    wanted.extend_from_slice(&1_767_323_045_000_006_i64.to_be_bytes());
    wanted.extend_from_slice(b"\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x02\xbc");
    assert!(bytes(&entry()).starts_with(&wanted));
    assert!(bytes(&entry()).ends_with(b"\xff\xff\xff\xff\x00\x00\x00\x0b{\"days\":30}"));
}

#[test]
fn what_differs_is_hashed_differently() {
    let changes: [fn(&mut Entry); 15] = [
        |e| e.business = BusinessId(Uuid::from_u128(9)),
        |e| e.id = AuditId(Uuid::from_u128(9)),
        |e| e.at += 1,
        |e| e.xid += 1,
        |e| "job".clone_into(&mut e.actor_kind),
        |e| e.actor_id = None,
        |e| e.action.push('x'),
        |e| e.target_kind = Some(String::new()),
        |e| e.target_id = Some(Uuid::nil()),
        |e| "failed".clone_into(&mut e.result),
        |e| e.reason = None,
        |e| e.origin.clear(),
        |e| e.trace = TraceId(Uuid::nil()),
        |e| e.before.clone_from(&e.after),
        |e| e.after = Some(r#"{"days":31}"#.to_owned()),
    ];
    let mut seen = vec![bytes(&entry())];
    for change in changes {
        let mut other = entry();
        change(&mut other);
        let written = bytes(&other);
        assert!(!seen.contains(&written), "two entries with the same bytes");
        seen.push(written);
    }
    // What moves from the end of one field to the beginning of the next does not stay unseen.
    let (mut one, mut other) = (entry(), entry());
    (one.actor_kind, one.action) = ("member".to_owned(), "call.viewed".to_owned());
    (other.actor_kind, other.action) = ("membercall".to_owned(), ".viewed".to_owned());
    assert_ne!(bytes(&one), bytes(&other));
}

#[test]
fn hexadecimal_digits_are_read_and_written() {
    let mut bytes = [0xa0; 32];
    bytes[0] = 1;
    let digest = Bytes(bytes);
    assert!(digest.to_string().starts_with("01a0a0"));
    assert_eq!(digest.to_string().parse(), Ok(digest));
    for bad in ["", "01", "+1".repeat(32).as_str(), "é".repeat(32).as_str()] {
        assert_eq!(bad.parse::<Digest>(), Err(BadBytes(32)), "{bad}");
    }
}

#[test]
fn lines_are_read_as_they_are_written_and_nothing_else_is() {
    let mark = entry().mark();
    let seal = Seal {
        business: entry().business,
        seq: 1,
        prev: Bytes::ZERO,
        root: Bytes([1; 32]),
        hash: Bytes([2; 32]),
        count: 1,
        total: 1,
        first: mark,
        last: mark,
        at: 5,
        key: "kid".to_owned(),
        signature: Bytes([3; 64]),
        leaves: vec![Leaf(mark.id, Bytes([4; 32]))],
    };
    for line in [Line::Entry(entry()), Line::Checkpoint(seal.checkpoint()), Line::Seal(seal)] {
        let text = serde_json::to_string(&line).expect("JSON");
        assert_eq!(serde_json::from_str::<Line>(&text).expect("a line"), line, "{text}");
        let more = text.replacen('{', r#"{"more":1,"#, 1);
        assert!(serde_json::from_str::<Line>(&more).is_err(), "{more}");
    }
    assert!(Mark { xid: 1, id: AuditId(Uuid::max()) } < Mark { xid: 2, id: AuditId(Uuid::nil()) });
}
