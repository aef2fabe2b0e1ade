"""Verification of one snapshot folder as a numbered list; the numbers are those of docs/verify-without-us.md.

 1  statement canonical          6  inclusion in the log
 2  file digests, no strangers   7  checkpoint signature
 3  WARC structure and digests   8  tokens over the statement
 4  decoded content              9  tokens over the checkpoint
 5  transport equals statement  10  order of the bracket     16  cosignatures of witnesses

Pure: a folder, a public key, roots and witnesses' keys suffice; no database, no daemon, no clock. With the archive at
hand ``archiver.audit`` goes on with 11 to 15.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

from archiver.errors import FormatError, MalformedProof
from archiver.evidence.canonical import MAX_LINE, Json
from archiver.evidence.check_names import NAMES
from archiver.evidence.checkpoint import Checkpoint
from archiver.evidence.note import Verifier
from archiver.evidence.statement import Statement, parse_statement
from archiver.evidence.tlog_proof import TlogProof

if TYPE_CHECKING:
    from archiver.evidence.cosignature import WitnessKey
    from archiver.evidence.warc_reader import Record

SMALL_FILE = 1024 * 1024
"""Bytes of a proof, token or chain file that is read whole; larger ones are refused."""
HASH_CHUNK = 1024 * 1024

NO_REVOCATION = "revocation of the timestamp authorities' certificates"
NOT_CHECKED = (
    "that the publisher's server sent these bytes: TLS does not sign content (limit L2)",
    "what other readers received (limit L1)",
    NO_REVOCATION,
    "that the log shows everyone the same history: compare checkpoints with copies held elsewhere",
)
"""What no check of ours covers; printed with every report, ``NO_REVOCATION`` unless check 17 passed."""

FOLDER_CHECKS = (*range(1, 11), 16)
"""Checks that a folder alone allows."""

Verdict = Literal["pass", "fail", "incomplete", "none", "disposed"]
"""``none``: there is nothing of this kind to check; ``disposed``: what would be checked was disposed of, as stated."""


class Folder(Protocol):
    """A snapshot folder, wherever it lies."""

    @property
    def name(self) -> str:
        """Its own name, ``EA-S-00000123``; empty when unknown."""
        ...

    def names(self) -> Sequence[str]:
        """The names in it."""
        ...

    def size(self, name: str) -> int:
        """Bytes of one file."""
        ...

    def stream(self, name: str) -> BinaryIO:
        """One file, seekable."""
        ...


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One numbered check."""

    number: int
    verdict: Verdict
    detail: str

    @property
    def name(self) -> str:
        """What is checked."""
        return NAMES[self.number]

    def to_json(self) -> Json:
        """An item of ``checks`` in ``verify --json``."""
        return {
            "number": self.number,
            "name": self.name,
            "verdict": self.verdict,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on one subject."""

    subject: str
    checks: tuple[CheckResult, ...]
    not_checked: tuple[str, ...] = NOT_CHECKED

    @property
    def verdict(self) -> Literal["pass", "fail", "incomplete", "disposed"]:
        """``fail`` when one check failed; ``disposed`` when content is gone, as stated; ``incomplete`` when one check
        could not be made; else ``pass``.
        """
        verdicts = {check.verdict for check in self.checks}
        for found in ("fail", "disposed", "incomplete"):
            if found in verdicts:
                return found
        return "pass"

    def to_json(self) -> Json:
        """One item of ``verify --json``."""
        return {
            "subject": self.subject,
            "verdict": self.verdict,
            "checks": [check.to_json() for check in self.checks],
            "not_checked": list(self.not_checked),
        }


class Failed(FormatError):
    """A check failed; the text names the file."""


class Incomplete(FormatError):
    """A check could not be made; the text says what is missing."""


class Nothing(FormatError):
    """There is nothing of this kind to check."""


class Gone(FormatError):
    """What would be checked was disposed of; the text says when, by whom and why."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A verified token: when it was made, give or take, and by whom."""

    moment: datetime
    margin: timedelta
    """How far the true time may lie from ``moment``, either way: the stated accuracy and the last digit given."""
    authority: str


@dataclass(slots=True)
class Evidence:
    """A folder with what it is checked against, and what earlier checks found out."""

    folder: Folder
    key: Verifier | None
    roots: Sequence[bytes]
    referent: Callable[[int], Folder | None] = lambda _: None
    """The folder of another snapshot, for revisit records."""
    disposed: str | None = None
    """When, by whom and why its content was disposed of, where the log says so."""
    proof: Callable[[], bytes | None] = lambda: None
    """A proof from elsewhere, for a snapshot that has none in its folder yet."""
    witnesses: Sequence[WitnessKey] = ()
    """Keys of witnesses, by which cosignatures are checked."""
    expects_tokens: bool = False
    """True when an authority is configured, so that no token at all means pending."""
    statement: Statement | None = None
    checkpoint: Checkpoint | None = None
    checkpoint_bytes: bytes | None = None
    sealed: list[Sealed] = field(default_factory=list)
    """Verified tokens over statement or checkpoint."""
    unreadable: tuple[type[Exception], ...] = ()
    """Errors of the place the folder lies in: they fail a check too."""
    records: dict[int | None, tuple[Record, ...]] = field(default_factory=dict)
    """Records of WARC files already read: of this folder (None), and of referents by number."""
    listed: Sequence[str] | None = None
    """What ``names`` found."""
    read_proof: TlogProof | None = None
    """The proof, once it was read."""
    opened: ExitStack = field(default_factory=ExitStack)
    """Files that records still read from; closed after the last check."""

    def read(self, name: str, ceiling: int = SMALL_FILE) -> bytes:
        """A small file whole; ``Failed`` when it is too large to be what it should be."""
        if self.folder.size(name) > ceiling:
            raise Failed(f"{name} is larger than {ceiling} bytes")
        with self.folder.stream(name) as handle:
            return handle.read()

    def body(self) -> Json:
        """The statement's fields; ``Incomplete`` when check 1 did not pass."""
        if self.statement is None:
            raise Incomplete("statement.json does not hold, see check 1")
        return self.statement.body

    def names(self) -> Sequence[str]:
        """The names in the folder, as they were when first asked for: every check speaks of the same files."""
        if self.listed is None:
            self.listed = self.folder.names()
        return self.listed


def verify_folder(evidence: Evidence, numbers: Sequence[int] = FOLDER_CHECKS) -> tuple[CheckResult, ...]:
    """Run the numbered checks in this order; every one is made even when an earlier one failed.

    Check 1 reads the statement and 6 the checkpoint, which later ones use.
    """
    steps: dict[int, Callable[[Evidence], str]] = {1: _statement, 2: _files, 6: _inclusion, 7: _signature}
    if not {3, 4, 5}.isdisjoint(numbers):  # each group costs some time to load
        from archiver.evidence import verify_warc

        steps |= {3: verify_warc.check_warc_file, 4: verify_warc.check_content, 5: verify_warc.check_transport}
    if not {8, 9, 10}.isdisjoint(numbers):
        from archiver.evidence import verify_seal

        steps |= {8: verify_seal.check_statement_tokens, 9: verify_seal.check_checkpoint_tokens}
        steps[10] = verify_seal.check_bracket
    if 16 in numbers:
        from archiver.evidence import verify_cosignatures

        steps[16] = verify_cosignatures.check_cosignatures
    if evidence.disposed is not None:
        steps |= dict.fromkeys((3, 4, 5), _gone)
    with evidence.opened:
        checks = tuple(run(n, partial(steps[n], evidence), evidence.unreadable) for n in numbers)
        evidence.records.clear()
    return checks


_HOSTILE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, EOFError)
"""What reading a file may raise that lacks any key or holds any type; a failed check, never a crash."""


