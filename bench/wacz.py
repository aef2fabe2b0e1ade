"""A WACZ of 100 MB of WARC: ours from an archive, py-wacz from the same bytes; py-wacz then reads both."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.archives import new_archive
from bench.corpus import make_pages
from bench.machine import machine
from bench.measuring import Numbers, Rounds, in_turn, measure, ratio, spread, values
from bench.places import PYTHON, SCRATCH, fresh_folder, peer, program
from bench.tables import Result, Table
from bench.website import served

OURS, ONE_FILE, MANY_FILES, LIMIT = "archiver export", "wacz create, one file", "wacz create", "stored zip with SHA-256"
GOAL = 5.0
"""For 100 MB in one WARC."""
BYTES = 420_000
"""Of pages for each document asked for, however many snapshots they are then: 100 MB of WARC for 1000."""


def suite(rounds: int, documents: int) -> Result:
    """Package the same number of bytes from one snapshot, from large ones and from many small ones, in turn."""
    facts = machine()
    every: dict[str, Rounds] = {}
    tables = []
    for count in sorted({1, max(1, documents // 10), documents}):
        measured, together = _packaged(count, BYTES * documents // count, rounds)
        every[_snapshots(count)] = measured
        tables.append(_table(measured, count, together))
    return Result("wacz", facts, tables, every)


def _packaged(documents: int, size: int, rounds: int) -> tuple[Rounds, int]:
    """Measure every writer on one archive; return the bytes of its WARCs too."""
    names = make_pages(SCRATCH / "heavy", documents, size)
    with fresh_folder("wacz") as folder:
        archiver, snapshots = captured(folder, names)
        warcs = _beside(folder)
        whole, target = folder / "whole.warc.gz", folder / "out.wacz"
        with whole.open("wb") as out:
            for warc in warcs:
                out.write(warc.read_bytes())
        commands = {
            OURS: lambda some: [*archiver, "export", *snapshots[:some], "--output", str(target), "--no-record"],
            MANY_FILES: lambda some: [program("wacz"), "create", "-o", str(target), "-f", *map(str, warcs[:some])],
            ONE_FILE: lambda some: [
                program("wacz"),
                "create",
                "-o",
                str(target),
                "-f",
                str(warcs[0] if some else whole),
            ],
            LIMIT: lambda some: [PYTHON, peer("stored_zip.py"), str(target), *map(str, warcs[:some])],
        }
        jobs = {name: _job(command, target, name) for name, command in commands.items()}
        return in_turn(jobs, rounds), whole.stat().st_size


def captured(folder: Path, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Capture documents into a new archive and publish; return the beginning of its commands, and the snapshots."""
    with served(SCRATCH / "heavy", SCRATCH / "nginx") as site:
        (folder / "urls.txt").write_text("".join(site.url(name) + "\n" for name in names))
        limits = ("network.max_bytes=1073741824", "network.max_content_bytes=1073741824")
        archiver = new_archive(folder / "archive", site, *limits)
        measure([*archiver, "capture", "--no-stamp", "--from", str(folder / "urls.txt")])
    return archiver, sorted(path.name for path in (folder / "archive").glob("snapshots/*/*/*/*"))


def _beside(folder: Path) -> list[Path]:
    """The WARCs under names of their own, for py-wacz puts all into one folder."""
    (folder / "warcs").mkdir()
    found = []
    for path in sorted((folder / "archive").glob("snapshots/*/*/*/*/capture.warc.gz")):
        found.append(folder / "warcs" / f"{path.parent.name}.warc.gz")
        found[-1].hardlink_to(path)
    return found


def _job(command: Callable[[int | None], list[str]], target: Path, name: str) -> Callable[[], Numbers]:
    """Package all of it, and the first snapshot alone: what a command costs whatever it packages."""
    checked: list[bool] = []

    def job() -> Numbers:
        target.unlink(missing_ok=True)
        start = measure(command(1)).wall
        target.unlink()
        numbers = measure(command(None)).numbers
        if not checked and name != LIMIT:  # once: what was measured is a package
            measure([program("wacz"), "validate", "-f", str(target)])
            checked.append(True)
        with zipfile.ZipFile(target) as made:
            assert sum(info.file_size for info in made.infolist() if info.filename.endswith(".gz")) > 0
        return {**numbers, "less_start": max(numbers["wall"] - start, 0.001), "bytes": target.stat().st_size}

    return job


def _table(measured: Rounds, documents: int, size: int) -> Table:
    rows = [
        (
            name,
            spread(values(measured, name, "wall"), 2),
            f"{1 / ratio(measured, name, ONE_FILE, 'wall'):.1f}",
            f"{1 / ratio(measured, name, ONE_FILE, 'less_start'):.1f}" if documents > 1 else "–",
            f"{1 / ratio(measured, name, MANY_FILES, 'wall'):.1f}",
            spread(values(measured, name, "cpu"), 2),
            spread(values(measured, name, "rss_mb"), 0),
        )
        for name in measured
    ]
    reached = 1 / ratio(measured, OURS, ONE_FILE, "wall")
    if documents == 1:
        verdict = "reached" if reached >= GOAL else "missed"
        goals = [f"goal: {OURS} at least {GOAL:.0f} times as fast as {ONE_FILE}: {verdict}, {reached:.1f}"]
    else:
        goals = [f"no goal, what many snapshots cost: {reached:.1f} times as fast as {ONE_FILE}"]
    columns = (
        "writer",
        "wall s",
        f"x {ONE_FILE}",
        "the same, less its start",
        f"x {MANY_FILES}",
        "CPU s",
        "peak RSS MiB",
    )
    return Table(f"WACZ of {_snapshots(documents)}, {size / 1e6:.0f} MB of WARC", columns, rows, goals)


def _snapshots(count: int) -> str:
    return "one snapshot" if count == 1 else f"{count} snapshots"
