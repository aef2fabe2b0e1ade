"""Bulk captures by a crew of processes: same statements as ever, and a member that dies loses nothing silently."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from archiver.errors import ArchiveLocked
from archiver.operation import open_operation
from tests.simulators.website import Hit, Script, Sleep, Website, response

DOCUMENTS = 80


@pytest.fixture
def site() -> Iterator[Website]:
    documents = {f"/{n}": (f"<p>Document {n}. ".encode() * 500, "text/html") for n in range(DOCUMENTS)}
    with Website(documents, robots=b"User-agent: *\nAllow: /\n") as site:
        yield site


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "archiver", "--archive", str(folder / "archive"), *words]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "XDG_RUNTIME_DIR": str(folder)}


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(folder, *words), env=environment(folder), capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path, site: Website) -> Path:
    sets = ["network.allow_private=127.0.0.0/8", f"network.ports={site.port}", "network.concurrency=8"]
    made = run(tmp_path, "init", str(tmp_path / "archive"), "--no-passphrase", *(f"--set={text}" for text in sets))
    assert made.returncode == 0, made.stderr
    return tmp_path


def captures(folder: Path) -> list[dict[str, Any]]:
    lines = (line for path in (folder / "archive/journal").iterdir() for line in path.read_text().splitlines())
    return [body for line in lines if (body := json.loads(line))["kind"] == "capture"]


def test_a_crew_captures_each_document_once_and_cites_the_robots_it_fetched(folder: Path, site: Website) -> None:
    paths = [path for path in site.documents if path != "/robots.txt"]
    for path in paths:
        site.scripts[path] = [Sleep(0.03), response(f"<p>Document {path}.".encode())]
    listed = folder / "list"
    listed.write_text("\n".join(site.url(path) for path in paths))
    done = run(folder, "--json", "capture", "--from", str(listed))
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert [o["url"] for o in outcomes] == listed.read_text().split()
    assert {o["outcome"] for o in outcomes} == {"new_version"}
    robots = [body["robots"][0]["seq"] for body in captures(folder)]
    fetched = {body["seq"] for body in captures(folder) if body["robots"][0]["seq"] == body["seq"]}
    assert set(robots) == fetched
    assert len(fetched) < DOCUMENTS, "members are told which statements hold the robots.txt"
    assert run(folder, "verify", "--all").returncode == 0
    assert os.listdir(folder / "archive/staging") == []  # noqa: PTH208


def members(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def test_what_a_killed_member_held_is_stated_as_interrupted(folder: Path, site: Website) -> None:
    slow = [f"/slow{n}" for n in range(4)]
    for path in slow:
        site.scripts[path] = [Sleep(1.5), response(b"late")]
    listed = folder / "list"
    listed.write_text("\n".join(site.url(path) for path in [*slow, *(f"/{n}" for n in range(60))]))
    process = subprocess.Popen(
        command(folder, "--json", "capture", "--from", str(listed)),
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 20
    while not any(site.asked(path) for path in slow) and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(members(process.pid)[0], signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    outcomes = json.loads(out)
    reasons = [o["reason"] for o in outcomes if o["outcome"] == "failed"]
    assert reasons and all(reason.startswith("interrupted: ") for reason in reasons)
    assert {o["outcome"] for o in outcomes} == {"failed", "new_version"}
    assert len({body["check"] for body in captures(folder)}) == len(captures(folder)) == len(outcomes)
    assert run(folder, "verify", "--all").returncode == 0


def test_the_crew_dies_with_its_writer(folder: Path, site: Website) -> None:
    site.scripts["/never"] = [Sleep(30)]
    listed = folder / "list"
    listed.write_text("\n".join(site.url(path) for path in ["/never", *(f"/{n}" for n in range(40))]))
    process = subprocess.Popen(command(folder, "capture", "--from", str(listed)), env=environment(folder))
    until = time.monotonic() + 20
    while not site.asked("/never") and time.monotonic() < until:
        time.sleep(0.01)
    crew = members(process.pid)
    assert crew
    process.kill()
    process.wait()
    until = time.monotonic() + 5
    while any(_alive(pid) for pid in crew) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(_alive(pid) for pid in crew)
    again = run(folder, "--json", "capture", site.url("/1"))
    assert again.returncode == 0, again.stderr
    stated = {body["parts"][0]["url"] for body in captures(folder)}
    assert site.url("/never") in stated, "every intent ends in a statement"
    assert run(folder, "verify", "--all").returncode == 0


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


LIVES_ON = """
import sys
from archiver import crew
from archiver.cli import run
crew._PR_SET_PDEATHSIG = 0  # no such request: the kernel refuses it, as where it is forbidden
sys.exit(run())
"""


def test_a_member_that_outlives_its_writer_is_waited_for(folder: Path, site: Website) -> None:
    """What it still writes lands in staging before the next writer may look there."""
    late = Event()

    def answer_late(_: Hit) -> Script:
        late.wait(30)
        return [response(b"<p>late</p>" * 1000)]

    site.scripts["/late"] = answer_late
    listed = folder / "list"
    listed.write_text("\n".join(site.url(path) for path in ["/late", *(f"/{n}" for n in range(40))]))
    words = command(folder, "capture", "--from", str(listed))[3:]
    process = subprocess.Popen([sys.executable, "-c", LIVES_ON, *words], env=environment(folder))
    until = time.monotonic() + 20
    while not site.asked("/late") and time.monotonic() < until:
        time.sleep(0.01)
    crew = members(process.pid)
    process.kill()
    process.wait()
    assert any(_alive(pid) for pid in crew)
    archive = folder / "archive"
    before = len(captures(folder))
    with pytest.raises(ArchiveLocked):
        open_operation(archive, lambda: None, wait_s=0.3, environment=environment(folder))
    assert len(captures(folder)) == before, "nobody recovers what is still being written to"
    late.set()
    again = run(folder, "--json", "capture", site.url("/1"))
    assert again.returncode == 0, again.stderr
    assert not any(_alive(pid) for pid in crew)
    (stated,) = [body for body in captures(folder) if body["parts"][0]["url"] == site.url("/late")]
    assert stated["reason"]["code"] == "interrupted"
    assert [item["name"] for item in stated["partial"]] == ["partial-capture.warc.gz"], "what came late is sealed"
    assert run(folder, "verify", "--all").returncode == 0
    assert os.listdir(archive / "staging") == []  # noqa: PTH208


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists() and _state(pid) != "Z"
