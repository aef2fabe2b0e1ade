"""The log as files: paths of the specification, growth in every rhythm, proofs from tiles, damage found."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.evidence.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from archiver.evidence.tiles import (
    MalformedTile,
    bundle_path,
    consistency_proof,
    entry_at,
    expected_paths,
    full_path,
    grow,
    inclusion_proof,
    inclusion_proofs,
    inclusion_prover,
    read_entries,
    root_at,
    tile_path,
)
from tests.evidence.test_merkle import path_of, subproof

ENTRIES = [sha256(b"%d" % number).digest() for number in range(65_537 + 300)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


class Log:
    """A log in a dictionary that notes what is read."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.size = 0
        self.root = EMPTY_ROOT
        self.asked: list[str] = []

    def read(self, path: str) -> bytes:
        self.asked.append(path)
        return self.files[path]

    def read_either(self, path: str) -> bytes:
        """As a reader may when partial files were deleted."""
        return self.files[path if path in self.files else full_path(path)]

    def grow_to(self, size: int) -> None:
        growth = grow(self.size, ENTRIES[self.size : size], self.read)
        assert not growth.files.keys() & self.files.keys(), "a file was written twice"
        self.files |= growth.files
        self.size, self.root = growth.size, growth.root


def log_of(sizes: Iterable[int]) -> Log:
    log = Log()
    for size in sizes:
        log.grow_to(size)
    return log


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (0, "000"),
        (7, "007"),
        (999, "999"),
        (1000, "x001/000"),
        (1234067, "x001/x234/067"),
        (10**9, "x001/x000/x000/000"),
    ],
)
def test_paths(index: int, text: str) -> None:
    assert tile_path(0, index) == f"tile/0/{text}"
    assert tile_path(2, index, 255) == f"tile/2/{text}.p/255"
    assert bundle_path(index) == f"tile/entries/{text}"
    assert bundle_path(index, 1) == f"tile/entries/{text}.p/1"
    assert full_path(bundle_path(index, 1)) == full_path(bundle_path(index)) == bundle_path(index)


def test_expected_paths_of_the_example_in_the_specification() -> None:
    paths = list(expected_paths(70_000))
    assert len(paths) == len(set(paths)) == 274 + 274 + 2 + 1
    for path in ("tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"):
        assert path in paths
    assert list(expected_paths(256)) == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    assert list(expected_paths(0)) == []


def test_growing_one_by_one() -> None:
    log = Log()
    for size in range(1, 601):
        log.grow_to(size)
        assert log.root == root_of(LEAVES[:size])
        assert set(expected_paths(size)) <= log.files.keys()
        assert root_at(size, log.read) == log.root
    # Every partial file of every size stays until somebody deletes it, and each holds what its name says.
    for path, data in log.files.items():
        width = int(path.partition(".p/")[2] or 256)
        assert len(data) == width * (34 if "entries" in path else 32)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 65_793])
def test_boundaries(size: int) -> None:
    log = log_of([size])
    assert list(log.files) == list(expected_paths(size))
    assert log.root == root_of(LEAVES[:size]) == root_at(size, log.read)
    indexes = sorted({0, 1, 254, 255, 256, 257, size // 2, size - 2, size - 1} & set(range(size)))
    for index in indexes:
        assert entry_at(index, size, log.read) == ENTRIES[index]
        verify_inclusion(LEAVES[index], index, size, inclusion_proof(index, size, log.read), log.root)
    for old in {*indexes, size}:
        proof = consistency_proof(old, size, log.read)
        verify_consistency(old, size, proof, root_of(LEAVES[:old]), log.root)
    assert list(read_entries(size, log.read)) == ENTRIES[:size]


def test_every_proof_up_to_256_is_that_of_the_definition() -> None:
    log = log_of(range(1, 257))
    for size in range(1, 257):
        # All of the small sizes; of the larger ones a different seventh each time.
        chosen = range(size) if size <= 40 or size == 256 else range(size % 7, size, 7)
        for index in chosen:
            assert inclusion_proof(index, size, log.read) == path_of(index, 0, size)
            if index:
                assert consistency_proof(index, size, log.read) == subproof(index, 0, size, True)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=12).map(sorted), st.data())
