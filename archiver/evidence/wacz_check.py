"""Verification of a WACZ as a whole, by numbers: 31 container, 32 resources, 33 signature, 34 index, 35 pages.

Then of every snapshot in it: checks 1 to 10, as of a folder, and 15 for its text. A package of other people's making
holds no statements; of it the container, its own digests, its signature, and its WARCs (3) are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import BinaryIO

from archiver.errors import FormatError
from archiver.evidence import wacz_contents
from archiver.evidence.cosignature import WitnessKey
from archiver.evidence.note import Verifier
from archiver.evidence.verify import (
    CheckResult,
    Evidence,
    Failed,
    Incomplete,
    Report,
    run,
    verify_folder,
)
from archiver.evidence.wacz_names import KEY_NOTE, KEY_PEM, VKEY, is_own_name
from archiver.evidence.wacz_package import DIGEST, KNOWN_VERSIONS, OWN_KEYS, PACKAGE, PROFILE, WACZ_VERSION, hash_text
from archiver.evidence.wacz_reading import MAX_SMALL, WaczReading
from archiver.evidence.wacz_signature import check_endorsement, check_signed_data, is_anonymous
from archiver.evidence.zip_read import STORED

OWN_NOT_CHECKED = (
    "titles of pages, title and description of the package: no statement holds them, only the signature covers them",
    "when the package was made: its signature carries no timestamp",
    "the roots of timestamp authorities in the package: take them from elsewhere",
)
FOREIGN_NOT_CHECKED = (
    "who made this package and its captures, and when: no statement of an archive is in it",
    "titles, texts and times of its pages",
)


def check_wacz(
    source: BinaryIO,
    subject: str,
    key_of: Callable[[str], Verifier | None],
    roots: Sequence[bytes],
    unreadable: tuple[type[Exception], ...] = (),
    witnesses: Sequence[WitnessKey] = (),
) -> list[Report]:
    """Return the report on the package, then one on each snapshot in it; never raises for what the file holds.

    ``key_of`` gives the public key of the log of this name, where it is known from elsewhere. A package whose
    structure does not hold is not read any further: there is then no telling what another reader would see.
    """
    found: list[WaczReading] = []
    container = run(31, partial(_container, source, found), unreadable)
    if not found or container.verdict == "fail":
        return [Report(subject, (container,), FOREIGN_NOT_CHECKED)]
    reading = found[0]
    steps: Mapping[int, Callable[[WaczReading], str]] = {
        32: partial(_resources, key_of=key_of),
        33: partial(_signature, key_of=key_of),
        34: wacz_contents.check_index if reading.is_own else wacz_contents.check_foreign_index,
        35: wacz_contents.check_pages if reading.is_own else wacz_contents.check_foreign_pages,
    }
    checks = [container, *(run(number, partial(step, reading), unreadable) for number, step in steps.items())]
    if not reading.is_own:
        checks.insert(0, run(3, partial(wacz_contents.check_foreign_warcs, reading), unreadable))
        return [Report(subject, tuple(checks), FOREIGN_NOT_CHECKED)]
    reports = [Report(subject, tuple(checks), OWN_NOT_CHECKED)]
    for snapshot in reading.snapshots:
        reports.append(
            Report(f"{subject}/{snapshot}", _snapshot(reading, snapshot, key_of, roots, unreadable, witnesses))
        )
    return reports


def _snapshot(
    reading: WaczReading,
    snapshot: str,
    key_of: Callable[[str], Verifier | None],
    roots: Sequence[bytes],
    unreadable: tuple[type[Exception], ...],
    witnesses: Sequence[WitnessKey],
) -> tuple[CheckResult, ...]:
    key = _key(reading, key_of)
    evidence = Evidence(
        reading.folders[snapshot], key, roots, referent=reading.folder_of, witnesses=witnesses, unreadable=unreadable
    )
    checks = verify_folder(evidence)
    return (*checks, run(15, partial(wacz_contents.check_text, reading, snapshot, evidence.statement, key), unreadable))


def _key(reading: WaczReading, key_of: Callable[[str], Verifier | None]) -> Verifier | None:
    """The key of the log that the statements name; None where it is not known, or they name none."""
    try:
        origins = {str(statement.body["origin"]) for statement in reading.statements.values()}
    except FormatError:
        return None
    return key_of(origins.pop()) if len(origins) == 1 else None


def _container(source: BinaryIO, found: list[WaczReading]) -> str:
    reading = WaczReading(source)
    for name, member in reading.zip.members.items():
        if (name.startswith("archive/") or name.endswith(".cdx.gz")) and member.method != STORED:
            raise Failed(f"{name} is compressed once more: no reader could take one record out of it")
        if reading.is_own and not is_own_name(name):
            raise Failed(f"{name} does not belong in a package of ours")
    for name in (PACKAGE, "pages/pages.jsonl"):
        if name not in reading.zip.members:
            raise Failed(f"{name} is missing")
    if not reading.warcs:
        raise Failed("there is no WARC in archive/")
    found.append(reading)
    return f"{len(reading.names)} members, each once, one after the other; WARCs stored as they are"


def _resources(reading: WaczReading, key_of: Callable[[str], Verifier | None]) -> str:
    body, resources = reading.package
    listed = {resource.path: resource for resource in resources}
    wanted = set(reading.names) - {PACKAGE, DIGEST}
    if surplus := sorted(wanted - listed.keys()):
        raise Failed(f"{surplus[0]} is in the package, but {PACKAGE} does not list it")
    if missing := sorted(listed.keys() - wanted):
        raise Failed(f"{missing[0]} is listed in {PACKAGE}, but not in the package")
    for path, resource in listed.items():
        if reading.zip.members[path].size != resource.bytes:
            raise Failed(f"{path} has {reading.zip.members[path].size} bytes, {PACKAGE} says {resource.bytes}")
        digest = reading.zip.digest(path)
        if digest != resource.sha256:
            raise Failed(f"{path} has SHA-256 {digest}, {PACKAGE} says {resource.sha256}")
    if body.get("profile") != PROFILE:
        raise Failed(f"{PACKAGE}: the profile is {body.get('profile')!r}, not {PROFILE!r}")
    if reading.is_own:
        _own_package(reading)
        _own_key(reading, _key(reading, key_of))
    elif body.get("wacz_version") not in KNOWN_VERSIONS:
        raise Incomplete(f"the digests hold; {PACKAGE} names the version {body.get('wacz_version')!r}, unknown to us")
    return f"{len(listed)} files have the digests and sizes listed; {PACKAGE} has {hash_text(reading.package_bytes)}"


def _own_package(reading: WaczReading) -> None:
    """What only we promise: no key that orders a reader about, and no time before that of what is in it."""
    body, _ = reading.package
    if surplus := sorted(body.keys() - OWN_KEYS):
        raise Failed(f"{PACKAGE} says {surplus[0]}, which no package of ours does")
    if body.get("wacz_version") != WACZ_VERSION:
        raise Failed(f"{PACKAGE}: WACZ version {body.get('wacz_version')!r}, not {WACZ_VERSION}")
    newest = max(statement.at for statement in reading.statements.values())
    wacz_contents.check_not_before(body.get("created"), newest)


def _own_key(reading: WaczReading, key: Verifier | None) -> None:
    """The log's key beside the proofs is one key in two spellings, and the one that is known from elsewhere."""
    try:
        stated = Verifier.from_vkey(reading.zip.read(VKEY, MAX_SMALL).decode("utf-8").rstrip("\n"))
        pem = reading.zip.read(KEY_PEM, MAX_SMALL)
    except FormatError as error:
        raise Failed(f"{VKEY}: {error.what}") from error
    if pem != stated.spki_pem or (key is not None and stated != key):
        raise Failed(f"{VKEY} and {KEY_PEM} are not the key of the log")


