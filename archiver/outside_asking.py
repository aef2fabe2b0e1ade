"""Copies elsewhere asked for by hand, and while the daemon runs: a thread for each archive, so that none waits."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from archiver.custody import require_kept
from archiver.decisions import MAX_NAME, one_line
from archiver.errors import ArchiverError, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.statement import parse_snapshot_id
from archiver.naming import no_snapshot
from archiver.outside_copying import OutsideCopies, copies_of, outbox_row
from archiver.outside_doors import open_outside
from storage.errors import StorageError

if TYPE_CHECKING:
    from archiver.operation import Operation

LOG = logging.getLogger("archiver.outside")
LOOK_S = 1.0
REST_S = 30.0
"""Where nothing was stated, seconds between two looks: retries come due."""
PAUSE_S = 60.0
"""After an error of our own disk or database."""
PATIENCE_S = 120.0
"""How long a question by hand waits for its copies; afterwards the daemon goes on."""


def copies_for(operation: Operation) -> OutsideCopies:
    """The outbox of an operation, with the archives that its settings name."""
    root = operation.archive.files.local_path("")
    return OutsideCopies(operation, open_outside(operation.archive.settings, root, os.environ))


def ask_outside(operation: Operation, values: Json) -> Json:
    """Ask for copies of one snapshot now, and wait for them a while.

    ``values``: ``snapshot``, ``archives[]`` (empty: all that are set up), ``by`` (name of the person). Returns
    ``copies[]`` with ``state``: ``stated`` ``pending`` ``failed`` for each archive and address.
    """
    archive = operation.archive
    name = str(values.get("snapshot"))
    seq = parse_snapshot_id(name)
    row = None if seq is None else archive.index.row("select folder, result from capture where seq = ?", (seq,))
    if seq is None or row is None or not str(row["folder"]).endswith(f"/{name}"):
        raise no_snapshot(name)
    if row["result"] != "stored":
        raise UsageError(f"{name} holds no document: there is nothing to have a copy of")
    require_kept(archive, seq)  # nothing is left to compare a copy with, and asking tells others of the address
    by = one_line("the person's name", values.get("by"), MAX_NAME)
    known = [one.name for one in archive.settings.outside]
    if not known:
        raise UsageError(
            "no web archive is set up", do="add [outside.wayback] to archive.toml (docs/outside-copies.md)"
        )
    names = [str(one) for one in values.get("archives") or known]
    for wanted in names:
        if wanted not in known:
            raise UsageError(f"there is no [outside.{wanted}] in archive.toml", do=f"known: {', '.join(known)}")
    copies = copies_for(operation)
    capture = archive.statement(seq)
    keys = [(part, one) for one in names for part in range(len(capture.body["parts"]))]
    for part, one in keys:
        copies.want(capture, part, one, time.time(), by)
    until = time.monotonic() + PATIENCE_S
    found = []
    for part, one in keys:
        with operation.outside_turns[one]:
            found.append(_wait(operation, copies, (seq, part, one), until))
    return {"copies": found}


def _wait(operation: Operation, copies: OutsideCopies, key: tuple[int, int, str], until: float) -> Json:
    """Take the steps of one row until it is stated, fails, or the time is over."""
    archive = operation.archive
    capture = archive.statement(key[0]).body
    told: Json = {"snapshot": capture["snapshot"], "url": capture["parts"][key[1]]["url"], "archive": key[2]}
    while (row := outbox_row(archive.index, *key)) is not None:
        if row["next_try"] is None:
            return {**told, "state": "failed", "error": row["error"], "copy": None}
        pause = max(0.0, row["next_try"] - time.time())
        if row["attempts"] or time.monotonic() + pause > until:
            return {**told, "state": "pending", "error": row["error"], "copy": None}
        time.sleep(pause)
        copies.advance(row, time.time())
    newest = [b for b in copies_of(archive, told["snapshot"]) if (b["archive"], b["url"]) == (key[2], told["url"])]
    if not newest:
        return {**told, "state": "failed", "error": "the snapshot was disposed of meanwhile", "copy": None}
    keys = ("uri", "copied_at", "compared", "compared_by", "compared_reason", "copy_sha256", "copy_bytes", "seq")
    return {**told, "state": "stated", "error": None, "copy": {name: newest[-1][name] for name in keys}}


class OutsideLoop:
    """Works off the copies of an operation until ``stop`` is set; without an archive set up it does nothing."""

    def __init__(self, operation: Operation, stop: threading.Event) -> None:
        self._operation = operation
        self._copies = copies_for(operation)
        self._stop = stop
        self._collecting = threading.Lock()
        self.threads = [
            threading.Thread(target=self._run, args=(one.name,), name=f"outside-{one.name}", daemon=True)
            for one in operation.archive.settings.outside
        ]

    def start(self) -> None:
        """Start a thread for each archive; what was owed to one that the settings no longer name is given up."""
        try:
            self._copies.start(time.time())
        except StorageError as error:  # the next start does it; watching must not wait for it
            LOG.error("what web archives that are gone were owed is still shown as waiting: %s", error)
        for thread in self.threads:
            thread.start()

    def _run(self, name: str) -> None:
        looked, again = -1, 0.0
        while not self._stop.wait(LOOK_S):
            seen = self._operation.pipeline.ledger.next_seq
            try:
                if seen != looked or time.monotonic() >= again:
                    looked, again = seen, time.monotonic() + REST_S
                    with self._collecting:
                        self._copies.collect(time.time())
                with self._operation.outside_turns[name]:
                    step = self._copies.step(name, time.time())
            except (ArchiverError, StorageError) as error:
                LOG.error("no copies at %s for %d s: %s", name, PAUSE_S, error, extra={"archive": name})
                self._stop.wait(PAUSE_S)
                continue
            if step is not None:
                level = logging.WARNING if step.word in ("again", "given up") else logging.INFO
                words = ("copy of %s at %s %s: %s", step.snapshot, step.archive, step.word, step.detail)
                LOG.log(level, *words, extra={"archive": name, "snapshot": step.snapshot})
