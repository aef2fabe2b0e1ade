"""Pages made to exhaust who reads them: the process survives, and what is beyond a ceiling is said to be."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.watch.extract.html import parsed, read_html
from archiver.watch.extract.ordinary import is_ordinary
from archiver.watch.extract.shape import MAX_BYTES, MAX_DEPTH, MAX_TAGS, excess
from archiver.watch.extract.tokens import BYTES_TAG, TOKEN
from archiver.watch.reading import PageRules

MEMORY = 3 << 30
SECONDS = 60

READ = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
from archiver.watch.extract.text_1 import read
from archiver.watch.reading import PageRules, Source
content = eval(sys.argv[1])
found = read([Source("https://example.org/", content, "text/html")], [PageRules(("body",), ("nav", ".x p"))])
print(len(found.lines), " ".join(problem.code for problem in found.problems))
"""

SURVIVED = {
    "b'<table><tr><td>x' * 1_250_000": "0 too_large",
    "b'<div>' * 100_000 + b'x'": "0 too_large",
    "b''.join(b'<b id=%d><p>x' % n for n in range(20_000))": "0 too_large",
    "b'<svg><style><a ' + b' '.join(b'a%d' % n for n in range(100_000)) + b'>x'": "0 too_large",
    "b'<select><title><a ' + b' '.join(b'a%d' % n for n in range(100_000)) + b'></title>'": "0 too_large",
    "b'<p ' + b' '.join(b'a%d' % n for n in range(100_000)) + b'>x'": "0 too_large",
    "b'x' * 40_000_000": "0 too_large",
    "b'<p>x</p>' * 1_000_000": "1000000 ",
    "b'<table><tr><td>x<td>y' * 1_300": "2600 ",
    "bytes(1_000_000) + b'<p>\\x00a\\x00b'": "1 ",
    "b'<p>\\xff\\xfe\\xc3\\x28 words' * 1_000": "1000 ",
    "b'<a href=/x>' * 100_000 + b'x'": "1 ",
    "b'<!--' * 1_000_000 + b'x'": "0 ",
    "b'<p>' + b'&amp' * 1_000_000": "1 ",
}


@pytest.mark.parametrize("content", SURVIVED)
def test_the_process_survives(content: str) -> None:
    ended = subprocess.run([sys.executable, "-c", READ, content], capture_output=True, text=True, timeout=2 * SECONDS)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{SURVIVED[content]}\n"


DEEP = "<div>" * (MAX_DEPTH + 1)
FRAGMENTS = (
    *(
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<a href='>'>",
        "</a>",
        "x",
        " ",
        "<br/>",
        "<!--",
        "-->",
        "--!>",
        "<!doctype html>",
    ),
    *("<script>", "</script>", "<style>", "</style>", "<svg>", "</svg>", "<path/>", "<g>", "<title>", "</title>"),
    *("<svg><foreignObject>", "</foreignObject>", "<div></div>", "</foreignObject></svg>"),
    *(
        "<select>",
        "</select>",
        "<option>",
        "<table>",
        "<td>",
        "</table>",
        '"',
        "'",
        "<p a=",
        ">",
        "<",
        "/",
        "<template>",
    ),
)


@pytest.mark.parametrize(
    "html",
    [
        DEEP,
        "<DIV>x</x>" * (MAX_DEPTH + 1),
        f'<p a"b>{DEEP}"',
        f"<p a='>'>{DEEP}",
        f'<script><!--<script></script><p a="--></script>{DEEP}',
        f"<svg><style>{DEEP}",
        "<svg><style>" * 40_000,
        "<math><title><svg><script>" * 20_000,
        f"<svg><div>{'<path/>' * (MAX_DEPTH + 1)}",
        f"<!-->{DEEP}",
        f"<!--a--!>{DEEP}-->",
        f"</ a='>{DEEP}",
        "<ul><li>" * (MAX_DEPTH + 1),
        "".join(f"<font color={n}><p>" for n in range(1500)),
        f"<style {' '.join(f'a{n}' for n in range(40_000))}>",
        "<p>" * (MAX_TAGS + 1),
        "x" * (MAX_BYTES + 1),
    ],
    ids=lambda html: html[:30],
)
def test_what_is_beyond_a_ceiling_is_seen_before_the_page_is_parsed(html: str) -> None:
    assert excess(html.encode()) is not None
    document, signs = read_html(html, "https://example.org/", PageRules(("body",)))
    assert [problem.code for problem in document.problems] == ["too_large"]
    assert (document.lines, signs.url) == ((), "https://example.org/")


