"""Many snapshots are checked by several processes: with the same words as by one, and whatever becomes of them."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from archiver import audit_crew
from archiver.archive import open_archive
from archiver.audit import Audit
from archiver.errors import ArchiveDamaged
from archiver.evidence.verify import Report
from tests.cli.box import until
from tests.simulators.archives import Workshop, workshop

CHECKED = 12


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """An archive of enough snapshots for every process to have a turn."""
    with workshop(tmp_path_factory.mktemp("crew"), ()) as shop:
        shop.capture(shop.archive(shop.folder / "archive"), [shop.site.url("/terms")] * CHECKED, stamp=False)
        yield shop


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few snapshots are worth a process, and a turn is short."""
    monkeypatch.setattr(audit_crew, "WORTH", 2)
    monkeypatch.setattr(audit_crew, "TURN", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})


def opener(shop: Workshop, root: Path) -> Callable[[], Audit]:
    return lambda: Audit(open_archive(root, environment=shop.environment))


def everything(again: Callable[[], Audit], crew: Callable[[], Audit] | None) -> tuple[list[Report], int]:
    steps: list[None] = []
    return list(again().all(lambda: steps.append(None), crew)), len(steps)


def test_a_crew_says_what_one_process_says(shop: Workshop) -> None:
    again = opener(shop, shop.folder / "archive")
    alone, _ = everything(again, None)
    crew, steps = everything(again, again)
    assert crew == alone
    assert steps == CHECKED == len(crew) - 1


def test_the_checks_are_made_in_other_processes(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    again = opener(shop, shop.folder / "archive")
    here, there = os.getpid(), shop.folder / "there"
    whole = Audit.seq

    def noted(self: Audit, seq: int) -> Report:
        with there.open("a") as notes:
            notes.write(f"{os.getpid()}\n")
        return whole(self, seq)

    monkeypatch.setattr(Audit, "seq", noted)
    everything(again, again)
    seen = {int(line) for line in there.read_text().split()}
    assert len(seen) > 1
    assert here not in seen


def test_a_spoiled_snapshot_is_found_by_a_crew(shop: Workshop, tmp_path: Path) -> None:
    root = tmp_path / "archive"
    shutil.copytree(shop.folder / "archive", root)
    spoiled = sorted(root.glob("snapshots/*/*/*/EA-S-*"))[7]
    data = bytearray((spoiled / "capture.warc.gz").read_bytes())
    data[-1] ^= 1
    (spoiled / "capture.warc.gz").write_bytes(data)
    reports, _ = everything(opener(shop, root), opener(shop, root))
    assert [report.subject for report in reports if report.verdict == "fail"] == [spoiled.name]


def test_when_a_process_is_killed_the_rest_is_checked_here(shop: Workshop) -> None:
    again = opener(shop, shop.folder / "archive")

    def killed() -> Audit:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    reports, steps = everything(again, killed)
    assert reports == everything(again, None)[0]
    assert steps == CHECKED


def test_a_process_that_is_killed_before_the_work_is_given_out_changes_nothing(shop: Workshop) -> None:
    """``submit`` itself fails then, which a slow machine meets now and then."""
    again = opener(shop, shop.folder / "archive")
    submit = ProcessPoolExecutor.submit
    given: list[int] = []

    def late(pool: ProcessPoolExecutor, *work: Any, **more: Any) -> Future[Any]:
        given.append(1)
        if len(given) == 2:
            (pid, *_) = pool._processes
            os.kill(pid, signal.SIGKILL)
            until(lambda: pool._broken)
        return submit(pool, *work, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProcessPoolExecutor, "submit", late)
        reports, steps = everything(again, again)
    assert len(given) == 2 and reports == everything(again, None)[0]
    assert steps == CHECKED


def test_an_error_in_the_crew_is_the_error_of_the_command(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    again = opener(shop, shop.folder / "archive")

    def damaged(_: Audit, seq: int) -> Report:
        raise ArchiveDamaged(f"statement {seq} is not there", do="look")

    monkeypatch.setattr(Audit, "seq", damaged)
    with pytest.raises(ArchiveDamaged, match="statement 1 is not there"):
        everything(again, again)


def test_whoever_stops_early_leaves_no_process_behind(shop: Workshop) -> None:
    again = opener(shop, shop.folder / "archive")
    born = shop.folder / "born"

    def noted() -> Audit:
        with born.open("a") as notes:
            notes.write(f"{os.getpid()}\n")
        return again()

    reports = again().all(lambda: None, noted)
    next(reports)
    next(reports)
    reports.close()  # type: ignore[attr-defined]
    assert born.read_text()
    for process in map(int, born.read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_few_snapshots_are_checked_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_crew, "WORTH", 64)
    assert [audit_crew.crew_for(snapshots) for snapshots in (0, 63, 127, 128, 10_000)] == [1, 1, 1, 2, 3]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert audit_crew.crew_for(10**6) == audit_crew.MAX_PROCESSES
