"""``archiver import``: files of other people, kept as imported and never as captures of this archive."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import click

from archiver.cli.context import Context, Progress, table
from archiver.cli.layout import clipped, counted, fields, moment, paragraph


@click.group("import")
def import_() -> None:
    """Keep WARC and WACZ files of other people, as imported files.

    The log shows from when on the archive had the file. Who captured what is in it, only the file itself says.
    """


@import_.command(epilog="Example: archiver import add crawl.warc.gz --source 'sent by the other side on 12 May'")
@click.argument(
    "paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--by", default=getpass.getuser, show_default="the user's name", help="Who imports it.")
@click.option("--reason", metavar="TEXT", help="Why; one line, stated with it.")
@click.option("--source", metavar="TEXT", help="Where the file came from, in your words; one line, stated with it.")
@click.option(
    "--keep-broken",
    is_flag=True,
    help="Keep a file that is damaged or not as its format wants; that is stated.",
)
@click.option("--stamp", is_flag=True, help="Also ask each timestamp authority for a token over this very statement.")
@click.option("--no-stamp", is_flag=True, help="Publish a checkpoint but leave timestamps to the daemon.")
@click.pass_obj
def add(
    context: Context,
    paths: tuple[Path, ...],
    by: str,
    reason: str | None,
    source: str | None,
    keep_broken: bool,
    stamp: bool,
    no_stamp: bool,
) -> None:
    """Copy each FILE into the archive byte for byte and state that it was imported.

    WARC (plain or gzip) and WACZ are taken. A file that is kept already is not kept twice. Beside a running daemon the
    daemon does the work, and must be able to read the file.
    """
    from archiver.errors import UsageError

    if stamp and no_stamp:
        raise UsageError("--stamp and --no-stamp exclude each other", do="give one of them")
    made: list[dict[str, Any]] = []
    warnings: list[str] = []
    with context.work() as work, Progress("importing", len(paths)) as progress:
        try:
            for path in paths:
                values = {"path": str(path.resolve()), "by": by, "reason": reason, "source": source}
                made.append(work.act("take_in", {**values, "keep_broken": keep_broken}))
                progress.step()
        except BaseException:
            # The error that follows is of one file; who gave several has to know which of them are in the archive.
            for item in made:
                context.note(f"{item['import']}  {_word(item)}  {item['name']}")
            raise
        finally:
            # Of several files one may be refused; what was taken in before it is covered all the same.
            if made:
                warnings = work.settle(stamp=not no_stamp)
        for item in made if stamp else ():
            warnings += work.request_stamp(item["seq"])
    if context.as_json:
        context.emit(made)
    for item in made:
        if not context.as_json:
            click.echo(f"{item['import']}  {_word(item)}  {item['name']}  {counted(item['records'], 'record')}")
            click.echo(f"  SHA-256      {item['file_sha256']}")
        for problem in item["problems"]:
            context.note(f"problem: {item['import']}: {problem['where']}: {problem['detail']} ({problem['code']})")
    for warning in warnings:
        context.note(f"warning: {warning}")


def _word(item: dict[str, Any]) -> str:
    return "imported" if item["new"] else "kept already"


@import_.command("list", epilog="Example: archiver import list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the imported files, oldest first."""
    from archiver.imported import as_told, imports

    archive = context.archive()
    found = [as_told(archive, statement) for statement in imports(archive)]
    if context.as_json:
        context.emit(found)
        return
    if not found:
        context.note("nothing was imported; archiver import add FILE")
        return
    rows = [
        (
            item["import"],
            clipped(item["name"], 40),
            item["format"],
            item["records"],
            item["problems_total"] or "",
            moment(item["at"]),
            moment(item["disposed"]["at"]) if item["disposed"] else "",
        )
        for item in found
    ]
    headings = ("imported file", "name", "format", "records", "problems", "since (UTC)", "disposed of (UTC)")
    most = len(headings) if any(item["disposed"] for item in found) else -1
    click.echo(table(headings[:most], [row[:most] for row in rows]))


@import_.command(epilog="Example: archiver import show EA-I-00000123")
@click.argument("name", metavar="IMPORT")
@click.pass_obj
def show(context: Context, name: str) -> None:
    """Show what is stated about one imported file, and the sentence by which it can be named."""
    from archiver.imported import as_told, import_named

    archive = context.archive()
    item = as_told(archive, import_named(archive, name))
    if context.as_json:
        context.emit(item)
        return
    claimed = f"{item['first_date'] or 'none'} to {item['last_date'] or 'none'}"
    types = ", ".join(f"{number} {kind}" for kind, number in item["types"].items())
    gone = item["disposed"]
    told = f"disposed of on {gone['at']} by {gone['by']} because {gone['reason']}" if gone else item["path"]
    rows = [
        ("name", item["name"]),
        ("source", item["source"] or "not said"),
        ("imported", f"{item['at']} by {item['by'] or 'nobody named'}"),
        ("reason", item["reason"] or "none given"),
        ("kept at" if gone is None else "no longer", told),
        ("SHA-256", item["file_sha256"]),
        ("bytes", item["file_bytes"]),
        ("records", f"{item['records']} ({types})" if types else item["records"]),
        ("digests hold", item["digests_hold"]),
        ("claims dates", claimed),
        ("statement", item["statement_sha256"]),
    ]
    click.echo(item["import"])
    click.echo(fields(rows))
    for problem in item["problems"]:
        click.echo(paragraph(f"{problem['where']}: {problem['detail']} ({problem['code']})", "problem: ", "  "))
    if item["problems_total"] > len(item["problems"]):
        click.echo(f"and {item['problems_total'] - len(item['problems'])} more problems")
    click.echo(f"addresses, as the file claims ({item['urls_total']} records):")
    for url in item["urls"]:
        click.echo(f"  {url}")
    click.echo("")
    click.echo(paragraph(item["citation"]))
