"""Watch lists as TOML and CSV, how a file is told from another, and what an import would do."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UsageError
from archiver.watch import catalogue
from archiver.watch.catalogue import FORMATS, WRITTEN, detect, read_catalogue, read_files, write_catalogue
from archiver.watch.catalogue_listing import MAX_BYTES, RULES, Listed
from archiver.watch.catalogue_plan import plan_import
from archiver.watch.entry import WatchedDocument, WatchEntry
from archiver.watch.reading import PageRules
from tests.watch.entries import entries

ENTRY = WatchEntry("Example", "Terms", ("https://example.org/terms",), 3600)
TWO = '[[document]]\nurls = ["https://a.example/", "https://b.example/"]\n'


# Out and in again


@given(st.lists(entries(), max_size=3), st.sampled_from(["toml", "csv"]))
def test_a_catalogue_reads_what_it_wrote(items: list[WatchEntry], form: str) -> None:
    assert read_catalogue(write_catalogue(items, form).encode(), form, 60).entries == items


@given(st.binary(max_size=200), st.sampled_from([*FORMATS, "xml"]))
def test_a_catalogue_of_nonsense_is_a_usage_error(data: bytes, form: str) -> None:
    try:
        read_catalogue(data, form, 60)
    except UsageError as error:
        assert str(error)


@given(st.text('{}[]",:=<>/\n aeflnrstu01', max_size=60), st.sampled_from([None, *FORMATS]))
def test_files_of_nonsense_are_a_usage_error(text: str, form: str | None) -> None:
    try:
        read_files([("list", text.encode())], form, 60)
    except UsageError as error:
        assert str(error).startswith("list")


def test_what_a_list_does_not_say_has_a_default() -> None:
    (listed,) = read_catalogue(TWO.encode(), "toml", 60).documents
    assert listed.entry == WatchEntry(
        "a.example", "https://a.example/", ("https://a.example/", "https://b.example/"), 60
    )
    assert (listed.place, listed.stated) == ("document 1", frozenset())


@pytest.mark.parametrize(
    ("line", "stated"),
    [
        ('every = "6h"', {"every_s"}), ("select = []", {RULES}), ('remove = ["p"]', {RULES}),
        ("paused = true", {"paused"}),
        ("pages = [{}, {}]", {RULES}), ('language = ""', {"language"}), ("conditional = false", {"conditional"}),
        ('method = "http"', {"method"}), ('title = "T"', set()),
    ],
)  # fmt: skip
def test_what_a_list_states_is_known(line: str, stated: set[str]) -> None:
    (listed,) = read_catalogue(f"{TWO}{line}\n".encode(), "toml", 60).documents
    assert listed.stated == stated


def test_a_cell_without_words_states_nothing_but_an_empty_list_of_rules() -> None:
    (listed,) = read_catalogue(b"urls,every,select,paused,language\nhttps://a.example/,,,,\n", "csv", 60).documents
    assert listed.stated == {RULES}


def test_rules_of_pages_may_be_short() -> None:
    pages = 'pages = [{select = "main"}, {remove = ["nav", {startBefore = "h1", endAfter = "p"}]}]\n'
    (entry,) = read_catalogue((TWO + pages).encode(), "toml", 60).entries
    assert entry.pages == (PageRules(("main",)), PageRules((), ("nav", '{"startBefore": "h1", "endAfter": "p"}')))


@pytest.mark.parametrize(
    ("form", "text", "says"),
    [
        ("toml", TWO + "pages = [{}]", "document 1: rules for 1 pages and 2 addresses"),
        ("toml", TWO + "pages = []", "document 1: rules for 0 pages"),
        ("toml", TWO + "pages = {}", "document 1: pages must be a list"),
        ("toml", TWO + "pages = [{}, 1]", "document 1: page 2 must be an object"),
        ("toml", TWO + "pages = [{}, {urls = []}]", "document 1: page 2: unknown urls"),
        ("toml", TWO + "pages = [{}, {select = [1]}]", "document 1: page 2.select[0] must be a CSS selector"),
        ("toml", TWO + 'pages = [{}, {select = ""}]', "document 1: page 2.select is empty"),
        ("toml", TWO + 'pages = [{}, {}]\nselect = ["p"]', "document 1: rules stand for all pages or for each page"),
        ("toml", TWO + 'language = "xx"', "document 1: unknown language 'xx'"),
        ("toml", TWO + "language = 1", "document 1: language must be a text"),
        ("toml", TWO + "select = [1]", "document 1: select must be a list of texts"),
        ("toml", TWO + 'select = "main"', "document 1: select must be a list of texts"),
        ("toml", TWO + 'select = ["div["]', "document 1: "),
        ("toml", TWO + "every = 6", "document 1: every must be a text"),
        ("toml", TWO + 'every = "6 hours"', "document 1: every must be a duration"),
        ("toml", TWO + "entity = []", "document 1: entity must be a text"),
        ("toml", TWO + 'paused = "no"', "document 1: paused must be true or false"),
        ("toml", "[[document]]\nurls = 5", "document 1: urls must be a list of texts"),
        ("toml", '[[document]]\nurls = ["javascript:alert(1)"]', "document 1: 'javascript:alert(1)': only http"),
        ("toml", "document = [1]", "document 1 is not a table"),
        ("toml", "document = 1", "a watch list in TOML is a list"),
        ("toml", "a = " + "[" * 5000, "not TOML"),
        ("csv", "urls,pages\nhttps://a.example/,{\n", "row 2: pages is not JSON"),
        ("csv", "urls,pages\nhttps://a.example/," + "[" * 5000 + "\n", "row 2: pages is not JSON"),
        ("csv", "urls,pages\nhttps://a.example/,null1\n", "row 2: pages is not JSON"),
        ("csv", "urls,pages\nhttps://a.example/,1\n", "row 2: pages must be a list"),
        ("csv", "urls,urls\na,b\n", "the first row names a column twice"),
        ("csv", 'urls\n"' + "x" * 200_000 + '"\n', "not CSV: line 1: field larger"),
        ("ini", "", "unknown format 'ini'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(form: str, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_catalogue(text.encode(), form, 60)
    assert str(caught.value).startswith(says)


def test_a_list_is_written_in_known_formats_alone() -> None:
    assert set(WRITTEN) <= set(FORMATS)
    with pytest.raises(UsageError, match="unknown format 'opml'"):
        write_catalogue([], "opml")


# Which format


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("a.toml", b"{", "toml"), ("A.CSV", b"<", "csv"), ("a.json", b"urls\n", "ota"), ("a.opml", b"", "opml"),
        ("a.atom", b"", "atom"), ("a.xml", b"<opml/>", "xml"), ("list", b"\xef\xbb\xbf <?xml", "xml"),
        ("list", '<?xml version="1.0"?>'.encode("utf-16"), "xml"), ("list", b'\n{"name"', "ota"),
        ("list", b'[ {"name"', "ota"), ("list", b"[]", "ota"), ("list", b"[[document]]\n", "toml"),
        ("list", b"", "toml"),
        ("list", b"# urls\n[[document]]", "toml"), ("list", b'entity,"urls"\r\n', "csv"), ("list", b"urls\n", "csv"),
    ],
)  # fmt: skip
def test_a_format_is_found_by_name_then_by_content(name: str, data: bytes, form: str) -> None:
    assert detect(name, data) == form


def test_files_are_read_one_after_the_other() -> None:
    csv_, toml = b"urls,title\nhttps://a.example/,A\n", b'[[document]]\nurls = ["https://b.example/"]\n'
    listing = read_files([("x", csv_), ("dir/y", toml)], None, 60)
    assert [listed.place for listed in listing.documents] == ["x: row 2", "dir/y: document 1"]
    with pytest.raises(UsageError, match=r"^y: not CSV|^y: the first row"):
        read_files([("x", csv_), ("y", toml)], "csv", 60)


def test_more_than_the_ceilings_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    big = b" " * (MAX_BYTES // 2 + 1)
    with pytest.raises(UsageError, match=r"^b.toml: watch lists of more than \d+ bytes; import them in parts"):
        read_files([("a.toml", big), ("b.toml", big)], None, 60)
    with pytest.raises(UsageError, match="a watch list of more than"):
        read_catalogue(big * 2, "csv", 60)
    monkeypatch.setattr(catalogue, "MAX_DOCUMENTS", 1)
    with pytest.raises(UsageError, match="more than 1 documents"):
        read_files([("x.csv", b"urls\nhttps://a.example/\nhttps://b.example/\n")], None, 60)
    with pytest.raises(UsageError, match=r"^y.csv: more than 1 documents"):
        read_files([(f"{name}.csv", b"urls\nhttps://a.example/\n") for name in "xy"], None, 60)


def test_a_hundred_thousand_documents_fit() -> None:
    rows = "".join(f"Entity {n},Terms of Service,https://www.e{n}.example/legal/terms,6h\n" for n in range(100_000))
    began = time.monotonic()
    listing = read_files([("x.csv", f"entity,title,urls,every\n{rows}".encode())], None, 60)
    watched = [WatchedDocument(f"EA-D-{n}", n, entry) for n, entry in enumerate(listing.entries[:50_000])]
    steps = plan_import(listing.documents, watched)
    assert sum(step.action == "added" for step in steps) == 50_000
    assert len(write_catalogue(listing.entries, "toml")) < MAX_BYTES
    assert time.monotonic() - began < 60


# What an import would do


def listed(entry: WatchEntry, *stated: str, place: str = "here") -> Listed:
    return Listed(place, entry, frozenset(stated))


def watched(entry: WatchEntry, number: int = 1) -> WatchedDocument:
    return WatchedDocument(f"EA-D-{number:05d}", number, entry)


def test_a_document_that_is_not_watched_is_added() -> None:
    (step,) = plan_import([listed(ENTRY)], [])
    assert (step.action, step.document, step.entry, step.notes) == ("added", None, ENTRY, ())


def test_only_what_the_list_states_is_changed() -> None:
    ours = replace(ENTRY, every_s=60, paused=True, select=("main",), language="en", conditional=True)
    (step,) = plan_import([listed(ENTRY)], [watched(ours)])
    assert (step.action, step.document, step.entry) == ("unchanged", "EA-D-00001", ours)
    (step,) = plan_import([listed(replace(ENTRY, every_s=90), "every_s")], [watched(ours)])
    assert (step.action, step.entry) == ("changed", replace(ours, every_s=90))
    pages = (PageRules(("p",)),)
    (step,) = plan_import([listed(replace(ENTRY, pages=pages), RULES)], [watched(ours)])
    assert (step.action, step.entry) == ("changed", replace(ours, select=(), pages=pages))
    (step,) = plan_import([listed(ENTRY, RULES, "language", "conditional")], [watched(ours)])
    assert step.entry == replace(ours, select=(), language=None, conditional=None)


@given(
    st.lists(entries(), max_size=4, unique_by=lambda e: (e.entity, e.title, e.urls)), st.sampled_from(["toml", "csv"])
)
def test_a_list_that_came_in_changes_nothing_a_second_time(items: list[WatchEntry], form: str) -> None:
    documents = read_catalogue(write_catalogue(items, form).encode(), form, 60).documents
    steps = plan_import(documents, [watched(entry, n) for n, entry in enumerate(items)])
    assert [step.action for step in steps] == ["unchanged"] * len(items)
    assert [step.document for step in plan_import(documents, [])] == [None] * len(items)


def test_the_same_twice_is_one_document() -> None:
    assert len(plan_import([listed(ENTRY), listed(ENTRY, place="there")], [])) == 1


@pytest.mark.parametrize("other", [listed(replace(ENTRY, select=("p",)), RULES, place="there"), listed(ENTRY, RULES)])
def test_two_meanings_of_one_document_are_refused(other: Listed) -> None:
    with pytest.raises(UsageError, match=f"^{other.place}: the same document as here, with other rules"):
        plan_import([listed(ENTRY), other], [])


def test_one_title_for_two_addresses_is_remarked_on() -> None:
    moved = replace(ENTRY, urls=("https://example.org/new",))
    third = replace(ENTRY, urls=("https://example.org/third",))
    first, second = plan_import([listed(moved), listed(third)], [watched(ENTRY)])
    assert first.notes == second.notes == ("EA-D-00001 has the same entity and title, and other addresses",)
    _, second = plan_import([listed(moved), listed(third, place="there")], [])
    assert second.notes == ("here has the same entity and title, and other addresses",)
