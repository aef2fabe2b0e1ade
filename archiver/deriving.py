"""Assessing history again: by a new normaliser, or by a document's present rules; old assessments stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from archiver.archive import Archive
from archiver.assessor import NORMALISER
from archiver.decisions import release_of
from archiver.errors import ArchiveDamaged, Disposed
from archiver.evidence.canonical import Json
from archiver.past import newest_assessment

if TYPE_CHECKING:
    from archiver.operation import Operation


def owed(archive: Archive, document: str, *, present_rules: bool) -> list[int]:
    """Stored captures of a document, oldest first, that the normaliser in force has not assessed; none that is gone.

    With ``present_rules`` also those that were read by other rules than the document has now.
    """
    rules = None
    if present_rules:
        from archiver.watch.assess import rules_sha256
        from archiver.watch.entry import rules_for

        rules = bytes.fromhex(rules_sha256(NORMALISER, rules_for(archive.document(document).entry)))
    rows = archive.index.rows(
        "select c.seq from capture c where c.document = ? and c.result = 'stored' and not exists"
        " (select 1 from disposed d where d.capture_seq = c.seq) and not exists"
        " (select 1 from assessment a where a.capture_seq = c.seq and a.normaliser = ? and a.seq ="
        " (select max(b.seq) from assessment b where b.capture_seq = c.seq and b.normaliser = a.normaliser)"
        " and (? is null or a.rules_sha256 = ?)) order by c.seq",
        (document, NORMALISER, rules, rules),
    )
    return [row["seq"] for row in rows]


def derive(operation: Operation, values: Json, progress: Callable[[int, int], None] = lambda _n, _of: None) -> Json:
    """Assess again what is owed of ``documents[]`` (empty: all); ``present_rules`` true: by the rules of today.

    What a person released passes again: other rules do not undo a decision.
    Each capture is one commit: if we crash half-way the rest is still owed. One that cannot be read any more is left as
    it was assessed, and named in ``damaged[]``.
    """
    archive, pipeline = operation.archive, operation.pipeline
    present = bool(values.get("present_rules"))
    names = values.get("documents") or [watched.document for watched in archive.watched(removed=True)]
    work = [
        (archive.document(name), seq)
        for name in names
        for seq in owed(archive, archive.document(name).document, present_rules=present)
    ]
    changed, damaged = 0, list[str]()
    for done, (watched, seq) in enumerate(work):
        capture = archive.statement(seq)
        before = newest_assessment(archive, seq, NORMALISER)
        watch_seq = watched.seq if present else None
        assess = partial(
            pipeline.assess_again,
            capture,
            supersedes=before,
            decision_seq=release_of(archive, seq),
            watch_seq=watch_seq,
        )
        try:
            changed += operation.writer.call(assess).body["outcome"] == "new_version"
        except (ArchiveDamaged, Disposed):  # disposed of while we were at it, or its body was
            damaged.append(archive.snapshot_name(seq))
        progress(done + 1, len(work))
    return {
        "normaliser": NORMALISER,
        "assessed": len(work) - len(damaged),
        "versions": changed,
        "damaged": damaged,
    }
