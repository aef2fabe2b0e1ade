"""Which elements of a page are the document, when nobody has said so.

The choice errs towards too much: a page loses what is plainly not its document, then ``main`` or ``article`` is taken
if it holds most of the text, then what stands beside the bulk of the text is left out where it is no text itself.
Losing a paragraph of a document is worse than keeping a line of navigation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.watch.extract.boilerplate import (
    CONTROL,
    COOKIES,
    has_sentence,
    is_dated,
    is_list_of_links,
    leave_out_boilerplate,
)
from archiver.watch.extract.page_mass import Page, PageTooTangled

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_LEVELS = 200
"""How far down the bulk of the text is followed; documents stand some 10 to 20 elements deep."""

_CLAIMS = (("main, [role=main]", 0.5), ("article, [role=article]", 0.85))
"""What authors call their content, and how much of the text it must hold to be believed."""

_BULK = 0.75
_BLURB = 250
_BANNER = 3000
_TITLE = 200
_BOXES = frozenset("div section ul ol header article aside footer form center fieldset table td".split())
_WRAPPERS = frozenset("div section main article center form table tbody tr td".split())
_RIGHTS = re.compile(r"©|\(c\) *(?:19|20)|copyright|all rights reserved", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Roots:
    """The elements that are the document, in its order, and the elements inside them that are not part of it."""

    nodes: tuple[LexborNode, ...]
    removed: tuple[LexborNode, ...]


def main_content(tree: LexborHTMLParser) -> Roots:
    """Return what is the document of a page; the whole body where that cannot be told."""
    body = tree.body
    if body is None:
        return Roots((), ())
    try:
        page = Page(body)
        leave_out_boilerplate(page)
        claimed = _claimed(page)
        root = _without_surroundings(page, claimed or body, claimed is not None)
        title = _title_before(page, root)
        removed = page.left_out_within(root)
    except PageTooTangled:
        return Roots((body,), ())
    return Roots((title, root) if title is not None else (root,), removed)


def _claimed(page: Page) -> LexborNode | None:
    """Return the ``main`` or ``article`` that holds most of the text, if there is one."""
    best: LexborNode | None = None
    mass = page.mass(page.body)
    for selector, enough in _CLAIMS:
        found = [(page.mass(node), node) for node in (best or page.body).css(selector) if not page.is_out(node)]
        if not found:
            continue
        largest, node = max(found, key=lambda pair: pair[0])
        if largest > 0 and largest >= enough * mass:
            best, mass = node, largest
    return best


def _without_surroundings(page: Page, root: LexborNode, claimed: bool) -> LexborNode:
    """Follow the bulk of the text down and leave out what stands beside it and is no text; return the new root.

    Within ``main`` or ``article`` everything that is text stays; outside it, short scraps go as well.
    """
    node, whole, mass = root, True, page.mass(root)
    for _ in range(MAX_LEVELS):
        children = [child for child in node.iter() if not page.is_dropped(child)]
        if len(children) == 1 and children[0].tag in _WRAPPERS and not node.text(deep=False, strip=True):
            bulk = children[0]
        else:
            found = _bulk(page, children, mass)
            if found is None:
                break
            bulk, mass = found
            if not _leave_out_beside(page, children, bulk, claimed):
                whole = False
        node = bulk
        if whole:
            root = bulk
    return root


def _bulk(page: Page, children: list[LexborNode], mass: int) -> tuple[LexborNode, int] | None:
    """Return the child that holds nearly all of the text, with its mass, if one does."""
    for child in children:
        if child.tag in _WRAPPERS:
            own = page.mass(child)
            if own and own >= _BULK * mass:
                return child, own
    return None


def _leave_out_beside(page: Page, children: list[LexborNode], bulk: LexborNode, claimed: bool) -> bool:
    """Leave out what stands beside the bulk and does not belong to it; say whether that was everything."""
    all_out, after = True, False
    for child in children:
        if child.mem_id == bulk.mem_id:
            after = True
        elif child.tag not in _BOXES:
            all_out = all_out and not page.text(child)
        elif page.text(child):
            if _belongs(page, child, claimed, after=after):
                all_out = False
            else:
                page.leave_out(child)
    return all_out


def _belongs(page: Page, node: LexborNode, claimed: bool, *, after: bool) -> bool:
    """Say whether something beside the bulk of the text is part of the document."""
    if node.css_first("h1") is not None:
        return True
    if is_list_of_links(page, node):
        return False
    mass = page.mass(node)
    words = node.text(separator=" ")
    if after and mass < _BLURB and _RIGHTS.search(words):
        return False
    if claimed or node.tag in ("table", "td"):
        return True
    if mass < _BANNER and len(COOKIES.findall(words)) > 1 and node.css_first(CONTROL) is not None:
        return False
    return mass >= _BLURB or has_sentence(node) or is_dated(node)


def _title_before(page: Page, root: LexborNode) -> LexborNode | None:
    """Return the first ``h1`` of the page if it stands before the document: its title."""
    if root.mem_id == page.body.mem_id:
        return None
    for node in page.body.css(f"h1, {root.tag}"):
        if node.mem_id == root.mem_id:
            return None
        if node.tag == "h1" and 0 < len(node.text(strip=True)) <= _TITLE and not page.is_out(node):
            return node
    return None
