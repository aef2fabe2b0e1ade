"""Texts in the database: each distinct line once, found by words; a text is a list of such lines.

Their numbers say nothing: a text that was disposed of leaves a gap here and none in a database made again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence

PIECE = 400
"""Digests asked for at once: well below the number of variables SQLite allows."""


def add_wording(connection: sqlite3.Connection, text_sha256: bytes, lines: Sequence[str]) -> None:
    """Add a text that is not there yet; lines that other texts have too are shared. Within the caller's transaction."""
    if connection.execute("select 1 from wording where text_sha256 = ?", (text_sha256,)).fetchone():
        return
    words = sum(len(line.split()) for line in lines)
    cursor = connection.execute(
        "insert into wording (text_sha256, lines, words) values (?, ?, ?)", (text_sha256, len(lines), words)
    )
    digests = [hashlib.sha256(line.encode()).digest() for line in lines]
    known = _known(connection, digests)
    for digest, line in zip(digests, lines, strict=True):
        if digest not in known:
            added = connection.execute("insert into passage (sha256, line) values (?, ?)", (digest, line))
            known[digest] = int(added.lastrowid or 0)
    connection.executemany(
        "insert into wording_passage (wording_id, place, passage_id) values (?, ?, ?)",
        [(cursor.lastrowid, place, known[digest]) for place, digest in enumerate(digests)],
    )


def remove_wording(connection: sqlite3.Connection, text_sha256: bytes) -> None:
    """Remove a text that was disposed of, if it is there, and those of its lines that no other text has."""
    found = connection.execute("select id from wording where text_sha256 = ?", (text_sha256,)).fetchone()
    if found is None:
        return
    passages = connection.execute("select distinct passage_id from wording_passage where wording_id = ?", (found[0],))
    lines = [row[0] for row in passages.fetchall()]
    connection.execute("delete from wording_passage where wording_id = ?", (found[0],))
    connection.execute("delete from wording where id = ?", (found[0],))
    connection.executemany(
        "delete from passage where id = ? and not exists (select 1 from wording_passage where passage_id = ?)",
        [(line, line) for line in lines],
    )


def _known(connection: sqlite3.Connection, digests: Sequence[bytes]) -> dict[bytes, int]:
    wanted = list(dict.fromkeys(digests))
    known: dict[bytes, int] = {}
    for first in range(0, len(wanted), PIECE):
        piece = wanted[first : first + PIECE]
        places = ", ".join("?" * len(piece))
        known.update(connection.execute(f"select sha256, id from passage where sha256 in ({places})", piece).fetchall())
    return known
