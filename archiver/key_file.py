"""The log's private key where it lies in the archive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from archiver.archive import PRIVATE_KEY
from archiver.signing import LogKey

if TYPE_CHECKING:
    from storage.interface import Files

Passphrase = Callable[[], bytes | None]
"""Asks for the passphrase; None when nobody can give it."""


def read_key(files: Files, name: str, passphrase: Passphrase) -> LogKey | None:
    """The log's private key, or None where it is kept elsewhere or its passphrase was not given."""
    if not files.exists(PRIVATE_KEY):
        return None
    pem = files.read(PRIVATE_KEY)
    if b"ENCRYPTED" not in pem.split(b"\n", 1)[0]:
        return LogKey.from_pem(name, pem, None)
    secret = passphrase()
    return None if secret is None else LogKey.from_pem(name, pem, secret)
