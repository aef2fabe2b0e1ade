"""Handing out: snapshots as files, in the form that the suffix names; stated in the log before the file is there.

A form is one entry of ``EXPORTERS`` and a module with an ``Exporter``. The file is written beside its place, synced,
named in a ``custody`` statement, and only then given its name: nothing is handed out that the log does not know.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from archiver.errors import ArchiveError, UsageError
from archiver.exhibit_load import EXHIBIT_ENDS

if TYPE_CHECKING:
    from archiver.binder import Binder
    from archiver.dossier import Dossier
    from archiver.signing import LogKey
    from archiver.stamp.interface import StampFailure
    from archiver.stamping import Verified

EXPORTERS: dict[str, tuple[str, str]] = {
    ".zip": ("archiver.bundling", "BUNDLE"),
    ".pdf": ("archiver.paper_forms", "CERTIFICATE"),
    EXHIBIT_ENDS: ("archiver.paper_forms", "EXHIBIT"),
    ".wacz": ("archiver.wacz_export", "WACZ"),
}
"""End of the file's name (the longest that fits counts), and the module and object that write it."""


class Out(Protocol):
    """Where an exporter writes to: bytes one after the other, never back."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Take all of the bytes."""
        ...


Stamper = Callable[[bytes], "Verified | StampFailure"]
"""Asks one authority for a token over these bytes."""


@dataclass(frozen=True, slots=True)
class Means:
    """What an exporter may use besides the archive."""

    key: LogKey | None = None
    """The log's private key; None where nothing is to be signed, or it is not at hand."""
    stampers: dict[str, Stamper] = field(default_factory=dict)
    """Authorities to be asked for a token, by name; empty where none is wanted."""
    binder: Binder | None = None
    """How certificates and exhibits are made, and where exhibits are kept for their load file."""


class Exporter(Protocol):
    """One form in which a snapshot is handed out."""

    @property
    def form(self) -> str:
        """``form`` of the custody statement: ``bundle``, ``wacz``, ``certificate``, …"""
        ...

    def write(self, dossier: Dossier, out: Out, means: Means) -> list[str]:
        """Write the file; return warnings. Raises an ``ArchiverError`` where none can be made."""
        ...


@runtime_checkable
class Gatherer(Exporter, Protocol):
    """A form in which several snapshots go into one file."""

    def write_all(self, dossiers: Sequence[Dossier], out: Out, means: Means) -> list[str]:
        """Write the file of all of them; otherwise as ``write``."""
        ...


def end_of(name: str) -> str | None:
    """The end of a file's name that says its form, the longest there is; None when it has none."""
    return max((end for end in EXPORTERS if name.endswith(end)), key=len, default=None)


def exporter_for(name: str) -> Exporter:
    """The exporter of files whose name ends like this one; ``UsageError`` names the known ends."""
    suffix = end_of(name)
    if suffix is None:
        known = ", ".join(EXPORTERS)
        raise UsageError(f"no form of export ends like {name!r}", do=f"name a file with one of: {known}")
    module, name = EXPORTERS[suffix]
    found: Exporter = getattr(importlib.import_module(module), name)
    return found


_LARGE = 1 << 18
SYNC_EVERY = 16 << 20
"""Bytes after which those before are synced while more is written."""


