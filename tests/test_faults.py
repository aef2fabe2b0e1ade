"""Power loss, refused and half-done operations at every place of a scripted run: the invariants hold afterwards.

A clean run counts the operations on both disks (archive and head copy). Then every one of them fails in every way; what
the disk may look like afterwards is taken from the power-loss model, the database as of its last commit, one commit
earlier, or gone. The same code starts again, goes on, loses power once more, and an auditor reads the result. Where
two failures leave the same bytes on both disks, the same database and the same promises, one of them is looked at.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import pytest

from archiver.acts import perform
from archiver.check import INTENTS
from archiver.environment import clock_facts
from archiver.errors import ArchiverError
from archiver.evidence.canonical import decode_line
from archiver.evidence.instant import format_instant
from archiver.signing import LogKey
from archiver.watch.entry import WatchEntry
from storage.errors import Full, StorageError
from storage.index import Index, TableRow
from storage.memory import Fault, MemoryFiles, Mode, PowerLoss
from storage.powerloss import Choice
from tests.invariants import Audit, Told, head_copy_knows_what_was_acknowledged, walk
from tests.simulators.inline_witness import witnessed
from tests.simulators.scripted import BROKEN, FIRST, NOON, ORIGIN, SECOND, Life, live, make

A, B, POLICY = "http://a.example/terms", "http://a.example/news", "http://a.example/policy"
Aftermath = tuple[Literal["killed"] | Choice, int]
"""What is left of the disks, and the seed of what chance decides."""
Database = Literal["last commit", "one commit behind", "lost"]
ALL: tuple[tuple[Aftermath, Database], ...] = (
    (("killed", 0), "last commit"),
    (("killed", 0), "one commit behind"),
    (("lost", 0), "last commit"),
    (("lost", 0), "one commit behind"),
    (("lost", 0), "lost"),
    (("kept", 0), "last commit"),
    (("torn", 1), "last commit"),
    (("torn", 2), "last commit"),
    (("reordered", 1), "last commit"),
    (("reordered", 2), "last commit"),
    (("reordered", 3), "last commit"),
)
SOME = tuple(ALL[n] for n in (0, 2, 6, 9))
TWO = tuple(ALL[n] for n in (0, 2))


@dataclass(frozen=True)
class Manner:
    """A way in which an operation fails, and which of the states after it are looked at."""

    mode: Mode
    states: tuple[tuple[Aftermath, Database], ...]
    error: type[StorageError] | None = None
    go_on: bool = False
    """Carry on after an error as a daemon would; else stop."""


MANNERS = {
    "crash before": Manner("crash_before", ALL),
    "crash after": Manner("crash_after", SOME[1:]),
    "refused": Manner("refused", SOME),
    "done but reported failed": Manner("done_but_failed", SOME),
    "refused and carried on": Manner("refused", TWO, go_on=True),
    "done but reported failed and carried on": Manner("done_but_failed", TWO, go_on=True),
    "disk full and carried on": Manner("refused", TWO, Full, go_on=True),
}


class TwoImages(Index):
    """A database that remembers what it was before its newest commit."""

    def __init__(self) -> None:
        super().__init__(None)
        self.empty = self.image()
        self.behind = self.empty
        self.watched = False

    def apply(self, rows: Iterable[TableRow], operational: Iterable[tuple[str, Sequence[Any]]] = ()) -> None:
        before = self.image() if self.watched else b""
        super().apply(rows, operational)
        self.behind = before or self.behind

    def become(self, image: bytes) -> TwoImages:
        """Become another database."""
        self.load(image)
        self.behind = image
        return self


@cache
def database() -> TwoImages:
    """The one database of these tests: making one takes longer than a whole case."""
    return TwoImages()


@cache
def scratch() -> TwoImages:
    """Where the auditor makes rows again."""
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

    def fingerprint(self, told: Told) -> bytes:
        """Equal where nothing that happens from here on could differ."""
        digest = hashlib.sha256(self.image)
        for files in (self.files, self.head):
            for path in walk(files, ""):
                digest.update(f"{path} {files.size(path)}\n".encode() + files.read(path))
            disk = files._tree.disk
            if disk.pending:
                digest.update(pickle.dumps((disk.durable, disk.is_folder, disk.pending)))
        promised = (sorted(told.entries.items()), sorted(told.checkpoints), sorted(told.intents), sorted(told.files))
        digest.update(repr(promised).encode() + b"".join(told.files[path] for path in sorted(told.files)))
        return digest.digest()


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

    disks: Disks
    life: Life
    told: Told = field(default_factory=Told)
    images: dict[Database, bytes] = field(default_factory=dict)

    def play(self, script: Script, *, go_on: bool = False) -> None:
        """Carry out a script; ``go_on`` after an error as long as the writer lives."""
        database().watched = True
        try:
            for step in script(self.life, self.told):
                try:
                    step()
                except (StorageError, ArchiverError):
                    if not go_on or self.life.writer.fatal is not None:
                        raise
        finally:
            database().watched = False
            index = database()
            self.images = {
                "last commit": index.image(), "one commit behind": index.behind, "lost": index.empty
            }  # fmt: skip
            self.disks.files.fault = self.disks.head.fault = None
            self.note_what_is_durable()

    def note_what_is_durable(self) -> None:
        """An intent that reached the disk counts although nobody was told."""
        left = self.disks.files.after_power_loss("lost")
        for name in left.list("staging"):
            if name.startswith(INTENTS):
                lines = left.read(f"staging/{name}").splitlines(keepends=True)
                self.told.intents |= {str(decode_line(line)["check"]) for line in lines if line.endswith(b"\n")}
        self.told.remember(left)
        head_copy_knows_what_was_acknowledged(self.disks.head.after_power_loss("lost"), self.told)

    def after(self, aftermath: Aftermath, database: Database) -> Disks:
        """What is left after the crash."""
        return self.disks.after(aftermath, self.images[database])


Script = Callable[[Life, Told], Iterator[Callable[[], object]]]


def checked(life: Life, told: Told, *urls: str) -> None:
    """Check addresses in one batch, those that are watched as their documents."""
    documents = {w.entry.urls[0]: w for w in life.archive.watched()}
    pipeline = life.operation.pipeline
    checks = [life.operation.check_of(documents[u], "manual") if u in documents else life.check(u) for u in urls]
    pipeline.intend(checks)
    told.intents |= {one.id for one in checks}
    finished = [pipeline.capture(one) for one in checks]
    told.hear([future.result() for future in life.writer.batch(finished)])


def published(life: Life, told: Told) -> None:
    """Publish; somebody fetches the head."""
    life.operation.publish()
    told.checkpoints.add(life.archive.files.read("log/checkpoint"))


ENTRY = WatchEntry("Example", "Terms", (POLICY,), 3600)


def checks(life: Life, told: Told) -> Iterator[Callable[[], object]]:
    """Watch, batches with every kind of ending, stamps and checkpoints between."""
    operation = life.operation
    yield lambda: operation.watch("added", [(None, ENTRY)])
    yield lambda: checked(life, told, POLICY, "http://a.example/refused", "http://a.example/denied")
    yield lambda: published(life, told)
    yield lambda: operation.stamp_step("forge", at_once=True)
    # Two wordings of one document in a batch: the second is assessed once the first has its row.
    yield lambda: checked(life, told, A, POLICY, POLICY, B, "http://a.example/large")
    yield lambda: operation.stamp_step("forge", at_once=True)
    yield lambda: published(life, told)
    yield lambda: operation.stamp_step("forge", at_once=True)
    yield lambda: checked(life, told, POLICY, "http://a.example/cut")
    yield lambda: published(life, told)


def acts(life: Life, told: Told) -> Iterator[Callable[[], object]]:
    """What people state about a document with two wordings and a snapshot in quarantine."""

    def act(name: str, **values: object) -> None:
        perform(life.operation, name, values)
        told.hear_of(life.archive.files)

    clause = "You may cancel within fourteen days"
    (watched,) = life.archive.watched()
    row = life.archive.index.row("select capture_seq as seq from assessment where version is null")
    held = life.archive.snapshot_name(row["seq"] if row else -1)
    yield lambda: act("mark", subject=watched.document, exact=clause)
    yield lambda: act("decide", event="released", snapshots=[held], by="A. Analyst")
    yield lambda: act("annotate", subject="EA-P-000001", by="A. Analyst", severity="high", text="Read this.")
    yield lambda: published(life, told)
    yield lambda: life.operation.watch("changed", [(watched.document, replace(ENTRY, select=("main p",)))])
    # Each capture of the past is read again by the rules of today: two texts that nobody has seen yet, and one again.
    yield lambda: act("derive", present_rules=True)
    yield lambda: act("absence", document=watched.document, **{"from": "2026-05-12", "to": "2026-05-12"})
    yield lambda: act("annotate", annotation="EA-A-000001", by="A. Analyst", withdraw=True)
    yield lambda: act("unmark", provision="EA-P-000001")
    yield lambda: published(life, told)


def custody(life: Life, told: Told) -> Iterator[Callable[[], object]]:
    """Holds and disposals over the same history; a text that is gone is captured again, and goes again."""

    def act(name: str, **values: object) -> None:
        perform(life.operation, name, values)
        told.hear_of(life.archive.files)

    first, second, third, held = (
        life.archive.snapshot_name(row["seq"])
        for row in life.archive.index.rows("select seq from capture order by seq")
    )
    why = {"by": "A. Clerk", "reason": "the time is over"}
    yield lambda: act("hold", event="hold_set", hold="h", subjects=[second], **why)
    yield lambda: act("dispose", snapshots=[first, third], **why)
    yield lambda: checked(life, told, POLICY)
    yield lambda: act("hold", event="hold_released", hold="h", subjects=[], **why)
    yield lambda: act("dispose", snapshots=[second, held], **why)
    yield lambda: published(life, told)
    yield lambda: act("dispose", snapshots=[_newest(life)], **why)
    yield lambda: published(life, told)


def witnesses(life: Life, told: Told) -> Iterator[Callable[[], object]]:
    """Two snapshots under heads that a witness cosigns, the second after it has seen the first."""
    witnessing = witnessed(life, MemoryFiles())
    for url in (A, B):
        yield lambda url=url: checked(life, told, url)  # type: ignore[misc]
        yield lambda: published(life, told)
        yield lambda: life.operation.stamp_step("forge", at_once=True)
        yield lambda: witnessing.step("expert", at_once=True)
    yield lambda: published(life, told)


def _newest(life: Life) -> str:
    row = life.archive.index.row("select max(seq) as seq from capture")
    return life.archive.snapshot_name(row["seq"] if row else -1)


@cache
def with_history() -> Disks:
    """An archive of one document: two wordings, the first one twice, and an answer that was held back."""
    disks = founded().after(("kept", 0))
    index, told = database().become(disks.image), Told()
    life = live(disks.files, disks.head, index, key(), seed=2)
    life.operation.watch("added", [(None, ENTRY)])
    life.capturer.pages[POLICY] = (FIRST, SECOND, FIRST, BROKEN)
    for _ in range(4):
        checked(life, told, POLICY)
    life.operation.publish()
    return Disks(disks.files, disks.head, index.image())


SCRIPTS: dict[str, tuple[Callable[[], Disks], Script]] = {
    "checks": (founded, checks),
    "acts": (with_history, acts),
    "custody": (with_history, custody),
    "witnesses": (founded, witnesses),
}
"""Name of each scripted run, the archive it begins with, and what is done."""
WRITTEN = {
    "checks": "gz jsonl json txt salt links tsr pem tlog-proof head",
    "acts": "jsonl txt salt head",
    "custody": "gz jsonl json txt salt links head",
    "witnesses": "gz jsonl json tsr tlog-proof cosig head",
}
"""Files of these kinds are among what each run writes; without them it would be tried in vain."""


def begin(name: str, where: str = "", fault: Fault | None = None) -> Run:
    """A run over an archive as it was, with a fault in one of its two disks."""
    disks = SCRIPTS[name][0]().after(("kept", 0))
    run = Run(disks, live(disks.files, disks.head, database().become(disks.image), key(), seed=3))
    run.told.hear_of(disks.files)
    for place, files in (("archive", disks.files), ("head copy", disks.head)):
        files.operations.clear()
        files.fault = fault if place == where else None
    return run


@cache
def operations(name: str) -> tuple[tuple[str, int, str], ...]:
    """Disk, number and name of every operation of a run without faults."""
    run = begin(name)
    run.play(SCRIPTS[name][1])
    audit(run.disks, run.told)
    disks = (("archive", run.disks.files), ("head copy", run.disks.head))
    return tuple((where, n, name) for where, files in disks for n, name in enumerate(files.operations))


def audit(disks: Disks, told: Told) -> None:
    Audit(disks.files, disks.head).everything(told, database(), scratch=scratch().become(scratch().empty))


def fail(name: str, where: str, number: int, manner: Manner) -> Run:
    """Run until an operation fails, or to the end where that is survived."""
    run = begin(name, where, Fault(number, manner.mode, manner.error))
    try:
        run.play(SCRIPTS[name][1], go_on=manner.go_on)
    except PowerLoss:
        assert manner.mode.startswith("crash")
    except (StorageError, ArchiverError):
        assert not manner.mode.startswith("crash")
    return run


_LOOKED_AT: set[bytes] = set()


def restart_and_go_on(disks: Disks, told: Told, seed: int = 100) -> None:
    """Start over what is left, audit, check and publish once more, lose power, start and audit again."""
    if (known := disks.fingerprint(told)) in _LOOKED_AT:
        return
    _LOOKED_AT.add(known)
    told = Told(dict(told.entries), set(told.checkpoints), set(told.intents), dict(told.files))
    index = database().become(disks.image)
    life = live(disks.files, disks.head, index, key(), seed)
    audit(disks, told)
    checked(life, told, A, POLICY)
    life.operation.publish()
    told.remember(disks.files.after_power_loss("lost"))
    later = Disks(disks.files, disks.head, index.image()).after(("lost", 0))
    live(later.files, later.head, index, key(), seed + 1)
    audit(later, told)
    assert not any(op.startswith("append") for op in later.files.operations), "a start with nothing owed states nothing"


def tried(cases: Iterable[tuple[str, Callable[[], None]]]) -> tuple[int, list[str]]:
    """Run all cases; return how many there were, and what broke, each with its name."""
    count, before, broken = 0, len(_LOOKED_AT), []
    for name, case in cases:
        count += 1
        try:
            case()
        except (AssertionError, ArchiverError, StorageError) as error:
            broken.append(f"{name}: {type(error).__name__} {str(error)[:300]}")
    print(f"{count} cases, {len(_LOOKED_AT) - before} unlike any before")
    return count, broken


CLOCK = clock_facts(NOON)
"""What the kernel says of its clock, read once: else no two runs would leave the same bytes."""


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Thousands of expected errors are not worth writing down."""
    for module in ("archiver.drafting", "archiver.leftovers"):
        monkeypatch.setattr(f"{module}.clock_facts", lambda now: {**CLOCK, "wall": format_instant(now)})
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_invariants_1_to_7_hold_after_a_fault_at_every_operation(script: str, manner: str) -> None:
    how = MANNERS[manner]

    def cases() -> Iterator[tuple[str, Callable[[], None]]]:
        for where, number, name in operations(script):
            run = fail(script, where, number, how)
            for aftermath, database in how.states:
                disks = run.after(aftermath, database)
                yield (
                    f"{where} {number} {name[:100]}: {aftermath}, database {database}",
                    lambda run=run, disks=disks: restart_and_go_on(disks, run.told),  # type: ignore[misc]
                )

    count, broken = tried(cases())
    assert count == len(operations(script)) * len(how.states)
    assert not broken, f"{manner}: {len(broken)} of {count} cases\n" + "\n".join(broken[:40])


