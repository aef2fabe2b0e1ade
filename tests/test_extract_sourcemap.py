"""From characters of the text back to bytes of the content, and forward again."""

from __future__ import annotations

import html
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import FormatError
from archiver.watch.extract.alongside import followed
from archiver.watch.extract.sourcemap import trace
from archiver.watch.extract.text_1 import read
from archiver.watch.extract.words import collapsed
from archiver.watch.reading import PageRules, Source, Trace
from tests.test_extract_pdf import pdf

URL = "https://example.org/terms"
RULES = PageRules(("body",), ("nav",))


def page(text: str, charset: str = "utf-8") -> Source:
    return Source(URL, text.encode(charset), f"text/html; charset={charset}")


def bytes_of(source: Source, words: str, rules: PageRules = RULES) -> list[bytes]:
    """Return the bytes that the first occurrence of some words comes from."""
    text = read([source], [rules]).text
    start = text.index(words)
    found = trace([source], [rules], start, start + len(words))
    assert all(each.part == 0 and each.page is None for each in found)
    return [source.content[each.start : each.end] for each in found]


@pytest.mark.parametrize(
    ("body", "words", "expected"),
    [
        ("<p>The quick fox</p>", "quick", [b"quick"]),
        ("<p>The quick fox", "quick fox", [b"quick fox"]),
        ("<p>The  quick\n <!-- x -->fox", "quick fox", [b"quick", b"fox"]),
        ("<p>a<b>bc</b>d", "bc", [b"bc"]),
        ("<p>a<b>bc</b>d", "abcd", [b"a", b"bc", b"d"]),
        ("<p>one</p><p>two", "one\ntwo", [b"one", b"two"]),
        ("<p>A &amp; B&eacute;&#x2019;s", "& Bé’s", [b"&amp; B&eacute;&#x2019;s"]),
        ("<p>&ampx &notit; &", "&x ¬it; &", [b"&ampx &notit; &"]),
        ("<p>soft&shy;en\u200bed", "softened", ["soft&shy;en\u200bed".encode()]),
        ("<p>e\u0301te\u0301 o&#x308;l", "été öl", ["e\u0301te\u0301 o&#x308;l".encode()]),
        ("<p>e<b>\u0301</b>x", "éx", [b"e", b"x"]),
        ("<ol start=4><li>four", "4. four", [b"four"]),
        ("<table><tr><td>a<td>b", "| a | b |", [b"a", b"b"]),
        ("<table>stray<tr><td>x", "stray\nx", [b"stray", b"x"]),
        ("<p>1<nav>1</nav><p>1<p>2", "1\n2", [b"1", b"2"]),
        ("<script>one</script><p title=one>two<p>one", "one", [b"one"]),
        ("<p>See <img alt=\"a &quot;logo&quot;\">!", 'a "logo"!', [b"a &quot;logo&quot;", b"!"]),
        ("<img alt=a&ampb title=x>", "a&ampb", [b"a&ampb"]),
        ("<xmp>a &amp; <b></xmp>", "&amp; <b>", [b"&amp; <b>"]),
        ("<p>\ue000x\U000f0000\U00100000y&#xf0000;z", "xyz", ["x\U000f0000\U00100000y&#xf0000;z".encode()]),
        ("<p>x\x00y\r\nz", "xy z", [b"x\x00y\r\nz"]),
        ("<p>می\u200cخواهم x", "می\u200cخواهم", ["می\u200cخواهم".encode()]),
        ("<svg><title>no</title></svg><textarea>no</textarea><p>no", "no", [b"no"]),
        ("<pre>\none\n  two&#10;three</pre>", "one\ntwo\nthree", [b"one", b"two", b"three"]),
        ("<xmp>one\ntwo</xmp><p>x\ny", "two\nx y", [b"two", b"x\ny"]),
        ("<svg><script><p>no</p></script></svg>", "no", [b"no"]),
        ("<svg><desc><style><p>no</style></desc></svg>yes", "yes", [b"yes"]),
        ("a<plaintext>b &amp; <i>", "b &amp; <i>", [b"b &amp; <i>"]),
    ],
)  # fmt: skip
def test_words_come_from_their_bytes(body: str, words: str, expected: list[bytes]) -> None:
    assert bytes_of(page(body), words) == expected


def test_the_right_one_of_equal_words_is_found() -> None:
    source = page("<p>fee</p><nav>fee</nav><div><b>fee</b> and fee</div>")
    text = read([source], [RULES]).text
    assert text == "fee\nfee and fee\n"
    starts = [trace([source], [RULES], at, at + 3)[0].start for at in (0, 4, 12)]
    assert starts == [source.content.index(b"fee"), source.content.index(b"fee</b>"), source.content.rindex(b"fee")]


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_bytes_are_those_of_the_content_not_of_unicode(charset: str) -> None:
    source = page("<p>Über große Entgelte</p>", charset)
    assert bytes_of(source, "große") == ["große".encode("utf-16-le" if charset == "utf-16" else charset)]


