"""Pages that cannot cost a parser much, whatever they hold, told by one compiled pattern without a look at each tag.

The pattern takes only what every conforming tokeniser reads in one way, wherever it stands: plain tags, closed scripts
and raw texts, closed drawings and menus. A page that it does not take wholly is not refused, only looked at closely.
"""

from __future__ import annotations

import re

from archiver.watch.extract.tokens import ESCAPABLE_TEXT, RAW_TEXT

FEW_STEPS = 1_400
"""A step has two tags at most, and opens one. Even if half were formatting elements, a million copies would do."""
MAX_STEPS = 20_000
MAX_COPIES = 1_000_000
"""Tags of a page with more than ``FEW_STEPS``, times formatting elements not closed right behind their words."""
MAX_OPENING = 2_800
"""Elements, of such a page, that can stand in one another: those that are closed at once, or by their like, cannot."""
MAX_ATTRIBUTES = 100
"""Of one tag; a parser compares its names in pairs."""
MAX_INSIDE = 1_200
"""Tags of one drawing or menu, but for those that close themselves or are closed at once."""


def _any_case(names: str) -> str:
    return "|".join("".join(f"[{letter}{letter.upper()}]" for letter in name) for name in names.split())


_S = r"[ \t\n\f\r]"
_END = r"(?=[ \t\n\f\r/>])"
_NAME = rf"[a-zA-Z][a-zA-Z0-9:_.-]*+{_END}"
_ATTRIBUTE = rf"{_S}++[^ \t\n\f\r/>=\"'<]++(?:=(?:\"[^\"]*+\"|'[^']*+'|[^ \t\n\f\r\"'`=<>]++))?+"
_ATTRIBUTES = rf"(?:{_ATTRIBUTE}){{0,{MAX_ATTRIBUTES}}}+{_S}*+"
_REST = rf"{_ATTRIBUTES}/?+>"
_COMMENT = r"!--(?!-?>)(?:[^-]++|-(?!-!?>))*+-->"
_BOGUS = r"(?:!(?![\[-])|\?)[^>]*+>"


def _closed(name: str, inside: str) -> str:
    """The rest of an element with nothing in it but ``inside``, up to the end of its closing tag."""
    return rf"{_any_case(name)}{_END}{_ATTRIBUTES}>{inside}</{_any_case(name)}{_S}*+>"


def _raw(name: str) -> str:
    return _closed(name, rf"(?:[^<]++|<(?!/{_any_case(name)}))*+")


def _script(without: str) -> str:
    return _closed("script", rf"(?:[^<]++|<(?!(?:{without}|/{_any_case('script')})))*+")


def _unit(name: str, elements: str, closed_at_once: str = "", others: str = "") -> str:
    """An element with only these elements, nested or not, in it: its end tag surely closes it."""
    tag = rf"(?:{_any_case(elements)}){_END}{_ATTRIBUTES}"
    at_once = "".join(rf"|{_closed(each, '')}" for each in closed_at_once.split())
    flat = rf"(?:[^<]*+<(?:{tag}/>{at_once}|{_COMMENT}{others}))*+"
    return _closed(
        name, rf"(?:{flat}[^<]*+<(?:{tag}|/(?:{_any_case(elements)}){_S}*+)>){{0,{MAX_INSIDE}}}+{flat}[^<]*+"
    )


# Where a title or style is no raw text, nothing of it may look like a tag.
_LABELS = "".join(f"|{_closed(name, '[^<]*+')}" for name in ("title", "desc", "style"))
# HTML in a drawing: what is closed at once, and nothing else.
_BOXES = rf"(?:{_S}*+<(?:{_closed('div', '')}|{_closed('span', '')}))*+{_S}*+"
_SVG = _unit(
    "svg",
    """a animate animatetransform circle clippath defs ellipse feblend fecolormatrix fecomposite fedisplacementmap
    feflood fegaussianblur femerge femergenode femorphology feoffset feturbulence filter g image line lineargradient
    marker mask path pattern polygon polyline radialgradient rect stop symbol text tspan use""",
    "path circle rect use stop line polygon",
    f"{_LABELS}|{_closed('foreignobject', _BOXES)}",
)
_SELECT = _unit("select", "option optgroup hr")
# Two or three letters tell all other names from those that change how a tokeniser goes on, or a parser heeds it.
_SPECIAL = (
    "(?:[sS](?:[cC][rR]|[tT][yY]|[vV]|[eE][lL])|[xX][mM]|[nN][oO]|[tT](?:[iI][tT]|[eE])|[iI][fF]|[mM][aA][tT]"
    "|[pP][lL]|[fF][rR])"
)
_RAW = "|".join(_raw(name) for name in sorted(RAW_TEXT | ESCAPABLE_TEXT))
# In a script, <!-- and then <script can hide its end.
_SCRIPT = f"{_script('!--')}|{_script(_any_case('script'))}"
# Most tags are in small letters; told first, for speed alone, are those that cannot be special.
_COMMON = (
    "(?:[a-eghj-loqru-wyz]|p(?!l)|s(?!cr|ty|v|el)|t(?!it|e)|i(?!f)|m(?!at)|f(?!r)|n(?!o))[a-z0-9]*+"
    rf"{_REST}(?:[^<]*+</[a-z0-9]++>)?+|/[a-z0-9]++>"
)
_STEP = (
    rf"[^<]*+<(?:{_COMMON}|(?!{_SPECIAL}){_NAME}{_REST}(?:[^<]*+</{_NAME}>)?+|/{_NAME}{_REST}"
    rf"|{_SCRIPT}|{_SVG}|{_closed('template', '[^<]*+')}|{_COMMENT}|{_SELECT}|{_RAW}|{_BOGUS})"
)
_FEW = re.compile(rf"(?:{_STEP}){{0,{FEW_STEPS}}}+[^<]*+".encode(), re.DOTALL)
_MORE = re.compile(rf"(?:{_STEP}){{0,{MAX_STEPS - FEW_STEPS}}}+[^<]*+\Z".encode(), re.DOTALL)
_FORMATTING = "b big code em font i s small strike strong tt u".split()
# Elements with nothing but words in them, closed by the tag of their own name.
_LEAF = "|".join(_closed(name, "[^<]*+") for name in ("span", "a", *_FORMATTING))
# The first letter, told first, is that of few other tags.
_NOT_CLOSED = "|".join(
    rf"{_any_case(name)}{_END}(?!{_REST}(?:[^<]++|<(?:{_LEAF}|br{_S}*+/?+>))*+</{name}>)" for name in _FORMATTING
)
_LEFT_OPEN = re.compile(rf"<(?=[bcefistuBCEFISTU])(?:{_NOT_CLOSED})".encode())
_NESTING = re.compile(
    rf"<(?!(?:{_LEAF})|(?:{_any_case('p li dt dd tr td th br img input meta link hr')}){_END})[a-zA-Z]".encode()
)


def is_ordinary(html: bytes) -> bool:
    """Say whether a page is certainly below every ceiling of its shape; no means nothing."""
    few = _FEW.match(html)
    if few is None or few.end() == len(html):
        return few is not None
    twice = _FEW.match(html, few.end())
    if twice is not None and twice.end() == len(html):
        return len(_LEFT_OPEN.findall(html)) * 4 * FEW_STEPS <= MAX_COPIES
    if _MORE.match(html, few.end()) is None:
        return False
    tags = html.count(b"<")
    flat = tags - html.count(b"</") <= MAX_OPENING or len(_NESTING.findall(html)) <= MAX_OPENING
    return flat and len(_LEFT_OPEN.findall(html)) * tags <= MAX_COPIES
