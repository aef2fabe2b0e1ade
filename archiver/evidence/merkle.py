"""The Merkle tree of the log, without any storage: leaf, node, root, and the two kinds of proof (RFC 9162, 2.1).

SHA-256 throughout, which C2SP tlog-tiles fixes. RFC 9162 defines the same tree as RFC 6962, with algorithms
written out for verifiers; the ones here follow its sections 2.1.3.2 and 2.1.4.2.

The tree of size 0 is settled here once for all: its root is SHA-256 of nothing; it includes nothing, so an inclusion
proof in it is refused; every tree is consistent with it by the empty proof, provided the old root is that of the
empty tree. RFC 9162 leaves that last case open; C2SP tlog-witness needs it (old size 0, no proof lines), and some
published test vectors refuse it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from archiver.errors import MalformedProof

HASH_BYTES = 32
MAX_SIZE = 2**63 - 1  # leaves; what a signed 64-bit count holds, so that every other implementation can read it
MAX_INCLUSION_HASHES = 63  # one for each bit of an index below MAX_SIZE
MAX_CONSISTENCY_HASHES = 64  # one more: the node that the proof starts from

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree of size 0."""


def entry_of(line: bytes) -> bytes:
    """Return the entry of a statement: the 32 bytes of SHA-256 over its line, line feed included."""
    return sha256(line).digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ entry), 32 bytes (RFC 9162, 2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right), 32 bytes; the prefix keeps a node from passing as a leaf."""
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, each the root of a tree of its own; of none, ``EMPTY_ROOT``.

    Joins neighbours and lets an odd last one rise, which gives the same tree as splitting at the largest power of two.
    """
    if not leaves:
        return EMPTY_ROOT
    row = list(leaves)
    while len(row) > 1:
        paired = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
        if len(row) % 2:
            paired.append(row[-1])
        row = paired
    return row[0]


def _check_hash(value: bytes, what: str) -> None:
    if len(value) != HASH_BYTES:
        raise MalformedProof(f"{what} has {len(value)} bytes, not {HASH_BYTES}")


def _check_hashes(proof: Sequence[bytes], ceiling: int) -> None:
    """Raise unless the proof is a short list of hashes; the ceiling bounds work on hostile input."""
    if len(proof) > ceiling:
        raise MalformedProof(f"a proof of {len(proof)} hashes; no tree needs more than {ceiling}")
    for at, value in enumerate(proof):
        _check_hash(value, f"hash {at} of the proof")


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise MalformedProof(f"a tree of size {size} is outside 0 to {MAX_SIZE}")


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return if ``proof`` leads from the leaf hash at ``index`` to the root of the tree of ``size`` leaves.

    ``MalformedProof`` says what is wrong otherwise (RFC 9162, 2.1.3.2). Hashes are 32 raw bytes, sibling of the leaf
    first.
    """
    _check_size(size)
    if not 0 <= index < size:
        raise MalformedProof(f"index {index} is not in a tree of size {size}")
    _check_hash(leaf, "the leaf hash")
    _check_hash(root, "the root")
    _check_hashes(proof, MAX_INCLUSION_HASHES)
    here, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise MalformedProof(f"inclusion proof has hashes left over: {len(proof)} for a tree of size {size}")
        if here & 1 or here == last:
            value = node_hash(sibling, value)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        here, last = here >> 1, last >> 1
    if last:
        raise MalformedProof(f"inclusion proof is too short: {len(proof)} hashes for a tree of size {size}")
    if value != root:
        raise MalformedProof("inclusion proof does not lead to the root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Return if the tree of ``new`` leaves begins with the very leaves of the tree of ``old`` leaves.

    ``MalformedProof`` says what is wrong otherwise (RFC 9162, 2.1.4.2). The proof is empty when the sizes are equal and
    when ``old`` is 0; then the roots are compared, with each other or with ``EMPTY_ROOT``.
    """
    _check_size(old)
    _check_size(new)
    if old > new:
        raise MalformedProof(f"the log shrank: size {new} comes after size {old}")
    _check_hash(old_root, "the old root")
    _check_hash(new_root, "the new root")
    _check_hashes(proof, MAX_CONSISTENCY_HASHES)
    for size, root in ((old, old_root), (new, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise MalformedProof("the root given for size 0 is not that of the empty tree")
    if old == 0 or old == new:
        if proof:
            raise MalformedProof(f"consistency proof from size {old} to {new} must be empty")
        if old == new and old_root != new_root:
            raise MalformedProof(f"two different roots for one size, {old}")
        return
    _walk_consistency(old, new, proof, old_root, new_root)


def _walk_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Rebuild both roots at once for 0 < old < new and compare them."""
    steps = iter(proof)
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    # A whole power of two: the old root is itself the node the proof starts from, so it is not repeated.
    start = old_root if here == 0 else next(steps, None)
    if start is None:
        raise MalformedProof(f"consistency proof is empty, from size {old} to {new}")
    in_old = in_new = start
    for sibling in steps:
        if last == 0:
            raise MalformedProof(f"consistency proof has hashes left over, from size {old} to {new}")
        if here & 1 or here == last:
            in_old, in_new = node_hash(sibling, in_old), node_hash(sibling, in_new)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            in_new = node_hash(in_new, sibling)
        here, last = here >> 1, last >> 1
    if last:
        raise MalformedProof(f"consistency proof is too short, from size {old} to {new}")
    if in_old != old_root:
        raise MalformedProof("consistency proof does not lead to the old root")
    if in_new != new_root:
        raise MalformedProof("consistency proof does not lead to the new root")
