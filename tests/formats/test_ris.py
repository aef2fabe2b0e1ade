"""RIS as rispy reads it back: equal values, one reference, nothing injected."""

from __future__ import annotations

from typing import Any

import pytest
import rispy
from hypothesis import given
from hypothesis import strategies as st

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import one_line, plain_url
from archiver.formats.ris import PLUGIN
from tests.formats.records import FACTS, dated, named, record

TAGS = {
    "type_of_reference",
    "authors",
    "title",
    "secondary_title",
    "urls",
    "accession_number",
    "name_of_database",
    "notes",
}


def read(given: Json) -> dict[str, Any]:
    """The one reference; rispy drops a reference without ``ER`` silently, so the counts are compared."""
    text = PLUGIN.render(given)
    found = rispy.loads(text)
    assert len(found) == 1 == sum(line.startswith("TY  - ") for line in text.split("\n"))
    assert sum(line.startswith("ER  - ") for line in text.split("\n")) == 1
    reference: dict[str, Any] = found[0]
    return reference


@pytest.mark.parametrize("case", FACTS)
def test_rispy_reads_every_field_back(case: str) -> None:
    given_record = record(case)
    reference = read(given_record)
    source = given_record["source"]
    # RIS lets one UR line hold several addresses parted by semicolons; an address with a semicolon is left whole
    assert plain_url(source["url"]) in ";".join(reference["urls"])
    if source["title"]:
        assert reference["title"] == one_line(source["title"])
        assert reference["authors"] == [one_line(source["author"])]
    else:
        assert reference["title"] == f"Capture of {source['url']}"
    assert reference["accession_number"] == given_record["citation_id"]
    assert given_record["dates"]["captured"] in reference["notes"][0]
    dated_by_publisher = {"year", "date"} if source["publisher_date"]["value"] else set()
    assert reference.keys() <= TAGS | dated_by_publisher


def test_year_and_date_are_the_publishers() -> None:
    reference = read(dated("Last updated: 3 September 2025", "2025-09-03"))
    assert (reference["year"], reference["date"]) == ("2025", "2025/09/03")
    assert "access_date" not in reference


def test_both_addresses_are_there_the_archives_first() -> None:
    given_record = record("full")
    assert read(given_record)["urls"] == [given_record["resolver"], given_record["source"]["url"]]


@given(st.text(), st.text())
def test_no_title_or_entity_injects(entity: str, title: str) -> None:
    given_record = named(entity, title)
    reference = read(given_record)
    assert reference.keys() <= TAGS
    assert reference["title"] == (one_line(title) or f"Capture of {given_record['source']['url']}")
    assert reference.get("authors", []) == ([one_line(entity)] if one_line(entity) else [])
