"""Rows of texts that were disposed of: they go with all their words, and an older database learns to let them go."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from storage.index import Index
from storage.migrations import STEPS, migrate

ONE, TWO = b"\x01" * 32, b"\x02" * 32


def assessment(seq: int, capture_seq: int, text: bytes) -> tuple[str, dict[str, Any]]:
    row = {"seq": seq, "capture_seq": capture_seq, "normaliser": "text/1", "verdict": "passed", "outcome": "x"}
    return "assessment", {**row, "text_sha256": text}


def wording(text: bytes, *lines: str) -> tuple[str, dict[str, Any]]:
    return "wording", {"text_sha256": text, "lines": lines}


def disposal(text: bytes, capture_seq: int) -> list[tuple[str, dict[str, Any]]]:
    gone = {"text_sha256": text, "lines": None}
    return [("disposed", {"capture_seq": capture_seq, "seq": 9}), ("wording", gone)]


def two_texts() -> list[tuple[str, dict[str, Any]]]:
    return [
        assessment(1, 0, ONE),
        wording(ONE, "shared words", "marmalade"),
        assessment(2, 1, TWO),
        wording(TWO, "shared words", "honey"),
    ]


def found(index: Index, word: str) -> int:
    row = index.row("select count(*) as n from passage_search where passage_search match ?", (word,))
    assert row is not None
    return int(row["n"])


def test_a_text_goes_with_what_no_other_has() -> None:
    index = Index(None)
    index.apply([*two_texts(), *disposal(ONE, 0)])
    assert (found(index, "marmalade"), found(index, "shared"), found(index, "honey")) == (0, 1, 1)
    other = Index(None)
    other.apply([assessment(1, 0, ONE), assessment(2, 1, TWO), wording(TWO, "shared words", "honey")])
    other.apply(disposal(ONE, 0))
    assert list(index.dump()) == list(other.dump()), "the same as in a database made after the file was gone"
    assert list(index.words()) == list(other.words())
    index.apply([assessment(3, 2, ONE), wording(ONE, "shared words", "marmalade")])
    assert found(index, "marmalade") == 1, "a text may come back"


def test_nothing_of_it_is_left_in_the_file(tmp_path: Path) -> None:
    index = Index(tmp_path / "archive.db")
    index.apply(two_texts())
    index.apply(disposal(ONE, 0))
    index.scrub()
    for path in tmp_path.iterdir():
        assert b"marmalade" not in path.read_bytes(), path
    index.close()
    assert b"honey" in (tmp_path / "archive.db").read_bytes()


def test_a_reader_in_the_way_only_puts_it_off(tmp_path: Path) -> None:
    """``archiver search`` beside the daemon, or a backup: what it still sees must go once it has ended."""
    path = tmp_path / "archive.db"
    index = Index(path)
    index.apply(two_texts())
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("begin")
    assert reader.execute("select count(*) from passage").fetchone() == (3,)
    index.apply(disposal(ONE, 0))
    index.scrub()
    assert any(b"marmalade" in file.read_bytes() for file in tmp_path.iterdir()), "the reader still sees it"
    assert not index.empty_log(wait_ms=0)
    reader.execute("rollback")
    index.set_meta("something", "else")
    for file in tmp_path.iterdir():
        assert b"marmalade" not in file.read_bytes(), file
    reader.close()
    index.close()


@pytest.mark.parametrize("table", ["wording", "wording_passage", "passage"])
def test_they_go_with_a_disposal_only(table: str) -> None:
    index = Index(None)
    index.apply(two_texts())
    with pytest.raises(Exception, match="go only with a disposal"):
        index.run(f"delete from {table}")
    assert found(index, "marmalade") == 1


@pytest.mark.parametrize("table", ["hold", "disposed"])
def test_what_was_stated_is_not_changed(table: str) -> None:
    index = Index(None)
    index.apply([*disposal(ONE, 0), ("hold", {"seq": 1, "hold": "h", "subject": "x", "event": "hold_set"})])
    for words in (f"delete from {table}", f"update {table} set seq = 5"):
        with pytest.raises(Exception, match="come from statements"):
            index.run(words)


def test_an_older_database_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    for number, step in enumerate(STEPS[:-1]):
        step(connection)
        connection.execute(f"pragma user_version = {number + 1}")
    connection.close()
    index = Index(path)
    index.apply(two_texts())
    index.apply(disposal(ONE, 0))
    assert found(index, "marmalade") == 0
    index.close()
    again = sqlite3.connect(path)
    migrate(again)
    again.close()
