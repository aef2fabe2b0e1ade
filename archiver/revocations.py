"""Revocation data of timestamp authorities: where it lies, for which chains it is owed, how it stands. Reads only.

What is owed is computed from statements and settings (docs/format.md says the rule); retry times may be lost.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from archiver.archive import Archive
from archiver.errors import ArchiveDamaged, FormatError
from archiver.evidence.instant import format_instant, moment_of, parse_instant
from archiver.evidence.statement import Statement
from storage.errors import StorageError

FOLDER = "revocation"
NEWEST = 200
"""Tokens of an authority whose chains are looked at: chains that it has given up are left alone."""
LATEST = timedelta(days=400)
"""How long after its newest token a chain is asked about: lists of root authorities are made once a year."""
_FOLDER = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(r"revocation/([0-9a-f]{2})/([0-9a-f]{64})\.(?:crl|ocsp)")


def revocation_path(sha256: str, source: str) -> str:
    """Where a list (``crl``) or a response (``ocsp``) with this digest lies."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}.{source}"


def is_revocation_file(path: str) -> bool:
    """Say whether a file of this name may lie in ``revocation/``."""
    found = _NAME.fullmatch(path)
    return found is not None and found[1] == found[2][:2]


def is_revocation(statement: Statement) -> bool:
    """Say whether a statement is about revocation data."""
    return statement.kind == "stamp" and statement.body["event"] == "revocation"


# -- chains ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of an authority, and the newest token that it gave."""

    authority: str
    sha256: str
    """Of the ``.chain.pem``."""
    path: str
    """Of a ``.chain.pem`` with these bytes."""
    newest: datetime
    """Time of that token."""

    @property
    def key(self) -> str:
        """Its row in the outbox of retry times."""
        return f"{FOLDER}:{self.sha256[:32]}"

    def certificates(self, archive: Archive) -> tuple[bytes, ...]:
        """The certificates, DER, signer first; ``ArchiveDamaged`` where the file is not what was stated."""
        from archiver.evidence.timestamp import certificates_from_pem  # slow to load, and often not needed

        pem = archive.files.read(self.path)
        if hashlib.sha256(pem).hexdigest() != self.sha256:
            raise ArchiveDamaged(f"{self.path} is not the chain that its stamp statement names")
        return certificates_from_pem(pem)


def chains_of(archive: Archive, authority: str) -> list[Chain]:
    """The chains of the newest tokens of an authority, the one used last first."""
    rows = archive.index.rows(
        "select seq from stamp where event = 'token' and authority = ? order by seq desc limit ?", (authority, NEWEST)
    )
    found: dict[str, Chain] = {}
    for row in rows:
        body = archive.statement(row["seq"]).body
        sha256, path = str(body["chain_sha256"]), f"{str(body['path']).removesuffix('.tsr')}.chain.pem"
        found.setdefault(sha256, Chain(authority, sha256, path, moment_of(body["gen_time"])))
    return list(found.values())


# -- what is owed ----------------------------------------------------------------------------------


def may_be_due(archive: Archive, authority: str, now: datetime) -> bool:
    """Say quickly whether ``owed_chains`` or a retry may have something: most looks end here."""
    if not archive.settings["stamp.revocation_every_s"]:
        return False
    row = archive.index.row(
        "select 1 as x from outbox where authority = ? and subject like 'revocation:%' and next_try <= ? limit 1",
        (authority, now.timestamp()),
    )
    return row is not None or next(owed_chains(archive, authority, now), None) is not None


def owed_chains(archive: Archive, authority: str, now: datetime) -> Iterator[Chain]:
    """Yield the chains of an authority whose certificates should be asked about now, retry times left aside."""
    every = timedelta(seconds=archive.settings["stamp.revocation_every_s"])
    if not every:
        return
    for chain in chains_of(archive, authority):
        last = last_asked(archive, chain)
        due = last is None or (now - last >= every and now - chain.newest <= LATEST and not _is_covered(archive, chain))
        if due and has_sources(archive, chain):
            yield chain


def has_sources(archive: Archive, chain: Chain) -> bool:
    """Say whether any certificate of the chain, but the root, names where it can be asked about."""
    from archiver.evidence.revocation import links_of, sources_of  # slow to load, and often not needed

    try:
        return any(sources_of(certificate) for certificate, _ in links_of(chain.certificates(archive)))
    except (FormatError, StorageError, ArchiveDamaged):
        return False  # a chain file that is lost or spoilt: ``verify`` names it


