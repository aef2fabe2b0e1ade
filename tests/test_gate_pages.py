"""Pages that are not the document, and documents that speak of such pages: both written for these tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from archiver.watch.gate import Earlier, GateLimits, Refusal, judge, words_in
from archiver.watch.gate_page import FAMILIES
from archiver.watch.reading import PageRules, Reading, Source
from tests.gate_reader import URL, captured, read_page

VECTORS = Path(__file__).parent / "vectors/gate"
BAD = sorted((VECTORS / "bad").glob("*.html"))
GOOD = sorted((VECTORS / "good").glob("*.html"))
NAVIGATION = ("Home", "Products", "- Prices", "- About us", "- Contact", "Log in")
FOOTER = ("- Imprint", "- Privacy policy", "- Terms of use", "© 2026 Example Ltd. All rights reserved.")
LIMITS = GateLimits()


def read_real(source: Source) -> Reading:
    """The page by the normaliser itself."""
    from importlib import import_module

    read: Any = import_module("archiver.watch.extract.text_1").read
    reading: Reading = read([source], [PageRules()])
    return reading


READERS = [read_page]
# The gate is judged by readings of two readers: what it finds must not hang on how one of them cuts lines.
if find_spec("archiver.watch.extract") and find_spec("archiver.watch.extract.text_1"):
    READERS.append(read_real)


def reading_of(path: Path, reader: Any = read_page) -> Reading:
    reading: Reading = reader(Source(URL, path.read_bytes(), "text/html"))
    return reading


def first(reading: Reading) -> Refusal | None:
    return judge(captured(), reading, None, LIMITS)


def test_there_are_vectors() -> None:
    assert len(BAD) >= 60
    assert len(GOOD) >= 40
    assert {path.name.split(".")[0] for path in BAD} == {*FAMILIES, "empty"}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_page_that_is_not_the_document_is_called_what_it_is(path: Path, reader: Any) -> None:
    refusal = first(reading_of(path, reader))
    assert refusal is not None
    assert refusal.code == path.name.split(".")[0]
    assert refusal.verdict == ("blocked" if refusal.code == "block_page" else "quarantined")
    assert "\n" not in refusal.detail


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_document_that_speaks_of_such_pages_passes(path: Path, reader: Any) -> None:
    assert first(reading_of(path, reader)) is None


def without_title(reading: Reading) -> Reading:
    return replace(reading, signs=(replace(reading.signs[0], title=""),))


def titled_as_document(reading: Reading) -> Reading:
    return replace(reading, signs=(replace(reading.signs[0], title="Privacy Policy | Acme"),))


def with_navigation(reading: Reading) -> Reading:
    return replace(reading, lines=(*NAVIGATION, *reading.lines, *FOOTER))


def without_headings(reading: Reading) -> Reading:
    lines = tuple(line.lstrip("# ") for line in reading.lines)
    return replace(reading, lines=lines, signs=(replace(reading.signs[0], headings=()),))


FAILURES = [path for path in BAD if not path.name.startswith("empty")]


@pytest.mark.parametrize("changed", [without_title, titled_as_document, with_navigation, without_headings])
@pytest.mark.parametrize("path", FAILURES, ids=lambda path: path.stem)
def test_no_single_sign_is_needed(path: Path, changed: Any) -> None:
    assert first(changed(reading_of(path))) is not None


@pytest.mark.parametrize("changed", [without_title, with_navigation, without_headings])
@pytest.mark.parametrize("path", [path for path in GOOD if path.stem.startswith("en.")], ids=lambda path: path.stem)
def test_a_document_passes_if_it_is_long_enough(path: Path, changed: Any) -> None:
    reading = changed(reading_of(path))
    tail = ("Further provisions follow from the statutes and from the schedule of charges of the association. " * 45,)
    assert first(replace(reading, lines=(*reading.lines, *tail))) is None


@pytest.mark.parametrize("path", FAILURES, ids=lambda path: path.stem)
def test_one_part_of_several_fails_alone(path: Path) -> None:
    policy, failure = reading_of(VECTORS / "good/en.login-and-newsletter.html"), reading_of(path)
    both = replace(policy, lines=policy.lines + failure.lines, signs=policy.signs + failure.signs)
    capture = captured(URL, f"{URL}/annex")
    assert judge(capture, replace(both, signs=policy.signs * 2), None, LIMITS) is None
    assert judge(capture, both, None, LIMITS) is not None


@pytest.mark.parametrize("path", [*BAD, *GOOD], ids=lambda path: path.stem)
def test_what_a_person_released_passes_when_it_comes_again(path: Path) -> None:
    reading = reading_of(path)
    earlier = Earlier(words_in(reading), None, (URL,), frozenset(reading.lines))
    assert (judge(captured(), reading, earlier, LIMITS) is None) == bool(reading.lines)


def test_known_lines_do_not_hide_new_ones() -> None:
    policy, failure = (
        reading_of(VECTORS / name) for name in ("good/en.imprint-short.html", "bad/loading.en.spinner.html")
    )
    earlier = Earlier(words_in(policy), None, (URL,), frozenset(policy.lines))
    assert judge(captured(), policy, earlier, LIMITS) is None
    assert judge(captured(), failure, earlier, LIMITS) is not None
    assert judge(captured(), replace(failure, lines=policy.lines[:1]), earlier, LIMITS) is not None


def long_text(words: Sequence[str], count: int) -> tuple[str, ...]:
    line = " ".join([*words, "is dealt with in this paragraph of the policy, as the schedule sets out in detail."])
    return tuple(f"{line} ({number})" for number in range(count))


@pytest.mark.parametrize(
    "phrase",
    "access denied|404|cookies|log in|captcha|enable JavaScript|page not found|rate limit|maintenance".split("|"),
)
def test_a_long_policy_may_say_anything(phrase: str) -> None:
    signs = replace(reading_of(GOOD[0]).signs[0], title=f"{phrase} - Policy", headings=(phrase,))
    lines = (f"# {phrase}", phrase, *long_text([phrase], 60))
    assert first(Reading("plain", lines, (), (signs,))) is None
