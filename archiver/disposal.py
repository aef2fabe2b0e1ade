"""Disposal: the content of a snapshot, or an imported file, goes; its statement and its leaf in the log stay.

docs/custody.md says what goes and what stays.

The statement is the commit; the deletion (``archiver.deletion``) follows, and a start does it again for what a crash
left. Nothing that another snapshot needs is taken, and nothing under a hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from archiver.archive import Archive
from archiver.check import WARC
from archiver.custody import disposal_of, held_by, subject_name
from archiver.decisions import MAX_NAME, MAX_REASON, one_line
from archiver.deletion import sweep_unstated
from archiver.errors import ArchiveDamaged, NotCheckable, UsageError
from archiver.evidence.canonical import MAX_LINE, Json, encode_line
from archiver.evidence.statement import Statement
from archiver.imported import is_import, kept_with_bytes, subject_seq
from archiver.leftovers import digest_of
from archiver.texts import links_path, salt_path, text_path

if TYPE_CHECKING:
    from archiver.operation import Operation
    from archiver.pipeline import Pipeline

MAX_SUBJECTS = 500
"""Snapshots and imported files of one disposal: its statement lists every file."""
MAX_SHARED = 1000
"""Files of snapshots with the bytes of one imported file that a disposal names."""
ROOM = 64 * 1024
"""Bytes of a statement's line that are left for what is not a list of files."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a disposal would delete, and what of these snapshots and imported files would stay."""

    subjects: tuple[str, ...]
    files: tuple[Json, ...]
    """``{path, bytes, sha256}``, as they lie."""
    kept: tuple[Json, ...]
    """``{path, why}``."""
    untimed: tuple[str, ...]
    """Subjects whose statements no verified timestamp covers yet."""

    def to_json(self) -> Json:
        """What ``dispose --json`` shows before anything is done."""
        return {"subjects": list(self.subjects), "files": list(self.files), "kept": list(self.kept)}


def planned(archive: Archive, names: Sequence[object], published: int) -> Plan:
    """What the disposal of these would do, where the newest checkpoint covers ``published`` statements.

    ``names`` are of snapshots and imported files. ``UsageError`` where it is refused: unknown, gone already, under a
    hold, or needed by another snapshot. ``NotCheckable`` where no checkpoint covers all that must stay.
    ``ArchiveDamaged`` where an imported file is not in its place: whether it is gone nobody could say.
    """
    if not 0 < len(names) <= MAX_SUBJECTS:
        raise UsageError(f"a disposal is of 1 to {MAX_SUBJECTS} snapshots and imported files", do="do it in parts")
    seqs = sorted({subject_seq(archive, name) for name in names})
    for seq in seqs:
        _require_free(archive, seq, frozenset(seqs), published)
    files: list[Json] = []
    kept: list[Json] = []
    subjects = [archive.statement(seq) for seq in seqs]
    for body in (statement.body for statement in subjects if not is_import(statement)):
        named = [*([WARC] if body["warc"] else []), *(item["name"] for item in body["partial"] or ())]
        for name in archive.files.list(body["folder"]):
            path = f"{body['folder']}/{name}"
            if name in named:
                files.append(_file(archive, path))
            else:
                kept.append({"path": path, "why": "evidence"})
    for path, shared in sorted(_texts(archive, seqs)):
        if archive.files.exists(path):
            (kept if shared else files).append({"path": path, "why": "shared"} if shared else _file(archive, path))
    kept += [{"path": path, "why": "shared"} for path in _imported(archive, files, seqs)]
    for statement in filter(is_import, subjects):
        goes, stays = _taken_in(archive, statement, seqs)
        files += [item for item in goes if item not in files]
        kept += [{"path": path, "why": "shared"} for path in stays]
    named_so = tuple(subject_name(archive, seq) for seq in seqs)
    untimed = tuple(name for name, seq in zip(named_so, seqs, strict=True) if not _is_timed(archive, seq))
    return Plan(named_so, tuple(files), tuple(kept), untimed)


def _file(archive: Archive, path: str) -> Json:
    sha256, size = digest_of(archive.files, path)
    return {"path": path, "bytes": size, "sha256": sha256}


