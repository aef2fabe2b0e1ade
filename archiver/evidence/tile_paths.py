"""Where the files of a log lie (C2SP tlog-tiles v0.1.0): paths of tiles and bundles, and which ones a size has."""

from __future__ import annotations

from collections.abc import Iterator

from archiver.errors import FormatError
from archiver.evidence.merkle import MAX_SIZE

HEIGHT = 8
WIDTH = 1 << HEIGHT


class MalformedTile(FormatError):
    """Not a tile or entry bundle of this log: wrong length, wrong entry, no such index."""


def _number(index: int) -> str:
    """Return 1234067 as ``x001/x234/067``."""
    text = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        text = f"x{index % 1000:03d}/{text}"
    return text


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Return the path of a tile with ``width`` hashes: ``tile/0/x001/234`` if that is 256, else with ``.p/<width>``."""
    return f"tile/{level}/{_number(index)}" + ("" if width == WIDTH else f".p/{width}")


def bundle_path(index: int, width: int = WIDTH) -> str:
    """Return the path of an entry bundle with ``width`` entries: ``tile/entries/000.p/5``."""
    return f"tile/entries/{_number(index)}" + ("" if width == WIDTH else f".p/{width}")


def full_path(path: str) -> str:
    """Return the path of the full file that takes the place of a partial one; of a full one, itself."""
    return path.partition(".p/")[0]


def check_size(size: int) -> None:
    """Raise ``MalformedTile`` unless a log can have this many leaves."""
    if not 0 <= size <= MAX_SIZE:
        raise MalformedTile(f"a log of size {size} is outside 0 to {MAX_SIZE}")


def width_of(count: int, index: int) -> int:
    """Return how many hashes tile ``index`` has where its level has ``count``."""
    return min(WIDTH, count - index * WIDTH)


def expected_paths(size: int) -> Iterator[str]:
    """Yield every file that a complete log of this size has: entry bundles, then tiles level by level.

    Partial files are those of this size; older ones may lie beside them.
    """
    check_size(size)
    for index in range(-(-size // WIDTH)):
        yield bundle_path(index, width_of(size, index))
    level, count = 0, size
    while count:
        for index in range(-(-count // WIDTH)):
            yield tile_path(level, index, width_of(count, index))
        level, count = level + 1, count >> HEIGHT
