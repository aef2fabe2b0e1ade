"""The feed: valid by the RFC's own grammar, readable by a feed reader, bounded, and never another file's end."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from archiver.alert.atom import NAMESPACE, PLUGIN, Feed, parse, urn
from archiver.alert.interface import ChannelFailed
from archiver.alert.message import render
from archiver.errors import SettingsError
from tests.simulators.alerts import LETTERHEAD, event, surroundings

GRAMMAR = etree.RelaxNG(etree.parse(Path(__file__).parent / "vectors" / "atom.rng"))
ATOM = f"{{{NAMESPACE}}}"


def feed(folder: Path, **keys: Any) -> Feed:
    opened = PLUGIN.open("feed", {"path": "alerts.atom", **keys}, surroundings(folder, timeout_s=5))
    assert isinstance(opened, Feed)
    return opened


def require_valid(data: bytes) -> Any:
    """The grammar, and what the RFC says in prose: ids of a feed differ, and are absolute; one self link."""
    root = etree.fromstring(data)
    GRAMMAR.assertValid(root)
    ids = [node.text for node in root.iter(f"{ATOM}id")]
    assert len(set(ids)) == len(ids) and all(name.startswith("urn:uuid:") for name in ids)
    assert len(root.findall(f"{ATOM}link[@rel='self']")) == 1
    assert root.find(f"{ATOM}author/{ATOM}name").text  # for every entry that has none
    return root


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("no id", "<title>x</title><updated>2026-05-12T00:00:00Z</updated>"),
        ("no date", "<id>urn:x</id><title>x</title><updated>yesterday</updated>"),
        ("unknown", "<id>urn:x</id><title>x</title><updated>2026-05-12T00:00:00Z</updated><body/>"),
        ("type", "<id>urn:x</id><title type='pdf'>x</title><updated>2026-05-12T00:00:00Z</updated>"),
    ],
)
def test_the_grammar_refuses_what_is_no_feed(what: str, wrong: str) -> None:
    assert not GRAMMAR.validate(etree.fromstring(f"<feed xmlns='{NAMESPACE}'>{wrong}</feed>")), what


def test_a_feed_is_valid_and_a_reader_sees_what_was_sent(tmp_path: Path) -> None:
    channel = feed(tmp_path, url="https://evidence.example.org/alerts.atom")
    for number in (123, 124):
        channel.send(render(event(number, at=f"2026-05-12T15:09:41.{number}Z"), LETTERHEAD))
    data = (tmp_path / "alerts.atom").read_bytes()
    root = require_valid(data)
    assert root.find(f"{ATOM}link").get("href") == "https://evidence.example.org/alerts.atom"
    read = feedparser.parse(data)
    assert not read.bozo and read.version == "atom10" and read.feed.title == "Example Archive"
    assert [entry.id for entry in read.entries] == [urn(event(number).id) for number in (124, 123)]
    assert read.feed.updated == read.entries[0].updated == "2026-05-12T15:09:41.124Z"
    assert read.entries[0].link == "https://evidence.example.org/EA-S-00000122"
    assert read.entries[0].content[0].type == "text/html" and "<del" in read.entries[0].content[0].value


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), st.text(max_size=40), st.text(max_size=40)), max_size=8))
def test_whatever_pages_say_the_feed_stays_valid_and_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("feed")
    channel = feed(folder)
    for place, (number, title, text) in enumerate(told):
        hunk = ("added", "", text, ())
        channel.send(render(event(number, title=title, entity=text, hunks=(hunk,)), LETTERHEAD))
        data = (folder / "alerts.atom").read_bytes()
        require_valid(data)
        again = parse(data)
        assert again is not None and channel.render(again[1]) == data
        assert len(again[1]) == len({earlier for earlier, *_ in told[: place + 1]})


def test_old_entries_make_way(tmp_path: Path) -> None:
    channel = feed(tmp_path, entries=3)
    for number in (5, 1, 4, 2, 3):
        channel.send(render(event(number, at=f"2026-05-1{number}T00:00:00.000Z"), LETTERHEAD))
    root = require_valid((tmp_path / "alerts.atom").read_bytes())
    assert [node.text[:10] for node in root.iterfind(f"{ATOM}entry/{ATOM}updated")] == [
        f"2026-05-1{number}" for number in (5, 4, 3)
    ]


OTHERS = {
    "a page": b"<!doctype html><title>Home</title>",
    "not XML": b"\x00\x01",
    "another feed": f"<feed xmlns='{NAMESPACE}'><id>urn:uuid:0</id></feed>".encode(),
    "entities": f"<!DOCTYPE feed [<!ENTITY a 'aaaa'>]><feed xmlns='{NAMESPACE}'><id>&a;</id></feed>".encode(),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_file_that_is_not_this_feed_is_left_alone(tmp_path: Path, other: str) -> None:
    (tmp_path / "alerts.atom").write_bytes(OTHERS[other])
    with pytest.raises(ChannelFailed, match="is not this feed"):
        feed(tmp_path).send(render(event(), LETTERHEAD))
    assert (tmp_path / "alerts.atom").read_bytes() == OTHERS[other]
    assert [path.name for path in tmp_path.iterdir()] == ["alerts.atom"]


def test_the_feed_of_another_channel_is_left_alone(tmp_path: Path) -> None:
    feed(tmp_path).send(render(event(), LETTERHEAD))
    other = PLUGIN.open("other", {"path": "alerts.atom"}, surroundings(tmp_path))
    with pytest.raises(ChannelFailed, match="is not this feed"):
        other.send(render(event(2), LETTERHEAD))


def test_readers_never_see_half_a_feed_and_two_writers_lose_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from tests.test_alert_atom import *\n"
        "(Path(sys.argv[1]) / sys.argv[2]).touch()\n"
        "while not all((Path(sys.argv[1]) / name).exists() for name in ('0', '100')): time.sleep(0.001)\n"
        "for n in range(int(sys.argv[2]), int(sys.argv[2]) + 40):\n"
        "    feed(Path(sys.argv[1])).send(render(event(n), LETTERHEAD))\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, tmp_path, str(first)], cwd=Path(__file__).parent.parent)
        for first in (0, 100)
    ]
    path, over = tmp_path / "alerts.atom", threading.Event()
    while any(writer.poll() is None for writer in writers) and not over.wait(0.002):
        if path.exists():
            require_valid(path.read_bytes())
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(require_valid(path.read_bytes()).findall(f"{ATOM}entry")) == 80


@pytest.mark.parametrize(
    "path", ["journal/x.atom", "snapshots/x.atom", "keys/../log/x", "archive.db", "archive.toml", "lock", "."]
)
def test_the_archive_s_own_files_are_out_of_reach(tmp_path: Path, path: str) -> None:
    with pytest.raises(SettingsError, match="channel feed: path must"):
        feed(tmp_path, path=path)


def test_it_may_lie_elsewhere_and_others_may_read_it(tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    feed(tmp_path, path=str(tmp_path / "www" / "x.atom")).send(render(event(), LETTERHEAD))
    assert (tmp_path / "www" / "x.atom").stat().st_mode & 0o444 == 0o444
