"""What we make of a snapshot, as the fields of an ``assessment`` statement. Pure.

A watched document is read by ``text/1``, judged by ``gate/1``, and its text compared with the wordings known. A bare
address has no rules and no history: normaliser ``identity/1`` takes its decoded content as it is, gate ``status/1``
lets only 2xx answers through, and both say no more than they can show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from archiver.evidence.canonical import Json, encode_line
from archiver.watch.reading import PageRules, Reading

IDENTITY = "identity/1"
STATUS_GATE = "status/1"


def rules_sha256(normaliser: str, rules: Sequence[PageRules]) -> str:
    """SHA-256 of the rules a text was read by (docs/format.md, kind ``assessment``)."""
    pages = [{"select": list(page.select), "remove": list(page.remove)} for page in rules]
    return hashlib.sha256(encode_line({"normaliser": normaliser, "pages": pages}).rstrip(b"\n")).hexdigest()


def status_refusal(capture: Json) -> str | None:
    """Return why a stored capture must not pass, or None: every part must have ended with 2xx and be decoded."""
    for part in capture["parts"]:
        last = part["exchanges"][-1]
        if not 200 <= last["status"] <= 299:
            return f"{part['final_url']} answered with HTTP status {last['status']}"
        if part["content"] is None:
            return f"the content of {part['final_url']} could not be decoded"
    return None


def content_digests(capture: Json) -> tuple[str, str, int]:
    """SHA-256, SHA-512 and size of the decoded content; of several parts, over their digests, one a line."""
    contents = [part["content"] for part in capture["parts"]]
    if len(contents) == 1:
        return contents[0]["sha256"], contents[0]["sha512"], contents[0]["bytes"]
    lines = [hashlib.sha256(), hashlib.sha512()]
    for content in contents:
        lines[0].update(content["sha256"].encode() + b"\n")
        lines[1].update(content["sha512"].encode() + b"\n")
    return lines[0].hexdigest(), lines[1].hexdigest(), sum(content["bytes"] for content in contents)


_NOTHING: Json = {
    "watch_seq": None,
    "rules_sha256": None,
    "reason_code": None,
    "reason": None,
    "decision_seq": None,
    "supersedes": None,
    "media_type": [],
    "charset": [],
    "language": None,
    "problems": [],
    "text_sha256": None,
    "text_sha512": None,
    "text_bytes": None,
    "text_lines": None,
    "text_lines_root": None,
    "links_sha256": None,
    "links": None,
    "version": None,
    "previous_version": None,
    "compared_with": None,
    "change": None,
    "words_added": None,
    "words_removed": None,
    "publisher_dates": [],
    "silent_edit": None,
}


def assess_bare(capture: Json, entry_hex: str, last_sha256: str | None, *, seen: bool) -> Json:
    """The assessment of a bare address; ``last_sha256`` is its content when it passed last, ``seen`` if it ever did."""
    fields: Json = {
        **_NOTHING,
        "capture_seq": capture["seq"],
        "capture_entry": entry_hex,
        "document": None,
        "normaliser": IDENTITY,
        "gate": STATUS_GATE,
        "verdict": "quarantined",
        "outcome": "quarantined",
    }
    refusal = status_refusal(capture)
    if refusal is not None:
        last = [part["exchanges"][-1]["status"] for part in capture["parts"]]
        code = "undecodable" if all(200 <= status <= 299 for status in last) else "error_status"
        return {**fields, "reason_code": code, "reason": refusal}
    sha256, sha512, size = content_digests(capture)
    known = seen and sha256 == last_sha256
    return {
        **fields,
        "verdict": "passed",
        "text_sha256": sha256,
        "text_sha512": sha512,
        "text_bytes": size,
        "change": "content" if seen and not known else None,
        "outcome": "unchanged" if known else "new_version",
    }


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is found of a snapshot of a watched document, before it has a number: everything an assessment says."""

    gate: str
    rules: str
    reading: Reading
    verdict: str = "passed"
    reason_code: str | None = None
    reason: str | None = None
    language: str | None = None
    version: int | None = None
    previous_version: int | None = None
    compared_with: int | None = None
    change: str | None = None
    outcome: str = "quarantined"
    words: tuple[int, int] | None = None
    dates: Sequence[Json] = field(default_factory=tuple)
    silent_edit: bool | None = None
    text_lines_root: str | None = None
    supersedes: int | None = None
    decision_seq: int | None = None

    @property
    def passed(self) -> bool:
        """Whether the text may count as a wording of the document."""
        return self.verdict == "passed"

    def fields(self, capture: Json, capture_seq: int, entry_hex: str, watch_seq: int | None) -> Json:
        """The fields of the assessment statement."""
        reading = self.reading
        fields: Json = {
            **_NOTHING,
            "capture_seq": capture_seq,
            "capture_entry": entry_hex,
            "document": capture["document"],
            "watch_seq": watch_seq,
            "normaliser": reading.normaliser,
            "rules_sha256": self.rules,
            "gate": self.gate,
            "verdict": self.verdict,
            "reason_code": self.reason_code,
            "reason": self.reason,
            "decision_seq": self.decision_seq,
            "supersedes": self.supersedes,
            "media_type": [signs.media_type for signs in reading.signs],
            "charset": [signs.charset for signs in reading.signs],
            "language": self.language,
            "problems": [{"code": p.code, "detail": p.detail[:500]} for p in reading.problems[:50]],
            "previous_version": self.previous_version,
            "outcome": self.outcome,
        }
        if not self.passed:
            return fields
        text = reading.text.encode()
        return {
            **fields,
            "text_sha256": reading.text_sha256,
            "text_sha512": hashlib.sha512(text).hexdigest(),
            "text_bytes": len(text),
            "text_lines": len(reading.lines),
            "text_lines_root": self.text_lines_root,
            "links_sha256": reading.links_sha256,
            "links": len(reading.links),
            "version": self.version,
            "compared_with": self.compared_with,
            "change": self.change,
            "words_added": self.words[0] if self.words else None,
            "words_removed": self.words[1] if self.words else None,
            "publisher_dates": list(self.dates),
            "silent_edit": self.silent_edit,
        }
