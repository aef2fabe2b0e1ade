"""Check 15: every text of a version, its salts and its links are the bytes that an assessment states."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archiver.archive import Archive
from archiver.errors import ArchiveDamaged
from archiver.evidence.canonical import Json
from archiver.evidence.statement import Statement
from archiver.evidence.verify import Failed, Gone, Nothing
from archiver.texts import fault_of, fault_of_links, is_text_file, links_path, read_lines, salt_path, text_path
from storage.errors import StorageError


class StatedTexts:
    """The texts that the assessments of one pass over the journal name."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._texts: dict[str, str | None] = {}
        """Root of the lines by digest of the text."""
        self._links: set[str] = set()
        self._gone: set[str] = set()
        """Files that a disposal names."""
        self._unread: set[str] = set()
        """Texts that cannot be read, by digest."""

    @property
    def lost(self) -> bool:
        """A text cannot be read: the rows that come from it are missing here, or in a database made without it."""
        return bool(self._unread)

    def take(self, statement: Statement) -> tuple[str, ...] | None:
        """Note what an assessment names; return the lines of a text that was not met before."""
        from archiver.deletion import is_disposal  # slow to load, and a single snapshot needs it not

        body = statement.body
        if is_disposal(statement):
            self._forget(body)
            return None
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
            self._unread.add(sha256)
            return None  # check 15 says what is missing or damaged

    def _forget(self, disposal: Json) -> None:
        """What was disposed of is stated no longer; an assessment that follows may state it again."""
        for item in disposal["files"]:
            name, _, kind = str(item["path"]).rpartition("/")[2].partition(".")
            if kind == "txt":
                self._texts.pop(name, None)
                self._unread.discard(name)
            elif kind == "links":
                self._links.discard(name)
            if is_text_file(item["path"]):
                self._gone.add(item["path"])

    def _require_gone(self, known: set[str]) -> str:
        """Nothing that was disposed of lies there, unless it was stated again."""
        gone = self._gone - known
        for path in sorted(gone):
            if self._archive.files.exists(path):
                raise Failed(f"{path} is there, although it was disposed of; the next start deletes it")
        return f"; {len(gone)} files were disposed of" if gone else ""

    def check(self, present: Iterable[str]) -> str:
        """Every stated file is there and equal; of those ``present`` before the pass, each is stated or may go."""
        for path in present:
            _require(None if is_text_file(path) else f"{path} does not belong there")
        if not self._texts and not self._gone:
            raise Nothing("no text was read yet")
        for sha256, root in self._texts.items():
            _require(fault_of(self._archive.files, sha256, None, root))
        for sha256 in sorted(self._links):
            _require(fault_of_links(self._archive.files, sha256))
        known = {path for sha256 in self._texts for path in (text_path(sha256), salt_path(sha256))}
        known |= {links_path(sha256) for sha256 in self._links}
        gone = self._require_gone(known)
        left = sum(path not in known for path in present)
        # What a crash between writing and committing left: named by its digest, stated by nobody, harmless.
        rest = f"; {left} files that no assessment names" if left else ""
        texts = "1 text" if len(self._texts) == 1 else f"{len(self._texts)} texts"
        return f"{texts}, each with the digest and the root its assessment states{gone}{rest}"


def check_texts_of(archive: Archive, rows: Iterable[dict[str, Any]], gone: frozenset[str] = frozenset()) -> str:
    """The same for the assessments of one snapshot, given as rows of the index; ``gone`` was disposed of."""
    count = 0
    for row in rows:
        count += 1
        if text_path(row["text_sha256"].hex()) in gone:
            raise Gone("text, salts and links were disposed of, see check 2")
        root = None if row["text_lines_root"] is None else row["text_lines_root"].hex()
        _require(fault_of(archive.files, row["text_sha256"].hex(), row["links_sha256"].hex(), root))
    if not count:
        raise Nothing("no text was read from it")
    return f"{count} {'text' if count == 1 else 'texts'} of this snapshot, with salts and links"


def _require(fault: str | None) -> None:
    if fault is not None:
        raise Failed(fault)
