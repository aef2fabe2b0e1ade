"""``archiver watch``: rules of pages, languages, and lists of every format going in and out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.box import Box

A, B = "https://a.example/terms", "https://b.example/terms"
PAGE = '{"select": "main", "remove": [{"startAfter": "h2", "endAfter": "p"}]}'
RANGE = '{"startBefore": "h1", "endBefore": "footer"}'


def shown(box: Box, document: str = "EA-D-00001") -> dict[str, Any]:
    value = box.fine("watch", "show", document, "--json").json
    assert isinstance(value, dict)
    return value


def events(box: Box) -> list[tuple[str, str]]:
    return [(body["event"], body["document"]) for body in box.statements() if body["kind"] == "watch"]


def service(name: str, **terms: Any) -> str:
    return json.dumps({"name": name, "terms": terms})


# Entries


def test_every_rule_can_be_given_and_is_shown(box: Box) -> None:
    box.fine("watch", "add", A, B, "--page", PAGE, "--page", "{}", "--language", "de", "--entity", "Example")
    entry = shown(box)
    assert (entry["select"], entry["remove"], entry["language"]) == ([], [], "de")
    assert entry["pages"] == [
        {"select": ["main"], "remove": ['{"startAfter": "h2", "endAfter": "p"}']},
        {"select": [], "remove": []},
    ]
    text = box.fine("watch", "show", "EA-D-00001").out
    assert "language      de\n" in text and "page 1 select main\n" in text and "\npage 2 remove\n" in text
    (stated,) = [body["entry"] for body in box.statements() if body["kind"] == "watch"]
    assert (stated["pages"], stated["language"]) == (entry["pages"], "de")


def test_rules_of_pages_and_of_all_pages_take_turns(box: Box) -> None:
    box.fine("watch", "add", A, B, "--select", RANGE, "--select", "main", "--remove", "nav")
    assert shown(box)["select"] == [RANGE, "main"]
    box.fine("watch", "edit", "EA-D-00001", "--page", PAGE, "--page", "{}")
    assert (shown(box)["select"], shown(box)["remove"], len(shown(box)["pages"])) == ([], [], 2)
    assert "not both" in box.call("watch", "edit", "EA-D-00001", "--select", "main").error()
    assert "rules for 2 pages and 1 addresses" in box.call("watch", "edit", "EA-D-00001", "--url", A).error()
    box.fine("watch", "edit", "EA-D-00001", "--page", "", "--select", "main", "--url", A)
    assert (shown(box)["select"], shown(box)["pages"], shown(box)["urls"]) == (["main"], None, [A])
    box.fine("watch", "edit", "EA-D-00001", "--select", "", "--language", "en")
    assert (shown(box)["select"], shown(box)["language"]) == ([], "en")
    box.fine("watch", "edit", "EA-D-00001", "--language", "")
    assert shown(box)["language"] is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--select", "div["), "div["), (("--remove", ">>>"), ">>>"), (("--select", '{"startBefore": "h1"}'), ""),
        (("--page", "{"), "--page is not JSON"), (("--page", "[" * 9999), "--page is not JSON"),
        (("--page", "[]"), "--page must be an object such as"), (("--page", '{"url": 1}'), "--page: unknown url"),
        (("--page", '{"select": [1]}'), "--page.select[0] must be"), (("--page", '{"select": "div["}'), "div["),
        (("--page", "{}", "--page", "{}"), "rules for 2 pages and 1 addresses"), (("--language", "xx"), "'xx'"),
        (("--page", "{}", "--select", "main"), "not both"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_add_and_edit_alike(box: Box, words: tuple[str, ...], says: str) -> None:
    assert box.call("watch", "add", A, *words).code == 2
    box.fine("watch", "add", A)
    refused = box.call("watch", "edit", "EA-D-00001", *words)
    assert refused.code == 2 and says in refused.error()
    assert events(box) == [("added", "EA-D-00001")]


def test_a_long_title_does_not_push_the_table_apart(box: Box) -> None:
    box.fine("watch", "add", A, "--document", "T" * 400, "--entity", "E" * 400)
    assert max(map(len, box.fine("watch", "list").lines)) < 160
    assert box.fine("watch", "list", "--json").json[0]["title"] == "T" * 400


def test_the_command_line_starts_without_the_parsers() -> None:
    heavy = ("selectolax", "archiver.watch.extract", "tomllib", "csv", "xml.parsers.expat", "archiver.watch.catalogue")
    code = f"import sys, archiver.cli.watch; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Lists coming in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lists of several formats, and files that are none."""
    folder = tmp_path / "lists"
    (folder / ".git").mkdir(parents=True)
    (folder / "Example.json").write_text(
        service("Example", Terms={"fetch": A, "select": RANGE, "executeClientScripts": True}, Privacy={"fetch": B})
        .replace(json.dumps(RANGE), RANGE)
    )  # fmt: skip
    (folder / "Example.history.json").write_text("{}")
    (folder / "Example.filters.js").write_text("export function cut() {}")
    (folder / "more.opml").write_text(
        '<opml><body><outline text="Other"><outline text="T" url="https://o.example/"/></outline></body></opml>'
    )
    (folder / "one.csv").write_text("urls,entity,title,every\nhttps://c.example/,C,T,90s\n")
    return folder


