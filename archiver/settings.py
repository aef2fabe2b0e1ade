"""Settings of one archive: every key, its default, its unit; an unknown key is an error that names it.

``archive.toml`` holds what differs from the defaults; ``ARCHIVER_<SECTION>_<KEY>`` in the environment overrides
both. ``config/default.toml`` is ``render_default()``, and a test keeps it so.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archiver import setting_values as kind
from archiver.errors import SettingsError
from archiver.setting_values import Check

Value = kind.Value
Tables = dict[str, dict[str, Value]]


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: where it stands, its default, and the line that explains it with its unit."""

    section: str
    name: str
    default: Value
    about: str
    check: Check

    @property
    def path(self) -> str:
        """``section.name``, as ``--set`` takes it."""
        return f"{self.section}.{self.name}"


SCHEMA: tuple[Key, ...] = (
    Key(
        "archive",
        "origin",
        "evidence.example.org/log",
        "name of the log, in every checkpoint; fixed by init",
        kind.origin,
    ),
    Key("archive", "prefix", "EA", "first part of every identifier; fixed by init", kind.prefix),
    Key("archive", "name", "Evidence Archive", "name of the archive, as citations print it", kind.filled),
    Key(
        "archive",
        "head_copy",
        "",
        "folder outside the archive for the copy of the newest head; empty: user state",
        kind.text,
    ),
    Key("archive", "resolver", "", "address under which records can be asked for, empty when there is none", kind.text),
    Key(
        "network",
        "user_agent",
        "evidence-archiver/0.1 (+mailto:operator@example.org)",
        "with a contact address",
        kind.printable,
    ),
    Key(
        "network",
        "allow_private",
        [],
        "networks that may be contacted although not public, e.g. 127.0.0.0/8",
        kind.networks,
    ),
    Key("network", "ports", [80, 443], "TCP ports that may be contacted", kind.ports),
    Key("network", "ca_file", "", "PEM file with further TLS roots; empty: none", kind.text),
    Key("network", "timeout_s", 60, "seconds for one visit with all its redirects", kind.whole(1, 3600)),
    Key("network", "max_bytes", 104857600, "bytes received for one response", kind.whole(1024, 1 << 40)),
    Key("network", "max_content_bytes", 419430400, "bytes of one response after decoding", kind.whole(1024, 1 << 42)),
    Key("network", "max_redirects", 10, "redirects of one visit", kind.whole(0, 50)),
    Key("network", "concurrency", 8, "checks in flight at once", kind.whole(1, 256)),
    Key(
        "network", "per_host_interval_s", 2, "seconds between two checks of one host by the daemon", kind.whole(0, 3600)
    ),
    Key(
        "network",
        "robots",
        "obey",
        "obey: a refusal blocks the check; record: it is stated only",
        kind.one_of("obey", "record"),
    ),
    Key("network", "conditional", False, "ask with If-None-Match; a 304 is only the server's word", kind.flag),
    Key("network", "full_copy_every", "7d", "an equal payload is kept in full again after this time", kind.duration),
    Key("schedule", "every", "6h", "time between two checks of a document that names none", kind.duration),
    Key("schedule", "jitter", 0.1, "share of the interval by which a check may be earlier or later", kind.share),
    Key(
        "schedule",
        "retry_s",
        [60, 300, 1800],
        "seconds to wait after the 1st, 2nd, … failure that may pass",
        kind.seconds_list,
    ),
    Key("log", "publish_every_s", 60, "seconds between two checkpoints of the daemon", kind.whole(1, 86400)),
    Key(
        "gate",
        "shrink_percent",
        60,
        "a text that lost more than this share of its words is quarantined",
        kind.whole(1, 100),
    ),
    Key("gate", "least_words", 20, "a text of fewer words is looked at twice", kind.whole(0, 10000)),
    Key(
        "stamp",
        "snapshots",
        "new_version",
        "which statements get a token of their own",
        kind.one_of("new_version", "all", "none"),
    ),
    Key("stamp", "checkpoint_every_s", 300, "least seconds between two stamped checkpoints", kind.whole(1, 86400)),
    Key(
        "stamp", "heartbeat_s", 86400, "seconds after which an unchanged log is stamped again", kind.whole(60, 2592000)
    ),
    Key("stamp", "overdue_s", 86400, "seconds after which a missing token is called overdue", kind.whole(60, 2592000)),
    Key("stamp", "timeout_s", 30, "seconds to wait for an authority", kind.whole(1, 600)),
    Key(
        "storage",
        "reserve_bytes",
        4194304,
        "bytes kept aside so that a full disk can still be stated",
        kind.whole(0, 1 << 34),
    ),
    Key("web", "bind", "127.0.0.1:8080", "address of the web page (reserved)", kind.text),
)
_BY_PATH = {key.path: key for key in SCHEMA}
FIXED_BY_INIT = ("archive.origin", "archive.prefix")

