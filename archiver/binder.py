"""How certificates and exhibits of one export are made, and the files that go beside exhibits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.exhibit import Exhibit, Wishes, lines_of, marks_of
from archiver.exhibit_load import EXHIBIT_ENDS, as_csv, as_dat

if TYPE_CHECKING:
    from archiver.dossier import Dossier
    from archiver.sealing import Ask, Seal


@dataclass(slots=True)
class Binder:
    """How pages are made in one export, and the exhibits that were made: Bates numbers go on from one to the next."""

    wishes: Wishes = field(default_factory=Wishes)
    fonts: tuple[Path, ...] = ()
    seal: Seal | None = None
    ask: Ask | None = None
    made: dict[str, Exhibit] = field(default_factory=dict)
    """By snapshot."""

    def add(self, snapshot: str, exhibit: Exhibit) -> None:
        """Keep an exhibit; the next one begins with the next Bates number."""
        self.made[snapshot] = exhibit
        if self.wishes.bates is not None:
            self.wishes = replace(self.wishes, bates=self.wishes.bates.after(exhibit.pages))

    def require_pages(self, dossier: Dossier) -> None:
        """``UsageError`` when no exhibit can be made of a snapshot: said before another one is handed out."""
        lines_of(dossier)
        marks_of(dossier, self.wishes.provision)

    def beside(self, targets: dict[str, Path], handed_out: Collection[str]) -> dict[Path, bytes]:
        """The texts of the exhibits that were handed out, and one load file in two forms; nothing where there are none.

        An exhibit that was set and could not be stated was not handed out: nothing may lie beside it.
        """
        made = {snapshot: exhibit for snapshot, exhibit in self.made.items() if snapshot in handed_out}
        if not made:
            return {}
        files: dict[Path, bytes] = {}
        rows = []
        for snapshot, exhibit in made.items():
            image = targets[snapshot]
            text = image.with_suffix(".txt")
            files[text] = exhibit.text
            rows.append(exhibit.load.fields(image.name, text.name))
        comma, dat = _load_files(targets)
        return {**files, comma: as_csv(rows), dat: as_dat(rows)}

    @staticmethod
    def names_beside(targets: dict[str, Path]) -> list[Path]:
        """Every file that ``beside`` would name, before anything is made."""
        images = [path for path in targets.values() if path.name.endswith(EXHIBIT_ENDS)]
        return [path.with_suffix(".txt") for path in images] + (list(_load_files(targets)) if images else [])


def _load_files(targets: dict[str, Path]) -> tuple[Path, Path]:
    """Where the load file of an export goes: beside its one file, else in the folder."""
    first = next(iter(targets.values()))
    load = first if len(targets) == 1 else first.with_name("load.pdf")
    return load.with_suffix(".csv"), load.with_suffix(".dat")
