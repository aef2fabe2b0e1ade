"""Mail: over checked TLS, to whom it was meant for, and every refusal told from a passing one."""

from __future__ import annotations

import socket
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archiver.alert.email import PLUGIN, Mail, message_id
from archiver.alert.interface import ChannelFailed, one_line
from archiver.alert.message import render
from archiver.errors import SettingsError
from tests.simulators.alerts import LETTERHEAD, event, surroundings
from tests.simulators.certificates import Authority
from tests.simulators.mailbox import Mailbox

AUTHORITY = Authority()
OTHER = Authority("Somebody Else")
PASSWORD = "pass word, with spaces: #1"
MESSAGE = render(event(), LETTERHEAD)


def mail(folder: Path, box: Mailbox, **keys: Any) -> Mail:
    (folder / "ca.pem").write_bytes(AUTHORITY.pem)
    (folder / "password").write_text(f"{PASSWORD}\n", "utf-8")
    values = {"host": "localhost", "port": box.port, "from": "archive@example.org", "to": ["legal@example.org"]}
    opened = PLUGIN.open("mail", {**values, "ca_file": "ca.pem", **keys}, surroundings(folder))
    assert isinstance(opened, Mail)
    return opened


LOGIN = {"user": "archive", "password_file": "password"}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_mail_goes_over_tls_after_a_login(tmp_path: Path, tls: str) -> None:
    with Mailbox(AUTHORITY.valid("localhost"), implicit=tls == "implicit", password="geheim") as box:
        channel = mail(tmp_path, box, tls=tls, **LOGIN)
        (tmp_path / "password").write_text("geheim\r\nmore\n")
        channel.send(MESSAGE)
    [arrived] = box.mails
    assert arrived.over_tls and arrived.user == "archive"
    assert (arrived.sender, arrived.to) == ("archive@example.org", ("legal@example.org",))
    letter = arrived.letter
    assert letter["Message-ID"] == "<EA-A-00000123@evidence.example.org/log>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime.isoformat() == "2026-05-12T15:09:41+00:00"
    assert letter["Subject"] == "[Example Archive] Example Corp: Terms of Service: wording changed"
    assert letter.get_content_type() == "multipart/alternative"
    assert "[-fourteen-]{+seven+}" in arrived.part("plain") and "<del" in arrived.part("html")
    assert max(map(len, arrived.raw.splitlines())) <= 998


@pytest.mark.parametrize(
    ("identity", "says"),
    [
        (AUTHORITY.expired("localhost"), "certificate has expired"),
        (AUTHORITY.wrong_host(), "Hostname mismatch"),
        (OTHER.valid("localhost"), "unable to get local issuer certificate"),
    ],
    ids=["expired", "wrong-host", "unknown-root"],
)
@pytest.mark.parametrize("implicit", [False, True])
def test_a_bad_certificate_gets_no_mail_and_no_password(
    tmp_path: Path, identity: Any, says: str, implicit: bool
) -> None:
    with Mailbox(identity, implicit=implicit, password="geheim") as box:
        channel = mail(tmp_path, box, tls="implicit" if implicit else "starttls", **LOGIN)
        with pytest.raises(ChannelFailed, match=says) as failure:
            channel.send(MESSAGE)
    assert failure.value.retry and box.mails == []


def test_a_server_without_starttls_gets_nothing(tmp_path: Path) -> None:
    with Mailbox() as box:
        with pytest.raises(ChannelFailed, match="lacks STARTTLS"):
            mail(tmp_path, box).send(MESSAGE)
        assert box.mails == []
        mail(tmp_path, box, tls="none").send(MESSAGE)
        assert len(box.mails) == 1 and not box.mails[0].over_tls


def test_a_refused_login_waits_for_a_better_password(tmp_path: Path) -> None:
    with Mailbox(AUTHORITY.valid("localhost"), password=PASSWORD) as box:
        channel = mail(tmp_path, box, **LOGIN)
        (tmp_path / "password").write_text("wrong\n")
        with pytest.raises(ChannelFailed) as failure:
            channel.send(MESSAGE)
        assert failure.value.what == "the login was refused (535)" and failure.value.retry
        (tmp_path / "password").write_text(PASSWORD)
        channel.send(MESSAGE)  # read anew for each delivery
        assert len(box.mails) == 1


def test_a_password_that_cannot_be_sent_is_told_and_not_shown(tmp_path: Path) -> None:
    with Mailbox(AUTHORITY.valid("localhost"), password="geheim") as box:
        channel = mail(tmp_path, box, **LOGIN)
        (tmp_path / "password").write_text("größe")
        with pytest.raises(ChannelFailed, match="user or password has characters beyond ASCII"):
            channel.send(MESSAGE)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("code", "retry"), [(450, True), (452, True), (550, False), (554, False)])
def test_4xx_is_tried_again_and_5xx_is_final(tmp_path: Path, command: str, code: int, retry: bool) -> None:
    with Mailbox(AUTHORITY.valid("localhost")) as box:
        box.answers[command] = f"{code} for \x1b[31mreasons"
        with pytest.raises(ChannelFailed, match=rf"{code} for \[31mreasons") as failure:
            mail(tmp_path, box).send(MESSAGE)
    assert failure.value.retry is retry and box.mails == []


