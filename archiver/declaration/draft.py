"""A filled draft: blocks for the page in order, every fact with a numbered reference, every blank listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from archiver.declaration.facts_declaration import DECLARATION_FACTS
from archiver.declaration.facts_snapshot import SNAPSHOT_FACTS
from archiver.declaration.ground import DeclarationGround, SnapshotGround
from archiver.declaration.looks import LOOKS
from archiver.declaration.protocol import MET, Finding, Protocol, held_against
from archiver.declaration.showing import Fact, Row, Source, Table
from archiver.declaration.tables import DECLARATION_TABLES, SNAPSHOT_TABLES, STEP_TABLES
from archiver.declaration.template import Paragraph, Section
from archiver.declaration.wording import Blank, Named, Piece, Words

NOT_RECORDED = "not recorded"
"""Stands where the archive has no such fact; never left out."""
BANNER = (
    "Draft prepared by software from recorded data. It is not signed and states nothing until a person has filled the "
    "blanks, struck out every sentence that is not that person's own knowledge, and signed. The signer is responsible "
    "for every statement; no legal conclusion is offered."
)

RunKind = Literal["words", "fact", "missing", "reference", "blank"]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a paragraph in one typeface."""

    kind: RunKind
    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as it is printed; the last column holds references, a further one is left to a human."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    references: tuple[str, ...]
    widths: tuple[int, ...]
    digits: frozenset[int]
    blank: str | None
    empty: str


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, a note to the signer, a choice or a table."""

    kind: Literal["heading", "law", "paragraph", "note", "choice", "table"]
    runs: tuple[Run, ...] = ()
    number: int | None = None
    grid: Grid | None = None
    new_page: bool = False
    keep: bool = False
    """It introduces the table below and stays on one page with it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A numbered reference: which source, where in it."""

    number: int
    source: int
    where: str


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that is printed, in order; nothing is looked up any more."""

    title: str
    law: str
    jurisdiction: str
    regime: str
    version: str
    template_sha256: str
    paper: str
    made: str
    """Instant text."""
    archive: str
    origin: str
    snapshots: tuple[str, ...]
    blocks: tuple[Block, ...]
    sources: tuple[Source, ...]
    """Numbered from 1."""
    references: tuple[Reference, ...]
    blanks: tuple[tuple[str, str], ...]
    """Label and place of every blank."""
    missing: tuple[tuple[str, str], ...]
    """What reads *not recorded*: its meaning and its place."""

    def texts(self) -> Iterator[str]:
        """Every text of a paragraph or a cell, as printed."""
        for block in self.blocks:
            yield "".join(run.text for run in block.runs)
            if block.grid is not None:
                for row in block.grid.rows:
                    yield from row


