"""Taking in a file of other people: copied byte for byte, read, stated, then put in its place.

Order: copy to ``staging/incoming-…``, sync, read by our strict readers, then on the writer's thread: a folder that is
durable, the statement, the move. A crash before the statement leaves a copy that start-up removes; after it, start-up
moves the file as the writer would have.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from archiver.decisions import MAX_NAME, MAX_REASON, one_line, person_of
from archiver.environment import SOFTWARE
from archiver.errors import ArchiveDamaged, FormatError, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.imported import NotImportable, examine, form_of
from archiver.evidence.imported_tally import Ceilings, Tally, claimed
from archiver.evidence.statement import import_id
from archiver.given_file import open_plain
from archiver.imported import (
    FOLDER,
    INCOMING,
    MARK,
    as_told,
    kept_with_bytes,
    path_of,
    staging_of,
)
from storage.errors import Missing, StorageError

if TYPE_CHECKING:
    from archiver.archive import Archive
    from archiver.operation import Operation
    from storage.interface import Files

CHUNK = 1024 * 1024
_READABLE = "the writer of the archive must be able to read it"


class Broken(FormatError):
    """The file has problems, and nobody asked to keep it all the same."""


def take_in(operation: Operation, values: Json) -> Json:
    """Copy a file into the archive and state that it was imported.

    ``values``: ``path`` (absolute, of a file that this process can read), ``by`` (name of the person, or None),
    ``reason``, ``source`` (texts or None), ``keep_broken`` (bool). Returns the item of ``import list`` with ``new``:
    False where the same bytes are kept already, which is then all that happens.
    """
    path = Path(str(values.get("path")))
    said: Json = {
        "name": one_line("the name of the file", claimed(path.name, MAX_NAME), MAX_NAME),
        **person_of(values),
        "source": None if values.get("source") is None else one_line("the source", values["source"], MAX_REASON),
    }
    files = operation.archive.files
    incoming = f"staging/{INCOMING}{uuid.UUID(bytes=operation.pipeline.random(16), version=4)}"
    try:
        with operation.writer.stopped_by_failed_sync():
            settings = operation.archive.settings
            room = files.free_bytes() - int(settings["storage.reserve_bytes"])
            copied = _copy(files, path, f"{incoming}/file", min(int(settings["import.max_bytes"]), room), room)
            files.barrier([incoming])
        known = operation.writer.call(lambda: _kept(operation.archive, copied))
        if known is not None:
            return known
        tally = _examine(operation, f"{incoming}/file", copied, path.name, keep_broken=bool(values.get("keep_broken")))
        return operation.writer.call(lambda: _state(operation, incoming, said, copied, tally))
    finally:
        with contextlib.suppress(Missing):
            files.remove(incoming)


def _copy(files: Files, source: Path, target: str, most: int, room: int) -> Json:
    """Copy and digest in one pass; ``UsageError`` for what is no plain file, is too large, changes or cannot be read.

    What it is and how long is asked first: nobody fills the disk of a running archive with what is refused afterwards.
    """
    sha256, sha512, size = hashlib.sha256(), hashlib.sha512(), 0
    if not source.is_absolute():
        raise UsageError(f"{source} must be named by its whole path", do="the writer's own folder may be another")
    with open_plain(source, unreadable=_READABLE, other="name a WARC or WACZ file") as handle:
        announced = os.fstat(handle.fileno()).st_size
        if announced > most:
            raise _too_large(source, most, room)
        try:
            form_of(handle)
        except NotImportable as error:
            raise NotImportable(f"{source.name} was not imported: {error.what}", do=error.do) from error
        except OSError as error:
            raise UsageError(f"{source}: {error.strerror}") from error
        handle.seek(0)
        with files.create(target) as copy:
            while chunk := _read(handle, source):
                size += len(chunk)
                if size > announced:
                    break
                sha256.update(chunk)
                sha512.update(chunk)
                copy.write(chunk)
    if size != announced:
        raise UsageError(
            f"{source} had {announced} bytes and changed while it was copied", do="import it when it is finished"
        )
    return {"file_sha256": sha256.hexdigest(), "file_sha512": sha512.hexdigest(), "file_bytes": size}


def _too_large(source: Path, most: int, room: int) -> UsageError:
    if most == room:
        return UsageError(f"{source} has more than {max(0, room)} bytes, which is all the archive's disk has room for")
    return UsageError(
        f"{source} has more than {most} bytes, which is the most for an imported file",
        do="raise import.max_bytes, or import it in parts",
    )


def _read(handle: BinaryIO, source: Path) -> bytes:
    try:
        return handle.read(CHUNK)
    except OSError as error:
        raise UsageError(f"{source}: {error.strerror}") from error


def _examine(operation: Operation, path: str, copied: Json, name: str, *, keep_broken: bool) -> Tally:
    archive = operation.archive
    ceilings = Ceilings(archive.settings["import.max_records"], archive.settings["import.max_ratio"])
    with archive.files.open(path) as source:
        try:
            tally = examine(source, copied["file_bytes"], ceilings, (StorageError,))
        except NotImportable as error:
            raise NotImportable(f"{name} was not imported: {error.what}", do=error.do) from error
    if tally.problems and not keep_broken:
        more = len(tally.problems) - 1
        and_more = f", and {more} more problem{'s' if more > 1 else ''}" if more else ""
        raise Broken(
            f"{name} was not imported: {tally.problems[0]}{and_more}", do="--keep-broken keeps it with its problems"
        )
    return tally


def _state(operation: Operation, incoming: str, said: Json, copied: Json, tally: Tally) -> Json:
    """On the writer's thread: make the place durable, commit; the pipeline moves the file."""
    archive, files = operation.archive, operation.archive.files
    known = _kept(archive, copied)  # asked again: another import may have come first while this file was read
    if known is not None:
        return known
    path = path_of(copied["file_sha256"], tally.suffix)
    _make_place(files, path, incoming, staging_of(copied["file_sha256"]))
    body: Json = {
        "event": "import",
        "premis": "ingestion",
        **said,
        **copied,
        **tally.to_json(),
        "path": path,
        "examined_by": SOFTWARE,
    }
    _, (committed,) = operation.pipeline.commit(
        [], [lambda seq, _sealed: ("custody", {**body, "subjects": [import_id(archive.prefix, seq)]})]
    )
    return {**as_told(archive, committed.statement), "new": True}


def _kept(archive: Archive, copied: Json) -> Json | None:
    """What is told of a file whose bytes are kept already, broken or not; None when they are not, or no longer."""
    found = kept_with_bytes(archive, copied["file_sha256"])
    if not found:
        return None
    known = found[0]
    if not archive.files.exists(known.body["path"]):
        what = f"these bytes are kept already, but {known.body['path']} is missing"
        raise ArchiveDamaged(what, do="put the file back there")
    return {**as_told(archive, known), "new": False}


def _make_place(files: Files, path: str, incoming: str, staging: str) -> None:
    """Bring the copy to where start-up would look for it, and make the folder durable that it will be moved to.

    A power loss may keep a rename and lose the new folder it leads into; a file puts that folder on the disk.
    """
    mark = f"{path.rpartition('/')[0]}/{MARK}"
    assert mark.startswith(FOLDER)
    with contextlib.suppress(Missing):
        files.remove(staging)  # of an import whose commit failed
    files.rename(incoming, staging)
    files.write(mark, b"")
    files.barrier([staging, mark])
    files.remove(mark)
