"""Selectors as lists write them: one text, a list, or ranges as objects; a wrong type is named by its path. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from archiver.errors import UsageError
from archiver.watch.catalogue_listing import one_line
from archiver.watch.reading import PageRules

RANGE_STARTS = ("startBefore", "startAfter")
RANGE_ENDS = ("endBefore", "endAfter")
Table = dict[str, Any]


def page_rules(place: str, page: Table) -> PageRules:
    """The rules of one page from its ``select`` and ``remove``; missing or null: none."""
    return PageRules(_selectors(place, page, "select"), _selectors(place, page, "remove"))


def only_rules(place: str, page: Any) -> PageRules:
    """The rules of one page from an object that holds nothing else."""
    require(place, page, dict, 'an object such as {"select": ["main"], "remove": []}')
    unknown = sorted(page.keys() - {"select", "remove"})
    if unknown:
        raise UsageError(f"{place}: unknown {shown(unknown[0])}", do="known: select, remove")
    return page_rules(place, page)


def rules_as_values(page: PageRules) -> Table:
    """The inverse of ``page_rules``, at its shortest: one selector is no list, none is not said."""
    table = {"select": _values(page.select), "remove": _values(page.remove)}
    return {name: value for name, value in table.items() if value != []}


def _values(selectors: tuple[str, ...]) -> Any:
    values = [json.loads(text) if text.lstrip().startswith("{") else text for text in selectors]
    return values[0] if len(values) == 1 else values


def _selectors(place: str, page: Table, name: str) -> tuple[str, ...]:
    value = page.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        return (_selector(f"{place}.{name}", value),)
    return tuple(_selector(f"{place}.{name}[{number}]", item) for number, item in enumerate(value))


def _selector(place: str, value: Any) -> str:
    if isinstance(value, str):
        if not value.strip():
            raise UsageError(f"{place} is empty")
        return value if value.isprintable() else one_line(value)
    if not isinstance(value, dict):
        raise UsageError(f"{place} must be a CSS selector or a range, not {kind_of(value)}")
    starts, ends = value.keys() & set(RANGE_STARTS), value.keys() & set(RANGE_ENDS)
    if len(value) != 2 or len(starts) != 1 or len(ends) != 1:
        raise UsageError(
            f"{place}: a range has one of {', '.join(RANGE_STARTS)} and one of {', '.join(RANGE_ENDS)}, no more"
        )
    for name, text in value.items():
        require(f"{place}.{name}", text, str, "a CSS selector")
    # The start first, however it was written: the same range has the same text.
    return json.dumps({name: value[name] for name in (*starts, *ends)}, ensure_ascii=False)


def require(place: str, value: Any, kind: type, form: str) -> None:
    """Raise ``UsageError`` unless the value is of this kind; ``form`` says in words what it must be."""
    if value is None:
        raise UsageError(f"{place} is missing", do=f"it must be {form}")
    if not isinstance(value, kind):
        raise UsageError(f"{place} must be {form}, not {kind_of(value)}")


_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    return _KINDS.get(type(value), "a number")


def shown(key: str) -> str:
    """A key of an object as it stands in a path: quoted where it is not one word."""
    return key if re.fullmatch(r"\w{1,100}", key) else json.dumps(key[:100], ensure_ascii=False)
