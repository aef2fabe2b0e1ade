"""Checks every record of any WARC file, ours or not: structure, gzip checksums, block and payload digests.

Two ways lead to the same verdicts. Whole batches of ordinary gzip members are inflated and hashed in memory,
on two threads where asked; whatever is large or not quite in order is read by the bounded ``Walker``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from archiver.evidence.warc_batch import MAX_INFLATED, Inflated, check_batch, inflate_batch
from archiver.evidence.warc_feed import Damage
from archiver.evidence.warc_gzip import MAGIC
from archiver.evidence.warc_head import Finding, Head
from archiver.evidence.warc_verdict import RecordCheck, Wanted
from archiver.evidence.warc_walk import Walked, Walker

MAX_RECORDS = 10_000_000
"""Records of one file that are looked at; the rest is a finding."""
_FIRST = 64 * 1024
_BATCH = 512 * 1024
"""Bytes of the file in one batch: what it inflates to should still be in the cache when it is hashed."""

_RATIO = 10
"""Room for inflated bytes per stored byte; where it is not enough, fewer members fit a batch."""


class Job(Protocol):
    """Work that runs meanwhile, as ``concurrent.futures.Future``."""

    def result(self) -> Inflated:
        """Wait for it."""
        ...


class Ahead(Protocol):
    """Someone who does work meanwhile, as ``concurrent.futures.Executor``; threads come in like all else."""

    def submit(self, work: Callable[[Inflated], Inflated], batch: Inflated, /) -> Job:
        """Begin the work."""
        ...


@dataclass(frozen=True, slots=True)
class WarcCheck:
    """The verdict on a file."""

    gzip: bool
    records: tuple[RecordCheck, ...]
    findings: tuple[Finding, ...]
    """Everything that is not in order, in the order of the file; those of records included."""

    @property
    def ok(self) -> bool:
        """True when nothing was found; a record without a digest is no finding, see ``unchecked``."""
        return not self.findings

    @property
    def checked(self) -> int:
        """Number of records of which a digest was compared."""
        return sum(1 for record in self.records if record.checked)

    @property
    def unchecked(self) -> int:
        """Number of records of which no digest could be compared."""
        return len(self.records) - self.checked


def check_warc(
    source: BinaryIO, *, payloads: bool = True, ahead: Ahead | None = None, max_records: int = MAX_RECORDS
) -> WarcCheck:
    """Check the seekable file from its beginning; never raises for what it holds.

    Without ``payloads`` only block digests are compared. ``ahead`` (a ``ThreadPoolExecutor(1)``) inflates the
    next batch while this one is hashed. Memory: three batches at most (``_BATCH`` and what it inflates to, at most
    ``warc_batch.MAX_INFLATED``), and one small value per record. Records are judged as they follow each other;
    that a member also begins where a crafted file pretends one begins is for the reader by offset to find.
    """
    check = _Check(max_records, payloads)
    try:
        walker = Walker(source, check.observe)
    except Damage as damage:
        return WarcCheck(False, (), (Finding(damage.code, 0, damage.what),))
    check.run(source, walker, ahead)
    return WarcCheck(walker.gzip, tuple(check.records), tuple(check.findings))


class _Check:
    """The verdicts so far."""

    def __init__(self, max_records: int, payloads: bool) -> None:
        self._max = max_records
        self._payloads = payloads
        self._buffers: list[bytearray] = []
        self.records: list[RecordCheck] = []
        self.findings: list[Finding] = []

    def observe(self, head: Head, offset: int) -> Wanted:
        """Hash what the header states digests of."""
        return Wanted(head, offset, payloads=self._payloads)

    def run(self, source: BinaryIO, walker: Walker, pool: Ahead | None) -> None:
        """Take batches as long as they come out even, then one record by the walk, and again."""
        size = _FIRST
        while True:
            start = walker.boundary
            if start is not None:
                stop, even = self._batches(source, start, size, pool)
                # a file in which every record needs the walk must not cost a large batch each time
                size = _BATCH if even else _FIRST
                if stop != start:
                    walker.go_to(stop)
            walked = walker.next()
            if walked is None:
                return
            if len(self.records) >= self._max:
                self.findings.append(Finding("too_many_records", walked.offset, f"more than {self._max} records"))
                return
            self._add(walked)

    def _add(self, walked: Walked) -> None:
        self.findings += walked.findings
        if walked.head is None:
            return
        observer = walked.observer
        wanted = observer if isinstance(observer, Wanted) else self.observe(walked.head, walked.offset)
        block, payload = wanted.fed() if walked.whole else wanted.unread()
        self.findings += wanted.findings
        length = walked.end - walked.offset
        head = walked.head
        self.records.append(RecordCheck(walked.offset, length, head.id, head.type, block, payload))

    def _buffer(self, packed: int) -> bytearray:
        """Return room for what a batch of this many bytes is likely to inflate to, used room if there is any."""
        room = min(_RATIO * packed, MAX_INFLATED)
        while self._buffers:
            buffer = self._buffers.pop()
            if len(buffer) >= room:
                return buffer
        return bytearray(room)

    def _batches(self, source: BinaryIO, start: int, size: int, pool: Ahead | None) -> tuple[int, bool]:
        """Check batches from ``start`` on; return where they stopped and whether more than one came out even.

        A batch ends where bytes look like the beginning of a member. That is a guess, and harmless: the next
        batch counts only if this one really stopped there.
        """
        running: deque[Job | Inflated] = deque()
        planned: deque[int] = deque()
        read, even, over = start, 0, False
        while True:
            while not over and len(running) < (2 if pool and even else 1):
                source.seek(read)
                data = source.read(size)
                over = len(data) < size
                data = data if over else data[: max(data.rfind(MAGIC), 0)]
                if not data:
                    over = True
                    break
                batch = Inflated(data, read, self._buffer(len(data)))
                running.append(pool.submit(inflate_batch, batch) if pool and even else inflate_batch(batch))
                read += len(data)
                planned.append(read)
                size = min(2 * size, _BATCH)
            if not running:
                return start, even > 1
            job = running.popleft()
            inflated = job if isinstance(job, Inflated) else job.result()
            checked = check_batch(inflated, self._payloads)
            self._buffers.append(inflated.buffer)
            self.records += checked.records
            self.findings += checked.findings
            start = checked.end
            if start != planned.popleft() or len(self.records) >= self._max:
                for rest in running:  # inflated for nothing; their buffers are wanted again
                    self._buffers.append((rest if isinstance(rest, Inflated) else rest.result()).buffer)
                return start, even > 1
            even += 1
