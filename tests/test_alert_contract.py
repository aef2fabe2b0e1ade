"""What every kind of channel must do; a new kind is a new rig here, or the first test fails."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import feedparser
import pytest

import archiver.alert
from archiver.alert.atom import urn
from archiver.alert.email import message_id
from archiver.alert.interface import Channel, ChannelFailed, Message
from archiver.alert.message import render, render_test
from archiver.alert.webhook import webhook_id
from archiver.errors import SettingsError
from archiver.registry import plugins
from tests.simulators.alerts import LETTERHEAD, event, surroundings
from tests.simulators.certificates import Authority
from tests.simulators.hook import Hook
from tests.simulators.mailbox import Mailbox

# One of its many plug-ins imports what Python will drop; that is the library's affair.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
KINDS = plugins(archiver.alert)
SECRET = "Tr0ub4dor-and-3"
HOSTILE = [
    "Terms\r\nBcc: everyone@example.com\r\n\r\nBuy now",
    "</title></entry><script>alert(1)</script>",
    "\x1b]0;pwned\x07\x00\udcff\ufffe\u202egnp.exe",
    "a" * 1_000_000,
    "{{ 7*7 }} %s %(x)s $(id) `id` ; rm -rf ~",
    "=?utf-8?q?=0ABcc:_x@example.com?=",
    "",
]


class Rig(ABC):
    """One kind of channel with its other end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: dict[str, Any] = {}

    def open(self, timeout_s: float = 10.0) -> Channel:
        opened = KINDS[self.kind].open("out", self.keys, surroundings(self.folder, timeout_s=timeout_s))
        assert isinstance(opened, Channel)
        return opened

    kind = ""

    @abstractmethod
    def arrived(self) -> list[tuple[str, str]]:
        """(identifier, what is readable) of everything that arrived, repeats of one identifier once."""

    def name_of(self, message: Message) -> str:
        """The identifier by which the other end knows a message."""
        return message.id

    @abstractmethod
    def break_it(self) -> None:
        """Let the next delivery fail, with the secret in what the other end says where it can speak."""

    @abstractmethod
    def hang(self) -> None:
        """Let the next delivery find an other end that does not answer."""

    @abstractmethod
    def close(self) -> None:
        """Take everything down."""


class MailRig(Rig):
    kind = "email"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        authority = Authority()
        (folder / "ca.pem").write_bytes(authority.pem)
        (folder / "password").write_text(f"{SECRET}\n")
        self.box = Mailbox(authority.valid("localhost"), password=SECRET)
        self.box.__enter__()
        self.keys = {
            "host": "localhost",
            "port": self.box.port,
            "from": "archive@example.org",
            "to": ["legal@example.org"],
            "user": "archive",
            "password_file": "password",
            "ca_file": "ca.pem",
        }

    def arrived(self) -> list[tuple[str, str]]:
        letters = [mail.letter for mail in self.box.mails]
        for letter in letters:
            assert letter["Bcc"] is None and letter["To"] == "legal@example.org"
            assert len(letter.get_all("Subject", [])) == 1 and len(letter["Subject"]) <= 250
        texts = {str(m.letter["Message-ID"]): f"{m.letter['Subject']}\n{m.part('plain')}" for m in self.box.mails}
        return list(texts.items())

    def name_of(self, message: Message) -> str:
        return message_id(message.id)

    def break_it(self) -> None:
        self.box.answers["DATA"] = f"451 no room for {SECRET}"

    def hang(self) -> None:
        self.box.hangs = True

    def close(self) -> None:
        self.box.__exit__(None, None, None)


class HookRig(Rig):
    kind = "webhook"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.hook = Hook()
        self.hook.__enter__()
        (folder / "key").write_text("whsec_" + base64.b64encode(SECRET.encode() * 2).decode())
        self.keys = {"url": self.hook.url, "secret_file": "key", "allow_private": ["127.0.0.0/8"]}

    def arrived(self) -> list[tuple[str, str]]:
        found = {}
        for request in self.hook.requests:
            data = json.loads(request.body)["data"]
            found[request.headers["webhook-id"]] = f"{data['summary']}\n{request.body.decode()}"
        return list(found.items())

    def name_of(self, message: Message) -> str:
        return webhook_id(message.id)

    def break_it(self) -> None:
        self.hook.status = 500
        self.hook.fields["X-Key"] = SECRET

    def hang(self) -> None:
        self.hook.mode = "hang"

    def close(self) -> None:
        self.hook.__exit__(None, None, None)


