"""What a setting may be: one check for each kind of value, and how durations and TOML values are written.

A check returns what is wrong, in words that follow the name of the key, or None.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable
from datetime import date
from typing import Any

from archiver.errors import SettingsError

Value = Any
Check = Callable[[Value], str | None]
Columns = dict[str, tuple[Value, Check]]
"""Keys of an array of tables: default (None: required) and check."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
MAX_DURATION_S = 366 * 86400


def whole(least: int, most: int) -> Check:
    """A whole number in a range, both ends included."""

    def check(value: Value) -> str | None:
        if type(value) is not int or not least <= value <= most:
            return f"must be a whole number from {least} to {most}"
        return None

    return check


def share(value: Value) -> str | None:
    """A number from 0 to 1."""
    return None if type(value) in (int, float) and 0 <= value <= 1 else "must be a number from 0 to 1"


def text(value: Value) -> str | None:
    """A text of one line, perhaps empty."""
    return None if isinstance(value, str) and not _CONTROL.search(value) else "must be a text of one line"


def filled(value: Value) -> str | None:
    """A text of one line that says something."""
    return text(value) or (None if value.strip() else "must not be empty")


def origin(value: Value) -> str | None:
    """The name of a log (C2SP signed-note): no white space, no plus sign, ASCII."""
    bad = filled(value) or ("must not hold spaces or '+'" if any(c.isspace() or c == "+" for c in value) else None)
    return bad or (None if value.isascii() else "must be ASCII")


def prefix(value: Value) -> str | None:
    """The first part of identifiers."""
    fine = (
        isinstance(value, str)
        and 1 <= len(value) <= 8
        and value.isascii()
        and value.isalnum()
        and value.upper() == value
        and not value[0].isdigit()
    )
    return None if fine else "must be one to eight capital ASCII letters or digits, starting with a letter"


def flag(value: Value) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else "must be true or false"


def one_of(*choices: str) -> Check:
    """One of a few words."""

    def check(value: Value) -> str | None:
        return None if value in choices else f"must be one of {', '.join(choices)}"

    return check


def texts(value: Value) -> str | None:
    """A list of texts."""
    return None if isinstance(value, list) and all(isinstance(v, str) for v in value) else "must be a list of texts"


def filled_texts(value: Value) -> str | None:
    """A list of texts of one line that say something, perhaps empty."""
    return None if isinstance(value, list) and not any(map(filled, value)) else "must be a list of texts of one line"


def some_of(*choices: str) -> Check:
    """A list of a few words, perhaps empty."""

    def check(value: Value) -> str | None:
        fine = isinstance(value, list) and all(isinstance(v, str) and v in choices for v in value)
        return None if fine else f"must be a list of {', '.join(choices)}"

    return check


def short_name(value: Value) -> str | None:
    """A name that can be part of a file name and of a command."""
    fine = isinstance(value, str) and re.fullmatch(r"-*[a-z0-9][a-z0-9-]*", value)
    return None if fine else "must be lower-case ASCII letters, digits and hyphens"


def address_or_nothing(value: Value) -> str | None:
    """An address of http or https, or the empty text."""
    fine = isinstance(value, str) and re.fullmatch(r"(?:https?://[!-~]+)?", value)
    return None if fine else "must be empty or begin with http:// or https://"


def credential_or_nothing(value: Value) -> str | None:
    """The name of a systemd credential, or the empty text."""
    fine = isinstance(value, str) and re.fullmatch(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254})?", value)
    return None if fine else "must be empty or the name of a credential"


def naan(value: Value) -> str | None:
    """A number for ARKs, or the empty text."""
    fine = isinstance(value, str) and re.fullmatch(r"(?:[0-9]{5})?", value, re.ASCII)
    return None if fine else "must be empty or five digits"


def day_or_nothing(value: Value) -> str | None:
    """A day as ``2033-05-12``, or the empty text."""
    wrong = "must be empty or a day such as 2033-05-12"
    if not isinstance(value, str):
        return wrong
    try:
        return None if value == "" or date.fromisoformat(value).isoformat() == value else wrong
    except ValueError:
        return wrong


def ports(value: Value) -> str | None:
    """A list of TCP ports."""
    fine = isinstance(value, list) and value and all(type(v) is int and 0 < v < 65536 for v in value)
    return None if fine else "must be a list of port numbers"


def seconds_list(value: Value) -> str | None:
    """A list of whole seconds, each up to a week."""
    fine = isinstance(value, list) and all(type(v) is int and 0 < v <= 604800 for v in value)
    return None if fine else "must be a list of whole seconds"


def duration(value: Value) -> str | None:
    """A duration as ``parse_duration`` reads it."""
    try:
        parse_duration(value)
    except SettingsError as error:
        return str(error)
    return None


def parse_duration(text: Value) -> int:
    """Return the seconds of ``90s``, ``15m``, ``6h`` or ``7d``; ``SettingsError`` for anything else."""
    if isinstance(text, str) and re.fullmatch(r"[0-9]{1,9}[smhd]", text):
        seconds = int(text[:-1]) * _UNITS[text[-1]]
        if 0 < seconds <= MAX_DURATION_S:
            return seconds
    raise SettingsError(f"must be a duration such as 90s, 15m, 6h or 7d, not {text!r}")


def networks(value: Value) -> str | None:
    """A list of IP networks, none of which is everything."""
    wrong = "must be a list of networks such as 10.0.0.0/8"
    if texts(value):
        return wrong
    try:
        return None if all(ipaddress.ip_network(text).prefixlen for text in value) else wrong
    except ValueError:
        return wrong


def printable(value: Value) -> str | None:
    """One line of printable ASCII: what a request field may hold."""
    fine = isinstance(value, str) and re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", value)
    return None if fine else "must be one line of printable ASCII"


def toml_value(value: Value) -> str:
    """The value as TOML; texts must have passed their check."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    return repr(value)


MAX_NAMED = 12
"""Keys that an error lists; more would be no line any more."""


def near(word: str, words: list[str]) -> str:
    """Say which known key may have been meant, or which there are."""
    close = difflib.get_close_matches(word, words, 1)
    if close:
        return f"did you mean {close[0]}?"
    return f"known: {', '.join(words)}" if len(words) <= MAX_NAMED else "archiver settings lists all"


def tables_of(tables: Any, section: str, columns: Columns, *, others: bool = False) -> list[dict[str, Any]]:
    """Check an array of tables; ``others`` lets through keys that only a plug-in knows."""
    if not isinstance(tables, list):
        raise SettingsError(f"[[{section}]] must be an array of tables, with double brackets")
    found = []
    for table in tables:
        if not isinstance(table, dict):
            raise SettingsError(f"[[{section}]] must be a table")
        for name in table:
            if name not in columns and not others:
                raise SettingsError(f"unknown key {section}.{name}", do=near(name, list(columns)))
        values: dict[str, Any] = {}
        for name, (default, check) in columns.items():
            value = table.get(name, default)
            if value is None:
                needs = ", ".join(name for name, (default, _) in columns.items() if default is None)
                raise SettingsError(f"{section}.{name} is missing", do=f"every [[{section}]] needs {needs}")
            problem = check(value)
            if problem:
                raise SettingsError(f"{section}.{name} {problem}, not {value!r}")
            values[name] = tuple(value) if isinstance(value, list) else value
        found.append({**values, "others": {name: table[name] for name in table if name not in columns}})
    if len({values["name"] for values in found}) != len(found):
        raise SettingsError(f"two [[{section}]] tables have the same name")
    return found
