"""Whether a copy elsewhere says what a snapshot says: byte for byte, else by the text that the entry's rules read.

A dynamic page never has the same bytes twice, so the text is asked second. Both results say which of the two it was.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from archiver.archive import Archive
from archiver.errors import ArchiveDamaged, Disposed
from archiver.evidence.canonical import Json
from archiver.outside.interface import Raw
from archiver.rereading import sources_of
from archiver.watch.entry import WatchEntry, rules_for
from archiver.watch.reading import PageRules, Source


@dataclass(frozen=True, slots=True)
class Compared:
    """The result of a comparison, as an ``outside_copy`` statement has it."""

    compared: str
    by: str | None = None
    reason: str | None = None
    sha256: str | None = None
    size: int | None = None

    def to_json(self) -> Json:
        """The keys of the statement."""
        return {
            "compared": self.compared,
            "compared_by": self.by,
            "compared_reason": self.reason,
            "copy_sha256": self.sha256,
            "copy_bytes": self.size,
        }


def not_compared(reason: str) -> Compared:
    """Say that a copy was not compared, and why."""
    return Compared("not compared", reason=reason[:300])


def compare(archive: Archive, capture: Json, part: int, raw: Raw) -> Compared:
    """Compare a copy with one part of a stored capture; never raises for what the copy holds."""
    digest, size = hashlib.sha256(raw.content).hexdigest(), len(raw.content)
    stated = capture["parts"][part]["content"]
    if stated is None:
        return Compared("not compared", None, "the snapshot holds no whole content of this address", digest, size)
    if stated["sha256"] == digest:
        return Compared("equal", "content", None, digest, size)
    try:
        ours = sources_of(archive, capture)[part]
    except (ArchiveDamaged, Disposed) as error:
        return Compared("not compared", None, f"the snapshot cannot be read: {error.what}"[:300], digest, size)
    rules = _rules(archive, capture, part)
    mine, theirs = _lines(ours, rules), _lines(Source(ours.url, raw.content, raw.content_type), rules)
    if mine is None or theirs is None:
        return Compared("differs", "content", "its text cannot be read by the rules", digest, size)
    return Compared("equal" if mine == theirs else "differs", "text", None, digest, size)


def _rules(archive: Archive, capture: Json, part: int) -> PageRules:
    entry = archive.entry_at(capture["watch_seq"])
    rules = () if entry is None else rules_for(WatchEntry.from_json(entry))
    return rules[part] if len(rules) == len(capture["parts"]) else PageRules()


def _lines(source: Source, rules: PageRules) -> tuple[str, ...] | None:
    """The lines of one page; None where nothing can be read, or not as the rules ask."""
    from archiver.assessor import read

    reading = read([source], [rules])
    return reading.lines if reading.lines and not reading.problems else None
