"""A draft as DOCX: real headings, styles and numbering, the draft mark on every page, equal bytes for equal drafts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from archiver.declaration.draft import BANNER, NOT_RECORDED, Block, Draft, Grid, Run
from archiver.declaration.end_matter import (
    BLANKS,
    EVIDENCE,
    MISSING,
    NO_BLANKS,
    NO_MISSING,
    TYPEFACES,
    blank_rows,
    colophon,
    missing_rows,
    reference_rows,
    source_rows,
)
from archiver.declaration.showing import visible
from archiver.declaration.word_styles import (
    BLANK,
    DIGITS,
    FACT,
    PAPERS,
    REFERENCE,
    add_field,
    add_styles,
    identifier,
    numbered,
    table_look,
)
from archiver.errors import ArchiverError

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph
    from docx.text.run import Run as Run_

_STYLE = {"fact": FACT, "missing": FACT, "reference": REFERENCE, "blank": BLANK}
MOST_PROPERTY = 255
"""Characters of one property, as the library has it."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip file can say: a draft's own date stands in its properties."""


def as_docx(draft: Draft, at: datetime) -> bytes:
    """Return the file; ``ArchiverError`` says what to install where the library is not there."""
    try:
        import docx
    except ImportError as error:
        raise ArchiverError(
            "no writer of DOCX is installed", do='install the extra for it: pip install "evidence-archiver[docx]"'
        ) from error
    document = docx.Document()
    add_styles(document, draft.paper)
    _properties(document, draft, at)
    _edges(document, draft)
    _front(document, draft)
    for block in draft.blocks:
        _place(document, block)
    _end(document, draft)
    out = io.BytesIO()
    document.save(out)
    return _repacked(out.getvalue())


def _paragraph(document: Document, style: str) -> Paragraph:
    """A new paragraph; its style is set by identifier, for the library looks names up in the whole list each time."""
    made = document.add_paragraph()
    made._p.style = identifier(style)
    return made


def _add_text(document: Document, text: str, style: str) -> Paragraph:
    made = _paragraph(document, style)
    made.add_run(text)
    return made


def _add(paragraph: Paragraph, text: str, style: str | None = None) -> Run_:
    """A new run in a character style."""
    made = paragraph.add_run(text)
    if style is not None:
        made._r.style = identifier(style)
    return made


def _properties(document: Document, draft: Draft, at: datetime) -> None:
    moment = at.replace(microsecond=0, tzinfo=None)
    core = document.core_properties
    core.title, core.author, core.subject = map(_short, (f"DRAFT: {draft.title}", draft.archive, draft.law))
    core.comments = f"Template {draft.regime} {draft.version}, SHA-256 {draft.template_sha256}"
    core.keywords = _short(", ".join((draft.regime, *draft.snapshots)))
    core.category, core.content_status, core.language = "declaration", "Draft", "en"
    core.created, core.modified, core.last_printed, core.revision = moment, moment, moment, 1
    core.last_modified_by, core.identifier, core.version = core.author, "", draft.version
    package = document.part.package
    # The library's blank file carries a picture of itself.
    for key in [key for key, rel in package.rels.items() if rel.reltype.endswith("/metadata/thumbnail")]:
        del package.rels[key]


def _short(text: str) -> str:
    """What a property of the file may hold; the pages have all of it."""
    return visible(text)[:MOST_PROPERTY]


def _edges(document: Document, draft: Draft) -> None:
    """The draft mark in the header, and page n of N in the footer, of every page."""
    section = document.sections[0]
    width = PAPERS[draft.paper].text_width
    head = section.header.paragraphs[0]
    head.text = f"DRAFT, not signed: {draft.regime}, template version {draft.version}"
    head.runs[0].bold = True
    head.add_run(f"\tmade {draft.made}")
    foot = section.footer.paragraphs[0]
    names = draft.snapshots
    told = ", ".join(names) if len(names) < 4 else f"{names[0]} and {len(names) - 1} more"
    foot.add_run(f"{draft.origin}: {told}\tpage ")
    add_field(foot, "PAGE", "1")
    foot.add_run(" of ")
    add_field(foot, "NUMPAGES", "1")
    for paragraph in (head, foot):
        # The style brings stops for American paper: at its centre the date would stand upon the name.
        paragraph.style.paragraph_format.tab_stops.clear_all()
        paragraph.paragraph_format.tab_stops.add_tab_stop(width, _right())


def _right() -> Any:
    from docx.enum.text import WD_TAB_ALIGNMENT

    return WD_TAB_ALIGNMENT.RIGHT


def _front(document: Document, draft: Draft) -> None:
    _add_text(document, draft.title, "Title")
    _add_text(document, f"{draft.jurisdiction} · {draft.law}", "Law")
    banner = _paragraph(document, "Draft Banner")
    banner.add_run("DRAFT. ").bold = True
    banner.add_run(BANNER)
    legend = _paragraph(document, "Draft Banner")
    samples = (("fact", ""), ("reference", "[E1]"), ("blank", "[[ blank ]]"), ("missing", NOT_RECORDED))
    legend.add_run("Facts taken from the archive stand in ")
    _add(legend, "this typeface", FACT)
    for words, (kind, text) in zip(TYPEFACES[1:], samples[1:], strict=False):
        legend.add_run(words)
        _run(legend, Run(kind, text))  # type: ignore[arg-type]
    legend.add_run(TYPEFACES[-1])


