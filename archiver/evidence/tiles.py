"""The log as files (C2SP tlog-tiles v0.1.0): where they lie, how they grow, and what is computed from them.

A tile of level L holds up to 256 hashes, each the root of a full tile of level L - 1; tiles of level 0 hold leaf
hashes. An entry bundle holds the entries below one tile of level 0. Everything here takes a ``ReadTile`` and never
touches a disk itself. Files are written once: growing a log writes new partial files beside the old ones, and a full
file when 256 are reached; then the partial ones of that tile may be deleted.

What is read is checked as far as it can be here: lengths, and entries against leaf hashes. Whether the hashes are the
log's own only a signed root can tell, so callers compare ``root_at`` or verify the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from archiver.evidence.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash, root_of
from archiver.evidence.tile_paths import (
    HEIGHT,
    WIDTH,
    MalformedTile,
    bundle_path,
    check_size,
    expected_paths,
    full_path,
    tile_path,
    width_of,
)

__all__ = [
    "WIDTH",
    "Growth",
    "MalformedTile",
    "ReadTile",
    "bundle_path",
    "consistency_proof",
    "entry_at",
    "expected_paths",
    "full_path",
    "grow",
    "inclusion_proof",
    "inclusion_proofs",
    "inclusion_prover",
    "read_entries",
    "root_at",
    "tile_path",
]

ENTRY_BYTES = 32
_PREFIX = ENTRY_BYTES.to_bytes(2, "big")  # uint16 length before every entry of a bundle
_STRIDE = len(_PREFIX) + ENTRY_BYTES

ReadTile = Callable[[str], bytes]
"""Returns the file of a path such as ``tile/0/x001/234.p/5``, relative to the log, or raises.

