"""A sync that fails: what is on the disk is unknown, so the daemon stops, says why, and the next start is clean.

The daemon is a real process; only ``fsync`` is replaced by one that fails for some paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.box import PATIENCE_S, Box, Daemon, until
from tests.simulators import faulty_disk
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Website


@pytest.fixture
def site() -> Iterator[Website]:
    page = (
        b"<p>You may cancel within fourteen days of the day on which the contract was concluded, by letter or mail.</p>"
    )
    with Website(documents={"/terms": page * 2, "/privacy": page * 3}) as running:
        yield running


@pytest.fixture
def box(tmp_path: Path, site: Website) -> Box:
    return Box(tmp_path, site, program=faulty_disk.__name__).init(network__timeout_s=5, log__publish_every_s=1)


def bad(box: Box, text: str) -> None:
    """From now on every sync of such a path fails."""
    (box.folder / "bad").write_text(text)


def watched(box: Box, daemon: Daemon, path: str, every: str = "6h") -> None:
    assert box.site is not None
    box.fine("watch", "add", box.site.url(path), "--document", path, "--every", every)
    until(lambda: daemon.process.poll() is not None or len(box.captures()) == 1)


def ended(box: Box, daemon: Daemon) -> list[dict[str, object]]:
    """The daemon ends by itself, with the exit code for an archive that cannot be written; return the statements."""
    assert daemon.process.wait(PATIENCE_S) == 4, daemon.log_text()
    assert "sync failed" in daemon.log_text()
    return box.statements()


def starts_again(box: Box, checks: int) -> None:
    """The disk is repaired."""
    (box.folder / "bad").unlink()
    with box.daemon(FAULTY_DISK=str(box.folder / "bad")) as daemon:
        until(lambda: len([b for b in box.captures() if b["result"] == "stored"]) >= checks)
        assert daemon.stop() == 0
    box.verified()


@pytest.mark.parametrize("where", ["staging/intents-", "staging/drafts-", "journal/", "log/tile", ".new"])
def test_the_daemon_stops_when_a_sync_fails(box: Box, where: str) -> None:
    """Of the intents, before the first question; of the drafts; of the journal; of the tiles; of the head copy."""
    with box.daemon(FAULTY_DISK=str(box.folder / "bad")) as daemon:
        watched(box, daemon, "/terms")
        until(lambda: box.log_size() == len(box.statements()))
        assert box.site is not None
        bad(box, where)
        box.call("watch", "add", box.site.url("/privacy"), "--document", "Privacy")
        before = ended(box, daemon)
        assert not box.site.asked("/privacy") or where != "staging/intents-"
    assert [b["seq"] for b in before] == list(range(len(before)))
    starts_again(box, 2 if where not in ("journal/", ".new") else 1)


def test_the_daemon_stops_when_the_sync_fails_of_a_check_that_a_command_asked_for(box: Box, site: Website) -> None:
    with box.daemon(FAULTY_DISK=str(box.folder / "bad")) as daemon:
        bad(box, "staging/intents-")
        asked = box.ran("capture", site.url("/privacy"))
        assert asked.code == 4 and "sync failed" in asked.err
        ended(box, daemon)
        assert not site.asked("/privacy")
    (box.folder / "bad").unlink()
    assert box.call("capture", site.url("/privacy")).code == 0
    box.verified()


def test_the_daemon_stops_when_the_sync_of_a_timestamp_fails(tmp_path: Path, site: Website) -> None:
    with TimestampAuthority(tmp_path / "authority") as authority:
        box = Box(tmp_path, site, authority, program=faulty_disk.__name__).init(log__publish_every_s=1)
        bad(box, "staging/stamp-")
        with box.daemon(FAULTY_DISK=str(box.folder / "bad")) as daemon:
            ended(box, daemon)
        assert not [b for b in box.statements() if b["kind"] == "stamp"]
        (box.folder / "bad").unlink()
        assert box.call("stamp", "retry").code == 0
        box.verified()


def test_a_bulk_command_with_a_crew_stops_when_the_sync_of_its_intents_fails(box: Box, site: Website) -> None:
    """Nothing was asked, nothing is stated of it, and no checkpoint is signed on a disk that nobody can trust."""
    before = (box.root / "log/checkpoint").read_bytes()
    listed = box.folder / "list"
    listed.write_text("\n".join(site.url(f"/terms?{number}") for number in range(80)))
    bad(box, "staging/intents-")
    done = box.ran("capture", "--from", str(listed), env={"FAULTY_DISK": str(box.folder / "bad")})
    assert done.code == 4 and "sync failed" in done.error()
    assert not site.hits and (box.root / "log/checkpoint").read_bytes() == before
    (box.folder / "bad").unlink()
    assert box.call("capture", site.url("/terms")).code == 0
    box.verified()
