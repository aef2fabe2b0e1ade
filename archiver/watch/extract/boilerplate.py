"""Elements of a page that are not its document: navigation, tables of contents, banners, dialogues, feedback.

Signs are the tags and roles of HTML and general words in classes and ids; a sign alone is not enough where much text
that is no link would be lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from archiver.watch.extract.page_mass import Page

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_NEVER = (
    "nav, menu, dialog, button, form, [aria-modal=true], [role=navigation], [role=search], [role=menu], "
    "[role=menubar], [role=dialog], [role=alertdialog], [role=toolbar], [role=tablist], [role=listbox], "
    "[role=combobox], [role=tooltip]"
)
_AROUND = "header, footer, aside, [role=banner], [role=contentinfo], [role=complementary], [role=alert], [role=status]"
_FOR_THE_EAR = "[class*=sr-only], [class*=visually-hidden], [class*=visuallyhidden], [class*=screen-reader]"
_NAMED = "div[class], div[id], section[class], section[id], ul[class], ul[id], ol[class], fieldset[class]"
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_ASKED = frozenset("h1 h2 h3 h4 h5 h6 dt summary".split())
_LANDMARKS = frozenset("main article".split())
_LISTS = frozenset("ul ol div section".split())

_SURE = "|".join(
    (
        r"bread-?crumbs?",
        r"newsletter",
        r"skip-?(?:links?|nav|to-(?:main-)?content)",
        r"pagination",
        r"modal",
        r"pop-?up",
        r"tooltip",
        r"advert(?:s|isements?|ising)?",
        r"(?:cookie|consent|gdpr)s?(?:-[a-z]+){0,2}-?(?:banner|bar|notice|popup|modal|dialog|overlay|layer|confirm|prompt|wall)",
        r"(?:language|lang|locale|country|region)-?(?:switch(?:er)?|select(?:or)?|picker|menu|list|dropdown)",
    )
)
_LIKELY = (
    "nav|navbar|navigation|menu|submenu|side-?bar|share|sharing|social|related|recommend(?:ed|ations?)|popular|trending|recent(?:ly)?(?:-[a-z]+)?|"
    "teasers?|promo|subscribe|footer|toc|table-?of-?contents?|feedback|helpful|ratings?|reactions?(?:-[a-z]+)?|votes?|relatives|survey|pager|comments?|"
    "overlay|drawer"
)
# A word of the family alone, first or last in a name: "related-articles", "page_footer"; not in "unrelated".
_SURE_NAME = re.compile(rf" (?:(?:{_SURE})[- ]|[^ ]*-(?:{_SURE}) )")
_LIKELY_NAME = re.compile(rf" (?:(?:{_LIKELY})[- ]|[^ ]*-(?:{_LIKELY}) )")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GENERATED = re.compile(r"_{1,3}[A-Za-z0-9+-]{5,8}\Z")

_UNITS = "|".join(
    """seconds? minutes? hours? days? weeks? months? years? sekunden? minuten? stunden? tag(?:en)? wochen? monat(?:en)?
    jahr(?:en)? secondes? heures? jours? semaines? mois ans? segundos? minutos? horas? d[ií]as? semanas? mes(?:es)?
    a[nñ]os?""".split()
)
_ONE = r"(?:\d+|an?|one|ein(?:er?|em)?|une?|una?)"
_ABOUT_AN_AGE = rf"{_ONE}\s+(?:{_UNITS})\s+ago|(?:vor|il y a|hace)\s+(?:\w+\s+)?{_ONE}\s+(?:{_UNITS})"
_AGE = re.compile(rf"\b(?:{_ABOUT_AN_AGE})\b", re.IGNORECASE)
_PERHAPS_AGE = re.compile(_ABOUT_AN_AGE, re.IGNORECASE)
_AGE_SIGNS = {"de": "vor ", "fr": "l y a ", "es": "ace "}
"""By the language that a page declares; looked for in all its text, so one is as much as speed allows."""
_AGE_LINE = 60

CONTROL = "button, [role=button], input, a[class*=btn], a[class*=button]"
COOKIES = re.compile(r"\bcookies?\b", re.IGNORECASE)

_SENTENCE = 60
_MUCH = 0.3
_DOCUMENT = 600
"""What must be left of a page for a long dialogue to be none of its document."""
_SMALL = 300
_TOC_LINKS = 4
_NEAR = 8


def leave_out_boilerplate(page: Page) -> None:
    """Leave out what tags, roles and names say is not the document, wherever it stands."""
    limit = _MUCH * page.total
    for node in page.body.css(_NEVER):
        if (page.mass(node) <= limit or _asks_for_cookies(page, node)) and not _is_content(page, node):
            page.leave_out(node)
    for node in page.body.css(_AROUND):
        if page.mass(node) <= limit and _is_around(page, node):
            page.leave_out(node)
    for node in page.body.css(_FOR_THE_EAR):
        if node.tag != "h1" and len(node.text(strip=True)) < 100:
            page.leave_out(node)
    for node in page.body.css(_NAMED):
        attributes = node.attributes
        kind = _kind_of_name(attributes.get("class") or "", attributes.get("id") or "")
        if kind and (_surely if kind == 2 else _likely)(page, node):
            page.leave_out(node)
    _leave_out_contents(page)
    _leave_out_ages(page)


def _is_content(page: Page, node: LexborNode) -> bool:
    """Say whether a control is part of the text: a heading that opens its section, a form around paragraphs."""
    if node.tag == "form":
        return page.mass(node) > 400
    if node.tag != "button":
        return False
    if any(up.tag in _ASKED for up in page.around(node, 3)):
        return True
    attributes = node.attributes
    opens = "aria-controls" in attributes or "aria-expanded" in attributes
    return node.css_first(_HEADINGS) is not None or (opens and page.text(node) >= 16)


def _is_around(page: Page, node: LexborNode) -> bool:
    """Say whether a header, footer or aside is the page's; within a document it mostly belongs to it."""
    if node.css_first("h1") is not None:
        return False
    if any(up.tag in _LANDMARKS for up in page.around(node)):
        return is_list_of_links(page, node) or (page.mass(node) < 120 and not has_sentence(node) and not is_dated(node))
    return True


