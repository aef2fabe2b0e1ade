"""Statements: what ``seal`` writes is what is read, one line is read once while it is held, and nothing else passes."""

from __future__ import annotations

import gc
from datetime import UTC, datetime

import pytest

from archiver.errors import FormatError
from archiver.evidence import statement as statements
from archiver.evidence.canonical import encode_line
from archiver.evidence.statement import parse_statement, seal

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)


def line(seq: int = 7) -> bytes:
    return seal("stamp", {"event": "late"}, seq=seq, origin="example.org/log", at=NOON, nonce=bytes(32)).line


def test_reading_is_the_inverse_of_sealing() -> None:
    read = parse_statement(line())
    assert (read.seq, read.kind, read.at, read.line) == (7, "stamp", "2026-05-12T12:00:00.000Z", line())
    assert encode_line(read.body) == line()


def test_a_line_that_is_held_is_not_parsed_again_and_one_that_is_not_is_forgotten() -> None:
    held = parse_statement(line())
    assert parse_statement(bytes(bytearray(line()))) is held
    assert parse_statement(line(8)) is not held
    del held
    gc.collect()
    assert not {line(), line(8)} & set(statements._HELD)


@pytest.mark.parametrize(
    ("defect", "change"),
    [
        ("torn", lambda data: data[:-1]),
        ("not canonical", lambda data: data.replace(b'":', b'": ', 1)),
        ("another number written as a text", lambda data: data.replace(b'"seq":7', b'"seq":"7"')),
        ("no nonce", lambda data: data.replace(b'"nonce"', b'"nonse"')),
        ("no such hour", lambda data: data.replace(b"T12:", b"T24:")),
        ("another version", lambda data: data.replace(b'"v":1', b'"v":2')),
        ("another kind", lambda data: data.replace(b'"stamp"', b'"stomp"')),
    ],
)
def test_what_is_refused_is_refused_each_time_beside_one_that_is_held(defect: str, change: object) -> None:
    assert callable(change)
    held, bad = parse_statement(line()), change(line())
    assert bad != held.line, defect
    for _ in range(2):
        with pytest.raises(FormatError):
            parse_statement(bad)
