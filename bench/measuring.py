"""Runs whole processes and measures them: wall clock, CPU of all children, peak memory; in turn, several rounds."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GNU_TIME = ("/usr/bin/time", "-q", "-f", "%M", "-o", "{}")
Numbers = dict[str, float]
Rounds = dict[str, list[Numbers]]
"""System -> what was measured in each round."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command."""

    wall: float
    cpu: float
    """Seconds of user and system time, of the process and of every child it waited for."""
    rss_mb: float
    """Peak resident set of the largest process, MiB."""
    code: int
    out: str

    @property
    def numbers(self) -> Numbers:
        """What goes into a result."""
        return {"wall": self.wall, "cpu": self.cpu, "rss_mb": self.rss_mb}


def measure(command: Sequence[str], *, env: Mapping[str, str] | None = None, fine: Sequence[int] = (0,)) -> Run:
    """Run a command to its end; an exit code that is not in ``fine`` ends the benchmark with what it said.

    Peak memory is read through GNU time where there is one: the kernel lets a child begin with the size of the
    process that made it, and ours is larger than some of the programs we measure.
    """
    with tempfile.NamedTemporaryFile() as peak, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        timed = [*(GNU_TIME if Path(GNU_TIME[0]).exists() else ()), *command]
        timed = [peak.name if word == "{}" else word for word in timed]
        began = time.perf_counter()
        process = subprocess.Popen(
            timed, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, **(env or {})}
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = code = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text = out.read().decode("utf-8", "replace")
        if code not in fine:
            raise SystemExit(f"{' '.join(command)} ended with {code}\n{text[-500:]}\n{err.read().decode()[-2000:]}")
        kilobytes = int((Path(peak.name).read_text().split() or [str(usage.ru_maxrss)])[-1])
    return Run(wall, usage.ru_utime + usage.ru_stime, kilobytes / 1024, code, text)


def in_turn(systems: Mapping[str, Callable[[], Numbers]], rounds: int) -> Rounds:
    """Run A B C, A B C, …: what disturbs the machine for a while disturbs all of them."""
    measured: Rounds = {name: [] for name in systems}
    for number in range(rounds):
        for name, run in systems.items():
            numbers = run()
            measured[name].append(numbers)
            shown = " ".join(f"{key}={value:.4g}" for key, value in numbers.items())
            print(f"  round {number + 1} {name}: {shown}", file=sys.stderr, flush=True)
    return measured


def values(measured: Rounds, system: str, key: str) -> list[float]:
    """Return one figure of one system, round by round."""
    return [numbers[key] for numbers in measured[system]]


def median(numbers: Sequence[float]) -> float:
    return statistics.median(numbers)


def spread(numbers: Sequence[float], digits: int) -> str:
    """Write a figure as ``median (min-max)``."""
    if not numbers:
        return "-"
    low, middle, high = min(numbers), median(numbers), max(numbers)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


def ratio(measured: Rounds, system: str, peer: str, key: str) -> float:
    """Return how many times the peer's median the system's is."""
    return median(values(measured, system, key)) / median(values(measured, peer, key))
