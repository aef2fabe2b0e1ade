"""What is said of a file of other people: counts, addresses and dates as the file itself claims them, and its problems.

Nothing here is believed. Every text comes from the file, is cut to a ceiling and made one line before it is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from archiver.errors import FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import one_line
from archiver.evidence.warc_head import Finding, Head
from archiver.evidence.warc_verdict import RecordCheck

MAX_URLS = 1000
MAX_URL = 2000
"""Characters of one address that are kept."""
MAX_TYPES = 20
MAX_SHOWN = 20
"""Problems that are stated one by one; of the others only the number."""
MAX_PROBLEMS = 1000
"""Problems after which the rest of a file is not read: each may have cost a search through it."""
HARMLESS = frozenset({"whole_file_gzip"})
"""Findings that take nothing from what the records hold."""
ANSWERS = frozenset({"response", "revisit", "resource", "conversion"})
Form = Literal["warc", "wacz"]
_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)


class TooMuch(FormatError):
    """A ceiling was reached: the rest of the file was not read."""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How much of a file is looked at; a file may inflate to ``ratio`` times its size, and always to ``free`` bytes."""

    records: int = 1_000_000
    ratio: int = 400
    free: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing for which a file is called broken."""

    where: str
    """``byte 1024``, or a member of a package and a place in it."""
    code: str
    detail: str

    def to_json(self) -> Json:
        """An item of ``problems[]``."""
        return {"where": self.where, "code": self.code, "detail": self.detail}

    def __str__(self) -> str:
        return f"{self.where}: {self.detail} ({self.code})"


@dataclass(slots=True)
class Tally:
    """What was found so far in one file."""

    form: Form
    suffix: str
    """What its name in the archive ends with: ``warc``, ``warc.gz`` or ``wacz``."""
    ceilings: Ceilings
    size: int
    records: int = 0
    hold: int = 0
    """Records of which a digest was compared and none failed."""
    problems: list[Problem] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    addressed: int = 0
    first: str | None = None
    last: str | None = None
    _inflated: int = 0
    _types: Counter[str] = field(default_factory=Counter)
    _remarks: Counter[str] = field(default_factory=Counter)
    _seen: set[bytes] = field(default_factory=set)

    def inflate(self, count: int) -> None:
        """Count bytes that a block inflated to; ``TooMuch`` where they are out of all proportion to the file."""
        self._inflated += count
        if self._inflated > max(self.ceilings.free, self.ceilings.ratio * self.size):
            raise TooMuch(f"its {self.size} bytes inflate to more than {self._inflated - count}: not read any further")

    def add(self, head: Head, check: RecordCheck) -> None:
        """Take one record that could be read; ``TooMuch`` when there are more than may be."""
        if self.records >= self.ceilings.records:
            raise TooMuch(f"more than {self.ceilings.records} records: the others were not read")
        self.records += 1
        verdicts = (check.block, check.payload)
        self.hold += "pass" in verdicts and "fail" not in verdicts
        self._remarks["no_digest"] += not check.checked
        self._types[claimed(head.type, 40) or "none"] += 1
        self._date(head.values.get("warc-date", ""))
        if head.type in ANSWERS and (address := head.values.get("warc-target-uri")):
            self._address(claimed(address.strip("<>"), MAX_URL))  # WARC/1.0 was read as wanting the brackets

    def find(self, finding: Finding, member: str = "") -> None:
        """Take one finding of the reader, as a remark or a problem."""
        if finding.code in HARMLESS:
            self._remarks[finding.code] += 1
            return
        where = f"{member} byte {finding.offset}" if member else f"byte {finding.offset}"
        self.wrong(where, finding.code, finding.detail)

    def wrong(self, where: str, code: str, detail: str) -> None:
        """Take a problem; ``TooMuch`` when there are too many to go on."""
        self.problems.append(Problem(claimed(where, 300), code, claimed(detail, 300)))
        if len(self.problems) >= MAX_PROBLEMS and code != "ceiling":
            raise TooMuch(f"{MAX_PROBLEMS} problems: the rest was not read")

    def _address(self, url: str) -> None:
        self.addressed += 1
        if len(self.urls) < MAX_URLS and (digest := sha256(url.encode()).digest()) not in self._seen:
            self._seen.add(digest)
            self.urls.append(url)

    def _date(self, text: str) -> None:
        if _DATE.fullmatch(text):
            self.first = min(self.first or text, text, key=_moment)
            self.last = max(self.last or text, text, key=_moment)

    @property
    def remarks(self) -> list[Json]:
        """``remarks[]`` of the statement."""
        return [{"code": code, "number": number} for code, number in sorted(self._remarks.items()) if number]

    def to_json(self) -> Json:
        """The keys of an ``import`` statement that say what the file holds."""
        common = dict(self._types.most_common(MAX_TYPES))
        others = self._types.total() - sum(common.values())
        return {
            "format": self.form,
            "records": self.records,
            "digests_hold": self.hold,
            "types": {**common, **({"other": others + common.get("other", 0)} if others else {})},
            "urls": list(self.urls),
            "urls_total": self.addressed,
            "first_date": self.first,
            "last_date": self.last,
            "remarks": self.remarks,
            "problems": [problem.to_json() for problem in self.problems[:MAX_SHOWN]],
            "problems_total": len(self.problems),
        }


def claimed(text: str, most: int) -> str:
    """A text of the file as one line of at most so many characters, with nothing invisible in it."""
    line = one_line(text[:most])
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _moment(text: str) -> tuple[str, str]:
    found = _DATE.fullmatch(text)
    assert found is not None
    return found[1], (found[2] or "").ljust(9, "0")
