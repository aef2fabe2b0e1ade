"""A clause in another version: the same words, elsewhere, in other words, in pieces, or gone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.alignment import align
from archiver.watch.anchor import Quote, locate
from archiver.watch.candidates import closeness_of
from archiver.watch.follow import ABSENT, REWORDED_ELSEWHERE, REWORDED_IN_PLACE, Step, follow, nearest
from archiver.watch.text import Text, words_of

CLAUSE = (
    "We may use your files and messages to train our models, unless you opt out in your settings. "
    "Even if you opt out, we use files for training when: (1) they were flagged for review, or (2) you sent them to us."
)
FIRST = "We may use your files and messages to train our own models."
OLD = (
    "# Privacy policy",
    "We respect your privacy and explain here what we do with your data.",
    "## 1. What we collect",
    "We collect your name, your e-mail address and your payment details when you open an account.",
    "- Log data: your address, your browser and the pages you look at.",
    "## 2. What we use it for",
    "We use the data above to run the service and to send you the messages you asked for.",
    CLAUSE,
    "See section 5 for the legal bases of this processing.",
    "## 3. With whom we share it",
    "We share your data with providers that process it for us under a contract.",
    "- Providers of hosting in the European Union.",
    "## 4. How long we keep it",
    "We delete your data ninety days after you close the account.",
)


def step(new: tuple[str, ...], clause: str = CLAUSE, old: tuple[str, ...] = OLD) -> Step:
    return follow(locate(Quote(clause), old), old, new)


def swapped(old: str, new: str, lines: tuple[str, ...] = OLD) -> tuple[str, ...]:
    assert any(old in line for line in lines)
    return tuple(line.replace(old, new) for line in lines)


def test_nothing_changed() -> None:
    found = step(OLD)
    assert (found.state, found.exact, found.score, len(found.occurrences)) == ("verbatim", CLAUSE, 100, 1)


@pytest.mark.parametrize(
    "new",
    [
        ("## 0. New", "A new section comes first, with words of its own.", *OLD),
        swapped("## 2. What we use it for", "## 2. Purposes of what we use it for"),
        swapped("We use the data above to run", "We take the data above to run"),
        tuple(line for line in OLD if not line.startswith("See section 5")),
        swapped("models, unless", "models,\u00a0unless"),
    ],
    ids=["inserted before", "heading reworded", "neighbour reworded", "neighbour removed", "white space"],
)
def test_words_that_stay_are_verbatim_whatever_changes_around(new: tuple[str, ...]) -> None:
    assert step(new).state == "verbatim"


def test_another_section_is_another_place() -> None:
    others = [line for line in OLD if line != CLAUSE]
    found = step((*others, CLAUSE))
    assert (found.state, found.exact, found.score) == ("moved", CLAUSE, 100)


def test_words_among_nothing_that_was_there_are_moved() -> None:
    found = step(("# Terms of sale", "Prices include the value added tax.", CLAUSE, "Orders are final once paid."))
    assert found.state == "moved"


def test_of_two_places_the_one_with_the_old_neighbours_comes_first() -> None:
    # a copy stands where the clause stood, by characters; the clause itself is pushed far down
    before = Text(OLD[:7]).text
    found = step(("x" * (len(before) - 1), CLAUSE, "A new part with many words of its own. " * 20, *OLD))
    assert [place.line_first for place in found.occurrences] == [10, 1]
    assert found.state == "verbatim"


def test_a_rewording_is_delimited_to_its_sentences() -> None:
    new = CLAUSE.replace("train our models", "train and improve the models of our group").replace("(1)", "(i)")
    found = step(swapped(CLAUSE, f"Some things come first. {new} This sentence is new and about another thing."))
    assert (found.state, found.exact) == ("reworded", new)
    # 42 words, now 47; 40 stand in both in one order: all but “our”, which now comes after “models”, and “1”
    assert found.score == closeness_of(words_of(CLAUSE), words_of(new)) == 100 * 2 * 40 // (42 + 47)
    assert not found.occurrences[0].exact


def test_a_sentence_made_into_a_list_is_the_whole_list() -> None:
    old = "We share your data with hosting providers, with payment services, and with the tax authorities."
    new = (
        "We share your data:",
        "- with hosting providers;",
        "- with payment services; and",
        "- with the tax authorities.",
    )
    found = step(("# A", *new, "Other words stand after it."), old, ("# A", old, "Other words stand after it."))
    assert found.state == "reworded"
    assert found.exact == "\n".join(new)
    assert found.occurrences[0].line_last == 4


def test_a_like_sentence_that_was_there_before_is_no_rewording() -> None:
    other = CLAUSE.replace("files and messages", "photos and videos")
    old = (*OLD, other)
    assert step(tuple(line for line in old if line != CLAUSE), CLAUSE, old) == ABSENT
    assert step((*(line for line in OLD if line != CLAUSE), other)).state == "reworded"


@pytest.mark.parametrize("lines", [(), ("Nothing of it.",), tuple(line for line in OLD if line != CLAUSE)])
def test_a_removed_clause_is_absent(lines: tuple[str, ...]) -> None:
    assert step(lines) == ABSENT


def test_a_clause_whose_sentences_part_is_split() -> None:
    first, second = CLAUSE.split(". ", 1)
    new = tuple(f"{first}." if line == CLAUSE else line for line in OLD)
    found = step((*new, second))
    assert found.state == "split"
    assert found.pieces == (f"{first}.", second)
    assert found.exact == f"{first}.\n{second}"
    assert [place.line_first for place in found.occurrences] == [7, 14]


def test_a_clause_that_is_part_of_a_longer_sentence_now_is_reworded() -> None:
    old = "You may close your account at any time in the settings of the service."
    new = (
        "If you are of age and no invoice of yours is open at that moment, you may close your account at any time in "
        "the settings of the service, which ends this contract once we have confirmed it to you in writing."
    )
    found = step(("One.", new, "Two."), old, ("One.", old, "Two."))
    assert (found.state, found.exact, found.score) == ("reworded", new, 90)


@pytest.mark.parametrize(
    ("new", "state"),
    [
        ("unless you opt out in your settings", "verbatim"),
        ("unless you opt out in the settings of your account", "reworded"),
        ("and nobody has a say in the matter", "absent"),
    ],
)
def test_a_part_of_a_sentence_is_judged_by_its_own_words(new: str, state: str) -> None:
    found = step(swapped("unless you opt out in your settings", new), "unless you opt out in your settings")
    assert found.state == state
    if state == "reworded":
        assert found.exact == f"We may use your files and messages to train our models, {new}."


def test_following_back_is_following() -> None:
    new = swapped("train our models", "train and improve our models")
    there = step(new)
    back = follow(there.occurrences[0], new, OLD)
    assert (back.state, back.exact, back.score) == ("reworded", CLAUSE, there.score)


def test_the_nearest_passage_of_a_text() -> None:
    found = nearest("we delete the data ninety days after you close an account", Text(OLD))
    assert found is not None
    assert Text(OLD).text[found[0] : found[1]] == OLD[-1]
    assert nearest("xyzzy", OLD) is None


def test_shared_sentences_keep_one_order() -> None:
    old, new = ("A one.", "B two.", "C three.", "D four."), ("C three.", "A one.", "B two.", "E five.")
    aligned = align(Text(old), Text(new))
    assert (aligned.old, aligned.new) == ((0, 1), (1, 2))
    assert aligned.gap(range(3, 4)) == range(3, 4)


def test_a_long_clause_in_a_long_text_takes_seconds_at_most() -> None:
    clause = [f"Rule {n} of the house says that guest {n * 7} pays {n * 3} coins at gate {n % 11}." for n in range(250)]
    old = ("# Rules", *clause, "The end of the rules of the house.")
    new = tuple(line.replace("coins", "tokens") for line in old)
    begun = time.perf_counter()
    found = step(new, "\n".join(clause), old)
    assert (found.state, found.exact) == ("reworded", "\n".join(new[1:-1]))
    assert time.perf_counter() - begun < 20


LINE = st.lists(st.sampled_from("alpha beta gamma delta. epsilon; Zeta! eta (1)".split()), min_size=1).map(" ".join)


@given(st.lists(LINE, min_size=1, max_size=8), st.lists(LINE, max_size=8), st.data())
def test_a_step_keeps_its_promises(old: list[str], new: list[str], data: st.DataObject) -> None:
    text = Text(old)
    clause = data.draw(st.sampled_from(text.sentences))
    place = locate(Quote(*_around(text, clause.start, clause.end)), text)
    found = follow(place, text, new)
    stands = Text(new).text
    assert found == follow(place, text, new)
    assert (found.score == 100) is (found.state in ("verbatim", "moved"))
    assert bool(found.occurrences) is (found.exact is not None) is (found.state != "absent")
    assert bool(found.pieces) is (found.state == "split")
    for occurrence in found.occurrences:
        assert stands[occurrence.start : occurrence.end].strip()
    if found.state in ("verbatim", "moved"):
        assert words_of(found.exact or "") == clause.words


def _around(text: Text, start: int, end: int) -> tuple[str, str, str]:
    return text.text[start:end], text.text[:start], text.text[end:]


def test_a_search_that_would_take_too_long_tells_nothing() -> None:
    old = (" ".join(f"w{n % 991}" for n in range(3_800)),)
    new = tuple(" ".join(f"w{n * step % 991}" for n in range(20_000)) for step in range(2, 60))
    begun = time.perf_counter()
    assert follow(locate(Quote(old[0]), old), old, new).state == "unknown"
    assert time.perf_counter() - begun < 60


@pytest.mark.parametrize("line", ["." * 300_000, "a. " * 100_000, "; a) " * 60_000, "– é|" * 75_000, "“" * 300_000])
def test_no_line_takes_long_to_cut_or_fold(line: str) -> None:
    text = Text((line.strip(),))
    begun = time.perf_counter()
    assert len(text.sentences) + len(text.folded.text) + len(text.folded_without_numbers.text) > 0
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize(("at", "state"), [(7, "reworded"), (13, "absent")])
def test_fewer_words_suffice_where_the_clause_is_expected(at: int, state: str) -> None:
    new = "We may use what you upload to train new models."
    score = closeness_of(words_of(FIRST), words_of(new))
    assert REWORDED_IN_PLACE <= score < REWORDED_ELSEWHERE
    lines = list(swapped(CLAUSE, FIRST))
    others = [line for line in lines if line != FIRST]
    assert step((*others[:at], new, *others[at:]), FIRST, tuple(lines)).state == state


def test_lines_that_stand_many_times_belong_to_their_place() -> None:
    def rows(*products: str) -> tuple[str, ...]:
        return tuple(
            line
            for n, product in enumerate(products)
            for line in (f"Provider number {n} of the list", "United States", product)
        )

    old = rows("Products: the mail service", "Products: the map service", "Products: the chat service")
    new = rows("Products: the mail service", "Products: the map and route service", "Products: the chat service")
    found = step(new, "\n".join(old[3:6]), old)
    assert (found.state, found.exact) == ("reworded", "\n".join(new[3:6]))


def test_small_words_that_are_everywhere_are_no_rewording() -> None:
    clause = "We keep the data of the account and of the device for the time of the contract."
    other = (
        "You agree that the use of the service and of the parts of it for the good of the public, the aim of the fund "
        "and of the people in it, is the wish of the founder and of the board for the years of the plan ahead."
    )
    assert step(("One.", other, "Two."), clause, ("One.", clause, "Two.")) == ABSENT


def test_a_sentence_turned_round_is_not_split() -> None:
    old = "You can use the settings of your profile on the web site of the service to correct the data you gave us."
    new = (
        "To correct the data you gave us when you opened it, as an alternative to a letter or a call to our staff, you "
        "can use the settings of your profile on the web site of the service."
    )
    found = step(("One.", new, "Two.", "Three.", new), old, ("One.", old, "Two.", "Three."))
    assert (found.state, found.exact) == ("reworded", new)


def test_a_heading_is_part_of_a_clause_only_if_it_was() -> None:
    old = ("# A", "We sell no data of children.", "See the annex.", "# B", "The law of the land applies.")
    new = ("# A", "We sell no data.", "# Data of children", "See the annex.", "# B", "The law of the land applies.")
    assert step(new, old[1], old).exact == new[1]
    assert step(new, "\n".join(old[0:2]), old).exact == "A\nWe sell no data.\n# Data of children"
