"""HTML as lines: parse as browsers do, leave out what the rules remove, choose, write down block by block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from archiver.watch.extract import select, shape, signs
from archiver.watch.extract.blocks import Blocks
from archiver.watch.extract.document import Document
from archiver.watch.extract.hidden import hidden_in, leave_out_hidden
from archiver.watch.reading import PageRules, PageSigns, Problem

_UNREAD = ",".join(signs.UNREAD_TAGS)

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode


def read_html(
    page: str | bytes, url: str, rules: PageRules, *, charset: str = "utf-8", carry: bool = False, signed: bool = True
) -> tuple[Document, PageSigns]:
    """Return the chosen part of a page, and the signs of all of it. ``carry`` keeps the marks of a marked text.

    ``page``: its characters, or the same in UTF-8 without a byte-order mark; ``charset`` is that of the capture. Of a
    page that no gate will look at (not ``signed``) the signs are left out; the document is the same.
    """
    content = page.encode("utf-8", "replace") if isinstance(page, str) else page
    beyond = shape.excess(content)
    if beyond is not None:
        problem = Problem("too_large", f"{url}: {beyond}")
        return Document(problems=(problem,)), PageSigns(url, "text/html", charset)
    tree = parsed(content)
    shown, base = signs.declared(tree, url, charset) if signed else signs.undeclared(tree, url, charset)
    beyond = select.excess(tree, (*rules.select, *rules.remove))
    if beyond is not None:
        return Document(problems=(Problem("too_large", f"{url}: {beyond}"),)), shown
    select.remove(tree, rules.remove)
    problems: tuple[Problem, ...] = ()
    if rules.select:
        portions, missing = select.portions(tree, rules.select)
        problems = tuple(Problem("selector_missing", f"{selector} matches nothing in {url}") for selector in missing)
    else:
        portions = _main_content(tree)
    chosen = [node for portion in portions for node in portion]
    whole = [tree] if signed else chosen
    for node in [node for part in whole for node in part.css(_UNREAD)]:
        node.remove(recursive=False)
    hidden = leave_out_hidden(hidden_in(whole), chosen)
    _number_reversed(whole)
    blocks = Blocks(base, carry=carry)
    for portion in portions:
        blocks.read("".join(node.html or "" for node in portion))
    if signed:
        shown = replace(shown, **signs.visible(tree, hidden))
    return Document(blocks.lines(), blocks.links(), problems, shown.title, shown.headings), shown


def parsed(content: bytes) -> LexborHTMLParser:
    """Return the tree of a page in UTF-8, as browsers with scripts build it."""
    from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

    return LexborHTMLParser(content, options=int(LexborDocumentOptions.WO_EVENTS), scripting=True)


def _number_reversed(parts: Iterable[LexborHTMLParser | LexborNode]) -> None:
    """Give reversed lists the number they begin with: how many items they have."""
    for node in [node for part in parts for node in part.css("ol[reversed]:not([start])")]:
        node.attrs["start"] = str(sum(1 for child in node.iter() if child.tag == "li"))


def _main_content(tree: LexborHTMLParser) -> list[list[LexborNode]]:
    from archiver.watch.extract.main_content import main_content

    roots = main_content(tree)
    select.unlink(roots.removed)
    return [[node] for node in roots.nodes]
