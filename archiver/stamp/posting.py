"""One HTTP question to somebody who signs: bounded in time and size, TLS verified and never given up, nothing of the
environment used. Authorities, witnesses and the issuers of certificates are asked through it.

Unless the caller brings its own way of connecting, two things are not bounded here: the system resolver's own time, and
which addresses a redirect may lead to.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from archiver.deadline import Deadline
from archiver.errors import ArchiverError, SettingsError
from archiver.one_hop import FAULTS, OneHop
from archiver.stamp.interface import StampFailure

MAX_REDIRECTS = 3
MAX_RETRY_AFTER_S = 86400
_CHUNK = 8192
_NO_TARGET = "redirect without a usable target"
_REPEAT_POST = frozenset({301, 302, 307, 308})
_RETRY_STATUS = frozenset({408, 425, 429})
Connect = Callable[[str, int, float], socket.socket]
"""Host, port and seconds in, a connected socket out; raises ``NotReached``."""


class NotReached(ArchiverError):
    """A connection that was not made; ``failure`` says why."""

    def __init__(self, failure: StampFailure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class _Adapter(HTTPAdapter):
    """requests' own transport, with every new connection made as the caller says and put under a deadline."""

    def __init__(self, deadline: Deadline, connect: Connect | None, timeout_s: float) -> None:
        super().__init__(max_retries=0)

        class Plain(urllib3.connection.HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return deadline.watch(connect(self.host, self.port, timeout_s) if connect else super()._new_conn())

        class Tls(urllib3.connection.HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                port = self.port or 443
                return deadline.watch(connect(self.host, port, timeout_s) if connect else super()._new_conn())

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class TlsPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Tls

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; a body only where it was asked for, as sent, never decompressed."""

    status: int
    content_type: str | None
    """At most 200 characters of it."""
    retry_after_s: int | None
    body: bytes

    def refused(self) -> StampFailure:
        """The failure that an answer other than the expected ones is."""
        retryable = self.status >= 500 or self.status in _RETRY_STATUS
        return StampFailure("http_status", f"HTTP status {self.status}", retryable, self.retry_after_s)


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody is asked, and within what time."""

    url: str
    """Without any user name or password."""
    timeout_s: float
    """For one question as a whole."""
    user_agent: str
    _credentials: tuple[str, str] | None = field(default=None, repr=False)
    connect: Connect | None = field(default=None, repr=False)
    """How connections are made; None: to whatever address the system's resolver names."""

    def post(
        self, data: bytes, headers: Mapping[str, str], *, most: int, read: frozenset[int] = frozenset({200})
    ) -> Answer | StampFailure:
        """Post the bytes; return the answer, with at most ``most`` bytes of body where its status is in ``read``.

        Nothing of the environment is used: no proxy, no .netrc. TLS is verified. What the network does raises nothing.
        """
        return self._ask(data, headers, most, read)

    def get(
        self, headers: Mapping[str, str], *, most: int, read: frozenset[int] = frozenset({200})
    ) -> Answer | StampFailure:
        """The same for a question that is its address alone."""
        return self._ask(None, headers, most, read)

    def _ask(
        self, data: bytes | None, headers: Mapping[str, str], most: int, read: frozenset[int]
    ) -> Answer | StampFailure:
        with Deadline(self.timeout_s) as deadline:
            try:
                with OneHop() as session:
                    session.trust_env = False
                    for scheme in ("http://", "https://"):
                        session.mount(scheme, _Adapter(deadline, self.connect, self.timeout_s))
                    outcome = self._follow(session, data, headers, most, read)
            except NotReached as refused:
                outcome = refused.failure
            except FAULTS as error:
                outcome = _failure(error)
        if deadline.over:
            # What a cut connection looks like from above varies; that we cut it is known.
            return StampFailure("timeout", f"no complete answer within {self.timeout_s:g} s", retryable=True)
        return outcome

    def _follow(
        self, session: requests.Session, data: bytes | None, headers: Mapping[str, str], most: int, read: frozenset[int]
    ) -> Answer | StampFailure:
        """Repeat the question where a redirect asks for that; requests would turn a POST into a GET."""
        url, credentials = self.url, self._credentials
        for _ in range(MAX_REDIRECTS + 1):
            with self._sent(session, url, data, headers, credentials) as answer:
                if answer.status_code not in _REPEAT_POST:
                    return _read(answer, most, read)
                location = answer.headers.get("Location", "")
            try:
                target = urljoin(url, location)
                problem = _bad_redirect(url, target)
            except ValueError:  # "http://[" and the like: the standard library raises for what is no address
                problem = _NO_TARGET
            if problem:
                return StampFailure("redirect", problem, retryable=False)
            if urlsplit(target).netloc != urlsplit(url).netloc:
                credentials = None  # the password is for the host it was given for
            url = target
        return StampFailure("redirect", f"more than {MAX_REDIRECTS} redirects", retryable=False)

    @contextmanager
    def _sent(
        self,
        session: requests.Session,
        url: str,
        data: bytes | None,
        headers: Mapping[str, str],
        credentials: tuple[str, str] | None,
    ) -> Iterator[requests.Response]:
        answer = session.request(
            "GET" if data is None else "POST",
            url,
            data=data,
            headers={**headers, "Accept-Encoding": "identity", "User-Agent": self.user_agent},
            auth=credentials,
            timeout=self.timeout_s,
            allow_redirects=False,
            stream=True,
        )
        try:
            yield answer
        finally:
            answer.close()


def address_of(who: str, url: str, *, timeout_s: float, user_agent: str, connect: Connect | None = None) -> Address:
    """Return where ``who`` is asked, without contacting it; ``SettingsError`` unless the URL is http or https.

    A user name and password in the URL are sent as basic authentication and appear nowhere else.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise SettingsError(f"{who}: the URL must begin with http:// or https:// and name a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    plain = urlunsplit(parts._replace(netloc=f"{host}:{port}" if port is not None else host))
    credentials = None
    if parts.username is not None:
        credentials = (unquote(parts.username), unquote(parts.password or ""))
    return Address(plain, timeout_s, user_agent, credentials, connect)


def _bad_redirect(url: str, target: str) -> str | None:
    """Say why a redirect is not followed: TLS is never given up, and a query goes to HTTP servers only."""
    before, after = urlsplit(url), urlsplit(target)
    if target == url or after.scheme not in {"http", "https"} or not after.hostname:
        return _NO_TARGET
    if before.scheme == "https" and after.scheme == "http":
        return "redirect from https to http"
    return None


def _read(answer: requests.Response, most: int, read: frozenset[int]) -> Answer | StampFailure:
    """Return the body as sent, never decompressed: 64 KiB on the wire can be 64 MiB afterwards."""
    kind = answer.headers.get("Content-Type")
    body = bytearray()
    if answer.status_code in read:
        try:
            for piece in answer.raw.stream(_CHUNK, decode_content=False):
                body += piece
                if len(body) > most:
                    return StampFailure("too_large", f"answer of more than {most} bytes", retryable=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return StampFailure("closed_early", f"the answer broke off: {type(error).__name__}", retryable=True)
    return Answer(answer.status_code, kind[:200] if kind else None, _retry_after(answer), bytes(body))


def _retry_after(answer: requests.Response) -> int | None:
    value = answer.headers.get("Retry-After", "")
    return min(int(value), MAX_RETRY_AFTER_S) if re.fullmatch(r"\d{1,9}", value, re.ASCII) else None


def _failure(error: Exception) -> StampFailure:
    """Turn one of ``FAULTS`` into one of our codes; its text may hold the URL, so only its kind is told."""
    if isinstance(error, requests.exceptions.SSLError):
        return StampFailure("tls", "the authority's TLS certificate or handshake was refused", retryable=False)
    if isinstance(error, requests.exceptions.Timeout):
        return StampFailure("timeout", "no answer in time", retryable=True)
    if isinstance(error, requests.exceptions.ConnectionError):
        return StampFailure("connect", f"no connection: {_kind(error)}", retryable=True)
    return StampFailure("malformed", f"not an HTTP answer: {type(error).__name__}", retryable=True)


def _kind(error: BaseException) -> str:
    """Return the system's own words for why there is no connection, or the name of the innermost cause kept."""
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", inner)
    cause: BaseException | None = reason if isinstance(reason, BaseException) else None
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(reason).__name__
