"""Writes one or several snapshots as a WACZ: their WARCs as they are, an index, pages, and our proofs beside them.

Everything comes from dossiers; what the index says of records stands in the statements already. A WARC is digested
while it is copied, and compared with its statement: where anything does not hold, the draft is thrown away. One that
is too large to be held is read once for each digest, the one that stands before its bytes first.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from isal import isal_zlib

from archiver.dossier import Dossier, Part, dossier_of
from archiver.environment import SOFTWARE
from archiver.errors import NotCheckable, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.instant import format_instant, parse_instant
from archiver.evidence.statement import LIMITS
from archiver.evidence.wacz_index import CDX, IDX, Entry, entries, pack_index
from archiver.evidence.wacz_names import (
    KEY_NOTE,
    KEY_PEM,
    PROOF,
    VKEY,
    proof_name,
    root_name,
    text_name,
    warc_name,
)
from archiver.evidence.wacz_package import DIGEST, PACKAGE, Package, Resource, hash_text, main_page, write_digest
from archiver.evidence.wacz_pages import PAGES, Listed, pages_of, write_pages
from archiver.evidence.wacz_signature import Signer, signed_data
from archiver.evidence.zip_write import Out, ZipWriting
from archiver.exporting import Gatherer, Means

if TYPE_CHECKING:
    from archiver.audit import Audit
    from archiver.signing import LogKey

WARC = "capture.warc.gz"
CHUNK = 1024 * 1024
HELD = 8 * 1024 * 1024
"""Bytes of the largest WARC that is read whole."""
AHEAD = HELD
"""Bytes of WARCs that are read and digested while an earlier one is written."""
CHECKS = (1, 6, 7, 8, 9, 10, 11, 12, 15)
"""Checks made of every snapshot that is handed out; the digests of WARCs are taken on the way."""


@dataclass(frozen=True, slots=True)
class Wacz:
    """Writes packages; satisfies ``exporting.Gatherer``."""

    form: str = "wacz"

    def write(self, dossier: Dossier, out: Out, means: Means) -> list[str]:
        """Write the package of one snapshot; return warnings."""
        return self.write_all([dossier], out, means)

    def write_all(self, dossiers: Sequence[Dossier], out: Out, means: Means) -> list[str]:
        """Write one package of them all; a token over the package itself has no place in the form."""
        write_wacz(dossiers, out, key=means.key)
        return ["a WACZ takes no timestamp over itself; its statements have theirs"] if means.stampers else []


WACZ: Gatherer = Wacz()


def write_wacz(dossiers: Sequence[Dossier], out: Out, *, key: LogKey | None) -> None:
    """Write the package of these snapshots, first byte to last; without the log's private key it is not signed.

    Snapshots whose bodies a revisit record refers to come along, so that what is shown can be shown from the package
    alone. ``UsageError`` when there is no WARC at all, ``NotCheckable`` when a check of a snapshot fails.
    """
    from archiver.audit import Audit
    from archiver.wacz_signing import package_signer

    wanted = {dossier.snapshot: dossier for dossier in dossiers}
    every = _with_referents(wanted)
    if not any(dossier.warc for dossier in every.values()):
        raise UsageError("there is nothing to replay: no WARC in what was named", do="see archiver history DOCUMENT")
    issued = max(dossier.issued for dossier in wanted.values())
    signer = None if key is None else package_signer(key)
    with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
        writing = _Writing(out, issued, pool, Audit(dossiers[0].archive))
        try:
            writing.archives(every)
            writing.pages(wanted)
            for dossier in every.values():
                writing.texts(dossier)
            writing.proofs(every, signer)
            writing.package(wanted, signer)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _with_referents(wanted: Mapping[str, Dossier]) -> dict[str, Dossier]:
    """These snapshots and every one that holds a body of theirs, by name, oldest first."""
    found = dict(wanted)
    queue = list(wanted.values())
    while queue:
        dossier = queue.pop()
        for referent in dossier.referents:
            name = str(referent.body["snapshot"])
            if name not in found:
                found[name] = dossier_of(dossier.archive, name, dossier.issued)
                queue.append(found[name])
    return dict(sorted(found.items(), key=lambda item: item[1].capture.seq))


@dataclass(frozen=True, slots=True)
class _Warc:
    """A WARC on its way: what the index says of it, and what its bytes are found to be meanwhile."""

    dossier: Dossier
    part: Part
    entries: tuple[Entry, ...]
    held: bytes | None
    """All of it, where it is not too large."""
    crc: Future[int]
    """CRC-32, which stands before its bytes."""
    whole: Future[str]
    """SHA-256."""
    members: Future[list[str]]
    """SHA-256 of each record as it is packed, which the statement does not say."""


class _Writing:
    """A package while it is written."""

    def __init__(self, out: Out, issued: datetime, pool: ThreadPoolExecutor, audit: Audit) -> None:
        self._zip = ZipWriting(out)
        self._issued = issued
        self._pool = pool
        self._audit = audit
        self._moment = datetime.min.replace(tzinfo=UTC)
        self.resources: list[Resource] = []
        self.pages_listed: list[Listed] = []

    def _put(self, name: str, data: bytes, moment: datetime, *, packed: bool = True) -> None:
        self._zip.put(name, data, moment, packed=packed)
        self.resources.append(Resource(name, sha256(data).hexdigest(), len(data)))

    def _put_part(self, name: str, part: Part, moment: datetime) -> None:
        """A file of the archive: a large one, cut from an interrupted check, as it lies."""
        if part.size <= CHUNK:
            self._put(name, part.read(), moment)
            return
        self._zip.put_stored(name, _pieces(part), part.size, _crc(part), moment)
        self.resources.append(Resource(name, _sha256(part), part.size))

    def archives(self, every: Mapping[str, Dossier]) -> None:
        """The WARCs, stored, and the index over them; ``NotCheckable`` when a check of a snapshot fails."""
        self._moment = max(_began(dossier) for dossier in every.values())
        lines: list[str] = []
        begun: deque[_Warc] = deque()
        ahead = 0
        for dossier in every.values():
            if dossier.warc is not None:  # digested while it is checked
                begun.append(self._begun(dossier, dossier.warc))
                ahead += len(begun[-1].held or b"")
            self._require_sound(dossier)
            while begun and (ahead > AHEAD or begun[0].held is None):
                ahead -= len(begun[0].held or b"")
                lines += self._stored(begun.popleft())
        for warc in begun:
            lines += self._stored(warc)
        packed, listed = pack_index(lines)
        self._put(CDX, packed, self._moment, packed=False)
        self._put(IDX, listed, self._moment)

    def _require_sound(self, dossier: Dossier) -> None:
        """``NotCheckable`` when a check fails of what is handed out."""
        for check in self._audit.seq(dossier.capture.seq, CHECKS).checks:
            if check.verdict == "fail":
                raise NotCheckable(
                    f"{dossier.snapshot}, check {check.number}: {check.detail}: nothing is exported",
                    do=f"run archiver verify {dossier.snapshot}",
                )

    def _begun(self, dossier: Dossier, part: Part) -> _Warc:
        """Read a WARC, and let it be digested meanwhile."""
        held = part.read() if part.size <= HELD else None
        submit = self._pool.submit
        if held is None:
            crc, whole = submit(_crc, part), submit(_sha256, part)
        else:
            crc, whole = submit(isal_zlib.crc32, held), submit(_sha256_held, held)
        name = warc_name(dossier.snapshot).rpartition("/")[2]
        found = entries(dossier.capture.body, name, part.stream)
        spans = [(entry.offset, entry.length) for entry in found]
        members = submit(_members, part, spans) if held is None else submit(_members_held, held, spans)
        return _Warc(dossier, part, found, held, crc, whole, members)

    def _stored(self, warc: _Warc) -> list[str]:
        """Write a WARC, and return the lines of the index about it."""
        stated = warc.dossier.capture.body["warc"]
        name = warc_name(warc.dossier.snapshot)
        size = warc.part.size if warc.held is None else len(warc.held)
        pieces = _pieces(warc.part) if warc.held is None else (warc.held,)
        self._zip.put_stored(name, pieces, size, warc.crc.result(), _began(warc.dossier))
        found = warc.whole.result()
        if found != stated["sha256"] or size != stated["bytes"]:
            raise NotCheckable(
                f"{warc.part.path} has SHA-256 {found}, its statement says {stated['sha256']}: nothing is exported",
                do=f"run archiver verify {warc.dossier.snapshot}",
            )
        self.resources.append(Resource(name, found, size))
        return [entry.line(digest) for entry, digest in zip(warc.entries, warc.members.result(), strict=True)]

    def pages(self, wanted: Mapping[str, Dossier]) -> None:
        """The list of pages, with the text that was read from them."""
        for dossier in wanted.values():
            text = None if dossier.text is None else dossier.text.read().decode("utf-8")
            for page in pages_of(dossier.capture.body):
                self.pages_listed.append(Listed(page, _title(dossier), text))
                text = None
        self._put(PAGES, write_pages(self.pages_listed), self._moment)

    def texts(self, dossier: Dossier) -> None:
        """Text, links, and the assessment that states their digests, with its place in the log."""
        if dossier.assessment is None:
            return
        moment = _began(dossier)
        for name, part in (("md", dossier.text), ("links.jsonl", dossier.links)):
            if part is not None:
                self._put(text_name(dossier.snapshot, name), part.read(), moment)
        self._put(text_name(dossier.snapshot, "assessment.json"), dossier.assessment.line, moment)
        proof = self._audit.proof(dossier.assessment.seq)
        if proof is not None:
            self._put(text_name(dossier.snapshot, "assessment.tlog-proof"), proof, moment)

    def proofs(self, every: Mapping[str, Dossier], signer: Signer | None) -> None:
        """Statements with all that seals them, the log's public key, and the roots of the authorities."""
        authorities: dict[str, bytes] = {}
        for dossier in every.values():
            moment = _began(dossier)
            files = [part for part in dossier.files if part.name != WARC]
            for part in files:
                self._put_part(proof_name(dossier.snapshot, part.name), part, moment)
            if PROOF not in {part.name for part in files}:
                made = self._audit.proof(dossier.capture.seq)
                if made is not None:
                    self._put(proof_name(dossier.snapshot, PROOF), made, moment)
            authorities |= _roots(dossier, files)
        for name, pem in sorted(authorities.items()):
            self._put(root_name(name), pem, self._moment)
        vkey, pem_part = next(iter(every.values())).key()
        self._put(VKEY, vkey.read(), self._moment)
        self._put(KEY_PEM, pem_part.read(), self._moment)
        if signer is not None:
            self._put(KEY_NOTE, signer.note, self._moment)

    def package(self, wanted: Mapping[str, Dossier], signer: Signer | None) -> None:
        """The list of all files, its digest, the signature, and the end of the zip file."""
        created = format_instant(self._issued)
        about = {
            "title": _title_of_all(list(wanted.values())),
            "description": _description(list(wanted.values())),
            "created": created,
            "software": SOFTWARE,
            **main_page([(listed.page.url, listed.page.ts) for listed in self.pages_listed]),
        }
        package = Package(about, tuple(self.resources)).to_bytes()
        signed = None if signer is None else signed_data(hash_text(package), created, SOFTWARE, signer)
        self._zip.put(PACKAGE, package, self._issued, packed=True)
        self._zip.put(DIGEST, write_digest(package, signed), self._issued, packed=True)
        self._zip.finish()


