"""The timestamps of a bundle: those in the snapshot's folder, others that cover it, and the roots they lead to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archiver.bundling_journal import stamp_seq
from archiver.dossier import Dossier, Part
from archiver.evidence.bundle_facts import TokenFacts
from archiver.evidence.timestamp import certificates_from_pem


@dataclass(frozen=True, slots=True)
class TokenFiles:
    """What a bundle has of timestamps, but those over ``SHA256SUMS``."""

    over: tuple[TokenFacts, ...]
    """Over the statement or a checkpoint that covers it."""
    before: TokenFacts | None
    """The one that the statement names as not before."""
    further: Mapping[str, Part]
    """Files that are not in the snapshot's folder: name in the bundle to stored file."""
    roots: Mapping[str, tuple[bytes, ...]]
    """DER of the roots, by authority."""

    @property
    def all(self) -> tuple[TokenFacts, ...]:
        """Every one of them."""
        return (*self.over, *([self.before] if self.before is not None else ()))

    def root_digests(self) -> dict[str, tuple[str, ...]]:
        """SHA-256 of the roots."""
        return {name: tuple(hashlib.sha256(der).hexdigest() for der in ders) for name, ders in self.roots.items()}


def tokens_of(dossier: Dossier, covered: int, asked: Sequence[str]) -> TokenFiles:
    """Gather the tokens of a snapshot; the roots of authorities that are still to be ``asked`` are added.

    Of tokens outside the snapshot's folder only those whose statement is among the first ``covered`` of the log.
    """
    over: list[TokenFacts] = []
    before: TokenFacts | None = None
    chains: list[tuple[str, bytes]] = []
    known: set[str] = set()
    for part in dossier.files:
        if not part.name.endswith(".tsr"):
            continue
        reply = part.read()
        stamp = dossier.archive.statement(stamp_seq(dossier, reply))
        base, what = f"snapshot/{part.name.removesuffix('.tsr')}", part.name.partition(".")[0]
        covers = {"statement": "snapshot/statement.json", "checkpoint": "", "before": f"{base}.subject"}[what]
        token = TokenFacts(base, covers, stamp)
        known.add(stamp.body["token_sha256"])
        chain = Part(part.files, f"{part.path.removesuffix('.tsr')}.chain.pem")
        chains.append((token.authority, chain.read()))
        if what == "before":
            before = token
        else:
            over.append(token)
    further: dict[str, Part] = {}
    for found in dossier.tokens():
        stamp = dossier.archive.statement(found.statement_seq)
        if stamp.body["token_sha256"] in known or stamp.seq >= covered:
            continue
        over.append(TokenFacts(found.reply.path.removesuffix(".tsr"), found.covers.path, stamp))
        chains.append((found.authority, found.chain.read()))
        further |= {part.path: part for part in (found.covers, found.reply, found.chain)}
    return TokenFiles(tuple(over), before, further, _roots(dossier, chains, asked))


def _roots(dossier: Dossier, chains: Sequence[tuple[str, bytes]], asked: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
    """The roots that the settings name, and those that the tokens lead to: an authority may have gone since."""
    configured = dossier.archive.roots()
    wanted = sorted({name for name, _ in chains} | set(asked))
    found = {name: list(configured.get(name, ())) for name in wanted}
    for name, pem in chains:
        root = certificates_from_pem(pem)[-1]
        if root not in found[name]:
            found[name].append(root)
    return {name: tuple(ders) for name, ders in found.items()}
