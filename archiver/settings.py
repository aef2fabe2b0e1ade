"""Settings of one archive: every key, its default, its unit; an unknown key is an error that names it.

``archive.toml`` holds what differs from the defaults; ``ARCHIVER_<SECTION>_<KEY>`` in the environment overrides
both. ``config/default.toml`` is ``render_default()``, and a test keeps it so.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from archiver.errors import SettingsError

Value = Any
Tables = dict[str, dict[str, Value]]


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: where it stands, its default, and the line that explains it with its unit."""

    section: str
    name: str
    default: Value
    about: str
    check: Callable[[Value], str | None]

    @property
    def path(self) -> str:
        """``section.name``, as ``--set`` takes it."""
        return f"{self.section}.{self.name}"


def _whole(least: int, most: int) -> Callable[[Value], str | None]:
    def check(value: Value) -> str | None:
        if type(value) is not int or not least <= value <= most:
            return f"must be a whole number from {least} to {most}"
        return None

    return check


def _share(value: Value) -> str | None:
    return None if type(value) in (int, float) and 0 <= value <= 1 else "must be a number from 0 to 1"


def _text(value: Value) -> str | None:
    return None if isinstance(value, str) and "\n" not in value else "must be a text of one line"


def _filled(value: Value) -> str | None:
    return _text(value) or (None if value.strip() else "must not be empty")


def _origin(value: Value) -> str | None:
    bad = _filled(value) or ("must not hold spaces or '+'" if any(c.isspace() or c == "+" for c in value) else None)
    return bad or (None if value.isascii() else "must be ASCII")


def _prefix(value: Value) -> str | None:
    fine = isinstance(value, str) and 1 <= len(value) <= 8 and value.isascii() and value.isalnum() and value.isupper()
    return None if fine else "must be one to eight capital ASCII letters or digits, starting with a letter"


def _flag(value: Value) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _one_of(*choices: str) -> Callable[[Value], str | None]:
    def check(value: Value) -> str | None:
        return None if value in choices else f"must be one of {', '.join(choices)}"

    return check


def _texts(value: Value) -> str | None:
    return None if isinstance(value, list) and all(isinstance(v, str) for v in value) else "must be a list of texts"


def _ports(value: Value) -> str | None:
    fine = isinstance(value, list) and value and all(type(v) is int and 0 < v < 65536 for v in value)
    return None if fine else "must be a list of port numbers"


def _seconds_list(value: Value) -> str | None:
    fine = isinstance(value, list) and all(type(v) is int and 0 < v <= 604800 for v in value)
    return None if fine else "must be a list of whole seconds"


def _duration(value: Value) -> str | None:
    try:
        parse_duration(value)
    except SettingsError as error:
        return str(error)
    return None


