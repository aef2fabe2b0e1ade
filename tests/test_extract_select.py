"""Selectors and ranges: what they choose of a page, and what is refused when a watch entry is made."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UsageError
from archiver.watch.extract.html import read_html
from archiver.watch.extract.select import MAX_DEPTH, MAX_SELECTOR, checked_selector
from archiver.watch.reading import PageRules

PAGE = """<header>H</header><main><h1>A</h1><p class=x>b <b class=x>c</b></p>
<ul><li id=i>d</li><li>e</li><li>f</li></ul><p>g</p></main><footer>F</footer>"""


def chosen(*select: str, remove: tuple[str, ...] = (), page: str = PAGE) -> list[str]:
    return list(read_html(page, "https://example.org/", PageRules(select, remove))[0].lines)


def span(**bounds: str) -> str:
    return json.dumps(bounds)


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (("h1",), ["# A"]),
        (("footer", "h1"), ["# A", "F"]),
        ((".x",), ["b c"]),
        (("p", "main", "li"), ["# A", "b c", "- d", "- e", "- f", "g"]),
        (("p, h1",), ["# A", "b c", "g"]),
        (("li:nth-child(2)",), ["- e"]),
        (("ul:has(#i)",), ["- d", "- e", "- f"]),
        (("b:not(p)",), ["c"]),
        (("nav",), []),
    ],
)
def test_selectors_choose_in_document_order_and_nothing_twice(select: tuple[str, ...], expected: list[str]) -> None:
    assert chosen(*select) == expected


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"startBefore": "h1", "endBefore": "ul"}, ["# A", "b c"]),
        ({"startAfter": "h1", "endAfter": "ul"}, ["b c", "- d", "- e", "- f"]),
        ({"startAfter": "h1", "endBefore": "li:nth-child(3)"}, ["b c", "- d", "- e"]),
        ({"startBefore": "#i", "endAfter": "footer"}, ["- d", "- e", "- f", "g", "F"]),
        ({"startBefore": "main", "endBefore": "b"}, ["# A", "b"]),
        ({"startAfter": "b", "endAfter": "#i"}, ["- d"]),
        ({"startBefore": "main", "endAfter": "main"}, ["# A", "b c", "- d", "- e", "- f", "g"]),
        ({"startAfter": "ul", "endAfter": "main"}, ["g"]),
        ({"startAfter": "header", "endAfter": "body"}, ["# A", "b c", "- d", "- e", "- f", "g", "F"]),
        ({"startAfter": "main", "endBefore": "h1"}, []),
        ({"startBefore": "footer", "endAfter": "header"}, []),
        ({"startBefore": "li", "endBefore": "main"}, []),
        ({"startAfter": "main", "endAfter": "h1"}, []),
        ({"startBefore": "nav", "endAfter": "h1"}, []),
        ({"startBefore": "h1", "endAfter": "nav"}, []),
    ],
)
def test_a_range_is_everything_between_its_bounds(bounds: dict[str, str], expected: list[str]) -> None:
    assert chosen(span(**bounds)) == expected
    rest = [line for line in chosen("body") if line not in expected]
    if "b" not in expected:  # all but the case in which a bound lies within a line
        assert chosen("body", remove=(span(**bounds),)) == rest


def test_ranges_and_selectors_together_keep_the_order_of_the_page() -> None:
    between = span(startAfter="h1", endBefore="li:nth-child(2)")
    assert chosen("footer", between, "header") == ["H", "b c", "- d", "F"]
    assert chosen(between, "p") == ["b c", "- d", "g"]
    assert chosen(between, between, "b") == ["b c", "- d"]
    assert chosen(span(startBefore="ul", endAfter="p:last-child"), "main") == chosen("main")


def test_text_next_to_elements_belongs_to_a_range() -> None:
    page = "<div><h1>A</h1>one <b>two</b> three<hr>four</div>"
    assert chosen(span(startAfter="h1", endBefore="hr"), page=page) == ["one two three"]


def test_a_removed_element_inside_a_removed_element_is_no_trouble() -> None:
    assert chosen("main", remove=("ul", "li", "#i", "main ul", "p")) == ["# A"]
    assert chosen("main", remove=("main",)) == []


@pytest.mark.parametrize(
    "everything", ["html", ":root", "*", "html, body", '{"startBefore": "html", "endAfter": "html"}']
)
def test_a_page_of_which_all_is_removed_is_empty(everything: str) -> None:
    assert chosen(remove=(everything,)) == chosen("main", remove=(everything,)) == []


VALID = [
    "main", "#content > p.x", "a[href^='/x']", "div:not(.a, .b) ~ p", ":is(h1, h2)", "p:nth-of-type(2n+1)",
    "#\\31 a", "a[href='x' i]", "ul:has(> li)", "body > header + section", '[data-x="("]', "/* note */ p",
    '[role="main"]', "a[href$='[x].svg']", "*", ":root", "div.a\\:b", "é",
]  # fmt: skip


@pytest.mark.parametrize("selector", VALID)
def test_selectors_that_are_taken(selector: str) -> None:
    checked_selector(selector)


INVALID = [
    "", "  ", "div >", "> p", "p,", ",p", "p,,q", "div:not(", "[a", "[a=", "[a='x", "[a='x'", "p)", "(]", "a]",
    "p /* c", "p\\", "p::before", "//p", "p:contains(x)", "[a!=x]", "[data-x=1]", "p:hover", "p:ACTIVE", "a || b",
    "p{", "p;", "p\x00", "p\ud800", "#", ".", "a..b", "1a", ":foo", ":nth-child(x)", "'main'", '"',
    "p" * (MAX_SELECTOR + 1), ":not(" * (MAX_DEPTH + 1) + "p" + ")" * (MAX_DEPTH + 1),
    "{", "{}", "{1}", "{}x", '{"startBefore": "h1"}', '{"startBefore": "h1", "endAfter": 3}', '{"a": "b", "c": "d"}',
    '{"startBefore": "h1", "startAfter": "h1", "endAfter": "p"}', '{"startBefore": "h1", "endAfter": "p:hover"}',
    '{"startBefore": ">", "endAfter": "p"}', '{"startBefore": "h1", "endAfter": "p", "x": "y"}', "{" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("selector", INVALID, ids=lambda selector: repr(selector[:40]))
def test_selectors_that_are_refused(selector: str) -> None:
    with pytest.raises(UsageError):
        checked_selector(selector)
    assert chosen(selector) == []
    assert chosen("main", remove=(selector,)) == chosen("main")


def test_a_range_that_is_taken() -> None:
    checked_selector(' {"startBefore": "h1", "endAfter": "[role=\'main\']"}')


@given(st.text("ab.#:[]()'\"\\>+~,*|= {}/nthchildofnotis1-\n\u00e9", max_size=30))
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    try:
        checked_selector(text)
    except UsageError:
        return
    chosen(text)


def _unnested(depth: int) -> str:
    return "".join(f"<div class=c{n % 3}>{n}" for n in range(depth))


@pytest.mark.parametrize("depth", [1, 2, 500])
def test_elements_within_one_another_are_read_once(depth: int) -> None:
    assert chosen("div", ".c1", page=_unnested(depth)) == [str(n) for n in range(depth)]


@pytest.mark.parametrize("selector", ["p:nth-of-type(2n+1)", "p:NTH-child(2)", "b ~ p", "div:has(b ~ p)"])
def test_selectors_that_count_siblings_have_a_ceiling(selector: str) -> None:
    crowded = f"<main>{'<p>x' * 40_000}</main>"
    for rules in (PageRules((selector,)), PageRules((), (selector,))):
        began = time.monotonic()
        document, _ = read_html(crowded, "https://example.org/", rules)
        assert [problem.code for problem in document.problems] == ["too_large"]
        assert time.monotonic() - began < 5
    assert chosen("p:nth-of-type(2)", page=f"<main>{'<p>x' * 2_000}</main>") == ["x"]
    assert len(read_html(crowded, "https://example.org/", PageRules(("p:first-of-type",)))[0].lines) == 1
