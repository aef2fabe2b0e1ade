"""Copies elsewhere, from watch entry to citation: asked for new versions only, compared, stated, never leaked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver import outside_copying
from tests.cli.box import Box, until
from tests.cli.conftest import TERMS
from tests.simulators.web_archives import COPIED, TIMESTAMP, WebArchives
from tests.simulators.website import Website

SECRET = "Tr0ub4dor:and-3"


@pytest.fixture
def theirs(site: Website) -> Iterator[WebArchives]:
    with WebArchives() as running:
        running.pages[site.url("/terms")] = TERMS
        yield running


@pytest.fixture
def set_up(box: Box, theirs: WebArchives, monkeypatch: pytest.MonkeyPatch) -> Box:
    """An archive that may ask both web archives, and watches one document with no copies asked for."""
    monkeypatch.setattr(outside_copying, "POLL_S", 0.02)
    (box.root / "key").write_text(f"{SECRET}\n")
    for name, copies in (("wayback", f"{theirs.url}/web"), ("perma", theirs.url)):
        box.append(
            f'\n[outside.{name}]\nendpoint = "{theirs.url}"\ncopies = "{copies}"\nkey_file = "key"\n'
            'min_interval_s = 0\nallow_private = ["127.0.0.0/8"]\n'
        )
    assert box.site is not None
    box.fine("watch", "add", box.site.url("/terms"), "--entity", "Example", "--document", "Terms", "--every", "7d")
    return box


def copies(box: Box) -> list[dict[str, Any]]:
    return [b for b in box.statements() if b.get("event") == "outside_copy"]


def test_a_copy_asked_for_by_hand_is_compared_stated_and_cited(set_up: Box, theirs: WebArchives) -> None:
    (item,) = set_up.fine("capture", "EA-D-00001", "--json").json
    assert "Copy elsewhere: none named" in set_up.fine("cite", item["snapshot"]).out
    assert theirs.requests == [], "nobody is told of anything unless asked to"
    (asked,) = set_up.fine("outside", "ask", item["snapshot"], "--at", "wayback", "--by", "A. Clerk", "--json").json
    (body,) = copies(set_up)
    url = set_up.captures()[0]["parts"][0]["url"]
    uri = f"{theirs.url}/web/{TIMESTAMP}/{url}"
    assert (body["premis"], body["subjects"], body["by"]) == ("replication", [item["snapshot"]], "A. Clerk")
    assert (body["archive"], body["url"], body["uri"], body["copied_at"]) == ("wayback", url, uri, COPIED)
    assert (body["compared"], body["compared_by"], body["compared_reason"]) == ("equal", "content", None)
    assert body["copy_sha256"] == item["content_sha256"] and body["copy_bytes"] == len(TERMS)
    assert asked["state"] == "stated" and asked["copy"]["uri"] == uri
    cited = set_up.fine("cite", item["snapshot"], "--format", "json").json
    (copy,) = cited["third_party_copies"]
    assert copy == {"archive": "wayback", "uri": uri, "at": COPIED, "compared": "independent copy, compared: equal"}
    assert "L17" not in cited["limits"]
    assert "SHOULD 29" not in str(cited["gaps"]) and COPIED in set_up.fine("cite", item["snapshot"]).out
    listed = set_up.fine("outside", "list", "--json").json
    assert [one["name"] for one in listed["archives"]] == ["wayback", "perma"] and listed["copies"][0]["uri"] == uri
    assert uri in set_up.fine("outside", "list").out
    set_up.verified()
    for path in (path for path in set_up.root.rglob("*") if path.is_file() and path.name != "key"):
        assert SECRET.encode() not in path.read_bytes(), f"the key is in {path.name}"


def test_what_differs_and_what_only_looks_different_are_told_apart(set_up: Box, theirs: WebArchives) -> None:
    (item,) = set_up.fine("capture", "EA-D-00001", "--json").json
    url = set_up.captures()[0]["parts"][0]["url"]
    theirs.pages[url] = b"<!-- another comment -->" + TERMS
    set_up.fine("outside", "ask", item["snapshot"], "--at", "perma")
    theirs.pages[url] = TERMS.replace(b"a year", b"a month")
    set_up.fine("outside", "ask", item["snapshot"], "--at", "wayback")
    theirs.content_type = "image/png"
    theirs.pages[url] = b"\x89PNG"
    set_up.fine("outside", "ask", item["snapshot"], "--at", "wayback")
    results = [(b["archive"], b["compared"], b["compared_by"]) for b in copies(set_up)]
    assert results == [("perma", "equal", "text"), ("wayback", "differs", "text"), ("wayback", "differs", "content")]
    record = set_up.fine("cite", item["snapshot"], "--format", "json").json
    assert "L17" in record["limits"] and "differs" in record["limit_texts"]["L17"]
    cited = record["third_party_copies"]
    assert [copy["compared"] for copy in cited] == [
        "independent copy, compared: equal (its text; the bytes differ)",
        "independent copy, compared: differs (its text cannot be read by the rules)",
    ]


def test_a_copy_that_cannot_be_read_is_stated_as_not_compared_with_the_reason(
    set_up: Box, theirs: WebArchives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside_copying, "FETCHES", 1)
    (item,) = set_up.fine("capture", "EA-D-00001", "--json").json
    theirs.raw_status = 302
    set_up.fine("outside", "ask", item["snapshot"], "--at", "wayback")
    (body,) = copies(set_up)
    assert (body["compared"], body["copy_sha256"]) == ("not compared", None)
    assert "another copy" in body["compared_reason"]
    cited = " ".join(set_up.fine("cite", item["snapshot"]).out.split())
    assert "not compared (the archive led to another copy" in cited


def test_the_daemon_asks_for_a_new_version_once_and_not_for_each_check(set_up: Box, theirs: WebArchives) -> None:
    site = set_up.site
    assert site is not None
    set_up.fine("watch", "edit", "EA-D-00001", "--outside", "wayback")
    with set_up.daemon() as daemon:
        until(lambda: len(copies(set_up)) == 1, "a copy of the first version")
        set_up.fine("capture", "EA-D-00001")
        site.documents["/terms"] = theirs.pages[site.url("/terms")] = TERMS.replace(b"a year", b"two years")
        set_up.call("capture", "EA-D-00001")
        until(lambda: len(copies(set_up)) == 2, "a copy of the second version")
        assert daemon.stop() == 0
        assert SECRET not in daemon.log_text() and daemon.said("copy of EA-S-")
    assert [body["compared"] for body in copies(set_up)] == ["equal", "equal"]
    assert len(theirs.asked) == 2 and all(body["by"] is None for body in copies(set_up))
    set_up.verified()


def test_an_entry_says_which_archives_and_only_known_ones(set_up: Box, site: Website, tmp_path: Path) -> None:
    assert set_up.fine("watch", "list", "--json").json[0]["outside"] == []
    set_up.fine("watch", "edit", "EA-D-00001", "--outside", "perma", "--outside", "wayback")
    shown = set_up.fine("watch", "show", "EA-D-00001", "--json").json
    assert shown["outside"] == ["perma", "wayback"]
    for form in ("toml", "csv"):
        text = set_up.fine("watch", "export", "--format", form).out
        (tmp_path / f"list.{form}").write_text(text)
        assert "0 changed, 1 unchanged" in set_up.fine("watch", "import", str(tmp_path / f"list.{form}")).err
        (tmp_path / f"list.{form}").write_text(text.replace("perma", "nowhere"))
        refused = set_up.call("watch", "import", str(tmp_path / f"list.{form}"))
        assert refused.code == 2 and "[outside.nowhere]" in refused.error()
    set_up.fine("watch", "edit", "EA-D-00001", "--outside", "")
    assert set_up.fine("watch", "show", "EA-D-00001", "--json").json["outside"] == []
    for wrong in ("nowhere", "Way back"):
        assert set_up.call("watch", "edit", "EA-D-00001", "--outside", wrong).code == 2


def test_a_refusal_is_shown_and_can_be_asked_again(set_up: Box, theirs: WebArchives) -> None:
    (item,) = set_up.fine("capture", "EA-D-00001", "--json").json
    theirs.refuse = "error:blocked-url"
    refused = set_up.call("outside", "ask", item["snapshot"], "--at", "wayback")
    assert refused.code == 1 and "error:blocked-url" in refused.out
    status = set_up.fine("status", "--json").json["outside"]
    assert status["pending"] == 0 and status["failed"][0]["error"] == "Save Page Now made no copy: error:blocked-url"
    assert "no copy: " in set_up.fine("status").out and set_up.call("outside", "list").code == 1
    theirs.refuse = "error:too-many-daily-captures"
    waits = set_up.call("outside", "ask", item["snapshot"], "--at", "wayback")
    assert waits.code == 3 and "too-many-daily-captures" in waits.out
    assert set_up.fine("status", "--json").json["outside"] == {"pending": 1, "failed": []}
    (pending,) = set_up.fine("outside", "list", "--json").json["pending"]
    assert pending["next_try"] > pending["since"] and copies(set_up) == []
    theirs.refuse = None
    assert set_up.fine("outside", "ask", item["snapshot"], "--at", "wayback", "--json").json[0]["state"] == "stated"
    assert set_up.fine("status", "--json").json["outside"] == {"pending": 0, "failed": []}


def test_what_waits_for_an_archive_that_was_taken_out_of_the_settings_is_given_up(
    box: Box, theirs: WebArchives, site: Website
) -> None:
    (item,) = box.fine("capture", site.url("/terms"), "--json").json
    path = box.root / "archive.toml"
    before = path.read_text()
    (box.root / "key").write_text(SECRET)
    box.append(f'\n[outside.wayback]\nendpoint = "{theirs.url}"\nkey_file = "key"\nallow_private = ["127.0.0.0/8"]\n')
    theirs.status = 429
    assert box.call("outside", "ask", item["snapshot"]).code == 3
    path.write_text(before)
    assert box.fine("status", "--json").json["outside"]["pending"] == 1
    with box.daemon() as daemon:
        assert daemon.stop() == 0
    status = box.fine("status", "--json").json["outside"]
    assert status["pending"] == 0 and status["failed"][0]["error"] == outside_copying.GONE


def test_bad_questions(box: Box, site: Website) -> None:
    (item,) = box.fine("capture", site.url("/terms"), "--json").json
    refused = box.call("outside", "ask", item["snapshot"])
    assert refused.code == 2 and "no web archive is set up" in refused.error()
    box.append('\n[outside.wayback]\nkey_file = "key"\n')
    assert "no [outside.perma]" in box.call("outside", "ask", item["snapshot"], "--at", "perma").error()
    assert "no snapshot EA-S-00000999" in box.call("outside", "ask", "EA-S-00000999").error()
    missing = box.call("outside", "ask", item["snapshot"])
    assert missing.code == 3 and "key_file: No such file" in missing.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[outside.nowhere]\nkey_file = 'k'\n", "unknown web archive [outside.nowhere]"),
        ("[outside.wayback]\n", "needs key_file or key_credential"),
        ("[outside.wayback]\nkey_file = 'k'\nkey_credential = 'k'\n", "needs key_file or key_credential"),
        ("[outside.wayback]\nkey = 'Tr0ub4dor'\n", "unknown key outside.wayback.key"),
        ("[outside.wayback]\nkey_file = 'k'\nallow_private = ['0.0.0.0/0']\n", "networks"),
        ("[outside.wayback]\nkey_file = 'k'\nendpoint = 'http://a.example'\n", "https://"),
        ("[outside]\nwayback = 1\n", "unknown key outside.wayback"),
    ],
)
def test_settings_that_cannot_be_meant(box: Box, text: str, words: str) -> None:
    box.append(f"\n{text}")
    refused = box.call("outside", "list")
    assert refused.code == 2 and words in refused.error() and "Tr0ub4dor" not in refused.error()


def test_a_key_may_be_a_credential_of_the_service_manager(set_up: Box, theirs: WebArchives, tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "spn").write_text(SECRET)
    path = set_up.root / "archive.toml"
    path.write_text(path.read_text().replace('key_file = "key"', 'key_credential = "spn"'))
    (item,) = set_up.fine("capture", "EA-D-00001", "--json").json
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    set_up.fine("outside", "ask", item["snapshot"], "--at", "wayback", environment=environment)
    assert theirs.requests[0].headers["authorization"] == f"LOW {SECRET}"


def test_nobody_is_asked_for_a_copy_of_what_was_disposed_of(set_up: Box, theirs: WebArchives) -> None:
    (item,) = set_up.fine("capture", "EA-D-00001", "--json").json
    set_up.fine("dispose", item["snapshot"], "--by", "R. Lee", "--reason", "over", "--yes")
    refused = set_up.call("outside", "ask", item["snapshot"])
    assert refused.code == 3 and "was disposed of on" in refused.error()
    assert theirs.requests == []
