"""Perma.cc, by its service of version 1.

``POST /v1/archives/`` with ``url`` makes a link at once (201, with its ``guid``); ``GET /v1/public/archives/<guid>/``
tells when its captures are done, and ``…/download/`` hands out the WARC, in which the copy is looked for.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin

from archiver.errors import FormatError
from archiver.evidence.http_head import MessageLimits
from archiver.evidence.response import iter_content, read_response
from archiver.evidence.warc_reader import Record, read_records
from archiver.outside.interface import Copy, OutsideArchive, OutsideFailed, OutsideKind, Raw, Surroundings, base
from archiver.outside.question import ask_service, checked_base, text_of

SERVICE = "https://api.perma.cc"
COPIES = "https://perma.cc"
GUID = r"[A-Z0-9]{1,6}-[A-Z0-9]{1,6}(?:-[A-Z0-9]{1,6})?"
MAX_REDIRECTS = 3
MAX_RECORDS = 10_000
MAX_CONTENT = 64 * 1024 * 1024
MAX_INFLATED = 1024 * 1024 * 1024
"""Bytes of all blocks of the WARC: what was packed to be a bomb is left alone."""
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Perma:
    """Satisfies ``OutsideArchive``."""

    around: Surroundings
    service: str
    copies: str
    name: str = "perma"
    joins: bool = False

    @property
    def target(self) -> str:
        """The address of the service."""
        return self.service

    def ask(self, url: str) -> str:
        """Make a link; the account's quota is charged for it."""
        headers = {"Authorization": f"ApiKey {self.around.key()}", "Content-Type": "application/json"}
        folder = {"folder": self.around.folder} if self.around.folder else {}
        body = json.dumps({"url": url, **folder}).encode()
        answer = ask_service(self.around, "POST", f"{self.service}/v1/archives/", headers, body)
        if answer.status != 201:
            raise answer.failed("Perma.cc made no link")
        return text_of(answer.body, "guid", GUID)

    def look(self, job: str, url: str) -> Copy | None:
        """Ask whether the primary capture is done; a link that is private is not told of."""
        if not re.fullmatch(GUID, job, re.ASCII):
            raise OutsideFailed("no link of Perma.cc has such a name", retry=False)
        answer = ask_service(self.around, "GET", self._link(job), {})
        if answer.status == 404:
            return None  # not public yet, or never: that a job takes too long is for the caller to say
        if answer.status != 200:
            raise answer.failed("Perma.cc did not tell of the link")
        captures = answer.body.get("captures")
        held = [c for c in captures if isinstance(c, dict)] if isinstance(captures, list) else []
        states = {str(c.get("status")) for c in held if c.get("role") == "primary"}
        if "success" not in states:
            if states and states <= {"failed"}:
                raise OutsideFailed("Perma.cc could not capture the address", retry=False)
            return None
        made = answer.body.get("creation_timestamp")
        if not isinstance(made, str) or not _DATE.fullmatch(made):
            raise OutsideFailed("the archive's answer has no usable creation_timestamp", retry=True)
        of = answer.body.get("url")
        told = of if isinstance(of, str) and re.fullmatch(r"https?://[!-~]{1,8000}", of) else ""
        return Copy(f"{self.copies}/{job}", _utc(made), f"{self._link(job)}download/", told)

    def _link(self, guid: str) -> str:
        return f"{self.service}/v1/public/archives/{guid}/"

    def fetch(self, copy: Copy, url: str) -> Raw:
        """Fetch the WARC and take the answer to this address out of it."""
        place = copy.raw
        for _ in range(MAX_REDIRECTS + 1):
            found = self.around.fetch(place)
            if not (300 <= found.status < 400 and found.location):
                break
            place = _led_to(place, found.location)
        if found.status != 200:
            raise OutsideFailed(f"the copy cannot be read: HTTP status {found.status}", retry=True)
        try:
            return _answer_in(found.content, url)
        except FormatError as error:
            raise OutsideFailed(f"the WARC of the copy cannot be read: {error.what}", retry=False) from None


def _led_to(place: str, location: str) -> str:
    """Where a redirect leads; never out of TLS, behind which anybody on the way could put a copy of their own."""
    target = _joined(place, location)
    if place.startswith("https:") and not target.startswith("https:"):
        raise OutsideFailed("the copy cannot be read: it leads out of TLS", retry=True)
    return target


def _utc(text: str) -> str:
    """The time as it is told, in UTC, with the digits it has."""
    digits = text.partition(".")[2].rstrip("Z")
    digits = re.split(r"[+-]", digits)[0]
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise OutsideFailed("the archive's answer has a creation_timestamp that is no time", retry=True) from None
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}{f'.{digits}' if digits else ''}Z"


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise OutsideFailed("the copy leads to what is no address", retry=False) from None


def _answer_in(data: bytes, url: str) -> Raw:
    """The decoded answer to an address; redirects within the file are followed."""
    answers: dict[str, Record] = {}
    for number, record in enumerate(read_records(io.BytesIO(data), strict=False, most=MAX_INFLATED)):
        if number >= MAX_RECORDS:
            raise OutsideFailed(f"the WARC of the copy has more than {MAX_RECORDS} records", retry=False)
        address = (record.get("WARC-Target-URI") or "").strip("<>")
        if record.type == "response" and address:
            answers.setdefault(address, record)
    limits = MessageLimits(max_head_bytes=256 * 1024, max_fields=10_000, max_interim=32, max_content_bytes=MAX_CONTENT)
    for _ in range(MAX_REDIRECTS + 1):
        found = answers.get(url) or answers.get(f"{url}/")
        if found is None:
            break
        head = read_response(found.block, "GET", limits).head
        fields = {name.lower(): value for name, value in reversed(head.fields)} if head is not None else {}
        if head is not None and 300 <= head.status < 400 and "location" in fields:
            url = _joined(url, fields["location"])
            continue
        return Raw(b"".join(iter_content(found.block, "GET", limits)), fields.get("content-type"))
    raise OutsideFailed("the WARC of the copy holds no answer to the address", retry=False)


class PermaKind:
    """Satisfies ``OutsideKind``."""

    name = "perma"

    def open(self, surroundings: Surroundings) -> OutsideArchive:
        """Return the archive; ``SettingsError`` for an address that would show the key on the way."""
        service = checked_base(self.name, base(surroundings.endpoint, SERVICE))
        return Perma(surroundings, service, base(surroundings.copies, COPIES))


PLUGIN: OutsideKind = PermaKind()