@dataclass
class _Desk:
    """What is counted while a draft is filled."""

    ground: DeclarationGround
    protocol: Protocol | None
    sources: dict[Source, int] = field(default_factory=dict)
    references: dict[tuple[int, str], int] = field(default_factory=dict)
    blanks: list[tuple[str, str]] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    paragraphs: int = 0
    heading: str = ""

    def reference(self, source: Source, where: str) -> str:
        number = self.sources.setdefault(source, len(self.sources) + 1)
        return f"[E{self.references.setdefault((number, where), len(self.references) + 1)}]"

    def place(self, number: int | None) -> str:
        return f"paragraph {number}" if number else f"“{self.heading}”"

    def runs(self, pieces: Iterable[Piece], snapshot: SnapshotGround | None, number: int | None) -> tuple[Run, ...]:
        return tuple(run for piece in pieces for run in self._run(piece, snapshot, number))

    def _run(self, piece: Piece, snapshot: SnapshotGround | None, number: int | None) -> Iterator[Run]:
        match piece:
            case Words():
                yield Run("words", piece.text)
            case Blank():
                self.blanks.append((piece.label, self.place(number)))
                yield Run("blank", f"[[ {piece.label} ]]")
            case Named():
                fact, meaning = self.fact(piece.name, snapshot)
                if fact.value is None:
                    self.missing.append((meaning, self.place(number)))
                    yield Run("missing", NOT_RECORDED)
                else:
                    yield Run("fact", fact.value)
                yield Run("reference", self.reference(fact.source, fact.where))

    def fact(self, name: str, snapshot: SnapshotGround | None) -> tuple[Fact, str]:
        if snapshot is not None and name in SNAPSHOT_FACTS:
            meaning, show = SNAPSHOT_FACTS[name]
            return show(snapshot), f"{meaning} ({snapshot.name})"
        meaning, show_all = DECLARATION_FACTS[name]
        return show_all(self.ground), meaning

    def blocks(self, section: Section, snapshot: SnapshotGround | None, *, first: bool = True) -> Iterator[Block]:
        heading = tuple(self._plainly(piece, snapshot) for piece in section.heading)
        if section.optional:
            heading = (*heading, Run("words", " (optional; counsel decides)"))
        self.heading = "".join(run.text for run in heading)
        yield Block("heading", heading, new_page=section.new_page and first)
        if section.law:
            yield Block("law", (Run("words", section.law),))
        if section.note:
            yield Block("note", self.runs(section.note, snapshot, None))
        for paragraph in section.paragraphs:
            yield from self._paragraph(paragraph, snapshot)

    def _plainly(self, piece: Piece, snapshot: SnapshotGround | None) -> Run:
        """A piece of a heading: facts there carry no reference, for the section below has them."""
        if isinstance(piece, Named):
            return Run("words", self.fact(piece.name, snapshot)[0].value or NOT_RECORDED)
        if isinstance(piece, Blank):
            self.blanks.append((piece.label, "a heading"))
            return Run("blank", f"[[ {piece.label} ]]")
        return Run("words", piece.text)

    def _paragraph(self, paragraph: Paragraph, snapshot: SnapshotGround | None) -> Iterator[Block]:
        if paragraph.table is not None:
            yield Block("table", grid=self._grid(paragraph.table, snapshot))
            return
        if paragraph.choose:
            for choice in paragraph.choose:
                yield Block("choice", self.runs(choice, snapshot, None))
            self.blanks.append((f"one of {len(paragraph.choose)} choices", self.place(None)))
            return
        number = None
        if paragraph.number:
            self.paragraphs += 1
            number = self.paragraphs
        yield Block("paragraph", self.runs(paragraph.text, snapshot, number), number)

    def _grid(self, name: str, snapshot: SnapshotGround | None) -> Grid:
        table = self._table(name, snapshot)
        if table.blank is not None:
            self.blanks.append((table.blank, self.place(None)))
        return Grid(
            columns=(*table.columns, "Evidence"),
            rows=tuple(row.cells for row in table.rows),
            references=tuple(
                "\n".join(dict.fromkeys(self.reference(*shown) for shown in ((row.source, row.where), *row.more)))
                for row in table.rows
            ),
            widths=table.widths,
            digits=table.digits,
            blank=table.blank,
            empty=table.empty,
        )

    def _table(self, name: str, snapshot: SnapshotGround | None) -> Table:
        if snapshot is None or name in DECLARATION_TABLES:
            return DECLARATION_TABLES[name][1](self.ground)
        if name in STEP_TABLES:
            assert self.protocol is not None, "a template with a table of steps names its protocol"
            findings = held_against(self.protocol, snapshot, {key: look for key, (_, look) in LOOKS.items()})
            return step_table(findings, observed=name == "steps_observed")
        return SNAPSHOT_TABLES[name][1](snapshot)


def _kept_together(blocks: list[Block]) -> Iterator[Block]:
    for block, after in pairwise([*blocks, Block("note")]):
        yield replace(block, keep=True) if block.kind == "paragraph" and after.kind == "table" else block


def step_table(findings: Iterable[Finding], *, observed: bool) -> Table:
    """The steps of a protocol as a table; ``observed``: deviations first, and a column for what a person saw."""
    order = sorted(findings, key=lambda f: f.state == MET) if observed else list(findings)
    rows = tuple(
        Row(
            (
                finding.step.id + (" (optional)" if finding.step.optional else ""),
                finding.step.step,
                finding.state,
                finding.detail + ("" if observed or finding.do is None else f"\nTo do: {finding.do}"),
            ),
            finding.seen[0].source,
            finding.seen[0].where,
            tuple((seen.source, seen.where) for seen in finding.seen[1:]),
        )
        for finding in order
    )
    columns = ("No.", "Step", "State", "What the record shows")
    blank = "Observed in person" if observed else None
    return Table(columns, rows, "The protocol has no steps.", (9, 28, 13, 50), blank=blank)


def filled(ground: DeclarationGround, protocol: Protocol | None) -> Draft:
    """Fill a template from the ground; equal grounds give equal drafts. ``protocol`` is the one its template names."""
    template = ground.template
    desk = _Desk(ground, protocol)
    blocks: list[Block] = []
    for section in template.sections:
        if section.per == "snapshot":
            for number, snapshot in enumerate(ground.snapshots):
                blocks += desk.blocks(section, snapshot, first=number == 0)
        else:
            blocks += desk.blocks(section, None)
    return Draft(
        title=template.title,
        law=template.law,
        jurisdiction=template.jurisdiction,
        regime=template.regime,
        version=template.version,
        template_sha256=template.sha256,
        paper=template.paper,
        made=ground.issued,
        archive=ground.archive.settings["archive.name"] or ground.archive.origin,
        origin=ground.archive.origin,
        snapshots=tuple(snapshot.name for snapshot in ground.snapshots),
        blocks=tuple(_kept_together(blocks)),
        sources=tuple(desk.sources),
        references=tuple(Reference(number, source, where) for (source, where), number in desk.references.items()),
        blanks=tuple(desk.blanks),
        missing=tuple(desk.missing),
    )
