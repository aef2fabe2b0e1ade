"""Work for the one writer: done here when nobody holds the archive, handed to the daemon when it does."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from archiver.capture.target import BadTarget, locate
from archiver.control import ask_daemon, daemon_pid
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

    def act(self, name: str, values: Json, progress: Callable[[int, int], None] | None = None) -> Json:
        """Do one of ``archiver.acts``; return what it made."""
        ...

    def settle(self, *, stamp: bool) -> list[str]:
        """Publish a checkpoint and, with ``stamp``, try each authority and witness once; return warnings."""
        ...


CREW = 4
"""Most processes of a crew; the cores decide below that."""


class LocalWork:
    """Work done in this process; a context manager around an ``Operation``. Of one operation there is one."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._turns = {name: threading.Lock() for name in operation.authorities}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What start-up found that a person should know."""
        return self.operation.recovered.warnings

    def __enter__(self) -> LocalWork:
        self.operation.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.operation.close()

    def muster(self) -> None:
        """Prepare for a large batch; only before this work is entered."""
        wanted = min(self.operation.checks.concurrency, os.cpu_count() or 1, CREW)
        if wanted > 1:
            self.operation.muster(wanted)

    def capture(self, targets: Sequence[Target], progress: Progress) -> list[Json]:
        """Check every target now."""
        operation = self.operation
        checks = []
        for target in targets:
            if "document" in target:
                checks.append(operation.check_of(operation.archive.document(target["document"]), "manual"))
            else:
                checks.append(operation.pipeline.new_check([fetchable(target["url"])], trigger="manual"))
        results: list[Json] = [{} for _ in checks]

        def done(number: int, outcome: Outcome) -> None:
            results[number] = outcome.to_json()
            progress(number, results[number])

        operation.capture(checks, done)
        return results

    def watch(self, event: str, entries: Sequence[tuple[str | None, WatchEntry]]) -> list[str]:
        """State watch entries."""
        checked = [(name, checked_entry(entry)) for name, entry in entries]
        for _, entry in checked:
            for url in entry.urls:
                fetchable(url)
            if event in ("added", "changed"):
                self._require_outside(entry)
        return self.operation.watch(event, checked)

    def _require_outside(self, entry: WatchEntry) -> None:
        """Nobody is to believe that copies are asked for of an archive that is not set up."""
        known = [one.name for one in self.operation.archive.settings.outside]
        for name in entry.outside:
            if name not in known:
                raise UsageError(
                    f"no copies can be asked for of {name!r}", do=f"set up [outside.{name}] in archive.toml"
                )

    def act(self, name: str, values: Json, progress: Callable[[int, int], None] | None = None) -> Json:
        """Do one of ``archiver.acts``."""
        from archiver.acts import perform

        return perform(self.operation, name, values, progress)

    def stamp_step(self, name: str, *, at_once: bool = False) -> StampFailure | bool:
        """``Operation.stamp_step`` in turn: one authority is asked by one thread at a time.

        Two would ask for the same token, and replies that come together would get the same path: the second would
        replace the first, which is stated already.
        """
        with self._turns[name]:
            return self.operation.stamp_step(name, at_once=at_once)

    def revocation_step(self, name: str) -> list[str] | None:
        """Ask about one chain of an authority, in turn with its stamping; warnings, or None when nothing was stated."""
        from archiver.revocation_asking import revocation_step  # slow to load, and often not needed
        from archiver.revocations import may_be_due

        with self._turns[name]:
            if not may_be_due(self.operation.archive, name, self.operation.pipeline.now()):
                return None
            done = revocation_step(self.operation, name)
        return None if done is None else done.warnings

    def request_stamp(self, seq: int) -> list[str]:
        """State that a token over one statement is wanted, and ask each authority now."""
        operation = self.operation
        operation.archive.statement(seq)
        if operation.authorities and all(_has_token(operation, name, seq) for name in operation.authorities):
            return []
        operation.request_stamp(seq)
        warnings = [] if operation.authorities else ["no timestamp authority is configured"]
        for name in operation.authorities:
            with self._turns[name]:
                # The daemon's own thread may have been quicker: the request just stated is owed work to it.
                answer = _has_token(operation, name, seq) or operation.stamp_statement(name, seq)
            if isinstance(answer, StampFailure):
                warnings.append(f"no timestamp from {name}: {answer.detail}; it stays pending")
        if operation.pipeline.ledger.can_publish:
            operation.publish()
        return warnings

    def settle(self, *, stamp: bool) -> list[str]:
        """Publish, ask authorities, then witnesses; publish again so that a checkpoint covers the ``stamp`` statements.

        What the issuers of their certificates say is fetched where it is owed; what could not be had is stated, and no
        warning.

        An authority is asked for the newest checkpoint, then for statements as long as it wants no pause between.
        """
        operation = self.operation
        if not operation.pipeline.ledger.can_publish:
            return ["no checkpoint was published: the passphrase of the log key was not given"]
        warnings: list[str] = []
        operation.publish()
        if not stamp:
            return warnings
        stamped = False
        for name in operation.authorities:
            answer = self.stamp_step(name, at_once=True)
            stamped = stamped or answer is True
            while answer is True and not operation.authorities[name].min_interval_s:
                answer = self.stamp_step(name)
            if isinstance(answer, StampFailure):
                warnings.append(f"no timestamp from {name}: {answer.detail}; it stays pending")
        for name in operation.authorities:
            while (told := self.revocation_step(name)) is not None:
                warnings += told
                stamped = True
        for name in operation.witnessing.witnesses:
            answer = operation.witnessing.step(name, at_once=True)
            stamped = stamped or answer is True
            if isinstance(answer, StampFailure):
                warnings.append(f"no cosignature from {name}: {answer.detail}; it stays pending")
        if stamped:
            operation.publish()
        return warnings


