"""The log as a bundle shows it: which statements stand in the extract in full, and the newest checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from archiver.bundling_cosignatures import cosignature_seq, first_cosignatures
from archiver.dossier import Dossier
from archiver.errors import ArchiveDamaged, FormatError, NotCheckable
from archiver.evidence.bundle_journal import Extract, consistency_text, extract_lines
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint
from archiver.evidence.statement import Statement
from archiver.evidence.tiles import consistency_proof, read_entries
from archiver.evidence.tlog_proof import TlogProof
from archiver.ledger import CHECKPOINT, tile_reader
from storage.errors import Missing, StorageError


@dataclass(frozen=True, slots=True)
class Journal:
    """What a bundle says of the log."""

    checkpoint: Checkpoint
    checkpoint_bytes: bytes
    key_sha256: str
    """Of the DER of the log's public key."""
    consistency: bytes | None
    """From the checkpoint of the proof to the newest; None where they are one, or there is no proof."""
    _dossier: Dossier
    _full: dict[int, bytes]
    _heads: dict[int, bytes]
    """Roots that the first statements must have, by size."""

    def with_lines(self, statements: Iterable[Statement]) -> Journal:
        """The same with these statements in full too, which the checkpoint covers."""
        return replace(self, _full={**self._full, **{one.seq: one.line for one in statements}})

    @property
    def lines(self) -> Iterator[bytes]:
        """The lines of the extract; ``ArchiveDamaged`` at the end unless they lead to every checkpoint."""
        entries = read_entries(self.checkpoint.size, tile_reader(self._dossier.archive.files))
        reader = Extract(self._heads)
        try:
            for line in extract_lines(entries, self._full):
                reader.take(line)
                yield line
        except (FormatError, StorageError) as error:
            raise ArchiveDamaged(f"the log cannot be told: {error}", do="run archiver verify --all") from error
        for size, root in self._heads.items():
            if reader.roots.get(size) != root:
                raise ArchiveDamaged(
                    f"the log does not lead to its checkpoint of size {size}", do="run archiver verify --all"
                )


class NotCovered(NotCheckable):
    """The newest checkpoint does not cover all that the bundle rests on; publishing one helps."""


def journal_of(dossier: Dossier) -> Journal:
    """Read the newest checkpoint; ``NotCovered`` unless it covers the snapshot, its reading and its tokens."""
    archive = dossier.archive
    try:
        data = archive.files.read(CHECKPOINT)
        newest = open_checkpoint(data, archive.verifier)
    except Missing:
        raise _uncovered(dossier.snapshot) from None
    except FormatError as error:
        raise ArchiveDamaged(f"{CHECKPOINT}: {error}", do="run archiver verify --all") from error
    for statement in _needed(dossier):
        if statement.seq >= newest.size:
            what = "" if statement.kind == "capture" else f" statement {statement.seq} ({statement.kind}) of"
            raise _uncovered(f"{what} {dossier.snapshot}".strip())
    heads = {newest.size: newest.root}
    consistency = None
    if dossier.proof is not None:
        proof = TlogProof.from_bytes(dossier.proof.read()).verify(dossier.capture.entry, archive.verifier)
        heads[proof.size] = proof.root
        if proof.size < newest.size:
            hashes = consistency_proof(proof.size, newest.size, tile_reader(archive.files))
            consistency = consistency_text(proof, newest, hashes)
    full = {one.seq: one.line for one in (*_needed(dossier), *_further(dossier)) if one.seq < newest.size}
    key_sha256 = hashlib.sha256(archive.verifier.spki_der).hexdigest()
    return Journal(newest, data, key_sha256, consistency, dossier, full, heads)


def _uncovered(what: str) -> NotCovered:
    return NotCovered(
        f"{what} is not covered by a published checkpoint yet: no bundle is made",
        do="run archiver log checkpoint --publish",
    )


def _needed(dossier: Dossier) -> Iterator[Statement]:
    """The statements that lie in the bundle as files, or name a token that does."""
    yield from (dossier.capture, *dossier.referents, *dossier.assessments[-1:])
    for part in dossier.files:
        if part.name.endswith(".tsr"):
            yield dossier.archive.statement(stamp_seq(dossier, part.read()))
        elif part.name.endswith(".cosig"):
            yield dossier.archive.statement(cosignature_seq(dossier, part.read()))


def _further(dossier: Dossier) -> Iterator[Statement]:
    """Others about this snapshot, and the log's key."""
    yield from (*dossier.assessments, *dossier.decisions, *dossier.custody)
    if dossier.watch is not None:
        yield dossier.watch
    archive = dossier.archive
    rows = archive.index.rows(
        "select seq from statement where kind = 'key'"
        " union select seq from stamp where subject_seq = ? or (event = 'token' and subject = 'checkpoint' and size in"
        " (select min(size) from stamp where event = 'token' and subject = 'checkpoint' and size > ?"
        " group by authority)) order by 1",
        (dossier.capture.seq, dossier.capture.seq),
    )
    yield from (archive.statement(row["seq"]) for row in rows)
    yield from first_cosignatures(dossier)


def stamp_seq(dossier: Dossier, reply: bytes) -> int:
    """The number of the ``stamp`` statement of a token; ``ArchiveDamaged`` when the log names none."""
    digest = hashlib.sha256(reply)
    row = dossier.archive.index.row(
        "select seq from stamp where token_sha256 = ? order by seq limit 1", (digest.digest(),)
    )
    if row is None:
        raise ArchiveDamaged(f"no statement of the log names the token {digest.hexdigest()}")
    return int(row["seq"])
