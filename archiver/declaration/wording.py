"""The text of a template: words, facts in braces, and blanks that only a human can fill; strict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.errors import SettingsError

MAX_TEXT = 8000
"""Characters of one text of a template."""
MAX_LABEL = 160
"""Characters of what a blank asks for."""
_FACT = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+", re.ASCII)
_MARK = re.compile(r"\{\{|\}\}|\{|\}|\[\[|\]\]")


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is printed as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Named:
    """A fact, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Blank:
    """A place that a human fills; ``label`` says with what."""

    label: str


Piece = Words | Named | Blank


def wording(text: object, place: str) -> tuple[Piece, ...]:
    """Return a text in its pieces: ``{capture.started}`` a fact, ``[[ full name ]]`` a blank, ``{{`` and ``}}`` braces.

    ``SettingsError`` names the place and what is wrong: a brace or a blank that is not closed, or closed unopened, a
    name that is none, a text that is empty or too long.
    """
    if not isinstance(text, str) or not text.strip():
        raise SettingsError(f"{place}: a text is missing or empty")
    if len(text) > MAX_TEXT:
        raise SettingsError(f"{place}: a text of more than {MAX_TEXT} characters")
    if not text.replace("\n", " ").isprintable():
        raise SettingsError(f"{place}: the text holds a control character")
    return tuple(_joined(_pieces(" ".join(text.split()), place)))


def _pieces(text: str, place: str) -> Iterator[Piece]:
    at = 0
    while found := _MARK.search(text, at):
        if found.start() > at:
            yield Words(text[at : found.start()])
        mark, at = found[0], found.end()
        if mark in ("{{", "}}"):
            yield Words(mark[0])
        elif mark == "{":
            name, at = _until(text, at, "}", "{", place)
            if not _FACT.fullmatch(name):
                raise SettingsError(f"{place}: {{{name[:60]}}} is no name of a fact", do="write {capture.started}")
            yield Named(name)
        elif mark == "[[":
            label, at = _until(text, at, "]]", "[[", place)
            label = label.strip()
            if not label or len(label) > MAX_LABEL or re.search(r"[\[\]{}]", label):
                raise SettingsError(
                    f"{place}: a blank must say in 1 to {MAX_LABEL} characters, without brackets, what it is for"
                )
            yield Blank(label)
        else:
            near = text[max(0, found.start() - 30) : found.start()]
            raise SettingsError(f"{place}: {mark} closes nothing after “{near}”", do="a brace itself is written twice")
    if at < len(text):
        yield Words(text[at:])


def _until(text: str, at: int, end: str, opened: str, place: str) -> tuple[str, int]:
    close = text.find(end, at)
    if close < 0:
        raise SettingsError(f"{place}: unclosed {opened} before “{text[at : at + 30]}”", do=f"close it with {end}")
    return text[at:close], close + len(end)


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Words that stand beside each other, as one."""
    held = ""
    for piece in pieces:
        if isinstance(piece, Words):
            held += piece.text
            continue
        if held:
            yield Words(held)
            held = ""
        yield piece
    if held:
        yield Words(held)


def plain(pieces: tuple[Piece, ...]) -> str:
    """The words alone: what a search for claims looks through."""
    return "".join(
        piece.text if isinstance(piece, Words) else piece.label if isinstance(piece, Blank) else " " for piece in pieces
    )
