"""WACZ files taken apart and put together again by the standard library, so that one can change them as a forger would.

forged = Forgery(path)
forged["text/EA-S-00000002.md"] = b"..."
forged.list_again()         # datapackage.json and its digest follow
forged.sign(own_key)        # by a key of the forger's own
forged.write(path)
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from archiver.archive import PRIVATE_KEY, Archive, open_archive
from archiver.dossier import Dossier, dossier_of
from archiver.evidence.note import Verifier
from archiver.evidence.timestamp import certificates_from_pem
from archiver.evidence.verify import Report
from archiver.evidence.wacz_check import check_wacz
from archiver.exporting import Means, Written, written
from archiver.signing import LogKey
from archiver.watch.entry import WatchEntry
from tests.simulators.archives import Workshop, small_archive, workshop
from tests.simulators.website import Close, Document

PACKAGE, DIGEST = "datapackage.json", "datapackage-digest.json"
CDX, IDX, PAGES = "indexes/index.cdx.gz", "indexes/index.idx", "pages/pages.jsonl"
PLAIN = b"<!doctype html><title>Rules</title><p>These rules hold in this house, for guests and for hosts alike.\n"


@dataclass(frozen=True)
class Shelf:
    """An archive with snapshots of every kind that matters to a package, and packages of them."""

    folder: Path
    root: Path
    snapshots: list[str]
    """A full copy, a revisit, a redirect that ends in a revisit, a document of two pages, a failed check."""
    archive: Archive
    roots: tuple[bytes, ...]

    @property
    def key(self) -> LogKey:
        return LogKey.from_pem(self.archive.origin, self.archive.files.read(PRIVATE_KEY), None)

    def dossiers(self, *snapshots: str, issued: datetime | None = None) -> list[Dossier]:
        return [dossier_of(self.archive, name, issued or datetime.now(UTC)) for name in snapshots]

    def export(self, target: Path, *snapshots: str, signed: bool = True) -> Path:
        handed_out(self.dossiers(*snapshots), target, self.key if signed else None)
        return target

    def check(self, path: Path, *, key: Verifier | None = None, keyless: bool = False) -> list[Report]:
        """Verify a package with what an expert has from elsewhere: the log's key and the roots."""
        known = None if keyless else key or self.archive.verifier
        with path.open("rb") as source:
            return check_wacz(source, path.name, lambda _: known, self.roots)


def handed_out(dossiers: list[Dossier], target: Path, key: LogKey | None) -> Written:
    """Write a package as ``archiver export`` does, without the statement."""
    with written(dossiers[0], target, Means(key), dossiers[1:]) as file:
        file.publish()
    return file


@contextmanager
def shelf(folder: Path) -> Iterator[Shelf]:
    """Make it through the real operation."""
    with workshop(folder) as shop:
        root = folder / "archive"
        names = small_archive(shop, root)
        names += _two_pages(shop, root)
        shop.site.scripts["/cut"] = [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<p>cut", Close()]
        (cut,) = shop.capture(root, [shop.site.url("/cut")])
        names.append(str(cut.capture.body["snapshot"]))
        roots = tuple(
            certificate
            for name in shop.authorities
            for certificate in certificates_from_pem((root / f"authorities/{name}.pem").read_bytes())
        )
        archive = open_archive(root, environment=shop.environment)
        yield Shelf(folder, root, names, archive, roots)
        archive.index.close()


def _two_pages(shop: Workshop, root: Path) -> list[str]:
    shop.site.documents["/rules"] = Document(PLAIN, content_type="")
    urls = (shop.site.url("/terms?b=2&a=1"), shop.site.url("/rules"))
    shop.site.documents["/terms?b=2&a=1"] = shop.site.documents["/terms"]
    with shop.open(root) as operation:
        operation.watch("added", [(None, WatchEntry("Example", "House", urls, 3600))])
    return [str(outcome.capture.body["snapshot"]) for outcome in shop.capture(root, [urls[0]])]


class Forgery(dict[str, bytes]):
    """The files of a package by name, in their order."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as packed:
            super().__init__({info.filename: packed.read(info) for info in packed.infolist()})
            self.methods = {info.filename: info.compress_type for info in packed.infolist()}

    def json(self, name: str) -> Any:
        return json.loads(self[name])

    def put_json(self, name: str, value: Any) -> None:
        self[name] = json.dumps(value, indent=2).encode()

    def change_json(self, name: str, change: Callable[[Any], Any]) -> None:
        value = self.json(name)
        changed = change(value)
        self.put_json(name, value if changed is None else changed)

    def list_again(self) -> None:
        """Make datapackage.json list what is there, and the digest file follow; the old signature stays."""
        package = self.json(PACKAGE)
        package["resources"] = [
            {
                "name": name.rpartition("/")[2].lower(),
                "path": name,
                "hash": f"sha256:{sha256(data).hexdigest()}",
                "bytes": len(data),
            }
            for name, data in self.items()
            if name not in (PACKAGE, DIGEST)
        ]
        self.put_json(PACKAGE, package)
        self.digest_again()

    def digest_again(self) -> None:
        self.change_json(DIGEST, lambda body: body.__setitem__("hash", self.hash_text))

    @property
    def hash_text(self) -> str:
        return f"sha256:{sha256(self[PACKAGE]).hexdigest()}"

    def sign(self, key: ec.EllipticCurvePrivateKey, *, raw: bool = True, text: str | None = None) -> None:
        """Sign as the form wants it, unless told otherwise, by any key."""
        signed = self.json(DIGEST)["signedData"] | {"hash": self.hash_text, "created": self.json(PACKAGE)["created"]}
        signature = key.sign((text or self.hash_text).encode(), ec.ECDSA(SHA256()))
        if raw:
            size = (key.curve.key_size + 7) // 8
            signature = b"".join(number.to_bytes(size) for number in decode_dss_signature(signature))
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        signed |= {"signature": base64.b64encode(signature).decode(), "publicKey": base64.b64encode(public).decode()}
        self.change_json(DIGEST, lambda body: body.__setitem__("signedData", signed))

    def lines(self) -> list[str]:
        """The lines of the index."""
        return gzip.decompress(self[CDX]).decode().splitlines()

    def put_lines(self, lines: Sequence[str]) -> None:
        """Write an index of these lines in one block, and the list of blocks."""
        self[CDX] = gzip.compress("".join(f"{line}\n" for line in lines).encode()) if lines else b""
        place = {"offset": 0, "length": len(self[CDX]), "digest": f"sha256:{sha256(self[CDX]).hexdigest()}"}
        listed = [self[IDX].decode().splitlines()[0]]
        listed += [f"{lines[0].partition(' {')[0]} {json.dumps(place)}"] if lines else []
        self[IDX] = "".join(f"{line}\n" for line in listed).encode()

    def pages(self) -> list[Any]:
        return [json.loads(line) for line in self[PAGES].decode().splitlines()]

    def put_pages(self, pages: list[Any]) -> None:
        self[PAGES] = "".join(json.dumps(page) + "\n" for page in pages).encode()

    def to_bytes(self) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as packed:
            for name, data in self.items():
                packed.writestr(zipfile.ZipInfo(name), data, self.methods.get(name, zipfile.ZIP_DEFLATED))
        return out.getvalue()

    def write(self, path: Path) -> Path:
        path.write_bytes(self.to_bytes())
        return path


def failures(reports: Sequence[Report]) -> dict[int, str]:
    """Numbers of the checks that failed, each with its text."""
    return {check.number: check.detail for report in reports for check in report.checks if check.verdict == "fail"}


def verdicts(reports: Sequence[Report]) -> set[str]:
    return {report.verdict for report in reports}
