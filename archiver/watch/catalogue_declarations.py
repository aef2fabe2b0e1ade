"""Open Terms Archive declarations, in both directions: a service is an entity, each of its terms a document. Pure.

    {"name": "…", "terms": {"Privacy Policy": {"fetch": "https://…", "select": "main", "remove": [], …}}}

``documents`` is the older word for ``terms``; ``combine`` lists the pages of one document, and each inherits from
around it what it does not say itself (null says nothing, an empty list says none). Several services may stand in one
array.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from archiver.errors import UsageError
from archiver.watch.catalogue_listing import RULES, Listed, at, decoded, one_line
from archiver.watch.catalogue_rules import Table, kind_of, page_rules, require, rules_as_values, shown
from archiver.watch.entry import MAX_URLS, WatchEntry, checked_entry, checked_url, rules_for
from archiver.watch.reading import PageRules

_PAGE_KEYS = ("fetch", "select", "remove", "filter", "executeClientScripts")
_NO_BROWSER = "asks for a browser that runs scripts; it is fetched without one"


def read_declarations(data: bytes, every_s: int) -> tuple[list[Listed], list[str]]:
    """Return the documents of one or more services, and remarks on the services themselves."""
    value = _json(data)
    services = value if isinstance(value, list) else [value]
    listed: list[Listed] = []
    notes: list[str] = []
    for number, service in enumerate(services):
        prefix = f"[{number}]." if isinstance(value, list) else ""
        listed += _service(prefix, service, every_s, notes)
    return listed, notes


def is_history(data: bytes) -> bool:
    """Whether a file holds declarations that were in force earlier: lists, each item with its ``validUntil``."""
    value = _json(data)
    return (
        isinstance(value, dict)
        and bool(value)
        and not value.keys() & {"name", "terms", "documents"}
        and all(isinstance(items, list) for items in value.values())
    )


# -- JSON ------------------------------------------------------------------------------------------


def _json(data: bytes) -> Any:
    try:
        return json.loads(decoded(data), object_pairs_hook=_object, parse_constant=_no_number)
    except RecursionError as error:
        raise UsageError("not JSON: nested too deeply") from error
    except ValueError as error:
        raise UsageError(f"not JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> Table:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise UsageError(f"{shown(twice)} stands twice in one object", do="keep one of the two")
    return table


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


# -- reading ---------------------------------------------------------------------------------------


def _service(prefix: str, service: Any, every_s: int, notes: list[str]) -> Iterator[Listed]:
    require(prefix.rstrip(".") or "the file", service, dict, "an object with name and terms")
    kind = "terms" if "terms" in service else "documents"
    if kind not in service:
        raise UsageError(f"{prefix}terms is missing", do="a declaration is an object with name and terms")
    name = service.get("name")
    require(f"{prefix}name", name, str, "a text")
    require(f"{prefix}{kind}", service[kind], dict, "an object of declarations")
    notes += [f"{prefix}{note}" for note in _unread(service, {"name", kind})]
    for title, declaration in service[kind].items():
        place = f"{prefix}{kind}.{shown(title)}"
        require(place, declaration, dict, "an object with fetch or combine")
        yield _document(place, name, title, declaration, every_s)


def _document(place: str, entity: str, title: str, declaration: Table, every_s: int) -> Listed:
    notes = _unread(declaration, {*_PAGE_KEYS, "combine"})
    combine = declaration.get("combine")
    pages: list[tuple[str, Table]] = [(place, declaration)]
    if combine is not None:
        require(f"{place}.combine", combine, list, "a list of pages")
        if not 1 <= len(combine) <= MAX_URLS:
            raise UsageError(f"{place}.combine has {len(combine)} pages", do=f"a document has 1 to {MAX_URLS}")
        pages = []
        for number, page in enumerate(combine):
            inner = f"{place}.combine[{number}]"
            require(inner, page, dict, "an object")
            notes += _unread(page, set(_PAGE_KEYS))
            inherited = {key: declaration.get(key) for key in _PAGE_KEYS}
            pages.append((inner, {**inherited, **{key: value for key, value in page.items() if value is not None}}))
    urls, rules = [], []
    for inner, page in pages:
        urls.append(_fetch(inner, page))
        rules.append(page_rules(inner, page))
        notes += _unmet(inner, page, urls[-1] if len(pages) > 1 else "")
    entry = WatchEntry(one_line(entity), one_line(title), tuple(urls), every_s)
    with at(place):
        entry = checked_entry(with_rules(entry, tuple(rules)))
    return Listed(place, entry, frozenset({RULES}), tuple(dict.fromkeys(notes)))


def _unread(table: Table, known: set[str]) -> list[str]:
    unread = sorted(table.keys() - known)
    more = f" and {len(unread) - 5} more" if len(unread) > 5 else ""
    return [f"{', '.join(map(shown, unread[:5]))}{more}: not read"] if unread else []


def with_rules(entry: WatchEntry, rules: tuple[PageRules, ...]) -> WatchEntry:
    """Return the entry with these rules, one for each address: said once where all pages have the same."""
    if len(set(rules)) == 1:
        return replace(entry, select=rules[0].select, remove=rules[0].remove, pages=None)
    return replace(entry, select=(), remove=(), pages=rules)


def _fetch(place: str, page: Table) -> str:
    if page.get("fetch") is None:
        raise UsageError(f"{place}.fetch is missing", do="give the address of the page")
    require(f"{place}.fetch", page["fetch"], str, "a text")
    with at(f"{place}.fetch"):
        return checked_url(page["fetch"])


def _unmet(place: str, page: Table, url: str) -> Iterator[str]:
    """What the declaration needs and nobody here runs, in words."""
    which = f"{url} " if url else ""
    scripts = page.get("executeClientScripts")
    if scripts is not None:
        require(f"{place}.executeClientScripts", scripts, bool, "true or false")
    if scripts:
        yield f"executeClientScripts: {which}{_NO_BROWSER}"
    filters = page.get("filter")
    if filters is None:
        return
    require(f"{place}.filter", filters, list, "a list of names")
    names = []
    for number, item in enumerate(filters):
        if not (isinstance(item, str) or (isinstance(item, dict) and len(item) == 1)):
            raise UsageError(f"{place}.filter[{number}] must be a name or {{name: parameters}}, not {kind_of(item)}")
        names.append(item if isinstance(item, str) else next(iter(item)))
    if names:
        yield f"filter: {which}was declared with functions that are not run: {one_line(', '.join(names))[:200]}"


# -- writing ---------------------------------------------------------------------------------------


def as_services(entries: Iterable[WatchEntry]) -> list[Table]:
    """Return one declaration for each entity; ``UsageError`` when two documents of one have the same title."""
    services: dict[str, Table] = {}
    for entry in entries:
        service = services.setdefault(entry.entity, {"name": entry.entity, "terms": {}})
        if entry.title in service["terms"]:
            raise UsageError(
                f"{entry.entity} has two documents called {entry.title!r}",
                do="a declaration has one of each title: rename one with archiver watch edit",
            )
        service["terms"][entry.title] = _declaration(entry)
    return list(services.values())


def write_declarations(entries: Iterable[WatchEntry]) -> str:
    """Return the services as one JSON array."""
    return written(as_services(entries))


def written(value: Any) -> str:
    """The JSON text of declarations, as people edit it."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def not_written(entries: Iterable[WatchEntry]) -> list[str]:
    """Remarks on what the entries say and a declaration cannot."""
    entries = list(entries)
    lost = {
        "the time between two checks": bool(entries),
        "that a document is paused": any(entry.paused for entry in entries),
        "the language": any(entry.language for entry in entries),
        "conditional requests": any(entry.conditional is not None for entry in entries),
    }
    named = [what for what, is_lost in lost.items() if is_lost]
    return [f"declarations do not hold {', '.join(named)}"] if named else []


def file_names(services: Iterable[Table]) -> dict[str, Table]:
    """Return the services by the name of the file that is theirs: ASCII, and never the same name twice."""
    named: dict[str, Table] = {}
    taken: set[str] = set()
    for service in services:
        ascii_ = unicodedata.normalize("NFKD", service["name"]).encode("ascii", "ignore").decode()
        stem = re.sub(r"[^A-Za-z0-9._ -]+", "-", ascii_).strip(" .-")[:80] or "service"
        name, number = stem, 2
        while name.lower() in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name.lower())
        named[f"{name}.json"] = service
    return named


def _declaration(entry: WatchEntry) -> Table:
    rules = rules_for(entry)
    if len(entry.urls) == 1:
        return {"fetch": entry.urls[0], **rules_as_values(rules[0])}
    if entry.pages is None:
        return {**rules_as_values(rules[0]), "combine": [{"fetch": url} for url in entry.urls]}
    pairs = zip(entry.urls, rules, strict=True)
    return {"combine": [{"fetch": url, **rules_as_values(page)} for url, page in pairs]}
