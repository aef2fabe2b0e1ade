"""A declaration's template: sections of paragraphs with named facts, tables of facts, choices and blanks; strict."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from archiver.declaration.strict_toml import (
    flag_of,
    known_keys,
    line_of,
    list_of,
    require_modest,
    tables_of,
)
from archiver.declaration.wording import Named, Piece, plain, wording
from archiver.errors import SettingsError

FORMAT = 1
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
PAPERS = ("a4", "us-letter")
MAX_SECTIONS, MAX_PARAGRAPHS, MAX_CHOICES = 60, 60, 20
_HEAD = ("format", "regime", "version", "title", "jurisdiction", "law", "about", "paper", "section")
_SECTION = ("law", "per", "note", "optional", "new_page")
_KINDS = ("text", "table", "choose")

Scope = Literal["declaration", "snapshot"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph: a text, a table of facts by name, or a choice between texts that a human makes."""

    text: tuple[Piece, ...] = ()
    table: str | None = None
    choose: tuple[tuple[Piece, ...], ...] = ()
    number: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its paragraphs; ``per`` snapshot: printed for each snapshot anew."""

    heading: tuple[Piece, ...]
    paragraphs: tuple[Paragraph, ...]
    law: str | None = None
    per: Scope = "declaration"
    note: tuple[Piece, ...] = ()
    """Advice to the signer, in a box."""
    optional: bool = False
    """Counsel decides whether it stays."""
    new_page: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A regime's draft."""

    regime: str
    version: str
    title: str
    jurisdiction: str
    law: str
    about: str
    paper: str
    protocol: str | None
    """The capture protocol whose steps its tables show."""
    sections: tuple[Section, ...]
    sha256: str
    """Of the file."""


@dataclass(frozen=True, slots=True)
class Known:
    """Names a template may use, each with whether it belongs to the declaration or to one snapshot."""

    facts: Mapping[str, Scope]
    tables: Mapping[str, Scope]


def parse_template(data: bytes, place: str, known: Known) -> Template:
    """Return the template in a file; ``SettingsError`` names the file, the place in it and what is wrong."""
    tables = known_keys(tables_of(data, place), place, _HEAD, ("protocol",))
    if tables["format"] != FORMAT or isinstance(tables["format"], bool):
        raise SettingsError(f"{place}: format must be {FORMAT}")
    regime = line_of(tables, "regime", place, most=40)
    if not NAME.fullmatch(regime):
        raise SettingsError(f"{place}: regime must have lower-case letters, digits and hyphens")
    if tables["paper"] not in PAPERS:
        raise SettingsError(f"{place}: paper must be one of {', '.join(PAPERS)}")
    head = {key: line_of(tables, key, place) for key in ("title", "jurisdiction", "law", "about")}
    for text in head.values():
        require_modest(text, place)
    sections = [
        _section(table, number, place, known)
        for number, table in enumerate(list_of(tables["section"], "section", place, MAX_SECTIONS), 1)
    ]
    protocol = line_of(tables, "protocol", place, most=40) if "protocol" in tables else None
    if protocol is None and any(p.table in ("steps", "steps_observed") for s in sections for p in s.paragraphs):
        raise SettingsError(f"{place}: a table of steps needs a protocol", do='add protocol = "fr-constat"')
    return Template(
        regime=regime,
        version=line_of(tables, "version", place, most=20),
        **head,
        paper=tables["paper"],
        protocol=protocol,
        sections=tuple(sections),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _section(table: object, number: int, file: str, known: Known) -> Section:
    place = f"{file}: section {number}"
    values = known_keys(table, place, ("heading", "paragraph"), _SECTION)
    place = f"{place} “{str(values['heading'])[:40]}”"
    per = values.get("per", "declaration")
    if per not in ("declaration", "snapshot"):
        raise SettingsError(f'{place}: per must be "declaration" or "snapshot"')
    reader = _Reader(known, per)
    paragraphs = [
        reader.paragraph(item, f"{place}, paragraph {n}")
        for n, item in enumerate(list_of(values["paragraph"], "paragraph", place, MAX_PARAGRAPHS), 1)
    ]
    law = line_of(values, "law", place) if "law" in values else None
    require_modest(law or "", place)
    return Section(
        heading=reader.text(values["heading"], f"{place}, heading"),
        paragraphs=tuple(paragraphs),
        law=law,
        per=per,
        note=reader.text(values["note"], f"{place}, note") if "note" in values else (),
        optional=flag_of(values, "optional", place),
        new_page=flag_of(values, "new_page", place),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    known: Known
    per: Scope

    def text(self, value: object, place: str) -> tuple[Piece, ...]:
        pieces = wording(value, place)
        require_modest(plain(pieces), place)
        for piece in pieces:
            if isinstance(piece, Named):
                self._require(piece.name, self.known.facts, "fact", place)
        return pieces

    def paragraph(self, value: object, place: str) -> Paragraph:
        table: dict[str, Any] = known_keys(value, place, (), (*_KINDS, "number"))
        if sum(kind in table for kind in _KINDS) != 1:
            raise SettingsError(f"{place}: must have exactly one of {', '.join(_KINDS)}")
        number = flag_of(table, "number", place, default="text" in table)
        if "table" in table:
            name = line_of(table, "table", place, most=40)
            self._require(name, self.known.tables, "table", place)
            return Paragraph(table=name, number=False)
        if "choose" in table:
            items = list_of(table["choose"], "choose", place, MAX_CHOICES)
            return Paragraph(
                choose=tuple(self.text(item, f"{place}, choice {n}") for n, item in enumerate(items, 1)), number=False
            )
        return Paragraph(text=self.text(table["text"], place), number=number)

    def _require(self, name: str, names: Mapping[str, Scope], what: str, place: str) -> None:
        import difflib

        scope = names.get(name)
        if scope is None:
            close = difflib.get_close_matches(name, names, 1)
            do = f"did you mean {close[0]}?" if close else "docs/declarations.md lists them"
            raise SettingsError(f"{place}: unknown {what} {name!r}", do=do)
        if scope == "snapshot" and self.per != "snapshot":
            raise SettingsError(
                f"{place}: the {what} {name!r} belongs to one snapshot", do='put it in a section with per = "snapshot"'
            )
