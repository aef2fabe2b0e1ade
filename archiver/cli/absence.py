"""``archiver absence``: the finding that nothing changed, stated so that it can be cited."""

from __future__ import annotations

from typing import Any

import click

from archiver.cli.context import Context


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
    click.echo(f"  from               {found['from']}")
    click.echo(f"  to                 {found['to']}")
    click.echo(
        f"  checks             {found['checks']}: {found['full_bodies']} full bodies,"
        f" {found['not_modified']} answers 304, {len(found['exceptions'])} exceptions"
    )
    if found["first_check_at"]:
        click.echo(f"  shown from         {found['first_check_at']}")
        click.echo(f"  shown to           {found['last_check_at']}")
    click.echo(f"  largest gap        {found['largest_gap_s']} s ({found['largest_gap_s'] / 3600:.1f} h)")
    if found["text_sha256"]:
        click.echo(f"  SHA-256 of text    {found['text_sha256']}")
    if found["statement_sha256"]:
        click.echo(f"  statement          {found['seq']}, SHA-256 {found['statement_sha256']}")
    for item in found["exceptions"]:
        click.echo(f"  exception          check {item['seq']} at {item['at']}: {item['outcome']} ({item['reason']})")
