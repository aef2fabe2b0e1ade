"""``archiver watch import`` and ``export``: the watch list as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.context import Context, Progress

if TYPE_CHECKING:
    from archiver.archive import Archive
    from archiver.watch.catalogue_plan import Planned
    from archiver.watch.entry import WatchEntry

MAX_FILES = 10_000
"""Of one folder."""
MAX_REMARKS = 20
"""Remarks on files that are printed one by one; those on documents all are."""
REQUEST_BYTES = 4 * 1024 * 1024
"""Entries stated at once: a daemon takes a request of 16 MiB."""
TO_BE = {"added": "to be added", "changed": "to be changed"}


@click.command("import", epilog="Example: archiver watch import watchlist.toml declarations/ --dry-run")
@click.argument(
    "sources", nargs=-1, required=True, metavar="FILE|FOLDER...", type=click.Path(exists=True, allow_dash=True)
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["toml", "csv", "ota", "opml", "atom"]),
    help="ota: declarations of Open Terms Archive. Default: by the name of each file, else by its content.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@click.pass_obj
def import_(context: Context, sources: tuple[str, ...], form: str | None, dry_run: bool) -> None:
    """Bring documents from files into the watch list; all of them, or none when one is wrong.

    A document that is watched already (same entity, title and addresses) is changed where the file states something
    else, otherwise left as it is. A folder stands for the lists in it; - is standard input.
    """
    from archiver.watch.catalogue import read_files
    from archiver.watch.catalogue_listing import at
    from archiver.watch.catalogue_plan import plan_import
    from archiver.work import fetchable

    archive = context.archive()
    passed_over: list[str] = []
    listing = read_files(_read(sources, passed_over), form, archive.settings.seconds("schedule.every"))
    steps = plan_import(listing.documents, archive.watched())
    for step in steps:
        with at(step.place):
            for url in step.entry.urls if step.action == "added" else ():
                fetchable(url)
    names = [step.document for step in steps] if dry_run else _carry_out(context, steps)
    if context.as_json:
        context.emit(_rows(archive, steps, names))
    remarks = [*passed_over, *listing.notes]
    hidden = [f"and {len(remarks) - MAX_REMARKS} more remarks on files"] if len(remarks) > MAX_REMARKS else []
    for remark in (*remarks[:MAX_REMARKS], *hidden):
        context.note(f"note: {remark}")
    for step, name in zip(steps, names, strict=True):
        if context.as_json:
            break
        action = TO_BE.get(step.action, step.action) if dry_run else step.action
        click.echo(f"{name or '(new)'}  {action}  {step.entry.entity}: {step.entry.title}")
        for remark in step.notes if step.action != "unchanged" else ():
            context.note(f"note: {name or '(new)'}: {step.place}: {remark}")
    counts = ", ".join(f"{_count(steps, action)} {action}" for action in ("added", "changed", "unchanged"))
    context.note(f"{'would be: ' if dry_run else ''}{counts}")


def _count(steps: Sequence[Planned], action: str) -> int:
    return sum(step.action == action for step in steps)


def _read(sources: Sequence[str], passed_over: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file, one at a time."""
    from archiver.errors import UsageError
    from archiver.watch.catalogue_listing import MAX_BYTES

    for source in sources:
        inside = _lists_in(Path(source), passed_over) if source != "-" and Path(source).is_dir() else [source]
        for path in inside:
            try:
                with click.open_file(str(path), "rb") as handle:
                    data = handle.read(MAX_BYTES + 1)
            except OSError as error:
                raise UsageError(f"{path}: {error.strerror}") from error
            yield "standard input" if source == "-" else str(path), data


def _lists_in(folder: Path, passed_over: list[str]) -> list[Path]:
    """The files of a folder that are lists by their names; folders inside are not entered."""
    from archiver.errors import UsageError
    from archiver.watch.catalogue import SUFFIXES

    paths = sorted(path for path in folder.iterdir() if path.is_file())
    lists = [path for path in paths if path.suffix.lower() in (*SUFFIXES, ".xml")]
    others = [path.name for path in paths if path not in set(lists)]
    if not lists:
        inner = folder / "declarations"
        raise UsageError(
            f"{folder}: no file in it is a watch list by its name",
            do=f"import {inner}" if inner.is_dir() else f"names end in {', '.join(SUFFIXES)} or .xml",
        )
    if len(lists) > MAX_FILES:
        raise UsageError(f"{folder} holds {len(lists)} files", do=f"import at most {MAX_FILES} at once")
    if others:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        passed_over.append(f"{folder}: no lists by their names: {', '.join(others[:3])}{more}")
    return lists


