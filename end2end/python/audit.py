"""Somebody else's verifier of sealed audit entries: written from docs/AUDIT.md alone, with hashlib and cryptography.

    audit.py --key PUBLIC_KEY [--key …] [--part] export.jsonl      prints what it finds; status 2 when something is wrong
    audit.py --key PUBLIC_KEY --manifest manifest.json audit.csv   the same with a downloaded export

As a driver of stories: {"verify": "export.jsonl", "keys": ["11qY…"], "part": false}
    -> {"businesses": {"biz_…": {"seals": 3, "entries": 6, "checkpoints": 1, "flaws": []}}}
and {"export": "audit.csv", "manifest": "manifest.json", "keys": ["11qY…"]}
    -> {"count": 6, "flaws": [], "ids": ["aud_…"]}
"""

import base64
import hashlib
import json
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ABSENT = b"\xff\xff\xff\xff"
ZERO = "00" * 32


def field(value):
    """A field: four bytes of length, the highest first, and the bytes. None is not the same as empty."""
    if value is None:
        return ABSENT
    if isinstance(value, str):
        value = value.encode()
    return len(value).to_bytes(4, "big") + value


def number(value, signed=True):
    return value.to_bytes(8, "big", signed=signed)


def uuid(text):
    """An id: what stands behind the underscore, if there is one; hyphens do not count."""
    return None if text is None else bytes.fromhex(text.rsplit("_", 1)[-1].replace("-", ""))


def digest(entry):
    fields = [
        "ringfort/audit/entry/1",
        uuid(entry["business"]),
        uuid(entry["id"]),
        number(entry["at"]),
        number(entry["xid"], signed=False),
        entry["actor_kind"],
        uuid(entry.get("actor_id")),
        entry["action"],
        entry.get("target_kind"),
        uuid(entry.get("target_id")),
        entry["result"],
        entry.get("reason"),
        entry["origin"],
        uuid(entry["trace"]),
        entry.get("before"),
        entry.get("after"),
    ]
    return hashlib.sha256(b"".join(map(field, fields))).hexdigest()


def root(leaves):
    whole = field("ringfort/audit/root/1")
    whole += b"".join(uuid(entry) + bytes.fromhex(sealed) for entry, sealed in leaves)
    return hashlib.sha256(whole).hexdigest()


def seal_hash(seal):
    fields = [
        "ringfort/audit/seal/1",
        uuid(seal["business"]),
        number(seal["seq"]),
        bytes.fromhex(seal["prev"]),
        bytes.fromhex(seal["root"]),
        number(seal["count"]),
        number(seal["total"]),
        number(seal["first"]["xid"], signed=False),
        uuid(seal["first"]["id"]),
        number(seal["last"]["xid"], signed=False),
        uuid(seal["last"]["id"]),
        number(seal["at"]),
        seal["key"],
    ]
    return hashlib.sha256(b"".join(map(field, fields))).hexdigest()


def signed(seal_hash_hex):
    return field("ringfort/audit/signed/1") + field(bytes.fromhex(seal_hash_hex))


def key_name(public):
    """RFC 7638, of a JWK as in RFC 8037."""
    x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    text = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def read_keys(texts):
    raw = [base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4)) for text in texts]
    return {key_name(public): Ed25519PublicKey.from_public_bytes(public) for public in raw}


def is_signed(seal, keys):
    key = keys.get(seal["key"])
    if key is None or seal_hash(seal) != seal["hash"]:
        return False
    try:
        key.verify(bytes.fromhex(seal["signature"]), signed(seal["hash"]))
    except InvalidSignature:
        return False
    return True


