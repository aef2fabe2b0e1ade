"""PDF as lines, judged on PDFs written here byte by byte."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.watch.extract import pdf as pdf_module
from archiver.watch.extract.pdf import read_pdf, read_pdf_pages
from archiver.watch.extract.pdf_layout import PageLine, blocks_of, joined

Piece = tuple[float, float, float, str, str]
"""Left, bottom, size, font, words."""

Area = tuple[int, tuple[float, float, float, float], str]
"""Page from 1, rectangle, address."""


def pdf(
    pages: Sequence[Sequence[Piece]], links: Sequence[Area] = (), *, drawing: bytes = b"", extra: str = ""
) -> bytes:
    """A PDF with these words at these places."""
    objects = [b"", b""]
    for name in (b"Helvetica", b"Helvetica-Bold"):
        objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>" % name)
    kids = []
    for number, pieces in enumerate(pages, 1):
        stream = drawing + b"\n".join(_shown(piece) for piece in pieces)
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        contents = len(objects)
        annotations = []
        for page, area, address in links:
            if page == number:
                where = " ".join(map(str, area)).encode()
                objects.append(
                    b"<< /Type /Annot /Subtype /Link /Rect [%s] /A << /S /URI /URI (%s) >> >>"
                    % (where, address.encode())
                )
                annotations.append(b"%d 0 R" % len(objects))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R /Annots [%s] "
            b"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % (contents, b" ".join(annotations))
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    whole, places = b"%PDF-1.4\n", []
    for number, value in enumerate(objects, 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, value)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return whole + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF"
        % (len(objects) + 1, table, len(objects) + 1, extra.encode(), len(whole))
    )


def _shown(piece: Piece) -> bytes:
    left, bottom, size, font, words = piece
    raw = words.encode("cp1252")
    for character in (b"\\", b"(", b")"):
        raw = raw.replace(character, b"\\" + character)
    return b"BT /%s %g Tf 1 0 0 1 %g %g Tm (%s) Tj ET" % (font.encode(), size, left, bottom, raw)


def column(
    lines: Sequence[str], *, top: float = 700, left: float = 72, size: float = 12, font: str = "F1"
) -> list[Piece]:
    """Lines one under the other; an empty one is a gap."""
    return [(left, top - 14 * row, size, font, line) for row, line in enumerate(lines) if line]


CLAUSE = [
    "The controller keeps the personal data of its customers only as",
    "long as the contract requires it, and no longer.",
]
WHOLE = " ".join(CLAUSE)


def test_lines_become_paragraphs_at_gaps() -> None:
    document = read_pdf(pdf([column([*CLAUSE, "", *CLAUSE])]))
    assert document.lines == (WHOLE, WHOLE)
    assert document.problems == ()


def test_a_line_that_ends_early_ends_its_paragraph() -> None:
    assert read_pdf(pdf([column([*CLAUSE, *CLAUSE, *CLAUSE])])).lines == (WHOLE, WHOLE, WHOLE)


def test_a_paragraph_goes_on_over_pages_and_columns() -> None:
    document, pages = read_pdf_pages(pdf([column([*CLAUSE, CLAUSE[0]]), column([CLAUSE[1], *CLAUSE])]))
    assert document.lines == (WHOLE, WHOLE, WHOLE)
    assert pages == (1, 1, 2)
    narrow = [
        "The controller keeps the personal",
        "data of all its customers and the",
        "public authority asks for them in",
    ]
    right = column(["writing or by other means."], left=330)
    assert read_pdf(pdf([column(narrow) + right])).lines == (" ".join(narrow) + " writing or by other means.",)


def test_headings_by_size_and_weight() -> None:
    pieces = [
        *column(["Privacy Policy"], top=740, size=24),
        *column(["1. Data"], top=715, size=16),
        *column([*CLAUSE, *CLAUSE], top=690),
        *column(["Cookies"], top=620, font="F2"),
        *column([*CLAUSE, *CLAUSE], top=600),
    ]
    document = read_pdf(pdf([pieces]))
    assert [line for line in document.lines if line.startswith("#")] == [
        "# Privacy Policy",
        "## 1. Data",
        "### Cookies",
    ]
    assert document.headings == ("Privacy Policy", "1. Data")


def test_a_bold_line_as_long_as_the_text_below_it_is_a_heading() -> None:
    bold = "The personal data that is kept by a controller of personal data"
    pieces = [*column([bold], top=714, font="F2"), *column([*CLAUSE, "", *CLAUSE])]
    assert read_pdf(pdf([pieces])).lines == (f"# {bold}", WHOLE, WHOLE)


def test_list_items() -> None:
    lines = [
        "We collect:",
        "• your name and the address that you have given us when you",
        "signed up;",
        "• your age.",
        "1. First",
    ]
    assert read_pdf(pdf([column(lines)])).lines == (
        "We collect:",
        "- your name and the address that you have given us when you signed up;",
        "- your age.",
        "1. First",
    )


def test_cells_of_a_row_stand_together() -> None:
    assert read_pdf(pdf([[(72, 700, 12, "F1", "Retention"), (300, 700, 12, "F1", "ten years")]])).lines == (
        "Retention ten years",
    )


def test_words_cut_at_the_end_of_a_line() -> None:
    def line(words: str, hyphen: bool = False) -> PageLine:
        return PageLine(words, 1, 0, 100, 0, 12, hyphen=hyphen)

    cut = [line("the per", True), line("sonal data")]
    assert joined(cut) == "the personal data"
    assert joined([line("of non", True), line("U.S. origin")]) == "of non-U.S. origin"
    spelled = [line("under self", True), line("regulation of")]
    assert joined(spelled) == "under selfregulation of"
    assert joined(spelled, frozenset({"self-regulation"})) == "under self-regulation of"
    assert joined(spelled, hyphenated=False) == "under self-regulation of"
    assert joined(cut, frozenset({"personal"}), hyphenated=False) == "the personal data"
    assert joined([line("2024", True)]) == "2024-"
    whole = read_pdf(pdf([column(["Personal data is kept by all of the controllers of per-", "sonal data."])]))
    assert whole.lines == ("Personal data is kept by all of the controllers of personal data.",)


def test_running_lines_stand_once_and_page_numbers_never() -> None:
    def page(number: int) -> list[Piece]:
        body = column(
            [f"Clause {number} begins here and it is long enough to be a line of text.", *CLAUSE], top=700 - 9 * number
        )
        return [
            (72, 760, 9, "F1", "Acme Ltd, version of May 2026"),
            *body,
            (280, 40, 9, "F1", f"Page {number} of 4"),
            (72, 30, 9, "F1", f"v2.1 confidential {number}"),
        ]

    document, pages = read_pdf_pages(pdf([page(number) for number in range(1, 5)]))
    text = "\n".join(document.lines)
    assert text.count("Acme Ltd") == 1
    assert "Page" not in text
    assert document.lines[-2:] == ("Acme Ltd, version of May 2026", "v2.1 confidential")
    assert [page for page, line in zip(pages, document.lines, strict=True) if line.startswith("Clause")] == [1, 2, 3, 4]
    assert all(f"Clause {number}" in text for number in range(1, 5))


def test_a_line_on_few_pages_is_no_running_line() -> None:
    pages = [column([f"Part {name} is as follows, in full:", *CLAUSE]) for name in ("one", "two", "three")]
    pages[0].append((72, 40, 9, "F1", "Signed in London"))
    assert "Signed in London" in read_pdf(pdf(pages)).lines


def test_links_of_annotations() -> None:
    pieces = column(["See our cookie notice for more.", "", "Write to us."])
    links = [
        (1, (72, 670, 140, 684), "mailto:us@example.org"),
        (1, (117, 698, 188.5, 712), "https://example.org/cookies?a=1"),
        (1, (400, 100, 420, 110), "https://example.org/nothing"),
    ]
    document = read_pdf(pdf([pieces], links))
    assert [(link.line, link.target) for link in document.links] == [
        (0, "https://example.org/cookies?a=1"),
        (1, "mailto:us@example.org"),
    ]
    assert document.links[0].words == "cookie notice"
    assert document.links[1].words == "Write to us."


def test_a_link_over_two_lines_is_one() -> None:
    areas = [(1, (333, 698, 420, 712), "https://example.org/x"), (1, (72, 684, 160, 698), "https://example.org/x")]
    links = read_pdf(pdf([column(CLAUSE)], areas)).links
    assert [(link.line, link.target) for link in links] == [(0, "https://example.org/x")]
    assert "as long as" in links[0].words


def test_pdfium_is_called_by_one_thread_at_a_time() -> None:
    done = threading.Event()

    def read() -> None:
        read_pdf(pdf([column(CLAUSE)]))
        done.set()

    with pdf_module.LOCK:
        thread = threading.Thread(target=read)
        thread.start()
        assert not done.wait(0.3)
    thread.join()
    assert done.is_set()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable"),
        (b"%PDF-1.7 and then nothing", "unreadable"),
        (b"<html>not a PDF</html>", "unreadable"),
        (pdf([]), "unreadable"),
        (pdf([[]]), "no_text"),
        (pdf([[], []], drawing=b"0 0 200 200 re f\n"), "no_text"),
    ],
)
def test_what_cannot_be_read_is_a_problem(content: bytes, code: str) -> None:
    document, pages = read_pdf_pages(content)
    assert [problem.code for problem in document.problems] == [code]
    assert (document.lines, pages) == ((), ())


def test_pictures_are_told_from_empty_pages() -> None:
    assert "only pictures" in read_pdf(pdf([[]], drawing=b"0 0 200 200 re f\n")).problems[0].detail
    assert "only pictures" not in read_pdf(pdf([[]])).problems[0].detail


def test_an_encrypted_pdf_says_so() -> None:
    mark = "<" + "00" * 32 + ">"
    locked = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O {mark} /U {mark} /P -44 >> /ID [{mark} {mark}]"
    problem = read_pdf(pdf([column(CLAUSE)], extra=locked)).problems[0]
    assert (problem.code, "password" in problem.detail) == ("unreadable", True)


def test_a_page_that_cannot_be_read_is_a_problem_and_the_others_keep_their_numbers() -> None:
    whole = pdf([column(["The first page says this."]), column(["The second page says that."])])
    broken = whole.replace(b"/Type /Page /Parent", b"/Type /Pagx /Parent", 1)
    document, pages = read_pdf_pages(broken)
    assert len(document.problems) == 1 and (document.lines, pages) == (("The second page says that.",), (2,))


def test_ceilings(monkeypatch: pytest.MonkeyPatch) -> None:
    content = pdf([column(CLAUSE)] * 3)
    monkeypatch.setattr(pdf_module, "MAX_PAGES", 2)
    assert [problem.code for problem in read_pdf(content).problems] == ["too_large"]
    monkeypatch.setattr(pdf_module, "MAX_PAGES", 3)
    monkeypatch.setattr(pdf_module, "MAX_CHARACTERS", 150)
    document = read_pdf(content)
    assert [problem.code for problem in document.problems] == ["too_large"]
    assert document.lines == (WHOLE,)
    monkeypatch.setattr(pdf_module, "MAX_BYTES", 10)
    assert [problem.code for problem in read_pdf(content).problems] == ["too_large"]


def test_threads_may_read_at_once() -> None:
    content = pdf([column([*CLAUSE, "", *CLAUSE])] * 5)
    expected = read_pdf(content)
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.extend(read_pdf(content) == expected for _ in range(5))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 20


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_broken_pdfs_never_raise(data: st.DataObject) -> None:
    content = bytearray(pdf([column(CLAUSE), column(CLAUSE)], [(1, (72, 690, 200, 710), "https://example.org/")]))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    document, pages = read_pdf_pages(bytes(content[: data.draw(st.integers(0, len(content)))]))
    assert len(pages) == len(document.lines)
    assert all(0 <= link.line < len(document.lines) for link in document.links)


line_values = st.builds(
    PageLine,
    words=st.text(alphabet="ab1. -•(é", min_size=1, max_size=12).filter(str.strip),
    page=st.integers(1, 3),
    left=st.floats(-10, 600),
    right=st.floats(-10, 600),
    bottom=st.floats(-10, 800),
    height=st.floats(0.1, 40),
    bold=st.booleans(),
    hyphen=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(line_values, max_size=40))
def test_any_layout_keeps_its_letters(lines: list[PageLine]) -> None:
    lines.sort(key=lambda line: line.page)
    blocks = blocks_of([replace(line, page=1) for line in lines])
    letters = "".join(character for line in lines for character in line.words if character.isalpha())
    found = "".join(character for block in blocks for character in block.words if character.isalpha())
    assert found == letters
    for block in blocks_of(lines):
        assert block.text == " ".join(block.text.split()) or not block.words
        assert block.words


def test_many_lines_are_laid_out_in_time() -> None:
    lines = [PageLine("a word", 1, n % 900, n % 900 + 30, n % 700, 12) for n in range(20_000)]
    begin = time.perf_counter()
    blocks_of(lines)
    assert time.perf_counter() - begin < 10
