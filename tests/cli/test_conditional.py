"""Conditional requests: a 304 says that the last answer still stands, and must never hide or lose anything."""

from __future__ import annotations

import pytest

from tests.cli.box import Box
from tests.cli.policy import DOCUMENT, LOST, Publisher, terms, told
from tests.simulators.website import Website, response


@pytest.fixture
def publisher(tmp_path: object, site: Website) -> Publisher:
    found = Publisher(Box(tmp_path, site).init(network__conditional="true"), site)  # type: ignore[arg-type]
    found.check()
    return found


def test_a_304_is_counted_apart(publisher: Publisher) -> None:
    assert publisher.check()["outcome"] == "not_modified"
    found = publisher.box.fine("absence", DOCUMENT, "--from", "2026-01-01", "--to", "2099-01-01", "--json").json
    assert (found["unchanged"], found["full_bodies"], found["not_modified"]) == (True, 1, 1)


def test_a_page_that_was_held_back_is_asked_for_in_full(publisher: Publisher) -> None:
    assert publisher.check(LOST)["outcome"] == "quarantined"
    verified = publisher.history()["last_verified"]
    assert publisher.check()["outcome"] == "quarantined"
    assert publisher.history()["last_verified"] == verified


def test_new_rules_are_given_the_whole_page(publisher: Publisher) -> None:
    publisher.edit("--remove", "h2")
    assert told(publisher.check()) == ("new_version", 2, "extraction")
    assert publisher.check()["outcome"] == "not_modified"


def test_of_several_pages_none_comes_without_its_text(publisher: Publisher, site: Website) -> None:
    site.documents["/annex"] = terms(title="Annex")
    publisher.edit("--url", site.url("/terms"), "--url", site.url("/annex"))
    publisher.check()
    assert publisher.check()["outcome"] == "unchanged"
    site.documents["/annex"] = terms(("handled with care", "handled at will"), title="Annex")
    assert told(publisher.check()) == ("new_version", 3, "wording")


def test_a_304_that_nobody_asked_for_shows_nothing(box: Box, site: Website) -> None:
    publisher = Publisher(box, site)
    publisher.check()
    site.scripts["/terms"] = [response(status="304 Not Modified", length=False)]
    check = publisher.check()
    assert check["outcome"] == "quarantined" and "304" in check["reason"]
    box.verified()
