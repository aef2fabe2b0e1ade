"""The ground that facts stand on: what an archive holds of one snapshot, and of itself, each with its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from archiver.archive import Archive
from archiver.declaration.showing import Fact, Source, shown, verdicts
from archiver.declaration.template import Template
from archiver.dossier import Dossier
from archiver.environment import SOFTWARE
from archiver.errors import ArchiverError
from archiver.evidence.canonical import Json
from archiver.evidence.instant import format_instant
from archiver.evidence.statement import Statement
from archiver.evidence.verify import Report
from archiver.evidence.warc_ours import read_our_warc
from storage.errors import StorageError

MAX_REQUEST = 256 * 1024
"""Bytes of one request record that are read."""


def within(body: Any, path: Sequence[str]) -> Any:
    """The value at a path of keys, or None where the path ends early: statements of older software lack keys."""
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def source_of(statement: Statement, what: str, checks: str = "") -> Source:
    """A statement of the log as a source."""
    return Source(f"{what}, log index {statement.seq}", statement.entry_hex, checks)


@dataclass
class SnapshotGround:
    """One snapshot with its record and its checks, gathered once."""

    dossier: Dossier
    record: Json
    report: Report

    @classmethod
    def of(cls, dossier: Dossier) -> SnapshotGround:
        """Gather; every numbered check is made anew."""
        return cls(dossier, dossier.citation(), dossier.report())

    @property
    def name(self) -> str:
        """``EA-S-00000123``."""
        return self.dossier.snapshot

    @property
    def body(self) -> Json:
        """The capture statement."""
        return self.dossier.capture.body

    @cached_property
    def capture(self) -> Source:
        """The capture statement as a source."""
        return source_of(
            self.dossier.capture,
            f"statement of {self.name} ({self.dossier.folder}/statement.json)",
            verdicts(self.report, 1, 5, 6, 11),
        )

    @cached_property
    def warc(self) -> Source:
        """The WARC file as a source."""
        stated = self.body["warc"]
        return Source(
            f"WARC file of {self.name} ({self.dossier.folder}/capture.warc.gz)",
            None if stated is None else stated["sha256"],
            verdicts(self.report, 2, 3, 4, 5),
        )

    @cached_property
    def assessment(self) -> Source:
        """The assessment that counts, as a source."""
        found = self.dossier.assessment
        if found is None:
            return Source(f"assessments of {self.name}: none is stated")
        return source_of(found, f"assessment of {self.name}", verdicts(self.report, 15))

    @cached_property
    def watch(self) -> Source:
        """The watch statement in force, as a source."""
        if self.dossier.watch is None:
            return Source(f"watch list: {self.name} is of a bare address")
        return source_of(self.dossier.watch, f"watch statement of {self.body['document']}")

    @cached_property
    def head(self) -> Source:
        """The signed checkpoint that covers the statement, as a source."""
        inclusion = self.record["log"]["inclusion"]
        checks = verdicts(self.report, 6, 7, 14)
        if inclusion is None:
            return Source("checkpoints of the log: none covers the statement yet", None, checks)
        what = f"checkpoint of {self.dossier.archive.origin} at size {inclusion['tree_size']}"
        return Source(what, inclusion["checkpoint_sha256"], checks)

    @cached_property
    def tokens(self) -> Source:
        """The timestamps that cover the statement, as a source."""
        return Source(f"timestamps that cover {self.name}", None, verdicts(self.report, 8, 9, 10, 12))

    @cached_property
    def history(self) -> Source:
        """The index of the log's statements about the document, as a source."""
        about = self.body["document"] or self.name
        return Source(f"statements of the log about {about}", None, verdicts(self.report, 13))

    @cached_property
    def custody(self) -> Source:
        """The custody statements that name the snapshot, as a source."""
        return Source(f"custody statements of the log that name {self.name}", None, verdicts(self.report, 6, 11))

    @cached_property
    def look(self) -> Source:
        """The checks and digests made for this draft, as a source."""
        return Source(f"archiver verify {self.name}, made when this draft was made, by {SOFTWARE}")

    @property
    def hops(self) -> list[Json]:
        """Every exchange of the statement, in order."""
        return [exchange for part in self.body["parts"] for exchange in part["exchanges"]]

    @property
    def last(self) -> Json:
        """The last exchange of the first part; empty where there was none."""
        exchanges = self.body["parts"][0]["exchanges"] if self.body["parts"] else []
        return dict(exchanges[-1]) if exchanges else {}

    def fails(self, *numbers: int) -> str | None:
        """What a failed check among these says; None when none failed."""
        for check in self.report.checks:
            if check.verdict == "fail" and (not numbers or check.number in numbers):
                return f"check {check.number} of archiver verify fails: {check.detail}"
        return None

    def stated(self, *path: str) -> Fact:
        """A field of the capture statement."""
        return Fact(shown(within(self.body, path)), self.capture, f"field {'.'.join(path)}")

    def assessed(self, *path: str) -> Fact:
        """A field of the assessment."""
        found = self.dossier.assessment
        body = {} if found is None else found.body
        return Fact(shown(within(body, path)), self.assessment, f"field {'.'.join(path)}")

    def watched(self, *path: str) -> Fact:
        """A field of the watch entry in force."""
        body = {} if self.dossier.watch is None else self.dossier.watch.body
        return Fact(shown(within(body, ("entry", *path))), self.watch, f"field entry.{'.'.join(path)}")

    @cached_property
    def requests(self) -> list[tuple[str, bytes]] | None:
        """Every request record of the WARC in order, address and head; None where the file cannot be read."""
        if self.dossier.warc is None:
            return None
        try:
            with self.dossier.warc.stream() as handle:
                return [
                    (record.get("WARC-Target-URI") or "", b"".join(record.block.chunks(0, MAX_REQUEST)))
                    for record in read_our_warc(handle).records
                    if record.type == "request"
                ]
        except (ArchiverError, StorageError):
            return None


@dataclass
class DeclarationGround:
    """All that one draft is about: an archive, some snapshots, a template."""

    archive: Archive
    template: Template
    snapshots: tuple[SnapshotGround, ...]
    issued: str
    """Instant text."""
    looked: Source = field(init=False)

    def __post_init__(self) -> None:
        self.looked = Source(f"a look at the archive when this draft was made, by {SOFTWARE}")

    @cached_property
    def first(self) -> Statement:
        """Statement 0, which names key and archive."""
        return self.archive.statement(0)

    def founded(self, *path: str) -> Fact:
        """A field of statement 0."""
        return Fact(
            shown(within(self.first.body, path)), source_of(self.first, "key statement"), f"field {'.'.join(path)}"
        )

    def setting(self, key: str) -> Fact:
        """A setting in force."""
        return Fact(shown(self.archive.settings[key]), Source("archive.toml, settings in force"), key)

    @cached_property
    def incidents(self) -> tuple[Statement, ...]:
        """Every statement of a crash, a damaged journal, a clock that went back, a full disk; oldest first."""
        rows = self.archive.index.rows("select seq from statement where kind in ('recovery', 'custody') order by seq")
        found = (self.archive.statement(row["seq"]) for row in rows)
        return tuple(s for s in found if s.kind == "recovery" or s.body["event"] in ("clock_step", "storage_full"))


def ground_of(dossiers: Sequence[Dossier], template: Template) -> DeclarationGround:
    """Gather the ground of a draft about these snapshots, at least one, of one archive and one date of issue."""
    first = dossiers[0]
    grounds = tuple(SnapshotGround.of(dossier) for dossier in dossiers)
    return DeclarationGround(first.archive, template, grounds, format_instant(first.issued))
