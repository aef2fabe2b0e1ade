"""HTML as lines: what a reader of the page reads, block by block, whatever the bytes around it."""

from __future__ import annotations

import string
from pathlib import Path
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.extract.addresses import Addresses
from archiver.watch.extract.document import Document
from archiver.watch.extract.html import read_html
from archiver.watch.extract.text_1 import NAME, read
from archiver.watch.reading import Link, PageRules, PageSigns, Source

PAGES = Path(__file__).parent / "vectors" / "gate"
URL = "https://example.org/legal/terms"


def document(body: str, *select: str, remove: tuple[str, ...] = ()) -> Document:
    return read_html(body, URL, PageRules(select or ("body",), remove))[0]


def lines(body: str, *select: str) -> list[str]:
    return list(document(body, *select).lines)


def signs(html: str) -> PageSigns:
    return read_html(html, URL, PageRules(("body",)))[1]


BLOCKS = {
    "<h1>Terms <div>of</div> Use</h1><h6>Small</h6>": ["# Terms of Use", "###### Small"],
    "<p>One\n  two&nbsp; three</p>four": ["One two three", "four"],
    "<p>one<br>two<br/><br/>three": ["one", "two", "three"],
    "<ul><li>a<ul><li>b<p>c</ul><li>d</ul>": ["- a", "  - b", "c", "- d"],
    "<ol start=3><li>a<li value=7>b<li>c</ol>": ["3. a", "7. b", "8. c"],
    "<ol reversed><li>a<li>b<li>c</ol>": ["3. a", "2. b", "1. c"],
    "<ol reversed start=9><li>a<li>b</ol>": ["9. a", "8. b"],
    "<ol type=a><li>x</ol><ol type=I><li>y</ol>": ["1. x", "1. y"],
    "<ol start=x><li value=1e9>a</ol>": ["1. a"],
    "<ol><li><h2>Scope</h2>text<li><p>More</ol>": ["## 1. Scope", "text", "2. More"],
    "<ul><li><h2>Scope</h2></ul><li>stray": ["## Scope", "- stray"],
    "<dl><dt>Term<dd>Meaning</dl>": ["Term", "Meaning"],
    "<blockquote><p>said</p>again<ul><li>item</ul></blockquote>after": ["> said", "> again", "- item", "after"],
    "<pre>one  1\n  two\n\nthree</pre>": ["one 1", "two", "three"],
    "<xmp class=a>x <b> &amp;</xmp>": ["x <b> &amp;"],
    "<p>a<plaintext>b <i>": ["a", "b <i>"],
    "<details><summary>More</summary><p>text</details>": ["More", "text"],
    "<p>wor<b>d</b>s<span>!</span></p>": ["words!"],
    "<p>See <img alt='the  logo' src=x> and <img src=y>.</p>": ["See the logo and ."],
    "<h2><button>Question?</button></h2><p>Press <button>here</button>": ["## Question?", "Press here"],
    "<p>a<select><option>English</select><textarea>t</textarea><input value=v></p>": ["a"],
    "<p>a<script>b</script><style>c</style><noscript>d</noscript><template>e</template><svg><text>f</text></svg>": [
        "a"
    ],
    "<p>a<iframe>b</iframe><object>c</object><!-- d --><?e?><video>f</video></p>": ["a"],
    "<p>a<!-- <p>b</p> > -->c<!---->d<!-->e</p>": ["acde"],
    "<p>a<b<i>b</b<i><a x<y=1 href=z<w>c": ["abc"],
    "<p>a<x<xmp>b <c</xmp>d": ["ab d"],
    "<xmp>a<</xmp><xmp><!--b</xmp><xmp></xmpx></xmp>": ["a<", "<!--b", "</xmpx>"],
    "<plaintext>a</plaintext>b": ["a</plaintext>b"],
    "<table><td>c</td><plaintext>a</plaintext>b": ["a</plaintext>b", "c"],
    "<table><td>c<map>d</td><plaintext>a</plaintext>b": ["a</plaintext>b", "c"],
    "a<map><xmp></map></xmp>b</map>c<map>d<!-- </map> -->e</map>f": ["acf"],
    "<p>10<sup>2</sup> &lt;b&gt; &amp;amp; &copy;": ["102 <b> &amp; ©"],
}


