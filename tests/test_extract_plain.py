"""Plain text and Markdown as lines, with the characters each line comes from."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.watch.extract import markdown, plain
from archiver.watch.extract.document import Document
from archiver.watch.extract.markdown import read_markdown, read_markdown_spans
from archiver.watch.extract.plain import read_plain, read_plain_spans
from archiver.watch.reading import Link

CLAUSE = (
    "The controller keeps the personal data of its customers only as long as "
    "the contract with them requires it, and no longer."
)
BARE = "https://example.org/bare"

WRAPPED = """\
Terms of Service
================

The controller keeps the personal data of its customers only as long as
the contract with them requires it, and no longer. This holds for self-
regulated bodies too.

Definitions
-----------
"We" means
the company.

We collect:
  * your name and the address that you have given us when you signed
    up for the service;
  * your age:
      - in years, or
      - in months.

1. First clause, which is long enough to run on into a second line and
   ends there.
2) Second clause.

Acme Ltd
12 High Street
London

----------
> Quoted words
© 2026 Acme
"""


def test_a_wrapped_text() -> None:
    document = read_plain(WRAPPED)
    assert document.lines == (
        "# Terms of Service",
        f"{CLAUSE} This holds for self-regulated bodies too.",
        "## Definitions",
        '"We" means the company.',
        "We collect:",
        "- your name and the address that you have given us when you signed up for the service;",
        "- your age:",
        "  - in years, or",
        "  - in months.",
        "1. First clause, which is long enough to run on into a second line and ends there.",
        "2) Second clause.",
        "Acme Ltd",
        "12 High Street",
        "London",
        "> Quoted words",
        "© 2026 Acme",
    )
    assert (document.title, document.headings) == ("Terms of Service", ("Terms of Service", "Definitions"))


def test_a_text_that_is_not_wrapped_keeps_its_lines() -> None:
    long = "A paragraph of one line that goes on and on. " * 5
    text = f"{long}\n{long}\nshort line\nanother one\n"
    assert read_plain(text).lines == (long.strip(), long.strip(), "short line", "another one")
    assert read_plain("one\ntwo\r\nthree\rfour\ffive\u2028six").lines == ("one", "two", "three", "four", "five", "six")


def test_a_rule_below_a_paragraph_makes_no_heading_of_it() -> None:
    assert read_plain(CLAUSE.replace(" the contract", "\nthe contract") + "\n--------\nNext").lines == (CLAUSE, "Next")


def test_spans_lead_back_to_the_text() -> None:
    document, spans = read_plain_spans(WRAPPED)
    assert len(spans) == len(document.lines)
    pieces = [WRAPPED[start:end] for start, end in spans]
    assert pieces[0].startswith("Terms of Service\n===")
    assert pieces[5].startswith("* your name")
    assert pieces[5].endswith("up for the service;")
    assert pieces[-1] == "© 2026 Acme"
    assert [start for start, _ in spans] == sorted(start for start, _ in spans)


MARKDOWN = """\
---
title: "Privacy"
---

# Privacy *Policy* #

We use `cookies`, see [our **cookie** notice](/cookies "Title") or <https://example.org/a>
and https://example.org/bare. ~~Old~~ words with 5 \\* 3 &amp; more.\\
Second line[^1] of it.

Sub heading
-----------

