"""From a URL to where and what to ask: one parse serves connection, Host field and request line alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

from archiver.errors import ArchiverError
from archiver.evidence.exchange import Failure

MAX_URL = 16 * 1024
"""Characters of a URL; a redirect may carry any number."""

_PORTS = {"http": 80, "https": 443}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_GRAPHIC = re.compile(r"[!-~]+", re.ASCII)
_LETTERS = r"A-Za-z0-9\-._~!$&'()*+,;=:@/"
_PLAIN = re.compile(
    rf"(https?)://([a-z0-9][a-z0-9.-]*)(?::([1-9][0-9]{{0,4}}))?(?:(/[{_LETTERS}]*)(\?[{_LETTERS}?]+)?)?", re.ASCII
)
"""A URL in which there is nothing to normalise but dots and empty names in its path."""
_PLAIN_REFERENCE = re.compile(rf"[{_LETTERS}#?\[\]]+", re.ASCII)
"""A Location in which requests finds nothing to quote."""


class BadTarget(ArchiverError):
    """A URL that is not fetched; ``failure`` is ``scheme_refused`` or ``bad_redirect``."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Target:
    """An http or https URL, normalised as requests does it, without fragment and default port."""

    url: str
    scheme: str
    host: str
    """To be dialled; an IPv6 address without brackets."""
    port: int
    host_field: str
    path: str
    """Path and query: the request-target in origin form (RFC 9112 section 3.2.1)."""

    @property
    def key(self) -> tuple[str, str, int]:
        """What connections and robots.txt are kept by."""
        return self.scheme, self.host, self.port


@lru_cache(maxsize=4096)  # a watch list asks for the same URLs again and again
def locate(url: str) -> Target:
    """Return the target of a URL, or raise ``BadTarget``."""
    if len(url) > MAX_URL:
        raise _bad(f"URL of {len(url)} characters")
    return _plain(url) or _prepared(url)


def _plain(url: str) -> Target | None:
    """Return the target of a URL that requests would leave as it is, else None: nearly all are, and this is quick."""
    match = _PLAIN.fullmatch(url)
    if match is None:
        return None
    scheme, host, digits, path, query = match.groups()
    path = path or "/"
    if "//" in path or "/." in path:
        return None
    default = _PORTS[scheme]
    port = int(digits) if digits else default
    if port > 65535:
        return None
    host_field = host if port == default else f"{host}:{port}"
    path = path + query if query else path
    return Target(f"{scheme}://{host_field}{path}", scheme, host, port, host_field, path)


def _prepared(url: str) -> Target:
    """Return the target of any URL, normalised by requests, or raise ``BadTarget``."""
    from requests import PreparedRequest, RequestException  # slow to import, and seldom needed

    if _CONTROL.search(url):
        # urlsplit would drop some of them silently, and a line feed would split the request
        raise _bad(f"control character in URL {shown(url)}")
    url = url.strip(" ")
    try:
        scheme = urlsplit(url).scheme
        if scheme not in _PORTS:
            name = scheme[:20] or "no scheme"
            raise BadTarget(Failure("scheme_refused", f"{name} is neither http nor https: {shown(url)}"))
        prepared = PreparedRequest()
        prepared.prepare_url(url, None)
        parts = urlsplit(prepared.url or "")
        if "@" in parts.netloc:
            raise _bad(f"credentials in the URL of host {shown(parts.hostname or '')}")
        host, port = parts.hostname or "", parts.port
    except (RequestException, ValueError) as error:  # ValueError: urlsplit on brackets, ports, labels
        raise _bad(f"not a URL that can be fetched: {shown(url)}") from error
    path = prepared.path_url
    default = _PORTS[scheme]
    port = default if port is None else port
    host_field = f"[{host}]" if ":" in host else host
    if port != default:
        host_field = f"{host_field}:{port}"
    if not (host and _GRAPHIC.fullmatch(host_field) and _GRAPHIC.fullmatch(path)):
        raise _bad(f"not a URL that can be fetched: {shown(url)}")
    return Target(f"{scheme}://{host_field}{path}", scheme, host, port, host_field, path)


def redirect(base: Target, location: str) -> Target:
    """Return where a Location leads (RFC 9110 section 10.2.2), or raise ``BadTarget``."""
    if not location or _CONTROL.search(location) or len(location) > MAX_URL:
        raise _bad(f"Location cannot be followed: {shown(location)}")
    try:
        parts = urlsplit(location)
        if parts.scheme in _PORTS and not parts.netloc:
            raise _bad(f"Location without a host: {shown(location)}")  # urljoin would take it for a path
        url = urljoin(base.url, _requoted(location))
    except ValueError as error:
        raise _bad(f"Location cannot be followed: {shown(location)}") from error
    return locate(url)


def _requoted(location: str) -> str:
    """Return a Location quoted as requests quotes it."""
    if _PLAIN_REFERENCE.fullmatch(location):
        return location
    from requests.utils import requote_uri

    return requote_uri(location)


def shown(text: str) -> str:
    """Return untrusted text as a short ASCII literal; a URL loses what could be credentials and its query."""
    text = re.sub(r"//[^/?#]*@", "//...@", text.partition("?")[0])
    return ascii(text if len(text) <= 200 else text[:200] + "...")


def _bad(detail: str) -> BadTarget:
    return BadTarget(Failure("bad_redirect", detail))
