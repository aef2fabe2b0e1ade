"""One archive on disk, opened for reading: settings, key, journal, index. Needs neither lock nor passphrase."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import ArchiveDamaged, ArchiveError, FormatError, SettingsError, UsageError
from archiver.evidence.canonical import Json, encode_line
from archiver.evidence.note import Verifier
from archiver.evidence.statement import Statement, document_id, parse_statement, snapshot_id
from archiver.headcopy import HeadCopy
from archiver.naming import no_document
from archiver.settings import AuthoritySettings, Settings, parse_settings
from storage.errors import Missing
from storage.index import Index
from storage.interface import Files
from storage.local import LocalFiles

if TYPE_CHECKING:
    from archiver.watch.entry import WatchedDocument

SETTINGS_FILE = "archive.toml"
DATABASE = "archive.db"
LOCK = "lock"
VKEY = "keys/log.vkey"
PRIVATE_KEY = "keys/log.key.pem"


def head_copy_folder(settings: Settings, environment: Mapping[str, str]) -> Path:
    """Where the head copy lies: ``archive.head_copy``, or a folder in the user's state directory."""
    chosen = settings["archive.head_copy"]
    if chosen:
        return Path(chosen).expanduser()
    state = environment.get("STATE_DIRECTORY") or environment.get("XDG_STATE_HOME")
    base = Path(state.split(":")[0]) if state else Path(environment.get("HOME", "/")) / ".local" / "state"
    return base / "evidence-archiver" / "heads"


@dataclass(slots=True)
class Archive:
    """The read side of one archive; every method raises an ``ArchiverError`` or ``storage.errors.StorageError``."""

    files: Files
    settings: Settings
    verifier: Verifier
    index: Index
    head: HeadCopy
    _config_sha256: str = field(default="", repr=False)

    @property
    def origin(self) -> str:
        """Name of the log."""
        return str(self.settings["archive.origin"])

    @property
    def prefix(self) -> str:
        """First part of identifiers."""
        return str(self.settings["archive.prefix"])

    @property
    def config_sha256(self) -> str:
        """SHA-256 of the canonical JSON of the settings in force (they hold no secrets)."""
        if not self._config_sha256:
            tables = encode_line(self.settings.as_tables()).rstrip(b"\n")
            self._config_sha256 = hashlib.sha256(tables).hexdigest()
        return self._config_sha256

    def statement(self, seq: int) -> Statement:
        """Return statement ``seq`` from the journal; ``UsageError`` when there is none."""
        row = self.index.row("select segment, offset, length, entry from statement where seq = ?", (seq,))
        if row is None:
            do = f"its statements have the numbers 0 to {self.index.next_seq() - 1}"
            raise UsageError(f"there is no statement {seq} in this archive", do=do)
        with self.files.open(row["segment"]) as handle:
            handle.seek(row["offset"])
            line = handle.read(row["length"])
        try:
            statement = parse_statement(line)
        except FormatError as error:
            raise ArchiveDamaged(f"{row['segment']}: statement {seq}: {error}") from error
        if statement.entry != row["entry"] or statement.seq != seq:
            raise ArchiveDamaged(
                f"{row['segment']}: statement {seq} is not the one the index knows", do="run archiver verify --all"
            )
        return statement

    def roots_of(self, authority: AuthoritySettings) -> tuple[bytes, ...]:
        """The DER roots that a token of this authority must lead to; ``SettingsError`` when they cannot be read."""
        from archiver.evidence.timestamp import certificates_from_pem  # slow to import, and often not needed

        try:
            return certificates_from_pem(self.files.read(authority.roots))
        except (Missing, FormatError) as error:
            raise SettingsError(f"authority.roots of {authority.name}: {error}") from error

    def roots(self) -> dict[str, tuple[bytes, ...]]:
        """The DER roots of every configured authority, by name."""
        return {authority.name: self.roots_of(authority) for authority in self.settings.authorities}

    # -- watch list --------------------------------------------------------------------------------

    def watched(self, *, removed: bool = False) -> list[WatchedDocument]:
        """Every document with its newest entry, by identifier."""
        rows = self.index.rows(
            "select document, seq, entry from watch_entry w where seq ="
            " (select max(seq) from watch_entry where document = w.document) order by document"
        )
        found = [_watched(row) for row in rows]
        return [w for w in found if removed or not w.entry.removed]

    def document(self, identifier: str) -> WatchedDocument:
        """One document by identifier, or by its title or address when only one has it; else ``UsageError``."""
        known = self.watched(removed=True)
        exact = [w for w in known if w.document == identifier]
        named = [
            w for w in known if not w.entry.removed and (w.entry.title == identifier or identifier in w.entry.urls)
        ]
        found = exact or named
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{identifier!r} means {', '.join(w.document for w in found)}", do="give one of these")
        raise no_document(identifier)

    def next_document(self) -> str:
        """The identifier for a new document; numbers are never given out twice."""
        row = self.index.row("select count(distinct document) as n from watch_entry")
        return document_id(self.prefix, (row["n"] if row else 0) + 1)

    def entry_at(self, watch_seq: int | None) -> Json | None:
        """The watch entry that statement ``watch_seq`` put in force."""
        return None if watch_seq is None else dict(self.statement(watch_seq).body["entry"])

    # -- snapshots ---------------------------------------------------------------------------------

    def snapshot_name(self, seq: int) -> str:
        """``EA-S-00000123``."""
        return snapshot_id(self.prefix, seq)

    def newest_token(self) -> Json | None:
        """The newest verified token over a checkpoint, as a capture's ``before`` names it, or None."""
        row = self.index.row(
            "select authority, gen_time, token_sha256, subject_sha256, size from stamp"
            " where event = 'token' and subject = 'checkpoint' order by seq desc limit 1"
        )
        if row is None:
            return None
        return {
            "authority": row["authority"],
            "gen_time": row["gen_time"],
            "token_sha256": row["token_sha256"].hex(),
            "subject_sha256": row["subject_sha256"].hex(),
            "size": row["size"],
        }


