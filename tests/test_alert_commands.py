"""``archiver alert``: what is set, what is owed, and whether a message arrives."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from storage.index import Index
from tests.cli.box import Box
from tests.simulators.hook import Hook

FEED = '\n[[channel]]\nname = "feed"\nkind = "atom"\npath = "alerts.atom"\n'
RULES = '\n[[rule]]\nname = "terms"\nchannels = ["feed"]\nentities = ["Example*"]\ndeliver = "weekly"\n'


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """An archive with a feed and a rule."""
    made = Box(tmp_path).init()
    made.append(FEED + RULES)
    return made


def test_a_test_message_arrives_and_is_marked(box: Box) -> None:
    told = box.fine("alert", "test", "feed")
    assert told.lines == ["sent to feed, the file alerts.atom"]
    assert "TEST: this is a test" in (box.root / "alerts.atom").read_text()
    answer = box.fine("alert", "test", "feed", "--json").json
    assert answer.keys() == {"channel", "alert", "sent_at"} and answer["alert"].startswith("test-feed-")


def test_a_test_needs_no_daemon_to_pause(box: Box) -> None:
    with box.daemon():
        box.fine("alert", "test", "feed")


def test_a_failed_test_is_one_line_and_exit_3(box: Box) -> None:
    (box.root / "key").write_text("whsec_" + "MDAw" * 10)
    box.append(
        '\n[[channel]]\nname = "hook"\nkind = "webhook"\nurl = "http://127.0.0.1:1/t0ken"\nsecret_file = "key"\n'
    )
    result = box.call("alert", "test", "hook")
    assert result.code == 3
    assert "its address is not public" in result.error() and "t0ken" not in result.error()
    with Hook() as hook:
        hook.status = 500
        text = (box.root / "archive.toml").read_text().replace("127.0.0.1:1/", f"127.0.0.1:{hook.port}/")
        (box.root / "archive.toml").write_text(f'{text}allow_private = ["127.0.0.0/8"]\n')
        result = box.call("alert", "test", "hook")
        assert result.code == 3 and result.error().startswith("error: HTTP status 500; look at [[channel]] hook")
        hook.status = 200
        box.fine("alert", "test", "hook")


def test_an_unknown_channel_is_named_with_those_there_are(box: Box) -> None:
    result = box.call("alert", "test", "fed")
    assert (result.code, result.error()) == (2, "error: there is no channel 'fed'; known: feed")


def test_a_wrong_key_is_an_error_of_the_settings(box: Box) -> None:
    box.append('\n[[channel]]\nname = "x"\nkind = "email"\nhost = "h"\npassword = "geheim"\n')
    result = box.call("alert", "list")
    assert result.code == 2 and "channel x: from is missing" in result.error()


def test_the_list_shows_channels_rules_and_what_is_owed(box: Box) -> None:
    text = box.fine("alert", "list").out
    assert "feed" in text and "the file alerts.atom" in text
    rule = "rule terms: events change; classes wording, reversion; entities Example*; weekly, to feed"
    assert rule in " ".join(text.split())
    index = Index(box.root / "archive.db")
    insert = (
        "insert into delivery (id, channel, since, attempts, next_try, error) values (?, 'feed', 1e9, 2, ?, 'no room')"
    )
    index.run(insert, ("one", 2e9))
    index.run(insert, ("two", None))
    index.close()
    result = box.call("alert", "list")
    assert result.code == 1
    assert "pending: one to feed, next try 2033-05-18T03:33:20.000Z, 2 failed: no room" in result.lines
    assert "given up: two to feed, no room" in result.lines
    answer = box.call("alert", "list", "--json").json
    assert answer.keys() == {"channels", "rules", "pending", "failed"}
    assert answer["channels"] == [{"name": "feed", "kind": "atom", "target": "the file alerts.atom"}]
    assert answer["rules"][0]["entities"] == ["Example*"]
    assert answer["pending"][0].keys() == {"alert", "channel", "since", "attempts", "error", "next_try", "digest"}
    assert [failed["alert"] for failed in answer["failed"]] == ["two"]


def test_nothing_set_is_nothing_shown(tmp_path: Path) -> None:
    answer = Box(tmp_path).init().fine("alert", "list", "--json").json
    assert answer == {"channels": [], "rules": [], "pending": [], "failed": []}


def test_a_program_named_by_the_settings_is_run(box: Box, tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text("import sys; open(sys.argv[1], 'w').write(sys.stdin.read())")
    command = [sys.executable, str(tmp_path / "told.py"), str(tmp_path / "told")]
    box.append(f'\n[[channel]]\nname = "run"\nkind = "command"\ncommand = {command!r}\n')
    box.fine("alert", "test", "run")
    assert '"type":"evidence_archiver.alert.test"' in (tmp_path / "told").read_text()
