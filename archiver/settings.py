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
from archiver.errors import FormatError, SettingsError
from archiver.setting_keys import CHANGE_CLASSES as CHANGE_CLASSES
from archiver.setting_keys import EVENTS as EVENTS
from archiver.setting_keys import SCHEMA as SCHEMA
from archiver.setting_values import Columns, near, tables_of

Value = kind.Value
Tables = dict[str, dict[str, Value]]


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
_WITNESS_KEYS: Columns = {
    "name": (None, kind.short_name),
    "url": (None, kind.filled),
    "key": (None, kind.filled),
    "min_interval_s": (15, kind.whole(0, 86400)),
}
_CHANNEL_KEYS: Columns = {"name": (None, kind.short_name), "kind": (None, kind.short_name)}
_OUTSIDE_KEYS: Columns = {
    "name": (None, kind.short_name),
    "endpoint": ("", kind.address_or_nothing),
    "copies": ("", kind.address_or_nothing),
    "key_file": ("", kind.text),
    "key_credential": ("", kind.credential_or_nothing),
    "folder": (0, kind.whole(0, 1 << 53)),
    "min_interval_s": (60, kind.whole(0, 86400)),
    "timeout_s": (60, kind.whole(1, 600)),
    "allow_private": ([], kind.networks),
    "ca_file": ("", kind.text),
}
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
class WitnessSettings:
    """One ``[[witness]]``: somebody else who cosigns checkpoints (C2SP tlog-witness), and their verifier key."""

    name: str
    url: str
    key: str
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
class OutsideSettings:
    """One ``[outside.NAME]``: a web archive of other people that may be asked for copies; empty texts: its own way."""

    name: str
    endpoint: str
    copies: str
    key_file: str
    key_credential: str
    folder: int
    min_interval_s: int
    timeout_s: int
    allow_private: tuple[str, ...]
    ca_file: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings in force, each with where it came from: ``default``, ``archive.toml`` or ``environment``."""

    values: Mapping[str, Value]
    origins: Mapping[str, str]
    authorities: tuple[AuthoritySettings, ...]
    channels: tuple[ChannelSettings, ...] = ()
    rules: tuple[RuleSettings, ...] = ()
    outside: tuple[OutsideSettings, ...] = ()
    witnesses: tuple[WitnessSettings, ...] = ()

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
        if self.witnesses:
            tables["witness"] = [{name: getattr(one, name) for name in _WITNESS_KEYS} for one in self.witnesses]
        if self.outside:
            # Where the key lies is no secret; the key is in no setting.
            copies = {
                one.name: {key: getattr(one, key) for key in _OUTSIDE_KEYS if key != "name"} for one in self.outside
            }
            lists = {name: {**table, "allow_private": list(table["allow_private"])} for name, table in copies.items()}
            tables["outside"] = {**tables["outside"], **lists}
        return tables


def checked(path: str, value: Value, source: str) -> Value:
    """Return the value if the setting may have it; ``SettingsError`` names the setting and where the value is from."""
    problem = _BY_PATH[path].check(value)
    if problem:
        raise SettingsError(f"{path} {problem}, not {value!r} ({source})")
    return value


def _authority(values: dict[str, Any]) -> AuthoritySettings:
    return AuthoritySettings(**{name: values[name] for name in _AUTHORITY_KEYS})


def _witness(values: dict[str, Any]) -> WitnessSettings:
    from archiver.evidence.cosignature import WitnessKey  # slow to load, and seldom needed

    try:
        WitnessKey.from_vkey(values["key"])
    except FormatError as error:
        raise SettingsError(
            f"witness.key of {values['name']}: {error.what}", do="ask the witness for its verifier key"
        ) from error
    return WitnessSettings(**{name: values[name] for name in _WITNESS_KEYS})


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


def _outside(tables: Any) -> tuple[OutsideSettings, ...]:
    """The ``[outside.NAME]`` tables; taken out of ``[outside]``, whose other keys are plain settings."""
    if not isinstance(tables, dict):
        return ()
    named = [name for name, table in tables.items() if isinstance(table, dict)]
    found = []
    for name in named:
        section = f"outside.{name}"
        (values,) = tables_of([{"name": name, **tables.pop(name)}], section, _OUTSIDE_KEYS)
        if bool(values["key_file"]) == bool(values["key_credential"]):
            raise SettingsError(
                f"{section} needs key_file or key_credential, and not both", do="the key stands in a file of its own"
            )
        found.append(OutsideSettings(**{key: values[key] for key in _OUTSIDE_KEYS}))
    return tuple(found)


def parse_settings(toml: str, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the text of ``archive.toml``; ``SettingsError`` names the first key that is unknown or out of range."""
    try:
        tables = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"archive.toml is not TOML: {error}", do="mend that place; nothing was read") from error
    values: dict[str, Value] = {key.path: key.default for key in SCHEMA}
    origins = dict.fromkeys(values, "default")
    arrays = {section: tables.pop(section, []) for section in ("authority", "witness", "channel", "rule")}
    outside = _outside(tables.get("outside"))
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
    witnesses = tuple(map(_witness, tables_of(arrays["witness"], "witness", _WITNESS_KEYS)))
    listed = tables_of(arrays["channel"], "channel", _CHANNEL_KEYS, others=True)
    channels = tuple(ChannelSettings(table["name"], table["kind"], table["others"]) for table in listed)
    rules = tuple(_rule(values, channels) for values in tables_of(arrays["rule"], "rule", _RULE_KEYS))
    return Settings(values, origins, authorities, channels, rules, outside, witnesses)


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
# A web archive that may be asked for copies of new versions. It learns what is watched: docs/outside-copies.md first.
# Files are relative to the archive; ca_file names further TLS roots (PEM), for the service and for its copies.
# [outside.wayback]
# key_file = "wayback.key"
# min_interval_s = 60
# ca_file = "roots.pem"

# One table for each timestamp authority; roots is a PEM file, relative to the archive.
# [[authority]]
# name = "digicert"
# kind = "rfc3161"
# url = "http://timestamp.digicert.com"
# roots = "authorities/digicert.pem"
# min_interval_s = 15

# One table for each witness: somebody else who signs our checkpoints after checking that the log was only added to.
# key is the verifier key they gave you (C2SP vkey); the address is without its last part, /add-checkpoint.
# [[witness]]
# name = "expert"
# url = "https://witness.example.com/evidence"
# key = "witness.example.com/evidence+01234567+BA…"
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
