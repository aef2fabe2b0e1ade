"""A receiver of webhooks on loopback that keeps what it gets, and can be told to misbehave.

with Hook() as hook:
    hook.url, hook.requests
    hook.status = 503               # or 302, 410, …
    hook.mode = "hang"              # or "drip", "cut"
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from tests.simulators.certificates import Identity

HANG_S = 60.0


@dataclass(frozen=True)
class Request:
    """One request as it arrived; names of header fields in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Hook:
    """Takes POST requests while the ``with`` block lasts."""

    def __init__(self, tls: Identity | None = None) -> None:
        self.requests: list[Request] = []
        self.status = 204
        self.fields: dict[str, str] = {}
        """Further header fields of the answer."""
        self.body = b""
        """Of the answer."""
        self.mode = "ok"
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.hook = self
        if tls is not None:
            self._server.socket = tls.server_context().wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"http{'s' if tls else ''}://localhost:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Hook:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    hook: Hook

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = HANG_S

    def do_POST(self) -> None:
        hook = self.server.hook
        body = self.rfile.read(int(self.headers["Content-Length"]))
        hook.requests.append(Request(self.path, {name.lower(): v for name, v in self.headers.items()}, body))
        if hook.mode == "hang":
            hook.released.wait(HANG_S)
        elif hook.mode == "drip":
            with contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100:
                    self.wfile.write(bytes([byte]))
                    if hook.released.wait(0.1):
                        break
        elif hook.mode == "ok":
            self.send_response(hook.status)
            for name, value in hook.fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(hook.body)))
            self.end_headers()
            self.wfile.write(hook.body)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """Say nothing."""