DEFAULTS: Tables = {}
for _key in SCHEMA:
    DEFAULTS.setdefault(_key.section, {})[_key.name] = _key.default

_AUTHORITY_KEYS: dict[str, tuple[Value, Check]] = {
    "name": (None, kind.filled),
    "kind": ("rfc3161", kind.filled),
    "url": (None, kind.filled),
    "roots": (None, kind.filled),
    "min_interval_s": (15, kind.whole(0, 86400)),
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
        return kind.parse_duration(self.values[path])

    def as_tables(self) -> dict[str, Any]:
        """Nested tables as in ``archive.toml``, all keys present; what the configuration digest covers."""
        tables: dict[str, Any] = {}
        for path, value in self.values.items():
            section, name = path.split(".", 1)
            tables.setdefault(section, {})[name] = value if not isinstance(value, float) else repr(value)
        tables["authority"] = [
            {name: getattr(authority, name) for name in _AUTHORITY_KEYS} for authority in self.authorities
        ]
        return tables


MAX_NAMED = 12
"""Keys that an error lists; more would be no line any more."""


def _near(word: str, words: list[str]) -> str:
    close = difflib.get_close_matches(word, words, 1)
    if close:
        return f"did you mean {close[0]}?"
    return f"known: {', '.join(words)}" if len(words) <= MAX_NAMED else "archiver settings lists all"


def checked(path: str, value: Value, source: str) -> Value:
    """Return the value if the setting may have it; ``SettingsError`` names the setting and where the value is from."""
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
        if section not in DEFAULTS:
            raise SettingsError(f"unknown section [{section}]", do=_near(section, [*DEFAULTS, "authority"]))
        if not isinstance(table, dict):
            raise SettingsError(f"{section} must be a table: [{section}]")
        for name, value in table.items():
            if f"{section}.{name}" not in _BY_PATH:
                raise SettingsError(f"unknown key {section}.{name}", do=_near(name, list(DEFAULTS[section])))
            values[f"{section}.{name}"] = checked(f"{section}.{name}", value, "archive.toml")
            origins[f"{section}.{name}"] = "archive.toml"
    for path, value in _from_environment(environment or {}).items():
        values[path], origins[path] = value, "environment"
    if not isinstance(authorities, list):
        raise SettingsError("[[authority]] must be an array of tables, with double brackets")
    parsed = tuple(_authority(table) for table in authorities)
    if len({a.name for a in parsed}) != len(parsed):
        raise SettingsError("two [[authority]] tables have the same name")
    return Settings(values, origins, parsed)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Value]:
    """The settings that the environment overrides; a variable that looks like a setting and is none is an error."""
    variables = {_variable(path): path for path in _BY_PATH}
    sections = tuple(f"ARCHIVER_{section.upper()}_" for section in DEFAULTS)
    found: dict[str, Value] = {}
    for variable in sorted(name for name in environment if name.startswith(sections)):
        path = variables.get(variable)
        if path is None:
            raise SettingsError(f"unknown setting {variable} in the environment", do=_near(variable, [*variables]))
        if path in FIXED_BY_INIT:
            raise SettingsError(f"{path} is fixed by init", do=f"unset {variable}")
        found[path] = checked(path, literal(environment[variable], path), variable)
    return found


def _variable(path: str) -> str:
    return "ARCHIVER_" + path.replace(".", "_").upper()


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
        lines += [f"# {key.about}", f"{key.name} = {kind.toml_value(values[key.path])}"]
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
