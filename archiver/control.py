"""Handing work to a running daemon over its Unix socket: one JSON line asked, JSON lines answered.

The socket lies in the runtime directory, named by the archive's path (a path has room for 108 bytes), mode 0600: who
may write the archive may speak. One request a connection; nothing here is evidence.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from archiver.errors import ArchiveError, ArchiverError, NotCheckable, UsageError
from storage.errors import StorageError

LOG = logging.getLogger("archiver.control")
MAX_LINE = 16 * 1024 * 1024
"""Bytes of one message; a list of documents to capture fits, an endless line does not."""
MAX_CLIENTS = 16
CONNECT_S = 2.0
PING_S = 10.0
"""Seconds in which a daemon that is alive says so."""
REQUEST_S = 10.0
"""Seconds a client has for its one line: one that says nothing must not keep a place for ever."""
FAREWELL_S = 30.0
"""Seconds that a stopping daemon waits for the answers under way."""

Reply = dict[str, Any]
Handler = Callable[[Reply], Iterator[Reply]]
"""Answers one request with any number of lines."""


def socket_paths(root: Path, environment: Mapping[str, str]) -> list[Path]:
    """Where the daemon of this archive may listen, most wanted first; both sides look at the same list."""
    name = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:24] + ".sock"
    folders = [environment.get("RUNTIME_DIRECTORY", "").split(":")[0], "/run/archiver"]
    folders += [f"{environment['XDG_RUNTIME_DIR']}/archiver"] if environment.get("XDG_RUNTIME_DIR") else []
    folders.append(f"/tmp/archiver-{os.getuid()}")  # noqa: S108 - made 0700 and checked to be ours
    return [Path(folder) / name for folder in dict.fromkeys(folders) if folder]


def _own_folder(folder: Path) -> bool:
    """Make the folder, private; False when it cannot be made or belongs to someone else."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
    except OSError:
        return False
    return state.st_uid == os.getuid() and not folder.is_symlink() and not state.st_mode & 0o022


class ControlServer:
    """Listens for requests of one archive; a context manager. Each connection has a thread."""

    def __init__(self, root: Path, environment: Mapping[str, str], handler: Handler) -> None:
        self._handler = handler
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.path = self._bind(socket_paths(root, environment))
        self._socket.listen(MAX_CLIENTS)
        self._places = threading.BoundedSemaphore(MAX_CLIENTS)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)

    def _bind(self, paths: list[Path]) -> Path:
        for path in paths:
            if not _own_folder(path.parent):
                continue
            path.unlink(missing_ok=True)  # we hold the archive's lock: a socket found here is a dead daemon's
            old = os.umask(0o177)
            try:
                self._socket.bind(str(path))
            except OSError:
                continue
            finally:
                os.umask(old)
            return path
        raise ArchiveError("no runtime directory for the control socket", do="set XDG_RUNTIME_DIR")

    def __enter__(self) -> ControlServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take no more requests; the ones under way go on."""
        self._ended.set()
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # closing alone would not wake the thread in accept()
        self._socket.close()

    def finish(self) -> bool:
        """Wait until those who asked have their answers; False when ``FAREWELL_S`` was not enough."""
        until = time.monotonic() + FAREWELL_S
        places = 0
        while places < MAX_CLIENTS and self._places.acquire(timeout=max(0.0, until - time.monotonic())):
            places += 1
        for _ in range(places):
            self._places.release()
        return places == MAX_CLIENTS

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                if self._ended.wait(0.1):
                    return
                continue  # no descriptor left, or the client was gone again: the next one may be luckier
            if not self._places.acquire(blocking=False):
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), name="control-client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, client.makefile("rwb") as stream:
                client.settimeout(REQUEST_S)
                line = stream.readline(MAX_LINE)
                client.settimeout(None)
                for reply in self._answers(line):
                    stream.write(json.dumps(reply).encode() + b"\n")
                    stream.flush()
        except OSError:
            pass  # the client went away; its work is committed all the same
        finally:
            self._places.release()

    def _answers(self, line: bytes) -> Iterator[Reply]:
        try:
            try:
                request = json.loads(line)
            except ValueError as error:
                raise UsageError(f"a request is one line of JSON of less than {MAX_LINE} bytes") from error
            if not isinstance(request, dict):
                raise UsageError("a request is a JSON object")
            yield from self._handler(request)
            yield {"done": True}
        except ArchiverError as error:
            yield {"error": error.what, "do": error.do, "exit_code": error.exit_code}
        except StorageError as error:
            yield {"error": str(error), "do": "see the daemon's log", "exit_code": 4}
        except Exception as error:  # the client must hear of a bug of ours, and so must the operator
            LOG.exception("a request failed inside")
            yield {"error": f"{type(error).__name__}: {error}", "do": "", "exit_code": 70}


def ask_daemon(
    root: Path, environment: Mapping[str, str], request: Reply, *, timeout_s: float | None = None
) -> Iterator[Reply] | None:
    """Send a request to the running daemon and yield its answers, or return None when there is no daemon.

    ``timeout_s`` bounds the wait for each answer; ``NotCheckable`` when it is over.
    """
    for path in socket_paths(root, environment):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(CONNECT_S)
        try:
            # Whoever owns the archive may serve it; anyone else may have put a socket there to hear what is asked.
            if path.exists() and path.stat().st_uid in (os.getuid(), 0, root.stat().st_uid):
                client.connect(str(path))
                client.settimeout(timeout_s)
                return _replies(client, request)
        except OSError:
            pass
        client.close()
    return None


def daemon_pid(root: Path) -> int | None:
    """The process of the daemon that holds this archive, or None; ``NotCheckable`` when it hangs."""
    replies = ask_daemon(root, os.environ, {"do": "ping"}, timeout_s=PING_S)
    found = None if replies is None else next(replies, None)
    return None if found is None else int(found["pong"])


def _replies(client: socket.socket, request: Reply) -> Iterator[Reply]:
    try:
        with client, client.makefile("rwb") as stream:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            while line := stream.readline(MAX_LINE):
                reply = json.loads(line)
                if reply.get("done"):
                    return
                if "error" in reply:
                    raise _error(reply)
                yield reply
    except TimeoutError as error:
        raise NotCheckable("the daemon does not answer", do="see its log") from error
    except (OSError, ValueError):
        pass  # killed while it spoke
    raise NotCheckable("the daemon went away before it answered", do="see its log; what it acknowledged is kept")


def _error(reply: Reply) -> ArchiverError:
    """An error of the daemon, with its exit code, raised here."""
    error = ArchiverError(str(reply["error"]), do=str(reply["do"]))
    error.exit_code = int(reply["exit_code"])
    return error
