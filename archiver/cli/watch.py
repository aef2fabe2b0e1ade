"""``archiver watch``: the watch list; every change of it is a statement."""

from __future__ import annotations

import csv
import io
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.context import Context, table

if TYPE_CHECKING:
    from archiver.archive import Archive
    from archiver.watch.entry import WatchEntry

COLUMNS = ("entity", "title", "urls", "every", "select", "remove", "method", "paused")


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
    from urllib.parse import urlsplit

    from archiver.watch.entry import WatchEntry, checked_entry, checked_url

    checked = tuple(checked_url(url) for url in urls)
    entry = checked_entry(
        WatchEntry(
            entity or urlsplit(checked[0]).hostname or "",
            title or checked[0],
            checked,
            _every(context, every),
            select,
            remove,
            conditional=conditional,
        )
    )
    _state(context, "added", [(None, entry)])


@watch.command("list", epilog="Example: archiver watch list --json")
@click.option("--removed", is_flag=True, help="Show removed documents as well.")
@click.pass_obj
def list_(context: Context, removed: bool) -> None:
    """List the watched documents with their next check and last outcome."""
    from archiver.watchlist import watch_rows

    rows = watch_rows(context.archive(), removed=removed)
    if context.as_json:
        context.emit(rows)
        return
    shown = [
        (
            r["document"],
            r["entity"],
            r["title"],
            r["every"],
            "paused" if r["paused"] else r["next_check"],
            r["last_outcome"],
        )
        for r in rows
    ]
    click.echo(table(("document", "entity", "title", "every", "next check", "last outcome"), shown))


@watch.command(epilog="Example: archiver watch show EA-D-00001")
@click.argument("document")
@click.pass_obj
def show(context: Context, document: str) -> None:
    """Show one document's entry in full."""
    from archiver.watchlist import watch_rows

    archive = context.archive()
    watched = archive.document(document)
    row = next(r for r in watch_rows(archive, removed=True) if r["document"] == watched.document)
    full = {
        **row,
        "remove": list(watched.entry.remove),
        "conditional": watched.entry.conditional,
        "statement": watched.seq,
    }
    if context.as_json:
        context.emit(full)
        return
    for name, value in full.items():
        click.echo(f"{name:<13} {', '.join(value) if isinstance(value, list) else '' if value is None else value}")


@watch.command(epilog="Example: archiver watch edit EA-D-00001 --every 12h")
@click.argument("document")
@click.option("--url", "urls", multiple=True, help="New addresses, replacing all.")
@click.option("--entity", help="New entity.")
@click.option("--document", "title", help="New title.")
@click.option("--select", multiple=True, metavar="CSS", help="New selectors, replacing all.")
@click.option("--remove", multiple=True, metavar="CSS", help="New removals, replacing all.")
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
    """Change a document's entry; the old one stays in the log."""
    watched = context.archive().document(document)
    changes: dict[str, Any] = {
        "urls": urls,
        "entity": entity,
        "title": title,
        "select": select,
        "remove": remove,
        "every_s": _every(context, every) if every else None,
        "conditional": conditional,
    }
    entry = replace(watched.entry, **{name: value for name, value in changes.items() if value not in (None, ())})
    _state(context, "changed", [(watched.document, entry)])


@watch.command(epilog="Example: archiver watch pause EA-D-00001")
@click.argument("document")
@click.option("--resume", is_flag=True, help="Go on watching.")
@click.pass_obj
def pause(context: Context, document: str, resume: bool) -> None:
    """Stop checking a document for now; --resume goes on."""
    watched = context.archive().document(document)
    entry = replace(watched.entry, paused=not resume)
    _state(context, "resumed" if resume else "paused", [(watched.document, entry)])


@watch.command(epilog="Example: archiver watch remove EA-D-00001")
@click.argument("document")
@click.pass_obj
def remove(context: Context, document: str) -> None:
    """Take a document off the list; its snapshots and history stay."""
    watched = context.archive().document(document)
    _state(context, "removed", [(watched.document, replace(watched.entry, removed=True))])


