"""One reading of a URL for connection, Host field and request line."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit, urlunsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import PreparedRequest
from requests.utils import requote_uri

from archiver.capture.target import BadTarget, locate, redirect


@pytest.mark.parametrize(
    ("url", "normal", "host_field", "path"),
    [
        ("http://Example.ORG", "http://example.org/", "example.org", "/"),
        ("http://example.org:80/a#b", "http://example.org/a", "example.org", "/a"),
        ("https://example.org:443?q", "https://example.org/?q", "example.org", "/?q"),
        ("https://example.org:80/", "https://example.org:80/", "example.org:80", "/"),
        (" http://example.org/a b ", "http://example.org/a%20b", "example.org", "/a%20b"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/", "[2001:db8::1]:8080", "/"),
        ("http://bücher.example/ü?ü", "http://xn--bcher-kva.example/%C3%BC?%C3%BC", "xn--bcher-kva.example", None),
        ("http://example.org/%7Ea/../b", "http://example.org/b", "example.org", "/b"),
    ],
)
def test_a_url_is_normalised_as_requests_does_it(url: str, normal: str, host_field: str, path: str | None) -> None:
    target = locate(url)
    assert (target.url, target.host_field) == (normal, host_field)
    assert path is None or target.path == path
    assert locate(target.url) == target


@given(st.text(max_size=60) | st.text(max_size=40).map("http://example.org".__add__))
def test_whatever_is_located_can_be_written_into_a_request(url: str) -> None:
    try:
        target = locate(url)
    except BadTarget as error:
        assert error.failure.detail.isascii()
        return
    for text in (target.host_field, target.path, target.url):
        assert text.isascii() and text.isprintable() and " " not in text
    assert target.path.startswith("/") and target.host


@given(st.text(max_size=60))
def test_any_location_leads_somewhere_or_is_refused(location: str) -> None:
    try:
        target = redirect(locate("http://example.org/a/b"), location)
    except BadTarget as error:
        assert error.failure.code in ("bad_redirect", "scheme_refused")
    else:
        assert target.scheme in ("http", "https")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("c", "http://example.org/a/c"),
        ("/c", "http://example.org/c"),
        ("?c", "http://example.org/a/b?c"),
        ("//other.example/c", "http://other.example/c"),
        ("https://other.example", "https://other.example/"),
        ("../../../c", "http://example.org/c"),
        ("HTTP://example.org/c", "http://example.org/c"),
    ],
)
def test_a_location_is_resolved_against_its_page(location: str, url: str) -> None:
    assert redirect(locate("http://example.org/a/b"), location).url == url


_PATHS = st.text("abAZ09-._~!$&'()*+,;=:@/?%#é [", max_size=12)
_URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(
        ["example.org", "a-b.example", "127.0.0.1", "Example.org", "1.2.3", "e_x.example", "a..b", "x.", "-"]
    ),
    st.sampled_from(["", ":80", ":443", ":8080", ":0", ":080", ":65535", ":65536", ":"]),
    st.just("") | _PATHS.map("/".__add__) | _PATHS.map("?".__add__),
)


@given(_URLS)
def test_the_quick_reading_of_a_url_is_that_of_requests(url: str) -> None:
    prepared = PreparedRequest()
    try:
        target = locate(url)
    except BadTarget:
        return
    prepared.prepare_url(url.strip(" "), None)
    scheme, netloc, path, query, _ = urlsplit(prepared.url or "")
    default = {"http": ":80", "https": ":443"}[scheme]
    assert target.url == urlunsplit((scheme, netloc.removesuffix(default), path, query, "")), url
    assert target.path == prepared.path_url
    assert target.port == (urlsplit(prepared.url).port or int(default[1:]))


@given(_PATHS)
def test_a_location_is_quoted_as_requests_does_it(location: str) -> None:
    try:
        target = redirect(locate("http://example.org/a/b"), location)
    except BadTarget:
        return
    assert target == locate(urljoin("http://example.org/a/b", requote_uri(location)))
