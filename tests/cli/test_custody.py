"""Custody at the command line: holds, disposal, recorded verification, transfer, and what is told of them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.box import Box, Result
from tests.cli.policy import DOCUMENT, Publisher, terms
from tests.simulators.website import Website

SECRET = "The quiet clause about marmalade was never meant to be kept for long by anybody who reads this page."
BY = ("--by", "R. Lee")
WHY = ("--reason", "the period of three years is over")


@pytest.fixture
def publisher(stamped: Box, site: Website) -> Publisher:
    return Publisher(stamped, site)


def secret_terms() -> bytes:
    return terms(("</main>", f"<p>{SECRET}</p></main>"))


def dispose(box: Box, *snapshots: str) -> Result:
    return box.call("dispose", *snapshots, *BY, *WHY, "--yes", "--json")


def files_of(box: Box, folder: str) -> set[str]:
    return {path.name for path in (box.root / folder).iterdir()}


def last_event(box: Box, event: str) -> dict[str, Any]:
    return [body for body in box.statements() if body.get("event") == event][-1]


def test_the_content_goes_and_the_leaf_stays(publisher: Publisher, tmp_path: Path) -> None:
    box = publisher.box
    first = publisher.check(secret_terms())
    second = publisher.check(terms())
    name = first["snapshot"]
    capture = next(body for body in box.captures() if body["snapshot"] == name)
    text = box.root / f"texts/{first['text_sha256'][:2]}/{first['text_sha256']}.txt"
    assert SECRET in text.read_text()
    box.fine("search", "marmalade")
    kept = files_of(box, capture["folder"]) - {"capture.warc.gz"}
    shown = box.fine("dispose", name, *BY, *WHY, "--dry-run").out
    assert "capture.warc.gz" in shown and text.name in shown and "statement.tlog-proof" in shown
    assert text.exists(), "only shown"

    made = dispose(box, name)
    assert made.code == 0, made.err
    assert made.json["subjects"] == [name] and made.json["premis"] == "deletion"
    assert files_of(box, capture["folder"]) == kept and "statement.tlog-proof" in kept
    assert not text.exists() and not text.with_suffix(".salt").exists() and not text.with_suffix(".links").exists()
    for file in sorted(box.root.rglob("*")):
        if file.is_file():
            assert b"marmalade" not in file.read_bytes(), f"{file} still holds the text"

    told = f"disposed of on {made.json['at']} by R. Lee because the period of three years is over"
    report = box.call("verify", name, "--json")
    assert report.code == 3 and report.json[0]["verdict"] == "disposed"
    verdicts = {check["number"]: check for check in report.json[0]["checks"]}
    assert [number for number, check in verdicts.items() if check["verdict"] == "disposed"] == [2, 3, 4, 5, 15]
    assert {verdicts[number]["verdict"] for number in (1, 6, 7, 9, 11, 12, 13, 14)} == {"pass"}
    assert told in verdicts[2]["detail"]
    everything = box.call("verify", "--all")
    assert everything.code == 0, everything.out
    assert told in everything.out and "1 disposed" in everything.out

    for words in (
        ("cite", name),
        ("export", name, "--output", str(tmp_path / "x.zip")),
        ("export", name, "--output", str(tmp_path / "x.pdf")),
        ("export", name, "--output", str(tmp_path / "x.wacz")),
        ("diff", name, second["snapshot"]),
        ("diff", DOCUMENT, "1", "2"),
        ("provision", "add", name, SECRET),
        ("redact", name, "--hide", "1", "--reason", "x", "--output", str(tmp_path / "x.json")),
    ):
        refused = box.call(*words)
        assert refused.code == 3, (words, refused)
        assert told in refused.error() and name in refused.error()
    assert not list(tmp_path.glob("x.*"))
    history = publisher.history()
    assert [version["disposed"] is not None for version in history["versions"]] == [True, False]
    assert history["versions"][0]["disposed"]["reason"] == "the period of three years is over"
    assert told in " ".join(box.fine("history", DOCUMENT).out.split())
    assert box.fine("derive", "--json").json["damaged"] == []
    publisher.edit("--remove", "footer")
    derived = box.fine("derive", "--present-rules", "--json").json
    assert (derived["assessed"], derived["damaged"]) == (1, []), "what is gone is not owed"
    assert box.call("search", "marmalade", "--json").json == []

    before = list(_rows(box))
    box.fine("rebuild")
    assert list(_rows(box)) == before
    assert box.call("verify", name).code == 3 and box.call("verify", "--all").code == 0
    again = dispose(box, name)
    assert again.code == 2 and told in again.error()


def _rows(box: Box) -> list[Any]:
    from storage.index import Index

    index = Index(box.root / "archive.db", read_only=True)
    try:
        return list(index.dump())
    finally:
        index.close()


def test_a_text_that_comes_back_is_kept_anew(publisher: Publisher) -> None:
    box = publisher.box
    first = publisher.check(secret_terms())
    publisher.check(terms())
    assert dispose(box, first["snapshot"]).code == 0
    again = publisher.check(secret_terms())
    assert (again["version"], again["change"]) == (1, "reversion"), "one wording has one number"
    assert again["text_sha256"] == first["text_sha256"]
    (hit,) = box.fine("search", "marmalade", "--json").json
    assert (hit["text"], hit["snapshot"]) == (SECRET, again["snapshot"]), "not the one that is gone"
    assert box.call("verify", again["snapshot"]).code == 0
    assert box.call("verify", first["snapshot"]).code == 3
    box.verified()
    before = list(_rows(box))
    box.fine("rebuild")
    assert list(_rows(box)) == before
    box.verified()


def test_what_others_need_is_not_taken(publisher: Publisher) -> None:
    box = publisher.box
    first, revisit = publisher.check(secret_terms()), publisher.check()
    refused = dispose(box, first["snapshot"])
    assert refused.code == 2 and f"{revisit['snapshot']} refers to the body" in refused.error()
    made = dispose(box, revisit["snapshot"])
    assert made.code == 0, made.err
    assert [item["path"].rpartition("/")[2] for item in made.json["files"]] == ["capture.warc.gz"]
    assert {item["why"] for item in made.json["kept"]} == {"evidence", "shared"}
    assert box.call("verify", first["snapshot"]).code == 0, "its text is shared and stays"
    box.verified()
    made = dispose(box, first["snapshot"])
    assert made.code == 0 and {item["why"] for item in made.json["kept"]} == {"evidence"}
    assert len(made.json["files"]) >= 3
    box.verified()
    # Later checks begin anew: nothing refers to a body that is gone, and a conditional question is not asked.
    third = publisher.check()
    assert third["outcome"] == "unchanged" and box.call("verify", third["snapshot"]).code == 0


def test_both_go_in_one_act(publisher: Publisher) -> None:
    first, revisit = publisher.check(secret_terms()), publisher.check()
    assert dispose(publisher.box, first["snapshot"], revisit["snapshot"]).code == 0
    everything = publisher.box.call("verify", "--all")
    assert everything.code == 0 and "2 disposed" in everything.out


def test_a_rebuild_says_once_how_many_texts_are_not_there(publisher: Publisher) -> None:
    box = publisher.box
    gone = [publisher.check(secret_terms()), publisher.check()]
    gone.append(publisher.check(terms(("handled with care", "handled at will"))))
    publisher.check(terms())
    assert dispose(box, *(check["snapshot"] for check in gone)).code == 0
    done = box.fine("rebuild", "--json")
    said = "2 texts are not there to be indexed: disposed of, and so stated"
    assert done.json["warnings"] == [said] and done.err == f"warning: {said}\n"
    (lost,) = box.root.glob("texts/*/*.txt")
    lost.unlink()
    path = lost.relative_to(box.root)
    assert box.fine("rebuild").err.splitlines() == [
        f"warning: {said}",
        f"warning: 1 text is missing, {path} first; archiver verify --all names each",
    ]


def test_what_was_imported_with_the_same_bytes_is_not_passed_over(publisher: Publisher) -> None:
    box = publisher.box
    name = publisher.check(secret_terms())["snapshot"]
    capture = next(body for body in box.captures() if body["snapshot"] == name)
    (item,) = box.fine("import", "add", str(box.root / capture["folder"] / "capture.warc.gz"), "--json").json
    shown = box.fine("dispose", name, *BY, *WHY, "--dry-run").out
    assert item["path"] in shown.replace("\n", "").replace(" ", "")
    made = dispose(box, name)
    assert {"path": item["path"], "why": "shared"} in made.json["kept"]
    assert (box.root / item["path"]).exists()
    assert box.call("verify", name).code == 3 and box.call("verify", item["import"]).code == 0
    box.fine("rebuild")
    assert box.call("verify", "--all").code == 0


def test_a_hold_stands_against_a_disposal(publisher: Publisher) -> None:
    box = publisher.box
    first = publisher.check(secret_terms())
    name = first["snapshot"]
    box.fine("hold", "set", "hold-7", name, *BY, "--reason", "notice")
    box.fine("hold", "set", "hold-8", "Terms", *BY)
    later = publisher.check(terms())
    found = box.fine("hold", "list", "--json").json
    assert [(one["hold"], [item["subject"] for item in one["subjects"]]) for one in found] == [
        ("hold-7", [name]),
        ("hold-8", [DOCUMENT]),
    ]
    assert "is under the hold hold-7, set on" in dispose(box, name).error()
    held = dispose(box, later["snapshot"])
    assert held.code == 2 and f"under the hold hold-8 on {DOCUMENT}" in held.error(), "later snapshots too"
    assert "already" in box.call("hold", "set", "hold-7", name).error()
    unknown = box.call("hold", "set", "hold-7", "nonsense").error()
    assert "there is no snapshot or document 'nonsense' in this archive" in unknown
    assert "a snapshot as EA-S-00000123, an imported file as EA-I-00000123, or a document as EA-D-00001" in unknown
    other = box.call("hold", "set", "hold-7", "EA-P-000001").error()
    assert "EA-P-000001 names a provision, not a snapshot or a document; see archiver provision show" in other
    box.fine("hold", "release", "hold-7", *BY)
    assert "hold-8" in dispose(box, name).error()
    assert DOCUMENT in box.call("hold", "release", "hold-8", name).error(), "released as it was set"
    box.fine("rebuild")
    assert [one["hold"] for one in box.fine("hold", "list", "--json").json] == ["hold-8"]
    box.fine("hold", "release", "hold-8", DOCUMENT, *BY)
    assert box.fine("hold", "list", "--json").json == []
    assert "no hold hold-8 in force" in box.call("hold", "release", "hold-8").error()
    box.fine("hold", "set", "hold-8", name)
    assert "hold-8" in dispose(box, name).error(), "a released hold can be set again"
    box.fine("hold", "release", "hold-8")
    assert dispose(box, name).code == 0
    assert "was disposed of" in box.call("hold", "set", "hold-9", name).error()
    events = [e["event"] for e in box.fine("custody", later["snapshot"], "--json").json["events"]]
    assert events == ["hold_set", "capture", "hold_released"]
    box.verified()


def test_nothing_goes_before_a_checkpoint_covers_it(box: Box, site: Website) -> None:
    box.fine("capture", site.url("/terms"), "--no-stamp")
    (capture,) = box.captures()
    snapshot = capture["snapshot"]
    checkpoint = (box.root / "log/checkpoint").read_bytes()
    assert capture["seq"] < box.log_size()
    (box.root / "x").write_bytes(checkpoint)
    from archiver.disposal import planned
    from archiver.errors import NotCheckable

    archive = _open(box)
    with pytest.raises(NotCheckable, match="not covered by a published checkpoint"):
        planned(archive, [snapshot], capture["seq"])
    with pytest.raises(NotCheckable, match="not covered by a published checkpoint"):
        planned(archive, [snapshot], capture["seq"] + 1)
    assert planned(archive, [snapshot], capture["seq"] + 2).files
    archive.index.close()


def _open(box: Box) -> Any:
    from archiver.archive import open_archive

    return open_archive(box.root, environment=box.environment)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("EA-S-00000099", *BY, *WHY, "--yes"), "there is no snapshot EA-S-00000099"),
        (("EA-S-00000002", *BY, *WHY), "give --yes"),
        (("EA-S-00000002", *BY, "--reason", "two\nlines", "--yes"), "the reason must be one line"),
        (("EA-S-00000002", "--by", " ", *WHY, "--yes"), "the name of who disposes must be a text"),
    ],
)
def test_a_disposal_that_is_refused_changes_nothing(publisher: Publisher, words: tuple[str, ...], why: str) -> None:
    publisher.check(secret_terms())
    before = {path: path.read_bytes() for path in publisher.box.root.rglob("*.gz")}
    refused = publisher.box.call("dispose", *words)
    assert refused.code == 2 and why in refused.err, refused
    assert {path: path.read_bytes() for path in publisher.box.root.rglob("*.gz")} == before
    assert not [body for body in publisher.box.statements() if body.get("event") == "disposal"]


def test_a_verification_is_recorded(publisher: Publisher, tmp_path: Path) -> None:
    box = publisher.box
    first, second = publisher.check(secret_terms()), publisher.check(terms())
    box.fine("verify", first["snapshot"], "--record", *BY)
    stated = last_event(box, "fixity_check")
    assert (stated["premis"], stated["verdict"], stated["by"]) == ("fixity check", "pass", "R. Lee")
    assert [check["number"] for check in stated["checks"]] == list(range(1, 18))
    assert {check["verdict"] for check in stated["checks"]} <= {"pass", "none"}
    done = box.call("verify", "--all", "--record", *BY)
    assert done.code == 0, done
    assert {first["snapshot"], second["snapshot"]} == {
        name
        for body in box.statements()
        if body.get("event") == "fixity_check" and body["seq"] > stated["seq"]
        for name in body["subjects"]
    }
    warc = next(box.root.rglob(f"{second['snapshot']}/capture.warc.gz"))
    warc.write_bytes(warc.read_bytes()[:-1] + b"X")
    assert box.call("verify", second["snapshot"], "--record", *BY).code == 1
    assert last_event(box, "fixity_check")["verdict"] == "fail"
    folder = warc.parent
    assert "is a folder" in box.call("verify", str(folder), "--record").error()
    record = box.fine("cite", first["snapshot"], "--format", "json").json
    assert [event["event"] for event in record["custody"]] == ["fixity_check", "fixity_check"]


def test_a_file_is_handed_over(publisher: Publisher, tmp_path: Path) -> None:
    box = publisher.box
    first, second = publisher.check(secret_terms()), publisher.check(terms())
    bundle = tmp_path / "one.zip"
    box.fine("export", first["snapshot"], "--output", str(bundle), *BY)
    made = box.fine("transfer", first["snapshot"], "--to", "Court registry", "--file", str(bundle), *BY, "--json")
    assert made.json["file_sha256"] == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert made.json["export_seq"] == last_event(box, "export")["seq"] and made.err == ""
    assert made.json["to"] == "Court registry" and made.json["premis"] == "transfer"
    other = box.call("transfer", second["snapshot"], "--to", "X", "--file", str(bundle))
    assert other.code == 2 and "exported without" in other.error()
    note = tmp_path / "note.txt"
    note.write_text("a letter")
    assert "no export stated" in box.fine("transfer", second["snapshot"], "--to", "X", "--file", str(note)).err


def test_every_event_is_told_in_order_and_handed_out(publisher: Publisher, tmp_path: Path) -> None:
    box = publisher.box
    box.fine("hold", "set", "old", DOCUMENT)
    box.fine("hold", "release", "old")
    box.fine("hold", "set", "hold-7", DOCUMENT, *BY, "--reason", "notice")
    name = publisher.check(secret_terms())["snapshot"]
    box.fine("verify", name, "--record", *BY)
    box.fine("export", name, "--output", str(tmp_path / "a.zip"), *BY)
    box.fine("transfer", name, "--to", "Registry", "--file", str(tmp_path / "a.zip"), *BY)
    box.fine("hold", "release", "hold-7", *BY)
    found = box.fine("custody", name, "--json").json
    events = found["events"]
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    names = [(event["event"], event["premis"]) for event in events]
    assert names == [
        ("hold_set", "policy assignment"),
        ("capture", "capture"),
        ("fixity_check", "fixity check"),
        ("export", "dissemination"),
        ("transfer", "transfer"),
        ("hold_released", "policy assignment"),
    ], "a hold that was released before the capture is none of its business"
    assert events[0]["concerns"] == [DOCUMENT] and events[2]["concerns"] == [name]
    assert {event["by"] for event in events[2:]} == {"R. Lee"}
    out = box.fine("custody", name).out
    assert "policy assignment" in out and "Registry" in out and "notice" in out
    record = box.fine("cite", name, "--format", "json").json
    assert [event["event"] for event in record["custody"]] == [event for event, _ in names if event != "capture"]
    assert record["custody"][0]["concerns"] == [DOCUMENT] and "concerns" not in record["custody"][1]
    bundle = tmp_path / "b.zip"
    box.fine("export", name, "--output", str(bundle))
    shutil.unpack_archive(bundle, tmp_path / "b")
    lines = (tmp_path / "b/journal/extract.jsonl").read_text().splitlines()
    extract = [json.loads(line) for line in lines if '"kind":"custody"' in line]
    assert [body["event"] for body in extract] == [event for event, _ in names if event != "capture"]
    assert box.call("verify", str(bundle)).code == 0
    dispose(box, name)
    told = box.fine("custody", name).out
    assert "disposed of on" in told and "deletion" in told and "capture.warc.gz" in told


def test_beside_a_daemon(publisher: Publisher) -> None:
    first = publisher.check(secret_terms())
    publisher.check(terms())
    publisher.box.fine("watch", "pause", DOCUMENT)
    with publisher.box.daemon():
        publisher.box.fine("hold", "set", "h", first["snapshot"])
        assert "under the hold h" in dispose(publisher.box, first["snapshot"]).error()
        publisher.box.fine("hold", "release", "h")
        assert dispose(publisher.box, first["snapshot"]).code == 0
        everything = publisher.box.call("verify", "--all")
        assert everything.code == 0, everything.out
        assert publisher.box.call("verify", first["snapshot"]).code == 3
    publisher.box.verified()


def test_a_clause_that_was_marked_in_it(publisher: Publisher) -> None:
    box = publisher.box
    first = publisher.check(secret_terms())
    box.fine("provision", "add", first["snapshot"], SECRET)
    publisher.check(terms())
    assert dispose(box, first["snapshot"]).code == 0
    shown = box.call("provision", "show", "EA-P-000001")
    assert shown.code == 3 and "disposed of" in shown.error()
    cited = box.call("cite", "EA-P-000001")
    assert cited.code == 3 and "disposed of" in cited.error()
    box.fine("provision", "list")
    box.verified()


def test_a_folder_of_the_archive_says_so_too(publisher: Publisher) -> None:
    box = publisher.box
    name = publisher.check(secret_terms())["snapshot"]
    (folder,) = box.root.glob(f"snapshots/*/*/*/{name}")
    assert dispose(box, name).code == 0
    report = box.call("verify", str(folder), "--json")
    assert report.code == 3 and report.json[0]["verdict"] == "disposed"
    digest = last_event(box, "disposal")["files"][0]["sha256"]
    assert box.call("verify", digest, "--json").json[0]["verdict"] == "disposed"
