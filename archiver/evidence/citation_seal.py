"""The outside times and the signature of a citation record: between which two of them it was sealed, and by whom."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from archiver.errors import FormatError, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.checkpoint import open_checkpoint
from archiver.evidence.note import Note, Verifier

_GEN_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,20}))?Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds(gen_time: str) -> Fraction:
    """Return an RFC 3339 UTC time of any precision as seconds since 1970, exact; ``FormatError`` if it is none."""
    match = _GEN_TIME.fullmatch(gen_time)
    if match is None:
        raise FormatError(f"not an RFC 3339 UTC time: {gen_time[:60]!r}")
    try:
        whole = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC) - _EPOCH
    except ValueError as error:
        raise FormatError(f"no such time: {gen_time[:60]!r}") from error
    fraction = Fraction(int(match[2]), 10 ** len(match[2])) if match[2] else Fraction(0)
    return whole.days * 86400 + whole.seconds + fraction


def timestamp(stamp: Json, verified: bool, verified_at: str | None) -> Json:
    """Return one item of ``timestamps[]`` from a ``stamp`` statement; only verified ones count anywhere."""
    accuracy = stamp.get("accuracy_us")
    return {
        "tsa": stamp.get("authority"),
        "tsa_url": stamp.get("url"),
        "policy": stamp.get("policy"),
        "serial": stamp.get("serial"),
        "gen_time": stamp.get("gen_time"),
        "accuracy": None if accuracy is None else f"{accuracy // 1_000_000}.{accuracy % 1_000_000:06d} s",
        "qualified": None,
        "token_sha256": stamp.get("token_sha256"),
        "chain_sha256": stamp.get("chain_sha256"),
        "root_sha256": stamp.get("root_sha256"),
        "subject": stamp.get("subject"),
        "subject_sha256": stamp.get("subject_sha256"),
        "log_size": stamp.get("size"),
        "file": stamp.get("path"),
        "statement_seq": stamp.get("seq"),
        "verified": verified,
        "verified_at": verified_at,
    }


def require_cover(stamp: Json, seq: int, entry: str) -> None:
    """Raise ``UsageError`` unless the stamp is over this statement or over a head of the log that holds it."""
    subject, size = stamp.get("subject"), stamp.get("size")
    over_statement = subject == "statement" and stamp.get("subject_sha256") == entry
    over_head = subject == "checkpoint" and isinstance(size, int) and size > seq
    if stamp.get("event") != "token" or not (over_statement or over_head):
        raise UsageError(f"stamp statement {stamp.get('seq')} does not cover statement {seq}")


def sealed_between(before: Json | None, timestamps: list[Json]) -> Json:
    """Return the closest outside times around the record; ``width_s`` is rounded up to whole seconds.

    Both ends are what the authorities say, without their accuracy. The width is negative when they
    contradict the order of the statements: that is shown, never hidden.
    """
    known = [item for item in timestamps if item["verified"]]
    first = min(known, key=lambda item: seconds(item["gen_time"]), default=None)
    after = None if first is None else {"authority": first["tsa"], "gen_time": first["gen_time"]}
    start = None if before is None else {"authority": before["authority"], "gen_time": before["gen_time"]}
    width = math.ceil(seconds(after["gen_time"]) - seconds(start["gen_time"])) if start and after else None
    return {"not_before": start, "not_after": after, "width_s": width, "sentence": _sentence(start, after)}


def _sentence(start: Json | None, after: Json | None) -> str:
    a = f"{start['gen_time']} (according to {start['authority']})" if start else None
    b = f"{after['gen_time']} (according to {after['authority']})" if after else None
    if a and b:
        return f"The record was sealed between {a} and {b}."
    if b:
        return f"The record was sealed no later than {b}; no outside time from before it is known."
    if a:
        return f"The record was sealed after {a}; no verified timestamp from after it is known."
    return "No outside time bounds when the record was sealed."


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where a statement stands in the log, and the signed head that covers it."""

    log_size: int
    index: int
    checkpoint: str
    """The checkpoint file, C2SP signed note."""
    vkey: str
    """Verifier key of the log, without line feed."""
    proof_file: str | None
    """Name of the tlog-proof in the snapshot's folder; None while the proof is only in the log."""
    cosignatures: tuple[Json, ...] = ()
    """From ``cosignature``: those of witnesses that hold, over this checkpoint or another one that covers it."""


def log_facts(facts: Inclusion, origin: str, seq: int) -> tuple[Json, Json]:
    """Return ``log.inclusion`` and ``signature``; the signature is verified here, the inclusion proof is not.

    Raises ``MalformedNote`` or ``MalformedCheckpoint`` if the key did not sign this checkpoint of this log, and
    ``UsageError`` if it is not of the stated size or cannot hold the statement.
    """
    verifier = Verifier.from_vkey(facts.vkey)
    data = facts.checkpoint.encode("utf-8")
    head = open_checkpoint(data, verifier, strict=False)
    if head.origin != origin or head.size != facts.log_size:
        raise UsageError(f"not the checkpoint of {origin} at size {facts.log_size}")
    if facts.index != seq or head.size <= seq:
        raise UsageError(f"index {facts.index} in a log of size {head.size} is not statement {seq}")
    note = Note.from_bytes(data)
    signature = note.verify(verifier, strict=False)[0]
    inclusion = {
        "tree_size": head.size,
        "index": seq,
        "root": head.root.hex(),
        "checkpoint": facts.checkpoint,
        "checkpoint_sha256": hashlib.sha256(data).hexdigest(),
        "cosignature_lines": len(note.unknown(verifier)),
        "cosignatures": list(facts.cosignatures),
        "proof_file": facts.proof_file,
        "vkey": facts.vkey,
    }
    return inclusion, {
        "alg": "Ed25519",
        "key_fpr": hashlib.sha256(verifier.spki_der).hexdigest(),
        "key_fpr_of": "SHA-256 of the key's SubjectPublicKeyInfo (DER)",
        "value": signature.signature.hex(),
        "signed": "checkpoint of the log",
    }


def cosignature(stamp: Json, seq: int) -> Json:
    """Return one item of ``log.inclusion.cosignatures[]`` from its ``stamp`` statement, once it was verified.

    ``UsageError`` unless it is over a head of the log that holds statement ``seq``.
    """
    if stamp.get("event") != "cosignature" or not isinstance(stamp.get("size"), int) or stamp["size"] <= seq:
        raise UsageError(f"stamp statement {stamp.get('seq')} does not cover statement {seq}")
    return {
        "witness": stamp["witness"],
        "key": stamp["key"],
        "time": stamp["time"],
        "sha256": stamp["cosignature_sha256"],
        "log_size": stamp["size"],
        "file": stamp["path"],
        "statement_seq": stamp["seq"],
    }


NO_SIGNATURE: Json = {"alg": None, "key_fpr": None, "key_fpr_of": None, "value": None, "signed": None}
"""The ``signature`` of a record whose statement no checkpoint covers yet."""
