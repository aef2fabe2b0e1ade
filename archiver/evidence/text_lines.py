"""Salted commitments to the lines of a text: one root in a statement, so that single lines can be shown later.

A line that is hidden leaves only its leaf behind; without its salt nobody can try out what it said.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from archiver.errors import FormatError
from archiver.evidence.merkle import root_of

SEED_BYTES = 32


def line_salt(seed: bytes, number: int) -> bytes:
    """The salt of line ``number`` (from 0): HMAC-SHA256 of the number, eight bytes big-endian, under the seed."""
    return hmac.digest(seed, number.to_bytes(8, "big"), "sha256")


def line_leaf(salt: bytes, line: str) -> bytes:
    """SHA-256(0x00 ‖ salt ‖ line in UTF-8): a leaf as RFC 9162, section 2.1.1 has it."""
    return hashlib.sha256(b"\x00" + salt + line.encode()).digest()


def lines_root(lines: Sequence[str], seed: bytes) -> str | None:
    """The Merkle root over all lines, 64 hex digits; None of no lines. ``FormatError`` unless the seed has 32 bytes."""
    if len(seed) != SEED_BYTES:
        raise FormatError(f"the salt of a text has {SEED_BYTES} bytes, not {len(seed)}")
    if not lines:
        return None
    return root_of([line_leaf(line_salt(seed, number), line) for number, line in enumerate(lines)]).hex()
