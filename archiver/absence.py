"""The statement that nothing changed: between two days, by so many checks, with every gap and exception on its face."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from archiver.archive import Archive
from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.instant import format_instant, parse_instant
from archiver.outcome import outcome_word
from archiver.past import newest_assessment, normaliser_of

if TYPE_CHECKING:
    from archiver.operation import Operation

MAX_EXCEPTIONS = 1000
"""Exceptions that one statement lists; beyond them a shorter span must be asked for."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def moment(text: str, *, end: bool) -> str:
    """A day (``2026-05-12``: its first, or with ``end`` its last millisecond, UTC) or a time, as the record has it."""
    try:
        if _DAY.fullmatch(text):
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return format_instant(day + timedelta(days=1, milliseconds=-1) if end else day)
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"not a day or time: {text!r}", do="write 2026-05-12 or 2026-05-12T15:00:00Z") from error
    if at.tzinfo is None:
        raise UsageError(f"{text!r} names no time zone", do="write 2026-05-12T15:00:00Z")
    return format_instant(at.astimezone(UTC))


def finding(archive: Archive, identifier: str, first: str, last: str, now: datetime) -> Json:
    """What the checks of a document between two moments show; the fields of an ``absence`` statement.

    Unchanged means: at least one check shows the wording, and none shows another. A failed or quarantined check shows
    nothing; a 304 is only the server's word, and counted apart. The largest gap is between two checks that show the
    wording, or between one of them and the ends of the span. Nothing is found out about the future: a span that reaches
    into it ends now. ``UsageError`` where the span cannot be meant.
    """
    document = archive.document(identifier).document
    start, end = moment(first, end=False), min(moment(last, end=True), format_instant(now))
    if start > format_instant(now):
        raise UsageError(f"the span begins in the future: {start}")
    if start >= end:
        raise UsageError(f"the span ends ({end}) before it begins ({start})")
    normaliser = normaliser_of(archive, document)
    if normaliser is None:
        raise UsageError(f"{document} was never captured", do=f"run archiver capture {document}")
    rows = archive.index.rows(
        "select seq, result, started_at from capture where document = ? and started_at >= ? and started_at <= ?"
        " order by seq",
        (document, start, end),
    )
    shown: list[tuple[int, str, int | None, str | None]] = []  # check, when, version, text
    exceptions: list[Json] = []
    full = bare = 0
    for row in rows:
        capture = archive.statement(row["seq"]).body
        judged = newest_assessment(archive, row["seq"], normaliser)
        assessment = None if judged is None else archive.statement(judged).body
        if row["result"] == "not_modified":
            bare += 1
            shown.append((row["seq"], row["started_at"], None, None))
        elif assessment is not None and assessment["verdict"] == "passed":
            full += 1
            shown.append((row["seq"], row["started_at"], assessment["version"], assessment["text_sha256"]))
        else:
            reason = capture["reason"] or (assessment or {}).get("reason")
            exceptions.append(
                {
                    "seq": row["seq"],
                    "at": row["started_at"],
                    "outcome": outcome_word(capture, assessment),
                    "reason": reason["code"] if isinstance(reason, dict) else reason,
                }
            )
    versions = [version for _, _, version, _ in shown if version is not None]
    wording = versions[0] if versions and len(set(versions)) == 1 else None
    if wording is None:
        # What was different belongs to the finding: name where another wording than the first begins to show.
        exceptions += _other_wordings(archive, normaliser, [item[:3] for item in shown if item[2] is not None])
    if len(exceptions) > MAX_EXCEPTIONS:
        raise UsageError(f"{len(exceptions)} exceptions in this span", do="ask for a shorter one")
    return {
        "document": document,
        "from": start,
        "to": end,
        "normaliser": normaliser,
        "unchanged": wording is not None,
        "version": wording,
        "text_sha256": next((text for *_, version, text in shown if wording and version == wording), None),
        "checks": len(rows),
        "first_seq": rows[0]["seq"] if rows else None,
        "last_seq": rows[-1]["seq"] if rows else None,
        "full_bodies": full,
        "not_modified": bare,
        "largest_gap_s": _largest_gap(start, end, [at for _, at, *_ in shown]),
        "first_check_at": shown[0][1] if shown else None,
        "last_check_at": shown[-1][1] if shown else None,
        "exceptions": sorted(exceptions, key=lambda item: item["seq"]),
    }


def _other_wordings(archive: Archive, normaliser: str, shown: list[tuple[int, str, int | None]]) -> list[Json]:
    """The first check of each run that shows another wording than the first one, with the class of the change."""
    found = []
    for (_, _, before), (seq, at, version) in pairwise(shown):
        if version not in (before, shown[0][2]):
            judged = newest_assessment(archive, seq, normaliser)
            change = None if judged is None else archive.statement(judged).body["change"]
            reason = f"version {version}{f', class {change}' if change else ''}"
            found.append({"seq": seq, "at": at, "outcome": "other_wording", "reason": reason})
    return found


def _largest_gap(start: str, end: str, times: list[str]) -> int:
    """Whole seconds, rounded up, of the longest time without a check that shows the wording."""
    marks = [parse_instant(at) for at in (start, *times, end)]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(marks)]
    return max(0, -int(-max(gaps) // 1))


def absence(operation: Operation, values: Json) -> Json:
    """State a ``finding``, so that it can be cited and stamped; ``values``: ``document``, ``from``, ``to``."""
    archive = operation.archive
    found = finding(archive, values["document"], values["from"], values["to"], operation.pipeline.now())
    (committed,) = operation.writer.state(lambda _seq, _sealed: ("absence", dict(found)))
    return {**found, "seq": committed.statement.seq, "statement_sha256": committed.statement.entry_hex}
