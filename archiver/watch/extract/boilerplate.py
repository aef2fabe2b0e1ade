"""Elements of a page that are not its document: navigation, lists of links, banners, dialogues, footers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_UNSEEN = "script, style, noscript, template, svg, iframe, object, select, datalist"
_NEVER = (
    "nav, footer, aside, menu, dialog, header, button, form, [aria-modal=true], [role=navigation], "
    "[role=contentinfo], [role=complementary], [role=banner], [role=search], [role=menu], [role=menubar], "
    "[role=dialog], [role=alertdialog], [role=toolbar], [role=tablist], [role=alert], [role=status], [role=listbox], [role=combobox], [role=tooltip]"
)
_HIDDEN = "[class*=sr-only], [class*=visually-hidden], [class*=visuallyhidden], [class*=screen-reader]"
_CONTAINERS = "div, section, ul, ol, span, p"
_PLAIN_NAMES = re.compile(
    r"(?<![a-z])(?:bread-?crumbs?|newsletter|skip-?(?:link|nav|to)(?:-[a-z]+)*|pagination|modal|pop-?up|tooltip|"
    r"advert(?:s|isements?|ising)?|"
    r"(?:cookie|consent|gdpr)s?[-_a-z]{0,14}(?:banner|bar|notice|popup|modal|dialog|overlay|layer)(?:[-_a-z]*)|"
    r"(?:language|lang|locale|country|region)[-_]?(?:switch(?:er)?|select(?:or)?|picker|menu|list|dropdown))(?![a-z])"
)
_LIKELY_NAMES = re.compile(
    r"(?<![a-z])(?:nav(?:bar|igation)?|(?:sub)?menu|side-?bar|share|sharing|social|related|recommend(?:ed|ations?)|"
    r"popular|trending|teasers?|promo|subscribe|footer|toc|table-?of-?contents?|feedback|helpful|ratings?|survey|"
    r"pager|comments?|overlay|drawer)(?![a-z])"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BOXES = frozenset("div section ul ol header article aside footer form center".split())
_RIGHTS = re.compile(r"©|\(c\)\s|copyright|all rights reserved", re.IGNORECASE)


class Page:
    """The text masses of one page: characters of visible text that is not part of a link."""

    def __init__(self, body: LexborNode) -> None:
        self.body = body
        self.off: dict[int, int] = {}
        self.out: set[int] = set()
        self.removed: list[LexborNode] = []
        self.links: dict[int, list[int]] = {}
        for node in body.css(_UNSEEN):
            size = len(node.text(strip=True))
            if size:
                self.deduct(node, size)
        for node in body.css("a[href]"):
            size = len(node.text(strip=True))
            own = (node.attributes.get("href") or "").startswith("#")
            up = node.parent
            while up is not None and up.mem_id != body.mem_id:
                entry = self.links.setdefault(up.mem_id, [0, 0, 0])
                entry[0] += 1
                entry[1] += size
                entry[2] += own
                up = up.parent
        self.total = self.mass(body) or 1

    def deduct(self, node: LexborNode, size: int) -> None:
        up: LexborNode | None = node
        while up is not None:
            self.off[up.mem_id] = self.off.get(up.mem_id, 0) + size
            up = up.parent

    def text(self, node: LexborNode) -> int:
        return len(node.text(strip=True)) - self.off.get(node.mem_id, 0)

    def mass(self, node: LexborNode) -> int:
        return self.text(node) - self.links.get(node.mem_id, (0, 0))[1]

    def is_out(self, node: LexborNode) -> bool:
        up: LexborNode | None = node
        while up is not None:
            if up.mem_id in self.out:
                return True
            up = up.parent
        return False

    def drop(self, node: LexborNode) -> None:
        if self.is_out(node):
            return
        mass = self.mass(node)
        self.out.add(node.mem_id)
        self.removed.append(node)
        if mass > 0:
            self.deduct(node, mass)

def _named(page: Page, node: LexborNode) -> bool:
    a = node.attributes
    name = f"{a.get('id') or ''} {a.get('class') or ''}"
    if name == " ":
        return False
    name = _CAMEL.sub("-", name).lower()
    if _PLAIN_NAMES.search(name):
        mass = page.mass(node)
        return mass < 0.2 * page.total or (mass < 2000 and mass < 0.7 * page.total and not node.css_first("h1"))
    if _LIKELY_NAMES.search(name):
        mass = page.mass(node)
        return mass < 0.2 * page.total and (mass < 300 or mass < 2 * page.links.get(node.mem_id, (0, 0))[1]) and not node.css_first("h1, h2, h3")
    return False


def _inside(node: LexborNode, tags: frozenset[str]) -> bool:
    up = node.parent
    while up is not None:
        if up.tag in tags:
            return True
        up = up.parent
    return False

_HEADINGS = frozenset("h1 h2 h3 h4 h5 h6 dt summary".split())

def leave_out(page: Page) -> None:
    total = page.total
    for node in page.body.css(_NEVER):
        tag = node.tag
        mass = page.mass(node)
        if mass > 0.3 * total:
            continue
        if tag == "button":
            if mass >= 16 and ("aria-controls" in node.attributes or "aria-expanded" in node.attributes or node.css_first("h1,h2,h3,h4,h5,h6")): continue
            if _inside(node, _HEADINGS): continue
        if tag == "header" and node.css_first("h1"): continue
        if tag == "form" and mass > 400: continue
        page.drop(node)
    for node in page.body.css(_HIDDEN):
        if len(node.text(strip=True)) < 100 and node.tag != "h1":
            page.drop(node)
    for node in page.body.css(_CONTAINERS):
        if _named(page, node):
            page.drop(node)
        else:
            n, size, own = page.links.get(node.mem_id, (0, 0, 0))
            if n >= 4 and own >= 0.8 * n and node.tag in ("ul", "ol", "div", "section") and size > 0.8 * page.text(node):
                page.drop(node)


def prune_siblings(page: Page, node: LexborNode, claimed: bool) -> LexborNode:
    """Go down while one child holds nearly all; on the way leave out its siblings that are not part of a document."""
    while True:
        children = [c for c in node.iter() if c.mem_id not in page.out]
        masses = [page.mass(c) for c in children]
        if not children: return node
        best = max(masses)
        if best < 0.75 * page.mass(node): return node
        at = masses.index(best)
        kept = 0
        for i, c in enumerate(children):
            if i != at and _text_like(page, c, claimed, i > at): kept += 1
            elif i != at: page.drop(c)
        child = children[at]
        if child.tag not in ("div","section","main","article","center"): return node
        if kept:
            prune_siblings(page, child, claimed)
            return node
        node = child

def _text_like(page, c, claimed, after) -> bool:
    text = page.text(c)
    if text <= 0: return False
    if c.tag not in _BOXES: return True
    if c.css_first("h1"): return True
    n, size, own = page.links.get(c.mem_id, (0, 0, 0))
    if n >= 2 and size >= 0.5 * text: return False
    mass = text - size
    if mass < 250 and after and _RIGHTS.search(c.text()): return False
    if claimed or mass >= 250: return True
    return any(len(p.text(strip=True)) >= 60 for p in c.css("p, li")) or re.search(r"\b(?:19|20)\d\d\b", c.text()) is not None
