"""Declarations among the forms in which snapshots are handed out: several in one file, DOCX or PDF by the suffix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archiver.declaration.draft import Draft, filled
from archiver.declaration.ground import ground_of
from archiver.declaration.protocol import Protocol
from archiver.declaration.template import Template
from archiver.dossier import Dossier
from archiver.errors import NotCheckable, UsageError
from archiver.exporting import Means, Out

SUFFIXES = (".docx", ".pdf")
MAX_SNAPSHOTS = 100
"""In one declaration: each is checked in full, and has pages of its own."""


@dataclass(slots=True)
class DeclarationForm:
    """Writes one declaration; satisfies ``Gatherer``. ``draft`` is what was written last."""

    template: Template
    protocol: Protocol | None
    suffix: str
    fonts: tuple[Path, ...] = ()
    draft: Draft | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.suffix not in SUFFIXES:
            raise UsageError(
                f"no declaration ends like {self.suffix!r}", do=f"name a file with one of: {', '.join(SUFFIXES)}"
            )

    @property
    def form(self) -> str:
        """``form`` of the custody statement."""
        return "declaration"

    def write(self, dossier: Dossier, out: Out, means: Means) -> list[str]:
        """Write the declaration of one snapshot."""
        return self.write_all([dossier], out, means)

    def write_all(self, dossiers: Sequence[Dossier], out: Out, means: Means) -> list[str]:
        """Write the declaration of all of them; ``NotCheckable`` where a check of one fails.

        A declaration must not offer anybody facts that the stored bytes no longer show.
        """
        if len(dossiers) > MAX_SNAPSHOTS:
            raise UsageError(f"a declaration takes at most {MAX_SNAPSHOTS} snapshots", do="make several")
        ground = ground_of(dossiers, self.template)
        for snapshot in ground.snapshots:
            if broken := snapshot.fails():
                raise NotCheckable(
                    f"{snapshot.name}: {broken}: no declaration is made", do=f"run archiver verify {snapshot.name}"
                )
        self.draft = filled(ground, self.protocol)
        at = dossiers[0].issued
        if self.suffix == ".docx":
            from archiver.declaration.word import as_docx

            out.write(as_docx(self.draft, at))
            return []
        from archiver.declaration.on_paper import as_pdf
        from archiver.typesetting import press

        pdf, warnings = as_pdf(self.draft, at, press(self.fonts))
        out.write(pdf)
        return warnings
