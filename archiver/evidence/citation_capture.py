"""What a citation record repeats of its capture statement: the digests, the content identifier, the transport."""

from __future__ import annotations

import base64

from archiver.errors import FormatError
from archiver.evidence.canonical import Json

RECEIVED, DECODED, WRITTEN, STATED, DERIVED = (
    "received",
    "received, then decoded by us",
    "written by us from what was sent and received",
    "stated by us",
    "derived by us",
)
"""``made`` of a digest: whether what it is of was received as it is, or what we did to it."""


def _digest(of: str, alg: str, value: str | None, size: int | None, made: str, **more: str) -> list[Json]:
    if value is None:
        return []
    return [{"object": of, "alg": alg, "value": value, "bytes": size, "made": made, **more}]


def digests(capture: Json, entry: str, line_bytes: int, assessment: Json | None) -> list[Json]:
    """Return ``hashes[]``: each digest complete, with what it is of, of how many bytes, and who made those."""
    found = _digest("statement (log entry)", "sha-256", entry, line_bytes, STATED, file="statement.json")
    if warc := capture["warc"]:
        for alg, key in (("sha-256", "sha256"), ("sha-512", "sha512")):
            found += _digest("capture.warc.gz", alg, warc[key], warc["bytes"], WRITTEN, file="capture.warc.gz")
    for item in capture["partial"] or ():
        of = "file of an interrupted check"
        found += _digest(of, "sha-256", item["sha256"], item["bytes"], WRITTEN, file=item["name"])
    for part in capture["parts"]:
        if part["exchanges"]:
            last = part["exchanges"][-1]
            url, of = last["url"], "payload as transferred"
            found += _digest(of, "sha-256", last["payload_sha256"], last["payload_bytes"], RECEIVED, url=url)
        if content := part["content"]:
            for alg, key in (("sha-256", "sha256"), ("sha-512", "sha512")):
                found += _digest("decoded content", alg, content[key], content["bytes"], DECODED, url=part["final_url"])
    if assessment and assessment["text_sha256"]:
        of = f"text by the normaliser {assessment['normaliser']}"
        found += _digest(of, "sha-256", assessment["text_sha256"], assessment["text_bytes"], DERIVED)
    return found


def content_id_of(parts: list[Json]) -> tuple[str | None, str | None]:
    """Return the RFC 6920 URI of the first part's decoded content, else of its payload, and which of the two it is."""
    if not parts:
        return None, None
    if content := parts[0]["content"]:
        return ni_uri(content["sha256"]), "decoded content"
    payload = parts[0]["exchanges"][-1]["payload_sha256"] if parts[0]["exchanges"] else None
    return (ni_uri(payload), "payload as transferred") if payload else (None, None)


def ni_uri(sha256: str) -> str:
    """Return ``ni:///sha-256;…`` (RFC 6920 section 3: base64url without padding) of 64 hex digits."""
    try:
        digest = bytes.fromhex(sha256)
    except ValueError as error:
        raise FormatError(f"not hexadecimal: {sha256[:80]!r}") from error
    if len(digest) != 32:
        raise FormatError(f"a SHA-256 has 64 hex digits: {sha256[:80]!r}")
    return "ni:///sha-256;" + base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def transport_part(part: Json) -> Json:
    """Return one URL of the document as it was fetched: hops in order, peer, TLS verdict, status of the last."""
    hops = [_hop(exchange) for exchange in part["exchanges"]]
    last = hops[-1] if hops else {}
    return {
        "url": part["url"],
        "final_url": part["final_url"],
        "status": last.get("status"),
        "peer": last.get("peer"),
        "tls": last.get("tls"),
        "reason": part["reason"],
        "hops": hops,
    }


def _hop(exchange: Json) -> Json:
    connection = exchange["connection"] or {}
    keys = ("url", "method", "status", "fields", "complete", "anomalies", "reason", "revisit", "record")
    return {
        **{key: exchange[key] for key in keys},
        "started_at": exchange["started_at"],
        "ended_at": exchange["ended_at"],
        "peer": {"ip": connection.get("peer_ip"), "port": connection.get("port")},
        "tls": connection.get("tls"),
    }