def _require_free(archive: Archive, seq: int, together: frozenset[int], published: int) -> None:
    name = subject_name(archive, seq)
    gone = disposal_of(archive, seq)
    if gone is not None:
        raise UsageError(f"{name} was {gone}", do="there is nothing left to dispose of")
    for item in held_by(archive, seq):
        on = "" if item["subject"] == name else f" on {item['subject']}"
        raise UsageError(
            f"{name} is under the hold {item['hold']}{on}, set on {item['set_at']}: nothing was disposed of",
            do="see archiver hold list",
        )
    row = archive.index.row("select max(seq) as seq from assessment where capture_seq = ?", (seq,))
    newest = seq if row is None or row["seq"] is None else int(row["seq"])
    if newest >= published:
        raise NotCheckable(
            f"{name} is not covered by a published checkpoint yet: nothing was disposed of",
            do="run archiver log checkpoint --publish",
        )
    for other in _referring(archive, seq):
        if other not in together and disposal_of(archive, other) is None:
            raise UsageError(
                f"{archive.snapshot_name(other)} refers to the body kept in {name}: nothing was disposed of",
                do="dispose of both in one act, or of the later one first",
            )


def _referring(archive: Archive, seq: int) -> Iterator[int]:
    """Later captures with a revisit record whose body lies in this one's WARC."""
    rows = archive.index.rows(
        "select distinct d.seq from full_copy f join digest d on d.sha256 = f.payload_sha256 and d.object = 'payload'"
        " where f.seq = ? and d.seq > f.seq order by d.seq",
        (seq,),
    )
    for row in rows:
        parts = archive.statement(row["seq"]).body["parts"]
        revisits = [exchange["revisit"] for part in parts for exchange in part["exchanges"]]
        if any(revisit is not None and revisit["seq"] == seq for revisit in revisits):
            yield int(row["seq"])


def _texts(archive: Archive, seqs: Sequence[int]) -> set[tuple[str, bool]]:
    """The files of the texts of these captures, and whether another one that is kept has the same."""
    found: set[tuple[str, bool]] = set()
    for seq in seqs:
        for row in archive.index.rows(
            "select text_sha256, links_sha256 from assessment where capture_seq = ? and links_sha256 is not null",
            (seq,),
        ):
            text, links = row["text_sha256"], row["links_sha256"]
            shared = _is_shared(archive, "text_sha256", text, seqs)
            found |= {(text_path(text.hex()), shared), (salt_path(text.hex()), shared)}
            found.add((links_path(links.hex()), _is_shared(archive, "links_sha256", links, seqs)))
    return found


def _is_shared(archive: Archive, column: str, digest: bytes, seqs: Sequence[int]) -> bool:
    rows = archive.index.rows(
        f"select distinct capture_seq as seq from assessment a where {column} = ? and links_sha256 is not null"
        " and not exists (select 1 from disposed d where d.capture_seq = a.capture_seq)",
        (digest,),
    )
    return any(row["seq"] not in seqs for row in rows)


def _imported(archive: Archive, files: Sequence[Json], seqs: Sequence[int]) -> list[str]:
    """Where the same bytes lie because somebody imported them: whoever disposes of them must know."""
    found: list[str] = []
    for digest in dict.fromkeys(str(item["sha256"]) for item in files):
        found += [str(other.body["path"]) for other in kept_with_bytes(archive, digest) if other.seq not in seqs]
    return found


def _taken_in(archive: Archive, statement: Statement, seqs: Sequence[int]) -> tuple[list[Json], list[str]]:
    """What goes of one imported file, and where its bytes stay: as another import's, or in snapshots."""
    path, digest = str(statement.body["path"]), str(statement.body["file_sha256"])
    stays = list(islice(_in_snapshots(archive, digest, seqs), MAX_SHARED))
    if any(other.seq not in seqs for other in kept_with_bytes(archive, digest)):
        return [], [path, *stays]
    if not archive.files.exists(path):
        raise ArchiveDamaged(f"{path} is missing: nothing was disposed of", do="put the file back there first")
    return [_file(archive, path)], stays


