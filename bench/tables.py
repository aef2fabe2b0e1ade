"""Results as tables: for the terminal, for the page, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.places import PAGE, RESULTS


@dataclass(frozen=True, slots=True)
class Table:
    """One comparison; ``goals`` are lines that say what was wanted and what came out."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    goals: Sequence[str] = ()

    def plain(self) -> str:
        """The table for a terminal."""
        lines = [list(self.columns), *map(list, self.rows)]
        widths = [max(len(line[n]) for line in lines) for n in range(len(self.columns))]
        text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        text.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([self.title, *(line.rstrip() for line in text), *(f"* {goal}" for goal in self.goals), ""])

    def markdown(self) -> str:
        """The table for the page."""
        marks = "|---|" + "---:|" * (len(self.columns) - 1)
        rows = [f"| {' | '.join(row)} |" for row in (self.columns, *self.rows)]
        parts = [f"**{self.title}**", "", rows[0], marks, *rows[1:]]
        if self.goals:
            parts += ["", *(f"- {goal}" for goal in self.goals)]
        return "\n".join([*parts, ""])


@dataclass(frozen=True, slots=True)
class Result:
    """One suite's outcome, with the machine it ran on."""

    suite: str
    machine: dict[str, str]
    tables: list[Table]
    rounds: dict[str, Any] = field(default_factory=dict)
    """Every round of every system, as measured."""

    def save(self) -> None:
        """Write ``bench/results/SUITE.json``."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{self.suite}.json").write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(suite: str) -> Result:
    """Read a saved result."""
    path = RESULTS / f"{suite}.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run python -m bench {suite} first")
    saved = json.loads(path.read_text())
    return Result(saved["suite"], saved["machine"], [Table(**table) for table in saved["tables"]], saved["rounds"])


def markdown(result: Result) -> str:
    """Return everything of a result as it stands on the page."""
    machine = "; ".join(f"{name} {value}" for name, value in result.machine.items())
    return "\n".join([f"*{machine}*", "", *(table.markdown() for table in result.tables)])


def write_page(results: Sequence[Result]) -> None:
    """Put the results into ``docs/benchmarks.md``, between the lines that mark each suite's place."""
    text = PAGE.read_text(encoding="utf-8")
    for result in results:
        begin, end = f"<!-- {result.suite}: written by python -m bench -->", f"<!-- end of {result.suite} -->"
        found = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if not found.search(text):
            raise SystemExit(f"{PAGE} has no place for {result.suite}")
        block = f"{begin}\n{markdown(result)}{end}"
        text = found.sub(lambda _, block=block: block, text)  # type: ignore[misc]
    PAGE.write_text(text, encoding="utf-8")
