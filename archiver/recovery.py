"""What start-up does: the same steps as on any day, for whatever a crash left between them.

Order: journal tail, checkpoint, tiles, head copy, index, placement, owed checks from staging. Damage below the newest
checkpoint is never repaired: it ends here with ``ArchiveDamaged`` (exit 4) and nothing changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from archiver.archive import Archive
from archiver.deletion import is_disposal, sweep_disposed, sweep_unstated, texts_of
from archiver.errors import ArchiveDamaged, FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.checkpoint import open_checkpoint
from archiver.evidence.merkle import verify_consistency
from archiver.evidence.statement import Statement, parse_snapshot_id
from archiver.evidence.tiles import consistency_proof
from archiver.imported import sweep_imports
from archiver.ledger import CHECKPOINT, Committed, Ledger, Maker
from archiver.leftovers import TORN, digest_of, newest_folders, owed_checks, sweep_day, sweep_notes, sweep_stamps
from archiver.pipeline import Pipeline
from archiver.projection import rows_of
from archiver.proofs import finish_proofs
from archiver.revocations import sweep_revocations
from archiver.texts import text_path
from storage.errors import Missing


@dataclass(frozen=True, slots=True)
class Recovered:
    """What start-up found and did; empty after a clean stop."""

    statements: int = 0
    """Journal lines above the checkpoint that were placed and indexed again."""
    committed: tuple[str, ...] = ()
    """Checks whose finished files were committed now."""
    interrupted: tuple[str, ...] = ()
    """Checks stated as ``failed: interrupted`` now."""
    warnings: tuple[str, ...] = ()


def recover(pipeline: Pipeline) -> Recovered:
    """Bring an archive from any crash to a state in which the invariants hold, or raise ``ArchiveDamaged``."""
    archive, ledger = pipeline.archive, pipeline.ledger
    ledger.load_checkpoint()
    notes: list[Maker] = []
    warnings: list[str] = []
    outside = _outside_checkpoint(archive, ledger)
    _set_torn_tail_aside(archive, ledger)
    tail = ledger.load_tail()
    if outside is None:
        _check_log(ledger)
    else:
        _restore_log(archive, ledger, outside, notes, warnings)
    _check_head_copy(archive, ledger, notes, warnings)
    if tail:
        # A killed process may have left lines that were never synced. Nothing may rest on them before they are:
        # database and head copy are durable at once, and would know statements that a power loss then takes away.
        ledger.journal.sync()
    gone = catch_up_index(pipeline, tail)
    _state_torn_tails(archive, ledger, notes)
    pipeline.settle(tail, recovering=True, index=False)
    if returned := sweep_disposed(archive):
        warnings.append(f"what was disposed of lay there again and was deleted: {', '.join(returned[:3])}")
    warnings += _not_there(archive, gone)
    if any(is_disposal(item.statement) for item in tail):
        sweep_unstated(archive)
        archive.index.scrub()
    elif archive.index.row("select 1 as x from disposed limit 1") is not None:
        archive.index.empty_log(wait_ms=0)  # a reader may have been in the way of the process before us
    sweep_day(archive.files)
    # Before what staging holds is committed: versions are numbered in the order of their captures.
    pipeline.assess_owed()
    finished = owed_checks(pipeline)
    sweep_stamps(pipeline)
    sweep_revocations(archive)
    sweep_imports(archive, ledger.published)
    finish_proofs(archive, ledger.checkpoint, ledger.checkpoint_bytes, ledger.read_tile)
    committed = tuple(item.check.id for item in finished if item.draft["result"] != "failed" or item.draft["warc"])
    interrupted = tuple(item.check.id for item in finished if item.check.id not in committed)
    if finished:
        notes.append(_note({"event": "resumed", "committed": list(committed), "interrupted": list(interrupted)}))
    if finished or notes:
        pipeline.commit(finished, notes)
    else:
        ledger.acknowledge()
    pipeline.assess_owed()
    sweep_notes(archive.files)
    return Recovered(len(tail), committed, interrupted, tuple(warnings))


def _note(fields: Json) -> Maker:
    return lambda _seq, _sealed: ("recovery", dict(fields))


# -- journal tail ----------------------------------------------------------------------------------


def _set_torn_tail_aside(archive: Archive, ledger: Ledger) -> None:
    """Cut what a crash left of an unfinished append, if nobody can have been told of it (DESIGN 12.2).

    The cut bytes are kept in staging, durable, before the journal is shortened; ``_state_torn_tails`` names them.
    """
    tail = ledger.journal.tail()
    first_bad, path, offset = _first_bad_line(ledger, tail.next_seq)
    if path is None:
        if not tail.torn or tail.path is None:
            return
        first_bad, path, offset = tail.next_seq, tail.path, tail.offset
    claims = _highest_claims(archive, ledger)
    if path != tail.path:
        claims["a later journal file"] = tail.next_seq
    for who, seq in claims.items():
        if seq >= first_bad:
            raise ArchiveDamaged(
                f"{path}: statement {first_bad} is damaged, but {who} knows statement {seq}",
                do="restore the journal from a backup; nothing was changed",
            )
    torn = ledger.journal.rest(path, offset)
    archive.files.replace(f"staging/{TORN}{hashlib.sha256(torn).hexdigest()}", torn)
    ledger.journal.cut(path, offset)
    archive.files.barrier([path])


def _state_torn_tails(archive: Archive, ledger: Ledger, notes: list[Maker]) -> None:
    """Name the bytes that were cut off, now or by a start-up that crashed before it could."""
    torn = [name for name in archive.files.list("staging") if name.startswith(TORN)]
    if not torn:
        return
    rows = archive.index.rows("select seq from statement where kind = 'recovery'")
    stated = {archive.statement(row["seq"]).body.get("cut_sha256") for row in rows}
    journal = ledger.journal.segments()[-1].path
    for name in torn:
        digest, size = digest_of(archive.files, f"staging/{name}")
        if digest not in stated:
            notes.append(_note({"event": "torn_tail", "journal": journal, "cut_sha256": digest, "cut_bytes": size}))


def _first_bad_line(ledger: Ledger, next_seq: int) -> tuple[int, str | None, int]:
    """The first line above the checkpoint that is no statement: (seq, path, offset), path None when all are good."""
    start = min(ledger.published, next_seq)
    for line in ledger.journal.lines(start):
        try:
            ledger.parse(line.seq, line.path, line.data)
        except ArchiveDamaged:
            if line.seq < ledger.published:
                raise
            return line.seq, line.path, line.offset
    return next_seq, None, 0


def _highest_claims(archive: Archive, ledger: Ledger) -> dict[str, int]:
    """Who claims to know which highest statement: a torn line must lie above all of them."""
    claims = {"the checkpoint": ledger.published - 1, "the database": archive.index.next_seq() - 1}
    head = archive.head.read()
    if head is not None:
        claims["the head copy"] = head.acknowledged
    placed = [seq for name in newest_folders(archive.files) if (seq := parse_snapshot_id(name)) is not None]
    if placed:
        claims["a placed snapshot"] = max(placed)
    return claims


# -- log and head copy -----------------------------------------------------------------------------


def _outside_checkpoint(archive: Archive, ledger: Ledger) -> bytes | None:
    """Where ``log/checkpoint`` is missing, take up the newest head known elsewhere: head copy, then stamps.

    Nothing is written yet: the journal must lead to its root first.
    """
    if ledger.checkpoint is not None or not archive.files.list("journal"):
        return None
    head = archive.head.read()
    known = [] if head is None or head.checkpoint is None else [head.checkpoint]
    sizes = [int(name) for name in archive.files.list("stamps") if name.isdecimal()]
    known += [archive.files.read(f"stamps/{max(sizes)}/checkpoint")] if sizes else []
    try:
        heads = [(open_checkpoint(data, archive.verifier), data) for data in known]
    except FormatError as error:
        raise ArchiveDamaged(f"log/checkpoint is missing, and a copy of it does not hold: {error}") from error
    if not heads:
        return None
    ledger.checkpoint, ledger.checkpoint_bytes = max(heads, key=lambda found: found[0].size)
    return ledger.checkpoint_bytes


def _restore_log(archive: Archive, ledger: Ledger, checkpoint: bytes, notes: list[Maker], warnings: list[str]) -> None:
    """Derive ``log/`` again from the journal; ``ArchiveDamaged`` unless it leads to the head known outside."""
    ledger.rebuild_tiles()
    archive.files.replace(CHECKPOINT, checkpoint)
    size = ledger.published
    warnings.append(f"log/checkpoint was missing; the newest head known elsewhere, of size {size}, took its place")
    digest = hashlib.sha256(checkpoint).hexdigest()
    notes.append(_note({"event": "outside_checkpoint", "size": size, "checkpoint_sha256": digest}))


def _check_log(ledger: Ledger) -> None:
    """The tiles must lead to the checkpoint; when they are gone altogether they are derived again."""
    if ledger.checkpoint is None:
        return
    try:
        ledger.check_root()
    except ArchiveDamaged as error:
        if not isinstance(error.__cause__, Missing):
            raise
        ledger.rebuild_tiles()


def _check_head_copy(archive: Archive, ledger: Ledger, notes: list[Maker], warnings: list[str]) -> None:
    """An archive that knows less than its head copy is an old backup put back: continuing would fork the log."""
    head = archive.head.read()
    if head is None:
        if ledger.next_seq:
            warnings.append("the head copy is missing: an old backup put back could not be noticed")
            notes.append(_note({"event": "head_copy_missing"}))
        return
    if head.acknowledged >= ledger.next_seq:
        raise ArchiveDamaged(
            f"the archive ends at statement {ledger.next_seq - 1}, the head copy knows {head.acknowledged}:"
            " an older copy was put back",
            do="restore the newer journal; an archive that truly lost it can only continue as a new log",
        )
    if head.checkpoint is None:
        return
    try:
        known = open_checkpoint(head.checkpoint, archive.verifier)
    except FormatError as error:
        raise ArchiveDamaged(f"the checkpoint in the head copy does not hold: {error}") from error
    mine = ledger.checkpoint
    if mine is None or known.size > mine.size:
        raise ArchiveDamaged(
            f"log/checkpoint covers {ledger.published} statements, the head copy knows {known.size}:"
            " an older copy was put back",
            do="restore log/checkpoint from the head copy or stamps/",
        )
    proof = consistency_proof(known.size, mine.size, ledger.read_tile)
    try:
        verify_consistency(known.size, mine.size, proof, known.root, mine.root)
    except FormatError as error:
        raise ArchiveDamaged(
            f"log/checkpoint of size {mine.size} does not continue the head copy's of size {known.size}: {error}",
            do="this is another history of the log; nothing was changed",
        ) from error


# -- index -----------------------------------------------------------------------------------------


def _not_there(archive: Archive, texts: Collection[str]) -> Iterator[str]:
    """What is said of texts that could not be indexed: once for those disposed of, once for those that are lost."""
    rows = archive.index.rows("select distinct seq from disposed order by seq") if texts else []
    disposed = {digest for row in rows for digest in texts_of(archive.statement(row["seq"]))}.intersection(texts)
    if disposed:
        yield f"{_counted(len(disposed))} not there to be indexed: disposed of, and so stated"
    lost = sorted(set(texts) - disposed)
    if lost:
        yield f"{_counted(len(lost))} missing, {text_path(lost[0])} first; archiver verify --all names each"


def _counted(texts: int) -> str:
    return "1 text is" if texts == 1 else f"{texts} texts are"


def catch_up_index(pipeline: Pipeline, tail: Sequence[Committed]) -> set[str]:
    """Write the rows of every statement the index does not have; refuse when it knows other or later ones.

    Returns what ``write_rows`` does.
    """
    archive, ledger = pipeline.archive, pipeline.ledger
    known = archive.index.next_seq()
    if known > ledger.next_seq:
        raise ArchiveDamaged(
            f"the database knows statement {known - 1}, the journal ends at {ledger.next_seq - 1}",
            do="restore the newer journal from a backup",
        )
    for item in tail:
        row = archive.index.row("select entry from statement where seq = ?", (item.statement.seq,))
        # An uncovered line that differs from what was indexed was altered after we wrote it.
        if row is not None and row["entry"] != item.statement.entry:
            raise ArchiveDamaged(
                f"{item.position.path}: statement {item.statement.seq} was altered since it was indexed"
            )
    return write_rows(pipeline, known)


def write_rows(pipeline: Pipeline, first: int, progress: Callable[[int], None] = lambda _: None) -> set[str]:
    """Write the rows of all statements from ``first`` on, in batches; ``rebuild`` calls it with 0.

    Returns the digests of texts that assessments name and that are not there.
    """
    archive, ledger = pipeline.archive, pipeline.ledger
    rows = []
    gone: set[str] = set()
    for line in ledger.journal.lines(first):
        statement = ledger.parse(line.seq, line.path, line.data)
        token, text = pipeline.token_of(statement), _text_of(statement)
        if text is not None and not archive.files.exists(text_path(text)):
            gone.add(text)
            text = None
        lines = None if text is None else pipeline.lines_of(statement)
        rows += rows_of(statement, line.path, line.offset, token, lines)
        # After a disposal it is asked anew which texts the index has.
        if len(rows) > 5000 or is_disposal(statement):
            archive.index.apply(rows)
            rows = []
            progress(line.seq + 1)
    archive.index.apply(rows)
    progress(ledger.next_seq)
    return gone


def _text_of(statement: Statement) -> str | None:
    """The digest of the text that an assessment keeps; None of other statements, and of ``identity/1``."""
    kept = statement.kind == "assessment" and statement.body.get("links_sha256") is not None
    return statement.body["text_sha256"] if kept else None