def _watched(row: Mapping[str, object]) -> WatchedDocument:
    import json

    from archiver.watch.entry import WatchedDocument, WatchEntry  # slow to load, and often not needed

    return WatchedDocument(
        str(row["document"]), int(str(row["seq"])), WatchEntry.from_json(json.loads(str(row["entry"])))
    )


def read_settings(files: Files, environment: Mapping[str, str]) -> Settings:
    """The settings of the archive in these files; ``UsageError`` when there is no archive."""
    if not files.exists(SETTINGS_FILE):
        raise UsageError(
            "there is no archive here: archive.toml is missing", do="run archiver init DIR, or give --archive DIR"
        )
    try:
        text = files.read(SETTINGS_FILE).decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"archive.toml is not UTF-8: {error}") from error
    return parse_settings(text, environment)


def read_verifier(files: Files, origin: str) -> Verifier:
    """The log's public key; ``ArchiveError`` when it is missing or of another log."""
    try:
        verifier = Verifier.from_vkey(files.read(VKEY).decode("utf-8").rstrip("\n"))
    except (Missing, FormatError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{VKEY}: {error}", do="restore it from a backup") from error
    if verifier.name != origin:
        raise ArchiveError(
            f"{VKEY} is of {verifier.name}, archive.toml says {origin}", do="archive.origin is fixed by init"
        )
    return verifier


def open_archive(root: Path, *, environment: Mapping[str, str] | None = None) -> Archive:
    """Open the archive in this folder for reading."""
    env = os.environ if environment is None else environment
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}", do="run archiver init DIR, or give --archive DIR")
    files = LocalFiles(root)
    settings = read_settings(files, env)
    verifier = read_verifier(files, settings["archive.origin"])
    if not (root / DATABASE).exists():
        raise ArchiveError(f"{DATABASE} is missing", do="run archiver rebuild; nothing is lost")
    index = Index(root / DATABASE, read_only=True)
    folder = head_copy_folder(settings, env)
    # An archive that was carried elsewhere has no head copy there; it can be read and verified all the same.
    head = HeadCopy(LocalFiles(folder) if folder.is_dir() else None, verifier.vkey, verifier.name)
    return Archive(files, settings, verifier, index, head)
