"""What every way of capturing promises, and the ceilings it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from archiver.evidence.exchange import Visit
from archiver.evidence.http_head import MessageLimits

Spool = Callable[[], BinaryIO]
"""Makes an empty file, open for reading and writing, for a response too large for memory.

It lies in the staging folder of the check; whoever gave the factory closes and removes what it made.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings of one visit. Times in seconds, sizes in bytes."""

    timeout_s: float = 60.0
    """The whole visit: names, connections, robots.txt, every redirect, the last byte."""
    max_bytes: int = 100 * 1024 * 1024
    """Received for all hops together, as they passed the wire."""
    max_content_bytes: int = 400 * 1024 * 1024
    """Of one response after decoding."""
    max_redirects: int = 10
    max_head_bytes: int = 256 * 1024
    max_fields: int = 10_000
    max_interim: int = 32

    def message(self) -> MessageLimits:
        """Return the part that the parser of responses needs."""
        return MessageLimits(
            max_head_bytes=self.max_head_bytes,
            max_fields=self.max_fields,
            max_interim=self.max_interim,
            max_content_bytes=self.max_content_bytes,
        )


class Capturer(Protocol):
    """Fetches URLs; every outcome on the network is a value. Safe for use by many threads."""

    name: str
    """As in ``method`` of a watch entry and of a capture statement."""

    def visit(self, url: str, *, spool: Spool, conditional: Mapping[str, str] | None = None) -> Visit:
        """Return what fetching ``url`` with its redirects saw; ``conditional`` fields go with the first request.

        Raises ``UsageError`` for a URL that cannot be meant: no host, credentials, control characters.
        """
        ...

    def robots_committed(self, url: str, sha256: str | None, seq: int) -> None:
        """Learn that statement ``seq`` holds the robots.txt fetched from ``url``; later visits cite it."""
        ...

    def close(self) -> None:
        """Let go of idle connections; visits in flight end as they will."""
        ...
