"""``archiver diff``: what changed between two versions, to the word."""

from __future__ import annotations

import re
import sys

import click

from archiver.cli.context import Context


@click.command(epilog="Example: archiver diff EA-D-00001 2 3")
@click.argument("subject", metavar="DOCUMENT|SNAPSHOT")
@click.argument("old", required=False, metavar="[V1|SNAPSHOT]")
@click.argument("new", required=False, metavar="[V2]")
@click.option("--html", "as_html", is_flag=True, help="Print a page with the redline.")
@click.pass_obj
def diff(context: Context, subject: str, old: str | None, new: str | None, as_html: bool) -> int:
    """Compare the two newest versions of a document, V1 with the newest, V1 with V2, or two snapshots.

    Exits 1 when they differ, 0 when they do not.
    """
    from archiver.differences import Side, compare, snapshot_side, told, version_side
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
    if as_html:
        from archiver.watch.redline import as_html as page

        click.echo(page(hunks))
        return 1 if change else 0
    from archiver.watch.redline import as_text

    names = [f"{side.name} ({side.snapshot})" for side in sides]
    click.echo(f"{names[0]} -> {names[1]}: {change or 'no difference'}")
    if hunks:
        click.echo(as_text(hunks, colour=sys.stdout.isatty()))
    for link in links:
        click.echo(f"link {link['kind']}: {link['words']} <{link['target']}>")
    return 1 if change else 0


def _number(text: str | None) -> int | None:
    from archiver.errors import UsageError

    if text is None:
        return None
    match = re.fullmatch(r"v?(\d{1,9})", text, re.ASCII)
    if match is None:
        raise UsageError(f"not a version: {text!r}", do="write 3 or v3")
    return int(match[1])
