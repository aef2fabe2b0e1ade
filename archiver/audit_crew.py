"""The same checks of many snapshots in several processes, which check at once what one interpreter does by turns.

Processes and not threads: threads that each do little wait for each other at the interpreter. Each opens the archive
for itself, since no database connection may be used on both sides of a fork; what it finds does not depend on which
of them looked, and comes back in the order of the log.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from archiver.evidence.verify import Report

MAX_PROCESSES = 8
"""Each needs about 50 MB; more would wait for the disk."""
WORTH = 64
"""Snapshots that are worth a process: making one takes about as long as checking ten."""
TURN = 16
"""Snapshots that a process takes at a time."""
_PR_SET_PDEATHSIG = 1


class Auditor(Protocol):
    """Checks the snapshots of one archive."""

    def seq(self, seq: int) -> Report:
        """Verify the snapshot of one capture statement."""
        ...


_auditor: Auditor | None = None
"""Of a process of the crew; the one that forked it has none."""


def crew_for(snapshots: int) -> int:
    """How many processes so many snapshots are worth; 1 means: check them here."""
    return max(1, min(len(os.sched_getaffinity(0)), MAX_PROCESSES, snapshots // WORTH))


@contextmanager
def crew_of(again: Callable[[], Auditor] | None, seqs: Sequence[int]) -> Iterator[Iterator[Report]]:
    """Set a crew to work on these capture statements; give its reports in order. ``again`` opens the archive anew.

    The reports end early, without an error, when a process of the crew dies (for want of memory perhaps): the caller
    goes on alone with what was not reported. There are none without ``again``, or where a crew is not worth while.
    """
    size = crew_for(len(seqs))
    if again is None or size < 2:
        yield iter(())
        return
    gc.freeze()  # what is there now stays; a process that looked through it would copy it all
    pool = ProcessPoolExecutor(size, mp_context=get_context("fork"), initializer=_begin, initargs=(again, os.getpid()))
    try:
        yield _until_broken(_given(pool, seqs))
    finally:
        pool.shutdown(cancel_futures=True)
        gc.unfreeze()


def _given(pool: ProcessPoolExecutor, seqs: Sequence[int]) -> Iterator[Report]:
    """The reports to come; none where a process died before all the work was given out."""
    try:
        return pool.map(_report, seqs, chunksize=TURN)
    except BrokenProcessPool:
        return iter(())


def _until_broken(reports: Iterator[Report]) -> Iterator[Report]:
    with suppress(BrokenProcessPool):
        yield from reports


def _begin(again: Callable[[], Auditor], parent: int) -> None:
    """Open the archive; end with the process that asked, whatever ends it."""
    global _auditor
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that asked
    _auditor = again()


def _report(seq: int) -> Report:
    assert _auditor is not None
    return _auditor.seq(seq)
