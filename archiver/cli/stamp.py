"""``archiver stamp``: timestamps had and owed."""

from __future__ import annotations

import click

from archiver.cli.context import Context, table


@click.group()
def stamp() -> None:
    """List timestamps and what is still owed; try again now."""


@stamp.command("list", epilog="Example: archiver stamp list")
@click.option("--limit", type=click.IntRange(1), default=50, help="Newest tokens to show; default 50.")
@click.pass_obj
def list_(context: Context, limit: int) -> None:
    """List the newest verified tokens and every pending one."""
    archive = context.archive()
    tokens = [
        {
            "statement": r["seq"],
            "authority": r["authority"],
            "subject": f"checkpoint of size {r['size']}"
            if r["subject"] == "checkpoint"
            else f"statement {r['subject_seq']}",
            "gen_time": r["gen_time"],
            "serial": r["serial"],
            "token_sha256": r["token_sha256"].hex(),
            "path": r["path"],
        }
        for r in archive.index.rows("select * from stamp where event = 'token' order by seq desc limit ?", (limit,))
    ]
    pending = archive.index.rows("select subject, authority, attempts, error from outbox order by since")
    if context.as_json:
        context.emit({"tokens": tokens, "pending": pending})
        return
    rows = [(t["statement"], t["authority"], t["subject"], t["gen_time"], t["serial"]) for t in tokens]
    click.echo(table(("statement", "authority", "covers", "time", "serial"), rows))
    for item in pending:
        click.echo(f"pending: {item['subject']} from {item['authority']}, {item['attempts']} tries: {item['error']}")


@stamp.command(epilog="Example: archiver stamp retry")
@click.pass_obj
def retry(context: Context) -> int:
    """Publish a checkpoint and ask every authority once, now."""
    with context.work() as work:
        warnings = work.settle(stamp=True)
    for warning in warnings:
        context.note(f"warning: {warning}")
    if context.as_json:
        context.emit({"warnings": warnings})
    return 3 if warnings else 0
