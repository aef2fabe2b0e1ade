"""Our own rules and pages change: what differs then is not the publisher's doing, and is not told as if it were."""

from __future__ import annotations

import pytest

from archiver import absence
from tests.cli.box import Box
from tests.cli.policy import DOCUMENT, Publisher, terms, told
from tests.simulators.website import Website


@pytest.fixture
def publisher(box: Box, site: Website) -> Publisher:
    found = Publisher(box, site)
    found.check()
    return found


def test_rules_tried_and_taken_back_are_no_reversion(publisher: Publisher) -> None:
    for removed in ("h2", "", "h2", "", "h2"):
        publisher.edit("--remove", removed)
        assert told(publisher.check())[0::2] == ("new_version", "extraction")
    assert not publisher.history()["varying"]
    publisher.edit("--remove", "")
    publisher.check()
    assert told(publisher.check(terms(("handled with care", "handled")))) == ("new_version", 3, "wording")


def test_a_page_added_or_left_out_or_put_elsewhere_is_our_doing(publisher: Publisher, site: Website) -> None:
    site.documents["/annex"] = terms(title="Annex")
    one, two = site.url("/terms"), site.url("/annex")
    for urls in ((one, two), (two, one), (one,), (two, one)):
        publisher.edit(*(word for url in urls for word in ("--url", url)))
        assert told(publisher.check())[0::2] == ("new_version", "extraction"), urls


def test_a_wording_that_changes_while_a_page_is_added_is_told(publisher: Publisher, site: Website) -> None:
    site.documents["/annex"] = terms(title="Annex")
    publisher.edit("--url", site.url("/terms"), "--url", site.url("/annex"))
    assert told(publisher.check(terms(("handled with care", "handled at will")))) == ("new_version", 2, "wording")


def test_a_page_built_anew_is_compared_with_what_it_said(publisher: Publisher) -> None:
    publisher.edit("--select", "main")
    anew = terms(("rule 7,", "rule 8,"), element="article")
    assert publisher.check(anew)["outcome"] == "quarantined"
    publisher.edit("--select", "article")
    assert told(publisher.check()) == ("new_version", 2, "wording")
    (run,) = publisher.history()["versions"][1:]
    assert (run["words_added"], run["words_removed"]) == (1, 1)


def test_what_leaves_the_page_while_it_is_no_longer_watched_is_told(publisher: Publisher) -> None:
    """By the rules of today nothing changed, by those it was watched by until now its words went."""
    notice = b"<aside><p>We share your data with partners who may keep it for ten years.</p></aside></main>"
    assert told(publisher.check(terms().replace(b"</main>", notice))) == ("new_version", 2, "wording")
    publisher.edit("--remove", "aside")
    changed = terms(("Last updated: 1 March 2026", "Last updated: 1 March, 2026"))
    assert told(publisher.check(changed)) == ("new_version", 3, "wording")
    (run,) = publisher.history()["versions"][2:]
    assert (run["words_added"], run["words_removed"]) == (0, 13)


def test_what_leaves_the_page_while_it_is_no_longer_watched_and_was_not_there_before(publisher: Publisher) -> None:
    notice = b"<aside><p>We share your data with partners who may keep it for ten years.</p></aside></main>"
    publisher.check(terms().replace(b"</main>", notice))
    publisher.edit("--remove", "aside")
    assert told(publisher.check(terms())) == ("new_version", 1, "reversion")


def test_one_address_twice_by_the_same_rules_cannot_be_meant(publisher: Publisher, site: Website) -> None:
    url = site.url("/terms")
    assert "twice" in publisher.box.call("watch", "add", url, url).error()
    publisher.box.fine("watch", "add", url, url, "--page", '{"select": ["h1"]}', "--page", '{"select": ["h2"]}')


def test_absence_ends_today(publisher: Publisher) -> None:
    found = publisher.box.fine("absence", DOCUMENT, "--from", "2026-01-01", "--to", "2099-01-01", "--json").json
    assert found["to"] == publisher.box.statements()[-1]["to"] < "2099"


def test_absence_names_where_another_wording_begins(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "MAX_EXCEPTIONS", 3)
    other = terms(("handled with care", "handled at will"))
    begun = [publisher.check(served) for served in (other, other, other, terms(), terms(), other)]
    span = ("absence", DOCUMENT, "--from", "2026-01-01", "--to", "2099-01-01", "--json")
    found = publisher.box.call(*span)
    assert found.code == 1
    assert [(item["seq"], item["reason"]) for item in found.json["exceptions"]] == [
        (begun[0]["seq"], "version 2, class wording"),
        (begun[5]["seq"], "version 2, class variant"),
    ]


def test_absence_and_the_life_of_a_clause_account_for_every_check(publisher: Publisher) -> None:
    box = publisher.box
    clause = "you agree that billing will be handled with care as annex 3 describes."
    first = publisher.check()
    box.fine("provision", "add", DOCUMENT, clause)
    other = terms((clause, "you agree that billing will be handled at will as annex 3 describes."))
    changed, outage = publisher.check(other), publisher.check(publisher.unavailable())
    publisher.check(terms())
    told = box.call("absence", DOCUMENT, "--from", "2026-01-01", "--to", "2099-01-01", "--dry-run").out
    assert "checks        5: 4 full bodies, 0 answers 304, 1 without a wording\n" in told
    assert "1 full body begins another wording than the first one shown" in " ".join(told.split())
    listed = told.partition("Checks that do not show the same wording")[2]
    assert f"\n  {changed['snapshot']}  " in listed and f"\n  {outage['snapshot']}  " in listed
    assert first["snapshot"] not in listed and "check 7" not in told and "_" not in listed
    life = box.fine("provision", "show", "EA-P-000001").out
    assert "changes     2 in 0 months monitored" in life
    changes = life.partition("Each change that is counted")[2].split("\n\n")[0].splitlines()
    assert [line.split("  ")[1] for line in changes[3:]] == ["v1 to v2", "v2 to v1"]
    history = box.fine("history", DOCUMENT).lines
    note = next(n for n, line in enumerate(history) if line.startswith(f"{outage['snapshot']}: "))
    assert history[note - 1] == ""
