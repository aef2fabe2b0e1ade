"""``archiver history``: what a document said, when, and every check of it."""

from __future__ import annotations

from typing import Any

import click

from archiver.cli.context import Context, table


@click.command(epilog="Example: archiver history EA-D-00001")
@click.argument("document")
@click.option("--limit", type=click.IntRange(1), help="Only the newest checks.")
@click.pass_obj
def history(context: Context, document: str, limit: int | None) -> None:
    """Show the versions of DOCUMENT and its checks."""
    from archiver.history import history_of

    found = history_of(context.archive(), document, limit)
    if context.as_json:
        context.emit(found)
        return
    click.echo(f"{found['document']}  {found['entity']}: {found['title']}")
    click.echo(f"{found['url']}")
    click.echo(f"first tracked {found['first_tracked']}, last verified {found['last_verified'] or 'never'}")
    click.echo("")
    versions = [
        (f"v{v['version']}", v["snapshot"], v["first_seen"], v["last_seen"], v["change"] or ("" if number else "first"))
        for number, v in enumerate(found["versions"])
    ]
    click.echo(table(("version", "snapshot", "first seen", "last seen", "change"), versions))
    click.echo("")
    checks = [(_name(c), c["started_at"], c["outcome"], _stamps(c)) for c in found["checks"]]
    click.echo(table(("check", "started", "outcome", "timestamps"), checks))
    # Below the table: a reason holds whole addresses, and would make every line of the table as long.
    for check in found["checks"]:
        if check["reason"]:
            click.echo(f"{_name(check)}: {check['reason']}")


def _name(check: dict[str, Any]) -> str:
    return str(check["snapshot"] or f"statement {check['seq']}")


def _stamps(check: dict[str, Any]) -> str:
    """``demo: checkpoint, statement``; ``demo: pending`` where nothing covers the record yet."""
    covered: dict[str, list[str]] = {}
    for stamp in check["stamps"]:
        what = stamp["subject"] if stamp["state"] == "verified" else stamp["state"]
        covered.setdefault(stamp["authority"], []).append(what)
    return "; ".join(f"{authority}: {', '.join(sorted(what))}" for authority, what in covered.items())
