"""``archiver hold``: what must not be disposed of."""

from __future__ import annotations

import getpass

import click

from archiver.cli.context import Context, table
from archiver.cli.layout import moment

_BY = click.option("--by", default=getpass.getuser, show_default="the user's name", help="Who says so, for the log.")
_REASON = click.option("--reason", help="Why; one line, for the log. Others may read it one day.")


@click.group()
def hold() -> None:
    """Keep snapshots and imported files from being disposed of, under a name, until that is released.

    A hold on a document covers all its snapshots, those too that are made later. The log is there for others to read:
    call a hold by a neutral name, not by that of the matter.
    """


@hold.command("set", epilog="Example: archiver hold set hold-7 EA-D-00001 --by 'R. Lee' --reason 'notice of 12 May'")
@click.argument("name")
@click.argument("subjects", nargs=-1, required=True, metavar="SNAPSHOT|DOCUMENT|IMPORT...")
@_BY
@_REASON
@click.pass_obj
def set_(context: Context, name: str, subjects: tuple[str, ...], by: str, reason: str | None) -> None:
    """Put every SNAPSHOT, DOCUMENT or IMPORT (EA-I-…) under the hold NAME; it may be set on more later."""
    _state(context, "hold_set", name, subjects, by, reason)


@hold.command(epilog="Example: archiver hold release hold-7 --by 'R. Lee' --reason 'the matter is settled'")
@click.argument("name")
@click.argument("subjects", nargs=-1, metavar="[SNAPSHOT|DOCUMENT|IMPORT]...")
@_BY
@_REASON
@click.pass_obj
def release(context: Context, name: str, subjects: tuple[str, ...], by: str, reason: str | None) -> None:
    """Release every SNAPSHOT, DOCUMENT or IMPORT from the hold NAME, as it was set; without any, all of them."""
    _state(context, "hold_released", name, subjects, by, reason)


@hold.command("list", epilog="Example: archiver hold list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the holds in force and what is under them."""
    from archiver.custody import holds

    found = holds(context.archive())
    if context.as_json:
        context.emit(found)
        return
    if not found:
        context.note("no hold is in force")
        return
    rows = [
        (one["hold"], item["subject"], moment(item["set_at"]), item["by"], item["reason"])
        for one in found
        for item in one["subjects"]
    ]
    click.echo(table(("hold", "on", "set (UTC)", "by", "reason"), rows))


def _state(context: Context, event: str, name: str, subjects: tuple[str, ...], by: str, reason: str | None) -> None:
    values = {"event": event, "hold": name, "subjects": list(dict.fromkeys(subjects)), "by": by, "reason": reason}
    with context.work() as work:
        made = work.act("hold", values)
        warnings = work.settle(stamp=False)
    if context.as_json:
        context.emit(made)
    else:
        word = "under the hold" if event == "hold_set" else "released from the hold"
        for subject in made["subjects"]:
            click.echo(f"{subject}  {word} {made['hold']}")
    for warning in warnings:
        context.note(f"warning: {warning}")
