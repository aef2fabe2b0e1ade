"""A bundle of one snapshot of 100 MB against ``sha256sum`` and ``zip -0`` of the same folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from bench.corpus import make_dense
from bench.machine import machine
from bench.measuring import Numbers, Rounds, in_turn, measure, ratio, spread, values
from bench.places import SCRATCH, fresh_folder
from bench.tables import Result, Table
from bench.wacz import captured

OURS, PLAIN = "archiver export", "sha256sum + zip -0"
GOAL = 0.5
SYNCED = "cd {folder} && sha256sum * > SHA256SUMS && zip -0 -q -r {target} . && sync {target}"


def suite(rounds: int, megabytes: int) -> Result:
    """Hand out one snapshot with a response that no packing makes smaller; both sync the file they write."""
    if shutil.which("zip") is None:
        raise SystemExit("zip is missing: as root run apt-get install zip, or make bench")
    facts = machine()
    with fresh_folder("bundle") as folder:
        archiver, (snapshot,) = captured(folder, make_dense(SCRATCH / "heavy", 1, megabytes * 1_000_000))
        (stored,) = (folder / "archive").glob(f"snapshots/*/*/*/{snapshot}")
        copy = shutil.copytree(stored, folder / "copy")
        target = folder / "out.zip"
        commands = {
            OURS: [*archiver, "export", snapshot, "--output", str(target), "--no-record"],
            PLAIN: ["sh", "-ec", SYNCED.format(folder=copy, target=target)],
        }
        measured = in_turn({name: _job(command, target) for name, command in commands.items()}, rounds)
        size = (stored / "capture.warc.gz").stat().st_size
    return Result("bundle", facts, [_table(measured, size)], {"bundle": measured})


def _job(command: list[str], target: Path) -> Callable[[], Numbers]:
    def job() -> Numbers:
        target.unlink(missing_ok=True)
        return {**measure(command).numbers, "bytes": target.stat().st_size}

    return job


def _table(measured: Rounds, size: int) -> Table:
    rows = [
        (
            name,
            spread(values(measured, name, "wall"), 2),
            spread([size / 1e6 / wall for wall in values(measured, name, "wall")], 0),
            f"{1 / ratio(measured, name, PLAIN, 'wall'):.2f}",
            spread(values(measured, name, "cpu"), 2),
            spread(values(measured, name, "rss_mb"), 0),
        )
        for name in measured
    ]
    reached = 1 / ratio(measured, OURS, PLAIN, "wall")
    verdict = "reached" if reached >= GOAL else "missed"
    goals = [f"goal: {OURS} at least {GOAL} times as fast as {PLAIN}: {verdict}, {reached:.2f}"]
    columns = ("writer", "wall s", "MB/s", f"x {PLAIN}", "CPU s", "peak RSS MiB")
    return Table(f"Bundle of one snapshot, {size / 1e6:.0f} MB of WARC", columns, rows, goals)
