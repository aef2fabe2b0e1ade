"""Settings of one archive: every key, its default, its unit; an unknown key is an error that names it.

``archive.toml`` holds what differs from the defaults; ``ARCHIVER_<SECTION>_<KEY>`` in the environment overrides
both. ``config/default.toml`` is ``render_default()``, and a test keeps it so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archiver import setting_values as kind
from archiver.errors import SettingsError
from archiver.setting_values import Check, Columns, near, tables_of

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


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CHANGE_CLASSES = ("wording", "links", "punctuation", "layout", "reversion", "variant", "extraction", "content")
EVENTS = ("change", "provision", "failing", "stamp_overdue", "quarantine")

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
    Key("archive", "resolver_is_public", False, "everyone may ask there; otherwise citations say: on file", kind.flag),
    Key("archive", "naan", "", "number of your organisation for ARKs, five digits; empty: no ARKs", kind.naan),
    Key(
        "archive",
        "keep_until",
        "",
        "day to which snapshots will be kept; empty: no promise",
        kind.day_or_nothing,
    ),
    Key("archive", "keep_by", "", "who promises it, as citations print it", kind.text),
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
        "a text that lost more than so many per cent of its words is held back",
        kind.whole(1, 100),
    ),
    Key("gate", "least_words", 20, "a text of fewer words is held back on lesser signs", kind.whole(0, 2000)),
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
    Key(
        "alert",
        "failing_after",
        3,
        "checks that must fail in a row before a document is called failing",
        kind.whole(1, 100),
    ),
    Key(
        "alert",
        "retry_s",
        [60, 300, 1800, 7200, 21600],
        "seconds to wait after the 1st, 2nd, … failed delivery; the last counts for all later ones",
        kind.seconds_list,
    ),
    Key("alert", "give_up_after", "7d", "a delivery that still fails after this time is given up", kind.duration),
    Key("alert", "timeout_s", 30, "seconds for one delivery as a whole", kind.whole(1, 3600)),
    Key("alert", "digest_hour", 8, "hour of the day, in UTC, at which digests are sent", kind.whole(0, 23)),
    Key(
        "alert", "digest_weekday", "monday", "day of the week on which weekly digests are sent", kind.one_of(*WEEKDAYS)
    ),
    Key(
        "alert",
        "base_url",
        "",
        "address that links of alerts begin with, the identifier follows; empty: no links",
        kind.address_or_nothing,
    ),
    Key("web", "bind", "127.0.0.1:8080", "address of the web page (reserved)", kind.text),
)
_BY_PATH = {key.path: key for key in SCHEMA}
FIXED_BY_INIT = ("archive.origin", "archive.prefix")

DEFAULTS: Tables = {}
for _key in SCHEMA:
    DEFAULTS.setdefault(_key.section, {})[_key.name] = _key.default

_AUTHORITY_KEYS: Columns = {
    "name": (None, kind.short_name),
    "kind": ("rfc3161", kind.filled),
    "url": (None, kind.filled),
    "roots": (None, kind.filled),
    "min_interval_s": (15, kind.whole(0, 86400)),
}
_CHANNEL_KEYS: Columns = {"name": (None, kind.short_name), "kind": (None, kind.short_name)}
_RULE_KEYS: Columns = {
    "name": (None, kind.short_name),
    "channels": (None, kind.filled_texts),
    "documents": ([], kind.filled_texts),
    "entities": ([], kind.filled_texts),
    "provisions": ([], kind.filled_texts),
    "classes": (["wording", "reversion"], kind.some_of(*CHANGE_CLASSES)),
    "events": (["change"], kind.some_of(*EVENTS)),
    "deliver": ("now", kind.one_of("now", "daily", "weekly")),
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
class ChannelSettings:
    """One ``[[channel]]``: a way of telling people; ``options`` are the keys of its kind, which judges them."""

    name: str
    kind: str
    options: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """One ``[[rule]]``: which events go to which channels, and when; an empty list stands for everything."""

    name: str
    channels: tuple[str, ...]
    documents: tuple[str, ...]
    entities: tuple[str, ...]
    provisions: tuple[str, ...]
    classes: tuple[str, ...]
    events: tuple[str, ...]
    deliver: Any


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings in force, each with where it came from: ``default``, ``archive.toml`` or ``environment``."""

    values: Mapping[str, Value]
    origins: Mapping[str, str]
    authorities: tuple[AuthoritySettings, ...]
    channels: tuple[ChannelSettings, ...] = ()
    rules: tuple[RuleSettings, ...] = ()

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


