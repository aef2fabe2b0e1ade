"""Redacting: a text with some of its lines hidden, as a new object with its place in the log; the original stays."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from archiver.archive import Archive
from archiver.audit import Audit
from archiver.custody import require_kept, snapshot_seq
from archiver.decisions import MAX_NAME, MAX_REASON, one_line
from archiver.errors import ArchiveDamaged, NotCheckable, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.redaction import MAX_LINES, Redacted, object_sha256, redacted_lines
from archiver.evidence.statement import Statement
from archiver.evidence.text_lines import lines_root
from archiver.objections import no_text
from archiver.past import newest_assessment
from archiver.texts import read_lines, salt_path

if TYPE_CHECKING:
    from archiver.operation import Operation

_WORD = re.compile(r"\w+(?:[-.'’@/]\w+)*")
MANY_DIGITS = 5
"""Digits from which on a word of a hidden line must not stand in the reason."""
QUOTED = 12
"""Characters from which on a hidden line must not stand anywhere else in what is handed out."""
QUOTED_ALONE = 4
"""Characters from which on it must not stand there between other words: a number, a name."""


def text_of(archive: Archive, snapshot: str) -> tuple[Statement, tuple[str, ...]]:
    """The assessment of a snapshot that counts, and the lines of its text; ``UsageError`` when it has none."""
    seq = snapshot_seq(archive, snapshot)
    require_kept(archive, seq)
    judged = newest_assessment(archive, seq)
    assessment = None if judged is None else archive.statement(judged)
    if assessment is None or assessment.body["text_lines_root"] is None:
        raise no_text(archive, snapshot, seq)
    lines = read_lines(archive.files, assessment.body["text_sha256"])
    if len(lines) > MAX_LINES:
        raise UsageError(f"the text has {len(lines)} lines, a redacted one at most {MAX_LINES}")
    return assessment, lines


def chosen(lines: Sequence[str], numbers: Sequence[str], patterns: Sequence[str]) -> list[int]:
    """The lines to hide, from 0: named from 1 (``3,5-7``), or those in which a regular expression matches."""
    found: set[int] = set()
    for piece in (part.strip() for word in numbers for part in word.split(",")):
        named = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", piece, re.ASCII)
        if named is None:
            raise UsageError(f"--hide {piece[:40]!r} is no line or range of lines", do="give them like 3,5-7")
        first, last = int(named[1]), int(named[2] or named[1])
        if not 1 <= first <= last <= len(lines):
            raise UsageError(
                f"--hide {piece}: the text has the lines 1 to {len(lines)}", do="archiver redact SNAPSHOT lists them"
            )
        found.update(range(first - 1, last))
    for pattern in patterns:
        try:
            wanted = re.compile(pattern)
        except re.error as error:
            raise UsageError(
                f"--hide-matching {pattern[:60]!r} is no regular expression: {error}",
                do="write a backslash before a sign that is meant as it stands, like \\( or \\.",
            ) from error
        matched = [number for number, line in enumerate(lines) if wanted.search(line)]
        if not matched:
            raise UsageError(f"--hide-matching {pattern[:60]!r} matches no line", do="nothing was handed out")
        found.update(matched)
    return sorted(found)


def object_of(archive: Archive, snapshot: str, assessment: Statement, hidden: Collection[int]) -> Json:
    """What is handed out of the text; ``ArchiveDamaged`` unless it leads to the root that the assessment states."""
    body = assessment.body
    capture = _capture_of(archive, assessment)
    lines = read_lines(archive.files, body["text_sha256"])
    seed = archive.files.read(salt_path(body["text_sha256"]))
    if lines_root(lines, seed) != body["text_lines_root"]:
        raise ArchiveDamaged(
            f"{salt_path(body['text_sha256'])} does not lead to the root that the assessment states",
            do=f"run archiver verify {snapshot}",
        )
    return {
        "snapshot": snapshot,
        "document": body["document"],
        "capture_seq": capture.seq,
        "capture_entry": capture.entry_hex,
        "assessment_seq": assessment.seq,
        "assessment_entry": assessment.entry_hex,
        "normaliser": body["normaliser"],
        "captured_at": capture.body["started_at"],
        "text_lines_root": body["text_lines_root"],
        "lines": redacted_lines(lines, seed, hidden),
    }


def redact(operation: Operation, values: Json) -> Json:
    """State a redaction; the file is made from what is returned, once a checkpoint covers it (``handed_out``).

    ``values``: ``snapshot``, ``assessment`` (number of the one whose lines were looked at), ``hidden`` (numbers of
    lines, from 0), ``witness`` (the statement to show: ``capture``, ``assessment`` or None), ``by``, ``reason``.
    ``NotCheckable`` where the text was read anew meanwhile: other lines would be hidden. The same redaction, by and for
    the same, is stated once: what failed to be written can be had again.
    """
    return operation.writer.call(lambda: _redact(operation, values))


def _redact(operation: Operation, values: Json) -> Json:
    archive = operation.archive
    snapshot, hidden, witness = str(values.get("snapshot")), values.get("hidden"), values.get("witness")
    assessment, lines = text_of(archive, snapshot)
    if values.get("assessment") != assessment.seq:
        raise NotCheckable(
            f"the text of {snapshot} was read anew meanwhile: nothing was handed out",
            do=f"list its lines again with archiver redact {snapshot}",
        )
    if witness not in ("capture", "assessment", None):
        raise UsageError(f"no statement {str(witness)[:40]!r} can be shown", do="capture, assessment or nothing")
    if not isinstance(hidden, list) or not hidden or any(type(n) is not int for n in hidden):
        raise UsageError("nothing is to be hidden", do="hand out a bundle: it holds the whole text")
    if not all(0 <= number < len(lines) for number in hidden):
        raise UsageError(f"the text has {len(lines)} lines")
    by = one_line("the name of who redacts", values.get("by"), MAX_NAME)
    reason = one_line("the reason", values.get("reason"), MAX_REASON)
    secret = [lines[number] for number in sorted(set(hidden))]
    _require_silent(secret, f"{by}\n{reason}", "the reason or the name quotes", alone=True)
    shown = [line for n, line in enumerate(lines) if n not in set(hidden)]
    require_discreet(secret, shown, reason)
    require_discreet(secret, shown, by, "the name")
    if witness == "capture":
        refused = why_no_capture(archive, assessment, secret)
        if refused is not None:
            raise UsageError(refused, do=_WITHHOLD)
    if witness == "assessment":
        _require_silent(secret, assessment.line.decode(), "the assessment quotes")
        for date in assessment.body.get("publisher_dates", ()):
            if any(date["text"] in line for line in secret):
                raise UsageError(f"the assessment quotes {date['text']!r}, which is to be hidden", do=_WITHHOLD)
    whole = object_of(archive, snapshot, assessment, frozenset(hidden))
    body: Json = {
        "event": "redaction",
        "premis": "modification",
        "subjects": [snapshot],
        "object_sha256": object_sha256(whole),
        "lines": len(lines) - len(secret),
        "of": len(lines),
        "assessment_seq": assessment.seq,
        "assessment_sha256": assessment.entry_hex,
        "lines_root_sha256": assessment.body["text_lines_root"],
        "witness": witness,
        "by": by,
        "reason": reason,
    }
    statement = _known(archive, body)
    if statement is None:
        _, (made,) = operation.pipeline.commit([], [lambda _seq, _sealed: ("custody", dict(body))])
        statement = made.statement
    return {**body, "seq": statement.seq, "at": statement.at, "statement_sha256": statement.entry_hex}


_WITHHOLD = "ask for --show nothing"
_TEXT_WITHIN = frozenset(("text/html", "application/xhtml+xml", "application/pdf"))
"""Media types of which the content is more than its text."""


def _capture_of(archive: Archive, assessment: Statement) -> Statement:
    return archive.statement(assessment.body["capture_seq"])


def why_no_capture(archive: Archive, assessment: Statement, secret: Sequence[str]) -> str | None:
    """Why the capture's own statement cannot witness this text with these lines hidden, or None if it can.

    It is older, or the content has a digest there and is its text, or it quotes what is to be hidden.
    """
    capture = _capture_of(archive, assessment)
    if capture.body.get("text_lines_root") != assessment.body["text_lines_root"]:
        return "the text was read after the capture was stated, so the capture's statement does not name its root"
    if not set(assessment.body.get("media_type") or ()) <= _TEXT_WITHIN:
        return "the content is its text: with its digest, in the capture's statement, guesses could be tried"
    if _quotes(secret, capture.line.decode()):
        return "the capture's statement quotes a line that is to be hidden"
    return None


def _require_silent(secret: Sequence[str], text: str, what: str, *, alone: bool = False) -> None:
    """``UsageError`` when a hidden line stands in a text that is handed out."""
    if _quotes(secret, text, alone=alone):
        raise UsageError(f"{what} a line that is to be hidden", do="nothing was handed out")


def _quotes(secret: Sequence[str], text: str, *, alone: bool = False) -> bool:
    """Whether a hidden line stands in a text, as it is, as JSON writes it, or as words.

    The signs before a heading or an item, the case of letters and runs of spaces make no difference. ``alone``: nor
    may a short one stand there between other words; of keys and codes that would be chance.
    """
    from archiver.evidence.canonical import encode_line

    plain = _as_words(text)
    for line in secret:
        as_json = encode_line({"": line}).decode()[5:-3]
        words = _as_words(_MARKS.sub("", line))
        between = rf"(?<!\w){re.escape(words)}(?!\w)"
        if (
            (len(line) >= QUOTED and (line in text or as_json in text))
            or (len(words) >= QUOTED and words in plain)
            or (alone and len(words) >= QUOTED_ALONE and re.search(between, plain))
        ):
            return True
    return False


_MARKS = re.compile(r"^[\s#>|*-]*(?:\d{1,3}\. )?|[\s|]+$")


def _as_words(text: str) -> str:
    return " ".join(text.casefold().split())


def require_discreet(secret: Sequence[str], shown: Sequence[str], said: str, what: str = "the reason") -> None:
    """``UsageError`` when what is said tells a name, a long number or three words in a row that only hidden lines have.

    It goes into the log and into the file, and nothing can be taken out of either. Words are compared as they
    are written; one that begins a line may have its capital from there and is no name by that.
    """
    words = _WORD.findall(said)
    seen = {word.casefold() for line in shown for word in _WORD.findall(line)}
    seen_runs = {run for line in shown for run in _runs(_WORD.findall(line))}
    for line in secret:
        there = _WORD.findall(line)
        told = [
            word
            for place, word in enumerate(words)
            if word in there
            and word.casefold() not in seen
            and (_is_number(word) or (word[:1].isupper() and len(word) > 1 and (place or word in there[1:])))
        ]
        told += [" ".join(run) for run in _runs(words) if run in set(_runs(there)) - seen_runs]
        if told:
            raise UsageError(
                f"{what} says {told[0][:60]!r}, which stands only in a line that is to be hidden",
                do="say it in other words; nothing was handed out",
            )


def _runs(words: Sequence[str]) -> list[tuple[str, str, str]]:
    """Every three words in a row, without regard to capitals."""
    small = [word.casefold() for word in words]
    return list(zip(small, small[1:], small[2:], strict=False))


def _is_number(word: str) -> bool:
    """A telephone, account or file number; a year is none."""
    return sum(c.isdigit() for c in word) >= MANY_DIGITS


def _known(archive: Archive, body: Json) -> Statement | None:
    """The statement of this very redaction, where it was made before."""
    rows = archive.index.rows("select seq from statement where kind = 'custody' order by seq desc")
    for statement in (archive.statement(row["seq"]) for row in rows):
        if statement.body["event"] == "redaction" and body.items() <= statement.body.items():
            return statement
    return None


def handed_out(archive: Archive, made: Json, hidden: Collection[int]) -> Redacted:
    """The object of a stated redaction with its statements and proofs; ``NotCheckable`` before a checkpoint has it."""
    snapshot, assessment = made["subjects"][0], archive.statement(made["assessment_seq"])
    whole = object_of(archive, snapshot, assessment, frozenset(hidden))
    audit = Audit(archive)
    witness = _capture_of(archive, assessment) if made["witness"] == "capture" else assessment
    proofs = audit.proof(made["seq"]), audit.proof(witness.seq)
    if proofs[0] is None or proofs[1] is None:
        raise NotCheckable(
            f"statement {made['seq']} is stated, and not covered by a published checkpoint yet: nothing was written",
            do="run archiver log checkpoint --publish, then the same again",
        )
    return Redacted(
        object=whole,
        redaction=archive.statement(made["seq"]).line,
        redaction_proof=proofs[0],
        witness_kind=witness.kind,
        witness=None if made["witness"] is None else witness.line,
        witness_proof=proofs[1],
        origin=archive.origin,
        vkey=archive.verifier.vkey,
    )
