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
from typing import Any

from archiver.acts import perform
from archiver.decisions import waiting
from archiver.operation import Operation, open_operation
from archiver.outcome import Outcome
from archiver.watch.entry import WatchEntry

IN_FLIGHT = 8
PAGES = ("/terms", "/news", "/private/page", "/missing", "/coded", "/cut")
POLICIES = ("/policy", "/privacy", "/terms")
"""Watched; the wordings of the first two change."""


def say(text: str) -> None:
    """One write for each line: short ones arrive whole, whenever we are killed."""
    os.write(1, f"{text}\n".encode())


def acknowledged(_: int, outcome: Outcome) -> None:
    say(f"ack {outcome.capture.seq} {outcome.capture.entry_hex}")
    if outcome.assessment is not None:
        say(f"ack {outcome.assessment.seq} {outcome.assessment.entry_hex}")


def act(operation: Operation, name: str, **values: Any) -> None:
    """State something, and say so."""
    made = perform(operation, name, values)
    entry = made.get("statement_sha256") or made["decisions"][0]["statement_sha256"]
    row = operation.archive.index.row("select seq from statement where entry = ?", (bytes.fromhex(entry),))
    assert row is not None
    say(f"ack {row['seq']} {entry}")


def work(operation: Operation, site: str, server: int) -> None:
    """Watch, check, decide, publish, without end; ends by itself only when the server is gone."""
    for turn in count():
        if os.getppid() != server:
            return
        watched = operation.archive.watched()
        if turn % 4 == 0 and len(watched) < 12:
            path = POLICIES[len(watched) % len(POLICIES)]
            operation.watch("added", [(None, WatchEntry("Example", f"Terms {turn}", (f"{site}{path}",), 3600))])
            watched = operation.archive.watched()
        pages = PAGES if turn % 5 else (*PAGES, "/large")
        checks = [operation.pipeline.new_check([f"{site}{page}"], trigger="manual") for page in pages]
        # Of the first one two checks are in flight at once: it may have two wordings in one batch.
        for document in (watched[0], watched[0], watched[turn % len(watched)]):
            checks.append(operation.check_of(document, "scheduled"))
        operation.capture(checks, acknowledged)
        if held := waiting(operation.archive)[:1]:
            event = "released" if turn % 3 else "confirmed"
            act(operation, "decide", event=event, snapshots=[held[0]["snapshot"]], by="A. Analyst")
            act(operation, "annotate", subject=held[0]["document"], by="A. Analyst", text=f"Turn {turn}.")
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
