"""The texts of versions on disk, named by their digests: what a version said stays readable whatever becomes of us.

A text, the seed of its line commitments and the links beside it are written before the assessment that names them is
committed, and never again. They can be derived from the WARC too; that needs the normaliser of their day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from archiver.errors import ArchiveDamaged, FormatError
from archiver.evidence.text_lines import SEED_BYTES, lines_root
from archiver.watch.reading import Link, Reading
from storage.errors import Missing
from storage.interface import Files

FOLDER = "texts"


def text_path(sha256: str) -> str:
    """Where the text with this digest lies."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}.txt"


def salt_path(sha256: str) -> str:
    """Where the seed of its line commitments lies."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}.salt"


def links_path(sha256: str) -> str:
    """Where the links with this digest lie."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}.links"


def keep(files: Files, reading: Reading, random: Callable[[int], bytes]) -> tuple[list[str], str | None]:
    """Write what a text consists of that no statement names yet; return the paths to sync, and the root of its lines.

    If we crash before the commit the files stay: named by what they hold, they harm nobody and serve the next time.
    """
    sha256 = reading.text_sha256
    paths = [text_path(sha256), salt_path(sha256)]
    _lay(files, paths[0], reading.text.encode())
    seed = files.read(paths[1]) if files.exists(paths[1]) else b""
    if len(seed) != SEED_BYTES:
        seed = random(SEED_BYTES)  # none yet, or torn by a power loss before any statement could rest on it
    _lay(files, paths[1], seed)
    return paths, lines_root(reading.lines, seed)


def keep_links(files: Files, reading: Reading) -> list[str]:
    """Write links that no statement names yet; return the paths to sync. None at all need no file."""
    if not reading.links:
        return []
    path = links_path(reading.links_sha256)
    _lay(files, path, reading.links_text.encode())
    return [path]


def _lay(files: Files, path: str, data: bytes) -> None:
    if files.exists(path):
        if files.read(path) == data:
            files.renew(path)  # after a failed sync the kernel may only seem to have it
            return
        files.remove(path)
    files.write(path, data)


def read_lines(files: Files, sha256: str) -> tuple[str, ...]:
    """The lines of a text; ``Missing`` where it is gone, ``ArchiveDamaged`` unless it has its digest."""
    data = files.read(text_path(sha256))
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ArchiveDamaged(f"{text_path(sha256)} has another digest than its name", do="restore it from a backup")
    return tuple(data.decode().split("\n")[:-1])


def read_links(files: Files, sha256: str) -> tuple[Link, ...]:
    """The links with this digest, in order (their lines are not kept); ``ArchiveDamaged`` unless they have it."""
    if sha256 == hashlib.sha256(b"").hexdigest():
        return ()
    data = files.read(links_path(sha256))
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ArchiveDamaged(f"{links_path(sha256)} has another digest than its name")
    return tuple(Link(-1, words, target) for words, target in map(json.loads, data.decode().split("\n")[:-1]))


def fault_of(files: Files, text_sha256: str, links_sha256: str | None, root: str | None) -> str | None:
    """What is wrong with the stored files of a text, or None: for ``verify --all``."""
    try:
        lines = read_lines(files, text_sha256)
        if root is not None and lines_root(lines, files.read(salt_path(text_sha256))) != root:
            return f"{salt_path(text_sha256)} does not lead to the root that the assessment states"
    except Missing as error:
        return f"{error.path} is missing"
    except (ArchiveDamaged, FormatError, UnicodeDecodeError) as error:
        return str(error)
    return None if links_sha256 is None else fault_of_links(files, links_sha256)


def fault_of_links(files: Files, sha256: str) -> str | None:
    """What is wrong with a stored list of links, or None."""
    try:
        read_links(files, sha256)
    except Missing as error:
        return f"{error.path} is missing"
    except (ArchiveDamaged, ValueError) as error:
        return str(error)
    return None
