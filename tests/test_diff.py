"""Where two texts differ: lines, words inside them, what moved, what was only split or joined."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch import diff
from archiver.watch.diff import Hunk, Word, hunks, words
from archiver.watch.wording import bare, meaning, pieces


def ops(old: str, new: str) -> list[tuple[str, str]]:
    return [(word.op, word.text) for word in words(old, new)]


def kinds(old: list[str], new: list[str]) -> list[tuple[str, int, int]]:
    return [(hunk.kind, hunk.old_line, hunk.new_line) for hunk in hunks(old, new)]


def test_equal_texts_have_no_hunks() -> None:
    assert hunks([], []) == hunks(["a", "b"], ("a", "b")) == ()


def test_a_changed_line_names_the_words() -> None:
    (hunk,) = hunks(["Title", "We keep data for 30 days."], ["Title", "We keep your data for 60 days."])
    assert hunk == Hunk(
        "replaced",
        "We keep data for 30 days.",
        "We keep your data for 60 days.",
        1,
        1,
        (
            Word("equal", "We keep"),
            Word("insert", " your"),
            Word("equal", " data for "),
            Word("delete", "30"),
            Word("insert", "60"),
            Word("equal", " days."),
        ),
    )


def test_lines_that_came_and_went_stand_together() -> None:
    assert hunks(["a"], ["a", "b", "c"]) == (Hunk("added", "", "b\nc", 1, 1, (Word("insert", "b\nc"),)),)
    assert hunks(["a", "b", "c"], ["c"]) == (Hunk("removed", "a\nb", "", 0, 0, (Word("delete", "a\nb"),)),)
    assert kinds([], ["x"]) == [("added", 0, 0)]


def test_a_block_that_stands_elsewhere_is_moved_as_one() -> None:
    old = ["top", "clause one", "clause two", "x", "y", "z", "end"]
    new = ["top", "x", "y", "z", "clause one", "clause two", "end"]
    text = "clause one\nclause two"
    assert hunks(old, new) == (Hunk("moved", text, text, 1, 4, (Word("equal", text),)),)


def test_a_line_that_came_twice_is_moved_once_and_added_once() -> None:
    assert kinds(["x", "a", "b", "c"], ["a", "b", "c", "x", "d", "x"]) == [("moved", 0, 3), ("added", 4, 4)]


def test_of_several_changed_lines_those_that_are_alike_are_compared() -> None:
    old = ["Fees are due in advance each month.", "Disputes go to the courts of Malta.", "We sell no data."]
    new = [
        "A new clause about cats.",
        "Disputes go to the courts of Ireland.",
        "Fees for all plans are due each month.",
    ]
    found = hunks(old, new)
    (courts,) = [h for h in found if h.old.startswith("Disputes")]
    assert [w.text for w in courts.words if w.op != "equal"] == ["Malta", "Ireland"]


@pytest.mark.parametrize("turn", [1, -1])
def test_a_line_split_in_two_or_joined_differs_in_spaces_only(turn: int) -> None:
    whole = ["before", "You own your content. We need a licence to show it.", "after"]
    split = ["before", "You own your content.", "We need a licence to show it.", "after"]
    old, new = (whole, split)[::turn]
    (hunk,) = hunks(old, new)
    assert hunk.kind == "replaced"
    assert [w.text for w in hunk.words if w.op != "equal"] == [" ", "\n"][::turn]


def test_a_line_split_into_many_with_an_edit_stays_together() -> None:
    old = ["intro", "You must not: copy the service; sell the service; break any law; annoy other people."]
    new = ["intro", "You must not:", "copy the service;", "sell the product;", "break any law;", "annoy other people."]
    (hunk,) = hunks(old, new)
    assert (hunk.kind, hunk.old_line, hunk.new_line) == ("replaced", 1, 1)
    assert ("delete", "service") in [(w.op, w.text) for w in hunk.words]


def test_short_agreements_in_rewritten_text_are_not_kept() -> None:
    found = ops("Nothing herein obliges the company a jot", "Everything there binds a provider whatsoever")
    assert found == [
        ("delete", "Nothing herein obliges the company a jot"),
        ("insert", "Everything there binds a provider whatsoever"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "gone", "come"),
    [
        ("我们不会出售您的数据", "我们会出售您的数据", "不", ""),
        ("データは30日間保存されます", "データは60日間保存されます", "30", "60"),
        ("サービスを利用する", "サーバーを利用する", "サービス", "サーバー"),
        ("เราไม่ขายข้อมูล", "เราขายข้อมูล", "ไม่", ""),
        ("데이터를 판매하지 않습니다", "데이터를 판매합니다", "판매하지 않습니다", "판매합니다"),
        ("हम डेटा नहीं बेचते", "हम डेटा बेचते", " नहीं", ""),
        ("l’utilisateur à 1.5 %", "l’abonné à 1.75 %", "utilisateur à 1.5", "abonné à 1.75"),
    ],
)
def test_words_of_many_scripts(old: str, new: str, gone: str, come: str) -> None:
    found = ops(old, new)
    assert "".join(text for op, text in found if op == "delete") == gone
    assert "".join(text for op, text in found if op == "insert") == come


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Don’t pay 1.5 % or €20!", ["don't", "pay", "1.5", "%", "or", "€", "20"]),
        ("opt\u00ad-out\u200b, “yes”", ["opt", "out", "yes"]),
        ("10² m² ½ ﬁne™", ["10", "^", "2", "m", "^", "2", "1/2", "fine"]),
        ("-5 < 3; 2010–2012; 18+", ["-", "5", "<", "3", "2010-2012", "18", "+"]),
        ("☑ yes → no", ["☑", "yes", "no"]),
        ("हिन्दी", ["हिन्दी"]),
        ("", []),
        ("– * –", []),
    ],
)
def test_the_words_of_a_line(line: str, found: list[str]) -> None:
    assert meaning(line) == found


@pytest.mark.parametrize(
    ("line", "without"),
    [
        ("### 3. Fees", "3. Fees"),
        ("  - an item", "an item"),
        ("    12. an item", "an item"),
        ("(b) an item", "an item"),
        ("> quoted", "quoted"),
        ("1. Januar 2025", "1. Januar 2025"),
        ("1. May we ask?", "May we ask?"),
        ("2025. A year", "2025. A year"),
        ("A. Smith", "A. Smith"),
    ],
)
def test_the_mark_of_a_line_is_no_part_of_its_words(line: str, without: str) -> None:
    assert bare(line) == without


lines = st.lists(
    st.sampled_from(["a", "b c", "b d", "- a", "the cat sat", "the cat sat on a mat", "on a mat"]), max_size=12
)
text = st.text(st.sampled_from("ab  \n.'’1é不データไม่\u200b\u0301"), max_size=30)


@given(text)
def test_the_pieces_of_a_line_are_the_line(line: str) -> None:
    assert "".join(pieces(line)) == line


@given(text, text)
def test_words_rebuild_both_texts(old: str, new: str) -> None:
    found = words(old, new)
    assert "".join(word.text for word in found if word.op != "insert") == old
    assert "".join(word.text for word in found if word.op != "delete") == new
    assert all(word.text for word in found)
    assert (old == new) == all(word.op == "equal" for word in found)


def rebuild(old: list[str], found: tuple[Hunk, ...]) -> list[str]:
    """Apply hunks to the old text: what leaves it, then what enters, from the first line of the new text on."""
    left: list[str | None] = list(old)
    for hunk in found:
        if hunk.kind != "added":
            size = hunk.old.count("\n") + 1
            assert old[hunk.old_line : hunk.old_line + size] == hunk.old.split("\n")
            left[hunk.old_line : hunk.old_line + size] = [None] * size
    new = [line for line in left if line is not None]
    for hunk in sorted(found, key=lambda hunk: hunk.new_line):
        if hunk.kind != "removed":
            new[hunk.new_line : hunk.new_line] = hunk.new.split("\n")
    return new


@given(lines, lines)
def test_hunks_lead_from_the_old_text_to_the_new(old: list[str], new: list[str]) -> None:
    found = hunks(old, new)
    assert rebuild(old, found) == new
    assert bool(found) == (old != new)
    for hunk in found:
        assert "".join(word.text for word in hunk.words if word.op != "insert") == hunk.old
        assert "".join(word.text for word in hunk.words if word.op != "delete") == hunk.new
        assert hunk.kind != "moved" or hunk.old == hunk.new
    assert [hunk.new_line for hunk in found] == sorted(hunk.new_line for hunk in found)


@given(lines, lines)
def test_above_the_ceiling_the_hunks_still_lead_to_the_new_text(old: list[str], new: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diff, "MOST_CELLS", 9)
        patch.setattr(diff, "MOST_WORK", 60)
        assert rebuild(old, hunks(old, new)) == new


def test_a_line_of_a_million_characters_is_compared_in_sentences() -> None:
    sentences = [f"Clause {n} says that party {n % 7} pays {n} euros. " for n in range(22_000)]
    old = "".join(sentences)
    assert len(old) > 1_000_000
    new = old.replace("party 3 pays 15578 euros", "party 3 pays nothing").replace("Clause 40 says", "Clause 40 states")
    started = time.process_time()
    changed = [(word.op, word.text) for word in words(old, new) if word.op != "equal"]
    assert time.process_time() - started < 5
    assert changed == [("delete", "says"), ("insert", "states"), ("delete", "15578 euros"), ("insert", "nothing")]


def test_a_million_characters_without_one_sentence_in_common_end_in_time() -> None:
    old, new = " ".join(["abcd"] * 200_000), " ".join(["efgh"] * 200_000)
    started = time.process_time()
    (hunk,) = hunks([old], [new])
    assert time.process_time() - started < 5
    assert [word.op for word in hunk.words] == ["delete", "insert"]


def test_many_lines_beyond_the_ceiling_are_cut_at_lines_that_occur_once() -> None:
    old = [f"line {n}" for n in range(20_000)]
    new = [*old[:7_000], "an added line", *old[7_000:15_000], "line 15000 reworded", *old[15_001:]]
    assert len(old) * len(new) > diff.MOST_CELLS
    assert kinds(old, new) == [("added", 7_000, 7_000), ("replaced", 15_000, 15_001)]
