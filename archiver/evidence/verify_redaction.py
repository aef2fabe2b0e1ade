"""Verification of a redacted text as a numbered list, 51 to 54: its form, its root, and its statements in the log.

Pure: the file and the log's public key suffice.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from archiver.errors import FormatError, MalformedProof
from archiver.evidence.canonical import Json
from archiver.evidence.merkle import entry_of
from archiver.evidence.note import Verifier
from archiver.evidence.redaction import (
    MAX_BYTES,
    Redacted,
    is_number_bound,
    lines_root,
    object_sha256,
    parse_redacted,
    parse_redacted_zip,
    runs,
)
from archiver.evidence.statement import parse_snapshot_id, parse_statement
from archiver.evidence.tlog_proof import TlogProof
from archiver.evidence.verify import Failed, Incomplete, Report, run

NOT_CHECKED = (
    "what the hidden lines say",
    "the capture itself, and the timestamps over the log: they are in a bundle, which holds the whole text",
    "that the log shows everyone the same history: compare checkpoints with copies held elsewhere",
)
WITHHELD = (
    "that the assessment states this root: its statement is withheld, because its digest of the whole text would let "
    "guesses at a hidden line be tried; whoever is shown its journal line can compare (sha256sum) it with its entry"
)
NUMBER = (
    "that no hidden line stands for several: hidden neighbours that make up one branch of the tree could be told as one"
    " line, and lines after them counted too low; the shown lines do not settle it, the assessment states the number"
)


KeyOf = Callable[[str], Verifier | None]
"""The key to check the log of this name with, or None where it is not known."""


def verify_redacted(source: BinaryIO, subject: str, key_of: KeyOf) -> Report:
    """Check a redacted text, a ``.json`` or a ``.zip`` file; each check is made even when an earlier one failed."""
    read: list[Redacted] = []

    def form() -> str:
        source.seek(0)
        zipped = source.read(2) == b"PK"
        source.seek(0)
        found = parse_redacted_zip(source) if zipped else parse_redacted(source.read(MAX_BYTES + 1))
        read.append(found)
        return f"{found.object['snapshot']}, statement {found.object['assessment_seq']}, canonical"

    def of(step: Callable[[Redacted], str]) -> str:
        if not read:
            raise Incomplete("the file cannot be read, see check 51")
        return step(read[0])

    def key() -> Verifier | None:
        return key_of(read[0].origin)

    checks = (
        run(51, form, (OSError,)),
        run(52, partial(of, _root)),
        run(53, partial(of, lambda found: _redaction(key(), found))),
        run(54, partial(of, lambda found: _witness(key(), found))),
    )
    withheld = bool(read) and read[0].witness is None
    unbound = bool(read) and not _is_number_stated(read[0])
    unbound = unbound and not is_number_bound(["text" in line for line in read[0].lines])
    notes = ([WITHHELD] if withheld else []) + ([NUMBER] if unbound else [])
    return Report(subject, checks, (*notes, *NOT_CHECKED))


def _is_number_stated(found: Redacted) -> bool:
    """Whether a statement is shown that says how many lines there are; check 54 compares it."""
    if found.witness is None or found.witness_kind == "assessment":
        return found.witness is not None
    return _statement_has_number(found.witness)


def _statement_has_number(line: bytes) -> bool:
    """Whether a capture's statement has the number of lines; older ones lack it, and what is none has none."""
    try:
        return parse_statement(line).body.get("text_lines") is not None
    except FormatError:
        return False


def _root(found: Redacted) -> str:
    """Check 52: shown and hidden lines lead to the root."""
    shown = [number for number, line in enumerate(found.lines) if "text" in line]
    hidden = [number for number, line in enumerate(found.lines) if "leaf" in line]
    root = lines_root(found.lines)
    if root != found.object["text_lines_root"]:
        raise Failed(f"the lines lead to the root {root}, the object says {found.object['text_lines_root']}")
    return (
        f"{len(shown)} of {len(found.lines)} lines are shown, {len(hidden)} hidden; shown: {runs(shown)};"
        f" hidden: {runs(hidden)}; root {root}"
    )


