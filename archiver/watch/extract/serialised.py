"""Serialised HTML taken apart at each ``<``: names, attributes and texts, where it is regular and where it is not.

Attribute values come in double quotes with ``<`` and ``>`` escaped. Comments, and names that hold a ``<``, are made
whole again; the text of ``xmp`` and ``plaintext`` is no markup, and has no escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

RAW = frozenset(("xmp", "plaintext"))
"""The two elements whose text is written back without escapes although a reader sees it."""
VALUE_OF = {name: re.compile(rf' {name}="([^"]*)"') for name in ("start", "value", "reversed", "alt", "data-cfemail")}
"""Find an attribute, and its value as it is written, among those of a tag."""
_INTEGER = re.compile(r"\s*+([+-]?[0-9]{1,9})")
_LONG = 1 << 20


def unescaped(text: str) -> str:
    """Undo the five escapes of serialised HTML."""
    if "&" not in text:
        return text
    for escape, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&nbsp;", "\xa0"), ("&amp;", "&")):
        text = text.replace(escape, character)
    return text


def pieces_of(html: str) -> Iterator[str]:
    """Return what stands between each ``<`` and the next; of a long page one by one, since there may be millions."""
    if len(html) < _LONG:
        return iter(html.split("<"))
    return _cut(html)


def _cut(html: str) -> Iterator[str]:
    start = 0
    while (end := html.find("<", start)) >= 0:
        yield html[start:end]
        start = end + 1
    yield html[start:]


def irregular(piece: str, rest: Iterator[str]) -> tuple[str, str, str]:
    """Return name, attributes and text where a piece alone does not say them: comments, ``<`` within names."""
    if piece.startswith("!--"):
        end = piece.find("-->", 3)
        while end < 0:
            following = next(rest, None)
            if following is None:
                return "", "", ""
            piece, end = following, following.find("-->")
        return "", "", piece[end + 3 :]
    first = piece[1:2] if piece[:1] == "/" else piece[:1]
    if not (first.isascii() and first.isalpha()):
        return "", "", piece.partition(">")[2] if piece[:1] in ("!", "?") else piece
    parts = [piece]
    while ">" not in parts[-1] and (following := next(rest, None)) is not None:
        parts.append(following)
    tag, _, text = "<".join(parts).partition(">")
    name, space, attributes = tag.partition(" ")
    return name, space + attributes, text


def tag_of(piece: str, rest: Iterator[str]) -> tuple[str, str, str]:
    """Return the name of a tag, with its slash, its attributes, and the text behind it."""
    tag, closed, text = piece.partition(">")
    if not closed or tag[:1] == "!":
        return irregular(piece, rest)
    name, space, attributes = tag.partition(" ")
    return name, space + attributes, text


def raw_text(name: str, text: str, rest: Iterator[str]) -> tuple[str, str, Iterator[str]]:
    """Return the text of an element that is written back without escapes, the text behind it, and the pieces then."""
    end = f"/{name}>"
    pieces = [text]
    if name == "plaintext":  # nothing ends it but the page: what looks like its end may be its text
        pieces += rest
        last = max((at for at, piece in enumerate(pieces) if at and piece.startswith(end)), default=0)
        if last:
            return "<".join(pieces[:last]), pieces[last][len(end) :], iter(pieces[last + 1 :])
        return "<".join(pieces), "", rest
    for piece in rest:
        if piece.startswith(end):
            return "<".join(pieces), piece[len(end) :], rest
        pieces.append(piece)
    return "<".join(pieces), "", rest


def escaped(text: str) -> str:
    """Write a text as serialised HTML does."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def integer(name: str, attributes: str) -> int | None:
    """Return the whole number that an attribute begins with; None where it is missing or begins otherwise."""
    value = VALUE_OF[name].search(attributes) if attributes else None
    number = _INTEGER.match(value[1]) if value else None
    return int(number[1]) if number else None
