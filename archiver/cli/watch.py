"""``archiver watch``: the watch list; every change of it is a statement."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.context import Context, table
from archiver.cli.layout import clipped, moment
from archiver.cli.watch_files import export, import_

if TYPE_CHECKING:
    from archiver.archive import Archive
    from archiver.watch.entry import WatchedDocument, WatchEntry
    from archiver.watch.reading import PageRules

ENTITY_WIDTH, TITLE_WIDTH, OTHER_WIDTH = 32, 56, 54
"""Columns of ``watch list`` for people, the last one of all but names; ``--json`` cuts nothing."""


@click.group()
def watch() -> None:
    """Add, list, show, edit, pause, remove, import and export watched documents."""


watch.add_command(import_)
watch.add_command(export)

SELECTOR_HELP = """\b
A selector is CSS, or a range between two elements as JSON:
  --select '{"startBefore": "h1", "endBefore": "footer"}'
startBefore and endAfter take the element in, startAfter and endBefore leave it out."""

Command = Callable[..., None]


def entry_options(command: Command) -> Command:
    """Give a command the options that say what is watched and how; ``add`` and ``edit`` have the same."""
    options = (
        click.option("--entity", help="The company or body; of a new document else the host name."),
        click.option("--document", "title", help="Title of the document; of a new one else the address."),
        click.option(
            "--select",
            multiple=True,
            metavar="SELECTOR",
            help="Part of every page that is the document; replaces all, '' for none.",
        ),
        click.option(
            "--remove",
            multiple=True,
            metavar="SELECTOR",
            help="Part of every page that is not; replaces all, '' for none.",
        ),
        click.option(
            "--page",
            "pages",
            multiple=True,
            metavar="JSON",
            help="Rules of one page instead, once for each address in their order, such as"
            """ '{"select": ["main"], "remove": []}'; '' for none.""",
        ),
        click.option("--every", metavar="TIME", help="Time between two checks: 90s, 15m, 6h, 7d."),
        click.option("--language", metavar="CODE", help="Language that the text must be in (ISO 639-1); '' for any."),
        click.option(
            "--outside",
            multiple=True,
            metavar="ARCHIVE",
            help="Ask this web archive (wayback, perma) for a copy of each new version: it learns what is watched."
            " Off unless named; replaces all, '' for none.",
        ),
        click.option("--conditional/--unconditional", default=None, help="Whether to ask with If-None-Match."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _changes(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of an entry that these options set; a list replaces all, a single empty text leaves none."""
    changes = {name: given[name] for name in ("entity", "title", "conditional") if given[name] is not None}
    changes |= {
        name: tuple(text for text in given[name] if text) for name in ("select", "remove", "outside") if given[name]
    }
    if given["every"] is not None:
        changes["every_s"] = _seconds(given["every"])
    if given["language"] is not None:
        changes["language"] = given["language"] or None
    if given["pages"]:
        pages = tuple(_page(text) for text in given["pages"] if text)
        changes["pages"] = pages or None
        # Rules of each page take the place of those for every page, unless both were asked for: then that is said.
        changes = {**({"select": (), "remove": ()} if pages else {}), **changes}
    return changes


@watch.command(
    help=f"Watch a document; several addresses are parts of one document.\n\n{SELECTOR_HELP}",
    epilog="Example: archiver watch add https://example.org/terms --entity Example --document 'Terms of Service'",
)
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@entry_options
@click.pass_obj
def add(context: Context, /, urls: tuple[str, ...], **given: Any) -> None:
    """Watch a document."""
    from archiver.watch.catalogue_listing import default_entity
    from archiver.watch.entry import WatchEntry, checked_entry, checked_url

    archive = context.archive()
    checked = tuple(checked_url(url) for url in urls)
    bare = WatchEntry(default_entity(checked), checked[0], checked, archive.settings.seconds("schedule.every"))
    entry = checked_entry(replace(bare, **_changes(given)))
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
    entity, title = _name_widths()
    gone = {w.document for w in archive.watched(removed=True) if w.entry.removed} if removed else set()
    shown = [
        (
            r["document"],
            clipped(r["entity"], entity),
            clipped(r["title"], title),
            r["every"],
            "removed" if r["document"] in gone else "paused" if r["paused"] else moment(r["next_check"] or ""),
            r["last_outcome"],
        )
        for r in rows
    ]
    if shown:
        click.echo(table(("document", "entity", "title", "every", "next check (UTC)", "last outcome"), shown))
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
        "conditional": watched.entry.conditional,
        "removed": watched.entry.removed,
        "statement": watched.seq,
    }
    if context.as_json:
        context.emit(full)
        return
    pages = full.pop("pages") or []
    of_pages = {f"page {n} {name}": rules for n, page in enumerate(pages, 1) for name, rules in page.items()}
    for name, value in {**full, **of_pages}.items():
        for line in _words(value):
            click.echo(f"{name:<13} {line}".rstrip())
            name = ""


def _name_widths() -> tuple[int, int]:
    """Columns for entity and title: on a narrow terminal names make way, in a pipe they have all they may take."""
    left = shutil.get_terminal_size((OTHER_WIDTH + ENTITY_WIDTH + TITLE_WIDTH, 24)).columns - OTHER_WIDTH
    entity = max(8, min(ENTITY_WIDTH, left * 2 // 5))
    return entity, max(12, min(TITLE_WIDTH, left - entity))


def _words(value: Any) -> list[str]:
    """A value for people: one line for each item of a list."""
    if isinstance(value, list):
        return [str(item) for item in value] or [""]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return ["" if value is None else str(value)]


@watch.command(
    help=f"Change the entry of DOCUMENT; the old one stays in the log.\n\n{SELECTOR_HELP}",
    epilog="Example: archiver watch edit EA-D-00001 --every 12h",
)
@click.argument("document")
@click.option("--url", "urls", multiple=True, help="New addresses, replacing all.")
@entry_options
@click.pass_obj
def edit(context: Context, /, document: str, urls: tuple[str, ...], **given: Any) -> None:
    """Change the entry of DOCUMENT."""
    from archiver.errors import UsageError
    from archiver.watch.entry import checked_entry

    archive = context.archive()
    watched = _still_watched(archive, document)
    changes = _changes(given) | ({"urls": urls} if urls else {})
    entry = checked_entry(replace(watched.entry, **changes))
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


def _page(text: str) -> PageRules:
    import json

    from archiver.errors import UsageError
    from archiver.watch.catalogue_rules import only_rules

    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--page is not JSON: {text[:100]}") from error
    return only_rules("--page", value)


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
