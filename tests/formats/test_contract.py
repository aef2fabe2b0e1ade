"""What every output format has to keep; a new format is judged by being there."""

from __future__ import annotations

import copy
import re
import unicodedata
from pathlib import Path

import pytest

import archiver.formats
from archiver.evidence import citation
from archiver.evidence.citation import EXPORTS
from archiver.evidence.citation_strings import plain_url
from archiver.formats.interface import Format
from tests.formats.records import CLAUSES, FACTS, FORMATS, GOLDEN, golden_file, record

BANNED = re.compile(
    r"admissib|\bauthentic\b|\bcertified|notari[sz]ed|\bproves?\b|court-ready|tamper-?proof|\bpermanent|legally valid"
    r"|suitable for legal filings",
    re.IGNORECASE,
)
CASES = [(case, name) for case in (*FACTS, *CLAUSES) for name in FORMATS]


def test_the_formats_are_those_the_record_promises() -> None:
    assert {form.name: form.suffix for form in FORMATS.values()} == EXPORTS
    assert sorted(FORMATS) == ["biblatex", "bibtex", "bluebook", "csl", "json", "ris", "text"]


def test_every_golden_file_belongs_to_a_case_and_a_format() -> None:
    assert sorted(GOLDEN.iterdir()) == sorted(golden_file(case, FORMATS[name]) for case, name in CASES)


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_a_format_describes_itself(form: Format) -> None:
    assert re.fullmatch(r"[a-z]+", form.name)
    assert re.fullmatch(r"\.[a-z.]+", form.suffix)
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
    address = given["source"]["url"] if name != "json" else given["citation_id"]
    shown = plain_url(address).replace("'", "%27") if name == "csl" else plain_url(address)
    assert shown in text
    assert not BANNED.search(text)


@pytest.mark.parametrize("case", FACTS)
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "bluebook"])
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