@watch.command("import", epilog="Example: archiver watch import watchlist.toml")
@click.argument("source", type=click.File("rb"))
@click.option("--format", "form", type=click.Choice(["toml", "csv"]), help="Default: by the file's name.")
@click.pass_obj
def import_(context: Context, source: Any, form: str | None) -> None:
    """Add every document of a TOML or CSV file that is not watched yet."""
    from archiver.errors import UsageError

    data = source.read(16 * 1024 * 1024)
    form = form or ("csv" if str(source.name).lower().endswith(".csv") else "toml")
    try:
        tables = _from_csv(data.decode("utf-8-sig")) if form == "csv" else _from_toml(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{source.name} is not UTF-8: {error}") from error
    archive = context.archive()
    known = {(w.entry.entity, w.entry.title, w.entry.urls) for w in archive.watched()}
    entries = [_entry(context, number, item) for number, item in enumerate(tables, 1)]
    new = [entry for entry in dict.fromkeys(entries) if (entry.entity, entry.title, entry.urls) not in known]
    if len(new) < len(entries):
        context.note(f"{len(entries) - len(new)} of {len(entries)} are watched already")
    if new:
        _state(context, "added", [(None, entry) for entry in new])
    elif context.as_json:
        context.emit([])


@watch.command(epilog="Example: archiver watch export --format csv > watchlist.csv")
@click.option("--format", "form", type=click.Choice(["toml", "csv"]), default="toml", help="Default: toml.")
@click.pass_obj
def export(context: Context, form: str) -> None:
    """Print the watch list as a file that ``watch import`` reads."""
    import tomli_w

    items = [_as_table(w.entry) for w in context.archive().watched()]
    if form == "toml":
        click.echo(tomli_w.dumps({"document": items}), nl=False)
        return
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for item in items:
        writer.writerow(
            {
                name: " ".join(value)
                if name == "urls"
                else "\n".join(value)
                if isinstance(value, list)
                else str(value).lower()
                if isinstance(value, bool)
                else value
                for name, value in item.items()
            }
        )
    click.echo(out.getvalue(), nl=False)


def _every(context: Context, text: str | None) -> int:
    from archiver.errors import UsageError
    from archiver.settings import parse_duration

    if text is None:
        return context.archive().settings.seconds("schedule.every")
    try:
        return parse_duration(text)
    except UsageError as error:
        raise UsageError(f"--every {error.what}") from error


def _as_table(entry: WatchEntry) -> dict[str, Any]:
    return {
        "entity": entry.entity,
        "title": entry.title,
        "urls": list(entry.urls),
        "every": f"{entry.every_s}s",
        "select": list(entry.select),
        "remove": list(entry.remove),
        "method": entry.method,
        "paused": entry.paused,
    }


def _from_toml(text: str) -> list[dict[str, Any]]:
    from archiver.errors import UsageError

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"not TOML: {error}") from error
    if set(tables) != {"document"} or not isinstance(tables["document"], list):
        raise UsageError("a watch list in TOML is a list of [[document]] tables and nothing else")
    return tables["document"]


def _from_csv(text: str) -> list[dict[str, Any]]:
    from archiver.errors import UsageError

    reader = csv.DictReader(io.StringIO(text))
    unknown = [name for name in reader.fieldnames or () if name not in COLUMNS]
    if unknown or not reader.fieldnames or "urls" not in reader.fieldnames:
        raise UsageError(f"unknown or missing column in CSV: {unknown or 'urls'}", do=f"columns: {', '.join(COLUMNS)}")
    tables = []
    for row in reader:
        item: dict[str, Any] = {name: value for name, value in row.items() if value}
        item["urls"] = (row["urls"] or "").split()
        for name in ("select", "remove"):
            item[name] = [line for line in (row.get(name) or "").split("\n") if line]
        item["paused"] = (row.get("paused") or "false").lower() in ("true", "1", "yes")
        tables.append(item)
    return tables


def _entry(context: Context, number: int, item: Any) -> WatchEntry:
    """One imported document, or ``UsageError`` that names its place in the file."""
    from archiver.errors import UsageError
    from archiver.watch.entry import WatchEntry, checked_entry

    unknown = [name for name in item if name not in COLUMNS] if isinstance(item, dict) else ["(not a table)"]
    if unknown:
        raise UsageError(f"document {number}: unknown key {unknown[0]}", do=f"known: {', '.join(COLUMNS)}")
    urls = item.get("urls", [])
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls) or not urls:
        raise UsageError(f"document {number}: urls must be a list of addresses")
    lists = {name: item.get(name, []) for name in ("select", "remove")}
    if not all(isinstance(v, list) and all(isinstance(t, str) for t in v) for v in lists.values()):
        raise UsageError(f"document {number}: select and remove must be lists of selectors")
    try:
        return checked_entry(
            WatchEntry(
                str(item.get("entity", "")),
                str(item.get("title", urls[0])),
                tuple(urls),
                _every(context, item.get("every")),
                tuple(lists["select"]),
                tuple(lists["remove"]),
                str(item.get("method", "http")),
                bool(item.get("paused", False)),
            )
        )
    except UsageError as error:
        raise UsageError(f"document {number}: {error.what}", do=error.do) from error


def _state(context: Context, event: str, entries: list[tuple[str | None, WatchEntry]]) -> None:
    """State the entries and print them as ``watch list`` would."""
    from archiver.watchlist import watch_rows

    with context.work() as work:
        names = work.watch(event, entries)
    rows = {row["document"]: row for row in watch_rows(_archive(context), removed=True)}
    if context.as_json:
        context.emit([rows[name] for name in names])
        return
    for name in names:
        click.echo(f"{name}  {event}  {rows[name]['entity']}: {rows[name]['title']}")


def _archive(context: Context) -> Archive:
    return context.archive()
