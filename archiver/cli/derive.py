"""``archiver derive``: the whole history assessed again."""

from __future__ import annotations

import click

from archiver.cli.context import Context, Rising
from archiver.cli.layout import counted


@click.command(epilog="Example: archiver derive EA-D-00001 --present-rules")
@click.argument("documents", nargs=-1, metavar="[DOCUMENT]...")
@click.option("--present-rules", is_flag=True, help="By the selectors each document has now, not those of its day.")
@click.pass_obj
def derive(context: Context, documents: tuple[str, ...], present_rules: bool) -> int:
    """Assess again what the normaliser in force has not read yet: of each DOCUMENT, or of all.

    New assessments are added to the log; the old ones stay, and citations that name them stay true. Exits 4 when a
    snapshot cannot be read any more.
    """
    with context.work() as work, Rising("assessing") as progress:
        made = work.act("derive", {"documents": list(documents), "present_rules": present_rules}, progress.at)
        warnings = work.settle(stamp=False)
    if context.as_json:
        context.emit(made)
    else:
        read = counted(made["assessed"], "snapshot")
        click.echo(f"{read} assessed again by {made['normaliser']}, {counted(made['versions'], 'new version')}")
        if not made["assessed"] and not present_rules:
            context.note(
                f"{made['normaliser']} has read every snapshot already; --present-rules reads by today's selectors"
            )
    for warning in warnings:
        context.note(f"warning: {warning}")
    for snapshot in made["damaged"]:
        context.note(f"{snapshot} cannot be read: run archiver verify {snapshot}")
    return 4 if made["damaged"] else 0
