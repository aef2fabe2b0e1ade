"""``archiver transfer``: a file with snapshots was handed over to another custodian."""

from __future__ import annotations

import getpass
import hashlib
from pathlib import Path

import click

from archiver.cli.context import Context

CHUNK = 1024 * 1024


@click.command(epilog="Example: archiver transfer EA-S-00000123 --to 'Court registry' --file EA-S-00000123.zip")
@click.argument("snapshots", nargs=-1, required=True, metavar="SNAPSHOT...")
@click.option("--to", required=True, help="Name of the other custodian, for the log.")
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The file that was handed over: a bundle, a WACZ, a certificate.",
)
@click.option("--by", default=getpass.getuser, show_default="the user's name", help="Who handed it over, for the log.")
@click.option("--reason", help="Why, for the log.")
@click.pass_obj
def transfer(context: Context, snapshots: tuple[str, ...], to: str, path: Path, by: str, reason: str | None) -> None:
    """State that a file with each SNAPSHOT was handed over. Its digest is taken now; the file is not copied."""
    from archiver.errors import UsageError
    from archiver.given_file import open_plain

    digest, size = hashlib.sha256(), 0
    with open_plain(
        path, unreadable="name a file that can be read", other="name the file that was handed over"
    ) as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    if not size:
        raise UsageError(f"{path} is empty: nothing was handed over with it", do="name the file that was")
    values = {
        "subjects": list(snapshots),
        "to": to,
        "file_sha256": digest.hexdigest(),
        "file_bytes": size,
        "name": path.name,
        "by": by,
        "reason": reason,
    }
    with context.work() as work:
        made = work.act("transfer", values)
        warnings = work.settle(stamp=False)
    if made["export_seq"] is None:
        warnings.append(f"no export stated in this log has the digest of {path.name}")
    if context.as_json:
        context.emit(made)
    else:
        click.echo(f"{', '.join(made['subjects'])}  handed over to {made['to']}: {made['name']}")
        click.echo(f"  SHA-256 {made['file_sha256']}, {made['file_bytes']} bytes (statement {made['seq']})")
    for warning in warnings:
        context.note(f"warning: {warning}")
