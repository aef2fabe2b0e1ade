"""What the gate knows of a document's past and of the answer: status, reading, addresses, size, language."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.gate import NAME, Earlier, GateLimits, Refusal, judge, words_in
from archiver.watch.gate_words import count_words
from archiver.watch.reading import PageSigns, Problem, Reading
from tests.gate_reader import URL, captured

LANGUAGES: dict[str, str] = tomllib.loads((Path(__file__).parent / "vectors/gate/languages.toml").read_text("utf-8"))
SIGNS = PageSigns(URL, "text/html", title="Terms", headings=("Terms",), page_words=900)
LIMITS = GateLimits()


def text(*lines: str, signs: PageSigns = SIGNS, problems: tuple[Problem, ...] = ()) -> Reading:
    return Reading("plain", lines, (), (signs,), problems)


def clauses(count: int, subject: str = "carriage") -> tuple[str, ...]:
    return tuple(f"Clause {n} on {subject} says in ten words what everybody may expect." for n in range(count))


def passed(reading: Reading, language: str | None = None, finals: tuple[str, ...] = (URL,), **more: Any) -> Earlier:
    return Earlier(words_in(reading), language, finals, frozenset(reading.lines), **more)


def code(refusal: Refusal | None) -> str | None:
    return None if refusal is None else refusal.code


def test_the_gate_has_a_name() -> None:
    assert NAME == "gate/1"


def test_a_document_passes() -> None:
    reading = text("# Terms", *clauses(20))
    assert judge(captured(), reading, None, LIMITS) is None
    assert judge(captured(), reading, passed(reading), LIMITS) is None


@pytest.mark.parametrize("status", [404, 410, 500, 503, 301, 429, 100])
def test_no_other_answer_than_success_is_a_version(status: int) -> None:
    refusal = judge(captured(status=status), text(*clauses(20)), None, LIMITS)
    assert refusal == Refusal("quarantined", "error_status", f"{URL}: answered with HTTP status {status}")


def test_a_challenge_with_an_error_status_is_a_block() -> None:
    signs = replace(SIGNS, title="Just a moment...", headings=(), page_words=4, opening="Checking your browser")
    refusal = judge(captured(status=403), text(signs=signs), None, LIMITS)
    assert refusal is not None
    assert (refusal.verdict, refusal.code) == ("blocked", "block_page")
    assert "403" in refusal.detail
    assert "Just a moment" in refusal.detail


def test_an_outage_that_asks_for_patience_is_no_block() -> None:
    opening = "We will be right back. The service is being updated. Please try again in a few minutes."
    signs = replace(SIGNS, title="We will be right back", headings=("We will be right back",), opening=opening)
    assert code(judge(captured(status=503), text(signs=signs), None, LIMITS)) == "error_status"


def test_an_answer_that_never_came_is_an_error() -> None:
    capture = captured()
    capture["parts"][0] |= {"exchanges": [], "final_url": None}
    assert code(judge(capture, text(*clauses(20)), None, LIMITS)) == "error_status"
    capture["parts"][0]["exchanges"] = [{"status": None}]
    assert code(judge(capture, text(*clauses(20)), None, LIMITS)) == "error_status"


def test_one_failed_part_of_two_is_enough() -> None:
    capture = captured(URL, f"{URL}/2")
    capture["parts"][1]["exchanges"] = [{"status": 200}, {"status": 404}]
    refusal = judge(capture, replace(text(*clauses(20)), signs=(SIGNS, SIGNS)), None, LIMITS)
    assert code(refusal) == "error_status"
    assert refusal is not None
    assert f"{URL}/2" in refusal.detail


def test_a_part_without_content_cannot_be_judged() -> None:
    capture = captured()
    capture["parts"][0]["content"] = None
    assert code(judge(capture, text(*clauses(20)), None, LIMITS)) == "undecodable"


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        ("undecodable", "undecodable"),
        ("unreadable", "unreadable"),
        ("too_large", "unreadable"),
        ("selector_missing", "selector_missing"),
        ("deep", None),
    ],
)
def test_what_the_reading_says_of_itself(problem: str, expected: str | None) -> None:
    reading = text(*clauses(20), problems=(Problem(problem, "main matches nothing"),))
    refusal = judge(captured(), reading, None, LIMITS)
    assert code(refusal) == expected
    assert refusal is None or "main matches nothing" in refusal.detail


def test_a_page_that_says_why_the_selector_is_missing_is_called_that() -> None:
    signs = replace(SIGNS, title="Page not found", headings=("Page not found",), page_words=9, opening="Page not found")
    reading = text(signs=signs, problems=(Problem("selector_missing", "main matches nothing"),))
    assert code(judge(captured(), reading, None, LIMITS)) == "soft_404"


def test_few_words_alone_hold_nothing_back_and_no_words_do() -> None:
    short = text("Prices are as agreed.")
    assert judge(captured(), short, None, LIMITS) is None
    assert judge(captured(), short, passed(short), LIMITS) is None
    assert code(judge(captured(), text(), None, LIMITS)) == "empty"
    assert code(judge(captured(), text(), passed(short), LIMITS)) == "empty"


@pytest.mark.parametrize(
    ("left", "percent", "expected"),
    [(100, 60, None), (41, 60, None), (39, 60, "shrunk"), (79, 20, "shrunk"), (81, 20, None), (10, 95, None)],
)
def test_a_text_that_lost_most_of_its_words_is_held_back(left: int, percent: int, expected: str | None) -> None:
    earlier = passed(text(*clauses(100)))
    limits = GateLimits(shrink_percent=percent)
    assert code(judge(captured(), text(*clauses(left)), earlier, limits)) == expected
    assert judge(captured(), text(*clauses(left)), replace(earlier, selectors_changed=True), limits) is None


def test_growth_is_never_suspect() -> None:
    assert judge(captured(), text(*clauses(500)), passed(text(*clauses(10))), LIMITS) is None


def test_a_home_page_instead_of_the_document() -> None:
    home = text(*clauses(30, "our ferries"))
    capture = captured("https://site.example/", asked=(URL,))
    refusal = judge(capture, home, None, LIMITS)
    assert code(refusal) == "redirected_elsewhere"
    assert refusal is not None
    assert URL in refusal.detail
    assert "https://site.example/:" in refusal.detail


def test_a_document_that_moved_to_a_root_is_known_by_its_lines() -> None:
    reading = text(*clauses(30))
    capture = captured("https://site.example/", asked=(URL,))
    assert judge(capture, reading, passed(reading), LIMITS) is None
    other = text(*clauses(30, "fares"))
    assert code(judge(capture, other, passed(reading), LIMITS)) == "redirected_elsewhere"
    assert judge(capture, other, passed(reading, finals=("https://site.example/",)), LIMITS) is None


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        ("https://site.example/company/history", "redirected_elsewhere"),
        ("https://site.example/company/terms-of-use", None),
        ("https://site.example/legal", None),
    ],
)
def test_another_text_at_an_address_of_another_name(final: str, expected: str | None) -> None:
    earlier = passed(text(*clauses(30)))
    assert code(judge(captured(final, asked=(URL,)), text(*clauses(30, "history")), earlier, LIMITS)) == expected


@pytest.mark.parametrize(("before", "after"), [("en", "fr"), ("de", "en"), ("ja", "en"), ("pt", "es"), ("no", "sv")])
def test_another_language_than_before_is_held_back(before: str, after: str) -> None:
    old, new = text(LANGUAGES[before]), text(*LANGUAGES[after].split(". "), LANGUAGES[after])
    refusal = judge(captured(), new, replace(passed(old), language=before), LIMITS)
    assert code(refusal) == "wrong_language"
    assert refusal is not None
    assert repr(after) in refusal.detail
    assert judge(captured(), new, replace(passed(old), language=after), LIMITS) is None
    assert judge(captured(), new, replace(passed(old), language=None), LIMITS) is None


def test_the_language_that_is_set_decides() -> None:
    reading = text(LANGUAGES["de"], LANGUAGES["de"])
    assert code(judge(captured(), reading, None, GateLimits(language="en"))) == "wrong_language"
    assert judge(captured(), reading, None, GateLimits(language="de-AT")) is None
    assert judge(captured(), reading, replace(passed(reading), language="en"), GateLimits(language="de")) is None
    norwegian = text(LANGUAGES["no"], LANGUAGES["no"])
    assert judge(captured(), norwegian, None, GateLimits(language="nb")) is None


def test_a_bilingual_document_does_not_flap() -> None:
    english, french = (tuple(LANGUAGES[name].split(". ")) * 1 for name in ("en", "fr"))
    both = text(*english, *french)
    mostly_french = text(*french, *(f"{line} bis" for line in french), *english)
    earlier = replace(passed(both), language="en")
    assert judge(captured(), mostly_french, earlier, LIMITS) is None
    assert judge(captured(), both, replace(passed(mostly_french), language="fr"), LIMITS) is None


def test_a_short_text_has_no_wrong_language() -> None:
    short = text(
        "Les conditions générales de vente sont celles qui sont affichées dans nos bureaux et sur le quai du port."
    )
    assert judge(captured(), short, Earlier(25, "en", (URL,), None), LIMITS) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", 0),
        ("one two  three", 3),
        ("ein Wort — zwei", 4),
        ("隐私政策说明", 3),
        ("Version 3 隐私政策", 4),
        ("개인정보 처리방침", 2),
        ("プライバシー", 3),
    ],
)
def test_words_are_counted_in_every_script(said: str, words: int) -> None:
    assert count_words(said) == words


lines = st.lists(st.text(min_size=1, max_size=80).map(lambda t: " ".join(t.split())).filter(bool), max_size=12)


@given(
    new=lines,
    old=lines,
    title=st.text(max_size=40),
    opening=st.text(max_size=200),
    words=st.integers(0, 5_000),
    script=st.integers(0, 10**7),
    final=st.sampled_from([URL, "https://site.example/", "https://login.example/x", "https://site.example/privacy"]),
)
def test_every_reading_gets_one_answer(
    new: list[str], old: list[str], title: str, opening: str, words: int, script: int, final: str
) -> None:
    signs = replace(SIGNS, title=title, headings=(), opening=opening, page_words=words, script_bytes=script)
    reading, before = text(*new, signs=signs), text(*old)
    for earlier in (None, passed(before), replace(passed(before), lines=None)):
        capture = captured(final, asked=(URL,))
        refusal = judge(capture, reading, earlier, LIMITS)
        assert refusal == judge(capture, reading, earlier, LIMITS)
        if refusal is None:
            assert new
        else:
            assert refusal.verdict in ("quarantined", "blocked")
            assert 0 < len(refusal.detail) <= 400
            assert "\n" not in refusal.detail
