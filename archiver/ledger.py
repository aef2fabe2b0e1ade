"""The ledger: numbers statements, appends them to the journal, and publishes the log over them.

One writer. ``commit`` is the one commit point of the archive: what is before it can be thrown away, what is after it
can be redone from the journal. ``publish`` signs only what is already durable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.errors import ArchiveDamaged, FormatError, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from archiver.evidence.instant import format_instant, parse_instant
from archiver.evidence.merkle import entry_of
from archiver.evidence.note import Verifier
from archiver.evidence.statement import Statement, parse_statement, seal
from archiver.evidence.tiles import grow, root_at
from archiver.headcopy import Head, HeadCopy
from archiver.signing import LogKey
from storage.errors import Conflict, Missing
from storage.interface import Files
from storage.journal import Journal
from storage.segments import Position

CHECKPOINT = "log/checkpoint"
CLOCK_SLACK_MS = 0
"""Milliseconds by which a statement may be older than the one before it without a ``clock_step``: none."""

Maker = Callable[[int, Sequence[Statement]], tuple[str, Json]]
"""Gives kind and fields of a statement, told its number and the statements of the same batch before it."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A durable statement and where it lies."""

    statement: Statement
    position: Position


def tile_reader(files: Files) -> Callable[[str], bytes]:
    """Read tiles of ``log/``; a partial tile that is gone is cut from the full one that replaced it."""

    def read(path: str) -> bytes:
        try:
            return files.read(f"log/{path}")
        except Missing:
            full, partial, width = path.partition(".p/")
            if not partial:
                raise
            size = 34 if path.startswith("tile/entries/") else 32
            return files.read(f"log/{full}")[: int(width) * size]

    return read


