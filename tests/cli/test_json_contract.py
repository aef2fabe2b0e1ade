"""The keys that ``--json`` prints: a contract, to which keys are added and in which none is renamed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.box import Box
from tests.cli.conftest import TERMS
from tests.simulators.website import Website

CHECK = {
    "seq", "snapshot", "document", "url", "final_url", "outcome", "reason", "started_at", "ended_at", "status",
    "statement_sha256", "warc_sha256", "payload_sha256", "content_sha256", "text_sha256", "version", "tls_verdict",
    "limits", "stamps",
}  # fmt: skip
STAMP = {"authority", "state", "gen_time", "subject"}
WATCHED = {
    "document", "entity", "title", "urls", "select", "every", "method", "paused", "next_check", "last_outcome",
}  # fmt: skip
REPORT = {"subject", "verdict", "checks", "not_checked"}
NUMBERED = {"number", "name", "verdict", "detail"}
HISTORY = {"document", "entity", "title", "url", "first_tracked", "last_verified", "versions", "checks"}
VERSION = {"version", "snapshot", "first_seen", "last_seen", "text_sha256", "change", "publisher_date"}
STATUS = {
    "documents", "snapshots", "checks_24h", "failing", "quarantined", "stamps_pending", "stamps_overdue", "log_size",
    "checkpoint_time", "disk_free_bytes", "last_backup", "warnings",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DIGEST = re.compile(r"[0-9a-f]{64}")


@pytest.fixture
def filled(stamped: Box, site: Website) -> Box:
    """An archive with two versions of a document, a failure and a quarantine."""
    stamped.fine("watch", "add", site.url("/terms"), "--entity", "Example", "--document", "Terms")
    stamped.fine("watch", "add", site.url("/missing"))
    stamped.fine("capture", "EA-D-00001")
    site.documents["/terms"] = TERMS.replace(b"Be nice", b"Be very nice")
    stamped.call("capture", "--all")
    return stamped


def require(value: Mapping[str, Any], keys: set[str]) -> None:
    assert keys <= value.keys(), keys - value.keys()


def require_forms(value: Any, key: str = "") -> None:
    """Times are RFC 3339 UTC with milliseconds, digests 64 hex digits, whatever holds them."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            require_forms(inner, name)
    elif isinstance(value, list):
        for inner in value:
            require_forms(inner, key)
    elif isinstance(value, str):
        if key.endswith("_sha256"):
            assert DIGEST.fullmatch(value), (key, value)
        if key.endswith(("_at", "_seen", "_tracked", "_verified", "checkpoint_time", "next_check")):
            assert TIME.fullmatch(value), (key, value)


def test_capture(filled: Box, site: Website) -> None:
    done = filled.call("capture", "EA-D-00001", site.url("/privacy"), "http://127.0.0.1:1/", "--json")
    assert done.code == 1, "one was blocked"
    items = done.json
    require_forms(items)
    for item in items:
        require(item, CHECK)
        assert item["stamps"]
        for stamp in item["stamps"]:
            require(stamp, STAMP)
    assert [item["outcome"] for item in items] == ["unchanged", "new_version", "blocked"]
    assert [item["document"] for item in items] == ["EA-D-00001", None, None]
    assert [stamp["state"] for stamp in items[0]["stamps"]] == ["verified"]
    assert items[2]["reason"].startswith("port_refused: ") and items[2]["status"] is None


def test_watch(filled: Box, site: Website) -> None:
    added = filled.fine("watch", "add", site.url("/x"), "--every", "6h", "--json").json
    listed = filled.fine("watch", "list", "--json").json
    (filled.folder / "more.csv").write_text("urls\nhttp://a.example/\n")
    imported = filled.fine("watch", "import", str(filled.folder / "more.csv"), "--json").json
    require_forms([added, listed, imported])
    for item in (*added, *listed, *imported):
        require(item, WATCHED)
    assert added[0]["every"] == "6h" and listed[-1]["document"] == added[0]["document"]
    assert filled.fine("watch", "import", str(filled.folder / "more.csv"), "--json").json == []


def test_verify(filled: Box) -> None:
    for words in (("--all",), (filled.captures()[0]["snapshot"],)):
        reports = filled.call("verify", *words, "--json").json
        for report in reports:
            require(report, REPORT)
            assert report["verdict"] in ("pass", "fail", "incomplete")
            assert all(isinstance(text, str) for text in report["not_checked"])
            for check in report["checks"]:
                require(check, NUMBERED)


def test_history(filled: Box) -> None:
    found = filled.fine("history", "EA-D-00001", "--json").json
    require(found, HISTORY)
    require_forms(found)
    assert [version["version"] for version in found["versions"]] == [1, 2]
    for version in found["versions"]:
        require(version, VERSION)
        assert version["publisher_date"].keys() >= {"text", "value"}
    for check in found["checks"]:
        require(check, CHECK)
    assert [check["outcome"] for check in found["checks"]] == ["new_version", "new_version"]
    assert len(filled.fine("history", "EA-D-00001", "--limit", "1", "--json").json["checks"]) == 1


def test_status(filled: Box) -> None:
    facts = filled.call("status", "--json").json
    require(facts, STATUS)
    require_forms(facts)
    assert (facts["documents"], facts["snapshots"], facts["checks_24h"]) == (2, 3, 3)
    assert facts["log_size"] == len(filled.statements())
    (quarantined,) = facts["quarantined"]
    assert quarantined["document"] == "EA-D-00002" and "404" in quarantined["reason"]


def test_cite(filled: Box) -> None:
    record = filled.fine("cite", filled.captures()[0]["snapshot"], "--format", "json").json
    assert isinstance(record, dict)
    assert filled.fine("cite", filled.captures()[0]["snapshot"], "--json").json.keys() == record.keys()


def test_the_rest_is_json_too(filled: Box) -> None:
    (filled.folder / "old").write_bytes((filled.root / "log" / "checkpoint").read_bytes())
    for words, keys in (
        (("log", "checkpoint"), {"origin", "size", "root_sha256", "checkpoint"}),
        (("log", "prove", "1"), {"index", "entry_sha256", "hashes_sha256", "checkpoint"}),
        (("log", "consistency", str(filled.folder / "old")), {"old_size", "new_size", "consistent"}),
        (("stamp", "list"), {"tokens", "pending"}),
        (("stamp", "retry"), {"warnings", "pending"}),
        (("keys", "list"), {"origin", "vkey", "spki_sha256", "roots"}),
        (("settings",), {"settings", "authorities"}),
        (("watch", "show", "EA-D-00001"), WATCHED | {"remove", "conditional", "statement"}),
        (("rebuild",), {"statements"}),
    ):
        found = filled.fine(*words, "--json").json
        require(found, keys)
        require_forms(found)
    findings = filled.call("doctor", "--json").json
    assert all(finding.keys() == {"name", "fine", "detail"} for finding in findings)
    formats = filled.fine("cite", "--list-formats", "--json").json
    assert all(item.keys() == {"name", "title", "media_type", "suffix"} for item in formats)


def test_made_archives_say_where_they_are(filled: Box) -> None:
    made = filled.fine("init", str(filled.folder / "other"), "--no-passphrase", "--json").json
    require(made, {"archive", "origin", "vkey", "head_copy"})
