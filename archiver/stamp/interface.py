"""What every kind of timestamp authority promises, why it or a witness may fail, and when to ask again after that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

StampFailureCode = Literal[
    "connect",  # name not found, refused, reset before an answer began
    "dns",  # name not found, where the caller connects by its own rules
    "address_refused",  # not a public address, by these rules
    "tls",  # no handshake, or a certificate that does not verify
    "timeout",  # the time for one question was over
    "http_status",  # an answer other than 200
    "redirect",  # too many, or to somewhere we do not follow
    "too_large",  # more than MAX_REPLY
    "closed_early",  # ended before its announced length
    "empty",  # 200 with nothing in it
    "malformed",  # not HTTP, or not what was asked for
    "rejected",  # a witness cannot read the request (400)
    "refused",  # a witness does not know the log's key (403)
    "unknown_log",  # a witness does not know the log (404)
    "newer",  # a witness has cosigned a later checkpoint of ours already
    "inconsistent",  # a witness knows another history of this log (409, 422): loud, for it may be a fork
]


class Reply(bytes):
    """The bytes an authority answered, unverified; ``content_type`` is what it called them, or None."""

    content_type: str | None

    def __new__(cls, data: bytes, content_type: str | None = None) -> Reply:
        """Keep the bytes as they are; a wrong content type is stated and no reason to refuse a good token."""
        reply = super().__new__(cls, data)
        reply.content_type = content_type
        return reply


@dataclass(frozen=True, slots=True)
class StampFailure:
    """Why there is no reply; ``detail`` is one plain sentence without secrets."""

    code: StampFailureCode
    detail: str
    retryable: bool
    """True when the same question may be answered in a while; False when someone has to change something first."""
    retry_after_s: int | None = None
    """What the authority asked for (HTTP ``Retry-After`` in seconds), at most a day."""


@runtime_checkable
class Authority(Protocol):
    """One timestamp authority. ``ask`` may be called from several threads, keeps no state and never raises for
    what the network or the authority does; it ends within the time-out given when it was made.
    """

    @property
    def name(self) -> str:
        """As the settings call it; part of file names."""
        ...

    @property
    def url(self) -> str:
        """Where it is asked, without any user name or password."""
        ...

    @property
    def min_interval_s(self) -> int:
        """The least time between two questions, in seconds; keeping it is the caller's part."""
        ...

    def ask(self, request: bytes) -> Reply | StampFailure:
        """Return the answer to one request, at most ``MAX_REPLY`` bytes and unverified, or why there is none."""
        ...


class AuthorityKind(Protocol):
    """A plug-in: one way of talking to authorities. The module's ``PLUGIN``."""

    @property
    def name(self) -> str:
        """Value of ``kind`` in the settings."""
        ...

    def open(self, name: str, url: str, *, min_interval_s: int, timeout_s: float, user_agent: str) -> Authority:
        """Return the authority without contacting it; ``SettingsError`` if the URL is of no use."""
        ...


def backoff(attempts: int, *, floor_s: float, ceiling_s: float, jitter: float) -> float:
    """Return how many seconds to wait after ``attempts`` failures in a row.

    Doubles from ``floor_s`` up to ``ceiling_s``; ``jitter`` in [0, 1), drawn by the caller, spreads the upper half, so
    that many archives do not return to a recovered authority in the same second. Never below ``floor_s``.
    """
    if attempts < 0 or not 0 <= jitter < 1 or not 0 <= floor_s <= ceiling_s:
        raise ValueError("attempts >= 0, 0 <= jitter < 1 and 0 <= floor_s <= ceiling_s")
    whole = min(ceiling_s, floor_s * 2.0 ** min(attempts, 64))
    return max(floor_s, whole / 2 * (1 + jitter))
