"""What a person decides about a page that was held back: it holds, whatever comes before, after or in between."""

from __future__ import annotations

import os
from functools import partial

import pytest

from archiver.control import ControlServer
from archiver.errors import ArchiverError
from archiver.operation import Operation, open_operation
from archiver.pipeline import Pipeline
from archiver.work import LocalWork, RemoteWork, answer
from tests.cli.box import Box
from tests.cli.policy import DOCUMENT, LOST, SHORT, Publisher, terms, told
from tests.simulators.website import Website


@pytest.fixture
def publisher(box: Box, site: Website) -> Publisher:
    found = Publisher(box, site)
    assert told(found.check()) == ("new_version", 1, None)
    return found


def test_a_release_tells_the_next_check_what_came_before_it(publisher: Publisher) -> None:
    held = publisher.check(SHORT)
    assert told(publisher.check(terms())) == ("unchanged", 1, None)
    publisher.decide("release", held)
    assert publisher.runs() == [(1, None), (2, "wording"), (1, "reversion")]
    publisher.box.verified()


def test_releases_in_any_order_give_one_history(publisher: Publisher) -> None:
    first, second = publisher.check(SHORT), publisher.check(SHORT)
    publisher.check(terms())
    publisher.decide("release", second)
    # The first one was seen before its version had a number: it is no return of anything.
    assert [item["change"] for item in publisher.decide("release", first)] == ["wording"]
    assert publisher.runs() == [(1, None), (2, "wording"), (1, "reversion")]
    outcomes = [check["outcome"] for check in publisher.history()["checks"]]
    assert outcomes == ["new_version", "new_version", "unchanged", "new_version"]


def test_a_page_that_was_never_new_is_not_called_first(publisher: Publisher) -> None:
    publisher.check(SHORT)
    publisher.check(terms(("handled with care", "handled")))
    assert publisher.box.fine("history", DOCUMENT).out.count(" first\n") == 1


def test_other_rules_do_not_undo_a_decision(publisher: Publisher) -> None:
    released, confirmed = publisher.check(SHORT), publisher.check(LOST)
    publisher.decide("release", released)
    publisher.decide("confirm", confirmed)
    publisher.edit("--remove", "footer")
    assert publisher.box.fine("derive", "--present-rules", "--json").json["assessed"] == 3
    assert publisher.waiting() == []
    assert publisher.runs() == [(1, None), (2, "wording")]
    publisher.box.verified()


def test_whoever_asks_the_daemon_hears_how_far_it_is(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher.check(SHORT)
    publisher.edit("--remove", "footer")
    for name, value in publisher.box.environment.items():
        monkeypatch.setenv(name, value)
    root, heard = publisher.box.root, list[tuple[int, int]]()
    with (
        LocalWork(open_operation(root, lambda: None)) as work,
        ControlServer(root, os.environ, lambda request: answer(work, request)),
    ):
        values = {"documents": [], "present_rules": True}
        made = RemoteWork(root).act("derive", values, lambda done, of: heard.append((done, of)))
        assert (made["assessed"], heard) == (2, [(1, 2), (2, 2)])
        with pytest.raises(ArchiverError, match="unknown act"):
            RemoteWork(root).act("no such act", {})


def test_a_crash_right_after_a_release_was_stated_is_made_up_for(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = publisher.check(SHORT)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    values = {"event": "released", "snapshots": [held["snapshot"]], "by": "Ana"}
    with publisher_environment(publisher, monkeypatch) as operation, pytest.raises(KeyboardInterrupt):
        from archiver.acts import perform

        monkeypatch.setattr(Pipeline, "settle", dies)
        perform(operation, "decide", values)
    monkeypatch.undo()
    assert [body["kind"] for body in publisher.box.statements()[-2:]] == ["decision", "assessment"]
    assert publisher.waiting() == [held["snapshot"]]
    publisher.box.fine("capture", DOCUMENT)
    assert publisher.waiting() == []
    assert publisher.runs() == [(1, None), (2, "wording")]
    before = len(publisher.box.statements())
    publisher.box.fine("log", "checkpoint", "--publish")
    assert len(publisher.box.statements()) == before


def publisher_environment(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> Operation:
    for name, value in publisher.box.environment.items():
        monkeypatch.setenv(name, value)
    return open_operation(publisher.box.root, lambda: None)


def test_a_document_taken_off_the_list_needs_nobody(publisher: Publisher) -> None:
    publisher.check(LOST)
    assert publisher.box.call("status").code == 1
    publisher.box.fine("watch", "remove", DOCUMENT)
    assert publisher.box.call("status").code == 0
    assert len(publisher.waiting()) == 1


def test_a_lost_text_does_not_hold_back_what_follows(publisher: Publisher) -> None:
    (path,) = (publisher.box.root / "texts").rglob("*.txt")
    for damage in (partial(path.write_bytes, b"other words\n"), path.unlink):
        damage()
        change = told(publisher.check(terms(("handled with care", f"handled {damage!r:.12}"))))
        assert change[0] == "new_version" and change[2] == "wording"
        path = max((publisher.box.root / "texts").rglob("*.txt"), key=lambda one: one.stat().st_mtime_ns)


def test_what_is_lost_is_named_and_the_rest_goes_on(publisher: Publisher) -> None:
    second = publisher.check(terms(("handled with care", "handled at will")))
    publisher.box.fine("provision", "add", DOCUMENT, "the privacy of the service is governed by rule 7")
    (warc,) = publisher.box.root.glob(f"snapshots/*/*/*/{second['snapshot']}/capture.warc.gz")
    warc.unlink()
    publisher.edit("--remove", "h2")
    derived = publisher.box.call("derive", "--present-rules", "--json")
    assert (derived.code, derived.json["assessed"], derived.json["damaged"]) == (4, 1, [second["snapshot"]])
    assert second["snapshot"] in derived.err and derived.err.count("\n") == 1
    for text in (publisher.box.root / "texts").rglob("*.txt"):
        text.unlink()
    shown = publisher.box.call("provision", "show", "EA-P-000001")
    assert shown.code == 3 and "missing" in shown.error() and "backup" in shown.error()


def test_a_database_that_is_none_says_what_to_do(publisher: Publisher) -> None:
    (publisher.box.root / "archive.db").write_bytes(b"not a database" * 1000)
    result = publisher.box.call("status")
    assert result.code == 4 and "run archiver rebuild" in result.error()
    publisher.box.fine("rebuild")
    publisher.box.verified()
