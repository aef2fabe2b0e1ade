"""The citation record: every key, every date apart, every gap named, and no record of mixed captures."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from archiver.errors import FormatError, MalformedNote, UsageError
from archiver.evidence.canonical import encode_line
from archiver.evidence.citation import CitationFacts, Commitment, CoveringStamp, FixityCheck, build
from archiver.evidence.citation_capture import ni_uri
from archiver.evidence.citation_legal import bluebook
from archiver.evidence.citation_seal import seconds
from archiver.evidence.citation_strings import one_line, plain_url
from archiver.evidence.statement import LIMITS
from tests.evidence.citation_facts import (
    ORIGIN,
    URL,
    VERIFIER,
    assessment,
    bare,
    capture,
    checkpoint,
    digest,
    exchange,
    full,
    inclusion,
    of,
    public,
    stamp,
)

TABLE = {
    "": "schema citation_id version supersedes reason content_id resolver resolver_is_public commitment source dates"
    " pin hashes timestamps log signature capture_ref completeness gaps limits limit_texts third_party_copies strings"
    " exports exhibit transport sealed_between number_note",
    "commitment": "text until by",
    "source": "author author_basis title title_basis site type language url publisher_date",
    "dates": "first_tracked first_seen captured captured_end last_verified issued",
    "signature": "alg key_fpr value",
    "log": "inclusion",
    "exhibit": "label bates",
    "sealed_between": "not_before not_after width_s sentence",
}


@pytest.mark.parametrize("facts", [full(), bare()], ids=["full", "bare"])
def test_every_key_is_there_even_when_its_value_is_unknown(facts: Any) -> None:
    record = build(facts)
    for place, keys in TABLE.items():
        assert set(keys.split()) <= (record[place] if place else record).keys()
    assert record["schema"] == "evidence-archiver/citation/1"
    assert "commentary" not in record
    assert "accessed" not in re.sub("ccessed:? ____", "", json.dumps(record)).lower()
    assert json.loads(json.dumps(record)) == record


def test_identifiers_name_the_version_and_the_content() -> None:
    record = build(full())
    assert record["citation_id"] == f"{ORIGIN}#EA-S-00000123"
    assert record["resolver"] == "https://evidence.example.org/EA-S-00000123"
    encoded = record["content_id"].removeprefix("ni:///sha-256;")
    assert base64.urlsafe_b64decode(encoded + "=").hex() == digest("content")
    assert record["content_id_of"] == "decoded content"


def test_content_id_falls_back_to_the_payload_and_then_to_nothing() -> None:
    part = capture().body["parts"][0]
    record = build(of(capture(parts=[{**part, "content": None}])))
    assert (record["content_id"], record["content_id_of"]) == (ni_uri(digest("payload")), "payload as transferred")
    cut = {**part, "content": None, "exchanges": [exchange(URL, 200, payload_sha256=None)]}
    record = build(of(capture(parts=[cut])))
    assert (record["content_id"], record["content_id_of"]) == (None, None)
    assert "MUST 27" in numbers(record["gaps"])


def test_ni_uri_matches_the_example_of_rfc_6920() -> None:
    value = hashlib.sha256(b"Hello World!").hexdigest()
    assert ni_uri(value) == "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"
    for wrong in (value[:-2], "zz" * 32):
        with pytest.raises(FormatError):
            ni_uri(wrong)


def test_every_digest_is_complete_and_says_of_what() -> None:
    statement = capture()
    record = build(full())
    found = {(item["object"], item["alg"]): item for item in record["hashes"]}
    for of_what, value, size in (
        ("capture.warc.gz", digest("warc"), 9001),
        ("payload as transferred", digest("payload"), 4711),
        ("decoded content", digest("content"), 8000),
        ("statement (log entry)", hashlib.sha256(statement.line).hexdigest(), len(statement.line)),
        ("text by the normaliser identity/1", digest("content"), 8000),
    ):
        item = found[of_what, "sha-256"]
        assert (item["value"], item["bytes"]) == (value, size)
    assert all(len(item["value"]) == {"sha-256": 64, "sha-512": 128}[item["alg"]] for item in record["hashes"])


def test_the_seven_dates_are_apart_and_none_stands_in_for_the_publishers() -> None:
    record = build(full())
    assert {key: record["dates"][key] for key in TABLE["dates"].split()} == {
        "first_tracked": "2026-05-01T00:00:00.000Z",
        "first_seen": "2026-05-12T15:09:41.204Z",
        "captured": "2026-05-12T15:09:41.204Z",
        "captured_end": "2026-05-12T15:09:42.377Z",
        "last_verified": "2026-05-31T15:09:40.000Z",
        "issued": "2026-06-01T08:00:00.000Z",
    }
    assert record["source"]["publisher_date"] == {"text": None, "value": None, "kind": "not extracted"}
    assert "last visited" not in record["strings"]["bluebook"]


def test_transport_tells_hops_peer_status_and_certificate_verdict() -> None:
    part = build(full())["transport"]["parts"][0]
    assert [hop["status"] for hop in part["hops"]] == [301, 200]
    assert (part["status"], part["peer"], part["tls"]["verdict"]) == (200, {"ip": "192.0.2.7", "port": 443}, "valid")
    assert part["final_url"] == "https://www.example.com/legal/terms"
    assert build(bare())["transport"]["parts"][0]["tls"]["problems"] == ["the certificate has expired"]


def test_the_signature_is_that_of_the_checkpoint() -> None:
    record = build(full())
    assert record["log"]["inclusion"]["tree_size"] == 128
    assert record["log"]["inclusion"]["index"] == 123
    assert record["signature"]["alg"] == "Ed25519"
    assert record["signature"]["key_fpr"] == hashlib.sha256(VERIFIER.spki_der).hexdigest()
    text = checkpoint().partition("\n\n")[0] + "\n"
    assert VERIFIER.accepts(text.encode(), bytes.fromhex(record["signature"]["value"]))


def test_sealed_between_the_last_time_before_and_the_first_verified_time_after() -> None:
    sealed = build(full())["sealed_between"]
    assert sealed["not_before"] == {"authority": "alpha", "gen_time": "2026-05-12T15:05:00.5Z"}
    assert sealed["not_after"] == {"authority": "beta", "gen_time": "2026-05-12T15:10:01.25Z"}
    assert sealed["width_s"] == 301  # 300.75 rounded up
    assert sealed["sentence"] == (
        "The record was sealed between 2026-05-12T15:05:00.5Z (according to alpha) and "
        "2026-05-12T15:10:01.25Z (according to beta)."
    )


def test_a_token_that_was_not_verified_bounds_nothing() -> None:
    record = build(full(stamps=(CoveringStamp(stamp(), False),)))
    assert record["sealed_between"]["not_after"] is None
    assert record["sealed_between"]["width_s"] is None
    assert record["timestamps"][0]["verified"] is False
    assert "MUST 8" in numbers(record["gaps"])
    assert "No outside time bounds" in build(bare())["sealed_between"]["sentence"]


def test_times_that_contradict_each_other_are_shown() -> None:
    record = build(full(stamps=(CoveringStamp(stamp(gen_time="2026-05-12T15:00:00Z"), True),)))
    assert record["sealed_between"]["width_s"] == -300
    assert any("contradict" in gap for gap in record["gaps"])


@pytest.mark.parametrize("text", ["2026-05-12T15:00:00", "2026-02-30T15:00:00Z", "2026-05-12T15:00:00.Z", "now"])
def test_a_gen_time_that_is_no_rfc_3339_time_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        seconds(text)


def test_limits_are_those_of_the_statement_with_the_first_three_always() -> None:
    record = build(of(capture(limits=["L16", "L4"])))
    assert record["limits"] == ["L1", "L2", "L3", "L4", "L16"]
    assert record["limit_texts"] == {code: LIMITS[code] for code in record["limits"]}


def numbers(gaps: list[str]) -> set[str]:
    return {gap.split(":")[0] for gap in gaps}


def new_gaps(before: CitationFacts, after: CitationFacts) -> set[str]:
    """Numbers of the rules of which one sentence more is printed."""
    return numbers(sorted(set(build(after)["gaps"]) - set(build(before)["gaps"])))


ALWAYS = {f"MUST {number}" for number in (2, 6, 7, 18, 22, 24)} | {f"SHOULD {number}" for number in (4, 9, 16, 20)}
"""What no capture of this version can show."""


def test_gaps_of_the_best_record_we_can_make_today() -> None:
    record = build(public(naan="98765"))
    assert numbers(record["gaps"]) == ALWAYS
    assert record["completeness"] == "incomplete"
    order = [int(gap.split()[1].rstrip(":")) for gap in record["gaps"]]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("missing", "changes"),
    [
        ("MUST 8", {"stamps": ()}),
        ("MUST 14", {"inclusion": None}),
        ("MUST 15", {"fixity": ()}),
        ("MUST 15", {"fixity": (FixityCheck("capture.warc.gz", "0" * 64, "2026-06-01T00:00:00.000Z", "x", False),)}),
        ("MUST 26", {"resolver_base": None}),
        ("MUST 28", {"commitment": None}),
        ("MUST 28", {"commitment": Commitment()}),
    ],
)
def test_each_missing_fact_is_a_gap(missing: str, changes: dict[str, Any]) -> None:
    assert missing in new_gaps(full(), full(**changes))


@pytest.mark.parametrize(
    ("missing", "changes"),
    [
        ("MUST 1", {"parts": [{"url": URL, "final_url": URL, "reason": None, "exchanges": [], "content": None}]}),
        ("MUST 7", {"clock": {"synchronised": False, "max_error_us": 16_000_000}}),
        ("MUST 7", {"clock": {"synchronised": None, "max_error_us": None}}),
        ("MUST 17", {"result": "failed"}),
        ("MUST 17", {"warc": None}),
        ("SHOULD 10", {"before": None}),
    ],
)
def test_each_weakness_of_the_capture_is_a_gap(missing: str, changes: dict[str, Any]) -> None:
    assert missing in new_gaps(of(capture()), of(capture(**changes)))


def test_one_authority_is_a_gap_and_two_are_none() -> None:
    one = build(full(stamps=(CoveringStamp(stamp(), True), CoveringStamp(stamp(), True))))
    assert any("Only one timestamp authority" in gap for gap in one["gaps"])
    assert not any("Only one timestamp authority" in gap for gap in build(full())["gaps"])


def test_a_revisit_names_the_statement_that_holds_the_body() -> None:
    part = capture().body["parts"][0]
    hop = exchange(URL, 200, revisit={"seq": 77, "record": "<urn:uuid:x>"})
    record = build(of(capture(parts=[{**part, "exchanges": [hop]}])))
    assert any("statement 77" in gap for gap in record["gaps"])


def test_a_bare_url_has_no_entity_and_no_title() -> None:
    source = build(bare())["source"]
    assert (source["author"], source["author_basis"], source["title"], source["url"]) == (None, None, None, URL)


@pytest.mark.parametrize(
    "changes",
    [
        {"entry": "0" * 64},
        {"origin": "another.example/log"},
        {"assessment": assessment("0" * 64)},
        {"stamps": (CoveringStamp(stamp(size=123), True),)},
        {"stamps": (CoveringStamp(stamp(subject="statement"), True),)},
        {"stamps": (CoveringStamp(stamp(event="requested"), True),)},
        {"inclusion": inclusion(index=122)},
        {"inclusion": inclusion(log_size=129)},
        {"inclusion": inclusion(log_size=123, checkpoint=checkpoint(123))},
    ],
)
def test_facts_that_do_not_belong_together_make_no_record(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        build(full(**changes))


def test_a_token_over_the_statement_itself_covers_it() -> None:
    statement = capture()
    over = stamp(subject="statement", subject_sha256=statement.entry_hex, size=None, subject_seq=123)
    record = build(of(statement, stamps=(CoveringStamp(over, True),)))
    assert record["timestamps"][0]["subject_sha256"] == statement.entry_hex


def test_a_check_without_a_snapshot_makes_no_record() -> None:
    with pytest.raises(UsageError, match="no snapshot"):
        build(of(capture(snapshot=None)))


def test_a_checkpoint_that_the_key_did_not_sign_makes_no_record() -> None:
    forged = checkpoint().replace("\n128\n", "\n127\n")
    with pytest.raises(MalformedNote):
        build(full(inclusion=inclusion(checkpoint=forged, log_size=127)))


def test_a_date_that_is_none_makes_no_record() -> None:
    with pytest.raises(FormatError):
        build(replace(full(), last_verified="yesterday"))


def test_the_entry_is_over_the_canonical_line() -> None:
    facts = full()
    assert hashlib.sha256(encode_line(facts.capture)).hexdigest() == build(facts)["capture_ref"]


def test_bluebook_without_and_with_a_date_of_the_publisher() -> None:
    record = build(full())
    assert record["strings"]["bluebook"] == (
        "Example, Inc., *Terms & Conditions*, www.example.com (captured May 12, 2026, 15:09:41 UTC), "
        "https://www.example.com/legal/terms?lang=en&v=2#top (on file with Example Evidence Archive, "
        "evidence.example.org/log#EA-S-00000123)."
    )
    record["source"]["publisher_date"] |= {
        "text": "Last updated: 3 September 2025",
        "value": "2025-09-03",
        "kind": "last-updated",
    }
    assert bluebook(record) == (
        "Example, Inc., *Terms & Conditions*, www.example.com (last updated Sept. 3, 2025), "
        "https://www.example.com/legal/terms?lang=en&v=2#top (on file with Example Evidence Archive, "
        "evidence.example.org/log#EA-S-00000123; captured May 12, 2026, 15:09:41 UTC)."
    )
    record["source"]["publisher_date"]["value"] = "last spring"
    with pytest.raises(FormatError):
        bluebook(record)


def test_one_line_shows_what_would_hide_and_keeps_what_spells() -> None:
    assert one_line(" a\r\nb\u2028c\x85d\u00a0e\t") == "a b c d e"
    assert one_line("\u202eabc\u2066\x00\ufeff") == "<U+202E>abc<U+2066><U+0000><U+FEFF>"
    assert one_line("नमस्\u200dते") == "नमस्\u200dते"


def test_plain_url_leaves_valid_addresses_and_disarms_others() -> None:
    valid = "https://user@[2001:db8::1]:8443/a-b_c.d~e/%7Bx%7D;p=1?q=a+b&r='(*)'!$,#frag:@/?"
    assert plain_url(valid) == valid
    assert plain_url('http://a/ {}\\"<>\n^`|ä') == "http://a/%20%7B%7D%5C%22%3C%3E%0A%5E%60%7C%C3%A4"
