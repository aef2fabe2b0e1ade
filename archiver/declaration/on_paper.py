"""A draft as PDF (PDF/A-2a), by the template ``declaration`` of the press."""

from __future__ import annotations

from datetime import datetime

from archiver.declaration.draft import BANNER, Block, Draft, Grid, Run
from archiver.declaration.end_matter import blank_rows, colophon, missing_rows, reference_rows, source_rows
from archiver.evidence.canonical import Json
from archiver.typesetting import MISSING, Press, legible


def as_pdf(draft: Draft, at: datetime, typeset: Press) -> tuple[bytes, list[str]]:
    """Return the PDF and warnings; equal drafts of one date give equal bytes."""
    import json

    facts = _facts(draft)
    missing = typeset.shown(json.dumps(facts, ensure_ascii=False))[1]
    warnings = []
    if missing:
        warnings.append(f"{missing} characters are in none of the fonts at hand; each is shown as {MISSING}")
        facts["notes"].append(f"{warnings[0]}. A draft as .docx has them.")
    return typeset.set("declaration", facts, at, "a-2a"), warnings


def _facts(draft: Draft) -> Json:
    return {
        "title": f"DRAFT: {draft.title}",
        "author": legible(draft.archive, most=200),
        "description": f"Draft for {draft.regime}, template {draft.template_sha256}",
        "keywords": [draft.regime, *draft.snapshots[:50]],
        "paper": draft.paper,
        "heading": legible(draft.title),
        "law": legible(draft.law),
        "jurisdiction": legible(draft.jurisdiction),
        "mark": f"DRAFT, not signed: {draft.regime}, template version {draft.version}",
        "footer": f"{draft.origin}: {_few(draft.snapshots)}",
        "made": draft.made.removesuffix("Z"),
        "banner": BANNER,
        "blocks": [_block(block) for block in draft.blocks],
        "blanks": [list(map(legible, row)) for row in blank_rows(draft)],
        "missing": [list(map(legible, row)) for row in missing_rows(draft)],
        "sources": [
            {"name": name, "what": legible(what), "sha256": sha256, "checks": checks}
            for name, what, sha256, checks in source_rows(draft)
        ],
        "references": [list(map(legible, row)) for row in reference_rows(draft)],
        "notes": [],
        "colophon": legible(colophon(draft)),
    }


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{names[0]} and {len(names) - 1} more"


def _block(block: Block) -> Json:
    return {
        "kind": block.kind,
        "number": block.number,
        "runs": [_run(run) for run in block.runs],
        "grid": None if block.grid is None else _grid(block.grid),
        "new_page": block.new_page,
        "keep": block.keep,
    }


def _run(run: Run) -> Json:
    return {"kind": run.kind, "text": legible(run.text)}


def _grid(grid: Grid) -> Json:
    def cell(column: int, text: str) -> str:
        # A digest keeps its own lines; what a site wrote gets places where it may break.
        return text if column in grid.digits else legible(text)

    columns = [*grid.columns, *([grid.blank] if grid.blank else [])]
    return {
        "columns": columns,
        "widths": [*grid.widths, 11, *([26] if grid.blank else [])],
        "digits": sorted(grid.digits),
        "rows": [
            [*(cell(n, text) for n, text in enumerate(row)), reference, *([""] if grid.blank else [])]
            for row, reference in zip(grid.rows, grid.references, strict=True)
        ],
        "reference_column": len(grid.columns) - 1,
        "empty": grid.empty,
    }
