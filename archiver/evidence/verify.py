"""Verification of one snapshot folder as a numbered list; the numbers are those of docs/verify-without-us.md.

 1  statement canonical          6  inclusion in the log
 2  file digests, no strangers   7  checkpoint signature
 3  WARC structure and digests   8  tokens over the statement
 4  decoded content              9  tokens over the checkpoint
 5  transport equals statement  10  order of the bracket

Pure: a folder, a public key and roots suffice; no database, no daemon, no clock. With the archive at hand
``archiver.audit`` goes on with 11 to 14.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Literal, Protocol

from archiver.errors import FormatError
from archiver.evidence.canonical import MAX_LINE, Json
from archiver.evidence.checkpoint import Checkpoint
from archiver.evidence.instant import parse_instant
from archiver.evidence.note import Verifier
from archiver.evidence.statement import Statement, parse_statement
from archiver.evidence.timestamp import VerifiedToken, certificates_from_pem, chain_to_pem, verify_token
from archiver.evidence.tlog_proof import TlogProof

NAMES = {
    1: "statement canonical",
    2: "file digests",
    3: "WARC structure and digests",
    4: "decoded content",
    5: "transport equals statement",
    6: "inclusion in the log",
    7: "checkpoint signature",
    8: "tokens over the statement",
    9: "tokens over the checkpoint",
    10: "order of the bracket",
    11: "journal line",
    12: "stamp statements",
    13: "index",
    14: "consistency with older checkpoints",
}
SMALL_FILE = 1024 * 1024
"""Bytes of a proof, token or chain file that is read whole; larger ones are refused."""
HASH_CHUNK = 1024 * 1024

NOT_CHECKED = (
    "that the publisher's server sent these bytes: TLS does not sign content (limit L2)",
    "what other readers received (limit L1)",
    "revocation of the timestamp authorities' certificates",
    "that the log shows everyone the same history: compare checkpoints with copies held elsewhere",
)
"""What no check of ours covers; printed with every report."""

Verdict = Literal["pass", "fail", "incomplete", "none"]
"""``none``: there is nothing of this kind to check."""


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

    def open(self, name: str) -> BinaryIO:
        """One file, seekable."""
        ...


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One numbered check."""

    number: int
    verdict: Verdict
    detail: str

    def to_json(self) -> Json:
        """An item of ``checks`` in ``verify --json``."""
        return {
            "number": self.number,
            "name": NAMES[self.number],
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
    def verdict(self) -> Literal["pass", "fail", "incomplete"]:
        """``fail`` when one check failed; ``incomplete`` when one could not be made; else ``pass``."""
        verdicts = {check.verdict for check in self.checks}
        return "fail" if "fail" in verdicts else "incomplete" if "incomplete" in verdicts else "pass"

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


@dataclass(slots=True)
class Evidence:
    """A folder with what it is checked against, and what earlier checks found out."""

    folder: Folder
    key: Verifier | None
    roots: Sequence[bytes]
    referent: Callable[[int], Folder | None] = lambda _: None
    """The folder of another snapshot, for revisit records."""
    proof: bytes | None = None
    """A proof from elsewhere, for a snapshot that has none in its folder yet."""
    expects_tokens: bool = False
    """True when an authority is configured, so that no token at all means pending."""
    statement: Statement | None = None
    checkpoint: Checkpoint | None = None
    checkpoint_bytes: bytes | None = None
    sealed: list[tuple[datetime, str]] = field(default_factory=list)
    """Moments of verified tokens over statement or checkpoint, with the authority."""

    def read(self, name: str, ceiling: int = SMALL_FILE) -> bytes:
        """A small file whole; ``Failed`` when it is too large to be what it should be."""
        if self.folder.size(name) > ceiling:
            raise Failed(f"{name} is larger than {ceiling} bytes")
        with self.folder.open(name) as handle:
            return handle.read()

    def body(self) -> Json:
        """The statement's fields; ``Incomplete`` when check 1 did not pass."""
        if self.statement is None:
            raise Incomplete("statement.json does not hold, see check 1")
        return self.statement.body


def verify_folder(evidence: Evidence, *, first: int = 1, last: int = 10) -> tuple[CheckResult, ...]:
    """Run the numbered checks; every one is made even when an earlier one failed."""
    from archiver.evidence.verify_warc import check_content, check_transport, check_warc_file

    steps: Mapping[int, Callable[[Evidence], str]] = {
        1: _statement,
        2: _files,
        3: check_warc_file,
        4: check_content,
        5: check_transport,
        6: _inclusion,
        7: _signature,
        8: _statement_tokens,
        9: _checkpoint_tokens,
        10: _bracket,
    }
    return tuple(run(number, lambda n=number: steps[n](evidence)) for number in range(first, last + 1))  # type: ignore[misc]


def run(number: int, step: Callable[[], str]) -> CheckResult:
    """Make one check: its text when it passes, its error's text when it does not."""
    try:
        return CheckResult(number, "pass", step())
    except Incomplete as error:
        return CheckResult(number, "incomplete", error.what)
    except Nothing as error:
        return CheckResult(number, "none", error.what)
    except (FormatError, KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        # A hostile file may lack any key or hold any type: that is a failed check, never a crash.
        what = error.what if isinstance(error, FormatError) else f"not as docs/format.md says: {error!r}"
        return CheckResult(number, "fail", what)


# -- 1 and 2 ---------------------------------------------------------------------------------------


def _statement(evidence: Evidence) -> str:
    if "statement.json" not in evidence.folder.names():
        raise Failed("statement.json is missing")
    statement = parse_statement(evidence.read("statement.json", MAX_LINE))
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
    r"before\.[a-z0-9-]+\.(tsr|chain\.pem|subject)",
    re.ASCII,
)


def _files(evidence: Evidence) -> str:
    body = evidence.body()
    names = set(evidence.folder.names())
    named: dict[str, Json] = {item["name"]: item for item in body["partial"] or ()}
    if body["warc"] is not None:
        named["capture.warc.gz"] = body["warc"]
    strangers = sorted(name for name in names - named.keys() if not _KNOWN.fullmatch(name))
    if strangers:
        raise Failed(f"{strangers[0]} does not belong in the folder")
    for name, stated in named.items():
        if name not in names:
            raise Failed(f"{name} is missing")
        _compare_file(evidence, name, stated)
    return ", ".join(f"{name} {stated['sha256']} ({stated['bytes']} bytes)" for name, stated in named.items())


def _compare_file(evidence: Evidence, name: str, stated: Json) -> None:
    sha256 = hashlib.sha256()
    sha512 = hashlib.sha512() if "sha512" in stated else None
    size = 0
    with evidence.folder.open(name) as handle:
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
    if "statement.tlog-proof" in evidence.folder.names():
        data = evidence.read("statement.tlog-proof")
    elif evidence.proof is not None:
        data = evidence.proof
    else:
        raise Incomplete("not yet covered: there is no statement.tlog-proof")
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
    except FormatError as error:
        raise Failed(f"statement.tlog-proof: {error.what}") from error
    evidence.checkpoint, evidence.checkpoint_bytes = checkpoint, proof.checkpoint
    return f"entry {proof.index} of {checkpoint.size}, {len(proof.hashes)} hashes lead to the root"


def _signature(evidence: Evidence) -> str:
    _proof(evidence)
    if evidence.key is None:
        raise Incomplete("no public key of the log was given (--key)")
    if evidence.checkpoint is None:
        raise Failed("the checkpoint at the end of statement.tlog-proof does not hold, see check 6")
    return f"{evidence.checkpoint.origin}, size {evidence.checkpoint.size}, signed by {evidence.key.vkey}"


# -- 8 to 10 ---------------------------------------------------------------------------------------


def _tokens(evidence: Evidence, prefix: str) -> list[tuple[str, str]]:
    """(authority, name without ``.tsr``) of every token in the folder whose name begins so."""
    found = []
    for name in sorted(evidence.folder.names()):
        if name.startswith(prefix) and name.endswith(".tsr"):
            base = name.removesuffix(".tsr")
            found.append((base.removeprefix(prefix).split(".")[0], base))
    return found


def verify_token_files(evidence: Evidence, base: str, subject: bytes) -> VerifiedToken:
    """Check ``<base>.tsr`` over ``subject`` with the chain beside it; ``Failed`` names the file."""
    if not evidence.roots:
        raise Incomplete("no root of a timestamp authority was given (--root)")
    chain_name = f"{base}.chain.pem"
    if chain_name not in evidence.folder.names():
        raise Failed(f"{chain_name} is missing")
    pem = evidence.read(chain_name)
    try:
        chain = certificates_from_pem(pem)
    except FormatError as error:
        raise Failed(f"{chain_name}: {error.what}") from error
    try:
        token = verify_token(evidence.read(f"{base}.tsr"), subject, evidence.roots, extra=chain)
    except FormatError as error:
        raise Failed(f"{base}.tsr: {error.what}") from error
    if chain_to_pem(token.chain) != pem:
        raise Failed(f"{chain_name} is not the chain of {base}.tsr")
    return token


def _check_tokens(evidence: Evidence, prefix: str, subject: bytes) -> str:
    details = []
    for authority, base in _tokens(evidence, prefix):
        token = verify_token_files(evidence, base, subject)
        evidence.sealed.append((token.token.gen_moment, authority))
        details.append(f"{authority} {token.token.gen_time} serial {token.token.serial}")
    return "; ".join(details)


def _statement_tokens(evidence: Evidence) -> str:
    evidence.body()
    assert evidence.statement is not None
    if not _tokens(evidence, "statement."):
        raise Nothing("no token over this statement alone")
    return _check_tokens(evidence, "statement.", evidence.statement.line)


def _checkpoint_tokens(evidence: Evidence) -> str:
    if not _tokens(evidence, "checkpoint."):
        if evidence.expects_tokens:
            raise Incomplete("no timestamp yet: none over a checkpoint that covers this statement")
        raise Nothing("no token over a checkpoint in this folder")
    if evidence.checkpoint_bytes is None:
        raise Incomplete("the checkpoint they cover does not hold, see check 6")
    return _check_tokens(evidence, "checkpoint.", evidence.checkpoint_bytes)


def _bracket(evidence: Evidence) -> str:
    body = evidence.body()
    parse_instant(body["started_at"])
    after = min(evidence.sealed, default=None)
    before = _not_before(evidence, body)
    if before is not None and after is not None and before[0] > after[0]:
        raise Failed(
            f"the token named as not before ({before[0].isoformat()}) is newer than the one over the record"
            f" ({after[0].isoformat()})"
        )
    if after is None:
        raise Nothing("no verified token over the record: no upper bound")
    upper = f"{after[0].isoformat()} ({after[1]})"
    if before is None:
        return f"the record was sealed not after {upper}; no lower bound: no outside token was known when it began"
    width = (after[0] - before[0]).total_seconds()
    return f"the record was sealed between {before[0].isoformat()} ({before[1]}) and {upper}, {width:.0f} s apart"


def _not_before(evidence: Evidence, body: Json) -> tuple[datetime, str] | None:
    before = body["before"]
    names = evidence.folder.names()
    strays = [name for name in names if name.startswith("before.")]
    if before is None:
        if strays:
            raise Failed(f"{strays[0]} is there, but the statement names no token as not before")
        return None
    base = f"before.{before['authority']}"
    wrong = [name for name in strays if name not in (f"{base}.tsr", f"{base}.chain.pem", f"{base}.subject")]
    if wrong:
        raise Failed(f"{wrong[0]} is not of the token that the statement names")
    if f"{base}.tsr" not in names or f"{base}.subject" not in names:
        if "statement.tlog-proof" not in names:
            return None  # added together with the proof
        raise Failed(f"{base}.tsr is missing, the statement names it as not before")
    reply, subject = evidence.read(f"{base}.tsr"), evidence.read(f"{base}.subject")
    if hashlib.sha256(reply).hexdigest() != before["token_sha256"]:
        raise Failed(f"{base}.tsr is not the token that the statement names")
    if hashlib.sha256(subject).hexdigest() != before["subject_sha256"]:
        raise Failed(f"{base}.subject is not what the statement names")
    token = verify_token_files(evidence, base, subject)
    if token.token.gen_time != before["gen_time"]:
        raise Failed(f"{base}.tsr says {token.token.gen_time}, the statement {before['gen_time']}")
    return token.token.gen_moment, before["authority"]
