"""A site, an authority and a box for each test of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.box import Box
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Website

TERMS = (
    b"<h1>Terms</h1>"
    b"<p>Be nice to everybody whom you meet here, and keep your password to yourself.</p>"
    b"<p>We may close an account that was not used for a year, after a warning by e-mail.</p>"
)
"""Enough words for a document: what has fewer is held back."""


@pytest.fixture
def site() -> Iterator[Website]:
    with Website(documents={"/terms": TERMS, "/privacy": b"<p>We look away</p>"}) as running:
        yield running


@pytest.fixture(scope="session")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimestampAuthority]:
    with TimestampAuthority(tmp_path_factory.mktemp("authority")) as running:
        yield running


@pytest.fixture
def authority(_authority: TimestampAuthority) -> Iterator[TimestampAuthority]:
    """One authority for all tests, well-behaved again after each."""
    yield _authority
    _authority.mode = "ok"


@pytest.fixture
def box(tmp_path: Path, site: Website) -> Box:
    """An archive without an authority."""
    return Box(tmp_path, site).init()


@pytest.fixture
def stamped(tmp_path: Path, site: Website, authority: TimestampAuthority) -> Box:
    """An archive with an authority."""
    return Box(tmp_path, site, authority).init()
