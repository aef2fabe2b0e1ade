"""``archiver quarantine``: what the gate held back, and what a person decides about it."""

from __future__ import annotations

import getpass
from typing import Any

import click

from archiver.cli.context import Context, table
from archiver.cli.layout import moment, paragraph


@click.group()
def quarantine() -> None:
    """List what was held back; release it, or confirm that it should not count.

    A held-back page is captured and kept like any other; it is no version of the document until it is released.
    """


@quarantine.command("list", epilog="Example: archiver quarantine list")
@click.argument("document", required=False)
@click.pass_obj
def list_(context: Context, document: str | None) -> None:
    """List the snapshots that wait for a decision, newest first; of DOCUMENT, or of all."""
    from archiver.decisions import waiting

    archive = context.archive()
    found = waiting(archive, archive.document(document).document if document else None)
    if context.as_json:
        context.emit(found)
        return
    if not found:
        context.note("nothing waits")
        return
    rows = [(w["snapshot"], w["document"], moment(w["captured_at"]), w["verdict"], w["reason_code"]) for w in found]
    click.echo(table(("snapshot", "document", "captured (UTC)", "verdict", "reason"), rows))
    click.echo("")
    for item in found:
        click.echo(paragraph(item["reason"], f"{item['snapshot']}  "))
    click.echo("")
    click.echo("next: archiver quarantine release SNAPSHOT, or confirm SNAPSHOT")


_BY = click.option("--by", default=getpass.getuser, show_default="the user's name", help="Who decides.")
_REASON = click.option("--reason", help="Why; one line, stated with the decision.")


@quarantine.command(epilog="Example: archiver quarantine release EA-S-00000123 --reason 'it is the new short text'")
@click.argument("snapshots", nargs=-1, required=True, metavar="SNAPSHOT...")
@_BY
@_REASON
@click.pass_obj
def release(context: Context, snapshots: tuple[str, ...], by: str, reason: str | None) -> None:
    """Let each SNAPSHOT count as a version after all. The decision and what follows from it are stated."""
    _decide(context, "released", snapshots, by, reason)


@quarantine.command(epilog="Example: archiver quarantine confirm EA-S-00000123 --reason 'an error page'")
@click.argument("snapshots", nargs=-1, required=True, metavar="SNAPSHOT...")
@_BY
@_REASON
@click.pass_obj
def confirm(context: Context, snapshots: tuple[str, ...], by: str, reason: str | None) -> None:
    """State that each SNAPSHOT was rightly held back; it no longer waits."""
    _decide(context, "confirmed", snapshots, by, reason)


def _decide(context: Context, event: str, snapshots: tuple[str, ...], by: str, reason: str | None) -> None:
    values: dict[str, Any] = {"event": event, "snapshots": list(dict.fromkeys(snapshots)), "by": by, "reason": reason}
    with context.work() as work:
        made = work.act("decide", values)["decisions"]
        warnings = work.settle(stamp=False)
    if context.as_json:
        context.emit(made)
    else:
        for item in made:
            follows = f", version {item['version']} ({item['change'] or 'first'})" if item["version"] else ""
            click.echo(f"{item['snapshot']}  {event} by {item['by']}{follows}")
    for warning in warnings:
        context.note(f"warning: {warning}")
