"""Lives that are to be killed: a process that forks one over a real archive for each line it is given.

``python -m tests.simulators.crash_child ARCHIVE STATE SITE`` loads the software once. For each line on standard input a
child opens the archive (recovery first) and captures in a loop with eight checks in flight. On standard output stand
``pid N``, then a line ``ack SEQ SHA256`` for each statement the moment it is acknowledged, then ``ended STATUS``.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

from archiver.operation import Operation, open_operation
from archiver.outcome import Outcome
from archiver.watch.entry import WatchEntry

IN_FLIGHT = 8
PAGES = ("/terms", "/news", "/private/page", "/missing", "/terms", "/coded", "/news", "/cut")


def say(text: str) -> None:
    """One write for each line: short ones arrive whole, whenever we are killed."""
    os.write(1, f"{text}\n".encode())


def acknowledged(_: int, outcome: Outcome) -> None:
    say(f"ack {outcome.capture.seq} {outcome.capture.entry_hex}")
    if outcome.assessment is not None:
        say(f"ack {outcome.assessment.seq} {outcome.assessment.entry_hex}")


def work(operation: Operation, site: str, server: int) -> None:
    """Watch, check, publish, without end; ends by itself only when the server is gone."""
    for turn in count():
        if os.getppid() != server:
            return
        if turn % 4 == 0:
            operation.watch("added", [(None, WatchEntry("Example", f"Terms {turn}", (f"{site}/terms",), 3600))])
        pages = PAGES if turn % 5 else (*PAGES, "/large")
        checks = [operation.pipeline.new_check([f"{site}{page}"], trigger="manual") for page in pages]
        checks.append(operation.check_of(operation.archive.watched()[0], "scheduled"))
        operation.capture(checks, acknowledged)
        if turn % 2:
            operation.publish()


def live(root: Path, state: Path, site: str, server: int) -> None:
    """One life."""
    with open_operation(root, lambda: None, environment={"XDG_STATE_HOME": str(state)}, wait_s=10) as operation:
        say("open")
        work(operation, site, server)


def main(root: str, state: str, site: str) -> None:
    """Fork a life for each line; the server itself has no threads, so that a fork copies everything."""
    for _ in sys.stdin:
        server = os.getpid()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                live(Path(root), Path(state), site, server)
                status = 0
            finally:
                os._exit(status)
        say(f"pid {child}")
        say(f"ended {os.waitpid(child, 0)[1]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
