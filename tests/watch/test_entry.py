"""The watch entry: what can be meant, and what cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UsageError
from archiver.setting_values import parse_duration
from archiver.watch.catalogue import FORMATS, read_catalogue, write_catalogue
from archiver.watch.entry import WatchEntry, checked_entry, checked_url, format_every

ENTRY = WatchEntry("Example", "Terms", ("https://example.org/terms",), 3600)
LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40).filter(str.strip)
SELECTOR = LINE.filter(lambda text: "\n" not in text)


@st.composite
def entries(draw: st.DrawFn) -> WatchEntry:
    paths = draw(st.lists(st.from_regex(r"[a-z0-9/?=&%.-]{0,20}", fullmatch=True), min_size=1, max_size=3))
    return WatchEntry(
        draw(LINE),
        draw(LINE),
        tuple(f"https://example.org/{path}" for path in paths),
        draw(st.integers(10, 31_000_000)),
        tuple(draw(st.lists(SELECTOR, max_size=2))),
        tuple(draw(st.lists(SELECTOR, max_size=2))),
        paused=draw(st.booleans()),
        conditional=draw(st.sampled_from([None, True, False])),
    )


@given(entries())
def test_a_statement_holds_the_whole_entry(entry: WatchEntry) -> None:
    assert WatchEntry.from_json(entry.to_json()) == entry
    assert checked_entry(entry) == entry


@given(st.lists(entries(), max_size=3), st.sampled_from(FORMATS))
def test_a_catalogue_reads_what_it_wrote(items: list[WatchEntry], form: str) -> None:
    assert read_catalogue(write_catalogue(items, form).encode(), form, 60) == items


@given(st.binary(max_size=200), st.sampled_from(FORMATS))
def test_a_catalogue_of_nonsense_is_a_usage_error(data: bytes, form: str) -> None:
    try:
        read_catalogue(data, form, 60)
    except UsageError as error:
        assert str(error)


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
        {"remove": ("a\nb",)},
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_meant(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        checked_entry(replace(ENTRY, **changes))  # type: ignore[arg-type]
