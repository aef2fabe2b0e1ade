"""``archiver keys``: the public keys to give to those who check."""

from __future__ import annotations

import click

from archiver.cli.context import Context


@click.group()
def keys() -> None:
    """Show the log's key and the roots of the timestamp authorities."""


@keys.command("list", epilog="Example: archiver keys list")
@click.pass_obj
def list_(context: Context) -> None:
    """Print the log's verifier key, its fingerprint, and each authority's roots."""
    import hashlib

    archive = context.archive()
    verifier = archive.verifier
    facts = {
        "origin": archive.origin,
        "vkey": verifier.vkey,
        "spki_sha256": hashlib.sha256(verifier.spki_der).hexdigest(),
        "roots": [
            {"authority": name, "root_sha256": hashlib.sha256(der).hexdigest()}
            for name, ders in archive.roots().items()
            for der in ders
        ],
    }
    if context.as_json:
        context.emit(facts)
        return
    click.echo(f"log           {facts['origin']}")
    click.echo(f"vkey          {facts['vkey']}")
    click.echo(f"SHA-256 SPKI  {facts['spki_sha256']}")
    for name, ders in archive.roots().items():
        for der in ders:
            click.echo(f"root          {name} {hashlib.sha256(der).hexdigest()}")