def _place(document: Document, block: Block) -> None:
    match block.kind:
        case "heading":
            paragraph = _paragraph(document, "Heading 1")
            paragraph.paragraph_format.page_break_before = block.new_page or None
        case "law":
            paragraph = _paragraph(document, "Law")
        case "note":
            paragraph = _paragraph(document, "Signer Note")
            paragraph.add_run("Note to the signer, to be deleted: ").bold = True
        case "choice":
            paragraph = _paragraph(document, "Choice")
            paragraph.add_run("☐\t")
        case "table":
            if block.grid is not None:
                _grid(document, block.grid)
            return
        case _:
            paragraph = _paragraph(document, _paragraph_style(block))
            if block.number is not None:
                numbered(paragraph)
    if block.keep:
        paragraph.paragraph_format.keep_with_next = True
    for run in block.runs:
        _run(paragraph, run)


def _paragraph_style(block: Block) -> str:
    if block.number is not None:
        return "Statement"
    return "Signature Line" if [run.kind for run in block.runs] == ["blank"] else "Body Text"


def _run(paragraph: Paragraph, run: Run) -> None:
    text = visible(run.text)
    made = _add(paragraph, text, _STYLE.get(run.kind))
    if run.kind == "missing":
        made.bold = True


def _grid(document: Document, grid: Grid) -> None:
    if not grid.rows:
        _add_text(document, grid.empty, "Body Text")
        return
    columns = [*grid.columns, *([grid.blank] if grid.blank else [])]
    widths = [*grid.widths, 11, *([26] if grid.blank else [])]
    reference = len(grid.columns) - 1
    rows = (
        (*row, told, *([""] if grid.blank else []))
        for row, told in zip(grid.rows, grid.references, strict=True)
    )  # fmt: skip
    styles = {**dict.fromkeys(grid.digits, DIGITS), reference: REFERENCE}
    _table(document, columns, rows, widths, styles)


def _table(
    document: Document,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    widths: Sequence[int],
    styles: dict[int, str],
) -> None:
    table = document.add_table(rows=1, cols=len(columns))
    for cell, text in zip(table.rows[0].cells, columns, strict=True):
        cell.paragraphs[0]._p.style = identifier("Table Text")
        cell.paragraphs[0].add_run(text).bold = True
    for values in rows:
        for number, (cell, text) in enumerate(zip(table.add_row().cells, values, strict=True)):
            for line, part in enumerate(text.split("\n")):
                paragraph = cell.paragraphs[0] if line == 0 else cell.add_paragraph()
                paragraph._p.style = identifier("Table Text")
                _add(paragraph, visible(part), styles.get(number))
    section = document.sections[0]
    room = (section.page_width or 0) - (section.left_margin or 0) - (section.right_margin or 0)
    table_look(table, widths, room)
    _paragraph(document, "Table End")


def _end(document: Document, draft: Draft) -> None:
    first = _add_text(document, BLANKS, "Heading 1")
    first.paragraph_format.page_break_before = True
    _listed(document, ("No.", "Blank", "Where"), list(blank_rows(draft)), (8, 62, 30), NO_BLANKS)
    _add_text(document, MISSING, "Heading 1")
    _listed(document, ("Fact", "Where"), list(missing_rows(draft)), (70, 30), NO_MISSING)
    _add_text(document, EVIDENCE, "Heading 1")
    about = "Each number [E…] names a source [S…] and the place in it. Checks: archiver verify, made for this draft."
    _add_text(document, about, "Law")
    sources = [
        (name, "\n".join(text for text in (what, checks, f"SHA-256 {sha256}" if sha256 else "") if text))
        for name, what, sha256, checks in source_rows(draft)
    ]
    _table(document, ("No.", "Source"), sources, (8, 92), {})
    _table(document, ("No.", "Source", "Place in it"), reference_rows(draft), (9, 10, 81), {})
    _add_text(document, colophon(draft), "Law")


def _listed(document: Document, columns: Sequence[str], rows: list[Any], widths: Sequence[int], empty: str) -> None:
    if rows:
        _table(document, columns, rows, widths, {})
    else:
        _add_text(document, empty, "Body Text")


def _repacked(data: bytes) -> bytes:
    """The same parts in the same order with fixed times and attributes, which the library takes from the clock."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in _parts(made):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            packed.writestr(info, part)
    return out.getvalue()


def _parts(made: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """Content types first, as readers of the format expect (ECMA-376 part 2)."""
    names = sorted(made.namelist(), key=lambda name: (name != "[Content_Types].xml", name != "_rels/.rels", name))
    for name in names:
        yield name, made.read(name)
