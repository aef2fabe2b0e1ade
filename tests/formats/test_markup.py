"""HTML and wikitext as other people's parsers read them: one link, one template, equal values, nothing injected."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import mwparserfromhell
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import one_line, plain_url
from archiver.formats import robust_link, wikipedia
from tests.formats.records import CLAUSES, FACTS, named, record

ATTRIBUTES = ("href", "data-originalurl", "data-versiondate", "data-versionurl", "title")


class Reader(HTMLParser):
    """What a browser's tokeniser would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert len(attrs) == len(dict(attrs))
        self.attributes = dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.append(f"<!--{data}")


def link(given_record: Json) -> Reader:
    """The one element, read by two parsers that have to agree."""
    text = robust_link.PLUGIN.render(given_record)
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.tags == ["a"]
    assert tuple(reader.attributes) == tuple(name for name in ATTRIBUTES if name in reader.attributes)
    element = lxml_html.fragment_fromstring(text)
    assert (element.tag, len(element), dict(element.attrib)) == ("a", 0, reader.attributes)
    return reader


@pytest.mark.parametrize("case", [*FACTS, *CLAUSES])
def test_a_robust_link_has_both_addresses_and_the_day(case: str) -> None:
    given_record = record(case)
    found = link(given_record)
    url = plain_url(given_record["source"]["url"])
    assert found.attributes["href"] == found.attributes["data-originalurl"] == url
    assert found.attributes["data-versiondate"] == given_record["dates"]["captured"][:10]
    copy = given_record["resolver"] if given_record["resolver_is_public"] else None
    assert found.attributes.get("data-versionurl") == copy
    assert found.text.strip() == one_line(given_record["source"]["title"] or f"Capture of {url}")
    if given_record["pin"]:
        assert one_line(given_record["pin"]["exact"]) in (found.attributes["title"] or "")


@given(st.text(), st.text())
def test_no_title_opens_an_element_or_an_attribute(entity: str, title: str) -> None:
    given_record = named(entity, title)
    assert link(given_record).text.strip() == (one_line(title) or f"Capture of {given_record['source']['url']}")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,<b>", "dns:example.com", " https://a.example/"])
def test_what_is_no_web_address_is_never_linked(url: str) -> None:
    given_record = record("public")
    given_record["source"]["url"] = given_record["resolver"] = url
    found = link(given_record)
    assert "href" not in found.attributes
    assert "data-versionurl" not in found.attributes
    assert found.attributes["data-originalurl"] == plain_url(url)


def template(given_record: Json) -> tuple[dict[str, str], str]:
    """The parameters of the one template, entities read, and the text after it."""
    code = mwparserfromhell.parse(wikipedia.PLUGIN.render(given_record))
    (found,) = code.filter_templates()
    assert str(found.name).strip() == "cite web"
    assert not [node for node in code.filter_tags() if str(node.tag) != ""], "markup came out of a value"
    assert not code.filter_wikilinks() and not code.filter_comments() and not code.filter_arguments()
    links = code.filter_external_links()
    assert all(link.brackets is False for link in links)
    fields = {}
    for parameter in found.params:
        assert parameter.showkey
        name = str(parameter.name).strip()
        assert name not in fields
        fields[name] = plain(parameter.value)
    return fields, plain(mwparserfromhell.parse(str(code).replace(str(found), "", 1)))


def plain(code: Any) -> str:
    return str(code.strip_code(normalize=True, collapse=False, keep_template_params=False)).strip()


NAMES = {"url", "title", "publisher", "website", "date", "language", "archive-url", "archive-date", "url-status"}


@pytest.mark.parametrize("case", [*FACTS, *CLAUSES])
def test_cite_web_reads_back(case: str) -> None:
    given_record = record(case)
    fields, after = template(given_record)
    source = given_record["source"]
    assert fields.keys() <= NAMES
    assert "access-date" not in fields
    assert fields["title"] == one_line(source["title"] or f"Capture of {source['url']}")
    assert fields.get("publisher") == (one_line(source["author"]) if source["author"] else None)
    assert ("archive-url" in fields) == ("archive-date" in fields) == bool(given_record["resolver_is_public"])
    assert fields.get("date") == source["publisher_date"]["value"]
    assert given_record["citation_id"] in after
    if given_record["pin"]:
        assert one_line(given_record["pin"]["exact"]) in after


@given(st.text(), st.text())
def test_no_title_ends_a_parameter(entity: str, title: str) -> None:
    given_record = named(entity, title)
    fields, _ = template(given_record)
    assert fields["title"] == (one_line(title) or f"Capture of {given_record['source']['url']}")
    assert fields.get("publisher", "") == one_line(entity)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/?q={{x}}|y", "https://a.example/?q=%7B%7Bx%7D%7D%7Cy"),
        ("https://a.example/[b]''c''", "https://a.example/%5Bb%5D%27%27c%27%27"),
        ("https://a.example/__NOTOC__~~~~", "https://a.example/%5F%5FNOTOC%5F%5F%7E%7E%7E~"),
        ("https://a.example/?a=1&lt;b=2&c", "https://a.example/?a=1&amp;lt;b=2&c"),
    ],
)
def test_an_address_is_no_markup(url: str, shown: str) -> None:
    assert wikipedia.wiki_url(plain_url(url)) == shown
