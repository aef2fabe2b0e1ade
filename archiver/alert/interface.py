"""What an alert is about, what is sent, and what every kind of channel promises."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from archiver.errors import ArchiverError

EventKind = Literal["change", "provision", "failing", "stamp_overdue", "quarantine"]
EVENT_KINDS: tuple[EventKind, ...] = ("change", "provision", "failing", "stamp_overdue", "quarantine")
Words = tuple[tuple[str, str], ...]
"""Runs of words of one changed line, in order: ``=`` both have it, ``-`` only the old text, ``+`` only the new one."""
Hunk = tuple[str, str, str, Words]
"""One place of a redline: kind (``changed`` ``added`` ``removed`` ``moved``), old text, new text, and the words; no
words where the whole text was added or removed."""

MAX_REASON = 240
"""Characters of a reason: it has to stay one line of ``status`` and of the log."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened and that people may want to hear of; texts in it come from the web."""

    id: str
    """Stable: the same event has the same text for ever, such as ``EA-E-00000123@evidence.example.org/log``."""
    kind: EventKind
    at: str
    """RFC 3339 UTC with milliseconds."""
    seq: int | None
    """The statement it comes from; None for a state of now that no statement says, such as a token that is overdue."""
    document: str | None
    entity: str
    title: str
    url: str
    change: str | None = None
    """The change class; of a ``provision`` event its new state (``reworded``, ``absent``, …)."""
    version: int | None = None
    previous_version: int | None = None
    snapshot: str | None = None
    previous_snapshot: str | None = None
    provision: str | None = None
    counts: tuple[tuple[str, int], ...] = ()
    """What changed in numbers: (label, count)."""
    publisher_dates: tuple[tuple[str, str], ...] = ()
    """The publisher's own dates: (the words on the page, the date they mean)."""
    silent_edit: bool = False
    """The wording changed and the publisher's own date did not."""
    held: bool = False
    """The document varies between visits: nobody is told until that is settled."""
    hunks: tuple[Hunk, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """What a citation needs: (label, text), such as statement digest, first seen, reason."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is delivered, the same for every channel; ``text`` and ``html`` say the same."""

    id: str
    """The event's own, or one of the digest's contents: sent twice, it is the same message twice."""
    kind: str
    """The event's kind, ``digest`` or ``test``."""
    at: str
    source: str
    """The archive that tells it, as a URI."""
    about: str
    """Identifier of the document, or empty."""
    link: str
    """Where to read on, or empty."""
    subject: str
    text: str
    html: str
    data: Mapping[str, Any]
    """The same for machines: the ``data`` of a CloudEvents event."""


class ChannelFailed(ArchiverError):
    """A message was not delivered; ``what`` is one line without secrets."""

    exit_code = 3

    def __init__(self, what: str, *, retry: bool, retry_after_s: int | None = None, do: str = "") -> None:
        """Take ``retry`` as whether the same message may be delivered later."""
        super().__init__(one_line(what, MAX_REASON), do=do)
        self.retry = retry
        self.retry_after_s = retry_after_s


class Dial(Protocol):
    """Connects to a host that the address rules permit."""

    def __call__(self, host: str, port: int, timeout_s: float, allow_private: tuple[str, ...] | None) -> socket.socket:
        """Return the connected socket; ``ChannelFailed`` when the address is refused or nothing answers.

        Public addresses and ``allow_private`` are permitted; None permits every address.
        """
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a channel has to know of its archive."""

    root: Path
    """Folder of the archive: where relative paths of the settings begin."""
    credentials: Path | None
    """Where systemd puts credentials, or None."""
    timeout_s: float
    """Seconds for one delivery as a whole."""
    user_agent: str
    origin: str
    archive_name: str
    dial: Dial


@runtime_checkable
class Channel(Protocol):
    """One way out. ``send`` may be called from several threads and keeps no state that matters: the same message
    sent twice does no harm.
    """

    @property
    def name(self) -> str:
        """As the settings call it."""
        ...

    @property
    def kind(self) -> str:
        """As the settings call its kind."""
        ...

    @property
    def target(self) -> str:
        """Where it leads, in words for a person and without secrets."""
        ...

    def send(self, message: Message) -> None:
        """Deliver within the time-out, or raise ``ChannelFailed`` and nothing else."""
        ...


class ChannelKind(Protocol):
    """A plug-in: one way of telling people. The module's ``PLUGIN``."""

    @property
    def name(self) -> str:
        """Value of ``kind`` in the settings."""
        ...

    def open(self, name: str, keys: Mapping[str, Any], surroundings: Surroundings) -> Channel:
        """Return the channel without contacting anybody; ``SettingsError`` names the key that is wrong or unknown."""
        ...


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_CONTROL_IN_TEXT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_STEERS = re.compile(
    "[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""What cannot be seen or turns the direction of writing: a title could make its line read backwards."""


def one_line(text: str, most: int) -> str:
    """Return text of unknown origin as one line of at most ``most`` characters that steers nothing."""
    head = text[: most * 4]  # a title may be megabytes
    words = " ".join(_STEERS.sub("", _CONTROL.sub(" ", head)).split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def plain(text: str) -> str:
    """Return text of unknown origin with line feeds kept and every other control character shown as a space."""
    return _CONTROL_IN_TEXT.sub(" ", text)
