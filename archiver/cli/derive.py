"""``archiver derive``: the whole history assessed again."""

from __future__ import annotations

import click

from archiver.cli.context import Context


@click.command(epilog="Example: archiver derive EA-D-00001 --present-rules")
@click.argument("documents", nargs=-1, metavar="[DOCUMENT]...")
@click.option("--present-rules", is_flag=True, help="By the selectors each document has now, not those of its day.")
@click.pass_obj
def derive(context: Context, documents: tuple[str, ...], present_rules: bool) -> None:
    """Assess again what the normaliser in force has not read yet: of each DOCUMENT, or of all.

    New assessments are added to the log; the old ones stay, and citations that name them stay true.
    """
    with context.work() as work:
        made = work.act("derive", {"documents": list(documents), "present_rules": present_rules})
        warnings = work.settle(stamp=False)
    if context.as_json:
        context.emit(made)
    else:
        click.echo(f"{made['assessed']} snapshots assessed by {made['normaliser']}, {made['versions']} new versions")
    for warning in warnings:
        context.note(f"warning: {warning}")
