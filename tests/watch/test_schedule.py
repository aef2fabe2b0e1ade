"""When a document is due: pure, with time and chance as arguments."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.entry import WatchedDocument, WatchEntry
from archiver.watch.schedule import Due, after_check, due_now, host_of, within_reach

HOUR = 3600


def watched(number: int, host: str = "", *, paused: bool = False, removed: bool = False) -> WatchedDocument:
    url = f"http://{host or f'h{number}.example'}/terms"
    return WatchedDocument(
        f"EA-D-{number:05d}", number, WatchEntry("E", "T", (url,), HOUR, paused=paused, removed=removed)
    )


def taken(
    documents: list[WatchedDocument],
    plan: dict[str, Due] | None = None,
    *,
    busy: frozenset[str] = frozenset(),
    free_at: dict[str, float] | None = None,
    most: int = 100,
) -> list[int]:
    found = due_now(documents, plan or {}, now=1000.0, busy=busy, host_free_at=free_at or {}, most=most)
    return [w.seq for w in found]


def test_what_was_never_checked_is_due_at_once() -> None:
    assert taken([watched(1), watched(2)]) == [1, 2]


def test_paused_removed_and_busy_documents_are_left_out() -> None:
    documents = [watched(1, paused=True), watched(2, removed=True), watched(3), watched(4)]
    assert taken(documents, busy=frozenset({"EA-D-00003"})) == [4]


def test_the_longest_overdue_comes_first_and_the_future_waits() -> None:
    plan = {"EA-D-00001": Due(900, 0), "EA-D-00002": Due(100, 0), "EA-D-00003": Due(1000.1, 0)}
    assert taken([watched(1), watched(2), watched(3)], plan) == [2, 1]
    assert taken([watched(1), watched(2), watched(3)], plan, most=1) == [2]
    assert taken([watched(1)], plan, most=0) == []


def test_a_host_is_asked_once_at_a_time_and_not_before_its_pace() -> None:
    documents = [watched(1, "a.example"), watched(2, "A.example"), watched(3, "b.example")]
    assert taken(documents) == [1, 3]
    assert taken(documents, free_at={"b.example": 1000.5, "a.example": 1000.0}) == [1]


def test_the_host_is_the_one_asked_first() -> None:
    assert host_of("https://Example.org:8443/x") == "example.org" and host_of("http://[::1]/") == "::1"


@given(
    st.integers(10, 10**7), st.floats(0, 1), st.floats(0, 0.999), st.booleans(), st.integers(0, 6), st.floats(0, 2e9)
)
def test_the_next_check_lies_within_its_bounds(
    every: int, jitter: float, chance: float, retryable: bool, failures: int, now: float
) -> None:
    retry = (60, 300, 1800)
    due = after_check(
        every, Due(now, failures), now=now, retryable=retryable, retry_s=retry, jitter=jitter, chance=chance
    )
    assert now - 1e-3 <= due.next_check <= now + every * (1 + jitter) + 1e-3
    assert due.failures == (failures + 1 if retryable else 0)
    if retryable and failures < len(retry):
        assert due.next_check <= now + retry[failures] + 1e-3
    assert within_reach(due, every, now=now + 1e-3, jitter=jitter) == due, "a fresh plan is never cut"


def test_retries_follow_the_list_and_then_the_schedule() -> None:
    due: Due | None = None
    waits = []
    for _ in range(4):
        due = after_check(HOUR, due, now=0, retryable=True, retry_s=(60, 300), jitter=0, chance=0.5)
        waits.append(due.next_check)
    assert waits == [60, 300, HOUR, HOUR]
    assert after_check(HOUR, due, now=0, retryable=False, retry_s=(60,), jitter=0, chance=0.5) == Due(HOUR, 0)


def test_a_plan_beyond_reach_is_drawn_in() -> None:
    far = Due(1000 + 7 * 86400, 2)
    assert within_reach(far, HOUR, now=1000, jitter=0.1) == Due(1000 + HOUR, 2), "shortened, or the clock went back"
    assert within_reach(Due(1000 + HOUR, 0), HOUR, now=1000, jitter=0) == Due(1000 + HOUR, 0)
    assert within_reach(Due(0, 0), HOUR, now=1000, jitter=0) == Due(0, 0)