def test_the_rhythm_of_growth_leaves_no_trace(sizes: list[int], data: st.DataObject) -> None:
    steps = log_of(sizes)
    size = sizes[-1]
    once = log_of([size])
    assert steps.root == once.root
    assert {path: steps.files[path] for path in expected_paths(size)} == once.files
    for old, new in pairwise([0, *sizes]):
        before = root_at(old, steps.read)
        proof = consistency_proof(old, size, steps.read)
        verify_consistency(old, size, proof, before, steps.root)
        assert list(read_entries(new, steps.read, old)) == ENTRIES[old:new]
    if size:
        index = data.draw(st.integers(0, size - 1))
        verify_inclusion(LEAVES[index], index, size, inclusion_proof(index, size, steps.read), once.root)


@pytest.mark.parametrize("size", [1, 255, 256, 300, 65_536, 65_700])
def test_growth_reads_the_right_edge_only(size: int) -> None:
    log = log_of([size])
    log.asked.clear()
    log.grow_to(size + 50)
    edge = {path for path in expected_paths(size) if ".p/" in path}
    assert set(log.asked) == edge
    assert len(log.asked) == len(edge) <= 4


def test_deleted_partial_files_are_replaced_by_full_ones() -> None:
    log = log_of([100, 300, 600])
    for path in [path for path in log.files if path.startswith(("tile/0/000.p", "tile/entries/000.p"))]:
        del log.files[path]
    with pytest.raises(KeyError):
        root_at(100, log.read)
    assert root_at(100, log.read_either) == root_of(LEAVES[:100])
    assert list(read_entries(100, log.read_either)) == ENTRIES[:100]
    proof = inclusion_proof(7, 100, log.read_either)
    verify_inclusion(LEAVES[7], 7, 100, proof, root_of(LEAVES[:100]))


def test_proofs_of_a_batch_are_those_of_each_and_read_every_tile_once() -> None:
    log = log_of([600])
    chosen = [5, 0, 599, 300, 255, 256, 5]
    single = [(index, inclusion_proof(index, 600, log.read)) for index in chosen]
    log.asked.clear()
    prove = inclusion_prover(600, log.read)
    assert [(index, prove(index)) for index in chosen] == single
    assert len(log.asked) == len(set(log.asked))
    log.asked.clear()
    assert list(inclusion_proofs(chosen, 600, log.read)) == single
    assert len(log.asked) == len(set(log.asked))
    with pytest.raises(MalformedTile, match="no entry 600"):
        list(inclusion_proofs([600], 600, log.read))


class TestSizeZero:
    def test_has_the_root_of_nothing_and_no_files(self) -> None:
        log = log_of([0])
        assert (log.files, log.size, log.root) == ({}, 0, EMPTY_ROOT)
        assert root_at(0, log.read) == EMPTY_ROOT
        assert list(read_entries(0, log.read)) == []
        assert log.asked == []

    def test_is_the_beginning_of_every_log(self) -> None:
        assert consistency_proof(0, 5, log_of([5]).read) == ()
        assert consistency_proof(0, 0, Log().read) == ()

    def test_has_no_entry(self) -> None:
        with pytest.raises(MalformedTile, match="no entry 0 in a log of size 0"):
            inclusion_proof(0, 0, Log().read)
        with pytest.raises(MalformedTile, match="no entry 0 in a log of size 0"):
            entry_at(0, 0, Log().read)


