"""A scripted web site on real loopback sockets: ordinary documents, and every way of misbehaving.

    with Website(documents={"/terms": (b"<p>Be nice</p>", "text/html")}) as site:
        site.url("/terms")                      # http://127.0.0.1:PORT/terms
        site.documents["/terms"] = b"changed"   # may change at any time, from any thread
        site.scripts["/odd"] = [b"HTTP/1.1 103 Early Hints\r\n\r\n", Sleep(0.1), b"HTTP/1.1 200 OK\r\n", Reset()]
        site.hits                               # every request, in order of arrival

A document is served with Date, ETag and Content-Length over keep-alive connections, answers HEAD and
If-None-Match. A script is a list of raw bytes and behaviours run in order (or a function from ``Hit`` to such a
list); at its end the connection is kept, as if the client had received a whole message. Everything else is a 404.
With ``tls=authority.valid("localhost")`` the site speaks TLS; see ``tests.simulators.certificates``.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from types import TracebackType

from tests.simulators.certificates import Identity


@dataclass(frozen=True)
class Document:
    """An ordinary resource; ``fields`` are further response fields."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: str = "200 OK"
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


@dataclass(frozen=True)
class Sleep:
    """Wait."""

    seconds: float


@dataclass(frozen=True)
class Close:
    """Close in order; over TLS with its closing alert."""


@dataclass(frozen=True)
class Cut:
    """Close the TCP connection without TLS's closing alert."""


@dataclass(frozen=True)
class Reset:
    """Close with a TCP reset."""


@dataclass(frozen=True)
class Repeat:
    """Send ``data`` ``times`` times (None: for ever), with a pause after each."""

    data: bytes
    times: int | None = None
    pause: float = 0.0


@dataclass(frozen=True)
class Hit:
    """One request as it arrived."""

    method: str
    path: str
    fields: Mapping[str, str]
    """Names in lower case."""
    raw: bytes
    connection: int
    """Number of the connection, from 0."""
    nth: int
    """Number of the request on its connection, from 0."""
    at: float
    """``time.monotonic()``"""


Action = bytes | Sleep | Close | Cut | Reset | Repeat
Script = Sequence[Action]
Served = Document | bytes | tuple[bytes, str]


class Website:
    """The site; a context manager. Attributes may be changed while it runs."""

    def __init__(
        self,
        documents: Mapping[str, Served] | None = None,
        *,
        scripts: Mapping[str, Script | Callable[[Hit], Script]] | None = None,
        robots: bytes | None = None,
        tls: Identity | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.documents: dict[str, Served] = dict(documents or {})
        if robots is not None:
            self.documents["/robots.txt"] = (robots, "text/plain")
        self.scripts: dict[str, Script | Callable[[Hit], Script]] = dict(scripts or {})
        self.hits: list[Hit] = []
        self.connections = 0
        """TCP connections accepted."""
        self.host = host
        self.ca_pem = tls.ca_pem if tls is not None else b""
        """PEM of the root that the certificate leads to."""
        self._context = tls.server_context() if tls is not None else None
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Website:
        self._listener.listen(128)
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout=10)

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """Return the URL of a path; ``host`` if the site is to be asked by another name."""
        scheme = "http" if self._context is None else "https"
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def asked(self, path: str) -> list[Hit]:
        """Return the hits of one path."""
        return [hit for hit in list(self.hits) if hit.path == path]

    def _start(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        with self._lock:
            self._threads = [one for one in self._threads if one.is_alive()]
            self._threads.append(thread)
            thread.start()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = self.connections
            self.connections += 1
            self._start(lambda sock=sock, number=number: self._serve(sock, number))  # type: ignore[misc]

    def _serve(self, raw: socket.socket, number: int) -> None:
        with self._lock:
            self._open.add(raw)
        sock = raw
        try:
            if self._context is not None:
                raw.settimeout(10)
                sock = self._context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=True)
                with self._lock:
                    self._open.discard(raw)  # wrap_socket took its descriptor
                    self._open.add(sock)
                sock.settimeout(None)
            for nth, hit in enumerate(_requests(sock, number)):
                self.hits.append(hit)
                if not self._answer(sock, hit, nth):
                    return
        except (OSError, ValueError):
            return  # the client went away, or the site is ending
        finally:
            with self._lock:
                self._open.discard(raw)
                self._open.discard(sock)
            sock.close()
            raw.close()

    def _answer(self, sock: socket.socket, hit: Hit, nth: int) -> bool:
        """Run the script or serve the document; return whether the connection goes on."""
        script = self.scripts.get(hit.path)
        if script is None:
            sock.sendall(self._document(hit))
            return "close" not in hit.fields.get("connection", "").lower()
        actions = script(hit) if callable(script) else script
        return all(self._act(sock, action) for action in actions)

    def _act(self, sock: socket.socket, action: Action) -> bool:
        match action:
            case bytes():
                sock.sendall(action)
            case Sleep(seconds):
                return not self._ending.wait(seconds)
            case Repeat(data, times, pause):
                left = times
                while left != 0:
                    sock.sendall(data)
                    if pause and self._ending.wait(pause):
                        return False
                    left = None if left is None else left - 1
            case Reset():
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            case Close():
                if isinstance(sock, ssl.SSLSocket):
                    sock.settimeout(2)
                    with contextlib.suppress(OSError):
                        sock.unwrap()
                return False
            case Cut():
                return False
        return not self._ending.is_set()

    def _document(self, hit: Hit) -> bytes:
        served = self.documents.get(hit.path)
        if served is None:
            document = Document(b"nothing here\n", "text/plain", "404 Not Found")
        elif isinstance(served, Document):
            document = served
        else:
            document = Document(served) if isinstance(served, bytes) else Document(*served)
        fields = [("Date", formatdate(usegmt=True)), ("ETag", document.etag), *document.fields]
        if document.status.startswith("200") and hit.fields.get("if-none-match") == document.etag:
            return response(b"", status="304 Not Modified", fields=fields, length=False)
        fields.append(("Content-Type", document.content_type))
        whole = response(document.body, status=document.status, fields=fields)
        return whole[: -len(document.body)] if hit.method == "HEAD" and document.body else whole


def response(
    body: bytes = b"",
    *,
    status: str = "200 OK",
    fields: Sequence[tuple[str, str]] = (),
    length: bool = True,
) -> bytes:
    """Return a whole response, for scripts; ``length`` false leaves Content-Length out."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields)]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    """Return a redirect without a body, for scripts."""
    return response(status=status, fields=[("Location", location)])


def _requests(sock: socket.socket, number: int) -> Iterator[Hit]:
    """Yield the requests of one connection; bodies are not expected."""
    buffer = b""
    nth = 0
    while True:
        while b"\r\n\r\n" not in buffer:
            data = sock.recv(65536)
            if not data:
                return
            buffer += data
            if not buffer[:1].isalpha():
                return  # TLS spoken to a site without it
        head, _, buffer = buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines)
        fields = {name.lower(): value.strip() for name, _, value in pairs}
        yield Hit(method, path, fields, head + b"\r\n\r\n", number, nth, time.monotonic())
        nth += 1
