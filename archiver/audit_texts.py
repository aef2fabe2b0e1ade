"""Check 15: every text of a version, its salts and its links are the bytes that an assessment states."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archiver.archive import Archive
from archiver.errors import ArchiveDamaged
from archiver.evidence.statement import Statement
from archiver.evidence.verify import Failed, Nothing
from archiver.texts import fault_of, fault_of_links, is_text_file, links_path, read_lines, salt_path, text_path
from storage.errors import StorageError


class StatedTexts:
    """The texts that the assessments of one pass over the journal name."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._texts: dict[str, str | None] = {}
        """Root of the lines by digest of the text."""
        self._links: set[str] = set()
        self.lost = False
        """A text cannot be read: the rows that come from it are missing here, or in a database made without it."""

    def take(self, statement: Statement) -> tuple[str, ...] | None:
        """Note what an assessment names; return the lines of a text that was not met before."""
        body = statement.body
        if statement.kind != "assessment" or body.get("links_sha256") is None:
            return None
        self._links.add(body["links_sha256"])
        sha256 = body["text_sha256"]
        if sha256 in self._texts:
            return None
        self._texts[sha256] = body["text_lines_root"]
        try:
            return read_lines(self._archive.files, sha256)
        except (StorageError, ArchiveDamaged):
            self.lost = True
            return None  # check 15 says what is missing or damaged

    def check(self, present: Iterable[str]) -> str:
        """Every stated file is there and equal; of those ``present`` before the pass, each is stated or may go."""
        for path in present:
            _require(None if is_text_file(path) else f"{path} does not belong there")
        if not self._texts:
            raise Nothing("no text was read yet")
        for sha256, root in self._texts.items():
            _require(fault_of(self._archive.files, sha256, None, root))
        for sha256 in sorted(self._links):
            _require(fault_of_links(self._archive.files, sha256))
        known = {path for sha256 in self._texts for path in (text_path(sha256), salt_path(sha256))}
        known |= {links_path(sha256) for sha256 in self._links}
        left = sum(path not in known for path in present)
        # What a crash between writing and committing left: named by its digest, stated by nobody, harmless.
        rest = f"; {left} files that no assessment names" if left else ""
        return f"{len(self._texts)} texts, each with the digest and the root its assessment states{rest}"


def check_texts_of(archive: Archive, rows: Iterable[dict[str, Any]]) -> str:
    """The same for the assessments of one snapshot, given as rows of the index."""
    count = 0
    for row in rows:
        count += 1
        root = None if row["text_lines_root"] is None else row["text_lines_root"].hex()
        _require(fault_of(archive.files, row["text_sha256"].hex(), row["links_sha256"].hex(), root))
    if not count:
        raise Nothing("no text was read from it")
    return f"{count} {'text' if count == 1 else 'texts'} of this snapshot, with salts and links"


def _require(fault: str | None) -> None:
    if fault is not None:
        raise Failed(fault)
