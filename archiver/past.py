"""What the index knows of a document's wordings so far, as an assessment needs it. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archiver.archive import Archive
from archiver.evidence.instant import parse_instant

WINDOW = 1000
"""Passed checks that are looked at for wordings that take turns."""
NEVER = 2**62
"""A number above every statement's."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The newest assessment of one check that passed."""

    seq: int
    capture_seq: int
    version: int
    at: float
    """When the check began, seconds since the epoch."""
    text_sha256: str
    links_sha256: str | None
    rules_sha256: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class DocumentPast:
    """One document under one normaliser, as it stood before a certain capture."""

    archive: Archive
    document: str
    normaliser: str
    before: int = NEVER
    """Number of the capture that is being assessed: only earlier ones count."""

    @property
    def recent(self) -> Sequence[Passed]:
        """The last ``WINDOW`` passed checks, oldest first."""
        rows = self.archive.index.rows(
            "select a.seq, a.capture_seq, a.version, c.started_at, a.text_sha256, a.links_sha256, a.rules_sha256,"
            " a.language from assessment a join capture c on c.seq = a.capture_seq"
            " where a.document = ? and a.normaliser = ? and a.capture_seq < ? and a.verdict = 'passed'"
            " and a.seq = (select max(b.seq) from assessment b where b.capture_seq = a.capture_seq"
            " and b.normaliser = a.normaliser) order by a.capture_seq desc limit ?",
            (self.document, self.normaliser, self.before, WINDOW),
        )
        return [
            Passed(
                row["seq"],
                row["capture_seq"],
                row["version"],
                parse_instant(row["started_at"]).timestamp(),
                row["text_sha256"].hex(),
                row["links_sha256"].hex() if row["links_sha256"] else None,
                row["rules_sha256"].hex() if row["rules_sha256"] else None,
                row["language"],
            )
            for row in reversed(rows)
        ]

    @property
    def count(self) -> int:
        """The highest version number given out, also to later captures."""
        row = self.archive.index.row(
            "select max(version) as n from assessment where document = ? and normaliser = ?",
            (self.document, self.normaliser),
        )
        return 0 if row is None or row["n"] is None else int(row["n"])

    def version_of(self, text_sha256: str) -> int | None:
        """The number of the version with this text, if it was ever given one."""
        row = self.archive.index.row(
            "select version from assessment where document = ? and normaliser = ? and text_sha256 = ?"
            " and verdict = 'passed' order by seq limit 1",
            (self.document, self.normaliser, bytes.fromhex(text_sha256)),
        )
        return None if row is None else int(row["version"])

    def has_seen(self, version: int) -> bool:
        """Whether an earlier check saw this version; a number may be older than the check that is assessed again."""
        row = self.archive.index.row(
            "select 1 as x from assessment a where a.document = ? and a.normaliser = ? and a.version = ?"
            " and a.capture_seq < ? and a.seq = (select max(b.seq) from assessment b"
            " where b.capture_seq = a.capture_seq and b.normaliser = a.normaliser) limit 1",
            (self.document, self.normaliser, version, self.before),
        )
        return row is not None

    def text_of(self, version: int) -> str | None:
        """The digest of a version's text."""
        row = self.archive.index.row(
            "select text_sha256 from assessment where document = ? and normaliser = ? and version = ?"
            " and text_sha256 is not null limit 1",
            (self.document, self.normaliser, version),
        )
        return None if row is None else row["text_sha256"].hex()


def newest_assessment(archive: Archive, capture_seq: int, normaliser: str | None = None) -> int | None:
    """The statement that counts for a capture: the newest assessment, or the newest by one normaliser."""
    row = archive.index.row(
        "select max(seq) as seq from assessment where capture_seq = ? and (? is null or normaliser = ?)",
        (capture_seq, normaliser, normaliser),
    )
    return None if row is None or row["seq"] is None else int(row["seq"])


def normaliser_of(archive: Archive, document: str) -> str | None:
    """The normaliser whose versions a document has now: that of its newest assessment."""
    row = archive.index.row(
        "select normaliser from assessment where document = ? order by seq desc limit 1", (document,)
    )
    return None if row is None else str(row["normaliser"])


_KEPT = "links_sha256 is not null and not exists (select 1 from disposed d where d.capture_seq = a.capture_seq) limit 1"
"""What an assessment of a disposed snapshot names is kept no longer."""


def kept_text(archive: Archive, text_sha256: str) -> tuple[str | None] | None:
    """The root of the lines of a text that an assessment names and the archive keeps; None where there is no such."""
    row = archive.index.row(
        f"select text_lines_root as root from assessment a where text_sha256 = ? and {_KEPT}",
        (bytes.fromhex(text_sha256),),
    )
    return None if row is None else (None if row["root"] is None else row["root"].hex(),)


def keeps_links(archive: Archive, links_sha256: str) -> bool:
    """Whether the archive keeps the links with this digest."""
    digest = bytes.fromhex(links_sha256)
    return (
        archive.index.row(f"select 1 as x from assessment a where links_sha256 = ? and {_KEPT}", (digest,)) is not None
    )
