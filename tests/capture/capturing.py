"""A capturer that may ask simulated sites, with clocks and names of the test's own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any, BinaryIO

from archiver.capture.http import HttpCapturer
from archiver.capture.interface import Limits
from archiver.capture.policy import AddressPolicy
from archiver.capture.tls import Trust
from archiver.evidence.exchange import Bytes, Visit
from tests.simulators.website import Website

made: list[HttpCapturer] = []
"""Capturers of the running test; closed by ``conftest`` when it ends."""

USER_AGENT = "test-archiver/1 (+mailto:nobody@example.org)"


class Clock:
    """The monotonic clock, which a test may set forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class Spools:
    """Makes spool files in a folder and closes them with the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: list[BinaryIO] = []

    def __call__(self) -> BinaryIO:
        file = (self._folder / f"spool-{len(self.files)}").open("w+b")
        self.files.append(file)
        return file

    def close(self) -> None:
        for file in self.files:
            file.close()


def no_spool() -> BinaryIO:
    """For visits that stay in memory."""
    raise AssertionError("nothing here is large")


def make_capturer(
    *sites: Website,
    names: Mapping[str, str] | None = None,
    allow: str = "127.0.0.1/32",
    trust: Trust | None = None,
    ca_file: Path | None = None,
    clock: Clock | None = None,
    **changes: Any,
) -> HttpCapturer:
    """A capturer that may reach these sites' ports on ``allow``; ``names`` are further host names."""
    known = {"localhost": "127.0.0.1", **(names or {})}

    def resolve(host: str, port: int) -> tuple[str, ...]:
        if host not in known:
            raise OSError("no such name")
        return (known[host],)

    limits = changes.pop("limits", None) or Limits(timeout_s=20)
    options: dict[str, Any] = {"user_agent": USER_AGENT, "robots": "obey", **changes}
    capturer = HttpCapturer(
        policy=AddressPolicy((ip_network(allow),), frozenset(site.port for site in sites)),
        trust=trust or Trust(str(ca_file) if ca_file else ""),
        limits=limits,
        resolver=resolve,
        now=lambda: datetime.now(UTC),
        monotonic=clock or Clock(),
        **options,
    )
    made.append(capturer)
    return capturer


def whole(data: Bytes) -> bytes:
    """Return all recorded bytes."""
    return b"".join(data.chunks())


def failure_code(visit: Visit) -> str | None:
    """Return the code of the visit's failure."""
    return None if visit.failure is None else visit.failure.code
