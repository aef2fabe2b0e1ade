"""Pages that cannot cost a parser much, whatever they hold, told by one compiled pattern without a look at each tag.

The pattern takes only what every conforming tokeniser reads in one way, wherever it stands: plain tags, closed scripts
and raw texts, closed drawings and menus. A page that it does not take wholly is not refused, only looked at closely.
"""

from __future__ import annotations

import re

from archiver.watch.extract.tokens import ESCAPABLE_TEXT, RAW_TEXT

FEW_STEPS = 1_400
"""Even if half of them were formatting elements left open, the others would make less than a million copies."""
MAX_STEPS = 3_400
"""A step opens one element at most."""
MAX_FORMATTING = 125
"""Formatting elements of a page with more than ``FEW_STEPS``; a step has two tags at most."""
MAX_ATTRIBUTES = 100
"""Of one tag; a parser compares its names in pairs."""
MAX_INSIDE = 600
"""Tags of one drawing or menu."""


def _any_case(names: str) -> str:
    return "|".join("".join(f"[{letter}{letter.upper()}]" for letter in name) for name in names.split())


_S = r"[ \t\n\f\r]"
_END = r"(?=[ \t\n\f\r/>])"
_NAME = rf"[a-zA-Z][a-zA-Z0-9:_.-]*+{_END}"
_ATTRIBUTE = rf"{_S}++[^ \t\n\f\r/>=\"'<]++(?:=(?:\"[^\"]*+\"|'[^']*+'|[^ \t\n\f\r\"'`=<>]++))?+"
_ATTRIBUTES = rf"(?:{_ATTRIBUTE}){{0,{MAX_ATTRIBUTES}}}+{_S}*+"
_REST = rf"{_ATTRIBUTES}/?+>"
_COMMENT = r"!--(?!-?>)(?:[^-]++|-(?!-!?>))*+-->"
_BOGUS = r"(?:!(?i:doctype)|\?)[^>]*+>"


def _closed(name: str, inside: str) -> str:
    """The rest of an element with nothing in it but ``inside``, up to the end of its closing tag."""
    return rf"{_any_case(name)}{_END}{_ATTRIBUTES}>{inside}</{_any_case(name)}{_S}*+>"


def _raw(name: str) -> str:
    # In a script, <!-- can hide its end.
    return _closed(name, rf"(?:[^<]++|<(?!{'!--|' * (name == 'script')}/{_any_case(name)}))*+")


def _unit(name: str, elements: str, others: str) -> str:
    """An element with only these elements, nested or not, in it: its end tag surely closes it."""
    tag = rf"/?(?:{_any_case(elements)}){_END}{_REST}"
    return _closed(name, rf"(?:[^<]*+<(?:{tag}|{_COMMENT}{others})){{0,{MAX_INSIDE}}}+[^<]*+")


# Where a title or style is no raw text, nothing of it may look like a tag.
_LABELS = "".join(f"|{_closed(name, '[^<]*+')}" for name in ("title", "desc", "style"))
_SVG = _unit(
    "svg",
    """a animate animatetransform circle clippath defs ellipse feblend fecolormatrix fecomposite feflood fegaussianblur
    femerge femergenode feoffset filter g image line lineargradient marker mask path pattern polygon polyline
    radialgradient rect stop symbol text tspan use""",
    _LABELS,
)
_SELECT = _unit("select", "option optgroup hr", "")
# Two or three letters tell all other names from those that change how a tokeniser goes on, or a parser heeds it.
_SPECIAL = (
    "(?:[sS](?:[cC][rR]|[tT][yY]|[vV]|[eE][lL])|[xX][mM]|[nN][oO]|[tT](?:[iI][tT]|[eE])|[iI][fF]|[mM][aA][tT]"
    "|[pP][lL]|[fF][rR])"
)
_RAW = "|".join(_raw(name) for name in sorted(RAW_TEXT | ESCAPABLE_TEXT))
_STEP = (
    rf"[^<]*+<(?:(?!{_SPECIAL}){_NAME}{_REST}(?:[^<]*+</{_NAME}>)?+|/{_NAME}{_REST}"
    rf"|{_raw('script')}|{_SVG}|{_COMMENT}|{_SELECT}|{_RAW}|{_BOGUS})"
)
_FEW = re.compile(rf"(?:{_STEP}){{0,{FEW_STEPS}}}+[^<]*+".encode(), re.DOTALL)
_MORE = re.compile(rf"(?:{_STEP}){{0,{MAX_STEPS - FEW_STEPS}}}+[^<]*+\Z".encode(), re.DOTALL)
_FORMATTING = re.compile(rf"<(?:{_any_case('b big code em font i s small strike strong tt u')}){_END}".encode())


def is_ordinary(html: bytes) -> bool:
    """Say whether a page is certainly below every ceiling of its shape; no means nothing."""
    few = _FEW.match(html)
    if few is None or few.end() == len(html):
        return few is not None
    return _MORE.match(html, few.end()) is not None and len(_FORMATTING.findall(html)) <= MAX_FORMATTING
