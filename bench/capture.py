"""Capturing a thousand documents: the whole command, the command less its start, and the same over TLS."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType

from bench.archives import new_archive
from bench.corpus import make_site
from bench.machine import machine
from bench.measuring import Numbers, Rounds, in_turn, measure, median, ratio, spread, values
from bench.places import PYTHON, SCRATCH, fresh_folder, peer
from bench.tables import Result, Table
from bench.website import Website, served

WGET = "wget --warc-file"
OURS = "archiver capture"
GOAL = 1.5

System = Callable[[Path, Path], list[str]]
"""Gives the command that captures a list of addresses into an empty folder."""


def suite(rounds: int, documents: int) -> Result:
    """Capture ``documents`` documents with each system in turn, plain and over TLS."""
    facts = machine()
    names = make_site(SCRATCH / "site")[:documents]
    measured: dict[str, Rounds] = {}
    tables = []
    # Nothing is removed between rounds: a file system without a journal looks past every file removed in the last
    # minutes whenever it makes a new one, so clearing up after one round would be charged to the next.
    with served(SCRATCH / "site", SCRATCH / "nginx") as site, fresh_folder("capture") as folder:
        for how, tls in (("http", False), ("https", True)):
            lists = _lists(site, names, tls=tls)
            systems = _systems(site, tls=tls)
            jobs = {name: _job(site, system, lists, documents, folder) for name, system in systems.items()}
            measured[how] = in_turn(jobs, rounds)
            tables.append(_table(measured[how], how, documents))
    return Result("capture", facts, tables, measured)


def _systems(site: Website, *, tls: bool) -> dict[str, System]:
    wget = [
        "wget", "--no-verbose", "-e", "robots=off", "--no-warc-keep-log", "--delete-after", "--no-directories",
    ]  # fmt: skip
    if tls:
        wget.append(f"--ca-certificate={site.ca}")

    def get(*more: str) -> System:
        return lambda urls, out: [
            *wget, *more, "-P", f"{out}/t", f"--warc-tempdir={out}", f"--warc-file={out}/cap", "-i", str(urls),
        ]  # fmt: skip

    def ours(*settings: str) -> System:
        return lambda urls, out: [
            *new_archive(out / "archive", site, *settings), "capture", "--no-stamp", "--from", str(urls),
        ]  # fmt: skip

    systems: dict[str, System] = {
        "requests, nothing written": lambda urls, out: [PYTHON, peer("requests_only.py"), str(urls)],
        "warcio capture_http + requests": lambda urls, out: [
            PYTHON, peer("warcio_capture.py"), str(urls), f"{out}/cap.warc.gz",
        ],
        WGET: get(),
        OURS: ours(),
    }  # fmt: skip
    if not tls:
        systems[f"{WGET}, no gzip"] = get("--no-warc-compression")
        systems[f"{OURS}, one at a time"] = ours("network.concurrency=1")
    return systems


def _lists(site: Website, names: list[str], *, tls: bool) -> tuple[Path, Path]:
    """Write the list of all addresses, and one of a single small page, which shows what starting costs."""
    every, single = SCRATCH / "all.txt", SCRATCH / "single.txt"
    every.write_text("".join(site.url(name, tls=tls) + "\n" for name in names))
    single.write_text(site.url("tiny.html", tls=tls) + "\n")
    return every, single


def _job(
    site: Website, system: System, lists: tuple[Path, Path], documents: int, folder: Path
) -> Callable[[], Numbers]:
    env = {"REQUESTS_CA_BUNDLE": str(site.ca)}
    every, single = lists

    def job() -> Numbers:
        start = measure(system(single, Path(tempfile.mkdtemp(dir=folder))), env=env)
        out = Path(tempfile.mkdtemp(dir=folder))
        run = measure(system(every, out), env=env)
        responses, stored = _responses(out)
        # whoever drops documents must not win by it
        if responses not in (0, documents):
            raise SystemExit(f"{responses} responses instead of {documents}")
        return {
            **run.numbers,
            "docs_s": documents / run.wall,
            "docs_s_running": documents / (run.wall - start.wall),
            "cpu_1000": run.cpu * 1000 / documents,
            "start": start.wall,
            "stored_mb": stored / 1e6,
        }

    return job


def _responses(folder: Path) -> tuple[int, int]:
    """Count the responses with status 200 in all WARC files below a folder, as fastwarc reads them, and their bytes."""
    found = size = 0
    for path in [*folder.rglob("*.warc.gz"), *folder.rglob("*.warc")]:
        size += path.stat().st_size
        with path.open("rb") as source:
            for record in ArchiveIterator(source, record_types=WarcRecordType.response):
                found += record.http_headers.status_code == 200
    return found, size


def _table(measured: Rounds, how: str, documents: int) -> Table:
    rows = []
    for name in measured:

        def figure(key: str, digits: int, name: str = name) -> str:
            return spread(values(measured, name, key), digits)

        rows.append(
            (
                name,
                figure("docs_s", 0),
                f"{ratio(measured, name, WGET, 'docs_s'):.2f}",
                figure("docs_s_running", 0),
                f"{ratio(measured, name, WGET, 'docs_s_running'):.2f}",
                figure("cpu_1000", 2),
                f"{ratio(measured, name, WGET, 'cpu_1000'):.2f}",
                figure("rss_mb", 0),
                f"{median(values(measured, name, 'stored_mb')):.1f}",
            )
        )
    reached = ratio(measured, OURS, WGET, "docs_s")
    verdict = "reached" if reached >= GOAL else "missed"
    goals = [f"goal: at least {GOAL} times wget's documents/s, whole command: {verdict}, {reached:.2f}"]
    columns = (
        "system", "documents/s, whole command", "x wget", "documents/s, less its start", "x wget",
        "CPU s per 1000", "x wget", "peak RSS MiB", "WARC MB",
    )  # fmt: skip
    return Table(f"{documents} documents over {how}", columns, rows, goals)
