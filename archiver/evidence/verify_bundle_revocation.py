"""Check 30 of a bundle: its revocation data, the statements that name it, and what it says of the tokens."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from archiver.errors import FormatError
from archiver.evidence.bundle import EXTRACT
from archiver.evidence.bundle_journal import Extract
from archiver.evidence.bundle_reading import OpenBundle
from archiver.evidence.canonical import MAX_LINE
from archiver.evidence.instant import format_instant, moment_of
from archiver.evidence.revocation import CEILING, Finding, Source, judge, links_of, read_finding
from archiver.evidence.timestamp import certificates_from_pem, read_token
from archiver.evidence.verify import Failed, Incomplete, Nothing

_MEMBER = re.compile(r"revocation/(.+)-[1-9]\d*\.(crl|ocsp)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Token:
    """A token of the bundle over the snapshot, or named by it as not before."""

    name: str
    moment: datetime
    links: tuple[tuple[bytes, bytes], ...]
    """Certificates with their issuers."""


def check_revocation(bundle: OpenBundle, extract: Extract | None) -> str:
    """Check that each file is named by a statement of the journal, by the issuer of a certificate of a token here, and
    that no certificate of a token was revoked for it; ``Nothing`` where of one there is no data.

    The chains themselves are the matter of checks 8, 9 and 26.
    """
    names = [name for name in bundle.names if name.startswith("revocation/")]
    if not names:
        raise Nothing("no revocation data came with the tokens")
    if extract is None:
        raise Incomplete(f"{EXTRACT} does not hold, see check 25")
    tokens = list(_tokens(bundle))
    pairs = {hashlib.sha256(pair[0]).hexdigest(): pair for token in tokens for pair in token.links}
    known: dict[str, list[Finding]] = {}
    for name in names:
        for sha256, finding in _findings(bundle, name, extract, pairs):
            known.setdefault(sha256, []).append(finding)
    return _judged(tokens, known)


def _tokens(bundle: OpenBundle) -> Iterator[_Token]:
    for name in bundle.names:
        if not name.endswith(".tsr") or not name.startswith(("snapshot/", "stamps/")):
            continue
        chain = f"{name.removesuffix('.tsr')}.chain.pem"
        try:
            moment = moment_of(read_token(bundle.read(name, MAX_LINE)).gen_time)
            links = links_of(certificates_from_pem(bundle.read(chain, MAX_LINE)))
        except FormatError as error:
            raise Failed(f"{name}, with {chain}: {error.what}") from error
        yield _Token(name, moment, links)


def _findings(
    bundle: OpenBundle, name: str, extract: Extract, pairs: dict[str, tuple[bytes, bytes]]
) -> Iterator[tuple[str, Finding]]:
    """What a file says of certificates of the tokens, by their SHA-256; ``Failed`` where it does not hold."""
    match = _MEMBER.fullmatch(name)
    assert match is not None  # the layout of a bundle has no others
    source: Source = "crl" if match[2] == "crl" else "ocsp"
    data = bundle.read(name, CEILING[source])
    sha256 = hashlib.sha256(data).hexdigest()
    items = [
        item
        for one in extract.statements.values()
        if one.kind == "stamp" and one.body["event"] == "revocation"
        for item in one.body["items"]
        if item["file_sha256"] == sha256 and item["source"] == source
    ]
    if not items:
        raise Failed(f"{name}: no statement in {EXTRACT} names this file")
    found = {item["certificate_sha256"]: item for item in items if item["certificate_sha256"] in pairs}
    if not found:
        raise Failed(f"{name} is about no certificate of a token here")
    for certificate, item in found.items():
        try:
            finding = read_finding(source, data, *pairs[certificate])
        except FormatError as error:
            raise Failed(f"{name}: {error.what}") from error
        if (finding.status, format_instant(finding.this_update)) != (item["status"], item["this_update"]):
            raise Failed(f"{name} says something else than the statement that names it")
        yield certificate, finding


def _judged(tokens: list[_Token], known: dict[str, list[Finding]]) -> str:
    told, lacking = [], []
    for token in tokens:
        before = 0
        for certificate, _ in token.links:
            sha256 = hashlib.sha256(certificate).hexdigest()
            found = judge(known.get(sha256, ()), token.moment, certificate)
            if found.verdict == "revoked" and found.by is not None and found.by.revoked_at is not None:
                raise Failed(
                    f"{token.name}: certificate {sha256} was revoked at {format_instant(found.by.revoked_at)}, reason"
                    f" {found.by.reason or 'not stated'}: the token does not count (RFC 3161, section 4)"
                )
            if found.verdict == "none":
                lacking.append(f"{token.name}: certificate {sha256}")
            before += not found.after
        when = "by data of its time or later" if not before else "by data of which some is from before it"
        told.append(f"{token.name}: {len(token.links)} certificates good {when}")
    if lacking:
        raise Nothing(f"no data of {'; '.join(lacking)}")
    return "; ".join(told)
