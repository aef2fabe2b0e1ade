"""An imported file that is disposed of at the command line, and what is told of it from then on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.index import Index
from tests import foreign
from tests.cli.box import Box, Result
from tests.simulators.website import Website

WHY = ("--by", "R. Lee", "--reason", "it was sent back")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.warc.gz"
    path.write_bytes(foreign.warc())
    return path


def take_in(box: Box, path: Path) -> Any:
    (item,) = box.fine("import", "add", str(path), "--no-stamp", "--json").json
    return item


def dispose(box: Box, *names: str) -> Result:
    return box.call("dispose", *names, *WHY, "--yes", "--json")


def rows(box: Box) -> list[Any]:
    index = Index(box.root / "archive.db", read_only=True)
    try:
        return list(index.dump())
    finally:
        index.close()


def test_the_file_goes_and_the_leaf_stays(stamped: Box, theirs: Path, tmp_path: Path) -> None:
    box = stamped
    (item,) = box.fine("import", "add", str(theirs), "--json").json
    name, kept = item["import"], box.root / item["path"]
    assert item["disposed"] is None and "kept at" in box.fine("import", "show", name).out
    refused = box.call("export", name, "--output", str(tmp_path / "x.zip"))
    assert refused.code == 2 and f"hand out a copy of {item['path']}" in refused.error()
    shown = box.fine("dispose", name, *WHY, "--dry-run").out
    assert item["path"] in shown and "goes: 1 file" in shown and kept.exists(), "only shown"

    made = dispose(box, name)
    assert made.code == 0, made.err
    assert (made.json["subjects"], made.json["premis"], made.json["kept"]) == ([name], "deletion", [])
    (gone,) = made.json["files"]
    assert gone == {"path": item["path"], "bytes": item["file_bytes"], "sha256": item["file_sha256"]}
    assert not kept.exists() and not list((box.root / "staging").iterdir())

    told = f"disposed of on {made.json['at']} by R. Lee because it was sent back"
    report = box.call("verify", name, "--json")
    assert report.code == 3 and report.json[0]["verdict"] == "disposed"
    checks = {check["number"]: check for check in report.json[0]["checks"]}
    assert {n: c["verdict"] for n, c in checks.items()} == {
        **dict.fromkeys((2, 3), "disposed"), **dict.fromkeys((6, 7, 9, 11, 41), "pass"), 8: "none"
    }  # fmt: skip
    assert told in checks[2]["detail"] and "by its digest, existed in the archive no later than" in checks[41]["detail"]
    assert box.call("verify", str(theirs), "--json").json[0]["verdict"] == "disposed", "found by its bytes too"
    everything = box.call("verify", "--all")
    assert everything.code == 0, everything.out
    assert told in everything.out and "imported files: 0 pass, 0 fail, 0 incomplete, 1 disposed" in everything.out
    assert "0 files, each stated; their digests are checked one by one; 1 disposed of" in everything.out

    for form in ("zip", "pdf", "wacz"):
        refused = box.call("export", name, "--output", str(tmp_path / f"x.{form}"))
        assert refused.code == 3 and told in refused.error() and name in refused.error()
    assert not list(tmp_path.glob("x.*"))
    (listed,) = box.fine("import", "list", "--json").json
    assert listed["disposed"] == {
        "at": made.json["at"], "by": "R. Lee", "reason": "it was sent back", "seq": made.json["seq"]
    }  # fmt: skip
    assert listed["citation"].endswith(f"until it was disposed of on {made.json['at']}; not captured by it.")
    assert "disposed of (UTC)" in box.fine("import", "list").out
    assert told in " ".join(box.fine("import", "show", name).out.split())
    custody = box.fine("custody", name, "--json").json
    assert [(e["event"], e["premis"]) for e in custody["events"]] == [("import", "ingestion"), ("disposal", "deletion")]
    assert custody["import"] == name and custody["disposed"] == listed["disposed"]
    assert told in " ".join(box.fine("custody", name).out.split())

    before = rows(box)
    box.fine("rebuild")
    assert rows(box) == before
    assert box.call("verify", name).code == 3 and box.call("verify", "--all").code == 0
    again = dispose(box, name)
    assert again.code == 2 and told in again.error()
    assert told in box.call("hold", "set", "h", name).error()
    assert take_in(box, theirs)["new"] and kept.exists()
    assert [found["disposed"] is None for found in box.fine("import", "list", "--json").json] == [False, True]
    assert box.call("verify", "--all").code in (0, 3)


def test_a_hold_stands_against_it(box: Box, theirs: Path) -> None:
    name = take_in(box, theirs)["import"]
    (made,) = [box.fine("hold", "set", "hold-7", name, *WHY, "--json").json]
    assert made["subjects"] == [name]
    refused = dispose(box, name)
    assert refused.code == 2 and f"{name} is under the hold hold-7, set on" in refused.error()
    assert f"under the hold hold-7 since {made['at']}" in " ".join(box.fine("custody", name).out.split())
    assert "already" in box.call("hold", "set", "hold-7", name).error()
    for unknown in ("EA-I-00000999", "EA-I-1"):
        assert f"there is no imported file {unknown}" in box.call("hold", "set", "hold-7", unknown).error()
    box.fine("rebuild")
    assert [item["subject"] for item in box.fine("hold", "list", "--json").json[0]["subjects"]] == [name]
    box.fine("hold", "release", "hold-7", name)
    assert dispose(box, name).code == 0
    events = [event["event"] for event in box.fine("custody", name, "--json").json["events"]]
    assert events == ["import", "hold_set", "hold_released", "disposal"]
    box.verified()


def test_snapshots_with_the_same_bytes_keep_them(box: Box, site: Website, theirs: Path) -> None:
    """One is the WARC of a snapshot here; the other was itself captured from a site, twice, the second time by name."""
    site.documents["/crawl.warc.gz"] = theirs.read_bytes()
    for _ in range(2):
        box.fine("capture", site.url("/crawl.warc.gz"), "--no-stamp")
    first, second = (capture for capture in box.captures() if capture["result"] == "stored")
    warc = f"{first['folder']}/capture.warc.gz"
    own, captured = take_in(box, box.root / warc), take_in(box, theirs)
    made = dispose(box, own["import"])
    assert made.code == 0, made.err
    assert made.json["kept"] == [{"path": warc, "why": "shared"}]
    made = dispose(box, captured["import"])
    assert made.json["kept"] == [{"path": warc, "why": "shared"}], "the second one only refers to it"
    assert not (box.root / own["path"]).exists() and (box.root / warc).exists()
    assert [box.call("verify", capture["snapshot"]).code for capture in (first, second)] == [0, 0]
    box.verified()
    own = take_in(box, box.root / warc)
    made = dispose(box, own["import"], first["snapshot"], second["snapshot"])
    assert made.code == 0, made.err
    assert [item for item in made.json["kept"] if item["why"] == "shared"] == []
    assert {item["path"] for item in made.json["files"]} >= {own["path"], warc}
    assert not (box.root / own["path"]).exists() and not (box.root / warc).exists()
    assert "imported files: 0 pass, 0 fail, 0 incomplete, 3 disposed" in box.call("verify", "--all").out
    box.verified()


def test_beside_a_daemon(box: Box, theirs: Path) -> None:
    with box.daemon() as daemon:
        item = take_in(box, theirs)
        assert dispose(box, item["import"]).code == 0
        assert box.call("verify", item["import"]).code == 3
        assert box.call("verify", "--all").code == 0
        assert daemon.stop() == 0
    assert not (box.root / item["path"]).exists()
    box.verified()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("EA-I-00000099", *WHY, "--yes"), "there is no imported file EA-I-00000099"),
        (("EA-I-00000001", *WHY), "give --yes"),
        (("EA-P-000001", *WHY, "--yes"), "EA-P-000001 names a provision, not a snapshot"),
        (("EA-D-00001", *WHY, "--yes"), "EA-D-00001 names a document, not a snapshot"),
    ],
)
def test_a_disposal_that_is_refused_changes_nothing(box: Box, theirs: Path, words: tuple[str, ...], why: str) -> None:
    item = take_in(box, theirs)
    words = tuple(item["import"] if word == "EA-I-00000001" else word for word in words)
    refused = box.call("dispose", *words)
    assert refused.code == 2 and why in refused.err
    assert (box.root / item["path"]).exists()
    assert not [body for body in box.statements() if body.get("event") == "disposal"]