def test_an_address_hidden_by_the_network_comes_from_what_stands_for_it() -> None:
    source = page("<p>Mail <a data-cfemail=422f27022d30256c2d3025>[email&#160;protected]</a> now")
    text = read([source], [RULES]).text
    found = trace([source], [RULES], 0, len(text))
    assert [(source.content[each.start : each.end], each.exact) for each in found] == [
        (b"Mail", True), (b"[email&#160;protected]", False), (b"now", True),
    ]  # fmt: skip


def test_parts_are_told_apart() -> None:
    sources = [page("<p>one two"), page("<p>three four")]
    found = trace(sources, [RULES, RULES], 4, 13)
    assert [(each.part, sources[each.part].content[each.start : each.end]) for each in found] == [
        (0, b"two"),
        (1, b"three"),
    ]


def test_nothing_has_no_trace() -> None:
    source = page("<p>one two")
    assert trace([source], [RULES], 3, 3) == trace([source], [RULES], 3, 4) == trace([source], [RULES], 900, 990) == ()


def test_a_text_that_was_read_otherwise_is_refused() -> None:
    lines = ["quite another text than the one that is said to be its source"] * 3
    with pytest.raises(FormatError):
        list(followed("Some words.", lines, [(0, 11)] * 3, markdown=False))


def follow(source: str, line: str, *, markdown: bool) -> list[str]:
    (places,) = followed(source, [line], [(0, len(source))], markdown=markdown)
    assert len(places) == len(line)
    return [source[place[0] : place[1]] for place in places if place]


def test_a_line_of_plain_text_is_followed() -> None:
    source = "1. of  the\n\tterms: * fees *\u00ad e\u0301"
    assert follow(source, "1. of the terms: * fees * é", markdown=False) == [*"1.oftheterms:*fees*", "e\u0301"]


def test_a_line_of_markdown_is_followed() -> None:
    source = "* See [the _fees_](https://e.org/fees) &amp; 1\\. ~~fees~~"
    assert follow(source, "- See the fees & 1. fees", markdown=True) == [*"Seethefees", "&amp;", *"1.fees"]
    (places,) = followed(source, ["- See the fees & 1. fees"], [(0, len(source))], markdown=True)
    assert places[-4] == (source.rindex("fees"), source.rindex("fees") + 1)


def test_plain_text_and_markdown_are_traced() -> None:
    plain = Source(URL, "Über uns\n\nDie Gebühr gilt.\n\nDie Gebühr ".encode("latin-1"), "text/plain; charset=latin1")
    assert bytes_of(plain, "Gebühr") == ["Gebühr".encode("latin-1")]
    markdown = Source(URL, b"# Fees\n\nSee **the [fees](/fees)** &amp; more.\n\n* one\n* two\n", "text/markdown")
    assert bytes_of(markdown, "the fees & more") == [b"the [fees](/fees)** &amp; more"]
    assert bytes_of(markdown, "one\n- two") == [b"one", b"two"]


def test_a_pdf_is_traced_to_its_pages() -> None:
    content = pdf([[(72, 700, 12, "F1", "The first page.")], [(72, 700, 12, "F1", "The second page.")]])
    source = Source(URL, content, "application/pdf")
    text = read([source], [PageRules()]).text
    at = text.index("second")
    assert trace([source], [PageRules()], at, at + 6) == (Trace(0, 0, len(content), exact=False, page=2),)
    assert [each.page for each in trace([source], [PageRules()], 0, len(text))] == [1, 2]


words = st.text(string.ascii_letters + " \n\t.,<>&;'\"\u00a0\u00ad\u0301\u200bé中", max_size=15)
written = (
    words.map(html.escape)
    | words
    | st.sampled_from(["&eacute;", "&#x301;", "&nbsp;", "&hellip", "\r\n", "<!-- c -->", "&#0;"])
)
tree = st.recursive(
    written,
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag.split()[0]}>",
        st.sampled_from(
            """p/div/b/i/a/ul/ol/li/table/tr/td/pre/h2/blockquote/script/style/title/textarea/select/svg/nav/template
            /noscript/button/p hidden/ol start=7/a href="<b>"/img alt='a &lt; b'""".replace("\n", "").split("/")
        ),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)  # fmt: skip


LETTERS = set(string.ascii_letters)


@given(tree, st.data())
def test_what_the_bytes_say_is_what_the_text_says(body: str, data: st.DataObject) -> None:
    source = page(body)
    reading = read([source], [RULES])
    text = reading.text
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    while start > 0 and unicodedata.combining(text[start : start + 1] or " "):
        start -= 1
    while unicodedata.combining(text[end : end + 1] or " "):
        end += 1
    found = trace([source], [RULES], start, end)
    said = [_shown(source.content[each.start : each.end].decode()) for each in found if each.exact]
    assert all(0 <= each.start < each.end <= len(source.content) for each in found)
    wanted = "".join(text[start:end].split())
    position = 0
    for piece in said:
        letters = "".join(piece.split())
        at = wanted.find(letters, position)
        assert at >= 0, (piece, wanted)
        # Between the pieces stands nothing but what was added.
        assert not set(wanted[position:at]) & LETTERS, (wanted, said)
        position = at + len(letters)
    assert not set(wanted[position:]) & LETTERS, (wanted, said)


def _shown(source: str) -> str:
    return unicodedata.normalize("NFC", collapsed(html.unescape(source)))
