"""The load file beside exhibits, as review tools read it: one row a document, in CSV or Concordance's DAT."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

EXHIBIT_ENDS = ".exhibit.pdf"
"""How the name of an exhibit ends."""
COLUMNS = (
    "BEGBATES ENDBATES CUSTODIAN SOURCE_URL FINAL_URL TITLE CAPTURE_UTC CAPTURE_LOCAL TZ SHA256_NATIVE NATIVEPATH"
    " TEXTPATH IMAGEPATH CITATION_ID LIMITS REDACTED"
).split()
_QUOTE, _SEPARATOR, _LINE = "\u00fe", "\u0014", "\u00ae"
"""Of a DAT file: around a field, between fields, and in place of a line break inside one."""


@dataclass(frozen=True, slots=True)
class LoadRow:
    """One exhibit as a review tool knows it."""

    begin: str
    end: str
    """First and last Bates number, empty where none were given."""
    custodian: str
    source_url: str
    final_url: str
    title: str
    captured_utc: str
    captured_local: str
    timezone: str
    sha256_native: str
    """Of the WARC file."""
    native_path: str
    """Of the WARC file, in the archive."""
    citation_id: str
    limits: str
    redacted: str

    def fields(self, image: str, text: str) -> tuple[str, ...]:
        """The values in the order of ``COLUMNS``; ``image`` and ``text`` are the names of the files beside."""
        return (
            self.begin,
            self.end,
            self.custodian,
            self.source_url,
            self.final_url,
            self.title,
            self.captured_utc,
            self.captured_local,
            self.timezone,
            self.sha256_native,
            self.native_path,
            text,
            image,
            self.citation_id,
            self.limits,
            self.redacted,
        )


def as_csv(rows: Iterable[tuple[str, ...]]) -> bytes:
    """RFC 4180 in UTF-8, with a heading line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return out.getvalue().encode()


def as_dat(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Concordance's form in UTF-8 with a byte order mark; a thorn or a line break inside a value is replaced."""
    lines = []
    for values in (tuple(COLUMNS), *rows):
        plain = (_LINE.join(value.replace(_QUOTE, "'").replace(_SEPARATOR, " ").splitlines()) for value in values)
        lines.append(_SEPARATOR.join(f"{_QUOTE}{value}{_QUOTE}" for value in plain) + "\r\n")
    return "".join(lines).encode("utf-8-sig")