def _redaction(key: Verifier | None, found: Redacted) -> str:
    """Check 53: the log states this redaction of this text."""
    body = _statement(found.redaction, "custody")
    if parse_snapshot_id(found.object["snapshot"]) != found.object["capture_seq"]:
        raise Failed(f"{found.object['snapshot']} is not the snapshot of statement {found.object['capture_seq']}")
    if body["event"] != "redaction":
        raise Failed(f"statement {body['seq']} is of a {body['event']}, not of a redaction")
    whole = found.object
    shown = sum("text" in line for line in found.lines)
    stated = {
        "object_sha256": object_sha256(whole),
        "lines_root_sha256": whole["text_lines_root"],
        "assessment_seq": whole["assessment_seq"],
        "assessment_sha256": whole["assessment_entry"],
        "subjects": [whole["snapshot"]],
        "lines": shown,
        "of": len(found.lines),
        "witness": None if found.witness is None else found.witness_kind,
        "origin": found.origin,
    }
    _compare(body, stated, f"redaction statement {body['seq']}")
    size = _included(key, found, found.redaction_proof, body["seq"], entry_of(found.redaction), "redaction")
    who = f" by {body['by']}" if body.get("by") else ""
    why = f" because {body['reason']}" if body.get("reason") else ""
    return f"stated on {body['at']}{who}{why}: entry {body['seq']} of {size}"


def _witness(key: Verifier | None, found: Redacted) -> str:
    """Check 54: the statement of the day stands in the log; where it is shown, it states the root."""
    whole, kind = found.object, found.witness_kind
    seq, entry = whole[f"{kind}_seq"], bytes.fromhex(whole[f"{kind}_entry"])
    if found.witness is not None:
        body = _statement(found.witness, kind)
        _compare(body, {**_stated_by(kind, whole, body), "seq": seq, "origin": found.origin}, f"the {kind}")
        if entry_of(found.witness) != entry:
            raise Failed(f"the {kind} has another entry than the object says")
    if _checkpoint(found.witness_proof) != _checkpoint(found.redaction_proof):
        raise Failed("the two proofs end with different checkpoints")
    size = _included(key, found, found.witness_proof, seq, entry, kind)
    if found.witness is None:
        return f"entry {seq} of {size}, the assessment; its statement is withheld, see what was not checked"
    return f"entry {seq} of {size}, the {kind}, stated on {body['at']}: it states this root"


def _stated_by(kind: str, whole: Json, body: Json) -> Json:
    """What the statement of the day must say of this text; a capture's of former software has no number of lines."""
    said: Json = {"text_lines_root": whole["text_lines_root"], "document": whole["document"]}
    if kind == "capture":
        number = {} if body.get("text_lines") is None else {"text_lines": len(whole["lines"])}
        return {**said, **number, "snapshot": whole["snapshot"], "started_at": whole["captured_at"]}
    return {
        **said,
        "text_lines": len(whole["lines"]),
        "capture_seq": whole["capture_seq"],
        "capture_entry": whole["capture_entry"],
        "normaliser": whole["normaliser"],
    }


def _statement(line: bytes, kind: str) -> Json:
    statement = parse_statement(line)
    if statement.kind != kind:
        raise Failed(f"statement {statement.seq} is of kind {statement.kind}, not {kind}")
    return statement.body


def _compare(body: Json, stated: Json, what: str) -> None:
    for name, value in stated.items():
        if body.get(name) != value or type(body.get(name)) is not type(value):
            raise Failed(f"{what} says another {name} than the object shows")


def _checkpoint(proof: bytes) -> bytes:
    return TlogProof.from_bytes(proof).checkpoint


def _included(key: Verifier | None, found: Redacted, data: bytes, seq: int, entry: bytes, what: str) -> int:
    """The size of the log whose signed root holds the entry; ``Incomplete`` without a key."""
    proof = TlogProof.from_bytes(data)
    if proof.index != seq:
        raise Failed(f"the proof of the {what} is for entry {proof.index}, not {seq}")
    if key is None:
        raise Incomplete("no public key of the log was given (--key)")
    if key.name != found.origin or key.vkey != found.vkey:
        raise Failed(f"the file names the key of {found.origin}, given was that of {key.name}: {key.vkey}")
    try:
        return proof.verify(entry, key).size
    except MalformedProof as error:
        raise Failed(f"the proof of the {what} does not lead to the root: {error.what}") from error
    except FormatError as error:
        raise Failed(f"the proof of the {what}: {error.what}") from error


def looks_redacted(start: bytes) -> bool:
    """Whether a file that begins like this may be a redacted text: enough to choose how it is checked."""
    named = io.BytesIO(start)
    if named.read(4) == b"PK\x03\x04":
        return start[30:43] == b"redacted.json"
    return start.startswith(b'{"format":"redacted-text/')
