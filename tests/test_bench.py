"""The benchmark runs: a table comes out. How fast anything is, no test asserts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import SUITES

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("suite", "words"),
    [
        ("startup", ["archiver --version", "x python"]),
        ("bundle", ["archiver export", "x sha256sum + zip -0", "goal: archiver export at least 0.5 times"]),
        ("wacz", ["archiver export", "x wacz create, one file", "WACZ of 20 snapshots", "stored zip with SHA-256"]),
    ],
)
def test_a_quick_run_prints_a_table(tmp_path: Path, suite: str, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", suite],
        cwd=ROOT,
        env={**os.environ, "BENCH_SCRATCH": str(tmp_path), "BENCH_RESULTS": str(tmp_path / "results")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [word for word in words if word not in done.stdout] == []
    assert (tmp_path / "results" / f"{suite}.json").exists()


def test_every_suite_has_its_place_on_the_page() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for name in SUITES:
        begin, end = f"<!-- {name}: written by python -m bench -->", f"<!-- end of {name} -->"
        assert 0 <= page.find(begin) < page.find(end), name
        assert page[page.find(begin) + len(begin) : page.find(end)].strip(), f"{name} was never measured"
