"""Every format prints the clause in full with its place, identifier, dates and asked day; the parsers read it back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import rispy
from bibtexparser.entrypoint import parse_string

from archiver.evidence.citation_clause import OnDay, with_clause
from archiver.evidence.citation_strings import one_line
from archiver.formats import biblatex, bibtex, bluebook, csl, json_record, ris, text
from tests.evidence.clause_facts import EXACT, MARKED, TEXT, facts, snapshot
from tests.formats.records import CLAUSES, FORMATS, record
from tests.formats.test_bib import plain

FACTS_OF_IT = ("EA-P-000001", "EA-S-00000123", "2026-02-03T06:00:00.000Z", "2026-05-01T06:00:00.000Z", "2026-04-15")


def words(printed: str) -> str:
    return " ".join(printed.split())


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_every_fact(name: str) -> None:
    printed, given = FORMATS[name].render(record("clause")), record("clause")
    for fact in (*FACTS_OF_IT, given["pin"]["text_sha256"], str(given["pin"]["start"]), str(given["pin"]["end"])):
        assert fact in printed
    assert "verbatim" in printed


@pytest.mark.parametrize("case", CLAUSES)
def test_no_word_of_the_clause_is_cut(case: str) -> None:
    given = record(case)
    exact = given["pin"]["exact"]
    page = words(text.PLUGIN.render(given))
    for line in exact.split("\n"):
        assert f"“{one_line(line)}”" in page
    assert one_line(exact) in bluebook.PLUGIN.render(given)
    assert one_line(exact) in rispy.loads(ris.PLUGIN.render(given))[0]["notes"][1]
    item = json.loads(csl.PLUGIN.render(given))[0]
    assert one_line(exact).replace("{", "(").replace("}", ")") in item["note"]
    assert item["custom"]["pin"] == given["pin"]
    assert item["custom"]["provision"] == given["provision"]
    assert json.loads(json_record.PLUGIN.render(given)) == given
    for form, field in ((biblatex.PLUGIN, "addendum"), (bibtex.PLUGIN, "note")):
        library = parse_string(form.render(given))
        assert library.failed_blocks == []
        assert len(library.entries) == 1
        held = library.entries[0].fields_dict[field].value
        assert one_line(exact) in plain(held.split(". Captured ")[0])


def test_keys_of_the_clause_and_of_its_snapshot_differ() -> None:
    assert biblatex.PLUGIN.render(record("clause")).startswith("@online{EA-S-00000123-EA-P-000001,\n")
    assert biblatex.PLUGIN.render(record("full")).startswith("@online{EA-S-00000123,\n")


def test_the_page_keeps_the_lines_of_the_clause_apart() -> None:
    page = words(text.PLUGIN.render(record("clause")))
    assert "Words of the clause, line 2 of 3: “- to train our models; and” Words of the clause, line 3 of 3" in page
    assert "Marked words, line 3 of 3: “- to improve the Services.”" in page
    assert "Bytes of the decoded content: 1200 to 1260 (from 0, end not included), of https://www.example.com" in page
    assert "Within bytes of the decoded content: 1300 to 1410 (from 0, end not included), page 3" in page
    assert "Heading: 1. Data" in page


@pytest.mark.parametrize("case", CLAUSES)
def test_no_line_of_a_clause_passes_for_a_label(case: str) -> None:
    lines = text.PLUGIN.render(record(case)).split("\n")
    assert sum(line.startswith("Clause ID:") for line in lines) == 1
    assert not any(line.startswith(("ER  -", "“SHA-256")) for line in lines)


def test_the_asked_day_is_told_with_its_basis() -> None:
    page = words(text.PLUGIN.render(record("clause")))
    assert (
        "Clause on 2026-04-15 (UTC): verbatim: no check of that day tells, the nearest before and after both found the "
        "marked words"
    ) in page
    assert "Nearest check before that day: 2026-04-14T06:00:00.000Z, version 1, EA-S-00000099, verbatim" in page
    assert f"Words seen for 2026-04-15, line 1 of 3: “{MARKED.splitlines()[0]}”" in page
    assert f"both found the marked words, “{one_line(MARKED)}”)." in bluebook.PLUGIN.render(record("clause"))


@pytest.mark.parametrize(
    ("on", "sentence"),
    [
        (OnDay("2026-06-01", "seen", "absent"), "absent: a check of that day found the document without the clause"),
        (OnDay("2026-06-01", "seen", "changed"), "changed: a check of that day found several wordings on that day"),
        (OnDay("2026-06-01", "unknown", "unknown"), "unknown: no check tells"),
        (
            OnDay("2026-06-01", "seen", "reworded", EXACT),
            "reworded: a check of that day found the clause in other words",
        ),
    ],
)
def test_what_no_check_tells_is_said(on: OnDay, sentence: str) -> None:
    given = with_clause(snapshot(), facts(on=on))
    page = words(text.PLUGIN.render(given))
    assert f"Clause on 2026-06-01 (UTC): {sentence}" in page
    assert "Nearest check after that day: none that tells" in page
    assert "Words seen for" not in page
    assert f"on 2026-06-01 {sentence}" in bluebook.PLUGIN.render(given)


def test_a_clause_without_dates_or_bytes_says_so() -> None:
    bare = replace(facts(), first_seen=None, last_seen=None, ranges=(), heading=None, on=None, marked=EXACT)
    page = words(text.PLUGIN.render(with_clause(snapshot(), replace(bare, state="verbatim", score=100))))
    for line in (
        "Clause first seen: at no check",
        "Bytes of the decoded content: not known",
        "Heading: none above it",
        "State of the clause in this snapshot: verbatim",
    ):
        assert line in page
    assert "Clause on" not in page
    assert "Marked words" not in page
    assert TEXT.startswith("# Terms")


@pytest.mark.parametrize(
    ("start", "prefix", "suffix", "before", "after"),
    [
        (32, "## 1. Data\nWe store your files.\n", "\nNothing else.",
         "“1. Data We store your files.”", "“Nothing else.”"),
        # The text goes on, and words at the ends may be cut.
        (90, "ver is ours.\n### Your own content\n", "\n- We keep it.\n- You may object i",
         "“… is ours. Your own content”", "“We keep it. You may object …”"),
        (90, "| Purpose | Basis |\n| Training  ", "|\n> We keep it for you, and no one.",
         "“… Purpose | Basis Training”", "“We keep it for you, and no one. …”"),
        (0, "", "", "none", "none"),
        (33, "條" * 32, "款" * 32, f"“… {'條' * 32}”", f"“{'款' * 32} …”"),
        (9, "a - b # c", "d > e", "“a - b # c”", "“d > e”"),
    ],
)  # fmt: skip
def test_the_words_around_a_clause_are_whole_and_without_marks(
    start: int, prefix: str, suffix: str, before: str, after: str
) -> None:
    given = record("clause")
    given = {**given, "pin": {**given["pin"], "prefix": prefix, "suffix": suffix, "start": start}}
    page = words(text.PLUGIN.render(given))
    assert f"Words just before: {before} Words just after: {after} Heading:" in page
    assert json.loads(json_record.PLUGIN.render(given))["pin"]["suffix"] == suffix, "the selector matches the text"
