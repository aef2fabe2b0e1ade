"""The cookies of one visit: kept by requests' jar, which is imported when a server sets the first one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archiver.evidence.exchange import ResponseHead

if TYPE_CHECKING:
    from requests import PreparedRequest
    from requests.cookies import RequestsCookieJar


class _Lines:
    """The fields of a head in the shape ``http.cookiejar`` asks for them."""

    def __init__(self, head: ResponseHead) -> None:
        self._fields = head.fields
        self.msg = self
        self._original_response = self

    def get_all(self, name: str, default: list[str] | None = None) -> list[str] | None:
        """Return the values of a field in order of arrival."""
        wanted = name.lower()
        return [value for key, value in self._fields if key.lower() == wanted] or default


class Cookies:
    """What servers set during one visit, given back under the rules of ``http.cookiejar``; empty at first."""

    __slots__ = ("_jar",)

    def __init__(self) -> None:
        self._jar: RequestsCookieJar | None = None

    def forget(self) -> None:
        """Drop everything: a connection was not trusted."""
        self._jar = None

    def field_for(self, url: str, fields: Mapping[str, str]) -> str | None:
        """Return the value of the Cookie field for a GET of ``url``, None where there is none to send."""
        if self._jar is None:
            return None
        from requests.cookies import get_cookie_header

        header: str | None = get_cookie_header(self._jar, _request(url, fields))  # type: ignore[no-untyped-call]
        return header

    def take(self, url: str, fields: Mapping[str, str], head: ResponseHead) -> None:
        """Keep what the answer to that GET sets."""
        if not any(name.lower() == "set-cookie" for name, _ in head.fields):
            return
        from requests.cookies import RequestsCookieJar, extract_cookies_to_jar

        self._jar = RequestsCookieJar() if self._jar is None else self._jar
        lines: Any = _Lines(head)
        extract_cookies_to_jar(self._jar, _request(url, fields), lines)  # type: ignore[no-untyped-call]


def _request(url: str, fields: Mapping[str, str]) -> PreparedRequest:
    from requests import PreparedRequest

    request = PreparedRequest()
    request.prepare_method("GET")
    request.url = url
    request.prepare_headers(fields)
    return request