@pytest.mark.parametrize("body", BLOCKS)
def test_blocks(body: str) -> None:
    assert lines(body) == BLOCKS[body]


TABLES = {
    "<table><caption>C</caption><tr><th>a<th>b<tr><td>1<td>2</table>": ["C", "| a | b |", "| 1 | 2 |"],
    "<table><tr><td>a<br>b<td><td>c</table>": ["| a b | | c |"],
    "<table><tr><td><p>one</p><td><p>two</p></table>": ["| one | two |"],
    "<table><tr><td><h1>Only</h1><p>one cell</table>": ["# Only", "one cell"],
    "<table><tr><td><p>a<p>b<td>c<tr><td>d<td>e</table>": ["a", "b", "c", "| d | e |"],
    "<table><tr><td>a<td><ul><li>x<li>y</ul></table>": ["a", "- x", "- y"],
    "<table><tr><td><table><tr><td>in<td>side</table><td>out</table>": ["| | in | side | | out |"],
    "<table><tr><td> <td>&nbsp;</table>": [],
}


@pytest.mark.parametrize("body", TABLES)
def test_tables(body: str) -> None:
    assert lines(body) == TABLES[body]


def test_lists_beyond_the_last_level_are_not_indented_further() -> None:
    deep = lines("<ul><li>x" * 40)
    assert deep[2] == "    - x"
    assert deep[39] == deep[11] == f"{'  ' * 11}- x"


def test_tables_within_tables_without_end_are_read_as_blocks() -> None:
    assert lines("<table><tr><td>x<td>" * 60).count("x") == 60


def test_links_have_their_words_and_their_absolute_address() -> None:
    found = document(
        """<p>See <a href=" /privacy?a=1&amp;b=2#c\n">the <b>privacy</b>
        notice</a>, <a name=x>no link</a>, <a href="#top"><svg></svg></a> <a href="mailto:me@example.org">mail</a>
        <a href="//other.example/x">x</a> <a href="http://[broken">y</a></p>
        <a href="b"><div>one</div><div>two</div></a>"""
    )
    assert found.links == (
        Link(0, "the privacy notice", "https://example.org/privacy?a=1&b=2#c"),
        Link(0, "mail", "mailto:me@example.org"),
        Link(0, "x", "https://other.example/x"),
        Link(0, "y", "http://[broken"),
        Link(1, "one", "https://example.org/legal/b"),
        Link(2, "two", "https://example.org/legal/b"),
    )


def test_links_of_rows_and_flattened_cells_stand_on_their_line() -> None:
    found = document(
        "<p>0<table><tr><td><a href=a>a</a><td>b<tr><td><p>c<p><a href=d>d</a><td>e</table><a href=f>f</a>"
    )
    assert found.lines == ("0", "| a | b |", "c", "d", "e", "f")
    assert [(link.line, link.words) for link in found.links] == [(1, "a"), (3, "d"), (5, "f")]


BASES = ["https://e.org", "https://e.org/a/b?c=/d#e", "http://e.org/a/", "file:///x/y", "", "mailto:x", "http://[x"]


@given(st.sampled_from(BASES), st.text("ab./?#:;=-_%~ é", max_size=8))
def test_addresses_are_made_absolute_as_the_standard_library_does(base: str, address: str) -> None:
    found = read_html(f'<a href="{address}">x</a>', base, PageRules(("body",)))[0]
    try:
        expected = urljoin(base, address.strip())
    except ValueError:
        expected = address.strip()
    assert found.links[0].target.replace("?#", "#").rstrip("#?;") == expected.replace("?#", "#").rstrip("#?;")


def test_links_are_relative_to_the_base_of_the_page() -> None:
    assert document("<base href='/de/'><a href=x>x</a>").links[0].target == "https://example.org/de/x"