class Chain:
    """One business's chain, as far as it was read."""

    def __init__(self):
        self.before = None
        self.open = {}
        self.hashes = {}
        self.kept = []
        self.seals = self.entries = self.left_out = self.checkpoints = 0
        self.flaws = []

    def note(self, what, seq, entry=None):
        self.flaws.append({"what": what, "seal": seq, "entry": entry})

    def close(self, part):
        for entry in self.open:
            if part:
                self.left_out += 1
            else:
                self.note("entry.gone", self.before["seq"], entry)
        self.open = {}

    def seal(self, seal, keys, part):
        self.close(part)
        leaves, seq = seal.get("leaves", []), seal["seq"]
        # A file may begin in the middle: then nothing is known of what came before.
        begins = {"seq": 0, "hash": ZERO, "total": 0} if seq == 1 else {"seq": seq - 1, "hash": None, "total": None}
        before = self.before or begins
        whole = (
            seal_hash(seal) == seal["hash"]
            and root(leaves) == seal["root"]
            and len(leaves) == seal["count"] > 0
            and (leaves[0][0], leaves[-1][0]) == (seal["first"]["id"], seal["last"]["id"])
        )
        follows = before["hash"] in (None, seal["prev"])
        adds_up = before["total"] is None or before["total"] + seal["count"] == seal["total"]
        first = leaves[0][0] if leaves else None
        if before["seq"] + 1 != seq:
            self.note("seal.gone", seq, first)
        elif not whole:
            self.note("seal.changed", seq, first)
        elif not follows or not adds_up:
            self.note("seal.unlinked", seq, first)
        elif not is_signed(seal, keys):
            self.note("seal.unsigned", seq, first)
        self.before, self.hashes[seq] = seal, seal["hash"]
        self.seals += 1
        for entry, sealed in leaves:
            if sealed == ZERO:
                self.note("entry.lost", seq, entry)
            else:
                self.open[entry] = sealed

    def entry(self, entry):
        sealed, seq = self.open.pop(entry["id"], None), self.before["seq"] if self.before else None
        if sealed is None:
            self.note("entry.unsealed", seq, entry["id"])
        elif digest(entry) != sealed:
            self.note("entry.changed", seq, entry["id"])
        else:
            self.entries += 1

    def end(self, keys, part):
        self.close(part)
        newest = self.before["seq"] if self.before else 0
        for kept in self.kept:
            seq, first, here = kept["seq"], kept["first"]["id"], self.hashes.get(kept["seq"])
            if not is_signed(kept, keys):
                self.note("seal.unsigned", seq, first)
            elif here is not None and here != kept["hash"]:
                self.note("chain.rewritten", seq, first)
            elif here is not None:
                self.checkpoints += 1
            elif seq > newest and not part:
                self.note("chain.cut", seq, first)
        names = ("seals", "entries", "left_out", "checkpoints", "flaws")
        return {name: getattr(self, name) for name in names}


def verify(lines, keys, part=False):
    chains = {}
    for text in filter(str.strip, lines):
        line = json.loads(text)
        chain = chains.setdefault(line["business"], Chain())
        if line["kind"] == "seal/1":
            chain.seal(line, keys, part)
        elif line["kind"] == "entry/1":
            chain.entry(line)
        elif line["kind"] == "checkpoint/1":
            chain.kept.append(line)
        else:
            raise ValueError(f"no line of this kind is known: {line['kind']}")
    return {business: chain.end(keys, part) for business, chain in chains.items()}


COLUMNS = (
    "id,at,actor_kind,actor_id,action,target_kind,target_id,result,reason,origin,trace,before,after,xid,business".split(",")
)


def manifest_hash(manifest):
    first, last, seal = manifest["first"] or [None] * 2, manifest["last"] or [None] * 2, manifest["seal"]
    hexed = lambda text: None if text is None else bytes.fromhex(text)
    fields = [
        "ringfort/audit/export/1",
        uuid(manifest["business"]),
        uuid(manifest["export"]),
        manifest["format"],
        manifest["filter"],
        manifest["zone"],
        number(manifest["asked"]),
        number(manifest["count"]),
        uuid(first[0]),
        hexed(first[1]),
        uuid(last[0]),
        hexed(last[1]),
        number(seal["seq"]) if seal else None,
        bytes.fromhex(seal["hash"]) if seal else None,
        number(manifest["bytes"]),
        bytes.fromhex(manifest["sha256"]),
        number(manifest["at"]),
        manifest["key"],
    ]
    return hashlib.sha256(b"".join(map(field, fields))).hexdigest()


WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
GUARD = re.compile(f"(?<=[;\t\r\n])'(?=['\"{WHITE}]*[=+@\uff1d\uff0b\uff0d\uff20-])")


def unguarded(value):
    """An apostrophe in front says: no formula; and so it does behind what some spreadsheets split at."""
    return GUARD.sub("", value[1:] if value[0] == "'" else value)


