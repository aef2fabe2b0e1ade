"""``archiver rebuild``: derive the database and the log's tiles again."""

from __future__ import annotations

import click

from archiver.cli.context import Context, Progress


@click.command(epilog="Example: archiver rebuild")
@click.pass_obj
def rebuild(context: Context) -> None:
    """Derive archive.db and the tiles of log/ again from journal, snapshots and stamps.

    Refuses beside a daemon. Retry times start empty; nothing else is lost.
    """
    from archiver.rebuilding import rebuild_archive

    with Progress("rebuilding", 100) as progress:
        done = [0]

        def told(share: float) -> None:
            step = int(share * 100) - done[0]
            if step > 0:
                progress.step(step)
                done[0] += step

        statements, warnings = rebuild_archive(context.path, told)
    for warning in warnings:
        context.note(f"warning: {warning}")
    if context.as_json:
        context.emit({"statements": statements, "warnings": list(warnings)})
        return
    click.echo(f"rebuilt from {statements} statements")
