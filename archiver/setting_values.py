"""What a setting may be: one check for each kind of value, and how durations and TOML values are written.

A check returns what is wrong, in words that follow the name of the key, or None.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from archiver.errors import SettingsError

Value = Any
Check = Callable[[Value], str | None]
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
