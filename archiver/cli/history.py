"""``archiver history``: what a document said, when, and every check of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from archiver.cli.context import Context, table
from archiver.cli.layout import moment, paragraph


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
    click.echo(paragraph(f"{found['entity']}: {found['title']}", f"{found['document']}  ", "  "))
    click.echo(f"{found['url']}")
    click.echo(f"first tracked {found['first_tracked']}, last verified {found['last_verified'] or 'never'}")
    click.echo("")
    versions = [
        (f"v{v['version']}", v["snapshot"], moment(v["first_seen"]), moment(v["last_seen"]), _change(v, number))
        for number, v in enumerate(found["versions"])
    ]
    click.echo(table(("version", "snapshot", "first seen (UTC)", "last seen (UTC)", "change, words"), versions))
    for remark in _remarks(found):
        click.echo(paragraph(remark, "", "  "))
    click.echo("")
    checks = [(_name(c), c["started_at"], _outcome(c), _stamps(c)) for c in found["checks"]]
    click.echo(table(("check", "started", "outcome", "timestamps"), checks))
    # Below the table: a reason holds whole addresses, and would make every line of the table as long.
    reasons = [check for check in found["checks"] if check["reason"]]
    if reasons:
        click.echo("")
    for check in reasons:
        click.echo(paragraph(check["reason"], f"{_name(check)}: ", "  "))


def _change(version: dict[str, Any], number: int) -> str:
    """The class, and for a new wording how many words came and went."""
    if version["words_added"] is None or not (version["words_added"] or version["words_removed"]):
        return version["change"] or ("" if number else "first")
    return f"{version['change']} +{version['words_added']} -{version['words_removed']}"


def _remarks(found: dict[str, Any]) -> Iterator[str]:
    """What the table has no room for: the document's own dates, wordings that take turns, links."""
    for version in found["versions"]:
        if gone := version["disposed"]:
            why = f"disposed of on {gone['at']} by {gone['by']} because {gone['reason']}"
            yield f"{version['snapshot']}: {why} (statement {gone['seq']})"
        own = version["publisher_date"]["text"]
        if version["silent_edit"]:
            yield f"v{version['version']}: the wording changed, the document's own date did not: “{own}”"
        if version["in_force_from"]:
            yield f"v{version['version']}: says that it is in force from {version['in_force_from']}"
    if found["varying"]:
        taking = ", ".join(f"v{number}" for number in found["valid_versions"])
        yield f"varying: {taking} take turns; all of them count as valid, and nobody is told of a turn"
    for change in found["link_changes"]:
        yield f"{change['snapshot']}: the words of v{change['version']}, addresses of links differ"


def _outcome(check: dict[str, Any]) -> str:
    """What came of a check, and whether its content is still kept."""
    return f"{check['outcome']} (disposed of)" if check["disposed"] else str(check["outcome"])


def _name(check: dict[str, Any]) -> str:
    return str(check["snapshot"] or f"statement {check['seq']}")


def _stamps(check: dict[str, Any]) -> str:
    """``demo: checkpoint, statement``; ``demo: pending`` where nothing covers the record yet."""
    covered: dict[str, list[str]] = {}
    for stamp in check["stamps"]:
        what = stamp["subject"] if stamp["state"] == "verified" else stamp["state"]
        covered.setdefault(stamp["authority"], []).append(what)
    return "; ".join(f"{authority}: {', '.join(sorted(what))}" for authority, what in covered.items())
