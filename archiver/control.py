"""Handing work to a running daemon over its Unix socket: one JSON line asked, JSON lines answered.

The socket lies in the runtime directory, named by the archive's path (a path has room for 108 bytes), mode 0600: who
may write the archive may speak. One request a connection; nothing here is evidence.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from archiver.errors import ArchiveError, ArchiverError, NotCheckable, UsageError

MAX_LINE = 16 * 1024 * 1024
"""Bytes of one message; a list of documents to capture fits, an endless line does not."""
MAX_CLIENTS = 16
CONNECT_S = 2.0

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
        self.path.unlink(missing_ok=True)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            if not self._places.acquire(blocking=False):
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), name="control-client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, client.makefile("rwb") as stream:
                line = stream.readline(MAX_LINE)
                for reply in self._answers(line):
                    stream.write(json.dumps(reply).encode() + b"\n")
                    stream.flush()
        except OSError:
            pass  # the client went away; its work is committed all the same
        finally:
            self._places.release()

    def _answers(self, line: bytes) -> Iterator[Reply]:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise UsageError("a request is a JSON object")
            yield from self._handler(request)
            yield {"done": True}
        except ArchiverError as error:
            yield {"error": error.what, "do": error.do, "exit_code": error.exit_code}
        except Exception as error:  # noqa: BLE001 - the client must hear of a bug of ours
            yield {"error": f"{type(error).__name__}: {error}", "do": "", "exit_code": 70}


def ask_daemon(root: Path, environment: Mapping[str, str], request: Reply) -> Iterator[Reply] | None:
    """Send a request to the running daemon and yield its answers, or return None when there is no daemon."""
    for path in socket_paths(root, environment):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(CONNECT_S)
        try:
            if path.exists() and path.stat().st_uid in (os.getuid(), 0):
                client.connect(str(path))
                client.settimeout(None)
                return _replies(client, request)
        except OSError:
            pass
        client.close()
    return None


def _replies(client: socket.socket, request: Reply) -> Iterator[Reply]:
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
    raise NotCheckable("the daemon went away before it answered", do="see its log; what it acknowledged is kept")


def _error(reply: Reply) -> ArchiverError:
    """An error of the daemon, with its exit code, raised here."""
    error = ArchiverError(str(reply["error"]), do=str(reply["do"]))
    error.exit_code = int(reply["exit_code"])
    return error
