"""What every web archive of other people promises as a place for copies, and what it is given to work with."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from archiver.errors import ArchiverError

MAX_REASON = 300
_PRINTABLE = re.compile(r"[^ -~]+")


class OutsideFailed(ArchiverError):
    """There is no copy, or it could not be fetched; ``what`` is one line without secrets."""

    exit_code = 3

    def __init__(self, what: str, *, retry: bool, retry_after_s: int | None = None, do: str = "") -> None:
        """Take ``retry`` as whether the same may succeed later."""
        super().__init__(_PRINTABLE.sub(" ", what)[:MAX_REASON].strip(), do=do)
        self.retry = retry
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that an archive says it has."""

    uri: str
    """Where people find it."""
    copied_at: str
    """When it was made, as the archive says: RFC 3339, UTC, with the digits it gave."""
    raw: str
    """Where its bytes can be fetched as they were received."""
    of: str = ""
    """The address that the archive says it copied; empty where it does not say."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes of a copy, decoded, with the type that their own server gave them."""

    content: bytes
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer to a plain request."""

    status: int
    location: str | None
    content: bytes
    fields: tuple[tuple[str, str], ...]

    def field(self, name: str) -> str | None:
        """The first value of a field, whatever its case, or None."""
        return next((value for known, value in self.fields if known.lower() == name), None)


class Dial(Protocol):
    """Connects to a host that the address rules permit, with TLS where asked, and the certificate verified."""

    def __call__(self, host: str, port: int, *, tls: bool, timeout_s: float) -> socket.socket:
        """Return the connected socket; ``OutsideFailed`` when that is refused or nothing answers."""
        ...


class Fetch(Protocol):
    """Fetches a copy as captures are fetched: same address rules, same ceilings, decoded by the same parser."""

    def __call__(self, url: str) -> Fetched:
        """Return the answer, no redirect followed; ``OutsideFailed`` when there is none that is whole."""
        ...


class Key(Protocol):
    """The key to an archive's service, read anew each time from where it is kept."""

    def __call__(self) -> str:
        """Return it; ``OutsideFailed`` when it cannot be read or is none."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an archive of other people is asked with."""

    endpoint: str
    """Base address of its service; empty: the usual one."""
    copies: str
    """Base address under which its copies are; empty: the usual one."""
    key: Key
    folder: int
    """Where it puts copies for this account, 0: its own choice."""
    timeout_s: float
    """Seconds for one question."""
    user_agent: str
    dial: Dial
    fetch: Fetch


@runtime_checkable
class OutsideArchive(Protocol):
    """One archive of other people. May be used by several threads, keeps no state, ends each question in its time,
    and raises ``OutsideFailed`` and nothing else for what the network or the archive does.
    """

    @property
    def name(self) -> str:
        """As settings, watch entries and statements call it."""
        ...

    @property
    def target(self) -> str:
        """Where it is asked, without secrets."""
        ...

    @property
    def joins(self) -> bool:
        """Whether a question that is asked again soon joins the job of the first; else each makes one more copy."""
        ...

    def ask(self, url: str) -> str:
        """Ask for a copy of this address now; return what the archive calls the job."""
        ...

    def look(self, job: str, url: str) -> Copy | None:
        """Return the copy that a job made, or None while it is at work."""
        ...

    def fetch(self, copy: Copy, url: str) -> Raw:
        """Return the bytes of the copy of this address."""
        ...


class OutsideKind(Protocol):
    """A plug-in: one archive of other people. The module's ``PLUGIN``."""

    @property
    def name(self) -> str:
        """What settings and statements call it."""
        ...

    def open(self, surroundings: Surroundings) -> OutsideArchive:
        """Return the archive without contacting it; ``SettingsError`` for addresses that are of no use."""
        ...


def base(given: str, usual: str) -> str:
    """The base address in force, without a slash at its end."""
    return (given or usual).rstrip("/")
