"""Bundles of an operator who lies and keeps a log of the lies: journal, proof and checkpoint all go together.

Each contradicts itself in one place that no signature guards, so that one check alone can notice.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from archiver.evidence.canonical import encode_line
from archiver.evidence.checkpoint import Checkpoint, sign_checkpoint
from archiver.evidence.merkle import leaf_hash, root_of
from archiver.evidence.note import Verifier
from archiver.evidence.timestamp import read_token
from archiver.evidence.tlog_proof import TlogProof
from tests.verifier.bundles import Members, Seal, zipped
from tests.verifier.spoilt import EXTRACT, STATEMENT, Forgery

ASSESSMENT, PROOF, NEWEST = "text/assessment.json", "snapshot/statement.tlog-proof", "log/checkpoint"
Edit = Callable[[Any], object]


def path(index: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """The inclusion path of a leaf (RFC 9162, 2.1.3.1)."""
    if len(leaves) == 1:
        return ()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return (*path(index, leaves[:split]), root_of(leaves[split:]))
    return (*path(index - split, leaves[split:]), root_of(leaves[:split]))


def entry(line: bytes) -> bytes:
    """What enters the log for a line of an extract, whole or brief."""
    body = json.loads(line)
    return hashlib.sha256(line).digest() if "v" in body else bytes.fromhex(body["entry"])


def logged(
    members: Members,
    seal: Seal,
    edit: Edit = lambda body: None,
    assess: Edit = lambda body: None,
    more: Sequence[Edit] = (),
) -> Members:
    """The bundle with its statement and assessment edited, in a log that has them so; ``more`` assessments follow."""
    lines = members[EXTRACT].splitlines(keepends=True)
    statement, assessment = json.loads(members[STATEMENT]), json.loads(members[ASSESSMENT])
    at, seq = statement["seq"], assessment["seq"]
    edit(statement)
    lines[at] = encode_line(statement)
    assessment["capture_entry"] = hashlib.sha256(lines[at]).hexdigest()
    assess(assessment)
    lines[seq] = encode_line(assessment)
    for change in more:
        added = {**assessment, "seq": len(lines)}
        change(added)
        lines.append(encode_line(added))
    leaves = [leaf_hash(entry(line)) for line in lines]
    verifier = Verifier.from_vkey(members["keys/log.vkey"].decode().strip())
    head = sign_checkpoint(Checkpoint(verifier.name, len(lines), root_of(leaves)), verifier, seal.key.sign)
    dropped = ("snapshot/checkpoint.", "citation/", "log/consistency", "SHA256SUMS")
    left = {name: data for name, data in members.items() if not name.startswith(dropped)}
    made = {STATEMENT: lines[at], ASSESSMENT: lines[seq], EXTRACT: b"".join(lines), NEWEST: head}
    return {**left, **made, PROOF: TlogProof(at, path(at, leaves), head).to_bytes()}


def lies(members: Members, seal: Seal) -> Iterator[Forgery]:
    """Yield the bundles; ``members`` is of a revisit with a timestamp from before it."""

    def made(what: str, notices: int, lied: Members) -> Forgery:
        return Forgery(what, notices, zipped(seal.close(lied, stamp=False)))

    def record(number: int, **changes: object) -> Edit:
        return lambda body: body["warc"]["records"][number].update(changes)

    def hop(**changes: object) -> Edit:
        return lambda body: body["parts"][0]["exchanges"][-1].update(changes)

    def content(**changes: object) -> Edit:
        return lambda body: body["parts"][0]["content"].update(changes)

    other = "0" * 64
    statements: list[tuple[str, int, Edit]] = [
        ("nothing else than a new log", 0, lambda body: None),
        ("another version of the format", 5, lambda body: body.update(v=2)),
        ("another kind", 5, lambda body: body.update(kind="custody")),
        ("a name with another number", 5, lambda body: body.update(snapshot="EA-S-00000099")),
        ("another length of the WARC", 6, lambda body: body["warc"].update(bytes=body["warc"]["bytes"] + 1)),
        ("another SHA-256 of the WARC", 6, lambda body: body["warc"].update(sha256=other)),
        ("another SHA-512 of the WARC", 6, lambda body: body["warc"].update(sha512=other * 2)),
        ("a record elsewhere", 7, lambda body: body["warc"]["records"][1].update(offset=1)),
        ("another record", 7, record(1, id="<urn:uuid:00000000-0000-0000-0000-000000000000>")),
        ("another type of record", 7, record(1, type="resource")),
        ("another block", 7, record(1, block_sha256=other)),
        ("another payload", 7, record(2, payload_sha256=other)),
        ("a record left out", 7, lambda body: body["warc"]["records"].pop()),
        ("a record too long", 7, record(6, length=1)),
        ("another address", 7, hop(url="https://example.com/")),
        ("another request", 7, hop(request_sha256=other)),
        ("another payload of the exchange", 8, hop(payload_sha256=other)),
        ("another record of the referent", 8, hop(revisit={"seq": 2, "record": "<urn:uuid:0>"})),
        ("another referent", 8, hop(revisit={"seq": 3, "record": "<urn:uuid:0>"})),
        ("another content", 8, content(sha256=other)),
        ("another SHA-512 of the content", 8, content(sha512=other * 2)),
        ("another length of the content", 8, content(bytes=1)),
        ("another coding", 8, content(coding=["deflate"])),
        ("content that is chunked", 8, hop(framing="chunked")),
        ("another time before", 13, lambda body: body["before"].update(gen_time="2020-01-01T00:00:00Z")),
        ("no token before", 13, lambda body: body.update(before=None)),
    ]
    for what, notices, edit in statements:
        yield made(what, notices, logged(members, seal, edit))
    assessments: list[tuple[str, Edit]] = [
        ("another SHA-256 of the text", lambda body: body.update(text_sha256=other)),
        ("another SHA-512 of the text", lambda body: body.update(text_sha512=other * 2)),
        ("another number of lines", lambda body: body.update(text_lines=7)),
        ("another length of the text", lambda body: body.update(text_bytes=7)),
        ("another root of the lines", lambda body: body.update(text_lines_root=other)),
        ("other links", lambda body: body.update(links_sha256=other)),
        ("an assessment of another capture", lambda body: body.update(capture_seq=2)),
        ("an assessment of another entry", lambda body: body.update(capture_entry=other)),
    ]
    for what, edit in assessments:
        yield made(what, 14, logged(members, seal, assess=edit))
    yield made("a newer assessment held back", 14, logged(members, seal, more=[lambda body: body.update(version=9)]))
    yield made("a timestamp from before that is later", 13, late(members, seal))


def late(members: Members, seal: Seal) -> Members:
    """A bundle whose statement names a token from before that was made after the one over it."""
    stem, subject = "snapshot/before.south", members["snapshot/before.south.subject"]
    over = read_token(members["snapshot/checkpoint.south.tsr"]).gen_moment
    time.sleep(max(0.0, (over - datetime.now(UTC)).total_seconds() + 2.1))
    token = seal.stamped("south", subject, stem)
    digest = hashlib.sha256(token[f"{stem}.tsr"]).hexdigest()
    kept = {name: members[name] for name in members if name.startswith("snapshot/checkpoint.south")}
    said = read_token(token[f"{stem}.tsr"]).gen_time
    lied = logged({**members, **token}, seal, lambda body: body["before"].update(token_sha256=digest, gen_time=said))
    # the checkpoint that was stamped earlier: the journal no longer leads to it, and its time is what counts here
    old = members[PROOF].partition(b"\n\n")[2]
    size = old.split(b"\n")[1].decode()
    stamps = {f"stamps/{size}/south{name[25:]}": data for name, data in kept.items()}
    return {**lied, **stamps, f"stamps/{size}/checkpoint": old}