def _in_snapshots(archive: Archive, digest: str, seqs: Sequence[int]) -> Iterator[str]:
    """The files of other snapshots, not disposed of, that are these bytes or hold them in a record of their own."""
    rows = archive.index.rows(
        "select distinct seq from digest d where sha256 = ? and object in ('warc', 'partial', 'payload', 'content')"
        " and not exists (select 1 from disposed g where g.capture_seq = d.seq) order by seq",
        (bytes.fromhex(digest),),
    )
    for seq in (row["seq"] for row in rows if row["seq"] not in seqs):
        body = archive.statement(seq).body
        if body["warc"] is not None and (body["warc"]["sha256"] == digest or _has_record(body, digest)):
            yield f"{body['folder']}/{WARC}"
        for item in body["partial"] or ():
            if item["sha256"] == digest:
                yield f"{body['folder']}/{item['name']}"


def _has_record(body: Json, digest: str) -> bool:
    """Whether a response record of this capture, not a reference to another one's, has this payload or content."""
    for part in body["parts"]:
        full = [exchange for exchange in part["exchanges"] if exchange["revisit"] is None]
        decoded = part["content"] is not None and part["content"]["sha256"] == digest
        if (decoded and part["exchanges"][-1] in full) or any(x["payload_sha256"] == digest for x in full):
            return True
    return False


def _is_timed(archive: Archive, seq: int) -> bool:
    row = archive.index.row(
        "select 1 as x from stamp where event = 'token' and ((subject = 'checkpoint' and size > ?)"
        " or (subject = 'statement' and subject_seq = ?))",
        (seq, seq),
    )
    return row is not None


# -- the act ---------------------------------------------------------------------------------------


def dispose(operation: Operation, values: Json) -> Json:
    """Dispose of the content of snapshots and of imported files: state it, delete it, return once that is durable.

    ``values``: ``snapshots`` (identifiers of either kind), ``by``, ``reason``. Refused as ``planned`` says, and while
    one of them is being visited.
    """
    by = one_line("the name of who disposes", values.get("by"), MAX_NAME)
    reason = one_line("the reason", values.get("reason"), MAX_REASON)
    names = values.get("snapshots")
    if not isinstance(names, list):
        raise UsageError("snapshots must be a list")
    return operation.writer.call(lambda: _dispose(operation, names, by, reason))


def _dispose(operation: Operation, names: list[object], by: str, reason: str) -> Json:
    pipeline, archive = operation.pipeline, operation.archive
    plan = planned(archive, names, pipeline.ledger.published)
    _require_at_rest(pipeline, plan)
    body: Json = {"event": "disposal", "premis": "deletion", **plan.to_json(), "by": by, "reason": reason}
    if len(encode_line(body)) > MAX_LINE - ROOM:
        raise UsageError("these have more files than one statement can list", do="do it in parts")
    _, (made,) = pipeline.commit([], [lambda _seq, _sealed: ("custody", dict(body))])
    # Whoever is told that it is gone may rely on it: durable now, not only before the next checkpoint.
    pipeline.sync_placed()
    sweep_unstated(archive)
    archive.index.scrub()
    return {**body, "seq": made.statement.seq, "at": made.statement.at, "statement_sha256": made.statement.entry_hex}


def _require_at_rest(pipeline: Pipeline, plan: Plan) -> None:
    """No check may be under way that could refer to a body that goes: it chose its referent before we were here."""
    visited: set[str] = set()
    documents: set[str | None] = set()
    for statement in (pipeline.archive.statement(subject_seq(pipeline.archive, name)) for name in plan.subjects):
        if is_import(statement):
            continue  # no check refers to it
        body = statement.body
        documents.add(body["document"])
        visited |= {exchange["url"] for part in body["parts"] for exchange in part["exchanges"]}
    with pipeline.lock:
        under_way = [check for _, owed in pipeline.begun for check in owed.values()]
    for check in under_way:
        if (check.document is not None and check.document in documents) or visited.intersection(check.urls):
            raise NotCheckable("a check of the same address is under way: nothing was disposed of", do="try again")
