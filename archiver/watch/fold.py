"""Text reduced to what a quote is compared by, with the way back to every character of the original.

A quote that was copied from a browser differs from the text in signs that carry no wording: typographic quotes and
dashes, kinds and runs of white space, line breaks, soft hyphens, bullets, compatibility forms (NFKC). Case is kept.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

_SAME = {
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\u301d\u301e\uff02", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2039\u203a\u0060\u00b4\u02bc\uff07", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2022\u25e6\u25aa\u25ab\u2023\u2043\u25cf\u25cb\u25a0\u25a1|", " "),  # bullets, cells of a table
}
_SIGN = r"#{1,6}|[-*+>\u2022\u25e6\u25aa\u25ab\u2023\u2043\u25cf\u25cb\u25a0\u25a1\u00b7\u2013]"
_SIGNS = re.compile(rf"\s*+(?:(?:{_SIGN})(?:\s++|$))*")
_SIGNS_AND_NUMBERS = re.compile(rf"\s*+(?:(?:{_SIGN})(?:\s++|$)|\d{{1,3}}\.\s++)*")


def sign(character: str) -> str:
    """Return what one character counts as: itself, another one, several, or nothing."""
    found = _SAME.get(character)
    if found is not None:
        return found
    if character.isspace():
        return " "
    if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f":
        return ""  # soft hyphens, joiners, direction marks, variation selectors
    return unicodedata.normalize("NFKC", character)


def marker_end(line: str, *, numbers: bool) -> int:
    """Return where the words of a line begin: after heading signs, bullets and, if ``numbers``, ``1.``."""
    found = (_SIGNS_AND_NUMBERS if numbers else _SIGNS).match(line)
    return found.end() if found else 0


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text; ``start`` and ``end`` lead back to the original."""

    text: str
    _at: tuple[int, ...]
    _origin: tuple[int, ...]
    _width: tuple[int, ...]
    """Characters of the original a replaced sign stands for; 0 where the stretch runs in step."""

    def start(self, place: int) -> int:
        """Return where in the original the folded character at ``place`` begins."""
        stretch = bisect_right(self._at, place) - 1
        return self._origin[stretch] + (0 if self._width[stretch] else place - self._at[stretch])

    def end(self, place: int) -> int:
        """Return where in the original the folded character before ``place`` ends."""
        stretch = bisect_right(self._at, place - 1) - 1
        return self._origin[stretch] + (self._width[stretch] or place - self._at[stretch])


def fold(lines: Iterable[str], *, markers: bool = True, numbers: bool = False) -> Folded:
    """Fold lines that stand in the original each with one line feed.

    ``markers``: signs at the start of a line (``# ``, ``- ``, ``> ``) are left out; ``numbers``: ``1. `` too.
    """
    lines = tuple(lines)
    replaced = {c: s for c in set().union(*lines) if c != " " and (s := sign(c)) != c}
    special = _pattern(replaced)
    pieces: list[str] = []
    at, origin, width = [0], [0], [0]
    length, place = 0, 0

    def put(piece: str, begins: int, wide: int) -> None:
        nonlocal length
        at.append(length)
        origin.append(begins)
        width.append(wide)
        pieces.append(piece)
        length += len(piece)

    for line in lines:
        here = marker_end(line, numbers=numbers) if markers else 0
        if pieces and pieces[-1][-1:] != " ":
            put(" ", place - 1, 1)  # the line feed before
        for found in special.finditer(line, here):
            if found.start() > here:
                put(line[here : found.start()], place + here, 0)
            here = found.end()
            new = _replacement(found[0], replaced)
            if new and not (new == " " and (not pieces or pieces[-1][-1:] == " ")):
                put(new, place + found.start(), len(found[0]))
        if here < len(line):
            rest = line[here:]
            put(rest, place + here, 0)
        place += len(line) + 1
    return Folded("".join(pieces), tuple(at), tuple(origin), tuple(width))


def _pattern(replaced: dict[str, str]) -> re.Pattern[str]:
    """A run with more in it than one plain space, or one sign that counts as another."""
    blank = "".join(re.escape(c) for c, s in replaced.items() if s in ("", " "))
    other = "".join(re.escape(c) for c, s in replaced.items() if s not in ("", " "))
    choices = [" {2,}"]
    if blank:
        choices.insert(0, f" ?[{blank}][ {blank}]*")
    if other:
        choices.append(f"[{other}]")
    return re.compile("|".join(choices))


def _replacement(run: str, replaced: dict[str, str]) -> str:
    if len(run) == 1:
        return replaced[run]
    return " " if any(c == " " or replaced[c] == " " for c in run) else ""
