"""Watch lists as TOML or CSV: every field of an entry goes out and comes in again. Pure.

TOML holds ``[[document]]`` tables. CSV has one document a row; ``urls`` and ``outside`` are parted by white space,
``select`` and ``remove`` by line feeds, ``pages`` is JSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from typing import Any

from archiver.errors import UsageError
from archiver.setting_values import parse_duration
from archiver.watch.catalogue_listing import RULES, Listed, at, decoded, default_entity
from archiver.watch.catalogue_rules import only_rules
from archiver.watch.entry import WatchEntry, checked_entry, checked_url, format_every, pages_as_json
from archiver.watch.reading import PageRules

COLUMNS = (
    "entity", "title", "urls", "every", "select", "remove", "method", "paused", "conditional", "language", "pages",
    "outside",
)  # fmt: skip
_LISTS = ("urls", "select", "remove", "outside")
_SPACED = ("urls", "outside")
_TEXTS = ("entity", "title", "every", "method", "language")
_BOOLS = ("paused", "conditional")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Placed = tuple[str, dict[str, Any]]
"""Where a document stands in the file, and what it says."""


def read_toml(data: bytes, every_s: int) -> list[Listed]:
    """Return the documents of a TOML file."""
    import tomllib

    try:
        tables = tomllib.loads(decoded(data))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"not TOML: {what}", do="a CSV file is read with --format csv") from error
    documents = tables.get("document", [])
    if tables.keys() - {"document"} or not isinstance(documents, list):
        raise UsageError("a watch list in TOML is a list of [[document]] tables and nothing else")
    placed = []
    for number, item in enumerate(documents, 1):
        place = f"document {number}"
        if not isinstance(item, dict):
            raise UsageError(f"{place} is not a table")
        _require_known(place, item)
        placed.append((place, item))
    return [_listed(place, item, every_s) for place, item in placed]


def read_csv(data: bytes, every_s: int) -> list[Listed]:
    """Return the documents of a CSV file."""
    reader = csv.DictReader(io.StringIO(decoded(data)), strict=True)
    placed: list[Placed] = []
    try:
        names = reader.fieldnames or ()
        if "urls" not in names:
            raise UsageError("the first row names no column urls", do=f"columns: {', '.join(COLUMNS)}")
        _require_known("the first row", names)
        if len(set(names)) < len(names):
            raise UsageError("the first row names a column twice")
        for number, row in enumerate(reader, 2):
            place = f"row {number}"
            if None in row:
                raise UsageError(f"{place} has more cells than the first row")
            with at(place):
                placed.append((place, _from_cells(row)))
    except csv.Error as error:
        raise UsageError(f"not CSV: line {reader.line_num}: {error}") from error
    return [_listed(place, item, every_s) for place, item in placed]


def write_toml(entries: Iterable[WatchEntry]) -> str:
    """Return the TOML text that ``read_toml`` reads as the same entries."""
    import tomli_w

    return tomli_w.dumps({"document": [_as_table(entry) for entry in entries]})


def write_csv(entries: Iterable[WatchEntry]) -> str:
    """Return the CSV text that ``read_csv`` reads as the same entries."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        writer.writerow({name: _cell(name, value) for name, value in _as_table(entry).items()})
    return out.getvalue()


def _as_table(entry: WatchEntry) -> dict[str, Any]:
    table: dict[str, Any] = {
        "entity": entry.entity,
        "title": entry.title,
        "urls": list(entry.urls),
        "every": format_every(entry.every_s),
        "select": list(entry.select),
        "remove": list(entry.remove),
        "method": entry.method,
        "paused": entry.paused,
    }
    perhaps: dict[str, Any] = {
        "conditional": entry.conditional,
        "language": entry.language,
        "pages": pages_as_json(entry.pages),
    }
    perhaps["outside"] = list(entry.outside) or None
    return {**table, **{name: value for name, value in perhaps.items() if value is not None}}


def _cell(name: str, value: Any) -> str:
    if name == "pages":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, list):
        return (" " if name in _SPACED else "\n").join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_cells(row: dict[str, str | None]) -> dict[str, Any]:
    item: dict[str, Any] = {name: value for name, value in row.items() if value}
    for name in _LISTS:
        if name in row:
            text = row[name] or ""
            item[name] = text.split() if name in _SPACED else [line for line in text.split("\n") if line]
    for name in _BOOLS:
        if name in item:
            flag = _FLAGS.get(item[name].lower())
            if flag is None:
                raise UsageError(f"{name} must be true or false, not {item[name]!r}")
            item[name] = flag
    if "pages" in item:
        try:
            item["pages"] = json.loads(item["pages"])
        except (ValueError, RecursionError) as error:
            raise UsageError("pages is not JSON") from error
    return item


def _require_known(place: str, names: Iterable[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise UsageError(f"{place}: unknown {unknown[0]!r}", do=f"known: {', '.join(COLUMNS)}")


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


_FORMS: tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...] = (
    (_LISTS, _are_texts, "a list of texts"),
    (_TEXTS, lambda value: isinstance(value, str), "a text"),
    (_BOOLS, lambda value: isinstance(value, bool), "true or false"),
)


def _listed(place: str, item: dict[str, Any], every_s: int) -> Listed:
    with at(place):
        for names, fits, form in _FORMS:
            for name in names:
                if name in item and not fits(item[name]):
                    raise UsageError(f"{name} must be {form}")
        urls = tuple(checked_url(url) for url in item.get("urls", ()))
        if not urls:
            raise UsageError("it names no address")
        entry = WatchEntry(
            item.get("entity") or default_entity(urls),
            item.get("title") or urls[0],
            urls,
            _seconds(item["every"]) if "every" in item else every_s,
            tuple(item.get("select", ())),
            tuple(item.get("remove", ())),
            item.get("method", "http"),
            item.get("paused", False),
            conditional=item.get("conditional"),
            pages=_pages(item["pages"]) if "pages" in item else None,
            language=item.get("language") or None,
            outside=tuple(item.get("outside", ())),
        )
        return Listed(place, checked_entry(entry), _stated(item))


def _stated(item: dict[str, Any]) -> frozenset[str]:
    names = {"every": "every_s", "select": RULES, "remove": RULES, "pages": RULES}
    return frozenset(names.get(name, name) for name in item if name not in ("entity", "title", "urls"))


def _pages(value: Any) -> tuple[PageRules, ...]:
    if not isinstance(value, list):
        raise UsageError("pages must be a list of tables, one for each address")
    return tuple(only_rules(f"page {number}", page) for number, page in enumerate(value, 1))


def _seconds(text: str) -> int:
    try:
        return parse_duration(text)
    except UsageError as error:
        raise UsageError(f"every {error.what}") from error
