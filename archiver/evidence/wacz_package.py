"""``datapackage.json``, which lists every file of a WACZ with its digest, and ``datapackage-digest.json`` over it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from archiver.errors import FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.wacz_json import read_object

PACKAGE, DIGEST = "datapackage.json", "datapackage-digest.json"
PROFILE = "data-package"
WACZ_VERSION = "1.1.1"
KNOWN_VERSIONS = frozenset({"1.0.0", "1.1.0", "1.1.1", "1.2.0"})
OWN_KEYS = frozenset(
    "profile wacz_version title description created software mainPageUrl mainPageDate resources".split()
)
"""What our packages say; a reader takes some other keys as orders (``config`` rewrites what is replayed)."""
MAX_PACKAGE = 256 * 1024 * 1024
"""Bytes."""
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Resource:
    """One file of the package."""

    path: str
    sha256: str
    bytes: int

    def to_json(self) -> Json:
        """An item of ``resources``; the name is the last part of the path, as Frictionless wants it."""
        name = self.path.rpartition("/")[2].lower()
        return {"name": name, "path": self.path, "hash": f"sha256:{self.sha256}", "bytes": self.bytes}


@dataclass(frozen=True, slots=True)
class Package:
    """What ``datapackage.json`` says."""

    about: Mapping[str, str]
    """``title``, ``description``, ``created``, ``software``, and where a reader begins."""
    resources: tuple[Resource, ...]

    def to_bytes(self) -> bytes:
        """The file: a member on each line, and a resource on each, so that thousands are written quickly and read."""
        resources = [resource.to_json() for resource in self.resources]
        if len({resource["name"] for resource in resources}) != len(resources):
            raise FormatError("two files of the package have the same last name")
        about = {"profile": PROFILE, "wacz_version": WACZ_VERSION, **self.about}
        members = [f"  {_text(name)}: {_text(value)}," for name, value in about.items()]
        listed = ",\n".join([f"    {_text(resource)}" for resource in resources])
        return "\n".join(["{", *members, '  "resources": [', listed, "  ]", "}\n"]).encode("utf-8")


_text = json.JSONEncoder(ensure_ascii=False).encode


def read_package(data: bytes) -> tuple[Json, tuple[Resource, ...]]:
    """Return all that the file says, and its list; ``FormatError`` unless it is a package with SHA-256 digests."""
    body = read_object(data, PACKAGE)
    listed = body.get("resources")
    if not isinstance(listed, list) or not listed:
        raise FormatError(f"{PACKAGE} lists no resources")
    resources = tuple(_resource(item) for item in listed)
    paths = [resource.path for resource in resources]
    if len(set(paths)) != len(paths):
        raise FormatError(f"{PACKAGE} lists a file twice")
    return body, resources


def _resource(item: object) -> Resource:
    if not isinstance(item, dict):
        raise FormatError(f"{PACKAGE}: a resource is no object")
    path, digest, size = item.get("path"), item.get("hash"), item.get("bytes")
    if not isinstance(path, str) or type(size) is not int or size < 0:
        raise FormatError(f"{PACKAGE}: a resource without path or bytes")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise FormatError(f"{PACKAGE}: {path} has no SHA-256")
    return Resource(path, digest.removeprefix("sha256:"), size)


def hash_text(package: bytes) -> str:
    """``sha256:<hex>`` of ``datapackage.json``: what the digest file says, and the text that is signed."""
    return f"sha256:{sha256(package).hexdigest()}"


def write_digest(package: bytes, signed: Json | None) -> bytes:
    """Return ``datapackage-digest.json``, with the signature where there is one."""
    body: Json = {"path": PACKAGE, "hash": hash_text(package)}
    if signed is not None:
        body["signedData"] = signed
    return (json.dumps(body, indent=2) + "\n").encode("ascii")


def read_digest(data: bytes, package: bytes) -> Json | None:
    """Return the signature that the digest file holds, or None; ``FormatError`` unless it is over this package."""
    body = read_object(data, DIGEST)
    if not body.keys() <= {"path", "hash", "signedData"}:
        raise FormatError(f"{DIGEST} says more than path, hash and signedData")
    if body.get("path") != PACKAGE or body.get("hash") != hash_text(package):
        raise FormatError(f"{DIGEST} is not over this {PACKAGE}, which has {hash_text(package)}")
    signed = body.get("signedData")
    if signed is not None and not isinstance(signed, dict):
        raise FormatError(f"{DIGEST}: signedData is no object")
    return signed


def main_page(pages: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Where a reader begins: the first page (address and time), if there is one."""
    return {"mainPageUrl": pages[0][0], "mainPageDate": pages[0][1]} if pages else {}
