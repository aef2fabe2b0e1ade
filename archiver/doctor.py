"""What the operator should know before relying on this host; looks, changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archiver.archive import PRIVATE_KEY, Archive, head_copy_folder, open_archive
from archiver.cosigning import open_witnesses
from archiver.environment import clock_facts, utc_now
from archiver.errors import ArchiverError
from archiver.operation import make_capturer
from archiver.settings import DEFAULTS
from archiver.stamping import open_authorities
from archiver.standing import LITTLE_SPACE, contradicted, counted
from storage.errors import StorageError
from storage.local import LocalFiles


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    fine: bool
    detail: str


def examine(root: Path) -> list[Finding]:
    """Look at everything; when the archive cannot be opened, that is the one finding."""
    try:
        archive = open_archive(root)
    except (ArchiverError, StorageError) as error:
        return [Finding("archive", False, str(error))]
    looks: list[tuple[str, Callable[[Archive, Path], tuple[bool, str]]]] = [
        ("clock", _clock),
        ("file system", _file_system),
        ("disk", _disk),
        ("folders", _folders),
        ("private key", _key),
        ("network", _network),
        ("authorities", _authorities),
        ("witnesses", _witnesses),
        ("head copy", _head_copy),
        ("database", _database),
    ]
    findings = []
    for name, look in looks:
        try:
            findings.append(Finding(name, *look(archive, root)))
        except (ArchiverError, StorageError, OSError) as error:
            findings.append(Finding(name, False, str(error)))
    return findings


def _clock(_: Archive, __: Path) -> tuple[bool, str]:
    facts = clock_facts(utc_now())
    if facts["source"] is None:
        return False, "the kernel does not tell its clock state; statements will carry limit L16"
    error = facts["max_error_us"] / 1e6
    fine = bool(facts["synchronised"]) and error <= 1
    state = "synchronised" if facts["synchronised"] else "not synchronised; statements will carry limit L16"
    return fine, f"{state}, error bound {error:.3f} s"


def _file_system(_: Archive, root: Path) -> tuple[bool, str]:
    warnings = LocalFiles(root).warnings
    return not warnings, "; ".join(warnings) or "reports failed syncs"


def _disk(archive: Archive, _: Path) -> tuple[bool, str]:
    free = archive.files.free_bytes()
    return free > LITTLE_SPACE, f"{free / 1e9:.1f} GB free"


def _folders(_: Archive, root: Path) -> tuple[bool, str]:
    shut = [
        name
        for name in ("", "journal", "staging", "log", "keys")
        if (root / name).exists() and not os.access(root / name, os.W_OK)
    ]
    return not shut, f"not writable: {', '.join(name or '.' for name in shut)}" if shut else "writable"


def _key(archive: Archive, root: Path) -> tuple[bool, str]:
    if not archive.files.exists(PRIVATE_KEY):
        return True, "kept elsewhere"
    encrypted = b"ENCRYPTED" in archive.files.read(PRIVATE_KEY).split(b"\n", 1)[0]
    private = not (root / PRIVATE_KEY).stat().st_mode & 0o077
    what = ("encrypted" if encrypted else "NOT encrypted") + ("" if private else ", readable by others")
    return encrypted and private, what


def _network(archive: Archive, _: Path) -> tuple[bool, str]:
    make_capturer(archive.settings).close()  # SettingsError for a file of roots that cannot be read
    agent = str(archive.settings["network.user_agent"])
    if agent == DEFAULTS["network"]["user_agent"]:
        return False, "network.user_agent names nobody: put a contact address into it"
    return True, f"asks as {agent}"


def _authorities(archive: Archive, _: Path) -> tuple[bool, str]:
    roots = archive.roots()
    if not roots:
        return False, "none configured: nothing outside dates this log"
    open_authorities(archive)  # SettingsError for a kind or an address that cannot be
    return True, ", ".join(f"{name} with {counted(len(ders), 'root')}" for name, ders in roots.items())


def _witnesses(archive: Archive, _: Path) -> tuple[bool, str]:
    opened = open_witnesses(archive)
    if known := contradicted(archive):
        return False, "; ".join(f"{name}: {words}" for name, words in known)
    return True, ", ".join(opened) or "none configured: nobody outside would see a fork of this log"


def _head_copy(archive: Archive, root: Path) -> tuple[bool, str]:
    folder = head_copy_folder(archive.settings, os.environ)
    if folder.resolve().is_relative_to(root.resolve()):
        return False, f"{folder} lies inside the archive: an old backup would bring its own head copy along"
    head = archive.head.read()
    return head is not None, f"{folder}: " + ("missing" if head is None else f"statement {head.acknowledged}")


def _database(archive: Archive, _: Path) -> tuple[bool, str]:
    problems = archive.index.check()
    return not problems, problems[0] if problems else f"{archive.index.next_seq()} statements indexed"
