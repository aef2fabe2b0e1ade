"""Ceilings for the shape of a page, found before it is parsed.

A conforming parser takes time with the square of the depth and of the attributes of one tag, and copies every open
formatting element into every block: a few kilobytes could cost minutes or gigabytes. Real pages stay far below.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from operator import itemgetter

from archiver.errors import FormatError
from archiver.watch.extract.tokens import ATTRIBUTE, FOREIGN, HTML_IN_FOREIGN, LEAVES_FOREIGN, TAG, TOKEN

MAX_BYTES = 32 << 20
"""Of the decoded content of one page."""
MAX_DEPTH = 4_000
"""Open elements; browsers stop at 512."""
MAX_COPIES = 1_000_000
"""Copies of formatting elements that a parser makes for blocks that begin before ``</b>``; about 400 bytes each."""
MAX_RAW_LEVELS = 10
"""Styles within titles within scripts …: real pages have two or three."""
MAX_ATTRIBUTE_PAIRS = 200_000_000
"""Comparisons of attribute names: 14,000 attributes in one tag."""

MAX_TAGS = 3_000_000

_Tag = tuple[str, str, str, str]
"""``script``, the name of raw text, the name of any other tag with its slash, the attributes."""

_FEW_TAGS = 2_000
_SHORT = 131_072
"""Characters, enough for 30,000 attributes of one tag, which cost four seconds."""
_MANY_TAGS = 50_000
_NESTED = 1_000
_VOID = frozenset(
    "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr".split()
)
# Closed by what follows them: none can nest without an element that is counted.
_IMPLIED = frozenset(
    """html head body p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rb rt rtc rp
    h1 h2 h3 h4 h5 h6""".split()
)
_FORMATTING = frozenset("b big code em font i s small strike strong tt u".split())
_ANY_CASE = ("".join(f"[{letter}{letter.upper()}]" for letter in name) for name in sorted(_FORMATTING))
_FORMATTING_TAG = re.compile(f"<(?:{'|'.join(_ANY_CASE)})[ /\t\n\f\r>]")
_ONE_AT_A_TIME = frozenset("a nobr button form".split())
_GLYPHS = frozenset(
    """animate animatetransform circle clippath defs ellipse fegaussianblur filter g image line lineargradient mask path
    pattern polygon polyline radialgradient rect stop symbol text tspan use""".split()
)


def excess(html: str) -> str | None:
    """Return what of the page is beyond a ceiling, or None."""
    if len(html) > MAX_BYTES:
        return f"more than {MAX_BYTES} characters"
    long = len(html) > _SHORT
    if not long and _few(html):
        return None
    count = html.count("<") if len(html) > MAX_TAGS else 0
    if count > MAX_TAGS:
        return f"more than {MAX_TAGS} tags"
    tags = _Tags(html) if count > _MANY_TAGS else TAG.findall(html)
    names = Counter(map(itemgetter(2), tags))
    if not FOREIGN.isdisjoint(map(str.lower, names)) and html.count("<") - names.total() > _NESTED:
        try:
            tags = list(_tags_everywhere(html, 0))
        except FormatError as error:
            return error.what
        names = Counter(map(itemgetter(2), tags))
    if long and _attribute_pairs(tags, len(html)) > MAX_ATTRIBUTE_PAIRS:
        return "too many attributes in its tags"
    opening = sum(number for name, number in names.items() if name[:1] != "/" and name not in _IMPLIED | _VOID)
    formatting = sum(number for name, number in names.items() if name.lower() in _FORMATTING)
    return None if opening <= MAX_DEPTH and formatting * names.total() <= MAX_COPIES else _tangle(tags)


def _few(html: str) -> bool:
    """Say whether a page cannot be deep or tangled whatever its tags are, without a look at them."""
    count = html.count("<")
    if count <= _FEW_TAGS:
        return True
    return count - html.count("</") <= MAX_DEPTH and count * len(_FORMATTING_TAG.findall(html)) <= MAX_COPIES


class _Tags:
    """The tags of a page, found anew each time they are asked for: there may be millions."""

    def __init__(self, html: str) -> None:
        self._html = html

    def __iter__(self) -> Iterator[_Tag]:
        for script, raw, tag, attributes in map(re.Match.groups, TAG.finditer(self._html)):
            yield script or "", raw or "", tag or "", attributes or ""


def _attribute_pairs(tags: Iterable[_Tag], length: int) -> int:
    """Return how many attribute names are compared with one another; at most, if that is few enough."""
    longest = max(map(len, map(itemgetter(3), tags)), default=0)
    at_most = longest * length // 16  # different names and what parts them take four characters each
    if at_most <= MAX_ATTRIBUTE_PAIRS:
        return at_most
    return sum(sum(1 for _ in ATTRIBUTE.finditer(attributes)) ** 2 for attributes in map(itemgetter(3), tags))


def _tags_everywhere(html: str, level: int) -> Iterator[_Tag]:
    """Yield tags; raw text with many tags counts as tags too, since within ``svg`` it is none.

    ``FormatError`` where raw text stands in raw text again and again: each level is one more pass over what is left.
    """
    if level > MAX_RAW_LEVELS:
        raise FormatError(f"raw text more than {MAX_RAW_LEVELS} deep")
    for token in TOKEN.finditer(html):
        tag, attributes, inside, code = token.group("tag", "attributes", "inside", "code")
        yield "", "", tag or "", attributes or ""
        raw = inside or code
        if raw and raw.count("<") > _NESTED:
            yield from _tags_everywhere(raw, level + 1)


def _tangle(tags: Iterable[_Tag]) -> str | None:
    """Return what is too deep or copied too often in a run of tags."""
    opened: dict[str, int] = {}
    formatting: dict[str, list[str]] = {}
    alike: dict[str, int] = {}
    depth = copied = copies = 0
    for _, _, name, attributes in tags:
        copies += copied
        if not name:
            continue
        name = name.lower()
        if name[0] == "/":
            name = name[1:]
            if opened.get(name):
                opened[name] -= 1
                depth -= 1
                if name in _FORMATTING:
                    kind = formatting[name].pop()
                    alike[kind] -= 1
                    copied -= alike[kind] < 3
            continue
        if name in _VOID or name in _IMPLIED or (name in _ONE_AT_A_TIME and opened.get(name)):
            continue
        if opened.get("svg") or opened.get("math"):
            if name in LEAVES_FOREIGN:
                opened["svg"] = opened["math"] = 0
            elif name in _GLYPHS and attributes.endswith("/") and not any(map(opened.get, HTML_IN_FOREIGN)):
                continue
        opened[name] = opened.get(name, 0) + 1
        depth += 1
        if name in _FORMATTING:
            kind = f"{name} {attributes}"
            formatting.setdefault(name, []).append(kind)
            alike[kind] = alike.get(kind, 0) + 1
            copied += alike[kind] <= 3
        if depth > MAX_DEPTH:
            return f"more than {MAX_DEPTH} elements within one another"
        if copies > MAX_COPIES:
            return f"formatting left open over so many blocks that more than {MAX_COPIES} copies would be made"
    return None
