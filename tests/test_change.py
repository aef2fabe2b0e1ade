"""The class of a change: which differences are a new wording and which are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.change import classify, only_dates, summary
from archiver.watch.diff import hunks

CLAUSES = ["# Terms", "You own your content.", "We may show it to others.", "- by post", "- by mail", "The end."]


def test_equal_texts_have_no_class() -> None:
    assert classify(CLAUSES, tuple(CLAUSES)) is None
    assert classify([], []) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("We may sell data.", "We may not sell data."),
        ("within 30 days", "within 60 days"),
        ("a fee of 1.5 %", "a fee of 15 %"),
        ("a fee of $10", "a fee of €10"),
        ("a fee of 10 %", "a fee of 10"),
        ("aged 18+", "aged 18"),
        ("a balance of -5", "a balance of 5"),
        ("less than < 5 %", "less than 5 %"),
        ("Last updated: 1 May 2024", "Last updated: 3 June 2024"),
        ("Updated 03/04/2025", "Updated 03.04.2025"),
        ("Anthony shall pay", "Antony shall pay"),
        ("its users", "it's users"),
        ("we’re bound", "were bound"),
        ("Section § 5", "Section 5"),
        ("| Ads | ☑ |", "| Ads | ☐ |"),
        ("1. Januar 2025", "2. Januar 2025"),
        ("# 3. Fees", "# 4. Fees"),
        ("我们不会出售数据", "我们会出售数据"),
        ("เราไม่ขายข้อมูล", "เราขายข้อมูล"),
        ("10²", "102"),
        ("optout", "opt out"),
        ("5-10", "5, 10"),
    ],
)
def test_one_word_number_or_sign_is_wording(old: str, new: str) -> None:
    assert classify(["a", old, "b"], ["a", new, "b"]) == "wording"
    assert classify(["a", new, "b"], ["a", old, "b"]) == "wording"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('We "may" share it', "We “may” share it"),
        ("don't", "don’t"),
        ("opt-out", "opt\u2011out"),
        ("opt-out", "opt out"),
        ("a, b and c", "a b, and c"),
        ("The End.", "THE END"),
        ("ﬁnal", "final"),
        ("a word", "a wo\u00adrd\u200b"),
        ("2010-2012", "2010–2012"),
        ("5–10 days", "5 - 10 days"),
        ("Name™ and Name®", "Name and Name"),
        ("« bonjour »", "“bonjour”"),
        ("ＡＢＣ１２３", "ABC123"),
        ("我们，保护", "我们保护"),
        ("see → here", "see here"),
    ],
)
def test_marks_case_and_typography_are_punctuation(old: str, new: str) -> None:
    assert classify(["a", old, "b"], ["a", new, "b"]) == "punctuation"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["Fees"], ["## Fees"]),
        (["## Fees"], ["### Fees"]),
        (["- one", "- two"], ["1. one", "2. two"]),
        (["3. one", "4. two"], ["4. one", "5. two"]),
        (["  - one"], ["- one"]),
        (["a) one"], ["b) one"]),
        (["One thing. And another."], ["One thing.", "And another."]),
        (["| a | b |"], ["a b"]),
        (["| a | b |"], ["- a", "- b"]),
        (["> quoted"], ["quoted"]),
        (["使用 Google 服务"], ["使用Google服务"]),
        (["at most 10MB for 20€"], ["at most 10 MB for 20 €"]),
        (["a", "clause one moves", "b", "c"], ["a", "b", "c", "clause one moves"]),
        (["• an item"], ["an item"]),
        (["a", "clause one moves", "b", "c"], ["a", "b", "c", "## clause one moves"]),
    ],
)
def test_form_and_order_are_layout(old: list[str], new: list[str]) -> None:
    assert classify(["start", *old, "end"], ["start", *new, "end"]) == "layout"
    assert classify(["start", *new, "end"], ["start", *old, "end"]) == "layout"


def test_a_list_that_moved_with_its_heading_is_layout_an_item_under_other_words_is_wording() -> None:
    old = ["We will:", "- keep data", "- tell you", "We will not:", "- sell data", "The end."]
    assert classify(old, [*old[3:5], *old[:3], old[5]]) == "layout"
    assert (
        classify(old, ["We will:", "- keep data", "- tell you", "- sell data", "We will not:", "The end."]) == "wording"
    )


def test_a_repeated_clause_is_wording() -> None:
    assert classify(CLAUSES, [*CLAUSES, CLAUSES[1]]) == "wording"


def test_the_gravest_difference_counts() -> None:
    moved = [CLAUSES[0], *CLAUSES[2:5], CLAUSES[1], CLAUSES[5]]
    assert classify(CLAUSES, [line.replace("end.", "end") for line in moved]) == "punctuation"
    assert classify(CLAUSES, [line.replace("may", "shall") for line in moved]) == "wording"


def test_swapped_words_are_wording_although_the_words_are_the_same() -> None:
    assert classify(["You pay us."], ["Us pay you."]) == "wording"
    assert classify(["The buyer pays.", "The seller ships."], ["The seller pays.", "The buyer ships."]) == "wording"


texts = st.lists(st.text(st.sampled_from("ab .,\u200b“-1#|"), min_size=1, max_size=8), max_size=6)


@given(texts, texts)
def test_a_class_is_the_same_in_both_directions(old: list[str], new: list[str]) -> None:
    assert classify(old, new) == classify(new, old)
    assert (classify(old, new) is None) == (old == new)


@given(st.permutations(["alpha beta", "gamma delta", "epsilon", "zeta eta theta"]))
def test_paragraphs_in_another_order_are_never_wording(order: list[str]) -> None:
    assert classify(["alpha beta", "gamma delta", "epsilon", "zeta eta theta"], order) in (None, "layout")


def test_a_summary_counts_words_and_lines() -> None:
    old = ["We keep data.", "gone now", "x", "y", "moved line"]
    new = ["moved line", "We keep your own data.", "x", "y", "two new", "lines"]
    assert summary(hunks(old, new)) == {
        "words_added": 5,
        "words_removed": 2,
        "lines_added": 2,
        "lines_removed": 1,
        "lines_moved": 1,
    }
    assert summary(hunks(["3. one", "a b"], ["4. one", "a", "b"])) == dict.fromkeys(summary([]), 0)
    assert summary([]) == dict.fromkeys(summary([]), 0)


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        (["Last updated: May 1, 2024"], ["Last updated: June 3, 2024"], True),
        (["Effective May 1, 2024 (previous version)"], ["Effective May 2, 2024 (previous version)"], True),
        (["Last updated: May 1, 2024"], ["Last revised: June 3, 2024"], False),
        (["Last updated: May 1, 2024", "30 days"], ["Last updated: June 3, 2024", "60 days"], False),
        (["You may until 1 May 2024"], ["You may until 3 June 2024"], False),
        (["Stand: 1. Mai 2024"], ["Stand: 3. Juni 2024"], True),
        (["最終更新日：2024年4月1日"], ["最終更新日：2024年5月1日"], True),
        ([], ["Last updated: June 3, 2024"], True),
        ([], ["Last updated June 3, 2024 to say that we sell your data"], False),
        (["same"], ["same"], False),
        (["Hello world"], ["Hello, world"], False),
        (["Last updated: May 1, 2024", "two words"], ["Last updated: June 3, 2024 two words"], False),
    ],
)
def test_a_revision_of_the_date_alone_is_seen(old: list[str], new: list[str], answer: bool) -> None:
    assert only_dates(hunks(["# Terms", *old, "x"], ["# Terms", *new, "x"])) is answer
    if answer:
        assert classify(old, new) == "wording"
