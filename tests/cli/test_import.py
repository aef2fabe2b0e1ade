"""``archiver import``: kept byte for byte, covered like every statement, and no capture of ours."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests import foreign
from tests.cli.box import Box
from tests.evidence.test_imported import BROKEN


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.warc.gz"
    path.write_bytes(foreign.warc())
    return path


def test_a_file_goes_in_is_stated_and_verifies(stamped: Box, theirs: Path) -> None:
    words = ("--source", "sent by the other side", "--reason", "matter 7", "--by", "A. Clerk", "--stamp")
    (item,) = stamped.fine("import", "add", str(theirs), *words, "--json").json
    digest = hashlib.sha256(theirs.read_bytes()).hexdigest()
    assert (item["new"], item["name"], item["file_sha256"]) == (True, "theirs.warc.gz", digest)
    kept = stamped.root / "imported" / digest[:2] / f"{digest}.warc.gz"
    assert kept.read_bytes() == theirs.read_bytes() and list((stamped.root / "staging").iterdir()) == []
    (body,) = [b for b in stamped.statements() if b["kind"] == "custody"]
    assert (body["event"], body["premis"], body["subjects"]) == ("import", "ingestion", [item["import"]])
    assert (body["source"], body["reason"], body["by"]) == ("sent by the other side", "matter 7", "A. Clerk")
    assert item["import"] == f"EA-I-{body['seq']:08d}" and body["path"] == f"imported/{digest[:2]}/{kept.name}"
    assert (body["records"], body["urls"], body["first_date"]) == (3, list(foreign.URLS), foreign.DATES[1])
    name = item["import"]
    report = stamped.fine("verify", name, "--json").json[0]
    checks = {check["number"]: check for check in report["checks"]}
    assert report["verdict"] == "pass" and report["subject"] == name
    assert {n: c["verdict"] for n, c in checks.items()} == dict.fromkeys((2, 3, 6, 7, 8, 9, 11, 41), "pass")
    said = checks[41]["detail"]
    assert "existed in the archive no later than 2" in said and "nothing is shown about who captured" in said
    for subject in (str(theirs), digest):
        (found,) = stamped.fine("verify", subject, "--json").json
        assert f"an imported file, {name}" in found["subject"] and found["checks"] == report["checks"]
    assert "imported files: 1 pass, 0 fail" in stamped.fine("verify", "--all").out
    stamped.verified()
    stamped.fine("rebuild")
    stamped.verified()


def test_list_and_show_tell_what_the_file_claims_and_that_nobody_here_captured_it(box: Box, theirs: Path) -> None:
    assert box.fine("import", "list").err.startswith("nothing was imported")
    (item,) = box.fine("import", "add", str(theirs), "--json").json
    (listed,) = box.fine("import", "list", "--json").json
    shown = box.fine("import", "show", item["import"], "--json").json
    assert listed == shown == {k: v for k, v in item.items() if k != "new"}
    assert f"{item['import']}  theirs.warc.gz" in box.fine("import", "list").out
    text = box.fine("import", "show", item["import"]).out
    for words in (*foreign.URLS, item["file_sha256"], "not said", f"{foreign.DATES[1]} to {foreign.DATES[0]}"):
        assert words in text
    assert item["citation"] in " ".join(text.split()) and "not captured by it" in item["citation"]


def test_it_is_not_cited_as_a_capture(box: Box, theirs: Path) -> None:
    (item,) = box.fine("import", "add", str(theirs), "--json").json
    refused = box.call("cite", item["import"])
    assert refused.code == 2 and "is an imported file, not a capture of this archive" in refused.error()
    unknown = box.call("cite", "EA-I-00000999")
    assert unknown.code == 2 and "there is no imported file EA-I-00000999" in unknown.error()
    for words in (
        ("verify", "EA-I-00000999"),
        ("import", "show", "EA-I-00000999"),
        ("import", "show", "XX-I-00000001"),
    ):
        assert "there is no imported file" in box.call(*words).error()


def test_the_same_bytes_are_kept_once(box: Box, theirs: Path, tmp_path: Path) -> None:
    (first,) = box.fine("import", "add", str(theirs), "--json").json
    (tmp_path / "again.warc.gz").write_bytes(theirs.read_bytes())
    size = len(box.statements())
    (again,) = box.fine("import", "add", str(tmp_path / "again.warc.gz"), "--json").json
    assert (again["import"], again["new"]) == (first["import"], False) and len(box.statements()) == size
    assert "kept already" in box.fine("import", "add", str(theirs)).out
    assert list((box.root / "staging").iterdir()) == []


def test_what_was_lost_is_not_said_to_be_kept(box: Box, theirs: Path) -> None:
    (item,) = box.fine("import", "add", str(theirs), "--json").json
    (box.root / item["path"]).unlink()
    refused = box.call("import", "add", str(theirs))
    assert refused.code == 4 and f"{item['path']} is missing" in refused.error()


def test_the_daemon_takes_files_in_too(box: Box, theirs: Path) -> None:
    with box.daemon() as daemon:
        (item,) = box.fine("import", "add", str(theirs), "--json").json
        assert box.call("verify", item["import"]).code == 0
        assert daemon.stop() == 0
    box.verified()


@pytest.mark.parametrize("name", ["cut", "digest", "path", "not a zip", "unlisted"])
def test_a_broken_file_is_kept_only_when_asked_and_then_with_its_problems(name: str, box: Box, tmp_path: Path) -> None:
    data, code, words = BROKEN[name]
    path = tmp_path / "theirs"
    path.write_bytes(data)
    refused = box.call("import", "add", str(path))
    assert refused.code == 1 and words in refused.error() and f"({code})" in refused.error()
    assert "--keep-broken" in refused.error() and not (box.root / "imported").exists()
    assert list((box.root / "staging").iterdir()) == []
    kept = box.fine("import", "add", str(path), "--keep-broken", "--json")
    (item,) = kept.json
    assert item["problems_total"] >= 1 and words in kept.err
    assert (box.root / item["path"]).read_bytes() == data, "nothing of it was unpacked or mended"
    (report,) = box.fine("verify", item["import"], "--json").json
    third = next(check for check in report["checks"] if check["number"] == 3)
    assert third["verdict"] == "none" and "broken when it was imported, and stated so" in third["detail"]
    assert words in third["detail"] and report["verdict"] == "pass"
    assert not list(tmp_path.parent.rglob("evil")), "no member was written under its name"


def test_what_is_no_file_of_records_is_never_kept(box: Box, tmp_path: Path) -> None:
    for name, data, words in (
        ("x.txt", b"hello", "neither a WARC file, plain or in gzip, nor a WACZ package; name one of these"),
        ("x.arc", b"filedesc://x", "ARC file"),
        ("x.warc", b"", "the file is empty; get it again"),
    ):
        (tmp_path / name).write_bytes(data)
        refused = box.call("import", "add", str(tmp_path / name), "--keep-broken")
        assert refused.code == 2 and words in refused.error() and name in refused.error()
    os.mkfifo(tmp_path / "fifo")
    assert "not a plain file" in box.call("import", "add", str(tmp_path / "fifo")).error()
    assert box.call("import", "add", str(tmp_path / "nowhere")).code == 2
    assert not [b for b in box.statements() if b["kind"] == "custody"]


def test_ceilings_on_size_and_records(box: Box, theirs: Path) -> None:
    small = {"ARCHIVER_IMPORT_MAX_BYTES": "1024"}
    (box.folder / "large.warc").write_bytes(foreign.warc(gz=False))
    refused = box.call("import", "add", str(box.folder / "large.warc"), "--keep-broken", environment=small)
    assert refused.code == 2 and "import.max_bytes" in refused.error()
    few = {"ARCHIVER_IMPORT_MAX_RECORDS": "2"}
    refused = box.call("import", "add", str(theirs), environment=few)
    assert refused.code == 1 and "more than 2 records" in refused.error()
    assert list((box.root / "staging").iterdir()) == []


def test_of_several_files_those_before_the_bad_one_are_kept(box: Box, theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.warc").write_bytes(b"bad")
    assert box.call("import", "add", str(theirs), str(tmp_path / "bad.warc")).code == 2
    assert len(box.fine("import", "list", "--json").json) == 1 and box.log_size() == len(box.statements())


def test_a_name_that_would_steer_the_terminal_does_not(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\nb.warc"
    path.write_bytes(foreign.warc(gz=False))
    (item,) = box.fine("import", "add", str(path), "--json").json
    assert item["name"] == "a<U+001B>[31m b.warc"


@pytest.mark.parametrize("then", ["looser", "stricter"])
def test_other_ceilings_are_no_damage(box: Box, tmp_path: Path, then: str) -> None:
    """Where reading stopped is a matter of settings, and they change over years; the bytes are the same."""
    path = tmp_path / "large.warc.gz"
    path.write_bytes(foreign.warc(body=bytes(70 << 20)) + b"rubbish")
    tight, wide = "[import]\nmax_ratio = 50\n", "[import]\nmax_ratio = 2000\n"
    settings = (box.root / "archive.toml").read_text()
    (box.root / "archive.toml").write_text(settings + (tight if then == "looser" else wide))
    (item,) = box.fine("import", "add", str(path), "--keep-broken", "--json").json
    assert ("ceiling" in [problem["code"] for problem in item["problems"]]) is (then == "looser")
    (box.root / "archive.toml").write_text(settings + (wide if then == "looser" else tight))
    (report,) = box.call("verify", item["import"], "--json").json
    checks = {check["number"]: check for check in report["checks"]}
    assert checks[2]["verdict"] == "pass"
    assert checks[3]["verdict"] == ("none" if then == "looser" else "incomplete")
    assert "broken when" in checks[3]["detail"] or "the settings are not those" in checks[3]["detail"]


@pytest.mark.parametrize("damage", ["changed", "cut", "missing", "stranger"])
def test_damage_in_the_archive_is_found(damage: str, box: Box, theirs: Path) -> None:
    (item,) = box.fine("import", "add", str(theirs), "--json").json
    kept = box.root / item["path"]
    data = kept.read_bytes()
    match damage:
        case "changed":
            kept.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "cut":
            kept.write_bytes(data[:-1])
        case "missing":
            kept.unlink()
        case "stranger":
            kept.with_name("ab.warc").write_bytes(data)
    found = box.call("verify", "--all", "--json")
    failed = [(r["subject"], c["number"]) for r in found.json for c in r["checks"] if c["verdict"] == "fail"]
    assert found.code == 1
    if damage != "changed":
        assert failed[0][1] == 42
    if damage != "stranger":
        assert (item["import"], 2) in failed and box.call("verify", item["import"]).code == 1
