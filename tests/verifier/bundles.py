"""Bundles for the verifiers, laid out as docs say, and the ways to spoil one.

A bundle here is a mapping from member names to bytes; ``zipped`` writes it. SHA256SUMS is made and signed as the
exporter does it, so that a bundle can be spoilt underneath sums that are right again (``resealed``).
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from archiver.archive import open_archive
from archiver.dossier import Dossier, dossier_of
from archiver.evidence.statement import Statement
from tests.simulators.archives import Workshop

Members = dict[str, bytes]
SUMS = "SHA256SUMS"
VERIFIERS = Path(__file__).resolve().parent.parent.parent / "archiver/verifier"
ISSUED = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Seal:
    """What makes SHA256SUMS, its signature and its timestamps: the log key, and the shop's authorities."""

    shop: Workshop
    key: Ed25519PrivateKey

    def close(self, members: Mapping[str, bytes], *, stamp: bool = True) -> Members:
        """Return the members with sums, signature and timestamps made anew."""
        found = {name: data for name, data in members.items() if not name.startswith(SUMS)}
        lines = (f"{hashlib.sha256(found[name]).hexdigest()}  {name}\n" for name in sorted(found))
        found[SUMS] = "".join(lines).encode()
        found[f"{SUMS}.sig"] = self.key.sign(found[SUMS])
        for name in self.shop.authorities if stamp else ():
            found |= self.stamped(name, found[SUMS], f"{SUMS}.{name}")
        return found

    def stamped(self, authority: str, data: bytes, stem: str) -> Members:
        """Return a reply of an authority over some bytes, and its chain, as members."""
        folder = self.shop.folder / authority
        query = folder / "bundle.tsq"
        command = ["openssl", "ts", "-query", "-sha256", "-cert", "-out", str(query)]
        digest = hashlib.sha256(data).hexdigest()
        subprocess.run([*command, "-digest", digest], check=True, capture_output=True)
        reply = self.shop.authorities[authority].issue(query.read_bytes())
        chain = next(folder.parent.rglob(f"*.{authority}.chain.pem")).read_bytes()
        return {f"{stem}.tsr": reply, f"{stem}.chain.pem": chain}


def seal_of(shop: Workshop, archive: Path) -> Seal:
    """Take the log key of an archive without a passphrase."""
    key = load_pem_private_key((archive / "keys/log.key.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return Seal(shop, key)


def members_of(shop: Workshop, archive: Path, snapshot: str) -> Members:
    """Return the members of a snapshot's bundle without SHA256SUMS."""
    dossier = dossier_of(open_archive(archive, environment=shop.environment), snapshot, ISSUED)
    found = {f"snapshot/{part.name}": part.read() for part in dossier.files}
    for other in dossier.referents:
        folder = archive / str(other.body["folder"])
        found |= {f"referents/{folder.name}/{path.name}": path.read_bytes() for path in folder.iterdir()}
    named = (("text/text.md", dossier.text), ("text/text.salt", dossier.salt), ("text/links.jsonl", dossier.links))
    found |= {name: part.read() for name, part in named if part is not None}
    if dossier.assessment is not None:
        found["text/assessment.json"] = dossier.assessment.line
    found["citation/citation.json"] = json.dumps(dossier.citation(), indent=1, ensure_ascii=False).encode()
    found["citation/bluebook.txt"] = dossier.citation()["strings"]["bluebook"].encode()
    found["journal/extract.jsonl"] = extract(dossier)
    for name in ("log/checkpoint", "keys/log.vkey", "keys/log.pub.pem"):
        found[name] = (archive / name).read_bytes()
    for name, authority in shop.authorities.items():
        found[f"roots/{name}.pem"] = authority.root_pem.read_bytes()
    for name in ("verify.py", "verify.html"):
        found[name] = (VERIFIERS / name).read_bytes()
    return found | {"VERIFY.txt": b"What to do.\n", "PROCESS.txt": b"How it was done.\n"}


def extract(dossier: Dossier) -> bytes:
    """Return the journal up to the newest checkpoint, what is not about the snapshot as an entry alone."""
    archive, seq = dossier.archive, dossier.capture.seq
    size = int((archive.files.read("log/checkpoint")).split(b"\n")[1])
    full = {one.seq for one in (dossier.capture, dossier.watch, *dossier.assessments) if one is not None} | {0}

    def shown(one: Statement) -> bool:
        covers = one.kind == "stamp" and (one.body.get("size", 0) > seq or one.body.get("subject_seq") == seq)
        return covers or one.seq in full

    lines = [archive.statement(number) for number in range(size)]
    short = (b'{"entry":"%s","seq":%d}\n' % (one.entry.hex().encode(), one.seq) for one in lines)
    return b"".join(one.line if shown(one) else brief for one, brief in zip(lines, short, strict=True))


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return the members as a zip file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()