@pytest.mark.parametrize("key", range(1, 256, 17))
def test_an_address_hidden_by_the_network_is_read(key: int) -> None:
    code = bytes([key, *(key ^ byte for byte in b"law@example.org")]).hex()
    shown = "[email&#160;protected]"
    found = document(
        f"""<p>Mail <a href="/cdn-cgi/l/email-protection" class="__cf_email__" data-cfemail="{code}">{shown}
        </a> or <a href="/cdn-cgi/l/email-protection#{code}"><span data-cfemail="{code}">[email protected]</span></a>
        or <a href="/cdn-cgi/l/email-protection#{code}">us</a>."""
    )
    assert found.lines == ("Mail law@example.org or law@example.org or us.",)
    assert [link.target for link in found.links] == ["mailto:law@example.org"] * 3
    assert [link.words for link in found.links] == ["law@example.org", "law@example.org", "us"]


@pytest.mark.parametrize("code", ["", "zz", "42", "4", "42ff"])
def test_a_code_that_hides_no_address_is_left_alone(code: str) -> None:
    assert lines(f"<p>a <span data-cfemail='{code}'>b</span> c") == ["a b c"]


PROSE = " ".join(["word"] * 20)


@pytest.mark.parametrize("how", ["hidden", "style='color:red;display: none'", "hidden=hidden", "style=display:none"])
def test_hidden_labels_are_left_out_and_closed_panels_are_read(how: str) -> None:
    assert lines(f"<p>a<span {how}>Copied!</span> b") == ["a b"]
    assert lines(f"<p>a</p><div {how}>{PROSE}</div>") == ["a", PROSE]
    assert lines(f"<p>a</p><div {how} role=dialog>{PROSE}</div>") == ["a"]
    assert lines(f"<div id=x {how}>Chosen</div>", "#x") == ["Chosen"]


@pytest.mark.parametrize("body", ["<dialog>{}</dialog>", "<div popover>{}</div>", "<div hidden role=menu>{}</div>"])
def test_what_waits_to_pop_up_is_left_out(body: str) -> None:
    assert lines("<p>a</p>" + body.format(PROSE)) == ["a"]


@pytest.mark.parametrize("body", ["<p aria-hidden=true>a", "<dialog open>a</dialog>", "<p hidden=until-found>a"])
def test_what_is_in_sight_is_read(body: str) -> None:
    assert lines(body) == ["a"]


