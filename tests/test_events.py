"""What people are told of: changes, clauses, what is held back; and what is told once only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.alert.interface import Event
from archiver.archive import open_archive
from archiver.events import EventSource
from tests.cli.box import Box
from tests.cli.test_watching import DOCUMENT, RULE, WITHOUT, Policy, page
from tests.simulators.website import Website

LOST = b"<html><body><main><h1>Page not found</h1><p>Sorry, this page does not exist.</p></main>"


@pytest.fixture
def policy(tmp_path: Path) -> Iterator[Policy]:
    with Website(documents={"/robots.txt": b""}) as site:
        made = Policy(Box(tmp_path, site).init(), site)
        made.check()
        yield made


def events(policy: Policy, since: int = -1) -> list[Event]:
    archive = open_archive(policy.box.root)
    try:
        return EventSource(archive, lambda: datetime.now(UTC), 3, 1e9).since(since)
    finally:
        archive.index.close()


def kinds(found: list[Event]) -> list[tuple[str, str | None]]:
    return [(event.kind, event.change) for event in found]


def test_a_change_is_told_with_its_clauses(policy: Policy) -> None:
    assert events(policy) == []
    policy.box.fine("provision", "add", DOCUMENT, RULE, "--title", "Training")
    policy.publish(page(WITHOUT))
    change, clause = events(policy)
    assert kinds([change, clause]) == [("change", "wording"), ("provision", "reworded")]
    assert change.id == f"EA-E-{change.seq:08d}@box.example/log" and clause.id.startswith(
        f"EA-E-{change.seq:08d}-EA-P-"
    )
    assert (change.version, change.previous_version, change.silent_edit) == (2, 1, True)
    ((kind, old, new, words),) = change.hunks
    assert (kind, old, new) == ("changed", RULE, WITHOUT) and ("-", " may") in words
    assert change.seq is not None and events(policy, change.seq) == []


def test_what_is_read_again_is_not_told_again(policy: Policy) -> None:
    policy.publish(page(WITHOUT))
    policy.publish(page())
    told = events(policy)
    assert kinds(told) == [("change", "wording"), ("change", "reversion")]
    policy.box.fine("watch", "edit", DOCUMENT, "--remove", "ul")
    assert policy.box.fine("derive", "--present-rules", "--json").json["assessed"] == 3
    assert events(policy) == told


def test_what_a_person_releases_is_told(policy: Policy) -> None:
    held = policy.publish(LOST)
    policy.publish(LOST)
    (waiting,) = events(policy)
    assert (waiting.kind, waiting.snapshot) == ("quarantine", held["snapshot"])
    policy.box.fine("quarantine", "release", held["snapshot"], "--by", "Ana")
    assert kinds(events(policy, waiting.seq or 0)) == [("change", "wording")]
