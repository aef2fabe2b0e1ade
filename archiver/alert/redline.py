"""A redline for people: what was removed and what was added, as plain text and as HTML, with a ceiling. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from archiver.alert.interface import Hunk, Words, plain

MAX_HUNKS = 40
"""Places of a redline that one message shows."""
MAX_TEXT = 4000
"""Characters of one text of one place."""
MAX_TOTAL = 60_000
"""Characters of all places together."""
_CONTEXT = 120
"""Characters kept on either side of a long run of words that did not change."""

_INS = "background:#e6ffec;color:#116329;text-decoration:underline"
_DEL = "background:#ffebe9;color:#a40e26;text-decoration:line-through"
_BLOCK = "margin:0 0 12px;padding:8px 12px;border-left:3px solid #d0d7de;white-space:pre-wrap"


def within_ceiling(hunks: Iterable[Hunk]) -> tuple[list[Hunk], int]:
    """Return the places that a message shows, long texts cut with ``…``, and how many more there are."""
    shown: list[Hunk] = []
    omitted = size = 0
    for kind, old, new, words in hunks:
        if len(shown) == MAX_HUNKS or size >= MAX_TOTAL:
            omitted += 1
            continue
        cut = (kind, _cut(old), _cut(new), _shortened(words))
        size += len(cut[1]) + len(cut[2])
        shown.append(cut)
    return shown, omitted


def _cut(text: str) -> str:
    return plain(text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…")


def _shortened(words: Words) -> Words:
    """Cut long runs: of unchanged words in the middle, so that changes stay in sight, of others at the end."""
    kept: list[tuple[str, str]] = []
    size = 0
    for operation, text in words:
        if size >= 2 * MAX_TEXT:
            kept.append(("=", " …"))
            break
        if operation == "=" and len(text) > 3 * _CONTEXT:
            text = f"{text[:_CONTEXT]} … {text[-_CONTEXT:]}"
        kept.append((operation, _cut(text)))
        size += len(kept[-1][1])
    return tuple(kept)


def more(omitted: int) -> str:
    """The line that says what is left out, or nothing."""
    return f"{omitted} more change{'' if omitted == 1 else 's'}" if omitted else ""


def as_text(hunks: Iterable[Hunk]) -> str:
    """A redline for plain text: ``[-removed-]`` and ``{+added+}`` within a line, ``-`` and ``+`` before whole ones."""
    blocks = []
    for kind, old, new, words in hunks:
        if words:
            marks = {"-": "[-{}-]", "+": "{{+{}+}}"}
            blocks.append("~ " + "".join(marks.get(op, "{}").format(text) for op, text in words))
            continue
        lines = [f"- {line}" for line in old.splitlines()] + [f"+ {line}" for line in new.splitlines()]
        blocks.append("\n".join(["(moved)", *lines] if kind == "moved" else lines))
    return "\n\n".join(blocks)


def as_html(hunks: Iterable[Hunk]) -> str:
    """A redline for HTML: ``ins`` and ``del`` with inline styles; every text is escaped."""
    return "".join(f'<div dir="auto" style="{_BLOCK}">{_block(*hunk)}</div>\n' for hunk in hunks)


def _block(kind: str, old: str, new: str, words: Words) -> str:
    if words:
        return "".join(_run(operation, text) for operation, text in words)
    moved = "<em>moved</em><br>" if kind == "moved" else ""
    gap = "<br>" if old and new else ""
    return moved + (_run("-", old) if old else "") + gap + (_run("+", new) if new else "")


def _run(operation: str, text: str) -> str:
    if operation == "-":
        return f'<del style="{_DEL}">{escape(text)}</del>'
    if operation == "+":
        return f'<ins style="{_INS}">{escape(text)}</ins>'
    return escape(text)
