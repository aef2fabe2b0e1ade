"""The Wayback Machine of the Internet Archive, by its service Save Page Now 2.

``POST /save`` with ``url`` begins a job, ``GET /save/status/<job>`` tells of it; failures come with status 200, and at
both places. A copy lies at ``/web/<timestamp>/<address>``, its bytes as received at ``/web/<timestamp>id_/<address>``.
A new copy may not be readable for a while: until then an older one answers, by a redirect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from archiver.outside.interface import Copy, OutsideArchive, OutsideFailed, OutsideKind, Raw, Surroundings, base
from archiver.outside.question import ask_service, checked_base, text_of

SERVICE = "https://web.archive.org"
COPIES = "https://web.archive.org/web"
FOR_GOOD = frozenset(
    "error:bad-request error:blocked error:blocked-client-ip error:blocked-url error:filesize-limit"
    " error:ftp-access-denied error:invalid-host-resolution error:invalid-url-syntax error:method-not-allowed"
    " error:no-access error:not-found error:not-implemented error:unauthorized error:too-many-redirects".split()
)
"""Why there will be no copy later either; of every other failure there may be one."""
_CODE = re.compile(r"error:[a-z-]{1,60}", re.ASCII)
_TOMORROW_S = 43200
WAITS = {
    "error:too-many-daily-captures": _TOMORROW_S,
    "error:bandwidth-limit-exceeded": _TOMORROW_S,
    "error:max-daily-bandwidth-from-ip": _TOMORROW_S,
    "error:user-session-limit": 60,
    "error:too-many-requests": 60,
}
"""Seconds before which asking again would be in vain."""


@dataclass(frozen=True, slots=True)
class Wayback:
    """Satisfies ``OutsideArchive``."""

    around: Surroundings
    service: str
    copies: str
    name: str = "wayback"
    joins: bool = True

    @property
    def target(self) -> str:
        """The address of the service."""
        return self.service

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"LOW {self.around.key()}"}

    def ask(self, url: str) -> str:
        """Begin a job; an equal one of the last hour is joined, which the service decides."""
        headers = {**self._headers(), "Content-Type": "application/x-www-form-urlencoded"}
        answer = ask_service(self.around, "POST", f"{self.service}/save", headers, urlencode({"url": url}).encode())
        _refuse(answer.body)
        if answer.status != 200:
            raise answer.failed("Save Page Now did not take the address")
        return text_of(answer.body, "job_id", r"[A-Za-z0-9_.:-]{1,200}")

    def look(self, job: str, url: str) -> Copy | None:
        """Ask how the job stands."""
        answer = ask_service(self.around, "GET", f"{self.service}/save/status/{quote(job, safe='')}", self._headers())
        if answer.status != 200:
            raise answer.failed("Save Page Now did not tell of its job")
        _refuse(answer.body)
        if answer.body.get("status") != "success":
            return None
        timestamp = text_of(answer.body, "timestamp", r"[0-9]{14}")
        saved = text_of(answer.body, "original_url", r"https?://[!-~]{1,8000}")
        try:
            made = datetime.strptime(timestamp, "%Y%m%d%H%M%S")
        except ValueError:
            raise OutsideFailed("the archive's answer has a timestamp that is no time", retry=True) from None
        return Copy(
            f"{self.copies}/{timestamp}/{saved}",
            f"{made.isoformat()}Z",
            f"{self.copies}/{timestamp}id_/{saved}",
            saved,
        )

    def fetch(self, copy: Copy, url: str) -> Raw:
        """Fetch the bytes as the archive received them."""
        found = self.around.fetch(copy.raw)
        if 300 <= found.status < 400:
            raise OutsideFailed("the archive led to another copy: this one cannot be read yet", retry=True)
        if found.status != 200:
            raise OutsideFailed(f"the copy cannot be read: HTTP status {found.status}", retry=True)
        return Raw(found.content, found.field("x-archive-orig-content-type") or found.field("content-type"))


def _refuse(body: dict[str, Any]) -> None:
    """Raise the failure that an answer tells of; its own words to people are not repeated."""
    code = body.get("status_ext")
    if body.get("status") != "error" and not code:
        return
    told = code if isinstance(code, str) and _CODE.fullmatch(code) else "error"
    raise OutsideFailed(
        f"Save Page Now made no copy: {told}", retry=told not in FOR_GOOD, retry_after_s=WAITS.get(told)
    )


class WaybackKind:
    """Satisfies ``OutsideKind``."""

    name = "wayback"

    def open(self, surroundings: Surroundings) -> OutsideArchive:
        """Return the archive; ``SettingsError`` for an address that would show the key on the way."""
        service = checked_base(self.name, base(surroundings.endpoint, SERVICE))
        return Wayback(surroundings, service, base(surroundings.copies, COPIES))


PLUGIN: OutsideKind = WaybackKind()