class RemoteWork:
    """Work handed to the running daemon."""

    warnings: tuple[str, ...] = ()
    """None of its own: the daemon's are in its log and in ``status``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> RemoteWork:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close: each request has its own connection."""

    def muster(self) -> None:
        """Nothing to prepare: the daemon has its own way."""

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

    def act(self, name: str, values: Json, progress: Callable[[int, int], None] | None = None) -> Json:
        """Do one of ``archiver.acts``, in the daemon."""
        for reply in self._ask({"do": "act", "name": name, "values": values}):
            if "made" in reply:
                made: Json = reply["made"]
                return made
            if progress is not None:
                progress(int(reply["step"]), int(reply["of"]))
        raise ArchiveLocked("the daemon gave no answer", do="try again")


def answer(work: LocalWork, request: Json) -> Iterator[Json]:
    """The daemon's side of ``RemoteWork``."""
    match request.get("do"):
        case "capture":
            yield from _capture_and_tell(work, request["targets"])
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
        case "act":
            yield from _act_and_tell(work, str(request["name"]), dict(request["values"]))
        case "ping":
            yield {"pong": os.getpid()}
        case other:
            raise UsageError(f"unknown request {other!r}")


def _capture_and_tell(work: LocalWork, targets: Sequence[Target]) -> Iterator[Json]:
    """Tell each outcome when it is there."""

    def run(tell: Callable[[Json], None]) -> None:
        work.capture(targets, lambda number, outcome: tell({"number": number, "outcome": outcome}))

    return _told_while(run)


def _act_and_tell(work: LocalWork, name: str, values: Json) -> Iterator[Json]:
    """Tell how far an act is, and at last what it made."""

    def run(tell: Callable[[Json], None]) -> None:
        tell({"made": work.act(name, values, lambda step, of: tell({"step": step, "of": of}))})

    return _told_while(run)


def _told_while(run: Callable[[Callable[[Json], None]], None]) -> Iterator[Json]:
    """Yield what ``run`` tells while it runs. A client that goes away stops nothing: what it asked for is done."""
    told: queue.SimpleQueue[Json | None] = queue.SimpleQueue()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            run(told.put)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that answers
            failed.append(error)
        finally:
            told.put(None)

    thread = threading.Thread(target=work, name="control-work", daemon=True)
    thread.start()
    while (item := told.get()) is not None:
        yield item
    thread.join()
    if failed:
        raise failed[0]


def _has_token(operation: Operation, authority: str, seq: int) -> bool:
    row = operation.archive.index.row(
        "select 1 as x from stamp where event = 'token' and subject = 'statement'"
        " and subject_seq = ? and authority = ?",
        (seq, authority),
    )
    return row is not None


@lru_cache(maxsize=4096)  # the command line asks before the archive is opened, the writer again before it begins
def fetchable(url: str) -> str:
    """Return the address if it can be asked for; ``UsageError`` says why not, before a check is begun for it."""
    url = checked_url(url)
    try:
        locate(url)
    except BadTarget as error:
        raise UsageError(error.failure.detail, do="correct the address") from error
    return url


def open_work(root: Path, passphrase: Passphrase, *, wait_s: float = LOCK_WAIT_S) -> LocalWork | RemoteWork:
    """Open the archive for work, or the way to the daemon that holds it; ``ArchiveLocked`` after ``wait_s``."""
    until = time.monotonic() + wait_s
    while True:
        if daemon_pid(root) is not None:
            return RemoteWork(root)
        try:
            left = until - time.monotonic()
            return LocalWork(open_operation(root, passphrase, wait_s=max(0.0, min(0.5, left))))
        except ArchiveLocked:
            if time.monotonic() >= until:
                raise
