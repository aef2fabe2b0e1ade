"""What a command costs before it does anything: many short runs."""

from __future__ import annotations

from collections.abc import Callable

from bench.archives import new_archive
from bench.machine import machine
from bench.measuring import Numbers, Rounds, in_turn, measure, ratio, spread, values
from bench.places import PYTHON, fresh_folder, program
from bench.tables import Result, Table

BARE = "python -c pass"
VERSION = "archiver --version"
GOAL = 3.0


def suite(runs: int) -> Result:
    """Start each command ``runs`` times, in turn."""
    facts = machine()
    with fresh_folder("startup") as folder:
        archiver = new_archive(folder / "archive", None)
        commands = {
            BARE: [PYTHON, "-c", "pass"],
            VERSION: [program("archiver"), "--version"],
            "archiver --help": [program("archiver"), "--help"],
            "archiver status": [*archiver, "status"],
        }
        measured = in_turn({name: _job(command) for name, command in commands.items()}, runs)
    return Result("startup", facts, [_table(measured, runs)], {"startup": measured})


def _job(command: list[str]) -> Callable[[], Numbers]:
    return lambda: measure(command).numbers


def _table(measured: Rounds, runs: int) -> Table:
    rows = [
        (
            name,
            spread([1000 * wall for wall in values(measured, name, "wall")], 0),
            f"{ratio(measured, name, BARE, 'wall'):.2f}",
            spread([1000 * cpu for cpu in values(measured, name, "cpu")], 0),
            spread(values(measured, name, "rss_mb"), 0),
        )
        for name in measured
    ]
    reached = ratio(measured, VERSION, BARE, "wall")
    verdict = "reached" if reached <= GOAL else "missed"
    goals = [f"goal: {VERSION} at most {GOAL:.0f} times {BARE}: {verdict}, {reached:.2f}"]
    columns = ("command", "wall ms", "x python", "CPU ms", "peak RSS MiB")
    return Table(f"Starting, {runs} runs of each", columns, rows, goals)
