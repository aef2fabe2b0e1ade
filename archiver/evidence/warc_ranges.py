"""Cuts a large WARC file into ranges that are checked side by side, and says what they mean together.

Only a file in perfect order is judged this way. Where one range has a finding, or does not end where the next begins,
the file is for ``check_warc`` to read from its beginning: its words count, and no broken file is judged in two ways.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from archiver.evidence.warc_check import MAX_RECORDS, check_warc
from archiver.evidence.warc_feed import GzipFeed


@dataclass(frozen=True, slots=True)
class Tally:
    """What a range, or a file, in order holds."""

    records: int
    checked: int
    """Those of which a digest was compared, and held."""


def cut(source: BinaryIO, size: int, pieces: int) -> tuple[tuple[int, int], ...]:
    """Return ranges ``[start, stop)`` that cover the file, each but the last up to where a record seems to begin.

    Fewer than ``pieces`` where records are larger than that, or the file is not gzip. Where a record only seems to
    begin, inside of another one, the ranges on both sides come out broken, and nothing is judged by them.
    """
    starts = [0]
    for piece in range(1, pieces):
        after = max(size * piece // pieces, starts[-1] + 1)
        feed = GzipFeed(source, after)
        if not feed.find_member(after):
            break
        starts.append(feed.offset)
    return tuple(zip(starts, [*starts[1:], size], strict=True))


def check_range(source: BinaryIO, start: int, stop: int) -> Tally | None:
    """Check the records of a range as if it were a file; None when anything at all is not in order."""
    with io.BufferedReader(_Range(source, start, stop)) as part:
        check = check_warc(part)
    return Tally(len(check.records), check.checked) if check.ok else None


def joined(tallies: Sequence[Tally | None]) -> Tally | None:
    """Return the verdict on the file whose ranges came out so, in order; None when it is for ``check_warc`` to give.

    The first range begins where the file does. If it is in order to its last byte, the second begins where a record
    does, and so on: ``check_warc`` would have gone the same way.
    """
    whole = [tally for tally in tallies if tally is not None]
    file = Tally(sum(tally.records for tally in whole), sum(tally.checked for tally in whole))
    return file if len(whole) == len(tallies) and file.records <= MAX_RECORDS else None


class _Range(io.RawIOBase):
    """The bytes ``[start, stop)`` of a seekable file, as a file."""

    def __init__(self, source: BinaryIO, start: int, stop: int) -> None:
        super().__init__()
        self._source = source
        self._start = start
        self._size = stop - start
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, into: Any) -> int:
        view = memoryview(into).cast("B")[: max(0, self._size - self._at)]
        self._source.seek(self._start + self._at)
        data = self._source.read(len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
