"""Checks every record of any WARC file, ours or not: structure, gzip checksums, block and payload digests.

Two ways lead to the same verdicts. Whole batches of ordinary gzip members are inflated and hashed in memory,
on several threads where asked; whatever is large or not quite in order is read by the bounded ``Walker``.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

from archiver.evidence.warc_batch import Batch, RecordCheck, Wanted, check_batch
from archiver.evidence.warc_feed import Damage
from archiver.evidence.warc_gzip import MAGIC
from archiver.evidence.warc_head import Finding, Head
from archiver.evidence.warc_walk import Walked, Walker

MAX_RECORDS = 10_000_000
"""Records of one file that are looked at; the rest is a finding."""
_SMALL_BATCH = 256 * 1024
_LARGE_BATCH = 2 * 1024 * 1024


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


def check_warc(source: BinaryIO, *, workers: int = 1, max_records: int = MAX_RECORDS) -> WarcCheck:
    """Check the seekable file from its beginning; never raises for what it holds.

    ``workers`` above 1 inflates and hashes on that many threads. Memory: a few batches of 2 MiB and what they
    inflate to (at most ``warc_batch.MAX_INFLATED`` a member), and one small value per record.
    """
    check = _Check(max_records)
    try:
        walker = Walker(source, check.observe)
    except Damage as damage:
        return WarcCheck(False, (), (Finding(damage.code, 0, damage.what),))
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            check.run(source, walker, pool, workers)
    else:
        check.run(source, walker, None, 1)
    return WarcCheck(walker.gzip, tuple(check.records), tuple(check.findings))


class _Check:
    """The verdicts so far."""

    def __init__(self, max_records: int) -> None:
        self._max = max_records
        self._wanted: Wanted | None = None
        self.records: list[RecordCheck] = []
        self.findings: list[Finding] = []

    def observe(self, head: Head) -> Wanted:
        """Hash what the header states digests of."""
        self._wanted = Wanted(head)
        return self._wanted

    def run(self, source: BinaryIO, walker: Walker, pool: ThreadPoolExecutor | None, workers: int) -> None:
        """Alternate between batches, as long as they come out even, and single records."""
        size = _SMALL_BATCH
        while True:
            start = walker.boundary
            if start is not None:
                stop, even = self._batches(source, start, size, pool, workers)
                # a file in which every record needs the slow way must not cost a large batch each time
                size = _LARGE_BATCH if even else _SMALL_BATCH
                if stop != start:
                    walker.go_to(stop)
            if len(self.records) >= self._max:
                if walker.next() is not None:
                    self.findings.append(Finding("too_many_records", 0, f"more than {self._max} records"))
                return
            walked = walker.next()
            if walked is None:
                return
            self._add(walked)

    def _add(self, walked: Walked) -> None:
        self.findings += walked.findings
        if walked.head is None:
            return
        wanted = walked.observer
        assert wanted is None or isinstance(wanted, Wanted)
        if wanted is None or not walked.whole:
            verdicts = Wanted(walked.head).unread(walked.offset)
        else:
            verdicts = wanted.verdicts(walked.offset)
        self.findings += verdicts.findings
        self.records.append(
            RecordCheck(
                offset=walked.offset,
                length=walked.end - walked.offset,
                id=walked.head.id,
                type=walked.head.type,
                block=verdicts.block,
                payload=verdicts.payload,
            )
        )

    def _batches(
        self, source: BinaryIO, start: int, size: int, pool: ThreadPoolExecutor | None, workers: int
    ) -> tuple[int, bool]:
        """Check batches from ``start`` on; return where they stopped and whether more than one came out even.

        A batch ends where bytes look like the beginning of a member. That is a guess, and harmless: the next
        batch counts only if this one really stopped there.
        """
        running: deque[tuple[int, Future[Batch] | Batch]] = deque()
        ahead, even, over = start, 0, False
        while True:
            while not over and len(running) < (workers + 1 if pool and even else 1):
                source.seek(ahead)
                data = source.read(size)
                over = len(data) < size
                cut = len(data) if over else data.rfind(MAGIC)
                if cut <= 0:
                    over = True
                    break
                job = pool.submit(check_batch, data, cut, ahead) if pool else check_batch(data, cut, ahead)
                running.append((ahead + cut, job))
                ahead += cut
                size = min(2 * size, _LARGE_BATCH)
            if not running:
                return start, even > 1
            planned, job = running.popleft()
            batch = job.result() if isinstance(job, Future) else job
            self.records += batch.records
            self.findings += batch.findings
            start = batch.end
            if batch.end != planned or len(self.records) >= self._max:
                for _, rest in running:
                    if isinstance(rest, Future):
                        rest.cancel()
                return start, even > 1
            even += 1
