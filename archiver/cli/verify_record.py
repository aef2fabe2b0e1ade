"""``archiver verify --record``: the verdicts, stated in the log."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from archiver.cli.context import Context

if TYPE_CHECKING:
    from archiver.evidence.verify import Report


def state(context: Context, reports: list[Report], by: str | None) -> None:
    """State the reports on snapshots of this archive; ``UsageError`` for any other subject but the archive itself."""
    from archiver.errors import UsageError
    from archiver.evidence.check_names import IMPORT_NAMES
    from archiver.evidence.statement import parse_snapshot_id

    told, imported = [], 0
    for report in reports:
        # "<digest> is capture.warc.gz of EA-S-00000123": what was asked for by digest or file is a snapshot too.
        name = report.subject.rsplit(" ", 1)[-1]
        if parse_snapshot_id(name) is not None:
            checks = [{"number": check.number, "verdict": check.verdict} for check in report.checks]
            told.append({"subject": name, "verdict": report.verdict, "checks": checks})
        elif report.checks[-1].number in IMPORT_NAMES:
            imported += 1
        elif not report.subject.startswith("archive "):
            do = "verify the snapshot by its identifier, or leave out --record"
            raise UsageError(f"{report.subject} is no snapshot of this archive: its log states nothing of it", do=do)
    if imported:
        context.note(f"not stated: {imported} imported files; --record states the verdicts on snapshots")
    if not told:
        context.note("there is no snapshot yet: nothing was stated")
        return
    with context.work() as work:
        made = work.act("fixity", {"reports": told, "by": by or getpass.getuser(), "reason": None})["statements"]
        warnings = work.settle(stamp=False)
    for one in made:
        count = len(one["subjects"])
        what = one["subjects"][0] if count == 1 else f"{count} snapshots"
        context.note(f"stated: {what}: {one['verdict']} (statement {one['seq']})")
    for warning in warnings:
        context.note(f"warning: {warning}")
