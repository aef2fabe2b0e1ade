"""New, back again, or several at once: what a row of versions says of a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.variants import (
    RETURN_WITHIN_S,
    SETTLED_CHECKS,
    SETTLED_S,
    WINDOW,
    Placement,
    nearest,
    place,
    valid_variants,
)

HOUR, DAY = 3600.0, 86400.0


def story(versions: str, every: float = 6 * HOUR) -> list[tuple[int, float]]:
    """``"AAB"`` as a past: A is version 1, B version 2, … one check after the other."""
    return [(ord(name) - ord("A") + 1, n * every) for n, name in enumerate(versions)]


def placed(versions: str, every: float = 6 * HOUR) -> list[Placement]:
    past = story(versions, every)
    found = []
    for n, (version, at) in enumerate(past):
        known = version if any(version == before for before, _ in past[:n]) else None
        found.append(place(past[:n], known, at))
    return found


def outcomes(versions: str, every: float = 6 * HOUR) -> list[str]:
    short = {"unchanged": "=", "new_version": "new", "varying": "varying"}
    return [short[p.outcome] + (f" {p.change_hint}" if p.change_hint else "") for p in placed(versions, every)]


def test_a_first_text_and_a_change_are_new_versions_whose_class_the_words_decide() -> None:
    assert outcomes("AAB") == ["new", "=", "new"]
    assert [p.compare_with for p in placed("AAB")] == [(), (), (1,)]


def test_the_first_return_is_a_reversion_and_is_told() -> None:
    assert outcomes("ABA") == ["new", "new", "new reversion"]
    assert not placed("ABA")[-1].held


def test_from_the_second_return_on_the_document_varies_and_alerts_are_held() -> None:
    assert outcomes("ABABABB")[3:] == ["varying variant"] * 3 + ["="]
    assert all(p.held for p in placed("ABABAB")[3:])
    assert valid_variants(story("ABAB")) == (1, 2)
    assert valid_variants(story("ABA")) == (1,)
    assert valid_variants([]) == ()


def test_three_wordings_in_turn_vary_too() -> None:
    assert outcomes("ABCAB")[3:] == ["new reversion", "varying variant"]
    assert valid_variants(story("ABCAB")) == (1, 2, 3)


def test_a_wording_from_before_the_alternation_is_no_variant() -> None:
    assert valid_variants(story("DABAB")) == (1, 2)
    assert outcomes("DABABD")[-1] == "new reversion"


def test_a_new_wording_while_varying_is_compared_with_every_variant_and_joins_them() -> None:
    last = placed("ABABC")[-1]
    assert (last.outcome, last.change_hint, last.held, last.compare_with) == ("new_version", None, False, (1, 2))
    assert outcomes("ABABCA")[-1] == "varying variant"
    assert valid_variants(story("ABABC")) == (1, 2, 3)


def test_returns_far_apart_are_reversions() -> None:
    slow = RETURN_WITHIN_S / 2 + DAY
    assert outcomes("ABAB", slow)[2:] == ["new reversion", "new reversion"]
    past = [(1, 0.0), (2, DAY), (1, 2 * DAY)]
    assert place(past, 2, DAY + RETURN_WITHIN_S).outcome == "varying"
    assert place(past, 2, DAY + RETURN_WITHIN_S + 1).change_hint == "reversion"


def test_one_wording_ten_times_in_a_row_ends_it() -> None:
    settled = "ABAB" + "B" * (SETTLED_CHECKS - 1)
    assert placed(settled)[-1] == Placement("unchanged", compare_with=(1,), settled=True)
    assert not any(p.settled for p in placed(settled)[:-1])
    assert valid_variants(story(settled)) == (2,)
    assert outcomes(settled + "A")[-1] == "new reversion"


def test_what_was_held_is_told_once_it_settles() -> None:
    def news(versions: str, every: float = 6 * HOUR) -> list[tuple[int, ...]]:
        return [p.compare_with for p in placed(versions, every) if p.settled]

    assert news("ABAB" + "B" * 9) == [(1,)], "people were told that A is back"
    assert news("ABABA" + "A" * 9) == [()], "and it is"
    assert news("ABABC" + "C" * 9) == [()], "a new wording is told at once"
    assert news("ABABCA" + "A" * 9) == [(3,)]
    assert news("ABAB" + "B" * 30) == [(1,)], "told once"
    assert news("ABABB", 31 * DAY / 2) == [], "returns so far apart are no alternation"
    past = [*story("ABAB"), (2, 40 * DAY)]
    assert place(past[:-1], 2, 40 * DAY) == Placement("unchanged", compare_with=(1,), settled=True)


def test_ten_checks_within_hours_do_not_end_it() -> None:
    assert valid_variants(story("ABAB" + "B" * SETTLED_CHECKS, HOUR)) == (1, 2)
    assert valid_variants(story("ABAB" + "B" * 24, HOUR)) == (2,)


def test_a_fortnight_of_one_wording_ends_it_for_documents_visited_rarely() -> None:
    assert SETTLED_S == 14 * DAY
    assert placed("ABABBB", 7 * DAY)[-1].settled
    assert not placed("ABABBB", 6 * DAY)[-1].settled


def test_a_variant_unseen_for_long_is_none_any_more() -> None:
    past = story("ABCABC", DAY)
    assert valid_variants(past) == (1, 2, 3)
    for n in range(60):  # A and B go on, a few hours at a time
        past.append((1 + n % 2, past[-1][1] + 16 * HOUR))
    assert valid_variants(past) == (1, 2)
    assert place(past, 3, past[-1][1] + DAY).change_hint == "reversion"


def test_a_version_from_before_the_window_is_a_reversion() -> None:
    past = [(1, 0.0)] + [(2, n * DAY) for n in range(1, WINDOW + 1)]
    assert place(past, 1, (WINDOW + 1) * DAY) == Placement("new_version", "reversion", False, (2,))


histories = st.lists(st.tuples(st.integers(1, 4), st.sampled_from([60.0, HOUR, DAY, 9 * DAY, 40 * DAY])), max_size=60)


@given(histories, st.data())
def test_any_portions_of_a_history_give_the_same_placements(
    steps: list[tuple[int, float]], data: st.DataObject
) -> None:
    past: list[tuple[int, float]] = []
    at = 0.0
    for version, pause in steps:
        at += pause
        past.append((version, at))
    whole = [place(past[:n], version, at) for n, (version, at) in enumerate(past)]
    cut = data.draw(st.integers(0, len(past)))
    stored = past[:cut]
    again = []
    for version, at in past[cut:]:
        again.append(place(tuple(stored), version, at))
        stored.append((version, at))
    assert again == whole[cut:]
    assert stored == past, "a past that was asked about is left as it was"


def test_what_lies_before_the_window_plays_no_part() -> None:
    past = story("ABAB", HOUR) + [(3, 4 * HOUR + n) for n in range(WINDOW)]
    for checks in (past, past[-WINDOW:], past[1:]):
        assert place(checks, 1, 9 * HOUR) == Placement("new_version", "reversion", False, (3,))
        assert valid_variants(checks) == (3,)
    assert place(past[:-1], 1, 9 * HOUR).change_hint == "reversion"
    assert place(past[: WINDOW - 1], 1, 9 * HOUR).outcome == "varying"


@given(histories)
def test_only_variants_are_held_and_a_document_varies_after_every_held_check(steps: list[tuple[int, float]]) -> None:
    past: list[tuple[int, float]] = []
    at = 0.0
    for version, pause in steps:
        at += pause
        known = version if any(version == before for before, _ in past) else None
        placement = place(past, known, at)
        past.append((version, at))
        assert placement.held == (placement.outcome == "varying") == (placement.change_hint == "variant")
        if placement.held:
            assert version in valid_variants(past)
            assert len(valid_variants(past)) > 1
        if placement.settled:
            assert valid_variants(past) == (version,)
        assert version in valid_variants(past)


@pytest.mark.parametrize(("new", "found"), [(["a b c d"], 1), (["a b x y"], 2), (["a b c x"], 2), (["q"], 2)])
def test_the_nearest_version_shares_the_most_words_and_of_equals_the_newest_is_taken(
    new: list[str], found: int
) -> None:
    lines = {1: ["same", "a b c d"], 2: ["same", "a b x y"]}
    assert nearest(["same", *new], lines) == found