def parse_duration(text: Value) -> int:
    """Return the seconds of ``90s``, ``15m``, ``6h`` or ``7d``; ``SettingsError`` for anything else."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if isinstance(text, str) and text[:-1].isascii() and text[:-1].isdigit() and text[-1:] in units:
        seconds = int(text[:-1]) * units[text[-1]]
        if 0 < seconds <= 366 * 86400:
            return seconds
    raise SettingsError(f"must be a duration such as 90s, 15m, 6h or 7d, not {text!r}")


SCHEMA: tuple[Key, ...] = (
    Key(
        "archive",
        "origin",
        "evidence.example.org/log",
        "name of the log, in every checkpoint; fixed by init",
        _origin,
    ),
    Key("archive", "prefix", "EA", "first part of every identifier; fixed by init", _prefix),
    Key("archive", "name", "Evidence Archive", "name of the archive, as citations print it", _filled),
    Key(
        "archive",
        "head_copy",
        "",
        "folder outside the archive for the copy of the newest head; empty: user state",
        _text,
    ),
    Key(
        "archive",
        "resolver",
        "",
        "address under which records can be asked for, empty when there is none",
        _text,
    ),
    Key(
        "network",
        "user_agent",
        "evidence-archiver/0.1 (+mailto:operator@example.org)",
        "with a contact address",
        _filled,
    ),
    Key(
        "network",
        "allow_private",
        [],
        "networks that may be contacted although not public, e.g. 127.0.0.0/8",
        _texts,
    ),
    Key("network", "ports", [80, 443], "TCP ports that may be contacted", _ports),
    Key("network", "ca_file", "", "PEM file with further TLS roots; empty: none", _text),
    Key("network", "timeout_s", 60, "seconds for one visit with all its redirects", _whole(1, 3600)),
    Key("network", "max_bytes", 104857600, "bytes received for one response", _whole(1024, 1 << 40)),
    Key(
        "network",
        "max_content_bytes",
        419430400,
        "bytes of one response after decoding",
        _whole(1024, 1 << 42),
    ),
    Key("network", "max_redirects", 10, "redirects of one visit", _whole(0, 50)),
    Key("network", "concurrency", 8, "checks in flight at once", _whole(1, 256)),
    Key(
        "network",
        "per_host_interval_s",
        2,
        "seconds between two checks of one host by the daemon",
        _whole(0, 3600),
    ),
    Key(
        "network",
        "robots",
        "obey",
        "obey: a refusal blocks the check; record: it is stated only",
        _one_of("obey", "record"),
    ),
    Key("network", "conditional", False, "ask with If-None-Match; a 304 is only the server's word", _flag),
    Key(
        "network",
        "full_copy_every",
        "7d",
        "an equal payload is kept in full again after this time",
        _duration,
    ),
    Key("schedule", "every", "6h", "time between two checks of a document that names none", _duration),
    Key("schedule", "jitter", 0.1, "share of the interval by which a check may be earlier or later", _share),
    Key(
        "schedule",
        "retry_s",
        [60, 300, 1800],
        "seconds to wait after the 1st, 2nd, … failure that may pass",
        _seconds_list,
    ),
    Key("log", "publish_every_s", 60, "seconds between two checkpoints of the daemon", _whole(1, 86400)),
    Key(
        "stamp",
        "snapshots",
        "new_version",
        "which statements get a token of their own",
        _one_of("new_version", "all", "none"),
    ),
    Key("stamp", "checkpoint_every_s", 300, "least seconds between two stamped checkpoints", _whole(1, 86400)),
    Key(
        "stamp",
        "heartbeat_s",
        86400,
        "seconds after which an unchanged log is stamped again",
        _whole(60, 2592000),
    ),
    Key(
        "stamp",
        "overdue_s",
        86400,
        "seconds after which a missing token is called overdue",
        _whole(60, 2592000),
    ),
    Key("stamp", "timeout_s", 30, "seconds to wait for an authority", _whole(1, 600)),
    Key(
        "storage",
        "reserve_bytes",
        4194304,
        "bytes kept aside so that a full disk can still be stated",
        _whole(0, 1 << 34),
    ),
    Key("web", "bind", "127.0.0.1:8080", "address of the web page (reserved)", _text),
)
_BY_PATH = {key.path: key for key in SCHEMA}
FIXED_BY_INIT = ("archive.origin", "archive.prefix")

DEFAULTS: Tables = {}
for _key in SCHEMA:
    DEFAULTS.setdefault(_key.section, {})[_key.name] = _key.default

_AUTHORITY_KEYS: dict[str, tuple[Value, Callable[[Value], str | None]]] = {
    "name": (None, _filled),
    "kind": ("rfc3161", _filled),
    "url": (None, _filled),
    "roots": (None, _filled),
    "min_interval_s": (15, _whole(0, 86400)),
}


@dataclass(frozen=True, slots=True)
class AuthoritySettings:
    """One ``[[authority]]``: a timestamp authority and the PEM file with its roots."""

    name: str
    kind: str
    url: str
    roots: str
    min_interval_s: int


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings in force, each with where it came from: ``default``, ``archive.toml`` or ``environment``."""

    values: Mapping[str, Value]
    origins: Mapping[str, str]
    authorities: tuple[AuthoritySettings, ...]

    def __getitem__(self, path: str) -> Value:
        """The value of ``section.name``; ``KeyError`` for a path that is no setting."""
        return self.values[path]

    def seconds(self, path: str) -> int:
        """The value of a duration setting in seconds."""
        return parse_duration(self.values[path])

    def as_tables(self) -> dict[str, Any]:
        """Nested tables as in ``archive.toml``, all keys present; what the configuration digest covers."""
        tables: dict[str, Any] = {}
        for path, value in self.values.items():
            section, name = path.split(".", 1)
            tables.setdefault(section, {})[name] = value if not isinstance(value, float) else repr(value)
        tables["authority"] = [
            {
                "name": a.name,
                "kind": a.kind,
                "url": a.url,
                "roots": a.roots,
                "min_interval_s": a.min_interval_s,
            }
            for a in self.authorities
        ]
        return tables


def _near(word: str, words: list[str]) -> str:
    close = difflib.get_close_matches(word, words, 1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(words)}"


