"""The stage of the demonstration: a working folder, site, authority, archive, and the real daemon as a process.

Nothing is ever deleted: the folder is the user's to look at, and to throw away.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import tomli_w

from archiver.archive import SETTINGS_FILE, VKEY, Archive, open_archive
from archiver.audit import Audit
from archiver.control import ask_daemon
from archiver.demo.site import Site, root_file, serve_site
from archiver.demo.story import CLAUSE_TITLE, ENTITY, SELECT, TITLE, Revision
from archiver.demo_authority import make_authority, serve_made
from archiver.errors import ArchiverError, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.note import Verifier
from archiver.evidence.verify import Report
from archiver.history import history_of
from archiver.operation import create_archive
from archiver.settings import SCHEMA, parse_settings, render
from archiver.watch.entry import WatchEntry
from archiver.witness_server import init_witness, open_server
from archiver.work import RemoteWork

AUTHORITY = WITNESS = "demo"
ROOTS = f"authorities/{AUTHORITY}.pem"
EVERY_S = 3600
"""Interval of the watched document: only the first check falls due during the tour, the others are asked for."""
WAIT_S = 60.0
"""Ceiling for each thing that is waited for; on an ordinary machine each takes a second or two."""
POLL_S = 0.05

T = TypeVar("T")


class DemoError(ArchiverError):
    """The demonstration could not go on."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Visit:
    """One check of the site, published and stamped."""

    revision: Revision
    check: Json
    """As ``history --json`` tells it, timestamps included."""
    before: str | None
    """Time of the newest outside timestamp that was known when the check began."""

    @property
    def as_expected(self) -> bool:
        """True when the check came to what the story says."""
        return (self.check["outcome"], self.check["change"]) == (self.revision.outcome, self.revision.change)

    @property
    def after(self) -> str | None:
        """Time of the first timestamp over the record."""
        times = [str(stamp["gen_time"]) for stamp in self.check["stamps"] if stamp["state"] == "verified"]
        return min(times, key=datetime.fromisoformat, default=None)  # fractions differ in length: not as text


