"""The keys that ``--json`` prints: a contract, to which keys are added and in which none is renamed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests import foreign
from tests.cli.box import Box
from tests.cli.conftest import TERMS
from tests.simulators.website import Website

CHECK = {
    "seq", "snapshot", "document", "url", "final_url", "outcome", "reason", "started_at", "ended_at", "status",
    "statement_sha256", "warc_sha256", "payload_sha256", "content_sha256", "text_sha256", "version", "change",
    "tls_verdict", "limits", "stamps",
}  # fmt: skip
STAMP = {"authority", "state", "gen_time", "subject"}
WATCHED = {
    "document", "entity", "title", "urls", "select", "every", "method", "paused", "next_check", "last_outcome",
}  # fmt: skip
REPORT = {"subject", "verdict", "checks", "not_checked"}
NUMBERED = {"number", "name", "verdict", "detail"}
HISTORY = {"document", "entity", "title", "url", "first_tracked", "last_verified", "versions", "checks"}
VERSION = {
    "version", "snapshot", "first_seen", "last_seen", "text_sha256", "change", "publisher_date", "publisher_dates",
    "compared_with", "words_added", "words_removed", "silent_edit", "in_force_from", "disposed",
}  # fmt: skip
STATUS = {
    "documents", "snapshots", "checks_24h", "failing", "quarantined", "stamps_pending", "stamps_overdue", "log_size",
    "checkpoint_time", "disk_free_bytes", "last_backup", "warnings",
}  # fmt: skip
DIFF = {"from", "to", "class", "hunks", "links"}
SIDE = {"document", "version", "snapshot", "captured_at", "text_sha256"}
HUNK = {"kind", "old", "new", "old_line", "new_line", "words"}
LINK = {"kind", "words", "target"}
PROVISION = {
    "provision", "document", "title", "exact", "prefix", "suffix", "marked_in", "marked_at", "by", "removed",
    "first_seen", "last_seen", "changes", "months_monitored", "stability", "life", "change_list", "checks",
    "telling_checks",
}  # fmt: skip
WORDING = {"version", "snapshot", "first_seen", "last_seen", "state", "exact", "score", "pieces"}
CHANGE = {"kind", "last_check_at", "next_check_at", "from_version", "to_version"}
WIRE = {
    "snapshot", "version", "normaliser", "text_sha256", "start", "end", "bytes", "bytes_missing", "warc_sha256",
    "log_index", "statement_sha256", "timestamps",
}  # fmt: skip
BYTES = {
    "part", "url", "content_sha256", "start", "end", "exact", "page", "payload_sha256", "payload_range", "record",
    "record_type", "record_sha256", "record_offset", "full_copy",
}  # fmt: skip
OTHERS = {"provision", "document", "exact", "least", "passages", "prevalence"}
PASSAGE = {"document", "entity", "title", "snapshot", "line", "first_seen", "last_seen", "text"}
ABSENCE = {
    "document", "from", "to", "checks", "full_bodies", "not_modified", "largest_gap_s", "unchanged", "exceptions",
    "statement_sha256", "normaliser", "version", "text_sha256", "first_seq", "last_seq", "first_check_at",
    "last_check_at",
}  # fmt: skip
EXCEPTION = {"seq", "at", "outcome", "reason"}
WAITING = {"snapshot", "document", "url", "captured_at", "verdict", "reason_code", "reason"}
DECISION = {"snapshot", "event", "by", "reason", "statement_sha256", "version", "change"}
ANNOTATION = {
    "annotation", "revision", "event", "subject", "version", "by", "at", "severity", "confidence", "category",
    "regulation", "jurisdiction", "effective_date", "text", "statement_sha256",
}  # fmt: skip
IMPORTED = {
    "import", "seq", "at", "name", "source", "by", "reason", "path", "file_sha256", "file_sha512", "file_bytes",
    "format", "records", "digests_hold", "types", "urls", "urls_total", "first_date", "last_date", "remarks",
    "problems", "problems_total", "examined_by", "statement_sha256", "citation", "disposed",
}  # fmt: skip
OUTSIDE = {"archives", "pending", "failed", "copies"}
STATES = {"verbatim", "reworded", "moved", "split", "absent", "unknown"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BEGINS_AS_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
TIMES = ("_at", "_seen", "_tracked", "_verified", "checkpoint_time", "next_check")
DIGEST = re.compile(r"[0-9a-f]{64}")
HEX = re.compile(r"[0-9A-Fa-f]{32,}")


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
        if key.endswith("_sha256") or HEX.fullmatch(value):
            assert DIGEST.fullmatch(value) and "sha256" in key, (key, value)
        if key == "gen_time":
            assert BEGINS_AS_TIME.match(value) and value.endswith("Z"), (key, value)  # the authority's own digits
        elif key.endswith(TIMES) or BEGINS_AS_TIME.match(value):
            assert TIME.fullmatch(value), (key, value)
    elif value is not None:
        assert not key.endswith(("_sha256", *TIMES)), (key, value)


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
            assert report["verdict"] in ("pass", "fail", "incomplete", "disposed")
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
    assert facts["revocation"].keys() == {"overdue", "revoked"}
    require_forms(facts)
    assert (facts["documents"], facts["snapshots"], facts["checks_24h"]) == (2, 3, 3)
    assert facts["log_size"] == len(filled.statements())
    (quarantined,) = facts["quarantined"]
    assert quarantined["document"] == "EA-D-00002" and "404" in quarantined["reason"]


def test_cite(filled: Box) -> None:
    record = filled.fine("cite", filled.captures()[0]["snapshot"], "--format", "json").json
    assert isinstance(record, dict)
    assert filled.fine("cite", filled.captures()[0]["snapshot"], "--json").json.keys() == record.keys()


def test_custody(filled: Box) -> None:
    name = filled.captures()[0]["snapshot"]
    file = filled.folder / "x.zip"
    file.write_bytes(b"x")
    by = ("--by", "A. Clerk", "--reason", "why not")
    stated = {"seq", "at", "event", "premis", "subjects", "by", "reason", "statement_sha256"}
    found = [
        (filled.fine("hold", "set", "h", "EA-D-00001", *by, "--json").json, stated | {"hold"}),
        (filled.fine("hold", "release", "h", *by, "--json").json, stated | {"hold"}),
        (
            filled.fine("transfer", name, "--to", "X", "--file", str(file), *by, "--json").json,
            stated | {"to", "file_sha256", "file_bytes", "name", "export_seq"},
        ),
        (
            filled.fine("redact", name, "--hide", "2", *by, "--output", str(filled.folder / "r.json"), "--json").json,
            {"snapshot", "file", "file_sha256", "file_bytes", "object_sha256", "lines", "of", "hidden", "seq"}
            | {"witness", "unwitnessed", "gives_away", "statement_sha256"},
        ),
    ]
    filled.fine("hold", "set", "h", "EA-D-00002")
    (hold,) = filled.fine("hold", "list", "--json").json
    found.append((hold["subjects"][0], {"subject", "set_at", "by", "reason", "seq"}))
    shown = filled.fine("dispose", name, *by, "--dry-run", "--json").json
    found.append((shown, {"subjects", "files", "kept"}))
    found.append((filled.fine("dispose", name, *by, "--yes", "--json").json, stated | {"files", "kept"}))
    custody = filled.fine("custody", name, "--json").json
    found.append((custody, {"snapshot", "document", "holds", "disposed", "events"}))
    found += [(event, stated - {"subjects"} | {"concerns", "detail"}) for event in custody["events"]]
    for item, keys in found:
        require(item, keys)
        require_forms(item)
    assert [event["event"] for event in custody["events"]] == [
        "capture", "hold_set", "hold_released", "transfer", "redaction", "disposal"
    ]  # fmt: skip


def test_the_rest_is_json_too(filled: Box) -> None:
    (filled.folder / "old").write_bytes((filled.root / "log" / "checkpoint").read_bytes())
    for words, keys in (
        (("log", "checkpoint"), {"origin", "size", "root_sha256", "checkpoint"}),
        (("log", "prove", "1"), {"index", "entry_sha256", "hashes_sha256", "checkpoint"}),
        (("log", "consistency", str(filled.folder / "old")), {"old_size", "new_size", "consistent"}),
        (("stamp", "list"), {"tokens", "pending", "revocation"}),
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


@pytest.fixture
def marked(filled: Box) -> Box:
    """The same with a clause that is followed."""
    words = "We may close an account that was not used for a year, after a warning by e-mail."
    filled.fine("provision", "add", "EA-D-00001", words, "--title", "Closing", "--by", "Ana")
    return filled


def test_diff(filled: Box, site: Website) -> None:
    site.documents["/terms"] = TERMS + b'<p><a href="/away">Away</a> from here.</p>'
    filled.fine("capture", "EA-D-00001", "--no-stamp")
    names = [capture["snapshot"] for capture in filled.captures() if capture["document"] == "EA-D-00001"]
    for words in (("EA-D-00001",), ("EA-D-00001", "1"), ("EA-D-00001", "1", "2"), (names[0], names[1])):
        found = filled.call("diff", *words, "--json")
        require(found.json, DIFF)
        require_forms(found.json)
        assert found.code == 1 and found.json["class"] == "wording"
        for side in ("from", "to"):
            require(found.json[side], SIDE)
        for hunk in found.json["hunks"]:
            require(hunk, HUNK)
            assert hunk["kind"] in ("replaced", "added", "removed", "moved")
            assert "".join(word["text"] for word in hunk["words"] if word["op"] != "insert") == hunk["old"]
            assert "".join(word["text"] for word in hunk["words"] if word["op"] != "delete") == hunk["new"]
        for link in found.json["links"]:
            require(link, LINK)
    same = filled.fine("diff", "EA-D-00001", "1", "1", "--json").json
    require(same, DIFF)
    assert same["class"] is None and same["hunks"] == same["links"] == []


def test_provision(marked: Box) -> None:
    added = marked.fine("provision", "add", "EA-D-00001", "Be very nice to everybody", "--json").json
    shown = marked.fine("provision", "show", "EA-P-000002", "--json").json
    for found in (added, shown):
        require(found, PROVISION)
        require_forms(found)
        assert found["stability"] in ("stable", "changed", "volatile", "unknown")
        for wording in found["life"]:
            require(wording, WORDING)
            assert wording["state"] in STATES and 0 <= wording["score"] <= 100
        for change in found["change_list"]:
            require(change, CHANGE)
    assert [wording["state"] for wording in shown["life"]] == ["reworded", "verbatim"]
    assert [change["kind"] for change in shown["change_list"]] == ["reworded"]
    require(shown["wire"], WIRE)
    for place in shown["wire"]["bytes"]:
        require(place, BYTES)
    for stamp in shown["wire"]["timestamps"]:
        require(stamp, STAMP)
    listed = marked.fine("provision", "list", "--json").json
    require_forms(listed)
    assert [item["provision"] for item in listed] == ["EA-P-000001", "EA-P-000002"]
    assert marked.fine("provision", "remove", "EA-P-000002", "--json").json == {
        "provision": "EA-P-000002",
        "removed": True,
    }


def test_provision_others(marked: Box, site: Website) -> None:
    site.documents["/other"] = TERMS
    marked.fine("watch", "add", site.url("/other"), "--entity", "Other", "--document", "Rules")
    marked.fine("capture", "EA-D-00003", "--no-stamp")
    found = marked.fine("provision", "others", "EA-P-000001", "--json").json
    require(found, OTHERS)
    require_forms(found)
    for passage in found["passages"]:
        require(passage, PASSAGE | {"score", "version", "shared_words"})
    require(found["prevalence"], {"with", "compared", "checked_from", "checked_to"})
    assert found["prevalence"]["with"] == ["EA-D-00003"]
    assert all(item.keys() == {"document", "version", "last_checked"} for item in found["prevalence"]["compared"])


def test_search(filled: Box) -> None:
    hits = filled.fine("search", "nice", "--json").json
    require_forms(hits)
    assert sorted(hit["versions"] for hit in hits) == [[1], [2]]
    for hit in hits:
        require(hit, PASSAGE | {"versions", "current"})
    assert filled.call("search", "zebra", "--json").json == []


@pytest.mark.parametrize("further", [(), ("--dry-run",), ("--stamp",)])
def test_absence(filled: Box, further: tuple[str, ...]) -> None:
    span = ("--from", "2026-01-01", "--to", "2099-12-31", *further, "--json")
    for document, unchanged in (("EA-D-00001", False), ("EA-D-00002", False)):
        found = filled.call("absence", document, *span)
        require(found.json, ABSENCE)
        require_forms(found.json)
        assert (found.json["unchanged"], found.code) == (unchanged, 1)
        assert (found.json["statement_sha256"] is None) == (further == ("--dry-run",))
        for exception in found.json["exceptions"]:
            require(exception, EXCEPTION)
        for end in ("from", "to"):
            assert TIME.fullmatch(found.json[end])


def test_quarantine(filled: Box) -> None:
    (waiting,) = filled.fine("quarantine", "list", "--json").json
    require(waiting, WAITING)
    made = filled.fine("quarantine", "confirm", waiting["snapshot"], "--by", "Ana", "--reason", "gone", "--json").json
    made += filled.fine("quarantine", "release", waiting["snapshot"], "--by", "Ben", "--json").json
    for decision in made:
        require(decision, DECISION)
    require_forms([waiting, made])
    assert [(item["event"], item["version"]) for item in made] == [("confirmed", None), ("released", 1)]
    derived = filled.fine("derive", "--json").json
    assert derived.keys() == {"normaliser", "assessed", "versions", "damaged"}


def test_annotate(marked: Box) -> None:
    made = [
        marked.fine("annotate", "add", subject, "--severity", "high", "--json").json
        for subject in ("EA-D-00001", "EA-P-000001", marked.captures()[0]["snapshot"])
    ]
    made.append(marked.fine("annotate", "change", "EA-A-000001", "--text", "see §2", "--json").json)
    made += marked.fine("annotate", "list", "--json").json
    made += marked.fine("annotate", "show", "EA-A-000001", "--json").json
    made.append(marked.fine("annotate", "withdraw", "EA-A-000001", "--json").json)
    for item in made:
        require(item, ANNOTATION)
    require_forms(made)


def test_capture_says_what_changed(filled: Box, site: Website) -> None:
    site.documents["/terms"] = TERMS.replace(b"a year", b"two years")
    (changed,) = filled.fine("capture", "EA-D-00001", "--json").json
    (same,) = filled.fine("capture", "EA-D-00001", "--json").json
    assert [(item["outcome"], item["version"], item["change"]) for item in (changed, same)] == [
        ("new_version", 3, "wording"),
        ("unchanged", 3, None),
    ]


def test_alerts(filled: Box) -> None:
    found = filled.fine("alert", "list", "--json").json
    assert found == {"channels": [], "rules": [], "pending": [], "failed": []}


def test_imported_files(filled: Box) -> None:
    """Their times and digests are the file's own, in its own forms."""
    (filled.folder / "theirs.warc").write_bytes(foreign.warc(gz=False))
    (made,) = filled.fine("import", "add", str(filled.folder / "theirs.warc"), "--json").json
    require(made, IMPORTED | {"new"})
    (listed,) = filled.fine("import", "list", "--json").json
    require(listed, IMPORTED)
    require(filled.fine("import", "show", made["import"], "--json").json, IMPORTED)
    gone = filled.fine("dispose", made["import"], "--by", "A. Clerk", "--reason", "x", "--yes", "--json").json
    require(gone, {"seq", "at", "event", "premis", "subjects", "by", "reason", "statement_sha256", "files", "kept"})
    custody = filled.fine("custody", made["import"], "--json").json
    require(custody, {"import", "document", "holds", "disposed", "events"})
    (listed,) = filled.fine("import", "list", "--json").json
    assert listed["disposed"] == custody["disposed"]
    require(listed["disposed"], {"at", "by", "reason", "seq"})


def test_copies_elsewhere(filled: Box) -> None:
    listed = filled.fine("outside", "list", "--json").json
    require(listed, OUTSIDE)
    assert listed == {name: [] for name in OUTSIDE}
    require(filled.call("status", "--json").json["outside"], {"pending", "failed"})
