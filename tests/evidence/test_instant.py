"""Instants: one form, both ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import FormatError
from archiver.evidence.instant import format_instant, parse_instant


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), UTC])))
def test_reading_gives_the_moment_cut_to_milliseconds(moment: datetime) -> None:
    try:
        whole = moment.astimezone(UTC)
    except OverflowError:
        return
    text = format_instant(moment)
    assert parse_instant(text) == whole.replace(microsecond=whole.microsecond // 1000 * 1000)
    assert format_instant(parse_instant(text)) == text


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_instant(datetime(2026, 5, 12))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-05-12T15:09:41Z",
        "2026-05-12T15:09:41.2Z",
        "2026-05-12T15:09:41.204000Z",
        "2026-05-12T15:09:41.204+00:00",
        "2026-05-12 15:09:41.204Z",
        "2026-02-30T15:09:41.204Z",
        "2026-05-12T24:00:00.000Z",
        "2026-05-12T15:09:41.204Z\n",
        "٢٠٢٦-05-12T15:09:41.204Z",
    ],
)
def test_every_other_form_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_instant(text)
