"""The head of an HTTP/1 response as it came: lenient reading, every leniency stated (RFC 9112 sections 2 to 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from archiver.errors import FormatError
from archiver.evidence.exchange import Failure, FailureCode, ResponseHead

MAX_ANOMALIES = 50
"""Anomalies listed for one exchange; a hostile head could cause one for every line."""
MAX_QUOTED = 60
"""Characters of untrusted text repeated in an anomaly."""


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """Ceilings of the parser and the decoder; each stops a server that sends without end."""

    max_head_bytes: int = 256 * 1024
    """One header section, status line included."""
    max_fields: int = 10_000
    max_interim: int = 32
    """1xx responses before the final one."""
    max_chunk_line: int = 4096
    """One chunk-size line with its extensions."""
    max_extension_bytes: int = 64 * 1024
    """All chunk extensions of a message."""
    max_trailer_bytes: int = 64 * 1024
    max_content_bytes: int = 400 * 1024 * 1024
    """The content after decoding, and the output of every single coding on the way."""


class MalformedMessage(FormatError):
    """The bytes are not the HTTP response they should be; ``failure`` says how."""

    def __init__(self, code: FailureCode, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(code, detail)


class Anomalies:
    """Departures from the standard in order of discovery, none twice, at most ``MAX_ANOMALIES`` of them."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}
        self._further = 0

    def note(self, code: str, detail: str) -> None:
        """Add one; ``code`` is a fixed word, ``detail`` plain ASCII."""
        line = f"{code}: {detail}"
        if line in self._lines:
            return
        if len(self._lines) < MAX_ANOMALIES - 1:
            self._lines[line] = None
        else:
            self._further += 1

    def __bool__(self) -> bool:
        return bool(self._lines)

    def listed(self) -> tuple[str, ...]:
        """Return ``code: detail`` lines; the last one counts those beyond the ceiling."""
        lines = tuple(self._lines)
        return (*lines, f"more: {self._further} further anomalies") if self._further else lines


def quoted(text: str) -> str:
    """Return untrusted text as a short ASCII literal, control characters escaped."""
    return ascii(text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED] + "...")


_NAME_CHARS = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_TEXT = r"[\t\x20-\x7e\x80-\xff]*+"
_CLEAN_HEAD = re.compile(rf"HTTP/1\.[01] [1-5][0-9][0-9] {_TEXT}\r\n(?:{_NAME_CHARS}:{_TEXT}\r\n)*+\r\n")
_STATUS_LINE = re.compile(r"HTTP/([0-9])\.([0-9])([ \t]+)([0-9]{3})(?:([ \t])(.*))?", re.DOTALL)
_NAME = re.compile(_NAME_CHARS)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def parse_head(raw: bytes, anomalies: Anomalies, *, max_fields: int) -> ResponseHead:
    """Return the head from its bytes, the empty line included.

    Raises ``MalformedMessage`` when the first line is no status line of HTTP/1 or there are more than
    ``max_fields`` fields. Anything else that departs from RFC 9112 is noted and read as a lenient client would.
    """
    text = raw.decode("latin-1")
    if _CLEAN_HEAD.fullmatch(text):
        first, *lines = text[:-4].split("\r\n")
        _check_count(len(lines), max_fields)
        fields = tuple([(name, value.strip(" \t")) for name, _, value in [x.partition(":") for x in lines]])
        return ResponseHead(first[:8], int(first[9:12]), first[13:], fields)
    first, *lines = _split_lines(text, anomalies)
    version, status, reason = _parse_status_line(first, anomalies)
    _check_count(len(lines), max_fields)
    return ResponseHead(version, status, reason, tuple(_parse_fields(lines, anomalies)))


def _check_count(count: int, max_fields: int) -> None:
    if count > max_fields:
        raise MalformedMessage("header_too_large", f"more than {max_fields} header lines")


def _split_lines(text: str, anomalies: Anomalies) -> list[str]:
    """Return the lines without their ends and without the empty last one (RFC 9112 2.2)."""
    lines = text.split("\n")[:-2]
    out = []
    for line in lines:
        if line.endswith("\r"):
            line = line[:-1]
        else:
            anomalies.note("bare-lf", f"line ends without CR: {quoted(line)}")
        if "\r" in line:
            anomalies.note("bare-cr", f"CR inside a line: {quoted(line)}")
        out.append(line)
    if not text.endswith("\r\n"):
        anomalies.note("bare-lf", "header section ends without CR")
    return out


def _parse_status_line(line: str, anomalies: Anomalies) -> tuple[str, int, str]:
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise MalformedMessage("malformed", f"not a status line: {quoted(line)}")
    major, minor, gap, code, after, reason = match.groups()
    status = int(code)
    if major != "1" or status < 100:
        raise MalformedMessage("malformed", f"not a status line of HTTP/1: {quoted(line)}")
    if minor not in "01":
        anomalies.note("version", f"HTTP/1.{minor} read as HTTP/1.1")
    if gap != " " or after == "\t":
        anomalies.note("status-line", f"other white space than one space: {quoted(line)}")
    if after is None:
        anomalies.note("status-line", "no space after the status code")
    if status > 599:
        anomalies.note("status-code", f"{status} is outside 100 to 599")
    if reason is not None and _CONTROL.search(reason):
        anomalies.note("control", f"control character in the reason phrase {quoted(reason)}")
    return f"HTTP/{major}.{minor}", status, reason or ""


def _parse_fields(lines: list[str], anomalies: Anomalies) -> list[tuple[str, str]]:
    """Read field lines; a line that cannot be one is noted and left out, as its bytes stay in the record."""
    fields: list[tuple[str, str]] = []
    folding = False
    for line in lines:
        if line[:1] in (" ", "\t"):
            if folding:  # RFC 9112 5.2: a user agent replaces each received obs-fold with spaces
                name, value = fields[-1]
                fields[-1] = (name, " ".join((value, line.strip(" \t"))).strip(" \t"))
                anomalies.note("obs-fold", f"folded field {quoted(name)}")
            else:
                anomalies.note("fold-without-field", quoted(line))
            _check_controls(line, anomalies)
            continue
        name, colon, value = line.partition(":")
        folding = bool(colon) and bool(name.strip(" \t"))
        if not folding:
            anomalies.note("no-field-name" if colon else "no-colon", quoted(line))
            continue
        if name[-1] in " \t":
            # RFC 9112 5.1: read by some as another field; the classic start of response smuggling
            anomalies.note("space-before-colon", quoted(name))
            name = name.rstrip(" \t")
        if not _NAME.fullmatch(name):
            anomalies.note("field-name", f"not a token: {quoted(name)}")
        _check_controls(value, anomalies)
        fields.append((name, value.strip(" \t")))
    return fields


def _check_controls(value: str, anomalies: Anomalies) -> None:
    if _CONTROL.search(value):
        shown = quoted(value.strip(" \t"))
        anomalies.note("control", f"control character in a field value {shown}")


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """How the body after a head is delimited (RFC 9112 section 6.3) and how it is coded."""

    kind: Literal["none", "length", "chunked", "close"]
    length: int
    """Bytes announced; 0 unless ``kind`` is ``length``."""
    codings: tuple[str, ...]
    """To be removed after the chunk framing, outermost first, lower case."""
    persistent: bool
    """The head allows another exchange on this connection."""
    failure: Failure | None
    """Set when the end of the body cannot be known; nothing more should be read."""


def plan_body(head: ResponseHead, method: str, anomalies: Anomalies) -> BodyPlan:
    """Return where the body ends and how it is coded; ambiguities are noted and end the connection."""
    found: dict[str, list[str]] = {}
    for name, value in head.fields:
        key = name.lower()
        if key in _FRAMING_FIELDS:
            found.setdefault(key, []).append(value)
    transfer = _members(found.get("transfer-encoding"))
    codings = [coding for coding in _members(found.get("content-encoding")) if coding != "identity"]
    options = _members(found.get("connection"))
    old = head.version == "HTTP/1.0"
    persistent = "keep-alive" in options if old else True
    persistent = persistent and "close" not in options
    lengths = found.get("content-length")
    bodiless = method == "HEAD" or head.status in (204, 304) or head.status < 200
    if bodiless:
        if head.status in (204, 101) and (lengths or transfer):
            anomalies.note("body-announced", f"Content-Length or Transfer-Encoding in a {head.status}")
        return BodyPlan("none", 0, (), persistent and head.status != 101, None)
    if transfer:
        return _plan_transfer(transfer, codings, persistent, anomalies, old=old, lengths=lengths)
    if lengths:
        return _plan_length(lengths, codings, persistent, anomalies)
    return BodyPlan("close", 0, tuple(reversed(codings)), False, None)


_FRAMING_FIELDS = frozenset({"content-length", "transfer-encoding", "content-encoding", "connection"})


def _members(values: list[str] | None) -> list[str]:
    """Return the members of a comma-separated list field, lower case, in order."""
    if not values:
        return []
    return [member.strip(" \t").lower() for member in ",".join(values).split(",") if member.strip(" \t")]


def _plan_transfer(
    transfer: list[str],
    codings: list[str],
    persistent: bool,
    anomalies: Anomalies,
    *,
    old: bool,
    lengths: list[str] | None,
) -> BodyPlan:
    if lengths:  # RFC 9112 6.3: Transfer-Encoding overrides; may be an attempt at response splitting
        anomalies.note("length-and-transfer-coding", "both Content-Length and Transfer-Encoding")
    if old:
        anomalies.note("transfer-coding-in-1.0", "Transfer-Encoding in an HTTP/1.0 response")
    chunked = transfer[-1] == "chunked"
    inner = transfer[:-1] if chunked else transfer
    if inner:
        anomalies.note("transfer-coding", f"not asked for: {quoted(', '.join(inner))}")
    order = tuple(reversed(codings + [coding for coding in inner if coding != "identity"]))
    return BodyPlan("chunked" if chunked else "close", 0, order, persistent and chunked, None)


_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)


def _plan_length(lengths: list[str], codings: list[str], persistent: bool, anomalies: Anomalies) -> BodyPlan:
    order = tuple(reversed(codings))
    members = [member.strip(" \t") for member in ",".join(lengths).split(",")]
    distinct = set(members)
    if len(distinct) == 1 and _DIGITS.fullmatch(members[0]):
        if len(members) > 1:
            anomalies.note("repeated-length", f"Content-Length {len(members)} times")
        return BodyPlan("length", int(members[0]), order, persistent, None)
    code = "conflicting-length" if len(distinct) > 1 else "bad-length"
    anomalies.note(code, quoted(", ".join(members)))
    # RFC 9112 6.3, 5: an unrecoverable error for a client
    failure = Failure("malformed", f"Content-Length is unusable: {quoted(', '.join(members))}")
    return BodyPlan("close", 0, order, False, failure)
