"""The archive as a whole: every journal line, every stamp, the database, the log and its older heads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from archiver.archive import VKEY
from archiver.audit import Audit
from archiver.errors import ArchiverError, FormatError
from archiver.evidence.checkpoint import open_checkpoint
from archiver.evidence.frontier import Frontier
from archiver.evidence.merkle import leaf_hash
from archiver.evidence.statement import Statement, parse_statement
from archiver.evidence.tiles import grow
from archiver.evidence.timestamp import certificates_from_pem, chain_to_pem, verify_token
from archiver.evidence.verify import CheckResult, Failed, Incomplete, Nothing, Report, run
from archiver.ledger import CHECKPOINT
from archiver.projection import TableRow, rows_of
from storage.errors import StorageError
from storage.index import Index
from storage.journal import Journal


class _Reading:
    """One pass over the journal, shared by the checks."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self.entries: list[bytes] = []
        self.roots: dict[int, bytes] = {}
        self.stamps: list[Statement] = []
        self.folders: set[str] = set()
        self.rows = Index(None)
        self.whole = False

    def read(self) -> str:
        """Check 11: every line is a statement of this log, numbered without gaps; collect the rest as it passes."""
        archive = self.audit.archive
        wanted = {int(n) for n in archive.files.list("stamps") if n.isdigit()}
        if self.audit.head is not None:
            wanted.add(self.audit.head[0].size)
        frontier = Frontier()
        batch: list[TableRow] = []
        journal = Journal(archive.files)
        for line in journal.lines(0):
            try:
                statement = parse_statement(line.data)
            except FormatError as error:
                raise Failed(f"{line.path}: line {line.seq}: {error.what}") from error
            if statement.seq != line.seq or statement.body["origin"] != archive.origin:
                raise Failed(f"{line.path}: line {line.seq} says {statement.seq} of {statement.body['origin']}")
            if statement.seq == 0:
                self._key(statement)
            self.entries.append(statement.entry)
            frontier.append(leaf_hash(statement.entry))
            if frontier.size in wanted:
                self.roots[frontier.size] = frontier.root()
            if statement.kind == "stamp" and statement.body["event"] == "token":
                self.stamps.append(statement)
            if statement.kind == "capture" and statement.body["folder"]:
                self.folders.add(statement.body["folder"])
            batch += rows_of(statement, line.path, line.offset, self._token(statement))
            if len(batch) > 5000:
                self.rows.apply(batch)
                batch = []
        tail = journal.tail()
        self.rows.apply(batch)
        if tail.torn:
            raise Failed(f"{tail.path}: {len(tail.torn)} bytes at the end are no whole line")
        self._strangers()
        self.whole = True
        return f"{len(self.entries)} statements, no gap"

    def _key(self, statement: Statement) -> None:
        archive = self.audit.archive
        if statement.kind != "key" or statement.body["vkey"] != archive.verifier.vkey:
            raise Failed(f"statement 0 does not name the key in {VKEY}")
        if archive.files.read("keys/log.pub.pem") != archive.verifier.spki_pem:
            raise Failed("keys/log.pub.pem is not the key of keys/log.vkey")

    def _token(self, statement: Statement) -> bytes | None:
        if statement.kind != "stamp" or statement.body["event"] != "token":
            return None
        path = statement.body["path"]
        return self.audit.archive.files.read(path) if self.audit.archive.files.exists(path) else None

    def _strangers(self) -> None:
        """Every snapshot folder belongs to a statement, and every statement with a folder has it."""
        files = self.audit.archive.files
        found: set[str] = set()
        for year in files.list("snapshots"):
            for month in files.list(f"snapshots/{year}"):
                for day in files.list(f"snapshots/{year}/{month}"):
                    base = f"snapshots/{year}/{month}/{day}"
                    found |= {f"{base}/{name}" for name in files.list(base)}
        for path in sorted(found - self.folders):
            raise Failed(f"{path} belongs to no statement")
        for path in sorted(self.folders - found):
            raise Failed(f"{path} is missing")

    def stamped(self) -> str:
        """Check 12: every reply and chain under ``stamps/`` is stated, equal and verifies; nothing else lies there."""
        self._need_journal()
        expected: set[str] = set()
        for statement in self.stamps:
            expected |= self._stamp(statement)
        files = self.audit.archive.files
        for size in files.list("stamps"):
            for name in files.list(f"stamps/{size}"):
                path = f"stamps/{size}/{name}"
                if path not in expected:
                    raise Failed(f"{path}: no stamp statement names it")
        if not self.stamps:
            raise Nothing("no timestamp yet")
        return f"{len(self.stamps)} tokens, each stated and verified"

    def _stamp(self, statement: Statement) -> set[str]:
        body, files = statement.body, self.audit.archive.files
        path = str(body["path"])
        chain_path = f"{path.removesuffix('.tsr')}.chain.pem"
        reply, chain = files.read(path), files.read(chain_path)
        for name, data, stated in ((path, reply, "token_sha256"), (chain_path, chain, "chain_sha256")):
            if hashlib.sha256(data).hexdigest() != body[stated]:
                raise Failed(f"{name} is not what stamp statement {statement.seq} names")
        paths = {path, chain_path}
        if body["subject"] == "checkpoint":
            subject_path = f"stamps/{body['size']}/checkpoint"
            subject = files.read(subject_path)
            paths.add(subject_path)
            self._older_head(subject_path, subject, int(body["size"]))
        else:
            subject = self.audit.archive.statement(int(body["subject_seq"])).line
        if hashlib.sha256(subject).hexdigest() != body["subject_sha256"]:
            raise Failed(f"{path}: its subject is not what stamp statement {statement.seq} names")
        try:
            token = verify_token(reply, subject, self.audit.roots, extra=certificates_from_pem(chain))
        except FormatError as error:
            raise Failed(f"{path}: {error.what}") from error
        if chain_to_pem(token.chain) != chain:
            raise Failed(f"{chain_path} is not the chain of the token")
        return paths

    def _older_head(self, path: str, data: bytes, size: int) -> None:
        try:
            checkpoint = open_checkpoint(data, self.audit.archive.verifier)
        except FormatError as error:
            raise Failed(f"{path}: {error.what}") from error
        if checkpoint.size != size or self.roots.get(size) != checkpoint.root:
            raise Failed(f"{path}: the journal does not lead to its root")

    def indexed(self) -> str:
        """Check 13: the database is what a rebuild would make, row by row."""
        self._need_journal()
        wanted, have = self.rows.dump(), self.audit.archive.index.dump()
        count = 0
        for pair in wanted:
            count += 1
            found = next(have, None)
            if found != pair:
                raise Failed(f"archive.db: a row of {pair[0]} is not what the statements say; run archiver rebuild")
        extra = next(have, None)
        if extra is not None:
            raise Failed(f"archive.db: a row of {extra[0]} comes from no statement; run archiver rebuild")
        problems = self.audit.archive.index.check()
        if problems:
            raise Failed(f"archive.db: {problems[0]}")
        return f"{count} rows"

    def consistent(self) -> str:
        """Check 14: the journal leads to every checkpoint and every tile; the head copy is of the same history."""
        self._need_journal()
        head = self.audit.head
        if head is None:
            raise Failed(f"{CHECKPOINT} is missing or does not hold")
        checkpoint = head[0]
        if checkpoint.size > len(self.entries):
            raise Failed(f"{CHECKPOINT} covers {checkpoint.size} statements, the journal has {len(self.entries)}")
        if self.roots.get(checkpoint.size) != checkpoint.root:
            raise Failed(f"{CHECKPOINT}: the journal does not lead to its root")
        self._tiles(checkpoint.size)
        copy = self.audit.head_copy()
        if copy is not None:
            self.audit.require_consistent("the head copy", copy, checkpoint)
        stated = self.audit.archive.head.read()
        if stated is not None and stated.acknowledged >= len(self.entries):
            raise Failed(f"the head copy knows statement {stated.acknowledged}, the journal has {len(self.entries)}")
        tail = "" if copy is not None else "; there is no head copy to compare with"
        return f"checkpoint of size {checkpoint.size}, {len(self.roots)} heads{tail}"

    def _tiles(self, size: int) -> None:
        """Every file of ``log/`` is what the journal gives; partial tiles of older heads are beginnings of it."""
        whole = grow(0, self.entries[:size], _nothing).files
        files = self.audit.archive.files
        for path, data in whole.items():
            if not files.exists(f"log/{path}"):
                raise Failed(f"log/{path} is missing; run archiver rebuild")
            if files.read(f"log/{path}") != data:
                raise Failed(f"log/{path} is not what the journal gives")
        for path in _walk(files.list, "log/tile", files.is_dir):
            short = path.removeprefix("log/")
            if short in whole or short.rsplit("/", 1)[-1].startswith("."):
                continue
            base = re.sub(r"\.p/\d+$", "", short)
            longer = whole.get(base) or max(
                (data for name, data in whole.items() if name.startswith(f"{base}.p/")), key=len, default=b""
            )
            data = files.read(path)
            width = int(short.rsplit("/", 1)[-1]) * (34 if short.startswith("tile/entries/") else 32)
            if not longer.startswith(data) or len(data) != width:
                raise Failed(f"{path} is not what the journal gives")

    def _need_journal(self) -> None:
        if not self.whole:
            raise Incomplete("the journal does not hold, see check 11")


def _nothing(path: str) -> bytes:
    raise FormatError(f"nothing is read from a log of size 0, but {path} was")


def _walk(names: Callable[[str], list[str]], path: str, is_dir: Callable[[str], bool]) -> list[str]:
    found: list[str] = []
    for name in names(path):
        below = f"{path}/{name}"
        found += _walk(names, below, is_dir) if is_dir(below) else [below]
    return found


def verify_archive(audit: Audit) -> Report:
    """Checks 11 to 14 over everything that is not in one snapshot's folder."""
    reading = _Reading(audit)
    steps = ((11, reading.read), (12, reading.stamped), (13, reading.indexed), (14, reading.consistent))
    checks: list[CheckResult] = []
    for number, step in steps:
        checks.append(run(number, _as_failure(step)))
    reading.rows.close()
    return Report(f"archive {audit.archive.origin}", tuple(checks))


def _as_failure(step: Callable[[], str]) -> Callable[[], str]:
    def guarded() -> str:
        try:
            return step()
        except StorageError as error:
            raise Failed(str(error)) from error
        except ArchiverError as error:
            if isinstance(error, FormatError):
                raise
            raise Failed(error.what) from error

    return guarded