Asked for a partial file it may answer with the full one of the same tile (``full_path``), for partial files may be
deleted once the full one exists; what lies beyond the asked width is ignored.
"""


@dataclass(frozen=True, slots=True)
class Growth:
    """What has to be written for a log to grow; nothing of it counts before the checkpoint is published."""

    files: dict[str, bytes]
    """Path to content, full and partial: entry bundles, then tiles level by level; empty if nothing was added."""
    size: int
    """Leaves after growing."""
    root: bytes
    """32 bytes."""


def _read_piece(read: ReadTile, path: str, width: int, stride: int) -> bytes:
    """Return ``width`` items of a file that holds that many, or 256 where a full file stands in."""
    data = read(path)
    if len(data) not in (width * stride, WIDTH * stride):
        raise MalformedTile(f"{path} has {len(data)} bytes, not {width * stride}")
    return data[: width * stride]


def _read_hashes(read: ReadTile, level: int, index: int, width: int) -> list[bytes]:
    data = _read_piece(read, tile_path(level, index, width), width, HASH_BYTES)
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def _read_bundle(read: ReadTile, index: int, width: int) -> list[bytes]:
    """Return the entries of a bundle; each must be 32 bytes with its length before it."""
    path = bundle_path(index, width)
    data = _read_piece(read, path, width, _STRIDE)
    if any(data[at : at + 2] != _PREFIX for at in range(0, len(data), _STRIDE)):
        raise MalformedTile(f"{path} holds an entry that is not {ENTRY_BYTES} bytes long")
    return [data[at + 2 : at + _STRIDE] for at in range(0, len(data), _STRIDE)]


def _check_entries(entries: Sequence[bytes], leaves: Sequence[bytes], first: int) -> None:
    for at, (entry, leaf) in enumerate(zip(entries, leaves, strict=True)):
        if leaf_hash(entry) != leaf:
            raise MalformedTile(f"entry {first + at} does not hash to its leaf")


def _grow_level(files: dict[str, bytes], level: int, old: int, edge: list[bytes], added: list[bytes]) -> list[bytes]:
    """Add the tiles of one level to ``files``; return the roots of those that became full."""
    hashes, first, roots = edge + added, old // WIDTH, []
    for at in range(0, len(hashes), WIDTH):
        tile = hashes[at : at + WIDTH]
        files[tile_path(level, first + at // WIDTH, len(tile))] = b"".join(tile)
        if len(tile) == WIDTH:
            roots.append(root_of(tile))
    return roots


def _edge_root(edges: Sequence[Sequence[bytes]]) -> bytes:
    """Return the root from the hashes, lowest level first, that stand in no full tile.

    The root of what is unfinished below is the last and smallest branch of the level above, exactly as RFC 9162 splits
    a tree at the largest power of two.
    """
    below: list[bytes] = []
    for edge in edges:
        if edge:
            below = [root_of([*edge, *below])]
    return below[0] if below else EMPTY_ROOT


def _read_edge(read: ReadTile, level: int, count: int) -> list[bytes]:
    """Return the hashes of a level's last tile, or none where that is full."""
    width = count % WIDTH
    return _read_hashes(read, level, count // WIDTH, width) if width else []


def grow(old_size: int, entries: Sequence[bytes], read: ReadTile) -> Growth:
    """Return the files and the root after appending 32-byte entries to a log of ``old_size``.

    Reads the last partial file of each level and of the bundles, at most nine, and nothing else. Writes nothing: the
    caller makes the files durable before it publishes a checkpoint. ``MalformedTile`` if an entry or a file is wrong.
    Work and memory are linear in the number of entries added.
    """
    size = old_size + len(entries)
    check_size(old_size)
    check_size(size)
    for at, entry in enumerate(entries):
        if len(entry) != ENTRY_BYTES:
            raise MalformedTile(f"entry {old_size + at} has {len(entry)} bytes, not {ENTRY_BYTES}")
    files: dict[str, bytes] = {}
    edge = _read_edge(read, 0, old_size)
    if entries:
        first, width = divmod(old_size, WIDTH)
        bundled = _read_bundle(read, first, width) if width else []
        _check_entries(bundled, edge, first * WIDTH)
        bundled += entries
        for at in range(0, len(bundled), WIDTH):
            bundle = bundled[at : at + WIDTH]
            path = bundle_path(first + at // WIDTH, len(bundle))
            files[path] = b"".join([_PREFIX + entry for entry in bundle])
    edges: list[list[bytes]] = []
    level, old, new, added = 0, old_size, size, [leaf_hash(entry) for entry in entries]
    while new:
        if level:
            edge = _read_edge(read, level, old)
        roots = _grow_level(files, level, old, edge, added) if added else []
        edges.append((edge + added)[len(roots) * WIDTH :])
        level, old, new, added = level + 1, old >> HEIGHT, new >> HEIGHT, roots
    return Growth(files, size, _edge_root(edges))


def root_at(size: int, read: ReadTile) -> bytes:
    """Return the root of the first ``size`` leaves as the tiles have it; reads one file per level."""
    return grow(size, (), read).root


class _Tree:
    """Hashes of a log of one size, each tile read once."""

    def __init__(self, size: int, read: ReadTile) -> None:
        check_size(size)
        self._size = size
        self._read = read
        self._tiles: dict[tuple[int, int], list[bytes]] = {}
        self._roots: dict[tuple[int, int], bytes] = {}

    def _tile(self, level: int, index: int) -> list[bytes]:
        tile = self._tiles.get((level, index))
        if tile is None:
            width = width_of(self._size >> (level * HEIGHT), index)
            tile = self._tiles[level, index] = _read_hashes(self._read, level, index, width)
        return tile

    def _subtree(self, start: int, bits: int) -> bytes:
        """Return the root of the full subtree of 2**bits leaves that begins at ``start``."""
        level, rest = divmod(bits, HEIGHT)
        index, first = divmod(start >> (level * HEIGHT), WIDTH)
        return root_of(self._tile(level, index)[first : first + (1 << rest)])

    def root(self, start: int, end: int) -> bytes:
        """Return the root of the leaves of ``[start, end)``, a branch of the tree."""
        value = self._roots.get((start, end))
        if value is None:
            value = self._roots[start, end] = self._fold(start, end)
        return value

    def _fold(self, start: int, end: int) -> bytes:
        branches = []
        while start < end:
            bits = (end - start).bit_length() - 1
            branches.append(self._subtree(start, bits))
            start += 1 << bits
        value = branches.pop()
        for branch in reversed(branches):
            value = node_hash(branch, value)
        return value

    def path(self, index: int) -> tuple[bytes, ...]:
        """Return PATH(index, D[size]) of RFC 9162, 2.1.3.1."""
        if not 0 <= index < self._size:
            raise MalformedTile(f"no entry {index} in a log of size {self._size}")
        start, end, path = 0, self._size, []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self.root(middle, end))
                end = middle
            else:
                path.append(self.root(start, middle))
                start = middle
        return tuple(reversed(path))


def inclusion_proof(index: int, size: int, read: ReadTile) -> tuple[bytes, ...]:
    """Return the proof that leaf ``index`` is in the log of ``size`` leaves (RFC 9162, 2.1.3.1), its sibling first.

    ``MalformedTile`` if there is no such leaf. The caller verifies the proof against a signed root.
    """
    return _Tree(size, read).path(index)


def inclusion_prover(size: int, read: ReadTile) -> Callable[[int], tuple[bytes, ...]]:
    """Return ``inclusion_proof`` for leaves of one log of ``size`` leaves; what it read for one serves the next.

    Memory grows with the tiles that the leaves lie in.
    """
    return _Tree(size, read).path


def inclusion_proofs(indexes: Iterable[int], size: int, read: ReadTile) -> Iterator[tuple[int, tuple[bytes, ...]]]:
    """Yield each index with its ``inclusion_proof``, sharing what they have in common.

    Neighbours cost a tenth of single proofs. Keeps what it read: memory grows with the tiles that the indexes lie in.
    """
    tree = _Tree(size, read)
    for index in indexes:
        yield index, tree.path(index)


def consistency_proof(old: int, new: int, read: ReadTile) -> tuple[bytes, ...]:
    """Return the proof that the log of ``old`` leaves is the beginning of that of ``new`` (RFC 9162, 2.1.4.1).

    Empty for equal sizes and for ``old`` 0. ``MalformedTile`` if the sizes are in the wrong order. The caller verifies.
    """
    tree = _Tree(new, read)
    if not 0 <= old <= new:
        raise MalformedTile(f"a log cannot go from size {old} to {new}")
    if old in (0, new):
        return ()
    start, end, path = 0, new, []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(tree.root(middle, end))
            end = middle
        else:
            path.append(tree.root(start, middle))
            start = middle
    if start:
        path.append(tree.root(start, end))
    return tuple(reversed(path))


def _split(count: int) -> int:
    """Return the largest power of two below ``count``, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def read_entries(size: int, read: ReadTile, start: int = 0) -> Iterator[bytes]:
    """Yield the 32-byte entries of ``[start, size)`` in order, each checked against its leaf hash."""
    check_size(size)
    if not 0 <= start <= size:
        raise MalformedTile(f"no entry {start} in a log of size {size}")
    for index in range(start // WIDTH, -(-size // WIDTH)):
        width = width_of(size, index)
        entries = _read_bundle(read, index, width)
        _check_entries(entries, _read_hashes(read, 0, index, width), index * WIDTH)
        yield from entries[max(0, start - index * WIDTH) :]


def entry_at(index: int, size: int, read: ReadTile) -> bytes:
    """Return one 32-byte entry, checked against its leaf hash; ``MalformedTile`` if there is none of that index."""
    if not 0 <= index < size:
        raise MalformedTile(f"no entry {index} in a log of size {size}")
    number, place = divmod(index, WIDTH)
    width = width_of(size, number)
    entry = _read_bundle(read, number, width)[place]
    _check_entries([entry], [_read_hashes(read, 0, number, width)[place]], index)
    return entry