class Stage:
    """Everything the tour needs, running; a context manager that stops it all and keeps the folder."""

    def __init__(self, folder: Path | None) -> None:
        """Take a temporary folder, or ``folder``; ``UsageError`` when that is not empty, or without ``openssl``."""
        if shutil.which("openssl") is None:
            raise UsageError("the demonstration needs the openssl program", do="install the package openssl")
        self.folder = _fresh(folder)
        self.root = self.folder / "archive"
        self.log = self.folder / "daemon.log"
        self.document = ""
        self.site: Site
        self.authority_url: str
        self.authority_root: Path
        self.witness_url: str
        self._open = ExitStack()
        self._daemon: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Stage:
        try:
            self.site = self._open.enter_context(serve_site(self.folder / "site"))
            folder = self.folder / "authority"
            made = serve_made(lambda url: make_authority(folder, asked_at=url))
            self.authority_url = self._open.enter_context(made)
            self.authority_root = make_authority(folder).root_pem
            self._make_archive()
            self._serve_witness()
            self._start_daemon()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop_daemon()
        finally:
            self._open.close()

    # -- setting up --------------------------------------------------------------------------------

    def _make_archive(self) -> None:
        chosen = {
            "archive.origin": "example.org/demo-log",
            "archive.prefix": "EA",
            "archive.name": "Demonstration Archive",
            "archive.head_copy": str(self.folder / "heads"),
            "network.allow_private": ["127.0.0.0/8"],
            "network.ports": [self.site.port],
            "network.ca_file": str(root_file(self.folder / "site")),
            "log.publish_every_s": 1,
            "stamp.checkpoint_every_s": 1,
        }
        authority = {"name": AUTHORITY, "url": self.authority_url, "roots": ROOTS, "min_interval_s": 0}
        values = {key.path: key.default for key in SCHEMA} | chosen
        text = f"{render(values, only=frozenset(chosen))}\n{tomli_w.dumps({'authority': [authority]})}"
        create_archive(self.root, text, parse_settings(text, {}), None).index.close()
        roots = self.root / ROOTS
        roots.parent.mkdir()
        roots.write_bytes(self.authority_root.read_bytes())

    def _serve_witness(self) -> None:
        """A witness in a folder of its own, in a thread of this process; the archive asks it like any other."""
        folder = self.folder / "witness"
        key = init_witness(folder, "example.org/demo-witness")
        log = Verifier.from_vkey((self.root / VKEY).read_text("utf-8").removesuffix("\n"))
        server = self._open.enter_context(open_server(folder, None, ("127.0.0.1", 0), [log]))
        thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True)
        thread.start()
        self._open.callback(thread.join)
        self._open.callback(server.shutdown)
        self.witness_url = server.url
        table = {"name": WITNESS, "url": server.url, "key": key.vkey, "min_interval_s": 0}
        with (self.root / SETTINGS_FILE).open("a", encoding="utf-8") as settings:
            settings.write(f"\n{tomli_w.dumps({'witness': [table]})}")

    @property
    def cosigned(self) -> bool:
        """Whether the witness has cosigned a head of the log."""
        return self.read(lambda archive: archive.index.row("select seq from cosignature limit 1") is not None)

    def _start_daemon(self) -> None:
        command = [sys.executable, "-m", "archiver", "--archive", str(self.root), "run", "--log-text"]
        with self.log.open("wb") as log:
            self._daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait("the daemon to answer", self._answers)
        # The first token comes before the first visit, so that every record has a lower bound.
        self.wait("the first timestamp", lambda: self.read(lambda archive: archive.newest_token() is not None))

    def _answers(self) -> bool:
        replies = ask_daemon(self.root, os.environ, {"do": "ping"})
        return replies is not None and any("pong" in reply for reply in replies)

    @property
    def daemon_pid(self) -> int:
        """Process of the daemon."""
        assert self._daemon is not None
        return self._daemon.pid

    def stop_daemon(self) -> int:
        """Ask the daemon to stop, wait for it, and return its exit code; again the same when it has stopped."""
        if self._daemon is None:
            return 0
        if self._daemon.poll() is None:
            self._daemon.terminate()
            try:
                self._daemon.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()
        return self._daemon.returncode

    # -- visits ------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Put the policy on the watch list; the daemon sees by itself that its first check is due."""
        entry = WatchEntry(ENTITY, TITLE, (self.site.url,), EVERY_S, select=(SELECT,))
        (self.document,) = RemoteWork(self.root).watch("added", [(None, entry)])

    def visit(self, revision: Revision) -> Visit:
        """Publish a revision, have it checked, and return once the record is in the log and under a timestamp."""
        before = len(self._checks())
        self.site.publish(revision)
        if self.document:
            RemoteWork(self.root).capture([{"document": self.document}], lambda _number, _outcome: None)
        else:
            self.watch()
        self.wait(f"timestamps over visit {revision.number}", lambda: _stamped(self._checks()[before:]))
        return self.read(lambda archive: _visit(archive, self.document, revision))

    def mark(self, first: Visit) -> Json:
        """Follow the clause on training from the first visit on; as ``provision show --json`` tells its life."""
        values = {"subject": first.check["snapshot"], "exact": first.revision.clause, "title": CLAUSE_TITLE}
        with RemoteWork(self.root) as work:
            made = work.act("mark", values)
            work.settle(stamp=False)
        return made

    def folder_of(self, snapshot: str) -> Path:
        """Folder of a snapshot."""
        row = self.read(
            lambda archive: archive.index.row("select folder from capture where folder like ?", (f"%/{snapshot}",))
        )
        assert row is not None
        return self.root / str(row["folder"])

    def verify_all(self) -> list[Report]:
        """Verify the log, then every snapshot; beside the running daemon."""
        return self.read(lambda archive: list(Audit(archive).all(lambda: None)))

    def _checks(self) -> list[Json]:
        if not self.document:
            return []
        checks: list[Json] = self.read(lambda archive: history_of(archive, self.document)["checks"])
        return checks

    def read(self, question: Callable[[Archive], T]) -> T:
        """Answer a question from the archive, opened for reading beside the daemon."""
        archive = open_archive(self.root)
        try:
            return question(archive)
        finally:
            archive.index.close()

    def wait(self, what: str, ready: Callable[[], bool]) -> None:
        """Return once ``ready``; ``DemoError`` when the daemon ends before, or after ``WAIT_S``."""
        until = time.monotonic() + WAIT_S
        while not ready():
            if self._daemon is not None and self._daemon.poll() is not None:
                raise DemoError(f"the daemon ended with code {self._daemon.returncode}", do=f"see {self.log}")
            if time.monotonic() >= until:
                raise DemoError(f"waited {WAIT_S:.0f} s in vain for {what}", do=f"see {self.log}")
            time.sleep(POLL_S)


def _fresh(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="archiver-demo-")).resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is no empty folder", do="give a new one; the demonstration writes over nothing")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}") from error
    return folder.resolve()


def _stamped(checks: list[Json]) -> bool:
    """True when a token covers the newest check's checkpoint, and one its statement where it brought a version."""
    if not checks:
        return False
    covered = {stamp["subject"] for stamp in checks[-1]["stamps"] if stamp["state"] == "verified"}
    return covered >= ({"checkpoint", "statement"} if checks[-1]["outcome"] == "new_version" else {"checkpoint"})


def _visit(archive: Archive, document: str, revision: Revision) -> Visit:
    check = history_of(archive, document)["checks"][-1]
    before = archive.statement(check["seq"]).body["before"]
    return Visit(revision, check, None if before is None else before["gen_time"])
