"""A WARC file that no statement names: only what it says of itself can be checked. A large one on all processors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.evidence.verify import Report, Verdict
    from archiver.evidence.warc_ranges import Tally

MAX_PROCESSES = 8
"""Each needs about 50 MB; more would wait for the disk."""
PIECE = 16 * 1024 * 1024
"""Bytes of the file that are worth a process."""
PIECES_EACH = 4
"""Ranges for each process: whoever had easy ones takes another."""


def check_foreign(path: Path) -> Report:
    """Check structure and digests of every record."""
    from archiver.evidence.verify import CheckResult, Report

    tally = _side_by_side(path)
    if tally is not None and tally.records:
        result = CheckResult(3, "pass", _in_order(tally.records, tally.checked))
    else:
        result = CheckResult(3, *_one_by_one(path))
    return Report(
        str(path), (result,), ("who made this file and when: no statement was found or looked for that names it",)
    )


def _in_order(records: int, checked: int) -> str:
    return f"{records} records, digests of {checked} hold, {records - checked} have none"


def _side_by_side(path: Path) -> Tally | None:
    """Check ranges of a large file in processes of their own; None where that is not worth it or finds something.

    Processes and not threads: two threads that each hash small blocks spend their time waiting for the interpreter.
    """
    size = path.stat().st_size
    processes = min(len(os.sched_getaffinity(0)), MAX_PROCESSES, size // PIECE)
    if processes < 2:
        return None
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    from archiver.evidence.warc_ranges import cut, joined

    with path.open("rb") as source:
        ranges = cut(source, size, min(processes * PIECES_EACH, size // PIECE))
    if len(ranges) < 2:
        return None
    try:
        # Forked: what is imported already need not be imported again, and no thread of ours runs yet.
        with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
            return joined([job.result() for job in [pool.submit(_check, path, *each) for each in ranges]])
    except BrokenProcessPool:  # one was killed, for want of memory perhaps; reading from the beginning needs little
        return None


def _check(path: Path, start: int, stop: int) -> Tally | None:
    from archiver.evidence.warc_ranges import check_range

    with path.open("rb") as source:
        return check_range(source, start, stop)


def _one_by_one(path: Path) -> tuple[Verdict, str]:
    """Return verdict and detail after reading the file from its beginning."""
    from concurrent.futures import ThreadPoolExecutor

    from archiver.evidence.warc_check import check_warc

    with path.open("rb") as source, ThreadPoolExecutor(1) as ahead:
        check = check_warc(source, ahead=ahead)
    if check.ok and check.records:
        return "pass", _in_order(len(check.records), check.checked)
    if not check.findings:
        return "fail", f"{path.name}: there is no WARC record in it"
    first = check.findings[0]
    none = "" if check.records else "no WARC record could be read: "
    return "fail", f"{path.name}: {none}at byte {first.offset}: {first.detail} ({first.code})"
