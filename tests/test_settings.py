"""Settings: what may be said, who wins, and that what is written is read again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import SettingsError
from archiver.setting_values import parse_duration, toml_value
from archiver.settings import DEFAULTS, SCHEMA, literal, parse_settings, render, render_default

DEFAULT_VALUES = {key.path: key.default for key in SCHEMA}
PLAIN = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).filter(str.strip)


def test_an_empty_file_gives_the_defaults() -> None:
    found = parse_settings("")
    assert dict(found.values) == DEFAULT_VALUES and set(found.origins.values()) == {"default"}
    assert found.authorities == () and found.seconds("schedule.every") == 21600


def test_every_default_passes_its_own_check() -> None:
    assert [key.path for key in SCHEMA if key.check(key.default)] == []
    assert parse_settings(render_default()).values == parse_settings("").values


def test_the_environment_beats_the_file_and_the_file_the_default() -> None:
    text = "[network]\ntimeout_s = 30\nmax_redirects = 3\n"
    found = parse_settings(text, {"ARCHIVER_NETWORK_TIMEOUT_S": "7", "ARCHIVER_ARCHIVE": "/x", "PATH": "/bin"})
    assert (found["network.timeout_s"], found["network.max_redirects"]) == (7, 3)
    assert (found.origins["network.timeout_s"], found.origins["network.max_redirects"]) == (
        "environment",
        "archive.toml",
    )


@given(PLAIN, st.integers(1, 3600), st.booleans(), st.lists(st.integers(1, 65535), min_size=1, max_size=3))
def test_what_is_rendered_is_read_again(name: str, timeout: int, conditional: bool, ports: list[int]) -> None:
    changes: dict[str, Any] = {
        "archive.name": name,
        "network.timeout_s": timeout,
        "network.conditional": conditional,
        "network.ports": ports,
    }
    text = render(DEFAULT_VALUES | changes, only=frozenset(changes))
    found = parse_settings(text)
    assert {path: found[path] for path in changes} == changes
    assert all(found.origins[path] == "archive.toml" for path in changes)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("network.timeout_s", "30", 30),
        ("network.conditional", "true", True),
        ("schedule.jitter", "0.5", 0.5),
        ("network.ports", "80, 8080", [80, 8080]),
        ("network.ports", "[80]", [80]),
        ("network.allow_private", "127.0.0.0/8,::1/128", ["127.0.0.0/8", "::1/128"]),
        ("schedule.retry_s", "", []),
        ("archive.name", "true", "true"),
        ("schedule.every", "6h", "6h"),
    ],
)
def test_texts_are_read_by_the_type_of_the_default(path: str, text: str, value: object) -> None:
    assert literal(text, path) == value


BAD: dict[str, list[Any]] = {
    "archive.origin": ["", "a b", "a+b", "ä", "a\nb", 3],
    "archive.prefix": ["", "ea", "ABCDEFGHI", "1A", "Ä", "E-A", 1],
    "archive.name": ["", " ", "a\nb", "a\x1bb"],
    "network.user_agent": ["", "ü", "a\tb", " a"],
    "network.allow_private": ["127.0.0.0/8", ["x"], ["127.0.0.1/8"], ["0.0.0.0/0"], [1]],
    "network.ports": [[], [0], [65536], [True], 80, ["80"]],
    "network.timeout_s": [0, 3601, 1.5, True, "30"],
    "network.robots": ["", "ignore", True],
    "network.conditional": [0, "yes"],
    "network.full_copy_every": ["", "7", "0d", "7w", "-1d", "400d", "٧d", 7],
    "schedule.jitter": [-0.1, 1.1, "0.1", True],
    "schedule.retry_s": [[0], [-1], [1.5], 60, ["60"]],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in BAD.items() for value in values])
def test_a_bad_value_is_named_with_its_key(path: str, value: Any) -> None:
    section, name = path.split(".")
    shown = toml_value(value).replace("\n", "\\n").replace("\t", "\\t").replace("\x1b", "\\u001b")
    with pytest.raises(SettingsError, match=re.escape(path)):
        parse_settings(f"[{section}]\n{name} = {shown}\n")


AUTHORITY = '[[authority]]\nname = "{}"\nurl = "http://a.example/"\nroots = "a.pem"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[archiv]\n", r"\[archiv\].*did you mean archive"),
        ("[network]\nmaxbytes = 1\n", "network.maxbytes.*did you mean max_bytes"),
        ("archive = 1\n", "must be a table"),
        ("authority = 1\n", "double brackets"),
        ("[authority]\nname = 'a'\n", "double brackets"),
        ("[[authority]]\nname = 'a'\n", "authority.url is missing"),
        (AUTHORITY.format("A"), "lower-case"),
        (AUTHORITY.format("a/../b"), "lower-case"),
        (AUTHORITY.format("a") * 2, "same name"),
        (AUTHORITY.format("a") + "min_interval_s = -1\n", "authority.min_interval_s"),
        (AUTHORITY.format("a") + "password = 'x'\n", "unknown key authority.password"),
    ],
)
def test_a_bad_table_is_named(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        parse_settings(text)


def test_the_digest_s_tables_hold_every_key_and_no_fraction() -> None:
    tables = parse_settings(AUTHORITY.format("a")).as_tables()
    assert {name: set(table) for name, table in tables.items() if name != "authority"} == {
        name: set(table) for name, table in DEFAULTS.items()
    }
    assert tables["schedule"]["jitter"] == "0.1"
    assert tables["authority"] == [
        {"name": "a", "kind": "rfc3161", "url": "http://a.example/", "roots": "a.pem", "min_interval_s": 15}
    ]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("6h", 21600), ("7d", 604800)])
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds
