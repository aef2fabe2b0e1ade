"""The append-only list of lines, kept in one file a day; knows lines, not what they say.

``journal/<first seq>-<day>.jsonl``: the seq counts lines from 0 without gaps over all files. A line ends with its
only line feed. The newest file may end torn after a crash; every other damage is ``Corrupt``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import BinaryIO, Final

from storage.errors import Conflict, Corrupt, StorageError, SyncFailed
from storage.interface import Files
from storage.segments import FOLDER, Line, Position, Segment, Tail, in_order, parse_segment, segment_path

LINE_CEILING: Final = 4 << 20
"""Longest line in bytes, line feed included."""
TORN_CEILING: Final = 256 << 20
"""Most bytes that a crash can leave behind the last whole line: more than any batch holds."""
RENEWED: Final = 16 << 20
"""Bytes at the journal's end that the first sync writes again: more than a process leaves between two syncs."""
_BLOCK: Final = 1 << 20


class Journal:
    """Appends lines, finds them again, and names what a crash left behind. One thread writes; any may read."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._tail: Tail | None = None
        self._newest: Segment | None = None
        self._touched: set[str] = set()
        self._opened = False
        self._inherited: tuple[str, int] | None = None
        self._broken = ""

    def segments(self) -> list[Segment]:
        """Return all files, oldest first. ``Corrupt`` for a stranger, a name out of form, a gap or an overlap."""
        return in_order(self._files.list(FOLDER))

    def tail(self) -> Tail:
        """Return where the next line goes and what torn bytes stand there; counts the newest file's lines once."""
        if self._tail is None:
            segments = self.segments()
            self._newest = segments[-1] if segments else None
            self._tail = Tail(0, None, 0, b"")
            if self._newest is not None:
                self._tail = self._measure(self._newest)
                if not self._opened and self._tail.offset:
                    self._inherited = self._newest.path, max(0, self._tail.offset - RENEWED)
            self._opened = True
        return self._tail

    def append(self, first_seq: int, lines: Sequence[bytes], day: date) -> list[Position]:
        """Add lines (each with its line feed) and return where they stand; NOT durable before ``sync``.

        A later day than that of the newest file begins a new file; an earlier one (the clock went back) does not.
        ``ValueError`` for a malformed line, ``Conflict`` when ``first_seq`` is not next, ``Corrupt`` while a torn tail
        waits to be cut. After any other error (``Full``) nothing was added, or the journal refuses all further work.
        """
        self._refuse_if_broken()
        for line in lines:
            if not line.endswith(b"\n") or line.find(b"\n") != len(line) - 1 or len(line) > LINE_CEILING:
                raise ValueError("a journal line ends with its only line feed and is at most 4 MiB long")
        tail = self.tail()
        if tail.torn:
            raise Corrupt(tail.path or FOLDER, f"torn bytes at offset {tail.offset} must be set aside first")
        if first_seq != tail.next_seq:
            raise Conflict(tail.path or FOLDER, f"line {first_seq} cannot follow: the next is {tail.next_seq}")
        if not lines:
            return []
        path, offset = self._place(tail, day)
        self._add(path, offset, b"".join(lines))
        positions = []
        for line in lines:
            positions.append(Position(path, offset, len(line)))
            offset += len(line)
        self._tail = Tail(first_seq + len(lines), path, offset, b"")
        return positions

    def sync(self) -> None:
        """Make every line appended so far durable: THE COMMIT. After ``SyncFailed`` the journal refuses all work.

        The first call also covers the whole lines that an earlier process left without a sync, or whose sync
        failed: these are written again, for the kernel may wrongly take them for written.
        """
        self._refuse_if_broken()
        try:
            self.tail()
            if self._inherited is not None:
                path, offset = self._inherited
                self._files.renew(path, offset)
                self._touched.add(path)
                self._inherited = None
            if self._touched:
                self._files.barrier(sorted(self._touched))
                self._touched.clear()
        except StorageError as error:
            self._broken = str(error)
            raise

    def lines(self, from_seq: int = 0) -> Iterator[Line]:
        """Yield the whole lines from a seq on, opening only the files needed; torn bytes at the end are left out.

        ``Corrupt`` when a file holds fewer or more lines than the next one's name says, or a line is too long.
        """
        segments = self.segments()
        for number, segment in enumerate(segments):
            after = segments[number + 1].first_seq if number + 1 < len(segments) else None
            if after is None or from_seq < after:
                with self._files.open(segment.path) as handle:
                    yield from _lines_of(handle, segment, after, from_seq)

    def read(self, position: Position) -> bytes:
        """Return the line at a position. ``Corrupt`` unless exactly one whole line stands there."""
        folder, _, name = position.path.rpartition("/")
        if folder != FOLDER or not 0 < position.length <= LINE_CEILING or position.offset < 0:
            raise ValueError(position)
        parse_segment(name)
        with self._files.open(position.path) as handle:
            handle.seek(max(position.offset - 1, 0))
            before = handle.read(1) if position.offset else b"\n"
            line = handle.read(position.length)
        if before != b"\n" or line.find(b"\n") != position.length - 1:
            raise Corrupt(position.path, f"no line of {position.length} bytes at offset {position.offset}")
        return line

    def rest(self, path: str, offset: int) -> bytes:
        """Return the bytes of the newest file from a line's beginning on: what ``cut`` would remove."""
        segments = self.segments()
        if not segments or segments[-1].path != path:
            raise Conflict(path, "only the newest journal file can be cut")
        size = self._files.size(path)
        if not 0 <= offset <= size:
            raise Conflict(path, f"offset {offset} lies outside its {size} bytes")
        if size - offset > TORN_CEILING:
            raise Corrupt(path, f"{size - offset} bytes from offset {offset} on are more than a crash can leave")
        with self._files.open(path) as handle:
            handle.seek(max(offset - 1, 0))
            if offset and handle.read(1) != b"\n":
                raise Conflict(path, f"no line begins at offset {offset}")
            return handle.read()

    def cut(self, path: str, offset: int) -> bytes:
        """Remove everything from a line's beginning on from the newest file, and return it.

        The caller keeps the bytes (``rest``, ``tail().torn``) durably first. Not durable before ``sync``.
        """
        self._refuse_if_broken()
        removed = self.rest(path, offset)
        self._files.truncate(path, offset)
        self._tail = None
        self._touched.add(path)
        return removed

    def _measure(self, segment: Segment) -> Tail:
        count = end = size = 0
        with self._files.open(segment.path) as handle:
            while block := handle.read(_BLOCK):
                count += block.count(b"\n")
                if (last := block.rfind(b"\n")) >= 0:
                    end = size + last + 1
                size += len(block)
            if size - end > TORN_CEILING:
                raise Corrupt(segment.path, f"{size - end} bytes without a line feed from offset {end} on")
            handle.seek(end)
            torn = handle.read(size - end)
        return Tail(segment.first_seq + count, segment.path, end, torn)

    def _place(self, tail: Tail, day: date) -> tuple[str, int]:
        """Return the file and offset for the next line; begins a new file when the day moved forward."""
        newest = self._newest
        if newest is not None and day <= newest.day:
            return newest.path, tail.offset
        begun = Segment(segment_path(tail.next_seq, day), tail.next_seq, day)
        if newest is not None and newest.first_seq == tail.next_seq:
            # The newest file is empty (a crash took its lines): it takes the new day's name, in one step.
            self._files.rename(newest.path, begun.path)
            self._touched.discard(newest.path)
            self._touched.add(begun.path)
        elif newest is not None:
            # Else a power loss could keep the new file and lose the end of the old one: a gap in the middle.
            self.sync()
        self._newest = begun
        return begun.path, 0

    def _add(self, path: str, offset: int, data: bytes) -> None:
        self._touched.add(path)
        try:
            self._files.append(path, data)
        except BaseException as error:
            # A part may have been written; what was not synced was not promised, so take it away again.
            try:
                if self._files.exists(path):
                    self._files.truncate(path, offset)
                else:
                    self._touched.discard(path)
                self._tail = None
            except StorageError:
                self._broken = str(error)
            raise

    def _refuse_if_broken(self) -> None:
        if self._broken:
            raise SyncFailed(FOLDER, f"an earlier write failed ({self._broken}), so the journal must be opened again")


def _lines_of(handle: BinaryIO, segment: Segment, after: int | None, from_seq: int) -> Iterator[Line]:
    seq, offset = segment.first_seq, 0
    while data := handle.readline(LINE_CEILING + 1):
        if not data.endswith(b"\n"):
            # Torn after a crash; where even more than a line is torn, ``tail`` and ``cut`` come first.
            if after is None and len(data) <= LINE_CEILING:
                return
            what = "is longer than 4 MiB" if len(data) > LINE_CEILING else "has no line feed"
            raise Corrupt(segment.path, f"line {seq} at offset {offset} {what}")
        if seq == after:
            raise Corrupt(segment.path, f"holds line {seq}, with which the next file begins")
        if seq >= from_seq:
            yield Line(seq, segment.path, offset, data)
        seq += 1
        offset += len(data)
    if after is not None and seq != after:
        raise Corrupt(segment.path, f"ends before line {seq}, but the next file begins with line {after}")
