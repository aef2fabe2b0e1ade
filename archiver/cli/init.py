"""``archiver init``: make an archive."""

from __future__ import annotations

import click

from archiver.cli.context import Context


@click.command(epilog="Example: archiver init my-archive --set archive.origin=evidence.example.org/log")
@click.argument("folder", required=False, type=click.Path(file_okay=False))
@click.option("--no-passphrase", is_flag=True, help="Leave the private key unencrypted: for tests and trials only.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Set a key of archive.toml.")
@click.pass_obj
def init(context: Context, folder: str | None, no_passphrase: bool, assignments: tuple[str, ...]) -> None:
    """Make an archive in FOLDER: its key, its settings, a log that begins with the key's statement."""
    import getpass
    import sys
    from pathlib import Path

    from archiver.archive import head_copy_folder
    from archiver.errors import UsageError
    from archiver.operation import create_archive
    from archiver.settings import SCHEMA, literal, parse_settings, render

    values = {key.path: key.default for key in SCHEMA}
    chosen = {"archive.origin", "archive.prefix", "archive.name"}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set {assignment!r} has no '='", do="write --set network.timeout_s=30")
        values[path] = literal(text, path)
        chosen.add(path)
    settings_text = render(values, only=frozenset(chosen))
    settings = parse_settings(settings_text, {})
    passphrase = None if no_passphrase else context.passphrase()
    if passphrase is None and not no_passphrase:
        raise UsageError(
            "the log key needs a passphrase",
            do="give --passphrase-file or --passphrase-fd, or --no-passphrase for a trial",
        )
    if (
        passphrase is not None
        and context.passphrase_file is None
        and context.passphrase_fd is None
        and sys.stdin.isatty()
    ):
        again = getpass.getpass("The same again: ", sys.stderr).encode()
        if again != passphrase:
            raise UsageError("the two passphrases differ")
    root = Path(folder or context.folder)
    import os

    archive = create_archive(root, settings_text, settings, passphrase)
    archive.index.close()
    vkey = archive.verifier.vkey
    head = head_copy_folder(settings, os.environ)
    if context.as_json:
        context.emit({"archive": str(root), "origin": archive.origin, "vkey": vkey, "head_copy": str(head)})
        return
    click.echo(f"Archive {archive.origin} made in {root}.")
    click.echo(f"Its public key, for those who will check: {vkey}")
    click.echo("Publish that line somewhere you do not control alone.")
    click.echo("")
    click.echo("Back up, apart from each other:")
    click.echo(f"  {root}/keys/log.key.pem  and its passphrase: without both no checkpoint can be signed")
    click.echo(f"  {root}/journal, snapshots, stamps, archive.toml: the evidence")
    click.echo(f"The newest head is also kept in {head}: do not back that folder up together with the archive.")
    if no_passphrase:
        context.note("warning: the private key is not encrypted; whoever reads it can sign in this log's name")
