"""``archiver absence``: the finding that nothing changed, stated so that it can be cited."""

from __future__ import annotations

from typing import Any

import click

from archiver.cli.context import Context
from archiver.cli.layout import counted, fields, paragraph


@click.command(epilog="Example: archiver absence EA-D-00001 --from 2026-01-01 --to 2026-06-30")
@click.argument("document")
@click.option("--from", "first", required=True, metavar="DAY", help="First day or moment, UTC.")
@click.option("--to", "last", required=True, metavar="DAY", help="Last day or moment, UTC.")
@click.option("--dry-run", is_flag=True, help="Only say what the checks show; state nothing.")
@click.option("--stamp", "wants_stamp", is_flag=True, help="Ask for a timestamp over the statement now.")
@click.pass_obj
def absence(context: Context, document: str, first: str, last: str, dry_run: bool, wants_stamp: bool) -> int:
    """State whether the wording of DOCUMENT stayed the same from one day to another, and by which checks.

    Failed and held-back checks are exceptions, answers 304 are counted apart. Exits 1 when it did not stay the same.
    """
    warnings: list[str] = []
    if dry_run:
        from archiver.absence import finding
        from archiver.environment import utc_now

        found: dict[str, Any] = {
            **finding(context.archive(), document, first, last, utc_now()),
            "statement_sha256": None,
        }
    else:
        with context.work() as work:
            found = work.act("absence", {"document": document, "from": first, "to": last})
            if wants_stamp:
                warnings += work.request_stamp(found["seq"])
            warnings += work.settle(stamp=False)
    if context.as_json:
        context.emit(found)
    else:
        _show(found)
    for warning in warnings:
        context.note(f"warning: {warning}")
    return 0 if found["unchanged"] else 1


def _show(found: dict[str, Any]) -> None:
    what = f"unchanged, version {found['version']}" if found["unchanged"] else "not shown to be unchanged"
    click.echo(f"{found['document']}  {what}")
    gap = found["largest_gap_s"]
    answered = (
        f"{counted(found['full_bodies'], 'full body', 'full bodies')}, {counted(found['not_modified'], 'answer')} 304"
    )
    rows: list[tuple[str, object]] = [
        ("from", found["from"]),
        ("to", found["to"]),
        ("checks", f"{found['checks']}: {answered}, {counted(len(found['exceptions']), 'exception')}"),
        ("first shown", found["first_check_at"] or "by no check"),
        ("last shown", found["last_check_at"] or "by no check"),
        ("largest gap", f"{gap} s ({gap / 3600:.1f} h) without a check that shows a wording"),
    ]
    if found["text_sha256"]:
        rows += [("text", f"by {found['normaliser']}"), ("  SHA-256", found["text_sha256"])]
    if found["statement_sha256"]:
        rows += [("statement", f"{found['seq']} of the log"), ("  SHA-256", found["statement_sha256"])]
    else:
        rows.append(("statement", "none: a dry run states nothing"))
    click.echo(fields(rows))
    for item in found["exceptions"]:
        said = f"{item['at']}  {item['outcome']}: {item['reason']}"
        click.echo(paragraph(said, f"  check {item['seq']}  ", "    "))
