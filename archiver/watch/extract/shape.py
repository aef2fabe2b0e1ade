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
from archiver.watch.extract.ordinary import is_ordinary
from archiver.watch.extract.tokens import (
    BYTES_ATTRIBUTE,
    BYTES_TAG,
    BYTES_TOKEN,
    FOREIGN,
    HTML_IN_FOREIGN,
    LEAVES_FOREIGN,
)

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

_Tag = tuple[bytes, bytes, bytes, bytes]
"""``script``, the name of raw text, the name of any other tag with its slash, the attributes."""

_FEW_TAGS = 2_000
_SHORT = 65_536
"""Bytes, enough for 16,000 attributes of one tag, which cost half a second."""
_MANY_TAGS = 50_000
_NESTED = 1_000
_LONG = 32_768
"""Bytes of raw text that may hold a tag with too many attributes, where it is no raw text."""
_VOID = frozenset(
    b"area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr".split()
)
# Closed by what follows them: none can nest without an element that is counted.
_IMPLIED = frozenset(
    b"""html head body p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rb rt rtc rp
    h1 h2 h3 h4 h5 h6""".split()
)
_FORMATTING = frozenset(b"b big code em font i s small strike strong tt u".split())
_ONE_AT_A_TIME = frozenset(b"a nobr button form".split())
_FOREIGN = frozenset(name.encode() for name in FOREIGN)
_HTML_IN_FOREIGN = frozenset(name.encode() for name in HTML_IN_FOREIGN)
_LEAVES_FOREIGN = frozenset(name.encode() for name in LEAVES_FOREIGN)
# Within these a start tag may be foreign, or passed over: then what follows is no raw text.
_HEEDLESS = _FOREIGN | frozenset(b"select frameset template".split())
_GLYPHS = frozenset(
    b"""animate animatetransform circle clippath defs ellipse fegaussianblur filter g image line lineargradient mask
    path pattern polygon polyline radialgradient rect stop symbol text tspan use""".split()
)


def excess(html: bytes) -> str | None:
    """Return what of a page in UTF-8 is beyond a ceiling, or None."""
    if len(html) > MAX_BYTES:
        return f"more than {MAX_BYTES} bytes"
    short = len(html) <= _SHORT
    if (short and html.count(b"<") <= _FEW_TAGS) or is_ordinary(html):
        return None
    count = html.count(b"<") if len(html) > MAX_TAGS else 0
    if count > MAX_TAGS:
        return f"more than {MAX_TAGS} tags"
    tags = _Tags(html) if count > _MANY_TAGS else BYTES_TAG.findall(html)
    names = Counter(map(itemgetter(2), tags))
    if not _HEEDLESS.isdisjoint(map(bytes.lower, names)):
        try:
            tags = list(_tags_everywhere(html, 0))
        except FormatError as error:
            return error.what
        names = Counter(map(itemgetter(2), tags))
    if not short and _attribute_pairs(tags, len(html)) > MAX_ATTRIBUTE_PAIRS:
        return "too many attributes in its tags"
    opening = sum(number for name, number in names.items() if name[:1] != b"/" and name not in _IMPLIED | _VOID)
    formatting = sum(number for name, number in names.items() if name.lower() in _FORMATTING)
    return None if opening <= MAX_DEPTH and formatting * names.total() <= MAX_COPIES else _tangle(tags)


class _Tags:
    """The tags of a page, found anew each time they are asked for: there may be millions."""

    def __init__(self, html: bytes) -> None:
        self._html = html

    def __iter__(self) -> Iterator[_Tag]:
        for script, raw, tag, attributes in map(re.Match.groups, BYTES_TAG.finditer(self._html)):
            yield script or b"", raw or b"", tag or b"", attributes or b""


def _attribute_pairs(tags: Iterable[_Tag], length: int) -> int:
    """Return how many attribute names are compared with one another; at most, if that is few enough."""
    longest = max(map(len, map(itemgetter(3), tags)), default=0)
    at_most = longest * length // 16  # different names and what parts them take four bytes each
    if at_most <= MAX_ATTRIBUTE_PAIRS:
        return at_most
    return sum(sum(1 for _ in BYTES_ATTRIBUTE.finditer(attributes)) ** 2 for attributes in map(itemgetter(3), tags))


def _tags_everywhere(html: bytes, level: int) -> Iterator[_Tag]:
    """Yield tags; raw text with many tags or a long one counts as tags too, since within ``svg`` it is none.

    ``FormatError`` where raw text stands in raw text again and again: each level is one more pass over what is left.
    """
    if level > MAX_RAW_LEVELS:
        raise FormatError(f"raw text more than {MAX_RAW_LEVELS} deep")
    for token in BYTES_TOKEN.finditer(html):
        tag, attributes, inside, code = token.group("tag", "attributes", "inside", "code")
        yield b"", b"", tag or b"", attributes or b""
        raw = inside or code
        if raw and (len(raw) > _LONG or raw.count(b"<") > _NESTED):
            yield from _tags_everywhere(raw, level + 1)


def _tangle(tags: Iterable[_Tag]) -> str | None:
    """Return what is too deep or copied too often in a run of tags."""
    opened: dict[bytes, int] = {}
    formatting: dict[bytes, list[bytes]] = {}
    alike: dict[bytes, int] = {}
    depth = copied = copies = 0
    for _, _, name, attributes in tags:
        copies += copied
        if not name:
            continue
        name = name.lower()
        if name[:1] == b"/":
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
        if opened.get(b"svg") or opened.get(b"math"):
            if name in _LEAVES_FOREIGN:
                opened[b"svg"] = opened[b"math"] = 0
            elif name in _GLYPHS and attributes.endswith(b"/") and not any(map(opened.get, _HTML_IN_FOREIGN)):
                continue
        opened[name] = opened.get(name, 0) + 1
        depth += 1
        if name in _FORMATTING:
            kind = b"%b %b" % (name, attributes)
            formatting.setdefault(name, []).append(kind)
            alike[kind] = alike.get(kind, 0) + 1
            copied += alike[kind] <= 3
        if depth > MAX_DEPTH:
            return f"more than {MAX_DEPTH} elements within one another"
        if copies > MAX_COPIES:
            return f"formatting left open over so many blocks that more than {MAX_COPIES} copies would be made"
    return None
