"""Looks at the request records of a snapshot's WARC: what was sent, byte for byte, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable

from archiver.declaration.ground import SnapshotGround
from archiver.declaration.protocol import MET, NOT_MET, NOT_RECORDED, Seen
from archiver.declaration.showing import shown

_WHERE = "request records"
_COOKIE = re.compile(rb"\r\ncookie[ \t]*:", re.IGNORECASE)
_CONDITION = re.compile(rb"\r\n(?:if-none-match|if-modified-since)[ \t]*:", re.IGNORECASE)
_ORIGIN_FORM = re.compile(rb"[A-Z]+ /")  # RFC 9112 3.2.1; a proxy is asked with a whole address (3.2.2)
_NO_CACHE = re.compile(
    rb"\r\n(?:cache-control[ \t]*:[^\r\n]*\bno-cache\b|pragma[ \t]*:[ \t]*no-cache\b)", re.IGNORECASE
)


def _unreadable(g: SnapshotGround) -> Seen | None:
    """Why the requests show nothing: no file, a file that fails a check, no request for the document in it.

    Without the last of these a check that was blocked would keep every rule about its requests.
    """
    if g.body["warc"] is None:
        return Seen(NOT_RECORDED, "No WARC file was kept", g.warc, _WHERE)
    broken = g.fails(1, 2, 3, 5)
    if broken or g.requests is None:
        return Seen(NOT_MET, broken or "The WARC file cannot be read", g.warc, _WHERE)
    return None if _asked(g) else Seen(NOT_RECORDED, "The WARC file holds no request for the document", g.warc, _WHERE)


def _asked(g: SnapshotGround) -> list[tuple[str, bytes]]:
    """The requests for the document itself, without those for robots.txt."""
    robots = {rule["url"] for rule in g.body["robots"]}
    wanted = {part["url"] for part in g.body["parts"]}
    return [(url, sent) for url, sent in g.requests or () if url not in robots or url in wanted]


def _cookies(g: SnapshotGround) -> Seen:
    if (told := _unreadable(g)) is not None:
        return told
    begun = {part["exchanges"][0]["url"] for part in g.body["parts"] if part["exchanges"]}
    first: dict[str, bytes] = {}
    for url, sent in _asked(g):
        first.setdefault(url, sent)  # a redirect that sets a cookie may come back to where it began
    if any(_COOKIE.search(sent) for url, sent in first.items() if url in begun):
        return Seen(NOT_MET, "The first request for an address already carried a cookie", g.warc, _WHERE)
    later = sum(bool(_COOKIE.search(sent)) for _, sent in g.requests or ())
    more = f"; {later} later requests carried cookies that this visit was given" if later else ""
    return Seen(MET, f"The first request for each address carried no cookie{more}", g.warc, _WHERE)


def _cache(g: SnapshotGround) -> Seen:
    if (told := _unreadable(g)) is not None:
        return told
    if any(_CONDITION.search(sent) for _, sent in _asked(g)):
        what = "A request named an earlier copy (If-None-Match or If-Modified-Since)"
        return Seen(NOT_MET, what, g.warc, _WHERE)
    if not all(hop["first_byte_at"] for hop in g.hops):
        return Seen(NOT_MET, "Not every request was answered on the wire", g.capture, "field exchanges[].first_byte_at")
    told_ = "No request named an earlier copy, and every answer came over a recorded connection during the check"
    return Seen(MET, told_, g.warc, _WHERE)


def _newest(g: SnapshotGround) -> Seen:
    if (told := _unreadable(g)) is not None:
        return told
    if all(_NO_CACHE.search(sent) for _, sent in _asked(g)):
        return Seen(MET, "Every request asked for no cached copy (Cache-Control or Pragma: no-cache)", g.warc, _WHERE)
    what = "A request did not ask caches on the way for a fresh copy (no Cache-Control: no-cache)"
    return Seen(NOT_MET, what, g.warc, _WHERE)


def _first_page(g: SnapshotGround) -> Seen:
    if (told := _unreadable(g)) is not None:
        return told
    asked = _asked(g)
    before = len(g.requests or ()) - len(asked)
    robots = f"; besides, the file has {before} for robots.txt" if before else ""
    if not asked or asked[0][0] != g.body["parts"][0]["url"]:
        return Seen(NOT_MET, f"The first page asked for was another one{robots}", g.warc, _WHERE)
    if len(g.body["parts"]) > 1:
        what = f"The document has {len(g.body['parts'])} addresses, asked for one after the other{robots}"
        return Seen(NOT_MET, what, g.warc, _WHERE)
    return Seen(MET, f"The first page asked for was {shown(asked[0][0])}{robots}", g.warc, _WHERE)


def _direct(g: SnapshotGround) -> Seen:
    if (told := _unreadable(g)) is not None:
        return told
    if not all(_ORIGIN_FORM.match(sent) for _, sent in g.requests or ()):
        return Seen(NOT_MET, "A request was worded for a proxy", g.warc, _WHERE)
    connections = [hop["connection"] for hop in g.hops]
    if not connections or not all(c is not None and c["peer_ip"] in c["resolved"] for c in connections):
        what = "A connection did not lead to an address that the resolver had answered"
        return Seen(NOT_MET, what, g.capture, "field exchanges[].connection")
    what = "Requests were worded for the server itself and went to addresses that the resolver had answered"
    return Seen(MET, what, g.warc, _WHERE)


WIRE_LOOKS: dict[str, tuple[str, Callable[[SnapshotGround], Seen]]] = {
    "wire.no_cookies": ("the first request for each address carried no cookie", _cookies),
    "wire.no_cache": ("no local copy answered: no conditional request, every answer on the wire", _cache),
    "wire.fresh": ("caches on the way were asked for a fresh copy", _newest),
    "wire.first_page": ("the document was the first page asked for", _first_page),
    "wire.direct": ("no explicit proxy: requests worded for the server, sent to a resolved address", _direct),
}
"""Name, what it looks for, and the look."""