def _carry_out(context: Context, steps: Sequence[Planned]) -> list[str | None]:
    """State what the plan adds and changes; return the identifier of each document."""
    names = [step.document for step in steps]
    todo = [number for number, step in enumerate(steps) if step.action != "unchanged"]
    if todo:
        with context.work() as work, Progress("importing", len(todo)) as progress:
            for action in ("added", "changed"):
                for batch in _batches([n for n in todo if steps[n].action == action], steps):
                    made = work.watch(action, [(names[n], steps[n].entry) for n in batch])
                    for number, name in zip(batch, made, strict=True):
                        names[number] = name
                    progress.step(len(batch))
    return names


def _batches(numbers: Sequence[int], steps: Sequence[Planned]) -> Iterator[list[int]]:
    import json

    batch: list[int] = []
    size = 0
    for number in numbers:
        length = len(json.dumps(steps[number].entry.to_json()))
        if batch and size + length > REQUEST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(number)
        size += length
    if batch:
        yield batch


def _rows(archive: Archive, steps: Sequence[Planned], names: Sequence[str | None]) -> list[dict[str, Any]]:
    """Items as ``watch list`` has them, with what was done and the remarks; ``document`` is null before it has one.

    What is watched already and stays as it is is no item: the list says what the import did.
    """
    from archiver.watch.entry import WatchedDocument, as_row
    from archiver.watchlist import watch_row

    rows = []
    for step, name in zip(steps, names, strict=True):
        if step.action == "unchanged":
            continue
        watched = WatchedDocument(name or "", 0, step.entry)
        row = as_row(watched, None, None) if name is None else watch_row(archive, watched)
        rows.append({**row, "document": name, "action": step.action, "place": step.place, "notes": list(step.notes)})
    return rows


@click.command(epilog="Example: archiver watch export --format csv > watchlist.csv")
@click.option(
    "--format",
    "form",
    type=click.Choice(["toml", "csv", "ota"]),
    default="toml",
    help="ota: declarations of Open Terms Archive, one service for each entity. Default: toml.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File, or for ota a folder with a file for each service; never overwritten.",
)
@click.pass_obj
def export(context: Context, form: str, output: Path | None) -> None:
    """Print the watch list as a file that ``watch import`` reads."""
    from archiver.exporting import make_folder
    from archiver.watch.catalogue import write_catalogue

    archive = context.archive()
    if context.as_json:
        from archiver.watchlist import watch_rows

        context.emit(watch_rows(archive))
        return
    entries = [w.entry for w in archive.watched()]
    texts = {output: write_catalogue(entries, form)} if form != "ota" or output is None else _services(entries, output)
    if form == "ota" and output is not None:
        make_folder(output)
    for path, text in texts.items():
        if path is None:
            click.echo(text, nl=False)
        else:
            _write(path, text)
            context.note(f"wrote {path}")
    if form == "ota":
        from archiver.watch.catalogue_declarations import not_written

        for remark in not_written(entries):
            context.note(f"note: {remark}")


def _services(entries: Sequence[WatchEntry], folder: Path) -> dict[Path | None, str]:
    from archiver.watch.catalogue_declarations import as_services, file_names, written

    return {folder / name: written(service) for name, service in file_names(as_services(entries)).items()}


def _write(target: Path, text: str) -> None:
    from archiver.errors import UsageError
    from archiver.exporting import require_folder

    try:
        require_folder(target.parent)
        with target.open("x", encoding="utf-8", newline="") as handle:
            handle.write(text)
    except FileExistsError as error:
        raise UsageError(f"{error.filename} is there already", do="give another name") from error
    except OSError as error:
        raise UsageError(f"{error.filename or target}: {error.strerror}", do="give another name") from error