NOISE = {
    "nonce and token": '<script nonce="{0}">token="{0}"</script><input type=hidden name=csrf value="{0}">',
    "classes and identifiers": '<span id="r-{0}" class="css-{0}" data-key="{0}"></span>',
    "comments": "<!-- built {0} -->",
    "images without words": '<img src="/i/{0}.png">',
    "invisible characters": "\u200b\ufeff&shy;&#8288;",
    "private use": "<i class=icon>\ue001&#xf101;</i>",
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_what_changes_at_each_visit_never_reaches_the_text(noise: str) -> None:
    def page(value: str) -> Document:
        return document(
            f"<main class='{value}'><p>The{noise.format(value)} terms</p>{noise.format(value)}</main>", "main"
        )

    assert page("a1").lines == page("b2").lines == document("<p>The terms</p>").lines


def test_the_form_of_letters_and_spaces_does_not_count() -> None:
    assert lines("<p>Ge\u0301ne\u0301ral\u2003terms") == lines(
        "<p>G&eacute;n<b>&eacute;</b>ral\n<!-- -->&#160;terms</p>\r\n"
    )


def test_joiners_are_spelling_in_some_scripts_and_noise_in_others() -> None:
    assert lines("<p>ter\u200cms \u200d می\u200cخواهم") == ["terms می\u200cخواهم"]


def test_what_the_rules_remove_is_gone_before_anything_is_chosen() -> None:
    found = document("<main><h1>T</h1><nav>menu</nav><p>a</p></main>", "main", remove=("nav", "main > h1", ".none"))
    assert found.lines == ("a",)
    assert not found.problems


def test_a_selector_that_matches_nothing_is_named() -> None:
    found = document("<p>a</p>", "p", "#gone")
    assert found.lines == ("a",)
    assert [(problem.code, "#gone" in problem.detail) for problem in found.problems] == [("selector_missing", True)]


def test_signs_of_a_page() -> None:
    found = signs(
        f"""<html lang=de-AT><head><title> Terms &amp;\n Co </title><link rel=canonical href=/t>
        <meta http-equiv=Refresh content="5; URL='/next'"><script>var a = 1;</script></head>
        <body><noscript><p>Please enable <b>JavaScript</b></p></noscript>
        {"".join(f"<h2>Head <i>{n}</i></h2>" for n in range(12))}<p>Grüße<style>x{{}}</style></p>
        <div style="display:none">unseen</div><input type=PASSWORD></body>"""
    )
    assert (found.url, found.media_type, found.charset) == (URL, "text/html", "utf-8")
    assert (found.title, found.declared_language) == ("Terms & Co", "de-AT")
    assert found.headings == tuple(f"Head {n}" for n in range(10))
    assert (found.canonical, found.refresh) == ("https://example.org/t", "https://example.org/next")
    assert (found.password_fields, found.script_bytes, found.page_words) == (1, 10, 25)
    assert found.noscript == "Please enable JavaScript"
    assert found.opening.startswith("Head 0 Head 1") and found.opening.endswith("Head 11 Grüße")


@pytest.mark.parametrize("content", ["600; url=/x", "5", "x; url=/x", ""])
def test_a_page_that_leads_nowhere_soon_has_no_refresh(content: str) -> None:
    assert signs(f'<meta http-equiv=refresh content="{content}">').refresh is None


def test_signs_are_bounded() -> None:
    script = f"<script>{'s' * 200_000}</script>"
    found = signs(
        f"{script}<title>{'t' * 9999}</title><h1>{'h' * 9999}</h1><noscript>{'n ' * 9999}</noscript>{'word ' * 9999}"
    )
    assert len(found.title) == len(found.headings[0]) == 500
    assert (len(found.noscript) <= 500, len(found.opening) <= 4000, found.page_words) == (True, True, 4000)
    assert found.script_bytes == 100_000


def test_parts_follow_one_another() -> None:
    sources = [
        Source(URL, b"<p>a <a href=x>x</a>", "text/html"),
        Source("https://e.org/", b"<p>b <a href=y>y</a>", None),
    ]
    found = read(sources, [PageRules(("p",)), PageRules(("p",))])
    assert found.normaliser == NAME == "text/1"
    assert found.lines == ("a x", "b y")
    assert [(link.line, link.target) for link in found.links] == [
        (0, "https://example.org/legal/x"),
        (1, "https://e.org/y"),
    ]
    assert [sign.url for sign in found.signs] == [URL, "https://e.org/"]


def test_the_charset_is_that_of_the_answer() -> None:
    found = read([Source(URL, "<p>Grüße".encode("latin-1"), "text/html; charset=iso-8859-1")], [PageRules(("p",))])
    assert found.lines == ("Grüße",)


def test_bytes_that_are_no_text_in_any_charset_are_a_problem() -> None:
    content = b"<p>\xff\xfe\x81" * 200
    found = read([Source(URL, content, "text/html; charset=utf-8")], [PageRules(("p",))])
    assert [problem.code for problem in found.problems] == ["undecodable"]


def test_what_is_no_text_is_unreadable() -> None:
    found = read([Source(URL, b"\x89PNG", "image/png")], [PageRules()])
    assert (found.lines, [problem.code for problem in found.problems]) == ((), ["unreadable"])


markup = st.recursive(
    st.text(string.ascii_letters + " <>&\"'=/!-\x00\n\u00a0\u0301\u200b\ue000é", max_size=12)
    | st.sampled_from(["&amp", "&#0;", "&#xd800;", "<br>", "<!--", "-->", "<![CDATA[", "<p", "</", "<a href='"]),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag.split()[0]}>",
        st.sampled_from(
            """p/div/b/a/ul/ol/li/table/tr/td/pre/h2/blockquote/svg/math/select/script/title/textarea/template/style/noscript
            /plaintext/xmp/form/button/option/dl/dd/caption/frameset/head/body/html/foreignObject/a href=x/ol start=5
            /div hidden/p style='display:none'/span data-cfemail=422f27022d""".replace("\n", "").split("/")
        ),
        st.lists(inner, max_size=4),
    ),
    max_leaves=25,
)


