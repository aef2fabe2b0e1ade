"""Header lines of any WARC record, as other software writes them: read what can be read, name what is wrong.

Our own records have a grammar of their own (``warc_record``); this is for files of others (ISO 28500:2009 and
2017, 4), where a folded line or a bare line feed is a fact to work with and not a reason to stop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from archiver.evidence.warc_record import Field

MAX_HEAD = 1024 * 1024
"""Bytes of one header; a record that claims more is not read."""
MAX_BLOCK = 1 << 44
"""Bytes of one block; stops sums from leaving the range of file offsets."""

FindingCode = Literal[
    "block_digest",  # the block does not have the digest its header states
    "digest_malformed",  # a digest that cannot be one of its algorithm
    "duplicate_field",  # a field that may stand once stands twice
    "final_crlf_missing",  # no two line breaks after the block
    "gzip_damaged",  # the member does not inflate, or its CRC-32 or length does not hold
    "head_malformed",  # no version line, a line without a colon, no end
    "head_not_utf8",
    "head_too_large",
    "length_malformed",  # Content-Length missing, negative or no number, or twice and different
    "length_too_long",  # Content-Length says more than there is
    "length_too_short",  # Content-Length says less than there is
    "not_a_record",  # a gzip member that does not begin with a WARC version line
    "not_warc",  # the file is something else, or empty
    "payload_digest",  # the payload does not have the digest its header states
    "record_spans_members",  # a record goes on in the next gzip member
    "too_many_records",
    "trailing_garbage",  # bytes that belong to no record
    "truncated",  # the file ends inside a record
    "whole_file_gzip",  # several records in one gzip member: no record can be read by its offset
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as the standard wants it."""

    code: FindingCode
    offset: int
    """In the file: start of the record, or of the bytes in question."""
    detail: str


@dataclass(frozen=True, slots=True)
class Head:
    """The header of a record: fields in order, and the few that decide how the record is read."""

    version: str
    fields: tuple[Field, ...]
    values: dict[str, str]
    """By lower-case name, the first of each."""
    length: int | None
    """Content-Length, None where it cannot be used."""
    problems: tuple[tuple[FindingCode, str], ...]

    @property
    def type(self) -> str:
        """WARC-Type, lower case; empty where there is none."""
        return self.values.get("warc-type", "").lower()

    @property
    def id(self) -> str:
        """WARC-Record-ID as written; empty where there is none."""
        return self.values.get("warc-record-id", "")


_VERSION = re.compile(r"WARC/\d\.\d{1,2}", re.ASCII)
_LINE = re.compile(r"([!-9;-~]+):[ \t]*([^\r\n]*)\r\n")
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)
_REPEATABLE = frozenset({"warc-concurrent-to", "warc-protocol"})


def parse_head(raw: bytes) -> Head:
    """Read the bytes up to and including the empty line; problems are listed, never raised."""
    problems: list[tuple[FindingCode, str]] = []
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        problems.append(("head_not_utf8", "the header is not UTF-8; read as Latin-1"))
        text = raw.decode("latin-1")
    version, _, rest = text.partition("\r\n")
    fields = _LINE.findall(rest)
    tight = "".join([f"{name}: {value}\r\n" for name, value in fields])
    if rest != tight + "\r\n" or not _VERSION.fullmatch(version):  # something was passed over
        version, fields = _lenient(text, problems)
    values = {name.lower(): value for name, value in reversed(fields)}  # of two, the first stays
    if len(values) != len(fields):
        for name, value in fields:
            if values[name.lower()] != value and name.lower() not in _REPEATABLE:
                problems.append(("duplicate_field", f"{name} stands twice with different values"))
    length = _length(fields, values, problems)
    return Head(version, tuple(fields), values, length, tuple(problems))


def _lenient(text: str, problems: list[tuple[FindingCode, str]]) -> tuple[str, list[Field]]:
    """Read line by line: bare line feeds, folded lines (2009 edition), lines without a colon."""
    lines = text.replace("\r\n", "\n").split("\n")
    version = lines[0]
    if not _VERSION.fullmatch(version):
        problems.append(("head_malformed", f"no WARC version line: {version[:40]!r}"))
    fields: list[Field] = []
    for line in lines[1:]:
        if not line.strip():
            continue
        if line[0] in " \t" and fields:
            name, value = fields.pop()
            fields.append((name, f"{value} {line.strip()}"))
            continue
        name, colon, value = line.partition(":")
        if not colon:
            problems.append(("head_malformed", f"a header line without a colon: {line[:60]!r}"))
            continue
        fields.append((name.strip(), value.strip()))
    return version, fields


def _length(fields: list[Field], values: dict[str, str], problems: list[tuple[FindingCode, str]]) -> int | None:
    text = values.get("content-length", "")
    if not _LENGTH.fullmatch(text):
        problems.append(("length_malformed", f"Content-Length is {text[:40]!r}" if text else "no Content-Length"))
        return None
    if any(code == "duplicate_field" for code, _ in problems):
        every = {value for name, value in fields if name.lower() == "content-length"}
        if len(every) > 1:  # whichever a reader picks, another reader sees other records
            problems.append(("length_malformed", "Content-Length stands twice with different values"))
            return None
    length = int(text)
    if length > MAX_BLOCK:
        problems.append(("length_malformed", f"Content-Length is {length}, more than {MAX_BLOCK}"))
        return None
    return length
