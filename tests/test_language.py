"""Which language a text is in, and when nobody should say."""

from __future__ import annotations

import time
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.language import detect

TEXTS: dict[str, str] = tomllib.loads((Path(__file__).parent / "vectors/gate/languages.toml").read_text("utf-8"))
KIN = [("en", "fr"), ("de", "en"), ("es", "pt"), ("da", "sv"), ("cs", "pl"), ("ru", "uk"), ("ja", "en"), ("el", "en")]


@pytest.mark.parametrize("language", TEXTS)
def test_a_paragraph_is_enough(language: str) -> None:
    assert detect(TEXTS[language]) == language


@pytest.mark.parametrize("language", TEXTS)
def test_no_part_of_a_text_is_in_another_language(language: str) -> None:
    words = TEXTS[language].split()
    for start in range(0, len(words), 5):
        assert detect(" ".join(words[start : start + 25])) in {language, None}


@pytest.mark.parametrize("language", TEXTS)
def test_capitals_and_lines_do_not_matter(language: str) -> None:
    assert detect(TEXTS[language].upper()) in {language, None}
    assert detect(TEXTS[language].replace(" ", "\n")) == language


@pytest.mark.parametrize(("one", "other"), KIN)
def test_a_text_in_two_languages_is_in_none(one: str, other: str) -> None:
    both = f"{TEXTS[one]}\n{TEXTS[other]}"
    assert detect(both) is None
    assert detect("\n".join(reversed(both.split("\n")))) is None


@pytest.mark.parametrize(("one", "other"), KIN)
def test_a_share_never_turns_one_language_into_the_other(one: str, other: str) -> None:
    """From all one to all other a text passes through nobody knows: two neighbours never contradict each other."""
    parts = [f"{TEXTS[one]}\n" * (8 - n) + f"{TEXTS[other]}\n" * n for n in range(9)]
    answers = [detect(part) for part in parts]
    assert answers[0] == one
    assert answers[-1] == other
    assert {one, other} not in [set(pair) for pair in pairwise(answers)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Terms",
        "Northwind Ferries Ltd, 12 Quay Road, EX1 2MP",
        "404",
        "1 2 3 " * 500,
        "https://site.example/a/b?c=d " * 50,
        "😀" * 400,
        "| name | _ga | 13 | _gid | 24 |\n" * 40,
    ],
)
def test_what_is_no_text_has_no_language(text: str) -> None:
    assert detect(text) is None


def test_a_long_text_costs_no_more_than_a_short_one() -> None:
    text = TEXTS["en"] * 2_000
    began = time.perf_counter()
    for _ in range(20):
        assert detect(text) == "en"
    assert (time.perf_counter() - began) / 20 < 0.02


def test_a_language_without_a_word_list() -> None:
    text = (
        "Rydym yn casglu'r wybodaeth yr ydych yn ei rhoi i ni pan fyddwch yn agor cyfrif ac yn ei defnyddio i "
        "ddarparu'r gwasanaeth a'ch ateb. Gallwch ofyn i ni am gopi o'r data sydd gennym amdanoch chi. Dim ond "
        "cyhyd ag y mae'r gyfraith yn mynnu yr ydym yn ei gadw, ac nid ydym yn ei werthu i neb arall. "
    )
    assert detect(text * 3) in {"cy", None}


@given(st.text(max_size=600))
def test_any_text_gets_an_answer(text: str) -> None:
    answer = detect(text)
    assert answer is None or (len(answer) == 2 and answer.isalpha() and answer.islower())
