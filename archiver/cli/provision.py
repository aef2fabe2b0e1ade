"""``archiver provision``: single clauses, followed through the years."""

from __future__ import annotations

import getpass
import sys
from typing import Any

import click

from archiver.cli.context import Context, table
from archiver.cli.layout import clipped, counted, fields, moment, paragraph

TITLE_WIDTH, WORDS_SHOWN = 24, 240
"""Characters of a title and of a clause in ``provision list``; ``--json`` cuts nothing."""


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
    """Follow the clause QUOTE from its place in DOCUMENT (newest version) or SNAPSHOT.

    The words must stand there, once; - reads them from standard input.
    """
    exact = sys.stdin.read() if quote == "-" else quote
    values = {"subject": subject, "exact": exact, "prefix": prefix, "suffix": suffix, "title": title, "by": by}
    with context.work() as work:
        made = work.act("mark", values)
        warnings = work.settle(stamp=False)
    _show(context, made)
    if not context.as_json:
        name = made["provision"]
        click.echo("")
        click.echo(f"next: archiver provision show {name}, archiver cite {name}")
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
    for item in found:
        state = ", followed no longer" if item["removed"] else ""
        title = f"  {clipped(item['title'], TITLE_WIDTH)}" if item["title"] else ""
        by = f" by {item['by']}" if item["by"] else ""
        click.echo(f"{item['provision']}  {item['document']}{title}  marked {item['marked_at'][:10]}{by}{state}")
        click.echo(paragraph(clipped(item["exact"], WORDS_SHOWN), "  "))
    if not found:
        context.note("no clause is followed; archiver provision add DOCUMENT 'the words of the clause'")


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
        place = f"{hit['score']:>3}  {hit['document']}  v{hit['version']}  "
        click.echo(paragraph(f"{hit['entity']}: {hit['title']}", place, "     "))
        seen = f"seen {hit['first_seen'][:10]} to {hit['last_seen'][:10]}"
        click.echo(f"     {hit['snapshot']}  line {hit['line'] + 1}  {seen}")
        click.echo(paragraph(hit["text"], "     "))
    count = found["prevalence"]
    having, compared = len(count["with"]), len(count["compared"])
    have = "has a passage" if having == 1 else "have a passage"
    names = f": {', '.join(count['with'])}" if having else ""
    told = f"{having} of {counted(compared, 'other document')} {have} with {least} of 100 or more{names}."
    click.echo(paragraph(told, "", "  "))
    if compared:
        first, last = count["checked_from"], count["checked_to"]
        days = f"on {first}" if first == last else f"between {first} and {last}"
        click.echo(f"Each was last checked {days}; --json lists all.")
    return 0 if having else 1


def _show(context: Context, found: dict[str, Any]) -> None:
    if context.as_json:
        context.emit(found)
        return
    click.echo(paragraph(found["title"] or "", f"{found['provision']}  {found['document']}  ", "  "))
    click.echo(paragraph(f"“{found['exact']}”", "  "))
    marked = f"{found['marked_at']}{' by ' + found['by'] if found['by'] else ''}"
    rows = [
        ("marked", f"{marked}{'; followed no longer' if found['removed'] else ''}"),
        ("first seen", found["first_seen"] or "at no check"),
        ("last seen", found["last_seen"] or "at no check"),
        ("changes", f"{found['changes']} in {counted(found['months_monitored'], 'month')} monitored"),
        ("stability", found["stability"]),
        ("checks", f"{found['checks']}, of which {found['telling_checks']} tell of the clause"),
    ]
    click.echo(fields(rows, wide=10))
    click.echo("")
    rows_of_life = [
        (f"v{w['version']}", w["snapshot"], moment(w["first_seen"]), moment(w["last_seen"]), _state(w))
        for w in found["life"]
    ]
    click.echo(table(("version", "snapshot", "first seen (UTC)", "last seen (UTC)", "state, score"), rows_of_life))
    _show_changes(found["change_list"])
    others = [w for w in found["life"] if w["state"] in ("reworded", "split") and w["exact"]]
    if others:
        click.echo("")
    for wording in others:
        for piece in wording["pieces"] or [wording["exact"]]:
            click.echo(paragraph(f"“{piece}”", f"{'v' + str(wording['version']):<4}"))
    if found.get("wire"):
        _show_wire(found["wire"])


def _show_changes(changes: list[dict[str, Any]]) -> None:
    """Each change that is counted: versions have one row each, so that one which came back tells of several."""
    if not changes:
        return
    click.echo("")
    click.echo("Each change that is counted (above, a version that came back is one row):")
    rows = [
        (
            one["kind"],
            f"v{one['from_version']} to v{one['to_version']}",
            moment(one["last_check_at"]),
            moment(one["next_check_at"]),
        )
        for one in changes
    ]
    click.echo(table(("change", "versions", "after the check of", "by the check of (UTC)"), rows))


def _state(wording: dict[str, Any]) -> str:
    """The state; of other words also how much of the marked ones is left, of 100."""
    inexact = wording["state"] in ("reworded", "split")
    return f"{wording['state']} {wording['score']}" if inexact else str(wording["state"])


def _show_wire(wire: dict[str, Any]) -> None:
    """The way from the words to the stored bytes, one step after the other."""
    click.echo("")
    click.echo("From the words to what passed the wire:")
    index = f"statement {wire['log_index']} of the log"
    text = f"characters {wire['start']} to {wire['end']} of the text by {wire['normaliser']}"
    rows: list[tuple[str, object]] = [
        ("snapshot", f"{wire['snapshot']}, version {wire['version']}, {index}"),
        ("text", text),
        ("  SHA-256", wire["text_sha256"]),
    ]
    for place in wire["bytes"]:
        rows += _place(place)
    if wire["bytes_missing"]:
        rows.append(("bytes", f"not known: {wire['bytes_missing']}"))
    rows += [
        ("capture.warc.gz", ""),
        ("  SHA-256", wire["warc_sha256"]),
        ("statement.json", ""),
        ("  SHA-256", wire["statement_sha256"]),
    ]
    rows += [(_stamp(stamp)) for stamp in wire["timestamps"]] or [("timestamps", "none yet")]
    click.echo(fields(rows))
    click.echo("Characters and bytes count from 0; the end is not included.")


def _place(place: dict[str, Any]) -> list[tuple[str, object]]:
    """Where some of the words stand: bytes of the content, the payload, the record."""
    within = "bytes" if place["exact"] else "within bytes"
    page = f", page {place['page']}" if place["page"] else ""
    same = "the same bytes of the body as sent" if place["payload_range"] else "the body as sent, to be decoded first"
    copy = place["full_copy"]
    return [
        ("content", f"{within} {place['start']} to {place['end']}{page} of {place['url']}, decoded"),
        ("  SHA-256", place["content_sha256"] or "not known"),
        ("payload", same),
        ("  SHA-256", place["payload_sha256"] or "not known"),
        ("record", f"{place['record_type']} at byte {place['record_offset']} of capture.warc.gz"),
        ("  ID", place["record"]),
        ("  SHA-256", place["record_sha256"] or "not known"),
        *([("full copy", f"the body lies in {copy['snapshot']}, record {copy['record']}")] if copy else []),
    ]


def _stamp(stamp: dict[str, Any]) -> tuple[str, str]:
    if not stamp["gen_time"]:
        return "timestamp", f"{stamp['authority']}: {stamp['state']}"
    return "timestamp", f"{stamp['authority']}: {stamp['gen_time']} over a {stamp['subject']}"
