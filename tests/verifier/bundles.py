"""Bundles for the verifiers, laid out as docs say, and the ways to spoil one.

A bundle here is a mapping from member names to bytes; ``zipped`` writes it. SHA256SUMS is made and signed as the
exporter does it, so that a bundle can be spoilt underneath sums that are right again (``resealed``).
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from archiver.archive import open_archive
from archiver.bundling import BUNDLE
from archiver.dossier import dossier_of
from archiver.exporting import Means
from archiver.signing import LogKey
from tests.simulators.archives import Workshop

Members = dict[str, bytes]
SUMS = "SHA256SUMS"
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
    """Return the members of a bundle that the archive hands out."""
    opened = open_archive(archive, environment=shop.environment)
    key = LogKey.from_pem(opened.origin, (archive / "keys/log.key.pem").read_bytes())
    file = io.BytesIO()
    assert BUNDLE.write(dossier_of(opened, snapshot, ISSUED), file, Means(key)) == []
    opened.index.close()
    with zipfile.ZipFile(file) as handed_out:
        return {name: handed_out.read(name) for name in handed_out.namelist()}


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return the members as a zip file; nothing is packed, for that takes longer than most checks."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()
