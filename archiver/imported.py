"""Files of other people as the archive keeps them: their statements, their places, and how they are put there.

``imported/`` holds only files that a committed statement names. A file waits in ``staging/import-…`` until then, and
is moved by ``place_import``, which start-up calls again for whatever a crash left between the two.
"""

from __future__ import annotations

import contextlib
import re

from archiver.archive import Archive
from archiver.custody import disposal_of, require_kept, snapshot_seq, told_of
from archiver.errors import ArchiveDamaged, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.statement import Statement, import_id, parse_import_id, parse_snapshot_id
from archiver.naming import is_of_import, no_snapshot
from storage.errors import Missing

FOLDER = "imported"
MARK = ".folder"
"""Lies in a new folder for a moment, while that is made durable."""
WAITING, INCOMING = "import-", "incoming-"
DIGITS = 32
"""Hex digits of the file's digest that name its staging folder."""
_PLACE = re.compile(rf"{FOLDER}/([0-9a-f]{{2}})/\1[0-9a-f]{{62}}\.(?:warc|warc\.gz|wacz)", re.ASCII)


def is_import(statement: Statement) -> bool:
    """Say whether a statement is one that takes in a file."""
    return statement.kind == "custody" and statement.body["event"] == "import"


def path_of(sha256: str, suffix: str) -> str:
    """Where a file is kept: ``imported/ab/abcd….warc.gz``."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}.{suffix}"


def is_imported_file(path: str) -> bool:
    """Whether a path is one that ``path_of`` gives."""
    return _PLACE.fullmatch(path) is not None


def staging_of(sha256: str) -> str:
    """The folder in which it waits for its statement."""
    return f"staging/{WAITING}{sha256[:DIGITS]}"


def place_import(archive: Archive, statement: Statement, unsynced: list[str], spent: list[str]) -> None:
    """Move a stated file from staging to its place, unless it was disposed of; doing it twice changes nothing.

    ``unsynced`` gets what is to be synced, ``spent`` what may be removed from staging once that is done: a power loss
    between may take the move back. If we crash before that, start-up does the same again. The new folder was made
    durable before the statement was committed.
    """
    files, path = archive.files, str(statement.body["path"])
    staging = staging_of(statement.body["file_sha256"])
    if not files.exists(path):
        if disposal_of(archive, statement.seq) is not None:
            return  # a start that had to take up an older checkpoint meets both statements at once
        if not files.exists(f"{staging}/file"):
            raise ArchiveDamaged(f"{path} is missing and so is {staging}", do="restore the file from a backup")
        files.rename(f"{staging}/file", path)
    unsynced.append(path)  # also one that a process moved which was then killed
    spent.append(staging)


def sweep_imports(archive: Archive, published: int) -> None:
    """Remove what a crash left of imports: copies that no statement names, and marks in new folders."""
    files = archive.files
    moved = {s.body["file_sha256"][:DIGITS] for s in imports(archive) if s.seq >= published}
    for name in files.list("staging"):
        # Of a file that was only just moved the folder goes once the move is durable, before a checkpoint covers it.
        keeps = name.startswith(WAITING) and name.removeprefix(WAITING) in moved
        if name.startswith((WAITING, INCOMING)) and not keeps:
            files.remove(f"staging/{name}")
    for folder in files.list(FOLDER):
        if len(folder) == 2:  # a stranger's file is named by ``verify``, and no reason not to start
            with contextlib.suppress(Missing):
                files.remove(f"{FOLDER}/{folder}/{MARK}")


# -- reading ---------------------------------------------------------------------------------------


def imports(archive: Archive) -> list[Statement]:
    """The statement of every imported file, oldest first."""
    rows = archive.index.rows("select seq from digest where object = 'imported' order by seq")
    return [archive.statement(row["seq"]) for row in rows]


def kept_with_bytes(archive: Archive, sha256: str) -> list[Statement]:
    """The imports, not disposed of, whose file has this digest; oldest first, hardly ever more than one."""
    rows = archive.index.rows(
        "select seq from digest where object = 'imported' and sha256 = ?"
        " and not exists (select 1 from disposed d where d.capture_seq = digest.seq) order by seq",
        (bytes.fromhex(sha256),),
    )
    return [archive.statement(row["seq"]) for row in rows]


def import_named(archive: Archive, name: str) -> Statement:
    """The statement of one imported file; ``UsageError`` when there is none of that name."""
    seq = parse_import_id(name)
    row = None
    if seq is not None:
        row = archive.index.row("select seq from digest where object = 'imported' and seq = ?", (seq,))
    if row is None or import_id(archive.prefix, int(row["seq"])) != name:
        raise UsageError(f"there is no imported file {name} in this archive", do="see archiver import list")
    return archive.statement(int(row["seq"]))


def require_no_import(archive: Archive, name: str) -> None:
    """``UsageError`` where an imported file is named, which is not exported; ``Disposed`` where it is gone."""
    if not is_of_import(name):
        return
    statement = import_named(archive, name)
    require_kept(archive, statement.seq)
    raise UsageError(
        f"{name} is an imported file, not a capture of this archive: there is nothing to export",
        do=f"hand out a copy of {statement.body['path']}, which is the original, byte for byte",
    )


def subject_seq(archive: Archive, name: object) -> int:
    """The number of a snapshot or imported file that is named; ``UsageError`` when there is none of that name."""
    if isinstance(name, str) and is_of_import(name):
        return import_named(archive, name).seq
    if isinstance(name, str) and parse_snapshot_id(name) is None:
        raise no_snapshot(name, "archiver history DOCUMENT and archiver import list")
    return snapshot_seq(archive, name)


def as_told(archive: Archive, statement: Statement) -> Json:
    """One item of ``import list --json``: what is stated, with the identifier, what became of it, a plain citation."""
    body = statement.body
    common = ("v", "kind", "seq", "origin", "nonce", "subjects", "event", "premis")
    return {
        "import": body["subjects"][0],
        "seq": statement.seq,
        **{name: value for name, value in body.items() if name not in common},
        "statement_sha256": statement.entry_hex,
        "disposed": told_of(disposal_of(archive, statement.seq)),
        "citation": plain_citation(archive, statement),
    }


def plain_citation(archive: Archive, statement: Statement) -> str:
    """One sentence by which the file can be named; it says that the archive did not capture it."""
    body, gone = statement.body, disposal_of(archive, statement.seq)
    when = f"since {statement.at}" if gone is None else f"from {statement.at} until it was disposed of on {gone.at}"
    return (
        f"Imported file “{body['name']}”, SHA-256 {body['file_sha256']}, {body['file_bytes']} bytes, kept by"
        f" {archive.settings['archive.name']} as {body['subjects'][0]} {when}; not captured by it."
    )
