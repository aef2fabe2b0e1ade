"""When to ask again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.stamp.interface import backoff

JITTER = st.floats(0, 1, exclude_max=True)


def test_it_doubles_up_to_the_ceiling() -> None:
    waits = [backoff(attempts, floor_s=15, ceiling_s=3600, jitter=0) for attempts in range(12)]
    assert waits == [15, 15, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800, 1800]


@given(st.integers(0, 10**9), st.floats(0, 1e6), st.floats(0, 1e6), JITTER)
def test_never_below_the_floor_nor_above_the_ceiling(attempts: int, floor: float, more: float, jitter: float) -> None:
    wait = backoff(attempts, floor_s=floor, ceiling_s=floor + more, jitter=jitter)
    assert floor <= wait <= floor + more


@given(st.integers(0, 100), JITTER)
def test_more_failures_never_shorten_the_wait(attempts: int, jitter: float) -> None:
    shorter = backoff(attempts, floor_s=15, ceiling_s=86400, jitter=jitter)
    assert shorter <= backoff(attempts + 1, floor_s=15, ceiling_s=86400, jitter=jitter)


def test_jitter_spreads_the_upper_half() -> None:
    assert backoff(3, floor_s=10, ceiling_s=1000, jitter=0) == 40
    assert backoff(3, floor_s=10, ceiling_s=1000, jitter=0.5) == 60


@pytest.mark.parametrize(
    ("attempts", "floor", "ceiling", "jitter"),
    [(-1, 1, 2, 0), (0, -1, 2, 0), (0, 3, 2, 0), (0, 1, 2, 1), (0, 1, 2, -0.1)],
)
def test_senseless_arguments_are_refused(attempts: int, floor: float, ceiling: float, jitter: float) -> None:
    with pytest.raises(ValueError, match="attempts"):
        backoff(attempts, floor_s=floor, ceiling_s=ceiling, jitter=jitter)