@lru_cache(maxsize=8192)
def _kind_of_name(classes: str, identifier: str) -> int:
    """Return 2 for names of what is never a document, 1 for names of what mostly is none, 0 for others."""
    names = [_GENERATED.sub("", name) for name in classes[:2000].split() if not any(c in name for c in ":[]/")]
    joined = " ".join([*names, identifier[:200]])
    joined = f" {_CAMEL.sub('-', joined).lower().replace('_', '-')} "
    if _SURE_NAME.search(joined):
        return 2
    return 1 if _LIKELY_NAME.search(joined) else 0


def _surely(page: Page, node: LexborNode) -> bool:
    mass = page.mass(node)
    if mass < 0.2 * page.total or _asks_for_cookies(page, node):
        return True
    return mass < 2000 and mass < 0.7 * page.total and node.css_first("h1") is None


def _asks_for_cookies(page: Page, node: LexborNode) -> bool:
    """Say whether a dialogue is about consent, however long: some list every cookie, longer than the document."""
    if node.tag not in ("div", "section", "aside", "dialog", "form") or node.css_first("h1, main, article") is not None:
        return False
    if page.total - page.mass(node) < _DOCUMENT or any(up.tag in _LANDMARKS for up in page.around(node)):
        return False
    return node.css_first(CONTROL) is not None and len(COOKIES.findall(node.text(separator=" "))) > 2


def _likely(page: Page, node: LexborNode) -> bool:
    mass = page.mass(node)
    if mass > 0.2 * page.total or node.css_first("h1") is not None:
        return False
    if mass < page.linked(node):
        return True
    return mass < _SMALL and node.css_first(_HEADINGS) is None and not has_sentence(node) and not is_dated(node)


def _leave_out_contents(page: Page) -> None:
    """Leave out tables of contents: what consists of links to places within pages."""
    links = page.body.css('a[href*="#"]')
    if len(links) < _TOC_LINKS:
        return
    counts: dict[int, int] = {}
    nodes: dict[int, LexborNode] = {}
    for link in links:
        around = page.around(link, _NEAR)
        lists = [up for up in around if up.tag in ("ul", "ol")]
        for up in lists[-1:] or around[:3]:
            counts[up.mem_id] = counts.get(up.mem_id, 0) + 1
            nodes[up.mem_id] = up
    for place, count in counts.items():
        node: LexborNode | None = nodes[place]
        if count < _TOC_LINKS or node is None or page.is_out(node) or not _is_contents(page, node):
            continue
        for up in page.around(node):
            if not _is_contents(page, up):
                break
            node = up
        page.leave_out(node)


def _is_contents(page: Page, node: LexborNode) -> bool:
    if node.tag not in _LISTS or page.linked(node) <= 0.8 * page.text(node):
        return False
    links = node.css("a[href]")
    within = sum(1 for link in links if "#" in (link.attrs.sget("href") or ""))
    return within >= max(_TOC_LINKS, 0.8 * len(links))


def _leave_out_ages(page: Page) -> None:
    """Leave out how long ago something was, "updated two days ago": it says something new at each visit."""
    if not any(_PERHAPS_AGE.search(page.words, max(at - 30, 0), at + 40) for at in _places(page)):
        return
    for node in page.body.css("time, span, small, p, div, em, i, li"):
        own = node.text(deep=False)
        if 4 < len(own) <= _AGE_LINE and _AGE.search(own) and not own.rstrip().endswith("."):
            page.leave_out(node)


def _places(page: Page) -> Iterator[int]:
    """Yield where in the words of a page an age may stand; the first hundred places."""
    root = page.body.parent
    language = (root.attributes.get("lang") or "") if root is not None else ""
    sign = _AGE_SIGNS.get(language[:2].lower(), " ago")
    at = page.words.find(sign)
    for _ in range(100):
        if at < 0:
            return
        yield at
        at = page.words.find(sign, at + 1)


def is_list_of_links(page: Page, node: LexborNode) -> bool:
    """Say whether at least half of an element's text are two links or more."""
    return page.linked(node) >= 0.5 * page.text(node) and len(node.css("a[href]")) >= 2


def has_sentence(node: LexborNode) -> bool:
    """Say whether one paragraph or list item in an element is as long as a sentence."""
    return any(len(block.text(strip=True)) >= _SENTENCE for block in node.css("p, li, dd, td"))


_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def is_dated(node: LexborNode) -> bool:
    """Say whether an element names a year, as "last updated" lines do."""
    return _YEAR.search(node.text(separator=" ")) is not None