def _signature(reading: WaczReading, key_of: Callable[[str], Verifier | None]) -> str:
    if DIGEST not in reading.zip.members:
        what = f"{DIGEST} is missing"
        raise Failed(what) if reading.is_own else Incomplete(f"{what}: the package is not signed")
    signed = reading.signed
    if signed is None:
        if KEY_NOTE in reading.zip.members:
            raise Failed(f"the signature is missing, although {KEY_NOTE} speaks for a key")
        raise Incomplete("the package is not signed: its digests hold among themselves, whoever made them")
    if not is_anonymous(signed):
        if reading.is_own:
            raise Failed("the signature names a domain; those of our packages do not")
        raise Incomplete("the signature is that of a domain, which we do not check")
    public = check_signed_data(signed, hash_text(reading.package_bytes), reading.package[0].get("created"))
    holds = f"the signature holds, by the P-384 key with SHA-256 {sha256(public).hexdigest()}"
    if not reading.is_own:
        raise Incomplete(f"{holds}; whose key it is, the package cannot say")
    key = _key(reading, key_of)
    if KEY_NOTE not in reading.zip.members:
        raise Failed(f"{KEY_NOTE} is missing: nothing says whose key made the signature")
    if key is None:
        raise Incomplete(f"{holds}; whose it is was not checked: no public key of the log was given (--key)")
    try:
        check_endorsement(reading.zip.read(KEY_NOTE, MAX_SMALL), public, key)
    except FormatError as error:
        raise Failed(f"{KEY_NOTE}: {error.what}") from error
    return f"{holds}, for which the log {key.name} speaks"
