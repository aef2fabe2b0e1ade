"""kill -9 at two hundred random moments, with eight checks in flight, on a real disk: the invariants hold.

Everything a child acknowledged before it died must still be there, under its number; the same archive goes on each
time. Some lives are killed while they recover from the death of the one before.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from archiver.operation import create_archive, open_operation
from archiver.settings import SCHEMA, Value, parse_settings, render
from storage.index import Index
from storage.local import LocalFiles
from tests.invariants import Audit, Told, head_copy_knows_what_was_acknowledged
from tests.simulators import crash_child
from tests.simulators.website import Close, Document, Hit, Script, Website, response

KILLS = 200
LONGEST_S = 0.12
"""Longest wait before a kill, from the moment it is drawn for."""
FULL = 20
"""After so many kills everything is audited, else what is new."""
SEED = 20260512
POLICY = b'<p>You may cancel within fourteen days of the day of the contract. <a href="/help">Help</a> is free.</p>' * 2
"""What stays the same in the wordings of the policies, of which there are forty."""


@dataclass
class Archive:
    """A real archive and what was acknowledged of it."""

    root: Path
    state: Path
    told: Told = field(default_factory=Told)
    audited: int = 0

    @property
    def heads(self) -> Path:
        return self.state / "evidence-archiver" / "heads"

    def recover(self, *, publish: bool = False) -> int:
        """Start, let recovery do its work, stop; return the number of statements."""
        operation = open_operation(self.root, lambda: None, environment={"XDG_STATE_HOME": str(self.state)})
        try:
            if publish:
                operation.pipeline.publish()
            return operation.pipeline.ledger.next_seq
        finally:
            operation.close()
            for files in (operation.archive.files, operation.archive.head._files):
                assert isinstance(files, LocalFiles)
                files.close()

    def audit(self, *, full: bool) -> None:
        """Check the invariants of what is new, or of everything and row by row."""
        with LocalFiles(self.root) as files, LocalFiles(self.heads) as head:
            audit = Audit(files, head, first=0 if full else self.audited)
            index = Index(self.root / "archive.db")
            scratch = Index(None)
            audit.everything(self.told, index if full else None, scratch=scratch)
            index.close()
            scratch.close()
            self.audited = len(audit.lines)
            self.told.checkpoints = {files.read("log/checkpoint")}
            if full:
                self.told.remember(files)


def _readable(stream: IO[bytes], seconds: float) -> bool:
    """Wait with poll: select refuses descriptors from 1024 on, which a long test run can reach."""
    waiting = select.poll()
    waiting.register(stream, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


@dataclass
class Children:
    """The process that forks lives, and the end of its pipe."""

    process: subprocess.Popen[bytes]
    rest: bytes = b""

    def lines(self, until: float) -> Iterator[str]:
        """Lines as they arrive, until a moment of the monotonic clock."""
        assert self.process.stdout is not None
        while True:
            while b"\n" in self.rest:
                line, _, self.rest = self.rest.partition(b"\n")
                yield line.decode()
            left = until - time.monotonic()
            if left <= 0 or not _readable(self.process.stdout, left):
                return
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            assert data, "the process that forks lives is gone"
            self.rest += data

    def live_and_die(self, chance: random.Random) -> list[str]:
        """Fork a life and kill it after a while; return what it said."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()
        said: list[str] = []
        pid = 0
        for line in self.lines(time.monotonic() + 60):
            if line.startswith("pid"):
                pid = int(line[4:])
                break
            said.append(line)
        # At any moment from its first, from when recovery is over, or from some acknowledgement on.
        wanted = chance.choice(("", "open", "ack"))
        awaited = chance.randint(1, 12) if wanted == "ack" else 1 if wanted else 0
        while awaited:
            line = next(self.lines(time.monotonic() + 60), "ended: it says nothing")
            assert not line.startswith("ended"), f"it ended by itself: {line}, {said[-3:]}"
            said.append(line)
            awaited -= line.startswith(wanted)
        for line in self.lines(time.monotonic() + chance.random() * LONGEST_S):
            assert not line.startswith("ended"), f"it ended by itself: {line}, {said[-3:]}"
            said.append(line)
        os.kill(pid, signal.SIGKILL)
        for line in self.lines(time.monotonic() + 60):
            if line.startswith("ended"):
                assert line == f"ended {int(signal.SIGKILL)}", f"it ended by itself: {line}"
                return said
            said.append(line)
        raise AssertionError("it did not die")


