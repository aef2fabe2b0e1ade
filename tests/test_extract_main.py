"""Which elements of a page are the document when nobody has said so."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from archiver.watch.extract.main_content import Roots, main_content
from archiver.watch.extract.page_mass import Page

CLAUSE = (
    "The controller keeps the data of its customers only as long as the contract with them requires it, and no longer."
)
CLAUSES = "".join(f"<h2>Section {n}</h2><p>{CLAUSE} See <a href='/x'>annex {n}</a>.</p>" for n in range(1, 9))


def roots_of(html: str) -> Roots:
    tree = LexborHTMLParser(html)
    roots = main_content(tree)
    assert all(node.parser is not None for node in roots.nodes)
    return roots


def text_of(html: str) -> str:
    """The words of the document as the choice leaves them."""
    tree = LexborHTMLParser(html)
    roots = main_content(tree)
    for node in roots.removed:
        node.decompose()
    tree.strip_tags(["script", "style", "noscript", "template"])
    return " ".join(" ".join(node.text(separator=" ") for node in roots.nodes).split())


def page(document: str, before: str = "", after: str = "") -> str:
    return f"<!doctype html><html><head><title>T</title></head><body>{before}{document}{after}</body></html>"


NAVIGATION = "<nav><ul><li><a href=/a>Products</a><li><a href=/b>Prices</a><li><a href=/c>Careers</a></ul></nav>"
FOOTER = "<footer><p>Acme Ltd, 12 High Street</p><a href=/legal>Legal</a><p>© 2026 Acme</p></footer>"


@pytest.mark.parametrize(
    "document",
    [
        f"<main><h1>Terms</h1>{CLAUSES}</main>",
        f"<div role=main><h1>Terms</h1>{CLAUSES}</div>",
        f"<article><h1>Terms</h1>{CLAUSES}</article>",
        f"<div class=wrapper><div class=row><div class=col><h1>Terms</h1>{CLAUSES}</div></div></div>",
        f"<h1>Terms</h1>{CLAUSES}",
        f"<form id=aspnet><div><h1>Terms</h1>{CLAUSES}</div></form>",
        f"<div class='modal-content'><h1>Terms</h1>{CLAUSES}</div>",
        f"<div class=footer-page id=sidebar><h1>Terms</h1>{CLAUSES}</div>",
        f"<header><h1>Terms</h1>{CLAUSES}</header>",
        f"<table><tr><td><h1>Terms</h1>{CLAUSES}</td></tr></table>",
    ],
)
def test_all_of_the_document_and_nothing_around_it(document: str) -> None:
    text = text_of(page(document, NAVIGATION, FOOTER))
    expected = " ".join(LexborHTMLParser(document).text(separator=" ").split())
    assert text == expected


@pytest.mark.parametrize(
    "clutter",
    [
        "<div class='breadcrumb'><a href=/>Home</a> › Terms</div>",
        "<div class='cookie-consent-banner'><p>We would like to use cookies to improve your experience here.</p></div>",
        "<div id=CookieNotice>We use cookies to improve your experience.<button>Accept all</button></div>",
        "<div><p>This site uses cookies; some cookies are needed for it to work.</p><button>Accept</button></div>",
        "<div class='DocsArticle_share__x7K2p'><a href=//s>Share</a><a href=//t>Post</a></div>",
        "<section class='related-articles'><h2>Read on</h2><a href=/1>How we price our plans today</a></section>",
        "<div class=popularNow><h3>Popular</h3><ul><li><a href=/1>News of 3 May</a><li><a href=/2>More</a></ul></div>",
        "<aside><p>Try our new plan, which is better than all the plans that came before it.</p></aside>",
        "<div class='language-selector'><ul><li>English<li>Deutsch<li>Français</ul></div>",
        "<div><a href=/en>English</a> <a href=/de>Deutsch</a> <a href=/fr>Français</a></div>",
        "<div role=dialog><p>Sign up for the newsletter and be the first to know what is new.</p></div>",
        "<ul class=skip-links><li><a href=#main>Skip to content</a></ul>",
        "<div class='page-feedback'>Was this page helpful? <button>Yes</button><button>No</button></div>",
        "<form><label>Search</label><input></form>",
        "<div class=copy>© 2026 Acme Ltd. All rights reserved.</div>",
        "<script>var shown = 'today';</script><style>p { color: red }</style>",
        "<div class='article-votes'>Was this article helpful? <span>13 out of 25 found this helpful</span></div>",
        "<div class=recently-viewed-articles><h3>Recently viewed</h3><a href=/1>How to pay our bills</a></div>",
        "<select><option>Afrikaans<option>Bosanski</select>",
    ],
)
@pytest.mark.parametrize("claim", ["main", "div"])
def test_what_stands_around_a_document_is_left_out(clutter: str, claim: str) -> None:
    document = f"<{claim}><h1>Terms</h1>{CLAUSES}</{claim}>"
    alone = text_of(page(document))
    assert alone.count(CLAUSE) == 8
    assert text_of(page(document, "", clutter)) == alone
    assert text_of(page(f"<div><div>{document}</div>{clutter}</div>")) == alone


def test_a_table_of_contents_is_left_out() -> None:
    contents = "<div class=x><h4>Contents</h4>" + "".join(f"<a href='#s{n}'>Section {n} of it</a>" for n in range(9))
    document = f"<main><h1>Terms</h1>{contents}</div>{CLAUSES}</main>"
    assert "Section 3 of it" not in text_of(page(document))
    assert text_of(page(document)).count(CLAUSE) == 8


def test_lists_of_links_within_the_text_stay() -> None:
    browsers = "<ul>" + "".join(f"<li><a href='https://b{n}.example/'>Browser {n}</a>" for n in range(6)) + "</ul>"
    document = f"<main><h1>Cookies</h1>{CLAUSES}<p>To refuse cookies:</p>{browsers}{CLAUSES}</main>"
    assert "Browser 4" in text_of(page(document))


@pytest.mark.parametrize(
    "piece",
    [
        "<p>Last updated: 3 May 2026</p>",
        "<div>Effective 3 May 2026</div>",
        "<div class='rating-system'><h3>Ratings</h3><p>How we rate.</p></div>",
        "<h3><button aria-expanded=false>What if I close my account?</button></h3>",
        "<button aria-controls=x>What if I close my account?</button>",
        "<div class='toc-visible:grid md:nav-2 [--menu:1]'><p>Short clause.</p></div>",
        "<div class=unrelated-matters>Other clauses.</div>",
        "<aside><p>In short: we keep your data only as long as we must, and never sell it to anyone.</p></aside>",
        "<footer>Version of 3 May 2026</footer>",
        "<section id=cookie-policy><h2>Cookies</h2><p>Which cookies we use.</p></section>",
    ],
)
def test_small_pieces_within_the_document_stay(piece: str) -> None:
    words = " ".join(LexborHTMLParser(piece).text(separator=" ").split())
    assert words in text_of(page(f"<main><h1>Terms</h1>{piece}{CLAUSES}</main>", NAVIGATION, FOOTER))
    assert words in text_of(page(f"<main><h1>Terms</h1><div>{CLAUSES}</div>{piece}</main>", NAVIGATION, FOOTER))


def test_a_document_in_several_sections_is_taken_whole() -> None:
    sections = "".join(f"<section><h2>Part {n}</h2><p>{CLAUSE}</p><p>{CLAUSE}</p></section>" for n in range(6))
    assert text_of(page(f"<div>{sections}</div>", NAVIGATION, FOOTER)).count(CLAUSE) == 12
    articles = sections.replace("section", "article")
    assert text_of(page(f"<main>{articles}</main>")).count(CLAUSE) == 12


def test_a_small_main_is_not_believed() -> None:
    wrong = "<main><p>Loading the application, please be patient for a while.</p></main>"
    assert text_of(page(f"<div>{CLAUSES}</div>", wrong)).count(CLAUSE) == 8


@pytest.mark.parametrize("names", ["role=dialog", "class=cookie-consent-layer", "id=CookieDialog"])
def test_a_consent_dialogue_longer_than_the_document_is_left_out(names: str) -> None:
    cookies = "".join(
        f"<p>Cookie c{n} of a partner keeps what you saw for {n} days and is no needed one.</p>" for n in range(50)
    )
    dialogue = f"<div {names}><h2>This site uses cookies</h2>{cookies}<button>Allow all cookies</button></div>"
    text = text_of(page(f"<div class=text><h1>Terms</h1>{CLAUSES}</div>", NAVIGATION, dialogue))
    assert (text.count(CLAUSE), text.count("Cookie")) == (8, 0)
    policy = f"<div {names}><h1>Cookie policy</h1>{cookies}<button>Settings</button></div>"
    assert text_of(page(policy, NAVIGATION, FOOTER)).count("Cookie c") == 50


def test_the_title_before_the_document_stays() -> None:
    head = "<div class=hero><h1>Privacy Policy</h1></div>"
    text = text_of(page(f"<div>{head}<article>{CLAUSES}</article></div>", NAVIGATION, FOOTER))
    assert text.startswith("Privacy Policy Section 1")
    with_own = f"<div>{head}<article><h1>Section 0</h1>{CLAUSES}</article></div>"
    assert text_of(page(with_own)).startswith("Privacy Policy Section 0")
    behind = f"<article>{CLAUSES}</article><div><h1>Acme</h1></div>"
    assert text_of(page(behind)).startswith("Section 1")


@pytest.mark.parametrize(
    ("language", "age"),
    [
        ("en", "Updated over a week ago"),
        ("de-CH", "Geändert vor 3 Tagen"),
        ("fr", "Il y a 2 jours"),
        ("es", "Hace una semana"),
    ],
)
def test_how_long_ago_is_no_text(language: str, age: str) -> None:
    aged = f"<main><h1>Terms</h1><div class=byline><span>{age}</span></div>{CLAUSES}</main>"
    assert age not in text_of(page(aged).replace("<html>", f"<html lang={language}>"))
    sentence = "<p>Notice must be given 30 days before, and what was notified two weeks ago has effect.</p>"
    assert "two weeks ago" in text_of(page(f"<main><h1>Terms</h1>{sentence}{CLAUSES}</main>"))


def test_what_changes_outside_changes_nothing() -> None:
    def teasers(day: int) -> str:
        links = "".join(f"<li><a href=/{day}{n}>Story {n} of day {day}, told at length</a></li>" for n in range(9))
        return f"<div class=rail><h3>Popular now</h3><ul>{links}</ul></div><footer>Today is day {day}</footer>"

    document = f"<div class=text><h1>Terms</h1>{CLAUSES}</div>"
    assert text_of(page(document, NAVIGATION, teasers(1))) == text_of(page(document, NAVIGATION, teasers(2)))


@pytest.mark.parametrize("html", ["", "<html></html>", "<body></body>", "plain words", "<frameset><frame></frameset>"])
def test_pages_without_a_document(html: str) -> None:
    roots = roots_of(html)
    assert len(roots.nodes) <= 1
    if html == "plain words":
        assert roots.nodes[0].text() == "plain words"


def _stands_in(node: LexborNode, places: set[int]) -> bool:
    up = node.parent
    while up is not None:
        if up.mem_id in places:
            return True
        up = up.parent
    return False


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            "<div> </div> <p> </p> <ul> <li> </ul> <nav> </nav> <main> </main> <article> </article> <h1>T</h1> "
            "<a_href=#x>link</a> <a_href=/y>other</a> <button>b</button> <form> </form> <footer> </footer> words "
            "<div_class=menu> <section_id=toc> <script>x</script> <table><tr><td> </table> <dialog> <svg>".split()
        ),
        max_size=60,
    )
)
def test_any_page_has_roots_that_stand_apart(pieces: list[str]) -> None:
    tree = LexborHTMLParser("".join(pieces).replace("_", " "))
    roots = main_content(tree)
    chosen = {node.mem_id for node in roots.nodes}
    removed = {node.mem_id for node in roots.removed}
    assert not chosen & removed
    assert all(_stands_in(node, chosen) for node in roots.removed)
    for node in (*roots.nodes, *roots.removed):
        up = node.parent
        while up is not None:
            assert up.mem_id not in removed
            assert node.mem_id not in chosen or up.mem_id not in chosen
            up = up.parent


@settings(max_examples=60)
@given(st.integers(1, 30), st.sampled_from(["div", "section", "article"]), st.integers(0, 5))
def test_no_clause_is_ever_lost(count: int, tag: str, depth: int) -> None:
    inner = "".join(f"<{tag}><h3>{n}</h3><p>{CLAUSE}</p></{tag}>" for n in range(count))
    document = f"{'<div>' * depth}{inner}{'</div>' * depth}"
    assert text_of(page(document, NAVIGATION, FOOTER)).count(CLAUSE) == count


def test_what_is_left_out_counts_neither_as_text_nor_as_links() -> None:
    html = page(f"<div><p>{CLAUSE}</p><ul id=x><li>words <a href=/a>and a link</a></li></ul><a href=/b>stays</a></div>")
    tree = LexborHTMLParser(html)
    assert tree.body is not None
    measured = Page(tree.body)
    assert measured.mass(tree.body) == len(CLAUSE) + len("words")
    measured.leave_out(tree.css("#x")[0])
    outer = tree.css("div")[0]
    for node in (tree.body, outer):  # one was measured before, the other was not
        assert (measured.text(node), measured.linked(node)) == (len(CLAUSE) + len("stays"), len("stays"))
    assert measured.is_out(tree.css("li")[0])
    assert not measured.is_out(outer)


def test_a_page_nested_deeper_than_browsers_nest_is_taken_whole() -> None:
    roots = roots_of(page("<div>" * 600 + "<nav><a href=/>x</a></nav>" + CLAUSES + "</div>" * 600))
    assert ([node.tag for node in roots.nodes], roots.removed) == (["body"], ())


def test_a_tangled_page_ends_in_time_and_whole() -> None:
    deep = "<div>" * 3000 + "<a href=#x>x</a>" * 30_000 + "</div>" * 3000
    begin = time.perf_counter()
    roots = roots_of(page(deep + CLAUSES))
    assert time.perf_counter() - begin < 20
    assert roots.nodes[0].tag == "body"
    assert roots.removed == ()


def test_a_long_page_is_quick() -> None:
    html = page(f"<main>{CLAUSES * 60}</main>", NAVIGATION, FOOTER)
    tree = LexborHTMLParser(html)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        main_content(tree)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.05