def _checked(path: str, value: Value, source: str) -> Value:
    problem = _BY_PATH[path].check(value)
    if problem:
        raise SettingsError(f"{path} {problem}, not {value!r} ({source})")
    return value


def _authority(table: Any) -> AuthoritySettings:
    if not isinstance(table, dict):
        raise SettingsError("[[authority]] must be a table")
    for name in table:
        if name not in _AUTHORITY_KEYS:
            raise SettingsError(f"unknown key authority.{name}", do=_near(name, list(_AUTHORITY_KEYS)))
    values: dict[str, Any] = {}
    for name, (default, check) in _AUTHORITY_KEYS.items():
        value = table.get(name, default)
        if value is None:
            raise SettingsError(f"authority.{name} is missing", do="every [[authority]] needs name, url and roots")
        problem = check(value)
        if problem:
            raise SettingsError(f"authority.{name} {problem}, not {value!r}")
        values[name] = value
    if (
        not values["name"].replace("-", "").isalnum()
        or not values["name"].isascii()
        or values["name"] != values["name"].lower()
    ):
        raise SettingsError(f"authority.name {values['name']!r} must be lower-case ASCII letters, digits and hyphens")
    return AuthoritySettings(**values)


def parse_settings(toml: str, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the text of ``archive.toml``; ``SettingsError`` names the first key that is unknown or out of range."""
    try:
        tables = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"archive.toml is not TOML: {error}") from error
    values: dict[str, Value] = {key.path: key.default for key in SCHEMA}
    origins = dict.fromkeys(values, "default")
    authorities = tables.pop("authority", [])
    for section, table in tables.items():
        if section not in DEFAULTS or not isinstance(table, dict):
            raise SettingsError(f"unknown section [{section}]", do=_near(section, [*DEFAULTS, "authority"]))
        for name, value in table.items():
            if f"{section}.{name}" not in _BY_PATH:
                raise SettingsError(f"unknown key {section}.{name}", do=_near(name, list(DEFAULTS[section])))
            values[f"{section}.{name}"] = _checked(f"{section}.{name}", value, "archive.toml")
            origins[f"{section}.{name}"] = "archive.toml"
    for path in _BY_PATH:
        variable = "ARCHIVER_" + path.replace(".", "_").upper()
        if environment and variable in environment and path not in FIXED_BY_INIT:
            values[path] = _checked(path, literal(environment[variable], path), variable)
            origins[path] = "environment"
    if not isinstance(authorities, list):
        raise SettingsError("[[authority]] must be an array of tables, with double brackets")
    parsed = tuple(_authority(table) for table in authorities)
    if len({a.name for a in parsed}) != len(parsed):
        raise SettingsError("two [[authority]] tables have the same name")
    return Settings(values, origins, parsed)


def literal(text: str, path: str) -> Value:
    """Read the text given for a key on the command line or in the environment, by the type of its default."""
    if path not in _BY_PATH:
        raise SettingsError(f"unknown key {path}", do=_near(path, list(_BY_PATH)))
    default = _BY_PATH[path].default
    if isinstance(default, str):
        return text
    if isinstance(default, list) and not text.lstrip().startswith("["):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [int(part) if part.isdigit() else part for part in parts]
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: cannot read {text!r}", do=f"its default is {default!r}") from error


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return repr(value)


def render(values: Mapping[str, Value], *, only: frozenset[str] | None = None) -> str:
    """Return TOML with the explaining line above each key; ``only`` limits it to some paths."""
    lines: list[str] = []
    section = ""
    for key in SCHEMA:
        if only is not None and key.path not in only:
            continue
        if key.section != section:
            lines += ([""] if lines else []) + [f"[{key.section}]"]
            section = key.section
        lines += [f"# {key.about}", f"{key.name} = {_toml(values[key.path])}"]
    return "\n".join(lines) + "\n"


_HEAD = """\
# Every setting of an archive, with its default and its unit. An archive's own archive.toml holds only what differs.
# The environment overrides both: ARCHIVER_<SECTION>_<KEY>, e.g. ARCHIVER_NETWORK_TIMEOUT_S=30.

"""
_TAIL = """
# One table for each timestamp authority; roots is a PEM file, relative to the archive.
# [[authority]]
# name = "digicert"
# kind = "rfc3161"
# url = "http://timestamp.digicert.com"
# roots = "authorities/digicert.pem"
# min_interval_s = 15
"""


def render_default() -> str:
    """Return the text of ``config/default.toml``."""
    return _HEAD + render({key.path: key.default for key in SCHEMA}) + _TAIL
