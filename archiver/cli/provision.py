"""``archiver provision``: single clauses, followed through the years."""

from __future__ import annotations

import getpass
import sys
from typing import Any

import click

from archiver.cli.context import Context, table


@click.group()
def provision() -> None:
    """Mark a clause by quoting it, and see what became of it.

    First seen, last seen, changes and stability are computed from the listed checks each time. A check that failed
    tells nothing: an outage is not a removal.
    """


@provision.command(epilog="Example: archiver provision add EA-D-00001 'We may use your content to train our models.'")
@click.argument("subject", metavar="DOCUMENT|SNAPSHOT")
@click.argument("quote", metavar="QUOTE")
@click.option("--prefix", default="", help="Words right before it, when it stands there more than once.")
@click.option("--suffix", default="", help="Words right after it.")
@click.option("--title", help="A name for the clause.")
@click.option("--by", default=getpass.getuser, show_default="the user's name", help="Who marks it.")
@click.pass_obj
def add(context: Context, subject: str, quote: str, prefix: str, suffix: str, title: str | None, by: str) -> None:
    """Follow the clause QUOTE from its place in DOCUMENT (newest version) or SNAPSHOT; - reads standard input."""
    exact = sys.stdin.read() if quote == "-" else quote
    values = {"subject": subject, "exact": exact, "prefix": prefix, "suffix": suffix, "title": title, "by": by}
    with context.work() as work:
        made = work.act("mark", values)
        warnings = work.settle(stamp=False)
    _show(context, made)
    for warning in warnings:
        context.note(f"warning: {warning}")


@provision.command("list", epilog="Example: archiver provision list EA-D-00001")
@click.argument("document", required=False)
@click.option("--removed", is_flag=True, help="Also those that are no longer followed.")
@click.pass_obj
def list_(context: Context, document: str | None, removed: bool) -> None:
    """List provisions: of DOCUMENT, or all."""
    from archiver.provisions import marked

    archive = context.archive()
    found = marked(archive, archive.document(document).document if document else None, removed=removed)
    if context.as_json:
        context.emit(found)
        return
    rows = [(p["provision"], p["document"], p["title"], p["marked_at"], _short(p["exact"])) for p in found]
    click.echo(table(("provision", "document", "title", "marked", "words"), rows))


@provision.command(epilog="Example: archiver provision show EA-P-000001")
@click.argument("identifier", metavar="PROVISION")
@click.pass_obj
def show(context: Context, identifier: str) -> None:
    """Show the life of PROVISION: its state in every version, and the way from its words to the stored bytes."""
    from archiver.provisions import told
    from archiver.wire import wire_of

    archive = context.archive()
    _show(context, {**told(archive, identifier), "wire": wire_of(archive, identifier)})


@provision.command(epilog="Example: archiver provision remove EA-P-000001")
@click.argument("identifier", metavar="PROVISION")
@click.option("--by", default=getpass.getuser, show_default="the user's name", help="Who removes it.")
@click.pass_obj
def remove(context: Context, identifier: str, by: str) -> None:
    """Follow PROVISION no longer; its life so far stays readable."""
    with context.work() as work:
        made = work.act("unmark", {"provision": identifier, "by": by})
        work.settle(stamp=False)
    if context.as_json:
        context.emit(made)
    else:
        click.echo(f"{made['provision']}  removed")


@provision.command(epilog="Example: archiver provision others EA-P-000001 --least 60")
@click.argument("identifier", metavar="PROVISION")
@click.option("--least", type=click.IntRange(1, 100), default=50, show_default=True, help="Least closeness, of 100.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Most passages to show.")
@click.pass_obj
def others(context: Context, identifier: str, least: int, limit: int) -> int:
    """Show how other documents word what PROVISION says: the closest passages, and how many documents have one.

    Closeness counts shared words, not meaning. Exits 1 when no other document has a passage as close.
    """
    from archiver.comparing import others_of

    found = others_of(context.archive(), identifier, least, limit)
    if context.as_json:
        context.emit(found)
        return 0 if found["passages"] else 1
    for hit in found["passages"]:
        click.echo(f"{hit['score']:>3}  {hit['document']}  {hit['entity']}: {hit['title']}  v{hit['version']}")
        click.echo(f"     {hit['snapshot']}, seen {hit['first_seen'][:10]} to {hit['last_seen'][:10]}")
        click.echo(f"     {hit['text']}")
    count = found["prevalence"]
    click.echo(
        f"in {len(count['with'])} of {len(count['compared'])} documents, each as last checked between"
        f" {count['checked_from']} and {count['checked_to']}: {', '.join(count['with']) or 'none'}; --json lists all"
    )
    return 0 if found["passages"] else 1


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


def _show(context: Context, found: dict[str, Any]) -> None:
    if context.as_json:
        context.emit(found)
        return
    click.echo(f"{found['provision']}  of {found['document']}{': ' + found['title'] if found['title'] else ''}")
    click.echo(f"  “{' '.join(found['exact'].split())}”")
    click.echo(f"  first seen {found['first_seen'] or 'never'}, last seen {found['last_seen'] or 'never'}")
    click.echo(
        f"  {found['stability']}: {found['changes']} changes in {found['months_monitored']} months monitored,"
        f" {found['telling_checks']} of {found['checks']} checks tell"
    )
    rows = [
        (f"v{w['version']}", w["snapshot"], w["first_seen"], w["last_seen"], w["state"], w["score"])
        for w in found["life"]
    ]
    click.echo(table(("version", "snapshot", "first seen", "last seen", "state", "score"), rows))
    for wording in found["life"]:
        if wording["state"] in ("reworded", "split") and wording["exact"]:
            click.echo(f"v{wording['version']}: {' '.join(wording['exact'].split())}")
    wire = found.get("wire")
    if wire:
        click.echo("")
        for name, value in wire.items():
            click.echo(f"{name:<22} {value}")