def test_a_folder_comes_in_and_everything_that_does_not_is_said(box: Box, folder: Path) -> None:
    done = box.fine("watch", "import", str(folder), "--json")
    rows = done.json
    assert [(row["document"], row["action"], row["entity"], row["title"], row["every"]) for row in rows] == [
        ("EA-D-00001", "added", "Example", "Terms", "6h"),
        ("EA-D-00002", "added", "Example", "Privacy", "6h"),
        ("EA-D-00003", "added", "Other", "T", "6h"),
        ("EA-D-00004", "added", "C", "T", "90s"),
    ]
    assert rows[0]["select"] == [RANGE] and rows[0]["place"] == f"{folder}/Example.json: terms.Terms"
    assert len(rows[0]["notes"]) == 1 and "executeClientScripts" in rows[0]["notes"][0] and rows[1]["notes"] == []
    said = done.err.splitlines()
    assert said[0].endswith("no lists by their names: Example.filters.js")
    assert "Example.history.json: declarations that were in force earlier are not read" in said[1]
    assert said[2:] == ["4 added, 0 changed, 0 unchanged"]


def test_a_dry_run_changes_nothing(box: Box, folder: Path) -> None:
    box.fine("watch", "add", B, "--entity", "Example", "--document", "Privacy", "--select", "main")
    done = box.fine("watch", "import", str(folder), "--dry-run")
    assert done.lines == [
        "(new)  to be added  Example: Terms",
        "EA-D-00001  to be changed  Example: Privacy",
        "(new)  to be added  Other: T",
        "(new)  to be added  C: T",
    ]
    assert "note: (new): " in done.err and done.err.endswith("would be: 3 added, 1 changed, 0 unchanged\n")
    rows = box.fine("watch", "import", str(folder), "--dry-run", "--json").json
    assert [(row["document"], row["action"]) for row in rows][:2] == [(None, "added"), ("EA-D-00001", "changed")]
    assert events(box) == [("added", "EA-D-00001")]


def test_an_import_again_doubles_nothing_and_takes_over_what_changed(box: Box, folder: Path) -> None:
    box.fine("watch", "import", str(folder))
    box.fine("watch", "edit", "EA-D-00001", "--every", "1d", "--language", "en")
    before = events(box)
    assert [line.split()[1] for line in box.fine("watch", "import", str(folder)).lines] == ["unchanged"] * 4
    done = box.fine("watch", "import", str(folder), "--json")
    assert done.json == [] and done.err.endswith("\n0 added, 0 changed, 4 unchanged\n")
    assert events(box) == before
    (folder / "Example.json").write_text(service("Example", Terms={"fetch": A, "select": "main"}, New={"fetch": A}))
    done = box.fine("watch", "import", str(folder))
    assert done.lines[:2] == ["EA-D-00001  changed  Example: Terms", "EA-D-00005  added  Example: New"]
    entry = shown(box)
    assert (entry["select"], entry["every"], entry["language"]) == (["main"], "1d", "en")
    assert events(box)[len(before) :] == [("added", "EA-D-00005"), ("changed", "EA-D-00001")]


