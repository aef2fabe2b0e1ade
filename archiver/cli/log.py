"""``archiver log``: the checkpoint and the proofs."""

from __future__ import annotations

from typing import BinaryIO

import click

from archiver.cli.context import Context
from archiver.cli.witness import witness


@click.group()
def log() -> None:
    """Print the newest checkpoint, inclusion proofs and consistency proofs; witnesses that cosign the log."""


log.add_command(witness)


@log.command(epilog="Example: archiver log checkpoint")
@click.option("--publish", is_flag=True, help="First publish one over everything stated so far.")
@click.pass_obj
def checkpoint(context: Context, publish: bool) -> None:
    """Print the newest checkpoint (C2SP tlog-checkpoint)."""
    from archiver.errors import NotCheckable
    from archiver.evidence.checkpoint import open_checkpoint
    from archiver.ledger import CHECKPOINT

    if publish:
        with context.work() as work:
            for warning in work.settle(stamp=False):
                context.note(f"warning: {warning}")
    archive = context.archive()
    if not archive.files.exists(CHECKPOINT):
        raise NotCheckable("no checkpoint has been published yet", do="archiver log checkpoint --publish")
    data = archive.files.read(CHECKPOINT)
    head = open_checkpoint(data, archive.verifier)
    if context.as_json:
        context.emit(
            {"origin": head.origin, "size": head.size, "root_sha256": head.root.hex(), "checkpoint": data.decode()}
        )
        return
    click.echo(data.decode(), nl=False)


@log.command(epilog="Example: archiver log prove EA-S-00000123 > statement.tlog-proof")
@click.argument("snapshot")
@click.pass_obj
def prove(context: Context, snapshot: str) -> None:
    """Print the inclusion proof of a snapshot or statement number under the newest checkpoint (C2SP tlog-proof)."""
    from archiver.audit import Audit
    from archiver.errors import NotCheckable, UsageError
    from archiver.evidence.statement import parse_snapshot_id
    from archiver.evidence.tlog_proof import TlogProof
    from archiver.naming import MOST

    archive = context.archive()
    is_number = snapshot.isascii() and snapshot.isdigit() and len(snapshot) < 19
    seq = int(snapshot) if is_number else parse_snapshot_id(snapshot)
    if seq is None:
        what = f"{snapshot[:MOST]!r} is neither a snapshot nor a statement number"
        raise UsageError(what, do="name one as EA-S-00000123, or as 123")
    statement = archive.statement(seq)
    data = Audit(archive).proof(seq)
    if data is None:
        raise NotCheckable(
            f"statement {seq} is not yet covered by a checkpoint", do="archiver log checkpoint --publish"
        )
    proof = TlogProof.from_bytes(data)
    proof.verify(statement.entry, archive.verifier)
    if context.as_json:
        context.emit(
            {
                "index": proof.index,
                "entry_sha256": statement.entry_hex,
                "hashes_sha256": [value.hex() for value in proof.hashes],
                "checkpoint": proof.checkpoint.decode(),
            }
        )
        return
    click.echo(data.decode(), nl=False)


@log.command(epilog="Example: archiver log consistency old-checkpoint.txt")
@click.argument("older", type=click.File("rb"))
@click.pass_obj
def consistency(context: Context, older: BinaryIO) -> int:
    """Check that the newest checkpoint continues the one in the file OLDER, and print the proof."""
    from archiver.audit import Audit
    from archiver.errors import FormatError, NotCheckable
    from archiver.evidence.checkpoint import open_checkpoint
    from archiver.evidence.note import encode_base64
    from archiver.evidence.tiles import consistency_proof
    from archiver.evidence.verify import Failed

    archive = context.archive()
    audit = Audit(archive)
    if audit.head is None:
        raise NotCheckable("log/checkpoint is missing or does not hold")
    try:
        known = open_checkpoint(older.read(1024 * 1024), archive.verifier)
    except FormatError as error:
        what = f"{older.name} is no checkpoint of this log: {error.what}"
        raise FormatError(what, do="give what archiver log checkpoint printed once") from error
    newest = audit.head[0]
    try:
        audit.require_consistent("the older checkpoint", known, newest)
    except Failed as error:
        if context.as_json:
            context.emit({"old_size": known.size, "new_size": newest.size, "consistent": False, "detail": error.what})
        else:
            click.echo(f"not consistent: {error.what}")
        return 4
    proof = consistency_proof(known.size, newest.size, audit.read_tile)
    if context.as_json:
        hashes = [value.hex() for value in proof]
        context.emit({"old_size": known.size, "new_size": newest.size, "consistent": True, "hashes_sha256": hashes})
        return 0
    click.echo(f"consistent: size {newest.size} continues size {known.size}")
    for value in proof:
        click.echo(encode_base64(value))
    return 0