@contextmanager
def children(archive: Archive, site: str) -> Iterator[Children]:
    command = [sys.executable, "-m", crash_child.__name__, str(archive.root), str(archive.state), site]
    here = Path(__file__).resolve().parent.parent
    with subprocess.Popen(command, cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Children(process)
        assert process.stdin is not None
        process.stdin.close()


def found(folder: Path, port: int) -> Archive:
    changes: dict[str, Value] = {
        "archive.origin": "crash.example/log",
        "network.allow_private": ["127.0.0.0/8"],
        "network.ports": [port],
        "network.concurrency": crash_child.IN_FLIGHT,
        "network.timeout_s": 20,
        "storage.reserve_bytes": 65536,
    }
    text = render({key.path: key.default for key in SCHEMA} | changes, only=frozenset(changes))
    archive = Archive(folder / "archive", folder / "state")
    environment = {"XDG_STATE_HOME": str(archive.state)}
    made = create_archive(archive.root, text, parse_settings(text, {}), None, environment=environment)
    made.index.close()
    return archive


def site() -> Website:
    chance = random.Random(SEED)
    documents = {
        "/terms": Document(b"<p>You may cancel within fourteen days.</p>\n" * 40),
        "/news": Document(b"<p>Nothing new.</p>"),
        "/coded": Document(b"plain", "text/plain"),
        "/large": Document(chance.randbytes(1_300_000), "application/octet-stream"),
        "/robots.txt": Document(b"User-agent: *\nDisallow: /private\n", "text/plain"),
    }
    website = Website(documents)
    wordings = 0

    def changing(_: Hit) -> Script:
        nonlocal wordings
        wordings += 1
        if wordings % 13 == 0:
            return [response(b"<p>We will be back.</p>", status="503 Service Unavailable")]
        clause = f"<p>We keep what you send us for {wordings // 2 % 40 + 2} days, unless the law asks for longer.</p>"
        return [response(clause.encode() + POLICY)]

    website.scripts["/policy"] = website.scripts["/privacy"] = changing
    website.scripts["/cut"] = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<p>cut", Close()]
    return website


def test_nothing_acknowledged_is_lost_after_200_kills_with_eight_checks_in_flight(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    opened = acknowledged = 0
    with site() as website:
        archive = found(tmp_path, website.port)
        with children(archive, website.url("").rstrip("/")) as forks:
            for kill in range(1, KILLS + 1):
                said = forks.live_and_die(chance)
                opened += "open" in said
                for line in said:
                    if line.startswith("ack"):
                        _, seq, entry = line.split()
                        assert archive.told.entries.setdefault(int(seq), entry) == entry, f"{seq} was given out twice"
                        acknowledged += 1
                with LocalFiles(archive.heads) as head:
                    head_copy_knows_what_was_acknowledged(head, archive.told)
                if kill % 5 == 0 and kill % FULL:
                    continue  # the next life recovers by itself, and may be killed while it does
                # Most lives die before they publish: without this, each start would read all of them again.
                size = archive.recover(publish=kill % FULL == 0)
                archive.audit(full=kill % FULL == 0)
                assert archive.recover() == size, "a start after a clean stop states nothing"
    texts = [path.suffix for path in (archive.root / "texts").rglob("*.*")]
    print(
        f"{KILLS} kills, {opened} lives opened the archive, {acknowledged} statements acknowledged"
        f" of {archive.audited}, {texts.count('.txt')} wordings"
    )
    assert texts.count(".txt") == texts.count(".salt") > 5
    assert opened > KILLS // 3
    assert acknowledged > KILLS
