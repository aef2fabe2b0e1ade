"""How much text stands where in a page, measured on demand: links apart, and without what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.errors import ArchiverError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

BUDGET = 200_000_000
"""What may be spent on one page: a character counts 1, a link or a step upwards 100, as they take time."""
MAX_DEPTH = 512
"""Elements around anything that is measured: browsers nest no deeper."""

_STEP = 100
_UNSEEN = "script, style, noscript, template, svg, iframe, object, select, datalist, textarea"


class PageTooTangled(ArchiverError):
    """Finding the main content of this page would take too long."""


class Page:
    """One page while its document is looked for: sizes of its elements, and those left out so far.

    ``words`` is all text of the body, that of scripts too; ``total`` its mass before anything was left out.
    """

    def __init__(self, body: LexborNode) -> None:
        self.body = body
        self.left_out: list[LexborNode] = []
        self._out: set[int] = set()
        self._deducted: dict[int, int] = {}
        self._linked: dict[int, int] = {}
        self._link_sizes: dict[int, int] = {}
        self._budget = BUDGET
        for node in body.css(_UNSEEN):
            size = len(node.text(strip=True))
            if size:
                self._deduct(node, size, self.around(node))
        self.words = body.text(strip=True)
        self._spend(len(self.words))
        visible = len(self.words) - self._deducted.get(body.mem_id, 0)
        self.total = max(visible - self.linked(body), 1)

    def text(self, node: LexborNode) -> int:
        """Return the characters of visible text within an element, without what was left out."""
        size = len(node.text(strip=True))
        self._spend(size)
        return max(size - self._deducted.get(node.mem_id, 0), 0)

    def linked(self, node: LexborNode) -> int:
        """Return how many characters within an element are words of links."""
        known = self._linked.get(node.mem_id)
        if known is not None:
            return known
        size, sizes = 0, self._link_sizes
        links = node.css("a[href]")
        self._spend(_STEP * len(links))
        for link in links:
            place = link.mem_id
            own = sizes.get(place)
            if own is None:
                own = sizes[place] = len(link.text(strip=True))
            size += own
        self._linked[node.mem_id] = size
        return size

    def mass(self, node: LexborNode) -> int:
        """Return the characters of visible text that is no link: what documents are made of."""
        text = self.text(node)
        return max(text - self.linked(node), 0) if text else 0

    def is_out(self, node: LexborNode) -> bool:
        """Say whether an element was left out, alone or with something around it."""
        if not self._out:
            return False
        return node.mem_id in self._out or any(up.mem_id in self._out for up in self.around(node))

    def is_dropped(self, node: LexborNode) -> bool:
        """Say whether this very element was left out."""
        return node.mem_id in self._out

    def leave_out(self, node: LexborNode) -> None:
        """Leave an element out of the document, and its text out of what stands around it."""
        around = self.around(node)
        if node.mem_id in self._out or any(up.mem_id in self._out for up in around):
            return
        text = self.text(node)
        links = node.css("a[href]")
        linked = self.linked(node) if links and text else 0
        self._out.add(node.mem_id)
        self.left_out.append(node)
        if text:
            self._deduct(node, text, around)
        for link in links:
            self._link_sizes[link.mem_id] = 0
        if linked:
            for up in around:
                if up.mem_id in self._linked:
                    self._linked[up.mem_id] -= linked

    def around(self, node: LexborNode, at_most: int = MAX_DEPTH + 1) -> list[LexborNode]:
        """Return the elements around one, innermost first, as far as the body."""
        found: list[LexborNode] = []
        up = node.parent
        while up is not None and len(found) < at_most:
            found.append(up)
            if up.mem_id == self.body.mem_id:
                break
            if len(found) > MAX_DEPTH:
                raise PageTooTangled("the page is nested too deep to tell its main content")
            up = up.parent
        self._spend(_STEP * len(found))
        return found

    def left_out_within(self, root: LexborNode) -> tuple[LexborNode, ...]:
        """Return what was left out inside an element, without what stands inside something else that was."""
        found = []
        for node in self.left_out:
            around = [up.mem_id for up in self.around(node)]
            if root.mem_id in around and self._out.isdisjoint(around):
                found.append(node)
        return tuple(found)

    def _deduct(self, node: LexborNode, size: int, around: list[LexborNode]) -> None:
        deducted = self._deducted
        for element in (node, *around):
            deducted[element.mem_id] = deducted.get(element.mem_id, 0) + size

    def _spend(self, steps: int) -> None:
        self._budget -= steps
        if self._budget < 0:
            raise PageTooTangled("the page is too tangled to tell its main content")
