"""Two web archives of other people on loopback, with the services they document: Save Page Now 2, and Perma.cc v1.

with WebArchives() as theirs:
    theirs.url, theirs.requests, theirs.asked
    theirs.pages["http://a.example/terms"] = b"…"      # what a copy holds
    theirs.refuse = "error:too-many-daily-captures"    # Save Page Now's way to fail, with status 200
    theirs.status = 429                                # or any other HTTP status, with theirs.fields
    theirs.mode = "hang"                               # or "drip", "cut", "rubbish"
"""

from __future__ import annotations

import contextlib
import io
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tests.simulators.certificates import Identity

HANG_S = 60.0
TIMESTAMP = "20260512151003"
COPIED = "2026-05-12T15:10:03Z"
MADE = "2026-05-12T17:10:03.516152+02:00"
MADE_UTC = "2026-05-12T15:10:03.516152Z"


@dataclass(frozen=True)
class Request:
    """One request as it arrived; names of header fields in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class WebArchives:
    """Both services on one port; a context manager. With ``tls`` it is https://localhost."""

    def __init__(self, tls: Identity | None = None) -> None:
        self.requests: list[Request] = []
        self.asked: list[str] = []
        """Addresses that a copy was made of."""
        self.pages: dict[str, bytes] = {}
        self.pending = 0
        """How many looks at a job find it at work."""
        self.refuse: str | None = None
        self.refuse_later: str | None = None
        """A failure that the job ends with, after it was taken."""
        self.status: int | None = None
        self.fields: dict[str, str] = {}
        self.mode = "ok"
        self.answer: object = None
        """What the service answers to every question, where not None."""
        self.leads_to: str | None = None
        """Where a download of Perma.cc leads."""
        self.raw_status = 200
        self.content_type = "text/html; charset=utf-8"
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.theirs = self
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        if tls is not None:
            self._server.socket = tls.server_context().wrap_socket(self._server.socket, server_side=True)
            self.url = f"https://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> WebArchives:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def warc(self, url: str) -> bytes:
        """The WARC that Perma.cc hands out."""
        out = io.BytesIO()
        writer = WARCWriter(out, gzip=True)
        head = StatusAndHeaders("200 OK", [("Content-Type", self.content_type)], protocol="HTTP/1.1")
        body = io.BytesIO(self.pages.get(url, b""))
        record = writer.create_warc_record(url, "response", payload=body, http_headers=head)
        writer.write_record(record)
        record.raw_stream.close()
        return out.getvalue()


class _Server(ThreadingHTTPServer):
    theirs: WebArchives

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = HANG_S

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._spoilt("POST", body):
            return
        theirs = self.server.theirs
        if self.path == "/save":
            if theirs.refuse:
                self._json(200, {"status": "error", "status_ext": theirs.refuse, "message": "no, said the server"})
                return
            (url,) = parse_qs(body.decode())["url"]
            theirs.asked.append(url)
            self._json(200, {"url": url, "job_id": f"spn2-{len(theirs.asked) - 1:040x}"})
        elif self.path == "/v1/archives/":
            if theirs.refuse:
                self._json(400, {"detail": "You've reached your usage limit."})
                return
            theirs.asked.append(json.loads(body)["url"])
            self._json(201, self._link(len(theirs.asked) - 1, "pending"))
        else:
            self._json(404, {})

    def do_GET(self) -> None:
        if self._spoilt("GET", b""):
            return
        theirs = self.server.theirs
        if self.path.startswith("/save/status/"):
            url = theirs.asked[int(self.path.rpartition("-")[2], 16)]
            if theirs.refuse_later:
                self._json(200, {"status": "error", "status_ext": theirs.refuse_later, "message": "no"})
            elif theirs.pending:
                theirs.pending -= 1
                self._json(200, {"status": "pending", "resources": []})
            else:
                self._json(200, {"status": "success", "timestamp": TIMESTAMP, "original_url": url, "duration_sec": 6.2})
        elif self.path.startswith(f"/web/{TIMESTAMP}id_/"):
            url = self.path.removeprefix(f"/web/{TIMESTAMP}id_/")
            fields = {"Location": f"/web/20200101000000id_/{url}"} if 300 <= theirs.raw_status < 400 else {}
            self._send(theirs.raw_status, theirs.pages.get(url, b""), theirs.content_type, fields)
        elif self.path.startswith("/v1/public/archives/"):
            number = int(self.path.split("/")[4].partition("-")[2])
            if self.path.endswith("/download/") and theirs.leads_to is not None:
                self._send(302, b"", "text/plain", {"Location": theirs.leads_to})
            elif self.path.endswith("/download/"):
                self._send(theirs.raw_status, theirs.warc(theirs.asked[number]), "application/gzip", {})
            elif theirs.refuse_later:
                self._json(200, self._link(number, "failed"))
            else:
                self._json(200, self._link(number, "pending" if theirs.pending else "success"))
                theirs.pending = max(0, theirs.pending - 1)
        else:
            self._json(404, {})

    def _link(self, number: int, status: str) -> dict[str, object]:
        captures = [{"role": "primary", "status": status}, {"role": "screenshot", "status": "success"}]
        return {
            "guid": f"AB3D-{number:04d}",
            "creation_timestamp": MADE,
            "url": self.server.theirs.asked[number],
            "captures": captures,
        }

    def _spoilt(self, method: str, body: bytes) -> bool:
        theirs = self.server.theirs
        headers = {name.lower(): value for name, value in self.headers.items()}
        theirs.requests.append(Request(method, self.path, headers, body))
        if theirs.mode == "hang":
            theirs.released.wait(HANG_S)
        elif theirs.mode == "drip":
            with contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100:
                    self.wfile.write(bytes([byte]))
                    if theirs.released.wait(0.1):
                        break
        elif theirs.mode == "rubbish":
            self._send(200, b"<html>under maintenance</html>", "text/html", {})
        elif theirs.mode == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        elif theirs.status is not None:
            self._send(theirs.status, b"{}", "application/json", theirs.fields)
        else:
            return False
        self.close_connection = True
        return True

    def _json(self, status: int, body: object) -> None:
        if self.server.theirs.answer is not None:
            body = self.server.theirs.answer
        self._send(status, json.dumps(body).encode(), "application/json", {})

    def _send(self, status: int, body: bytes, content_type: str, fields: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **fields}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
