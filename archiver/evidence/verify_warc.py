"""Checks 3 to 5: the WARC is what we write, its records are what the statement says, its bytes say the same again."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps

from archiver.errors import FormatError
from archiver.evidence.canonical import Json, decode_line
from archiver.evidence.capture_statement import response_fields
from archiver.evidence.exchange import CHUNK, Bytes
from archiver.evidence.response import read_response
from archiver.evidence.verify import Evidence, Failed, Folder, Incomplete, Nothing
from archiver.evidence.warc_ours import read_our_warc
from archiver.evidence.warc_reader import Record
from archiver.evidence.warc_record import HTTP_RESPONSE, JSON, OCTETS

WARC = "capture.warc.gz"
MAX_METADATA = 16 * 1024 * 1024
"""Bytes of a JSON block that is read whole."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Several runs of bytes, one after the other."""

    parts: tuple[tuple[Bytes, int, int], ...]

    @property
    def size(self) -> int:
        """Length in bytes."""
        return sum(end - start for _, start, end in self.parts)

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of ``[start, end)``."""
        stop = self.size if end is None else end
        at = 0
        for source, first, last in self.parts:
            low, high = max(start - at, 0), min(stop - at, last - first)
            if low < high:
                yield from source.chunks(first + low, first + high)
            at += last - first


def _sha256(data: Bytes) -> str:
    digest = hashlib.sha256()
    for chunk in data.chunks():
        digest.update(chunk)
    return digest.hexdigest()


def _records(evidence: Evidence, folder: Folder, seq: int | None = None) -> tuple[Record, ...]:
    """The records of a folder's WARC (``seq`` None: of the one being verified), read once and strictly."""
    known = evidence.records.get(seq)
    if known is None:
        source = evidence.opened.enter_context(folder.stream(WARC))
        known = evidence.records[seq] = read_our_warc(source).records
    return known


def _naming(check: Callable[[Evidence], str]) -> Callable[[Evidence], str]:
    """Let what the parsers say of the bytes name the file they are in."""

    @wraps(check)
    def named(evidence: Evidence) -> str:
        try:
            return check(evidence)
        except (Failed, Incomplete, Nothing):
            raise
        except FormatError as error:
            raise Failed(f"{WARC}: {error.what}") from error

    return named


def _stated_warc(evidence: Evidence) -> Json:
    warc = evidence.body()["warc"]
    if warc is None:
        raise Nothing("the check kept no WARC")
    stated: Json = warc
    return stated


@_naming
def check_warc_file(evidence: Evidence) -> str:
    """Check 3: strict structure, every digest in it, and the list of records of the statement."""
    stated = _stated_warc(evidence)["records"]
    records = _records(evidence, evidence.folder)
    if len(records) != len(stated):
        raise Failed(f"{WARC} has {len(records)} records, the statement lists {len(stated)}")
    for record, said in zip(records, stated, strict=True):
        found = {
            "id": record.id,
            "type": record.type,
            "offset": record.offset,
            "length": record.length,
            "block_sha256": _digest_of(record, "WARC-Block-Digest"),
            "payload_sha256": _digest_of(record, "WARC-Payload-Digest"),
        }
        for name, value in found.items():
            if value != said[name]:
                raise Failed(f"{WARC}: record {record.id} has {name} {value}, the statement says {said[name]}")
    return f"{len(records)} records, all block digests hold"


def _digest_of(record: Record, field: str) -> str | None:
    value = record.get(field)
    return None if value is None else value.removeprefix("sha256:")


def _exchanges(body: Json) -> Iterator[tuple[Json, Json, bool]]:
    """(part, exchange, is the last hop) of every exchange in order."""
    for part in body["parts"]:
        for number, exchange in enumerate(part["exchanges"]):
            yield part, exchange, number == len(part["exchanges"]) - 1


def _response_bytes(evidence: Evidence, records: dict[str, Record], exchange: Json) -> Bytes | None:
    """The final response of an exchange: from its record, or of a revisit from head and referent together."""
    record = records.get(exchange["record"] or "")
    if record is None:
        return None
    if record.type == "response":
        return record.block
    revisit = exchange["revisit"]
    folder = evidence.referent(revisit["seq"])
    if folder is None:
        raise Incomplete(
            f"the payload is that of statement {revisit['seq']} ({record.get('WARC-Refers-To')}), which is not here"
        )
    source = next((r for r in _records(evidence, folder, revisit["seq"]) if r.id == revisit["record"]), None)
    if source is None:
        raise Failed(f"{WARC} of statement {revisit['seq']} has no record {revisit['record']}")
    framing = read_response(source.block).framing
    if framing is None:
        raise Failed(f"record {revisit['record']} holds no HTTP response")
    return Joined(((record.block, 0, record.block.size), (source.block, framing.head_end, framing.end)))


