"""What counts as a word: pieces of a line for the redline, and the words that carry its meaning. Pure.

Chinese, Japanese, Thai, Lao, Khmer and Burmese set no spaces between words. There one character with its marks counts
as a word; a run of katakana is one. Everywhere else a word is a run of letters, digits and marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

# Whatever is neither white space nor in one of these blocks belongs to a word: marks of Indic scripts are no
# "letters" for Python, so a list of letters would cut their words to pieces.
_PUNCTUATION = (
    r"!-/:-@\[-^`{-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\xd7\xf7\u02c2-\u02c5\u02d2-\u02df\u037e\u0387"
    r"\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0600-\u060f\u061b-\u061f\u066a-\u066d\u06d4"
    r"\u0964\u0965\u0e2f\u0e3f\u0e4f\u0e5a\u0e5b\u104a-\u104f\u1361-\u1368\u17d4-\u17db\u180e"
    r"\u2000-\u206f\u20a0-\u20cf\u2100-\u214f\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\u303d-\u303f"
    r"\u30a0\u30fb\ufd3e\ufd3f\ufe00-\ufe6f\ufeff\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff"
    r"\U0001f000-\U0001faff\U000e0000-\U000e0fff"
)
_KATAKANA = r"\u30a1-\u30fa\u30fc-\u30ff\uff66-\uff9f"
_SINGLE = r"\u3005-\u3007\u3021-\u302f\u3041-\u309f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Scripts that put several characters on one place: a base, then its marks; Thai and Lao have vowels before the base.
_CLUSTER = (
    r"[\u0e40-\u0e44\u0ec0-\u0ec4]?[\u0e01-\u0e2e\u0e81-\u0eae\u1000-\u102a\u1780-\u17b3]"
    r"(?:[\u0e30-\u0e3a\u0e45-\u0e4e\u0eb0-\u0ebc\u0ec6-\u0ece\u102b-\u103e\u17b4-\u17d1\u17d3]|\u17d2.)*"
)
_UNSPACED = r"\u0e01-\u0e4e\u0e81-\u0ece\u1000-\u103e\u1780-\u17d3" + _SINGLE
_LETTER = rf"[^\s{_PUNCTUATION}{_UNSPACED}{_KATAKANA}]"
_NUMBER = r"\d+(?:[.,:/'’⁄‐-―−-]\d+)*"

_UNSPACED_WORD = rf"[{_SINGLE}]|[{_KATAKANA}]+|{_CLUSTER}|[{_UNSPACED}]"
_WORD = rf"{_NUMBER}|{_LETTER}+(?:['’]{_LETTER}+)*|{_UNSPACED_WORD}"
# In a redline a word ends at an apostrophe: of "l’abonné" only what follows it changes.
_PIECE = re.compile(rf"\s*(?:[A-Za-z]+(?![^\s{_PUNCTUATION}])|{_NUMBER}(?:{_LETTER})*|{_LETTER}+|{_UNSPACED_WORD}|\S)")
_ASCII_PIECE = re.compile(r"\s*(?:[A-Za-z_]+\w*|\d+(?:[.,:/'-]\d+)*\w*|\S)", re.ASCII)
_SPACE_AT_END = re.compile(r"\s+\Z")

# Signs that change what a text says: amounts, shares, limits, paragraphs, ticked boxes of a table.
_SIGN = (
    r"[$%&\xa2-\xa5\xa7\xb0\u0e3f\u060b\u17db\u2030\u2031\u20a0-\u20cf\ufdfc\u2610-\u2612\u2705\u2713-\u2718\u274c\u274e]"
    r"|[<>≤≥±≈~](?=\s?\d)|(?<=\d)\+|(?<![^\s(])[-\u2212](?=[.,]?\d)|\^(?=\d)"
)
_MEANING = re.compile(rf"{_WORD}|{_SIGN}")
_ASCII_MEANING = re.compile(
    r"\d+(?:[.,:/'-]\d+)*|\w+(?:'\w+)*|[$%&]|[<>~](?=\s?\d)|(?<=\d)\+|(?<![^\s(])-(?=[.,]?\d)|\^(?=\d)", re.ASCII
)
# Set in front of NFKC: a raised digit is not a digit of the number before it, and a trade mark is no word.
_RAISED = str.maketrans(
    {**{raised: f"^{digit}" for digit, raised in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}, "™": " ", "℠": " ", "®": " ", "©": " "}
)
_RANGE = re.compile(r"(?<=\d)\s?-\s?(?=\d)")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_MARK = re.compile(
    r"\s*(?:#{1,6}\s+|[-*•·‣◦▪]\s+|(?P<number>\d{1,3})[.)]\s+|\((?:\d{1,3}|[a-z])\)\s+|[a-z]\)\s+|>\s*|\|\s*)"
)


def pieces(line: str) -> list[str]:
    """Cut a line into words and single other characters, each with the white space before it; joined they are it."""
    if line.isascii():
        found: list[str] = _ASCII_PIECE.findall(line)
    else:
        found = _PIECE.findall(line)
    if line and line[-1].isspace():
        rest = _SPACE_AT_END.search(line)
        found.append(rest[0] if rest else "")
    return found


def meaning(line: str) -> list[str]:
    """The words of a line as they are compared: without case, punctuation, typographic variants, invisible characters.

    Numbers keep what stands inside them ("1.5" is not "15"), and signs that carry meaning ("€", "%", "☑") are words.
    """
    ascii_only = line.isascii()
    if ascii_only:
        plain = _INVISIBLE.sub("", line).lower()
    else:
        plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", line).translate(_RAISED)).casefold()
        plain = _DASHES.sub("-", plain).replace("’", "'").replace("⁄", "/")
    if "-" in plain:
        plain = _RANGE.sub("-", plain)
    return (_ASCII_MEANING if ascii_only else _MEANING).findall(plain)


def bare(line: str) -> str:
    """A line without the mark of a heading, a list item, a quotation or a row of a table before it."""
    found = _MARK.match(line)
    if found is None:
        return line
    rest = line[found.end() :]
    # "1. Januar 2025" opens with a date, not with the number of a list item.
    if found["number"] is not None and _opens_with_month(rest):
        return line
    return rest


def meanings(lines: Iterable[str]) -> list[tuple[str, ...]]:
    """The meaning of each line, its mark left out; a line that holds no word gives an empty tuple."""
    return [tuple(meaning(bare(line))) for line in lines]


def weight(words: Sequence[str]) -> int:
    """How many characters these words have together."""
    return sum(map(len, words))


def _opens_with_month(text: str) -> bool:
    from archiver.watch.date_words import MONTHS

    first = re.match(r"(?:de )?([^\W\d_]+)(?:\.?,?\s(?:de |del )?(?:19|20)\d\d|\W*\Z)", text)
    return first is not None and first[1].casefold() in MONTHS