class TestDamage:
    @pytest.mark.parametrize("path", ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"])
    @pytest.mark.parametrize("change", [-1, 1, -32, 34])
    def test_wrong_length(self, path: str, change: int) -> None:
        log = log_of([300])
        log.files[path] = (log.files[path] + bytes(40))[: len(log.files[path]) + change]
        with pytest.raises(MalformedTile, match=f"{path} has"):
            grow(300, ENTRIES[:1], log.read)

    def test_full_tile_of_wrong_length(self) -> None:
        log = log_of([300])
        log.files["tile/0/000"] += bytes(32)
        with pytest.raises(MalformedTile, match="tile/0/000 has 8224 bytes, not 8192"):
            inclusion_proof(3, 300, log.read)

    def test_changed_entry(self) -> None:
        log = log_of([300])
        bad = bytearray(log.files["tile/entries/000"])
        bad[34 * 5 + 2] ^= 1
        log.files["tile/entries/000"] = bytes(bad)
        with pytest.raises(MalformedTile, match="entry 5 does not hash"):
            list(read_entries(300, log.read))
        with pytest.raises(MalformedTile, match="entry 5 does not hash"):
            entry_at(5, 300, log.read)
        assert entry_at(6, 300, log.read) == ENTRIES[6]

    def test_changed_entry_at_the_edge_stops_growth(self) -> None:
        log = log_of([300])
        bad = bytearray(log.files["tile/entries/001.p/44"])
        bad[-1] ^= 1
        log.files["tile/entries/001.p/44"] = bytes(bad)
        with pytest.raises(MalformedTile, match="entry 299 does not hash"):
            grow(300, ENTRIES[300:301], log.read)

    def test_changed_length_prefix(self) -> None:
        log = log_of([300])
        bad = bytearray(log.files["tile/entries/000"])
        bad[34 * 5 + 1] ^= 1
        log.files["tile/entries/000"] = bytes(bad)
        with pytest.raises(MalformedTile, match="not 32 bytes long"):
            list(read_entries(300, log.read))

    @pytest.mark.parametrize("path", list(expected_paths(600)))
    def test_any_changed_bit_is_found(self, path: str) -> None:
        log = log_of([600])
        bad = bytearray(log.files[path])
        bad[len(bad) // 2] ^= 1
        log.files[path] = bytes(bad)
        if path.startswith("tile/1/") or path == "tile/0/002.p/88":
            assert root_at(600, log.read) != log.root
        else:
            with pytest.raises(MalformedTile):
                list(read_entries(600, log.read))

    @pytest.mark.parametrize("entry", [b"", bytes(31), bytes(33)])
    def test_entry_of_wrong_length(self, entry: bytes) -> None:
        with pytest.raises(MalformedTile, match="entry 1 has"):
            grow(0, [bytes(32), entry], Log().read)

    @pytest.mark.parametrize("size", [-1, MAX_SIZE + 1])
    def test_size_out_of_range(self, size: int) -> None:
        for call in (
            lambda: grow(size, [], Log().read),
            lambda: root_at(size, Log().read),
            lambda: list(expected_paths(size)),
            lambda: list(read_entries(size, Log().read)),
            lambda: inclusion_proof(0, size, Log().read),
            lambda: consistency_proof(0, size, Log().read),
        ):
            with pytest.raises(MalformedTile, match="outside 0 to"):
                call()

    def test_index_or_size_out_of_range(self) -> None:
        log = log_of([10])
        for index in (-1, 10):
            with pytest.raises(MalformedTile, match="no entry"):
                inclusion_proof(index, 10, log.read)
            with pytest.raises(MalformedTile, match="no entry"):
                entry_at(index, 10, log.read)
        for old in (-1, 11):
            with pytest.raises(MalformedTile, match="cannot go from size"):
                consistency_proof(old, 10, log.read)
            with pytest.raises(MalformedTile, match="no entry"):
                list(read_entries(10, log.read, old))


def test_paths_of_the_largest_log_can_be_named() -> None:
    assert next(expected_paths(MAX_SIZE)) == "tile/entries/000"
    # Proofs in it take at most 63 hashes, from at most eight levels of tiles.
    asked: list[str] = []

    def zeros(path: str) -> bytes:
        asked.append(path)
        return bytes(int(path.partition(".p/")[2] or 256) * 32)

    assert len(inclusion_proof(0, MAX_SIZE, zeros)) == 63
    assert max(int(path.split("/")[1]) for path in asked) == 7