1. first
2. second
   with more

   own paragraph
   - nested [link](http://other.example/x)

> quoted
> words

| Data | Kept |
|------|-----:|
| name | *one* year |
| [age](age.html) |  |

```python
code  =  1

other
```

<div><p>Raw <b>HTML</b></p><script>no()</script></div>
"""


def test_markdown() -> None:
    document = read_markdown(MARKDOWN, "https://example.org/docs/policy.md")
    assert document.lines == (
        "# Privacy Policy",
        f"We use cookies, see our cookie notice or https://example.org/a and {BARE}. Old words with 5 * 3 & more.",
        "Second line[^1] of it.",
        "## Sub heading",
        "1. first",
        "2. second with more",
        "own paragraph",
        "  - nested link",
        "> quoted words",
        "| Data | Kept |",
        "| name | one year |",
        "| age | |",
        "code = 1",
        "other",
        "Raw",
        "HTML",
    )
    assert document.links == (
        Link(1, "our cookie notice", "https://example.org/cookies"),
        Link(1, "https://example.org/a", "https://example.org/a"),
        Link(7, "link", "http://other.example/x"),
        Link(11, "age", "https://example.org/docs/age.html"),
    )
    assert (document.title, document.headings) == ("Privacy", ("Privacy Policy", "Sub heading"))
    assert document.problems == ()


def test_markdown_spans_lead_back_to_the_text() -> None:
    document, spans = read_markdown_spans(MARKDOWN)
    pieces = dict(zip(document.lines, (MARKDOWN[start:end] for start, end in spans), strict=True))
    assert pieces["# Privacy Policy"] == "# Privacy *Policy* #"
    assert pieces["Second line[^1] of it."] == "Second line[^1] of it."
    assert pieces["## Sub heading"] == "Sub heading\n-----------"
    assert pieces["2. second with more"] == "2. second\n   with more"
    assert pieces["| name | one year |"] == "| name | *one* year |"
    assert pieces["other"] == "other"


def test_markdown_addresses_that_cannot_be_resolved_stay() -> None:
    assert read_markdown("[a](http://[bad) [b](rel)").links[-1] == Link(0, "b", "rel")
    assert read_markdown("[x](y)", "https://[1/").links == (Link(0, "x", "y"),)


@pytest.mark.parametrize(("reader", "module"), [(read_plain, plain), (read_markdown, markdown)])
def test_ceilings(reader: Callable[[str], Document], module: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHARACTERS", 10)
    assert reader("0123456789").problems == ()
    assert [problem.code for problem in reader("0123456789a").problems] == ["too_large"]


def test_markdown_nested_too_deep_says_so() -> None:
    within = read_markdown("> " * 59 + "words")
    assert (within.lines, within.problems) == (("> words",), ())
    assert [problem.code for problem in read_markdown("> " * 200 + "words").problems] == ["too_large"]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "*a _b " * 8_000,
        "> " * 10_000,
        "`" * 20_000 + "x",
        "![](" * 10_000,
        "<a " * 10_000,
        "* " * 5_000 + "x",
        "|a" * 10_000 + "\n" + "|-" * 10_000 + "\n",
        "&" * 20_000,
        "[a](" * 10_000,
        "\\" * 20_000,
        "- x\n" * 10_000,
    ],
)
def test_hostile_texts_end_in_time(text: str) -> None:
    for reader in (read_plain, read_markdown):
        begin = time.perf_counter()
        reader(text)
        assert time.perf_counter() - begin < 10


texts = st.text(alphabet="ab C1.-*+>#|=_`[]()<!\\&;: \n\t\r\f\0é\u0301\u2028\xa0•", max_size=120)


@settings(max_examples=300, deadline=None)
@given(texts)
@pytest.mark.parametrize("reader", [read_plain_spans, read_markdown_spans])
def test_any_text_becomes_lines_of_the_promised_form(
    reader: Callable[[str], tuple[Document, tuple[tuple[int, int], ...]]], text: str
) -> None:
    document, spans = reader(text)
    assert len(spans) == len(document.lines)
    for line, (start, end) in zip(document.lines, spans, strict=True):
        assert line.strip()
        assert line.lstrip() == " ".join(line.split())
        assert 0 <= start <= end <= len(text)
    assert all(0 <= link.line < len(document.lines) for link in document.links)
    assert [start for start, _ in spans] == sorted(start for start, _ in spans)


@settings(deadline=None)
@given(st.lists(st.lists(st.from_regex(r"[a-zé]{1,9}", fullmatch=True), min_size=1, max_size=40), max_size=8))
def test_wrapping_does_not_change_the_words(paragraphs: list[list[str]]) -> None:
    import textwrap

    wanted = [" ".join(words) for words in paragraphs]
    text = "\n\n".join(textwrap.fill(paragraph, 60) for paragraph in wanted)
    assert " ".join(read_plain(text).lines) == " ".join(wanted)
    if any(len(paragraph) > 120 for paragraph in wanted) and all(len(paragraph) > 60 for paragraph in wanted):
        assert list(read_plain(text).lines) == wanted


def test_a_quotation_mark_alone_before_its_words() -> None:
    width = "Words that fill a line up to the width that all of these lines are wrapped at.\n"
    text = f">\x0cand lower words go on here up to the very width that they are wrapped at\n{width * 4}"
    assert all("  " not in line for line in read_plain(text).lines)


@pytest.mark.parametrize("text", ["[" * 50_000, "![" * 50_000, "[a](" * 50_000, "*_" * 600_000])
def test_markdown_that_would_take_long_is_too_large(text: str) -> None:
    began = time.monotonic()
    assert [problem.code for problem in read_markdown(text).problems] == ["too_large"]
    assert time.monotonic() - began < 2
