"""``archiver log witness``: the witnesses of an archive, and a small witness for somebody who does not run it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Context, table

if TYPE_CHECKING:
    from archiver.evidence.note import Verifier

_STATE = click.option("--state", type=click.Path(path_type=Path), required=True, help="Folder of the witness.")


@click.group()
def witness() -> None:
    """List the witnesses of an archive; be a witness of somebody else's."""


@witness.command("list", epilog="Example: archiver log witness list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the witnesses that archive.toml names, each with the newest checkpoint it cosigned, and when."""
    from archiver.standing import contradicted

    archive = context.archive()
    known = contradicted(archive)
    against = {name: "; ".join(words for said, words in known if said == name) for name, _ in known}
    found = []
    for one in archive.settings.witnesses:
        row = archive.index.row(
            "select size, time from cosignature where witness = ? and vkey = ? order by size desc, seq desc limit 1",
            (one.name, one.key),
        )
        size, time = (row["size"], row["time"]) if row else (None, None)
        item = {"witness": one.name, "url": one.url, "key": one.key, "size": size, "time": time}
        found.append({**item, "contradiction": against.get(one.name)})
    if context.as_json:
        context.emit(found)
        return
    if not found:
        click.echo("no witness is configured: nobody outside would see a fork of this log")
        return
    rows = [(item["witness"], item["size"] or "nothing yet", item["time"] or "", item["url"]) for item in found]
    click.echo(table(("witness", "cosigned size", "at", "address"), rows))
    for name, words in against.items():
        click.echo(f"{name} knew another history of this log, it may be a fork: {words}")


@witness.command(epilog="Example: archiver log witness init --state my-witness --name witness.example.com/evidence")
@_STATE
@click.option("--name", required=True, help="Name of the witness, a URL without https://, by custom.")
@click.pass_obj
def init(context: Context, state: Path, name: str) -> None:
    """Make the folder and the key of a new witness; print its verifier key, for archive.toml of the log's operator.

    The private key lies in the folder, unencrypted and readable by you alone.
    """
    from archiver.errors import MalformedNote, UsageError
    from archiver.witness_server import init_witness

    try:
        key = init_witness(state, name)
    except MalformedNote as error:
        raise UsageError(error.what, do="give a name like witness.example.com/evidence") from error
    if context.as_json:
        context.emit({"state": str(state), "name": key.name, "key": key.vkey})
        return
    click.echo(key.vkey)


@witness.command(epilog="Example: archiver log witness serve --state my-witness --bind 127.0.0.1:7380 --log log.vkey")
@_STATE
@click.option("--key", type=click.Path(path_type=Path), help="Private key; default: witness.key.pem in the folder.")
@click.option("--bind", default="127.0.0.1:7380", help="Address to listen on; default 127.0.0.1:7380.")
@click.option(
    "--log",
    "logs",
    multiple=True,
    required=True,
    help="Verifier key of a log to watch, or a file with it (keys/log.vkey); may be repeated.",
)
@click.pass_obj
def serve(context: Context, state: Path, key: Path | None, bind: str, logs: tuple[str, ...]) -> None:
    """Be a witness until SIGTERM or Ctrl-C: cosign what continues the last checkpoint (C2SP tlog-witness).

    Needs no archive. Speaks HTTP; put a server that speaks TLS before it where it is reached over the Internet.
    """
    import signal
    import threading

    from archiver import logs as logging_setup
    from archiver.witness_server import open_server

    verifiers = [_log_key(text) for text in logs]
    logging_setup.set_up(verbose=context.verbose)
    with open_server(state, key, _address(bind), verifiers) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
        if context.as_json:
            context.emit({"url": server.url, "logs": server.book.origins})
        else:
            click.echo(f"witness of {', '.join(server.book.origins)} at {server.url}")
        server.serve_forever(poll_interval=0.1)


def _log_key(text: str) -> Verifier:
    from archiver.errors import FormatError, UsageError
    from archiver.evidence.note import Verifier

    try:
        given = Path(text).read_text("utf-8") if Path(text).is_file() else text
        return Verifier.from_vkey(given.removesuffix("\n"))
    except (FormatError, OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--log: {error}", do="give the text or the file of keys/log.vkey") from error


def _address(text: str) -> tuple[str, int]:
    from archiver.errors import UsageError

    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536):
        raise UsageError(f"--bind: {text!r} is no host and port", do="give one like 127.0.0.1:7380")
    return host, int(port)
