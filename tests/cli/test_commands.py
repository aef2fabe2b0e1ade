"""Every command, once around: what goes in comes out again."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from archiver.cli import global_first
from tests.cli.box import Box
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Website

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def watched(box: Box, site: Website) -> Box:
    box.fine("watch", "add", site.url("/terms"), "--entity", "Example", "--document", "Terms", "--every", "90s")
    return box


def test_options_of_the_archiver_may_stand_anywhere(watched: Box, tmp_path: Path) -> None:
    assert global_first(["a", "--json", "b", "--archive", "x", "--archive=y"]) == [
        "--json", "--archive", "x", "--archive=y", "a", "b",
    ]  # fmt: skip
    assert global_first(["a", "--", "--json"]) == ["a", "--", "--json"]
    one = watched.fine("--json", "watch", "list").out
    assert watched.fine("watch", "list", "--json").out == one
    assert watched.fine("watch", "--archive", str(watched.root), "list", "--json").out == one


@pytest.mark.parametrize("form", ["toml", "csv"])
def test_a_watch_list_goes_out_and_comes_in_again(form: str, watched: Box, tmp_path: Path) -> None:
    watched.fine(
        "watch", "add", "http://a.example/1", "http://a.example/2", "--entity", "Ünder, \"quoted\"", "--document",
        "Two; parts", "--select", "main > p", "--select", "#x, .y", "--remove", "nav", "--every", "7d", "--conditional",
    )  # fmt: skip
    watched.fine("watch", "pause", "EA-D-00002")
    text = watched.fine("watch", "export", "--format", form).out
    path = tmp_path / f"list.{form}"
    path.write_text(text)
    again = watched.call("watch", "import", str(path))
    assert again.code == 0 and again.err == "0 added, 0 changed, 2 unchanged\n"
    assert [line.split()[1] for line in again.lines] == ["unchanged", "unchanged"]
    (tmp_path / "second").mkdir()
    other = Box(tmp_path / "second", watched.site).init()
    other.fine("watch", "import", str(path))
    assert other.fine("watch", "export", "--format", form).out == text
    for document in ("EA-D-00001", "EA-D-00002"):
        ours, theirs = (box.fine("watch", "show", document, "--json").json for box in (watched, other))
        assert {**ours, "statement": 0} == {**theirs, "statement": 0}


def test_the_starter_watch_list_comes_in_whole(box: Box) -> None:
    rows = box.fine("watch", "import", str(ROOT / "config" / "watchlist.toml"), "--json").json
    documents = tomllib.loads((ROOT / "config" / "watchlist.toml").read_text())["document"]
    assert [(r["entity"], r["title"], r["urls"], r["every"]) for r in rows] == [
        (d["entity"], d["title"], d["urls"], d["every"]) for d in documents
    ]
    assert len([b for b in box.statements() if b["kind"] == "watch"]) == len(documents)


def test_an_import_is_all_or_nothing(box: Box, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("urls\nhttp://a.example/\nb.example\n")
    assert box.call("watch", "import", str(tmp_path / "x.csv")).code == 2
    assert box.fine("watch", "list", "--json").json == []


def test_an_entry_is_changed_paused_resumed_and_removed(watched: Box, site: Website) -> None:
    watched.fine("watch", "edit", "EA-D-00001", "--entity", "Other", "--every", "12h", "--select", "main")
    watched.fine("watch", "edit", "Terms", "--select", "", "--url", site.url("/privacy"))
    shown = watched.fine("watch", "show", "EA-D-00001", "--json").json
    assert (shown["entity"], shown["every"], shown["select"]) == ("Other", "12h", [])
    assert shown["urls"] == [site.url("/privacy")] and shown["title"] == "Terms"
    assert watched.call("watch", "edit", "EA-D-00001", "--entity", "Other").code == 2, "nothing would change"
    watched.fine("watch", "pause", "EA-D-00001")
    assert watched.fine("watch", "list", "--json").json[0]["paused"]
    assert watched.fine("watch", "pause", "EA-D-00001").err == "EA-D-00001 is paused already\n"
    assert watched.call("capture", "--all").code == 2, "nothing is left to check"
    watched.fine("watch", "pause", "EA-D-00001", "--resume")
    watched.fine("watch", "remove", "EA-D-00001")
    assert watched.fine("watch", "list", "--json").json == []
    assert len(watched.fine("watch", "list", "--removed", "--json").json) == 1
    for words in (("edit", "--every", "1h"), ("pause",), ("remove",)):
        gone = watched.call("watch", words[0], "EA-D-00001", *words[1:])
        assert gone.code == 2 and "taken off the watch list" in gone.error()
    assert watched.call("capture", "EA-D-00001").code == 2
    events = [body["event"] for body in watched.statements() if body["kind"] == "watch"]
    assert events == ["added", "changed", "changed", "paused", "resumed", "removed"]
    added = watched.fine("watch", "add", site.url("/terms"), "--json").json
    assert added[0]["document"] == "EA-D-00002", "numbers are never given out twice"


def test_the_same_address_twice_is_remarked_on(watched: Box, site: Website) -> None:
    again = watched.fine("watch", "add", site.url("/terms"), "--document", "Again")
    assert again.err == "note: EA-D-00001 watches the same: Example: Terms\n"


def test_capture_from_a_file_and_from_standard_input(watched: Box, site: Website, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"# what to check\n\n{site.url('/privacy')}\n  EA-D-00001  \nEA-D-00001\n")
    items = watched.fine("capture", "--from", str(tmp_path / "list"), "--json").json
    assert [item["document"] for item in items] == [None, "EA-D-00001"], "each once"
    (item,) = watched.fine("capture", "--from", "-", "--json", stdin="Terms\n").json
    assert item["outcome"] == "unchanged"
    text = watched.fine("capture", "--all").out
    assert "unchanged" in text and all(len(d) == 64 for d in (line.split()[-1] for line in text.splitlines()[1:]))


def test_no_stamp_leaves_it_to_the_daemon(stamped: Box, site: Website, authority: TimestampAuthority) -> None:
    asked = len(authority.requests)
    stamped.fine("watch", "add", site.url("/terms"))
    (item,) = stamped.fine("capture", "--all", "--no-stamp", "--json").json
    assert item["stamps"][0]["state"] == "pending" and len(authority.requests) == asked
    assert stamped.log_size() == len(stamped.statements()), "a checkpoint is published all the same"
    owed = stamped.fine("stamp", "list")
    assert "pending: checkpoint from loop" in owed.out and "not asked for yet" in owed.out
    assert stamped.fine("stamp", "retry").out == "nothing is pending\n"
    assert stamped.fine("stamp", "list", "--json").json["pending"] == []
    assert {t["subject"].split()[0] for t in stamped.fine("stamp", "list", "--json").json["tokens"]} == {
        "checkpoint", "statement",
    }  # fmt: skip
    stamped.verified()


def test_citing_in_every_format(stamped: Box, site: Website, tmp_path: Path) -> None:
    stamped.fine("watch", "add", site.url("/terms"), "--entity", "Example", "--document", "Terms")
    (item,) = stamped.fine("capture", "--all", "--json").json
    formats = [entry["name"] for entry in stamped.fine("cite", "--list-formats", "--json").json]
    stamped.fine("cite", item["snapshot"], "--all-formats", "--output", str(tmp_path / "out"))
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(written) == len(formats) - 1, "dsse needs the key"
    assert all(name.startswith(item["snapshot"]) for name in written)
    for name in formats:
        assert stamped.fine("cite", item["snapshot"], "--format", name).out.strip()
    single = tmp_path / "one.txt"
    assert stamped.fine("cite", item["snapshot"], "--output", str(single)).err == f"wrote {single}\n"
    assert item["snapshot"] in single.read_text()
    taken = stamped.call("cite", item["snapshot"], "--output", str(single))
    assert taken.code == 2 and "is there already" in taken.error()
    wrong = stamped.call("cite", item["snapshot"], "--output", str(single / "below"))
    assert wrong.code == 2 and str(single) in wrong.error()


def test_citing_with_a_token_of_its_own(stamped: Box, site: Website, authority: TimestampAuthority) -> None:
    (item,) = stamped.fine("capture", site.url("/terms"), "--json").json
    asked = len(authority.requests)
    stamped.fine("cite", item["snapshot"], "--stamp")
    assert len(authority.requests) == asked + 1
    (own,) = [b for b in stamped.statements() if b["kind"] == "stamp" and b.get("subject") == "statement"]
    assert own["subject_seq"] == item["seq"] and (stamped.root / own["path"]).exists()
    size = len(stamped.statements())
    stamped.fine("cite", item["snapshot"], "--stamp")
    assert len(stamped.statements()) == size, "it has one: nothing is asked again"


def test_the_log_s_proofs(stamped: Box, site: Website, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text(stamped.fine("log", "checkpoint").out)
    (item,) = stamped.fine("capture", site.url("/terms"), "--json").json
    proof = stamped.fine("log", "prove", item["snapshot"]).out
    assert proof.startswith("c2sp.org/tlog-proof@v1\n") and f"\nindex {item['seq']}\n" in proof
    assert stamped.fine("log", "prove", str(item["seq"])).out == proof
    assert stamped.fine("log", "consistency", str(old)).out.startswith("consistent: size ")
    listed = stamped.fine("keys", "list")
    assert stamped.fine("keys", "list", "--json").json["vkey"] in listed.out and "root          loop" in listed.out


def test_a_checkpoint_of_another_log_is_refused(stamped: Box, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    other = Box(tmp_path / "second").init()
    (tmp_path / "foreign").write_text(other.fine("log", "checkpoint").out)
    assert stamped.call("log", "consistency", str(tmp_path / "foreign")).code == 1


def test_status_counts_what_needs_a_person(box: Box, site: Website) -> None:
    assert box.fine("status").out.startswith("daemon          not running\n")
    site.scripts["/odd"] = [b"SSH-2.0\r\n"]
    box.fine("watch", "add", site.url("/odd"), "--document", "Odd")
    for _ in range(3):
        assert box.call("capture", "--all").code == 1
    result = box.call("status")
    assert result.code == 1
    assert "failing: EA-D-00001 Odd: malformed" in result.out
    assert "warning: 1 document failed 3 times in a row" in result.out
    assert "warning: no timestamp authority is configured" in result.out


def test_settings_and_where_they_come_from(box: Box) -> None:
    found = box.fine("settings", "--json", environment={"ARCHIVER_NETWORK_TIMEOUT_S": "7"}).json["settings"]
    assert found["network.timeout_s"] == {"value": 7, "origin": "environment"}
    assert found["archive.origin"] == {"value": "box.example/log", "origin": "archive.toml"}
    assert found["stamp.timeout_s"]["origin"] == "default"
    wrong = box.call("settings", environment={"ARCHIVER_NETWORK_TIMEOUT": "7"})
    assert wrong.code == 2 and "ARCHIVER_NETWORK_TIMEOUT" in wrong.error() and "TIMEOUT_S" in wrong.error()
    fixed = box.call("settings", environment={"ARCHIVER_ARCHIVE_ORIGIN": "other"})
    assert fixed.code == 2 and "fixed by init" in fixed.error()
    assert box.fine("settings", "--default").out == (ROOT / "config" / "default.toml").read_text()


def test_the_doctor_looks_and_changes_nothing(stamped: Box) -> None:
    before = {path: path.stat().st_mtime_ns for path in stamped.root.rglob("*") if "archive.db" not in path.name}
    findings = {f["name"]: f for f in stamped.call("doctor", "--json").json}
    assert {"clock", "disk", "folders", "private key", "network", "authorities", "head copy", "database"} <= set(
        findings
    )
    assert findings["authorities"]["detail"] == "loop with 1 root" and findings["database"]["fine"]
    assert not findings["private key"]["fine"] and not findings["network"]["fine"], "not encrypted; no contact address"
    stamped.append('[[authority]]\nname = "odd"\nkind = "pigeon"\nurl = "http://x/"\nroots = "authorities/loop.pem"\n')
    findings = {f["name"]: f for f in stamped.call("doctor", "--json").json}
    assert not findings["authorities"]["fine"] and "pigeon" in findings["authorities"]["detail"]
    now = {path: path.stat().st_mtime_ns for path in stamped.root.rglob("*") if "archive.db" not in path.name}
    assert {p: t for p, t in now.items() if p.name != "archive.toml"} == {
        p: t for p, t in before.items() if p.name != "archive.toml"
    }
    assert stamped.call("doctor", "--archive", "/nonexistent").code == 1


def test_a_lost_head_copy_is_said(box: Box, site: Website) -> None:
    (head,) = (path for path in (box.folder / "state").rglob("*") if path.is_file())
    head.unlink()
    assert "head copy is missing" in box.call("status").out
    result = box.fine("capture", site.url("/terms"))
    assert "head copy" in result.err, "and said by the command that found it"
    assert any(b["kind"] == "recovery" and b["event"] == "head_copy_missing" for b in box.statements())


def test_help_of_every_command_ends_well(box: Box) -> None:
    assert box.call("--help").code == 0 and box.call().code == 0 and box.call("watch").code == 0
    assert box.ran("--version").out.startswith("archiver ")
    assert box.fine("--version").out.startswith("archiver ")
