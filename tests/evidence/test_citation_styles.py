"""The finished strings: of a public archive word for word as the styles have them, of a private one on file."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from archiver.evidence.canonical import Json
from archiver.evidence.citation import EXPORTS, build
from archiver.evidence.citation_styles import STYLES, string_of
from tests.evidence.citation_facts import bare, full, public
from tests.evidence.clause_facts import clause

PAGE = "https://www.example.com/legal/terms"
ARK = "ark:99999/fk4ep1b7k3m9x"
COPY = f"https://evidence.example.org/{ARK}"


def given(**source: Any) -> Json:
    """The record of an organisation whose site is called by its own name, archived in public."""
    record = build(public())
    record["source"] |= {"author": "Example", "title": "Example Terms", "site": "Example", "url": PAGE, **source}
    record["source"]["publisher_date"] = {"text": "x", "value": "2026-05-12", "kind": "last-updated"}
    return {**record, "citation_id": ARK, "resolver": COPY}


EXPECTED = {
    "bluebook": f"Example, *Example Terms*, Example (last updated May 12, 2026), {PAGE} [{COPY}].",
    "oscola": f"Example, ‘Example Terms’ (*Example*, 12 May 2026) <{PAGE}> accessed ____, archived at <{COPY}>.",
    "aglc": f"Example, ‘Example Terms’ (Web Page, 12 May 2026) <{PAGE}>, archived at <{COPY}>.",
    "mcgill": f"Example, “Example Terms” (12 May 2026), online: *Example* <{PAGE}> [{COPY}].",
    "chicago-note": (
        f"Example, “Example Terms,” May 12, 2026, {PAGE}, archived May 12, 2026, at Example Evidence Archive, {COPY}."
    ),
    "chicago-bibliography": (
        f"Example. “Example Terms.” May 12, 2026. {PAGE}. Archived May 12, 2026, at Example Evidence Archive. {COPY}."
    ),
    "apa": f"Example. (2026, May 12). *Example Terms*. Retrieved ____, from {COPY}",
    "mla": (
        "“Example Terms.” *Example*, 12 May 2026, www.example.com/legal/terms. *Example Evidence Archive*, "
        f"evidence.example.org/{ARK}. Captured 12 May 2026."
    ),
    "harvard": f"Example (2026) *Example Terms*. Available at: {COPY} (Accessed: ____).",
    "iso690": (
        f"EXAMPLE, 2026. *Example Terms*. Example. Online. 12 May 2026. Available from: {PAGE} [Accessed ____]. "
        f"Example Evidence Archive: {COPY}"
    ),
}


@pytest.mark.parametrize("style", EXPECTED)
def test_the_string_of_a_public_archive(style: str) -> None:
    assert string_of(given(), style) == EXPECTED[style]


def test_the_record_citation_leaves_exhibit_and_declaration_blank() -> None:
    record = given()
    (content,) = [h for h in record["hashes"] if h["object"] == "decoded content" and h["alg"] == "sha-256"]
    assert string_of(record, "brief") == (
        f"Ex. __ (capture of {PAGE}, May 12, 2026, 15:09:41 UTC, SHA-256 of decoded content {content['value']}, "
        f"{ARK}), attached to Decl. of ____ ¶ __."
    )


def test_every_style_is_tried_and_promised() -> None:
    assert EXPECTED.keys() | {"brief"} == STYLES.keys()
    assert STYLES.keys() <= EXPORTS.keys()
    assert build(full())["strings"].keys() == STYLES.keys() == clause()["strings"].keys()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("facts", [full(), bare(), full(resolver_base=None), public(resolver_is_public=False)])
def test_a_private_archive_is_on_file_and_never_linked(style: str, facts: Any) -> None:
    record = build(facts)
    text = string_of(record, style)
    assert record["resolver"] is None or record["resolver"].partition("://")[2] not in text
    assert record["citation_id"] in text
    assert style == "brief" or "on file" in text.lower()
    assert re.search(r"May 12, 2026, 15:09:41 UTC|12 May 2026, 15:09:41 UTC", text), "the capture time is missing"


@pytest.mark.parametrize("style", STYLES)
def test_no_date_but_the_publishers_and_the_captures(style: str) -> None:
    """Neither the day of issue nor that of the last check, which a reader could take for one of these."""
    for facts in (full(), public(), replace(bare(), issued="2031-01-02T03:04:05.000Z")):
        text = string_of(build(facts), style)
        assert set(re.findall(r"\b(?:19|20)\d\d\b", text)) <= {"2025", "2026"}
        assert not re.search(r"June|\bJan\b|31 May|May 31", text)
        for blank in re.findall(r"[Aa]ccessed:?(.{0,6})|Retrieved(.{0,6})", text):
            assert "".join(blank).startswith(" ____")
    stated = string_of(given(), style)
    assert "2026" in stated
    undated = {**given()}
    undated["source"] = {**undated["source"], "publisher_date": {"text": None, "value": None, "kind": "none"}}
    assert "15:09:41 UTC" in string_of(undated, style) or style.startswith(("chicago", "mla"))


def test_a_date_is_called_what_the_publisher_calls_it() -> None:
    record = given()
    for kind, words in (("effective", "(effective May 12, 2026)"), ("published", "(May 12, 2026)")):
        record["source"]["publisher_date"]["kind"] = kind
        assert words in string_of(record, "bluebook")


def test_a_title_that_ends_a_sentence_gets_no_second_stop() -> None:
    record = given(title="Who Are We?", author="Example, Inc.")
    assert "“Who Are We?” Example" in string_of(
        {**record, "source": {**record["source"], "author": None}}, "chicago-note"
    )
    assert string_of(record, "chicago-bibliography").startswith("Example, Inc. “Who Are We?” Example. May")
    assert string_of(record, "mla").startswith("Example, Inc. “Who Are We?” *Example*")
    assert ".." not in string_of(record, "apa") + string_of(record, "iso690")


@pytest.mark.parametrize("style", STYLES)
def test_the_clause_stands_last_in_every_string(style: str) -> None:
    record = clause()
    text = record["strings"][style]
    whole = string_of({**record, "pin": None}, style)
    assert text.startswith(whole.removesuffix("."))
    assert f" (Clause {record['provision']['id']}: “We may use" in text
    assert text.endswith(").")
