"""The benchmark runs: a table comes out. How fast anything is, no test asserts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_a_quick_run_prints_a_table(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "startup"],
        cwd=ROOT,
        env={**os.environ, "BENCH_SCRATCH": str(tmp_path), "BENCH_RESULTS": str(tmp_path / "results")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "archiver --version" in done.stdout
    assert "x python" in done.stdout
    assert (tmp_path / "results" / "startup.json").exists()
