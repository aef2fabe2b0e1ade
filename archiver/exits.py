"""The exit code that reports lead to; apart from the audit, so that a file can be verified without loading one."""

from __future__ import annotations

from collections.abc import Sequence

from archiver.evidence.verify import Report


def exit_code(reports: Sequence[Report], *, many: bool = False) -> int:
    """4 when the journal or the log is damaged, 1 when a check failed, 3 when one could not be made, else 0.

    Where one snapshot is asked for, content that was disposed of cannot be checked: 3. Among ``many`` that is as it
    should be: each is named, and the rest decides.
    """
    failed = {c.number for report in reports for c in report.checks if c.verdict == "fail"}
    if failed & {11, 14}:
        return 4
    if failed:
        return 1
    unmade = {"incomplete"} if many else {"incomplete", "disposed"}
    return 3 if any(report.verdict in unmade for report in reports) else 0
