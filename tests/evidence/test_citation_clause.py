"""The citation of a clause: exact words with their place in a digested text, and nothing that does not belong."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

import pytest

from archiver.errors import FormatError, UsageError
from archiver.evidence.citation import build
from archiver.evidence.citation_clause import AROUND, ByteRange, ClauseFacts, NearCheck, OnDay, with_clause
from tests.evidence.citation_facts import capture, digest, full
from tests.evidence.clause_facts import EXACT, MARKED, START, TEXT, clause, facts, judged, snapshot


def test_the_pin_is_complete() -> None:
    pin = clause()["pin"]
    assert list(pin) == [
        *("exact", "prefix", "suffix", "start", "end", "heading", "normaliser", "text_sha256", "bytes"),
        "record_digest",
    ]
    assert TEXT[pin["start"] : pin["end"]] == pin["exact"] == EXACT
    assert TEXT[: pin["start"]].endswith(pin["prefix"])
    assert TEXT[pin["end"] :].startswith(pin["suffix"])
    assert (len(pin["prefix"]), pin["suffix"]) == (AROUND, " Nothing else.\n")
    assert pin["text_sha256"] == hashlib.sha256(TEXT.encode()).hexdigest()
    assert (pin["normaliser"], pin["heading"]) == ("text/1", "1. Data")
    assert pin["record_digest"] == clause()["capture_ref"]


def test_bytes_say_of_which_content() -> None:
    first, second = clause()["pin"]["bytes"]
    assert first == {
        "part": 0,
        "start": 1200,
        "end": 1260,
        "exact": True,
        "page": None,
        "url": "https://www.example.com/legal/terms",
        "content_sha256": digest("content"),
    }
    assert (second["exact"], second["page"]) == (False, 3)


def test_two_parts_at_one_address_are_told_apart_or_not_named() -> None:
    part = full().capture["parts"][0]
    other = {**part, "content": {**part["content"], "sha256": digest("other")}}
    for parts, expected in (([part, other], digest("other")), ([{**part, "content": None}, other], None)):
        statement = capture(parts=parts)
        record = build(judged(full(capture=statement.body, entry=statement.entry_hex, stamps=(), inclusion=None), TEXT))
        found = with_clause(record, facts(ranges=(ByteRange(1, 0, 9),)))["pin"]["bytes"][0]
        assert found["content_sha256"] == expected


def test_the_provision_has_its_dates_and_the_asked_day() -> None:
    found = clause()["provision"]
    assert (found["id"], found["marked"], found["state"], found["score"]) == ("EA-P-000001", MARKED, "reworded", 82)
    assert (found["first_seen"], found["last_seen"]) == ("2026-02-03T06:00:00.000Z", "2026-05-01T06:00:00.000Z")
    assert (found["on"], found["basis_on"], found["state_on"]) == ("2026-04-15", "between", "verbatim")
    assert found["exact_on"] == MARKED
    near = found["checks_before_after"]
    assert (near["before"]["at"], near["before"]["snapshot"]) == ("2026-04-14T06:00:00.000Z", "EA-S-00000099")
    assert (near["after"]["version"], near["after"]["snapshot"]) == (1, None)
    without = with_clause(snapshot(), facts(on=None, first_seen=None))["provision"]
    assert [without[key] for key in ("on", "state_on", "checks_before_after", "first_seen")] == [None] * 4
    alone = with_clause(snapshot(), facts(on=OnDay("2026-01-01", "unknown", "unknown")))["provision"]
    assert alone["checks_before_after"] == {"before": None, "after": None}


def test_the_rest_is_the_record_of_the_snapshot() -> None:
    before, cited = snapshot(), clause()
    changed = {key for key in cited if cited[key] != before[key]}
    assert changed == {"citation_id", "pin", "provision", "strings"}
    assert list(cited) == list(before)
    assert (before["pin"], before["provision"]) == (None, None)
    assert cited["citation_id"] == f"{before['citation_id']}/EA-P-000001"
    assert cited["log"] == before["log"]
    assert json.loads(json.dumps(cited)) == cited


def test_nothing_given_is_changed_and_no_opinion_can_enter() -> None:
    record = snapshot()
    kept = copy.deepcopy(record)
    with_clause(record, facts())
    assert record == kept
    assert set(ClauseFacts.__dataclass_fields__) == set(
        "provision text start end marked state score heading ranges first_seen last_seen on".split()
    )


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"provision": "EA-S-00000001"}, "not the identifier"),
        ({"provision": "EA-P-1"}, "not the identifier"),
        ({"provision": "EA-P-000001\n"}, "not the identifier"),
        ({"text": TEXT + " "}, "not the text of EA-S-00000123 by text/1"),
        ({"start": -1}, "hold no clause"),
        ({"start": START + len(EXACT)}, "hold no clause"),
        ({"end": len(TEXT) + 1}, "hold no clause"),
        ({"start": START + 24, "end": START + 25}, "hold no clause"),  # a line feed
        ({"state": "absent"}, "no words to cite"),
        ({"state": "stable"}, "no words to cite"),
        ({"score": 101}, "no words to cite"),
        ({"ranges": (ByteRange(1, 0, 5),)}, "no byte range"),
        ({"ranges": (ByteRange(-1, 0, 5),)}, "no byte range"),
        ({"ranges": (ByteRange(0, 5, 5),)}, "no byte range"),
        ({"ranges": (ByteRange(0, 7999, 8001),)}, "has 8000 bytes, not 8001"),
        ({"on": OnDay("2026-02-30", "seen", "verbatim")}, "not a day"),
        ({"on": OnDay("20260228", "seen", "verbatim")}, "not a day"),
        ({"on": OnDay("2026-02-28", "seen", "in force")}, "not a day"),
        ({"on": OnDay("2026-02-28", "guessed", "verbatim")}, "not a day"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        with_clause(snapshot(), facts(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"first_seen": "2026-02-03"},
        {"last_seen": "yesterday"},
        {"on": OnDay("2026-02-28", "seen", "verbatim", before=NearCheck("2026-02-03", 1, "verbatim"))},
    ],
)
def test_times_are_instants(changes: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        with_clause(snapshot(), facts(**changes))


def test_a_snapshot_without_a_text_has_no_clause() -> None:
    record = build(full(assessment=None))
    with pytest.raises(UsageError, match="no text that passed"):
        with_clause(record, facts())
    held = judged(full(), TEXT)
    assert held.assessment is not None
    with pytest.raises(UsageError, match="no text that passed"):
        with_clause(build(full(assessment={**held.assessment, "verdict": "quarantined"})), facts())
