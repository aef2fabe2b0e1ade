"""The revocation data of a bundle: for each certificate of its tokens what shows best how it stood at their times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archiver.dossier import Dossier
from archiver.evidence.bundle_facts import RevocationFacts, TokenFacts
from archiver.evidence.instant import moment_of
from archiver.evidence.statement import Statement
from archiver.evidence.timestamp import certificates_from_pem
from archiver.revocation_data import standings


@dataclass(frozen=True, slots=True)
class RevocationFiles:
    """What a bundle has of revocation data."""

    told: tuple[RevocationFacts, ...]
    files: Mapping[str, bytes]
    """Bytes by name in the bundle."""
    lacking: tuple[str, ...]
    """Names of the tokens of whose certificates one has no data here."""
    statements: tuple[Statement, ...]
    """The ``revocation`` statements that name the files."""


def revocation_of(dossier: Dossier, tokens: Iterable[TokenFacts], covered: int) -> RevocationFiles:
    """Gather the data about the certificates of these tokens, of statements among the first ``covered`` alone.

    ``ArchiveDamaged`` names a stored file that does not hold.
    """
    archive = dossier.archive
    told: dict[tuple[str, str], RevocationFacts] = {}
    files: dict[str, bytes] = {}
    named: dict[tuple[str, str], str] = {}
    lacking: list[str] = []
    seqs: set[int] = set()
    for token in tokens:
        path = f"{str(token.stamp.body['path']).removesuffix('.tsr')}.chain.pem"
        chain = certificates_from_pem(archive.files.read(path))
        for place, one in enumerate(standings(archive, chain, moment_of(token.gen_time), covered), 1):
            if one.judgement.verdict == "none" and f"{token.base}.tsr" not in lacking:
                lacking.append(f"{token.base}.tsr")
            for datum in one.data:
                key = (token.authority, datum.finding.sha256)
                if key not in named:
                    number = sum(authority == token.authority for authority, _ in named) + 1
                    named[key] = f"revocation/{token.authority}-{number}.{datum.source}"
                    files[named[key]] = datum.data
                seqs.add(datum.seq)
                fact = RevocationFacts(named[key], token, place, datum.item, datum.finding.made_at, datum.seq)
                told.setdefault((named[key], one.sha256), fact)
    statements = tuple(archive.statement(seq) for seq in sorted(seqs))
    return RevocationFiles(tuple(told.values()), files, tuple(lacking), statements)
