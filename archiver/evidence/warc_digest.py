"""Digests as WARC headers state them (``sha1:BASE32``, ``sha256:hex``, …) and their check while bytes pass."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

Verdict = Literal["pass", "fail", "absent", "unchecked"]
"""``unchecked``: there is a digest, but of something this record does not hold, or of an unknown kind."""

MAX_HTTP_HEAD = 1024 * 1024
"""Bytes within which the end of an HTTP head must lie for a payload digest to be checked."""

_SIZES = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
# Base32 digits (RFC 4648, 6) to the digits that int(…, 32) reads; everything else to a sign it refuses.
_BASE32 = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv")
_BASE32_TEXT = re.compile(r"[A-Z2-7]+", re.ASCII)
_HEX_TEXT = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_HTTP_HEAD_END = re.compile(rb"\r?\n\r?\n")


def parse_label(label: str) -> tuple[str, bytes] | None:
    """Return (``hashlib`` name, raw digest); None for an unknown algorithm; ``ValueError`` if it cannot be one."""
    name, _, text = label.partition(":")
    name = name.lower().replace("-", "")
    size = _SIZES.get(name)
    if size is None:
        return None
    if len(text) == 2 * size and _HEX_TEXT.fullmatch(text):
        return name, bytes.fromhex(text)
    text = text.rstrip("=").upper()
    spare = 5 * len(text) - 8 * size  # bits of the last digit beyond the digest
    if not 0 <= spare < 5 or not _BASE32_TEXT.fullmatch(text):
        raise ValueError(f"not a digest of {name}: {label[:160]!r}")
    number = int(text.translate(_BASE32), 32)
    if number & ((1 << spare) - 1):
        raise ValueError(f"spare bits set in {label[:160]!r}")
    return name, (number >> spare).to_bytes(size, "big")


def http_body_start(block: Any) -> int:
    """Return where the body of an HTTP message begins: after its first empty line; -1 where there is none."""
    match = _HTTP_HEAD_END.search(block, 0, MAX_HTTP_HEAD)
    return match.end() if match else -1


class PassingDigest:
    """SHA-2 and friends of a block, and of the payload in it, computed while the block passes piece by piece."""

    __slots__ = ("_block", "_head", "_payload")

    def __init__(self, block: str | None, payload: str | None, *, http: bool) -> None:
        self._block = hashlib.new(block) if block else None
        self._payload = hashlib.new(payload) if payload else None
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
        start = http_body_start(self._head)
        if start >= 0:
            self._payload.update(memoryview(self._head)[start:])
            self._head = None
        elif len(self._head) > MAX_HTTP_HEAD:
            self._payload = None

    def block(self) -> bytes | None:
        """Return the digest of the block, None if none was asked for."""
        return self._block.digest() if self._block else None

    def payload(self) -> bytes | None:
        """Return the digest of the payload, None if none was asked for or no HTTP body was found."""
        return self._payload.digest() if self._payload and self._head is None else None
