"""What one large response costs in memory: captured, and verified afterwards."""

from __future__ import annotations

from bench.archives import new_archive
from bench.corpus import LARGE, make_large, make_site
from bench.machine import machine
from bench.measuring import Numbers, in_turn, measure, median, spread, values
from bench.places import SCRATCH, fresh_folder, program
from bench.tables import Result, Table
from bench.website import Website, served

GOAL_MB = 80.0
COMMANDS = {
    "capture": "archiver capture URL",
    "verify": "archiver verify SNAPSHOT",
    "file": "archiver verify FILE",
}


def suite(rounds: int) -> Result:
    """Capture and verify a tiny page and a response of 200 MiB, each in a new archive."""
    facts = machine()
    make_site(SCRATCH / "site")
    large = make_large(SCRATCH / "site")
    with served(SCRATCH / "site", SCRATCH / "nginx") as site:
        together = in_turn({"all": lambda: {**_both(site, "tiny.html", "tiny"), **_both(site, large, "large")}}, rounds)
    columns = ("command", "peak RSS MiB", "above the tiny page", "wall s")
    rows = []
    goals = []
    for name, command in COMMANDS.items():
        base, high = (values(together, "all", f"{name}_{size}_rss_mb") for size in ("tiny", "large"))
        above = median(high) - median(base)
        rows.append((f"{command}, tiny page", spread(base, 0), "", _wall(together["all"], name, "tiny")))
        rows.append(
            (
                f"{command}, {LARGE >> 20} MiB",
                spread(high, 0),
                f"{above:.0f}",
                _wall(together["all"], name, "large"),
            )
        )
        verdict = "reached" if above <= GOAL_MB else "missed"
        goals.append(f"goal: {command} at most {GOAL_MB:.0f} MiB above the tiny page: {verdict}, {above:.0f}")
    title = f"Peak memory for one response of {LARGE >> 20} MiB"
    return Result("memory", facts, [Table(title, columns, rows, goals)], {"memory": together})


def _wall(rounds: list[Numbers], name: str, size: str) -> str:
    return spread([numbers[f"{name}_{size}_wall"] for numbers in rounds], 2)


def _both(site: Website, page: str, size: str) -> Numbers:
    """Capture one page in a new archive, verify the snapshot, and its WARC as a stranger's."""
    with fresh_folder("memory") as folder:
        archiver = new_archive(
            folder / "archive", site, "network.max_bytes=1073741824", "network.max_content_bytes=1073741824"
        )
        runs = {"capture": measure([*archiver, "capture", "--no-stamp", site.url(page)])}
        snapshot = next((folder / "archive").glob("snapshots/*/*/*/*"))
        runs["verify"] = measure([*archiver, "verify", snapshot.name], fine=(0, 3))
        stranger = folder / "stranger.warc.gz"
        (snapshot / "capture.warc.gz").rename(stranger)
        runs["file"] = measure([program("archiver"), "verify", str(stranger)])
    return {f"{name}_{size}_{key}": value for name, run in runs.items() for key, value in run.numbers.items()}
