"""The cosignatures of a bundle: those in the snapshot's folder, others over heads that cover it, witnesses' keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from archiver.dossier import Dossier, Part
from archiver.errors import ArchiveDamaged
from archiver.evidence.bundle import witness_key
from archiver.evidence.bundle_facts import CosignatureFacts
from archiver.evidence.cosignature import WitnessKey
from archiver.evidence.statement import Statement


@dataclass(frozen=True, slots=True)
class CosignatureFiles:
    """What a bundle has of cosignatures."""

    over: tuple[CosignatureFacts, ...]
    further: Mapping[str, Part]
    """Files that are not in the snapshot's folder: name in the bundle to stored file."""
    keys: Mapping[str, bytes]
    """Verifier key and PEM of each witness, by name in the bundle."""


def cosignatures_of(dossier: Dossier, covered: int) -> CosignatureFiles:
    """Gather the cosignatures of a snapshot; those outside its folder only where the first ``covered`` state them."""
    over: list[CosignatureFacts] = []
    known: set[str] = set()
    for part in dossier.files:
        if part.name.endswith(".cosig"):
            stamp = dossier.archive.statement(cosignature_seq(dossier, part.read()))
            over.append(CosignatureFacts(f"snapshot/{part.name}", "", stamp))
            known.add(stamp.body["cosignature_sha256"])
    further: dict[str, Part] = {}
    for stamp in first_cosignatures(dossier):
        if stamp.body["cosignature_sha256"] in known or stamp.seq >= covered:
            continue
        if any(one.witness == stamp.body["witness"] and one.vkey != stamp.body["key"] for one in over):
            continue  # it has changed its key since; a bundle has one for each name
        path, head = str(stamp.body["path"]), f"stamps/{stamp.body['size']}/checkpoint"
        over.append(CosignatureFacts(path, head, stamp))
        further |= {name: Part(dossier.archive.files, name) for name in (head, path)}
    keys: dict[str, bytes] = {}
    for one in over:
        key = WitnessKey.from_vkey(one.vkey)
        keys |= {witness_key(one.witness, "vkey"): f"{key.vkey}\n".encode()}
        keys |= {witness_key(one.witness, "pub.pem"): key.spki_pem}
    return CosignatureFiles(tuple(over), further, keys)


def first_cosignatures(dossier: Dossier) -> Iterator[Statement]:
    """The first cosignature of each witness over a head that covers the snapshot's statement.

    Of a witness that changed its key only those by the newest one: a bundle has one key for each name.
    """
    rows = dossier.archive.index.rows(
        "select min(c.seq) as seq from cosignature c where c.size > ? and c.vkey ="
        " (select vkey from cosignature n where n.witness = c.witness order by n.seq desc limit 1)"
        " group by c.witness order by 1",
        (dossier.capture.seq,),
    )
    for row in rows:
        yield dossier.archive.statement(row["seq"])


def cosignature_seq(dossier: Dossier, line: bytes) -> int:
    """The number of the ``stamp`` statement of a cosignature; ``ArchiveDamaged`` when the log names none."""
    digest = hashlib.sha256(line)
    row = dossier.archive.index.row(
        "select seq from cosignature where cosignature_sha256 = ? order by seq limit 1", (digest.digest(),)
    )
    if row is None:
        raise ArchiveDamaged(f"no statement of the log names the cosignature {digest.hexdigest()}")
    return int(row["seq"])
