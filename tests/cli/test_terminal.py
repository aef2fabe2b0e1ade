"""What people read of watched documents: lines that fit eighty columns, and no page steers the terminal."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.cli.layout import clipped, counted, fields, moment, paragraph
from tests.cli.box import Box
from tests.cli.test_watching import DOCUMENT, RULE, WITHOUT, Policy, page
from tests.simulators.website import Website

HOSTILE = RULE.replace("content", "con\x1b[31mtent\u202e\x9b2J").replace("unless", "unless\u200b")
CLAUSE = "in your account settings."
COLUMNS = 80


@pytest.fixture
def policy(box: Box, site: Website) -> Policy:
    found = Policy(box, site)
    found.publish(page(HOSTILE, link="/a?\x1b[2J"))
    found.publish(page(WITHOUT, link="/b"))
    found.publish(page(WITHOUT, link="/c\x1b]0;owned\x07"))
    found.publish(b"<title>\x1b[2JError</title><h1>404 Not \x1b[31mFound</h1>", "404 Not Found")
    box.fine("provision", "add", "EA-S-00000002", CLAUSE, "--title", "A title " * 20)
    box.fine("annotate", "add", DOCUMENT, "--text", "bad\x1b[31m\nworse " * 30, "--by", "Ana", "--category", "other")
    return found


COMMANDS = [
    ("history", DOCUMENT),
    ("diff", DOCUMENT),
    ("diff", "EA-S-00000004", "EA-S-00000006"),
    ("provision", "show", "EA-P-000001"),
    ("provision", "list"),
    ("provision", "others", "EA-P-000001", "--least", "1"),
    ("search", "train"),
    ("annotate", "list"),
    ("annotate", "show", "EA-A-000001"),
    ("absence", DOCUMENT, "--from", "2026-01-01", "--to", "2099-01-01", "--dry-run"),
    ("quarantine", "list"),
    ("status",),
    ("watch", "list"),
    ("watch", "list", "--removed"),
]


def test_every_line_fits_and_none_steers(policy: Policy, site: Website) -> None:
    site.documents["/other"] = page(HOSTILE)
    policy.box.fine("watch", "add", site.url("/other"), "--entity", "E" * 90, "--document", "T " * 60)
    policy.box.fine("capture", "EA-D-00002", "--no-stamp")
    for command in COMMANDS:
        result = policy.box.call(*command, environment={"COLUMNS": str(COLUMNS)})
        assert result.code in (0, 1) and result.out, (command, result)
        for line in result.lines:
            # Nothing is broken within a digest, an address or a word that is longer than a line.
            longest = max(map(len, line.split()), default=0)
            assert len(line) <= COLUMNS or longest > COLUMNS - 30, (command, line)
            steering = [c for c in line if unicodedata.category(c) in ("Cc", "Cf", "Cs")]
            assert not steering, (command, line)


def test_a_page_of_the_redline_is_a_page(policy: Policy) -> None:
    result = policy.box.call("diff", DOCUMENT, "--html")
    assert result.code == 1 and result.out.startswith("<!doctype html>\n") and result.out.endswith("</html>\n")
    assert "<del" in result.out and "<ins" in result.out and "\x1b" not in result.out
    assert re.search(r"v2  EA-S-00000004  captured \S+, SHA-256 of the text [0-9a-f]{64}", result.out)


def test_a_single_version_has_nothing_to_be_compared_with(box: Box, site: Website) -> None:
    found = Policy(box, site)
    assert "no version yet" in box.call("diff", DOCUMENT).error()
    found.check()
    assert "one version" in box.call("diff", DOCUMENT).error()
    assert "v1: see archiver history" in box.call("diff", DOCUMENT, "1", "7").error()


def test_an_error_of_a_writing_command_is_one_line(policy: Policy, tmp_path: Path) -> None:
    """As a process of its own: nothing else may be written beside it."""
    for words in (
        ("provision", "add", DOCUMENT, "No such words at all."),
        ("annotate", "add", DOCUMENT, "--severity", "scary"),
        ("quarantine", "release", "EA-S-00000999"),
        ("absence", DOCUMENT, "--from", "soon", "--to", "later"),
    ):
        result = policy.box.ran(*words)
        assert result.code == 2 and result.error()


@given(st.text(), st.integers(0, 30))
def test_a_paragraph_keeps_every_word_and_its_indent(text: str, indent: int) -> None:
    lines = paragraph(text, " " * indent + "x ").split("\n")
    assert lines[0].startswith(" " * indent + "x")
    assert all(line.startswith(" " * (indent + 2)) for line in lines[1:])
    assert all(len(line) <= 100 or len(line.split()) == 1 for line in lines[1:])
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for line in lines for c in line)


def test_small_forms() -> None:
    assert moment("2026-05-12T15:09:41.523Z") == "2026-05-12 15:09" and moment(None) == "never"
    assert (counted(1, "body", "bodies"), counted(0, "body", "bodies"), counted(2, "check")) == (
        "1 body",
        "0 bodies",
        "2 checks",
    )
    assert clipped("a\nb" * 9, 5) == "a ba…" and clipped("abc", 3) == "abc"
    digest = "0" * 64
    assert [len(line) for line in fields([("  SHA-256", digest)]).split("\n")] == [80]
