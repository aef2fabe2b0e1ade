"""What a WACZ shows is what its WARCs and statements say: index, pages and texts (checks 34, 35 and 15)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from hashlib import sha256

from archiver.errors import FormatError
from archiver.evidence.canonical import MAX_LINE, Json
from archiver.evidence.note import Verifier
from archiver.evidence.statement import Statement, parse_snapshot_id, parse_statement
from archiver.evidence.surt import surt
from archiver.evidence.tlog_proof import MAX_PROOF, TlogProof
from archiver.evidence.verify import Failed, Incomplete, Nothing
from archiver.evidence.wacz_index import CDX, IDX, MAX_INDEX, Line, entries, read_lines, stamp, unpack_index
from archiver.evidence.wacz_json import read_object
from archiver.evidence.wacz_names import text_name, warc_name
from archiver.evidence.wacz_package import MAX_PACKAGE, main_page
from archiver.evidence.wacz_pages import PAGES, Listed, Page, pages_of, read_pages
from archiver.evidence.wacz_reading import MAX_SMALL, WaczReading
from archiver.evidence.warc_check import check_warc
from archiver.evidence.warc_gzip import GZIP_BITS
from archiver.evidence.warc_reader import Record, read_records

_Shown = tuple[str, str, frozenset[tuple[str, object]]]
"""A line of an index: key, second, fields."""


# -- 34 index --------------------------------------------------------------------------------------


def check_index(reading: WaczReading) -> str:
    """Check 34: the index lists every answer in every WARC, as its statement and its bytes say, and nothing else."""
    lines = unpack_index(reading.zip.read(CDX, MAX_INDEX), reading.zip.read(IDX, MAX_SMALL))
    stated = {name for name, statement in reading.statements.items() if statement.body["warc"] is not None}
    if loose := sorted(set(reading.warcs) - {warc_name(snapshot) for snapshot in stated}):
        raise Failed(f"{loose[0]}: no statement in the package is about it")
    shown = [_shown(line.key, line.stamp, line.fields) for line in lines]
    wanted = [entry for snapshot in sorted(stated) for entry in _entries(reading, snapshot)]
    if surplus := set(shown) - set(wanted):
        raise Failed(f"the index says of {min(surplus)[0]} what neither statement nor WARC says")
    if missing := set(wanted) - set(shown):
        raise Failed(f"the index does not list {min(missing)[0]}")
    return f"{len(shown)} records of {len(stated)} WARCs, each as its statement says"


def _shown(key: str, moment: str, fields: object) -> _Shown:
    assert isinstance(fields, dict)
    return key, moment, frozenset(fields.items())


def _entries(reading: WaczReading, snapshot: str) -> Iterator[_Shown]:
    name = warc_name(snapshot)
    if name not in reading.zip.members:
        raise Failed(f"{name} is missing")
    open_warc = partial(reading.zip.stream, name, 0)
    with open_warc() as source:
        for entry in entries(reading.statements[snapshot].body, name.rpartition("/")[2], open_warc):
            source.seek(entry.offset)
            digest = sha256()
            left = entry.length
            while left and (piece := source.read(min(left, 1 << 20))):
                digest.update(piece)
                left -= len(piece)
            yield _shown(surt(entry.url), stamp(entry.instant), entry.fields(digest.hexdigest()))


# -- 35 pages --------------------------------------------------------------------------------------


def check_pages(reading: WaczReading) -> str:
    """Check 35: the pages are those of the snapshots in it, with the texts beside them, and none is left out."""
    listed = read_pages(reading.zip.read(PAGES, MAX_PACKAGE))
    known = {page: name for name, one in reading.statements.items() for page in pages_of(one.body)}
    seen = [found.page for found in listed]
    for page in seen:
        if page not in known:
            raise Failed(f"{PAGES}: no statement says that {page.url} was captured at {page.ts} as {page.id}")
    if len(set(seen)) != len(seen):
        raise Failed(f"{PAGES} lists a page twice")
    _none_left_out(reading, known, {page.snapshot for page in seen}, set(seen))
    _page_texts(reading, listed)
    about = reading.package[0]
    first = main_page([(page.url, page.ts) for page in seen])
    if any(about.get(name) != first.get(name) for name in ("mainPageUrl", "mainPageDate")):
        raise Failed("datapackage.json begins with another page than the list of pages")
    return f"{len(seen)} pages of {len({page.snapshot for page in seen})} snapshots"


def _none_left_out(reading: WaczReading, known: dict[Page, str], shown: set[str], seen: set[Page]) -> None:
    """Only a snapshot that came along for the sake of another one may have no pages."""
    referents = {
        exchange["revisit"]["seq"]
        for statement in reading.statements.values()
        for part in statement.body["parts"]
        for exchange in part["exchanges"]
        if exchange["revisit"] is not None
    }
    for page, snapshot in known.items():
        if page not in seen and (snapshot in shown or parse_snapshot_id(snapshot) not in referents):
            raise Failed(f"{PAGES} does not list {page.url} of {snapshot}")


def _page_texts(reading: WaczReading, listed: tuple[Listed, ...]) -> None:
    for found in listed:
        name = text_name(found.page.snapshot, "md")
        first = found.page.id == found.page.snapshot
        there = first and name in reading.zip.members
        text = reading.zip.read(name, MAX_SMALL).decode("utf-8") if there else None
        if found.text != text:
            raise Failed(f"{PAGES}: the text of {found.page.id} is not that of {name}")


# -- 15 texts --------------------------------------------------------------------------------------


def check_text(reading: WaczReading, snapshot: str, capture: Statement | None, key: Verifier | None) -> str:
    """Check 15: text and links are those that an assessment of this snapshot states, which the log holds."""
    names = {kind: text_name(snapshot, kind) for kind in ("md", "links.jsonl", "assessment.json")}
    there = {kind for kind, name in names.items() if name in reading.zip.members}
    if not there:
        raise Nothing("there is no text of this snapshot in the package")
    if "assessment.json" not in there:
        raise Failed(f"{names['assessment.json']} is missing, which states the digest of the text")
    if capture is None:
        raise Incomplete("statement.json does not hold, see check 1")
    assessment = parse_statement(reading.zip.read(names["assessment.json"], MAX_LINE))
    body = assessment.body
    about = (assessment.kind, body.get("capture_seq"), body.get("capture_entry"), body["origin"])
    if about != ("assessment", capture.seq, capture.entry_hex, capture.body["origin"]):
        raise Failed(f"{names['assessment.json']} is no assessment of {snapshot}")
    check_not_before(reading.package[0].get("created"), assessment.at)
    stated = {"md": body["text_sha256"], "links.jsonl": body["links_sha256"]}
    for kind in sorted(there - {"assessment.json"}):
        digest = reading.zip.digest(names[kind])
        if digest != stated[kind]:
            raise Failed(f"{names[kind]} has SHA-256 {digest}, the assessment says {stated[kind]}")
    where = _in_the_log(reading, snapshot, assessment, key)
    if "md" not in there:
        return f"no text; assessment {assessment.seq} ({body['verdict']}), {where}"
    return f"text {body['text_sha256']} as assessment {assessment.seq} says, {where}"


def _in_the_log(reading: WaczReading, snapshot: str, assessment: Statement, key: Verifier | None) -> str:
    name = text_name(snapshot, "assessment.tlog-proof")
    if name not in reading.zip.members:
        raise Incomplete(f"not yet covered: there is no {name}")
    if key is None:
        raise Incomplete("no public key of the log was given (--key)")
    proof = TlogProof.from_bytes(reading.zip.read(name, MAX_PROOF))
    if proof.index != assessment.seq:
        raise Failed(f"{name} is for entry {proof.index}, the assessment is {assessment.seq}")
    checkpoint = proof.verify(assessment.entry, key)
    return f"entry {proof.index} of {checkpoint.size}"


def check_not_before(created: object, at: str) -> None:
    """``Failed`` when a package says it was made before a statement that is in it."""
    try:
        made = datetime.fromisoformat(str(created))
    except ValueError as error:
        raise Failed(f"datapackage.json says it was made at {str(created)[:40]!r}, which is no time") from error
    if made.tzinfo is None or made < datetime.fromisoformat(at):
        raise Failed(f"datapackage.json says it was made at {created}, before a statement in it ({at})")


# -- other people's packages -----------------------------------------------------------------------


def check_foreign_warcs(reading: WaczReading) -> str:
    """Check 3 of a package without statements: every record of every WARC has the digests it states."""
    records = checked = 0
    for name in reading.warcs:
        check = check_warc(reading.zip.stream(name, 0))
        if check.findings or not check.records:
            what = check.findings[0] if check.findings else None
            raise Failed(
                f"{name}: " + (f"at byte {what.offset}: {what.detail} ({what.code})" if what else "no records")
            )
        records, checked = records + len(check.records), checked + check.checked
    return f"{records} records, digests of {checked} hold, {records - checked} have none"


def check_foreign_index(reading: WaczReading) -> str:
    """Check 34 of a package without statements: every line leads to the record it speaks of."""
    lines = list(_foreign_lines(reading))
    places = {name: _records(reading, name) for name in reading.warcs}
    unseen = {(name, at) for name, found in places.items() for at, (*_, answer) in found.items() if answer}
    for line in lines:
        name, at = f"archive/{line.fields.get('filename')}", int(str(line.fields.get("offset")))
        length, url, moment, _ = places.get(name, {}).get(at, (0, "", "", False))
        if (str(line.fields.get("length")), line.fields.get("url") or "") != (str(length), url):
            raise Failed(f"the index leads for {line.key} to byte {at} of {name}, where its record does not lie")
        if not moment.startswith(line.stamp[:14]):
            raise Failed(f"the index gives {line.key} another time than its record has")
        unseen.discard((name, at))
    if unseen:
        raise Incomplete(f"{len(lines)} lines lead to their records; {len(unseen)} answers are not in the index")
    return f"{len(lines)} lines lead to their records, no answer is left out"


def _foreign_lines(reading: WaczReading) -> Iterator[Line]:
    for name in reading.names:
        if name.startswith("indexes/") and name.endswith((".cdx", ".cdxj", ".cdx.gz", ".cdxj.gz")):
            data = reading.zip.read(name, MAX_INDEX)
            if name.endswith(".gz"):
                data = _gunzip(data, name)
            yield from read_lines(data.decode("utf-8").split("\n")[:-1])


def _gunzip(data: bytes, name: str) -> bytes:
    plain = bytearray()
    while data:
        inflater = zlib.decompressobj(wbits=GZIP_BITS)
        try:
            plain += inflater.decompress(data, MAX_INDEX - len(plain) + 1)
        except zlib.error as error:
            raise Failed(f"{name} does not inflate: {error}") from error
        if not inflater.eof:
            raise Failed(f"{name} ends inside a gzip member, or inflates to more than {MAX_INDEX} bytes")
        data = inflater.unused_data
    return bytes(plain)


def _records(reading: WaczReading, name: str) -> dict[int, tuple[int, str, str, bool]]:
    """Of each record of a WARC, by its place: length, address, second, and whether it is an answer."""
    source = reading.zip.stream(name, 0)
    return {r.offset: _place(r) for r in read_records(source, strict=False)}


def _place(record: Record) -> tuple[int, str, str, bool]:
    moment = stamp(record.get("WARC-Date") or "")
    return record.length, record.get("WARC-Target-URI") or "", moment, record.type in ("response", "revisit")


def check_foreign_pages(reading: WaczReading) -> str:
    """Check 35 of a package without statements: the list of pages can be read."""
    _, *lines = reading.zip.read(PAGES, MAX_PACKAGE).decode("utf-8").splitlines()
    pages: list[Json] = [read_object(line, PAGES) for line in lines if line]
    if not all(isinstance(page.get(name), str) for page in pages for name in ("url", "ts")):
        raise FormatError(f"{PAGES}: a page without address or time")
    return f"{len(pages)} pages"
