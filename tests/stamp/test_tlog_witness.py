"""The client of a witness: what it asks, what it makes of every answer, and that a fork is told from a pause."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from archiver.errors import FormatError, SettingsError
from archiver.evidence.checkpoint import Checkpoint, sign_checkpoint
from archiver.evidence.cosignature import AddCheckpoint, WitnessKey, cosign
from archiver.signing import LogKey
from archiver.stamp.interface import StampFailure
from archiver.stamp.tlog_witness import MAX_TRIES, Given, Witness, open_witness

LOG, OURS = LogKey.generate("log.example/log"), LogKey.generate("witness.example/w1")
KEY = WitnessKey(OURS.verifier.name, OURS.verifier.key)
HEAD = sign_checkpoint(Checkpoint("log.example/log", 20, b"r" * 32), LOG.verifier, LOG.sign)
GOOD = cosign(HEAD, KEY, OURS.sign, 1_700_000_000)
Said = tuple[int, bytes, str]
SIZE = "text/x.tlog.size"


@dataclass
class Scripted:
    """Says what it is told to, one answer after the other, and keeps what it was asked."""

    answers: list[Said] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def scripted(*answers: Said) -> Iterator[tuple[Scripted, Witness]]:
    script = Scripted(list(answers))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            script.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            script.paths.append(self.path)
            status, body, kind = script.answers.pop(0)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if status in (301, 307):
                self.send_header("Location", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
        thread.start()
        try:
            yield script, opened(f"http://127.0.0.1:{server.server_address[1]}/evidence/")
        finally:
            server.shutdown()
            thread.join()


def opened(url: str) -> Witness:
    return open_witness("expert", url, KEY.vkey, min_interval_s=0, timeout_s=10, user_agent="test")


def prove(old: int, new: int) -> tuple[bytes, ...]:
    assert 0 < old < new == 20
    return (bytes([old]) * 32,)


def ask(witness: Witness, known: int = 0, published: int = 25) -> Given | StampFailure:
    return witness.ask(HEAD, known, published, prove)


def test_it_sends_the_proof_from_the_size_it_knows_and_keeps_the_line_as_it_came() -> None:
    with scripted((200, GOOD, "text/plain")) as (script, witness):
        answer = ask(witness, known=5)
        assert isinstance(answer, Given) and answer.line == GOOD
        assert script.paths == ["/evidence/add-checkpoint"]
        assert script.asked == [AddCheckpoint(5, (b"\x05" * 32,), HEAD).to_bytes()]


@pytest.mark.parametrize("known", [0, 20, 24])
def test_without_or_beyond_the_known_size_the_proof_is_empty(known: int) -> None:
    with scripted((200, GOOD, "text/plain")) as (script, witness):
        assert isinstance(ask(witness, known), Given)
        assert AddCheckpoint.from_bytes(script.asked[0]) == AddCheckpoint(20 if known == 20 else 0, (), HEAD)


def test_told_another_size_it_proves_from_there() -> None:
    with scripted((409, b"7\n", f"{SIZE}; charset=utf-8"), (200, GOOD, "text/plain")) as (script, witness):
        assert isinstance(ask(witness), Given)
        assert [AddCheckpoint.from_bytes(body).old for body in script.asked] == [0, 7]


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ([(409, b"26\n", SIZE)], "inconsistent", "size 26, ours is of size 25"),
        ([(409, b"7\n", SIZE), (422, b"no\n", "text/plain")], "inconsistent", "HTTP status 422: the log of size 20"),
        ([(409, b"20\n", SIZE), (409, b"20\n", SIZE)], "inconsistent", "another root of size 20"),
        ([(409, b"20\n", SIZE), (409, b"", "text/plain")], "inconsistent", "another root of size 20"),
        ([(409, b"22\n", SIZE)], "newer", "has cosigned size 22 already"),
        ([(409, b"%d\n" % n, SIZE) for n in range(1, 1 + MAX_TRIES)], "newer", "times in a row"),
        ([(409, b"0\n", SIZE)], "malformed", "refuses size 0"),
        ([(409, b"seven\n", SIZE)], "malformed", "tells no size"),
        ([(409, b"7\n", "text/plain")], "malformed", "without the size"),
        ([(400, b"", "text/plain")], "rejected", "cannot read"),
        ([(403, b"", "text/plain")], "refused", "does not know the key"),
        ([(404, b"", "text/plain")], "unknown_log", "does not know this log"),
        ([(500, b"", "text/plain")], "http_status", "500"),
        ([(429, b"", "text/plain")], "http_status", "429"),
        ([(200, b"", "text/plain")], "malformed", "does not hold"),
        ([(200, GOOD[:-9] + b"\n", "text/plain")], "malformed", "does not hold"),
        ([(200, b"x" * 70_000, "text/plain")], "too_large", "65536"),
        ([(307, b"", "ftp://x/")], "redirect", "without a usable target"),
    ],
)
def test_every_other_answer_is_a_failure_of_its_own(answers: list[Said], code: str, words: str) -> None:
    with scripted(*answers) as (_, witness):
        answer = ask(witness)
        assert isinstance(answer, StampFailure), answer
        assert answer.code == code and words in answer.detail
        waits = {"rejected", "refused", "unknown_log", "too_large", "redirect"}
        assert answer.retryable == (code not in waits)


def test_nobody_there_is_a_pause() -> None:
    answer = ask(opened("http://127.0.0.1:9/"))
    assert isinstance(answer, StampFailure) and (answer.code, answer.retryable) == ("connect", True)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: opened("ftp://x/"), SettingsError),
        (lambda: open_witness("w", "http://x", "k", min_interval_s=0, timeout_s=1, user_agent=""), FormatError),
    ],
)
def test_what_cannot_be_asked_is_refused(make: Callable[[], Witness], error: type[Exception]) -> None:
    with pytest.raises(error):
        make()
