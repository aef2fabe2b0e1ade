"""The deletion that a ``disposal`` statement has committed to: done with the statement, and again at a start."""

from __future__ import annotations

from archiver.archive import Archive
from archiver.check import WARC
from archiver.errors import ArchiveDamaged
from archiver.evidence.statement import Statement, parse_import_id
from archiver.imported import is_import, is_imported_file
from archiver.texts import FOLDER, digest_of_text, is_text_file


def is_disposal(statement: Statement) -> bool:
    """Whether a statement is one that deletes."""
    return statement.kind == "custody" and statement.body["event"] == "disposal"


def carry_out(archive: Archive, statement: Statement) -> list[str]:
    """Delete what a disposal names, if it is there; return the folders whose next barrier makes that durable.

    If we crash half-way the statement is in the journal, above the newest checkpoint: the rest goes at the next start.
    A text that a later assessment names was written again since, and stays; so does a file that was imported again.
    """
    folders: dict[str, None] = {}
    taken_in = _imported_at(archive, statement)
    for item in statement.body["files"]:
        path = str(item["path"])
        folder, _, name = path.rpartition("/")
        # The journal above the checkpoint is not sealed yet: whoever writes into it must not make us delete at will.
        content = name == WARC or name.startswith("partial-")
        own = content and path.startswith("snapshots/") and folder.rpartition("/")[2] in statement.body["subjects"]
        if not own and not is_text_file(path) and path not in taken_in:
            raise ArchiveDamaged(f"statement {statement.seq} disposes of {path}, which is no content of its subjects")
        if _named_later(archive, path, statement.seq):
            continue
        if archive.files.exists(path):
            archive.files.remove(path)
        if archive.files.exists(folder):
            folders[folder] = None
    return list(folders)


def _imported_at(archive: Archive, statement: Statement) -> set[str]:
    """Where the imported files lie that a disposal names; a place that no import can have is not believed."""
    found: set[str] = set()
    for subject in statement.body["subjects"]:
        seq = parse_import_id(subject)
        if seq is not None and seq < statement.seq:
            imported = archive.statement(seq)
            if is_import(imported) and imported.body["subjects"] == [subject]:
                found.add(str(imported.body["path"]))
    return set(filter(is_imported_file, found))


def sweep_disposed(archive: Archive) -> list[str]:
    """Delete what a disposal named and what lies there again, durable on return; return the paths.

    A text comes back when it was captured anew and a crash kept its assessment from being stated; or from a backup.
    """
    returned: list[str] = []
    folders: list[str] = []
    for row in archive.index.rows("select distinct seq from disposed order by seq"):
        statement = archive.statement(row["seq"])
        there = [str(item["path"]) for item in statement.body["files"] if archive.files.exists(str(item["path"]))]
        if not there:
            continue
        folders += carry_out(archive, statement)
        returned += [path for path in there if not archive.files.exists(path)]
    if folders:
        archive.files.barrier(dict.fromkeys(folders))
    return returned


def sweep_unstated(archive: Archive) -> None:
    """Delete the files of ``texts/`` that no assessment names: what a crash left between writing and commit.

    They may hold what a disposal is about, by rules that were never stated, and no statement could name them. Only
    where every statement has its rows and no commit is under way. Durable on return; a text that is still wanted is
    written again before it is stated.
    """
    rows = archive.index.rows(
        "select distinct text_sha256, links_sha256 from assessment where links_sha256 is not null"
    )
    named = {row["text_sha256"].hex() for row in rows if row["text_sha256"] is not None}
    links = {row["links_sha256"].hex() for row in rows}
    folders: dict[str, None] = {}
    for folder in archive.files.list(FOLDER) if archive.files.exists(FOLDER) else ():
        for name in archive.files.list(f"{FOLDER}/{folder}"):
            path, (digest, _, kind) = f"{FOLDER}/{folder}/{name}", name.partition(".")
            if is_text_file(path) and digest not in (links if kind == "links" else named):
                archive.files.remove(path)
                folders[f"{FOLDER}/{folder}"] = None
    if folders:
        archive.files.barrier(folders)


def texts_of(statement: Statement) -> list[str]:
    """The digests of the texts that a disposal deletes."""
    found = (digest_of_text(str(item["path"])) for item in statement.body["files"])
    return [digest for digest in found if digest is not None]


def _named_later(archive: Archive, path: str, seq: int) -> bool:
    """Whether an assessment after the disposal names this file of a text, or an import this file."""
    name, _, kind = path.rpartition("/")[2].partition(".")
    if is_imported_file(path):
        known = "select 1 as x from digest where object = 'imported' and sha256 = ? and seq > ?"
        return archive.index.row(known, (bytes.fromhex(name), seq)) is not None
    if not is_text_file(path):
        return False
    column = "links_sha256" if kind == "links" else "text_sha256"
    row = archive.index.row(
        f"select 1 as x from assessment where {column} = ? and links_sha256 is not null and seq > ?",
        (bytes.fromhex(name), seq),
    )
    return row is not None
