"""Paths inside a tree: the one check that every path passes before it reaches a disk (pure)."""

from __future__ import annotations

from storage.errors import UnsafePath

PATH_CEILING = 2000
"""Longest path in bytes of UTF-8."""
NAME_CEILING = 255
"""Longest single name in bytes of UTF-8; the limit of every common file system."""
DEPTH_CEILING = 32
"""Most names in a path."""

_CONTROL = frozenset(map(chr, range(32))) | {"\x7f"}


def check_path(path: str, *, root: bool = False) -> str:
    """Return the path itself, or raise ``UnsafePath``.

    Refused: absolute paths, empty, ``.`` and ``..`` names, NUL and other control characters (a line feed would
    forge lines in messages), text without a UTF-8 form, anything above the ceilings. The empty path is the root
    of the tree, allowed only with ``root``.
    """
    if not path:
        if root:
            return path
        raise UnsafePath(path, "this is not possible with the root of the tree")
    if not _CONTROL.isdisjoint(path):
        raise UnsafePath(ascii(path), "a path must not hold control characters")
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        raise UnsafePath(ascii(path), "a path must be UTF-8") from None
    names = encoded.split(b"/")
    if b"" in names or b"." in names or b".." in names:
        raise UnsafePath(path, "a path must be relative, without empty names, '.' and '..'")
    if len(encoded) > PATH_CEILING or len(names) > DEPTH_CEILING or max(map(len, names)) > NAME_CEILING:
        raise UnsafePath(path, "the path is too long or too deep")
    return path


def parent_of(path: str) -> str:
    """Return the folder that holds the path; the root is its own parent."""
    return path.rpartition("/")[0]


def ancestors_of(path: str) -> list[str]:
    """Return all folders above the path, nearest first, the root last; none for the root."""
    found = []
    while path:
        path = parent_of(path)
        found.append(path)
    return found


def name_of(path: str) -> str:
    """Return the last name of the path."""
    return path.rpartition("/")[2]


def temporary_for(path: str) -> str:
    """Return where ``replace`` prepares a file: beside it, one place per target so that none can pile up."""
    above, slash, name = path.rpartition("/")
    return check_path(f"{above}{slash}.{name}.new")