@_naming
def check_content(evidence: Evidence) -> str:
    """Check 4: head, payload and decoded content are recomputed from the stored bytes."""
    body = evidence.body()
    _stated_warc(evidence)
    records = {record.id: record for record in _records(evidence, evidence.folder)}
    decoded = []
    for part, exchange, last in _exchanges(body):
        response = _response_bytes(evidence, records, exchange)
        if response is None:
            if exchange["status"] is not None:
                raise Failed(f"{WARC} has no response record for {exchange['url']}")
            continue
        reading = read_response(response, exchange["method"], clean=exchange["complete"])
        _compare(exchange, "status", None if reading.head is None else reading.head.status)
        _compare(exchange, "fields", response_fields(() if reading.head is None else reading.head.fields))
        _compare(exchange, "framing", None if reading.framing is None else reading.framing.kind)
        if exchange["payload_sha256"] is not None:
            _compare(exchange, "payload_sha256", reading.payload_sha256)
        if last and part["content"] is not None:
            content = reading.content
            if content is None:
                raise Failed(f"{WARC}: the content of {exchange['url']} cannot be decoded")
            found = {"sha256": content.sha256, "sha512": content.sha512, "bytes": content.size}
            for name, value in {**found, "coding": list(content.coding)}.items():
                if part["content"][name] != value:
                    raise Failed(
                        f"{WARC}: decoded content has {name} {value}, the statement says {part['content'][name]}"
                    )
            decoded.append(f"{content.sha256} ({content.size} bytes)")
    if not decoded:
        raise Nothing("the statement names no decoded content")
    return "decoded content " + ", ".join(decoded)


def _compare(exchange: Json, name: str, value: object) -> None:
    if exchange[name] != value:
        raise Failed(f"{WARC}: {name} of {exchange['url']} is {value}, the statement says {exchange[name]}")


@_naming
def check_transport(evidence: Evidence) -> str:
    """Check 5: requests, whole responses, connections and certificates are what the statement says."""
    body = evidence.body()
    _stated_warc(evidence)
    records = _records(evidence, evidence.folder)
    by_id = {record.id: record for record in records}
    requests = {_sha256(record.block): record for record in records if record.type == "request"}
    skipped = ""
    for _, exchange, _ in _exchanges(body):
        if exchange["request_bytes"] and exchange["request_sha256"] not in requests:
            raise Failed(f"{WARC} has no request record with SHA-256 {exchange['request_sha256']}")
        try:
            _check_response(evidence, records, by_id, exchange)
        except Incomplete as error:
            skipped = error.what
    _check_metadata(body, records)
    if skipped:
        raise Incomplete(skipped)
    return f"{len(requests)} request{'s' * (len(requests) != 1)}, " + _session(body)


def _check_response(evidence: Evidence, records: Sequence[Record], by_id: dict[str, Record], exchange: Json) -> None:
    """Interim responses, the final one and surplus bytes together are everything that was received."""
    if not exchange["response_bytes"]:
        return
    final = _response_bytes(evidence, by_id, exchange)
    beside = [r for r in records if r.type == "metadata" and r.get("WARC-Concurrent-To") == exchange["record"]]
    if final is None:
        loose = [r for r in records if r.type == "metadata" and r.get("Content-Type") == OCTETS]
        if not any(_sha256(r.block) == exchange["response_sha256"] for r in loose):
            raise Failed(f"{WARC} does not hold the bytes received from {exchange['url']}")
        return
    interim = [(r.block, 0, r.block.size) for r in beside if r.get("Content-Type") == HTTP_RESPONSE]
    surplus = [(r.block, 0, r.block.size) for r in beside if r.get("Content-Type") == OCTETS]
    whole = Joined((*interim, (final, 0, final.size), *surplus))
    if whole.size != exchange["response_bytes"] or _sha256(whole) != exchange["response_sha256"]:
        raise Failed(f"{WARC}: the bytes received from {exchange['url']} are not those of the statement")


def _check_metadata(body: Json, records: Sequence[Record]) -> None:
    blocks = [r for r in records if r.type == "metadata" and r.get("Content-Type") == JSON]
    if len(blocks) != 2:
        raise Failed(f"{WARC} has {len(blocks)} JSON records, not transport and environment")
    transport, environment = (_json(record) for record in blocks)
    for name in ("clock", "environment"):
        if environment[name] != body[name]:
            raise Failed(f"{WARC}: {name} differs from the statement")
    stated = [exchange["connection"] for _, exchange, _ in _exchanges(body)]
    held = {"connections": transport["connections"], "certificates": transport["certificates"]}
    for connection in stated:
        if connection is not None and connection not in held["connections"]:
            raise Failed(f"{WARC}: a connection of the statement is not in the transport record")
    for digest, pem in held["certificates"].items():
        der = base64.b64decode("".join(pem.split("\n")[1:-2]), validate=True)
        if hashlib.sha256(der).hexdigest() != digest:
            raise Failed(f"{WARC}: certificate {digest} in the transport record has another digest")
    for connection in stated:
        for digest in (connection["tls"] or {}).get("chain_sha256", ()) if connection else ():
            if digest not in held["certificates"]:
                raise Failed(f"{WARC}: certificate {digest} is not in the transport record")


def _json(record: Record) -> Json:
    if record.block.size > MAX_METADATA:
        raise Failed(f"{WARC}: record {record.id} is too large for metadata")
    return decode_line(b"".join(record.block.chunks(0, CHUNK * 64)))


def _session(body: Json) -> str:
    last = [exchange for _, exchange, _ in _exchanges(body)][-1:]
    connection = last[0]["connection"] if last else None
    if connection is None:
        return "no connection was made"
    tls = connection["tls"]
    peer = f"peer {connection['peer_ip']} port {connection['port']}"
    return (
        f"{peer}, no TLS" if tls is None else f"{peer}, {tls['version']} {tls['cipher']}, certificate {tls['verdict']}"
    )
