"""Rows of a database that a writer beside us is adding to, as they were when the journal was read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storage.index import Index

Dumped = tuple[str, tuple[Any, ...]]
"""A table and a row of it, as ``Index.dump`` gives them."""


def up_to(rows: Iterator[Dumped], limit: int, known: Index) -> Iterator[Dumped]:
    """Leave out what a writer beside us has added since the journal was read."""
    seqs = {"digest": 2, "full_copy": 2, "disposed": 1}
    last = _last_id(known, "url")
    for table, values in rows:
        if table in TEXTS:
            if known.row(f"select 1 as x from {TEXTS[table]} = ?", (values[0],)) is not None:
                yield table, values
        elif (values[0] <= last) if table == "url" else (values[seqs.get(table, 0)] < limit):
            yield table, values


TEXTS = {
    "wording": "wording where text_sha256",
    "wording_passage": "wording where text_sha256",
    "passage": "passage where sha256",
}
"""Where to look whether a row of a text, told by its digest, was there."""


def _last_id(known: Index, table: str) -> int:
    row = known.row(f"select max(id) as id from {table}")
    return 0 if row is None or row["id"] is None else int(row["id"])