@given(markup)
def test_any_page_gives_well_formed_lines(html: str) -> None:
    found = read([Source(URL, html.encode(), "text/html")], [PageRules(("html",), ("select",))])
    for line in found.lines:
        content = line.lstrip(" ")
        assert content == " ".join(content.split())
        assert content
        assert not any(character in line for character in "\n\x00\u200b\ue000")
    assert all(0 <= link.line < len(found.lines) and link.words for link in found.links)


@given(
    st.binary(max_size=200),
    st.sampled_from(["text/html", None, "", "text/html; charset=utf-16", "application/xhtml+xml"]),
)
def test_no_bytes_raise(content: bytes, content_type: str | None) -> None:
    read([Source(URL, b"<" + content, content_type)], [PageRules(("*", '{"startBefore": "p", "endAfter": "b"}'))])


OFTEN = [
    *(
        "../x",
        "../../x/y?z",
        "../../../x",
        "../x/../y",
        "/x",
        "/x/y/",
        "/x/../y",
        "//h/x",
        "x",
        "x/y#z",
        "./x",
        "?q",
        "#f",
    ),
    *("/", "..", "../", "/-x", "x:y", "https://h/x", "mailto:a@b", "/x;y", "a/b/"),
]


@pytest.mark.parametrize(
    "base", [*BASES[:3], "https://e.org:8080/a/b/c/d", "https://e.org/a//b/", "https://e.org/a/./b/../c"]
)
@pytest.mark.parametrize("address", OFTEN)
def test_common_addresses_are_made_absolute_as_the_standard_library_does(base: str, address: str) -> None:
    assert Addresses(base).absolute(address) == urljoin(base, address)


def test_what_is_removed_first_is_gone_for_what_is_removed_next() -> None:
    page = "<h1>H</h1><p class=x>one</p><p>two</p><p>three</p>"
    assert document(page, remove=("p.x", "p:first-of-type")).lines == ("# H", "three")
    assert document(page, remove=("p.x", "h1 + p")).lines == ("# H", "three")
    assert document(page, remove=("p.x", "h1", "p.x")).lines == ("two", "three")
    assert document(page, remove=("p.x", "p:::", "h1")).lines == ("two", "three")


HIDING = b"""<head><base href=/elsewhere/></head><body><main><p>Shown <a href=x>link</a></p><p hidden>Label</p>
<div hidden>Three short words<script>%b</script></div><div hidden><p>%b</p></div><svg><text>drawn</text></svg></main>
<dialog>Menu</dialog></body>""" % (b"var a = 1; " * 40, b"word " * 40)


@pytest.mark.parametrize(
    "rules", [PageRules(), PageRules(("main",)), PageRules(("p", "div")), PageRules(("body",), ("p",))]
)
def test_what_is_hidden_and_where_links_lead_is_the_same_without_the_signs(rules: PageRules) -> None:
    source = Source(URL, HIDING, "text/html")
    whole, bare = read([source], [rules]), read([source], [rules], signed=False)
    assert (bare.lines, bare.links) == (whole.lines, whole.links)
    assert not any("short words" in line or "Label" in line for line in whole.lines) or rules.select == ("p", "div")
    assert all(link.target == "https://example.org/elsewhere/x" for link in whole.links)


@pytest.mark.parametrize("page", sorted(PAGES.glob("*/*.html")), ids=lambda page: page.stem)
def test_the_text_is_the_same_without_the_signs(page: Path) -> None:
    """What only the gate looks at plays no part in the text."""
    source = Source(URL, page.read_bytes(), "text/html")
    for rules in (PageRules(), PageRules(("body",)), PageRules(("main", "p"), ("nav", "h2"))):
        whole, bare = read([source], [rules]), read([source], [rules], signed=False)
        assert (bare.lines, bare.links, bare.problems) == (whole.lines, whole.links, whole.problems)
        assert [(s.url, s.media_type, s.charset) for s in bare.signs] == [
            (s.url, s.media_type, s.charset) for s in whole.signs
        ]