@pytest.mark.parametrize(
    "html",
    [
        "<p>x</p>" * 5000,
        "<p>x<li>y<tr><td>z" * 5000,
        "<a name=x>x" * 5000,
        "<b>bold</b> <i>x</i>" * 5000,
        "<svg><path d=x /><circle/></svg>" * 5000,
        f"<script>{'<div>' * 5000}</script>",
        f"<!--{DEEP}-->",
        f"<textarea>{DEEP}</textarea>",
        f"<p title='{DEEP}'>",
        "<br><img><input>" * 5000,
    ],
    ids=lambda html: html[:30],
)
def test_what_only_looks_deep_is_read(html: str) -> None:
    assert excess(html.encode()) is None


PLAIN = (
    '<!DOCTYPE html><html lang="en"><head><title>a < b</title><style>p > a {}</style><script>if (a<b) x="<p>"</script>'
    "</head><body><!-- a - b -- c --><svg width=1><path d='M 0'/><title>x</title></svg><p class='>'>a <b>b</b><br/>"
    "<select name=x><option>1<option>2</select><textarea><b></textarea></body></html>"
)


@pytest.mark.parametrize(
    "html",
    [
        PLAIN,
        PLAIN.replace("<p class", "<p>x</p>" * 3_000 + "<p class"),
        f"<svg>{'<g/><path></path>' * 1_201}</svg>",
        "<svg><feTurbulence></feTurbulence><foreignObject x=1> <div class=a></div></foreignObject></svg>",
        "<svg><foreignObject></foreignObject></svg>" * 1_000,
        "",
        "a",
        "a > b",
    ],
)
def test_ordinary_pages_are_told_without_a_look_at_each_tag(html: str) -> None:
    assert is_ordinary(html.encode())


OPEN_B = "".join(f"<b id=a{n}>" for n in range(126))


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 3_401,
        "<p>x</p>" * 20_001,
        "<span>x</a>" * 3_401,
        f"<p>{OPEN_B * 3}{'<p>x</p>' * 2_000}",
        f"<a {' '.join(f'a{n}' for n in range(101))}>",
        "<p a=b'>c'>",
        "<p a = b>",
        "<p a",
        "<!--a--!><p>-->",
        "<!--><p>-->",
        "<!-->-->",
        "<script><!--<script></script><p a='--></script>",
        "<script>a</scripting>",
        "<svg><style><a></style></svg>",
        "<svg><script>a</script></svg>",
        "<svg><p></svg>",
        "<svg><foreignObject><p></p></foreignObject></svg>",
        "<svg><foreignObject><div><div></div></div></foreignObject></svg>",
        "<svg><foreignObject>a</foreignObject></svg>",
        "<svg/>",
        f"<svg>{'<g>' * 1_201}</svg>",
        f"<svg>{'<g></path>' * 1_201}</svg>",
        f"<svg>{'<g a=/>' * 1_201}</svg>",
        "<select><style>a</style></select>",
        "<template><col><style>a</style></template>",
        "<frameset><style>a</style>",
        "<math><mi></math>",
        "<title>a</titles>",
        "<plaintext>",
        "<![CDATA[a]]>",
        "<3",
    ],
    ids=lambda html: html[:40],
)
def test_a_page_with_anything_doubtful_is_looked_at_closely(html: str) -> None:
    assert not is_ordinary(html.encode())


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join))
def test_an_ordinary_page_has_the_tags_that_the_close_look_finds(html: str) -> None:
    """What the one pattern takes wholly is cut into the same tags by the other."""
    if not is_ordinary(html.encode()):
        return
    tags = [script or raw or tag for script, raw, tag, _ in BYTES_TAG.findall(html.encode())]
    tree = parsed(f"<body>{html}".encode())
    made = [node for node in tree.css("*") if node.tag not in ("html", "head", "body", "tbody", "tr", "colgroup")]
    assert len(made) <= 4 * len(list(filter(None, tags)))
    assert excess(html.encode()) is None


@pytest.mark.parametrize(
    ("html", "tags"),
    [
        ("<p a=1 b='>' c=\">\" d>x</p >", ["p", "/p"]),
        ("<p a= >x<b/>", ["p", "b"]),
        ("<p =>x<p ='a>'>", ["p", "p"]),
        ("<p a='x><b>", []),
        ("a < b <3 <!doctype html><?x ?></><i", []),
        ("<style><b></STYLE ><i>", ["", "/STYLE", "i"]),
        ("<script>a<b</script><i>", ["", "/script", "i"]),
        ("<script><!--<script></script>--></script><i>", ["", "/script", "i"]),
        ("<script><!--></script><i>", ["", "/script", "i"]),
        ("<scripted><titles>", ["scripted", "titles"]),
    ],
)
def test_tags_are_found_as_a_tokeniser_finds_them(html: str, tags: list[str]) -> None:
    found = islice(TOKEN.finditer(html), 10)
    assert [each["tag"] or "" for each in found if each["attributes"] is not None] == tags
