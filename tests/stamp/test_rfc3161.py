"""Asking an authority over HTTP: the real one, and all the ways in which one can misbehave."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from archiver.demo_authority import DemoAuthorityError, make_authority, serve_authority
from archiver.errors import MalformedTimestamp, SettingsError
from archiver.evidence.timestamp import MAX_REPLY, build_request, verify_token
from archiver.stamp.interface import Authority, Reply, StampFailure
from archiver.stamp.rfc3161 import MAX_REDIRECTS, PLUGIN
from tests.simulators.authority import MODES, TimestampAuthority

MESSAGE = b"evidence.example.org/log\n1\nsome root\n"
NONCE = 0xABCDEF
REQUEST = build_request(MESSAGE, NONCE)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimestampAuthority]:
    with TimestampAuthority(tmp_path_factory.mktemp("authority")) as running:
        yield running


@pytest.fixture
def authority(simulator: TimestampAuthority) -> Iterator[TimestampAuthority]:
    simulator.mode = "ok"
    simulator.requests.clear()
    simulator.headers.clear()
    yield simulator
    simulator.mode = "ok"


def client(url: str, timeout_s: float = 20) -> Authority:
    return PLUGIN.open("test", url, min_interval_s=15, timeout_s=timeout_s, user_agent="archiver-test/1")


def failure(authority: TimestampAuthority, mode: str, timeout_s: float = 20) -> StampFailure:
    authority.mode = mode
    answer = client(authority.url, timeout_s).ask(REQUEST)
    assert isinstance(answer, StampFailure)
    return answer


def reply(authority: TimestampAuthority, mode: str) -> Reply:
    authority.mode = mode
    answer = client(authority.url).ask(REQUEST)
    assert isinstance(answer, Reply)
    return answer


def test_a_token_for_the_question_asked(authority: TimestampAuthority) -> None:
    opened = client(authority.url)
    assert isinstance(opened, Authority)
    answer = opened.ask(REQUEST)
    assert isinstance(answer, Reply)
    assert answer.content_type == "application/timestamp-reply"
    verified = verify_token(answer, MESSAGE, [authority.root_der], nonce=NONCE)
    assert verified.nonce_matched
    assert len(verified.chain) == 3
    assert authority.requests == [REQUEST]
    (sent,) = authority.headers
    assert sent["content-type"] == "application/timestamp-query"
    assert (sent["user-agent"], sent["accept-encoding"]) == ("archiver-test/1", "identity")
    assert "authorization" not in sent


def test_the_environment_changes_nothing(authority: TimestampAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert isinstance(client(authority.url).ask(REQUEST), Reply)


# What arrives as a reply and must not pass verification: mode -> how the reason begins.
UNTRUE = {
    "rubbish": "not a timestamp reply: it begins with b'<!doctype",
    "other_digest": "the token is for other data",
    "wrong_nonce": "nonce mismatch",
    "rejection": "the authority refused: rejection: bad_alg",
    "truncated": "cut off",
    "trailing": "trailing bytes: 1",
    "wrong_ca": "no chain from the signer",
}


@pytest.mark.parametrize("mode", sorted(UNTRUE))
def test_an_untrue_reply_is_handed_on_and_refused_by_verification(authority: TimestampAuthority, mode: str) -> None:
    answer = reply(authority, mode)
    with pytest.raises(MalformedTimestamp) as refusal:
        verify_token(answer, MESSAGE, [authority.root_der], nonce=NONCE)
    assert str(refusal.value).startswith(UNTRUE[mode])


def test_openssl_refuses_a_token_for_other_data_too(authority: TimestampAuthority, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(MESSAGE)
    (tmp_path / "query.tsq").write_bytes(REQUEST)
    for mode, given, accepted in (
        ("ok", ("-data", "data"), True),
        ("ok", ("-queryfile", "query.tsq"), True),
        ("other_digest", ("-data", "data"), False),
        ("wrong_nonce", ("-queryfile", "query.tsq"), False),
        ("wrong_ca", ("-data", "data"), False),
        ("truncated", ("-data", "data"), False),
    ):
        (tmp_path / "reply.tsr").write_bytes(reply(authority, mode))
        command = ["openssl", "ts", "-verify", *given, "-in", "reply.tsr", "-CAfile", str(authority.root_pem)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode == 0) == accepted, mode


# mode -> code, and whether it may be different in a while.
FAILING = {
    "error_500": ("http_status", True),
    "error_404": ("http_status", False),
    "busy": ("http_status", True),
    "cut": ("closed_early", True),
    "huge": ("too_large", False),
    "empty": ("empty", True),
    "not_http": ("connect", True),
    "redirect_loop": ("redirect", False),
}


@pytest.mark.parametrize("mode", sorted(FAILING))
def test_a_failure_is_a_value(authority: TimestampAuthority, mode: str) -> None:
    found = failure(authority, mode)
    assert (found.code, found.retryable) == FAILING[mode]
    assert found.detail


@pytest.mark.parametrize("mode", ["hang", "drip"])
def test_the_time_for_a_question_ends(authority: TimestampAuthority, mode: str) -> None:
    found = failure(authority, mode, timeout_s=0.4)
    assert (found.code, found.retryable) == ("timeout", True)


def test_every_mode_is_asked_here() -> None:
    assert set(MODES) == {"ok", "redirect", "hang", "drip", *UNTRUE, *FAILING}


def test_retry_after_is_passed_on(authority: TimestampAuthority) -> None:
    assert failure(authority, "busy").retry_after_s == 120


def test_a_redirect_repeats_the_post(authority: TimestampAuthority) -> None:
    answer = reply(authority, "redirect")
    assert verify_token(answer, MESSAGE, [authority.root_der], nonce=NONCE)
    assert authority.requests == [REQUEST, REQUEST]


def test_redirects_are_counted(authority: TimestampAuthority) -> None:
    assert failure(authority, "redirect_loop").detail == f"more than {MAX_REDIRECTS} redirects"
    assert len(authority.requests) == MAX_REDIRECTS + 1


def scripted(*answers: bytes) -> tuple[str, threading.Thread, list[bytes]]:
    """Serve one raw answer for each connection; return the URL, the thread, and what was asked."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def serve() -> None:
        with listener:
            for answer in answers:
                connection, _ = listener.accept()
                with connection, suppress(OSError):  # who asks may hang up before the end
                    request = b""
                    while not request.endswith(REQUEST):
                        request += connection.recv(65536)
                    asked.append(request)
                    connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/tsr", thread, asked