def cells(text):
    """The records of a CSV. Not by the csv module: to it, an absent cell and an empty one are the same."""
    record, place = [], 0
    while place < len(text):
        if text[place] == '"':
            value, place = "", place + 1
            while True:
                end = text.index('"', place)
                value, place = value + text[place:end], end + 1
                if text[place : place + 1] != '"':
                    break
                value, place = value + '"', place + 1
        else:
            end = min(found for found in (text.find(",", place), text.find("\r\n", place)) if found >= 0)
            value, place = text[place:end] or None, end
        record.append(value and unguarded(value))
        if text[place] == ",":
            place += 1
            continue
        assert text[place : place + 2] == "\r\n"
        yield record
        record, place = [], place + 2


def micros(text):
    """Of a time with its offset."""
    from datetime import datetime, timedelta, timezone

    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return since // timedelta(microseconds=1)


def exported(text, kind):
    if kind == "jsonl":
        # Not splitlines: it knows more ends of lines than JSON Lines does.
        for line in filter(None, text.split("\n")):
            entry = json.loads(line)
            assert entry.pop("kind") == "entry/1"
            yield entry
        return
    records = cells(text)
    assert next(records) == COLUMNS
    for record in records:
        entry = dict(zip(COLUMNS, record, strict=True))
        yield entry | {"at": micros(entry["at"]), "xid": int(entry["xid"])}


def verify_export(manifest, raw, keys):
    flaws, ids, ends = [], [], []
    key = keys.get(manifest["key"])
    if manifest["kind"] != "export/1" or manifest_hash(manifest) != manifest["hash"]:
        flaws.append("manifest.changed")
    try:
        if key is None:
            raise InvalidSignature
        key.verify(bytes.fromhex(manifest["signature"]), signed(manifest["hash"]))
    except InvalidSignature:
        flaws.append("manifest.unsigned")
    if len(raw) != manifest["bytes"] or hashlib.sha256(raw).hexdigest() != manifest["sha256"]:
        # Whatever else is wrong with it: it is another file.
        return {"count": None, "flaws": [*flaws, "file.changed"], "ids": []}
    for entry in exported(raw.decode(), manifest["format"]):
        follows = not ids or uuid(ids[-1]) < uuid(entry["id"])
        if not follows or entry["business"] != manifest["business"] or entry["at"] >= manifest["asked"]:
            flaws.append("entry.misplaced")
        ids.append(entry["id"])
        ends = [*ends[:1], [entry["id"], digest(entry)]]
    if len(ids) != manifest["count"]:
        flaws.append("count.differs")
    if (ends[0] if ends else None, ends[-1] if ends else None) != (manifest["first"], manifest["last"]):
        flaws.append("ends.differ")
    return {"count": len(ids), "flaws": flaws, "ids": ids}


def read_export(file, manifest, keys):
    with open(file, "rb") as raw, open(manifest, encoding="utf-8") as text:
        return verify_export(json.load(text), raw.read(), keys)


def ask(question):
    if "export" in question:
        return read_export(question["export"], question["manifest"], read_keys(question["keys"]))
    with open(question["verify"], encoding="utf-8") as lines:
        return {"businesses": verify(lines, read_keys(question["keys"]), question.get("part", False))}


def main():
    import argparse

    parser = argparse.ArgumentParser(description="Verifies sealed audit entries by public keys alone.")
    parser.add_argument("file")
    parser.add_argument("--key", action="append", required=True, help="the x of a public key, in base64url")
    parser.add_argument("--part", action="store_true", help="the file is a choice of entries")
    parser.add_argument("--manifest", help="of a downloaded export")
    options = parser.parse_args()
    if options.manifest:
        found = read_export(options.file, options.manifest, read_keys(options.key))
        print(json.dumps({"count": found["count"], "flaws": found["flaws"]}, indent=2))
        sys.exit(2 if found["flaws"] else 0)
    with open(options.file, encoding="utf-8") as lines:
        found = verify(lines, read_keys(options.key), options.part)
    print(json.dumps(found, indent=2))
    sys.exit(2 if any(chain["flaws"] for chain in found.values()) else 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main()
    else:
        from lines import answer

        answer(ask)
