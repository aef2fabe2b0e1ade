"""What is made of a snapshot: gate, text digests, versions; pure."""

from __future__ import annotations

import hashlib
from typing import Any

from archiver.watch.assess import GATE, NORMALISER, KnownVersions, assess, text_digests

NOTHING = KnownVersions(None, 0, lambda _: None)


def part(text: bytes | None = b"text", status: int = 200) -> dict[str, Any]:
    content = None
    if text is not None:
        digests = {name: hashlib.new(name, text).hexdigest() for name in ("sha256", "sha512")}
        content = {**digests, "bytes": len(text)}
    return {"final_url": "http://a.example/", "content": content, "exchanges": [{"status": status}]}


def capture(*parts: dict[str, Any], document: str | None = "EA-D-00001") -> dict[str, Any]:
    return {"seq": 7, "document": document, "parts": list(parts)}


def test_the_first_wording_is_version_one() -> None:
    found = assess(capture(part()), "e" * 64, NOTHING)
    assert (found["outcome"], found["version"], found["change"], found["previous_version"]) == (
        "new_version", 1, None, None,
    )  # fmt: skip
    assert (found["normaliser"], found["gate"], found["capture_seq"], found["capture_entry"]) == (
        NORMALISER, GATE, 7, "e" * 64,
    )  # fmt: skip
    assert found["text_sha256"] == hashlib.sha256(b"text").hexdigest() and found["text_bytes"] == 4


def test_the_same_wording_is_unchanged_another_is_new_an_old_one_reverts() -> None:
    known = {hashlib.sha256(text).hexdigest(): number for number, text in ((1, b"one"), (2, b"two"))}
    versions = KnownVersions(2, 2, known.get)
    for text, expected in (
        (b"two", ("unchanged", 2, None)),
        (b"three", ("new_version", 3, "content")),
        (b"one", ("new_version", 1, "reversion")),
    ):
        found = assess(capture(part(text)), "", versions)
        assert (found["outcome"], found["version"], found["change"]) == expected
        assert found["previous_version"] == 2


def test_what_is_no_answer_becomes_no_version() -> None:
    for bad in (part(status=404), part(status=500), part(status=304), part(None)):
        found = assess(capture(part(), bad), "", NOTHING)
        assert (found["verdict"], found["outcome"], found["version"], found["text_sha256"]) == (
            "quarantined", "quarantined", None, None,
        )  # fmt: skip
        assert found["reason"].endswith(("404", "500", "304", "decoded"))


def test_a_document_of_several_parts_has_one_text() -> None:
    one, two = part(b"one"), part(b"two")
    sha256, sha512, size = text_digests(capture(one, two))
    for name, found in zip(("sha256", "sha512"), (sha256, sha512), strict=True):
        lines = "".join(f"{p['content'][name]}\n" for p in (one, two))
        assert found == hashlib.new(name, lines.encode()).hexdigest(), "neither rests on the other"
    assert size == 6
    assert text_digests(capture(two, one))[0] != sha256, "their order counts"


def test_a_bare_address_has_no_versions() -> None:
    found = assess(capture(part(), document=None), "", NOTHING)
    assert (found["outcome"], found["version"], found["previous_version"]) == ("new_version", None, None)
