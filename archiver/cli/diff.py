"""``archiver diff``: what changed between two versions, to the word."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Context
from archiver.cli.layout import columns, counted, paragraph

if TYPE_CHECKING:
    from archiver.differences import Side
    from archiver.evidence.canonical import Json
    from archiver.watch.diff import Hunk


@click.command(epilog="Example: archiver diff EA-D-00001 2 3")
@click.argument("subject", metavar="DOCUMENT|SNAPSHOT")
@click.argument("old", required=False, metavar="[V1|SNAPSHOT]")
@click.argument("new", required=False, metavar="[V2]")
@click.option("--html", "as_html", is_flag=True, help="Print a page with the redline, for a browser or a letter.")
@click.pass_obj
def diff(context: Context, subject: str, old: str | None, new: str | None, as_html: bool) -> int:
    """Compare the two newest versions of a document, V1 with the newest, V1 with V2, or two snapshots.

    The class says what differs between these two texts; [-these words-] went, {+these+} came. Exits 1 when they differ,
    0 when they do not.
    """
    from archiver.differences import compare, snapshot_side, told, version_side
    from archiver.errors import UsageError
    from archiver.evidence.statement import parse_snapshot_id

    archive = context.archive()
    sides: tuple[Side, Side]
    if parse_snapshot_id(subject) is not None:
        if old is None or new is not None:
            raise UsageError("a snapshot is compared with one other snapshot", do="archiver diff EA-S-… EA-S-…")
        sides = (snapshot_side(archive, subject), snapshot_side(archive, old))
    else:
        document = archive.document(subject).document
        first, last = _number(old), _number(new)
        before = version_side(archive, document, first, back=1)
        sides = (before, version_side(archive, document, last))
    if context.as_json:
        context.emit(told(*sides))
        return 1 if sides[0].lines != sides[1].lines or sides[0].links != sides[1].links else 0
    change, hunks, links = compare(*sides)
    watched = archive.document(sides[1].document).entry
    title = f"{watched.entity}: {watched.title}"
    if as_html:
        click.echo(_page(title, sides, change, hunks, links), nl=False)
        return 1 if change else 0
    _print(title, sides, change, hunks, links)
    return 1 if change else 0


def _number(text: str | None) -> int | None:
    from archiver.errors import UsageError

    if text is None:
        return None
    match = re.fullmatch(r"v?(\d{1,9})", text, re.ASCII)
    if match is None:
        raise UsageError(f"not a version: {text!r}", do="write 3 or v3")
    return int(match[1])


def _names(sides: tuple[Side, Side]) -> list[str]:
    """Each side in a line; the document only where there are two."""
    two = sides[0].document != sides[1].document
    return [
        f"{f'{side.document} ' if two else ''}v{side.version}  {side.snapshot}  captured {side.captured_at}"
        for side in sides
    ]


def _extent(change: str | None, hunks: Sequence[Hunk], links: Sequence[Json]) -> str:
    """``wording: 2 places, 3 words added, 1 removed``."""
    from archiver.watch.change import summary

    if change is None:
        return "no difference"
    said = [counted(len(hunks), "place")] if hunks else []
    counts = summary(hunks)
    if counts["words_added"] or counts["words_removed"]:
        said.append(f"{counted(counts['words_added'], 'word')} added, {counts['words_removed']} removed")
    if links:
        gone = sum(link["kind"] == "removed" for link in links)
        said.append(f"{counted(gone, 'link')} removed, {len(links) - gone} added")
    return f"{change}: {', '.join(said)}"


def _print(
    title: str, sides: tuple[Side, Side], change: str | None, hunks: Sequence[Hunk], links: Sequence[Json]
) -> None:
    from archiver.watch.redline import as_text

    click.echo(paragraph(title, f"{sides[1].document}  ", "  "))
    for name in _names(sides):
        click.echo(name)
    click.echo(_extent(change, hunks, links))
    if hunks:
        click.echo("")
        click.echo(as_text(hunks, columns(), colour=sys.stdout.isatty()).rstrip("\n"))
    if links:
        click.echo("")
    for link in links:
        click.echo(paragraph(f"{link['words']} <{link['target']}>", f"link {link['kind']}: ", "  "))


def _page(
    title: str, sides: tuple[Side, Side], change: str | None, hunks: Sequence[Hunk], links: Sequence[Json]
) -> str:
    """The redline as a page that needs nothing else."""
    from archiver.evidence.citation_strings import one_line
    from archiver.watch.redline import as_html

    heading = html.escape(title)
    facts = [f"{name}, SHA-256 of the text {side.text_sha256}" for name, side in zip(_names(sides), sides, strict=True)]
    told = [one_line(f"Link {link['kind']}: {link['words']} <{link['target']}>") for link in links]
    lines = "".join(f"<p>{html.escape(line)}</p>\n" for line in (*facts, _extent(change, hunks, links)))
    below = "".join(f"<p>{html.escape(line)}</p>\n" for line in told)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{heading}</title></head>\n'
        f"<body>\n<h1>{heading}</h1>\n{lines}{as_html(hunks)}{below}</body>\n</html>\n"
    )