class FeedRig(Rig):
    kind = "atom"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.keys = {"path": "alerts.atom"}
        self.held: int | None = None

    def arrived(self) -> list[tuple[str, str]]:
        path = self.folder / "alerts.atom"
        feed = feedparser.parse(path.read_bytes() if path.exists() else b"<feed/>", sanitize_html=False)
        entries = reversed(feed.entries)
        return [(entry.id, f"{entry.title}\n{entry.summary}\n{entry.content[0].value}") for entry in entries]

    def name_of(self, message: Message) -> str:
        return urn(message.id)

    def break_it(self) -> None:
        (self.folder / "alerts.atom").write_text(f"<html>{SECRET}</html>")

    def hang(self) -> None:
        self.held = os.open(self.folder, os.O_RDONLY)
        fcntl.flock(self.held, fcntl.LOCK_EX)

    def close(self) -> None:
        if self.held is not None:
            os.close(self.held)


class CommandRig(Rig):
    kind = "command"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.write("import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read() + b'\\n')")
        self.keys = {"command": [sys.executable, str(folder / "told.py"), str(folder / "told")]}

    def write(self, source: str) -> None:
        (self.folder / "told.py").write_text(source)

    def arrived(self) -> list[tuple[str, str]]:
        path = self.folder / "told"
        lines = path.read_bytes().splitlines() if path.exists() else []
        found = {json.loads(line)["id"]: json.loads(line)["data"]["summary"] + line.decode() for line in lines}
        return list(found.items())

    def break_it(self) -> None:
        self.write(f"print({SECRET!r}); raise SystemExit(3)")

    def hang(self) -> None:
        self.write("import time; time.sleep(60)")

    def close(self) -> None:
        (self.folder / "told.py").unlink()


class ServicesRig(Rig):
    kind = "apprise"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.hook = Hook()
        self.hook.status = 200
        self.hook.__enter__()
        (folder / "urls").write_text(f"# ours\njson://archive:{SECRET}@127.0.0.1:{self.hook.port}/x\n")
        self.keys = {"urls_file": "urls"}

    def arrived(self) -> list[tuple[str, str]]:
        found = {}
        for request in self.hook.requests:
            body = json.loads(request.body)
            identifier = next(line for line in body["message"].splitlines() if line.startswith("alert ")).split()[1]
            found[identifier] = f"{body['title']}\n{body['message']}"
        return list(found.items())

    def break_it(self) -> None:
        self.hook.status = 500

    def hang(self) -> None:
        self.hook.mode = "hang"

    def close(self) -> None:
        self.hook.__exit__(None, None, None)


RIGS: list[type[Rig]] = [MailRig, HookRig, FeedRig, CommandRig, ServicesRig]


def test_every_kind_is_held_to_the_contract() -> None:
    assert sorted(rig.kind for rig in RIGS) == list(KINDS)


@pytest.fixture(params=RIGS, ids=lambda rig: rig.kind)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made: Rig = request.param(tmp_path)
    try:
        yield made
    finally:
        made.close()


MESSAGE = render(event(), LETTERHEAD)


def test_a_message_arrives_with_its_subject_its_redline_and_its_identifier(rig: Rig) -> None:
    rig.open().send(MESSAGE)
    [(identifier, text)] = rig.arrived()
    assert identifier == rig.name_of(MESSAGE)
    assert "Example Corp: Terms of Service: wording changed" in text
    assert "fourteen" in text and "seven" in text and MESSAGE.id in text


def test_a_test_message_says_that_it_is_one(rig: Rig) -> None:
    rig.open().send(render_test("out", "2026-05-12T15:09:41.204Z", LETTERHEAD))
    [(_, text)] = rig.arrived()
    assert "TEST: this is a test" in text


