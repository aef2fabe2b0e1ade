"""``archiver watch``: the watch list; every change of it is a statement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from archiver.cli.context import Context, table

if TYPE_CHECKING:
    from archiver.archive import Archive
    from archiver.watch.entry import WatchedDocument, WatchEntry

FORMATS = click.Choice(["toml", "csv"])


@click.group()
def watch() -> None:
    """Add, list, show, edit, pause, remove, import and export watched documents."""


@watch.command(
    epilog="Example: archiver watch add https://example.org/terms --entity Example --document 'Terms of Service'"
)
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--entity", help="The company or body; default: the host name.")
@click.option("--document", "title", help="Title of the document; default: the address.")
@click.option("--select", multiple=True, metavar="CSS", help="Part of the page that is the document.")
@click.option("--remove", multiple=True, metavar="CSS", help="Part of the page that is not.")
@click.option("--every", metavar="TIME", help="Time between two checks: 90s, 15m, 6h, 7d.")
@click.option("--conditional/--unconditional", default=None, help="Whether to ask with If-None-Match.")
@click.pass_obj
def add(
    context: Context,
    urls: tuple[str, ...],
    entity: str | None,
    title: str | None,
    select: tuple[str, ...],
    remove: tuple[str, ...],
    every: str | None,
    conditional: bool | None,
) -> None:
    """Watch a document; several addresses are parts of one document."""
    from archiver.watch.catalogue import default_entity
    from archiver.watch.entry import WatchEntry, checked_entry, checked_url

    archive = context.archive()
    checked = tuple(checked_url(url) for url in urls)
    every_s = archive.settings.seconds("schedule.every") if every is None else _seconds(every)
    names = (default_entity(checked) if entity is None else entity, checked[0] if title is None else title)
    entry = checked_entry(WatchEntry(*names, checked, every_s, select, remove, conditional=conditional))
    for watched in archive.watched():
        if watched.entry.urls == checked:
            context.note(f"note: {watched.document} watches the same: {watched.entry.entity}: {watched.entry.title}")
    _state(context, archive, "added", [(None, entry)])


@watch.command("list", epilog="Example: archiver watch list --json")
@click.option("--removed", is_flag=True, help="Show removed documents as well.")
@click.pass_obj
def list_(context: Context, removed: bool) -> None:
    """List the watched documents with their next check and last outcome."""
    from archiver.watchlist import watch_rows

    archive = context.archive()
    rows = watch_rows(archive, removed=removed)
    if context.as_json:
        context.emit(rows)
        return
    gone = {w.document for w in archive.watched(removed=True) if w.entry.removed} if removed else set()
    shown = [
        (
            r["document"],
            r["entity"],
            r["title"],
            r["every"],
            "removed" if r["document"] in gone else "paused" if r["paused"] else r["next_check"],
            r["last_outcome"],
        )
        for r in rows
    ]
    if shown:
        click.echo(table(("document", "entity", "title", "every", "next check", "last outcome"), shown))
    else:
        context.note("nothing is watched; archiver watch add URL")


@watch.command(epilog="Example: archiver watch show EA-D-00001")
@click.argument("document")
@click.pass_obj
def show(context: Context, document: str) -> None:
    """Show the entry of DOCUMENT (identifier or title) in full."""
    from archiver.watchlist import watch_row

    archive = context.archive()
    watched = archive.document(document)
    full = {
        **watch_row(archive, watched),
        "remove": list(watched.entry.remove),
        "conditional": watched.entry.conditional,
        "removed": watched.entry.removed,
        "statement": watched.seq,
    }
    if context.as_json:
        context.emit(full)
        return
    for name, value in full.items():
        for line in _words(value):
            click.echo(f"{name:<13} {line}".rstrip())
            name = ""


def _words(value: Any) -> list[str]:
    """A value for people: one line for each item of a list."""
    if isinstance(value, list):
        return [str(item) for item in value] or [""]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return ["" if value is None else str(value)]


@watch.command(epilog="Example: archiver watch edit EA-D-00001 --every 12h")
@click.argument("document")
@click.option("--url", "urls", multiple=True, help="New addresses, replacing all.")
@click.option("--entity", help="New entity.")
@click.option("--document", "title", help="New title.")
@click.option("--select", multiple=True, metavar="CSS", help="New selectors, replacing all; '' for none.")
@click.option("--remove", multiple=True, metavar="CSS", help="New removals, replacing all; '' for none.")
@click.option("--every", metavar="TIME", help="New time between two checks.")
@click.option("--conditional/--unconditional", default=None, help="Whether to ask with If-None-Match.")
@click.pass_obj
def edit(
    context: Context,
    document: str,
    urls: tuple[str, ...],
    entity: str | None,
    title: str | None,
    select: tuple[str, ...],
    remove: tuple[str, ...],
    every: str | None,
    conditional: bool | None,
) -> None:
    """Change the entry of DOCUMENT; the old one stays in the log."""
    from archiver.errors import UsageError
    from archiver.watch.entry import checked_entry

    archive = context.archive()
    watched = _still_watched(archive, document)
    changes: dict[str, Any] = {
        "urls": urls or None,
        "entity": entity,
        "title": title,
        "select": tuple(text for text in select if text) if select else None,
        "remove": tuple(text for text in remove if text) if remove else None,
        "every_s": None if every is None else _seconds(every),
        "conditional": conditional,
    }
    entry = replace(watched.entry, **{name: value for name, value in changes.items() if value is not None})
    entry = checked_entry(entry)
    if entry == watched.entry:
        raise UsageError("nothing would change", do="give a new value; see archiver watch show")
    _state(context, archive, "changed", [(watched.document, entry)])


@watch.command(epilog="Example: archiver watch pause EA-D-00001")
@click.argument("document")
@click.option("--resume", is_flag=True, help="Go on watching.")
@click.pass_obj
def pause(context: Context, document: str, resume: bool) -> None:
    """Stop checking DOCUMENT for now; --resume goes on."""
    archive = context.archive()
    watched = _still_watched(archive, document)
    entry = replace(watched.entry, paused=not resume)
    changed = entry != watched.entry
    if not changed:
        context.note(f"{watched.document} is {'watched' if resume else 'paused'} already")
    _state(context, archive, "resumed" if resume else "paused", [(watched.document, entry)] if changed else [])


@watch.command(epilog="Example: archiver watch remove EA-D-00001")
@click.argument("document")
@click.pass_obj
def remove(context: Context, document: str) -> None:
    """Take DOCUMENT off the list; its snapshots and history stay."""
    archive = context.archive()
    watched = _still_watched(archive, document)
    _state(context, archive, "removed", [(watched.document, replace(watched.entry, removed=True))])


@watch.command("import", epilog="Example: archiver watch import watchlist.toml")
@click.argument("source", type=click.File("rb"), metavar="FILE")
@click.option("--format", "form", type=FORMATS, help="Default: by the file's name.")
@click.pass_obj
def import_(context: Context, source: BinaryIO, form: str | None) -> None:
    """Add every document of a TOML or CSV file that is not watched yet; all of them, or none when one is wrong."""
    from archiver.errors import UsageError
    from archiver.watch.catalogue import MAX_BYTES, read_catalogue

    archive = context.archive()
    form = form or ("csv" if str(source.name).lower().endswith(".csv") else "toml")
    every_s = archive.settings.seconds("schedule.every")
    try:
        entries = read_catalogue(source.read(MAX_BYTES + 1), form, every_s)
    except UsageError as error:
        raise UsageError(f"{source.name}: {error.what}", do=error.do) from error
    known = {(w.entry.entity, w.entry.title, w.entry.urls) for w in archive.watched()}
    new = [entry for entry in dict.fromkeys(entries) if (entry.entity, entry.title, entry.urls) not in known]
    if len(new) < len(entries):
        context.note(f"{len(entries) - len(new)} of {len(entries)} are watched already")
    _state(context, archive, "added", [(None, entry) for entry in new])


@watch.command(epilog="Example: archiver watch export --format csv > watchlist.csv")
@click.option("--format", "form", type=FORMATS, default="toml", help="Default: toml.")
@click.pass_obj
def export(context: Context, form: str) -> None:
    """Print the watch list as a file that ``watch import`` reads."""
    from archiver.watch.catalogue import write_catalogue

    archive = context.archive()
    if context.as_json:
        from archiver.watchlist import watch_rows

        context.emit(watch_rows(archive))
        return
    click.echo(write_catalogue((w.entry for w in archive.watched()), form), nl=False)


def _seconds(text: str) -> int:
    from archiver.errors import UsageError
    from archiver.setting_values import parse_duration

    try:
        return parse_duration(text)
    except UsageError as error:
        raise UsageError(f"--every {error.what}") from error


def _still_watched(archive: Archive, document: str) -> WatchedDocument:
    from archiver.errors import UsageError

    watched = archive.document(document)
    if watched.entry.removed:
        raise UsageError(f"{watched.document} was taken off the watch list", do="add its address again")
    return watched


def _state(context: Context, archive: Archive, event: str, entries: list[tuple[str | None, WatchEntry]]) -> None:
    """State the entries and print them as ``watch list`` would; nothing is stated without entries."""
    from archiver.watchlist import watch_row

    names: list[str] = []
    if entries:
        with context.work() as work:
            names = work.watch(event, entries)
    known = {w.document: w for w in archive.watched(removed=True)}
    rows = [watch_row(archive, known[name]) for name in names]
    if context.as_json:
        context.emit(rows)
        return
    for row in rows:
        click.echo(f"{row['document']}  {event}  {row['entity']}: {row['title']}")