def checked(path: str, value: Value, source: str) -> Value:
    """Return the value if the setting may have it; ``SettingsError`` names the setting and where the value is from."""
    problem = _BY_PATH[path].check(value)
    if problem:
        raise SettingsError(f"{path} {problem}, not {value!r} ({source})")
    return value


def _authority(values: dict[str, Any]) -> AuthoritySettings:
    return AuthoritySettings(**{name: values[name] for name in _AUTHORITY_KEYS})


def _rule(values: dict[str, Any], channels: tuple[ChannelSettings, ...]) -> RuleSettings:
    rule = RuleSettings(**{name: values[name] for name in _RULE_KEYS})
    known = [channel.name for channel in channels]
    if not rule.channels:
        raise SettingsError("rule.channels must name a channel")
    for name in rule.channels:
        if name not in known:
            raise SettingsError(f"rule {rule.name}: there is no channel {name!r}", do=near(name, known))
    if rule.provisions and "provision" not in rule.events:
        raise SettingsError(f"rule {rule.name}: provisions fit no event", do='add "provision" to its events')
    return rule


def parse_settings(toml: str, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the text of ``archive.toml``; ``SettingsError`` names the first key that is unknown or out of range."""
    try:
        tables = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"archive.toml is not TOML: {error}") from error
    values: dict[str, Value] = {key.path: key.default for key in SCHEMA}
    origins = dict.fromkeys(values, "default")
    arrays = {section: tables.pop(section, []) for section in ("authority", "channel", "rule")}
    for section, table in tables.items():
        if section not in DEFAULTS:
            raise SettingsError(f"unknown section [{section}]", do=near(section, [*DEFAULTS, *arrays]))
        if not isinstance(table, dict):
            raise SettingsError(f"{section} must be a table: [{section}]")
        for name, value in table.items():
            if f"{section}.{name}" not in _BY_PATH:
                raise SettingsError(f"unknown key {section}.{name}", do=near(name, list(DEFAULTS[section])))
            values[f"{section}.{name}"] = checked(f"{section}.{name}", value, "archive.toml")
            origins[f"{section}.{name}"] = "archive.toml"
    for path, value in _from_environment(environment or {}).items():
        values[path], origins[path] = value, "environment"
    authorities = tuple(map(_authority, tables_of(arrays["authority"], "authority", _AUTHORITY_KEYS)))
    listed = tables_of(arrays["channel"], "channel", _CHANNEL_KEYS, others=True)
    channels = tuple(ChannelSettings(table["name"], table["kind"], table["others"]) for table in listed)
    rules = tuple(_rule(values, channels) for values in tables_of(arrays["rule"], "rule", _RULE_KEYS))
    return Settings(values, origins, authorities, channels, rules)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Value]:
    """The settings that the environment overrides; a variable that looks like a setting and is none is an error."""
    variables = {_variable(path): path for path in _BY_PATH}
    sections = tuple(f"ARCHIVER_{section.upper()}_" for section in DEFAULTS)
    found: dict[str, Value] = {}
    for variable in sorted(name for name in environment if name.startswith(sections)):
        path = variables.get(variable)
        if path is None:
            raise SettingsError(f"unknown setting {variable} in the environment", do=near(variable, [*variables]))
        if path in FIXED_BY_INIT:
            raise SettingsError(f"{path} is fixed by init", do=f"unset {variable}")
        found[path] = checked(path, literal(environment[variable], path), variable)
    return found


def _variable(path: str) -> str:
    return "ARCHIVER_" + path.replace(".", "_").upper()


def literal(text: str, path: str) -> Value:
    """Read the text given for a key on the command line or in the environment, by the type of its default."""
    if path not in _BY_PATH:
        raise SettingsError(f"unknown key {path}", do=near(path, list(_BY_PATH)))
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

# One table for each way of telling people; docs/alerts.md lists the keys of each kind.
# [[channel]]
# name = "legal"
# kind = "email"
# host = "mail.example.org"
# from = "archive@example.org"
# to = ["legal@example.org"]

# One table for each rule: which events go to which channels. An empty list stands for everything.
# [[rule]]
# name = "terms"
# channels = ["legal"]
# entities = ["Example*"]
# events = ["change", "provision"]
# classes = ["wording", "reversion"]
# deliver = "now"
"""


def render_default() -> str:
    """Return the text of ``config/default.toml``."""
    return _HEAD + render({key.path: key.default for key in SCHEMA}) + _TAIL