# -- what is read ------------------------------------------------------------------------------------


def _pieces(part: Part) -> Iterator[bytes]:
    """The bytes of a file."""
    with part.stream() as handle:
        while piece := handle.read(CHUNK):
            yield piece


def _crc(part: Part) -> int:
    """CRC-32 of a file."""
    crc = 0
    for piece in _pieces(part):
        crc = isal_zlib.crc32(piece, crc)
    return crc


def _sha256(part: Part) -> str:
    """SHA-256 of a file."""
    digest = sha256()
    for piece in _pieces(part):
        digest.update(piece)
    return digest.hexdigest()


def _sha256_held(data: bytes) -> str:
    """The same of a file that was read."""
    return sha256(data).hexdigest()


def _members_held(data: bytes, spans: Sequence[tuple[int, int]]) -> list[str]:
    """What ``_members`` says, of a file that was read."""
    view = memoryview(data)
    return [sha256(view[offset : offset + length]).hexdigest() for offset, length in spans]


def _members(part: Part, spans: Sequence[tuple[int, int]]) -> list[str]:
    """SHA-256 of each of these runs of a file."""
    found = []
    buffer = memoryview(bytearray(CHUNK))
    with part.stream() as handle:
        for offset, length in spans:
            handle.seek(offset)
            digest = sha256()
            while length and (count := handle.readinto(buffer[: min(length, CHUNK)])):  # type: ignore[attr-defined]
                digest.update(buffer[:count])
                length -= count
            found.append(digest.hexdigest())
    return found


