"""Assessments as statements: how one is made, and which ones are owed. Reads the index, writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archiver.archive import Archive
from archiver.assessor import Assessed
from archiver.evidence.canonical import Json, Read
from archiver.evidence.capture_statement import with_own_seq
from archiver.evidence.statement import Statement, folder_of, snapshot_id
from archiver.ledger import Maker
from archiver.outcome import Outcome
from archiver.past import newest_assessment
from archiver.watch.assess import assess_bare


@dataclass(frozen=True, slots=True)
class Owed:
    """An assessment that must still be stated."""

    capture_seq: int
    supersedes: int | None = None
    decision_seq: int | None = None
    """The release that it is to carry out."""


def owed_assessments(archive: Archive, first: int) -> list[Owed]:
    """What is owed by statements from ``first`` on, oldest capture first: no checkpoint is signed before it is done.

    Stored captures without any assessment, and releases that none has carried out: an error or a crash came between.
    """
    captures = archive.index.rows(
        "select seq from capture c where seq >= ? and result = 'stored'"
        " and not exists (select 1 from assessment a where a.capture_seq = c.seq) order by seq",
        (first,),
    )
    releases = archive.index.rows(
        "select seq, capture_seq, assessment_seq from decision d where seq >= ? and event = 'released'"
        " and assessment_seq = (select max(a.seq) from assessment a where a.capture_seq = d.capture_seq)"
        " and seq = (select min(e.seq) from decision e where e.assessment_seq = d.assessment_seq"
        " and e.event = 'released') order by seq",
        (first,),
    )
    return [Owed(row["seq"]) for row in captures] + [
        Owed(row["capture_seq"], row["assessment_seq"], row["seq"]) for row in releases
    ]


def assessment_maker(
    assessed: Assessed, capture: Statement | None = None, watch_seq: int | None = None, *, after_decision: bool = False
) -> Maker:
    """The assessment of ``capture``, or of the statement right before it in the batch.

    With ``after_decision`` the statement right before it is the decision that it carries out.
    """

    def make(_seq: int, sealed: Sequence[Statement]) -> tuple[str, Json]:
        subject = capture or sealed[-1]
        used = watch_seq if watch_seq is not None else subject.body["watch_seq"]
        fields = assessed.judgement.fields(subject.body, subject.seq, subject.entry_hex, used)
        if after_decision:
            fields["decision_seq"] = sealed[-1].seq
        return "assessment", fields

    return make


def bare_maker(archive: Archive, capture: Statement | None = None) -> Maker:
    """The assessment of a bare address: of ``capture``, or of the statement right before it in the batch."""

    def make(_seq: int, sealed: Sequence[Statement]) -> tuple[str, Json]:
        subject = capture or sealed[-1]
        url = subject.body["parts"][0]["url"]
        last = None
        if archive.index.knows_any_url([url]):
            last = archive.index.row(
                "select a.text_sha256 as digest from assessment a join capture c on c.seq = a.capture_seq"
                " join url u on u.id = c.url_id where c.document is null and u.url = ? and a.verdict = 'passed'"
                " and c.seq < ? order by a.seq desc limit 1",
                (url, subject.seq),
            )
        digest = last["digest"].hex() if last else None
        return "assessment", assess_bare(subject.body, subject.entry_hex, digest, seen=last is not None)

    return make


def completed(archive: Archive, outcome: Outcome) -> Outcome:
    """The outcome with the assessment that was stated after its batch, if one was."""
    if outcome.assessment is not None or outcome.capture.body["result"] != "stored":
        return outcome
    seq = newest_assessment(archive, outcome.capture.seq)
    return outcome if seq is None else Outcome(outcome.capture, archive.statement(seq))


def capture_maker(draft: Json, prefix: str, assessed: Assessed | None = None) -> Maker:
    """The capture statement of a draft, numbered and placed, with root and number of its text's lines if it has one."""

    def make(seq: int, _: Sequence[Statement]) -> tuple[str, Json]:
        fields = with_own_seq(dict(draft), seq)
        has_folder = fields["warc"] is not None or bool(fields["partial"])
        fields["snapshot"] = snapshot_id(prefix, seq) if has_folder else None
        fields["folder"] = folder_of(prefix, seq, fields["started_at"]) if has_folder else None
        judgement = None if assessed is None or assessed.judgement.text_lines_root is None else assessed.judgement
        fields["text_lines_root"] = None if judgement is None else judgement.text_lines_root
        fields["text_lines"] = None if judgement is None else len(judgement.reading.lines)
        return "capture", Read(fields) if isinstance(draft, Read) else fields

    return make
