"""The texts of versions on disk, named by their digests: what a version said stays readable whatever becomes of us.

A text, the seed of its line commitments and the links beside it are written before the assessment that names them is
committed, and never again. They can be derived from the WARC too; that needs the normaliser of their day.
"""

from __future__ import annotations

import hashlib
import json
import re

from archiver.errors import ArchiveDamaged, FormatError
from archiver.evidence.text_lines import lines_root
from archiver.watch.reading import Link, Reading
from storage.errors import Missing
from storage.interface import Files

FOLDER = "texts"
_NAME = re.compile(r"texts/([0-9a-f]{2})/([0-9a-f]{64})\.(?:txt|salt|links)")


def text_path(sha256: str) -> str:
    """Where the text with this digest lies."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}.txt"


def salt_path(sha256: str) -> str:
    """Where the seed of its line commitments lies."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}.salt"


def links_path(sha256: str) -> str:
    """Where the links with this digest lie."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}.links"


def is_text_file(path: str) -> bool:
    """Say whether a file with this name may lie in ``texts/``: one of the three kinds, in its folder."""
    found = _NAME.fullmatch(path)
    return found is not None and found[1] == found[2][:2]


def digest_of_text(path: str) -> str | None:
    """The digest in the path of a text; None for salts, links and whatever lies elsewhere."""
    found = _NAME.fullmatch(path)
    return found[2] if found is not None and path.endswith(".txt") else None


def keep(files: Files, reading: Reading, seed: bytes) -> tuple[list[str], str | None]:
    """Write what a text consists of that no statement names yet; return the paths to sync, and the root of its lines.

    If we crash before the commit the files stay: named by what they hold, they harm nobody, and make way the next time.
    """
    sha256 = reading.text_sha256
    paths = [text_path(sha256)]
    _lay(files, paths[0], reading.text.encode())
    if reading.lines:  # of no lines nothing is salted
        paths.append(salt_path(sha256))
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
    except FormatError as error:
        return f"{salt_path(text_sha256)}: {error.what}"
    except ArchiveDamaged as error:
        return error.what
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
