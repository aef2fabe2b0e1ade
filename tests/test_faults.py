"""Power loss, refused and half-done operations at every place of a scripted run: the invariants hold afterwards.

A clean run counts the operations on both disks (archive and head copy). Then every one of them fails in every way; what
the disk may look like afterwards is taken from the power-loss model, the database as of its last commit, one commit
earlier, or gone. The same code starts again, goes on, loses power once more, and an auditor of its own reads the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import pytest

from archiver.errors import ArchiverError
from archiver.evidence.canonical import decode_line
from archiver.signing import LogKey
from archiver.watch.entry import WatchEntry
from storage.errors import StorageError
from storage.index import Index
from storage.memory import MODES, Fault, MemoryFiles, Mode, PowerLoss
from storage.powerloss import Choice
from tests.invariants import Audit, Told
from tests.simulators.scripted import ORIGIN, Life, live, make

A, B = "http://a.example/terms", "http://a.example/news"
Aftermath = tuple[Literal["killed"] | Choice, int]
AFTERMATHS: tuple[Aftermath, ...] = (
    ("killed", 0),
    ("lost", 0),
    ("kept", 0),
    ("torn", 1),
    ("torn", 2),
    ("reordered", 1),
    ("reordered", 2),
    ("reordered", 3),
)
Database = Literal["last commit", "one commit behind", "lost"]


class TwoImages(Index):
    """A database that remembers what it was before its newest commit."""

    def __init__(self) -> None:
        super().__init__(None)
        self.empty = self.image()
        self.behind = self.empty

    def apply(self, rows, operational=()):  # type: ignore[no-untyped-def]  # as in Index
        before = self.image()
        super().apply(rows, operational)
        self.behind = before

    def become(self, image: bytes) -> TwoImages:
        """Become another database."""
        self.load(image)
        self.behind = image
        return self


@cache
def database() -> TwoImages:
    return TwoImages()


@cache
def scratch() -> TwoImages:
    return TwoImages()


@dataclass(frozen=True)
class Disks:
    """Everything that outlives a process."""

    files: MemoryFiles
    head: MemoryFiles
    image: bytes

    def after(self, aftermath: Aftermath, database: bytes | None = None) -> Disks:
        """What is left of it."""
        how, seed = aftermath
        image = self.image if database is None else database
        if how == "killed":
            return Disks(self.files.after_kill(), self.head.after_kill(), image)
        return Disks(self.files.after_power_loss(how, seed), self.head.after_power_loss(how, seed), image)


@cache
def key() -> LogKey:
    return LogKey.generate(ORIGIN)


@cache
def founded() -> Disks:
    """An archive that was just founded."""
    files, head, index = MemoryFiles(), MemoryFiles(), database().become(database().empty)
    make(files, head, index, key())
    return Disks(files, head, index.image())


@dataclass
class Run:
    """A scripted run until its end or its crash, and what the outside was told by then."""

    files: MemoryFiles
    head: MemoryFiles
    index: TwoImages
    told: Told = field(default_factory=Told)
    steps: int = 0

    def disks(self) -> Disks:
        return Disks(self.files, self.head, self.index.image())

    def play(self, life: Life, *, go_on: bool = False) -> None:
        """Carry out the script; ``go_on`` after an error as a daemon would, as long as the writer lives."""
        for step in script(life, self.told):
            try:
                step()
            except (StorageError, ArchiverError):
                if not go_on or life.writer.fatal is not None:
                    raise
            self.steps += 1


def script(life: Life, told: Told) -> Iterator[Callable[[], object]]:
    """Watch, two batches with every kind of ending, stamps and checkpoints between."""
    operation = life.operation

    def check(*urls: str) -> None:
        documents = {w.entry.urls[0]: w for w in life.archive.watched()}
        checks = [operation.check_of(documents[u], "manual") if u in documents else life.check(u) for u in urls]
        operation.pipeline.intend(checks)
        told.intents |= {one.id for one in checks}
        finished = [operation.pipeline.capture(one) for one in checks]
        told.hear([future.result() for future in life.writer.batch(finished)])

    def publish() -> None:
        operation.publish()
        told.checkpoints.add(life.archive.files.read("log/checkpoint"))

    entry = WatchEntry("Example", "Terms", (A,), 3600)
    yield lambda: operation.watch("added", [(None, entry)])
    yield lambda: check(A, "http://a.example/refused", "http://a.example/denied")
    yield publish
    yield lambda: operation.stamp_step("forge", at_once=True)
    yield lambda: check(A, B, "http://a.example/large")
    yield lambda: operation.stamp_step("forge", at_once=True)
    yield publish
    yield lambda: operation.stamp_step("forge", at_once=True)
    yield lambda: check("http://a.example/cut")
    yield publish


def begin(fault: Fault | None, where: str) -> tuple[Run, Life]:
    """A run over the archive just founded, with a fault in one of its two disks."""
    disks = founded().after(("kept", 0))
    run = Run(disks.files, disks.head, database().become(disks.image))
    life = live(disks.files, disks.head, run.index, key(), seed=1)
    for place, files in (("archive", disks.files), ("head copy", disks.head)):
        files.operations.clear()
        files.fault = fault if place == where else None
    return run, life


@cache
def clean() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The operations of a run without faults, on the archive's disk and on that of the head copy."""
    run, life = begin(None, "")
    run.play(life)
    audit(run.disks(), run.told)
    return tuple(run.files.operations), tuple(run.head.operations)