def last_asked(archive: Archive, chain: Chain) -> datetime | None:
    """When the newest statement about this chain was made; None before the first."""
    row = archive.index.row(
        "select t.at from revocation r join statement t on t.seq = r.seq where r.authority = ? and r.chain_sha256 = ?"
        " order by r.seq desc limit 1",
        (chain.authority, bytes.fromhex(chain.sha256)),
    )
    return None if row is None else parse_instant(row["at"])


def _is_covered(archive: Archive, chain: Chain) -> bool:
    """Whether the data of every certificate that names a source is of the newest token's time or later."""
    rows = archive.index.rows(
        "select max(case when status in ('good', 'revoked') then this_update end) as newest from revocation"
        " where authority = ? and chain_sha256 = ? and status != 'failed: no_source' group by certificate_sha256",
        (chain.authority, bytes.fromhex(chain.sha256)),
    )
    return bool(rows) and all(row["newest"] and parse_instant(row["newest"]) >= chain.newest for row in rows)


def missing_certificates(archive: Archive, chain: Chain) -> set[str]:
    """SHA-256 of the certificates that name sources, and of which the newest statement about the chain has nothing.

    The answer ``unknown`` is nothing.
    """
    rows = archive.index.rows(
        "select certificate_sha256, max(status in ('good', 'revoked')) as had from revocation where seq ="
        " (select max(seq) from revocation where authority = ? and chain_sha256 = ?) and status != 'failed: no_source'"
        " group by certificate_sha256",
        (chain.authority, bytes.fromhex(chain.sha256)),
    )
    return {row["certificate_sha256"].hex() for row in rows if not row["had"]}


# -- how it stands ---------------------------------------------------------------------------------


def revocation_standing(archive: Archive, now: datetime) -> list[dict[str, Any]]:
    """For each authority and chain in use: when it was asked about, by what data, what is missing, what was revoked."""
    every = timedelta(seconds=archive.settings["stamp.revocation_every_s"])
    found = []
    for name in _authorities(archive):
        owed = {chain.sha256 for chain in owed_chains(archive, name, now)}
        for chain in chains_of(archive, name):
            last = last_asked(archive, chain)
            since = chain.newest if last is None else last + every
            tried = archive.index.row(
                "select attempts, error, next_try from outbox where subject = ? and authority = ?", (chain.key, name)
            )
            found.append(
                {
                    "authority": name,
                    "chain_sha256": chain.sha256,
                    "asked_at": None if last is None else format_instant(last),
                    "sources": has_sources(archive, chain),
                    "owed": chain.sha256 in owed,
                    # Twice the interval: one look that failed is no reason to call anybody.
                    "overdue": chain.sha256 in owed and now - since > (every if last else 2 * every),
                    "attempts": tried["attempts"] if tried else 0,
                    "error": tried["error"] if tried else None,
                    "next_try": format_instant(datetime.fromtimestamp(tried["next_try"], UTC)) if tried else None,
                    "certificates": _newest_of(archive, chain),
                }
            )
    return found


def _authorities(archive: Archive) -> list[str]:
    rows = archive.index.rows("select distinct authority from stamp where event = 'token' order by authority")
    return [row["authority"] for row in rows]


def _newest_of(archive: Archive, chain: Chain) -> list[dict[str, Any]]:
    """The newest statement about a chain, an item for each thing that was had or not had."""
    rows = archive.index.rows(
        "select certificate_sha256, source, url, file_sha256, this_update, next_update, status, revoked_at, reason"
        " from revocation where seq = (select max(seq) from revocation where authority = ? and chain_sha256 = ?)"
        " order by place",
        (chain.authority, bytes.fromhex(chain.sha256)),
    )
    return [{name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()} for row in rows]


def revoked(archive: Archive) -> list[dict[str, Any]]:
    """Every certificate of an authority that any data says was revoked, each once, as it was first told."""
    rows = archive.index.rows(
        "select min(seq) as seq, authority, certificate_sha256, revoked_at, reason from revocation"
        " where status = 'revoked' group by authority, certificate_sha256 order by authority"
    )
    return [{**row, "certificate_sha256": row["certificate_sha256"].hex()} for row in rows]


# -- start-up --------------------------------------------------------------------------------------


def sweep_revocations(archive: Archive) -> None:
    """Delete the files that no statement names: what a crash left between writing and commit.

    Only what has the name of such a file: ``verify`` names everything else. If we crash here the rest goes at the next
    start. A file may be wanted again later: it is then fetched and written again.
    """
    files = archive.files
    for folder in filter(_FOLDER.fullmatch, files.list(FOLDER)):
        for name in files.list(f"{FOLDER}/{folder}"):
            path = f"{FOLDER}/{folder}/{name}"
            if not is_revocation_file(path):
                continue
            if archive.index.row("select 1 as x from revocation where path = ? limit 1", (path,)) is None:
                files.remove(path)
