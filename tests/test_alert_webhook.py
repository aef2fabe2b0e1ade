"""Webhooks: signed so that the standard's own library accepts them, and sent nowhere else."""

from __future__ import annotations

import base64
import json
import re
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from archiver.alert.digest import render_digest
from archiver.alert.interface import Channel, ChannelFailed
from archiver.alert.message import render, render_test
from archiver.alert.webhook import PLUGIN, key_of, signed_headers
from archiver.errors import FormatError, SettingsError
from tests.simulators.alerts import LETTERHEAD, ORIGIN, event, surroundings
from tests.simulators.certificates import Authority
from tests.simulators.hook import Hook

KEY, NEXT_KEY = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
MESSAGE = render(event(), LETTERHEAD)


def webhook(folder: Path, url: str, /, **keys: Any) -> Channel:
    if not (folder / "key").exists():
        (folder / "key").write_text(f"# since May\n{KEY}\n")
    values = {"url": url, "secret_file": "key", "allow_private": ["127.0.0.0/8", "::1/128"]}
    return PLUGIN.open("hook", {**values, **keys}, surroundings(folder, timeout_s=5))


def test_the_standard_s_library_verifies_what_arrives(tmp_path: Path) -> None:
    with Hook() as hook:
        webhook(tmp_path, hook.url).send(MESSAGE)
    [request] = hook.requests
    Verifier(KEY).verify(request.body, request.headers)
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60
    assert request.path == "/hook" and request.headers["user-agent"] == "archiver-test"
    for spoilt in (request.body + b" ", request.body.replace(b"seven", b"eight")):
        with pytest.raises(WebhookVerificationError):
            Verifier(KEY).verify(spoilt, request.headers)


def test_while_keys_change_each_of_them_signs(tmp_path: Path) -> None:
    with Hook() as hook:
        channel = webhook(tmp_path, hook.url)
        (tmp_path / "key").write_text(f"{NEXT_KEY}\n{KEY}\n")  # read anew: no restart
        channel.send(MESSAGE)
    for key in (KEY, NEXT_KEY):
        Verifier(key).verify(hook.requests[0].body, hook.requests[0].headers)
    assert hook.requests[0].headers["webhook-signature"].count("v1,") == 2


def test_every_try_has_the_same_identifier_and_the_same_body(tmp_path: Path) -> None:
    with Hook() as hook:
        channel = webhook(tmp_path, hook.url)
        hook.status = 503
        with pytest.raises(ChannelFailed):
            channel.send(MESSAGE)
        hook.status = 200
        channel.send(render(event(), LETTERHEAD))
    first, second = hook.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] and first.body == second.body
    assert re.fullmatch(r"msg_[0-9a-f]{32}", first.headers["webhook-id"])


DIGEST = render_digest("weekly 2026-05-18", "hook", [event(), event(2)], "2026-05-18T08:00:00.000Z", LETTERHEAD)


@pytest.mark.parametrize(
    "message", [MESSAGE, DIGEST, render_test("hook", "2026-05-12T15:09:41.204Z", LETTERHEAD)], ids=lambda m: m.kind
)
def test_the_body_is_a_cloudevents_event(tmp_path: Path, message: Any) -> None:
    with Hook() as hook:
        webhook(tmp_path, hook.url).send(message)
    [request] = hook.requests
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    body = json.loads(request.body)
    # CloudEvents 1.0.2, section 3: required attributes, names of attributes, and their types.
    assert body["specversion"] == "1.0" and body["id"] == message.id and body["type"].endswith(message.kind)
    assert body["source"] == f"https://{ORIGIN}" and body["datacontenttype"] == "application/json"
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in body)
    assert all(isinstance(value, str) and value for name, value in body.items() if name != "data")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["time"])


def test_the_data_has_what_a_program_needs(tmp_path: Path) -> None:
    with Hook() as hook:
        webhook(tmp_path, hook.url).send(MESSAGE)
    body = json.loads(hook.requests[0].body)
    assert body["subject"] == "EA-D-00001"
    data = body["data"]
    assert data["class"] == "wording" and (data["version"], data["previous_version"]) == (4, 3)
    assert data["hunks"] == [
        {"kind": "changed", "old": event().hunks[0][1], "new": event().hunks[0][2]},
    ]
    assert data["publisher_dates"] == [{"text": "Last updated 1 May 2026", "value": "2026-05-01"}]
    assert data["hunks_omitted"] == 0 and data["link"] == "https://evidence.example.org/EA-S-00000122"


