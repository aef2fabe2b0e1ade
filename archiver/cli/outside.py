"""``archiver outside``: copies of snapshots at web archives of other people."""

from __future__ import annotations

import getpass
from typing import Any

import click

from archiver.cli.context import Context
from archiver.cli.layout import paragraph


@click.group()
def outside() -> None:
    """List and ask for copies at the Wayback Machine or Perma.cc.

    Asking tells that archive, and perhaps everybody, which address is of interest. Nothing is asked unless a watch
    entry names the archive (watch add --outside) or you ask by hand.
    """


@outside.command("list", epilog="Example: archiver outside list")
@click.pass_obj
def list_(context: Context) -> int:
    """List the archives set up, copies still waited for, those given up, and those that are stated.

    Exits 1 when one was given up.
    """
    import os

    from archiver.outside_copying import copies_of, open_copies, outside_standing
    from archiver.outside_doors import open_outside

    archive = context.archive()
    opened = open_outside(archive.settings, context.path, os.environ)
    archives = [{"name": one.name, "target": one.target} for one in opened.values()]
    pending, failed = open_copies(archive), outside_standing(archive)["failed"]
    hidden = ("v", "kind", "nonce", "origin", "event", "premis", "subjects", "reason")
    stated = [
        {"snapshot": body["subjects"][0], **{name: value for name, value in body.items() if name not in hidden}}
        for body in copies_of(archive)
    ]
    if context.as_json:
        context.emit({"archives": archives, "pending": pending, "failed": failed, "copies": stated})
        return 1 if failed else 0
    for one in archives:
        click.echo(f"archive {one['name']}: {one['target']}")
    if not archives:
        context.note("no web archive is set up: nobody is asked for copies; docs/outside-copies.md says how")
    for item in pending:
        tried = f", {item['attempts']} failed" if item["attempts"] else ""
        error = f": {item['error']}" if item["error"] else ""
        text = f"{item['snapshot']} at {item['archive']}, next step {item['next_try']}{tried}{error}"
        click.echo(paragraph(text, "pending: ", "  "))
    for item in failed:
        click.echo(paragraph(f"{item['snapshot']} at {item['archive']}, {item['error']}", "given up: ", "  "))
    for item in stated:
        click.echo(f"{item['snapshot']}  {item['archive']}  {item['copied_at']}  {_compared(item)}")
        click.echo(f"  {item['uri']}")
    return 1 if failed else 0


def _compared(item: dict[str, Any]) -> str:
    by = f" (by {item['compared_by']})" if item["compared_by"] else ""
    why = f": {item['compared_reason']}" if item["compared_reason"] else ""
    return f"{item['compared']}{by}{why}"


@outside.command(epilog="Example: archiver outside ask EA-S-00000123 --at wayback")
@click.argument("snapshots", nargs=-1, required=True, metavar="SNAPSHOT...")
@click.option("--at", "archives", multiple=True, metavar="ARCHIVE", help="Ask only this one; default: all set up.")
@click.option("--by", default=getpass.getuser, show_default="the user's name", help="Who asks.")
@click.pass_obj
def ask(context: Context, snapshots: tuple[str, ...], archives: tuple[str, ...], by: str) -> int:
    """Ask for copies of the addresses of each SNAPSHOT now, compare them, and state the result.

    Tells the archive which address is of interest. Exits 3 when a copy is not there yet: the daemon goes on asking.
    Exits 1 when one was given up.
    """
    found: list[dict[str, Any]] = []
    with context.work() as work:
        for snapshot in snapshots:
            values = {"snapshot": snapshot, "archives": list(archives), "by": by}
            found += work.act("ask_outside", values)["copies"]
        if any(item["state"] == "stated" for item in found):
            for warning in work.settle(stamp=False):
                context.note(f"warning: {warning}")
    if context.as_json:
        context.emit(found)
    for item in found if not context.as_json else ():
        copy = item["copy"]
        if copy is None:
            click.echo(paragraph(f"{item['snapshot']}  {item['archive']}  {item['state']}: {item['error'] or 'waits'}"))
            continue
        click.echo(f"{item['snapshot']}  {item['archive']}  {copy['copied_at']}  {_compared(copy)}")
        click.echo(f"  {copy['uri']}")
    states = {item["state"] for item in found}
    return 1 if "failed" in states else 3 if "pending" in states else 0
