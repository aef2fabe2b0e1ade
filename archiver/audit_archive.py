"""The archive as a whole: every journal line, every stamp, the database, the log and its older heads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import partial
from itertools import zip_longest

from archiver.archive import VKEY
from archiver.audit_cosignatures import check_stated, is_cosignature, paths_of
from archiver.audit_ground import Ground, files_below, guarded
from archiver.audit_rows import TEXTS, Dumped, up_to
from archiver.audit_texts import StatedTexts
from archiver.check import DAY
from archiver.deletion import is_disposal
from archiver.errors import FormatError
from archiver.evidence.checkpoint import open_checkpoint
from archiver.evidence.frontier import Frontier
from archiver.evidence.merkle import leaf_hash, root_of
from archiver.evidence.statement import Statement, parse_statement
from archiver.evidence.tiles import grow, read_entries
from archiver.evidence.timestamp import certificates_from_pem, chain_to_pem, verify_token
from archiver.evidence.verify import Failed, Incomplete, Nothing, Report, run
from archiver.imported import FOLDER as IMPORTED
from archiver.imported import is_import
from archiver.ledger import CHECKPOINT
from archiver.projection import TableRow, rows_of
from archiver.revocations import FOLDER as REVOCATION
from archiver.revocations import is_revocation
from archiver.texts import FOLDER
from storage.errors import Missing, StorageError
from storage.index import Index
from storage.journal import Journal
from storage.segments import Line

Word = tuple[str, int, int]


class Reading:
    """One pass over the journal, shared by the checks.

    A writer may be at work beside us. It states first and places afterwards, so what is listed before the pass is
    stated in it; and what is stated, but not yet placed or indexed, is waited for (``Ground.patiently``).
    """

    def __init__(self, audit: Ground) -> None:
        self.audit = audit
        self.entries: list[bytes] = []
        self.segments: list[tuple[int, str]] = []
        """First statement and path of each journal file."""
        self.roots: dict[int, bytes] = {}
        self.stamps: list[Statement] = []
        self.cosignatures: list[Statement] = []
        self.folders: set[str] = set()
        self.rows = Index(None)
        self.whole = False
        self.placed: list[str] = []
        self.stamped_files: list[str] = []
        self.log_files: list[str] = []
        self.acknowledged: int | None = None
        self.texts = StatedTexts(audit.archive)
        self.text_files: list[str] = []
        self.imports: list[Statement] = []
        """Imports and disposals, in the order of the log."""
        self.revocations: list[Statement] = []
        self.revocation_files: list[str] = []
        self.imported_files: list[str] = []

    def _look_around(self) -> None:
        """List what may lie there only once it is stated."""
        files = self.audit.archive.files
        days = ["snapshots"]
        for _ in ("year", "month", "day"):
            days = [f"{day}/{name}" for day in days for name in files.list(day)]
        self.placed = [f"{day}/{name}" for day in days for name in files.list(day) if name != DAY]
        self.stamped_files = files_below(files, "stamps")
        self.log_files = files_below(files, "log")
        self.text_files = files_below(files, FOLDER)
        self.imported_files = files_below(files, IMPORTED)
        self.revocation_files = files_below(files, REVOCATION)
        stated = self.audit.archive.head.read()
        self.acknowledged = None if stated is None else stated.acknowledged

    def read(self) -> str:
        """Check 11: every line is a statement of this log, numbered without gaps; collect the rest as it passes."""
        archive = self.audit.archive
        self._look_around()
        wanted = {int(n) for n in archive.files.list("stamps") if n.isascii() and n.isdigit()}
        if self.audit.head is not None:
            wanted.add(self.audit.head[0].size)
        frontier = Frontier()
        batch: list[TableRow] = []
        journal = Journal(archive.files)
        for line in journal.lines(0):
            if not self.segments or self.segments[-1][1] != line.path:
                self.segments.append((line.seq, line.path))
            try:
                statement = parse_statement(line.data)
            except FormatError as error:
                raise Failed(f"{line.path}: line {line.seq}: {error.what}") from error
            if statement.seq != line.seq or statement.body["origin"] != archive.origin:
                raise Failed(f"{line.path}: line {line.seq} says {statement.seq} of {statement.body['origin']}")
            if statement.seq == 0:
                self._key(statement, line.path)
            self.entries.append(statement.entry)
            frontier.append(leaf_hash(statement.entry))
            if frontier.size in wanted:
                self.roots[frontier.size] = frontier.root()
            if statement.kind == "stamp" and statement.body["event"] == "token":
                self.stamps.append(statement)
            if is_revocation(statement):
                self.revocations.append(statement)
            if is_cosignature(statement):
                self.cosignatures.append(statement)
            if is_import(statement) or is_disposal(statement):
                self.imports.append(statement)
            if statement.kind == "capture" and statement.body["folder"]:
                self.folders.add(statement.body["folder"])
            batch += self._rows(statement, line)
            if len(batch) > 5000:
                self._apply(batch, line.path)
                batch = []
        self._apply(batch, self.segments[-1][1] if self.segments else "journal")
        self._end()
        self._logged()
        self._folders()
        self.whole = True
        return f"{len(self.entries)} statements, no gap"

    def _rows(self, statement: Statement, line: Line) -> list[TableRow]:
        try:
            return rows_of(statement, line.path, line.offset, self._token(statement), self.texts.take(statement))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise Failed(f"{line.path}: line {line.seq} is not as docs/format.md says: {error!r}") from error

    def _apply(self, batch: list[TableRow], path: str) -> None:
        try:
            self.rows.apply(batch)
        except StorageError as error:
            raise Failed(f"{path}: its statements contradict each other: {error.cause}") from error

    def _end(self) -> None:
        """The journal ends with a whole line; a writer beside us may be in the middle of one."""
        tail = Journal(self.audit.archive.files).tail()
        if tail.torn and not self.audit.patiently(lambda: not Journal(self.audit.archive.files).tail().torn):
            raise Failed(f"{tail.path}: {len(tail.torn)} bytes at the end are no whole line")

    def _logged(self) -> None:
        """Where the journal does not lead to the checkpoint but the entries of the log do, name the line."""
        head = self.audit.head
        if head is None:
            return
        size = head[0].size
        if size > len(self.entries):
            path = self.segments[-1][1] if self.segments else "journal"
            raise Failed(f"{path}: the journal ends before statement {size - 1}, {CHECKPOINT} covers {size}")
        if self.roots.get(size) == head[0].root:
            return
        unknown = f"{CHECKPOINT}: the journal does not lead to its root"
        try:
            logged = list(read_entries(size, self.audit.read_tile))
        except (StorageError, FormatError):
            raise Failed(unknown) from None
        seq = next((n for n, entry in enumerate(logged) if entry != self.entries[n]), None)
        if seq is None or root_of([leaf_hash(entry) for entry in logged]) != head[0].root:
            raise Failed(unknown)
        _, path = max(segment for segment in self.segments if segment[0] <= seq)
        raise Failed(f"{path}: line {seq} is not the one in the log, whose entry is {logged[seq].hex()}")

    def _key(self, statement: Statement, path: str) -> None:
        archive = self.audit.archive
        if statement.kind != "key" or statement.body["vkey"] != archive.verifier.vkey:
            raise Failed(f"{path}: statement 0 does not name the key in {VKEY}")
        if archive.files.read(VKEY) != archive.verifier.vkey.encode() + b"\n":
            raise Failed(f"{VKEY} is not one line that ends with a line feed")
        if archive.files.read("keys/log.pub.pem") != archive.verifier.spki_pem:
            raise Failed("keys/log.pub.pem is not the key of keys/log.vkey")

    def _token(self, statement: Statement) -> bytes | None:
        if statement.kind != "stamp" or statement.body["event"] != "token":
            return None
        path, files = statement.body["path"], self.audit.archive.files
        return files.read(path) if self.audit.patiently(partial(files.exists, path)) else None

    def _folders(self) -> None:
        """Every snapshot folder belongs to a statement, and every statement with a folder has it."""
        for path in self.placed:
            if path not in self.folders:
                raise Failed(f"{path} belongs to no statement")
        exists = self.audit.archive.files.exists
        for path in sorted(self.folders.difference(self.placed)):
            if not self.audit.patiently(partial(exists, path)):
                raise Failed(f"{path} is missing")

    def stamped(self) -> str:
        """Check 12: every reply and chain under ``stamps/`` is stated, equal and verifies; nothing else lies there."""
        self._need_journal()
        # Digests first: they name the file that changed, and cost little.
        stamps = [(statement, *self._files_of(statement)) for statement in self.stamps]
        expected = {path for statement in self.stamps for path in _paths_of(statement)}
        expected |= {path for statement in self.cosignatures for path in paths_of(statement)}
        for path in self.stamped_files:
            if path not in expected:
                raise Failed(f"{path}: no stamp statement names it")
        for statement, reply, chain, subject in stamps:
            self._stamp(statement, reply, chain, subject)
        if not self.stamps:
            raise Nothing("no timestamp yet")
        return f"{len(self.stamps)} tokens, each stated and verified"

    def _files_of(self, statement: Statement) -> tuple[bytes, bytes, bytes]:
        """Reply, chain and subject of a stamp statement, each with the digest it states."""
        body, files = statement.body, self.audit.archive.files
        paths = _paths_of(statement)
        found = []
        for path in paths:
            try:
                found.append(files.read(path))
            except Missing:
                if not self.audit.patiently(partial(files.exists, path)):
                    raise Failed(f"{path} is missing, stamp statement {statement.seq} names it") from None
                found.append(files.read(path))
        if body["subject"] == "statement":
            found.append(self.audit.archive.statement(int(body["subject_seq"])).line)
            paths.append(f"statement {body['subject_seq']}")
        for path, data, stated in zip(paths, found, ("token_sha256", "chain_sha256", "subject_sha256"), strict=True):
            if hashlib.sha256(data).hexdigest() != body[stated]:
                raise Failed(f"{path} is not what stamp statement {statement.seq} names")
        return found[0], found[1], found[2]

    def _stamp(self, statement: Statement, reply: bytes, chain: bytes, subject: bytes) -> None:
        path, chain_path, *rest = _paths_of(statement)
        if rest:
            self._older_head(rest[0], subject, int(statement.body["size"]))
        try:
            certificates = certificates_from_pem(chain)
        except FormatError as error:
            raise Failed(f"{chain_path}: {error.what}") from error
        try:
            token = verify_token(reply, subject, self.audit.roots, extra=certificates)
        except FormatError as error:
            raise Failed(f"{path}: {error.what}") from error
        if chain_to_pem(token.chain) != chain:
            raise Failed(f"{chain_path} is not the chain of the token")

    def _older_head(self, path: str, data: bytes, size: int) -> None:
        try:
            checkpoint = open_checkpoint(data, self.audit.archive.verifier)
        except FormatError as error:
            raise Failed(f"{path}: {error.what}") from error
        if size not in self.roots and size <= len(self.entries):
            # Stamped by a writer beside us since we looked around.
            self.roots[size] = root_of([leaf_hash(entry) for entry in self.entries[:size]])
        if checkpoint.size != size or self.roots.get(size) != checkpoint.root:
            raise Failed(f"{path}: the journal does not lead to its root")

    def indexed(self) -> str:
        """Check 13: the database is what a rebuild would make, row by row."""
        self._need_journal()
        index, limit = self.audit.archive.index, len(self.entries)
        if not self.audit.patiently(lambda: index.next_seq() >= limit):
            raise Failed(f"archive.db knows {index.next_seq()} statements of {limit}; run archiver rebuild")
        problems = index.check()
        if problems:
            raise Failed(f"archive.db: {problems[0]}")
        try:
            return self._compare(index.dump(), index.words())
        except Failed:
            if not limit < index.next_seq() <= Journal(self.audit.archive.files).tail().next_seq:
                raise
        # A writer beside us has added statements, and their rows, since the journal was read.
        return self._compare(up_to(index.dump(), limit, self.rows))

    def _compare(self, have: Iterator[Dumped], words: Iterator[Word] | None = None) -> str:
        count = 0
        left_out = tuple(TEXTS) if self.texts.lost else ()
        have = (pair for pair in have if pair[0] not in left_out)
        for pair in self.rows.dump():
            if pair[0] in left_out:
                continue
            count += 1
            if next(have, None) != pair:
                raise Failed(f"archive.db: a row of {pair[0]} is not what the statements say; run archiver rebuild")
        extra = next(have, None)
        if extra is not None:
            raise Failed(f"archive.db: a row of {extra[0]} comes from no statement; run archiver rebuild")
        if words is not None and not left_out and any(a != b for a, b in zip_longest(words, self.rows.words())):
            raise Failed("archive.db: the words to search for are not those of the texts; run archiver rebuild")
        return f"{count} rows" + ("; those of texts are not compared, see check 15" if left_out else "")

    def consistent(self) -> str:
        """Check 14: the journal leads to every checkpoint and every tile; the head copy is of the same history."""
        self._need_journal()
        head = self.audit.head
        if head is None:
            raise Failed(self.audit.head_fault)
        checkpoint = head[0]
        copy = self.audit.head_copy()
        if copy is not None:
            self.audit.require_consistent("the head copy", copy, checkpoint)
        if self.acknowledged is not None and self.acknowledged >= len(self.entries):
            raise Failed(f"the head copy knows statement {self.acknowledged}, the journal has {len(self.entries)}")
        self._tiles(checkpoint.size)
        tail = "" if copy is not None else "; there is no head copy to compare with"
        return f"checkpoint of size {checkpoint.size}, {len(self.roots)} heads{tail}"

    def _tiles(self, size: int) -> None:
        """Every file of ``log/`` is what the journal gives; partial tiles of other heads are beginnings of it."""
        whole = grow(0, self.entries[:size], _nothing).files
        files = self.audit.archive.files
        for path, data in whole.items():
            if not files.exists(f"log/{path}"):
                raise Failed(f"log/{path} is missing; run archiver rebuild")
            if files.read(f"log/{path}") != data:
                raise Failed(f"log/{path} is not what the journal gives")
        others = [path for path in self.log_files if path.removeprefix("log/") not in whole and path != CHECKPOINT]
        longest = grow(0, self.entries, _nothing).files if others else {}
        for path in others:
            found = re.fullmatch(r"log/(tile/(entries|\d+)/(?:x\d{3}/)*\d{3})(?:\.p/(\d+))?", path, re.ASCII)
            if found is None:
                raise Failed(f"{path} does not belong there")
            base, level, width = found[1], found[2], int(found[3] or 256)
            data = next((data for name, data in longest.items() if name.partition(".p/")[0] == base), b"")
            length = width * (34 if level == "entries" else 32)
            if len(data) < length or files.read(path) != data[:length]:
                raise Failed(f"{path} is not what the journal gives")

    def kept(self) -> str:
        """Check 15: the texts of versions."""
        self._need_journal()
        return self.texts.check(self.text_files)

    def cosigned(self) -> str:
        """Check 16: every cosignature under ``stamps/`` is stated, equal, and verifies by the key stated."""
        self._need_journal()
        return check_stated(self.audit, self.cosignatures, self._older_head)

    def revoked(self) -> str:
        """Check 17: the revocation data of timestamp authorities."""
        self._need_journal()
        from archiver.audit_revocation import check_stated

        return check_stated(self.audit, self.stamps, self.revocations, self.revocation_files)

    def imported(self) -> str:
        """Check 42: the files of other people."""
        self._need_journal()
        from archiver.audit_imported import check_imports

        return check_imports(self.audit, self.imports, self.imported_files)

    def _need_journal(self) -> None:
        if not self.whole:
            raise Incomplete("the journal does not hold, see check 11")


def _nothing(path: str) -> bytes:
    raise FormatError(f"nothing is read from a log of size 0, but {path} was")


def _paths_of(statement: Statement) -> list[str]:
    """Where a stamp statement's reply and chain lie, and the checkpoint it is over."""
    body = statement.body
    path = str(body["path"])
    paths = [path, f"{path.removesuffix('.tsr')}.chain.pem"]
    return [*paths, f"stamps/{body['size']}/checkpoint"] if body["subject"] == "checkpoint" else paths


def verify_archive(audit: Ground) -> Report:
    """Checks 11 to 17 and 42 over everything that is not in one snapshot's folder."""
    report = _verify(audit)
    # What came between two of our looks at it is there when everything is looked at again; what is damaged stays so.
    if report.verdict == "fail" and audit.being_written():
        report = _verify(Ground(audit.archive, audit.extra_roots, audit.extra_witnesses))
    return report


def _verify(audit: Ground) -> Report:
    reading = Reading(audit)
    steps = (
        (11, reading.read),
        (12, reading.stamped),
        (13, reading.indexed),
        (14, reading.consistent),
        (15, reading.kept),
        (16, reading.cosigned),
        (17, reading.revoked),
        (42, reading.imported),
    )
    checks = tuple(run(number, guarded(step)) for number, step in steps)
    reading.rows.close()
    return Report(f"archive {audit.archive.origin}", checks)