@pytest.mark.parametrize("status", [100 + 99, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503])
def test_only_2xx_is_success_and_no_redirect_is_followed(tmp_path: Path, status: int) -> None:
    with Hook() as hook, Hook() as elsewhere:
        hook.status, hook.fields = status, {"Location": elsewhere.url, "Retry-After": "120"}
        if status == 199:
            hook.status, hook.mode = 204, "cut"
        with pytest.raises(ChannelFailed) as failure:
            webhook(tmp_path, hook.url).send(MESSAGE)
    assert failure.value.retry and elsewhere.requests == []
    assert failure.value.retry_after_s == (None if status == 199 else 120)


@pytest.mark.parametrize(
    "location", ["http://[", "http://a\xff.example/", "//[x]/", "http://" + "a" * 70 + ".example/"]
)
def test_a_redirect_to_nowhere_is_an_answer_like_any_other(tmp_path: Path, location: str) -> None:
    with Hook() as hook:
        hook.status, hook.fields = 302, {"Location": location, "Retry-After": "7"}
        with pytest.raises(ChannelFailed, match="HTTP status 302") as failure:
            webhook(tmp_path, hook.url).send(MESSAGE)
    assert failure.value.retry and failure.value.retry_after_s == 7


def test_the_body_of_a_redirect_is_never_read_nor_decompressed(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with Hook() as hook:
        hook.status, hook.fields = 302, {"Location": "/x", "Content-Encoding": "gzip"}
        hook.body = packer.compress(bytes(2**25)) + packer.flush()
        tracemalloc.start()
        try:
            with pytest.raises(ChannelFailed, match="HTTP status 302"):
                webhook(tmp_path, hook.url).send(MESSAGE)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 2**23


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_is_success(tmp_path: Path, status: int) -> None:
    with Hook() as hook:
        hook.status = status
        webhook(tmp_path, hook.url).send(MESSAGE)


def test_410_is_the_end(tmp_path: Path) -> None:
    with Hook() as hook:
        hook.status = 410
        with pytest.raises(ChannelFailed, match="HTTP status 410") as failure:
            webhook(tmp_path, hook.url).send(MESSAGE)
    assert not failure.value.retry


@pytest.mark.parametrize("retry_after", ["soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 20, "٣"])
def test_an_odd_retry_after_is_not_believed(tmp_path: Path, retry_after: str) -> None:
    with Hook() as hook:
        hook.status, hook.fields = 503, {"Retry-After": retry_after.encode("latin-1", "replace").decode("latin-1")}
        with pytest.raises(ChannelFailed) as failure:
            webhook(tmp_path, hook.url).send(MESSAGE)
    assert failure.value.retry_after_s is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433", "127.1"])
def test_a_private_address_is_refused_unless_it_is_allowed(tmp_path: Path, host: str) -> None:
    with Hook() as hook:
        with pytest.raises(ChannelFailed, match="its address is not public") as failure:
            webhook(tmp_path, f"http://{host}:{hook.port}/x", allow_private=[]).send(MESSAGE)
        assert failure.value.retry and hook.requests == []


@pytest.mark.parametrize("mode", ["hang", "drip"])
def test_a_slow_receiver_costs_its_time_and_no_more(tmp_path: Path, mode: str) -> None:
    (tmp_path / "key").write_text(KEY)
    keys = {"secret_file": "key", "allow_private": ["127.0.0.0/8"]}
    with Hook() as hook:
        hook.mode = mode
        channel = PLUGIN.open("hook", {**keys, "url": hook.url}, surroundings(tmp_path, timeout_s=0.6))
        began = time.monotonic()
        with pytest.raises(ChannelFailed, match=r"no answer within 0\.6 s"):
            channel.send(MESSAGE)
        assert 0.5 < time.monotonic() - began < 5


def test_the_receiver_s_certificate_is_checked(tmp_path: Path) -> None:
    with Hook(tls=Authority().valid("localhost")) as hook:
        with pytest.raises(ChannelFailed, match="TLS certificate or handshake was refused") as failure:
            webhook(tmp_path, hook.url).send(MESSAGE)
        assert failure.value.retry and hook.requests == []


def test_roots_of_one_s_own_are_enough(tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    with Hook(tls=authority.valid("localhost")) as hook:
        webhook(tmp_path, hook.url, ca_file="ca.pem").send(MESSAGE)
        assert len(hook.requests) == 1
    with Hook(tls=authority.wrong_host()) as hook:
        with pytest.raises(ChannelFailed, match="TLS certificate or handshake was refused"):
            webhook(tmp_path, hook.url, ca_file="ca.pem").send(MESSAGE)
        with pytest.raises(ChannelFailed):
            webhook(tmp_path, hook.url, ca_file="none.pem").send(MESSAGE)
        assert hook.requests == []


def test_a_secret_address_is_read_from_its_file_and_never_told(tmp_path: Path) -> None:
    with Hook() as hook:
        channel = PLUGIN.open(
            "hook",
            {"url_file": "url", "secret_file": "key", "allow_private": ["127.0.0.0/8"]},
            surroundings(tmp_path),
        )
        (tmp_path / "key").write_text(KEY)
        (tmp_path / "url").write_text(f"{hook.url}/t0ken\n")
        channel.send(MESSAGE)
        assert hook.requests[0].path == "/hook/t0ken" and "t0ken" not in channel.target
        for broken in ("", "ftp://t0ken.example/", "http://t0ken.example:99999/", "http://localhost:1/t0ken", "t0ken"):
            (tmp_path / "url").write_text(broken)
            with pytest.raises(ChannelFailed) as failure:
                channel.send(MESSAGE)
            assert "t0ken" not in str(failure.value)


@pytest.mark.parametrize(
    "line",
    ["", "whsec_", "whsec_!!!!", KEY.removeprefix("whsec_"), "whsec_" + base64.b64encode(b"short").decode(),
     "whsec_" + base64.b64encode(b"x" * 65).decode(), "whpk_" + KEY[6:]],
)  # fmt: skip
def test_what_is_no_signing_key_is_refused_and_not_repeated(tmp_path: Path, line: str) -> None:
    with pytest.raises(FormatError) as error:
        key_of(line)
    assert not line or line[6:] not in str(error.value) or not line[6:]
    (tmp_path / "key").write_text(f"{line}\n")
    with pytest.raises(ChannelFailed, match=r"signing key|empty"):
        webhook(tmp_path, "http://127.0.0.1:1/").send(MESSAGE)


def test_there_is_a_ceiling_for_keys(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n" * 9)
    with pytest.raises(ChannelFailed, match="more than 8 signing keys"):
        webhook(tmp_path, "http://127.0.0.1:1/").send(MESSAGE)


@given(st.binary(min_size=24, max_size=64), st.text(max_size=200))
def test_any_key_and_any_body_verify(key: bytes, text: str) -> None:
    body = json.dumps({"x": text}).encode()
    headers = signed_headers("msg_1", int(time.time()), body, [b"z" * 24, key])
    Verifier(key).verify(body, headers)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"url": "ftp://a.example/"}, "url must begin"),
    ({"url": "https:///x"}, "url must begin"),
    ({"url": "https://a.example:port/"}, "url must begin"),
    ({"url": "https://user:geheim@a.example/"}, "must not hold a user name or password"),
    ({"url_file": "x"}, "exclude each other"),
    ({"allow_private": ["0.0.0.0/0"]}, "allow_private must be"),
    ({"allow_private": ["10.0.0.1/8"]}, "allow_private must be"),
    ({"allow_private": [10]}, "allow_private must be"),
    ({"secret": KEY}, "unknown key secret"),
]


@pytest.mark.parametrize(("keys", "says"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_meant_is_refused(tmp_path: Path, keys: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as error:
        webhook(tmp_path, "https://a.example/", **keys)
    assert "geheim" not in str(error.value) and KEY not in str(error.value)
