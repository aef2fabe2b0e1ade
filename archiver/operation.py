"""An archive in operation: opened by its one writer, recovered, with the threads that check, commit and stamp."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from archiver.archive import (
    DATABASE,
    LOCK,
    PRIVATE_KEY,
    VKEY,
    Archive,
    head_copy_folder,
    read_settings,
    read_verifier,
)
from archiver.capture.http import HttpCapturer
from archiver.capture.interface import Capturer, Limits
from archiver.capture.policy import AddressPolicy, system_resolver
from archiver.capture.tls import Trust
from archiver.check import Check
from archiver.checks import Checks
from archiver.crew import Crew
from archiver.drafting import Drafter
from archiver.environment import SOFTWARE, environment_facts, utc_now
from archiver.errors import ArchiveError, ArchiveLocked, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.checkpoint import open_checkpoint
from archiver.headcopy import HeadCopy
from archiver.key_file import Passphrase as Passphrase
from archiver.key_file import read_key
from archiver.ledger import Ledger, Maker
from archiver.outcome import Outcome
from archiver.pipeline import Pipeline
from archiver.proofs import add_later_token, add_proofs
from archiver.recovery import Recovered, recover
from archiver.settings import AuthoritySettings, Settings
from archiver.signing import LogKey
from archiver.stamp.interface import Authority, StampFailure
from archiver.stamping import (
    Subject,
    ask,
    forget_failure,
    may_ask,
    note_failure,
    open_authorities,
    owed_checkpoint,
    owed_statements,
    stage,
    stamp_maker,
)
from archiver.watch.entry import WatchedDocument, WatchEntry
from archiver.witnessing import Witnessing
from archiver.writer import Writer
from storage.errors import Locked
from storage.index import Index
from storage.interface import Files
from storage.local import LocalFiles
from storage.lock import WriterLock

LOCK_WAIT_S = 30.0


def make_capturer(settings: Settings, now: Callable[[], datetime] = utc_now) -> HttpCapturer:
    """The HTTP capturer that these settings describe."""
    return HttpCapturer(
        policy=AddressPolicy.from_settings(settings["network.allow_private"], settings["network.ports"]),
        trust=Trust(settings["network.ca_file"]),
        limits=Limits(
            timeout_s=float(settings["network.timeout_s"]),
            max_bytes=settings["network.max_bytes"],
            max_content_bytes=settings["network.max_content_bytes"],
            max_redirects=settings["network.max_redirects"],
        ),
        user_agent=settings["network.user_agent"],
        robots=settings["network.robots"],
        resolver=system_resolver,
        now=now,
        monotonic=time.monotonic,
    )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an operation takes from outside, so that tests can put other things in its place."""

    now: Callable[[], datetime] = utc_now
    random: Callable[[int], bytes] = os.urandom
    capturer: Callable[[Settings], Capturer] = make_capturer