def ask(*answers: bytes, url: str = "") -> tuple[Reply | StampFailure, list[bytes]]:
    served, thread, asked = scripted(*answers)
    answer = client(url.format(served.removeprefix("http://")) if url else served).ask(REQUEST)
    thread.join()
    return answer, asked


HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


def test_a_wrong_or_missing_content_type_is_stated_and_tolerated() -> None:
    answer, _ = ask(HEAD + b"Content-Type: text/plain\r\n\r\nx")
    assert isinstance(answer, Reply)
    assert (answer, answer.content_type) == (b"x", "text/plain")
    answer, _ = ask(HEAD + b"\r\nx")
    assert isinstance(answer, Reply)
    assert answer.content_type is None


@pytest.mark.parametrize(("size", "accepted"), [(MAX_REPLY, True), (MAX_REPLY + 1, False)])
def test_the_ceiling_is_exact_without_an_announced_length(size: int, accepted: bool) -> None:
    answer, _ = ask(HEAD + b"\r\n" + bytes(size))
    assert isinstance(answer, Reply) == accepted


def test_a_coded_answer_is_not_decoded() -> None:
    answer, _ = ask(HEAD + b"Content-Encoding: gzip\r\n\r\nno gzip")
    assert answer == b"no gzip"


@pytest.mark.parametrize(
    "location",
    [b"", b"Location: file:///etc/passwd\r\n", b"Location: ftp://127.0.0.1/\r\n", b"Location: https://\r\n"],
)
def test_redirects_lead_to_http_servers_only(location: bytes) -> None:
    answer, _ = ask(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" + location + b"\r\n")
    assert isinstance(answer, StampFailure)
    assert answer.code == "redirect"


@pytest.mark.parametrize("location", [b"http://[", b"http://[::1", b"//[x]/"])
def test_a_redirect_to_what_is_no_address_is_a_failure(location: bytes) -> None:
    answer, _ = ask(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n")
    assert isinstance(answer, StampFailure)
    assert (answer.code, answer.detail) == ("redirect", "redirect without a usable target")


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://xn--\x80/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://" + b"a" * 70 + b".invalid/\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    ],
    ids=["a host that is not UTF-8", "a label of 70 characters", "a chunk of less than nothing"],
)
def test_what_libraries_raise_unwrapped_is_a_failure_too(sent: bytes) -> None:
    answer, _ = ask(sent)
    assert isinstance(answer, StampFailure)
    assert (answer.code, answer.retryable) == ("malformed", True)


def test_the_body_of_a_redirect_is_never_read_nor_decompressed() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(bytes(2**25)) + packer.flush()
    head = "HTTP/1.1 307 Moved\r\nLocation: {}\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n"
    elsewhere, other, _ = scripted(HEAD + b"\r\nx")
    tracemalloc.start()
    try:
        answer, _ = ask(head.format(elsewhere, len(packed)).encode() + packed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    other.join()
    assert answer == b"x" and peak < 2**23


def test_a_password_stays_out_of_sight_and_with_its_host() -> None:
    elsewhere, other, seen = scripted(HEAD + b"\r\nx")
    moved = f"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\nLocation: {elsewhere}\r\n\r\n".encode()
    answer, asked = ask(moved, url="http://user:p%40ss@{}")
    other.join()
    assert answer == b"x"
    assert b"Authorization: Basic dXNlcjpwQHNz\r\n" in asked[0]
    assert b"uthorization" not in seen[0]
    opened = client("http://user:secret@127.0.0.1:9/x?y=1")
    assert opened.url == "http://127.0.0.1:9/x?y=1"
    assert "secret" not in repr(opened)
    failed = opened.ask(REQUEST)
    assert isinstance(failed, StampFailure)
    assert (failed.code, failed.retryable) == ("connect", True)
    assert "secret" not in failed.detail


def test_an_untrusted_tls_certificate_is_refused(tmp_path: Path) -> None:
    make_authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "signer.pem", tmp_path / "signer.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with listener, connection:
            try:
                context.wrap_socket(connection, server_side=True).close()
            except (ssl.SSLError, OSError):
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    answer = client(f"https://127.0.0.1:{listener.getsockname()[1]}/").ask(REQUEST)
    thread.join()
    assert isinstance(answer, StampFailure)
    assert (answer.code, answer.retryable) == ("tls", False)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://", "127.0.0.1", "http://h:port/", "http://h/#x", ""])
def test_a_useless_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(SettingsError, match="authority test: the URL must begin"):
        client(url)


@pytest.mark.parametrize("url", ["http://[::1]:8080/tsr", "https://tsa.example/path?x=1", "http://timestamp.example"])
def test_a_url_is_kept_as_written(url: str) -> None:
    assert client(url).url == url


def test_the_authority_of_the_demonstration_serves_itself(tmp_path: Path) -> None:
    made = make_authority(tmp_path / "tsa")
    with serve_authority(made) as url:
        answer = client(url).ask(REQUEST)
        refused = client(url).ask(bytes(65 * 1024))
    assert isinstance(answer, Reply)
    assert verify_token(answer, MESSAGE, [made.root_der], nonce=NONCE)
    assert refused == StampFailure("http_status", "HTTP status 413", retryable=False)
    again = make_authority(tmp_path / "tsa")
    assert again.root_der == made.root_der


def test_a_missing_openssl_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DemoAuthorityError, match="the openssl program is not installed"):
        make_authority(tmp_path / "tsa")
