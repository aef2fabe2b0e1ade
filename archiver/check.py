"""A check in flight: what is about to be visited, and what waits for the commit."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.evidence.canonical import Json
from archiver.watch.reading import Reading

INTENTS = "intents-"
"""Begins the name of a file in staging: the intents of checks begun together, one canonical line each."""
DRAFTS = "drafts-"
"""Begins the name of a file in staging: the drafts of statements about to be committed together, likewise."""
WARC = "capture.warc.gz"
DAY = ".day"
"""Stands for a moment in a day's new folder of snapshots, so that the folder can be made durable."""


@dataclass(frozen=True, slots=True)
class Check:
    """A visit that is about to be made: of a watched document, or of a bare address."""

    id: str
    document: str | None
    watch_seq: int | None
    urls: tuple[str, ...]
    trigger: str
    conditional: bool = False
    known: bool = True
    """False when nothing was ever captured from these addresses as they are written here."""

    @property
    def staging(self) -> str:
        """Its folder while it is in flight."""
        return f"staging/{self.id}"

    def intent(self, at: str) -> Json:
        """What is written down before the first question to the network."""
        return {
            "check": self.id,
            "document": self.document,
            "watch_seq": self.watch_seq,
            "urls": list(self.urls),
            "trigger": self.trigger,
            "at": at,
        }


@dataclass(frozen=True, slots=True)
class Finished:
    """A check whose files are written and whose statement is drafted: it waits for the commit."""

    check: Check
    draft: Json
    has_folder: bool
    reading: Reading | None = None
    """What was read of a watched document; None where it has to be read from the WARC."""
    line: bytes = b""
    """The draft as a canonical line, where it was read from one."""
