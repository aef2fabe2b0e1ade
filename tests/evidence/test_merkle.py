"""The Merkle tree: published vectors, the definition of RFC 9162 written out again, and every kind of damage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import MalformedProof
from archiver.evidence.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    entry_of,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors/merkle/transparency-dev.json").read_text("utf-8")
)
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in VECTORS["leaves"]]
ROOTS = [EMPTY_ROOT, *map(bytes.fromhex, VECTORS["roots"])]
SOME = bytes.fromhex(VECTORS["some_hash"])
MANY = [leaf_hash(sha256(b"%d" % number).digest()) for number in range(257)]


def hashes(texts: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


@cache
def mth(start: int, end: int) -> bytes:
    """MTH(D[start:end]) over MANY, by the recursive definition (RFC 9162, 2.1.1)."""
    if end - start == 1:
        return MANY[start]
    split = 1
    while 2 * split < end - start:
        split *= 2
    return node_hash(mth(start, start + split), mth(start + split, end))


@cache
def path_of(index: int, start: int, end: int) -> tuple[bytes, ...]:
    """PATH(index, D[start:end]) by the recursive definition (RFC 9162, 2.1.3.1)."""
    if end - start == 1:
        return ()
    split = 1
    while 2 * split < end - start:
        split *= 2
    if index < split:
        return (*path_of(index, start, start + split), mth(start + split, end))
    return (*path_of(index - split, start + split, end), mth(start, start + split))


@cache
def subproof(old: int, start: int, end: int, whole: bool) -> tuple[bytes, ...]:
    """SUBPROOF(old, D[start:end], whole) by the recursive definition (RFC 9162, 2.1.4.1)."""
    if old == end - start:
        return () if whole else (mth(start, end),)
    split = 1
    while 2 * split < end - start:
        split *= 2
    if old <= split:
        return (*subproof(old, start, start + split, whole), mth(start + split, end))
    return (*subproof(old - split, start + split, end, False), mth(start, start + split))


def test_entry_leaf_and_node() -> None:
    assert entry_of(b"{}\n").hex() == "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"
    assert leaf_hash(b"") == sha256(b"\x00").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    assert sha256().digest() == EMPTY_ROOT


def test_published_roots() -> None:
    assert [root_of(LEAVES[:size]) for size in range(9)] == ROOTS
    assert bytes.fromhex(VECTORS["empty_root"]) == EMPTY_ROOT


def test_root_follows_the_definition_up_to_257() -> None:
    for size in range(1, 258):
        assert root_of(MANY[:size]) == mth(0, size)


def test_every_inclusion_proof_up_to_256() -> None:
    for size in range(1, 257):
        root = mth(0, size)
        for index in range(size):
            verify_inclusion(MANY[index], index, size, path_of(index, 0, size), root)


def test_every_consistency_proof_up_to_256() -> None:
    for new in range(1, 257):
        for old in range(1, new + 1):
            verify_consistency(old, new, subproof(old, 0, new, True), mth(0, old), mth(0, new))


def damaged_inclusion(case: dict[str, Any]) -> Iterator[tuple[str, bytes, int, int, list[bytes], bytes]]:
    """The cases that transparency-dev/merkle derives from a good one."""
    index, size, proof = case["index"], case["size"], hashes(case["proof"])
    leaf, root = LEAVES[index], ROOTS[size]
    for name, wrong in (("minus 1", index - 1), ("plus 1", index + 1), ("xor 2", index ^ 2)):
        yield f"index {name}", leaf, wrong, size, proof, root
        yield f"index {name} as unsigned", leaf, wrong % 2**64, size, proof, root
    yield "size doubled", leaf, index, size * 2, proof, root
    yield "size halved", leaf, index, size // 2, proof, root
    yield "leaf of wrong length", b"WrongLeaf", index, size, proof, root
    yield "root of the empty tree", leaf, index, size, proof, EMPTY_ROOT
    yield "another root", leaf, index, size, proof, SOME
    for name, extra in (("nothing", b""), ("the root", root)):
        yield f"{name} appended", leaf, index, size, [*proof, extra], root
        yield f"{name} put first", leaf, index, size, [extra, *proof], root
    for at in range(len(proof)):
        bad = [*proof[:at], bytes([proof[at][0] ^ 8, *proof[at][1:]]), *proof[at + 1 :]]
        yield f"bit of hash {at}", leaf, index, size, bad, root
    if proof:
        yield "last hash removed", leaf, index, size, proof[:-1], root
    if len(proof) > 1:
        yield "hash inserted", leaf, index, size, [proof[0], SOME, *proof[1:]], root


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda c: f"{c['index']} of {c['size']}")
def test_published_inclusion_proofs(case: dict[str, Any]) -> None:
    verify_inclusion(LEAVES[case["index"]], case["index"], case["size"], hashes(case["proof"]), ROOTS[case["size"]])
    for name, leaf, index, size, proof, root in damaged_inclusion(case):
        with pytest.raises(MalformedProof):
            verify_inclusion(leaf, index, size, proof, root)
            pytest.fail(f"accepted with {name}")


@pytest.mark.parametrize("case", VECTORS["inclusion_refused"], ids=lambda c: str(c["desc"]))
def test_published_inclusion_refusals(case: dict[str, Any]) -> None:
    leaf, root = hashes([case["leaf"], case["root"]])
    with pytest.raises(MalformedProof):
        verify_inclusion(leaf, case["index"], case["size"], [], root)


def test_published_cases_of_a_single_entry() -> None:
    only = leaf_hash(b"data")
    verify_inclusion(only, 0, 1, [], only)
    for leaf, root in ((b"", only), (only, b""), (b"", b"")):
        with pytest.raises(MalformedProof, match="0 bytes"):
            verify_inclusion(leaf, 0, 1, [], root)


def damaged_consistency(
    case: dict[str, Any],
) -> Iterator[tuple[str, int, int, list[bytes], bytes, bytes]]:
    """The cases that transparency-dev/merkle derives from a good one."""
    old, new, proof = case["old"], case["new"], hashes(case["proof"])
    first, last = ROOTS[old], ROOTS[new]
    for name, wrong in (("minus 1", old - 1), ("plus 1", old + 1), ("xor 2", old ^ 2)):
        yield f"old size {name}", wrong, new, proof, first, last
    yield "new size doubled", old, new * 2, proof, first, last
    yield "new size halved", old, new // 2, proof, first, last
    yield "old root of wrong length", old, new, proof, b"WrongRoot", last
    yield "new root of wrong length", old, new, proof, first, b"WrongRoot"
    yield "roots exchanged", old, new, proof, last, first
    yield "empty proof", old, new, [], first, last
    for name, extra in (("nothing", b""), ("old root", first), ("new root", last), ("itself", proof[0])):
        yield f"{name} put first", old, new, [extra, *proof], first, last
        yield f"{name} appended", old, new, [*proof, extra], first, last
    yield "truncated", old, new, proof[:-1], first, last
    for at in range(len(proof)):
        bad = [*proof[:at], bytes([proof[at][0] ^ 16, *proof[at][1:]]), *proof[at + 1 :]]
        yield f"bit of hash {at}", old, new, bad, first, last


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda c: f"{c['old']} to {c['new']}")
def test_published_consistency_proofs(case: dict[str, Any]) -> None:
    verify_consistency(case["old"], case["new"], hashes(case["proof"]), ROOTS[case["old"]], ROOTS[case["new"]])
    for name, old, new, proof, first, last in damaged_consistency(case) if case["proof"] else ():
        with pytest.raises(MalformedProof):
            verify_consistency(old, new, proof, first, last)
            pytest.fail(f"accepted with {name}")


@pytest.mark.parametrize("case", VECTORS["consistency_refused"], ids=lambda c: str(c["desc"]))
def test_published_consistency_refusals(case: dict[str, Any]) -> None:
    with pytest.raises(MalformedProof):
        verify_consistency(
            case["old"], case["new"], hashes(case["proof"]), *hashes([case["old_root"], case["new_root"]])
        )


def test_published_cases_decided_otherwise_here() -> None:
    # Upstream refuses old size 0; C2SP tlog-witness needs it, so only the length of the new root stood in the way.
    verify_consistency(0, 1, [], EMPTY_ROOT, ROOTS[1])
    # Upstream accepts roots of 12 bytes; with ones of 32 so do we.
    (case,) = VECTORS["consistency_accepted"]
    with pytest.raises(MalformedProof, match="12 bytes"):
        verify_consistency(1, 1, [], *hashes([case["old_root"], case["new_root"]]))
    verify_consistency(1, 1, [], SOME, SOME)


class TestSizeZero:
    def test_includes_nothing(self) -> None:
        with pytest.raises(MalformedProof, match="index 0 is not in a tree of size 0"):
            verify_inclusion(LEAVES[0], 0, 0, [], EMPTY_ROOT)

    def test_is_the_beginning_of_every_tree(self) -> None:
        for size in range(9):
            verify_consistency(0, size, [], EMPTY_ROOT, ROOTS[size])

    def test_needs_its_own_root(self) -> None:
        for old, new, first, last in ((0, 1, SOME, ROOTS[1]), (0, 0, SOME, SOME), (0, 0, EMPTY_ROOT, SOME)):
            with pytest.raises(MalformedProof, match="not that of the empty tree"):
                verify_consistency(old, new, [], first, last)

    def test_needs_an_empty_proof(self) -> None:
        with pytest.raises(MalformedProof, match="must be empty"):
            verify_consistency(0, 1, [ROOTS[1]], EMPTY_ROOT, ROOTS[1])


PROOF = hashes(VECTORS["inclusion"][1]["proof"])


@pytest.mark.parametrize(
    ("index", "size", "proof", "message"),
    [
        (0, -1, PROOF, "outside 0 to"),
        (0, MAX_SIZE + 1, PROOF, "outside 0 to"),
        (-1, 8, PROOF, "index -1 is not in"),
        (8, 8, PROOF, "index 8 is not in"),
        (0, 8, [SOME] * 64, "needs more than 63"),
        (0, 8, [*PROOF, SOME], "left over"),
        (0, 8, PROOF[:2], "too short"),
        (0, 8, [PROOF[0], PROOF[1], PROOF[2][:31]], "hash 2 of the proof has 31 bytes"),
        (1, 8, PROOF, "does not lead to the root"),
    ],
)
def test_inclusion_messages(index: int, size: int, proof: list[bytes], message: str) -> None:
    with pytest.raises(MalformedProof, match=message):
        verify_inclusion(LEAVES[0], index, size, proof, ROOTS[8])


FROM_6 = hashes(VECTORS["consistency"][2]["proof"])


@pytest.mark.parametrize(
    ("old", "new", "proof", "first", "last", "message"),
    [
        (-1, 8, FROM_6, ROOTS[6], ROOTS[8], "outside 0 to"),
        (6, MAX_SIZE + 1, FROM_6, ROOTS[6], ROOTS[8], "outside 0 to"),
        (8, 6, FROM_6, ROOTS[8], ROOTS[6], "the log shrank"),
        (6, 8, [SOME] * 65, ROOTS[6], ROOTS[8], "needs more than 64"),
        (6, 8, [], ROOTS[6], ROOTS[8], "proof is empty"),
        (6, 8, FROM_6[:-1], ROOTS[6], ROOTS[8], "too short"),
        (6, 8, [*FROM_6, SOME], ROOTS[6], ROOTS[8], "left over"),
        (6, 8, FROM_6, SOME, ROOTS[8], "to the old root"),
        (6, 8, FROM_6, ROOTS[6], SOME, "to the new root"),
        (6, 8, FROM_6, ROOTS[6][:31], ROOTS[8], "old root has 31 bytes"),
        (6, 8, FROM_6, ROOTS[6], b"", "new root has 0 bytes"),
        (6, 6, [SOME], ROOTS[6], ROOTS[6], "must be empty"),
        (6, 6, [], ROOTS[6], SOME, "two different roots for one size"),
    ],
)
def test_consistency_messages(old: int, new: int, proof: list[bytes], first: bytes, last: bytes, message: str) -> None:
    with pytest.raises(MalformedProof, match=message):
        verify_consistency(old, new, proof, first, last)


@given(st.data())
def test_one_changed_bit_anywhere_is_refused(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 257))
    index = data.draw(st.integers(0, new - 1))
    path = path_of(index, 0, new)
    at, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
    bad = [*path]
    bad[at] = (int.from_bytes(path[at], "big") ^ (1 << bit)).to_bytes(32, "big")
    with pytest.raises(MalformedProof, match="does not lead"):
        verify_inclusion(MANY[index], index, new, bad, mth(0, new))


@given(st.integers(1, 257), st.integers(0, 300), st.integers(0, 256))
def test_a_proof_holds_for_its_own_place_only(size: int, other: int, index: int) -> None:
    index %= size
    if other == index:
        return
    with pytest.raises(MalformedProof):
        verify_inclusion(MANY[index], other, size, path_of(index, 0, size), mth(0, size))


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70), st.integers(0, 2**64), st.integers(0, 2**64))
def test_random_proofs_are_refused(proof: list[bytes], old: int, new: int) -> None:
    with pytest.raises(MalformedProof):
        verify_inclusion(SOME, old, new, proof, ROOTS[1])
    if 0 < old != new:
        with pytest.raises(MalformedProof):
            verify_consistency(old, new, proof, ROOTS[2], ROOTS[1])
