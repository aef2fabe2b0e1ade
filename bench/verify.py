"""Verifying: a WARC file of somebody else against the checkers people use, and a whole archive of ours."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from isal import igzip

from bench.archives import new_archive
from bench.corpus import make_site
from bench.machine import machine
from bench.measuring import Numbers, Rounds, in_turn, measure, ratio, spread, values
from bench.places import PYTHON, SCRATCH, fresh_folder, peer, program
from bench.tables import Result, Table
from bench.website import served

WARCIO = "warcio check"
BLOCKS = "fastwarc check"
BOTH = "fastwarc check --verify-payloads"
OURS = "archiver verify FILE"
OUR_BLOCKS = "our checker, block digests only"
ONE_CPU = "archiver verify FILE, one processor"


def suite(rounds: int, documents: int, copies: int) -> Result:
    """Check a WARC of ``copies`` of the corpus with each checker, and an archive of ``documents`` snapshots."""
    facts = machine()
    names = make_site(SCRATCH / "site")
    warc, size, records = _warc(copies)
    commands = {
        WARCIO: [program("warcio"), "check", str(warc)],
        BLOCKS: [program("fastwarc"), "check", "-q", str(warc)],
        BOTH: [program("fastwarc"), "check", "-q", "--verify-payloads", str(warc)],
        OURS: [program("archiver"), "verify", str(warc)],
        ONE_CPU: ["taskset", "-c", "0", program("archiver"), "verify", str(warc)],
        OUR_BLOCKS: [PYTHON, peer("check_blocks.py"), str(warc)],
    }
    measured = in_turn({name: _job(command, size, records) for name, command in commands.items()}, rounds)
    tables = [_table(measured, size, records)]
    whole, table = _archive(names[:documents], rounds)
    tables.append(table)
    return Result("verify", facts, tables, {"file": measured, "archive": whole})


def _warc(copies: int) -> tuple[Path, int, int]:
    """Have warcio write the file unless it is there; return it, its inflated bytes and its records."""
    warc, said = SCRATCH / f"verify-{copies}.warc.gz", SCRATCH / f"verify-{copies}.json"
    if not said.exists():
        done = subprocess.run(
            [PYTHON, peer("make_warc.py"), str(SCRATCH / "site"), str(warc), str(copies)],
            capture_output=True, text=True, check=True, timeout=1800,
        )  # fmt: skip
        size = 0
        with igzip.open(warc) as inflated:  # type: ignore[no-untyped-call]
            while piece := inflated.read(1 << 20):
                size += len(piece)
        said.write_text(json.dumps({"size": size, "records": int(done.stdout)}))
    facts = json.loads(said.read_text())
    return warc, facts["size"], facts["records"]


def _job(command: list[str], size: int, records: int) -> Callable[[], Numbers]:
    def job() -> Numbers:
        run = measure(command)
        return {**run.numbers, "mb_s": size / 1e6 / run.wall, "records_s": records / run.wall}

    return job


def _table(measured: Rounds, size: int, records: int) -> Table:
    rows = []
    for name in measured:
        rows.append(
            (
                name,
                "block" if name in (BLOCKS, OUR_BLOCKS) else "block and payload",
                spread(values(measured, name, "mb_s"), 0),
                f"{ratio(measured, name, WARCIO, 'mb_s'):.2f}",
                f"{ratio(measured, name, BLOCKS, 'mb_s'):.2f}",
                spread(values(measured, name, "cpu"), 2),
                spread(values(measured, name, "rss_mb"), 0),
            )
        )
    goals = [
        _goal(measured, OURS, WARCIO, 3.0),
        _goal(measured, OURS, BOTH, 1.15),
        _goal(measured, OUR_BLOCKS, BLOCKS, 1.25),
    ]
    columns = ("checker", "digests", "MB/s inflated", "x warcio check", "x fastwarc check", "CPU s", "peak RSS MiB")
    return Table(f"A WARC written by warcio: {records:,} records, {size / 1e6:.0f} MB inflated", columns, rows, goals)


def _goal(measured: Rounds, ours: str, peer_: str, goal: float) -> str:
    reached = ratio(measured, ours, peer_, "mb_s")
    return f"goal: {ours} at least {goal} times {peer_}: {'reached' if reached >= goal else 'missed'}, {reached:.2f}"


def _archive(names: list[str], rounds: int) -> tuple[Rounds, Table]:
    """Verify a whole archive: every digest, every record, statements, log, proofs."""
    with fresh_folder("whole") as folder:
        with served(SCRATCH / "site", SCRATCH / "nginx") as site:
            urls = folder / "urls.txt"
            urls.write_text("".join(site.url(name) + "\n" for name in names))
            archiver = new_archive(folder / "archive", site)
            measure([*archiver, "capture", "--no-stamp", "--from", str(urls)])

        def job() -> Numbers:
            run = measure([*archiver, "verify", "--all"], fine=(0, 3))  # 3: without an authority something is open
            return {**run.numbers, "snapshots_s": len(names) / run.wall}

        measured = in_turn({"archiver verify --all": job}, rounds)
    rows = [
        (
            name,
            spread(values(measured, name, "snapshots_s"), 0),
            spread(values(measured, name, "cpu"), 2),
            spread(values(measured, name, "rss_mb"), 0),
        )
        for name in measured
    ]
    columns = ("command", "snapshots/s", "CPU s", "peak RSS MiB")
    return measured, Table(f"An archive of {len(names)} snapshots, every check of each", columns, rows)
