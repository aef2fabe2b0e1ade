"""What we make of a snapshot: text by a named normaliser, a gate, a version, a change class. Pure.

Normaliser ``identity/1`` takes the decoded content as it is; gate ``status/1`` lets only 2xx answers through. Both
say no more than they can show: two contents that differ in one byte are two versions, class ``content``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from archiver.evidence.canonical import Json

NORMALISER = "identity/1"
GATE = "status/1"


@dataclass(frozen=True, slots=True)
class KnownVersions:
    """What is known of a document's wordings so far under one normaliser."""

    current: int | None
    """Number of the version last seen; None before the first."""
    count: int
    """Highest number given out."""
    find: Callable[[str], int | None]
    """The number of the version with this text digest, if there is one."""


def gate(capture: Json) -> str | None:
    """Return why a stored capture must not become a version, or None: every part must have ended with 2xx."""
    for part in capture["parts"]:
        last = part["exchanges"][-1]
        if not 200 <= last["status"] <= 299:
            return f"{part['final_url']} answered with HTTP status {last['status']}"
        if part["content"] is None:
            return f"the content of {part['final_url']} could not be decoded"
    return None


def text_digests(capture: Json) -> tuple[str, str, int]:
    """SHA-256, SHA-512 and size of the text: the decoded content; of several parts, their digests one a line."""
    contents = [part["content"] for part in capture["parts"]]
    if len(contents) == 1:
        return contents[0]["sha256"], contents[0]["sha512"], contents[0]["bytes"]
    lines = [hashlib.sha256(), hashlib.sha512()]
    for content in contents:
        lines[0].update(content["sha256"].encode() + b"\n")
        lines[1].update(content["sha512"].encode() + b"\n")
    return lines[0].hexdigest(), lines[1].hexdigest(), sum(content["bytes"] for content in contents)


def assess(capture: Json, entry_hex: str, known: KnownVersions) -> Json:
    """Return the fields of the assessment of a stored capture; ``entry_hex`` is its entry in the log."""
    document = capture["document"]
    fields: Json = {
        "capture_seq": capture["seq"],
        "capture_entry": entry_hex,
        "document": document,
        "normaliser": NORMALISER,
        "gate": GATE,
        "verdict": "passed",
        "reason": None,
        "text_sha256": None,
        "text_sha512": None,
        "text_bytes": None,
        "version": None,
        "change": None,
        "previous_version": known.current,
        "outcome": "quarantined",
        "links_sha256": None,
        "text_lines_root": None,
    }
    refusal = gate(capture)
    if refusal is not None:
        return {**fields, "verdict": "quarantined", "reason": refusal}
    sha256, sha512, size = text_digests(capture)
    found = known.find(sha256)
    version = found if found is not None else known.count + 1
    if version == known.current:
        outcome, change = "unchanged", None
    else:
        outcome = "new_version"
        change = None if known.current is None else ("content" if found is None else "reversion")
    return {
        **fields,
        "text_sha256": sha256,
        "text_sha512": sha512,
        "text_bytes": size,
        "version": None if document is None else version,
        "previous_version": None if document is None else known.current,
        "change": change,
        "outcome": outcome,
    }
