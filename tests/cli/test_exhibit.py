"""Exhibits as a paralegal and other people's tools read them."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.archive import open_archive
from archiver.dossier import dossier_of
from archiver.errors import UsageError
from archiver.evidence.banned import BANNED
from archiver.exhibit import Bates, Wishes, exhibit_of
from archiver.exhibit_load import COLUMNS, as_dat
from archiver.typesetting import MISSING, folded, legible, press
from tests.cli.paper import CLAUSE, Desk, desk, pages_of, said, text_of, unembedded
from tests.cli.test_certificate import breaches

AT = datetime.datetime(2026, 11, 22, 9, 30, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.fixture(scope="module")
def pdf(ready: Desk) -> Path:
    words = ("--timezone", "Europe/Berlin", "--bates", "EX000041", "--provision", ready.provision)
    return ready.export(ready.box.folder / "terms.exhibit.pdf", *words)


def test_others_find_a_sound_file_with_its_fonts_and_nothing_that_runs(pdf: Path) -> None:
    said("qpdf", "--check", pdf)
    assert unembedded(pdf) == []
    with pikepdf.open(pdf) as opened:
        assert opened.open_metadata().pdfa_status == "2A"
        assert not opened.attachments
        assert "/AcroForm" not in opened.Root and "/OpenAction" not in opened.Root
    assert breaches(pdf, "2b") == []
    plain = pdf.with_name("plain.pdf")
    said("qpdf", "--qdf", "--object-streams=disable", pdf, plain)
    assert re.findall(rb"/(?:JavaScript|JS|Launch|SubmitForm|URI)\b", plain.read_bytes()) == []


def test_every_page_says_where_it_is_from(ready: Desk, pdf: Path) -> None:
    capture = ready.box.captures()[-1]
    count = pages_of(pdf)
    for page in range(1, count + 1):
        text = said("pdftotext", "-layout", "-f", str(page), "-l", str(page), pdf, "-")
        foot = " ".join(text.split())
        assert capture["parts"][0]["url"] in foot
        assert f"captured {capture['started_at']}" in foot and "Europe/Berlin" in foot
        assert f"{capture['origin']}#{ready.second} · page {page} of {count}" in foot
        assert f"EX{40 + page:06d}" in foot


def test_the_whole_text_stands_on_its_pages_in_order(ready: Desk, pdf: Path) -> None:
    lines = pdf.with_suffix(".txt").read_text("utf-8").splitlines()
    assert len(lines) > 20
    text = re.sub(r"\s+", " ", said("pdftotext", pdf, "-"))
    at = 0
    for line in lines:
        words = re.sub(r"^#+ ", "", line)
        at = text.find(words, at)
        assert at >= 0, line
    assert "No page image follows" in text and "named by the operator" in text


def test_digests_and_limits_stand_on_the_cover(ready: Desk, pdf: Path) -> None:
    record = ready.box.fine("cite", ready.second, "--format", "json").json
    cover = said("pdftotext", "-layout", "-l", "1", pdf, "-")
    assert {i["value"] for i in record["hashes"] if i["alg"] == "sha-256"} <= set(cover.split())
    plain = " ".join(cover.split())
    assert all(sentence in plain for sentence in record["limit_texts"].values())
    claims = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in BANNED), re.IGNORECASE)
    assert claims.findall(text_of(pdf)) == []


def test_a_clause_is_coloured_where_it_stands_and_nowhere_else(ready: Desk, pdf: Path, tmp_path: Path) -> None:
    assert CLAUSE in " ".join(said("pdftotext", "-l", "1", pdf, "-").split())

    def yellow(file: Path) -> int:
        said("pdftoppm", "-r", "40", "-f", "2", "-l", "2", file, tmp_path / file.stem)
        (image,) = tmp_path.glob(f"{file.stem}*.ppm")
        pixels = image.read_bytes().split(b"\n", 3)[3]
        return sum(1 for at in range(0, len(pixels) - 2, 3) if pixels[at] > 240 and pixels[at + 2] < 200)

    bare = ready.export(tmp_path / "bare.exhibit.pdf")
    assert yellow(pdf) > 100
    assert yellow(bare) == 0
    assert "Bates number" in text_of(bare)


def test_the_load_file_names_what_lies_beside_it(ready: Desk, pdf: Path) -> None:
    data = pdf.with_suffix(".csv").read_bytes()
    (row,) = csv.DictReader(io.StringIO(data.decode()))
    assert list(row) == COLUMNS
    assert (row["BEGBATES"], row["ENDBATES"]) == ("EX000041", f"EX{40 + pages_of(pdf):06d}")
    assert (pdf.parent / row["IMAGEPATH"]) == pdf
    body = [b for b in ready.box.statements() if b["kind"] == "assessment"][-1]
    assert hashlib.sha256((pdf.parent / row["TEXTPATH"]).read_bytes()).hexdigest() == body["text_sha256"]
    native = (ready.box.root / row["NATIVEPATH"]).read_bytes()
    assert hashlib.sha256(native).hexdigest() == row["SHA256_NATIVE"]
    assert row["TZ"] == "Europe/Berlin"
    assert datetime.datetime.fromisoformat(row["CAPTURE_LOCAL"]).utcoffset() == datetime.timedelta(hours=1)
    dat = pdf.with_suffix(".dat").read_text("utf-8-sig").splitlines()
    values = [field.strip("\u00fe") for field in dat[1].split("\u0014")]
    assert values == list(row.values())


def test_numbers_go_on_from_one_exhibit_to_the_next(ready: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    ready.box.fine("export", ready.first, ready.second, "--output", str(folder), "--form", ".exhibit.pdf",
                   "--bates", "A-9", "--no-record")  # fmt: skip
    rows = list(csv.DictReader(io.StringIO((folder / "load.csv").read_text())))
    first = pages_of(folder / rows[0]["IMAGEPATH"])
    assert rows[0]["BEGBATES"] == "A-9"
    assert rows[1]["BEGBATES"] == f"A-{9 + first}"


def test_one_dossier_and_one_date_give_the_same_bytes(ready: Desk) -> None:
    dossier = dossier_of(open_archive(ready.box.root), ready.second, AT)
    assert exhibit_of(dossier, Wishes()).pdf == exhibit_of(dossier, Wishes()).pdf


@pytest.mark.parametrize(
    "words", [("--bates", "12"), ("--timezone", "Mars/Olympus"), ("--paper", "a0"), ("--provision", "EA-P-000099")]
)
def test_a_wish_that_cannot_be_met_is_said_and_nothing_is_left(
    ready: Desk, tmp_path: Path, words: tuple[str, ...]
) -> None:
    target = str(tmp_path / "x.exhibit.pdf")
    assert ready.box.call("export", ready.second, "--output", target, "--no-record", *words).code == 2
    assert list(tmp_path.iterdir()) == []


def test_what_lies_beside_already_is_not_written_over(ready: Desk, tmp_path: Path) -> None:
    (tmp_path / "x.exhibit.csv").write_text("mine")
    result = ready.box.call("export", ready.second, "--output", str(tmp_path / "x.exhibit.pdf"), "--no-record")
    assert result.code == 2 and "x.exhibit.csv is there already" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["x.exhibit.csv"]


# -- setting in type -------------------------------------------------------------------------------


def test_a_character_without_a_shape_is_shown_as_a_box_and_counted() -> None:
    shown, missing = press().shown("Terms 利用規約 Условия")
    assert shown == f"Terms {MISSING * 4} Условия"
    assert missing == 4


def test_scripts_that_the_fonts_have_are_set_as_they_are() -> None:
    for text in ("Übergrößenträger", "Όροι χρήσης", "Условия", "תנאים", "ﬁ ½ → ≥"):
        assert press().shown(text) == (text, 0)


@given(st.text(max_size=300))
def test_any_text_can_be_set(text: str) -> None:
    facts = {
        "title": legible(text), "author": "a", "description": "d", "keywords": [], "paper": "a4", "bates": None,
        "footer_url": folded(text, 90), "captured_utc": "x", "captured_local": None, "citation_id": "i",
        "archive": "a", "origin": "o", "heading": legible(text), "snapshot": "s", "cover": [], "times": [],
        "bracket": legible(text), "digests": [], "limits": [], "notes": [legible(text)], "clauses": [], "links": [],
        "lines": [{"level": 0, "indent": 0, "pieces": [{"text": legible(text), "mark": True}]}],
    }  # fmt: skip
    assert press().set("exhibit", facts, AT, "a-2a").startswith(b"%PDF-")


@given(st.text())
def test_nothing_that_hides_or_turns_the_text_is_printed(text: str) -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", legible(text))


@given(st.from_regex(r"[A-Za-z]{1,8}[-_ ]?[0-9]{1,9}", fullmatch=True), st.integers(1, 500))
def test_bates_numbers_count_up_and_keep_their_width(text: str, pages: int) -> None:
    bates = Bates.from_text(text)
    assert bates.number(1) == text
    assert bates.after(pages).number(1) == bates.number(pages + 1)
    assert len(bates.number(pages)) >= len(text)


@pytest.mark.parametrize("text", ["", "EX", "12", "EX12X", "EX\n1", "é1", "E" * 40 + "1", "E" + "1" * 50])
def test_what_is_no_bates_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Bates.from_text(text)


def test_a_dat_keeps_one_record_on_one_line(ready: Desk) -> None:
    load = exhibit_of(dossier_of(open_archive(ready.box.root), ready.second, AT), Wishes()).load
    odd = replace(load, title="a\u00feb\u0014c\r\nd")
    lines = as_dat([odd.fields("i", "t")]).decode("utf-8-sig").split("\r\n")
    assert len(lines) == 3 and lines[1].count("\u0014") == len(COLUMNS) - 1
    assert "a'b c\u00aed" in lines[1]
