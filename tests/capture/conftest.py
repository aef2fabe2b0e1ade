"""Capturers are closed with the test that made them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.capture import capturing


@pytest.fixture(autouse=True)
def _closed_capturers() -> Iterator[None]:
    yield
    while capturing.made:
        capturing.made.pop().close()
