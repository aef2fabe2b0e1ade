"""Checkpoints (C2SP tlog-checkpoint v1.0.0): the signed head of a log, three lines of text in a signed note.

Ours have no extension lines (the specification advises against them) and are signed by a key of the log's own name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from archiver.errors import MalformedCheckpoint, MalformedNote
from archiver.evidence.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from archiver.evidence.note import Note, Sign, Verifier, check_name, decode_base64, encode_base64, sign_note

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)  # 19 digits hold MAX_SIZE; longer text is never converted


def parse_decimal(text: str) -> int | None:
    """Return a number from 0 to ``MAX_SIZE`` in ASCII digits without leading zeros, or None if this is none."""
    if not _DECIMAL.fullmatch(text):
        return None
    value = int(text)
    return value if value <= MAX_SIZE else None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the head of a log says: whose log, how many leaves, which root. Construction checks all three."""

    origin: str
    """Name of the log."""
    size: int
    """Number of leaves."""
    root: bytes
    """32 bytes; ``EMPTY_ROOT`` at size 0."""

    def __post_init__(self) -> None:
        try:
            check_name(self.origin)
        except MalformedNote as problem:
            raise MalformedCheckpoint(f"the origin cannot name a key: {problem}") from problem
        if not 0 <= self.size <= MAX_SIZE:
            raise MalformedCheckpoint(f"tree size {self.size} is outside 0 to {MAX_SIZE}")
        if len(self.root) != HASH_BYTES:
            raise MalformedCheckpoint(f"the root hash has {len(self.root)} bytes, not {HASH_BYTES}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise MalformedCheckpoint("the root given for size 0 is not that of the empty tree")

    def body(self) -> bytes:
        """Return the note text: origin, size in decimal, root in base64, each with a line feed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n".encode()

    @classmethod
    def from_body(cls, body: bytes) -> Checkpoint:
        """Return what a note text says; ``MalformedCheckpoint`` unless ``body()`` gives the same bytes back."""
        try:
            lines = body.decode("utf-8").split("\n")
        except UnicodeDecodeError as problem:
            raise MalformedCheckpoint(f"the checkpoint is not UTF-8: {problem}") from problem
        if lines[-1] != "":
            raise MalformedCheckpoint("the checkpoint's text does not end with a line feed")
        if len(lines) < 4:
            raise MalformedCheckpoint(f"{len(lines) - 1} lines; a checkpoint has three: origin, size, root")
        if len(lines) > 4:
            raise MalformedCheckpoint("the checkpoint has extension lines, which ours never have")
        origin, decimal, encoded, _ = lines
        size = parse_decimal(decimal)
        if size is None:
            raise MalformedCheckpoint(f"the tree size is not a plain decimal number: {decimal[:40]!r}")
        return cls(origin, size, decode_base64(encoded, "the root hash", MalformedCheckpoint))

    @classmethod
    def from_bytes(cls, data: bytes) -> Checkpoint:
        """Return what a checkpoint file *claims*; its signatures are not verified.

        ``MalformedNote`` or ``MalformedCheckpoint`` if it is not written as a checkpoint is.
        """
        return _claimed(data)


def open_checkpoint(data: bytes, verifier: Verifier, *, strict: bool = True) -> Checkpoint:
    """Return the checkpoint if the log's key signed it and it is of that key's log.

    ``MalformedNote`` or ``MalformedCheckpoint`` otherwise. ``strict`` refuses signature lines of other keys, which is
    how our own files are read; without it they are passed over (witness cosignatures).
    """
    return _opened(data, verifier, strict)


# One checkpoint stands at the end of many proofs. Only what was found to be in order is kept; the bytes, the key and
# the strictness are the whole question, so the answer is the same each time.
_KEPT = 16


@lru_cache(maxsize=_KEPT)
def _claimed(data: bytes) -> Checkpoint:
    return Checkpoint.from_body(Note.from_bytes(data).text)


@lru_cache(maxsize=_KEPT)
def _opened(data: bytes, verifier: Verifier, strict: bool) -> Checkpoint:
    note = Note.from_bytes(data)
    note.verify(verifier, strict=strict)
    checkpoint = Checkpoint.from_body(note.text)
    if checkpoint.origin != verifier.name:
        raise MalformedCheckpoint(f"signed by {verifier.name}, but the head of another log, {checkpoint.origin}")
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, verifier: Verifier, sign: Sign) -> bytes:
    """Return the checkpoint file, signed by the log's key; ``MalformedCheckpoint`` if the key is another log's.

    Never sign two roots for one size, nor a smaller size after a larger one: this function cannot know what was signed
    before, its caller must.
    """
    if checkpoint.origin != verifier.name:
        raise MalformedCheckpoint(f"the key is named {verifier.name}, the log {checkpoint.origin}")
    return sign_note(checkpoint.body(), verifier, sign).to_bytes()
