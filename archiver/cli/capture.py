"""``archiver capture``: a check now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

import click

from archiver.cli.context import Context, Progress

if TYPE_CHECKING:
    from archiver.archive import Archive

MUSTER = 32
"""Checks from which on a crew of processes is worth its start."""
FINE = frozenset({"new_version", "unchanged", "not_modified", "varying"})


@click.command(epilog="Example: archiver --archive my-archive capture https://example.org/terms EA-D-00001")
@click.argument("targets", nargs=-1, metavar="[URL|DOCUMENT]...")
@click.option(
    "--from",
    "source",
    type=click.File("r", encoding="utf-8"),
    metavar="FILE",
    help="Read addresses or documents from a file (- is standard input), one a line; # begins a comment.",
)
@click.option("--all", "everything", is_flag=True, help="Every watched document that is not paused.")
@click.option("--no-stamp", is_flag=True, help="Publish a checkpoint but leave timestamps to the daemon.")
@click.pass_obj
def capture(context: Context, targets: tuple[str, ...], source: Any, everything: bool, no_stamp: bool) -> int:
    """Check each URL or DOCUMENT (identifier or title) now and print snapshot, outcome and digests.

    Exits 1 when a check failed, was blocked or quarantined. Beside a running daemon the daemon does the work.
    """
    from archiver.errors import UsageError
    from archiver.history import stamps_of

    words = list(targets)
    if source is not None:
        words += _lines(source)
    archive = context.archive()
    if everything:
        words += [w.document for w in archive.watched() if not w.entry.paused]
        if not words:
            raise UsageError("nothing is watched", do="archiver watch add URL")
    if not words:
        raise UsageError("nothing to capture", do="name an address or a document, or give --from or --all")
    # All are looked at before the first one is checked; one document is checked once, however often it is named.
    asked = list({tuple(target.items()): target for target in (_target(archive, word) for word in words)}.values())
    work = context.work()
    if len(asked) >= MUSTER:
        work.muster()
    with work, Progress("capturing", len(asked)) as progress:
        results = work.capture(asked, lambda _n, _o: progress.step())
        warnings = work.settle(stamp=not no_stamp)
    if context.as_json:
        for result in results:
            result["stamps"] = stamps_of(archive, result["seq"], result["snapshot"] is not None)
        context.emit(results)
    else:
        click.echo("\n".join(_text(result) for result in results))
    for warning in warnings:
        context.note(f"warning: {warning}")
    return 0 if all(result["outcome"] in FINE for result in results) else 1


def _lines(source: TextIO) -> list[str]:
    from archiver.errors import UsageError

    try:
        lines = [line.strip() for line in source]
    except UnicodeDecodeError as error:
        raise UsageError(f"{source.name} is not UTF-8: {error.reason} at byte {error.start}") from error
    return [line for line in lines if line and not line.startswith("#")]


def _target(archive: Archive, word: str) -> dict[str, str]:
    """An address has a colon, a slash or a dot; everything else names a document."""
    from archiver.errors import UsageError
    from archiver.work import fetchable

    if " " in word or not any(c in word for c in ":/."):
        watched = archive.document(word)
        if watched.entry.removed:
            raise UsageError(f"{watched.document} was taken off the watch list", do="capture its address instead")
        return {"document": watched.document}
    return {"url": fetchable(word)}


def _text(result: dict[str, Any]) -> str:
    name = result["snapshot"] or f"statement {result['seq']}"
    lines = [f"{name}  {_outcome(result)}  {result['url']}"]
    if result["reason"]:
        lines.append(f"  reason                     {result['reason']}")
    if result["final_url"] != result["url"]:
        lines.append(f"  final address              {result['final_url']}")
    for key, name in (
        ("content_sha256", "SHA-256 decoded content"),
        ("payload_sha256", "SHA-256 payload as sent"),
        ("text_sha256", "SHA-256 text"),
        ("warc_sha256", "SHA-256 capture.warc.gz"),
        ("statement_sha256", "SHA-256 statement.json"),
    ):
        if result[key]:
            lines.append(f"  {name:<26} {result[key]}")
    for stamp in result["stamps"]:
        at = f"{stamp['gen_time']} over a {stamp['subject']}" if stamp["gen_time"] else stamp["state"]
        lines.append(f"  timestamp {stamp['authority']:<16} {at}")
    return "\n".join(lines)


def _outcome(result: dict[str, Any]) -> str:
    """``new_version v2 (wording)``: the outcome, of a watched document with the version it is, and what changed."""
    version = f" v{result['version']}" if result["version"] is not None else ""
    change = f" ({result['change']})" if result["change"] else ""
    return f"{result['outcome']}{version}{change}"
