"""One question to the service of a web archive: a small HTTP exchange with JSON in its answer, and a key in it.

Redirects are not followed (the key is for the host it was given for), nothing of the environment is used, an answer of
any size or pace ends at its ceilings. No error repeats what was sent, nor what was answered beyond a short reason.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from archiver.errors import SettingsError
from archiver.outside.interface import OutsideFailed, Surroundings

MAX_ANSWER = 1024 * 1024
MAX_RETRY_AFTER_S = 86400
_RETRY = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answered:
    """What a service answered."""

    status: int
    body: dict[str, Any]
    """Empty where the answer is no JSON object."""
    retry_after_s: int | None

    def failed(self, what: str) -> OutsideFailed:
        """The failure of this status: too many questions and errors of the service may pass, refusals do not."""
        retry = self.status >= 500 or self.status in _RETRY
        return OutsideFailed(f"{what}: HTTP status {self.status}", retry=retry, retry_after_s=self.retry_after_s)


def ask_service(
    around: Surroundings, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> Answered:
    """Send one request and return the answer; ``OutsideFailed`` when none came whole in ``timeout_s``."""
    parts = urlsplit(url)
    until = time.monotonic() + around.timeout_s
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    assert parts.hostname is not None  # looked at when the settings were read
    with around.dial(parts.hostname, port, tls=tls, timeout_s=around.timeout_s) as connected:
        with _Deadline(connected, max(0.001, until - time.monotonic())) as deadline:
            connection = http.client.HTTPConnection(parts.hostname, port)
            connection.sock = connected
            fixed = {"User-Agent": around.user_agent, "Accept": "application/json", "Accept-Encoding": "identity"}
            try:
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request(method, path, body, {**fixed, "Connection": "close", **headers})
                answer = connection.getresponse()
                data = answer.read(MAX_ANSWER + 1)
            except (OSError, http.client.HTTPException, ValueError) as error:
                if deadline.over or isinstance(error, TimeoutError):
                    raise OutsideFailed(f"no answer within {around.timeout_s:g} s", retry=True) from None
                raise OutsideFailed(
                    "the connection broke off before an answer, or it was no HTTP", retry=True
                ) from None
        if deadline.over:
            raise OutsideFailed(f"no answer within {around.timeout_s:g} s", retry=True)
    if len(data) > MAX_ANSWER:
        raise OutsideFailed(f"an answer of more than {MAX_ANSWER} bytes", retry=False)
    wait = answer.headers.get("Retry-After", "")
    seconds = min(int(wait), MAX_RETRY_AFTER_S) if re.fullmatch(r"[0-9]{1,9}", wait) else None
    told = _object(data)
    # What it says is told on: to the log of the daemon, to the journal, to people.
    if any(secret in json.dumps(told, ensure_ascii=False) for secret in headers.get("Authorization", "").split()[1:]):
        raise OutsideFailed("the archive's answer repeats the key: it was not read", retry=False)
    return Answered(answer.status, told, seconds)


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def text_of(body: Mapping[str, Any], key: str, pattern: str) -> str:
    """A text of the answer that has this form; ``OutsideFailed`` when it is missing or has another."""
    value = body.get(key)
    if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
        raise OutsideFailed(f"the archive's answer has no usable {key}", retry=True)
    return value


def checked_base(name: str, url: str) -> str:
    """The address of a service, or ``SettingsError``: a key never travels in the clear but to this machine."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.hostname is None or parts.username is not None or parts.query or parts.fragment or port == 0:
        raise SettingsError(f"outside.{name}: the address must be https:// with a host, and nothing after the path")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise SettingsError(f"outside.{name}: the address must begin with https://, for the key's sake")
    return url


class _Deadline:
    """Ends one connection after so many seconds, TLS or not (``archiver.deadline`` takes plain sockets only)."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self.over = False
        self._connection = connection
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()

    def _cut(self) -> None:
        self.over = True
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
