"""Work for the one writer: done here when nobody holds the archive, handed to the daemon when it does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from archiver.control import ask_daemon
from archiver.errors import ArchiveLocked, UsageError
from archiver.operation import LOCK_WAIT_S, Operation, Passphrase, open_operation
from archiver.outcome import Outcome
from archiver.stamp.interface import StampFailure
from archiver.watch.entry import WatchEntry, checked_entry, checked_url

Json = dict[str, Any]
Target = dict[str, str]
"""``{"document": "EA-D-00001"}`` or ``{"url": "https://…"}``."""
Progress = Callable[[int, Json], None]


class Work(Protocol):
    """What commands ask of the writer."""

    def capture(self, targets: Sequence[Target], progress: Progress) -> list[Json]:
        """Check every target now; return their outcomes (``capture --json``) in order."""
        ...

    def watch(self, event: str, entries: Sequence[tuple[str | None, WatchEntry]]) -> list[str]:
        """State watch entries; return the documents' identifiers."""
        ...

    def request_stamp(self, seq: int) -> list[str]:
        """State that a token over one statement is wanted, and ask each authority now; return warnings."""
        ...

    def settle(self, *, stamp: bool) -> list[str]:
        """Publish a checkpoint and, with ``stamp``, try each authority once; return warnings."""
        ...


class LocalWork:
    """Work done in this process; a context manager around an ``Operation``."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    def __enter__(self) -> LocalWork:
        self.operation.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.operation.close()

    def capture(self, targets: Sequence[Target], progress: Progress) -> list[Json]:
        """Check every target now."""
        operation = self.operation
        checks = []
        for target in targets:
            if "document" in target:
                checks.append(operation.check_of(operation.archive.document(target["document"]), "manual"))
            else:
                checks.append(operation.pipeline.new_check([checked_url(target["url"])], trigger="manual"))
        results: list[Json] = [{} for _ in checks]

        def done(number: int, outcome: Outcome) -> None:
            results[number] = outcome.to_json()
            progress(number, results[number])

        operation.capture(checks, done)
        return results

    def watch(self, event: str, entries: Sequence[tuple[str | None, WatchEntry]]) -> list[str]:
        """State watch entries."""
        return self.operation.watch(event, [(name, checked_entry(entry)) for name, entry in entries])

    def request_stamp(self, seq: int) -> list[str]:
        """State that a token over one statement is wanted, and ask each authority now."""
        operation = self.operation
        operation.archive.statement(seq)
        operation.request_stamp(seq)
        warnings = [] if operation.authorities else ["no timestamp authority is configured"]
        for name in operation.authorities:
            answer = operation.stamp_statement(name, seq)
            if isinstance(answer, StampFailure):
                warnings.append(f"no timestamp from {name}: {answer.detail}; it stays pending")
        if operation.pipeline.ledger.can_publish:
            operation.publish()
        return warnings

    def settle(self, *, stamp: bool) -> list[str]:
        """Publish and stamp once, then publish again so that the checkpoint covers the ``stamp`` statements."""
        operation = self.operation
        if not operation.pipeline.ledger.can_publish:
            return ["no checkpoint was published: the passphrase of the log key was not given"]
        warnings: list[str] = []
        operation.publish()
        if not stamp:
            return warnings
        stamped = False
        for name in operation.authorities:
            answer = operation.stamp_step(name, at_once=True)
            if isinstance(answer, StampFailure):
                warnings.append(f"no timestamp from {name}: {answer.detail}; it stays pending")
            stamped = stamped or answer is True
        if stamped:
            operation.publish()
        return warnings


class RemoteWork:
    """Work handed to the running daemon."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> RemoteWork:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close: each request has its own connection."""

    def _ask(self, request: Json) -> Iterator[Json]:
        replies = ask_daemon(self._root, os.environ, request)
        if replies is None:
            raise ArchiveLocked("the daemon went away", do="try again")
        return replies

    def capture(self, targets: Sequence[Target], progress: Progress) -> list[Json]:
        """Check every target now, in the daemon."""
        results: list[Json] = [{} for _ in targets]
        for reply in self._ask({"do": "capture", "targets": list(targets)}):
            results[reply["number"]] = reply["outcome"]
            progress(reply["number"], reply["outcome"])
        return results

    def watch(self, event: str, entries: Sequence[tuple[str | None, WatchEntry]]) -> list[str]:
        """State watch entries, in the daemon."""
        packed = [[name, entry.to_json()] for name, entry in entries]
        return [reply["document"] for reply in self._ask({"do": "watch", "event": event, "entries": packed})]

    def request_stamp(self, seq: int) -> list[str]:
        """Ask for a token over one statement, in the daemon."""
        return [reply["warning"] for reply in self._ask({"do": "stamp", "seq": seq})]

    def settle(self, *, stamp: bool) -> list[str]:
        """Have the daemon publish and stamp now."""
        return [reply["warning"] for reply in self._ask({"do": "settle", "stamp": stamp})]


def answer(work: LocalWork, request: Json) -> Iterator[Json]:
    """The daemon's side of ``RemoteWork``."""
    import queue

    match request.get("do"):
        case "capture":
            told: queue.SimpleQueue[Json] = queue.SimpleQueue()
            work.capture(request["targets"], lambda n, outcome: told.put({"number": n, "outcome": outcome}))
            while not told.empty():
                yield told.get()
        case "watch":
            entries = [(name, WatchEntry.from_json(entry)) for name, entry in request["entries"]]
            for name in work.watch(request["event"], entries):
                yield {"document": name}
        case "stamp":
            for warning in work.request_stamp(int(request["seq"])):
                yield {"warning": warning}
        case "settle":
            for warning in work.settle(stamp=bool(request["stamp"])):
                yield {"warning": warning}
        case "ping":
            yield {"pong": os.getpid()}
        case other:
            raise UsageError(f"unknown request {other!r}")


def open_work(root: Path, passphrase: Passphrase, *, wait_s: float = LOCK_WAIT_S) -> LocalWork | RemoteWork:
    """Open the archive for work, or the way to the daemon that holds it; ``ArchiveLocked`` after ``wait_s``."""
    import time

    until = time.monotonic() + wait_s
    while True:
        replies = ask_daemon(root, os.environ, {"do": "ping"})
        if replies is not None:
            for _ in replies:
                pass
            return RemoteWork(root)
        try:
            left = until - time.monotonic()
            return LocalWork(open_operation(root, passphrase, wait_s=max(0.0, min(0.5, left))))
        except ArchiveLocked:
            if time.monotonic() >= until:
                raise
