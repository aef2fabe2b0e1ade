"""Sets values in type: a template of ours and JSON in, a PDF out, byte for byte the same for the same values and date.

The fonts are those that the typesetter brings, and folders that are named; never the system's, which differ from host
to host. A character that none of them has is shown as ``□`` and counted, never left out in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from archiver.errors import ArchiverError, UsageError
from archiver.evidence.canonical import Json

Standard = Literal["a-2a", "a-3a"]

MISSING = "□"
"""Shown in place of a character that no font has."""
MOST_FACTS = 64 << 20
"""Bytes of JSON that are set at once."""
_ROUNDS = 4
_CLUSTERS = re.compile(r'the text `"((?:[^"\\]|\\.)*)"`')
_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")
# In the fonts that are always there: letters and signs of Latin-1, and the typographic ones that our own words use.
_SHOWN = re.compile("[\n\x20-\x7e\xa0-\xac\xae-\xff–—‘’“”…□⟨⟩\u200b]+")
# Controls, and marks that turn the direction of what follows or hide: shown by number.
_HARMFUL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\ue000-\uf8ff\U000e0000-\U0010ffff]|[\ufdd0-\ufdef]|[\U0000fffe\U0000ffff]"
)
_LONG_WORD = re.compile(r"[^\s\u200b]{72,}")
_BREAK = 24


def legible(text: str, *, most: int | None = None) -> str:
    """A text as it may be printed: what cannot be seen or turns the direction of reading by number, long words broken.

    Longer than ``most`` characters it is cut, and ends with ``…``.
    """
    if most is not None and len(text) > most:
        text = text[:most] + "…"
    text = _HARMFUL.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)
    return _LONG_WORD.sub(_with_breaks, text)


def _with_breaks(found: re.Match[str]) -> str:
    word = found[0]
    return "\u200b".join(word[at : at + _BREAK] for at in range(0, len(word), _BREAK))


def folded(text: str, columns: int) -> str:
    """An address or another text without spaces in lines of at most ``columns`` characters, cut nowhere else."""
    text = _HARMFUL.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)
    return "\n".join(text[at : at + columns] for at in range(0, len(text), columns))


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that goes with a PDF, inside it."""

    name: str
    data: bytes
    mime: str
    relation: Literal["source", "data", "alternative", "supplement"]
    """What it is to the page (PDF 2.0, 7.11.3)."""
    what: str
    """In a few words."""

    def to_json(self) -> Json:
        """As a template attaches it: UTF-8 as text, anything else as numbers."""
        try:
            content: str | list[int] = self.data.decode()
        except UnicodeDecodeError:
            content = list(self.data)
        return {
            "name": self.name,
            "data": content,
            "mime": self.mime,
            "relation": self.relation,
            "what": self.what,
        }


@dataclass(slots=True)
class Press:
    """A compiler with its fonts, kept: the second sheet costs a hundredth of the first."""

    fonts: tuple[Path, ...] = ()
    """Folders with further fonts."""
    _compiler: Any = field(init=False)
    _known: dict[str, bool] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for folder in self.fonts:
            if not folder.is_dir():
                raise UsageError(f"{folder} is no folder with fonts")
        try:
            import typst
        except ImportError as error:
            raise ArchiverError(
                "no typesetter is installed", do='install the extra for PDF: pip install "evidence-archiver[pdf]"'
            ) from error
        self._compiler = typst.Compiler(ignore_system_fonts=True, font_paths=[str(folder) for folder in self.fonts])

    def unshown(self, text: str) -> frozenset[str]:
        """The characters of a text that no font has."""
        strange = set(_SHOWN.sub("", text))
        asked = sorted(strange - self._known.keys())
        if asked:
            missing = self._missing(asked)
            self._known.update((character, character not in missing) for character in asked)
        return frozenset(character for character in strange if not self._known[character])

    def _missing(self, characters: Sequence[str]) -> set[str]:
        """Ask the typesetter: it refuses a PDF/A with a character it has no shape for, and names each."""
        source = b"#for c in json(bytes(sys.inputs.facts)) [#par[#c]]"
        try:
            self._pdf(source, json.dumps(list(characters)), datetime.fromtimestamp(0, UTC), "a-2a")
        except _NoGlyph as error:
            return {character for cluster in error.clusters for character in cluster}
        return set()

    def set(
        self, template: str, facts: Json, at: datetime, standard: Standard, files: Sequence[Attached] = ()
    ) -> bytes:
        """Return the PDF of a template of ours with these facts and files, dated ``at``.

        Strings are printed as they are: what comes from outside goes through ``legible`` or ``folded`` before.
        """
        source = template_source(template)
        text = json.dumps(facts, ensure_ascii=False)
        if len(text) > MOST_FACTS:
            raise UsageError(f"more than {MOST_FACTS} characters cannot be set")
        text = self._without(text, self.unshown(text))
        attached = json.dumps([file.to_json() for file in files], ensure_ascii=False)
        for _ in range(_ROUNDS):
            try:
                return self._pdf(source, text, at, standard, attached)
            except _NoGlyph as error:  # characters that are there one by one, but not joined as they stand here
                for cluster in sorted(error.clusters, key=len, reverse=True):
                    text = text.replace(cluster, MISSING * len(cluster))
        raise ArchiverError("the text cannot be set with the fonts at hand", do="name a folder of fonts for its script")

    def shown(self, text: str) -> tuple[str, int]:
        """The text with ``□`` for every character that no font has, and how many these are."""
        missing = self.unshown(text)
        return self._without(text, missing), sum(text.count(character) for character in missing)

    @staticmethod
    def _without(text: str, missing: frozenset[str]) -> str:
        return text.translate(dict.fromkeys(map(ord, missing), MISSING)) if missing else text

    def _pdf(self, source: bytes, facts: str, at: datetime, standard: Standard, files: str = "[]") -> bytes:
        import typst

        try:
            made = self._compiler.compile(
                source,
                format="pdf",
                sys_inputs={"facts": facts, "files": files},
                pdf_standards=[standard],
                timestamp=at.replace(microsecond=0),
            )
        except typst.TypstError as error:
            clusters = frozenset(map(_unescaped, _CLUSTERS.findall(error.diagnostic)))
            if clusters and "could not be displayed" in error.diagnostic:
                raise _NoGlyph(clusters) from error
            raise ArchiverError(f"the page was not set: {error.message}") from error
        return bytes(made)


class _NoGlyph(ArchiverError):
    """Texts that no font shows."""

    def __init__(self, clusters: frozenset[str]) -> None:
        super().__init__("no glyph")
        self.clusters = clusters


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


@cache
def press(fonts: tuple[Path, ...] = ()) -> Press:
    """The press with these fonts, made once."""
    return Press(fonts)


@cache
def template_source(name: str) -> bytes:
    """The source of a template: the common parts and its own."""
    folder = resources.files("archiver").joinpath("print")
    return b"".join(folder.joinpath(f"{part}.typ").read_bytes() for part in ("common", name))


def qr_svg(content: str) -> str:
    """A QR code as SVG, one unit a module, with the quiet zone that the standard asks for."""
    import segno

    # The mask is fixed: choosing the prettiest of eight costs more than the whole page, and any of them is read.
    rows = [bytes(row) for row in segno.make_qr(content, error="m", mask=3).matrix]
    path = "".join(
        f"M{run.start() + 4} {y + 4}h{run.end() - run.start()}v1h-{run.end() - run.start()}z"
        for y, row in enumerate(rows)
        for run in re.finditer(b"\x01+", row)
    )
    side = len(rows) + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" height="{side}">'
        f'<path d="{path}"/></svg>'
    )
