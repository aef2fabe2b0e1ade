"""The plain page and the two JSON forms: nothing cut, nothing that passes for a label, nothing invented."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.evidence.citation import FixityCheck, build
from archiver.formats import csl, json_record, text
from archiver.formats.text import WIDTH
from tests.evidence.citation_facts import bare, full
from tests.formats.records import FACTS, dated, named, record

LABELS = """CITATION RECORD|Entity:|Document:|Document last updated:|First tracked:|Last verified:|Record ID:
Document ID:|Source URL:|Final URL:|Captured:|SHA-256 of|Snapshot stored:|Timestamp
Log:|Log index:|Log size:|Limit L1:|Gap, MUST"""


@pytest.mark.parametrize("case", FACTS)
def test_the_page_has_every_label(case: str) -> None:
    lines = text.PLUGIN.render(record(case)).split("\n")
    for label in LABELS.replace("\n", "|").split("|"):
        assert any(line.startswith(label) for line in lines), label


@pytest.mark.parametrize("case", FACTS)
def test_the_page_wraps_at_spaces_only(case: str) -> None:
    for line in text.PLUGIN.render(record(case)).split("\n"):
        assert len(line) <= WIDTH or " " not in line.strip()


@pytest.mark.parametrize("case", FACTS)
def test_the_page_cuts_nothing(case: str) -> None:
    given_record = record(case)
    words = " ".join(text.PLUGIN.render(given_record).split())
    for item in given_record["hashes"]:
        assert f": {item['value']}" in words
    for sentence in [*given_record["limit_texts"].values(), *given_record["gaps"], given_record["number_note"]]:
        assert sentence in words
    for item in given_record["timestamps"]:
        assert all(item[key] in words for key in ("tsa", "gen_time", "serial", "token_sha256"))


def test_fixity_is_a_dated_fact() -> None:
    words = " ".join(text.PLUGIN.render(record("full")).split())
    assert (
        "SHA-256 of capture.warc.gz recomputed 2026-06-01T07:59:58.000Z by evidence-archiver/0: equal to the statement"
    ) in words
    checks = (FixityCheck("capture.warc.gz", "0" * 64, "2026-06-01T07:59:58.000Z", "x", False),)
    assert "by x: DIFFERENT from the statement" in " ".join(text.PLUGIN.render(build(full(fixity=checks))).split())


def test_a_bad_certificate_stands_on_the_page() -> None:
    words = " ".join(text.PLUGIN.render(build(bare())).split())
    assert "certificate chain invalid (the certificate has expired)" in words


def test_the_publishers_words_are_quoted() -> None:
    assert "publisher says “Last updated: 3 May”" in text.PLUGIN.render(dated("Last updated: 3 May", "2025-05-03"))


@given(st.text(), st.text())
def test_no_title_or_entity_begins_a_line_of_its_own(entity: str, title: str) -> None:
    # a name without spaces may be too long for the line of its label, which then ends there
    expected = [line[:8].rstrip() for line in text.PLUGIN.render(named("x", "x")).split("\n") if line[:1].strip()]
    found = [line[:8].rstrip() for line in text.PLUGIN.render(named(entity, title)).split("\n") if line[:1].strip()]
    assert found == expected


@pytest.mark.parametrize("case", FACTS)
def test_json_is_the_record(case: str) -> None:
    rendered = json_record.PLUGIN.render(record(case))
    assert json.loads(rendered) == record(case)
    assert list(json.loads(rendered)) == list(record(case))


@given(st.text(st.characters(exclude_categories=())), st.text())
def test_json_carries_any_text_unchanged(entity: str, title: str) -> None:
    value = {"entity": entity, "title": title}
    rendered = json_record.visible_json(value)
    assert json.loads(rendered) == value
    rendered.encode("utf-8")


@pytest.mark.parametrize("case", FACTS)
def test_csl_has_one_item_and_a_second_where_the_archive_has_an_address(case: str) -> None:
    given_record = record(case)
    items = json.loads(csl.PLUGIN.render(given_record))
    assert len(items) == (2 if given_record["resolver"] else 1)
    assert len({item["id"] for item in items}) == len(items)
    for item in items:
        assert item["type"] == "webpage"
        assert "accessed" not in item
        assert ("issued" in item) == bool(given_record["source"]["publisher_date"]["value"])
        assert item["custom"]["captured"] == given_record["dates"]["captured"]
        assert re.fullmatch(r"[0-9a-f]{64}", item["custom"]["sha256"])
        assert "{" not in item["note"]


def test_csl_is_issued_when_the_publisher_says() -> None:
    for item in json.loads(csl.PLUGIN.render(dated("x", "2025-09-03"))):
        assert item["issued"] == {"date-parts": [[2025, 9, 3]]}


@given(st.text(), st.text())
def test_csl_takes_any_title_and_entity(entity: str, title: str) -> None:
    first = json.loads(csl.PLUGIN.render(named(entity, title)))[0]
    assert first.keys() == json.loads(csl.PLUGIN.render(named("x", "x")))[0].keys() - (
        set() if "author" in first else {"author"}
    )
