"""``archive.db``: rows derived from statements, plus operational tables; one transaction a batch, WAL, FULL.

Deleting the file loses nothing but retry times: ``archiver rebuild`` derives every projection row again.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from storage.errors import Corrupt, Full, StorageError, Unwritable
from storage.migrations import PROJECTION, STEPS, migrate
from storage.wordings import add_wording, remove_wording

Row = dict[str, Any]
TableRow = tuple[str, Row]
BUSY_MS = 30_000
URL_CACHE = 20_000
_HELD_BY_NO_ROW = (OverflowError, UnicodeEncodeError)
"""Asked for a number beyond 64 bits or for half a surrogate pair, as a command line may hold: no row has it."""


_BY_DIGEST = {
    "wording": "select text_sha256, lines, words from wording order by text_sha256",
    "passage": "select sha256, line from passage order by sha256",
    "wording_passage": "select w.text_sha256, p.place, l.sha256 from wording w cross join wording_passage p"
    " on p.wording_id = w.id join passage l on l.id = p.passage_id order by w.text_sha256, p.place",
}
"""How the rows of texts are told where numbers would say nothing."""


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "full" in text:
            raise Full(path, text) from error
        if "readonly" in text or "unable to open" in text:
            raise Unwritable(path, text) from error
        raise StorageError(path, text) from error
    except sqlite3.DatabaseError as error:
        is_none = type(error) is sqlite3.DatabaseError  # "file is not a database", "disk image is malformed"
        raise Corrupt(path, f"{error}; run archiver rebuild" if is_none else str(error)) from error


class Index:
    """The database of one archive; one connection, shared by threads under a lock."""

    def __init__(self, path: Path | None, *, read_only: bool = False) -> None:
        self._name = "archive.db" if path is None else path.name
        self._lock = threading.RLock()
        self._read_lock = self._lock
        self._urls: dict[str, int] = {}
        self._owes_emptying = False
        with _translated(self._name):
            if path is None:
                self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            elif read_only:
                self._db = sqlite3.connect(
                    f"file:{_quoted(path)}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
                )
            else:
                self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._reader = self._db
            self._db.row_factory = sqlite3.Row
            self._db.execute(f"pragma busy_timeout = {BUSY_MS}")
            if not read_only:
                self._write_ahead()
                self._db.execute("pragma synchronous = full")
                self._db.execute("pragma cache_size = -32000")
                self._db.execute("pragma secure_delete = on")  # what was disposed of must not stay in free pages
                self._refuse_newer()
                migrate(self._db)
                if path is not None:
                    # Readers must not wait for the sync of a commit: they have a connection of their own.
                    self._reader = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
                    self._reader.row_factory = sqlite3.Row
                    self._reader.execute(f"pragma busy_timeout = {BUSY_MS}")
                    self._reader.execute("pragma query_only = on")
                    self._read_lock = threading.RLock()
            else:
                self._bring_up(path)

    def _write_ahead(self) -> None:
        """Have the database keep a write-ahead log; SQLite does not wait for others here, whatever its time limit."""
        until = time.monotonic() + BUSY_MS / 1000
        while self._db.execute("pragma journal_mode").fetchone()[0] not in ("wal", "memory"):
            try:
                self._db.execute("pragma journal_mode = wal")
            except sqlite3.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def _bring_up(self, path: Path | None) -> None:
        """Bring a database of earlier software to the present schema, if it may be written."""
        version = self._refuse_newer()
        if version == len(STEPS) or path is None:
            return
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as writable:
                writable.execute(f"pragma busy_timeout = {BUSY_MS}")
                migrate(writable)
        except sqlite3.OperationalError as error:
            what = f"schema {version}, this software reads {len(STEPS)}, and it cannot be brought up to that: {error}"
            raise Corrupt(self._name, f"{what}; run archiver rebuild") from error

    def _refuse_newer(self) -> int:
        (version,) = self._db.execute("pragma user_version").fetchone()
        if version > len(STEPS):
            raise Corrupt(self._name, f"schema {version} is of newer software, this one reads {len(STEPS)}")
        return int(version)

    def close(self) -> None:
        """Close the connection; the last one checkpoints the write-ahead log."""
        with self._lock, self._read_lock:
            if self._reader is not self._db:
                self._reader.close()
            self._db.close()

    # -- writing ---------------------------------------------------------------------------------

    def apply(self, rows: Iterable[TableRow], operational: Iterable[tuple[str, Sequence[Any]]] = ()) -> None:
        """Insert rows (``url`` and ``final_url`` texts become ids) and run operational SQL, all in one transaction."""
        with self._lock, _translated(self._name):
            self._db.execute("begin immediate")
            try:
                self._insert(rows)
                for sql, arguments in operational:
                    self._db.execute(sql, arguments)
                self._db.execute("commit")
            except BaseException:
                self._urls.clear()
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise
            if self._owes_emptying:
                self.empty_log(wait_ms=0)

    def _insert(self, rows: Iterable[TableRow]) -> None:
        """Insert rows; those of a disposal after all that stand before them, and before all that follow."""
        run: list[TableRow] = []
        for table, row in rows:
            if table == "disposed" or (table == "wording" and row["lines"] is None):
                self._insert_run(run)
                self._insert_run([(table, row)])
                run = []
            else:
                run.append((table, row))
        self._insert_run(run)

    def _insert_run(self, rows: Iterable[TableRow]) -> None:
        """Insert table by table; within a table the order stays, and addresses get ids in the order of rows."""
        grouped: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = {}
        for table, row in rows:
            for name in ("url_id", "final_url_id"):
                if name in row:
                    row = {**row, name: self._url_id(row[name])}
            grouped.setdefault((table, tuple(row)), []).append(tuple(row.values()))
        for (table, names), values in grouped.items():
            if table == "wording":
                for sha256, lines in values:
                    if lines is None:
                        remove_wording(self._db, sha256)
                    else:
                        add_wording(self._db, sha256, lines)
                continue
            verb = "insert or ignore" if table == "digest" else "insert"
            places = ", ".join("?" * len(names))
            self._db.executemany(f"{verb} into {table} ({', '.join(names)}) values ({places})", values)

    def _url_id(self, url: str | None) -> int | None:
        if url is None:
            return None
        known = self._urls.get(url)
        if known is None:
            added = self._db.execute("insert or ignore into url (url) values (?)", (url,))
            known = added.lastrowid if added.rowcount else None
            if known is None:
                (known,) = self._db.execute("select id from url where url = ?", (url,)).fetchone()
            assert known is not None
            if len(self._urls) >= URL_CACHE:
                self._urls.clear()
            self._urls[url] = known
        return known

    def run(self, sql: str, arguments: Sequence[Any] = ()) -> None:
        """Run one statement on an operational table, committed on return."""
        self.apply((), [(sql, arguments)])

    # -- reading ---------------------------------------------------------------------------------

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[Row]:
        """Every row of a query, as of the last commit."""
        with self._read_lock, _translated(self._name):
            try:
                return [dict(row) for row in self._reader.execute(sql, arguments)]
            except _HELD_BY_NO_ROW:
                return []

    def row(self, sql: str, arguments: Sequence[Any] = ()) -> Row | None:
        """The first row of a query as of the last commit, or None."""
        with self._read_lock, _translated(self._name):
            try:
                found = self._reader.execute(sql, arguments).fetchone()
            except _HELD_BY_NO_ROW:
                return None
            return None if found is None else dict(found)

    def known_urls(self, urls: Sequence[str]) -> set[str]:
        """Return those of at most 500 addresses that a row of the last commit names."""
        places = ", ".join("?" * len(urls))
        with self._read_lock, _translated(self._name):
            rows = self._reader.execute(f"select url from url where url in ({places})", urls)
            return {row["url"] for row in rows}

    def knows_any_url(self, urls: Iterable[str]) -> bool:
        """Say whether a row of the last commit names one of these addresses: the quick way to find none of the rest."""
        with self._read_lock, _translated(self._name):
            for url in urls:
                if self._reader.execute("select 1 from url where url = ?", (url,)).fetchone():
                    return True
        return False

    def next_seq(self) -> int:
        """One more than the highest statement that has a row."""
        found = self.row("select max(seq) as last from statement")
        return 0 if found is None or found["last"] is None else int(found["last"]) + 1

    def meta(self, key: str) -> str | None:
        """An operational value, or None."""
        found = self.row("select value from meta where key = ?", (key,))
        return None if found is None else str(found["value"])

    def set_meta(self, key: str, value: str) -> None:
        """Set an operational value, committed on return."""
        self.run("insert into meta values (?, ?) on conflict (key) do update set value = excluded.value", (key, value))

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Every row of every projection table in a fixed order: two equal indexes give equal dumps.

        Texts and their lines are told by their digests, for their numbers depend on what was disposed of and when.
        """
        with self._lock, _translated(self._name):
            for table in PROJECTION:
                if table in _BY_DIGEST:
                    for row in self._db.execute(_BY_DIGEST[table]):
                        yield table, tuple(row)
                    continue
                names = [r[1] for r in self._db.execute(f"pragma table_info({table})")]
                order = ", ".join(str(n + 1) for n in range(len(names)))
                for row in self._db.execute(f"select * from {table} order by {order}"):
                    yield table, tuple(row)

    def words(self) -> Iterator[tuple[str, int, int]]:
        """Every word that can be searched for, in order: the word, passages that hold it, how often it stands there."""
        with self._lock, _translated(self._name):
            self._db.execute("create virtual table if not exists temp.words using fts5vocab(main, passage_search, row)")
            for row in self._db.execute("select term, doc, cnt from temp.words"):
                yield row[0], row[1], row[2]

    def scrub(self) -> None:
        """Leave nothing of deleted rows in the file: in the index of search, in free pages, in the write-ahead log.

        Can be done at any time, and again. A reader beside us may keep the log from being emptied; then each later
        transaction tries again.
        """
        with self._lock, _translated(self._name):
            self._db.execute("insert into passage_search (passage_search) values ('optimize')")
            self.empty_log(wait_ms=BUSY_MS // 10)

    def empty_log(self, *, wait_ms: int) -> bool:
        """Move the write-ahead log into the database and cut it off; False where a reader was in the way so long."""
        with self._lock, _translated(self._name):
            self._db.execute(f"pragma busy_timeout = {wait_ms}")
            try:
                self._owes_emptying = bool(self._db.execute("pragma wal_checkpoint(truncate)").fetchone()[0])
            except sqlite3.OperationalError:  # another connection is at the same thing
                self._owes_emptying = True
            finally:
                self._db.execute(f"pragma busy_timeout = {BUSY_MS}")
            return not self._owes_emptying

    def check(self) -> list[str]:
        """What SQLite's own integrity check finds; empty when nothing."""
        with self._lock, _translated(self._name):
            return [r[0] for r in self._db.execute("pragma integrity_check") if r[0] != "ok"]

    def image(self) -> bytes:
        """The committed database as bytes (for tests that model a power loss)."""
        # By way of a copy: a connection that goes on after ``serialize`` or ``deserialize`` can crash SQLite 3.40.
        with self._lock, closing(sqlite3.connect(":memory:")) as copy:
            self._db.backup(copy)
            return bytes(copy.serialize())

    def load(self, image: bytes) -> None:
        """Become the database of an ``image``."""
        with self._lock, closing(sqlite3.connect(":memory:")) as copy:
            self._urls.clear()
            copy.deserialize(image)
            copy.backup(self._db)


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.absolute()))
