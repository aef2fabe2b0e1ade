"""Where things lie: a scratch folder on a real disk (a sync to memory would cost nothing), results, programs."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
SCRATCH = Path(os.environ.get("BENCH_SCRATCH") or HERE / "scratch").resolve()
RESULTS = Path(os.environ.get("BENCH_RESULTS") or HERE / "results").resolve()
PAGE = ROOT / "docs" / "benchmarks.md"
PYTHON = sys.executable


def program(name: str) -> str:
    """Return a console script of the environment that runs us: ``archiver``, ``warcio``, ``fastwarc``."""
    path = Path(PYTHON).parent / name
    if not path.exists():
        raise SystemExit(f"{path} is missing; run make bench, or pip install -e '.[test]'")
    return str(path)


def peer(name: str) -> str:
    """Return the path of a script in ``bench/peers``."""
    return str(HERE / "peers" / name)


@contextmanager
def fresh_folder(prefix: str) -> Iterator[Path]:
    """Give an empty folder in the scratch folder, and remove it afterwards."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{prefix}-", dir=SCRATCH) as folder:
        yield Path(folder)
