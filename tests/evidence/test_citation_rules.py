"""Every rule of a complete record, one by one: kept, the record shows it; broken, a gap with its number says so."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.citation import build, judged
from archiver.evidence.citation_clause import with_clause
from archiver.evidence.citation_custody import counts, custody_events
from archiver.formats import text
from tests.evidence.citation_facts import ORIGIN, URL, capture, custody, digest, full, of, public
from tests.evidence.clause_facts import TEXT, facts
from tests.evidence.clause_facts import judged as read_as

DOCS = Path(__file__).resolve().parents[2] / "docs" / "citation.md"
RECORD = with_clause(build(read_as(public(naan="98765"), TEXT)), facts())
RECORD["source"]["publisher_date"] = {
    "text": "Last updated: 3 September 2025",
    "value": "2025-09-03",
    "kind": "last-updated",
}


def complete() -> Json:
    """A record to which nothing is wanting: what no capture of today can show is put in by hand."""
    record = copy.deepcopy(RECORD)
    record["source"] |= {"title_basis": "h1 of the page", "author_basis": "footer of the page"}
    record["attribution"] = {"registrar": "x", "inbound_link": "https://www.example.com/"}
    record["clock"] |= {"utc_offset_s": 7200, "offset_us": 3, "last_sync": "2026-05-12T15:00:00Z", "leap": "none"}
    for item in record["timestamps"]:
        item["qualified"] = True
    record["log"]["inclusion"]["cosignatures"] = [{"witness": "x"}]
    record["environment"] |= {"config_sha256": digest("c"), "source_commit": "0" * 40, "build_sha256": digest("b")}
    record["process"] = {"description": "PD-1", "validation_run": "V-1"}
    record["hashes"] += [
        {"object": name, "alg": "sha-256", "value": digest(name), "bytes": 1, "made": "rendered by us"}
        for name in ("screenshot", "DOM snapshot", "PDF rendering", "accessibility tree", "console log")
    ]
    return judged(record)


def put(path: str, value: Any) -> Callable[[Json], None]:
    """A change of one value: ``source.title`` names it."""

    def change(record: Json) -> None:
        place: Any = record
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in way:
            place = place[step]
        place[last] = value

    return change


def without(prefix: str) -> Callable[[Json], None]:
    """Take away the digests of what is called so."""

    def change(record: Json) -> None:
        record["hashes"] = [item for item in record["hashes"] if not item["object"].startswith(prefix)]

    return change


def add(name: str) -> Callable[[Json], None]:
    """Add a key that a record must not have."""
    return lambda record: record.update({name: "looks severe"})


BREAKS: list[tuple[str, Callable[[Json], None]]] = [
    ("MUST 1", put("transport.parts.0.hops.0.status", None)),
    ("MUST 1", put("transport.parts.0.hops.0.method", None)),
    ("MUST 1", put("transport.parts.0.final_url", None)),
    ("MUST 1", put("transport.parts", [])),
    ("MUST 2", put("source.title", None)),
    ("MUST 2", put("source.author", None)),
    ("MUST 2", put("source.title_basis", "named by the operator of the archive in the watch list")),
    ("MUST 3", put("source.publisher_date", {"text": None, "value": None, "kind": "not extracted"})),
    ("SHOULD 4", put("attribution.registrar", None)),
    ("SHOULD 4", put("transport.parts.0.hops.1.tls", None)),
    ("MUST 5", put("pin", None)),
    ("MUST 5", put("pin.exact", "")),
    ("MUST 5", put("pin.prefix", None)),
    ("MUST 5", put("pin.start", None)),
    ("MUST 5", put("pin.text_sha256", "00")),
    ("MUST 6", put("dates.captured_end", None)),
    ("MUST 6", put("clock.utc_offset_s", None)),
    ("MUST 7", put("clock.source", None)),
    ("MUST 7", put("clock.synchronised", False)),
    ("MUST 7", put("clock.max_error_us", None)),
    ("MUST 7", put("clock.last_sync", None)),
    ("MUST 7", put("clock.leap", None)),
    ("MUST 7", put("clock", None)),
    ("MUST 8", put("timestamps", [])),
    ("MUST 8", put("sealed_between.width_s", -1)),
    ("SHOULD 9", put("timestamps.0.verified", False)),
    ("SHOULD 9", put("timestamps", [])),
    ("SHOULD 10", put("sealed_between.not_before", None)),
    ("MUST 11", put("dates.first_seen", None)),
    ("MUST 11", put("dates.last_verified", None)),
    ("MUST 12", put("hashes.0.value", "0123456789abcdef")),
    ("MUST 12", put("hashes.0.alg", "md5")),
    ("MUST 13", put("hashes.0.object", "")),
    ("MUST 13", put("hashes", [])),
    ("MUST 14", put("log.inclusion", None)),
    ("MUST 15", put("fixity", [])),
    ("MUST 15", put("fixity.0.equal", False)),
    ("MUST 15", put("custody", [])),
    ("SHOULD 16", put("log.inclusion.cosignatures", [])),
    ("SHOULD 16", put("log.inclusion", None)),
    ("MUST 17", put("capture.result", "failed")),
    ("MUST 17", without("capture.warc.gz")),
    ("MUST 17", put("transport.parts.0.hops.1.revisit", {"seq": 77, "record": "x"})),
    ("MUST 18", without("screenshot")),
    ("MUST 19", put("received.requested", None)),
    ("SHOULD 20", without("DOM snapshot")),
    ("SHOULD 20", without("text")),
    ("MUST 21", put("hashes.0.made", None)),
    ("MUST 22", put("environment.source_commit", None)),
    ("MUST 22", put("environment.config_sha256", None)),
    ("MUST 22", put("environment", None)),
    ("MUST 23", put("capture.trigger", None)),
    ("MUST 23", put("capture.attended", None)),
    ("MUST 24", put("process.description", None)),
    ("MUST 24", put("process.validation_run", None)),
    ("MUST 25", put("custody", None)),
    ("MUST 25", put("log.inclusion", None)),
    ("MUST 25", lambda record: record["custody"].reverse()),
    ("MUST 26", put("resolver", None)),
    ("MUST 26", put("ark", "ark:99999/x")),
    ("MUST 27", put("content_id", None)),
    ("MUST 28", put("commitment.text", None)),
    ("MUST 28", put("commitment.until", None)),
    ("MUST 28", put("commitment.by", None)),
    ("SHOULD 29", put("third_party_copies", [])),
    ("MUST 30", put("strings", {})),
    ("MUST 30", put("exports", {})),
    ("MUST 31", put("limits", ["L1", "L2"])),
    ("MUST 31", put("limit_texts", {})),
    ("MUST 33", add("commentary")),
    ("MUST 33", add("annotations")),
    ("MUST 34", put("version", 2)),
]
BY_CONSTRUCTION = {"MUST 32": "tests/formats/test_contract.py looks for every reserved word in every output"}


def numbers(record: Json) -> list[str]:
    return [gap.split(":")[0] for gap in record["gaps"]]


def test_a_record_that_keeps_every_rule_is_complete() -> None:
    record = complete()
    assert record["gaps"] == []
    assert record["completeness"] == "complete"


@pytest.mark.parametrize(("rule", "change"), BREAKS, ids=[f"{n} {rule}" for n, (rule, _) in enumerate(BREAKS)])
def test_a_broken_rule_is_a_gap_with_its_number(rule: str, change: Callable[[Json], None]) -> None:
    record = complete()
    change(record)
    record = judged(record)
    assert rule in numbers(record)
    assert record["completeness"] == (
        "incomplete" if any(n.startswith("MUST") for n in numbers(record)) else "complete"
    )


def test_every_rule_of_the_page_is_tried_at_its_level() -> None:
    rows = re.findall(r"^\| ([0-9, ]+) \| (MUST|SHOULD)", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    rules = {f"{level} {number}" for numbers_, level in rows for number in numbers_.split(", ")}
    assert len(rules) == 34
    assert rules == {rule for rule, _ in BREAKS} | BY_CONSTRUCTION.keys()


SHOWN = """GET http://www.example.com/legal/terms|status 301|Final URL:|named by the operator|publisher says “Last
Words of the clause|Words just before|SHA-256 of that text|Captured:|Clock: synchronised|Timestamp by alpha|Sealed:
First seen:|Last verified:|Issued:|SHA-256 of decoded content (received, then decoded by us)|SHA-256 of payload as
recomputed|Custody: fixity_check (fixity check)|Custody: outside_copy|Log index:|Requests: 2 made, 2 answered in full
Software:|Trigger: scheduled, attended: no|Process description: none named|ARK: ark:98765/|(public)|Content ID: ni:///
until 2033-05-12; by Example LLP|independent copy, compared: equal|Limit L1:|Gap, MUST 24:|Completeness: incomplete"""


def test_what_keeps_a_rule_stands_on_the_page() -> None:
    page = " ".join(text.PLUGIN.render(judged(copy.deepcopy(RECORD))).split())
    for words in SHOWN.replace("\n", "|").split("|"):
        assert words in page, words


def test_a_text_that_states_no_date_says_none() -> None:
    given = public(assessment={**(public().assessment or {}), "publisher_dates": []})
    record = build(given)
    assert record["source"]["publisher_date"] == {"text": None, "value": None, "kind": "none"}
    assert "MUST 3" not in numbers(record)
    assert "Document last updated: none\n" in text.PLUGIN.render(record)
    assert "MUST 3" in numbers(build(full())), "nobody looked"


def test_what_arrived_is_counted_with_its_reasons() -> None:
    refused = {"url": URL, "exchanges": [], "reason": {"code": "robots_denied", "detail": "x"}}
    cut = {"url": URL, "complete": False, "reason": {"code": "timeout", "detail": None}}
    parts: list[Json] = [
        refused,
        {"url": URL, "exchanges": [cut], "reason": None},
        {"url": URL, "exchanges": [], "reason": None},
    ]
    found = counts(parts, "http")
    assert {key: found[key] for key in ("requested", "received", "failed", "blocked", "skipped")} == {
        "requested": 1,
        "received": 0,
        "failed": 1,
        "blocked": 1,
        "skipped": 1,
    }
    assert [item["code"] for item in found["reasons"]] == ["timeout", "robots_denied"]


@pytest.mark.parametrize("wrong", [{"kind": "stamp"}, {"origin": "other.example/log"}, {"subjects": ["EA-S-00000099"]}])
def test_an_event_of_something_else_makes_no_record(wrong: Json) -> None:
    with pytest.raises(UsageError):
        custody_events((custody("export") | wrong,), "EA-S-00000123", ORIGIN)


def test_custody_events_are_in_the_order_of_the_log() -> None:
    record = build(of(capture(), custody=(custody("export", 150), custody("hold_set", 149))))
    assert [event["seq"] for event in record["custody"]] == [149, 150]
    assert record["third_party_copies"] == []
    assert all(re.fullmatch("[0-9a-f]{64}", event["statement_sha256"]) for event in record["custody"])
