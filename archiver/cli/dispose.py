"""``archiver dispose``: content of snapshots and imported files goes; statements and places in the log stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli.context import Context, has_terminal
from archiver.cli.layout import counted, paragraph

if TYPE_CHECKING:
    from archiver.disposal import Plan


@click.command(epilog="Example: archiver dispose EA-S-00000123 --reason 'three years are over' --by 'R. Lee'")
@click.argument("snapshots", nargs=-1, required=True, metavar="SNAPSHOT|IMPORT...")
@click.option("--reason", required=True, help="Why; one line, stated in the log and told to whoever asks for it.")
@click.option("--by", required=True, help="Name of the person who answers for it, stated in the log.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal to ask on.")
@click.option("--dry-run", is_flag=True, help="Only show what would go and what would stay.")
@click.pass_obj
def dispose(context: Context, snapshots: tuple[str, ...], reason: str, by: str, yes: bool, dry_run: bool) -> None:
    """Delete the content of each SNAPSHOT, or the file of each IMPORT (EA-I-…). Nobody can undo this.

    Shows what goes and what stays, then asks. The statement of the capture or import, its proof and its timestamps
    stay, and the log states the disposal. Copies elsewhere (exports, backups, other snapshots and imported files with
    the same) are not touched.
    """
    from archiver.audit import Audit
    from archiver.decisions import MAX_NAME, MAX_REASON, one_line
    from archiver.disposal import planned
    from archiver.errors import UsageError

    for what, text, most in (("the name of who disposes", by, MAX_NAME), ("the reason", reason, MAX_REASON)):
        one_line(what, text, most)  # said before anybody is asked, and of a dry run too
    archive = context.archive()
    head = Audit(archive).head
    plan = planned(archive, list(snapshots), 0 if head is None else head[0].size)
    if dry_run and context.as_json:
        context.emit(plan.to_json())
        return
    _show(plan, err=context.as_json)
    if dry_run:
        return
    if not yes:
        if not has_terminal():
            raise UsageError("a disposal cannot be undone, and there is no terminal to ask on", do="give --yes")
        if not click.confirm("Delete these files for good?", err=True):
            context.note("nothing was disposed of")
            raise click.exceptions.Exit(130)
    with context.work() as work:
        made = work.act("dispose", {"snapshots": list(plan.subjects), "by": by, "reason": reason})
        warnings = work.settle(stamp=False)
    if context.as_json:
        context.emit(made)
    else:
        for subject in made["subjects"]:
            click.echo(f"{subject}  disposed of on {made['at']} by {made['by']} (statement {made['seq']})")
    for warning in warnings:
        context.note(f"warning: {warning}")


def _show(plan: Plan, *, err: bool) -> None:
    """What goes and what stays; on standard error where standard output is for a program."""
    total = sum(item["bytes"] for item in plan.files)
    click.echo(f"goes: {counted(len(plan.files), 'file')}, {total} bytes", err=err)
    for item in plan.files:
        click.echo(f"  {item['path']}  {item['bytes']} bytes", err=err)
    evidence = [item["path"] for item in plan.kept if item["why"] == "evidence"]
    shared = [item["path"] for item in plan.kept if item["why"] == "shared"]
    if evidence:
        click.echo(f"stays: {counted(len(evidence), 'file')} of statement, proof and timestamps", err=err)
    for path in evidence:
        click.echo(f"  {path}", err=err)
    if shared:
        click.echo("stays, because another snapshot, or an imported file, has the same:", err=err)
    for path in shared:
        click.echo(f"  {path}", err=err)
    rest = (
        "the journal lines with all they quote (addresses, dates, digests, clauses that people marked), and every copy"
        " outside this archive: exports and backups"
    )
    click.echo(paragraph(rest, "stays: "), err=err)
    for name in plan.untimed:
        click.echo(paragraph(f"{name}: no timestamp of an authority covers its statement yet", "note: "), err=err)
