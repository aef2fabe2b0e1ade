"""The extract of the journal in a bundle: statements about this snapshot in full, of all others the entry alone.

An entry is the SHA-256 of a statement that has 32 random bytes in it: it shows that a line stands there and tells
nothing of what it says. All lines together lead to the root that the newest checkpoint states.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from archiver.errors import FormatError
from archiver.evidence.canonical import MAX_LINE, Json, encode_line
from archiver.evidence.checkpoint import Checkpoint
from archiver.evidence.frontier import Frontier
from archiver.evidence.merkle import leaf_hash, verify_consistency
from archiver.evidence.note import decode_base64, encode_base64
from archiver.evidence.statement import Statement, parse_statement

MAX_FULL = 100_000
"""Statements in full that one extract may have; a snapshot has a dozen."""
_BARE = re.compile(rb'\{"entry":"([0-9a-f]{64})","seq":(0|[1-9][0-9]{0,15})\}\n')


class BadExtract(FormatError):
    """Not an extract as docs/bundle.md says, or not of this log."""


def extract_lines(entries: Iterable[bytes], full: Mapping[int, bytes]) -> Iterator[bytes]:
    """Yield the lines of an extract: entries (32 bytes) from 0 on, and the lines of the statements shown in full."""
    for seq, entry in enumerate(entries):
        yield full.get(seq) or b'{"entry":"%s","seq":%d}\n' % (entry.hex().encode("ascii"), seq)


class Extract:
    """An extract that is read line by line: what it shows, and the roots it leads to."""

    def __init__(self, sizes: Collection[int] = ()) -> None:
        """``sizes``: numbers of first statements whose roots are wanted, besides that of all."""
        self._sizes = frozenset(sizes)
        self._tree = Frontier()
        self.statements: dict[int, Statement] = {}
        """Those shown in full, by number."""
        self.roots: dict[int, bytes] = {}
        """Root over the first statements, for each size that was asked for and reached."""

    @property
    def size(self) -> int:
        """How many lines were read."""
        return self._tree.size

    @property
    def root(self) -> bytes:
        """The root over all of them."""
        return self._tree.root()

    def take(self, line: bytes) -> None:
        """Read the next line; ``BadExtract`` names it when it is neither a statement nor an entry, or out of order."""
        seq = self.size
        bare = _BARE.fullmatch(line)
        if bare is None:
            statement = _statement(line, seq)
            if len(self.statements) == MAX_FULL:
                raise BadExtract(f"more than {MAX_FULL} statements are shown in full")
            self.statements[seq] = statement
            entry = statement.entry
        else:
            if int(bare[2]) != seq:
                raise BadExtract(f"line {seq + 1} says number {int(bare[2])}, {seq} comes next")
            entry = bytes.fromhex(bare[1].decode("ascii"))
        self._tree.append(leaf_hash(entry))
        if self.size in self._sizes:
            self.roots[self.size] = self.root


def read_extract(lines: Iterable[bytes], sizes: Collection[int] = ()) -> Extract:
    """Read an extract whole."""
    found = Extract(sizes)
    for line in lines:
        found.take(line)
    return found


def _statement(line: bytes, seq: int) -> Statement:
    if len(line) > MAX_LINE:
        raise BadExtract(f"line {seq + 1} has more than {MAX_LINE} bytes")
    try:
        statement = parse_statement(line)
    except FormatError as error:
        raise BadExtract(f"line {seq + 1} is neither a statement nor an entry with its number: {error.what}") from error
    if statement.seq != seq:
        raise BadExtract(f"line {seq + 1} says number {statement.seq}, {seq} comes next")
    return statement


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file given in pieces, line feed included; one absurdly long is a ``BadExtract``."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > MAX_LINE:
            raise BadExtract(f"a line has more than {MAX_LINE} bytes")
    if rest:
        yield rest


# -- from the proof's checkpoint to the newest -----------------------------------------------------


def consistency_text(old: Checkpoint, new: Checkpoint, hashes: Iterable[bytes]) -> bytes:
    """``log/consistency.json``: that the newest checkpoint's log begins with that of the proof (RFC 9162, 2.1.4)."""

    def told(checkpoint: Checkpoint) -> Json:
        return {"root": encode_base64(checkpoint.root), "size": checkpoint.size}

    return encode_line({"from": told(old), "to": told(new), "hashes": [encode_base64(one) for one in hashes]})


def check_consistency(body: Json, old: Checkpoint, new: Checkpoint) -> None:
    """``BadExtract`` or ``MalformedProof`` unless a consistency file leads from one checkpoint to the other."""
    try:
        hashes = [decode_base64(text, "a hash of the consistency proof", BadExtract) for text in body["hashes"]]
        said = [(body[key]["size"], body[key]["root"]) for key in ("from", "to")]
    except (LookupError, TypeError) as error:
        raise BadExtract(f"the consistency proof is not as docs/bundle.md says: {error!r}") from error
    if said != [(one.size, encode_base64(one.root)) for one in (old, new)]:
        raise BadExtract("the consistency proof is about other checkpoints")
    verify_consistency(old.size, new.size, hashes, old.root, new.root)
