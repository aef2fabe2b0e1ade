"""Which elements of a page the rules name: CSS selectors, or ranges between two of them.

A range is a JSON object with one of ``startBefore`` ``startAfter`` and one of ``endBefore`` ``endAfter``: everything in
document order between the first element that matches the one selector and the first that matches the other.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from archiver.errors import UsageError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_SELECTOR = 2_000
"""Characters of one selector; real ones have at most a few hundred."""
MAX_DEPTH = 20
"""Brackets within brackets; the parser of selectors recurses."""

MAX_SIBLING_PAIRS = 200_000_000
"""Of elements with one parent: 14,000 of one take a second or two where each is counted among all."""

_ALONE = re.compile(r"[a-z0-9]*(?:[.#][A-Za-z_][A-Za-z0-9_-]*)*", re.ASCII)
"""A selector that looks at one element alone, and can be no mistake."""

_STARTS = ("startBefore", "startAfter")
_ENDS = ("endBefore", "endAfter")
# What a selector is made of, as far as its brackets go. Strings may not span lines.
_PIECE = re.compile(
    r"""\\.|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|/\*.*?\*/|(?P<open>[(\[])|(?P<close>[)\]])|(?P<stray>["'\\]|/\*)|.""",
    re.DOTALL,
)
# The parser takes these without complaint, and then matches nothing, or not what was meant.
_NEVER_MATCHES = re.compile(r"\|\||:(?:current|hover|active|focus|target|blank)\b", re.IGNORECASE)


def checked_selector(text: str) -> None:
    """Raise ``UsageError`` unless the text is a CSS selector or a range that can be applied to a page."""
    if _is_range(text):
        bounds = _range_of(text)
        _check(bounds.start)
        _check(bounds.end)
    else:
        _check(text)


def _check(text: str) -> None:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    _check_text(text)
    try:
        LexborHTMLParser("").css(text)
    except SelectolaxError as error:
        what = f"{text!r} is not a CSS selector"
        raise UsageError(what, do="no pseudo-elements, no XPath; values that are no plain words in quotes") from error


@lru_cache(maxsize=1024)
def _check_text(text: str) -> None:
    """Refuse what the parser would take although it is cut off, can never match, or is too deep for it."""
    if len(text) > MAX_SELECTOR:
        raise UsageError(f"a selector has more than {MAX_SELECTOR} characters")
    if any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"selector {text!r} holds a character that no page can hold")
    closing: list[str] = []
    bare: list[str] = []
    for piece in _PIECE.finditer(text):
        if piece["open"]:
            closing.append(")" if piece[0] == "(" else "]")
            if len(closing) > MAX_DEPTH:
                raise UsageError(f"selector {text!r}: brackets stand more than {MAX_DEPTH} deep")
        elif piece["stray"] or (piece["close"] and (not closing or closing.pop() != piece[0])):
            raise UsageError(f"selector {text!r}: {piece[0]} at character {piece.start() + 1} has no counterpart")
        bare.append(piece[0] if len(piece[0]) == 1 else "\x01" * len(piece[0]))
    if closing:
        raise UsageError(f"selector {text!r} ends before its last {closing[-1]}")
    never = _NEVER_MATCHES.search("".join(bare))
    if never:
        raise UsageError(f"selector {text!r}: {never[0]} matches nothing in a stored page")


@dataclass(frozen=True, slots=True)
class _Range:
    start: str
    end: str
    from_before: bool
    to_after: bool


def _range_of(text: str) -> _Range:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"range {text[:200]!r} is not JSON") from error
    starts = [name for name in _STARTS if name in found]
    ends = [name for name in _ENDS if name in found]
    if len(starts) != 1 or len(ends) != 1 or len(found) != 2 or not all(isinstance(v, str) for v in found.values()):
        raise UsageError(
            f"range {text[:200]!r} does not say where it begins and ends",
            do=f"it has one of {' '.join(_STARTS)} and one of {' '.join(_ENDS)}, each a CSS selector",
        )
    start, end = starts[0], ends[0]
    return _Range(found[start], found[end], start == "startBefore", end == "endAfter")


def excess(tree: LexborHTMLParser, selectors: Sequence[str]) -> str | None:
    """Return why a page is too large for these selectors, or None.

    ``:nth-child`` and its kin, and ``~``, look at all elements of one parent for each of them.
    """
    if not any("nth-" in selector.lower() or "~" in selector for selector in selectors) or tree.root is None:
        return None
    children = Counter(node.parent.mem_id for node in tree.root.traverse() if node.parent is not None)
    if sum(count * count for count in children.values()) <= MAX_SIBLING_PAIRS:
        return None
    return f"{max(children.values())} elements side by side, too many for selectors that count or compare them"