class Ledger:
    """The journal and the log of one archive, held by its one writer."""

    def __init__(
        self,
        files: Files,
        *,
        origin: str,
        verifier: Verifier,
        key: LogKey | None,
        head: HeadCopy,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self._files = files
        self._origin = origin
        self._verifier = verifier
        self._key = key
        self._head = head
        self._now = now
        self._random = random
        self.journal = Journal(files)
        self.read_tile = tile_reader(files)
        self.checkpoint: Checkpoint | None = None
        self.checkpoint_bytes: bytes | None = None
        self.next_seq = 0
        self.last_at: datetime | None = None
        self.acknowledged = -1
        self._unpublished: list[bytes] = []  # entries from checkpoint.size on

    @property
    def published(self) -> int:
        """How many statements the newest checkpoint covers."""
        return 0 if self.checkpoint is None else self.checkpoint.size

    @property
    def can_publish(self) -> bool:
        """Appending needs no key, publishing does."""
        return self._key is not None

    def sign(self, data: bytes) -> bytes:
        """Return the log key's signature over ``data``, which must say itself what it is and pass for no checkpoint."""
        if self._key is None:
            raise UsageError("signing needs the log's private key", do="give --passphrase-file")
        return self._key.sign(data)

    # -- opening -----------------------------------------------------------------------------------

    def load_checkpoint(self) -> None:
        """Read ``log/checkpoint`` and check its signature; ``ArchiveDamaged`` when it does not hold."""
        if not self._files.exists(CHECKPOINT):
            return
        data = self._files.read(CHECKPOINT)
        try:
            self.checkpoint = open_checkpoint(data, self._verifier)
        except FormatError as error:
            raise ArchiveDamaged(f"{CHECKPOINT}: {error}", do="restore it from stamps/ or the head copy") from error
        if self.checkpoint.origin != self._origin:
            raise ArchiveDamaged(f"{CHECKPOINT} is of another log: {self.checkpoint.origin}")
        self.checkpoint_bytes = data

    def load_tail(self) -> list[Committed]:
        """Read the statements the checkpoint does not cover; the journal must have no torn tail any more."""
        tail: list[Committed] = []
        for line in self.journal.lines(self.published):
            statement = self.parse(line.seq, line.path, line.data)
            tail.append(Committed(statement, Position(line.path, line.offset, len(line.data))))
        self.next_seq = self.journal.tail().next_seq
        if self.next_seq < self.published:
            raise ArchiveDamaged(
                f"the journal ends at statement {self.next_seq - 1}, the checkpoint covers {self.published}",
                do="restore the journal from a backup; nothing was changed",
            )
        self._unpublished = [committed.statement.entry for committed in tail]
        self._load_last(tail)
        return tail

    def _load_last(self, tail: Sequence[Committed]) -> None:
        if tail:
            self.last_at = parse_instant(tail[-1].statement.at)
        elif self.next_seq:
            for line in self.journal.lines(self.next_seq - 1):
                self.last_at = parse_instant(self.parse(line.seq, line.path, line.data).at)

    def parse(self, seq: int, path: str, data: bytes) -> Statement:
        """Parse a journal line that must be number ``seq`` of this log, or raise ``ArchiveDamaged``."""
        try:
            statement = parse_statement(data)
        except FormatError as error:
            raise ArchiveDamaged(f"{path}: statement {seq}: {error}") from error
        if statement.seq != seq or statement.body["origin"] != self._origin:
            raise ArchiveDamaged(f"{path}: the line at place {seq} says {statement.seq} of {statement.body['origin']}")
        return statement

    # -- committing --------------------------------------------------------------------------------

    def commit(self, makers: Sequence[Maker]) -> list[Committed]:
        """Number, append and sync one batch; on return it is durable. This is the commit.

        A clock that went back since the last statement is stated first. ``storage.errors.Full`` leaves the journal as
        it was; ``SyncFailed`` means that the state is unknown and the process must stop.
        """
        now = self._now()
        sealed: list[Statement] = []
        if self.last_at is not None and now < self.last_at:
            step = {"event": "clock_step", "from": format_instant(self.last_at), "to": format_instant(now)}
            sealed.append(self._seal("custody", step, now))
        for make in makers:
            kind, fields = make(self.next_seq + len(sealed), sealed)
            sealed.append(self._seal(kind, fields, now, len(sealed)))
        positions = self._append(sealed, now)
        self.next_seq += len(sealed)
        self.last_at = parse_instant(format_instant(now))
        self._unpublished += [statement.entry for statement in sealed]
        return [Committed(statement, position) for statement, position in zip(sealed, positions, strict=True)]

    def _seal(self, kind: str, fields: Json, now: datetime, ahead: int = 0) -> Statement:
        nonce = bytes.fromhex(fields.pop("nonce")) if "nonce" in fields else self._random(32)
        return seal(kind, fields, seq=self.next_seq + ahead, origin=self._origin, at=now, nonce=nonce)

    def _append(self, sealed: Sequence[Statement], now: datetime) -> list[Position]:
        # A disk that fills up half-way leaves the journal as it was: it takes the torn line off again itself.
        positions = self.journal.append(self.next_seq, [statement.line for statement in sealed], now.date())
        self.journal.sync()
        return positions

    def acknowledge(self) -> None:
        """Write the head copy: after this the batch may be acknowledged, and its numbers are never given out again."""
        self.acknowledged = self.next_seq - 1
        self._head.write(Head(self.acknowledged, self.checkpoint_bytes))

    # -- publishing --------------------------------------------------------------------------------

    def publish(self) -> bool:
        """Write tiles, then the signed checkpoint, then the head copy; False when there is nothing new.

        Everything the checkpoint will cover must be durable and placed. If we crash before the checkpoint is replaced,
        the tiles are the same bytes next time; after it, only the head copy is behind, which start-up mends.
        """
        if not self._unpublished:
            return False
        if self._key is None:
            raise UsageError("publishing a checkpoint needs the log's private key", do="give --passphrase-file")
        growth = grow(self.published, self._unpublished, self.read_tile)
        paths = []
        for path, data in growth.files.items():
            self._lay_tile(f"log/{path}", data)
            paths.append(f"log/{path}")
        self._files.barrier(paths)
        checkpoint = Checkpoint(self._origin, growth.size, growth.root)
        data = sign_checkpoint(checkpoint, self._verifier, self._key.sign)
        self._files.replace(CHECKPOINT, data)
        self.checkpoint, self.checkpoint_bytes = checkpoint, data
        self._unpublished = []
        self.acknowledge()
        return True

    def _lay_tile(self, path: str, data: bytes) -> None:
        """Write a tile that no checkpoint covers yet; a torn one that a power loss left there makes way."""
        try:
            # One that was there before may come from a process whose sync failed: the next sync must write it.
            known = self._files.exists(path)
            self._files.write(path, data)
            if known:
                self._files.renew(path)
        except Conflict:
            self._files.remove(path)
            self._files.write(path, data)

    def check_root(self) -> None:
        """Raise ``ArchiveDamaged`` unless the tiles lead to the checkpoint's root."""
        if self.checkpoint is None or not self.checkpoint.size:
            return
        try:
            root = root_at(self.checkpoint.size, self.read_tile)
        except (Missing, FormatError) as error:
            raise ArchiveDamaged(f"log/tile: {error}", do="run archiver rebuild") from error
        if root != self.checkpoint.root:
            raise ArchiveDamaged(
                "the tiles of log/ do not lead to the root of log/checkpoint", do="run archiver rebuild"
            )

    def rebuild_tiles(self) -> None:
        """Write the tiles of every checkpointed statement again from the journal, and compare with the checkpoint."""
        if self.checkpoint is None:
            return
        entries = []
        for line in self.journal.lines(0):
            if line.seq >= self.checkpoint.size:
                break
            entries.append(entry_of(line.data))
        growth = grow(0, entries, self.read_tile)
        if growth.size != self.checkpoint.size or growth.root != self.checkpoint.root:
            raise ArchiveDamaged(
                "the journal does not lead to the root of log/checkpoint",
                do="the journal or the checkpoint was altered; compare with stamps/ and with outside copies",
            )
        for path, data in growth.files.items():
            self._lay_tile(f"log/{path}", data)
        self._files.barrier([f"log/{path}" for path in growth.files])
