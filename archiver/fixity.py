"""The ``custody`` statement of a verification (PREMIS event type fixity check): what was checked, with which result."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from archiver.custody import snapshot_seq
from archiver.decisions import MAX_NAME, MAX_REASON, one_line
from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.check_names import NAMES
from archiver.evidence.verify import Verdict

if TYPE_CHECKING:
    from archiver.operation import Operation

MAX_REPORTS = 100_000
MAX_SUBJECTS = 10_000
"""Snapshots named in one statement; more with the same verdicts get another."""

Verdicts = tuple[str, tuple[tuple[int, str], ...]]
"""The verdict on a snapshot, and the number and verdict of each check."""


def fixity(operation: Operation, values: Json) -> Json:
    """State verifications that were just made.

    ``values``: ``reports[]{subject, verdict, checks[]{number, verdict}}``, ``by`` and ``reason`` (texts or None).
    Snapshots with the same verdicts share a statement.
    """
    return operation.writer.call(lambda: _fixity(operation, values))


def _fixity(operation: Operation, values: Json) -> Json:
    reports = values.get("reports")
    if not isinstance(reports, list) or not 0 < len(reports) <= MAX_REPORTS:
        raise UsageError(f"reports must be 1 to {MAX_REPORTS}")
    groups: dict[Verdicts, dict[int, str]] = {}
    for report in reports:
        subject, verdicts = report.get("subject"), _verdicts(report)
        groups.setdefault(verdicts, {})[snapshot_seq(operation.archive, subject)] = subject
    told: Json = {
        "by": None if values.get("by") is None else one_line("the person's name", values["by"], MAX_NAME),
        "reason": None if values.get("reason") is None else one_line("the reason", values["reason"], MAX_REASON),
    }
    bodies: list[Json] = []
    for (verdict, checks), subjects in groups.items():
        names = [subjects[seq] for seq in sorted(subjects)]
        for first in range(0, len(names), MAX_SUBJECTS):
            bodies.append(
                {
                    "event": "fixity_check",
                    "premis": "fixity check",
                    "subjects": names[first : first + MAX_SUBJECTS],
                    "verdict": verdict,
                    "checks": [{"number": number, "verdict": found} for number, found in checks],
                    **told,
                }
            )
    makers = [lambda _seq, _sealed, body=body: ("custody", dict(body)) for body in bodies]
    _, made = operation.pipeline.commit([], makers)
    return {
        "statements": [
            {**body, "seq": one.statement.seq, "at": one.statement.at, "statement_sha256": one.statement.entry_hex}
            for body, one in zip(bodies, made, strict=True)
        ]
    }


def _verdicts(report: Json) -> Verdicts:
    checks, known = report.get("checks"), get_args(Verdict)
    if not isinstance(checks, list) or not 0 < len(checks) <= len(NAMES):
        raise UsageError("checks must be a list of numbered checks")
    for check in checks:
        if check.get("number") not in NAMES or check.get("verdict") not in known:
            raise UsageError(f"no numbered check with a verdict: {str(check)[:100]}")
    if report.get("verdict") not in ("pass", "fail", "incomplete", "disposed"):
        raise UsageError(f"unknown verdict {report.get('verdict')!r}")
    return str(report["verdict"]), tuple((int(c["number"]), str(c["verdict"])) for c in checks)