def portions(tree: LexborHTMLParser, selectors: Sequence[str]) -> tuple[list[list[LexborNode]], list[str]]:
    """Return what the selectors choose, in document order, nothing twice; and the selectors that match nothing.

    A portion is one element, or the neighbours that a range covers.
    """
    missing: list[str] = []
    matching: list[str] = []
    elements: list[LexborNode] = []
    ranges: list[list[LexborNode]] = []
    for selector in selectors:
        nodes = _chosen(tree, selector)
        if not nodes:
            missing.append(selector)
        elif _is_range(selector):
            ranges.append(nodes)
        else:
            matching.append(selector)
            elements = nodes
    if len(matching) > 1:  # one question for all of them: the answer is in document order
        elements = tree.css(", ".join(matching))
    return _arranged(tree, elements, ranges), missing


def remove(tree: LexborHTMLParser, selectors: Sequence[str]) -> None:
    """Take everything that the selectors choose out of the tree; none need match. Of its root nothing is left."""
    if len(selectors) > 1 and all(map(_ALONE.fullmatch, selectors)):
        selectors = (", ".join(selectors),)  # what one takes away does not change what another chooses
    for selector in selectors:
        nodes = _chosen(tree, selector)
        root = tree.root
        if root is not None and any(node.mem_id == root.mem_id for node in nodes):
            unlink(list(root.iter(include_text=True)))
            return
        unlink(nodes)


def unlink(nodes: Iterable[LexborNode]) -> None:
    """Take nodes out of their tree. They are not freed, since whoever called may still name them."""
    for node in nodes:
        node.remove(recursive=False)


def _is_range(selector: str) -> bool:
    return selector.lstrip().startswith("{")


def _chosen(tree: LexborHTMLParser, selector: str) -> list[LexborNode]:
    """Return what one selector chooses; one that is none chooses nothing."""
    from selectolax.lexbor import SelectolaxError

    try:
        if _is_range(selector):
            return _between(tree, _range_of(selector))
        _check_text(selector)
        return tree.css(selector)
    except (UsageError, SelectolaxError):
        return []


def _between(tree: LexborHTMLParser, bounds: _Range) -> list[LexborNode]:
    """Return the highest nodes that lie wholly within a range, in document order."""
    starts, ends = _chosen(tree, bounds.start)[:1], _chosen(tree, bounds.end)[:1]
    if not starts or not ends:
        return []
    start, end = starts[0], ends[0]
    # What holds the end does not lie wholly within the range: what it holds is looked at instead.
    opened = {node.mem_id for node in _upwards(end)}
    if bounds.to_after:
        opened.discard(end.mem_id)
    last = _after(end) if bounds.to_after else end
    node: LexborNode | None = start if bounds.from_before else _after(start)
    inside: list[LexborNode] = []
    while node is not None and (last is None or node.mem_id != last.mem_id):
        if node.mem_id in opened:
            node = node.first_child or _after(node)
        else:
            inside.append(node)
            node = _after(node)
    # A walk that misses its end began behind it: such a range is empty.
    return inside if node is not None or last is None else []


def _upwards(node: LexborNode | None) -> Iterator[LexborNode]:
    while node is not None:
        yield node
        node = node.parent


def _after(node: LexborNode) -> LexborNode | None:
    """Return the first node behind a whole element."""
    return next((above.next for above in _upwards(node) if above.next is not None), None)


def _arranged(
    tree: LexborHTMLParser, elements: list[LexborNode], ranges: list[list[LexborNode]]
) -> list[list[LexborNode]]:
    """Return elements and ranges in document order, without what lies inside another of them."""
    part_of: dict[int, int] = {}
    nodes: list[LexborNode] = []
    for part, group in enumerate([*ranges, *([element] for element in elements)]):
        for node in group:
            if node.mem_id not in part_of:
                part_of[node.mem_id] = part
                nodes.append(node)
    nested: dict[int, bool] = {}
    nodes = [node for node in nodes if not _is_nested(node, part_of, nested)]
    if ranges and len(nodes) > 1 and (elements or len(ranges) > 1):
        wanted = {node.mem_id for node in nodes}
        walk = tree.root.traverse(include_text=True) if tree.root else ()
        nodes = [node for node in walk if node.mem_id in wanted]
    parts: list[list[LexborNode]] = []
    before = -1
    for node in nodes:
        part = part_of[node.mem_id]
        if part == before:
            parts[-1].append(node)
        else:
            parts.append([node])
        before = part
    return parts


def _is_nested(node: LexborNode, chosen: dict[int, int], known: dict[int, bool]) -> bool:
    """Say whether an ancestor of a node is chosen too; ``known`` keeps the answers for the ancestors."""
    passed: list[int] = []
    answer = False
    for above in _upwards(node.parent):
        if above.mem_id in chosen:
            answer = True
            break
        if above.mem_id in known:
            answer = known[above.mem_id]
            break
        passed.append(above.mem_id)
    known.update(dict.fromkeys(passed, answer))
    return answer
