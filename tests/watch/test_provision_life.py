"""A clause through all versions, and every date and figure from the checks listed: counted here by hand."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UsageError
from archiver.evidence.instant import parse_instant
from archiver.watch.anchor import Quote
from archiver.watch.life import life
from archiver.watch.provision import Check, Life, VersionText, Wording, wording_on

CLAUSE = "We may use your files to train our models, unless you opt out in your settings."
SECOND = "We may use your files to train and improve our models, unless you opt out in your settings."
THIRD = "We may use your files to train and improve all of our systems, unless you opt out in your settings."
AROUND = ("# Policy", "We care about your data.", "We delete it ninety days after you close the account.")


def lines(clause: str | None) -> tuple[str, ...]:
    return (*AROUND[:2], *([clause] if clause else []), AROUND[2])


def at(day: str) -> str:
    return f"{day}T06:00:00.000Z"


def versions(*clauses: str | None) -> list[VersionText]:
    """One version a month from January 2026, seen on the 1st and the 20th."""
    return [
        VersionText(n, f"EA-S-{n:08d}", at(f"2026-{n:02d}-01"), at(f"2026-{n:02d}-20"), lines(clause))
        for n, clause in enumerate(clauses, 1)
    ]


def checks(*found: tuple[str, int | None]) -> list[Check]:
    return [Check(at(day), version) for day, version in found]


def states(found: Life) -> list[str]:
    return [wording.state for wording in found.wordings]


def test_reworded_twice_removed_and_back() -> None:
    found = life(Quote(CLAUSE), versions(CLAUSE, SECOND, THIRD, None, CLAUSE), marked_in=1)
    assert states(found) == ["verbatim", "reworded", "reworded", "absent", "verbatim"]
    assert [wording.exact for wording in found.wordings] == [CLAUSE, SECOND, THIRD, None, CLAUSE]
    # against the marked words, not against the version before: 16 words and 18 have 16 in common
    assert [wording.score for wording in found.wordings][:2] == [100, 100 * 2 * 16 // (16 + 18)]
    assert [change.kind for change in found.changes] == ["reworded", "reworded", "removed", "returned"]
    first = found.changes[0]
    assert (first.before.check.at, first.after.check.at) == (at("2026-01-20"), at("2026-02-01"))
    assert (found.first_seen, found.last_seen) == (at("2026-01-01"), at("2026-05-20"))


def test_marked_late_it_is_followed_back() -> None:
    found = life(Quote(THIRD), versions(None, CLAUSE, SECOND, THIRD), marked_in=4)
    assert states(found) == ["absent", "reworded", "reworded", "verbatim"]
    assert [wording.exact for wording in found.wordings] == [None, CLAUSE, SECOND, THIRD]
    # it was not there at first: coming is no change of it
    assert [change.kind for change in found.changes] == ["reworded", "reworded"]
    assert (found.first_seen, found.last_seen) == (at("2026-04-01"), at("2026-04-20"))


def test_the_reworded_clause_is_what_is_followed_on() -> None:
    step = SECOND.replace("your files", "everything that you send to us or store with us")
    last = step.replace("unless you opt out in your settings", "and you can object to that under section nine")
    found = life(Quote(CLAUSE), versions(CLAUSE, SECOND, step, last), marked_in=1)
    assert [wording.exact for wording in found.wordings] == [CLAUSE, SECOND, step, last]
    assert [wording.score for wording in found.wordings] == sorted(
        (wording.score for wording in found.wordings), reverse=True
    )


def test_a_version_that_cannot_be_read_is_unknown_not_removed() -> None:
    given_versions = versions(CLAUSE, CLAUSE, CLAUSE)
    outage = VersionText(2, None, at("2026-02-01"), at("2026-02-20"), None)
    found = life(Quote(CLAUSE), [given_versions[0], outage, given_versions[2]], marked_in=1)
    assert states(found) == ["verbatim", "unknown", "verbatim"]
    assert found.changes == ()
    assert [s.check.version for s in found.sightings] == [1, 1, 3, 3]
    assert wording_on(found, "2026-02-10").basis == "between"


def test_moved_is_present_and_no_change() -> None:
    long = [f"Sentence number {n} of the policy says nothing else." for n in range(6)]
    before = ("# A", *long[:3], CLAUSE, "# B", *long[3:])
    after = ("# A", *long[:3], "# B", *long[3:], CLAUSE)
    given_versions = [
        VersionText(n, None, at(f"2026-0{n}-01"), at(f"2026-0{n}-02"), text) for n, text in ((1, before), (2, after))
    ]
    found = life(Quote(CLAUSE), given_versions, marked_in=1)
    assert states(found) == ["verbatim", "moved"]
    assert (found.changes, found.stability, found.last_seen) == ((), "stable", at("2026-02-02"))


def test_a_split_clause_keeps_being_looked_for_whole() -> None:
    both = f"{CLAUSE} You find the settings under your name in the upper right corner of every page."
    first, second = both[: len(CLAUSE)], both[len(CLAUSE) + 1 :]
    apart = (*AROUND[:2], first, AROUND[2], "A sentence in between.", second)
    given_versions = [
        *versions(both),
        *(VersionText(n, None, at(f"2026-0{n}-01"), at(f"2026-0{n}-20"), apart) for n in (2, 3)),
        VersionText(4, None, at("2026-04-01"), at("2026-04-20"), lines(both)),
    ]
    found = life(Quote(both), given_versions, marked_in=1)
    assert states(found) == ["verbatim", "split", "split", "verbatim"]
    assert found.wordings[1].pieces == (first, second)
    assert [change.kind for change in found.changes] == ["reworded", "reworded"]


def test_two_places_are_told_apart_by_what_stands_around() -> None:
    text = (*lines(CLAUSE), "# Annex", CLAUSE)
    given_versions = [VersionText(n, None, at(f"2026-0{n}-01"), at(f"2026-0{n}-02"), text) for n in (1, 2)]
    with pytest.raises(UsageError, match="2 times"):
        life(Quote(CLAUSE), given_versions, marked_in=1)
    found = life(Quote(CLAUSE, prefix="Annex"), given_versions, marked_in=1)
    assert [[place.line_first for place in wording.occurrences] for wording in found.wordings] == [[5, 2], [5, 2]]
    assert found.quote.prefix.endswith("# Annex\n")


@pytest.mark.parametrize("marked_in", [2, 7])
def test_a_version_that_is_not_there_cannot_be_marked(marked_in: int) -> None:
    given_versions = [*versions(CLAUSE), VersionText(2, None, at("2026-02-01"), at("2026-02-02"), None)]
    with pytest.raises(UsageError, match=f"version {marked_in} cannot be read"):
        life(Quote(CLAUSE), given_versions, marked_in=marked_in)


# Figures from listed checks


def test_a_reversion_counts_each_time_it_is_seen() -> None:
    history = checks(("2026-01-01", 1), ("2026-01-05", 2), ("2026-01-09", 1), ("2026-01-12", None), ("2026-01-13", 2))
    found = life(Quote(CLAUSE), versions(CLAUSE, SECOND), marked_in=1, checks=reversed(history))
    assert [change.kind for change in found.changes] == ["reworded"] * 3
    assert (found.first_seen, found.last_seen) == (at("2026-01-01"), at("2026-01-09"))
    assert found.stability == "volatile"
    assert [check.at for check in found.checks] == [check.at for check in history]


@pytest.mark.parametrize(
    ("days", "months"),
    [
        ([], 0),
        (["2026-04-03"], 0),
        (["2026-04-03", "2026-04-10"], 0),
        (["2026-04-03", "2026-05-02"], 0),
        (["2026-04-03", "2026-05-03"], 1),
        (["2026-04-03", "2026-05-12", "2026-07-04"], 2),  # nothing between 3 June and 3 July
        (["2026-04-03", "2026-05-12", "2026-06-30", "2026-07-04"], 3),
        (["2026-01-31", "2026-02-28"], 1),
        (["2026-01-31", "2026-02-27"], 0),
        (["2025-11-15", "2025-12-16", "2026-01-14", "2026-02-15"], 2),
        (["2020-01-01", "2026-01-01"], 1),  # two checks six years apart monitor one month
    ],
)
def test_months_monitored(days: list[str], months: int) -> None:
    history = checks(*((day, 1) for day in days), ("2019-01-01", None), ("2027-01-01", None), ("2027-02-01", 9))
    assert life(Quote(CLAUSE), versions(CLAUSE), marked_in=1, checks=history).months_monitored == months


@pytest.mark.parametrize(
    ("history", "word"),
    [
        ([("2026-01-01", 1)], "unknown"),
        ([("2026-01-01", 1), ("2026-01-02", None)], "unknown"),
        ([("2026-01-01", 1), ("2026-01-02", 1)], "stable"),
        ([("2026-01-01", 1), ("2026-01-02", 2)], "changed"),
        ([("2026-01-01", 1), ("2026-01-02", 2), ("2026-01-03", 3)], "volatile"),
        ([(f"2026-{m:02d}-01", 1 + (m > 4) + (m > 6)) for m in range(1, 8)], "volatile"),  # 2 in 6 months
        ([(f"2026-{m:02d}-01", 1 + (m > 4) + (m > 6)) for m in range(1, 9)], "changed"),  # 2 in 7 months
    ],
)
def test_stability_is_the_rule_it_states(history: list[tuple[str, int | None]], word: str) -> None:
    found = life(Quote(CLAUSE), versions(CLAUSE, SECOND, THIRD), marked_in=1, checks=checks(*history))
    assert found.stability == word


def test_a_clause_of_signs_that_do_not_count_is_unchanged() -> None:
    found = life(Quote(CLAUSE), versions(CLAUSE, CLAUSE.replace(" ", "\u00a0", 3)), marked_in=1)
    assert states(found) == ["verbatim", "verbatim"]
    assert found.changes == ()
    lower = life(Quote(CLAUSE), versions(CLAUSE, CLAUSE.lower()), marked_in=1)
    assert [(w.state, w.score) for w in lower.wordings] == [("verbatim", 100), ("reworded", 99)]
    assert len(lower.changes) == 1


HISTORY = checks(
    ("2026-03-01", 1),
    ("2026-03-05", None),
    ("2026-03-10", 1),
    ("2026-03-20", 2),
    ("2026-03-20", 2),
    ("2026-03-25", 3),
    ("2026-03-28", 3),
)


@pytest.mark.parametrize(
    ("day", "basis", "state", "exact", "before", "after"),
    [
        ("2026-02-28", "unknown", "unknown", None, None, "03-01"),
        ("2026-03-01", "seen", "verbatim", CLAUSE, None, "03-10"),
        ("2026-03-05", "between", "verbatim", CLAUSE, "03-01", "03-10"),
        ("2026-03-15", "unknown", "unknown", None, "03-10", "03-20"),
        ("2026-03-20", "seen", "reworded", SECOND, "03-10", "03-25"),
        ("2026-03-26", "between", "absent", None, "03-25", "03-28"),
        ("2026-03-28", "seen", "absent", None, "03-25", None),
        ("2026-03-29", "unknown", "unknown", None, "03-28", None),
    ],
)
def test_the_wording_on_a_day(
    day: str, basis: str, state: str, exact: str | None, before: str | None, after: str | None
) -> None:
    found = life(Quote(CLAUSE), versions(CLAUSE, SECOND, None), marked_in=1, checks=HISTORY)
    there = wording_on(found, day)
    assert (there.day, there.basis, there.state) == (day, basis, state)
    assert [wording.exact for wording in there.wordings] == ([] if basis == "unknown" else [exact])
    near = [None if s is None else s.check.at[5:10] for s in (there.before, there.after)]
    assert near == [before, after]


def test_a_day_with_two_wordings_says_so() -> None:
    history = [Check("2026-03-01T06:00:00.000Z", 1), Check("2026-03-01T18:00:00.000Z", 2)]
    there = wording_on(life(Quote(CLAUSE), versions(CLAUSE, SECOND), marked_in=1, checks=history), "2026-03-01")
    assert (there.basis, there.state) == ("seen", "changed")
    assert [wording.version for wording in there.wordings] == [1, 2]


@pytest.mark.parametrize("day", ["", "yesterday", "2026-02-30", "2026-02-28T00:00:00Z", "28.02.2026"])
def test_a_day_is_a_day(day: str) -> None:
    found = life(Quote(CLAUSE), versions(CLAUSE), marked_in=1)
    with pytest.raises(UsageError, match="not a day"):
        wording_on(found, day)


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)).map(
    lambda moment: moment.isoformat(timespec="milliseconds") + "Z"
)


@given(st.lists(st.builds(Check, MOMENTS, st.sampled_from([1, 2, 3, None])), max_size=30))
def test_figures_agree_with_one_another(history: list[Check]) -> None:
    given_versions = versions(CLAUSE, SECOND, None)
    wordings = life(Quote(CLAUSE), given_versions, marked_in=1).wordings
    found = Life(Quote(CLAUSE), 1, wordings, tuple(sorted(history, key=lambda check: check.at)))
    telling = [check for check in found.checks if check.version is not None]
    assert [sighting.check for sighting in found.sightings] == telling
    assert (found.first_seen is None) is not any(check.version == 1 for check in telling)
    if found.first_seen and found.last_seen:
        assert found.first_seen <= found.last_seen
    steps = sum(a.version != b.version for a, b in pairwise(telling))
    assert len(found.changes) <= steps
    assert (found.stability == "stable") is (len(telling) > 1 and not found.changes)
    if telling:
        days = (parse_instant(telling[-1].at) - parse_instant(telling[0].at)).days
        assert found.months_monitored <= min(days // 28, len(telling))
    for check in telling:
        there = wording_on(found, check.at[:10])
        assert there.basis == "seen"
        assert check.version in [wording.version for wording in there.wordings]


def test_wordings_compare_by_what_a_quote_is_compared_by() -> None:
    def key(state: str, exact: str | None) -> str | None:
        return Wording(1, None, at("2026-01-01"), at("2026-01-01"), state, exact, 0).key

    assert key("verbatim", "a") == key("moved", "b") == ""
    assert key("absent", None) is key("unknown", None) is None
    assert key("reworded", "- “x”\n2. y z") == '"x" y z'


def test_a_clause_lost_after_a_rewording_is_looked_for_as_it_was_marked() -> None:
    first_half = (
        "We may use your files to train our models where you have agreed to that before in writing and by hand."
    )
    back = "Nothing of yours is kept out of our models, unless you opt out in your settings."
    found = life(Quote(CLAUSE), versions(CLAUSE, first_half, None, back), marked_in=1)
    assert states(found) == ["verbatim", "reworded", "absent", "reworded"]
    assert found.wordings[3].exact == back
    assert [change.kind for change in found.changes] == ["reworded", "removed", "returned"]