def run(number: int, step: Callable[[], str], unreadable: tuple[type[Exception], ...] = ()) -> CheckResult:
    """Make one check: its text when it passes, its error's text when it does not."""
    try:
        return CheckResult(number, "pass", step())
    except Incomplete as error:
        return CheckResult(number, "incomplete", error.what)
    except Nothing as error:
        return CheckResult(number, "none", error.what)
    except Gone as error:
        return CheckResult(number, "disposed", error.what)
    except FormatError as error:
        return CheckResult(number, "fail", error.what)
    except unreadable as error:
        return CheckResult(number, "fail", str(error))
    except _HOSTILE as error:
        return CheckResult(number, "fail", f"not as docs/format.md says: {error!r}")


# -- 1 and 2 ---------------------------------------------------------------------------------------


def _statement(evidence: Evidence) -> str:
    if "statement.json" not in evidence.names():
        raise Failed("statement.json is missing")
    try:
        statement = parse_statement(evidence.read("statement.json", MAX_LINE))
    except Failed:
        raise
    except FormatError as error:
        raise Failed(f"statement.json: {error.what}") from error
    body = statement.body
    if statement.kind != "capture":
        raise Failed(f"statement.json is of kind {statement.kind}, not capture")
    if evidence.folder.name and body["snapshot"] != evidence.folder.name:
        raise Failed(f"statement.json is of {body['snapshot']}, the folder is {evidence.folder.name}")
    if evidence.key is not None and body["origin"] != evidence.key.name:
        raise Failed(f"statement.json is of the log {body['origin']}, the key of {evidence.key.name}")
    evidence.statement = statement
    return f"statement {statement.seq} of {body['origin']}, entry {statement.entry_hex}"


_KNOWN = re.compile(
    r"statement\.json|statement\.tlog-proof|"
    r"(checkpoint|statement)\.[a-z0-9-]+(\.[2-9]\d*)?\.(tsr|chain\.pem)|"
    r"checkpoint\.[a-z0-9-]+\.cosig|"
    r"before\.[a-z0-9-]+\.(tsr|chain\.pem|subject)",
    re.ASCII,
)


