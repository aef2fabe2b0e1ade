"""Events, letterheads and surroundings as the tests of alerts need them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archiver.alert.interface import Event, Surroundings
from archiver.alert.message import Letterhead
from archiver.alerting_channels import connect

ORIGIN = "evidence.example.org/log"
LETTERHEAD = Letterhead(ORIGIN, "Example Archive", "https://evidence.example.org")
WORDS = (("=", "You may cancel within "), ("-", "fourteen"), ("+", "seven"), ("=", " days."))
HUNK = ("changed", "You may cancel within fourteen days.", "You may cancel within seven days.", WORDS)


def event(seq: int = 123, **changes: Any) -> Event:
    """A change of wording, as ordinary as can be."""
    values: dict[str, Any] = {
        "id": f"EA-A-{seq:08d}@{ORIGIN}",
        "kind": "change",
        "at": "2026-05-12T15:09:41.204Z",
        "seq": seq,
        "document": "EA-D-00001",
        "entity": "Example Corp",
        "title": "Terms of Service",
        "url": "https://example.com/terms",
        "change": "wording",
        "version": 4,
        "previous_version": 3,
        "snapshot": "EA-S-00000122",
        "previous_snapshot": "EA-S-00000100",
        "counts": (("lines changed", 1),),
        "publisher_dates": (("Last updated 1 May 2026", "2026-05-01"),),
        "hunks": (HUNK,),
        "facts": (("statement digest", "ab" * 32), ("first seen", "2026-05-12T15:09:40.000Z")),
    }
    return Event(**(values | changes))


def surroundings(root: Path, *, timeout_s: float = 10.0, credentials: Path | None = None) -> Surroundings:
    """What channels get from an archive in a folder."""
    return Surroundings(root, credentials, timeout_s, "archiver-test", ORIGIN, "Example Archive", connect)
