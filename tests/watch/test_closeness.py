"""Scores of wordings: counted by hand, equal in both directions; and queries that nothing can break out of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UsageError
from archiver.watch.closeness import MAX_TERMS, Passage, closest, fts_terms, prevalence, score, shared_words

CLAUSE = "We may use your files to train our models, unless you opt out."


def test_a_score_can_be_counted_by_hand() -> None:
    # telling words: use files train models unless opt | use content train models unless object
    # words: 2·4 of 6+6; pairs: train-models and models-unless, 2·2 of 5+5; half of each
    other = "We use content to train models, unless you object."
    assert score(CLAUSE, other) == (100 * 8 // 12 + 100 * 4 // 10) // 2 == 53
    assert shared_words(CLAUSE, other) == ["use", "train", "models", "unless"]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (CLAUSE, CLAUSE.upper(), 100),
        (CLAUSE, CLAUSE.replace(" ", "\n").replace(",", " –"), 100),
        ("Cookies", "cookies!", 100),
        ("Cookies", "cookies policy", 33),
        ("to be or not to be", "to be or not to be", 100),
        (CLAUSE, "Nothing shared here", 0),
        (CLAUSE, "", 0),
        ("", "", 0),
        ("…", "…", 0),
    ],
)
def test_scores(a: str, b: str, expected: int) -> None:
    assert score(a, b) == score(b, a) == expected


TEXT = st.lists(st.sampled_from("we train models files use unless opt data the".split()), max_size=9).map(" ".join)


@given(TEXT | st.text(max_size=30), TEXT | st.text(max_size=30))
def test_scores_are_whole_symmetrical_and_bounded(a: str, b: str) -> None:
    assert score(a, b) == score(b, a)
    assert type(score(a, b)) is int
    assert 0 <= score(a, b) <= 100
    assert score(a, a) in (0, 100)


PASSAGES = [
    Passage("b", CLAUSE, "one"),
    Passage("a", CLAUSE, "two"),
    Passage("c", "We may use your files to train our models.", "two"),
    Passage("d", "Your content helps us to train models, unless you object.", "three"),
    Passage("e", "Cookies are small files.", "four"),
    Passage("f", "Nothing of it.", "five"),
]


def test_the_likest_come_first_and_equal_ones_by_id() -> None:
    found = closest(CLAUSE, PASSAGES, 4)
    assert [name for name, _ in found] == ["a", "b", "c", "d"]
    assert [value for _, value in found] == [100, 100, score(CLAUSE, PASSAGES[2].text), score(CLAUSE, PASSAGES[3].text)]
    assert closest(CLAUSE, reversed(PASSAGES), 4) == found
    assert [name for name, _ in closest(CLAUSE, PASSAGES, 99)] == ["a", "b", "c", "d", "e"]
    assert closest(CLAUSE, PASSAGES, 0) == closest(CLAUSE, PASSAGES, -1) == []


def test_prevalence_counts_documents() -> None:
    found = prevalence(CLAUSE, PASSAGES)
    assert (found.documents, found.of, found.threshold) == (2, 5, 60)
    assert prevalence(CLAUSE, PASSAGES, threshold=1).documents == 4
    assert prevalence(CLAUSE, [Passage("x", CLAUSE), Passage("y", CLAUSE)]).documents == 2
    assert prevalence(CLAUSE, []).of == 0
    # a document that has the clause has it, whatever passages of it come after
    assert prevalence(CLAUSE, [Passage("x", CLAUSE, "one"), Passage("y", "Other words.", "one")]).documents == 1
    for threshold in (0, 101):
        with pytest.raises(UsageError, match="threshold"):
            prevalence(CLAUSE, PASSAGES, threshold=threshold)


@pytest.fixture
def index() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("create virtual table passage using fts5(text)")
    for passage in PASSAGES:
        connection.execute("insert into passage(text) values (?)", (passage.text,))
    connection.execute("insert into passage(text) values ('Die Straße heißt nach ihm, l’été dernier')")
    yield connection
    connection.close()


def found(index: sqlite3.Connection, query: str) -> int:
    return int(index.execute("select count(*) from passage where passage match ?", (query,)).fetchone()[0])


def test_a_query_is_the_telling_words(index: sqlite3.Connection) -> None:
    query = fts_terms(CLAUSE)
    assert query == '"models" OR "unless" OR "files" OR "train" OR "use" OR "opt"'
    assert found(index, query) == 5
    assert found(index, fts_terms("DIE STRASSE, die Straße")) == 1
    assert found(index, fts_terms("L'Été")) == 1
    assert fts_terms("to be or not to be") == '"not" OR "to" OR "be" OR "or"'
    assert fts_terms(" ".join(f"word{n}" for n in range(99))).count('"') == 2 * MAX_TERMS
    assert fts_terms("lone \ud800surrogate") == '"surrogate" OR "lone"'
    assert fts_terms("x" * 65) == fts_terms("…") == fts_terms("") == '""'


HOSTILE = st.sampled_from(['" OR 1', "NEAR(a b)", "text:a*", "^a - b", "\0"])


@given(st.text(st.characters(exclude_categories=())) | HOSTILE)
def test_nothing_of_a_clause_acts_as_a_query(text: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("create virtual table passage using fts5(text)")
    connection.execute("insert into passage(text) values ('zzz')")
    query = fts_terms(text)
    assert query.replace('"', "").split(" OR ") == query[1:-1].split('" OR "')
    assert found(connection, query) == ("zzz" in query)
    connection.close()
