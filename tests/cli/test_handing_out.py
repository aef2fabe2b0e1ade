"""What is handed out of snapshots that are no version, of several at once, and with options that say nothing of it."""

from __future__ import annotations

import csv
import io
import os
import pty
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.errors import UsageError
from archiver.redaction import require_discreet
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

    held = told(shelf.held)
    assert f"warning: {shelf.held} is no version of the document: quarantined by the gate (" in held
    assert "answered with HTTP status 503" in held
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


def test_beside_an_exhibit_that_could_not_be_stated_lies_nothing(shelf: Shelf, tmp_path: Path) -> None:
    refused = shelf.box.call("export", shelf.version, "--output", str(tmp_path / "t.exhibit.pdf"), "--by", "a\nb")
    assert refused.code == 2 and "must be one line" in refused.err
    assert list(tmp_path.iterdir()) == []


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


def test_a_form_that_was_named_makes_a_folder_for_one_snapshot_too(shelf: Shelf, tmp_path: Path) -> None:
    out = tmp_path / "folder"
    shelf.box.fine("export", shelf.version, "--output", str(out), "--form", ".pdf", "--no-record")
    assert [path.name for path in out.iterdir()] == [f"{shelf.version}.pdf"]
    refused = shelf.box.call("export", shelf.version, "--output", str(out), "--form", "/../../x.pdf")
    assert refused.code == 2 and "is more than the end of a name; --form .pdf" in refused.error()


def test_a_name_that_is_too_long_or_cannot_be_written_is_the_users_to_mend(shelf: Shelf, tmp_path: Path) -> None:
    long = shelf.box.call("export", shelf.version, "--output", str(tmp_path / ("x" * 300 + ".zip")))
    assert long.code == 2 and "File name too long" in long.error()
    proc = shelf.box.call("export", shelf.version, "--output", "/proc/n.zip")
    assert proc.code == 2 and "/proc/n.zip: " in proc.error() and ".part" not in proc.error()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("EA-D-00001", "EA-D-00001 names a document, not a snapshot; name one of its snapshots: archiver history"),
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


def test_the_name_of_an_imported_file_is_looked_up_where_one_is_taken(shelf: Shelf) -> None:
    name = "EA-I-00000001"
    for words, said in (
        (["redact", name], f"{name} names an imported file, not a snapshot; see archiver import show {name}"),
        (["custody", name], f"there is no imported file {name} in this archive; see archiver import list"),
        (["export", name, "--output", "x.zip"], f"there is no imported file {name}"),
        (["dispose", name, "--reason", "x", "--by", "y", "--yes"], f"there is no imported file {name}"),
    ):
        result = shelf.box.call(*words)
        assert result.code == 2 and said in result.error(), words


def test_a_snapshot_where_a_document_is_wanted(shelf: Shelf) -> None:
    result = shelf.box.call("history", shelf.version)
    assert result.code == 2
    said = f"there is no document {shelf.version!r}: that names a snapshot; archiver custody {shelf.version} names its"
    assert said in result.error()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Call Ms Okonkwo at the desk", "Okonkwo asked for it"),
        ("Call Ms Okonkwo at the desk", "asked for by ms Okonkwo"),
        ("The account is 4417-1234-5678", "an account, 4417-1234-5678, is named"),
        ("she was dismissed for theft in spring", "it says Dismissed for theft"),
    ],
)
def test_a_reason_that_tells_what_is_hidden_is_refused(line: str, reason: str) -> None:
    with pytest.raises(UsageError, match="which stands only in a line that is to be hidden"):
        require_discreet([line], ["Be kind", "and gentle"], reason)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Names of third parties: Ann", "Names of others"),
        ("Last updated: 1 March 2026", "order of the court of 3 May 2026"),
        ("Ms Okonkwo is kind", "Kind words"),
        ("all of the data of the user", "data of a person"),
    ],
)
def test_a_reason_in_ordinary_words_is_taken(line: str, reason: str) -> None:
    require_discreet([line], ["Be kind", "and gentle"], reason)


def test_words_that_are_shown_elsewhere_may_stand_in_a_reason() -> None:
    require_discreet(["Acme Limited paid you"], ["Acme Limited paid others"], "what Acme Limited paid")


def test_a_redaction_that_hides_nothing_is_not_taken_for_one(shelf: Shelf, tmp_path: Path) -> None:
    refused = shelf.box.call("redact", shelf.version, "--reason", "x", "--output", str(tmp_path / "x.json"))
    assert refused.code == 2 and "nothing is to be hidden; name lines with --hide" in refused.error()


def test_a_redaction_that_cannot_be_written_is_not_stated(shelf: Shelf, tmp_path: Path) -> None:
    size = len(shelf.box.statements())
    words = ["redact", shelf.version, "--hide", "1", "--reason", "x", "--output"]
    (tmp_path / "file").touch()
    refused = shelf.box.call(*words, str(tmp_path / "file" / "x.json"))
    assert refused.code == 2 and "give another name" in refused.error() and len(shelf.box.statements()) == size


