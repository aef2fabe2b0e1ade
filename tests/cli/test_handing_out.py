"""What is handed out of snapshots that are no version, of several at once, and with options that say nothing of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.box import Box
from tests.cli.paper import text_of
from tests.simulators.website import Document, Website

TERMS = b"<!doctype html><title>Terms</title><main><h1>Terms</h1><p>%s</p></main>" % (b"Be kind to others. " * 20)


@dataclass(frozen=True)
class Shelf:
    """An archive with a snapshot of each kind, by identifier."""

    box: Box
    version: str
    later: str
    held: str
    single: str
    blocked: str


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with Website(documents={"/terms": TERMS, "/other": TERMS}) as site:
        box = Box(tmp_path_factory.mktemp("shelf"), site).init()

        def check(*words: str) -> str:
            return str(box.call("capture", *words, "--json").json[0]["snapshot"])

        box.fine("watch", "add", site.url("/terms"), "--entity", "Example", "--document", "Terms")
        version = check("--all")
        site.documents["/terms"] = TERMS.replace(b"kind", b"nice")
        later = check("--all")
        site.documents["/terms"] = Document(TERMS, status="503 Service Unavailable")
        held = check("--all")
        single = check(site.url("/other"))
        blocked = check("http://127.0.0.1:1/terms")
        yield Shelf(box, version, later, held, single, blocked)


def test_a_certificate_of_a_blocked_check_gives_its_reason_in_words(shelf: Shelf, tmp_path: Path) -> None:
    shelf.box.fine("export", shelf.blocked, "--output", str(tmp_path / "c.pdf"), "--no-record", "--by", "R. Lee")
    text = text_of(tmp_path / "c.pdf")
    assert "port_refused: port 1 is not in network.ports" in text
    assert "{'" not in text and "None" not in text
    assert "no answer" in text


def test_a_certificate_names_who_did_what_stands_in_its_custody(shelf: Shelf, tmp_path: Path) -> None:
    shelf.box.fine("export", shelf.single, "--output", str(tmp_path / "a.zip"), "--by", "R. Lee")
    shelf.box.fine("export", shelf.single, "--output", str(tmp_path / "c.pdf"))
    assert "a.zip by R. Lee, 20" in text_of(tmp_path / "c.pdf")


@pytest.mark.parametrize("words", [["cite"], ["cite", "--format", "bluebook"], ["export", "--no-record"]])
def test_what_is_no_version_is_said_when_it_is_named_to_others(shelf: Shelf, tmp_path: Path, words: list[str]) -> None:
    verb, *options = words

    def told(snapshot: str) -> str:
        output = ["--output", str(tmp_path / f"{snapshot}.zip")] if verb == "export" else []
        return shelf.box.fine(verb, snapshot, *options, *output).err

    assert f"warning: {shelf.held} is no version of the document: quarantined by the gate (" in told(shelf.held)
    assert "answered with HTTP status 503" in told(shelf.held) if verb == "cite" else True
    blocked = told(shelf.blocked)
    assert f"{shelf.blocked} holds no document: the check ended as blocked (port_refused, port 1 is not" in blocked
    assert "no version" not in told(shelf.version) and "no version" not in told(shelf.single)


def test_a_snapshot_without_text_says_why_it_has_none(shelf: Shelf, tmp_path: Path) -> None:
    for words in (["redact"], ["export", "--output", str(tmp_path / "t.exhibit.pdf")]):
        single = shelf.box.call(words[0], shelf.single, *words[1:])
        assert single.code == 2 and "is of an address that is not watched, and no text was read" in single.error()
        assert "archiver watch add URL" in single.error()
        held = shelf.box.call(words[0], shelf.held, *words[1:])
        assert held.code == 2 and "quarantined by the gate" in held.error() and "so it has no text" in held.error()
        blocked = shelf.box.call(words[0], shelf.blocked, *words[1:])
        assert blocked.code == 2 and "ended as blocked" in blocked.error()


def test_several_exhibits_are_handed_out_only_when_each_can_be_made(shelf: Shelf, tmp_path: Path) -> None:
    size = len(shelf.box.statements())
    out = tmp_path / "folder"
    refused = shelf.box.call("export", shelf.version, shelf.single, "--output", str(out), "--form", ".exhibit.pdf")
    assert refused.code == 2 and shelf.single in refused.error()
    assert not out.exists() and len(shelf.box.statements()) == size


def test_an_exhibit_that_was_handed_out_has_its_load_file_although_the_next_failed(
    shelf: Shelf, tmp_path: Path
) -> None:
    out = tmp_path / "folder"
    out.mkdir()
    (out / f".{shelf.later}.exhibit.pdf").touch()
    (out / f"{shelf.later}.exhibit.pdf").mkdir()
    done = shelf.box.call(
        "export", shelf.version, shelf.later, "--output", str(out), "--form", ".exhibit.pdf", "--bates", "EX000001"
    )
    assert done.code == 2 and f"{shelf.later}.exhibit.pdf is there already" in done.err
    rows = list(csv.DictReader(io.StringIO((out / "load.csv").read_text("utf-8-sig"))))
    assert [row["IMAGEPATH"] for row in rows] == [f"{shelf.version}.exhibit.pdf"]
    assert (out / f"{shelf.version}.exhibit.txt").exists() and not (out / f"{shelf.later}.exhibit.txt").exists()


@pytest.mark.parametrize("name", ["both.zip", "both.pdf", "both.exhibit.pdf"])
def test_several_snapshots_do_not_make_a_folder_that_is_called_like_a_file(
    shelf: Shelf, tmp_path: Path, name: str
) -> None:
    refused = shelf.box.call("export", shelf.version, shelf.later, "--output", str(tmp_path / name))
    end = name.removeprefix("both")
    assert refused.code == 2 and f"--output FOLDER --form {end}" in refused.error()
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("x.zip", ["--bates", "EX1"], ".exhibit.pdf"),
        ("x.pdf", ["--bates", "EX1"], ".exhibit.pdf"),
        ("x.pdf", ["--timezone", "Europe/Berlin"], ".exhibit.pdf"),
        ("x.wacz", ["--paper", "a4"], ".exhibit.pdf"),
        ("x.zip", ["--provision", "EA-P-000001"], ".exhibit.pdf"),
        ("x.zip", ["--seal", "key.p12"], "certificate"),
        ("x.exhibit.pdf", ["--seal", "key.p12"], "certificate"),
        ("x.zip", ["--fonts", "folder"], "certificate or an exhibit"),
        ("x.pdf", ["--seal-passphrase-file", "word"], "--seal"),
        ("x.pdf", ["--stamp"], "--seal"),
        ("x.exhibit.pdf", ["--stamp"], "--seal"),
        ("x.zip", ["--form", ".pdf"], "the name of the file says the form"),
    ],
)
def test_an_option_that_says_nothing_of_the_file_is_refused(
    shelf: Shelf, tmp_path: Path, name: str, words: list[str], said: str
) -> None:
    refused = shelf.box.call("export", shelf.version, "--output", str(tmp_path / name), *words)
    assert refused.code == 2 and words[0] in refused.error() and said in refused.error()
    assert list(tmp_path.iterdir()) == []


def test_options_in_a_folder_are_those_of_its_form(shelf: Shelf, tmp_path: Path) -> None:
    words = ["--form", ".exhibit.pdf", "--bates", "EX000001", "--no-record"]
    shelf.box.fine("export", shelf.version, "--output", str(tmp_path), *words)
    assert (tmp_path / f"{shelf.version}.exhibit.pdf").exists()


def test_a_name_that_is_too_long_or_cannot_be_written_is_the_users_to_mend(shelf: Shelf, tmp_path: Path) -> None:
    long = shelf.box.call("export", shelf.version, "--output", str(tmp_path / ("x" * 300 + ".zip")))
    assert long.code == 2 and "File name too long" in long.error()
    proc = shelf.box.call("export", shelf.version, "--output", "/proc/n.zip")
    assert proc.code == 2 and "/proc/n.zip: " in proc.error() and ".part" not in proc.error()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("EA-D-00001", "EA-D-00001 names a document, not a snapshot; name one of its snapshots: archiver history"),
        ("EA-I-00000001", "EA-I-00000001 names an imported file, not a snapshot; see archiver import show"),
        ("EA-P-000001", "EA-P-000001 names a provision, not a snapshot; see archiver provision show"),
        ("EA-S-99999999", "there is no snapshot EA-S-99999999 in this archive; see archiver history DOCUMENT"),
        ("terms", "there is no snapshot terms in this archive"),
    ],
)
def test_another_kind_of_name_leads_on_to_the_command_for_it(shelf: Shelf, name: str, said: str) -> None:
    for words in (
        ["export", name, "--output", "x.zip"],
        ["redact", name],
        ["custody", name],
        ["dispose", name, "--reason", "x", "--by", "y", "--yes"],
        ["declare", name, "--regime", "us-902", "--output", "x.docx"],
    ):
        result = shelf.box.call(*words)
        assert result.code == 2 and said in result.error(), words


def test_a_snapshot_where_a_document_is_wanted(shelf: Shelf) -> None:
    result = shelf.box.call("history", shelf.version)
    assert result.code == 2
    assert f"{shelf.version} names a snapshot, not a document; archiver custody names its document" in result.error()