def audit(disks: Disks, told: Told) -> None:
    Audit(disks.files, disks.head).everything(told, database(), scratch=scratch().become(scratch().empty))


def crash(number: int, mode: Mode, where: str, *, go_on: bool = False) -> Run:
    """Run until operation ``number`` fails, or to the end where the failure is survived."""
    run, life = begin(Fault(number, mode), where)
    try:
        run.play(life, go_on=go_on)
    except PowerLoss:
        assert mode.startswith("crash")
    except (StorageError, ArchiverError):
        assert not mode.startswith("crash")
    run.files.fault = run.head.fault = None
    note_durable_intents(run)
    return run


def note_durable_intents(run: Run) -> None:
    """An intent that reached the disk counts although nobody was told."""
    left = run.files.after_power_loss("lost")
    for name in left.list("staging"):
        path = f"staging/{name}/intent.json"
        if left.exists(path) and left.read(path).endswith(b"\n"):
            run.told.intents.add(str(decode_line(left.read(path))["check"]))
    run.told.remember(left)


def told_again(told: Told) -> Told:
    return Told(dict(told.entries), set(told.checkpoints), set(told.intents), dict(told.files))


def restart_and_go_on(disks: Disks, told: Told, seed: int) -> Disks:
    """Start over what is left, audit, check and publish once more, lose power, start and audit again."""
    told = told_again(told)
    index = database().become(disks.image)
    life = live(disks.files, disks.head, index, key(), seed)
    audit(disks, told)
    told.hear(life.run(life.check(A)))
    life.operation.publish()
    told.remember(disks.files.after_power_loss("lost"))
    later = Disks(disks.files, disks.head, index.image()).after(("lost", 0))
    life = live(later.files, later.head, index, key(), seed + 1)
    before = len(later.files.operations)
    audit(later, told)
    again = live(later.files, later.head, index, key(), seed + 2)
    assert again.operation.recovered.statements == life.operation.recovered.statements
    assert not any(op.startswith("append") for op in later.files.operations[before:]), "a clean start states nothing"
    return later


def cases(mode: Mode) -> Iterator[tuple[int, str]]:
    archive, head = clean()
    yield from ((number, "archive") for number in range(len(archive)))
    yield from ((number, "head copy") for number in range(len(head)))


def aftermaths(mode: Mode) -> Iterator[tuple[Aftermath, Database]]:
    """Every state that is left behind, each with the databases that can go with it."""
    for aftermath in AFTERMATHS:
        yield aftermath, "last commit"
    yield ("lost", 0), "lost"
    yield ("killed", 0), "one commit behind"


@pytest.mark.parametrize("mode", MODES)
def test_invariants_hold_after_a_fault_at_every_operation(mode: Mode) -> None:
    """Invariants 1 to 7, at every operation, for every state of the disk that is possible afterwards."""
    count = 0
    broken: list[str] = []
    for number, where in cases(mode):
        run = crash(number, mode, where)
        images = {"last commit": run.index.image(), "one commit behind": run.index.behind, "lost": run.index.empty}
        for aftermath, database in aftermaths(mode):
            count += 1
            try:
                restart_and_go_on(run.disks().after(aftermath, images[database]), run.told, 100)
            except (AssertionError, ArchiverError, StorageError) as error:
                name = clean()[0 if where == "archive" else 1][number]
                broken.append(f"{where} {number} {name[:90]} {mode} {aftermath} db {database}: {type(error).__name__} {str(error)[:200]}")
    print(f"{mode}: {count} cases")
    assert not broken, f"{len(broken)} of {count}\n" + "\n".join(broken[:40])
    assert count > 300