@pytest.mark.parametrize("words", [["redact", "--hide", "1", "--reason", "x"], ["export"], ["cite"]])
def test_a_folder_that_is_missing_is_named_and_not_made(shelf: Shelf, tmp_path: Path, words: list[str]) -> None:
    size = len(shelf.box.statements())
    folder = tmp_path / "mistyped" / "deep"
    refused = shelf.box.call(words[0], shelf.version, *words[1:], "--output", str(folder / "x.zip"))
    assert refused.code == 2 and f"there is no folder {folder};" in refused.error()
    assert list(tmp_path.iterdir()) == [] and len(shelf.box.statements()) == size


def test_a_folder_for_several_is_made_where_its_own_is_there(shelf: Shelf, tmp_path: Path) -> None:
    both = (shelf.version, shelf.later, "--no-record", "--no-sign", "--output")
    refused = shelf.box.call("export", *both, str(tmp_path / "mistyped" / "out"))
    assert refused.code == 2 and f"there is no folder {tmp_path / 'mistyped'};" in refused.error()
    assert list(tmp_path.iterdir()) == []
    shelf.box.fine("export", *both, str(tmp_path / "out"))
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_transfer_takes_a_plain_file_with_something_in_it(shelf: Shelf, tmp_path: Path) -> None:
    size = len(shelf.box.statements())
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty").touch()
    for name, said in (("fifo", "is not a plain file"), ("empty", "is empty")):
        refused = shelf.box.call("transfer", shelf.version, "--to", "Court", "--file", str(tmp_path / name))
        assert refused.code == 2 and said in refused.error()
    assert shelf.box.call("transfer", shelf.version, "--to", "Court", "--file", "/dev/zero").code == 2
    assert len(shelf.box.statements()) == size


def test_of_several_imports_those_before_the_refused_one_are_told(shelf: Shelf, tmp_path: Path) -> None:
    warc = next((shelf.box.root / "snapshots").rglob("capture.warc.gz")).read_bytes()
    (tmp_path / "a.warc.gz").write_bytes(warc)
    (tmp_path / "cut.warc.gz").write_bytes(warc[:-30])
    both = ["import", "add", str(tmp_path / "a.warc.gz"), str(tmp_path / "cut.warc.gz")]
    first = shelf.box.call(*both)
    assert first.code == 1 and first.out == ""
    told, error = first.err.splitlines()
    assert told.startswith("EA-I-") and told.endswith("  imported  a.warc.gz")
    assert error.startswith("error: cut.warc.gz was not imported")
    assert "  kept already  a.warc.gz" in shelf.box.call(*both).err
    # What is kept with its problems is kept: giving it again asks for nothing.
    shelf.box.fine(*both[:2], both[3], "--keep-broken")
    again = shelf.box.fine(*both)
    assert again.out.count("kept already") == 2


def test_verify_of_a_file_that_is_not_there_speaks_of_the_file(shelf: Shelf, tmp_path: Path) -> None:
    outside = {"ARCHIVER_ARCHIVE": str(tmp_path)}
    for environment in ({}, outside):
        missing = shelf.box.call("verify", "evidence.zip", environment=environment)
        assert missing.code == 2
        assert "evidence.zip is no file or folder, no SHA-256 and no identifier" in missing.error()


def test_who_disposes_and_why_is_checked_before_anybody_is_asked(shelf: Shelf) -> None:
    for words in (["--by", "R. Lee", "--reason", ""], ["--by", "a\nb", "--reason", "x"]):
        refused = shelf.box.call("dispose", shelf.later, *words, "--dry-run")
        assert refused.code == 2 and "must be" in refused.error()


def test_a_disposal_that_is_declined_says_that_nothing_went(shelf: Shelf) -> None:
    size = len(shelf.box.statements())
    master, slave = pty.openpty()
    try:
        words = ("dispose", shelf.later, "--by", "R. Lee", "--reason", "over")
        with shelf.box.process(*words, stdin=slave) as process:
            os.write(master, b"n\n")
            _, err = process.communicate(timeout=60)
    finally:
        os.close(master)
        os.close(slave)
    assert process.returncode == 130 and err.rstrip().endswith("nothing was disposed of")
    assert "acknowledged" not in err and len(shelf.box.statements()) == size


def test_an_address_copied_from_a_page_has_nothing_unseen_in_it(shelf: Shelf, tmp_path: Path) -> None:
    declared, certificate = tmp_path / "d.pdf", tmp_path / "c.pdf"
    shelf.box.fine("declare", shelf.version, "--regime", "uk-cea9", "--output", str(declared), "--no-record")
    shelf.box.fine("export", shelf.version, "--output", str(certificate), "--no-record")
    for pdf in (declared, certificate):
        assert not [c for c in text_of(pdf) if unicodedata.category(c) == "Cf"]
