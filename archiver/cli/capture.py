"""``archiver capture``: a check now."""

from __future__ import annotations

from typing import Any

import click

from archiver.cli.context import Context, Progress

FINE = frozenset({"new_version", "unchanged", "not_modified", "varying"})


@click.command(epilog="Example: archiver --archive my-archive capture https://example.org/terms EA-D-00001")
@click.argument("targets", nargs=-1, metavar="[URL|DOCUMENT]...")
@click.option("--from", "source", type=click.File("r"), help="Read addresses or documents from a file, one a line.")
@click.option("--all", "everything", is_flag=True, help="Every watched document that is not paused.")
@click.option("--no-stamp", is_flag=True, help="Publish a checkpoint but leave timestamps to the daemon.")
@click.pass_obj
def capture(context: Context, targets: tuple[str, ...], source: Any, everything: bool, no_stamp: bool) -> int:
    """Check each URL or DOCUMENT now and print snapshot, outcome and digests.

    Exits 1 when a check failed, was blocked or quarantined. Beside a running daemon the daemon does the work.
    """
    from archiver.errors import UsageError

    words = list(targets)
    if source is not None:
        words += [line.strip() for line in source if line.strip() and not line.startswith("#")]
    if everything:
        words += [w.document for w in context.archive().watched() if not w.entry.paused]
    if not words:
        raise UsageError("nothing to capture", do="name an address or a document, or give --from or --all")
    asked = [_target(word) for word in words]
    with context.work() as work, Progress("capturing", len(asked)) as progress:
        results = work.capture(asked, lambda _n, _o: progress.step())
        warnings = work.settle(stamp=not no_stamp)
    if context.as_json:
        context.emit(results)
    else:
        for result in results:
            click.echo(_text(result))
    for warning in warnings:
        context.note(f"warning: {warning}")
    return 0 if all(result["outcome"] in FINE for result in results) else 1


def _target(word: str) -> dict[str, str]:
    from archiver.watch.entry import checked_url

    is_document = "/" not in word and ":" not in word and "-D-" in word
    return {"document": word} if is_document else {"url": checked_url(word)}


def _text(result: dict[str, Any]) -> str:
    lines = [f"{result['snapshot'] or 'statement ' + str(result['seq'])}  {result['outcome']}  {result['url']}"]
    if result["reason"]:
        lines.append(f"  reason                     {result['reason']}")
    if result["final_url"] != result["url"]:
        lines.append(f"  final address              {result['final_url']}")
    for key, name in (
        ("content_sha256", "SHA-256 decoded content"),
        ("payload_sha256", "SHA-256 payload as sent"),
        ("warc_sha256", "SHA-256 capture.warc.gz"),
        ("statement_sha256", "SHA-256 statement.json"),
    ):
        if result[key]:
            lines.append(f"  {name:<26} {result[key]}")
    return "\n".join(lines)
