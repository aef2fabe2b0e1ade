"""Certificates as PDF against reportlab and WeasyPrint: the same digests and code in each; warm and from cold."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from bench.machine import machine
from bench.measuring import Numbers, Rounds, in_turn, measure, ratio, spread, values
from bench.places import PYTHON, fresh_folder
from bench.tables import Result, Table

OURS, REPORTLAB, WEASYPRINT = "archiver (typst)", "reportlab", "WeasyPrint"
BARE = "reportlab, no QR code"
GOAL_WARM, GOAL_COLD = 1.2, 0.25
ROWS = 13
SHEETS = 10


def sample(number: int) -> dict[str, Any]:
    """Thirteen labelled values, as a one-page certificate has; other ones for each number."""
    digests = [hashlib.sha256(f"{number} {row}".encode()).hexdigest() for row in range(ROWS)]
    return {
        "title": f"Certificate of capture EA-S-{number:08d}",
        "rows": [(f"Fact {row} of the capture", digest) for row, digest in enumerate(digests)],
        "code": f"evidence.example/log#EA-S-{number:08d} sha256:{digests[0]}",
    }


def of_ours(sheet: dict[str, Any]) -> bytes:
    """Set by the product's own press and template, PDF/A-3a."""
    from datetime import UTC, datetime

    from archiver.certificate_facts import digest
    from archiver.typesetting import press, qr_svg

    empty: list[Any] = []
    facts = {
        **dict.fromkeys(("document", "times", "limits", "transport", "seals", "seal_digests", "tokens"), empty),
        **dict.fromkeys(
            ("assessment", "custody", "checks", "fixity", "gaps", "attachments", "notes", "keywords"), empty
        ),
        **dict.fromkeys(("author", "description", "archive", "origin", "software", "preface", "clock", "bracket"), "x"),
        **dict.fromkeys(("not_checked", "gaps_note", "attachments_note"), "x"),
        "title": sheet["title"],
        "heading": sheet["title"],
        "snapshot": sheet["title"],
        "citation_id": sheet["code"],
        "entry": sheet["rows"][0][1],
        "issued": "2026-11-22T09:30:00",
        "qr": qr_svg(sheet["code"]),
        "qr_text": "code",
        "redline": None,
        "digests": [digest(label, "sha-256", value) for label, value in sheet["rows"]],
    }
    return press().set("certificate", facts, datetime(2026, 11, 22, tzinfo=UTC), "a-3a")


def of_reportlab(sheet: dict[str, Any], *, code: bool = True) -> bytes:
    """The same rows and code; fonts are named, not embedded, and no PDF/A."""
    from reportlab.graphics import renderPDF
    from reportlab.graphics.barcode.qr import QrCodeWidget
    from reportlab.graphics.shapes import Drawing
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle

    class Code(Flowable):  # type: ignore[misc, unused-ignore]
        width = height = 100

        def draw(self) -> None:
            widget = QrCodeWidget(sheet["code"], barLevel="M")
            drawing = Drawing(100, 100)
            drawing.add(widget)
            renderPDF.draw(drawing, self.canv, 0, 0)

    styles = getSampleStyleSheet()
    table = Table(sheet["rows"], colWidths=(150, 360))
    table.setStyle(TableStyle([("FONTNAME", (1, 0), (1, -1), "Courier"), ("FONTSIZE", (0, 0), (-1, -1), 8)]))
    out = io.BytesIO()
    SimpleDocTemplate(out, pagesize=A4).build(
        [Paragraph(sheet["title"], styles["Title"]), *([Code()] if code else []), table]
    )
    return out.getvalue()


def of_reportlab_bare(sheet: dict[str, Any]) -> bytes:
    """The rows without the code, which is most of what reportlab has to do."""
    return of_reportlab(sheet, code=False)


def of_weasyprint(sheet: dict[str, Any]) -> bytes:
    """The same rows and code as HTML, printed as PDF/A-3b."""
    import base64

    import segno
    from weasyprint import HTML

    out = io.BytesIO()
    segno.make_qr(sheet["code"], error="m").save(out, kind="svg")
    rows = "".join(f"<tr><td>{escape(label)}<td><code>{value}</code>" for label, value in sheet["rows"])
    picture = base64.b64encode(out.getvalue()).decode()
    page = (
        f"<title>{sheet['title']}</title><style>@page{{size:A4}}body{{font-size:9px}}</style><h1>{sheet['title']}</h1>"
        f"<img width=100 src='data:image/svg+xml;base64,{picture}'><table>{rows}</table>"
    )
    return bytes(HTML(string=page).write_pdf(pdf_variant="pdf/a-3b"))


MAKERS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    OURS: of_ours,
    REPORTLAB: of_reportlab,
    BARE: of_reportlab_bare,
    WEASYPRINT: of_weasyprint,
}


def suite(rounds: int) -> Result:
    """One-page sheets in one process and in new ones, in turn."""
    facts = machine()
    number = iter(range(1 << 30))

    def warm(make: Callable[[dict[str, Any]], bytes]) -> Callable[[], Numbers]:
        def job() -> Numbers:
            sheets = [sample(next(number)) for _ in range(SHEETS)]
            began = time.perf_counter()
            sizes = [len(make(sheet)) for sheet in sheets]
            return {"ms": 1000 * (time.perf_counter() - began) / SHEETS, "bytes": max(sizes)}

        make(sample(next(number)))  # imports and fonts
        return job

    with fresh_folder("certificate") as folder:

        def cold(system: str) -> Callable[[], Numbers]:
            script = (
                "import json, sys; from pathlib import Path; from bench.certificate import MAKERS;"
                "Path(sys.argv[3]).write_bytes(MAKERS[sys.argv[1]](json.loads(sys.argv[2])))"
            )
            target = Path(folder) / "sheet.pdf"
            return lambda: (
                measure([PYTHON, "-c", script, system, json.dumps(sample(next(number))), str(target)]).numbers
            )

        warmed = in_turn({name: warm(make) for name, make in MAKERS.items()}, rounds)
        started = in_turn({name: cold(name) for name in MAKERS}, rounds)
    return Result("certificate", facts, [_table(warmed, started, rounds)], {"warm": warmed, "cold": started})


def _table(warmed: Rounds, started: Rounds, rounds: int) -> Table:
    rows = [
        (
            name,
            spread(values(warmed, name, "ms"), 1),
            f"{ratio(warmed, name, REPORTLAB, 'ms'):.2f}",
            spread([1000 * wall for wall in values(started, name, "wall")], 0),
            f"{ratio(started, name, WEASYPRINT, 'wall'):.2f}",
            spread(values(started, name, "rss_mb"), 0),
            f"{max(values(warmed, name, 'bytes')):.0f}",
        )
        for name in MAKERS
    ]
    warm, cold = ratio(warmed, OURS, REPORTLAB, "ms"), ratio(started, OURS, WEASYPRINT, "wall")
    goals = [
        f"goal: warm at most {GOAL_WARM} times {REPORTLAB}: {'reached' if warm <= GOAL_WARM else 'missed'}, {warm:.2f}",
        (
            f"goal: new process to PDF at most {GOAL_COLD} times {WEASYPRINT}: "
            f"{'reached' if cold <= GOAL_COLD else 'missed'}, {cold:.2f}"
        ),
    ]
    columns = ("one page, 13 digests, QR code", "ms, warm", f"x {REPORTLAB}", "ms, new process", f"x {WEASYPRINT}",
               "peak MiB", "bytes")  # fmt: skip
    return Table(f"Certificate as PDF, {rounds} rounds", columns, rows, goals)
