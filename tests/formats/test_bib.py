"""BibTeX and BibLaTeX as bibtexparser reads them back: one entry, equal fields, nothing injected, no failed block."""

from __future__ import annotations

import re

import pytest
from bibtexparser.entrypoint import parse_string
from hypothesis import given
from hypothesis import strategies as st

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import one_line, plain_url
from archiver.formats import biblatex, bibtex
from archiver.formats.interface import Format
from tests.formats.records import FACTS, dated, named, record

FIELDS = {
    "biblatex": {"author", "title", "organization", "url", "addendum"},
    "bibtex": {"author", "title", "howpublished", "note"},
}
BOTH = pytest.mark.parametrize("form", [biblatex.PLUGIN, bibtex.PLUGIN], ids=lambda form: form.name)
COMMANDS = {
    "textbackslash": "\\",
    "textbraceleft": "{",
    "textbraceright": "}",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textquotedbl": '"',
}


def read(form: Format, given: Json) -> dict[str, str]:
    library = parse_string(form.render(given))
    assert library.failed_blocks == []
    assert len(library.blocks) == len(library.entries) == 1
    entry = library.entries[0]
    assert entry.entry_type == {"biblatex": "online", "bibtex": "misc"}[form.name]
    assert entry.key == "EA-S-00000123"
    assert entry.fields_dict.keys() <= FIELDS[form.name] | {"date", "year", "month"}
    return {field.key: field.value for field in entry.fields}


def plain(value: str) -> str:
    """What LaTeX would set: the tests' own reading of the escapes, strict about every backslash and brace."""

    def character(match: re.Match[str]) -> str:
        return match[1] or COMMANDS[match[2]]

    text = re.sub(r"\\(?:([$&#_%])|([a-z]+)\{\})", character, value)
    bare = re.sub(r"\\(?:[$&#_%]|[a-z]+\{\})", "", value)
    assert not re.search(r"[\\{}$&#_%~^<>|\"\n]", bare)
    return text


@BOTH
@pytest.mark.parametrize("case", FACTS)
def test_bibtexparser_reads_every_field_back(form: Format, case: str) -> None:
    given_record = record(case)
    fields, source = read(form, given_record), given_record["source"]
    address = fields["url"] if form.name == "biblatex" else fields["howpublished"]
    assert address == (plain_url(source["url"]) if form.name == "biblatex" else rf"\url{{{plain_url(source['url'])}}}")
    if source["title"]:
        assert plain(fields["title"]) == one_line(source["title"])
        assert fields["author"][0] + fields["author"][-1] == "{}"
        assert plain(fields["author"][1:-1]) == one_line(source["author"])
    else:
        assert plain(fields["title"]) == f"Capture of {source['url']}"
    held = fields["addendum"] if form.name == "biblatex" else fields["note"]
    assert given_record["dates"]["captured"] in held
    assert re.search(r"\\texttt\{[0-9a-f]{64}\}$", held)
    assert "urldate" not in fields
    assert bool({"date", "year", "month"} & fields.keys()) == bool(source["publisher_date"]["value"])


@BOTH
def test_dates_are_the_publishers(form: Format) -> None:
    fields = read(form, dated("Last updated: 3 September 2025", "2025-09-03"))
    if form.name == "biblatex":
        assert fields["date"] == "2025-09-03"
    else:
        assert (fields["year"], fields["month"]) == ("2025", "sep")
        assert "month        = sep," in form.render(dated("x", "2025-09-03"))


@BOTH
def test_an_address_with_a_percent_sign_is_text_where_latex_would_begin_a_comment(form: Format) -> None:
    held = read(form, record("hostile"))["addendum" if form.name == "biblatex" else "note"]
    assert r"https://e.example/a\%20b/EA-S-00000123" in held
    held = read(form, record("full"))["addendum" if form.name == "biblatex" else "note"]
    assert r"\url{https://evidence.example.org/EA-S-00000123}" in held


@BOTH
@given(entity=st.text(), title=st.text())
def test_no_title_or_entity_injects(form: Format, entity: str, title: str) -> None:
    given_record = named(entity, title)
    fields = read(form, given_record)
    assert plain(fields["title"]) == (one_line(title) or f"Capture of {given_record['source']['url']}")
    assert plain(fields.get("author", "")[1:-1]) == one_line(entity)
