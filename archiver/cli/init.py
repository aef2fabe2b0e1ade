"""``archiver init``: make an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli.context import Context

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(epilog="Example: archiver init my-archive --set archive.origin=evidence.example.org/log")
@click.argument("folder", required=False, type=click.Path(file_okay=False))
@click.option("--no-passphrase", is_flag=True, help="Leave the private key unencrypted: for tests and trials only.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Set a key of archive.toml.")
@click.pass_obj
def init(context: Context, folder: str | None, no_passphrase: bool, assignments: tuple[str, ...]) -> None:
    """Make an archive in FOLDER: its key, its settings, a log that begins with the key's statement."""
    import os
    from pathlib import Path

    from archiver.archive import head_copy_folder
    from archiver.operation import create_archive
    from archiver.settings import parse_settings

    text = _settings_text(assignments)
    settings = parse_settings(text, {})
    passphrase = _passphrase(context, none=no_passphrase)
    root = Path(folder or context.folder)
    archive = create_archive(root, text, settings, passphrase)
    archive.index.close()
    vkey = archive.verifier.vkey
    head = head_copy_folder(settings, os.environ)
    if context.as_json:
        context.emit({"archive": str(root), "origin": archive.origin, "vkey": vkey, "head_copy": str(head)})
    else:
        click.echo(f"Archive {archive.origin} made in {root}.")
        click.echo(f"Its public key, for those who will check: {vkey}")
        click.echo("Publish that line somewhere you do not control alone.")
        click.echo("")
        click.echo("Back up, apart from each other:")
        click.echo(f"  {root}/keys/log.key.pem{'' if no_passphrase else ' and its passphrase'}")
        click.echo("      without it no checkpoint can be signed any more")
        click.echo(f"  {root}/journal, snapshots, stamps, authorities, keys/log.vkey, archive.toml")
        click.echo("      the evidence")
        click.echo(f"The newest head is also kept in {head}:")
        click.echo("do not back that folder up together with the archive.")
    if no_passphrase:
        context.note("warning: the private key is not encrypted; whoever reads it can sign in this log's name")


def _settings_text(assignments: Sequence[str]) -> str:
    """The text of ``archive.toml``: what names the archive, and what was set."""
    from archiver.errors import UsageError
    from archiver.settings import SCHEMA, checked, literal, render

    values = {key.path: key.default for key in SCHEMA}
    chosen = {"archive.origin", "archive.prefix", "archive.name"}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set {assignment!r} has no '='", do="write --set network.timeout_s=30")
        values[path] = checked(path, literal(text, path), "--set")
        chosen.add(path)
    return render(values, only=frozenset(chosen))


def _passphrase(context: Context, *, none: bool) -> bytes | None:
    """The passphrase of the new key; one that is typed is typed twice."""
    import getpass
    import sys

    from archiver.errors import UsageError

    if none:
        return None
    passphrase = context.passphrase()
    if passphrase is None:
        raise UsageError(
            "the log key needs a passphrase",
            do="give --passphrase-file or --passphrase-fd, or --no-passphrase for a trial",
        )
    if context.asks and getpass.getpass("The same again: ", sys.stderr).encode() != passphrase:
        raise UsageError("the two passphrases differ")
    return passphrase
