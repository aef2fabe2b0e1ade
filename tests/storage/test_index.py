"""The database of an archive: brought to its present schema by whoever opens it first, and never to another one."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from storage import index as index_module
from storage.errors import Corrupt
from storage.index import Index
from storage.migrations import STEPS


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A database as the first software made it, with a statement in it."""
    path = tmp_path / "archive.db"
    connection = sqlite3.connect(path)
    STEPS[0](connection)
    connection.execute("pragma user_version = 1")
    connection.execute("insert into statement values (0, 'key', '2026-01-01T00:00:00.000Z', x'00', 'j', 0, 1)")
    connection.commit()
    connection.close()
    return path


def test_a_reader_brings_an_earlier_database_up(earlier: Path) -> None:
    index = Index(earlier, read_only=True)
    assert index.next_seq() == 1 and index.rows("select * from provision") == []
    index.close()
    assert sqlite3.connect(earlier).execute("pragma user_version").fetchone() == (len(STEPS),)


def test_several_may_open_it_at_once(earlier: Path) -> None:
    errors: list[BaseException] = []

    def open_it(read_only: bool) -> None:
        try:
            Index(earlier, read_only=read_only).close()
        except BaseException as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    threads = [threading.Thread(target=open_it, args=(n % 3 > 0,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_one_that_cannot_be_written_says_what_to_do(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(index_module, "migrate", refused)
    with pytest.raises(Corrupt, match="run archiver rebuild"):
        Index(earlier, read_only=True)


@pytest.mark.parametrize("read_only", [True, False])
def test_one_of_newer_software_is_left_alone(earlier: Path, read_only: bool) -> None:
    connection = sqlite3.connect(earlier)
    connection.execute(f"pragma user_version = {len(STEPS) + 1}")
    connection.close()
    with pytest.raises(Corrupt, match="newer software"):
        Index(earlier, read_only=read_only)
    assert sqlite3.connect(earlier).execute("select count(*) from sqlite_master where name = 'wording'").fetchone() == (
        0,
    )


def test_what_no_row_can_hold_is_in_none(tmp_path: Path) -> None:
    index = Index(tmp_path / "archive.db")
    for value in (2**63, -(2**70), "half a \udcff character"):
        assert index.row("select * from statement where seq = ?", (value,)) is None
        assert index.rows("select * from statement where kind = ?", (value,)) == []
    index.close()
