"""``archiver settings``: every setting in force, and where it comes from."""

from __future__ import annotations

import click

from archiver.cli.context import Context, table


@click.command(epilog="Example: archiver settings")
@click.option("--default", "show_default", is_flag=True, help="Print the defaults as a commented TOML file.")
@click.pass_obj
def settings(context: Context, show_default: bool) -> None:
    """Print all settings with their origin: default, archive.toml or environment."""
    import os

    from archiver.archive import read_settings
    from archiver.settings import render_default
    from storage.local import LocalFiles

    if show_default:
        click.echo(render_default(), nl=False)
        return
    found = read_settings(LocalFiles(context.path), os.environ)
    if context.as_json:
        values = {path: {"value": found[path], "origin": found.origins[path]} for path in found.values}
        tables = found.as_tables()
        listed = {"authorities": tables["authority"], "witnesses": tables.get("witness", [])}
        context.emit({"settings": values, **listed})
        return
    click.echo(table(("key", "value", "origin"), [(p, found[p], found.origins[p]) for p in found.values]))
    for authority in found.authorities:
        click.echo(
            f"authority {authority.name}: {authority.url}, roots {authority.roots}, every {authority.min_interval_s} s"
        )
    for witness in found.witnesses:
        click.echo(f"witness {witness.name}: {witness.url}, key {witness.key}, every {witness.min_interval_s} s")
