"""The watch entry: what can be meant, and what cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UsageError
from archiver.setting_values import parse_duration
from archiver.watch.entry import (
    LANGUAGES,
    WatchedDocument,
    WatchEntry,
    as_row,
    checked_entry,
    checked_url,
    format_every,
    rules_for,
)
from archiver.watch.reading import PageRules
from tests.watch.entries import entries

ENTRY = WatchEntry("Example", "Terms", ("https://example.org/terms",), 3600)


@given(entries())
def test_a_statement_holds_the_whole_entry(entry: WatchEntry) -> None:
    assert WatchEntry.from_json(entry.to_json()) == entry
    assert checked_entry(entry) == entry


@given(st.integers(1, 31_000_000))
def test_an_interval_is_written_as_it_is_read(seconds: int) -> None:
    assert parse_duration(format_every(seconds)) == seconds


@pytest.mark.parametrize(("seconds", "text"), [(90, "90s"), (900, "15m"), (21600, "6h"), (604800, "7d"), (86400, "1d")])
def test_intervals_are_short(seconds: int, text: str) -> None:
    assert format_every(seconds) == text


@pytest.mark.parametrize(
    "url",
    [
        "", "terms", "example.org/terms", "//example.org/", "ftp://example.org/", "mailto:a@example.org",
        "javascript:alert(1)", "http:///x", "http://", "https://user@example.org/", "https://:pw@example.org/",
        "http://a b/", "http://a/\n", "http://a/\x00", "http://a/\x85", "http://a/\u2028", "http://a/\udcff",
        "http://[::1/", "http://a:99999/", "http://a:x/", "http://a/" + "x" * 9000,
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_meant(url: str) -> None:
    with pytest.raises(UsageError):
        checked_url(url)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "mailto:a@example.org", "ftp://example.org/"])
def test_a_scheme_that_cannot_be_captured_is_named(url: str) -> None:
    with pytest.raises(UsageError, match=f"only http and https can be captured, not {url.partition(':')[0]}"):
        checked_url(url)


@pytest.mark.parametrize("url", ["example.org", "example.org:8080/x", "localhost:80", "/terms", "//example.org/"])
def test_a_missing_scheme_is_named(url: str) -> None:
    with pytest.raises(UsageError, match="has no scheme"):
        checked_url(url)


def test_an_address_loses_its_fragment_alone() -> None:
    assert checked_url("https://example.org:8443/a?b=c#d") == "https://example.org:8443/a?b=c"
    for url in ("http://[::1]:80/", "http://example.org/?", "http://example.org", "http://example.org/ü?#"):
        assert checked_url(url) == url.removesuffix("#")
    assert checked_url("HTTPS://Example.org/") == "https://Example.org/"


@pytest.mark.parametrize(
    "changes",
    [
        {"entity": ""}, {"entity": " "}, {"title": "a\nb"}, {"title": "x" * 501}, {"title": "a\x1b[2J"}, {"urls": ()},
        {"urls": ("https://example.org/",) * 51}, {"every_s": 9}, {"method": "telnet"}, {"select": ("",)},
        {"remove": ("a\nb",)}, {"select": ("a" * 2001,)}, {"select": ("p",) * 1001}, {"select": ("p" * 1001,) * 50},
        {"select": ("div[",)}, {"remove": (">>>",)}, {"select": ('{"startBefore": "p"}',)}, {"select": ("{",)},
        {"select": ('{"startBefore": "p", "startAfter": "p", "endAfter": "p"}',)},
        {"select": ('{"startBefore": "div[", "endAfter": "p"}',)},
        {"pages": ()}, {"pages": (PageRules(), PageRules())}, {"pages": (PageRules(("",)),)},
        {"pages": (PageRules(("div[",)),)}, {"pages": (PageRules(),), "select": ("p",)},
        {"pages": (PageRules(),), "remove": ("p",)}, {"language": ""}, {"language": "EN"}, {"language": "en-GB"},
        {"language": "xx"}, {"language": "eng"},
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_meant(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        checked_entry(replace(ENTRY, **changes))  # type: ignore[arg-type]


def test_a_statement_made_before_pages_and_languages_still_parses() -> None:
    old = {
        "entity": "Example", "title": "Terms", "urls": ["https://example.org/terms"], "every_s": 3600,
        "select": ["main"], "remove": ["nav"], "method": "http", "paused": False, "removed": False, "conditional": None,
    }  # fmt: skip
    entry = WatchEntry.from_json(old)
    assert entry == replace(ENTRY, select=("main",), remove=("nav",))
    assert entry.to_json() == {**old, "pages": None, "language": None, "outside": []}


def test_every_page_has_its_rules() -> None:
    two = replace(ENTRY, urls=("https://a.example/", "https://b.example/"), select=("main",), remove=("nav",))
    assert rules_for(two) == (PageRules(("main",), ("nav",)),) * 2
    own = (PageRules(("main",)), PageRules((), ("nav",)))
    assert rules_for(replace(two, select=(), remove=(), pages=own)) == own


def test_a_range_is_a_selector() -> None:
    spans = tuple(
        f'{{"{start}": "h1", "{end}": "#end > p"}}'
        for start in ("startBefore", "startAfter")
        for end in ("endBefore", "endAfter")
    )
    assert checked_entry(replace(ENTRY, select=spans)).select == spans


def test_a_row_for_machines_holds_all_rules() -> None:
    entry = replace(ENTRY, pages=(PageRules(("main",), ("nav",)),), language="de")
    row = as_row(WatchedDocument("EA-D-00001", 1, entry), None, None)
    assert row["pages"] == [{"select": ["main"], "remove": ["nav"]}]
    assert (row["select"], row["remove"], row["language"]) == ([], [], "de")


def test_languages_are_two_small_letters() -> None:
    assert len(LANGUAGES) == 183
    assert all(len(code) == 2 and code.isascii() and code.islower() for code in LANGUAGES)
