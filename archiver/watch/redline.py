"""A difference for people to read: as HTML for pages and letters, as text for terminals. Pure.

What a page wrote is untrusted: it is escaped, and characters that cannot be seen or that change what is seen (controls,
direction marks, zero-width ones) are shown by number wherever they came or went, the harmful ones everywhere.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from archiver.watch.diff import Hunk, Word

MOST_HUNKS = 200
MOST_CHARACTERS = 200_000
"""Of the texts of all hunks shown; a longer hunk is cut, and says so."""
_MOST_OF_CONTEXT = 300

_ADDED = "background-color:#e6ffec;color:#116329;text-decoration:underline"
_REMOVED = "background-color:#ffebe9;color:#a40e26;text-decoration:line-through"
_BLOCK = "margin:0 0 12px 0;padding:6px 10px;border-left:3px solid #8c959f"
_QUIET = "margin:0 0 2px 0;color:#57606a;font-size:smaller"
_TITLE = {"replaced": "changed", "added": "added", "removed": "removed", "moved": "moved, not reworded"}

# Shown everywhere: controls, and marks that turn the direction of what follows.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xa0\xad\u034f\u061c\u115f\u1160\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_MARKS = re.compile(r"\[-|-\]|\{\+|\+\}")
_RED, _GREEN, _DIM, _OFF = "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"
_COLOURS = {"delete": _RED, "insert": _GREEN, "quiet": _DIM, "equal": ""}
_TOKEN = re.compile(r"\n|[^\S\n]+|\S+")


def as_html(
    hunks: Sequence[Hunk],
    *,
    around: Sequence[str] = (),
    context: int = 1,
    most: int = MOST_HUNKS,
) -> str:
    """Return the hunks as one HTML fragment that needs no style sheet, script or image.

    ``around`` are the lines of the new text; with them ``context`` lines stand before and after each change.
    """
    parts = ["<div>"]
    for hunk, cut in _shown(hunks, most):
        before, after = _context(hunk, around, context)
        parts.append(f'<div style="{_BLOCK}">')
        parts.append(f'<p style="{_QUIET}">{_place(hunk)}</p>')
        parts += [f'<p style="{_QUIET}">{_escaped(line, changed=False)}</p>' for line in before]
        parts.append('<p style="margin:0">' + "".join(_marked_up(word) for word in cut) + "</p>")
        if cut is not hunk.words:
            parts.append(f'<p style="{_QUIET}">… cut here</p>')
        parts += [f'<p style="{_QUIET}">{_escaped(line, changed=False)}</p>' for line in after]
        parts.append("</div>")
    more = _more(hunks, most)
    if more:
        parts.append(f'<p style="{_QUIET}">{more}</p>')
    parts.append("</div>")
    return "\n".join(parts) + "\n"


def as_text(
    hunks: Sequence[Hunk],
    width: int = 80,
    *,
    around: Sequence[str] = (),
    context: int = 1,
    most: int = MOST_HUNKS,
    colour: bool = False,
) -> str:
    """Return the hunks as lines of at most ``width`` columns, ``[-gone-]`` and ``{+come+}``; a longer word stands out.

    Where the text itself has one of these marks a backslash stands before it.
    """
    lines: list[str] = []
    for hunk, cut in _shown(hunks, most):
        before, after = _context(hunk, around, context)
        lines.append(f"@@ {_place(hunk)} @@")
        for line in before:
            lines += _wrapped([("quiet", f"  {_plain(line, changed=False)}")], width, colour)
        lines += _wrapped([(word.op, _bracketed(word)) for word in cut], width, colour)
        if cut is not hunk.words:
            lines.append("… cut here")
        for line in after:
            lines += _wrapped([("quiet", f"  {_plain(line, changed=False)}")], width, colour)
        lines.append("")
    more = _more(hunks, most)
    if more:
        lines.append(more)
    return "".join(f"{line}\n" for line in lines)


def _shown(hunks: Sequence[Hunk], most: int) -> Iterator[tuple[Hunk, Sequence[Word]]]:
    """The hunks to show with their words, cut where the ceiling of characters is met."""
    left = MOST_CHARACTERS
    for hunk in hunks[:most]:
        if left <= 0:
            return
        size = sum(len(word.text) for word in hunk.words)
        yield hunk, hunk.words if size <= left else list(_cut(hunk.words, left))
        left -= size


def _cut(words: Iterable[Word], left: int) -> Iterator[Word]:
    for word in words:
        if left <= 0:
            return
        yield Word(word.op, word.text[:left])
        left -= len(word.text)


def _more(hunks: Sequence[Hunk], most: int) -> str:
    hidden = len(hunks) - sum(1 for _ in _shown(hunks, most))
    return f"… {hidden} more change{'s' if hidden > 1 else ''}" if hidden else ""


def _place(hunk: Hunk) -> str:
    old, new = _lines(hunk.old_line, hunk.old), _lines(hunk.new_line, hunk.new)
    where = {"added": new, "removed": old, "moved": f"{old} to {new}"}.get(
        hunk.kind, new if old == new else f"{old}, now {new}"
    )
    return f"{_TITLE[hunk.kind]}: {where}"


def _lines(first: int, text: str) -> str:
    count = text.count("\n") + 1
    return f"line {first + 1}" if count == 1 else f"lines {first + 1} to {first + count}"


def _context(hunk: Hunk, around: Sequence[str], context: int) -> tuple[list[str], list[str]]:
    after = hunk.new_line + (hunk.new.count("\n") + 1 if hunk.kind != "removed" else 0)
    sides = around[max(0, hunk.new_line - context) : hunk.new_line], around[after : after + context]
    above, below = ([line[:_MOST_OF_CONTEXT] + "…" * (len(line) > _MOST_OF_CONTEXT) for line in side] for side in sides)
    return above, below


def _marked_up(word: Word) -> str:
    text = _escaped(word.text, changed=word.op != "equal")
    if word.op == "insert":
        return f'<ins style="{_ADDED}">{text}</ins>'
    if word.op == "delete":
        return f'<del style="{_REMOVED}">{text}</del>'
    return text


def _escaped(text: str, *, changed: bool) -> str:
    return html.escape(_visible(text, changed=changed)).replace("\n", "<br>\n")


def _bracketed(word: Word) -> str:
    text = _plain(word.text, changed=word.op != "equal")
    if word.op == "insert":
        return f"{{+{text}+}}"
    return f"[-{text}-]" if word.op == "delete" else text


def _plain(text: str, *, changed: bool) -> str:
    return _MARKS.sub(r"\\\g<0>", _visible(text, changed=changed))


def _visible(text: str, *, changed: bool) -> str:
    """The text with characters that cannot be seen written as ``⟨U+200B⟩``, spaces too where only they changed."""
    if changed and text.isspace():
        text = text.replace(" ", "␣").replace("\n", "⏎\n")
    return (_UNSEEN if changed else _HARMFUL).sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def _wrapped(runs: Iterable[tuple[str, str]], width: int, colour: bool) -> list[str]:
    """Break runs of text into lines; a colour ends with its line and begins anew on the next."""
    lines: list[list[tuple[str, str]]] = [[]]
    at = 0
    for style, text in runs:
        for piece in _TOKEN.findall(text):
            if piece == "\n":
                lines.append([])
                at = 0
                continue
            size = _columns(piece)
            if at + size > width and at and not piece.isspace():
                lines.append([])
                at = 0
            if at or not piece.isspace() or len(lines) == 1:
                lines[-1].append((style, piece))
                at += size
    return [_coloured(line, colour) for line in lines]


def _coloured(line: list[tuple[str, str]], colour: bool) -> str:
    text = ""
    last = "equal"
    for style, piece in line:
        if colour and style != last:
            text += (_OFF if _COLOURS[last] else "") + _COLOURS[style]
            last = style
        text += piece
    return (text if colour and _COLOURS[last] else text.rstrip()) + (_OFF if colour and _COLOURS[last] else "")


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )
