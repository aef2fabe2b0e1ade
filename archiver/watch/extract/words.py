"""White space collapsed, invisible characters dropped, composed form: what of a text counts as words."""

from __future__ import annotations

import re
import unicodedata

MARKS = "\U000f0000-\U0010ffff"
"""The two private-use planes: no text needs them, so a marked text carries its marks there."""

_INVISIBLE = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls that are no white space
    "\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # hyphenation, breaks, direction
    "\ue000-\uf8ff"  # private use: the glyphs of icon fonts
)
_DROPPED = re.compile(f"[{_INVISIBLE}{MARKS}]")
_DROPPED_BUT_MARKS = re.compile(f"[{_INVISIBLE}]")
# Joiners are spelling in Indic and Arabic scripts and in emoji; after a Latin, Greek or Cyrillic letter they are noise.
_IDLE_JOINER = re.compile("(?:^|(?<=[\x00-\u058f\u2000-\u206f]))[\u200c\u200d]+")


def collapsed(raw: str, *, carry: bool = False) -> str:
    """Return the words of a text, one space between them; characters that show nothing are dropped.

    Every kind of space counts as white space, no-break spaces too. ``carry`` keeps the marks of a marked text.
    """
    words = " ".join(raw.split())
    if words.isprintable():
        return words
    words = (_DROPPED_BUT_MARKS if carry else _DROPPED).sub("", words)
    if "\u200c" in words or "\u200d" in words:
        words = _IDLE_JOINER.sub("", words)
    return " ".join(words.split()) if words[:1] == " " or words[-1:] == " " or "  " in words else words


def shows_nothing(character: str) -> bool:
    """Say whether a character can stand anywhere in a text without being a word or part of one."""
    return character.isspace() or character in "\u200c\u200d" or _DROPPED.match(character) is not None


def composed(lines: list[str]) -> list[str]:
    """Return the lines in composed form (NFC)."""
    if unicodedata.is_normalized("NFC", "\n".join([line for line in lines if not line.isascii()])):
        return lines
    return unicodedata.normalize("NFC", "\n".join(lines)).split("\n")