class Operation:
    """The write side of one archive; a context manager that holds its lock."""

    def __init__(self, pipeline: Pipeline, lock: WriterLock | None, recovered: Recovered) -> None:
        self.pipeline = pipeline
        self.archive = pipeline.archive
        self.recovered = recovered
        self.authorities: dict[str, Authority] = open_authorities(self.archive)
        self._roots = self.archive.roots()
        self._lock = lock
        self.writer = Writer(pipeline)
        self.checks = Checks(pipeline, self.writer, self.archive.settings["network.concurrency"])
        self.crew: Crew | None = None
        self.witnessing = Witnessing(pipeline, self.writer)
        self._asked: dict[str, float] = {}
        self._watch_lock = threading.Lock()
        self.outside_turns = {one.name: threading.Lock() for one in self.archive.settings.outside}

    def __enter__(self) -> Operation:
        self.writer.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the checks in flight, commit what is finished, release the lock."""
        if self.crew is not None:
            self.crew.__exit__()
        self.checks.__exit__()
        self.writer.stop()
        self.pipeline.capturer.close()
        self.archive.index.close()
        if self._lock is not None:
            self._lock.release()

    # -- checks ------------------------------------------------------------------------------------

    def check_of(self, watched: WatchedDocument, trigger: str) -> Check:
        """A check of a watched document."""
        conditional = watched.entry.conditional
        if conditional is None:
            conditional = bool(self.archive.settings["network.conditional"])
        return self.pipeline.new_check(
            watched.entry.urls,
            trigger=trigger,
            document=watched.document,
            watch_seq=watched.seq,
            conditional=conditional,
        )

    def muster(self, size: int) -> None:
        """Fork a crew for a large batch; only before the operation is entered, while there are no threads."""
        with self._lock.shared() if self._lock is not None else contextlib.nullcontext():
            self.crew = Crew(size, self._crew_drafter)

    def _crew_drafter(self) -> Drafter:
        """What a member of the crew works with: its own connections to database and network."""
        root = self.archive.files.local_path("")
        assert root is not None
        archive = replace(self.archive, files=LocalFiles(root), index=Index(root / DATABASE, read_only=True))
        environment_facts(archive.config_sha256)  # looked up now, while the writer prepares the first checks
        pipeline = self.pipeline
        capturer = make_capturer(archive.settings, pipeline.now)
        return Drafter(archive, capturer, pipeline.now, pipeline.random, archive.newest_token)

    def capture(self, checks: Sequence[Check], done: Callable[[int, Outcome], None]) -> None:
        """Run checks and tell each outcome with its place in the list, once it is acknowledged."""
        if self.crew is None:
            self.checks.run_all(checks, done)
        else:
            self.checks.run_in_crew(self.crew, checks, done)

    # -- watch list --------------------------------------------------------------------------------

    def watch(self, event: str, entries: Sequence[tuple[str | None, WatchEntry]]) -> list[str]:
        """State new or changed watch entries (document None: a new one); return their identifiers."""
        with self._watch_lock:
            prefix, digits = self.archive.next_document().rsplit("-", 1)
            makers: list[Maker] = []
            named: list[str] = []
            for new, (document, entry) in enumerate(entries):
                identifier = document or f"{prefix}-{int(digits) + new:0{len(digits)}d}"
                fields: Json = {"event": event, "document": identifier, "entry": entry.to_json()}
                makers.append(lambda _seq, _sealed, fields=fields: ("watch", dict(fields)))  # type: ignore[misc]
                named.append(identifier)
            self.writer.state(*makers)
            return named

    def request_stamp(self, seq: int) -> None:
        """State that someone asked for a token over this statement."""
        self.writer.state(lambda _seq, _sealed: ("stamp", {"event": "requested", "subject_seq": seq}))

    # -- log and timestamps ------------------------------------------------------------------------

    def publish(self) -> bool:
        """Publish a checkpoint; where no authority is configured it serves as proof at once."""
        done = self.writer.publish()
        if done and not self.authorities:
            self.writer.call(self._prove)
        return done

    def _prove(self) -> None:
        ledger = self.pipeline.ledger
        if ledger.checkpoint is not None and ledger.checkpoint_bytes is not None:
            add_proofs(self.archive, ledger.checkpoint, ledger.checkpoint_bytes, ledger.read_tile, None)

    def stamp_step(self, name: str, *, at_once: bool = False) -> StampFailure | bool:
        """Ask one authority for what it owes first; True when a token was placed, False when nothing was to be done."""
        now = time.time()
        if not at_once and now < self._asked.get(name, 0.0) + self.authorities[name].min_interval_s:
            return False
        subject = self._owed(name, now, at_once=at_once)
        return False if subject is None else self._stamp(name, subject)

    def stamp_statement(self, name: str, seq: int) -> StampFailure | bool:
        """Ask one authority for a token over one statement, now."""
        return self._stamp(name, Subject("statement", seq, self.archive.statement(seq).line))

    def _stamp(self, name: str, subject: Subject) -> StampFailure | bool:
        """Ask, verify, stage, state, place; a reply that does not hold is noted and asked for again later."""
        authority, configured = self.authorities[name], self._configured(name)
        nonce = int.from_bytes(self.pipeline.random(8), "big")
        answer = ask(authority, configured, self._roots[name], subject, nonce)
        self._asked[name] = time.time()
        if isinstance(answer, StampFailure):
            note_failure(self.archive, subject, authority, answer, now=time.time(), chance=random.random())
            return answer
        with self.writer.stopped_by_failed_sync():
            stage(self.archive, answer)
        self.writer.state(stamp_maker(self.archive, answer))
        self.writer.call(lambda: self._after_stamp(subject, name))
        return True

    def _configured(self, name: str) -> AuthoritySettings:
        return next(a for a in self.archive.settings.authorities if a.name == name)

    def _owed(self, name: str, now: float, *, at_once: bool) -> Subject | None:
        ledger = self.pipeline.ledger
        head = None
        if ledger.checkpoint is not None and ledger.checkpoint_bytes is not None:
            head = (ledger.checkpoint, ledger.checkpoint_bytes)
        subject = owed_checkpoint(self.archive, name, head, self.pipeline.now(), at_once=at_once)
        if subject is not None and (at_once or may_ask(self.archive, subject.name, name, now)):
            return subject
        for seq in owed_statements(self.archive, name):
            if at_once or may_ask(self.archive, f"statement:{seq}", name, now):
                return Subject("statement", seq, self.archive.statement(seq).line)
        return None

    def _after_stamp(self, subject: Subject, name: str) -> None:
        """Make the placed token durable, then let it serve the snapshots under it."""
        self.pipeline.sync_placed()
        forget_failure(self.archive, subject, name)
        if subject.kind != "checkpoint":
            return
        token = (name, f"stamps/{subject.number}/{name}.tsr")
        ledger = self.pipeline.ledger
        checkpoint = open_checkpoint(subject.data, self.archive.verifier)
        if add_proofs(self.archive, checkpoint, subject.data, ledger.read_tile, token) == 0:
            add_later_token(self.archive, subject.data, token)


def open_operation(
    root: Path,
    passphrase: Passphrase,
    *,
    wait_s: float = LOCK_WAIT_S,
    environment: Mapping[str, str] | None = None,
    surroundings: Surroundings | None = None,
) -> Operation:
    """Take the lock, recover, and return the archive in operation.

    ``ArchiveLocked`` when another writer keeps it for ``wait_s``; ``ArchiveDamaged`` when recovery must not go on.
    """
    env = os.environ if environment is None else environment
    outside = surroundings or Surroundings()
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", do="run archiver init DIR, or give --archive DIR")
    files = LocalFiles(root)
    settings = read_settings(files, env)
    verifier = read_verifier(files, settings["archive.origin"])
    lock = WriterLock(root / LOCK)
    try:
        lock.acquire(wait_s)
    except Locked as error:
        raise ArchiveLocked(
            f"the archive is in use by process {error.pid or 'unknown'}", do="stop it, or let it do the work"
        ) from error
    try:
        key = read_key(files, verifier.name, passphrase)
        head = HeadCopy(LocalFiles(_made(head_copy_folder(settings, env))), verifier.vkey, verifier.name)
        archive = Archive(files, settings, verifier, Index(root / DATABASE), head)
        return start(archive, key, lock, outside)
    except BaseException:
        lock.release()
        raise


def start(archive: Archive, key: LogKey | None, lock: WriterLock | None, outside: Surroundings) -> Operation:
    """Recover an opened archive and put it into operation."""
    ledger = Ledger(
        archive.files,
        origin=archive.origin,
        verifier=archive.verifier,
        key=key,
        head=archive.head,
        now=outside.now,
        random=outside.random,
    )
    pipeline = Pipeline(archive, ledger, outside.capturer(archive.settings), outside.now, outside.random)
    recovered = recover(pipeline)
    return Operation(pipeline, lock, recovered)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ArchiveError(
            f"the folder of the head copy cannot be made: {error}", do="set archive.head_copy"
        ) from error
    return folder


def create_archive(
    root: Path,
    settings_text: str,
    settings: Settings,
    passphrase: bytes | None,
    *,
    environment: Mapping[str, str] | None = None,
    outside: Surroundings | None = None,
) -> Archive:
    """Make an archive: settings, keys, a log that begins with its key statement, a checkpoint, the head copy."""
    env = os.environ if environment is None else environment
    surroundings = outside or Surroundings()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} is not empty", do="give a new folder; an archive is never made over another")
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ArchiveError(f"{root} cannot be made: {error}") from error
    files = LocalFiles(root)
    key = LogKey.generate(settings["archive.origin"])
    head = HeadCopy(LocalFiles(_made(head_copy_folder(settings, env))), key.verifier.vkey, key.verifier.name)
    files.replace(PRIVATE_KEY, key.to_pem(passphrase))
    (root / PRIVATE_KEY).chmod(0o600)
    archive = found(files, settings, key, head, Index(root / DATABASE), surroundings)
    # The settings come last: a folder without archive.toml is no archive, so a crash half-way leaves nothing to trust.
    files.replace("archive.toml", settings_text.encode())
    return archive


def found(
    files: Files, settings: Settings, key: LogKey, head: HeadCopy, index: Index, outside: Surroundings
) -> Archive:
    """Write the public key and statement 0, and publish the first checkpoint."""
    verifier = key.verifier
    files.replace(VKEY, verifier.vkey.encode() + b"\n")
    files.replace("keys/log.pub.pem", verifier.spki_pem)
    archive = Archive(files, settings, verifier, index, head)
    ledger = Ledger(
        files, origin=archive.origin, verifier=verifier, key=key, head=head, now=outside.now, random=outside.random
    )
    pipeline = Pipeline(archive, ledger, outside.capturer(settings), outside.now, outside.random)
    fields: Json = {
        "event": "created",
        "vkey": verifier.vkey,
        "spki_sha256": hashlib.sha256(verifier.spki_der).hexdigest(),
        "prefix": archive.prefix,
        "name": settings["archive.name"],
        "software": SOFTWARE,
        "continues": None,
    }
    pipeline.commit([], [lambda _seq, _sealed: ("key", fields)])
    pipeline.publish()
    pipeline.capturer.close()
    return archive
