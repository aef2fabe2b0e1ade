"""A small witness (C2SP tlog-witness v1.0.0) for somebody who does not run the archive: an auditor, an expert.

It needs no archive and knows nothing of what a log holds: it sees checkpoints, keeps the newest of each log that it was
told to watch, and signs only what continues that. Another history gets no signature, and a line in the log.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.errors import ArchiveDamaged, FormatError, UsageError
from archiver.evidence.checkpoint import Checkpoint
from archiver.evidence.cosignature import MAX_REQUEST, SIZE_TYPE, AddCheckpoint, WitnessKey, cosign
from archiver.evidence.merkle import EMPTY_ROOT, verify_consistency
from archiver.evidence.note import Note, Verifier
from archiver.signing import LogKey
from storage.errors import Locked, Missing, StorageError
from storage.interface import Files
from storage.local import LocalFiles
from storage.lock import WriterLock

LOG = logging.getLogger("archiver.witness")
KEY, VKEY, LOCK, LOGS, FORKS = "witness.key.pem", "witness.vkey", "lock", "logs", "forks"
MAX_FORKS = 100
"""Checkpoints of other histories that are kept: one shows it."""
DEADLINE_S = 10.0
"""Seconds in which a request must have come, headers and body together."""
MAX_CONNECTIONS = 32
"""Requests answered at once; further ones wait."""
PATH = "/add-checkpoint"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the witness: status, body, content type."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


class WitnessBook:
    """The newest checkpoint of each watched log, in files; ``answer`` follows the rules of add-checkpoint."""

    def __init__(
        self,
        files: Files,
        key: WitnessKey,
        sign: Callable[[bytes], bytes],
        logs: Sequence[Verifier],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._files = files
        self._key = key
        self._sign = sign
        self._now = now
        self._logs: dict[str, list[Verifier]] = {}
        for verifier in logs:
            self._logs.setdefault(verifier.name, []).append(verifier)
        self._locks: Mapping[str, threading.Lock] = {name: threading.Lock() for name in self._logs}

    @property
    def origins(self) -> list[str]:
        """The logs it watches."""
        return sorted(self._logs)

    def newest(self, origin: str) -> Checkpoint:
        """The newest checkpoint cosigned for a log; of size 0 where there is none; ``ArchiveDamaged`` if unreadable."""
        try:
            found = Checkpoint.from_bytes(self._files.read(_place(origin)))
        except Missing:
            return Checkpoint(origin, 0, EMPTY_ROOT)
        except FormatError as error:
            raise ArchiveDamaged(f"{_place(origin)}: {error.what}", do="restore it from a backup") from error
        if found.origin != origin:
            raise ArchiveDamaged(f"{_place(origin)} is of {found.origin}, not {origin}", do="restore it from a backup")
        return found

    def answer(self, data: bytes) -> Reply:
        """Answer the body of one request, in the order of C2SP tlog-witness.

        The record is durable before the cosignature exists: were we to crash between the two, the log asks again from
        the size it is told. One thread at a time for each log, so that no older size can take a newer one's place.
        """
        try:
            asked = AddCheckpoint.from_bytes(data)
        except FormatError as error:
            return _refused(400, error.what)
        note = Note.from_bytes(asked.checkpoint)
        head = Checkpoint.from_body(note.text)
        if head.origin not in self._logs:
            return _refused(404, "this witness does not know that log")
        if not any(_signed(note, verifier) for verifier in self._logs[head.origin]):
            return _refused(403, "not signed by a key of that log")
        if asked.old > head.size:
            return _refused(400, "the old size is larger than the checkpoint's")
        with self._locks[head.origin]:
            return self._update(asked, head)

    def _update(self, asked: AddCheckpoint, head: Checkpoint) -> Reply:
        newest = self.newest(head.origin)
        if asked.old != newest.size:
            return Reply(409, b"%d\n" % newest.size, SIZE_TYPE)
        if head.size == newest.size and head.root != newest.root:
            LOG.error("%s shows another root for size %d: a fork", head.origin, head.size)
            self._keep_fork(asked.checkpoint, head)
            return Reply(409, b"%d\n" % newest.size, SIZE_TYPE)
        try:
            verify_consistency(newest.size, head.size, asked.proof, newest.root, head.root)
        except FormatError as error:
            # Anybody who has a newer checkpoint can send a bad proof with it: this alone accuses nobody.
            LOG.error(
                "the proof sent with %s of size %d does not hold from size %d, a fork or a bad proof: %s",
                head.origin, head.size, newest.size, error.what,
            )  # fmt: skip
            return _refused(422, error.what)
        if head != newest or head.size == 0:
            self._files.replace(_place(head.origin), asked.checkpoint)
        line = cosign(asked.checkpoint, self._key, self._sign, int(self._now()))
        LOG.info("cosigned %s at size %d", head.origin, head.size)
        return Reply(200, line)

    def _keep_fork(self, checkpoint: bytes, head: Checkpoint) -> None:
        """Keep what shows it: two signed checkpoints of one size with different roots, this one and the newest."""
        path = f"{FORKS}/{_place(head.origin).rpartition('/')[2]}-{head.size}-{head.root.hex()}"
        if not self._files.exists(path) and len(self._files.list(FORKS)) < MAX_FORKS:
            self._files.replace(path, checkpoint)


def _place(origin: str) -> str:
    return f"{LOGS}/{hashlib.sha256(origin.encode()).hexdigest()}"


def _signed(note: Note, verifier: Verifier) -> bool:
    try:
        note.verify(verifier, strict=False)
    except FormatError:
        return False
    return True


def _refused(status: int, why: str) -> Reply:
    return Reply(status, f"{why}\n".encode())


# -- its key ---------------------------------------------------------------------------------------


def init_witness(folder: Path, name: str) -> WitnessKey:
    """Make the folder of a new witness with its key; ``UsageError`` where there is one already.

    The key gets its name last: a folder without it is no witness yet, but one whose key was moved away still is. What
    a crash of this left is told from that by the key's file under its first name, which is written before all else.
    """
    if (folder / KEY).exists():
        raise UsageError(f"{folder} has a witness's key already", do="give a new folder; a key is never overwritten")
    fresh = folder / f"{KEY}.new"
    if (folder / VKEY).exists() and (_has_entries(folder / LOGS) or not fresh.exists()):
        raise UsageError(
            f"{folder} is the folder of a witness whose private key lies elsewhere",
            do="give a new folder, or serve with --key; a witness's public key is never overwritten",
        )
    made = LogKey.generate(name)
    key = WitnessKey(made.verifier.name, made.verifier.key)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}") from error
    files = LocalFiles(folder)
    (folder / VKEY).unlink(missing_ok=True)  # what a crash left, its key after it
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(made.to_pem(None))
        handle.flush()
        os.fsync(descriptor)
    files.replace(VKEY, f"{key.vkey}\n".encode())
    files.rename(fresh.name, KEY)
    files.barrier([KEY])
    return key


def _has_entries(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def read_witness(folder: Path, key_file: Path | None) -> tuple[WitnessKey, LogKey]:
    """The witness's public and private key; ``UsageError`` where there is none, or they do not go together."""
    try:
        files = LocalFiles(folder)
        key = WitnessKey.from_vkey(files.read(VKEY).decode("utf-8").removesuffix("\n"))
        pem = (key_file or folder / KEY).read_bytes()
    except (Missing, OSError) as error:
        raise UsageError(f"{folder} is no witness's folder: {error}", do="run archiver log witness init") from error
    except (FormatError, UnicodeDecodeError) as error:
        raise UsageError(f"{folder / VKEY}: {error}") from error
    private = LogKey.from_pem(key.name, pem)
    if private.verifier.key != key.key:
        raise UsageError(f"the private key is not that of {folder / VKEY}", do="give the right --key")
    return key, private


