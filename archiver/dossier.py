"""All that an archive holds about one snapshot, gathered once for whatever is handed to the other side. Reads only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

from archiver.archive import Archive
from archiver.audit import Audit
from archiver.custody import custody_of, require_kept
from archiver.evidence.canonical import Json
from archiver.evidence.citation_custody import referring_to
from archiver.evidence.statement import Statement, parse_snapshot_id
from archiver.evidence.verify import Report
from archiver.imported import require_no_import
from archiver.naming import no_snapshot
from archiver.proofs import PROOF
from archiver.texts import links_path, salt_path, text_path
from storage.interface import Files

if TYPE_CHECKING:
    from archiver.watch.reading import Source


@dataclass(frozen=True, slots=True)
class Part:
    """A stored file: where it lies in the archive, and how large it is."""

    files: Files
    path: str

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def size(self) -> int:
        """Bytes."""
        return self.files.size(self.path)

    def stream(self) -> BinaryIO:
        """The file, seekable."""
        return self.files.open(self.path)

    def read(self) -> bytes:
        """All of it; for small files."""
        return self.files.read(self.path)


@dataclass(frozen=True, slots=True)
class Token:
    """A timestamp over the statement, or over the checkpoint that covers it; paths of reply, chain and subject."""

    authority: str
    subject: str
    """``statement`` or ``checkpoint``."""
    size: int | None
    """Of the log, for a checkpoint."""
    gen_time: str
    statement_seq: int
    reply: Part
    chain: Part
    covers: Part


@dataclass(frozen=True, slots=True)
class Dossier:
    """One snapshot with all that belongs to it."""

    archive: Archive
    snapshot: str
    capture: Statement
    folder: str
    watch: Statement | None
    """The ``watch`` statement in force when it was captured."""
    assessments: tuple[Statement, ...]
    """Every assessment of it, oldest first; the last one counts."""
    decisions: tuple[Statement, ...]
    custody: tuple[Statement, ...]
    """``custody`` statements that concern it: see ``custody_of``."""
    referents: tuple[Statement, ...]
    """Captures whose WARCs hold payloads that this one's revisit records refer to."""
    issued: datetime

    @property
    def assessment(self) -> Statement | None:
        """The assessment that counts."""
        return self.assessments[-1] if self.assessments else None

    @property
    def files(self) -> tuple[Part, ...]:
        """The files of the snapshot's folder."""
        return tuple(self._part(f"{self.folder}/{name}") for name in self.archive.files.list(self.folder))

    @property
    def warc(self) -> Part | None:
        """``capture.warc.gz``, where the check kept one."""
        return self._part(f"{self.folder}/capture.warc.gz") if self.capture.body["warc"] else None

    @property
    def proof(self) -> Part | None:
        """``statement.tlog-proof``, once a checkpoint covers the statement and has been stamped."""
        path = f"{self.folder}/{PROOF}"
        return self._part(path) if self.archive.files.exists(path) else None

    @property
    def text(self) -> Part | None:
        """The text that the assessment states."""
        return self._text(text_path)

    @property
    def salt(self) -> Part | None:
        """The seed of the text's line commitments: never handed out with a redacted text."""
        return self._text(salt_path)

    @property
    def links(self) -> Part | None:
        """The links beside the text."""
        body = None if self.assessment is None else self.assessment.body
        if body is None or not body.get("links"):
            return None
        return self._part(links_path(body["links_sha256"]))

    def tokens(self) -> tuple[Token, ...]:
        """The first token of each authority over a head that covers the statement, and every one over it alone."""
        rows = self.archive.index.rows(
            "select seq from stamp where event = 'token' and subject = 'statement' and subject_seq = ?"
            " union select min(seq) from stamp where event = 'token' and subject = 'checkpoint' and size > ?"
            " group by authority order by 1",
            (self.capture.seq, self.capture.seq),
        )
        return tuple(self._token(self.archive.statement(row["seq"])) for row in rows)

    def citation(self) -> Json:
        """The citation record, issued at ``issued``."""
        from archiver.citing import citation_record

        return citation_record(self.archive, self.snapshot, self.issued)

    def report(self) -> Report:
        """Every numbered check, made now."""
        return Audit(self.archive).snapshot(self.snapshot)

    def sources(self) -> tuple[Source, ...]:
        """The decoded contents of its parts, read from the WARC; ``ArchiveDamaged`` where they are not there."""
        from archiver.rereading import sources_of

        return sources_of(self.archive, self.capture.body)

    def key(self) -> tuple[Part, Part]:
        """The log's public key: as a signed-note verifier key, and as PEM."""
        return self._part("keys/log.vkey"), self._part("keys/log.pub.pem")

    def _part(self, path: str) -> Part:
        return Part(self.archive.files, path)

    def _text(self, place: Callable[[str], str]) -> Part | None:
        body = None if self.assessment is None else self.assessment.body
        if body is None or body.get("links_sha256") is None:
            return None
        return self._part(place(body["text_sha256"]))

    def _token(self, stamp: Statement) -> Token:
        body = stamp.body
        path = str(body["path"])
        on_head = body["subject"] == "checkpoint"
        covers = f"stamps/{body['size']}/checkpoint" if on_head else f"{self.folder}/statement.json"
        return Token(
            authority=body["authority"],
            subject=body["subject"],
            size=body.get("size"),
            gen_time=body["gen_time"],
            statement_seq=stamp.seq,
            reply=self._part(path),
            chain=self._part(f"{path.removesuffix('.tsr')}.chain.pem"),
            covers=self._part(covers),
        )


def dossier_of(archive: Archive, snapshot: str, issued: datetime) -> Dossier:
    """Gather what belongs to one snapshot; ``UsageError`` when there is none of that name, ``Disposed`` where gone."""
    require_no_import(archive, snapshot)
    seq = parse_snapshot_id(snapshot)
    row = None if seq is None else archive.index.row("select folder from capture where seq = ?", (seq,))
    if seq is None or row is None or row["folder"] is None or not row["folder"].endswith(f"/{snapshot}"):
        raise no_snapshot(snapshot)
    capture = archive.statement(seq)
    body = capture.body
    referents = referring_to(body)
    for number in (seq, *sorted(referents)):
        require_kept(archive, number)

    def statements(sql: str) -> tuple[Statement, ...]:
        return tuple(archive.statement(r["seq"]) for r in archive.index.rows(sql, (seq,)))

    return Dossier(
        archive=archive,
        snapshot=snapshot,
        capture=capture,
        folder=row["folder"],
        watch=None if body["watch_seq"] is None else archive.statement(body["watch_seq"]),
        assessments=statements("select seq from assessment where capture_seq = ? order by seq"),
        decisions=statements("select seq from decision where capture_seq = ? order by seq"),
        custody=custody_of(archive, capture),
        referents=tuple(archive.statement(number) for number in sorted(referents)),
        issued=issued,
    )