def _roots(dossier: Dossier, files: Sequence[Part]) -> dict[str, bytes]:
    """The roots of every authority whose token lies in the folder, as PEM."""
    names = {part.name.split(".")[1] for part in files if part.name.endswith(".tsr")}
    if not names:
        return {}
    from archiver.evidence.timestamp import chain_to_pem  # slow to load

    known = dossier.archive.roots()
    return {name: chain_to_pem(tuple(known[name])) for name in names if known.get(name)}


def _began(dossier: Dossier) -> datetime:
    return parse_instant(dossier.capture.body["started_at"])


# -- what is said ------------------------------------------------------------------------------------


def _title(dossier: Dossier) -> str | None:
    if dossier.watch is None:
        return None
    entry: Json = dossier.watch.body["entry"]
    return f"{entry['entity']}: {entry['title']}"


def _title_of_all(dossiers: Sequence[Dossier]) -> str:
    first = dossiers[0]
    named = _title(first) or str(first.capture.body["parts"][0]["url"])
    return f"{first.snapshot}, {named}" if len(dossiers) == 1 else f"{len(dossiers)} snapshots, first {first.snapshot}"


def _description(dossiers: Sequence[Dossier]) -> str:
    """What is in it, under which digests, and what it does not show."""
    lines = [f"Log {dossiers[0].archive.origin}, key {dossiers[0].archive.verifier.vkey}", ""]
    for dossier in dossiers:
        body = dossier.capture.body
        warc = body["warc"]
        lines.append(
            f"- {dossier.snapshot}: {', '.join(part['url'] for part in body['parts'])}; {body['result']}, began"
            f" {body['started_at']} by the capturing machine's clock; SHA-256 of its statement"
            f" {dossier.capture.entry_hex}" + (f", of its WARC {warc['sha256']}" if warc else "")
        )
    limits = sorted({code for dossier in dossiers for code in dossier.capture.body["limits"]}, key=lambda c: int(c[1:]))
    return "\n".join([*lines, "", "Limits:", "", *(f"- {code}: {LIMITS.get(code, '')}" for code in limits)])
