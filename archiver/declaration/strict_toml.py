"""TOML tables read strictly: an unknown key, a missing one or a wrong type is one line that names file and place."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from archiver.errors import SettingsError
from archiver.evidence.banned import banned_in

MAX_FILE = 256 * 1024
"""Bytes of a template or a list of steps."""
MAX_DEPTH = 40
"""Names in one dotted key: the library's time grows with the square of their number, to minutes for one file."""
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DEEP = re.compile(rf"(?:{_PART}[ \t]*\.[ \t]*){{{MAX_DEPTH}}}")


def tables_of(data: bytes, place: str) -> dict[str, Any]:
    """Return the tables of a file; ``SettingsError`` names the line that is no TOML."""
    if len(data) > MAX_FILE:
        raise SettingsError(f"{place}: more than {MAX_FILE} bytes")
    try:
        text = data.decode()
        if _DEEP.search(text):
            raise SettingsError(f"{place}: a key of more than {MAX_DEPTH} names")
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of a number with thousands of digits
        raise SettingsError(f"{place}: no TOML: {error}") from error


def known_keys(table: object, place: str, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Any]:
    """Return a table after a look at its keys; ``SettingsError`` names the first unknown or missing one."""
    if not isinstance(table, Mapping):
        raise SettingsError(f"{place}: must be a table")
    for key in table:
        if key not in required and key not in optional:
            known = ", ".join((*required, *optional))
            raise SettingsError(f"{place}: unknown key {key!r}", do=f"known: {known}")
    for key in required:
        if key not in table:
            raise SettingsError(f"{place}: the key {key!r} is missing")
    return dict(table)


def line_of(table: Mapping[str, Any], key: str, place: str, *, most: int = 300) -> str:
    """Return a text of one line; ``SettingsError`` where it is none, or claims too much: names are printed too."""
    value = table.get(key)
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > most:
        raise SettingsError(f"{place}: {key} must be one line of 1 to {most} characters")
    require_modest(value, place)
    return value.strip()


def flag_of(table: Mapping[str, Any], key: str, place: str, default: bool = False) -> bool:
    """Return true or false; ``SettingsError`` where it is neither."""
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise SettingsError(f"{place}: {key} must be true or false")
    return value


def list_of(value: object, key: str, place: str, most: int) -> list[Any]:
    """Return a list of 1 to ``most`` items; ``SettingsError`` where it is none."""
    if not isinstance(value, list) or not 0 < len(value) <= most:
        raise SettingsError(f"{place}: {key} must be a list of 1 to {most} items")
    return value


def require_modest(text: str, place: str) -> None:
    """``SettingsError`` for a word that claims more than an archive shows (archiver/evidence/banned.py)."""
    for word in banned_in(text):
        raise SettingsError(f"{place}: {word!r} claims more than the archive shows", do="say what was done instead")
