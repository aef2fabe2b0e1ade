"""Styles of a draft in DOCX: typefaces for words, facts and blanks, one running number, quiet tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table
    from docx.text.paragraph import Paragraph

FACT, REFERENCE, BLANK, DIGITS = "Recorded Fact", "Evidence Reference", "Blank", "Digits"
"""Character styles: what the archive shows, the number of its evidence, what a human fills, digests."""
_SERIF, _SANS, _MONO = "Times New Roman", "Arial", "Courier New"
_NUMBERS = 77
"""Number of the one list of a draft."""
_CM = 360_000
_MARGIN = 23 * _CM // 10


@dataclass(frozen=True, slots=True)
class Paper:
    """Sizes in EMU (914,400 an inch)."""

    width: int
    height: int

    @property
    def text_width(self) -> int:
        """What is left between the margins."""
        return self.width - 2 * _MARGIN


PAPERS = {"a4": Paper(21 * _CM, 297 * _CM // 10), "us-letter": Paper(7_772_400, 10_058_400)}


def add_styles(document: Document, paper: str) -> None:
    """Set page, styles and the list."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Emu, Pt, RGBColor

    size = PAPERS[paper]
    section = document.sections[0]
    section.page_width, section.page_height = Emu(size.width), Emu(size.height)
    section.left_margin = section.right_margin = Emu(_MARGIN)
    section.top_margin, section.bottom_margin = Emu(26 * _CM // 10), Emu(22 * _CM // 10)
    section.header_distance = section.footer_distance = Emu(12 * _CM // 10)
    styles = document.styles
    ink, quiet = RGBColor(20, 20, 20), RGBColor(90, 90, 90)

    def typeface(style: Any, name: str, points: float, *, bold: bool | None = None, color: Any = ink) -> None:
        style.font.name, style.font.size, style.font.bold, style.font.color.rgb = name, Pt(points), bold, color
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):
            if "heme" in key:  # a theme's typeface would win over the one that is named
                del fonts.attrib[key]
        for slot in ("ascii", "hAnsi", "cs", "eastAsia"):
            fonts.set(_w(slot), name)

    def spaced(style: Any, before: float, after: float, *, left: int = 0, hanging: int = 0, keep: bool = False) -> None:
        form = style.paragraph_format
        form.space_before, form.space_after, form.line_spacing = Pt(before), Pt(after), 1.1
        form.left_indent, form.first_line_indent = Emu(left), Emu(-hanging)
        form.keep_with_next = keep

    def new(name: str, points: float, before: float, after: float, **shape: Any) -> Any:
        style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = styles["Normal"]
        color = shape.pop("color", ink)
        typeface(style, _SERIF, points, color=color)
        spaced(style, before, after, **shape)
        return style

    typeface(styles["Normal"], _SERIF, 11.5)
    spaced(styles["Normal"], 0, 6)
    typeface(styles["Body Text"], _SERIF, 11.5)
    spaced(styles["Body Text"], 0, 7)
    typeface(styles["Title"], _SERIF, 18, bold=True)
    spaced(styles["Title"], 0, 6)
    _border(styles["Title"].element, {})
    typeface(styles["Heading 1"], _SERIF, 13, bold=True)
    spaced(styles["Heading 1"], 18, 5, keep=True)
    for name in ("Header", "Footer"):
        typeface(styles[name], _SERIF, 9, color=quiet)
    new("Statement", 11.5, 0, 8, left=_CM, hanging=_CM)
    new("Law", 9.5, 0, 7, color=quiet, keep=False)
    new("Choice", 11.5, 0, 6, left=17 * _CM // 10, hanging=7 * _CM // 10)
    new("Signature Line", 11.5, 22, 6)
    new("Table Text", 9, 1, 1)
    new("Table End", 4, 0, 4)
    note = new("Signer Note", 9.5, 2, 8, left=4 * _CM // 10, color=quiet)
    _border(note.element, {"left": 12})
    banner = new("Draft Banner", 10, 0, 0)
    _border(banner.element, dict.fromkeys(("top", "left", "bottom", "right"), 8))
    for name, font, points in ((FACT, _SANS, 10), (REFERENCE, _SANS, 7), (BLANK, _SERIF, 11), (DIGITS, _MONO, 7)):
        style = styles.add_style(name, WD_STYLE_TYPE.CHARACTER)
        typeface(style, font, points, color=quiet if name == REFERENCE else ink)
        if name == BLANK:
            style.font.italic = style.font.underline = True
            style.element.get_or_add_rPr().append(_element("shd", val="clear", color="auto", fill="E8E8E8"))
        elif name == REFERENCE:
            style.font.superscript = None
    _numbering(document)


def _w(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(f"w:{name}"))


def _element(tag: str, *children: Any, **attributes: str) -> Any:
    from docx.oxml.parser import OxmlElement

    made = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        made.set(_w(name), value)
    for child in children:
        made.append(child)
    return made


def _border(style: Any, sides: dict[str, int]) -> None:
    """Lines around a paragraph style, in eighths of a point; none where none is named."""
    properties = style.get_or_add_pPr()
    for old in properties.findall(_w("pBdr")):
        properties.remove(old)
    if sides:
        lines = [
            _element(side, val="single", sz=str(sides[side]), space="6", color="404040")
            for side in ("top", "left", "bottom", "right")
            if side in sides
        ]
        # CT_PPr is a sequence: borders stand before spacing and indents (ECMA-376 part 1, 17.3.1.26).
        properties.insert_element_before(
            _element("pBdr", *lines), "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind",
            "w:contextualSpacing", "w:jc", "w:outlineLvl", "w:rPr",
        )  # fmt: skip


def _numbering(document: Document) -> None:
    """One running number through the whole draft: 1., 2., 3."""
    root = document.part.numbering_part.element
    level = _element(
        "lvl",
        _element("start", val="1"),
        _element("numFmt", val="decimal"),
        _element("lvlText", val="%1."),
        _element("lvlJc", val="left"),
        _element("pPr", _element("ind", left=str(_CM // 635), hanging=str(_CM // 635))),
        ilvl="0",
    )
    abstract = _element(
        "abstractNum", _element("multiLevelType", val="singleLevel"), level, abstractNumId=str(_NUMBERS)
    )
    # Every abstractNum stands before the first num (17.9.17).
    root.insert(len(root.findall(_w("abstractNum"))), abstract)
    root.append(_element("num", _element("abstractNumId", val=str(_NUMBERS)), numId=str(_NUMBERS)))


def identifier(style: str) -> str:
    """The identifier that the library gives a style of this name."""
    return style.replace(" ", "")


def numbered(paragraph: Paragraph) -> None:
    """Give a paragraph the next number of the draft."""
    properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
    properties.get_or_add_ilvl().val = 0
    properties.get_or_add_numId().val = _NUMBERS


def add_field(paragraph: Paragraph, code: str, shown: str) -> None:
    """A field that the reader's program computes; ``shown`` stands there until it does."""
    paragraph.add_run()._r.append(_element("fldChar", fldCharType="begin"))
    instruction = _element("instrText")
    instruction.text = code
    paragraph.add_run()._r.append(instruction)
    paragraph.add_run()._r.append(_element("fldChar", fldCharType="separate"))
    paragraph.add_run(shown)
    paragraph.add_run()._r.append(_element("fldChar", fldCharType="end"))


def table_look(table: Table, widths: Sequence[int], width: int) -> None:
    """Lines between rows alone, fixed widths in parts of ``width`` (EMU), the first row on every page."""
    from docx.shared import Emu

    table.autofit = False
    properties = table._tbl.tblPr
    lines = [_element(side, val="single", sz="4", space="0", color="BEBEBE") for side in ("top", "bottom", "insideH")]
    # CT_TblPr is a sequence: borders stand before layout and look (ECMA-376 part 1, 17.4.59).
    properties.insert_element_before(
        _element("tblBorders", *lines), "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook"
    )
    whole = sum(widths)
    for column, part in zip(table.columns, widths, strict=True):
        column.width = Emu(width * part // whole)
    for row in table.rows:
        row._tr.get_or_add_trPr().append(_element("cantSplit"))
        for cell, part in zip(row.cells, widths, strict=True):
            cell.width = Emu(width * part // whole)
    table.rows[0]._tr.get_or_add_trPr().append(_element("tblHeader"))
