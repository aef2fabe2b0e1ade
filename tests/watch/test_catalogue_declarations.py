"""Declarations of Open Terms Archive: both forms, what is inherited, what is remarked on, what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UsageError
from archiver.watch.catalogue import read_catalogue, read_files, write_catalogue
from archiver.watch.catalogue_declarations import as_services, file_names, not_written
from archiver.watch.catalogue_listing import RULES, Listed
from archiver.watch.entry import WatchEntry, rules_for
from archiver.watch.reading import PageRules
from tests.watch.entries import entries

A, B = "https://a.example/terms", "https://b.example/terms"
RANGE = {"startBefore": "h1", "endAfter": "#end"}
RANGE_TEXT = '{"startBefore": "h1", "endAfter": "#end"}'


def read(declaration: Any, *, kind: str = "terms", **more: Any) -> Listed:
    service = {"name": "Example", kind: {"Privacy Policy": declaration}, **more}
    (listed,) = read_catalogue(json.dumps(service).encode(), "ota", 3600).documents
    return listed


@pytest.mark.parametrize("kind", ["terms", "documents"])
def test_both_forms_are_read(kind: str) -> None:
    listed = read({"fetch": A, "select": "main", "remove": ["nav", ".x"]}, kind=kind)
    assert listed.entry == WatchEntry("Example", "Privacy Policy", (A,), 3600, ("main",), ("nav", ".x"))
    assert (listed.place, listed.notes, listed.stated) == (f'{kind}."Privacy Policy"', (), frozenset({RULES}))


@pytest.mark.parametrize(
    ("value", "selectors"),
    [
        ("main", ("main",)), (["a", "b"], ("a", "b")), ([], ()), (None, ()), (RANGE, (RANGE_TEXT,)),
        ([RANGE, "p"], (RANGE_TEXT, "p")), ({"endAfter": "#end", "startBefore": "h1"}, (RANGE_TEXT,)),
        ("a,\n  b", ("a, b",)),
        ({"startAfter": "[x='ü']", "endBefore": "p"}, ('{"startAfter": "[x=\'ü\']", "endBefore": "p"}',)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["select", "remove"])
def test_selectors_are_a_text_a_list_or_ranges(name: str, value: Any, selectors: tuple[str, ...]) -> None:
    assert getattr(read({"fetch": A, name: value}).entry, name) == selectors


def test_pages_inherit_what_they_do_not_say() -> None:
    listed = read(
        {
            "fetch": A,
            "select": ["main"],
            "remove": ["nav"],
            "combine": [{}, {"fetch": B, "remove": []}, {"select": RANGE, "remove": None}],
        }
    )
    assert listed.entry.urls == (A, B, A)
    assert (listed.entry.select, listed.entry.remove) == ((), ())
    assert listed.entry.pages == (
        PageRules(("main",), ("nav",)),
        PageRules(("main",)),
        PageRules((RANGE_TEXT,), ("nav",)),
    )


def test_rules_that_all_pages_share_are_said_once() -> None:
    entry = read({"select": "main", "combine": [{"fetch": A}, {"fetch": B}]}).entry
    assert (entry.urls, entry.select, entry.pages) == ((A, B), ("main",), None)
    assert read({"fetch": A, "combine": None}).entry.urls == (A,)


def test_what_is_not_run_is_said_of_each_document() -> None:
    notes = read({"fetch": A, "filter": ["cut", {"strip": ["a"]}], "executeClientScripts": True}).notes
    assert len(notes) == 2
    assert "executeClientScripts" in notes[0] and "not run: cut, strip" in notes[1]
    assert read({"fetch": A, "filter": [], "executeClientScripts": False}).notes == ()


def test_what_pages_inherit_and_is_not_run_is_said_of_each_page() -> None:
    combined = [{"fetch": A}, {"fetch": B, "executeClientScripts": False, "filter": []}]
    notes = read({"combine": combined, "executeClientScripts": True, "filter": ["cut"]}).notes
    assert len(notes) == 2 and all(A in note and B not in note for note in notes)


def test_an_unknown_key_is_a_remark() -> None:
    assert read({"fetch": A, "wait for": 1, "note": 2}).notes == ('note, "wait for": not read',)
    assert read({"combine": [{"fetch": A, "zoom": 1}]}).notes == ("zoom: not read",)
    assert len(str(read({"fetch": A, **{f"k{n}" * 99: n for n in range(999)}}).notes)) < 1000
    service = {"name": "E", "importedFrom": "x", "documents": {}, "terms": {"T": {"fetch": A}}}
    assert read_catalogue(json.dumps(service).encode(), "ota", 60).notes == ("documents, importedFrom: not read",)
    assert read_catalogue(json.dumps([service]).encode(), "ota", 60).notes == ("[0].documents, importedFrom: not read",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON: "),
        ("[" * 100_000, "not JSON: nested too deeply"),
        ('{"a":' * 100_000, "not JSON: nested too deeply"),
        ('{"name": NaN}', "not JSON: NaN is no number"),
        ('{"name": ' + "9" * 5000 + "}", "not JSON: "),
        ('{"name": "E", "terms": {"T": {}, "T": {}}}', "T stands twice in one object"),
        ("5", "the file must be an object with name and terms, not a number"),
        ("[5]", "[0] must be an object with name and terms, not a number"),
        ("null", "the file is missing"),
        ("{}", "terms is missing"),
        ('[{"name": "E", "terms": {}}, {}]', "[1].terms is missing"),
        ('{"terms": {}}', "name is missing"),
        ('{"name": 5, "terms": {}}', "name must be a text, not a number"),
        ('{"name": true, "terms": {}}', "name must be a text, not true or false"),
        ('{"name": "", "terms": {"T": {"fetch": "https://a.example/"}}}', "terms.T: the entity must be one line"),
        ('{"name": "E", "terms": []}', "terms must be an object of declarations, not a list"),
        ('{"name": "E", "terms": null}', "terms is missing"),
        ('{"name": "E", "documents": {"T": 1}}', "documents.T must be an object with fetch or combine, not a number"),
        ('{"name": "E", "terms": {"": {"fetch": "https://a.example/"}}}', 'terms."": the title must be one line'),
        ('{"name": "E", "terms": {"T": {"fetch": "https://a.example/", "select": "\\ud800"}}}', "terms.T: a selector"),
        ('{"name": "\\ud800", "terms": {"T": {"fetch": "https://a.example/"}}}', "terms.T: the entity"),
    ],
)
def test_a_file_that_is_no_declaration(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_catalogue(text.encode(), "ota", 60)
    assert str(caught.value).startswith(says)


PLACE = 'terms."Privacy Policy"'


@pytest.mark.parametrize(
    ("declaration", "says"),
    [
        ({}, ".fetch is missing"),
        ({"fetch": None}, ".fetch is missing"),
        ({"fetch": 1}, ".fetch must be a text, not a number"),
        ({"fetch": "a.example"}, ".fetch: 'a.example' has no scheme"),
        ({"fetch": "javascript:alert(1)"}, ".fetch: 'javascript:alert(1)': only http and https"),
        ({"fetch": "ftp://a.example/"}, ".fetch: 'ftp://a.example/': only http and https"),
        ({"combine": {}}, ".combine must be a list of pages, not an object"),
        ({"combine": []}, ".combine has 0 pages"),
        ({"combine": [{"fetch": A}] * 51}, ".combine has 51 pages"),
        ({"combine": [{"fetch": A}, 5]}, ".combine[1] must be an object, not a number"),
        ({"combine": [{"fetch": A}, {}]}, ".combine[1].fetch is missing"),
        (
            {"combine": [{"fetch": A, "select": 1}]},
            ".combine[0].select must be a CSS selector",
        ),
        ({"fetch": A, "select": True}, ".select must be a CSS selector or a range, not true or false"),
        ({"fetch": A, "select": ["p", ["p"]]}, ".select[1] must be a CSS selector or a range, not a list"),
        ({"fetch": A, "select": ["p", None]}, ".select[1] must be a CSS selector or a range, not null"),
        ({"fetch": A, "select": ""}, ".select is empty"),
        ({"fetch": A, "remove": [" "]}, ".remove[0] is empty"),
        ({"fetch": A, "remove": {}}, ".remove: a range has one of"),
        ({"fetch": A, "remove": {"startBefore": "p"}}, ".remove: a range has one of"),
        ({"fetch": A, "remove": {"startBefore": "p", "startAfter": "p"}}, ".remove: a range has one of"),
        ({"fetch": A, "remove": {**RANGE, "x": 1}}, ".remove: a range has one of"),
        ({"fetch": A, "remove": {**RANGE, "endAfter": 1}}, ".remove.endAfter must be a CSS selector, not a number"),
        ({"fetch": A, "remove": {**RANGE, "endAfter": "div["}}, ": "),
        ({"fetch": A, "select": "div["}, ": "),
        ({"fetch": A, "select": ["p"] * 1001}, ": 1001 selectors"),
        ({"fetch": A, "filter": "cut"}, ".filter must be a list of names, not a text"),
        ({"fetch": A, "filter": [1]}, ".filter[0] must be a name"),
        ({"fetch": A, "filter": [{}]}, ".filter[0] must be a name"),
        ({"fetch": A, "executeClientScripts": "yes"}, ".executeClientScripts must be true or false, not a text"),
        ({"fetch": A, "executeClientScripts": 1}, ".executeClientScripts must be true or false, not a number"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(declaration: Any, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(declaration)
    assert str(caught.value).startswith(PLACE + says)


def test_an_error_names_the_file_first() -> None:
    data = json.dumps({"name": "E", "terms": {"T": {}}}).encode()
    with pytest.raises(UsageError, match=r"^dir/E\.json: terms\.T\.fetch is missing"):
        read_files([("dir/E.json", data)], None, 60)


VALID_UNTIL = {"Terms": [{"fetch": A, "validUntil": "2020-01-01T00:00:00Z"}]}


@pytest.mark.parametrize("form", [None, "ota"])
@pytest.mark.parametrize(
    ("name", "data"), [("E.history.json", b"anything"), ("old.json", json.dumps(VALID_UNTIL).encode())]
)
def test_a_history_file_is_not_read_and_remarked_on(name: str, data: bytes, form: str | None) -> None:
    listing = read_files([(name, data)], form, 60)
    assert listing.documents == ()
    assert listing.notes == (f"{name}: declarations that were in force earlier are not read",)


def test_a_service_that_speaks_of_validity_is_no_history() -> None:
    service = {"name": "E", "terms": {"T": {"fetch": A, "validUntil": "2020"}}}
    listing = read_files([("E.json", json.dumps(service).encode())], None, 60)
    assert [listed.notes for listed in listing.documents] == [("validUntil: not read",)]


# Writing


@given(st.lists(entries(), max_size=3, unique_by=lambda e: (e.entity, e.title)))
def test_addresses_and_rules_come_back(items: list[WatchEntry]) -> None:
    back = read_catalogue(write_catalogue(items, "ota").encode(), "ota", 60).entries

    def essence(entry: WatchEntry) -> Any:
        rules = [
            [[json.loads(s) if s.startswith("{") else s for s in texts] for texts in (page.select, page.remove)]
            for page in rules_for(entry)
        ]
        return " ".join(entry.entity.split()), " ".join(entry.title.split()), entry.urls, rules

    assert sorted(map(repr, map(essence, back))) == sorted(map(repr, map(essence, items)))


ENTRY = WatchEntry("Example", "Terms", (A,), 3600)


def test_a_service_is_written_as_people_write_it() -> None:
    two = replace(ENTRY, title="Privacy", urls=(A, B), select=("main",))
    own = replace(two, title="Own", select=(), pages=(PageRules((RANGE_TEXT,)), PageRules(("a", "b"), ("c",))))
    other = replace(ENTRY, entity="Other")
    assert as_services([ENTRY, other, two, own]) == [
        {
            "name": "Example",
            "terms": {
                "Terms": {"fetch": A},
                "Privacy": {"select": "main", "combine": [{"fetch": A}, {"fetch": B}]},
                "Own": {"combine": [{"fetch": A, "select": RANGE}, {"fetch": B, "select": ["a", "b"], "remove": "c"}]},
            },
        },
        {"name": "Other", "terms": {"Terms": {"fetch": A}}},
    ]


def test_two_documents_of_one_title_cannot_be_written() -> None:
    with pytest.raises(UsageError, match=r"Example has two documents called 'Terms'; .*watch edit"):
        as_services([ENTRY, replace(ENTRY, urls=(B,))])


def test_what_a_declaration_cannot_hold_is_said() -> None:
    assert not_written([]) == []
    assert not_written([ENTRY]) == ["declarations do not hold the time between two checks"]
    full = replace(ENTRY, paused=True, language="en", conditional=True)
    assert all(word in not_written([full])[0] for word in ("paused", "language", "conditional"))


def test_every_service_has_a_file_of_its_own() -> None:
    names = ["über/../x", "Über-..-x", "株式会社", "抖音", "..", "A" * 200, "Plain Name"]
    files = file_names({"name": name, "terms": {}} for name in names)
    assert [service["name"] for service in files.values()] == names
    assert list(files) == [
        "uber-..-x.json", "Uber-..-x-2.json", "service.json", "service-2.json", "service-3.json", "A" * 80 + ".json",
        "Plain Name.json",
    ]  # fmt: skip
