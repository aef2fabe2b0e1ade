"""Reads a WARC or WACZ file of other people once, by our strict readers, and says what it claims and what is wrong.

Never raises for what the file holds. Compressed bytes are inflated within a ceiling before anything else looks at
them, so that no later reader meets a bomb; no member of a package is ever written anywhere under its own name.
"""

from __future__ import annotations

from typing import BinaryIO

from archiver.errors import FormatError
from archiver.evidence.imported_tally import Ceilings, Form, Tally, TooMuch
from archiver.evidence.wacz_check import check_wacz
from archiver.evidence.warc_feed import Damage
from archiver.evidence.warc_gzip import INFLATE_ERRORS, MAGIC, inflater
from archiver.evidence.warc_head import Head
from archiver.evidence.warc_verdict import RecordCheck, Wanted
from archiver.evidence.warc_walk import Walked, Walker
from archiver.evidence.zip_read import MalformedZip, ZipReading

ZIP = b"PK\x03\x04"
_PEEK = 4096


class NotImportable(FormatError):
    """Neither a WARC nor a WACZ file: there is nothing in it that could be imported, so it was named by mistake."""

    exit_code = 2


def form_of(source: BinaryIO) -> tuple[Form, str]:
    """Say what a file is by its first bytes: its form, and the end of its name; ``NotImportable`` for all else."""
    source.seek(0)
    start = source.read(_PEEK)
    if start.startswith(ZIP):
        return "wacz", "wacz"
    inside, suffix = start, "warc"
    if start.startswith(MAGIC):
        suffix = "warc.gz"
        try:
            inside = inflater().decompress(start, _PEEK)
        except INFLATE_ERRORS:
            inside = b"WARC/"  # damaged from its first byte on: what it was cannot be known
    if inside.startswith(b"filedesc:"):
        raise NotImportable(
            "it is an ARC file, the format before WARC, which is not read here",
            do="write it again as WARC with a tool you trust, and import both that and a digest of the original",
        )
    if not start:
        raise NotImportable("the file is empty", do="get it again from where it came")
    if not inside.startswith(b"WARC/"):
        raise NotImportable(
            "it is neither a WARC file, plain or in gzip, nor a WACZ package",
            do="name one of these; whatever else was received can be kept in one, written by a tool you trust",
        )
    return "warc", suffix


def examine(source: BinaryIO, size: int, ceilings: Ceilings, unreadable: tuple[type[Exception], ...] = ()) -> Tally:
    """Read the whole file; ``NotImportable`` when it is of another kind, and problems for everything else."""
    form, suffix = form_of(source)
    tally = Tally(form, suffix, ceilings, size)
    try:
        if form == "warc":
            _read_warc(source, tally)
        else:
            _read_package(source, tally, unreadable)
    except TooMuch as error:
        tally.wrong("file", "ceiling", error.what)
    return tally


def _read_warc(source: BinaryIO, tally: Tally, member: str = "") -> None:
    def observe(head: Head, offset: int) -> _Measured:
        return _Measured(Wanted(head, offset), tally)

    before = tally.records
    try:
        walker = Walker(source, observe)
    except Damage as damage:
        tally.wrong(member or "file", damage.code, damage.what)
        return
    while (walked := walker.next()) is not None:
        _take(walked, tally, member)
    if tally.records == before and not tally.problems:
        tally.wrong(member or "file", "not_warc", "there is no record in it")


class _Measured:
    """Hashes a block as it passes, and measures it."""

    __slots__ = ("tally", "wanted")

    def __init__(self, wanted: Wanted, tally: Tally) -> None:
        self.wanted = wanted
        self.tally = tally

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next bytes."""
        self.tally.inflate(len(piece))
        self.wanted.feed(piece)


def _take(walked: Walked, tally: Tally, member: str) -> None:
    for finding in walked.findings:
        tally.find(finding, member)
    head = walked.head
    if head is None or not isinstance(walked.observer, _Measured):
        return
    wanted = walked.observer.wanted
    block, payload = wanted.fed() if walked.whole else wanted.unread()
    for finding in wanted.findings:
        tally.find(finding, member)
    if walked.whole:
        tally.add(head, RecordCheck(walked.offset, walked.end - walked.offset, head.id, head.type, block, payload))


def _read_package(source: BinaryIO, tally: Tally, unreadable: tuple[type[Exception], ...]) -> None:
    """Structure first, then the announced sizes, then each WARC in it; only then the checks of the package."""
    try:
        package = ZipReading(source)
    except MalformedZip as error:
        tally.wrong("file", "zip", error.what)
        return
    # The directory states what each member inflates to, and a reader of ours stops where that is exceeded.
    announced = sum(member.size for member in package.members.values())
    if announced > max(tally.ceilings.free, tally.ceilings.ratio * tally.size):
        raise TooMuch(f"a zip bomb: its {tally.size} bytes claim to hold {announced}; nothing in it was read")
    for name in package.members:
        if name.startswith("archive/"):
            try:
                with package.stream(name, tally.ceilings.free) as member:
                    _read_warc(member, tally, name)
            except MalformedZip as error:
                tally.wrong(name, "zip", error.what)
    for report in check_wacz(source, "", lambda _: None, (), unreadable):
        for check in report.checks:
            # What a WARC in it lacks was found above, record by record.
            if check.verdict == "fail" and check.number != 3:
                tally.wrong(f"check {check.number}", "package", f"{check.name}: {check.detail}")
