"""Which elements of a page are the document, when nobody has said so.

The choice errs towards too much: a page loses what is plainly not the document (navigation, lists of links, banners,
dialogues, footers), then the smallest element that still holds nearly all remaining text is taken. Losing a paragraph of a document
is worse than keeping a line of navigation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.watch.extract.boilerplate import Page, leave_out, prune_siblings

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode


@dataclass(frozen=True, slots=True)
class Roots:
    """The elements that are the document, in its order, and the elements inside them that are not part of it."""

    nodes: tuple[LexborNode, ...]
    removed: tuple[LexborNode, ...]


_LANDMARKS = (("main, [role=main]", 0.5), ("article, [role=article]", 0.85))


def main_content(tree: LexborHTMLParser) -> Roots:
    """Return what is the document of a page; of a page without text, its body."""
    body = tree.body
    if body is None:
        return Roots((), ())
    page = Page(body)
    leave_out(page)
    node = body
    claimed = False
    for landmark, enough in _LANDMARKS:
        found = [n for n in node.css(landmark) if not page.is_out(n)]
        masses = [page.mass(n) for n in found]
        if found and max(masses) >= enough * page.mass(node):
            node = found[masses.index(max(masses))]
            claimed = True
    node = prune_siblings(page, node, claimed)
    return Roots((node,), tuple(page.removed))