def test_a_list_comes_from_standard_input(box: Box) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "archiver", "watch", "import", "-"],
        env=box.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        out, err = process.communicate(service("Example", Terms={"fetch": A}).encode())
    assert (process.returncode, out.decode()) == (0, "EA-D-00001  added  Example: Terms\n"), err
    with subprocess.Popen(
        [sys.executable, "-m", "archiver", "watch", "import", "-"],
        env=box.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        out, err = process.communicate(b'{"name": ')
    assert (process.returncode, out) == (2, b"") and err.startswith(b"error: standard input: not JSON")


def test_files_that_contradict_each_other_change_nothing(box: Box, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(service("E", T={"fetch": A}))
    (tmp_path / "b.json").write_text(service("E", T={"fetch": A, "select": "main"}))
    refused = box.call("watch", "import", str(tmp_path / "a.json"), str(tmp_path / "b.json"))
    assert refused.code == 2
    assert f"{tmp_path}/b.json: terms.T: the same document as {tmp_path}/a.json: terms.T" in refused.error()
    (tmp_path / "c.json").write_text(service("E", T={"fetch": "https://a.example:70000/"}))
    assert box.call("watch", "import", str(tmp_path / "a.json"), str(tmp_path / "c.json")).code == 2
    assert events(box) == []


def test_a_folder_without_lists_says_what_would_be_one(box: Box, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    (bare / "declarations").mkdir(parents=True)
    (bare / "README.md").write_text("x")
    assert f"import {bare / 'declarations'}" in box.call("watch", "import", str(bare)).error()
    assert "names end in .toml" in box.call("watch", "import", str(bare / "declarations")).error()
    assert "nowhere" in box.call("watch", "import", str(tmp_path / "nowhere")).error()


def test_remarks_on_files_do_not_flood_the_terminal(box: Box, tmp_path: Path) -> None:
    body = "".join(f'<outline text="{n}"/>' for n in range(1000))
    (tmp_path / "x.opml").write_text(f"<opml><body>{body}</body></opml>")
    said = box.fine("watch", "import", str(tmp_path / "x.opml")).err.splitlines()
    assert len(said) == 22 and said[-2:] == ["note: and 980 more remarks on files", "0 added, 0 changed, 0 unchanged"]


def test_a_running_daemon_takes_a_list_larger_than_one_request(box: Box, tmp_path: Path) -> None:
    # Entries of 50 KB each: together more than the 16 MiB that a daemon reads of one request.
    selectors = ["p" * 1990] * 25
    terms = {f"T{n}": {"fetch": f"{A}/{n}", "remove": selectors} for n in range(360)}
    (tmp_path / "big.json").write_text(service("Example", **terms))
    assert (tmp_path / "big.json").stat().st_size > 17 * 1024 * 1024
    with box.daemon() as daemon:
        done = box.fine("watch", "import", str(tmp_path / "big.json"))
        assert daemon.stop() == 0
    assert done.err == "360 added, 0 changed, 0 unchanged\n"
    assert len(box.fine("watch", "list", "--json").json) == 360


# Lists going out


def test_declarations_go_out_and_come_in_again(box: Box, tmp_path: Path) -> None:
    box.fine("watch", "add", A, B, "--entity", "Über", "--document", "Terms", "--page", PAGE, "--page", "{}")
    box.fine("watch", "add", A, "--entity", "Other", "--document", "Privacy", "--select", RANGE, "--every", "1d")
    done = box.fine("watch", "export", "--format", "ota")
    assert done.err == "note: declarations do not hold the time between two checks\n"
    assert [one["name"] for one in done.json] == ["Über", "Other"]
    assert done.json[1]["terms"] == {"Privacy": {"fetch": A, "select": json.loads(RANGE)}}
    box.fine("watch", "export", "--format", "ota", "--output", str(tmp_path / "out"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Other.json", "Uber.json"]
    (tmp_path / "all.json").write_text(done.out)
    for source in ("out", "all.json"):
        assert box.fine("watch", "import", str(tmp_path / source)).err == "0 added, 0 changed, 2 unchanged\n"


@pytest.mark.parametrize("form", ["toml", "csv"])
def test_a_list_goes_into_a_file_that_is_not_there(box: Box, tmp_path: Path, form: str) -> None:
    box.fine("watch", "add", A)
    target = tmp_path / f"list.{form}"
    done = box.fine("watch", "export", "--format", form, "--output", str(target))
    assert (done.out, done.err) == ("", f"wrote {target}\n")
    assert target.read_text() == box.fine("watch", "export", "--format", form).out
    assert "is there already" in box.call("watch", "export", "--output", str(target)).error()


def test_two_documents_of_one_title_do_not_go_out_as_one(box: Box) -> None:
    for url in (A, B):
        box.fine("watch", "add", url, "--entity", "E", "--document", "T")
    assert "two documents called 'T'" in box.call("watch", "export", "--format", "ota").error()
