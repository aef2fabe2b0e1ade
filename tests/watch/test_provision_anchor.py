"""Quotes as people paste them are found at the right characters; what is not there, or not once, is said."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UsageError
from archiver.watch.anchor import AROUND, MAX_CLAUSE, Occurrence, Quote, find, locate, mark
from archiver.watch.fold import fold
from archiver.watch.text import Text, words_of

LINES = (
    "# Terms of use",
    "## 1. Your data",
    "We may share your data with partners. We share it for these purposes:",
    "- to provide the “Services” – and to improve them;",
    "- to train our models, unless you opt\u00a0out.",
    "1. First you write to us.",
    "2. Then we answer within 30 days.",
    "| Data | Purpose |",
    "| E\u2011mail address | Newsletters |",
    "## 2. Our rights",
    "We may share your data with partners. Nothing else changes.",
    "> Die Straße heißt „Am Bäcker‑Weg“ und liegt bei der Ma\u00adri\u00aden\u00adkir\u00adche.",
)


def stretch(quote: str, lines: tuple[str, ...] = LINES) -> str:
    place = locate(Quote(quote), lines)
    return Text(lines).text[place.start : place.end]


@pytest.mark.parametrize(
    ("pasted", "stands"),
    [
        ('to provide the "Services" - and to improve them;', "to provide the “Services” – and to improve them;"),
        ("to train our models,\n   unless you opt out.", "to train our models, unless you opt\u00a0out."),
        ("• to train our models, unless you opt out.", "to train our models, unless you opt\u00a0out."),
        ("## 2. Our rights", "2. Our rights"),
        ("“Nothing else changes.”", "Nothing else changes."),
        ("E-mail address\tNewsletters", "E\u2011mail address | Newsletters"),
        ("liegt bei der Marienkirche.", "liegt bei der Ma\u00adri\u00aden\u00adkir\u00adche."),
        ('Die Straße heißt "Am Bäcker-Weg"', "Die Straße heißt „Am Bäcker‑Weg“"),
        (unicodedata.normalize("NFD", "heißt „Am Bäcker"), "heißt „Am Bäcker"),
        ("with\u200b partners. Nothing\u2028else", "with partners. Nothing else"),
        ("answer within ３０ days", "answer within 30 days"),
    ],
)
def test_pasted_words_are_found(pasted: str, stands: str) -> None:
    assert stretch(pasted) == stands


@pytest.mark.parametrize(
    "pasted",
    [
        "purposes:\n- to provide the “Services” – and to improve them;\n- to train our models",
        "purposes:\nto provide the “Services” – and to improve them;\nto train our models",
        "purposes: to provide the “Services” – and to improve them; to train our models",
        "purposes: • to provide the “Services” – and to improve them; • to train our models",
    ],
)
def test_a_clause_may_span_lines(pasted: str) -> None:
    place = locate(Quote(pasted), LINES)
    assert (place.line_first, place.line_last) == (2, 4)
    text = Text(LINES).text
    assert text[place.start :].startswith("purposes:")
    assert text[: place.end].endswith("- to train our models")
    assert place.exact is (pasted == text[place.start : place.end])


@pytest.mark.parametrize(
    "pasted",
    [
        "First you write to us.\nThen we answer",
        "1. First you write to us.\n2. Then we answer",
        "1. First you write to us. 2. Then we answer",
        "First you write to us. 2. Then we answer",
    ],
)
def test_numbers_of_a_list_may_be_there_or_not(pasted: str) -> None:
    assert stretch(pasted).endswith("First you write to us.\n2. Then we answer")


def test_characters_one_by_one_are_told_from_folded_ones() -> None:
    assert locate(Quote("the “Services” – and"), LINES).exact
    assert not locate(Quote('the "Services" - and'), LINES).exact


@pytest.mark.parametrize("pasted", ["we answer within", "share your dat", "rain our models", "Terms of Use"])
def test_case_and_whole_words_count(pasted: str) -> None:
    assert bool(find(Quote(pasted), LINES)) is (pasted == "we answer within")


def test_a_script_without_spaces_has_no_words_to_cut() -> None:
    lines = ("私たちはデータを共有します。変更はありません。",)
    assert stretch("データを共有", lines) == "データを共有"


def test_twice_is_an_error_that_says_how_often_and_how_to_narrow_it() -> None:
    with pytest.raises(UsageError, match=r"stand 2 times, in lines 3, 11; quote more, or give .* \(prefix\)") as caught:
        locate(Quote("We may share your data with partners."), LINES)
    assert "Our rights" in caught.value.do


@pytest.mark.parametrize(
    ("quote", "line"),
    [
        (Quote("We may share your data with partners.", prefix="Our rights\n"), 10),
        (Quote("We may share your data with partners.", prefix="## 1. Your data"), 2),
        (Quote("We may share your data with partners.", suffix=" We share it"), 2),
        (Quote("We may share your data with partners.", "Our rights", "Nothing"), 10),
    ],
)
def test_what_stands_around_decides(quote: Quote, line: int) -> None:
    assert locate(quote, LINES).line_first == line


@pytest.mark.parametrize("pasted", ["Nothingelse changes.", "No thing else chan ges .", "Nothing\nelsechanges ."])
def test_white_space_that_a_pdf_lost_or_added_is_forgiven_when_marking(pasted: str) -> None:
    assert stretch(pasted) == "Nothing else changes."
    assert find(Quote(pasted), LINES) == []
    assert stretch("opt out.1.First you") == "opt\u00a0out.\n1. First you"
    with pytest.raises(UsageError, match="do not stand"):
        stretch("Nothingelse change")


def test_places_may_overlap() -> None:
    found = find(Quote("data and data"), ("data and data and data",))
    assert [(place.start, place.end) for place in found] == [(0, 13), (9, 22)]


def test_around_that_fits_nowhere_is_said() -> None:
    with pytest.raises(UsageError, match="stand 2 times, but not with this prefix"):
        locate(Quote("We may share your data with partners.", prefix="Annex"), LINES)


def test_the_nearest_passage_is_named_with_its_score() -> None:
    with pytest.raises(UsageError, match=r"do not stand in this version.*line 5, score 8\d of 100") as caught:
        locate(Quote("to train all models, unless you opt out."), LINES)
    assert "to train our models, unless you opt out." in caught.value.do


def test_words_that_are_nowhere_near_still_get_an_answer() -> None:
    with pytest.raises(UsageError, match="copy them from the version"):
        locate(Quote("zebra quagga"), LINES)


@pytest.mark.parametrize("empty", ["", " \n", "…", "- – •", "#"])
def test_a_quote_without_words_is_refused(empty: str) -> None:
    with pytest.raises(UsageError, match="no words"):
        locate(Quote(empty), LINES)


def test_a_clause_has_a_ceiling_and_a_search_none_that_hurts() -> None:
    with pytest.raises(UsageError, match="at most 20,000 characters, this one has 1,000,000"):
        locate(Quote("word " * 200_000), LINES)
    line = "We keep your data for a year, and then we delete it. " * 19_000
    begun = time.perf_counter()
    assert find(Quote(line), (line.strip(),))
    assert not find(Quote(line[5:] + "x"), (line.strip(),))
    assert time.perf_counter() - begun < 10


def test_a_search_ends_after_a_thousand_places() -> None:
    lines = ("a " * 2_000,)
    assert len(find(Quote("a"), lines)) == 1_000
    with pytest.raises(UsageError, match="stand 1,000 times or more, in lines 1"):
        locate(Quote("a"), lines)


def test_a_marked_clause_keeps_what_stands_around_it() -> None:
    place = find(Quote("We may share your data with partners."), LINES)[1]
    quote = mark(place, LINES)
    assert (quote.prefix[-13:], quote.suffix[:9]) == ("2. Our rights\n"[-13:], " Nothing ")
    assert len(quote.prefix) == len(quote.suffix) == AROUND
    assert locate(quote, LINES) == place


WORDS = st.lists(st.sampled_from(["data", "“quoted”", "– dash", "\u00a0x", "a\u00adb", "ﬁn", "1.", "you;", "É", "|"]))


@given(st.lists(WORDS.map(" ".join).filter(str.strip), min_size=1, max_size=6), st.data())
def test_every_stretch_of_whole_words_is_found_where_it_stands(lines: list[str], data: st.DataObject) -> None:
    text = Text([" ".join(line.split()) for line in lines]).text
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    stretched = text[start:end]
    if not words_of(stretched) or stretched != stretched.strip():
        return
    if any(text[place - 1 : place + 1].isalnum() for place in (start, end) if place):
        return
    found = find(Quote(stretched), text.split("\n")[:-1])
    assert found
    # a dash or a number may begin a line, where it is a sign, and stand within another, where it is quoted
    if not {"–", "1."} & set(stretched.split()):
        assert any(place.start < end and start < place.end for place in found)


@given(st.text(max_size=60), st.lists(st.text(max_size=40), max_size=5))
def test_any_text_is_searched_without_harm(quote: str, lines: list[str]) -> None:
    text = Text([" ".join(line.split()) for line in lines])
    for place in find(Quote(quote), text):
        assert 0 <= place.start < place.end <= len(text.text)
        assert place.line_first <= place.line_last < len(text.lines)


@given(st.lists(st.text(st.characters(exclude_characters="\n")), max_size=4))
def test_folding_leads_back_to_the_original(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    folded = fold(lines, markers=False)
    for place in range(len(folded.text)):
        start, end = folded.start(place), folded.end(place + 1)
        assert 0 <= start < end <= len(text)
        original = fold(text[start:end].split("\n"), markers=False).text
        assert folded.text[place] in original or folded.text[place] == " "


def test_lines_and_headings_are_known() -> None:
    text = Text(LINES)
    place = locate(Quote("Nothing else changes."), text)
    assert place == Occurrence(place.start, place.end, 10, 10, True)
    assert text.heading_above(place.start) == "2. Our rights"
    assert Text(("no heading",)).heading_above(3) is None
    assert len(Quote("x" * MAX_CLAUSE).exact) == MAX_CLAUSE


def test_sentences_end_where_people_end_them() -> None:
    text = Text(
        ("Under Art. 6 you may object, e.g. by mail. Ask Dr. No! (a) one; (b) two; and more. 已经完成。再见。",)
    )
    assert [text.text[s.start : s.end] for s in text.sentences] == [
        "Under Art. 6 you may object, e.g. by mail.",
        "Ask Dr. No!",
        "(a) one;",
        "(b) two; and more.",
        "已经完成。",
        "再见。",
    ]
