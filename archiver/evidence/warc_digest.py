"""Digests as WARC headers state them, ``sha1:`` and hex, base32 or base64, and their check while bytes pass."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from functools import partial
from typing import Any

MAX_HTTP_HEAD = 1024 * 1024
"""Bytes within which the end of an HTTP head must lie for a payload digest to be checked."""

HASHES: dict[str, Callable[..., Any]] = {
    # old algorithms are checked because others wrote them; nothing of ours rests on them
    "md5": partial(hashlib.md5, usedforsecurity=False),
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
_SIZES = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
# Base32 digits (RFC 4648, 6) to the digits that int(…, 32) reads; everything else to a sign it refuses.
_BASE32 = bytearray(b"!" * 256)
for _value, _digit in enumerate(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"):
    _BASE32[_digit] = b"0123456789abcdefghijklmnopqrstuv"[_value]
for _digit in range(ord("a"), ord("z") + 1):
    _BASE32[_digit] = _BASE32[_digit - 32]
_HEX = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_HTTP_HEAD_END = re.compile(rb"\r?\n\r?\n")

Stated = tuple[str, bytes]
"""Key of ``HASHES`` and the raw digest."""


def parse_label(label: str) -> Stated | None:
    """Return what a label states; None for an unknown algorithm, ``ValueError`` if it cannot be a digest of it."""
    name, _, text = label.partition(":")
    name = name.lower().replace("-", "")
    size = _SIZES.get(name)
    if size is None:
        return None
    if len(text) == 2 * size and _HEX.fullmatch(text):
        return name, bytes.fromhex(text)
    try:
        if len(text) == 4 * -(-size // 3):
            return name, _from_base64(text)
        text = text.rstrip("=")
        spare = 5 * len(text) - 8 * size  # bits of the last digit beyond the digest
        number = int(text.encode("ascii").translate(_BASE32), 32)
        if 0 <= spare < 5 and not number & ((1 << spare) - 1):
            return name, (number >> spare).to_bytes(size, "big")
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"not a digest of {name}: {label[:160]!r}")


def _from_base64(text: str) -> bytes:
    """Return the bytes of base64 or base64url (RFC 4648, 4 and 5), padded; ``ValueError`` for spare bits."""
    plain = text.replace("-", "+").replace("_", "/")
    raw = base64.b64decode(plain, validate=True)
    if base64.b64encode(raw).decode("ascii") != plain:
        raise ValueError("not the one base64 form of these bytes")
    return raw


def http_body_start(block: bytes | bytearray, start: int, end: int) -> int:
    """Return where the body of the HTTP message ``block[start:end]`` begins; -1 where its head has no end."""
    match = _HTTP_HEAD_END.search(block, start, min(end, start + MAX_HTTP_HEAD))
    return match.end() if match else -1


class PassingDigest:
    """Digests of a block, and of the payload in it, computed while the block passes piece by piece."""

    __slots__ = ("_block", "_head", "_payload")

    def __init__(self, block: str | None, payload: str | None, *, http: bool) -> None:
        self._block = HASHES[block]() if block else None
        self._payload = HASHES[payload]() if payload else None
        self._head: bytearray | None = bytearray() if http and payload else None

    def feed(self, piece: bytes | memoryview) -> None:
        """Take the next bytes of the block."""
        if self._block is not None:
            self._block.update(piece)
        if self._payload is None:
            return
        if self._head is None:
            self._payload.update(piece)
            return
        self._head += piece
        start = http_body_start(self._head, 0, len(self._head))
        if start >= 0:
            self._payload.update(bytes(self._head[start:]))
            self._head = None
        elif len(self._head) > MAX_HTTP_HEAD:
            self._payload = self._head = None

    def block(self) -> bytes | None:
        """Return the digest of the block, None if none was asked for."""
        return self._block.digest() if self._block is not None else None

    def payload(self) -> bytes | None:
        """Return the digest of the payload, None if none was asked for or no HTTP body was found."""
        return self._payload.digest() if self._payload is not None and self._head is None else None
