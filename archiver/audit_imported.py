"""Verification of imported files: each kept file by itself, and all of them together.

What passing shows is that the file existed in the archive no later than a time that a timestamp gives. Nothing here
says who captured what is in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from archiver.audit_ground import HASH_CHUNK, Ground, guarded
from archiver.custody import disposal_of
from archiver.errors import FormatError
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint
from archiver.evidence.imported import examine
from archiver.evidence.imported_tally import Ceilings, Tally
from archiver.evidence.instant import format_instant
from archiver.evidence.statement import Statement, parse_import_id
from archiver.evidence.tiles import inclusion_proof
from archiver.evidence.timestamp import certificates_from_pem, verify_token
from archiver.evidence.tlog_proof import TlogProof
from archiver.evidence.verify import Failed, Gone, Incomplete, Nothing, Report, run
from archiver.imported import FOLDER, MARK, kept_with_bytes, staging_of
from storage.errors import StorageError

SHOWN = 5
"""Problems that a report names."""
NOT_CHECKED = (
    "who captured what is in this file, from where and when: it was imported, and only the file itself says so",
    "revocation of the timestamp authorities' certificates",
    "that the log shows everyone the same history: compare checkpoints with copies held elsewhere",
)


class ImportAudit:
    """Verifies one imported file, once."""

    def __init__(self, audit: Ground, statement: Statement) -> None:
        self.audit = audit
        self.statement = statement
        self.body = statement.body
        self.disposal = disposal_of(audit.archive, statement.seq)
        self._checkpoint: Checkpoint | None = None
        self._sealed: list[tuple[datetime, timedelta, str]] = []
        """Moment, margin and authority of every verified token."""

    def report(self) -> Report:
        """Make checks 2 (the file), 3 (its records), 6 to 9 (log and tokens), 11 (journal), 41 (what it shows)."""
        steps: dict[int, Callable[[], str]] = {
            2: self._file,
            3: self._records,
            6: self._inclusion,
            7: self._signature,
            8: self._statement_tokens,
            9: self._checkpoint_tokens,
            11: self._journal_line,
            41: self._existence,
        }
        checks = tuple(run(number, guarded(step), (StorageError,)) for number, step in steps.items())
        return Report(str(self.body["subjects"][0]), checks, NOT_CHECKED)

    def _file(self) -> str:
        path, files = self.body["path"], self.audit.archive.files
        if self.disposal is not None:
            raise Gone(self._gone(path))
        if not self.audit.patiently(partial(files.exists, path)):
            raise Failed(f"{path} is missing")
        sha256, sha512, size = hashlib.sha256(), hashlib.sha512(), 0
        with files.open(path) as handle:
            while chunk := handle.read(HASH_CHUNK):
                sha256.update(chunk)
                sha512.update(chunk)
                size += len(chunk)
        if size != self.body["file_bytes"]:
            raise Failed(f"{path} has {size} bytes, the statement says {self.body['file_bytes']}")
        for digest, name in ((sha256, "SHA-256"), (sha512, "SHA-512")):
            if digest.hexdigest() != self.body[f"file_{digest.name}"]:
                raise Failed(f"{path} has another {name} than the statement says")
        return f"{path} {sha256.hexdigest()} ({size} bytes)"

    def _gone(self, path: str) -> str:
        """What is said of a file that was disposed of; ``Failed`` where it lies there and nobody else stated it."""
        others = kept_with_bytes(self.audit.archive, self.body["file_sha256"])
        if others:
            return f"{path}: {self.disposal}; the same bytes lie there as {others[0].body['subjects'][0]}"
        if self.audit.archive.files.exists(path):
            raise Failed(f"{path} is there, although it was {self.disposal}; the next start deletes it")
        return f"{path}: {self.disposal}"

    def _records(self) -> str:
        """Read again: what is broken now and was not when the file came in is a failure; the rest was known."""
        if self.disposal is not None:
            raise Gone("cannot be read any more, see check 2")
        settings, files = self.audit.archive.settings, self.audit.archive.files
        most = max(settings["import.max_records"], self.body["records"])  # a lower setting is no damage
        ceilings = Ceilings(most, settings["import.max_ratio"])
        with files.open(self.body["path"]) as source:
            tally = examine(source, files.size(self.body["path"]), ceilings, (StorageError,))
        found = tally.to_json()
        unknown = [problem for problem in found["problems"] if problem not in self.body["problems"]]
        # Where reading stops is a matter of settings, and they may change: that is no damage, in either direction.
        if any(problem["code"] == "ceiling" for problem in unknown):
            raise Incomplete(f"{unknown[-1]['detail']}; the settings are not those under which it came in")
        if unknown and all(problem["code"] != "ceiling" for problem in self.body["problems"]):
            raise Failed(f"{unknown[0]['where']}: {unknown[0]['detail']} ({unknown[0]['code']}), not stated at import")
        if tally.problems or self.body["problems"]:
            raise Nothing(f"broken when it was imported, and stated so: {_listed(tally)}")
        if (found["records"], found["urls"]) != (self.body["records"], self.body["urls"]):
            raise Failed(f"{found['records']} records, the statement says {self.body['records']}, or other addresses")
        return f"{tally.records} records, digests of {tally.hold} hold{_remarks(tally)}"

    def _head(self) -> tuple[Checkpoint, bytes]:
        """The checkpoint to lead to: the first stamped one over the statement, else the newest."""
        row = self.audit.archive.index.row(
            "select size from stamp where event = 'token' and subject = 'checkpoint' and size > ?"
            " order by size limit 1",
            (self.statement.seq,),
        )
        if row is not None:
            data = self.audit.archive.files.read(f"stamps/{row['size']}/checkpoint")
            return open_checkpoint(data, self.audit.archive.verifier), data
        if self.audit.head is None:
            raise Failed(self.audit.head_fault)
        if self.audit.head[0].size <= self.statement.seq:
            raise Incomplete("not yet covered: no checkpoint was published since")
        return self.audit.head

    def _inclusion(self) -> str:
        checkpoint, data = self._head()
        seq = self.statement.seq
        proof = TlogProof(seq, inclusion_proof(seq, checkpoint.size, self.audit.read_tile), data)
        self._checkpoint = proof.verify(self.statement.entry, self.audit.archive.verifier)
        hashes = "hash leads" if len(proof.hashes) == 1 else "hashes lead"
        return f"entry {seq} of {checkpoint.size}, {len(proof.hashes)} {hashes} to the root"

    def _signature(self) -> str:
        if self._checkpoint is None:
            raise Incomplete("no checkpoint that holds covers the statement, see check 6")
        verifier = self.audit.archive.verifier
        return f"{self._checkpoint.origin}, size {self._checkpoint.size}, signed by {verifier.vkey}"

    def _statement_tokens(self) -> str:
        rows = self._tokens("subject = 'statement' and subject_seq = ?", self.statement.seq)
        if not rows:
            raise Nothing("no token over this statement alone")
        return "; ".join(self._token(stamp, self.statement.line) for stamp in rows)

    def _checkpoint_tokens(self) -> str:
        size = -1 if self._checkpoint is None else self._checkpoint.size
        rows = self._tokens("subject = 'checkpoint' and size = ?", size)
        if not rows:
            if self.audit.archive.settings.authorities:
                raise Incomplete("no timestamp yet: none over a checkpoint that covers this statement")
            raise Nothing("no token over a checkpoint")
        subject = self.audit.archive.files.read(f"stamps/{size}/checkpoint")
        return "; ".join(self._token(stamp, subject) for stamp in rows)

    def _tokens(self, where: str, number: int) -> list[Statement]:
        rows = self.audit.archive.index.rows(
            f"select seq from stamp where event = 'token' and {where} order by seq", (number,)
        )
        return [self.audit.line(row["seq"]) for row in rows]

    def _token(self, stamp: Statement, subject: bytes) -> str:
        body, files = stamp.body, self.audit.archive.files
        reply = files.read(body["path"])
        try:
            chain = certificates_from_pem(files.read(f"{body['path'].removesuffix('.tsr')}.chain.pem"))
            token = verify_token(reply, subject, self.audit.roots, extra=chain).token
        except FormatError as error:
            raise Failed(f"{body['path']}: {error.what}") from error
        if hashlib.sha256(reply).hexdigest() != body["token_sha256"]:
            raise Failed(f"{body['path']} is not what stamp statement {stamp.seq} names")
        self._sealed.append((token.gen_moment, timedelta(microseconds=token.accuracy_us or 0), body["authority"]))
        return f"{body['authority']} {token.gen_time} serial {token.serial}"

    def _journal_line(self) -> str:
        line = self.audit.line(self.statement.seq)
        return f"statement {line.seq} of kind {line.kind}, entry {line.entry_hex}"

    def _existence(self) -> str:
        """Check 41: the one thing that is shown, in plain words."""
        nothing = "nothing is shown about who captured what is in it"
        gone = "" if self.disposal is None else ", by its digest,"
        if not self._sealed:
            told = f"imported; by this host's clock alone the file{gone} existed in the archive at {self.statement.at}"
            if self.audit.archive.settings.authorities:
                raise Incomplete(f"{told}; no verified timestamp covers it yet; {nothing}")
            raise Nothing(f"{told}; no timestamp authority is configured; {nothing}")
        moment, margin, authority = min(self._sealed)
        latest = format_instant(moment + margin)
        return f"imported: this file{gone} existed in the archive no later than {latest} ({authority}); {nothing}"


def _listed(tally: Tally) -> str:
    problems = tally.problems
    more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    read = f"{tally.records} records could be read, digests of {tally.hold} hold"
    return "; ".join([*map(str, problems[:SHOWN]), *more, read])


def _remarks(tally: Tally) -> str:
    words = {"no_digest": "state no digest that could be compared", "whole_file_gzip": "gzip member of several records"}
    return "".join(f", {item['number']} {words[item['code']]}" for item in tally.remarks)


def check_imports(audit: Ground, stated: Iterable[Statement], lying: list[str]) -> str:
    """Check 42: every stated file lies in its place with its size, and nothing else does; digests are check 2.

    ``stated`` are imports and disposals in the order of the log, ``lying`` the files of ``imported/`` as they were
    listed before the journal was read. Only a disposal that names the import and its file lets that be missing.
    """
    files = audit.archive.files
    kept, gone = _kept_and_gone(stated)
    wanted = {str(statement.body["path"]): statement for statement in kept}
    for path, statement in wanted.items():
        waiting = f"{staging_of(statement.body['file_sha256'])}/file"
        if not audit.patiently(lambda path=path: files.exists(path)):  # type: ignore[misc]
            where = f"{path} is missing, statement {statement.seq} names it"
            raise Incomplete(f"{path} is being placed") if files.exists(waiting) else Failed(where)
        if files.size(path) != statement.body["file_bytes"]:
            raise Failed(f"{path} has {files.size(path)} bytes, the statement says {statement.body['file_bytes']}")
    for path in {str(statement.body["path"]) for statement in gone} - wanted.keys():
        # Stated first, deleted then: a writer beside us may be between the two.
        if not audit.patiently(lambda path=path: not files.exists(path)):  # type: ignore[misc]
            raise Failed(f"{path} is there, although it was disposed of; the next start deletes it")
    known = {str(statement.body["path"]) for statement in (*kept, *gone)}
    for path in lying:
        if path not in known and not path.endswith(f"/{MARK}"):
            raise Failed(f"{path}: no statement names it")
    if not wanted and not gone:
        raise Nothing(f"no file was imported, and {FOLDER} is empty")
    left = f"; {len(gone)} disposed of" if gone else ""
    return f"{len(wanted)} files, each stated; their digests are checked one by one{left}"


def _kept_and_gone(stated: Iterable[Statement]) -> tuple[list[Statement], list[Statement]]:
    """The imports whose files must be there, and those that were disposed of."""
    kept: dict[int, Statement] = {}
    gone: list[Statement] = []
    for statement in stated:
        if statement.body["event"] == "import":
            kept[statement.seq] = statement
            continue
        named = {item["path"] for item in (*statement.body["files"], *statement.body["kept"])}
        for seq in map(parse_import_id, statement.body["subjects"]):
            if seq is not None and seq in kept and kept[seq].body["path"] in named:
                gone.append(kept.pop(seq))
    return list(kept.values()), gone