class _Tally:
    """Writes to a file and digests what passes, large pieces beside the writing; a context manager."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self._pool = ThreadPoolExecutor(2)  # one digests, one waits for the disk
        self._pending: Future[None] | None = None
        self.size = self._synced = 0
        self._syncing: Future[None] | None = None

    def __enter__(self) -> _Tally:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def write(self, data: bytes | memoryview, /) -> int:
        view = memoryview(data)
        self._settle()
        if isinstance(data, bytes) and len(data) >= _LARGE:  # nobody can change these before they are digested
            self._pending = self._pool.submit(self._digest.update, data)
        else:
            self._digest.update(view)
        self.size += len(view)
        left = view
        while left:
            left = left[os.write(self._descriptor, left) :]
        self._sync_ahead()
        return len(view)

    def _sync_ahead(self) -> None:
        """Let the disk work while the rest is made; the sync at the end has less to wait for."""
        if self.size - self._synced < SYNC_EVERY or (self._syncing is not None and not self._syncing.done()):
            return
        if self._syncing is not None:
            self._syncing.result()  # a disk that fails is told at once
        self._syncing, self._synced = self._pool.submit(os.fdatasync, self._descriptor), self.size

    def sha256(self) -> str:
        """SHA-256 of all that was written, 64 hex digits; ``OSError`` when the disk failed meanwhile."""
        self._settle()
        if self._syncing is not None:
            self._syncing.result()
        return self._digest.hexdigest()

    def _settle(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file that has no name of its own yet."""

    target: Path
    form: str
    sha256: str
    size: int
    warnings: tuple[str, ...]
    _draft: Path

    def publish(self) -> None:
        """Give the file its name; ``UsageError`` when something stands there by now."""
        try:
            # The name is reserved first: replacing alone would put the file over one that came meanwhile.
            os.close(os.open(self.target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
            self._draft.replace(self.target)
        except FileExistsError as error:
            raise UsageError(f"{self.target} is there already", do="give another name") from error
        except OSError as error:
            raise UsageError(f"{self.target}: {error.strerror}", do="give another name") from error
        _sync_folder(self.target.parent)


@contextmanager
def written(
    dossier: Dossier, target: Path, means: Means, others: Sequence[Dossier] = (), exporter: Exporter | None = None
) -> Iterator[Written]:
    """Write the export of one snapshot beside its place; it is gone with the block unless it was published.

    ``others`` go into the same file, in a form that takes several; ``exporter`` where the file's name does not say the
    form. ``UsageError`` when the form holds one, when the name is taken or its folder cannot be written.
    """
    found = exporter or exporter_for(target.name)
    if others and not isinstance(found, Gatherer):
        raise UsageError(f"a {found.form} holds one snapshot", do="name a folder for several")

    def fill(out: Out) -> list[str]:
        if isinstance(found, Gatherer):
            return found.write_all([dossier, *others], out, means)
        return found.write(dossier, out, means)

    with drafted(target, found.form, fill) as file:
        yield file


def require_folder(folder: Path) -> None:
    """``UsageError`` that names the folder when it is missing: a mistyped path must not become new folders."""
    if not folder.exists():
        raise UsageError(f"there is no folder {folder}", do="make it first, or give another name")


def make_folder(folder: Path) -> None:
    """Make a folder for several files, unless it is there; ``UsageError`` when the one it would lie in is missing."""
    require_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}", do="give another name") from error


@contextmanager
def drafted(target: Path, form: str, fill: Callable[[Out], list[str]]) -> Iterator[Written]:
    """Write a file beside its place by ``fill``, which returns warnings, and sync it; gone unless it was published.

    ``UsageError`` when the name is taken or its folder is missing or cannot be written, ``ArchiveError`` when writing
    fails.
    """
    try:
        if target.exists() or target.is_symlink():
            raise UsageError(f"{target} is there already", do="give another name")
    except OSError as error:
        raise UsageError(f"{target}: {error.strerror}", do="give another name") from error
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        require_folder(target.parent)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        # Never the draft's name: who typed the command does not know it.
        raise UsageError(f"{target}: {error.strerror}", do="give another name") from error
    try:
        try:
            with _Tally(descriptor) as tally:
                warnings = fill(tally)
                sha256 = tally.sha256()
            os.fsync(descriptor)
        except OSError as error:
            raise ArchiveError(f"{target}: {error.strerror}", do="nothing was handed out") from error
        finally:
            os.close(descriptor)
        yield Written(target, form, sha256, tally.size, tuple(warnings), draft)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
