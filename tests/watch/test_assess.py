"""What is made of a bare address: gate, digests of its content, whether it changed; pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from archiver.evidence.statement import parse_statement, seal
from archiver.watch.assess import IDENTITY, STATUS_GATE, Judgement, assess_bare, content_digests, rules_sha256
from archiver.watch.reading import Link, PageRules, PageSigns, Problem, Reading


def part(text: bytes | None = b"text", status: int = 200) -> dict[str, Any]:
    content = None
    if text is not None:
        digests = {name: hashlib.new(name, text).hexdigest() for name in ("sha256", "sha512")}
        content = {**digests, "bytes": len(text)}
    return {"final_url": "http://a.example/", "content": content, "exchanges": [{"status": status}]}


def capture(*parts: dict[str, Any], document: str | None = None) -> dict[str, Any]:
    return {"seq": 7, "document": document, "parts": list(parts)}


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def test_the_first_content_is_new_and_has_no_class() -> None:
    found = assess_bare(capture(part()), "e" * 64, None, seen=False)
    assert (found["normaliser"], found["gate"], found["capture_seq"], found["capture_entry"]) == (
        IDENTITY,
        STATUS_GATE,
        7,
        "e" * 64,
    )
    assert (found["verdict"], found["outcome"], found["change"]) == ("passed", "new_version", None)
    assert (found["text_sha256"], found["text_bytes"], found["version"]) == (digest(b"text"), 4, None)


def test_equal_content_is_unchanged_and_other_content_differs_and_no_more_is_said() -> None:
    same = assess_bare(capture(part()), "e" * 64, digest(b"text"), seen=True)
    other = assess_bare(capture(part(b"more")), "e" * 64, digest(b"text"), seen=True)
    assert (same["outcome"], same["change"]) == ("unchanged", None)
    assert (other["outcome"], other["change"]) == ("new_version", "content")


def test_errors_and_what_cannot_be_decoded_are_held_back() -> None:
    for subject, code in ((part(status=404), "error_status"), (part(None), "undecodable")):
        found = assess_bare(capture(subject), "e" * 64, None, seen=False)
        assert (found["verdict"], found["outcome"], found["reason_code"]) == ("quarantined", "quarantined", code)
        assert found["text_sha256"] is None and "http://a.example/" in found["reason"]


def test_several_parts_are_digested_as_a_list_of_digests() -> None:
    one, two = part(b"one"), part(b"two")
    lines = "".join(f"{p['content']['sha256']}\n" for p in (one, two))
    assert content_digests(capture(one, two))[0] == digest(lines.encode())


READING = Reading(
    "text/1",
    ("# Terms", "Be nice."),
    (Link(1, "nice", "https://a.example/nice"),),
    (PageSigns("https://a.example/", "text/html", "utf-8"),),
    (Problem("encoding", "x" * 9000),),
)


def fields(judgement: Judgement) -> dict[str, Any]:
    return judgement.fields(capture(part(), document="EA-D-00001"), 7, "e" * 64, 3)


def test_a_judgement_says_everything_an_assessment_needs() -> None:
    found = fields(
        Judgement("gate/1", "r" * 64, READING, version=2, change="wording", outcome="new_version", words=(3, 1))
    )
    line = seal(
        "assessment", found, seq=8, origin="a.example", at=datetime(2026, 1, 1, tzinfo=UTC), nonce=bytes(32)
    ).line
    body = parse_statement(line).body
    assert (
        body["text_sha256"] == digest(b"# Terms\nBe nice.\n") and body["text_bytes"] == 17 and body["text_lines"] == 2
    )
    assert body["links_sha256"] == digest(b'["nice", "https://a.example/nice"]\n') and body["links"] == 1
    assert (body["words_added"], body["words_removed"], body["version"]) == (3, 1, 2)
    assert body["charset"] == ["utf-8"] and len(body["problems"][0]["detail"]) == 500


def test_what_did_not_pass_has_no_text_and_no_version() -> None:
    found = fields(Judgement("gate/1", "r" * 64, READING, "blocked", "block_page", "a challenge", outcome="blocked"))
    assert found["text_sha256"] is None and found["version"] is None and found["links_sha256"] is None
    assert (found["verdict"], found["reason_code"], found["outcome"]) == ("blocked", "block_page", "blocked")


def test_rules_have_a_digest_of_their_own() -> None:
    one = rules_sha256("text/1", [PageRules(("main",))])
    assert one != rules_sha256("text/1", [PageRules(("main", "p"))])
    assert one != rules_sha256("text/1", [PageRules((), ("main",))])
    assert one == hashlib.sha256(b'{"normaliser":"text/1","pages":[{"remove":[],"select":["main"]}]}').hexdigest()
