"""What every output format has to keep; a new format is judged by being there."""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Callable
from html import escape
from pathlib import Path

import pytest

import archiver.formats
from archiver.evidence import citation
from archiver.evidence.canonical import Json
from archiver.evidence.citation import EXPORTS
from archiver.evidence.citation_strings import plain_url
from archiver.evidence.citation_styles import STYLES
from archiver.formats.interface import Format
from archiver.formats.wikipedia import wiki_url
from tests.formats.records import CLAUSES, FACTS, FORMATS, GOLDEN, golden_file, record

BANNED = re.compile(
    r"admissib|\bauthentic\b|\bcertified|notari[sz]ed|\bproves?\b|court-ready|tamper-?proof|\bpermanent|legally valid"
    r"|suitable for legal filings",
    re.IGNORECASE,
)
SHOWN: dict[str, Callable[[str], str]] = {
    "csl": lambda url: plain_url(url).replace("'", "%27"),
    "mla": lambda url: plain_url(url).partition("://")[2],
    "robust-link": lambda url: escape(plain_url(url)),
    "wikipedia": lambda url: wiki_url(plain_url(url)),
}
"""How an address is written where it has to be escaped for the format."""
WITHOUT_DIGEST = set(STYLES) - {"brief"}
CASES = [(case, name) for case in (*FACTS, *CLAUSES) for name in FORMATS]


def _address(given: Json, name: str) -> str:
    """The address of the source; where the style has room for one only, that of a public archive stands for it."""
    if name in ("json", "intoto"):
        return str(given["citation_id"])
    alone = name in ("apa", "harvard") and given["resolver_is_public"]
    return str(given["resolver"] if alone else given["source"]["url"])


def test_the_formats_are_those_the_record_promises() -> None:
    assert {form.name: form.suffix for form in FORMATS.values()} == EXPORTS
    assert set(STYLES) < set(FORMATS)
    assert len(FORMATS) == 22


def test_every_golden_file_belongs_to_a_case_and_a_format() -> None:
    assert sorted(GOLDEN.iterdir()) == sorted(golden_file(case, FORMATS[name]) for case, name in CASES)


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_a_format_describes_itself(form: Format) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z]+)*", form.name)
    assert re.fullmatch(r"(\.[a-z0-9-]+)+", form.suffix)
    assert re.match(r"(text|application)/[a-z.+-]+", form.media_type)
    assert form.title
    assert "\n" not in form.title


@pytest.mark.parametrize(("case", "name"), CASES)
def test_output_is_the_golden_file(case: str, name: str) -> None:
    form = FORMATS[name]
    assert form.render(record(case)).encode() == golden_file(case, form).read_bytes()


@pytest.mark.parametrize(("case", "name"), CASES)
def test_rendering_is_pure(case: str, name: str) -> None:
    given = record(case)
    kept = copy.deepcopy(given)
    assert FORMATS[name].render(given) == FORMATS[name].render(given)
    assert given == kept


@pytest.mark.parametrize(("case", "name"), CASES)
def test_output_is_whole_lines_without_hidden_characters(case: str, name: str) -> None:
    text = FORMATS[name].render(record(case))
    assert text.endswith("\n")
    assert text.splitlines() == text.split("\n")[:-1]
    hidden = {character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert hidden <= {"\n"}


@pytest.mark.parametrize(("case", "name"), CASES)
def test_output_holds_the_source_address_and_no_reserved_word(case: str, name: str) -> None:
    given = record(case)
    text = FORMATS[name].render(given)
    assert SHOWN.get(name, plain_url)(_address(given, name)) in text
    assert not BANNED.search(text)


@pytest.mark.parametrize("case", FACTS)
@pytest.mark.parametrize("name", [name for name in FORMATS if name not in WITHOUT_DIGEST])
def test_digests_are_complete(case: str, name: str) -> None:
    given = record(case)
    text = FORMATS[name].render(given)
    whole = {item["value"] for item in given["hashes"]}
    assert any(value in text for value in whole)
    for shown in re.findall(r"(?<![0-9a-f])[0-9a-f]{24,}(?![0-9a-f])", text):
        assert len(shown) in (64, 128)


def test_sources_hold_no_reserved_word() -> None:
    places = [
        *Path(archiver.formats.__path__[0]).glob("*.py"),
        *Path(citation.__file__).parent.glob("citation*.py"),
    ]
    assert len(places) > 10
    for place in places:
        assert not BANNED.search(place.read_text(encoding="utf-8")), place