@pytest.mark.parametrize(("code", "retry"), [(450, True), (550, False)])
def test_one_refused_recipient_of_several_is_a_failure(tmp_path: Path, code: int, retry: bool) -> None:
    with Mailbox(AUTHORITY.valid("localhost")) as box:
        box.refused["gone@example.org"] = f"{code} nobody"
        with pytest.raises(ChannelFailed, match=f"1 of 2 recipients refused: {code} nobody") as failure:
            mail(tmp_path, box, to=["legal@example.org", "gone@example.org"]).send(MESSAGE)
    assert failure.value.retry is retry
    assert [arrived.to for arrived in box.mails] == [("legal@example.org",)]


def test_names_beyond_ascii(tmp_path: Path) -> None:
    with Mailbox(AUTHORITY.valid("localhost")) as box:
        channel = mail(tmp_path, box, to=["legal@bücher.example", "grüße@straße.example"])
        channel.send(render(event(title="Nutzungsbedingungen für Bücher 条款"), LETTERHEAD))
    assert box.mails[0].to == ("legal@xn--bcher-kva.example", "grüße@xn--strae-oqa.example")
    assert "für Bücher 条款" in box.mails[0].letter["Subject"]


@given(st.text(max_size=300))
@example("Terms\r\nBcc: x@example.com")
@example("=?utf-8?q?=0D=0ABcc:_x@example.com?=")
@example("=?=?utf-8?q?=0ABcc:_x@example.com?=")
@example("==?utf-8?b?CkJjYzogeEBleGFtcGxlLmNvbQ==?=")
@example("x" * 70 + " =?utf-8?q?=0ABcc:_x?=")
def test_no_title_makes_a_header_field(title: str) -> None:
    channel = Mail("m", "h", 25, "none", "a@example.org", ("b@example.org",), "", None, None, 1, connect_nowhere)
    letter = channel.letter(render(event(title=title, entity=title, url=title), LETTERHEAD))
    read = message_from_bytes(letter.as_bytes(), policy=policy.default)
    fields = "Subject From To Date Message-ID Auto-Submitted X-Auto-Response-Suppress MIME-Version Content-Type".split()
    assert sorted(read.keys()) == sorted(fields)
    shown = one_line(str(read["Subject"]), 1000)
    assert shown.endswith("wording changed") and shown.startswith("[Example Archive] ")


def connect_nowhere(host: str, port: int, timeout_s: float, allow_private: tuple[str, ...] | None) -> socket.socket:
    raise AssertionError(host)


@pytest.mark.parametrize(
    "identifier",
    [
        "EA-A-1@localhost:8080/log",
        "a b@c",
        "x@",
        "@x",
        "a@b@c",
        "a..b@c",
        "ä@b",
        "a@b\r\nBcc: c",
        "a" * 300 + "@b",
        "\udcff",
    ],
)
def test_an_odd_identifier_makes_a_message_id_all_the_same(identifier: str) -> None:
    made = message_id(identifier)
    assert made == message_id(identifier) and made.endswith("@evidence-archiver.invalid>") and made.isascii()
    assert made != message_id(identifier + "x")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"to": []}, "to must be a list"),
    ({"to": ["Legal <legal@example.org>"]}, "to must be an address"),
    ({"to": ["legal@example.org\r\nBcc: x@y"]}, "to must be a list of texts of one line"),
    ({"from": "nobody"}, "from must be an address"),
    ({"to": ["a@-\u2024.x"]}, "to has a domain that is no host name"),
    ({"host": "ex ample.\u2024"}, "host is no host name"),
    ({"port": 0}, "port must be"),
    ({"port": "25"}, "port must be"),
    ({"tls": "maybe"}, "tls must be one of"),
    ({"user": "archive"}, "password_file is missing"),
    ({"user": "archive", "password": "x"}, "password_file is missing"),
    ({"user": "archive", "password_file": "a", "password_credential": "b"}, "exclude each other"),
    ({"user": "archive", "password_credential": "../b"}, "must be the name of a credential"),
    ({"tls": "none", **LOGIN}, "in the clear"),
]


@pytest.mark.parametrize(("keys", "says"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_meant_is_refused(tmp_path: Path, keys: dict[str, Any], says: str) -> None:
    values = {"host": "localhost", "from": "archive@example.org", "to": ["legal@example.org"]}
    with pytest.raises(SettingsError, match=says):
        PLUGIN.open("mail", values | keys, surroundings(tmp_path))


def test_the_password_may_be_a_credential_of_the_service_manager(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    keys = {
        "host": "localhost",
        "from": "a@example.org",
        "to": "b@example.org",
        "user": "x",
        "password_credential": "smtp",
    }
    with Mailbox(AUTHORITY.valid("localhost"), user="x", password="geheim") as box:
        (tmp_path / "ca.pem").write_bytes(AUTHORITY.pem)
        around = surroundings(tmp_path, credentials=tmp_path / "credentials")
        channel = PLUGIN.open("mail", {**keys, "port": box.port, "ca_file": "ca.pem"}, around)
        with pytest.raises(ChannelFailed, match="password_credential: No such file"):
            channel.send(MESSAGE)
        (tmp_path / "credentials" / "smtp").write_text("geheim")
        channel.send(MESSAGE)
        assert len(box.mails) == 1
