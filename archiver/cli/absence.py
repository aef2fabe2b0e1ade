"""``archiver absence``: the finding that nothing changed, stated so that it can be cited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from archiver.cli.context import Context
from archiver.cli.layout import counted, fields, paragraph

if TYPE_CHECKING:
    from archiver.archive import Archive


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
        _show(found, _names(context.archive(), found))
    for warning in warnings:
        context.note(f"warning: {warning}")
    return 0 if found["unchanged"] else 1


def _show(found: dict[str, Any], names: dict[int, str]) -> None:
    """The finding; each check counts once: a full body, an answer 304, or one that shows no wording."""
    what = f"unchanged, version {found['version']}" if found["unchanged"] else "not shown to be unchanged"
    click.echo(f"{found['document']}  {what}")
    gap = found["largest_gap_s"]
    others = [item for item in found["exceptions"] if item["outcome"] == "other_wording"]
    silent = len(found["exceptions"]) - len(others)
    answered = (
        f"{counted(found['full_bodies'], 'full body', 'full bodies')}, {counted(found['not_modified'], 'answer')} 304,"
        f" {silent} without a wording"
    )
    rows: list[tuple[str, object]] = [
        ("from", found["from"]),
        ("to", found["to"]),
        ("checks", f"{found['checks']}: {answered}"),
    ]
    if others:
        first = "1 full body begins" if len(others) == 1 else f"{len(others)} of the full bodies begin"
        rows.append(("wordings", f"{first} another wording than the first one shown"))
    rows += [
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
    if not found["exceptions"]:
        return
    click.echo("")
    head = f"Checks that do not show the same wording (archiver history {found['document']} lists all):"
    click.echo(paragraph(head, "", "  "))
    for item in found["exceptions"]:
        said = f"{item['at']}  {item['outcome'].replace('_', ' ')}: {item['reason']}"
        click.echo(paragraph(said, f"  {names[item['seq']]}  ", "    "))


def _names(archive: Archive, found: dict[str, Any]) -> dict[int, str]:
    """What ``archiver history`` calls each exception: its snapshot, or the statement of a check that kept none."""
    names = {}
    for item in found["exceptions"]:
        seq = item["seq"]
        row = archive.index.row("select folder from capture where seq = ?", (seq,))
        kept = row is not None and row["folder"]
        names[seq] = archive.snapshot_name(seq) if kept else f"statement {seq}"
    return names