# -- its server ------------------------------------------------------------------------------------


class WitnessServer(http.server.ThreadingHTTPServer):
    """Answers ``POST /add-checkpoint`` on one address; a context manager. Everything else is 404 or 405."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], book: WitnessBook, lock: WriterLock | None = None) -> None:
        self.book = book
        self._lock = lock
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, once there is one free: a flood waits in the system's queue, not in memory."""
        self._free.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As the base class does, then make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def server_close(self) -> None:
        """Stop listening and let go of the record."""
        super().server_close()
        if self._lock is not None:
            self._lock.release()

    @property
    def url(self) -> str:
        """Where it listens: what a log's settings name."""
        host, port = self.server_address[0], self.server_address[1]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or a fault of ours, ends one request; its text goes to the log, not to anybody."""
        LOG.warning("a request ended with an error", exc_info=True)


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection, one request, within ``DEADLINE_S``: so long at most slow clients can hold up the others."""

    server: WitnessServer
    protocol_version = "HTTP/1.1"
    timeout = DEADLINE_S

    def setup(self) -> None:
        super().setup()
        # A socket's time-out starts anew with each byte; the timer does not.
        self._timer = threading.Timer(DEADLINE_S, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def finish(self) -> None:
        self._timer.cancel()
        super().finish()

    def _cut(self) -> None:
        with contextlib.suppress(OSError):  # gone already
            self.connection.shutdown(socket.SHUT_RDWR)

    def handle(self) -> None:
        self.close_connection = True
        self.handle_one_request()

    def do_POST(self) -> None:
        """Answer add-checkpoint."""
        self._send(self._answer())

    def _answer(self) -> Reply:
        if self.path.partition("?")[0] != PATH:
            return _refused(404, "there is only /add-checkpoint")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 10):
            return _refused(411, "a request has a Content-Length")
        if int(length) > MAX_REQUEST:
            return _refused(413, f"a request has at most {MAX_REQUEST} bytes")
        data = self.rfile.read(int(length))
        if len(data) != int(length):
            return _refused(400, "the request was cut")
        try:
            return self.server.book.answer(data)
        except (StorageError, ArchiveDamaged) as error:
            # Nothing was signed, for nothing could be kept.
            LOG.error("no cosignature: %s", error)
            return _refused(503, "the witness cannot keep its record")

    def do_GET(self) -> None:
        """There is nothing to read here."""
        self._send(_refused(405, "POST /add-checkpoint"))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body)

    def version_string(self) -> str:
        return "archiver-witness"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """What is cosigned and refused is told by the book; addresses of clients are not kept."""


def open_server(
    folder: Path, key_file: Path | None, address: tuple[str, int], logs: Sequence[Verifier]
) -> WitnessServer:
    """Take the folder's lock and listen; ``UsageError`` where another server has it or the address is taken.

    The lock is held until the process ends: two servers with one record could sign two histories.
    """
    key, private = read_witness(folder, key_file)
    lock = WriterLock(folder / LOCK)
    try:
        lock.acquire()
    except Locked as error:
        who = f"process {error.pid or 'unknown'}"
        raise UsageError(f"{folder} is in use by {who}", do="stop the other witness") from error
    try:
        book = WitnessBook(LocalFiles(folder), key, private.sign, logs)
        for origin in book.origins:
            book.newest(origin)
        return WitnessServer(address, book, lock)
    except OSError as error:
        lock.release()
        raise UsageError(f"{address[0]}:{address[1]} cannot be listened on: {error.strerror or error}") from error
    except BaseException:
        lock.release()
        raise
