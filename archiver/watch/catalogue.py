"""Watch lists as files, TOML or CSV: read whole or not at all, with the place of the first thing that is wrong. Pure.

TOML holds ``[[document]]`` tables. CSV has one document a row; ``urls`` are parted by white space, ``select`` and
``remove`` by line feeds. What one list writes, the other reads back equal.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import tomli_w

from archiver.errors import UsageError
from archiver.setting_values import parse_duration
from archiver.watch.entry import WatchEntry, checked_entry, checked_url, format_every

MAX_BYTES = 16 * 1024 * 1024
"""A list of a hundred thousand documents fits."""
FORMATS = ("toml", "csv")
COLUMNS = ("entity", "title", "urls", "every", "select", "remove", "method", "paused", "conditional")
_LISTS = ("urls", "select", "remove")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Placed = tuple[str, dict[str, Any]]
"""Where a document stands in the file, and what it says."""


def read_catalogue(data: bytes, form: str, every_s: int) -> list[WatchEntry]:
    """Return the entries of a file; ``every_s`` is for those that name no interval; ``UsageError`` names the place."""
    if len(data) > MAX_BYTES:
        raise UsageError(f"a watch list of more than {MAX_BYTES} bytes", do="import it in parts")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    placed = _from_csv(text) if form == "csv" else _from_toml(text)
    return [_entry(place, item, every_s) for place, item in placed]


def write_catalogue(entries: Iterable[WatchEntry], form: str) -> str:
    """Return the text that ``read_catalogue`` reads as the same entries."""
    items = [_as_table(entry) for entry in entries]
    if form == "toml":
        return tomli_w.dumps({"document": items})
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for item in items:
        writer.writerow({name: _cell(name, value) for name, value in item.items()})
    return out.getvalue()


def _cell(name: str, value: Any) -> str:
    if isinstance(value, list):
        return (" " if name == "urls" else "\n").join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


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
    return table if entry.conditional is None else {**table, "conditional": entry.conditional}


def _from_toml(text: str) -> list[Placed]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"not TOML: {error}", do="a CSV file is read with --format csv") from error
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
    return placed


def _from_csv(text: str) -> list[Placed]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    placed = []
    try:
        if "urls" not in (reader.fieldnames or ()):
            raise UsageError("the first row names no column urls", do=f"columns: {', '.join(COLUMNS)}")
        _require_known("the first row", reader.fieldnames or ())
        for number, row in enumerate(reader, 2):
            if None in row:
                raise UsageError(f"row {number} has more cells than the first row")
            placed.append((f"row {number}", _from_cells(f"row {number}", row)))
    except csv.Error as error:
        raise UsageError(f"not CSV: line {reader.line_num}: {error}") from error
    return placed


def _from_cells(place: str, row: dict[str, str | None]) -> dict[str, Any]:
    item: dict[str, Any] = {name: value for name, value in row.items() if value}
    for name in _LISTS:
        text = row.get(name) or ""
        item[name] = text.split() if name == "urls" else [line for line in text.split("\n") if line]
    for name in ("paused", "conditional"):
        if name in item:
            flag = _FLAGS.get(item[name].lower())
            if flag is None:
                raise UsageError(f"{place}: {name} must be true or false, not {item[name]!r}")
            item[name] = flag
    return item


def _require_known(place: str, names: Iterable[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise UsageError(f"{place}: unknown {unknown[0]!r}", do=f"known: {', '.join(COLUMNS)}")


def _entry(place: str, item: dict[str, Any], every_s: int) -> WatchEntry:
    lists = {name: item.get(name, []) for name in _LISTS}
    for name, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise UsageError(f"{place}: {name} must be a list of texts")
    for name in ("entity", "title", "every", "method"):
        if not isinstance(item.get(name, ""), str):
            raise UsageError(f"{place}: {name} must be a text")
    for name in ("paused", "conditional"):
        if not isinstance(item.get(name, False), bool):
            raise UsageError(f"{place}: {name} must be true or false")
    try:
        urls = tuple(checked_url(url) for url in lists["urls"])
        if not urls:
            raise UsageError("it names no address")
        return checked_entry(
            WatchEntry(
                item.get("entity") or default_entity(urls),
                item.get("title") or urls[0],
                urls,
                _seconds(item["every"]) if "every" in item else every_s,
                tuple(lists["select"]),
                tuple(lists["remove"]),
                item.get("method", "http"),
                item.get("paused", False),
                conditional=item.get("conditional"),
            )
        )
    except UsageError as error:
        raise UsageError(f"{place}: {error.what}", do=error.do) from error


def _seconds(text: str) -> int:
    try:
        return parse_duration(text)
    except UsageError as error:
        raise UsageError(f"every {error.what}") from error


def default_entity(urls: Sequence[str]) -> str:
    """The host of the first address, for an entry that names no entity."""
    return urlsplit(urls[0]).hostname or ""
