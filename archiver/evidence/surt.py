"""The key under which an index of web captures files a URL: host first, backwards, everything in one spelling.

``https://www.Example.com/Terms/?b=2&a=1`` becomes ``com,example)/terms?a=1&b=2`` (Sort-friendly URI Reordering
Transform, with the canonical form that Heritrix, the Wayback Machine and pywb look addresses up by). Several addresses
may share a key; what was captured is told by the ``url`` of the entry.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

_HTTP = re.compile(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(.*))?", re.DOTALL)
_WWW = re.compile(r"^www\d*\.")
_PORTS = {"http": "80", "https": "443"}
_ESCAPE = re.compile(rb"[\x00-\x20\x7f-\xff#%]")
_ROUNDS = 20
"""How often percent-encoding is taken off; an address that is wrapped deeper keeps the rest."""

# Session numbers that servers of old wrote into addresses: one page, a new address for each visitor.
_SESSIONS = [
    re.compile(rf"(.*)(?:{name})(?:&(.*))?")
    for name in (
        "jsessionid=[0-9a-z]{32}",
        "phpsessid=[0-9a-z]{32}",
        "sid=[0-9a-z]{32}",
        "aspsessionid[a-z]{8}=[a-z]{24}",
        "cfid=[^&]+&cftoken=[^&]+",
    )
]
_ASP_SESSION = re.compile(r"(.*/)\((?:[a-z]\([0-9a-z]{24}\))+\)/([^?]+\.aspx.*)")


def surt(url: str) -> str:
    """Return the key of an ``http`` or ``https`` address; any other address is its own key."""
    parts = _HTTP.match(url.strip())
    if parts is None:
        return url
    scheme, authority, path, query = parts.groups()
    key = f"{_host(authority.rpartition('@')[2], scheme.lower())}){_path(path)}"
    found = _query(query or "")
    return f"{key}?{found}" if found else key


def _host(authority: str, scheme: str) -> str:
    found = _AUTHORITY.fullmatch(authority.lower())
    assert found is not None  # whatever stands there is a host, as long as it is no more than that
    host, port = found[1], found[2] or ""
    if host.startswith("["):  # an IPv6 address has no parts to turn round
        return host.strip("[]") + _port(port, scheme)
    labels = [label for label in _WWW.sub("", host).split(".") if label]
    return ",".join(reversed(labels)) + _port(port, scheme)


def _port(port: str, scheme: str) -> str:
    return f":{port}" if port and port != _PORTS[scheme] else ""


def _path(path: str) -> str:
    kept: list[str] = []
    for part in _one_spelling(path).split("/")[1:]:
        if part == ".." and kept:
            kept.pop()  # also where nothing stands between two slashes, and where an earlier one stayed
        elif part != ".":
            kept.append(part)
    whole = "/" + "/".join(part for part in kept if part)
    found = _ASP_SESSION.fullmatch(whole)
    return found[1] + found[2] if found else whole


def _query(query: str) -> str:
    text = _one_spelling(query)
    for session in _SESSIONS:
        if found := session.fullmatch(text):
            text = found[1] + (found[2] or "")
    return "&".join(sorted(text.split("&"), key=lambda pair: pair.split("=", 1)))


def _one_spelling(text: str) -> str:
    """Percent-encoding taken off and put on where it must be; lower case throughout."""
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(_ROUNDS):
        plain = unquote_to_bytes(data)
        if plain == data:
            break
        data = plain
    return _ESCAPE.sub(lambda found: b"%%%02x" % found[0][0], data).decode("ascii").lower()
