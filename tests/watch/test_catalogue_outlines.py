"""OPML and Atom as watch lists, and XML that means harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UsageError
from archiver.watch.catalogue import read_catalogue, read_files
from archiver.watch.catalogue_listing import Listing

ATOM = "http://www.w3.org/2005/Atom"


def opml(body: str, form: str = "xml") -> Listing:
    return read_catalogue(f'<?xml version="1.0"?><opml version="2.0"><body>{body}</body></opml>'.encode(), form, 3600)


def atom(entries: str, title: str = "", form: str = "xml") -> Listing:
    return read_catalogue(f'<feed xmlns="{ATOM}">{title}{entries}</feed>'.encode(), form, 3600)


def found(listing: Listing) -> list[tuple[str, str, str]]:
    return [(entry.entity, entry.title, entry.urls[0]) for entry in listing.entries]


def test_an_outline_with_an_address_is_a_document_and_its_group_the_entity() -> None:
    listing = opml(
        """
        <outline text="AI">
          <outline text="Example &amp; Co" title="Example">
            <outline text="Terms" htmlUrl="https://a.example/terms"/>
            <outline text="Privacy" title=" Privacy
                Policy " type="link" url=" https://a.example/privacy "><outline text="Part" xmlUrl="https://a.example/p"/></outline>
          </outline>
          <outline text="News" xmlUrl="https://n.example/feed"/>
        </outline>
        <outline xmlUrl="https://b.example/"/>
        """
    )
    assert found(listing) == [
        ("Example", "Terms", "https://a.example/terms"),
        ("Example", "Privacy Policy", "https://a.example/privacy"),
        ("Example", "Part", "https://a.example/p"),
        ("AI", "News", "https://n.example/feed"),
        ("b.example", "https://b.example/", "https://b.example/"),
    ]
    assert next(listed.place for listed in listing.documents) == "line 4"
    assert all(listed.stated == frozenset() and not listed.notes for listed in listing.documents)
    assert {entry.every_s for entry in listing.entries} == {3600}


def test_a_page_is_watched_rather_than_its_feed_and_that_is_said() -> None:
    (listed,) = opml('<outline text="T" xmlUrl="https://a.example/feed" htmlUrl="https://a.example/"/>').documents
    assert listed.entry.urls == ("https://a.example/",)
    assert listed.notes == ("its page is watched, its feed https://a.example/feed is not",)


def test_an_outline_without_an_address_is_remarked_on() -> None:
    assert opml('<outline text="A"><outline text="B"/></outline>').notes == ("line 1: 'B' has no address",)


def test_the_link_of_an_entry_is_a_document() -> None:
    listing = atom(
        """
        <entry><title>Terms</title><link href="https://a.example/terms"/></entry>
        <entry><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Privacy <b>Policy</b></div></title>
          <author><name>Other</name></author><link rel="self" href="https://x.example/"/>
          <link rel="alternate" href="https://a.example/privacy"/><link href="https://a.example/fr"/></entry>
        <author><name>List maker</name></author><title>Example</title>
        """
    )
    assert found(listing) == [
        ("Example", "Terms", "https://a.example/terms"),
        ("Other", "Privacy Policy", "https://a.example/privacy"),
    ]
    assert [listed.notes for listed in listing.documents] == [
        (),
        ("https://a.example/fr: not watched, the entry has a link before it",),
    ]


def test_elements_of_another_vocabulary_are_no_entries() -> None:
    assert atom('<entry xmlns="https://other.example/"><link href="https://a.example/"/></entry>').documents == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_the_encoding_that_the_file_names_is_read(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><opml><outline text="Bücher" url="https://a.example/"/></opml>'
    (entry,) = read_files([("list", text.encode(encoding))], None, 60).entries
    assert entry.title == "Bücher"


@pytest.mark.parametrize("url", ["terms.html", "/terms", "//a.example/", "javascript:alert(1)", "feed://a.example/"])
def test_an_address_that_cannot_be_watched_is_named_with_its_line(url: str) -> None:
    with pytest.raises(UsageError, match=r"^line 2: "):
        opml(f'\n<outline text="T" htmlUrl="{url}"/>')
    with pytest.raises(UsageError, match=r"^line 3: "):
        atom(f'\n\n<entry><link href="{url}"/></entry>')


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not XML: no element found"),
        (b"<opml>", "not XML: "),
        (b"<opml></other>", "not XML: mismatched tag"),
        (b"<opml>\xff</opml>", "not XML: not well-formed"),
        (b"<opml a='1' a='2'/>", "not XML: duplicate attribute"),
        (b"<opml>&nbsp;</opml>", "not XML: undefined entity"),
        (b'<?xml version="1.0" encoding="klingon"?><opml/>', "not XML: unknown encoding"),
        (b"<rss/>", "neither OPML nor Atom: the file begins with <rss>"),
        (b"<feed/>", "neither OPML nor Atom: the file begins with <feed>"),
        (b"<html><body>Not found</body></html>", "neither OPML nor Atom"),
        (b"<opml>" + b"<outline>" * 100_000, "line 1: nested more than 100 deep"),
        (f'<!DOCTYPE opml [<!ENTITY l0 "ha">{LAUGHS}]><opml a="&l9;"/>'.encode(), "a document type declaration"),
        (b'<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml>&x;</opml>', "a document type declaration"),
        (b'<!DOCTYPE opml SYSTEM "http://a.example/x.dtd"><opml/>', "a document type declaration"),
        (b'<opml><outline text="' + b"x" * 501 + b'" url="https://a.example/"/></opml>', "line 1: the title must be"),
        (f'<feed xmlns="{ATOM}"><entry/></feed>'.encode(), "line 1: the entry has no link"),
        (f'<feed xmlns="{ATOM}"><entry><link/></entry></feed>'.encode(), "line 1: '' has no scheme"),
    ],
)
def test_a_file_that_is_no_list(data: bytes, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_catalogue(data, "xml", 60)
    assert str(caught.value).startswith(says)


def test_the_format_that_was_asked_for_must_be_what_the_file_is() -> None:
    assert opml("", "opml").documents == atom("", form="atom").documents == ()
    with pytest.raises(UsageError, match="not atom: the file is opml; read it with --format opml"):
        opml("", "atom")
    with pytest.raises(UsageError, match="not opml: the file is atom"):
        atom("", form="opml")


@given(st.text(alphabet="<>/ao&;=\"' \n", max_size=60))
def test_anything_inside_is_a_list_or_a_usage_error(text: str) -> None:
    try:
        opml(text)
    except UsageError as error:
        assert str(error)