def _files(evidence: Evidence) -> str:
    body = evidence.body()
    names = set(evidence.names())
    named: dict[str, Json] = {item["name"]: item for item in body["partial"] or ()}
    if body["warc"] is not None:
        named["capture.warc.gz"] = body["warc"]
    strangers = sorted(name for name in names - named.keys() if not _KNOWN.fullmatch(name))
    if strangers:
        raise Failed(f"{strangers[0]} does not belong in the folder")
    _complete(names)
    if evidence.disposed is not None and named:
        if left := sorted(named.keys() & names):
            raise Failed(f"{left[0]} is there, although it was {evidence.disposed}; the next start deletes it")
        raise Gone(f"{', '.join(named)}: {evidence.disposed}")
    for name, stated in named.items():
        if name not in names:
            raise Failed(f"{name} is missing")
        _compare_file(evidence, name, stated)
    return ", ".join(f"{name} {stated['sha256']} ({stated['bytes']} bytes)" for name, stated in named.items())


def _gone(evidence: Evidence) -> str:
    """Stand for the checks of a WARC that was disposed of."""
    if evidence.body()["warc"] is None:
        raise Nothing("the check kept no WARC")
    raise Gone("cannot be read any more, see check 2")


def _complete(names: set[str]) -> None:
    """Files that are added together are there together: a token, its chain, and the proof it is about."""
    for name in sorted(names):
        if name.endswith(".cosig") and "statement.tlog-proof" not in names:
            raise Failed(f"statement.tlog-proof is missing, {name} is there")
        base = name.removesuffix(".tsr").removesuffix(".chain.pem").removesuffix(".subject")
        if base == name:
            continue
        wanted = [f"{base}.tsr", f"{base}.chain.pem"]
        wanted += [f"{base}.subject"] if base.startswith("before.") else []
        wanted += ["statement.tlog-proof"] if not base.startswith("statement.") else []
        for other in wanted:
            if other not in names:
                raise Failed(f"{other} is missing, {name} is there")


def _compare_file(evidence: Evidence, name: str, stated: Json) -> None:
    sha256 = hashlib.sha256()
    sha512 = hashlib.sha512() if "sha512" in stated else None
    size = 0
    with evidence.folder.stream(name) as handle:
        while chunk := handle.read(HASH_CHUNK):
            sha256.update(chunk)
            if sha512 is not None:
                sha512.update(chunk)
            size += len(chunk)
    if size != stated["bytes"]:
        raise Failed(f"{name} has {size} bytes, the statement says {stated['bytes']}")
    if sha256.hexdigest() != stated["sha256"]:
        raise Failed(f"{name} has SHA-256 {sha256.hexdigest()}, the statement says {stated['sha256']}")
    if sha512 is not None and sha512.hexdigest() != stated["sha512"]:
        raise Failed(f"{name} has another SHA-512 than the statement says")


# -- 6 and 7 ---------------------------------------------------------------------------------------


def _proof(evidence: Evidence) -> TlogProof:
    if evidence.read_proof is None:
        evidence.read_proof = _read_proof(evidence)
    return evidence.read_proof


def _read_proof(evidence: Evidence) -> TlogProof:
    if "statement.tlog-proof" in evidence.names():
        data = evidence.read("statement.tlog-proof")
    else:
        made = evidence.proof()
        if made is None:
            raise Incomplete("not yet covered: there is no statement.tlog-proof")
        data = made
    try:
        return TlogProof.from_bytes(data)
    except FormatError as error:
        raise Failed(f"statement.tlog-proof: {error.what}") from error


def _inclusion(evidence: Evidence) -> str:
    body = evidence.body()
    proof = _proof(evidence)
    if evidence.key is None:
        raise Incomplete("no public key of the log was given (--key)")
    if proof.index != body["seq"]:
        raise Failed(f"statement.tlog-proof is for entry {proof.index}, the statement is {body['seq']}")
    assert evidence.statement is not None
    try:
        checkpoint = proof.verify(evidence.statement.entry, evidence.key)
    except MalformedProof as error:
        raise Failed(f"statement.tlog-proof does not lead from statement.json to the root: {error.what}") from error
    except FormatError as error:
        raise Failed(f"statement.tlog-proof: {error.what}") from error
    evidence.checkpoint, evidence.checkpoint_bytes = checkpoint, proof.checkpoint
    hashes = "hash leads" if len(proof.hashes) == 1 else "hashes lead"
    return f"entry {proof.index} of {checkpoint.size}, {len(proof.hashes)} {hashes} to the root"


def _signature(evidence: Evidence) -> str:
    _proof(evidence)
    if evidence.key is None:
        raise Incomplete("no public key of the log was given (--key)")
    if evidence.checkpoint is None:
        raise Failed("the checkpoint at the end of statement.tlog-proof does not hold, see check 6")
    return f"{evidence.checkpoint.origin}, size {evidence.checkpoint.size}, signed by {evidence.key.vkey}"
