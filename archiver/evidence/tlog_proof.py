"""The offline proof that a statement is in the log (C2SP tlog-proof v1): index, inclusion proof and checkpoint.

One text file, whose tail is the checkpoint byte for byte. Ours carry no ``extra`` line, which nothing signs.
"""

from __future__ import annotations

from dataclasses import dataclass

from archiver.errors import MalformedProof
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint, parse_decimal
from archiver.evidence.merkle import HASH_BYTES, MAX_INCLUSION_HASHES, MAX_SIZE, leaf_hash, verify_inclusion
from archiver.evidence.note import MAX_NOTE, Verifier, decode_base64, encode_base64

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HEAD = 4096  # bytes before the checkpoint: header, index and 63 hashes need less
MAX_PROOF = MAX_HEAD + MAX_NOTE


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An entry's place in the log and the way from there to a signed root. Construction checks the form only."""

    index: int
    """Of the entry, from 0; the statement's ``seq``."""
    hashes: tuple[bytes, ...]
    """Inclusion proof, 32 bytes each, sibling of the leaf first."""
    checkpoint: bytes
    """The checkpoint file."""

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_SIZE:
            raise MalformedProof(f"index {self.index} is outside 0 to {MAX_SIZE - 1}")
        if len(self.hashes) > MAX_INCLUSION_HASHES:
            raise MalformedProof(f"{len(self.hashes)} hashes; no tree needs more than {MAX_INCLUSION_HASHES}")
        for at, value in enumerate(self.hashes):
            if len(value) != HASH_BYTES:
                raise MalformedProof(f"hash {at} of the proof has {len(value)} bytes, not {HASH_BYTES}")

    def to_bytes(self) -> bytes:
        """Return the ``.tlog-proof`` file."""
        lines = [HEADER, f"index {self.index}", *map(encode_base64, self.hashes), ""]
        return "".join(f"{line}\n" for line in lines).encode("ascii") + self.checkpoint

    @classmethod
    def from_bytes(cls, data: bytes) -> TlogProof:
        """Return what the file says; ``to_bytes`` gives the same bytes back.

        ``MalformedProof`` for the head, ``MalformedNote`` or ``MalformedCheckpoint`` for the checkpoint. Verifies
        neither signature nor inclusion.
        """
        if len(data) > MAX_PROOF:
            raise MalformedProof(f"a proof of {len(data)} bytes, more than {MAX_PROOF}")
        head, blank, checkpoint = data.partition(b"\n\n")
        if not blank:
            raise MalformedProof("no empty line stands between the hashes and the checkpoint")
        if len(head) > MAX_HEAD:
            raise MalformedProof(f"{len(head)} bytes before the checkpoint, more than {MAX_HEAD}")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as problem:
            raise MalformedProof(f"the head of the proof is not ASCII: {problem}") from problem
        proof = cls(_index(lines), tuple(_hash(line) for line in lines[2:]), checkpoint)
        Checkpoint.from_bytes(checkpoint)
        return proof

    def verify(self, entry: bytes, verifier: Verifier, *, strict: bool = True) -> Checkpoint:
        """Return the checkpoint if the log's key signed it and the 32-byte entry is at ``index`` under its root.

        ``MalformedNote``, ``MalformedCheckpoint`` or ``MalformedProof`` otherwise; for ``strict`` see
        ``open_checkpoint``.
        """
        checkpoint = open_checkpoint(self.checkpoint, verifier, strict=strict)
        verify_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint


def _index(lines: list[str]) -> int:
    """Return the index from the first two lines."""
    if lines[0] != HEADER:
        raise MalformedProof(f"the first line is not {HEADER}")
    second = lines[1] if len(lines) > 1 else ""
    if second.startswith("extra "):
        raise MalformedProof("the proof has an extra line, which ours never have: nothing signs it")
    if not second.startswith("index "):
        raise MalformedProof("the second line is not the index")
    index = parse_decimal(second.removeprefix("index "))
    if index is None:
        raise MalformedProof(f"the index is not a plain decimal number: {second[:40]!r}")
    return index


def _hash(line: str) -> bytes:
    return decode_base64(line, "a hash of the proof", MalformedProof)
