"""Ways to spoil a bundle, each with the check that has to notice: in the zip, in a member, and under sums made anew."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from archiver.evidence.canonical import encode_line
from archiver.signing import LogKey
from tests.verifier.bundles import SUMS, Members, Seal, zipped

EXTRACT = "journal/extract.jsonl"
STATEMENT = "snapshot/statement.json"


def flipped(name: str, data: bytes) -> bytes:
    """One bit changed: of a reply in the signature at its end, of anything else in the middle."""
    changed = bytearray(data)
    changed[-1 if name.endswith(".tsr") else len(data) // 2] ^= 1
    return bytes(changed)


def with_one_bit_changed(members: Members) -> Iterator[tuple[str, bytes]]:
    """Yield the bundle with one bit changed in each member in turn."""
    for name, data in members.items():
        yield f"a bit of {name}", zipped({**members, name: flipped(name, data)})


def with_one_member_gone(members: Members) -> Iterator[tuple[str, bytes]]:
    """Yield the bundle without each of the members that SHA256SUMS lists, and without SHA256SUMS."""
    for gone in members:
        if gone == SUMS or not gone.startswith(SUMS):
            yield f"without {gone}", zipped({name: data for name, data in members.items() if name != gone})


def renamed(members: Members, old: str, new: str) -> bytes:
    """The bundle with one member under another name."""
    return zipped({new if name == old else name: data for name, data in members.items()})


def other_containers(members: Members) -> Iterator[tuple[str, bytes]]:
    """Yield zip files that no reader should unpack, or that two readers may read differently."""
    whole = zipped(members)
    for name in (
        "../evil",
        "/etc/evil",
        "a/../../evil",
        "C:\\evil",
        "a\\b",
        "a//b",
        "a/",
        ".hidden",
        "ü",
        "nul\0x",
        "a\n",
        "",
    ):
        yield f"a member named {name!r}", _with(members, _info(name), b"evil")
    for name in ("VERIFY.txt", "verify.TXT", "snapshot", "VERIFY.txt/x"):
        yield f"{name} besides", _with(members, _info(name), b"evil")
    link = _info("link")
    link.external_attr = 0o120777 << 16
    yield "a symbolic link", _with(members, link, b"/etc/passwd")
    device = _info("device")
    device.external_attr = 0o060600 << 16
    yield "a device", _with(members, device, b"")
    yield "a bomb", _with(members, _info("bomb"), bytes(1 << 25))
    yield "a bomb that lies about its size", _lying_bomb(members)
    yield "too many members", zipped({**members, **{f"n{number}": b"" for number in range(10_001)}})
    yield "bytes before", b"#!/bin/sh\n" + whole
    yield "bytes after", whole + b"\0"
    yield "a comment", _commented(whole)
    yield "another directory after", whole + zipped({"VERIFY.txt": b"other"})
    yield "cut", whole[:-100]
    yield "no zip", b"PK"
    yield "empty", b""
    yield "no members", zipped({})
    yield "another name before the bytes", _patched(whole, b"VERIFY.txt", b"VERIFY.tXt", first=True)
    yield "another name in the directory", _patched(whole, b"VERIFY.txt", b"VERIFY.tXt", first=False)
    yield "encrypted", _with_flag(whole, 1)
    yield "a gap between members", _gap(members)
    yield "another checksum", _other_crc(whole)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    return info


def _with(members: Members, info: zipfile.ZipInfo, data: bytes) -> bytes:
    file = io.BytesIO(zipped(members))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.NameToInfo.clear()  # so that a second member of one name is written without a warning
        archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _lying_bomb(members: Members) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(1 << 26)) + packer.flush()
    whole = zipped({**members, "bomb": b"x" * len(packed)}, zipfile.ZIP_STORED).replace(b"x" * len(packed), packed)
    at, central = whole.index(b"bomb") - 30, whole.rindex(b"bomb") - 46
    changed = bytearray(whole)
    changed[at + 8 : at + 10] = changed[central + 10 : central + 12] = b"\x08\0"
    return bytes(changed)


def _commented(whole: bytes) -> bytes:
    return whole[:-2] + struct.pack("<H", 5) + b"hello"


def _patched(whole: bytes, old: bytes, new: bytes, *, first: bool) -> bytes:
    at = whole.index(old) if first else whole.rindex(old)
    return whole[:at] + new + whole[at + len(old) :]


def _with_flag(whole: bytes, flag: int) -> bytes:
    central = whole.index(b"PK\1\2")
    changed = bytearray(whole)
    changed[6] |= flag
    changed[central + 8] |= flag
    return bytes(changed)


def _other_crc(whole: bytes) -> bytes:
    central = whole.index(b"PK\1\2")
    changed = bytearray(whole)
    changed[14] ^= 1
    changed[central + 16] ^= 1
    return bytes(changed)


def _gap(members: Members) -> bytes:
    whole = zipped(members)
    second, start = whole.index(b"PK\3\4", 4), int.from_bytes(whole[-6:-2], "little")
    changed = bytearray(whole[:second] + b"hidden" + whole[second:])
    at = start + 6
    while changed[at : at + 4] == b"PK\1\2":
        offset = int.from_bytes(changed[at + 42 : at + 46], "little")
        if offset >= second:
            changed[at + 42 : at + 46] = (offset + 6).to_bytes(4, "little")
        at += 46 + sum(struct.unpack("<3H", changed[at + 28 : at + 34]))
    changed[-6:-2] = (start + 6).to_bytes(4, "little")
    return bytes(changed)


@dataclass(frozen=True)
class Forgery:
    """A bundle whose sums, signature and sums' timestamps were made anew by the holder of the log's key."""

    what: str
    notices: int
    """The number of the check that has to fail; 0 where there is nothing to be noticed."""
    data: bytes


def noticed(forgery: Forgery, failed: Sequence[int]) -> bool:
    """Say whether the checks that failed are as they should be."""
    return forgery.notices in failed if forgery.notices else not failed


def forgeries(members: Members, other: Members, seal: Seal) -> Iterator[Forgery]:
    """Yield bundles that contradict themselves underneath a good SHA256SUMS; ``other`` is of another snapshot."""

    def made(what: str, notices: int, changes: dict[str, bytes | None]) -> Forgery:
        left = {name: data for name, data in {**members, **changes}.items() if data is not None}
        return Forgery(what, notices, zipped(seal.close(left, stamp=False)))

    def edited(name: str, change: Callable[[dict[str, object]], object]) -> dict[str, bytes | None]:
        body = json.loads(members[name])
        change(body)
        return {name: encode_line(body)}

    def same_but(name: str, old: bytes, new: bytes) -> dict[str, bytes | None]:
        assert old in members[name], (name, old)
        return {name: members[name].replace(old, new, 1)}

    seq = json.loads(members[STATEMENT])["seq"]
    lines = members[EXTRACT].splitlines(keepends=True)
    bare = next(number for number, line in enumerate(lines) if line.startswith(b'{"entry"'))
    yield made("a statement with spaces", 5, same_but(STATEMENT, b'":', b'": '))
    yield made("a statement with an escape", 5, same_but(STATEMENT, b"evidence", b"\\u0065vidence"))
    yield made("a statement with a fraction", 5, same_but(STATEMENT, b'"v":1', b'"v":1.0'))
    yield made("a key twice", 5, same_but(STATEMENT, b'"v":1', b'"v":1,"v":1'))
    yield made("a key out of order", 5, {STATEMENT: b'{"v":1,' + members[STATEMENT][1:].replace(b',"v":1', b"")})
    yield made("a statement without its line feed", 5, {STATEMENT: members[STATEMENT][:-1]})
    yield made(
        "another time in the statement",
        9,
        edited(STATEMENT, lambda body: body.update(ended_at="2030-01-01T00:00:00.000Z")),
    )
    yield made("a deep statement", 5, {STATEMENT: b"[" * 100_000})
    yield made("the statement of another snapshot", 9, {STATEMENT: other[STATEMENT]})
    yield made("the WARC of another snapshot", 6, {"snapshot/capture.warc.gz": other["snapshot/capture.warc.gz"]})
    yield made("a stranger in the snapshot", 6, {"snapshot/notes.txt": b"trust me\n"})
    yield made(
        "the referent's WARC cut",
        8,
        {_referent(members, "capture.warc.gz"): members[_referent(members, "capture.warc.gz")][:-1000]},
    )
    yield made(
        "the referent's statement changed",
        8,
        edited(_referent(members, "statement.json"), lambda body: body.update(attended=True)),
    )
    yield made("no referent", 8, {name: None for name in members if name.startswith("referents/")})
    cosig, vkey = "snapshot/checkpoint.archive-expert.cosig", "keys/witness-archive-expert.vkey"
    pem = vkey.replace(".vkey", ".pub.pem")
    yield made("another cosignature", 17, {cosig: members[cosig][:40] + b"A" * 8 + members[cosig][48:]})
    yield made("a cosignature of another snapshot", 17, {cosig: other[cosig]})
    yield made("no key of the witness", 17, {vkey: None})
    yield made("the witness's key is the log's", 17, {pem: members["keys/log.pub.pem"]})
    proof = members["snapshot/statement.tlog-proof"].split(b"\n")
    yield made(
        "a hash of the proof left out", 9, {"snapshot/statement.tlog-proof": b"\n".join([*proof[:2], *proof[3:]])}
    )
    yield made("a hash of the proof twice", 9, {"snapshot/statement.tlog-proof": b"\n".join([*proof[:3], *proof[2:]])})
    yield made(
        "another index",
        9,
        {"snapshot/statement.tlog-proof": b"\n".join([proof[0], b"index %d" % (seq + 1), *proof[2:]])},
    )
    for name, note in checkpoints(members):
        yield made(name, 10, {"log/checkpoint": note})
    other_key = LogKey.generate("evidence.example.org/log").verifier
    yield made("another verifier key", 10, {"keys/log.vkey": f"{other_key.vkey}\n".encode()})
    yield made("another PEM key", 10, {"keys/log.pub.pem": other_key.spki_pem})
    changed = lines[bare].replace(lines[bare][11:12], b"0" if lines[bare][11:12] != b"0" else b"1", 1)
    yield made("another entry in the journal", 11, {EXTRACT: b"".join([*lines[:bare], changed, *lines[bare + 1 :]])})
    yield made("the journal's tail cut", 11, {EXTRACT: b"".join(lines[:-1])})
    yield made(
        "a line too many", 11, {EXTRACT: b"".join([*lines, b'{"entry":"%s","seq":%d}\n' % (b"0" * 64, len(lines))])}
    )
    yield made("two lines changed about", 11, {EXTRACT: b"".join([lines[1], lines[0], *lines[2:]])})
    yield made(
        "the snapshot's line as an entry",
        5,
        {EXTRACT: b"".join(_brief(line, n) if n == seq else line for n, line in enumerate(lines))},
    )
    for authority in ("north", "south"):
        stamped = seal.stamped(authority, b"another file", f"snapshot/checkpoint.{authority}")
        yield made(f"{authority}'s timestamp over another file", 12, dict(stamped))
    swapped = {
        f"snapshot/checkpoint.{a}.tsr": members[f"snapshot/checkpoint.{b}.tsr"]
        for a, b in (("north", "south"), ("south", "north"))
    }
    yield made("timestamps of two authorities exchanged", 12, dict(swapped))
    yield made("a root that is not the chain's", 12, {"roots/north.pem": members["roots/south.pem"]})
    yield made("no roots", 12, {"roots/north.pem": None})
    chain = "snapshot/checkpoint.north.chain.pem"
    yield made("a chain without its root", 12, {chain: members[chain][: members[chain].rindex(b"-----BEGIN")]})
    yield made("words in a chain", 12, {chain: b"trust me\n" + members[chain]})
    yield made("no chain", 12, {chain: None})
    before = "snapshot/before.south"
    yield made("another token from before", 13, {f"{before}.tsr": members["snapshot/checkpoint.south.tsr"]})
    yield made("another subject from before", 13, {f"{before}.subject": members["log/checkpoint"]})
    yield made("no token from before", 13, {f"{before}.{end}": None for end in ("tsr", "chain.pem", "subject")})
    text = "text/text.md"
    yield made("another word in the text", 14, same_but(text, b"fourteen", b"fifteen"))
    yield made("a link more", 14, {"text/links.jsonl": members["text/links.jsonl"] * 2})
    yield made("another salt", 14, {"text/text.salt": bytes(32)})
    yield made("another assessment", 14, edited("text/assessment.json", lambda body: body.update(version=7)))
    citation = "citation/citation.json"
    digest = hashlib.sha256(members[STATEMENT]).hexdigest().encode()
    yield made("another digest in the citation", 15, {citation: members[citation].replace(digest, b"0" * 64)})
    yield made(
        "a digest named as another",
        15,
        same_but(citation, b'"object": "decoded content"', b'"object": "payload as transferred"'),
    )
    yield made("another content identifier", 15, same_but(citation, b"ni:///sha-256;", b"ni:///sha-256;A"))
    yield made("a timestamp that is not there", 15, same_but(citation, b'"token_sha256": "', b'"token_sha256": "f'))
    yield made("the citation of another snapshot", 15, {citation: other[citation]})
    yield Forgery(
        "sums signed by another key", 3, zipped({**members, f"{SUMS}.sig": LogKey.generate("x").sign(members[SUMS])})
    )
    yield Forgery(
        "sums with a timestamp over something else",
        4,
        zipped({**members, **seal.stamped("north", b"x", f"{SUMS}.north")}),
    )
    yield Forgery(
        "sums with a chain alone",
        2,
        zipped({name: data for name, data in members.items() if name != f"{SUMS}.north.tsr"}),
    )


def _referent(members: Members, name: str) -> str:
    return next(found for found in members if found.startswith("referents/") and found.endswith(f"/{name}"))


def _brief(line: bytes, seq: int) -> bytes:
    return b'{"entry":"%s","seq":%d}\n' % (hashlib.sha256(line).hexdigest().encode(), seq)


def checkpoints(members: Members) -> Iterator[tuple[str, bytes]]:
    """Yield newest checkpoints that are not this log's: signed by another key, of another name, malformed."""
    note = members["log/checkpoint"]
    text, _, signature = note.partition(b"\n\n")
    origin = text.split(b"\n")[0].decode()
    impostor = LogKey.generate(origin)

    def signed(body: bytes, key: LogKey) -> bytes:
        hint = bytes.fromhex(key.verifier.vkey.split("+")[1])
        return b"%s\n\xe2\x80\x94 %s %s\n" % (body, key.verifier.name.encode(), base64.b64encode(hint + key.sign(body)))

    yield "a checkpoint of another key", signed(text + b"\n", impostor)
    yield (
        "a checkpoint of another log",
        signed(text.replace(origin.encode(), b"other.example/log") + b"\n", LogKey.generate("other.example/log")),
    )
    data = bytearray(base64.b64decode(signature.split()[-1]))
    data[-1] ^= 1
    yield (
        "a checkpoint with its signature changed",
        text + b"\n\n" + b" ".join([*signature.split()[:2], base64.b64encode(data)]) + b"\n",
    )
