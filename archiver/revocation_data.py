"""What the stored revocation data says of the certificates of a token: chosen by the index, read and verified here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archiver.archive import Archive
from archiver.errors import ArchiveDamaged, FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.instant import format_instant, parse_instant
from archiver.evidence.revocation import CEILING, Finding, Judgement, Source, judge, links_of, read_finding
from archiver.evidence.timestamp_chain import load_certificate
from archiver.revocations import chains_of

NO_END = 1 << 62
"""More than any number of a statement."""


@dataclass(frozen=True, slots=True)
class Datum:
    """One stored file about one certificate, verified, with what its statement says of it."""

    finding: Finding
    data: bytes
    item: Json
    """The item of the statement."""
    seq: int
    """Number of the statement."""

    @property
    def source(self) -> Source:
        """``crl`` or ``ocsp``."""
        return self.finding.source


@dataclass(frozen=True, slots=True)
class Standing:
    """How one certificate of a chain stands for a token."""

    certificate: bytes
    """DER."""
    issuer: bytes
    """DER."""
    judgement: Judgement
    data: tuple[Datum, ...]
    """The file that says so first, then one of the other kind, where there is one of the token's time or later."""

    @property
    def sha256(self) -> str:
        """Of the certificate."""
        return hashlib.sha256(self.certificate).hexdigest()

    @property
    def told(self) -> str:
        """One line about it."""
        by = self.judgement.by
        if by is None:
            return f"certificate {self.sha256}: no data"
        when = "at or after" if self.judgement.after else "before"
        words = f"by the {by.source} of {format_instant(by.this_update)}, {when} the token's time"
        if self.judgement.verdict == "revoked" and by.revoked_at is not None:
            reason = by.reason or "not stated"
            words = f"at {format_instant(by.revoked_at)}, reason {reason}, {words}"
        return f"certificate {self.sha256}: {self.judgement.verdict} {words}"


def standings(archive: Archive, chain: Sequence[bytes], moment: datetime, covered: int | None = None) -> list[Standing]:
    """How each certificate of a chain but the root stands for a token of ``moment``.

    ``covered``: by the data of the first so many statements of the log alone.

    ``ArchiveDamaged`` names a file that is not what its statement says, or no longer verifies.
    """
    below = NO_END if covered is None else covered
    return [_standing(archive, certificate, issuer, moment, below) for certificate, issuer in links_of(chain)]


def _standing(archive: Archive, certificate: bytes, issuer: bytes, moment: datetime, below: int) -> Standing:
    data = [
        read_datum(archive, seq, place, certificate, issuer)
        for seq, place in _chosen(archive, certificate, moment, below)
    ]
    judgement = judge((one.finding for one in data), moment, certificate)
    used = [one for one in data if one.finding == judgement.by][:1]
    # The other kind too: each is checked with another command, and not everybody trusts both.
    others = [one for one in data if used and one.source != used[0].source and one.finding.this_update >= moment]
    good = [one for one in others if judgement.verdict == "good" and one.finding.status == "good"]
    return Standing(certificate, issuer, judgement, (*used, *good[:1]))


def newest_data(archive: Archive, authority: str) -> list[Datum]:
    """The newest list and the newest response about each certificate of the chain that an authority used last."""
    found = []
    for chain in chains_of(archive, authority)[:1]:
        for certificate, issuer in links_of(chain.certificates(archive)):
            rows = archive.index.rows(
                "select seq, place, max(this_update) from revocation where certificate_sha256 = ?"
                " and file_sha256 is not null group by source",
                (hashlib.sha256(certificate).digest(),),
            )
            found += [read_datum(archive, row["seq"], row["place"], certificate, issuer) for row in rows]
    return found


def _chosen(archive: Archive, certificate: bytes, moment: datetime, below: int) -> list[tuple[int, int]]:
    """Number and place of what may decide: revocations; of each kind the oldest from then on and the newest before.

    Of revocations the earliest for each reason: an issuer may learn of a compromised key after it gave a milder one.
    """
    sha256 = hashlib.sha256(certificate).digest()
    at = format_instant(moment)
    loaded = load_certificate(certificate, "the certificate")
    valid = format_instant(loaded.not_valid_before_utc), format_instant(loaded.not_valid_after_utc)
    queries: list[tuple[str, tuple[Any, ...]]] = []
    for source in ("crl", "ocsp"):
        usable = "status = 'good' and source = ? and this_update between ? and ? and this_update"
        queries.append((f"{usable} >= ? order by this_update, seq limit 1", (source, *valid, at)))
        queries.append((f"{usable} < ? order by this_update desc, seq limit 1", (source, *valid, at)))
    revoked = archive.index.rows(
        "select seq, place, min(revoked_at) from revocation where certificate_sha256 = ? and seq < ?"
        " and status = 'revoked' group by reason order by seq",
        (sha256, below),
    )
    found: dict[tuple[int, int], None] = {(row["seq"], row["place"]): None for row in revoked}
    for where, values in queries:
        rows = archive.index.rows(
            f"select seq, place from revocation where certificate_sha256 = ? and seq < ? and {where}",
            (sha256, below, *values),
        )
        found |= {(row["seq"], row["place"]): None for row in rows}
    return list(found)


def read_datum(archive: Archive, seq: int, place: int, certificate: bytes, issuer: bytes) -> Datum:
    """Read one item of a ``revocation`` statement and verify it; ``ArchiveDamaged`` names a file that does not hold."""
    body = archive.statement(seq).body
    items = body["items"] if body.get("event") == "revocation" else []
    if place >= len(items):
        raise ArchiveDamaged(f"statement {seq} has no item {place} about revocation", do="run archiver rebuild")
    item = items[place]
    if item["certificate_sha256"] != hashlib.sha256(certificate).hexdigest():
        raise ArchiveDamaged(f"item {place} of statement {seq} is about another certificate", do="run archiver rebuild")
    path, source = str(item["path"]), str(item["source"])
    if source not in CEILING:
        raise ArchiveDamaged(f"item {place} of statement {seq} has the unknown source {source!r}")
    with archive.files.open(path) as handle:
        data = handle.read(CEILING[source] + 1)
    if hashlib.sha256(data).hexdigest() != item["file_sha256"] or len(data) != item["file_bytes"]:
        raise ArchiveDamaged(f"{path} is not what stamp statement {seq} names", do="restore it from a backup")
    try:
        finding = read_finding(source, data, certificate, issuer)  # type: ignore[arg-type]  # a key of CEILING
    except FormatError as error:
        raise ArchiveDamaged(f"{path}: {error.what}") from error
    if fault := _difference(finding, item):
        raise ArchiveDamaged(f"{path}: stamp statement {seq} says another {fault}")
    return Datum(finding, data, item, seq)


def _difference(finding: Finding, item: Json) -> str | None:
    """The first thing that a statement says otherwise than the file."""

    def moment(name: str) -> datetime | None:
        return None if item[name] is None else parse_instant(item[name])

    stated: dict[str, object] = {
        "this_update": moment("this_update"),
        "next_update": moment("next_update"),
        "status": item["status"],
        "revoked_at": moment("revoked_at"),
        "reason": item["reason"],
    }
    return next((name for name, value in stated.items() if getattr(finding, name) != value), None)
