"""Makes tests/vectors/audit_export.jsonl and its key: an export as docs/AUDIT.md describes it, by a hand that is not ours.

    audit_vector.py tests/vectors

A seal with two entries, one with one, one with three, and a checkpoint. The private key is of a fixed seed: it signs nothing
else.
"""

import base64
import json
import sys
from pathlib import Path

import audit
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
BUSINESS = "biz_0199f0000000700080000000000000b1"
AT = 1_767_323_045_000_006

ENTRIES = [
    {"action": "session.started", "actor_id": "0199f000-0000-7000-8000-0000000000a1", "origin": "web 192.0.2.0/24"},
    {"action": "call.viewed", "target_kind": "call", "target_id": "0199f000-0000-7000-8000-0000000000c1", "origin": "web"},
    {"action": "retention.changed", "reason": "shorter: «Übung» 😀\n", "before": '{"days":30}', "after": '{"days":20}', "origin": "web"},
    {"action": "webhook.received", "actor_kind": "webhook", "after": '{"a":[1,2.50,-0],"é":"\\u001f\\"","waits":false}', "origin": "webhook"},
    {"action": "door.refused", "result": "refused", "reason": "", "origin": "web"},
    {"action": "audit.listed", "result": "failed", "origin": "operator"},
]


def entry(place, said):
    plain = {
        "kind": "entry/1", "business": BUSINESS, "id": f"aud_0199f00000007000800000000000{place:04x}", "at": AT + place,
        "xid": 4_294_967_296 + place // 2, "actor_kind": "member", "actor_id": None, "action": None, "target_kind": None,
        "target_id": None, "result": "done", "reason": None, "origin": None,
        "trace": f"trc_0199f00000007000800000000001{place:04x}", "before": None, "after": None,
    }
    return plain | said


def seal(entries, before):
    leaves = [[e["id"], audit.digest(e)] for e in entries]
    made = {
        "kind": "seal/1", "business": BUSINESS, "seq": (before["seq"] if before else 0) + 1,
        "prev": before["hash"] if before else audit.ZERO, "root": audit.root(leaves), "hash": "", "count": len(leaves),
        "total": (before["total"] if before else 0) + len(leaves),
        "first": {"xid": entries[0]["xid"], "id": entries[0]["id"]},
        "last": {"xid": entries[-1]["xid"], "id": entries[-1]["id"]},
        "at": AT + 1_000_000 * (before["seq"] + 1 if before else 1), "key": audit.key_name(PUBLIC), "signature": "",
        "leaves": leaves,
    }
    made["hash"] = audit.seal_hash(made)
    made["signature"] = KEY.sign(audit.signed(made["hash"])).hex()
    return made


def lines():
    entries = [entry(place, said) for place, said in enumerate(ENTRIES)]
    before = None
    for some in (entries[:2], entries[2:3], entries[3:]):
        before = seal(some, before)
        yield before
        yield from some
    yield {name: value for name, value in before.items() if name != "leaves"} | {"kind": "checkpoint/1"}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines())
    (folder / "audit_export.jsonl").write_text(text, encoding="utf-8")
    (folder / "audit_export.key").write_text(base64.urlsafe_b64encode(PUBLIC).rstrip(b"=").decode() + "\n")