def test_the_same_message_twice_does_no_harm_and_others_stay(rig: Rig) -> None:
    channel, other = rig.open(), render(event(124, title="Privacy Policy"), LETTERHEAD)
    for message in (MESSAGE, other, MESSAGE):
        channel.send(message)
    assert {name for name, _ in rig.arrived()} == {rig.name_of(MESSAGE), rig.name_of(other)}
    assert len(rig.arrived()) == 2


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_page_breaks_nothing(rig: Rig, title: str) -> None:
    hunk = ("changed", title, title, (("=", title), ("-", title), ("+", title)))
    hostile = event(
        title=title,
        entity=title,
        url=title,
        counts=((title, 1),),
        publisher_dates=((title, title),),
        facts=((title, title),),
        hunks=(hunk, ("added", "", title, ())),
    )
    message = render(hostile, LETTERHEAD)
    rig.open().send(message)
    [(identifier, text)] = rig.arrived()
    assert identifier == rig.name_of(message)
    assert "wording changed" in text.splitlines()[0]
    assert not set(text) & set("\x00\x07\x1b\udcff\ufffe")
    assert "<script>" not in message.html and len(text) < 1_000_000


def test_a_failure_is_one_line_without_secrets_and_leaves_the_way_open(
    rig: Rig, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    rig.break_it()
    with pytest.raises(ChannelFailed) as failure:
        rig.open().send(MESSAGE)
    said = str(failure.value)
    assert failure.value.retry and failure.value.__cause__ is None
    assert said and said.isprintable() and len(said) <= 300
    log = "" if rig.kind == "command" else caplog.text  # a program's own output is for the log
    for text in (said, log, *capfd.readouterr()):
        assert SECRET not in text and "whsec_" not in text


def test_an_end_that_never_answers_costs_its_time_and_no_more(rig: Rig) -> None:
    channel = rig.open(timeout_s=0.7)
    rig.hang()
    began = time.monotonic()
    with pytest.raises(ChannelFailed) as failure:
        channel.send(MESSAGE)
    assert failure.value.retry and time.monotonic() - began < 5


def test_an_unknown_key_is_named_and_its_value_is_not(rig: Rig) -> None:
    rig.keys["passwort"] = SECRET
    with pytest.raises(SettingsError, match="channel out: unknown key passwort") as failure:
        rig.open()
    assert SECRET not in str(failure.value)


def test_a_missing_or_ill_fitting_key_is_named_and_its_value_is_not(rig: Rig) -> None:
    rig.open()
    needed = {"email": "host", "webhook": "url_file", "atom": "path", "command": "command", "apprise": "urls_file"}
    for key in list(rig.keys):
        whole = dict(rig.keys)
        rig.keys[key] = {"deep": SECRET}
        with pytest.raises(SettingsError, match=f"channel out: {key} ") as failure:
            rig.open()
        assert SECRET not in str(failure.value)
        rig.keys = whole
    rig.keys = {}
    with pytest.raises(SettingsError, match=f"channel out: {needed[rig.kind]} is missing"):
        rig.open()


def test_its_target_tells_no_secret(rig: Rig) -> None:
    channel = rig.open()
    assert (channel.name, channel.kind) == ("out", rig.kind)
    assert channel.target and SECRET not in channel.target and SECRET not in repr(channel)


def test_nobody_there_is_a_failure_that_may_pass(rig: Rig) -> None:
    rig.close()
    if rig.kind in ("atom", "command"):
        rig.keys = {"path": "no/such/folder/x.atom"} if rig.kind == "atom" else {"command": ["/no/such/program"]}
    with pytest.raises(ChannelFailed) as failure:
        rig.open(timeout_s=2).send(MESSAGE)
    assert failure.value.retry
    rig.close = lambda: None  # type: ignore[method-assign]


def test_a_message_keeps_its_identifier_for_ever() -> None:
    assert message_id(MESSAGE.id) == "<EA-A-00000123@evidence.example.org/log>"
    assert webhook_id(MESSAGE.id) == "msg_e384d71e0c7f991f4be4afaf03c3bb3e"
    assert urn(MESSAGE.id) == "urn:uuid:c4d132a4-d9c4-5663-97e9-1347b060dd50"
