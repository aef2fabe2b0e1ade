"""Names of the journal's files and the values that point into them (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from storage.errors import Corrupt

FOLDER: Final = "journal"
_NAME: Final = re.compile(r"([0-9]{9,18})-([0-9]{4}-[0-9]{2}-[0-9]{2})\.jsonl", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """Where one line stands: file, offset and length in bytes, line feed included."""

    path: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the journal: the seq of its first line and the UTC day it began."""

    path: str
    first_seq: int
    day: date


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it stands in its file; ``data`` includes the line feed."""

    seq: int
    path: str
    offset: int
    data: bytes

    @property
    def position(self) -> Position:
        """Return where it stands."""
        return Position(self.path, self.offset, len(self.data))


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of the journal: the next seq, the newest file (None: no file yet), and the torn bytes behind it."""

    next_seq: int
    path: str | None
    offset: int
    torn: bytes


def segment_path(first_seq: int, day: date) -> str:
    """Return ``journal/000000123-2026-05-12.jsonl``."""
    return f"{FOLDER}/{first_seq:09d}-{day.isoformat()}.jsonl"


def parse_segment(name: str) -> Segment:
    """Return what a file name says, or raise ``Corrupt`` unless it is exactly what ``segment_path`` writes."""
    path = f"{FOLDER}/{name}"
    found = _NAME.fullmatch(name)
    if found is None:
        raise Corrupt(path, "does not belong here: not the name of a journal file")
    try:
        segment = Segment(path, int(found[1]), date.fromisoformat(found[2]))
    except ValueError:
        raise Corrupt(path, "there is no such day") from None
    if segment_path(segment.first_seq, segment.day) != path:
        raise Corrupt(path, "its number is written with needless zeros")
    return segment


def in_order(names: Iterable[str]) -> list[Segment]:
    """Return the segments oldest first, or raise ``Corrupt`` where the names cannot follow each other.

    The first file begins with line 0; both seq and day rise from file to file.
    """
    segments = sorted(map(parse_segment, names), key=lambda segment: (segment.first_seq, segment.day))
    if segments and segments[0].first_seq != 0:
        raise Corrupt(segments[0].path, "the journal's beginning is missing: no file begins with line 0")
    for before, after in pairwise(segments):
        if after.first_seq == before.first_seq:
            raise Corrupt(after.path, f"begins with the same line as {before.path}")
        if after.day <= before.day:
            raise Corrupt(after.path, f"is of an earlier or the same day as {before.path}, but comes later")
    return segments
