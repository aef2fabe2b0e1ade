"""Tables: as tabulate sets them where there is room, wrapped and whole where there is none."""

from __future__ import annotations

import string

import pytest
import tabulate
from hypothesis import given
from hypothesis import strategies as st

from archiver.cli.columns import laid_out, shown

WORD = st.text(string.ascii_letters + string.digits + "-:", min_size=1, max_size=12)
CELL = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
TABLES = st.integers(1, 4).flatmap(
    lambda n: st.tuples(
        st.lists(CELL, min_size=n, max_size=n), st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=1, max_size=5)
    )
)


@pytest.fixture(autouse=True)
def _in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10000")


@given(TABLES)
def test_with_room_it_is_the_table_that_tabulate_sets(table: tuple[list[str], list[list[str]]]) -> None:
    headers, rows = table
    tabulate.MIN_PADDING = 0
    assert laid_out(headers, rows) == tabulate.tabulate(rows, headers, tablefmt="simple", disable_numparse=True)


@given(TABLES)
def test_wrapped_it_keeps_every_word_whole_and_in_order(table: tuple[list[str], list[list[str]]]) -> None:
    headers, rows = table
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "40")
        lines = laid_out(headers, rows).splitlines()
    rule = lines[1]
    starts = [0, *(n + 1 for n in range(1, len(rule)) if rule[n] == " " and rule[n + 1] == "-")]
    ends = [*starts[1:], None]
    for number, (a, b) in enumerate(zip(starts, ends, strict=True)):
        words = [word for line in lines[2:] for word in line[a:b].split()]
        assert words == [word for row in rows for word in row[number].split()]


def test_it_fits_where_there_are_words_to_break_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    digest = "f" * 30
    text = laid_out(("digest", "reason"), [(digest, "the matter is settled and nobody asked for more of it")])
    assert max(map(len, text.splitlines())) <= 60 and digest in text and "settled" in text


def test_wide_letters_take_two_columns_and_marks_none() -> None:
    rows = [("日本", "EA-S-1"), ("plain", "EA-S-2"), ("e\u0301te\u0301", "EA-S-3"), (None, 4)]
    lines = laid_out(("hold", "on"), rows).splitlines()
    assert lines[2:5] == ["日本   EA-S-1", "plain  EA-S-2", "e\u0301te\u0301    EA-S-3"]
    assert (shown("日本"), shown("e\u0301"), shown("ab")) == (4, 1, 2)
    assert lines[5] == "       4"


def test_a_table_without_rows_has_its_headings() -> None:
    assert laid_out(("a", "bb"), []) == "a  bb\n-  --"


def test_a_cell_of_several_lines_is_as_wide_as_its_longest() -> None:
    assert laid_out(("a", "b"), [("one\nthree", "x")]).splitlines() == ["a      b", "-----  -", "one    x", "three"]
