"""Checks 8 to 10: the tokens over statement and checkpoint, and the two moments between which the record was sealed."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from archiver.errors import FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.instant import format_instant, parse_instant
from archiver.evidence.verify import Evidence, Failed, Incomplete, Nothing, Sealed

if TYPE_CHECKING:
    from archiver.evidence.timestamp import VerifiedToken

UNSTATED = timedelta(seconds=1)
"""Taken for the accuracy of a token that states none (RFC 3161, 2.4.2 leaves it to the authority's policy)."""


def _tokens(evidence: Evidence, prefix: str) -> list[tuple[str, str]]:
    """(authority, name without ``.tsr``) of every token in the folder whose name begins so."""
    found = []
    for name in sorted(evidence.names()):
        if name.startswith(prefix) and name.endswith(".tsr"):
            base = name.removesuffix(".tsr")
            found.append((base.removeprefix(prefix).split(".")[0], base))
    return found


def verify_token_files(evidence: Evidence, base: str, subject: bytes, about: str) -> VerifiedToken:
    """Check ``<base>.tsr`` over ``subject`` with the chain beside it; ``Failed`` names the file.

    ``about`` is the file the subject lies in, named as well where the two do not go together.
    """
    from archiver.evidence.timestamp import certificates_from_pem, chain_to_pem, verify_token  # slow to load

    if not evidence.roots:
        raise Incomplete("no root of a timestamp authority was given (--root)")
    chain_name = f"{base}.chain.pem"
    if chain_name not in evidence.names():
        raise Failed(f"{chain_name} is missing")
    pem = evidence.read(chain_name)
    try:
        chain = certificates_from_pem(pem)
    except FormatError as error:
        raise Failed(f"{chain_name}: {error.what}") from error
    try:
        token = verify_token(evidence.read(f"{base}.tsr"), subject, evidence.roots, extra=chain)
    except FormatError as error:
        raise Failed(f"{base}.tsr, with {chain_name}, over {about}: {error.what}") from error
    if chain_to_pem(token.chain) != pem:
        raise Failed(f"{chain_name} is not the chain of {base}.tsr")
    return token


def _sealed(token: VerifiedToken, authority: str) -> Sealed:
    accuracy = UNSTATED if token.token.accuracy_us is None else timedelta(microseconds=token.token.accuracy_us)
    _, _, digits = token.token.gen_time.rstrip("Z").partition(".")
    return Sealed(token.token.gen_moment, accuracy + timedelta(seconds=1) / 10 ** len(digits[:6]), authority)


def _check_tokens(evidence: Evidence, prefix: str, subject: bytes, about: str) -> str:
    details = []
    for authority, base in _tokens(evidence, prefix):
        token = verify_token_files(evidence, base, subject, about)
        evidence.sealed.append(_sealed(token, authority))
        details.append(f"{authority} {token.token.gen_time} serial {token.token.serial}")
    return "; ".join(details)


def check_statement_tokens(evidence: Evidence) -> str:
    """Check 8: every token over the statement alone holds."""
    evidence.body()
    assert evidence.statement is not None
    if not _tokens(evidence, "statement."):
        raise Nothing("no token over this statement alone")
    return _check_tokens(evidence, "statement.", evidence.statement.line, "statement.json")


def check_checkpoint_tokens(evidence: Evidence) -> str:
    """Check 9: every token over the checkpoint at the end of the proof holds."""
    if not _tokens(evidence, "checkpoint."):
        if evidence.expects_tokens:
            raise Incomplete("no timestamp yet: none over a checkpoint that covers this statement")
        raise Nothing("no token over a checkpoint in this folder")
    if evidence.checkpoint_bytes is None:
        raise Incomplete("the checkpoint they cover does not hold, see check 6")
    return _check_tokens(evidence, "checkpoint.", evidence.checkpoint_bytes, "the end of statement.tlog-proof")


def check_bracket(evidence: Evidence) -> str:
    """Check 10: the token named as *not before* holds, and is not newer than the ones over the record."""
    body = evidence.body()
    parse_instant(body["started_at"])
    after = min(evidence.sealed, key=lambda sealed: sealed.moment, default=None)
    before = _not_before(evidence, body)
    # Two clocks that disagree within what they promise do not contradict each other.
    if before is not None and after is not None and before.moment - before.margin > after.moment + after.margin:
        raise Failed(
            f"the token named as not before ({format_instant(before.moment)}) is newer than the one over the record"
            f" ({format_instant(after.moment)})"
        )
    if after is None:
        raise Nothing("no verified token over the record: no upper bound")
    upper = f"{format_instant(after.moment)} ({after.authority})"
    if before is None:
        return f"the record was sealed not after {upper}; no lower bound: no outside token was known when it began"
    width = max(0.0, (after.moment - before.moment).total_seconds())
    lower = f"{format_instant(before.moment)} ({before.authority})"
    return f"the record was sealed between {lower} and {upper}, {width:{'.0f' if width >= 10 else '.3g'}} s apart"


def _not_before(evidence: Evidence, body: Json) -> Sealed | None:
    before = body["before"]
    names = evidence.names()
    strays = [name for name in names if name.startswith("before.")]
    if before is None:
        if strays:
            raise Failed(f"{strays[0]} is there, but the statement names no token as not before")
        return None
    base = f"before.{before['authority']}"
    belong = (f"{base}.tsr", f"{base}.chain.pem", f"{base}.subject")
    wrong = [name for name in strays if name not in belong]
    if wrong:
        raise Failed(f"{wrong[0]} is not of the token that the statement names")
    missing = [name for name in belong if name not in names]
    if missing:
        if "statement.tlog-proof" not in names:
            return None  # added together with the proof
        raise Failed(f"{missing[0]} is missing, the statement names the token as not before")
    reply, subject = evidence.read(f"{base}.tsr"), evidence.read(f"{base}.subject")
    if hashlib.sha256(reply).hexdigest() != before["token_sha256"]:
        raise Failed(f"{base}.tsr is not the token that the statement names")
    if hashlib.sha256(subject).hexdigest() != before["subject_sha256"]:
        raise Failed(f"{base}.subject is not what the statement names")
    token = verify_token_files(evidence, base, subject, f"{base}.subject")
    if token.token.gen_time != before["gen_time"]:
        raise Failed(f"{base}.tsr says {token.token.gen_time}, the statement {before['gen_time']}")
    return _sealed(token, before["authority"])