def test_the_runs_are_long_enough_to_mean_something() -> None:
    names = [name for script in SCRIPTS for _, _, name in operations(script)]
    assert len(names) > 200
    assert sum(len(manner.states) for manner in MANNERS.values()) * len(names) > 3000
    for verb in ("append", "barrier", "create", "data", "rename", "replace", "remove", "write"):
        assert any(name.startswith(verb) for name in names), verb
    assert SCRIPTS.keys() == WRITTEN.keys()
    for script, kind in ((script, kind) for script, kinds in WRITTEN.items() for kind in kinds.split()):
        assert any(name.endswith(f".{kind}") for _, _, name in operations(script)), f"{script} writes no {kind}"


def test_invariants_1_to_7_hold_after_a_crash_during_recovery_from_a_crash() -> None:
    """Start-up itself is interrupted at each of its own operations, for every third operation of the runs."""

    def cases() -> Iterator[tuple[str, Callable[[], None]]]:
        for script in SCRIPTS:
            for where, number, name in operations(script)[::3]:
                run = fail(script, where, number, MANNERS["crash before"])
                first: Aftermath = ("reordered", number) if number % 2 else ("killed", 0)
                yield from second(run, f"{script}: {where} {number} {name[:60]}: {first}", first)

    def second(run: Run, name: str, first: Aftermath) -> Iterator[tuple[str, Callable[[], None]]]:
        for step in range(1000):
            disks = run.after(first, "last commit")
            disks.files.fault = Fault(step, "crash_before")
            try:
                live(disks.files, disks.head, database().become(disks.image), key(), 50)
            except PowerLoss:
                how: Aftermath = ("killed", 0) if step % 2 else ("lost", 0)
                left = Disks(disks.files, disks.head, database().image()).after(how)
                yield f"{name}, then at {step} of recovery", lambda left=left: restart_and_go_on(left, run.told)  # type: ignore[misc]
            else:
                return

    count, broken = tried(cases())
    assert count > 300
    assert not broken, f"{len(broken)} of {count} cases\n" + "\n".join(broken[:40])
