"""Draft declarations as others read them: python-docx opens the DOCX, qpdf and poppler judge the PDF."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docx
import pikepdf
import pytest
from docx.document import Document
from docx.text.paragraph import Paragraph
from lxml import etree

from archiver.archive import open_archive
from archiver.declaration.forms import DeclarationForm
from archiver.declaration.ground import ground_of
from archiver.declaration.shelves import PROTOCOLS, REGIMES
from archiver.dossier import dossier_of
from archiver.evidence.banned import banned_in
from archiver.exporting import Means
from tests.cli.box import Box
from tests.cli.paper import Desk, desk, pages_of, said, text_of, unembedded
from tests.simulators.website import Website
from tests.tampering import changed, flipped

AT = datetime.datetime(2026, 11, 22, 9, 30, 0, 123000, tzinfo=datetime.UTC)
NAMES = ("fr-annexe", "in-bsa63", "uk-cea9", "us-902")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# Order of children that ECMA-376 part 1 prescribes, as far as a draft uses them (17.3.1.26, 17.3.2.28, 17.4.59).
ORDER = {
    "pPr": "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd tabs"
    " suppressAutoHyphens spacing ind contextualSpacing jc outlineLvl rPr",
    "rPr": "rStyle rFonts b bCs i iCs caps smallCaps strike color spacing w kern position sz szCs highlight u effect"
    " bdr shd fitText vertAlign lang",
    "tblPr": "tblStyle tblpPr tblOverlap bidiVisual tblW jc tblCellSpacing tblInd tblBorders shd tblLayout tblCellMar"
    " tblLook",
}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk")) as made:
        bundle = made.box.folder / "copy.zip"
        made.box.fine("export", made.second, "--output", str(bundle), "--by", "R. Lee", "--reason", "disclosure")
        yield made


def made(ready: Desk, regime: str, suffix: str, snapshots: tuple[str, ...], at: datetime.datetime = AT) -> bytes:
    """A draft without the command line, at a fixed time."""
    archive = open_archive(ready.box.root)
    template = REGIMES.find(archive, regime).kept
    protocol = PROTOCOLS.find(archive, template.protocol).kept if template.protocol else None
    out = io.BytesIO()
    DeclarationForm(template, protocol, suffix).write_all(
        [dossier_of(archive, name, at) for name in snapshots], out, Means()
    )
    return out.getvalue()


def style_of(paragraph: Paragraph) -> str:
    return str(paragraph.style.name if paragraph.style is not None else None)


def words_of(document: Document) -> str:
    """Everything that is printed on its pages, tables included, in order."""
    return "\n".join(
        "".join(node.text or "" for node in paragraph.iter(f"{W}t"))
        for paragraph in document.element.body.iter(f"{W}p")
    )


@pytest.fixture(scope="module")
def draft(ready: Desk) -> Document:
    """The declaration for the United States about both snapshots, handed out by the command."""
    target = ready.box.folder / "declaration.docx"
    ready.box.fine(
        "declare", ready.first, ready.second, "--regime", "us-902", "--output", str(target), "--by", "R. Lee"
    )
    return docx.Document(str(target))


# -- DOCX ------------------------------------------------------------------------------------------


def test_every_fact_of_the_record_stands_in_it_in_full(ready: Desk, draft: Document) -> None:
    text = words_of(draft)
    for name in (ready.first, ready.second):
        record = ready.box.fine("cite", name, "--format", "json").json
        for item in record["hashes"]:
            digits = [item["value"][at : at + 64] for at in range(0, len(item["value"]), 64)]
            assert all(part in text for part in digits), item["object"]
        for key in ("captured", "captured_end", "first_tracked", "first_seen", "last_verified"):
            assert record["dates"][key] in text, key
        for token in record["timestamps"]:
            assert token["gen_time"] in text
        assert record["log"]["inclusion"]["checkpoint_sha256"] in text
        assert record["signature"]["key_fpr"] in text and record["environment"]["kernel"] in text
        assert all(sentence in text for sentence in record["limit_texts"].values())
        assert record["source"]["publisher_date"]["text"] in text
    (export,) = [b for b in ready.box.statements() if b["kind"] == "custody" and b["form"] == "bundle"]
    assert export["file_sha256"] in text and "copy.zip" in text and "R. Lee" in text


def test_every_fact_has_a_reference_and_every_reference_a_source(draft: Document) -> None:
    loose = []
    for paragraph in draft.paragraphs:
        runs = paragraph.runs
        for run, after in zip(runs, [*runs[1:], None], strict=False):
            if run.style.name == "Recorded Fact" and style_of(paragraph) != "Draft Banner":
                loose += [] if after is not None and after.style.name == "Evidence Reference" else [paragraph.text]
    assert loose == []
    text = words_of(draft)
    used = set(re.findall(r"\[(E\d+)\]", text.partition("Evidence of the prefilled facts")[0]))
    references, sources = draft.tables[-1], draft.tables[-2]
    rows = [[cell.text for cell in row.cells] for row in references.rows[1:]]
    assert used == {row[0] for row in rows} and len(used) > 60
    known = {row.cells[0].text: row.cells[1].text for row in sources.rows[1:]}
    assert {row[1] for row in rows} == known.keys()
    assert any("statement.json" in what and "checks 1, 5, 6, 11: pass" in what for what in known.values())


def test_a_reference_leads_to_the_field_that_says_so(ready: Desk, draft: Document) -> None:
    (paragraph,) = [p for p in draft.paragraphs if p.text.startswith("It began at ") and "ended at" in p.text][:1]
    run = next(run for run in paragraph.runs if run.style.name == "Recorded Fact")
    number = paragraph.runs[[r._r for r in paragraph.runs].index(run._r) + 1].text.strip("[]")
    row = next(row for row in draft.tables[-1].rows if row.cells[0].text == number)
    source = next(r for r in draft.tables[-2].rows if r.cells[0].text == row.cells[1].text).cells[1].text
    path = re.search(r"\((snapshots/\S+statement\.json)\)", source)
    assert path
    line = (ready.box.root / path[1]).read_bytes()
    assert hashlib.sha256(line).hexdigest() in source
    assert json.loads(line)[row.cells[2].text.removeprefix("field ")] == run.text


def test_blanks_are_blanks_and_listed_at_the_end(draft: Document) -> None:
    blanks = [run for paragraph in draft.paragraphs for run in paragraph.runs if run.style.name == "Blank"]
    labels = [run.text for run in blanks[1:]]  # the first one shows what a blank looks like
    assert all(re.fullmatch(r"\[\[ .+ \]\]", text) for text in labels) and len(labels) > 40
    assert draft.styles["Blank"].font.underline
    heads = [[cell.text for cell in table.rows[0].cells] for table in draft.tables]
    table = draft.tables[heads.index(["No.", "Blank", "Where"])]
    listed = [row.cells[1].text for row in table.rows[1:]]
    choices = [text for text in listed if re.fullmatch(r"one of \d choices", text)]
    assert sorted(listed) == sorted([*(text[3:-3] for text in labels), *choices])
    closing = words_of(draft).partition("\nClosing\n")[2].partition("\nNotice\n")[0]
    assert "[[ signature ]]" in closing and "[[ date ]]" in closing and "2026" not in closing


def test_it_is_a_draft_on_every_page_with_page_n_of_n(draft: Document) -> None:
    section = draft.sections[0]
    assert section.header.paragraphs[0].text.startswith("DRAFT, not signed: us-902")
    fields = [node.text for node in section.footer._element.iter(f"{W}instrText")]
    assert fields == ["PAGE", "NUMPAGES"] and " of " in section.footer.paragraphs[0].text
    width = int(section.page_width or 0) - int(section.left_margin or 0) - int(section.right_margin or 0)
    for edge in (section.header.paragraphs[0], section.footer.paragraphs[0]):
        assert edge.text.count("\t") == 1, "what follows the tab stands at the right edge of the text"
        stops = [*edge.style.paragraph_format.tab_stops, *edge.paragraph_format.tab_stops]
        assert [abs(stop.position - width) < 1000 for stop in stops] == [True]
    assert draft.core_properties.title.startswith("DRAFT: ") and draft.core_properties.content_status == "Draft"
    assert any(p.text.startswith("DRAFT. ") for p in draft.paragraphs[:4])


def test_headings_styles_and_numbers_are_real(draft: Document) -> None:
    headings = [p.text for p in draft.paragraphs if style_of(p) == "Heading 1"]
    assert [h for h in headings if "Block A" in h or "Block B" in h] and headings[0] == "Caption"
    assert style_of(draft.paragraphs[0]) == "Title"
    statements = [p for p in draft.paragraphs if style_of(p) == "Statement"]
    leading = [p.paragraph_format.keep_with_next for p in statements if p.text.endswith(":")]
    assert leading and all(leading), "a line that leads to a table stays with it"
    (used,) = {p._p.pPr.numPr.numId.val for p in statements}  # type: ignore[union-attr]
    assert len(statements) > 40
    numbering = draft.part.numbering_part.element
    (number,) = [n for n in numbering.findall(f"{W}num") if n.get(f"{W}numId") == str(used)]
    target = number.find(f"{W}abstractNumId").get(f"{W}val")
    assert [a for a in numbering.findall(f"{W}abstractNum") if a.get(f"{W}abstractNumId") == target]
    assert all(t.rows[0]._tr.trPr.find(f"{W}tblHeader") is not None for t in draft.tables)  # type: ignore[union-attr]


@pytest.mark.parametrize("part", ["word/document.xml", "word/styles.xml", "word/header1.xml", "word/footer1.xml"])
def test_the_parts_keep_the_order_that_the_standard_asks_for(ready: Desk, draft: Document, part: str) -> None:
    with zipfile.ZipFile(ready.box.folder / "declaration.docx") as opened:
        root = etree.fromstring(opened.read(part))
    wrong = []
    for name, order in ORDER.items():
        places = {f"{W}{child}": place for place, child in enumerate(order.split())}
        for element in root.iter(f"{W}{name}"):
            found = [places[child.tag] for child in element if child.tag in places]
            wrong += [] if found == sorted(found) else [etree.tostring(element)[:300]]
    assert wrong == []


@pytest.mark.parametrize("suffix", [".docx", ".pdf"])
def test_the_same_facts_and_date_give_the_same_bytes(ready: Desk, suffix: str) -> None:
    first = made(ready, "us-902", suffix, (ready.first, ready.second))
    assert made(ready, "us-902", suffix, (ready.first, ready.second)) == first
    assert made(ready, "us-902", suffix, (ready.first, ready.second), AT + datetime.timedelta(seconds=1)) != first


def test_no_clock_of_the_writer_is_in_the_file(ready: Desk) -> None:
    data = made(ready, "in-bsa63", ".docx", (ready.first,))
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert {info.date_time for info in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert opened.testzip() is None and opened.namelist()[0] == "[Content_Types].xml"
        assert not [name for name in opened.namelist() if "thumbnail" in name]
    core = docx.Document(io.BytesIO(data)).core_properties
    assert core.created == core.modified == AT.replace(microsecond=0) or core.created == AT.replace(
        microsecond=0, tzinfo=None
    )


# -- PDF -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("regime", NAMES)
def test_others_find_a_sound_pdf_that_says_draft_on_every_page(ready: Desk, tmp_path: Path, regime: str) -> None:
    target = tmp_path / "x.pdf"
    target.write_bytes(made(ready, regime, ".pdf", (ready.second,)))
    said("qpdf", "--check", target)
    assert unembedded(target) == []
    with pikepdf.open(target) as opened:
        assert opened.open_metadata().pdfa_status == "2A"
        assert all(not {"/AA", "/OpenAction", "/JavaScript"} & set(o.keys()) for o in (opened.Root, *opened.pages))
    pages = text_of(target).split("\f")[:-1]
    assert len(pages) == pages_of(target)
    for number, page in enumerate(pages, 1):
        assert f"DRAFT, not signed: {regime}" in page and f"page {number} of {len(pages)}" in page


@pytest.mark.parametrize("regime", NAMES)
def test_both_forms_say_the_same_and_claim_nothing(ready: Desk, tmp_path: Path, regime: str) -> None:
    target = tmp_path / "x.pdf"
    target.write_bytes(made(ready, regime, ".pdf", (ready.first,)))
    pdf = re.sub(r"[\s\u200b]+", "", said("pdftotext", "-raw", target, "-"))
    word = words_of(docx.Document(io.BytesIO(made(ready, regime, ".docx", (ready.first,)))))
    archive = open_archive(ready.box.root)
    dossier = dossier_of(archive, ready.first, AT)
    template = REGIMES.find(archive, regime).kept
    from archiver.declaration.draft import filled

    protocol = PROTOCOLS.find(archive, template.protocol).kept if template.protocol else None
    draft = filled(ground_of([dossier], template), protocol)
    texts = [run.text for block in draft.blocks for run in block.runs if run.kind in ("fact", "blank", "missing")]
    assert texts
    flat = re.sub(r"\s+", "", word)
    lost = [text for text in texts if re.sub(r"\s+", "", text) not in pdf or re.sub(r"\s+", "", text) not in flat]
    # A fact that goes on over a page's end has header and footer between its lines.
    assert len(lost) <= 2, lost
    assert list(banned_in(word)) == [] and list(banned_in(text_of(target))) == []


def test_what_is_missing_says_so_and_is_listed(tmp_path: Path, site: Website) -> None:
    site.documents["/terms"] = b"<h1>Terms</h1><p>" + b"words of a page without any date in it " * 20 + b"</p>"
    box = Box(tmp_path, site).init()
    (item,) = box.fine("capture", site.url("/terms"), "--json").json
    target = tmp_path / "x.docx"
    told = box.fine("declare", item["snapshot"], "--regime", "us-902", "--output", str(target), "--json").json
    missing = {entry["fact"] for entry in told["not_recorded"]}
    for fact in ("identifier of the watched document", "verified timestamps", "how often it was to be checked"):
        assert any(name.startswith(fact) for name in missing), (fact, missing)
    text = words_of(docx.Document(str(target)))
    assert "Outside timestamps that cover it: not recorded[E" in text
    assert text.count("not recorded[E") == len(told["not_recorded"])
    assert "TLS: none: the connection was not encrypted" in text


def test_what_a_site_says_cannot_steer_the_page(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init()
    title = "Rules \u202e{capture.started} [[ signed ]] <b> #set page(header: none) ]]&"
    box.fine("watch", "add", site.url("/terms"), "--entity", "É" * 400, "--document", title)
    (item,) = box.fine("capture", "--all", "--json").json
    box.fine("export", item["snapshot"], "--output", str(tmp_path / "b.zip"), "--reason", "left \u202eright")
    for suffix in ("docx", "pdf"):
        box.fine("declare", item["snapshot"], "--regime", "us-902", "--output", str(tmp_path / f"x.{suffix}"))
    text = words_of(docx.Document(str(tmp_path / "x.docx")))
    shown = title.replace("\u202e", "⟨U+202E⟩")
    assert shown in text and "É" * 400 in text and "left ⟨U+202E⟩right" in text
    pdf = re.sub(r"\s+", "", said("pdftotext", "-raw", tmp_path / "x.pdf", "-"))
    assert re.sub(r"\s+", "", shown) in pdf and "left⟨U+202E⟩right" in pdf and "\u202e" not in pdf + text


def test_what_no_font_shows_is_counted_and_whole_in_the_docx(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init()
    box.fine("watch", "add", site.url("/terms"), "--entity", "例え", "--document", "Условия")
    (item,) = box.fine("capture", "--all", "--json").json
    words = ("declare", item["snapshot"], "--regime", "uk-cea9", "--no-record", "--output")
    told = box.fine(*words, str(tmp_path / "x.pdf"))
    assert "2 characters are in none of the fonts at hand" in told.err
    assert "Условия" in text_of(tmp_path / "x.pdf") and "□□" in text_of(tmp_path / "x.pdf")
    box.fine(*words, str(tmp_path / "x.docx"))
    assert "例え" in words_of(docx.Document(str(tmp_path / "x.docx")))


def test_an_address_that_never_answered_is_not_said_to_have(tmp_path: Path, site: Website) -> None:
    site.documents["/robots.txt"] = b"User-agent: *\nDisallow: /private\n"
    box = Box(tmp_path, site).init()
    (item,) = box.call("capture", site.url("/private/x"), "--json").json
    target = tmp_path / "x.docx"
    box.fine("declare", item["snapshot"], "--regime", "us-902", "--output", str(target))
    text = words_of(docx.Document(str(target)))
    assert f"Address to be asked for: {site.url('/private/x')}[E" in text
    assert "Address that answered: not recorded[E" in text and "Result of the check: blocked[E" in text


# -- the command -----------------------------------------------------------------------------------


def test_the_log_states_what_was_handed_out(ready: Desk, draft: Document) -> None:
    (body,) = [b for b in ready.box.statements() if b["kind"] == "custody" and b["form"] == "declaration"]
    data = (ready.box.folder / "declaration.docx").read_bytes()
    assert body["subjects"] == [ready.first, ready.second] and body["by"] == "R. Lee"
    assert (body["file_sha256"], body["file_bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert draft.core_properties.author
    ready.box.verified()


def test_nothing_is_stated_where_nobody_wants_it(ready: Desk, tmp_path: Path) -> None:
    size = len(ready.box.statements())
    target = tmp_path / "x.pdf"
    words = ("declare", ready.first, "--regime", "uk-cea9", "--output", str(target), "--no-record")
    told = ready.box.fine(*words).lines
    assert len(ready.box.statements()) == size
    assert hashlib.sha256(target.read_bytes()).hexdigest() in told[0] and told[1].startswith("DRAFT, not signed: ")
    again = ready.box.call(*words)
    assert again.code == 2 and "is there already" in again.error()


def test_json_says_what_was_made(ready: Desk, tmp_path: Path) -> None:
    target = tmp_path / "x.docx"
    words = ("declare", ready.first, "--regime", "in-bsa63", "--output", str(target), "--no-record", "--json")
    told = ready.box.fine(*words).json
    assert told["form"] == "declaration" and told["draft"] is True and told["statement_sha256"] is None
    assert told["file_sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert (told["regime"], told["snapshots"]) == ("in-bsa63", [ready.first])
    assert {"label": "serial number", "place": "paragraph 3"} in told["blanks"]
    assert {item["reference"] for item in told["evidence"]} == {f"E{n}" for n in range(1, len(told["evidence"]) + 1)}


def test_the_regimes_are_listed(ready: Desk) -> None:
    rows = ready.box.fine("declare", "--list-regimes", "--json").json
    assert [row["regime"] for row in rows] == list(NAMES) and {row["origin"] for row in rows} == {"shipped"}
    told = ready.box.fine("declare", "--list-regimes")
    assert all(name in told.out for name in NAMES) and max(map(len, told.lines)) <= 100


OWN = """format = 1
regime = "{name}"
version = "7"
title = "Erklärung"
jurisdiction = "Ruritania"
law = "§ 1"
about = "ours"
paper = "a4"
[[section]]
heading = "Seite {{snapshot.id}}"
per = "snapshot"
paragraph = [{{ text = "Ich, [[ Name ]], sage: {{warc.sha256}}; nicht da: {{time.not_before}}" }}, {{ table = "gaps" }}]
"""


def test_a_regime_is_added_without_code(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init()
    (item,) = box.fine("capture", site.url("/terms"), "--json").json
    (box.root / "regimes").mkdir()
    for name in ("ruritania", "us-902"):
        (box.root / "regimes" / f"{name}.toml").write_text(OWN.format(name=name), "utf-8")
    rows = {row["regime"]: row for row in box.fine("declare", "--list-regimes", "--json").json}
    assert [rows[name]["origin"] for name in ("ruritania", "us-902", "uk-cea9")] == ["archive", "archive", "shipped"]
    for regime, target in (("ruritania", "a.docx"), (str(box.root / "regimes" / "us-902.toml"), "b.docx")):
        told = box.fine("declare", item["snapshot"], "--regime", regime, "--output", str(tmp_path / target), "--json")
        assert told.json["template_version"] == "7" and [b["label"] for b in told.json["blanks"]] == ["Name"]
        text = words_of(docx.Document(str(tmp_path / target)))
        assert f"Ich, [[ Name ]], sage: {item['warc_sha256']}[E1]; nicht da: not recorded[E2]" in text
    box.verified()


def test_long_names_fit_into_the_properties_of_the_file(ready: Desk, tmp_path: Path) -> None:
    text = OWN.format(name="long").replace("Erklärung", "T" * 300).replace("§ 1", "L" * 300)
    (tmp_path / "long.toml").write_text(text, "utf-8")
    for suffix in ("docx", "pdf"):
        words = ("--regime", str(tmp_path / "long.toml"), "--no-record", "--output", str(tmp_path / f"x.{suffix}"))
        ready.box.fine("declare", ready.first, *words)
    made = docx.Document(str(tmp_path / "x.docx"))
    assert "T" * 300 in words_of(made) and len(made.core_properties.title) == 255
    assert "T" * 300 in re.sub(r"[\s\u200b]+", "", text_of(tmp_path / "x.pdf"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--regime", "us-902"), "needs snapshots, a regime and a file"),
        (("--regime", "us-9", "--output", "x.docx"), "there is no regime 'us-9'; known: fr-annexe, in-bsa63"),
        (("--regime", "us-902", "--output", "x.odt"), "no declaration ends like '.odt'"),
        (("--regime", "./gone.toml", "--output", "x.docx"), "gone.toml: No such file"),
        (("--regime", "/dev/zero", "--output", "x.docx"), "error: /dev/zero: more than 262144 bytes"),
    ],
)
def test_what_cannot_be_meant_is_said(ready: Desk, words: tuple[str, ...], told: str) -> None:
    result = ready.box.call("declare", ready.first, *words)
    assert result.code == 2 and told in result.error()


def test_a_wrong_file_of_the_archive_is_named(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init()
    (item,) = box.fine("capture", site.url("/terms"), "--json").json
    (box.root / "regimes").mkdir()
    own = box.root / "regimes" / "mine.toml"
    for text, told in (
        (OWN.format(name="other"), "regimes/mine.toml: says it is 'other'"),
        (
            OWN.format(name="mine").replace("warc.sha256", "warc.sha"),
            "regimes/mine.toml: section 1 “Seite {snapshot.id}”",
        ),
        ("#" * 300_000, "regimes/mine.toml: more than 262144 bytes"),
    ):
        own.write_text(text, "utf-8")
        result = box.call("declare", item["snapshot"], "--regime", "mine", "--output", str(tmp_path / "x.docx"))
        assert result.code == 2 and told in result.error(), result
    own = own.rename(own.with_name("Mine!.toml"))
    assert "may have a-z" in box.call("declare", "--list-regimes").error()
    own.unlink()
    gone = box.call("declare", "EA-S-99999999", "--regime", "uk-cea9", "--output", str(tmp_path / "x.docx"))
    assert gone.code == 2 and "there is no snapshot" in gone.error()
    assert not (tmp_path / "x.docx").exists()


def test_a_template_that_stands_in_for_a_shipped_one_is_not_used_in_silence(ready: Desk, tmp_path: Path) -> None:
    folder = ready.box.root / "regimes"
    folder.mkdir(exist_ok=True)
    own, given = folder / "us-902.toml", tmp_path / "given.toml"
    try:
        for file, regime in ((own, "us-902"), (given, str(given))):
            file.write_text(OWN.format(name="us-902"), "utf-8")
            words = ("declare", ready.first, "--regime", regime, "--output", str(tmp_path / f"{file.stem}.docx"))
            result = ready.box.fine(*words, "--no-record")
            assert "takes the place of the shipped regime us-902" in " ".join(result.err.split())
    finally:
        own.unlink()
    words = ("declare", ready.first, "--regime", "us-902", "--output", str(tmp_path / "shipped.docx"))
    assert "takes the place" not in ready.box.fine(*words, "--no-record").err


def file_of(ready: Desk, which: str) -> Path:
    """The WARC of the first snapshot, or the text that was read from it."""
    (body,) = [b for b in ready.box.captures() if b["snapshot"] == ready.first]
    if which == "warc":
        return Path(ready.box.root / body["folder"] / "capture.warc.gz")
    (text,) = [
        b["text_sha256"]
        for b in ready.box.statements()
        if b["kind"] == "assessment" and b["capture_seq"] == body["seq"]
    ]
    return Path(ready.box.root / "texts" / text[:2] / f"{text}.txt")


@pytest.mark.parametrize("which", ["warc", "text"])
def test_a_damaged_snapshot_gets_no_declaration(ready: Desk, tmp_path: Path, which: str) -> None:
    size = len(ready.box.statements())
    path = file_of(ready, which)
    path.chmod(0o644)
    with changed(path, flipped(path.read_bytes(), path.stat().st_size - 2)):
        words = ("--regime", "uk-cea9", "--output", str(tmp_path / "x.docx"))
        result = ready.box.call("declare", ready.second, ready.first, *words)
    assert result.code == 3 and ready.first in result.err
    assert list(tmp_path.iterdir()) == [] and len(ready.box.statements()) == size


def test_beside_a_daemon_it_is_stated_by_the_daemon(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init()
    (item,) = box.fine("capture", site.url("/terms"), "--json").json
    with box.daemon():
        told = box.fine(
            "declare", item["snapshot"], "--regime", "uk-cea9", "--output", str(tmp_path / "x.docx"), "--json"
        ).json
    (body,) = [b for b in box.statements() if b["kind"] == "custody"]
    assert body["file_sha256"] == told["file_sha256"] and told["statement_sha256"]
    box.verified()
